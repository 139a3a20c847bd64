"""A line of a recording: how ``--json`` and ``--csv`` write it, and how ``--replay`` reads it.

Owns the format, both ways. What is read may come from anywhere and is believed only as far as a tor
could have said it. Must not know where lines come from, nor what becomes of them.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

from bwgraph.model.moment import format_utc

FIELDS = ("time", "instance", "read", "written", "seconds")

MAX_LINE_CHARS = 4096
"Characters. No line that bwgraph writes comes near."

MAX_NAME_CHARS = 256
"Characters of an instance's name that are read: more than a socket's path can have."

MAX_SPAN_S = 172_800.0
"Seconds that a line may cover: two of the longest intervals."

MAX_GAP_S = 1e10
"Seconds of which a line may say that nothing is known."

MAX_RATE = 1 << 36
"""Bytes a second that are believed: sixteen times what one of tor's events can hold. A day of these
still adds up in 63 bits, for as many tors as a recording may be of."""

YEARS = range(2000, 3000)
"In which a recording may have been made: tor is not older, and the calendar goes no further."


class Entry(NamedTuple):
    """What one line says: what a tor moved in the seconds that end at ``time``.

    Both amounts are None where nothing is known of these seconds.
    """

    time: datetime
    tor: str
    read: int | None
    written: int | None
    seconds: float


class FormatError(ValueError):
    """A line that is none of a recording; the text says why."""


def json_line(entry: Entry) -> str:
    """As one line of JSON.

    >>> time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    >>> json_line(Entry(time, "127.0.0.1:9051", 7, 3, 1.0022)) # doctest: +NORMALIZE_WHITESPACE
    '{"time": "2026-01-02T03:04:05.000Z", "instance": "127.0.0.1:9051", "read": 7, "written": 3,
    "seconds": 1.0022}'
    """
    return json.dumps(dict(zip(FIELDS, _values(entry), strict=True)))


def csv_line(entry: Entry) -> str:
    r"""As one line of CSV, in ASCII: what is not, or controls a terminal, is written as in JSON.

    >>> time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    >>> csv_line(Entry(time, 'a "b", \x1b', None, None, 4.5))
    '2026-01-02T03:04:05.000Z,"a ""b"", \\u001b",,,4.5'
    """
    time, instance, *numbers = _values(entry)
    plain = re.sub("[^ -~]", lambda char: json.dumps(char[0])[1:-1], str(instance))
    return _row([time, plain, *numbers])


def _row(values: list[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


CSV_HEADER = ",".join(FIELDS)
"The line that comes before all others in CSV."


def _values(entry: Entry) -> list[object]:
    # However short a span is, bytes without one would have no rate.
    seconds = max(round(entry.seconds, 6), 1e-6)
    return [format_utc(entry.time), entry.tor, entry.read, entry.written, seconds]


def parse_line(line: str) -> Entry | None:
    """What a line of either format says; None if that is nothing; ``FormatError`` if it is not one.

    >>> parse_line("time,instance,read,written,seconds")
    >>> parse_line("2026-01-02T03:04:05.000Z,relay,7,3,1.0").written
    3
    >>> parse_line('{"time": "2026-01-02T03:')
    Traceback (most recent call last):
        ...
    bwgraph.recording.format.FormatError: cut off, or not JSON
    """
    if len(line) > MAX_LINE_CHARS:
        raise FormatError("far too long")
    text = line.strip()
    if not text or text == CSV_HEADER:
        return None
    values = _from_json(text) if text.startswith(("{", "[")) else _from_csv(text)
    return Entry(
        _time(values.get("time")),
        _instance(values.get("instance")),
        *_amounts(values),
    )


def _from_json(text: str) -> Mapping[str, object]:
    try:
        values = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise FormatError("too many brackets inside of each other") from None
    except ValueError:
        raise FormatError("cut off, or not JSON") from None
    if not isinstance(values, dict):
        raise FormatError("not an object")
    return values


def _no_number(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _from_csv(text: str) -> Mapping[str, object]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise FormatError("neither JSON nor CSV") from None
    if len(rows) != 1 or len(rows[0]) != len(FIELDS):
        raise FormatError("cut off, or neither JSON nor CSV")
    time, instance, *numbers = rows[0]
    found = [_number(number) for number in numbers]
    return dict(zip(FIELDS, (time, instance, *found), strict=True))


def _number(text: str) -> int | float | str | None:
    """A field of CSV as JSON would have it; what is no number is left as it is."""
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
        raise FormatError("its time is none")
    if time.year not in YEARS:
        raise FormatError("its time is not one of tor's")
    return time.astimezone(UTC)


def _instance(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARS:
        raise FormatError("its instance is no name")
    return value


def _amounts(values: Mapping[str, object]) -> tuple[int | None, int | None, float]:
    """Bytes read and written, and the seconds that they are of."""
    seconds = values.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise FormatError("its seconds are no number")
    known = [values.get("read", ""), values.get("written", "")] != [None, None]
    if not 0 < seconds <= (MAX_SPAN_S if known else MAX_GAP_S):
        raise FormatError("its seconds are no length of time")
    if not known:
        return None, None, float(seconds)
    most = MAX_RATE * max(seconds, 1.0)
    return _amount(values, "read", most), _amount(values, "written", most), float(seconds)


def _amount(values: Mapping[str, object], name: str, most: float) -> int:
    amount = values.get(name)
    if isinstance(amount, bool) or not isinstance(amount, int):
        message = f"its bytes {name} are no whole number"
        raise FormatError(message)
    if not 0 <= amount <= most:
        message = f"its bytes {name} are not what a tor can move"
        raise FormatError(message)
    return amount
