"""Untrusted text, made safe to write to a terminal.

Owns which characters may be written. Must not know where a text comes from, nor where it is shown.
"""

import re

GRAPH_CHARACTERS = "↑↓·×─│┈┊└├┤┬┴╌╍╎╵╷▁▂▃▄▅▆▇█▀▔▲▼"
"""Characters of the graphs besides ASCII and braille. ``screen.plot`` has the glyph sets; a test
compares them with this."""

_UNSAFE = re.compile(f"[^ -~\u2800-\u28ff{re.escape(GRAPH_CHARACTERS)}]")


def printable(text: str) -> str:
    r"""Replace each character that may not print in exactly one cell by '?'.

    >>> printable("caf\u00e9 \x1b[31m \u202e \u6771 e\u0301 ▁▂█")
    'café ?[31m ? ? e? ▁▂█'
    """
    return _UNSAFE.sub(_checked, text)


def _checked(match: re.Match[str]) -> str:
    """Return a matched character, or '?' if it may not print in exactly one cell."""
    import unicodedata  # noqa: PLC0415 - few texts need it, and its tables are large

    char = match[0]
    # From U+0590 on there are letters that run from right to left or combine, and characters whose
    # width differs from terminal to terminal.
    simple = ord(char) < 0x0590 and char.isprintable()
    narrow = char.isalpha() or unicodedata.east_asian_width(char) in {"N", "Na", "H"}
    return char if simple and narrow and not unicodedata.category(char).startswith("M") else "?"
