"""The entries of a recording: one per sample or interval, and the gaps between them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.recording.format import Entry
from bwgraph.recording.intervals import Intervals

START = 5000.0
MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
"The start of the recording on the wall clock."


def wall(when: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=when - START)


def at(second: float, read: int = 10, seconds: float = 1.0) -> Sample:
    """Return a sample that ends ``second`` seconds after the start."""
    return Sample(START + second, read, read // 10, seconds)


def entries(*samples: Sample, every: int | None = None, end: float | None = None) -> list[Entry]:
    """Return the entries of one tor's samples; the recording ends with the last, or at ``end``."""
    intervals = Intervals(START, every)
    got = [entry for each in samples for entry in intervals.add("a", "a", each, wall(each.ends_at))]
    ended = samples[-1].ends_at if end is None else START + end
    return [*got, *intervals.close([("a", "a")], ended, wall(ended))]


def rounded(found: list[Entry]) -> list[tuple[float, int | None, float]]:
    """Return the end of each entry in seconds from the start, its bytes read, and its seconds."""
    return [
        ((entry.time - MIDNIGHT).total_seconds(), entry.read, round(entry.seconds, 6))
        for entry in found
    ]


# One entry per sample


def test_each_sample_is_an_entry() -> None:
    assert rounded(entries(at(1), at(2.0022, 20, 1.0022), at(3.5, 30, 1.4978))) == [
        *((1, 10, 1), (2.0022, 20, 1.0022), (3.5, 30, 1.4978))
    ]


def test_missing_time_between_samples_is_a_gap() -> None:
    assert rounded(entries(at(1), at(9.5, 30))) == [(1, 10, 1), (8.5, None, 7.5), (9.5, 30, 1)]


def test_drift_is_no_gap() -> None:
    # Tor's events are a little more than a second apart, and each covers the time since the last.
    found = entries(*(at(1.0022 * i, i, 1.0022) for i in range(1, 2000)))
    assert [entry.read for entry in found] == list(range(1, 2000))


def test_late_sample_that_covers_its_time_makes_no_gap() -> None:
    assert rounded(entries(at(1), at(9, 30, 8.0))) == [(1, 10, 1), (9, 30, 8)]


def test_missing_time_at_the_start_and_end_is_a_gap() -> None:
    assert rounded(entries(at(6), end=10)) == [(5, None, 5), (6, 10, 1), (10, None, 4)]


def test_short_delay_at_the_start_and_end_is_no_gap() -> None:
    assert rounded(entries(at(2.5), end=4)) == [(2.5, 10, 1)]


def test_tor_without_samples_is_one_gap() -> None:
    intervals = Intervals(START)
    (gap,) = intervals.close([("a", "a tor")], START + 60, wall(START + 60))
    assert gap == Entry(wall(START + 60), "a tor", None, None, 60.0)


# One entry per interval


def test_intervals_end_at_multiples_on_the_wall_clock() -> None:
    samples = [at(second) for second in range(3, 18)]
    assert rounded(entries(*samples, every=5)) == [
        (5, 30, 3),  # two seconds were missing: a short delay at the start
        *((10, 50, 5), (15, 50, 5)),
        (17, 20, 2),
    ]


def test_interval_is_returned_with_the_first_sample_after_it() -> None:
    intervals = Intervals(START, 5)
    counts = [len(list(intervals.add("a", "a", at(i), wall(START + i)))) for i in range(1, 12)]
    assert counts == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_sample_across_an_end_is_shared_exactly() -> None:
    assert rounded(entries(at(4), at(6.5, 101, 2.5), every=5)) == [(5, 50, 2), (6.5, 61, 1.5)]


def test_one_late_sample_fills_many_intervals() -> None:
    assert rounded(entries(at(1), at(61, 61, 60.0), every=15)) == [
        (15, 24, 15),
        *((30, 15, 15), (45, 15, 15), (60, 15, 15)),
        (61, 2, 1),
    ]


def test_gap_within_an_interval_shortens_its_seconds() -> None:
    assert rounded(entries(at(1), at(4), at(6), every=5)) == [(5, 20, 2), (6, 10, 1)]


def test_intervals_without_samples_are_a_gap() -> None:
    assert rounded(entries(at(4), at(33), every=10)) == [
        (10, 10, 1),
        (30, None, 20),
        (33, 10, 1),
    ]


def test_entry_has_the_name_at_its_time() -> None:
    intervals = Intervals(START, 5)
    found = [
        *intervals.add("a", "here", at(1), wall(START + 1)),
        *intervals.add("a", "there", at(6), wall(START + 6)),
        *intervals.close([("a", "there")], START + 6, wall(START + 6)),
    ]
    assert [entry.tor for entry in found] == ["here", "there"]


def test_wall_clock_that_is_set_back_loses_nothing() -> None:
    intervals = Intervals(START, 10)
    found: list[Entry] = []
    for second in range(1, 41):
        sample = at(second)
        shown = wall(sample.ends_at) - timedelta(seconds=25 if second > 20 else 0)
        found += intervals.add("a", "a", sample, shown)
    found += intervals.close([("a", "a")], START + 40, wall(START + 15))
    assert sum(entry.read or 0 for entry in found) == 400
    assert sum(entry.seconds for entry in found) == pytest.approx(40)
    assert None not in [entry.read for entry in found]


# Any samples

steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.floats(1e-3, 3.0) | st.floats(0.99, 1.01) | st.floats(3.0, 500.0),  # covered
        st.just(0.0) | st.floats(0.0, 5.0) | st.floats(5.0, 300.0),  # missing before it
        st.integers(0, 1 << 34),
    ),
    min_size=1,
    max_size=40,
)


@PROPERTY
@given(steps, st.sampled_from([None, 5, 15, 60, 300]), st.floats(0.0, 100.0))
def test_no_byte_and_no_second_is_lost_or_counted_twice(
    steps_added: list[tuple[str, float, float, int]], every: int | None, rest: float
) -> None:
    intervals = Intervals(START, every)
    ends = {"a": START, "b": START}
    found: list[Entry] = []
    for tor, seconds, missing, read in steps_added:
        ends[tor] += missing + seconds
        sample = Sample(ends[tor], read, read // 3, seconds)
        found += intervals.add(tor, tor, sample, wall(sample.ends_at))
    end = max(ends.values()) + rest
    found += intervals.close([("a", "a"), ("b", "b")], end, wall(end))
    for tor in ends:
        of_tor = [entry for entry in found if entry.tor == tor]
        known = [entry for entry in of_tor if entry.read is not None]
        samples = [step for step in steps_added if step[0] == tor]
        assert sum(entry.read or 0 for entry in known) == sum(step[3] for step in samples)
        assert sum(entry.written or 0 for entry in known) == sum(step[3] // 3 for step in samples)
        assert sum(entry.seconds for entry in known) == pytest.approx(
            sum(step[1] for step in samples), abs=1e-3
        )
        assert all(entry.seconds > 0 for entry in of_tor)
        # In order, and without overlaps.
        for before, after in pairwise(of_tor):
            begin = after.time - timedelta(seconds=after.seconds)
            assert begin >= before.time - timedelta(milliseconds=1)
        # Time that is in no entry is a short delay, or the rest of an interval.
        holes = (end - START) - sum(entry.seconds for entry in of_tor)
        assert holes <= (len(of_tor) + 1) * max(2.0, every or 0) + 1e-3
        if every:
            assert all(entry.time.timestamp() % every == 0 for entry in known[:-1])
            # Wall times are in microseconds, so a sample may lose one to rounding.
            assert all(entry.seconds <= every + 1e-4 for entry in known)
