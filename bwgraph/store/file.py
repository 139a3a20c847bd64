"""Operations on a store's file that need no SQLite.

Owns how a file is distinguished from another that took its place. Knows the name of its
write-ahead log. Must not know what is in a file.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple


class FileStatus(NamedTuple):
    """The status of a file, which shows whether it has changed."""

    file_id: tuple[int, int]
    "The device and the inode; another file in its place has others."
    modified_ns: int
    "The time of the last change, in nanoseconds since 1970."
    size: int
    has_wal: bool
    "Whether there is a write-ahead log: a process has the file open for writing, or was killed."

    @classmethod
    def of(cls, path: str) -> "FileStatus":
        """Return the status of a file. Raises OSError if there is none."""
        status = os.stat(path)  # noqa: PTH116 - keeps the path as it was given
        has_wal = os.path.exists(f"{real_path(path)}-wal")  # noqa: PTH110 - a suffix of the name
        file_id = status.st_dev, status.st_ino
        return cls(file_id, status.st_mtime_ns, status.st_size, has_wal)


def real_path(path: str) -> Path:
    """Return the absolute path of a file, without symbolic links."""
    return Path(os.path.realpath(path))


def read_header(path: str, size: int) -> bytes:
    """Return the first bytes of a file; empty if there is no file.

    Raises ValueError if it is not a regular file, and OSError if it cannot be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - keeps the path as it was given
            message = f"{path}: not a file"
            raise ValueError(message)
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            return file.read(size)
    except FileNotFoundError:
        return b""


def link_unless_exists(temporary: Path, path: Path) -> None:
    """Link ``temporary`` as ``path`` if that does not exist.

    Replaces ``path`` if the file system has no hard links.
    """
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    except OSError:  # not every file system has hard links
        temporary.replace(path)
