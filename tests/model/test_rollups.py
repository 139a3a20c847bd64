"""The rings as one: what goes in at the finest is there at every resolution."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.ring import Portion
from bwgraph.model.rollups import COARSE_BUCKETS, FINEST_BUCKETS, RESOLUTIONS, Rollups, kept_buckets


def portion(column: int, read: int = 1, seconds: float = 1.0) -> Portion:
    return Portion(column, read, 2 * read, seconds, float(read), 2.0 * read)


def test_each_resolution_adds_up_to_the_next_and_is_kept_as_long() -> None:
    for fine, coarse in pairwise(RESOLUTIONS):
        assert coarse % fine == 0
        assert kept_buckets(fine) % (coarse // fine) == 0
    assert kept_buckets(1) == FINEST_BUCKETS >= 3600
    assert {kept_buckets(resolution) for resolution in RESOLUTIONS[1:]} == {COARSE_BUCKETS}


def test_nothing_is_gaps() -> None:
    for resolution in RESOLUTIONS:
        columns = Rollups().copy(resolution, 5, 9)
        assert columns.seconds.tolist() == [0.0] * 5
    assert Rollups().portion(7) == Portion(7, 0, 0, 0.0, 0.0, 0.0)
    assert Rollups().uncovered_seconds(7) == 1.0


def test_a_column_is_what_was_put_into_it() -> None:
    ladder = Rollups()
    ladder.add([portion(7, 3, 0.25), portion(7, 4, 0.5), portion(8, 1)])
    assert ladder.portion(7) == Portion(7, 7, 14, 0.75, 4.0, 8.0)
    assert ladder.uncovered_seconds(7) == 0.25
    assert ladder.uncovered_seconds(8) == 0.0


def test_what_is_pending_is_seen_as_if_it_were_there_and_is_not() -> None:
    ladder = Rollups()
    ladder.add([portion(59, 5)])
    for resolution in RESOLUTIONS:
        last = -(-61 // resolution)
        seen = ladder.copy(resolution, 1, last, [portion(60, 7), portion(61, 9)])
        assert sum(seen.read) == 21
        assert sum(ladder.copy(resolution, 1, last).read) == 5
    assert ladder.copy(60, 1, 2, [portion(60, 7), portion(61, 9)]).read.tolist() == [12, 9]


def test_of_a_forgotten_column_there_is_as_much_room_as_in_the_coarser_one() -> None:
    ladder = Rollups()
    ladder.add([portion(column) for column in range(1, 4)])
    ladder.add([portion(3 + 2 * FINEST_BUCKETS)])
    assert ladder.portion(1).seconds == 0.0  # it is not known any more
    assert ladder.uncovered_seconds(1) == 1.0  # two of five seconds are left
    ladder.add([portion(4), portion(5)])
    assert [ladder.uncovered_seconds(column) for column in (1, 5)] == [0.0, 0.0]
    for day in range(2 * COARSE_BUCKETS, 2 * COARSE_BUCKETS + 200, 10):
        ladder.add([portion(86_400 * day)])
    assert ladder.uncovered_seconds(1) == 0.0  # older than all that is kept


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
    ladder, at = Rollups(), 5000
    expected: dict[int, list[int]] = {}
    for step, read, far in steps:
        at = max(at + step * (7 if far else 1), 1)
        ladder.add([portion(at, read)])
        expected.setdefault(-(-at // resolution), []).append(read)
    if not expected:
        return
    # All of it lies within what each resolution but the finest two keeps.
    first, last = min(expected), max(expected)
    if last - first >= kept_buckets(resolution) or resolution < 300:
        return
    columns = ladder.copy(resolution, first, last)
    reads = [sum(expected.get(column, [])) for column in range(first, last + 1)]
    assert columns.read.tolist() == reads
    assert columns.written.tolist() == [2 * read for read in reads]
    counts = [len(expected.get(column, [])) for column in range(first, last + 1)]
    assert columns.seconds.tolist() == counts


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_windows_side_by_side_are_the_whole(resolution: int) -> None:
    ladder = Rollups()
    ladder.add([portion(column, column) for column in range(1, 700)])
    last = -(-699 // resolution)
    whole = ladder.copy(resolution, 1, last).read.tolist()
    halves = [ladder.copy(resolution, 1, last // 2), ladder.copy(resolution, last // 2 + 1, last)]
    assert halves[0].read.tolist() + halves[1].read.tolist() == whole
