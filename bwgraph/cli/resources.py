"""Files that go with bwgraph and are for other programs: units, a profile, completions, a manual.

Owns which there are. They lie in ``share``, so that whoever installs with pip has them, too. Must
not know what is in them: ``tests/cli/test_resources.py`` makes those that are made from the parser.
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
"By what they are asked for."

_EXEC = re.compile(r"^(ExecStart=)bwgraph ", re.MULTILINE)


def text(what: str) -> str:
    """One of them. A unit's command becomes that of the bwgraph that is running."""
    from importlib import resources  # noqa: PLC0415 - nobody else needs it

    file = resources.files("bwgraph") / "share" / FILES[what]
    command = f"{_quoted(sys.executable)} -P -m bwgraph "
    return _EXEC.sub(lambda found: found[1] + command, file.read_text(encoding="utf-8"))


def _quoted(path: str) -> str:
    r"""A path as the first word of a unit's command.

    >>> _quoted("/usr/bin/python3"), _quoted('/opt/50% "of" it/python')
    ('/usr/bin/python3', '"/opt/50%% \\"of\\" it/python"')
    """
    if re.fullmatch(r"[\w/.+-]+", path, re.ASCII):
        return path
    escaped = path.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%")
    return f'"{escaped}"'
