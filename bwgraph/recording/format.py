"""One line of a recording, as ``--json`` and ``--csv`` write it and ``--replay`` reads it.

Owns both formats, in both directions. A line may come from anywhere, so only values that a tor
could have reported are accepted. Must not know where lines come from, nor what is done with them.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

from bwgraph.model.moment import format_utc

FIELDS = ("time", "tor", "read", "written", "seconds")
"The keys of a JSON line and the columns of a CSV line, in this order."

OLD_TOR_FIELD = "instance"
"The name of the field ``tor`` in recordings made before bwgraph's first release."

MAX_LINE_CHARS = 4096
"Characters in a line; the lines that bwgraph writes are much shorter."

MAX_NAME_CHARS = 256
"Characters in the name of a tor; longer than any path of a socket."

MAX_SPAN_S = 172_800.0
"Seconds that a line with bytes may cover: twice the longest interval."

MAX_GAP_S = 1e10
"Seconds that a line without bytes may cover."

MAX_RATE = 1 << 36
"""Bytes per second: 16 times what one event of tor can hold. The sum of a day at this rate fits in
63 bits, for as many tors as a recording may contain."""

YEARS = range(2000, 3000)
"The years in which a recording may be made: after tor's first release, and within the calendar."


class Entry(NamedTuple):
    """The content of one line: the bytes of one tor in the seconds that end at ``time``.

    Both amounts are None in a gap.
    """

    time: datetime
    tor: str
    read: int | None
    written: int | None
    seconds: float


class FormatError(ValueError):
    """A line that does not belong to a recording; the text says why."""


def json_line(entry: Entry) -> str:
    """Return an entry as one line of JSON.

    >>> time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    >>> json_line(Entry(time, "127.0.0.1:9051", 7, 3, 1.0022)) # doctest: +NORMALIZE_WHITESPACE
    '{"time": "2026-01-02T03:04:05.000Z", "tor": "127.0.0.1:9051", "read": 7, "written": 3,
    "seconds": 1.0022}'
    """
    return json.dumps(dict(zip(FIELDS, _values(entry), strict=True)))


def csv_line(entry: Entry) -> str:
    r"""Return an entry as one line of CSV.

    In the tor's name, characters other than printable ASCII are escaped as in JSON. They are not
    decoded when the line is read.

    >>> time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    >>> csv_line(Entry(time, 'a "b", \x1b', None, None, 4.5))
    '2026-01-02T03:04:05.000Z,"a ""b"", \\u001b",,,4.5'
    """
    time, tor, *numbers = _values(entry)
    name = re.sub("[^ -~]", lambda char: json.dumps(char[0])[1:-1], str(tor))
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([time, name, *numbers])
    return line.getvalue()


CSV_HEADER = ",".join(FIELDS)
"The first line of a CSV recording."

_OLD_CSV_HEADER = CSV_HEADER.replace("tor", OLD_TOR_FIELD)


def _values(entry: Entry) -> list[object]:
    # Not zero, however short the span is: bytes in no time would have no rate.
    seconds = max(round(entry.seconds, 6), 1e-6)
    return [format_utc(entry.time), entry.tor, entry.read, entry.written, seconds]


def parse_line(line: str) -> Entry | None:
    """Return the entry in a line of JSON or CSV; None if the line is empty or the CSV header.

    Raises FormatError if the line does not belong to a recording.

    >>> parse_line("time,tor,read,written,seconds")
    >>> parse_line("2026-01-02T03:04:05.000Z,relay,7,3,1.0").written
    3
    >>> parse_line('{"time": "2026-01-02T03:')
    Traceback (most recent call last):
        ...
    bwgraph.recording.format.FormatError: cut off, or not JSON
    """
    if len(line) > MAX_LINE_CHARS:
        raise FormatError("too long")
    text = line.strip()
    if text in ("", CSV_HEADER, _OLD_CSV_HEADER):
        return None
    values = _from_json(text) if text.startswith(("{", "[")) else _from_csv(text)
    return Entry(
        _time(values.get("time")),
        _tor_name(values.get("tor", values.get(OLD_TOR_FIELD))),
        *_amounts(values),
    )


def _from_json(text: str) -> Mapping[str, object]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise FormatError("nested too deeply") from None
    except ValueError:
        raise FormatError("cut off, or not JSON") from None
    if not isinstance(values, dict):
        raise FormatError("not an object")
    return values


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads though they are not JSON."""
    message = f"{name} is not JSON"
    raise ValueError(message)


def _from_csv(text: str) -> Mapping[str, object]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise FormatError("neither JSON nor CSV") from None
    if len(rows) != 1 or len(rows[0]) != len(FIELDS):
        raise FormatError("cut off, or neither JSON nor CSV")
    time, tor, *numbers = rows[0]
    return dict(zip(FIELDS, (time, tor, *map(_number, numbers)), strict=True))


def _number(text: str) -> int | float | str | None:
    """Return a field of CSV as the value that JSON would have; other text is returned as it is."""
    if not text:
        return None
    if re.fullmatch("[0-9]{1,20}", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _time(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise FormatError("time is missing or not valid")
    if time.year not in YEARS:
        message = f"time is not in the years {YEARS[0]} to {YEARS[-1]}"
        raise FormatError(message)
    return time.astimezone(UTC)


def _tor_name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARS:
        raise FormatError("tor is missing or not a name")
    return value


def _amounts(values: Mapping[str, object]) -> tuple[int | None, int | None, float]:
    """Return the bytes read, the bytes written, and the seconds that they cover."""
    seconds = values.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise FormatError("seconds is missing or not a number")
    is_gap = [values.get("read", ""), values.get("written", "")] == [None, None]
    if not 0 < seconds <= (MAX_GAP_S if is_gap else MAX_SPAN_S):
        raise FormatError("seconds is out of range")
    if is_gap:
        return None, None, float(seconds)
    limit = MAX_RATE * max(seconds, 1.0)
    return _amount(values, "read", limit), _amount(values, "written", limit), float(seconds)


def _amount(values: Mapping[str, object], name: str, limit: float) -> int:
    amount = values.get(name)
    if isinstance(amount, bool) or not isinstance(amount, int):
        message = f"{name} is missing or not a whole number"
        raise FormatError(message)
    if not 0 <= amount <= limit:
        message = f"{name} is out of range"
        raise FormatError(message)
    return amount
