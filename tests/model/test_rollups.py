"""The chain of rings: portions of seconds add up to the same at every resolution."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.ring import Portion
from bwgraph.model.rollups import (
    COARSE_BUCKETS,
    FINEST_BUCKETS,
    RESOLUTIONS,
    Rollups,
    bucket_capacity,
)


def portion(bucket: int, read: int = 1, seconds: float = 1.0) -> Portion:
    return Portion(bucket, read, 2 * read, seconds, float(read), 2.0 * read)


def test_each_resolution_divides_the_next_and_its_ring() -> None:
    for fine, coarse in pairwise(RESOLUTIONS):
        assert coarse % fine == 0
        assert bucket_capacity(fine) % (coarse // fine) == 0
    assert bucket_capacity(1) == FINEST_BUCKETS >= 3600
    assert {bucket_capacity(resolution) for resolution in RESOLUTIONS[1:]} == {COARSE_BUCKETS}


def test_empty_rollups_are_gaps() -> None:
    for resolution in RESOLUTIONS:
        buckets = Rollups().copy(resolution, 5, 9)
        assert buckets.seconds.tolist() == [0.0] * 5
    assert Rollups().portion(7) == Portion(7, 0, 0, 0.0, 0.0, 0.0)
    assert Rollups().uncovered_seconds(7) == 1.0


def test_bucket_is_the_sum_of_its_portions() -> None:
    rollups = Rollups()
    rollups.add([portion(7, 3, 0.25), portion(7, 4, 0.5), portion(8, 1)])
    assert rollups.portion(7) == Portion(7, 7, 14, 0.75, 4.0, 8.0)
    assert rollups.uncovered_seconds(7) == 0.25
    assert rollups.uncovered_seconds(8) == 0.0


def test_pending_portions_are_copied_and_not_added() -> None:
    rollups = Rollups()
    rollups.add([portion(59, 5)])
    for resolution in RESOLUTIONS:
        last = -(-61 // resolution)
        copied = rollups.copy(resolution, 1, last, [portion(60, 7), portion(61, 9)])
        assert sum(copied.read) == 21
        assert sum(rollups.copy(resolution, 1, last).read) == 5
    assert rollups.copy(60, 1, 2, [portion(60, 7), portion(61, 9)]).read.tolist() == [12, 9]


def test_expired_bucket_has_the_uncovered_seconds_of_the_coarser_one() -> None:
    rollups = Rollups()
    rollups.add([portion(bucket) for bucket in range(1, 4)])
    rollups.add([portion(3 + 2 * FINEST_BUCKETS)])
    assert rollups.portion(1).seconds == 0.0  # expired
    assert rollups.uncovered_seconds(1) == 1.0  # two of the five seconds are uncovered
    rollups.add([portion(4), portion(5)])
    assert [rollups.uncovered_seconds(bucket) for bucket in (1, 5)] == [0.0, 0.0]
    for day in range(2 * COARSE_BUCKETS, 2 * COARSE_BUCKETS + 200, 10):
        rollups.add([portion(86_400 * day)])
    assert rollups.uncovered_seconds(1) == 0.0  # expired at every resolution


@PROPERTY
@given(
    st.lists(
        st.tuples(st.integers(-300, 900), st.integers(0, 1 << 40), st.booleans()), max_size=60
    ),
    st.sampled_from(RESOLUTIONS),
)
def test_any_portions_in_any_order_add_up_at_every_resolution(
    steps: list[tuple[int, int, bool]], resolution: int
) -> None:
    rollups, at = Rollups(), 5000
    expected: dict[int, list[int]] = {}
    for step, read, far in steps:
        at = max(at + step * (7 if far else 1), 1)
        rollups.add([portion(at, read)])
        expected.setdefault(-(-at // resolution), []).append(read)
    if not expected:
        return
    # Each resolution from 300 s on holds all of it, unless it is too long.
    first, last = min(expected), max(expected)
    if last - first >= bucket_capacity(resolution) or resolution < 300:
        return
    buckets = rollups.copy(resolution, first, last)
    reads = [sum(expected.get(bucket, [])) for bucket in range(first, last + 1)]
    assert buckets.read.tolist() == reads
    assert buckets.written.tolist() == [2 * read for read in reads]
    counts = [len(expected.get(bucket, [])) for bucket in range(first, last + 1)]
    assert buckets.seconds.tolist() == counts


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_adjacent_copies_make_the_whole(resolution: int) -> None:
    rollups = Rollups()
    rollups.add([portion(bucket, bucket) for bucket in range(1, 700)])
    last = -(-699 // resolution)
    whole = rollups.copy(resolution, 1, last).read.tolist()
    halves = [rollups.copy(resolution, 1, last // 2), rollups.copy(resolution, last // 2 + 1, last)]
    assert halves[0].read.tolist() + halves[1].read.tolist() == whole
