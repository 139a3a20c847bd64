"""The files for other programs: systemd units, a filter profile, completions, a man page.

Owns their names. They are package data, in ``share``, so that pip installs them, too. Must not know
their contents: ``tests/cli/test_resources.py`` generates those that depend on the parser.
"""

import re
import sys

FILES = {
    "systemd": "bwgraph.service",
    "systemd-user": "bwgraph-user.service",
    "onion-grater": "50_bwgraph.yml",
    "completion-bash": "bwgraph.bash",
    "completion-zsh": "_bwgraph",
    "completion-fish": "bwgraph.fish",
    "man": "bwgraph.1",
}
"The file names in ``share``, by the argument of ``bwgraph print``."

_EXEC = re.compile(r"^(ExecStart=)bwgraph ", re.MULTILINE)


def text(what: str) -> str:
    """Return the text of a file. In a unit, the command becomes that of the running bwgraph."""
    from importlib import resources  # noqa: PLC0415 - the graph does not need it

    file = resources.files("bwgraph") / "share" / FILES[what]
    command = f"{_quoted(sys.executable)} -P -m bwgraph "
    return _EXEC.sub(lambda match: match[1] + command, file.read_text(encoding="utf-8"))


def _quoted(path: str) -> str:
    r"""Return a path as the first word of a unit's command, quoted if necessary.

    >>> _quoted("/usr/bin/python3"), _quoted('/opt/50% "of" it/python')
    ('/usr/bin/python3', '"/opt/50%% \\"of\\" it/python"')
    """
    if re.fullmatch(r"[\w/.+-]+", path, re.ASCII):
        return path
    escaped = path.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%")
    return f'"{escaped}"'
