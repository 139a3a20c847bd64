"""Writing pictures to files.

Owns their names and modes. Must not know what a picture looks like; ``screen.svg`` draws it.
"""

import os
from datetime import datetime
from pathlib import Path

from bwgraph.screen.frame import Frame

FILE_MODE = 0o600
"The mode of a new picture: what passed through a tor, and when, is for its owner only."


def save_new(frame: Frame) -> str:
    """Write a new file in the current directory, and return its name.

    Raises FileExistsError if 99 such names are in use, and OSError if the file cannot be
    written.
    """
    name = f"bwgraph-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
    for number in ("", *(f"-{count}" for count in range(2, 100))):
        path = Path(f"{name}{number}.svg")
        try:
            _write(path, frame, os.O_EXCL)
        except FileExistsError:
            continue
        return str(path)
    raise FileExistsError(f"{name}.svg and 98 similar names are in use")


def write(frame: Frame, path: str) -> None:
    """Write the file at this path, and replace what was in it. Raises OSError if that fails."""
    _write(Path(path), frame, os.O_TRUNC)


def _write(path: Path, frame: Frame, flag: int) -> None:
    from bwgraph.screen import svg  # noqa: PLC0415 - seldom needed

    data = svg.draw_svg(frame).encode()  # first, since an error in it must not empty the file
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        if flag & os.O_EXCL:  # new, and with half a picture in it
            path.unlink(missing_ok=True)
        raise
