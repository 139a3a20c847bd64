"""The rings and what is read from them: exact sums, bounded memory, gaps, at every resolution."""

import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.ring import Portion, Ring
from bwgraph.model.rollups import COARSE_BUCKETS, FINEST_BUCKETS, RESOLUTIONS, Bucket

CADENCE = 1.0022


def fill(history: History, *spans: float, start: float = 1000.0) -> float:
    """Push events of 1000 bytes read and 10 written that follow on one another."""
    when = start
    for span in spans:
        when += span
        history.push(Sample(when, 1000, 10, span))
    return when


def rows(history: History, now: float, columns: int, resolution: int = 1) -> list[int | None]:
    """Bytes read by column, None in a gap."""
    window = history.window(now, columns, resolution).buckets
    return [
        read if seconds else None for read, seconds in zip(window.read, window.seconds, strict=True)
    ]


def test_each_resolution_is_a_multiple_of_the_one_before_and_fits_its_ring() -> None:
    for fine, coarse in pairwise(RESOLUTIONS):
        factor, rest = divmod(coarse, fine)
        assert rest == 0
        assert (FINEST_BUCKETS if fine == 1 else COARSE_BUCKETS) % factor == 0


def test_there_is_an_hour_of_seconds_and_the_widest_terminal_of_all_else() -> None:
    assert FINEST_BUCKETS * RESOLUTIONS[0] >= 3600
    assert COARSE_BUCKETS >= 1000


def test_an_empty_history_is_all_gaps() -> None:
    window = History().window(5.0, 3)
    assert window.buckets.seconds.tolist() == [0.0, 0.0, 0.0]
    assert window.age is None
    assert not window.late


def test_a_sample_without_a_span_is_no_rate() -> None:
    history = History()
    history.push(Sample(1000.0, 424_182, 0, 0.0))
    assert history.newest_at is None


def test_the_newest_column_is_at_the_right_and_overdue_ones_are_gaps() -> None:
    history = History()
    now = fill(history, 1.0, 1.0, 1.0)
    assert rows(history, now + 0.9, 4) == [None, 1000, 1000, 1000]
    assert rows(history, now + 1.9, 4) == [None, 1000, 1000, 1000]
    assert rows(history, now + 2.1, 4) == [1000, 1000, 1000, None]
    assert history.window(now + 2.1, 4).late
    assert rows(history, now + 60.0, 4) == [None] * 4


def test_a_late_event_fills_the_columns_that_were_overdue() -> None:
    history = History()
    now = fill(history, 1.0, 1.0)
    assert rows(history, now + 4.1, 5) == [1000, 1000, None, None, None]
    now = fill(history, 4.0, start=now)
    assert rows(history, now, 5) == [1000, 250, 250, 250, 250]


def test_a_window_wider_than_the_history_is_gaps_at_the_left() -> None:
    history = History()
    now = fill(history, *[1.0] * 3)
    assert rows(history, now, FINEST_BUCKETS + 10)[:-3] == [None] * (FINEST_BUCKETS + 7)


def test_a_gap_longer_than_the_ring_leaves_nothing_old() -> None:
    history = History()
    fill(history, *[1.0] * 50)
    now = fill(history, 1.0, start=1000.0 + 2 * FINEST_BUCKETS)
    assert [row for row in rows(history, now, FINEST_BUCKETS) if row is not None] == [1000]
    assert sum(history.window(now, COARSE_BUCKETS, 86_400).buckets.read) == 51_000


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_sums_agree_at_every_resolution(resolution: int) -> None:
    history = History()
    now = fill(history, *[CADENCE] * 900)
    window = history.window(now, min(COARSE_BUCKETS, 1000), resolution).buckets
    assert sum(window.read) == 900_000
    assert sum(window.written) == 9_000
    assert sum(window.seconds) == pytest.approx(900 * CADENCE)


def test_a_coarse_column_knows_its_bytes_its_covered_time_and_its_peak() -> None:
    history = History()
    for when, read in ((61.0, 100), (62.0, 900), (63.0, 200), (90.0, 300)):
        history.push(Sample(when, read, 0, 1.0))
    window = history.window(90.0, 2, resolution=60).buckets
    assert window.read.tolist() == [0, 1500]
    assert window.seconds.tolist() == [0.0, 4.0]
    assert window.read_peak.tolist() == [0.0, 900.0]


def test_an_hour_at_a_second_is_kept_and_then_forgotten_only_there() -> None:
    history = History()
    now = fill(history, *[1.0] * 10_000, start=0.0)
    assert rows(history, now, FINEST_BUCKETS) == [1000] * FINEST_BUCKETS
    assert sum(history.window(now, COARSE_BUCKETS, 60).buckets.read) == 10_000_000


def test_amended_bytes_are_added_where_they_belong_at_every_resolution() -> None:
    history = History()
    now = fill(history, *[1.0] * 30)
    history.add_missing(Sample(1010.0, 5 << 32, 0, 5.0))
    for resolution in RESOLUTIONS:
        total = sum(history.window(now, COARSE_BUCKETS, resolution).buckets.read)
        assert total == 30_000 + (5 << 32)
    amended = history.window(now, 30).buckets
    assert [read for read in amended.read if read > 1000] == [1000 + (1 << 32)] * 5
    assert amended.seconds.tolist() == [1.0] * 30
    assert max(history.window(now, 9, 60).buckets.read_peak) == 1000 + (1 << 32)


def test_memory_is_taken_once_and_never_grows() -> None:
    history = History()
    fill(history, *[1.0] * 10, start=0.0)

    def held() -> int:
        return sum(
            sys.getsizeof(field)
            for ring in history._series.rollups._rings
            for field in (
                ring._buckets.read,
                ring._buckets.written,
                ring._buckets.seconds,
                ring._buckets.read_peak,
                ring._buckets.written_peak,
            )
        )

    before = held()
    # A year of an event now and then goes through every ring as a year of seconds does.
    for minute in range(1, 525_600, 25):
        history.push(Sample(minute * 60.0, 1, 1, 1.0))
    assert held() == before
    assert before < 1_000_000


def test_amended_bytes_find_a_late_sample_that_is_still_held() -> None:
    history = History()
    now = fill(history, *[1.0] * 10, 4.0)
    history.add_missing(Sample(now, 4 << 32, 0, 4.0))
    assert rows(history, now, 4) == [250 + (1 << 32)] * 4
    for resolution in RESOLUTIONS:
        total = sum(history.window(now, COARSE_BUCKETS, resolution).buckets.read)
        assert total == 11_000 + (4 << 32)


# What there is, and windows of the past.


def test_the_extent_of_nothing_is_the_column_of_now() -> None:
    assert History().extent(50.7) == (50, 50)
    assert History().extent(50.7, 60) == (60, 60)


def test_the_extent_is_from_the_first_column_to_the_newest() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    assert history.extent(now) == (1001, 1100)
    assert history.extent(now, 5) == (1005, 1100)
    assert history.extent(now, 60) == (1020, 1140)
    assert history.extent(now, 86_400) == (86_400, 86_400)


def test_the_extent_grows_with_time_that_is_overdue_as_the_window_does() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    for late in (0.0, 0.9, 1.9, 2.1, 60.0, 7000.0):
        for resolution in RESOLUTIONS:
            _, newest = history.extent(now + late, resolution)
            assert newest == history.window(now + late, 1, resolution).end


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_extent_is_of_no_more_than_is_kept(resolution: int) -> None:
    history = History()
    now = 0.0
    for _ in range(1200):
        now += resolution
        history.push(Sample(now, 1000, 10, 1.0))
    if resolution == 1:
        now = fill(history, *[1.0] * 5000, start=now)
    first, newest = history.extent(now, resolution)
    capacity = FINEST_BUCKETS if resolution == 1 else COARSE_BUCKETS
    assert (newest - first) // resolution + 1 == capacity
    window = history.window(now, capacity, resolution, end=newest)
    assert all(window.buckets.seconds)


def test_a_window_of_the_past_is_the_newest_ones_older_columns() -> None:
    history = History()
    now = fill(history, *[CADENCE] * 2000)
    for resolution in (1, 5, 60, 300):
        first, newest = history.extent(now, resolution)
        whole = history.window(now, (newest - first) // resolution + 1, resolution)
        for columns in (1, 7, 40):
            for end in range(first, newest + 1, 13 * resolution):
                window = history.window(now, columns, resolution, end)
                assert window.end == end
                at = (end - first) // resolution + 1
                expected = whole.buckets.read[max(at - columns, 0) : at].tolist()
                padded = [0] * (columns - len(expected)) + expected
                assert window.buckets.read.tolist() == padded


def test_a_window_of_the_past_ends_with_the_column_that_its_end_lies_in() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    assert [history.window(now, 3, 60, end).end for end in (1020, 1021, 1080)] == [1020, 1080, 1080]


def test_a_window_of_the_past_stays_while_time_goes_on() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    before = history.window(now, 30, 1, 1050)
    now = fill(history, *[1.0] * 100, start=now)
    assert history.window(now, 30, 1, 1050).buckets == before.buckets
    # But how old the newest sample is is told of the present.
    late = history.window(now + 5.0, 30, 1, 1050)
    assert (late.buckets, late.age, late.late) == (before.buckets, 5.0, True)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_a_window_beyond_what_there_is_is_all_gaps(resolution: int) -> None:
    history = History()
    now = fill(history, *[1.0] * 100, start=10_000_000.0)
    first, newest = history.extent(now, resolution)
    for end in (0, first - resolution, newest + 60 * resolution):
        window = history.window(now, 40, resolution, end)
        assert window.end == end
        assert not any(window.buckets.seconds)
    assert history.window(now, 0, resolution, first).buckets.read.tolist() == []


def test_a_window_that_ends_at_the_newest_column_is_the_newest() -> None:
    history = History()
    now = fill(history, *[CADENCE] * 700)
    for resolution in RESOLUTIONS:
        _, newest = history.extent(now, resolution)
        newest_window = history.window(now, 50, resolution)
        assert history.window(now, 50, resolution, newest) == newest_window


def test_overdue_time_is_a_gap_at_a_coarse_resolution_too() -> None:
    history = History()
    now = fill(history, *[1.0] * 120, start=0.0)
    assert rows(history, now + 130.0, 4, resolution=60) == [60_000, None, None, None]


def test_all_that_is_done_to_the_rings_is_done_under_the_lock() -> None:
    class Lock:
        held = entered = 0

        def __enter__(self) -> None:
            self.held += 1
            self.entered += 1

        def __exit__(self, *_: object) -> None:
            self.held -= 1

    lock = Lock()
    history = History(lock=lock)
    touched = history._binning.place

    def place(sample: Sample) -> list[Portion]:
        assert lock.held == 1
        return touched(sample)

    history._binning.place = place  # type: ignore[method-assign]
    now = fill(history, 1.0)
    history.window(now, 5)
    history.add_missing(Sample(now, 1, 1, 1.0))
    assert (lock.entered, lock.held) == (3, 0)


class TestRing:
    def test_what_is_older_than_a_ring_remembers_still_counts_in_the_coarser(self) -> None:
        coarse = Ring(5, 4)
        fine = Ring(1, 10, coarse)
        for column in (1, 30):
            fine.add(Portion(column, 1, 0, 1.0, 1.0, 0.0))
        fine.add(Portion(13, 7, 0, 1.0, 7.0, 0.0))
        fine.add(Portion(40, 1, 0, 1.0, 1.0, 0.0))
        assert coarse.copy(3, 6).read.tolist() == [7, 0, 0, 1]

    def test_copies_are_the_callers_own(self) -> None:
        ring = Ring(1, 10)
        ring.add(Portion(5, 1, 1, 1.0, 1.0, 1.0))
        ring.copy(5, 5).read[0] = 99
        assert ring.copy(5, 5).read.tolist() == [1]


EVENTS = st.lists(
    st.tuples(
        st.one_of(st.floats(0.9, 1.1), st.floats(1e-4, 40.0)),
        st.one_of(st.just(0.0), st.floats(0.0, 20_000.0)),
        st.integers(0, 1 << 40),
    ),
    max_size=80,
)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(EVENTS, st.integers(1, 300))
def test_any_pushes_any_window(events: list[tuple[float, float, int]], width: int) -> None:
    history = History()
    when, read, written = 1000.0, 0, 0
    for span, gap, amount in events:
        when += gap + span
        history.push(Sample(when, amount, amount // 7, span))
        read, written = read + amount, written + amount // 7
    for resolution in RESOLUTIONS:
        narrow = history.window(when, width, resolution)
        assert len(narrow.buckets) == width
        # Wide enough for all of it, where the ring is: 80 events lie within 19 days.
        if resolution >= 21_600:
            whole = history.window(when, COARSE_BUCKETS, resolution).buckets
            assert (sum(whole.read), sum(whole.written)) == (read, written)
            seconds = sum(span for span, _, _ in events)
            assert sum(whole.seconds) == pytest.approx(seconds)
        first, newest = history.extent(when, resolution)
        assert first <= newest == narrow.end or not events
        if resolution >= 21_600:
            ends = range(newest, first - resolution, -width * resolution)
            pages = [history.window(when, width, resolution, end).buckets.read for end in ends]
            assert sum(map(sum, pages)) == read
    future = Counter(history.window(when, 1, r).end - when > r + 1 for r in RESOLUTIONS)
    assert not future[True]  # no column lies in the future by more than itself


# What was kept from an earlier run.


STORED = RESOLUTIONS[3:]


def whole_seconds(*ends: int) -> list[Sample]:
    return [Sample(float(end), 100 + end % 9, end % 5, 1.0) for end in ends]


def test_what_has_changed_is_taken_once() -> None:
    history = History()
    assert history.changes(STORED) == (None, [])
    for sample in whole_seconds(100, 101):
        history.push(sample)
    first, entries = history.changes((60, 300))
    assert first == 100
    assert [(each.resolution, each.portion.bucket, each.portion.read) for each in entries] == [
        *((60, 2, 203), (300, 1, 203)),
    ]
    assert history.changes(STORED) == (None, [])
    history.push(whole_seconds(181)[0])
    first, entries = history.changes((60,))
    assert (first, [each.portion.bucket for each in entries]) == (181, [4])
    # Once more, from where it could not be stored.
    first, entries = history.changes((60,), since=100)
    assert (first, [each.portion.bucket for each in entries]) == (100, [2, 4])


def test_what_was_amended_or_held_back_is_taken_again() -> None:
    history = History()
    for sample in whole_seconds(*range(100, 200)):
        history.push(sample)
    history.changes(STORED)
    history.add_missing(Sample(110.0, 5000, 0, 3.0))
    first, entries = history.changes((60,))
    assert first == 108
    assert [each.portion.bucket for each in entries] == [2, 3, 4]
    kept = entries[:2]
    history.push(Sample(290.0, 900, 0, 90.0))
    assert history.changes((60,)) == (None, [])
    history.push(Sample(291.0, 10, 0, 1.0))
    first, entries = history.changes((60,))
    assert first == 201
    assert [each.portion.bucket for each in entries] == [4, 5]
    assert sum(history.window(291.0, 5, 60).buckets.read) == sum(
        each.portion.read for each in [*kept, *entries]
    )


def test_a_past_is_there_before_the_first_sample_and_ends_in_a_gap() -> None:
    before, after = History(), History()
    for sample in whole_seconds(*range(61, 181)):
        before.push(sample)
    after.restore(before.changes(STORED)[1])
    assert after.newest_at is None
    assert after.restored_spans[60] == (61, 180)
    assert {each: last for each, (_, last) in after.restored_spans.items()} == {
        each: -(-180 // each) * each for each in STORED
    }
    window = after.window(400.5, 7, 60)
    assert [round(seconds) for seconds in window.buckets.seconds] == [0, 60, 60, 0, 0, 0, 0]
    assert (window.end, window.age, window.late) == (420.0, None, False)
    assert after.extent(400.5, 60) == (120, 420)
    assert after.extent(400.5, 5) == (400, 400)
    after.push(whole_seconds(400)[0])
    assert after.extent(400.5, 60) == (120, 420)
    assert after.window(400.5, 7, 60).buckets.seconds[-1] == 1.0


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 9000), unique=True, max_size=80).map(sorted),
    st.integers(0, 80),
    st.integers(0, 20),
    st.sampled_from([1, 5, 60, 300]),
)
def test_what_is_restored_early_or_late_is_as_if_it_had_been_there_all_the_time(
    ends: list[int], cut: int, early: int, finest: int
) -> None:
    levels = [each for each in RESOLUTIONS if each >= finest]
    whole, before, after = History(), History(), History()
    file: dict[tuple[int, int], Bucket] = {}
    for index, sample in enumerate(whole_seconds(*ends)):
        whole.push(sample)
        if index < cut:
            before.push(sample)
            # As a store does, which is told now and then.
            for entry in before.changes(levels)[1] if index % 7 in (2, 3) else []:
                file[entry.resolution, entry.portion.bucket] = entry
        else:
            if index == cut + early:
                after.restore(rest(before, levels, file))
            after.push(sample)
    if len(ends) <= cut + early:
        after.restore(rest(before, levels, file))
    for level in levels:
        # To a given end: how far the present has come is only known where a sample has.
        one, other = (each.window(9000.0, 200, level, 9000).buckets for each in (whole, after))
        assert one == other


def rest(history: History, levels: list[int], file: dict[tuple[int, int], Bucket]) -> list[Bucket]:
    """All that is in a file when the rest of a history has been stored, in a store's order."""
    for entry in history.changes(levels)[1]:
        file[entry.resolution, entry.portion.bucket] = entry
    return [file[key] for key in sorted(file)]
