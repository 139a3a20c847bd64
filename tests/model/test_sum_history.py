"""The sum's history: the exact sum of its members', with marks where data of one is missing."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import COARSE_BUCKETS, FINEST_BUCKETS, RESOLUTIONS, StoredBucket
from bwgraph.model.sum_history import MAX_MEMBER_LAG_S, SumHistory

START = 1000.0


class Members:
    """Several histories and that of their sum."""

    def __init__(self, count: int) -> None:
        self.sum = SumHistory(range(count))
        self.each = [History() for _ in range(count)]
        for which, history in enumerate(self.each):
            history.on_portions = partial(self._add_to_sum, which)

    def _add_to_sum(self, which: int, portions: list[Portion]) -> None:
        newest = self.each[which].newest_at
        assert newest is not None
        self.sum.add(which, portions, newest)

    def steady(self, which: int, begin: int, end: int, read: int = 100) -> None:
        """Push a sample a second after ``begin``, the last at ``end``."""
        for when in range(begin + 1, end + 1):
            self.each[which].push(Sample(float(when), read, read // 10, 1.0))

    def last(self, now: float, resolution: int = 1) -> int:
        """The second at which the newest bucket shown ends."""
        end = int(self.sum.window(now, 1, resolution).end)
        assert self.sum.extent(now, resolution)[1] == end
        return end


def partial_ends(members: Members, now: float, count: int, resolution: int = 1) -> list[int]:
    """The seconds at which the buckets end that lack data of a member."""
    window = members.sum.window(now, count, resolution)
    begin = int(window.end) - (count - 1) * resolution
    return [begin + index * resolution for index in sorted(window.partial)]


def reads(members: Members, now: float, count: int, resolution: int = 1) -> list[int]:
    return members.sum.window(now, count, resolution).buckets.read.tolist()


# Sums of bytes.


def test_new_sum_equals_an_empty_history() -> None:
    empty = SumHistory(["a", "b"])
    assert empty.extent(50.7) == History().extent(50.7)
    assert empty.window(50.7, 4) == History().window(50.7, 4)
    empty.expect_no_more("a")
    empty.remove("b")
    assert empty.window(50.7, 4) == History().window(50.7, 4)


def test_each_second_is_the_sum_of_all_members() -> None:
    members = Members(3)
    for second in range(1000, 1010):
        for which in range(3):
            members.steady(which, second, second + 1, 100 * (which + 1))
    window = members.sum.window(1010.1, 10)
    assert window.buckets.read.tolist() == [600] * 10
    assert window.buckets.written.tolist() == [60] * 10
    assert window.buckets.seconds.tolist() == [1.0] * 10
    assert window.buckets.read_peak.tolist() == [600.0] * 10
    assert window.partial == frozenset()


def test_peak_is_of_the_sum_and_not_the_sum_of_peaks() -> None:
    members = Members(2)
    for when, first, second in ((1001, 900, 50), (1002, 40, 800), (1003, 500, 500)):
        members.each[0].push(Sample(float(when), first, 0, 1.0))
        members.each[1].push(Sample(float(when), second, 0, 1.0))
    assert max(members.sum.window(1003.1, 1, 60).buckets.read_peak) == 1000.0


@pytest.mark.parametrize("reads", [(1000, 1000), (5000, 20), (0, 700), (300, 200, 100)], ids=str)
def test_event_shared_between_two_seconds_makes_no_notch(reads: tuple[int, ...]) -> None:
    # Tor's events are slightly more than a second apart: every 7.5 minutes, one covers two buckets.
    members = Members(len(reads))
    clocks = [START + 0.3 * which for which in range(len(reads))]
    for _ in range(1000):
        for which, read in enumerate(reads):
            clocks[which] += 1.0022
            members.each[which].push(Sample(clocks[which], read, read // 10, 1.0022))
    window = members.sum.window(min(clocks), 900)
    buckets = window.buckets
    assert min(buckets.seconds) < 0.9, "there is a shared event"
    for read, written, seconds in zip(buckets.read, buckets.written, buckets.seconds, strict=True):
        assert read / seconds == pytest.approx(sum(reads), rel=3e-3)
        assert written / seconds == pytest.approx(sum(reads) // 10, rel=3e-3)
    assert buckets.read_peak.tolist() == pytest.approx([sum(reads)] * 900, rel=3e-3)
    assert window.partial == frozenset()
    assert not partial_ends(members, min(clocks), 15, 60)


def test_missing_bytes_are_added_to_the_sum_and_its_peak() -> None:
    members = Members(2)
    members.steady(0, 1000, 1005)
    members.steady(1, 1000, 1005)
    members.each[0].add_missing(Sample(1005.0, 1 << 32, 0, 1.0))
    assert reads(members, 1005.1, 2) == [200, 200 + (1 << 32)]
    assert not partial_ends(members, 1005.1, 5)
    for resolution in RESOLUTIONS:
        buckets = members.sum.window(1005.1, 5, resolution).buckets
        assert sum(buckets.read) == 1000 + (1 << 32)
        assert max(buckets.read_peak) == 200 + (1 << 32)
        assert sum(buckets.seconds) == 5.0


# Partial buckets.


def test_sum_marks_seconds_without_data_of_a_member() -> None:
    members = Members(3)
    for second in range(1000, 1040):
        for which in range(3):
            if which != 1 or not 1010 <= second < 1020:
                members.steady(which, second, second + 1)
        if second == 1012:
            members.sum.expect_no_more(1)
    assert partial_ends(members, 1040.1, 40) == list(range(1011, 1021))
    assert partial_ends(members, 1040.1, 8, 5) == [1015, 1020]
    assert partial_ends(members, 1040.1, 2, 60) == [1020]
    assert reads(members, 1040.1, 40)[10:20] == [200] * 10


def test_member_without_data_makes_all_buckets_partial() -> None:
    members = Members(2)
    members.steady(0, 1000, 1010)
    assert partial_ends(members, 1010.1, 12) == list(range(1001, 1011))


def test_second_without_any_data_is_a_gap_and_not_partial() -> None:
    members = Members(2)
    for which in (0, 1):
        members.steady(which, 1000, 1005)
    for which in (0, 1):
        members.steady(which, 1020, 1025)
    window = members.sum.window(1025.1, 25)
    assert window.buckets.seconds.tolist() == [1.0] * 5 + [0.0] * 15 + [1.0] * 5
    assert not window.partial


def test_late_samples_complete_partial_buckets() -> None:
    members = Members(2)
    for which in (0, 1):
        members.steady(which, 1000, 1010)
    members.steady(0, 1010, 1020)
    assert partial_ends(members, 1020.1, 20) == list(range(1011, 1021))
    members.each[1].push(Sample(1020.2, 1020, 10, 10.2))
    members.each[1].push(Sample(1021.2, 100, 10, 1.0))
    members.steady(0, 1020, 1021)
    assert not partial_ends(members, 1021.3, 20)


def test_seconds_that_wait_for_a_member_are_not_partial() -> None:
    members = Members(2)
    for second in range(1000, 1100):
        for which in (0, 1):
            members.steady(which, second, second + 1)
            for resolution in RESOLUTIONS[:5]:
                # The first second is partial until the other member has any data.
                assert second == 1000 or not partial_ends(members, second + 1.1, 30, resolution)


def test_removed_member_makes_no_bucket_partial() -> None:
    members = Members(3)
    for which in (0, 1):
        members.steady(which, 1000, 1010)
    assert len(partial_ends(members, 1010.1, 10)) == 10
    members.sum.remove(2)
    assert partial_ends(members, 1010.1, 10) == []


def test_stop_longer_than_the_finest_ring_covers_its_time_once() -> None:
    # Stopped by ^Z for over two hours: each member has a sample of all of it.
    members = Members(3)
    for which in range(3):
        members.steady(which, 1000, 1010)
    stop = 2 * FINEST_BUCKETS
    for which in range(3):
        history = members.each[which]
        history.push(Sample(1010.0 + stop, stop, 0, float(stop)))
        history.push(Sample(1011.0 + stop, 1, 0, 1.0))
    now = 1011.1 + stop
    for resolution in (60, 300, 3600):
        window = members.sum.window(now, COARSE_BUCKETS, resolution)
        assert sum(window.buckets.seconds) == 10 + stop + 1
        assert sum(window.buckets.read) == 3 * (1000 + stop + 1)
        assert window.partial == frozenset()


# The newest bucket shown.


def test_sum_waits_for_a_member_that_is_slightly_behind() -> None:
    members = Members(2)
    for which in (0, 1):
        members.steady(which, 1000, 1010)
    members.steady(0, 1010, 1010 + MAX_MEMBER_LAG_S)
    assert members.last(1012.0) == 1010
    members.steady(1, 1010, 1011)
    assert members.last(1012.1) == 1011


def test_sum_does_not_wait_for_a_member_that_is_far_behind() -> None:
    members = Members(2)
    for which in (0, 1):
        members.steady(which, 1000, 1010)
    members.steady(0, 1010, 1011 + MAX_MEMBER_LAG_S)
    assert members.last(1013.0) == 1011 + MAX_MEMBER_LAG_S


def test_newest_bucket_stays_when_a_member_catches_up() -> None:
    members = Members(2)
    for which in (0, 1):
        members.steady(which, 1000, 1010)
    members.steady(0, 1010, 1013)
    assert members.last(1013.1) == 1013
    members.steady(1, 1010, 1012)
    assert members.last(1013.2) == 1013


def test_newest_bucket_stays_when_a_member_returns() -> None:
    members = Members(2)
    members.steady(0, 1000, 1011)
    members.steady(1, 1000, 1009)
    members.sum.expect_no_more(1)
    assert members.last(1011.1) == 1011
    members.steady(1, 1009, 1010)
    assert members.last(1011.1) == 1011


def test_newest_bucket_stays_when_a_late_event_is_held() -> None:
    members = Members(2)
    for which in (0, 1):
        members.steady(which, 1000, 1010)
    assert members.last(1014.0) == 1013  # three are overdue
    members.each[0].push(Sample(1014.0, 400, 0, 4.0))
    assert members.last(1014.0) >= 1013
    members.each[0].push(Sample(1015.0, 100, 0, 1.0))
    assert members.last(1015.0) == 1015


def test_extent_begins_with_the_oldest_data_of_any_member() -> None:
    members = Members(2)
    members.steady(0, 1050, 1060)
    members.steady(1, 1000, 1060)
    assert members.sum.extent(1060.1) == (1001, 1060)


# Any histories.


class Step(NamedTuple):
    """A sample of one member, perhaps after a gap."""

    which: int
    span: float
    gap: float
    read: int
    disconnects: bool


SPANS = st.one_of(st.just(1.0022), st.floats(0.9, 1.1), st.floats(1e-3, 0.4), st.floats(1.75, 40.0))
"Drift, jitter, bursts and late events."
GAPS = st.one_of(st.just(0.0), st.just(0.0), st.just(0.0), st.floats(0.5, 900.0))
STEPS = st.lists(
    st.builds(
        Step,
        which=st.integers(0, 3),
        span=SPANS,
        gap=GAPS,
        read=st.integers(0, 1 << 40),
        disconnects=st.booleans(),
    ),
    min_size=1,
    max_size=90,
)


def events(steps: Sequence[Step], count: int) -> list[tuple[float, int, Sample, bool]]:
    """All samples in the order of their time: when, which member, sample, and whether it left."""
    clocks = [START + which * 0.23 for which in range(count)]
    found = []
    for step in steps:
        which = step.which % count
        clocks[which] += step.gap + step.span
        sample = Sample(clocks[which], step.read, step.read // 7, step.span)
        found.append((clocks[which], which, sample, step.disconnects and step.gap > 0))
    return sorted(found, key=lambda each: each[0])


@settings(PROPERTY, max_examples=60)
@given(STEPS, st.integers(1, 4))
def test_any_histories_add_up_exactly(steps: list[Step], count: int) -> None:
    members = Members(count)
    read = 0
    for _, which, sample, left in events(steps, count):
        if left:
            members.sum.expect_no_more(which)
        members.each[which].push(sample)
        read += sample.read
    now = max(history.newest_at or 0.0 for history in members.each)
    for which, history in enumerate(members.each):
        if history.newest_at is not None:  # add_missing settles the samples that are held
            history.add_missing(Sample(history.newest_at, which, 0, 0.5))
            read += which
    end = int(now) + 50
    for resolution in RESOLUTIONS:
        wide = COARSE_BUCKETS if resolution > 1 else FINEST_BUCKETS
        windows = [each.window(now, wide, resolution, end) for each in members.each]
        whole = members.sum.window(now, wide, resolution, end)
        parts = [window.buckets for window in windows]
        for field in ("read", "written"):
            arrays = [getattr(each, field) for each in parts]
            sums = [sum(values) for values in zip(*arrays, strict=True)]
            assert getattr(whole.buckets, field).tolist() == sums
        if whole.end - wide * resolution <= START - 1:
            assert sum(whole.buckets.read) == read
        covered = [[seconds > 0 for seconds in each.seconds] for each in parts]
        assert [seconds > 0 for seconds in whole.buckets.seconds] == [
            any(flags) for flags in zip(*covered, strict=True)
        ]
        if resolution == 1:
            limit = members.last(now) - (int(whole.end) - wide + 1)
            lacking = {
                index
                for index, flags in enumerate(zip(*covered, strict=True))
                if any(flags) and not all(flags) and index <= limit
            }
            assert {index for index in whole.partial if index <= limit} == lacking
            seconds = whole
    # A coarse bucket has the peak of its highest second, and is partial if one of its seconds is.
    begin = int(seconds.end) - FINEST_BUCKETS + 1
    for resolution in RESOLUTIONS[1:4]:
        coarse = members.sum.window(now, 40, resolution, end)
        for index in range(40):
            last = int(coarse.end) - (39 - index) * resolution
            within = range(last - resolution + 1 - begin, last + 1 - begin)
            if within[0] < 0 or within[-1] >= FINEST_BUCKETS:
                continue
            highest = max(
                seconds.buckets.read[at] / (seconds.buckets.seconds[at] or 1.0) for at in within
            )
            assert coarse.buckets.read_peak[index] == pytest.approx(highest)
            assert coarse.buckets.seconds[index] == pytest.approx(
                sum(seconds.buckets.seconds[at] for at in within)
            )
            assert (index in coarse.partial) is any(at in seconds.partial for at in within)


@example(
    [
        Step(0, 2.0, 0.0, 0, disconnects=False),
        Step(1, 1.0022, 4.0, 0, disconnects=False),
        Step(0, 2.0, 1.0, 0, disconnects=False),
    ],
    2,
    0.5,
)
@settings(PROPERTY, max_examples=60)
@given(STEPS, st.integers(2, 4), st.floats(0.05, 0.95))
def test_newest_bucket_shown_never_goes_back(steps: list[Step], count: int, between: float) -> None:
    members = Members(count)
    shown = dict.fromkeys((1, 5, 60), 0)
    first = events(steps, count)[0]
    members.each[first[1]].push(first[2])
    others = events(steps, count)[1:]
    times = [first[0], *(when for when, *_ in others)]
    for (before, when), (_, which, sample, left) in zip(pairwise(times), others, strict=True):
        for now in (before, before + (when - before) * between, when):
            if members.sum.newest_at is None:
                continue  # without samples it is the present second
            for resolution, last in shown.items():
                shown[resolution] = members.last(now, resolution)
                assert shown[resolution] >= last
                assert shown[resolution] < now + resolution + 1
        if members.sum.newest_at is None:
            # The first sample is held, and nothing has been shown.
            shown = dict.fromkeys(shown, 0)
        if left:
            members.sum.expect_no_more(which)
        members.each[which].push(sample)


@pytest.mark.parametrize("count", [1, 8, 64])
def test_a_minute_of_many_members(count: int) -> None:
    members = Members(count)
    for second in range(1000, 1060):
        for which in range(count):
            when = second + 1 + which / count
            members.each[which].push(Sample(when, which, 0, 1.0))
    now = 1060.99
    assert not partial_ends(members, now, 58)
    assert reads(members, now, 50) == [count * (count - 1) // 2] * 50


# Storing and restoring.


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 300), st.integers(1, 200)),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 8),
)
def test_restored_sum_equals_an_uninterrupted_one(
    stretches: list[tuple[int, int, int]], cut: int
) -> None:
    levels = (60, 300, 3600)
    whole, before, after = Members(2), Members(2), Members(2)
    at = [1000, 1000]
    file: dict[tuple[int, int], StoredBucket] = {}
    for index, (which, gap, length) in enumerate(stretches):
        if index == cut:
            # No second has data of both runs.
            at = [max(at), max(at)]
            after.sum.restore([file[key] for key in sorted(file)])
        begin = at[which] + gap
        at[which] = begin + length
        for members in (whole, before if index < cut else after):
            members.steady(which, begin, at[which])
        for entry in before.sum.changes(levels)[1]:
            file[entry.resolution, entry.portion.bucket] = entry
    if cut >= len(stretches):
        after.sum.restore([file[key] for key in sorted(file)])
    now = max(at) + 0.5
    for level in levels:
        one, other = (each.sum.window(now, 60, level, 6000) for each in (whole, after))
        assert one.buckets == other.buckets
        assert one.partial == other.partial
