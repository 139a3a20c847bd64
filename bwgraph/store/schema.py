"""What is in a store: its tables, what is said to them, and how its file is told from others.

The README has the tables too; a change of them needs another ``VERSION``. Pure: must not know who
opens the file.
"""

from bwgraph.model.rollups import RESOLUTIONS

APPLICATION_ID = 0x62776772
"SQLite's application_id: bwgr."

VERSION = 1
"Of the schema, in SQLite's user_version."

TABLES = """
CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sum INTEGER NOT NULL,
    UNIQUE (name, sum)
);
CREATE TABLE history (
    instance INTEGER NOT NULL,
    resolution INTEGER NOT NULL,
    until INTEGER NOT NULL,
    read INTEGER NOT NULL,
    written INTEGER NOT NULL,
    seconds REAL NOT NULL,
    read_peak REAL NOT NULL,
    written_peak REAL NOT NULL,
    told INTEGER NOT NULL,
    whole REAL NOT NULL,
    PRIMARY KEY (instance, resolution, until)
) WITHOUT ROWID;
CREATE TABLE writer (
    instance INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    began TEXT NOT NULL,
    boot TEXT NOT NULL,
    space TEXT NOT NULL,
    heard REAL NOT NULL
)
"""

MAGIC = b"SQLite format 3\0"
VERSION_AT, APPLICATION_AT, HEADER = 60, 68, 100
"Bytes into the file (SQLite file format, the database header), and the header's length."

LARGEST = (1 << 62) - 1
"No amount in a file is believed to be larger."

CLAIM = "INSERT OR REPLACE INTO writer VALUES (?, ?, ?, ?, ?, ?)"

GIVE_UP = "DELETE FROM writer WHERE pid = ? AND began = ? AND boot = ?"

PUT = """
INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (instance, resolution, until) DO UPDATE SET
    read = excluded.read, written = excluded.written, seconds = excluded.seconds,
    read_peak = excluded.read_peak, written_peak = excluded.written_peak,
    told = excluded.told, whole = excluded.whole
WHERE excluded.seconds >= history.seconds OR excluded.told > history.told
"""
"""A column that is better known is not replaced by what somebody else saw of it. That of a sum
stands for less time when one more is in it that has a part of a second (see ``together``)."""

FORGET = """
DELETE FROM history
WHERE instance IN (SELECT id FROM instance) AND resolution = ? AND until <= ?
"""

BOUND = """
DELETE FROM history WHERE instance = :instance AND resolution = :resolution AND until IN (
    SELECT until FROM history WHERE instance = :instance AND resolution = :resolution
    ORDER BY abs(until - :now) LIMIT -1 OFFSET :most)
"""
"What is farthest from the present is what a clock that was wrong has put there."

_SOUND = f"""
    instance = (SELECT id FROM instance WHERE name = ? AND sum = ?)
    AND resolution IN {RESOLUTIONS} AND typeof(until) = 'integer' AND until % resolution = 0
    AND until - resolution < ?
    AND typeof(read) = 'integer' AND read BETWEEN 0 AND {LARGEST}
    AND typeof(written) = 'integer' AND written BETWEEN 0 AND {LARGEST}
    AND typeof(seconds) = 'real' AND seconds BETWEEN 0 AND {LARGEST}
    AND typeof(read_peak) = 'real' AND read_peak BETWEEN 0 AND {LARGEST}
    AND typeof(written_peak) = 'real' AND written_peak BETWEEN 0 AND {LARGEST}
    AND typeof(told) = 'integer' AND told BETWEEN 0 AND {LARGEST}
    AND typeof(whole) = 'real' AND whole BETWEEN 0 AND {LARGEST}
"""  # noqa: S608 - of constants
"A row of this past, not of the future, and nothing that bwgraph has never written."

GET = f"""
SELECT resolution, until / resolution, read, written, seconds, read_peak, written_peak, told, whole
FROM history WHERE {_SOUND} ORDER BY resolution, until
"""  # noqa: S608

ENDS = f"SELECT resolution, max(until) FROM history WHERE {_SOUND} GROUP BY resolution"  # noqa: S608


def why_not_a_store(header: bytes) -> str:
    """Why a file that begins like this is no store of ours; empty if it is one.

    >>> why_not_a_store(b"Dear diary")
    'not a history that bwgraph stored (no SQLite database)'
    """
    if len(header) < HEADER or not header.startswith(MAGIC):
        return "not a history that bwgraph stored (no SQLite database)"
    if _number(header, APPLICATION_AT) != APPLICATION_ID:
        return "not a history that bwgraph stored (another program's database)"
    version = _number(header, VERSION_AT)
    if version != VERSION:
        return f"stored by another bwgraph (version {version} of the file; this one has {VERSION})"
    return ""


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "big")
