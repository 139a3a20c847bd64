"""A tor's history: exact sums, bounded memory and gaps, at every resolution."""

import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.ring import Portion, Ring
from bwgraph.model.rollups import COARSE_BUCKETS, FINEST_BUCKETS, RESOLUTIONS, StoredBucket

CADENCE_S = 1.0022
"The mean time between two of tor's events."


def fill(history: History, *spans: float, start: float = 1000.0) -> float:
    """Push consecutive samples of 1000 bytes read and 10 written; returns the end of the last."""
    when = start
    for span in spans:
        when += span
        history.push(Sample(when, 1000, 10, span))
    return when


def reads(history: History, now: float, count: int, resolution: int = 1) -> list[int | None]:
    """Bytes read by bucket, None in a gap."""
    window = history.window(now, count, resolution).buckets
    return [
        read if seconds else None for read, seconds in zip(window.read, window.seconds, strict=True)
    ]


def test_each_resolution_is_a_multiple_of_the_one_before_and_fits_its_ring() -> None:
    for fine, coarse in pairwise(RESOLUTIONS):
        factor, rest = divmod(coarse, fine)
        assert rest == 0
        assert (FINEST_BUCKETS if fine == 1 else COARSE_BUCKETS) % factor == 0


def test_ring_sizes_are_an_hour_of_seconds_and_a_wide_terminal() -> None:
    assert FINEST_BUCKETS * RESOLUTIONS[0] >= 3600
    assert COARSE_BUCKETS >= 1000


def test_empty_history_is_all_gaps() -> None:
    window = History().window(5.0, 3)
    assert window.buckets.seconds.tolist() == [0.0, 0.0, 0.0]
    assert window.age is None
    assert not window.late


def test_sample_of_no_length_is_ignored() -> None:
    history = History()
    history.push(Sample(1000.0, 424_182, 0, 0.0))
    assert history.newest_at is None


def test_newest_bucket_is_the_last_and_overdue_ones_are_gaps() -> None:
    history = History()
    now = fill(history, 1.0, 1.0, 1.0)
    assert reads(history, now + 0.9, 4) == [None, 1000, 1000, 1000]
    assert reads(history, now + 1.9, 4) == [None, 1000, 1000, 1000]
    assert reads(history, now + 2.1, 4) == [1000, 1000, 1000, None]
    assert history.window(now + 2.1, 4).late
    assert reads(history, now + 60.0, 4) == [None] * 4


def test_late_event_fills_overdue_buckets() -> None:
    history = History()
    now = fill(history, 1.0, 1.0)
    assert reads(history, now + 4.1, 5) == [1000, 1000, None, None, None]
    now = fill(history, 4.0, start=now)
    assert reads(history, now, 5) == [1000, 250, 250, 250, 250]


def test_window_longer_than_the_history_begins_with_gaps() -> None:
    history = History()
    now = fill(history, *[1.0] * 3)
    assert reads(history, now, FINEST_BUCKETS + 10)[:-3] == [None] * (FINEST_BUCKETS + 7)


def test_gap_longer_than_the_ring_clears_it() -> None:
    history = History()
    fill(history, *[1.0] * 50)
    now = fill(history, 1.0, start=1000.0 + 2 * FINEST_BUCKETS)
    assert [read for read in reads(history, now, FINEST_BUCKETS) if read is not None] == [1000]
    assert sum(history.window(now, COARSE_BUCKETS, 86_400).buckets.read) == 51_000


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_sums_are_equal_at_every_resolution(resolution: int) -> None:
    history = History()
    now = fill(history, *[CADENCE_S] * 900)
    window = history.window(now, min(COARSE_BUCKETS, 1000), resolution).buckets
    assert sum(window.read) == 900_000
    assert sum(window.written) == 9_000
    assert sum(window.seconds) == pytest.approx(900 * CADENCE_S)


def test_coarse_bucket_has_bytes_covered_seconds_and_peak() -> None:
    history = History()
    for when, read in ((61.0, 100), (62.0, 900), (63.0, 200), (90.0, 300)):
        history.push(Sample(when, read, 0, 1.0))
    window = history.window(90.0, 2, resolution=60).buckets
    assert window.read.tolist() == [0, 1500]
    assert window.seconds.tolist() == [0.0, 4.0]
    assert window.read_peak.tolist() == [0.0, 900.0]


def test_seconds_expire_and_coarse_buckets_remain() -> None:
    history = History()
    now = fill(history, *[1.0] * 10_000, start=0.0)
    assert reads(history, now, FINEST_BUCKETS) == [1000] * FINEST_BUCKETS
    assert sum(history.window(now, COARSE_BUCKETS, 60).buckets.read) == 10_000_000


def test_missing_bytes_are_added_to_their_buckets_at_every_resolution() -> None:
    history = History()
    now = fill(history, *[1.0] * 30)
    history.add_missing(Sample(1010.0, 5 << 32, 0, 5.0))
    for resolution in RESOLUTIONS:
        total = sum(history.window(now, COARSE_BUCKETS, resolution).buckets.read)
        assert total == 30_000 + (5 << 32)
    buckets = history.window(now, 30).buckets
    assert [read for read in buckets.read if read > 1000] == [1000 + (1 << 32)] * 5
    assert buckets.seconds.tolist() == [1.0] * 30
    assert max(history.window(now, 9, 60).buckets.read_peak) == 1000 + (1 << 32)


def test_memory_is_allocated_once_and_never_grows() -> None:
    history = History()
    fill(history, *[1.0] * 10, start=0.0)

    def allocated_bytes() -> int:
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

    before = allocated_bytes()
    # An event every 25 minutes for a year passes through every ring as one every second does.
    for minute in range(1, 525_600, 25):
        history.push(Sample(minute * 60.0, 1, 1, 1.0))
    assert allocated_bytes() == before
    assert before < 1_000_000


def test_missing_bytes_are_added_to_a_late_sample_that_is_held() -> None:
    history = History()
    now = fill(history, *[1.0] * 10, 4.0)
    history.add_missing(Sample(now, 4 << 32, 0, 4.0))
    assert reads(history, now, 4) == [250 + (1 << 32)] * 4
    for resolution in RESOLUTIONS:
        total = sum(history.window(now, COARSE_BUCKETS, resolution).buckets.read)
        assert total == 11_000 + (4 << 32)


# Extent, and windows that end before the newest bucket.


def test_extent_of_an_empty_history_is_the_present_bucket() -> None:
    assert History().extent(50.7) == (50, 50)
    assert History().extent(50.7, 60) == (60, 60)


def test_extent_is_from_the_first_bucket_to_the_newest() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    assert history.extent(now) == (1001, 1100)
    assert history.extent(now, 5) == (1005, 1100)
    assert history.extent(now, 60) == (1020, 1140)
    assert history.extent(now, 86_400) == (86_400, 86_400)


def test_extent_includes_overdue_seconds_as_the_window_does() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    for late in (0.0, 0.9, 1.9, 2.1, 60.0, 7000.0):
        for resolution in RESOLUTIONS:
            _, newest = history.extent(now + late, resolution)
            assert newest == history.window(now + late, 1, resolution).end


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_extent_is_limited_to_the_buckets_held(resolution: int) -> None:
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


def test_earlier_window_equals_that_part_of_the_whole() -> None:
    history = History()
    now = fill(history, *[CADENCE_S] * 2000)
    for resolution in (1, 5, 60, 300):
        first, newest = history.extent(now, resolution)
        whole = history.window(now, (newest - first) // resolution + 1, resolution)
        for count in (1, 7, 40):
            for end in range(first, newest + 1, 13 * resolution):
                window = history.window(now, count, resolution, end)
                assert window.end == end
                stop = (end - first) // resolution + 1
                expected = whole.buckets.read[max(stop - count, 0) : stop].tolist()
                padded = [0] * (count - len(expected)) + expected
                assert window.buckets.read.tolist() == padded


def test_window_ends_with_the_bucket_that_contains_its_end() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    assert [history.window(now, 3, 60, end).end for end in (1020, 1021, 1080)] == [1020, 1080, 1080]


def test_earlier_window_does_not_change_later() -> None:
    history = History()
    now = fill(history, *[1.0] * 100)
    before = history.window(now, 30, 1, 1050)
    now = fill(history, *[1.0] * 100, start=now)
    assert history.window(now, 30, 1, 1050).buckets == before.buckets
    # But its age is that of the newest sample.
    late = history.window(now + 5.0, 30, 1, 1050)
    assert (late.buckets, late.age, late.late) == (before.buckets, 5.0, True)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_window_outside_the_extent_is_all_gaps(resolution: int) -> None:
    history = History()
    now = fill(history, *[1.0] * 100, start=10_000_000.0)
    first, newest = history.extent(now, resolution)
    for end in (0, first - resolution, newest + 60 * resolution):
        window = history.window(now, 40, resolution, end)
        assert window.end == end
        assert not any(window.buckets.seconds)
    assert history.window(now, 0, resolution, first).buckets.read.tolist() == []


def test_window_that_ends_at_the_newest_bucket_is_the_newest() -> None:
    history = History()
    now = fill(history, *[CADENCE_S] * 700)
    for resolution in RESOLUTIONS:
        _, newest = history.extent(now, resolution)
        newest_window = history.window(now, 50, resolution)
        assert history.window(now, 50, resolution, newest) == newest_window


def test_overdue_time_is_a_gap_at_a_coarse_resolution() -> None:
    history = History()
    now = fill(history, *[1.0] * 120, start=0.0)
    assert reads(history, now + 130.0, 4, resolution=60) == [60_000, None, None, None]


def test_buckets_are_used_under_the_lock_only() -> None:
    class Lock:
        held = entered = 0

        def __enter__(self) -> None:
            self.held += 1
            self.entered += 1

        def __exit__(self, *_: object) -> None:
            self.held -= 1

    lock = Lock()
    history = History(lock=lock)
    original = history._binning.place

    def place(sample: Sample) -> list[Portion]:
        assert lock.held == 1
        return original(sample)

    history._binning.place = place  # type: ignore[method-assign]
    now = fill(history, 1.0)
    history.window(now, 5)
    history.add_missing(Sample(now, 1, 1, 1.0))
    assert (lock.entered, lock.held) == (3, 0)


class TestRing:
    def test_portion_of_an_expired_bucket_is_added_to_the_coarser_ring(self) -> None:
        coarse = Ring(5, 4)
        fine = Ring(1, 10, coarse)
        for bucket in (1, 30):
            fine.add(Portion(bucket, 1, 0, 1.0, 1.0, 0.0))
        fine.add(Portion(13, 7, 0, 1.0, 7.0, 0.0))
        fine.add(Portion(40, 1, 0, 1.0, 1.0, 0.0))
        assert coarse.copy(3, 6).read.tolist() == [7, 0, 0, 1]

    def test_changing_a_copy_does_not_change_the_ring(self) -> None:
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
def test_any_samples_in_any_window(events: list[tuple[float, float, int]], width: int) -> None:
    history = History()
    when, read, written = 1000.0, 0, 0
    for span, gap, amount in events:
        when += gap + span
        history.push(Sample(when, amount, amount // 7, span))
        read, written = read + amount, written + amount // 7
    for resolution in RESOLUTIONS:
        narrow = history.window(when, width, resolution)
        assert len(narrow.buckets) == width
        # 80 events lie within 19 days, which the coarsest rings can hold.
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
    assert not future[True]  # at most one bucket ends in the future


# Storing and restoring.


STORED = RESOLUTIONS[3:]


def whole_seconds(*ends: int) -> list[Sample]:
    return [Sample(float(end), 100 + end % 9, end % 5, 1.0) for end in ends]


def test_changes_are_returned_once() -> None:
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
    # Again, from the second that could not be stored.
    first, entries = history.changes((60,), since=100)
    assert (first, [each.portion.bucket for each in entries]) == (100, [2, 4])


def test_missing_bytes_and_late_samples_are_changes() -> None:
    history = History()
    for sample in whole_seconds(*range(100, 200)):
        history.push(sample)
    history.changes(STORED)
    history.add_missing(Sample(110.0, 5000, 0, 3.0))
    first, entries = history.changes((60,))
    assert first == 108
    assert [each.portion.bucket for each in entries] == [2, 3, 4]
    unchanged = entries[:2]
    history.push(Sample(290.0, 900, 0, 90.0))
    assert history.changes((60,)) == (None, [])
    history.push(Sample(291.0, 10, 0, 1.0))
    first, entries = history.changes((60,))
    assert first == 201
    assert [each.portion.bucket for each in entries] == [4, 5]
    assert sum(history.window(291.0, 5, 60).buckets.read) == sum(
        each.portion.read for each in [*unchanged, *entries]
    )


def test_restored_history_is_shown_before_the_first_sample() -> None:
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
def test_restored_history_equals_an_uninterrupted_one(
    ends: list[int], cut: int, early: int, finest: int
) -> None:
    levels = [each for each in RESOLUTIONS if each >= finest]
    whole, before, after = History(), History(), History()
    file: dict[tuple[int, int], StoredBucket] = {}
    for index, sample in enumerate(whole_seconds(*ends)):
        whole.push(sample)
        if index < cut:
            before.push(sample)
            # As a store does, which is updated now and then.
            for entry in before.changes(levels)[1] if index % 7 in (2, 3) else []:
                file[entry.resolution, entry.portion.bucket] = entry
        else:
            if index == cut + early:
                after.restore(all_stored(before, levels, file))
            after.push(sample)
    if len(ends) <= cut + early:
        after.restore(all_stored(before, levels, file))
    for level in levels:
        # With a given end, because the newest bucket depends on when the last sample arrived.
        one, other = (each.window(9000.0, 200, level, 9000).buckets for each in (whole, after))
        assert one == other


def all_stored(
    history: History, levels: list[int], file: dict[tuple[int, int], StoredBucket]
) -> list[StoredBucket]:
    """Store the rest of a history; returns all stored buckets in the order of the store."""
    for entry in history.changes(levels)[1]:
        file[entry.resolution, entry.portion.bucket] = entry
    return [file[key] for key in sorted(file)]
