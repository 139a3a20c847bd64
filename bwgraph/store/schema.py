"""The tables of a store, the SQL that is used on them, and the test that a file is a store.

Owns the schema; a change of it needs another ``VERSION``, and the manual documents it too. Must not
know who opens the file.

A series is the history of one tor, or of a sum of tors. The name of a sum is a JSON list of its
members' names, sorted, so a sum of other members is another series. A row of ``history`` is one
bucket of a series. For a sum:

- ``read`` and ``written`` are the bytes of all members;
- ``covered_seconds`` is the time that the sum's rate refers to, so bytes / covered_seconds is the
  mean rate. It is at most ``known_seconds``, and can become less when another member's bytes arrive
  (see ``model.sum_history``);
- ``read_peak`` and ``written_peak`` are the highest rates of the *sum* in one second. They cannot
  be computed from the members' rows, since members peak at different times;
- ``known_seconds`` is the number of seconds for which any member has data, ``member_seconds`` the
  number of such seconds summed over the members. Every member has data for all of the time if
  member_seconds = known_seconds * number of members.

For a single tor, ``member_seconds`` and ``known_seconds`` are 0.
"""

from bwgraph.model.rollups import RESOLUTIONS

APPLICATION_ID = 0x62776772
"SQLite's application_id of a store: the bytes ``bwgr``."

VERSION = 2
"The version of the schema, in SQLite's user_version."

TABLES = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    is_sum INTEGER NOT NULL,
    UNIQUE (name, is_sum)
);
CREATE TABLE history (
    series INTEGER NOT NULL,
    resolution INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    read INTEGER NOT NULL,
    written INTEGER NOT NULL,
    covered_seconds REAL NOT NULL,
    read_peak REAL NOT NULL,
    written_peak REAL NOT NULL,
    member_seconds INTEGER NOT NULL,
    known_seconds REAL NOT NULL,
    PRIMARY KEY (series, resolution, ends_at)
) WITHOUT ROWID;
CREATE TABLE writer (
    series INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    heard_at REAL NOT NULL
)
"""

MAGIC = b"SQLite format 3\0"
"The first bytes of every SQLite database."

VERSION_OFFSET, APPLICATION_ID_OFFSET, HEADER_BYTES = 60, 68, 100
"Offsets in the header of a database, and its length (SQLite file format, section 1.3)."

MAX_VALUE = (1 << 62) - 1
"The largest amount in a row that is accepted; a row with a larger one is ignored."

SELECT_SERIES = "SELECT name, is_sum FROM series ORDER BY name"

INSERT_SERIES = "INSERT OR IGNORE INTO series (name, is_sum) VALUES (?, ?)"

SELECT_SERIES_ID = "SELECT id FROM series WHERE name = ? AND is_sum = ?"

DELETE_EMPTY_SERIES = """
DELETE FROM series
WHERE id NOT IN (SELECT series FROM history) AND id NOT IN (SELECT series FROM writer)
"""

SELECT_WRITER = """
SELECT pid, started, boot_id, pid_namespace, heard_at FROM writer WHERE series = ?
"""

REPLACE_WRITER = "INSERT OR REPLACE INTO writer VALUES (?, ?, ?, ?, ?, ?)"

DELETE_WRITER = "DELETE FROM writer WHERE pid = ? AND started = ? AND boot_id = ?"

UPSERT_BUCKET = """
INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (series, resolution, ends_at) DO UPDATE SET
    read = excluded.read, written = excluded.written,
    covered_seconds = excluded.covered_seconds,
    read_peak = excluded.read_peak, written_peak = excluded.written_peak,
    member_seconds = excluded.member_seconds, known_seconds = excluded.known_seconds
WHERE excluded.covered_seconds >= history.covered_seconds
    OR excluded.member_seconds > history.member_seconds
"""
"""A bucket replaces a stored one unless it covers less. A sum's bucket to which a member was added
replaces it even then (see ``covered_seconds`` above)."""

DELETE_EXPIRED = """
DELETE FROM history
WHERE series IN (SELECT id FROM series) AND resolution = ? AND ends_at <= ?
"""
"With the ids of all series SQLite searches the primary key, and does not read the whole table."

DELETE_SURPLUS = """
DELETE FROM history WHERE series = :series AND resolution = :resolution AND ends_at IN (
    SELECT ends_at FROM history WHERE series = :series AND resolution = :resolution
    ORDER BY abs(ends_at - :now) LIMIT -1 OFFSET :limit)
"""
"The buckets farthest from the present are deleted: a wrong clock has written them."

_IS_VALID = f"""
    series = (SELECT id FROM series WHERE name = ? AND is_sum = ?)
    AND resolution IN {RESOLUTIONS} AND typeof(ends_at) = 'integer' AND ends_at % resolution = 0
    AND ends_at - resolution < ?
    AND typeof(read) = 'integer' AND read BETWEEN 0 AND {MAX_VALUE}
    AND typeof(written) = 'integer' AND written BETWEEN 0 AND {MAX_VALUE}
    AND typeof(covered_seconds) = 'real' AND covered_seconds BETWEEN 0 AND {MAX_VALUE}
    AND typeof(read_peak) = 'real' AND read_peak BETWEEN 0 AND {MAX_VALUE}
    AND typeof(written_peak) = 'real' AND written_peak BETWEEN 0 AND {MAX_VALUE}
    AND typeof(member_seconds) = 'integer' AND member_seconds BETWEEN 0 AND {MAX_VALUE}
    AND typeof(known_seconds) = 'real' AND known_seconds BETWEEN 0 AND {MAX_VALUE}
"""  # noqa: S608 - of constants
"A row of one series that does not begin in the future, and whose values are in range."

SELECT_BUCKETS = f"""
SELECT resolution, ends_at / resolution, read, written, covered_seconds, read_peak, written_peak,
    member_seconds, known_seconds
FROM history WHERE {_IS_VALID} ORDER BY resolution, ends_at
"""  # noqa: S608 - of constants

SELECT_NEWEST_ENDS = f"""
SELECT resolution, max(ends_at) FROM history WHERE {_IS_VALID} GROUP BY resolution
"""  # noqa: S608 - of constants


def reject_reason(header: bytes) -> str:
    """Return why a file with this header is not a store of this version; empty if it is one.

    >>> reject_reason(b"Dear diary")
    'not a bwgraph store (not an SQLite database)'
    """
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        return "not a bwgraph store (not an SQLite database)"
    if _number(header, APPLICATION_ID_OFFSET) != APPLICATION_ID:
        return "not a bwgraph store (the database of another program)"
    version = _number(header, VERSION_OFFSET)
    if version != VERSION:
        return f"a bwgraph store of version {version}, and this bwgraph needs version {VERSION}"
    return ""


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big")
