"""Reading a recording: the track of each tor, and the lines that are skipped."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.recording import reader
from bwgraph.recording.format import Entry, csv_line, json_line
from bwgraph.recording.reader import MAX_TORS, Recording, TooLongError, Track

MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
START = MIDNIGHT.timestamp()


def entry(second: float, read: int | None = 10, seconds: float = 1.0, tor: str = "a") -> str:
    """Return a line that ends ``second`` seconds after midnight."""
    written = None if read is None else read // 2
    return json_line(Entry(MIDNIGHT + timedelta(seconds=second), tor, read, written, seconds))


def recording_of(*lines: str) -> Recording:
    found = Recording()
    for line in lines:
        found.add(f"{line}\n")
    return found


def samples(track: Track) -> list[tuple[float, int, int, float]]:
    """Return the samples of a track, with ends in seconds from midnight."""
    return [
        (round(each.ends_at - START, 3), each.read, each.written, round(each.seconds, 3))
        for each in track.samples()
    ]


def test_each_tor_has_a_track_in_order() -> None:
    found = recording_of(entry(1), entry(1.5, tor="b"), entry(2, 20), entry(2.5, tor="b"))
    assert list(found.tracks) == ["a", "b"]
    assert samples(found.tracks["a"]) == [(1, 10, 5, 1), (2, 20, 10, 1)]
    assert samples(found.tracks["b"]) == [(1.5, 10, 5, 1), (2.5, 10, 5, 1)]
    assert (found.begin, found.end) == (START, START + 2.5)
    assert found.skipped_message == ""


def test_both_formats_may_be_mixed() -> None:
    line = csv_line(Entry(MIDNIGHT + timedelta(seconds=2), "a", 7, 3, 1.0))
    found = recording_of("time,tor,read,written,seconds", entry(1), "", line)
    assert samples(found.tracks["a"]) == [(1, 10, 5, 1), (2, 7, 3, 1)]
    assert found.skipped_message == ""


def test_recordings_from_before_the_first_release_are_read() -> None:
    old = [entry(1).replace('"tor"', '"instance"'), entry(2).replace('"tor"', '"instance"')]
    header = "time,instance,read,written,seconds"
    line = csv_line(Entry(MIDNIGHT + timedelta(seconds=3), "a", 7, 3, 1.0))
    found = recording_of(*old, header, line, entry(4))
    assert [each[0] for each in samples(found.tracks["a"])] == [1, 2, 3, 4]
    assert found.skipped_message == ""


def test_line_of_a_gap_adds_no_sample() -> None:
    found = recording_of(entry(1), entry(31, None, 30.0), entry(32))
    assert samples(found.tracks["a"]) == [(1, 10, 5, 1), (32, 10, 5, 1)]
    assert recording_of(entry(31, None, 30.0)).tracks == {}


def test_single_late_sample_is_unchanged() -> None:
    found = recording_of(entry(1), entry(2), entry(10, 80, 8.0), entry(11))
    assert samples(found.tracks["a"])[2] == (10, 80, 40, 8)


def test_coarse_recording_is_shared_among_its_seconds() -> None:
    found = recording_of(entry(60, 606, 60.0), entry(120, 60, 60.0), entry(121.0, 7))
    got = samples(found.tracks["a"])
    assert len(got) == 121
    assert {each[3] for each in got} == {1.0}
    assert [each[0] for each in got] == list(range(1, 122))
    assert sum(each[1] for each in got[:60]) == 606
    assert sum(each[1] for each in got[60:]) == 67


@PROPERTY
@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 1 << 36)), min_size=1, max_size=20))
def test_coarse_recording_loses_no_byte(lines: list[tuple[int, int]]) -> None:
    found, when = Recording(), 0
    for seconds, read in lines:
        when += seconds
        found.add(entry(when, read, float(seconds)))
    got = list(found.tracks["a"].samples())
    assert sum(each.read for each in got) == sum(read for _, read in lines)
    assert sum(each.written for each in got) == sum(read // 2 for _, read in lines)
    assert sum(each.seconds for each in got) == pytest.approx(when)
    assert [each.ends_at for each in got] == sorted(each.ends_at for each in got)


def test_first_three_skipped_lines_are_named() -> None:
    found = recording_of(entry(1), "x", "", entry(2), '{"time', "y", "z", entry(3), entry(4)[:-5])
    assert len(samples(found.tracks["a"])) == 3
    assert found.skipped_message == (
        "5 lines are skipped: line 2 (cut off, or neither JSON nor CSV),"
        " line 5 (cut off, or not JSON), line 6 (cut off, or neither JSON nor CSV) and 2 more"
    )


def test_line_that_is_earlier_than_the_one_before_is_skipped() -> None:
    found = recording_of(entry(1), entry(2), entry(2.7), entry(1.5), entry(2.8), entry(4))
    assert [each[0] for each in samples(found.tracks["a"])] == [1, 2, 2.7, 4]
    assert found.skipped_message.count("earlier than the line before") == 2
    # Tors do not affect one another.
    assert recording_of(entry(100), entry(1, tor="b")).skipped_message == ""


def test_number_of_tors_is_limited() -> None:
    found = recording_of(*(entry(1, tor=f"tor {number}") for number in range(MAX_TORS + 2)))
    assert len(found.tracks) == MAX_TORS
    assert found.skipped_message.startswith(
        f"2 lines are skipped: line {MAX_TORS + 1} (more than 64"
    )
    found.add(entry(2, tor="tor 0"))
    assert len(samples(found.tracks["tor 0"])) == 2


def test_number_of_samples_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_SAMPLES", 3)
    found = recording_of(entry(1), entry(2), entry(1, tor="b"))
    found.add(entry(9, None))
    with pytest.raises(TooLongError):
        found.add(entry(3))


def test_track_takes_32_bytes_per_sample() -> None:
    found = recording_of(*(entry(second) for second in range(1, 101)))
    track = found.tracks["a"]
    each = (track.ends_at, track.read, track.written, track.seconds)
    assert sum(array.itemsize * len(array) for array in each) == 32 * 100
    assert next(track.samples()) == Sample(START + 1, 10, 5, 1.0)
