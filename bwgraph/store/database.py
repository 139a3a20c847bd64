"""The past on disk: one SQLite file, which holds the columns of as many tors as have been watched.

Owns the file: its mode, who may write what, and what is too old to stay. Must not know where a
column comes from.

A file that is not a store of this version is never written to, nor is anything put beside it: what
it is is found out from its first bytes, before SQLite opens it.
"""

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bwgraph.model.errors import ExplainedError
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import RESOLUTIONS, Bucket, kept_buckets
from bwgraph.store import owner, schema
from bwgraph.store.owner import Process
from bwgraph.store.restore import SeriesKey

FILE_MODE = 0o600
"What passed through a tor, and when, is nobody else's business."

MIN_FREE_BYTES = 64 << 10
"Bytes; a disk that has no more is full, for what is written here."

LOCK_TIMEOUT_S = 1.0
"Seconds to wait while somebody else writes."

MAX_WAL_BYTES = 256 << 10
"Bytes of the write-ahead log that are left on disk when it has been written back."


class StoreError(Exception):
    """Something could not be read or written now; the text says why, in few words."""


class StoreGoneError(StoreError):
    """The file was taken away, or another is in its place: nothing will be written any more."""


def check(path: str) -> None:
    """Find out whether this is a store, or can become one, and change nothing.

    A ValueError says why it is none; a ExplainedError, why nobody knows.
    """
    try:
        about = os.stat(path)  # noqa: PTH116 - the text is what the user called it
        if not stat.S_ISREG(about.st_mode):
            message = f"{path}: not a file"
            raise ValueError(message)
        with open(path, "rb") as file:  # noqa: PTH123
            header = file.read(schema.HEADER_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise explained(path, error) from None
    if not header:
        return
    left = "; it is left untouched"
    stranger = schema.reject_reason(header)
    if stranger:
        message = f"{path}: {stranger}{left}"
        raise ValueError(message)
    damage = _damage(path)
    if damage:
        message = (
            f"{path}: damaged ({damage}){left}\n"
            "  what can be saved of it: sqlite3 FILE .recover | sqlite3 NEW-FILE"
        )
        raise ValueError(message)


class Store:
    """An open store, to write to or only to look at. One thread at a time may use it.

    A file that is not there is made, unless it is only looked at.
    """

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        """Open it; a ExplainedError says why not."""
        self.path = path
        self._read_only = read_only
        self._process = owner.this_process()
        self._connection: sqlite3.Connection | None = None
        self._pruned = False
        try:
            check(path)
            if not read_only:
                _create(Path(path))
            self._file_id = _file_identity(path)
        except ValueError as error:
            raise ExplainedError(str(error)) from None
        except (OSError, sqlite3.Error) as error:
            raise explained(path, error) from None

    def close(self) -> None:
        """Give up what this process was to write, and let go of the file."""
        if self._connection is not None and not self._read_only:
            mine = self._process
            with suppress(sqlite3.Error):
                self._connection.execute(
                    schema.DELETE_WRITER, (mine.pid, mine.started, mine.boot_id)
                )
        self._disconnect()

    def series(self) -> list[SeriesKey]:
        """Whose past is in it, by name."""
        with self._transaction() as connection:
            rows = connection.execute(schema.SELECT_SERIES).fetchall()
        return [SeriesKey(str(name), bool(of_many)) for name, of_many in rows]

    def read(self, whose: SeriesKey, now: float) -> list[Bucket]:
        """What is known of one past by resolution, oldest first, as far back as it is kept.

        What is of the future, since a clock was wrong once, is left out.
        """
        oldest = {each: _oldest(each, now) for each in RESOLUTIONS}
        with self._transaction() as connection:
            rows = connection.execute(schema.SELECT_BUCKETS, (*whose, now)).fetchall()
        return [
            Bucket(resolution, Portion(column, *amounts), told, whole)
            for resolution, column, *amounts, told, whole in rows
            if column > oldest[resolution]
        ]

    def newest_ends(self, whose: SeriesKey, now: float) -> dict[int, int]:
        """By resolution: where the newest column ends that ``read`` has."""
        with self._transaction() as connection:
            rows = connection.execute(schema.SELECT_NEWEST_ENDS, (*whose, now)).fetchall()
        return {each: end for each, end in rows if end // each > _oldest(each, now)}

    def write(self, news: Mapping[SeriesKey, Sequence[Bucket]], now: float) -> dict[SeriesKey, int]:
        """Put these columns in, forget what is too old, all or nothing; StoreError if nothing.

        Returns those that another process writes, with its number; nothing is put in for them.
        """
        refused: dict[SeriesKey, int] = {}
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if not self._pruned:
                _prune(connection, now)
            for whose, entries in news.items():
                number = _series_id(connection, whose)
                writer = self._claim(connection, number)
                if writer is not None:
                    refused[whose] = writer
                    continue
                connection.executemany(
                    schema.UPSERT_BUCKET,
                    (
                        (number, each, portion.bucket * each, *portion[1:], told, whole)
                        for each, portion, told, whole in entries
                    ),
                )
            for resolution in RESOLUTIONS:
                until = _oldest(resolution, now) * resolution
                connection.execute(schema.DELETE_EXPIRED, (resolution, until))
        self._pruned = True
        return refused

    def _claim(self, connection: sqlite3.Connection, number: int) -> int | None:
        """Become the one who writes an instance, or stay it; else the number of who is."""
        wall = time.time()
        row = connection.execute(schema.SELECT_WRITER, (number,)).fetchone()
        if row is not None:
            *who, heard = row
            writer = Process(*who)
            sound = isinstance(writer.pid, int) and isinstance(heard, float)
            if sound and writer != self._process and owner.is_alive(writer, wall - heard):
                return writer.pid
        mine = self._process
        claim = number, mine.pid, mine.started, mine.boot_id, mine.pid_namespace, wall
        connection.execute(schema.REPLACE_WRITER, claim)
        return None

    def _open_connection(self) -> sqlite3.Connection:
        """The connection, which an error may have closed; Gone if the file is not the same."""
        try:
            if _file_identity(self.path) != self._file_id:
                message = "another file is in its place"
                raise StoreGoneError(message)
        except FileNotFoundError:
            message = "the file is gone"
            raise StoreGoneError(message) from None
        if self._connection is None:
            self._connection = _connect(self.path, look=self._read_only)
            if not self._read_only:
                _set_up(self._connection)
        return self._connection

    @contextmanager
    def _transaction(self, begin: str = "BEGIN") -> Iterator[sqlite3.Connection]:
        """A transaction; what goes wrong in it undoes it, and is StoreError."""
        try:
            connection = self._open_connection()
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise StoreError(_error_text(error, self.path)) from None
        if self._read_only:
            self._disconnect()  # it holds for this moment: see `_connect`

    def _disconnect(self) -> None:
        """Close the connection; an open transaction is undone."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _connect(path: str, *, look: bool) -> sqlite3.Connection:
    """A connection in which each transaction is begun by hand.

    To look at a file that nobody has open SQLite would put two more beside it, and leave them
    there. So it is told that nobody will write; which is true as long as it takes to read it.
    """
    place = os.path.realpath(path)
    mode = "rw"
    if look:
        mode = "ro" if os.path.exists(f"{place}-wal") else "ro&immutable=1"  # noqa: PTH110
    return sqlite3.connect(
        f"{Path(place).as_uri()}?mode={mode}",
        uri=True,
        timeout=LOCK_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _set_up(connection: sqlite3.Connection) -> None:
    """What holds for a connection that writes.

    What was committed outlives the process, though not always a power cut, which in turn never
    harms the file. What is deleted is written over.
    """
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        "wal_autocheckpoint = 64",
        f"journal_size_limit = {MAX_WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _create(path: Path) -> None:
    """Make an empty store where there is no file, or an empty one; whole or not at all."""
    path = Path(os.path.realpath(path))
    if path.exists() and path.stat().st_size:
        return
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    made = Path(name)
    try:
        os.close(number)
        made.chmod(FILE_MODE)  # whatever the umask has taken away
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            for statement in schema.TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
        if path.exists():
            made.replace(path)
        else:
            _rename_unless_exists(made, path)
    finally:
        made.unlink(missing_ok=True)


def _rename_unless_exists(made: Path, path: Path) -> None:
    """Give a file its name, unless somebody was faster, who then has made it for both."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        pass
    except OSError:  # not every file system has links
        made.replace(path)


def _prune(connection: sqlite3.Connection, now: float) -> None:
    """Have no more of any instance than there can be, and none of which there is nothing."""
    numbers = connection.execute("SELECT id FROM series").fetchall()
    for (number,) in numbers:
        for resolution in RESOLUTIONS:
            limit = 2 * kept_buckets(resolution)
            bucket = {"series": number, "resolution": resolution}
            connection.execute(schema.DELETE_SURPLUS, {**bucket, "now": now, "limit": limit})
    connection.execute(schema.DELETE_EMPTY_SERIES)


def _series_id(connection: sqlite3.Connection, whose: SeriesKey) -> int:
    """An instance's, which it is given if it has none."""
    connection.execute(schema.INSERT_SERIES, whose)
    return int(connection.execute(schema.SELECT_SERIES_ID, whose).fetchone()[0])


def _oldest(resolution: int, now: float) -> int:
    """The newest column that is too old to be kept."""
    return -(-int(now) // resolution) - kept_buckets(resolution)


def _damage(path: str) -> str:
    """What is wrong with a file that is a store by its first bytes; empty if nothing."""
    for _ in range(2):
        try:
            with closing(_connect(path, look=True)) as connection:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                connection.execute(schema.SELECT_BUCKETS, ("", False, 0)).fetchone()
                connection.execute(schema.SELECT_WRITER, (0,)).fetchone()
        except sqlite3.Error as error:
            if _code(error) not in _DAMAGE_CODES:
                raise explained(path, error) from None
            found = str(error)
        if found == "ok":
            return ""
        # Once more: somebody may have begun to write while it was read as if nobody would.
    return str(found).splitlines()[0]


_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_DISK_FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


def _code(error: sqlite3.Error) -> int:
    """SQLite's word for what went wrong, without its finer shades."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_INTERNAL) & 0xFF


def _file_identity(path: str) -> tuple[int, int]:
    """What tells a file from another that takes its name."""
    about = os.stat(path)  # noqa: PTH116
    return about.st_dev, about.st_ino


def explained(path: str, error: Exception) -> ExplainedError:
    """What the user is told where nothing can be done."""
    return ExplainedError(f"{path}: {_error_text(error, path)}")


def _error_text(error: Exception, path: str) -> str:
    """What went wrong, without the path."""
    # A full disk has many faces, of which SQLite knows one by that name.
    if isinstance(error, sqlite3.Error) and _code(error) in _DISK_FULL_CODES:
        with suppress(OSError):
            if shutil.disk_usage(Path(path).resolve().parent).free < MIN_FREE_BYTES:
                return "the disk is full"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
