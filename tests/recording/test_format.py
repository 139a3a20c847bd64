"""One line of a recording: how it is written, and which lines are accepted."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.recording import format as format_module
from bwgraph.recording.format import (
    CSV_HEADER,
    FIELDS,
    Entry,
    FormatError,
    csv_line,
    json_line,
    parse_line,
)

TIME = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
ENTRY = Entry(TIME, "127.0.0.1:9051", 700, 70, 1.0022)
HOSTILE = 'a"b\\c,\n\r\x1b[2J\u2028東\ud800'

WRITERS = [json_line, csv_line]

entries = st.builds(
    Entry,
    st.datetimes(datetime(2000, 1, 2), datetime(2999, 12, 30), timezones=st.timezones()),  # noqa: DTZ001 - bounds
    st.text(min_size=1, max_size=60) | st.just(HOSTILE),
    st.integers(0, 1 << 36),
    st.integers(0, 1 << 36),
    st.floats(1e-6, 86_400.0),
)


# Writing


def test_json_line_has_the_fields_in_order() -> None:
    assert json_line(ENTRY) == (
        '{"time": "2026-01-02T03:04:05.678Z", "tor": "127.0.0.1:9051", '
        '"read": 700, "written": 70, "seconds": 1.0022}'
    )


def test_csv_line_has_the_fields_in_order() -> None:
    assert CSV_HEADER.split(",") == list(json.loads(json_line(ENTRY)))
    assert csv_line(ENTRY) == "2026-01-02T03:04:05.678Z,127.0.0.1:9051,700,70,1.0022"


def test_both_amounts_of_a_gap_are_null_or_empty() -> None:
    gap = Entry(TIME, "a", None, None, 4.5)
    assert json_line(gap).endswith('"read": null, "written": null, "seconds": 4.5}')
    assert csv_line(gap).endswith(",a,,,4.5")


@pytest.mark.parametrize("hours", [-11, 0, 2, 5.5])
def test_time_is_utc_in_every_time_zone(hours: float) -> None:
    local = Entry(TIME.astimezone(timezone(timedelta(hours=hours))), "a", 1, 1, 1.0)
    assert json.loads(json_line(local))["time"] == "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
def test_time_has_milliseconds_rounded_down(microsecond: int) -> None:
    entry = Entry(TIME.replace(microsecond=microsecond), "a", 1, 1, 1.0)
    assert json.loads(json_line(entry))["time"] == f"2026-01-02T03:04:05.{microsecond // 1000:03}Z"


@PROPERTY
@given(entries, st.integers(0, (1 << 63) - 1))
def test_any_entry_is_one_line_of_ascii_that_parsers_read(entry: Entry, read: int) -> None:
    entry = Entry(entry.time, entry.tor, read, entry.written, entry.seconds)
    for write in WRITERS:
        assert re.fullmatch("[ -~]+", write(entry))
    values = json.loads(json_line(entry))
    # Bytes are integers, however large.
    assert (type(values["read"]), values["read"], values["written"]) == (int, read, entry.written)
    assert values["seconds"] == pytest.approx(entry.seconds, abs=1e-6)
    assert values["seconds"] > 0
    assert values["tor"] == entry.tor
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", values["time"])
    assert abs(datetime.fromisoformat(values["time"]) - entry.time) < timedelta(milliseconds=1)
    (row,) = csv.DictReader(io.StringIO(f"{CSV_HEADER}\n{csv_line(entry)}\n"))
    assert (row["time"], int(row["read"]), float(row["seconds"])) == (
        *(values["time"], read, values["seconds"]),
    )


# Reading


@PROPERTY
@given(entries, st.booleans())
def test_written_line_is_read_as_the_same_entry(entry: Entry, gap: bool) -> None:
    if gap:
        entry = Entry(entry.time, entry.tor, None, None, entry.seconds)
    for write in WRITERS:
        got = parse_line(f"{write(entry)}\r\n")
        assert got is not None
        assert (got.read, got.written) == (entry.read, entry.written)
        assert got.seconds == pytest.approx(entry.seconds, abs=1e-6)
        assert abs(got.time - entry.time) < timedelta(milliseconds=1)
        plain = re.fullmatch("[ -~]*", entry.tor)
        assert not plain or write is json_line or got.tor == entry.tor
        assert write is csv_line or got.tor == entry.tor


@pytest.mark.parametrize("line", ["", "\n", "  \r\n", CSV_HEADER, f"{CSV_HEADER}\n"])
def test_empty_line_and_header_are_skipped(line: str) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    "line",
    [
        json_line(ENTRY).replace('"tor"', '"instance"'),
        json_line(ENTRY).replace('"tor"', '"instance": "other", "tor"'),
        csv_line(ENTRY),
    ],
)
def test_old_lines_that_say_instance_are_read(line: str) -> None:
    entry = parse_line(line)
    assert entry is not None
    assert (entry.tor, entry.read, entry.written) == ("127.0.0.1:9051", 700, 70)


def test_old_csv_header_is_skipped() -> None:
    assert parse_line("time,instance,read,written,seconds\n") is None


def changed(**values: object) -> str:
    """Return a JSON line with some of its values changed; ``...`` removes one."""
    changed_values = {**json.loads(json_line(ENTRY)), **values}
    return json.dumps({name: each for name, each in changed_values.items() if each is not ...})


FOREIGN = [
    ("no recording", "neither JSON nor CSV"),
    ("{", "cut off, or not JSON"),
    (json_line(ENTRY)[:-1], "cut off, or not JSON"),
    (json_line(ENTRY) * 2, "cut off, or not JSON"),
    ("[1, 2]", "not an object"),
    ("[" * 4000, "nested too deeply|cut off"),
    ("{}", "time is missing or not valid"),
    ("a,b,c", "cut off, or neither"),
    (csv_line(ENTRY).rpartition(",")[0], "cut off, or neither"),
    ('"' + csv_line(ENTRY), "neither JSON nor CSV"),
    (f"{csv_line(ENTRY)},1", "cut off, or neither"),
    ("x" * 5000, "too long"),
    (changed(time=...), "time is missing or not valid"),
    (changed(time=5), "time is missing or not valid"),
    (changed(time="yesterday"), "time is missing or not valid"),
    (changed(time="2026-01-02T03:04:05"), "time is missing or not valid"),
    (changed(time="0001-01-01T00:00:00+23:59"), "time is not in the years 2000 to 2999"),
    (changed(time="9999-12-31T23:59:59-23:59"), "time is not in the years 2000 to 2999"),
    (changed(tor=...), "tor is missing or not a name"),
    (changed(tor=""), "tor is missing or not a name"),
    (changed(tor=5), "tor is missing or not a name"),
    (changed(tor="a" * 300), "tor is missing or not a name"),
    (changed(seconds=...), "seconds is missing or not a number"),
    (changed(seconds="1"), "seconds is missing or not a number"),
    (changed(seconds=True), "seconds is missing or not a number"),
    (changed(seconds=0), "seconds is out of range"),
    (changed(seconds=-1), "seconds is out of range"),
    (changed(seconds=1e6), "seconds is out of range"),
    (changed(read=None, written=None, seconds=1e12), "seconds is out of range"),
    (json_line(ENTRY).replace("1.0022", "NaN"), "cut off, or not JSON"),
    (json_line(ENTRY).replace("1.0022", "1e999"), "seconds is out of range"),
    (json_line(ENTRY).replace("1.0022", "9" * 3000), "seconds is out of range"),
    (csv_line(ENTRY).replace("1.0022", "nan"), "seconds is out of range"),
    (csv_line(ENTRY).replace("1.0022", "inf"), "seconds is out of range"),
    (changed(read=...), "read is missing or not a whole number"),
    (changed(read=None), "read is missing or not a whole number"),
    (changed(read=1.5), "read is missing or not a whole number"),
    (changed(read=False), "read is missing or not a whole number"),
    (changed(written=-1), "written is out of range"),
    (changed(written=1 << 40), "written is out of range"),
    (csv_line(ENTRY).replace("700", "9" * 20), "read is out of range"),
    (csv_line(ENTRY).replace("700", "9" * 21), "read is missing or not a whole number"),
    (csv_line(ENTRY).replace("700", ""), "read is missing or not a whole number"),
    (csv_line(ENTRY).replace("700", "²"), "read is missing or not a whole number"),
]


@pytest.mark.parametrize(("line", "why"), FOREIGN, ids=[text[:60] for text, _ in FOREIGN])
def test_foreign_line_is_refused_with_the_reason(line: str, why: str) -> None:
    with pytest.raises(FormatError, match=why) as caught:
        parse_line(line)
    assert str(caught.value).isprintable()


def test_number_with_too_many_digits_is_refused() -> None:
    # int() raises another error for more than 4300 digits; a line is shorter than that.
    assert format_module.MAX_LINE_CHARS < 4300
    with pytest.raises(FormatError):
        parse_line(f"{CSV_HEADER[:4]},a,{'9' * 4000},1,1")


@PROPERTY
@given(
    st.text(max_size=200)
    | st.from_regex(r'\{"time": "2026.*')
    | st.lists(st.text(max_size=30), min_size=5, max_size=5).map(",".join)
    | st.dictionaries(
        st.sampled_from(FIELDS),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    ).map(json.dumps)
    | st.tuples(st.sampled_from([json_line(ENTRY), csv_line(ENTRY)]), st.integers(0, 200)).map(
        lambda cut: cut[0][: cut[1]]
    )
)
def test_any_line_is_an_entry_or_skipped_or_refused(line: str) -> None:
    try:
        entry = parse_line(line)
    except FormatError:
        return
    if entry is not None:
        assert entry.time.tzinfo is UTC
        assert entry.seconds > 0
        # An accepted entry can be written, and is accepted again.
        assert parse_line(json_line(entry)) is not None
