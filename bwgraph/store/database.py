"""The store: an SQLite file with the histories of any number of tors.

Owns the file: how it is checked, created and opened, its mode, which process may write a series,
and when a bucket expires. Must not know where a bucket comes from.

A file that is not a store of this version is never changed, and no file is created beside it: its
header is read before SQLite opens it.
"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import Any

from bwgraph.model.errors import ExplainedError
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import RESOLUTIONS, StoredBucket, bucket_capacity
from bwgraph.store import owner, schema
from bwgraph.store.file import FileStatus, link_unless_exists, read_header, real_path
from bwgraph.store.owner import Process
from bwgraph.store.restore import SeriesKey

FILE_MODE = 0o600
"The mode of a new store: what passed through a tor, and when, is for its owner only."

MIN_FREE_BYTES = 64 << 10
"Free bytes below which a write error is reported as a full disk."

LOCK_TIMEOUT_S = 1.0
"Seconds to wait for another process that is writing."

MAX_WAL_BYTES = 256 << 10
"Bytes to which the write-ahead log is cut after it was copied into the database."

_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_DISK_FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


class StoreError(Exception):
    """A read or a write that failed and can be tried again; the text says why."""


class StoreGoneError(StoreError):
    """A store whose file was removed or replaced: nothing can be written any more."""


class Store:
    """A store that was checked once and is open to read and, unless ``read_only``, to write.

    The first write creates a missing file. A file is open read-only until the first write. A store
    must be used by one thread at a time. All methods that read or write raise StoreError if that
    fails.
    """

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        """Open and check the file at ``path``.

        Raises ValueError if the file is not a store or is damaged, and ExplainedError if it cannot
        be read, or if it does not exist and ``read_only`` is true.
        """
        self.path = path
        self._read_only = read_only
        self._process = owner.this_process()
        self._connection: sqlite3.Connection | None = None
        self._is_writing = False  # whether connections are opened for writing
        self._read_status: FileStatus | None = None  # the file when it was opened for reading
        self._file_id: tuple[int, int] | None = None  # None as long as there is no file
        self._is_pruned = False
        try:
            if not self._find_file():
                # Fail now, and not at the first write, if the directory does not exist.
                os.stat(path if read_only else real_path(path).parent)  # noqa: PTH116 - as given
        except (OSError, sqlite3.Error, StoreError) as error:
            raise explained(path, error) from None

    def close(self) -> None:
        """Release the series that this process writes, and close the file."""
        if self._connection is not None and self._is_writing:
            process = self._process
            with suppress(sqlite3.Error):
                self._connection.execute(
                    schema.DELETE_WRITER, (process.pid, process.started, process.boot_id)
                )
        self._disconnect()

    def writer(self) -> "Store":
        """Return another store on this file, for a thread of its own that writes.

        The file is created if it does not exist, and is not checked again. The caller closes the
        new store. Raises ExplainedError if the file cannot be created.
        """
        try:
            self._create_file()
        except (OSError, sqlite3.Error, StoreError) as error:
            raise explained(self.path, error) from None
        self._disconnect()  # since a connection for reading may assume that nobody writes
        other = copy(self)
        other._is_writing = True  # noqa: SLF001 - of the same class
        return other

    def series(self) -> list[SeriesKey]:
        """Return the keys of all series, sorted by name."""
        return [
            SeriesKey(str(name), bool(is_sum)) for name, is_sum in self._rows(schema.SELECT_SERIES)
        ]

    def read(self, key: SeriesKey, now: float) -> list[StoredBucket]:
        """Return the buckets of a series that have not expired, by resolution, oldest first.

        Buckets that begin after ``now`` are left out: a wrong clock has written them.
        """
        expired = {resolution: _newest_expired(resolution, now) for resolution in RESOLUTIONS}
        return [
            StoredBucket(resolution, Portion(bucket, *amounts), member_seconds, known_seconds)
            for resolution, bucket, *amounts, member_seconds, known_seconds in self._rows(
                schema.SELECT_BUCKETS, (*key, now)
            )
            if bucket > expired[resolution]
        ]

    def newest_ends(self, key: SeriesKey, now: float) -> dict[int, int]:
        """Return the end of the newest bucket that ``read`` would return, by resolution."""
        rows = self._rows(schema.SELECT_NEWEST_ENDS, (*key, now))
        return {each: end for each, end in rows if end // each > _newest_expired(each, now)}

    def write(
        self, buckets: Mapping[SeriesKey, Sequence[StoredBucket]], now: float
    ) -> dict[SeriesKey, int]:
        """Write buckets and delete expired ones, in one transaction.

        Returns the series that another process writes, with its pid; their buckets are not written.
        """
        refused: dict[SeriesKey, int] = {}
        with self._transaction(writing=True) as connection:
            if not self._is_pruned:
                _prune(connection, now)
            for key, new_buckets in buckets.items():
                series_id = _series_id(connection, key)
                writer_pid = self._claim(connection, series_id)
                if writer_pid is not None:
                    refused[key] = writer_pid
                    continue
                connection.executemany(
                    schema.UPSERT_BUCKET,
                    (
                        (series_id, each, portion.bucket * each, *portion[1:], members, known)
                        for each, portion, members, known in new_buckets
                    ),
                )
            for resolution in RESOLUTIONS:
                last_end = _newest_expired(resolution, now) * resolution
                connection.execute(schema.DELETE_EXPIRED, (resolution, last_end))
        self._is_pruned = True
        return refused

    def _claim(self, connection: sqlite3.Connection, series_id: int) -> int | None:
        """Make this process the writer of a series, or return the pid of another that is alive."""
        wall_time = time.time()
        row = connection.execute(schema.SELECT_WRITER, (series_id,)).fetchone()
        if row is not None:
            *fields, heard_at = row
            writer = Process(*fields)
            is_valid = isinstance(writer.pid, int) and isinstance(heard_at, float)
            is_other = is_valid and writer != self._process
            if is_other and owner.is_alive(writer, wall_time - heard_at):
                return writer.pid
        connection.execute(schema.REPLACE_WRITER, (series_id, *self._process, wall_time))
        return None

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none as long as there is no file."""
        if not self._exists():
            return []
        with self._transaction() as connection:
            return connection.execute(query, parameters).fetchall()

    # The file

    def _find_file(self) -> bool:
        """Check the file when it is first seen; return whether there is one that is not empty.

        Raises ValueError if it is not a store or is damaged.
        """
        if self._file_id is None:
            header = read_header(self.path, schema.HEADER_BYTES)
            if not header:
                return False
            reason = schema.reject_reason(header)
            if reason:
                message = f"{self.path}: {reason}; it is left untouched"
                raise ValueError(message)
            self._file_id = FileStatus.of(self.path).file_id
            try:
                self._check_damage()
            except BaseException:
                self._file_id = None  # so that the file is checked again
                raise
        return True

    def _check_damage(self) -> None:
        """Raise ValueError if the file is damaged."""
        found = ""
        for _ in range(2):
            try:
                connection = self._connect()
                found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
                connection.execute(schema.SELECT_BUCKETS, ("", False, 0)).fetchone()
                connection.execute(schema.SELECT_WRITER, (0,)).fetchone()
            except sqlite3.Error as error:
                self._disconnect()
                if _code(error) not in _DAMAGE_CODES:
                    raise
                found = str(error)
            else:
                self._end_reading()
            if found == "ok":
                return
            # Check again: another process may have begun to write during the check.
            self._disconnect()
        message = (
            f"{self.path}: damaged ({found.splitlines()[0]}); it is left untouched\n"
            "  to save what is readable: sqlite3 FILE .recover | sqlite3 NEW-FILE"
        )
        raise ValueError(message)

    def _exists(self) -> bool:
        """Return whether there is a file that is not empty. Raises StoreError if it is unusable."""
        try:
            return self._find_file()
        except ValueError:
            raise StoreGoneError("another file is in its place") from None
        except (OSError, sqlite3.Error) as error:
            raise StoreError(_error_text(error, self.path)) from None

    def _create_file(self) -> None:
        """Create the file if it does not exist."""
        if not self._exists():
            _create(real_path(self.path))
            self._file_id = FileStatus.of(self.path).file_id

    # Connections

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        """Run a transaction. Any exception rolls it back.

        Raises StoreError for an error of SQLite or of the file, or a number beyond 64 bits.
        """
        try:
            if writing and not self._is_writing and not self._read_only:
                self._disconnect()
                self._create_file()
                self._is_writing = True
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            self._disconnect()
            if isinstance(error, sqlite3.Error | OSError | OverflowError):
                raise StoreError(_error_text(error, self.path)) from None
            raise
        self._end_reading()

    def _connect(self) -> sqlite3.Connection:
        """Return the connection, opened if need be. Raises StoreGoneError if the file changed.

        To read a file that nobody has open SQLite would create two more beside it, and leave them
        there. So it is opened as immutable then: SQLite assumes that nobody writes to it. Such a
        connection is used as long as that is true.
        """
        try:
            status = FileStatus.of(self.path)
        except FileNotFoundError:
            raise StoreGoneError("the file is gone") from None
        if status.file_id != self._file_id:
            raise StoreGoneError("another file is in its place")
        if not self._is_writing and status != self._read_status:
            self._disconnect()
        if self._connection is None:
            if self._is_writing:
                self._connection = _open(self.path, "rw")
                _configure(self._connection)
            else:
                mode = "ro" if status.has_wal else "ro&immutable=1"
                self._connection = _open(self.path, mode)
                self._read_status = status
        return self._connection

    def _end_reading(self) -> None:
        """Close a connection for reading if another process has the file open.

        Otherwise that process could not remove its write-ahead log when it ends.
        """
        if not self._is_writing and self._read_status is not None and self._read_status.has_wal:
            self._disconnect()

    def _disconnect(self) -> None:
        """Close the connection, which rolls back an open transaction."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _open(path: str, mode: str) -> sqlite3.Connection:
    """Open a connection without implicit transactions; ``mode`` may have more URI parameters."""
    return sqlite3.connect(
        f"{real_path(path).as_uri()}?mode={mode}",
        uri=True,
        timeout=LOCK_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _configure(connection: sqlite3.Connection) -> None:
    """Configure a connection that writes.

    Committed data survives the end of the process. A power cut may lose the newest, but does not
    damage the file. Deleted data is overwritten.
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
    """Create an empty store in place of no file or an empty file, complete or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        os.close(descriptor)
        temporary.chmod(FILE_MODE)  # the umask may have removed bits of it
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            for statement in schema.TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
        if path.exists():
            temporary.replace(path)
        else:
            link_unless_exists(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _prune(connection: sqlite3.Connection, now: float) -> None:
    """Limit the buckets of each series, and delete series without buckets and without a writer."""
    for (series_id,) in connection.execute("SELECT id FROM series").fetchall():
        for resolution in RESOLUTIONS:
            which = {"series": series_id, "resolution": resolution}
            limits = {"now": now, "limit": 2 * bucket_capacity(resolution)}
            connection.execute(schema.DELETE_SURPLUS, {**which, **limits})
    connection.execute(schema.DELETE_EMPTY_SERIES)


def _series_id(connection: sqlite3.Connection, key: SeriesKey) -> int:
    """Return the id of a series, which is inserted if it is new."""
    connection.execute(schema.INSERT_SERIES, key)
    return int(connection.execute(schema.SELECT_SERIES_ID, key).fetchone()[0])


def _newest_expired(resolution: int, now: float) -> int:
    """Return the newest bucket that is too old to be kept."""
    return -(-int(now) // resolution) - bucket_capacity(resolution)


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_INTERNAL) & 0xFF


def explained(path: str, error: Exception) -> ExplainedError:
    """Return an error as a message for the user."""
    return ExplainedError(f"{path}: {_error_text(error, path)}")


def _error_text(error: Exception, path: str) -> str:
    """Return the text of an error, without the path."""
    # SQLite reports a full disk in several ways, and only one of them says so.
    if isinstance(error, sqlite3.Error) and _code(error) in _DISK_FULL_CODES:
        with suppress(OSError):
            if shutil.disk_usage(real_path(path).parent).free < MIN_FREE_BYTES:
                return "the disk is full"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
