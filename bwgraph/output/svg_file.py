"""Pictures as files. Owns their names and modes; what a picture looks like is for ``svg``."""

import os
from datetime import datetime
from pathlib import Path

from bwgraph.screen.frame import Frame

FILE_MODE = 0o600
"What passed through a tor, and when, is nobody else's business."


def save_new(frame: Frame) -> str:
    """Write a new file in the current directory, and say which; never over another."""
    name = f"bwgraph-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
    for number in ("", *(f"-{again}" for again in range(2, 100))):
        path = Path(f"{name}{number}.svg")
        try:
            _write(path, frame, os.O_EXCL)
        except FileExistsError:
            continue
        return str(path)
    raise FileExistsError(f"{name}.svg and more like it are there already")


def write(frame: Frame, path: str) -> None:
    """Write this very file, whatever was in it."""
    _write(Path(path), frame, os.O_TRUNC)


def _write(path: Path, frame: Frame, flag: int) -> None:
    from bwgraph.screen import svg  # noqa: PLC0415 - few want a picture

    data = svg.draw_svg(frame).encode()  # what cannot be drawn costs no file
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        if flag & os.O_EXCL:  # nothing but half a picture is in it
            path.unlink(missing_ok=True)
        raise
