"""Samples as they came, or summed up by the interval, and the gaps between them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.recording.format import Entry
from bwgraph.recording.intervals import Intervals

BEGAN = 5000.0
MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
"On the wall clock, when the recording began."


def wall(when: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=when - BEGAN)


def at(second: float, read: int = 10, seconds: float = 1.0) -> Sample:
    """One that ends so many seconds after the beginning."""
    return Sample(BEGAN + second, read, read // 10, seconds)


def entries(*samples: Sample, every: int | None = None, end: float | None = None) -> list[Entry]:
    """Of one tor's samples; without an end it ends with the last of them."""
    intervals = Intervals(BEGAN, every)
    got = [entry for each in samples for entry in intervals.add("a", "a", each, wall(each.ends_at))]
    ended = samples[-1].ends_at if end is None else BEGAN + end
    return [*got, *intervals.close([("a", "a")], ended, wall(ended))]


def short(found: list[Entry]) -> list[tuple[float, int | None, float]]:
    """When each ends, in seconds from the beginning, what was read, and how long it is."""
    return [
        ((entry.time - MIDNIGHT).total_seconds(), entry.read, round(entry.seconds, 6))
        for entry in found
    ]


# As they came.


def test_each_sample_is_an_entry() -> None:
    assert short(entries(at(1), at(2.0022, 20, 1.0022), at(3.5, 30, 1.4978))) == [
        *((1, 10, 1), (2.0022, 20, 1.0022), (3.5, 30, 1.4978))
    ]


def test_what_is_missing_between_two_is_a_gap_as_long_as_it_is() -> None:
    assert short(entries(at(1), at(9.5, 30))) == [(1, 10, 1), (8.5, None, 7.5), (9.5, 30, 1)]


def test_drift_is_no_gap() -> None:
    # Tor's events are a little more than a second apart, and cover what is between them.
    found = entries(*(at(1.0022 * i, i, 1.0022) for i in range(1, 2000)))
    assert [entry.read for entry in found] == list(range(1, 2000))


def test_a_late_sample_that_covers_its_time_follows_no_gap() -> None:
    assert short(entries(at(1), at(9, 30, 8.0))) == [(1, 10, 1), (9, 30, 8)]


def test_a_late_beginning_and_an_early_end_are_gaps() -> None:
    assert short(entries(at(6), end=10)) == [(5, None, 5), (6, 10, 1), (10, None, 4)]


def test_it_takes_a_moment_to_begin_and_to_end() -> None:
    assert short(entries(at(2.5), end=4)) == [(2.5, 10, 1)]


def test_of_nothing_at_all_there_is_a_gap() -> None:
    intervals = Intervals(BEGAN)
    (gap,) = intervals.close([("a", "a tor")], BEGAN + 60, wall(BEGAN + 60))
    assert gap == Entry(wall(BEGAN + 60), "a tor", None, None, 60.0)


# Summed up.


def test_intervals_end_where_the_wall_clock_shows_a_multiple() -> None:
    samples = [at(second) for second in range(3, 18)]
    assert short(entries(*samples, every=5)) == [
        (5, 30, 3),  # of which two seconds were not there: a moment, as it takes to begin
        *((10, 50, 5), (15, 50, 5)),
        (17, 20, 2),
    ]


def test_an_interval_is_told_with_the_first_sample_after_it() -> None:
    intervals = Intervals(BEGAN, 5)
    told = [len(list(intervals.add("a", "a", at(i), wall(BEGAN + i)))) for i in range(1, 12)]
    assert told == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_a_sample_across_an_end_is_shared_in_time_and_exact_in_bytes() -> None:
    assert short(entries(at(4), at(6.5, 101, 2.5), every=5)) == [(5, 50, 2), (6.5, 61, 1.5)]


def test_one_late_sample_fills_many_intervals() -> None:
    assert short(entries(at(1), at(61, 61, 60.0), every=15)) == [
        (15, 24, 15),
        *((30, 15, 15), (45, 15, 15), (60, 15, 15)),
        (61, 2, 1),
    ]


def test_a_gap_within_an_interval_is_told_by_its_seconds() -> None:
    assert short(entries(at(1), at(4), at(6), every=5)) == [(5, 20, 2), (6, 10, 1)]


def test_intervals_of_which_nothing_is_known_are_a_gap() -> None:
    assert short(entries(at(4), at(33), every=10)) == [
        (10, 10, 1),
        (30, None, 20),
        (33, 10, 1),
    ]


def test_an_entry_has_the_name_that_the_tor_had() -> None:
    intervals = Intervals(BEGAN, 5)
    found = [
        *intervals.add("a", "here", at(1), wall(BEGAN + 1)),
        *intervals.add("a", "there", at(6), wall(BEGAN + 6)),
        *intervals.close([("a", "there")], BEGAN + 6, wall(BEGAN + 6)),
    ]
    assert [entry.tor for entry in found] == ["here", "there"]


def test_a_wall_clock_that_is_set_back_loses_nothing() -> None:
    intervals = Intervals(BEGAN, 10)
    found: list[Entry] = []
    for second in range(1, 41):
        sample = at(second)
        shown = wall(sample.ends_at) - timedelta(seconds=25 if second > 20 else 0)
        found += intervals.add("a", "a", sample, shown)
    found += intervals.close([("a", "a")], BEGAN + 40, wall(BEGAN + 15))
    assert sum(entry.read or 0 for entry in found) == 400
    assert sum(entry.seconds for entry in found) == pytest.approx(40)
    assert None not in [entry.read for entry in found]


# Whatever comes.

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
def test_no_byte_and_no_second_is_lost_or_told_twice(
    told: list[tuple[str, float, float, int]], every: int | None, rest: float
) -> None:
    intervals = Intervals(BEGAN, every)
    ends = {"a": BEGAN, "b": BEGAN}
    found: list[Entry] = []
    for tor, seconds, missing, read in told:
        ends[tor] += missing + seconds
        sample = Sample(ends[tor], read, read // 3, seconds)
        found += intervals.add(tor, tor, sample, wall(sample.ends_at))
    end = max(ends.values()) + rest
    found += intervals.close([("a", "a"), ("b", "b")], end, wall(end))
    for tor in ends:
        mine = [entry for entry in found if entry.tor == tor]
        known = [entry for entry in mine if entry.read is not None]
        samples = [step for step in told if step[0] == tor]
        assert sum(entry.read or 0 for entry in known) == sum(step[3] for step in samples)
        assert sum(entry.written or 0 for entry in known) == sum(step[3] // 3 for step in samples)
        assert sum(entry.seconds for entry in known) == pytest.approx(
            sum(step[1] for step in samples), abs=1e-3
        )
        assert all(entry.seconds > 0 for entry in mine)
        # One after another, and none reaches into the one before it.
        for before, after in pairwise(mine):
            begin = after.time - timedelta(seconds=after.seconds)
            assert begin >= before.time - timedelta(milliseconds=1)
        # Time that is in no entry is a moment, or the rest of an interval.
        holes = (end - BEGAN) - sum(entry.seconds for entry in mine)
        assert holes <= (len(mine) + 1) * max(2.0, every or 0) + 1e-3
        if every:
            whole = known[:-1]
            assert all(entry.time.timestamp() % every == 0 for entry in whole)
            # SystemClock on the wall tell microseconds, and of each sample one may be lost.
            assert all(entry.seconds <= every + 1e-4 for entry in known)
