"""Text from outside, made harmless for a terminal.

Owns which characters are shown. Must not know where a text comes from, nor where it goes.
"""

import re

GRAPH_CHARACTERS = "↑↓·×─│┈┊└├┤┬┴╌╍╎╵╷▁▂▃▄▅▆▇█▀▔▲▼"
"""What the screen draws with, besides ASCII and braille. The glyph sets are ``screen.plot``'s; a
test compares them with this."""

_UNSAFE = re.compile(f"[^ -~\u2800-\u28ff{re.escape(GRAPH_CHARACTERS)}]")


def printable(text: str) -> str:
    r"""Replace each character that might not print in exactly one cell.

    >>> printable("caf\u00e9 \x1b[31m \u202e \u6771 e\u0301 ▁▂█")
    'café ?[31m ? ? e? ▁▂█'
    """
    return _UNSAFE.sub(_one_cell, text)


def _one_cell(match: re.Match[str]) -> str:
    import unicodedata  # noqa: PLC0415 - few texts need it, and its tables are large

    char = match[0]
    # Above U+0590 come letters that run from right to left or combine, and characters whose width
    # differs from terminal to terminal.
    known = ord(char) < 0x0590 and char.isprintable()
    narrow = char.isalpha() or unicodedata.east_asian_width(char) in {"N", "Na", "H"}
    return char if known and narrow and not unicodedata.category(char).startswith("M") else "?"
