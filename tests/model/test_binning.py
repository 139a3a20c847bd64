"""Where samples go in time: each of tor's habits, and any sequence of them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bwgraph.model.binning import MAX_BURST_EVENTS, Binning
from bwgraph.model.events import Sample
from bwgraph.model.ring import Portion

CADENCE = 1.0022
DAY = 86_400


def placed(samples: list[Sample]) -> list[Portion]:
    """Where they all go, what is held at the end included."""
    placement = Binning()
    portions = [portion for sample in samples for portion in placement.place(sample)]
    return portions + placement.settle()


def by_column(portions: list[Portion]) -> dict[int, tuple[int, float]]:
    columns: dict[int, tuple[int, float]] = {}
    for portion in portions:
        read, seconds = columns.get(portion.bucket, (0, 0.0))
        columns[portion.bucket] = read + portion.read, seconds + portion.seconds
    return columns


def successive(*spans: float, start: float = 1000.0, read: int = 1000) -> list[Sample]:
    """Events that follow on one another, each covering its span."""
    samples, when = [], start
    for span in spans:
        when += span
        samples.append(Sample(when, read, read // 10, span))
    return samples


def test_a_days_drift_shows_no_gap_and_no_doubled_column() -> None:
    columns = by_column(placed(successive(*[CADENCE] * int(DAY / CADENCE), start=0.0)))
    numbers = sorted(columns)
    assert numbers == list(range(1, DAY))  # every second once, and none missing
    rates = {round(read / seconds) for read, seconds in columns.values()}
    assert rates == {round(1000 / CADENCE)}  # a column that was shared has the event's own rate


def test_columns_stay_within_three_quarters_of_a_second_of_the_clock() -> None:
    placement = Binning()
    for sample in successive(*[CADENCE] * 20_000):
        last = placement.place(sample)[-1].bucket
        assert abs(sample.ends_at - last) <= 0.75


@pytest.mark.parametrize("jitter", [0.003, 0.04, 0.2])
def test_jitter_is_no_gap(jitter: float) -> None:
    spans = [CADENCE + (jitter if i % 2 else -jitter) for i in range(2000)]
    columns = by_column(placed(successive(*spans)))
    assert sorted(columns) == list(range(min(columns), max(columns) + 1))


@pytest.mark.parametrize("late", [0.1, 0.24, 0.3, 0.5, 0.6, 0.74, 0.9, 0.9999, 1.3, 1.99, 2.5, 7.2])
def test_an_event_that_is_late_on_the_way_makes_no_spike(late: float) -> None:
    """The next are not late by themselves, and so come close behind it."""
    arrivals = [1000.0 + i + (late if i == 5 else 0.0) for i in range(15)]
    arrivals = [max(arrivals[: i + 1]) + i * 1e-5 for i in range(15)]
    spans = [after - before for before, after in pairwise(arrivals)]
    portions = placed(successive(*spans, start=arrivals[0]))
    columns = by_column(portions)
    assert sorted(columns) == list(range(min(columns), max(columns) + 1))
    assert sum(read for read, _ in columns.values()) == 14_000
    assert max(portion.read_peak for portion in portions) < 1400
    assert max(read / seconds for read, seconds in columns.values()) < 1400


def test_a_late_event_is_spread_over_the_time_that_it_covers() -> None:
    columns = by_column(placed(successive(1.0, 5.0, 1.0, 1.0)))
    # 1000 in the first second; 5 s late and the second after it share 2000; then 1000 again.
    assert columns[1001] == (1000, 1.0)
    late = [columns[c] for c in range(1002, 1008)]
    assert sum(read for read, _ in late) == 2000
    assert {round(read / seconds) for read, seconds in late} <= {333, 334}
    assert columns[1008] == (1000, 1.0)


def test_a_stopped_tors_small_event_and_its_backlog_make_no_spike() -> None:
    steady = successive(1.0, 1.0, read=54_000)
    stop = Sample(steady[-1].ends_at + 10.0, 5_184, 0, 10.0)
    backlog = Sample(stop.ends_at + 1.0, 597_798, 0, 1.0)
    columns = by_column(placed([*steady, stop, backlog]))
    assert max(read / seconds for read, seconds in columns.values()) < 56_000
    assert sum(read for read, _ in columns.values()) == 2 * 54_000 + 5_184 + 597_798


def test_a_burst_lands_in_its_own_seconds() -> None:
    before = successive(1.0, 1.0)
    stopped = before[-1].ends_at + 8.0
    burst = [Sample(stopped, 100, 0, 8.0)]
    burst += [Sample(stopped + i * 0.0001, 100 * (i + 1), 0, 0.0001) for i in range(1, 8)]
    after = Sample(stopped + 1.0, 900, 0, 0.9993)
    columns = by_column(placed([*before, *burst, after]))
    assert [columns[c][0] for c in range(1003, 1012)] == [100 * i for i in range(1, 10)]


def test_a_gap_is_of_the_right_length() -> None:
    first = successive(1.0, 1.0)
    later = successive(1.0, 1.0, start=1030.4)
    columns = by_column(placed([*first, *later]))
    assert sorted(columns) == [1001, 1002, 1031, 1032]  # 28 of 28.4 seconds


def test_a_suspended_machine_leaves_a_gap() -> None:
    # Asleep for an hour between two events: the clock went on, and tor's second was a second.
    columns = by_column(placed([*successive(1.0, 1.0), Sample(1002.0 + 3600.0, 500, 0, 0.9)]))
    assert sorted(columns) == [1001, 1002, 4602]


def test_what_is_held_can_be_seen_before_it_is_settled() -> None:
    placement = Binning()
    for sample in successive(1.0, 4.0):
        placement.place(sample)
    assert [p.bucket for p in placement.pending()] == [1002, 1003, 1004, 1005]
    assert [p.bucket for p in placement.settle()] == [1002, 1003, 1004, 1005]
    assert placement.pending() == []


SPANS = st.one_of(
    st.floats(0.95, 1.1), st.floats(1e-6, 0.4), st.floats(1.5, 30.0), st.floats(0.3, 2.5)
)
GAPS = st.one_of(st.just(0.0), st.just(0.0), st.just(0.0), st.floats(0.1, 5000.0))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(st.tuples(SPANS, GAPS, st.integers(0, 1 << 40)), max_size=60))
def test_any_sequence_keeps_every_byte_and_its_order(
    events: list[tuple[float, float, int]],
) -> None:
    when, samples = 5000.0, []
    for span, gap, read in events:
        when += gap + span
        samples.append(Sample(when, read, read // 3, span))
    placement = Binning()
    edge, total = 0, [0, 0]
    settled: list[Portion] = []
    for sample in samples:
        portions = placement.place(sample)
        settled += portions
        for portion in portions:
            assert portion.bucket >= edge  # a settled column is never gone back behind
            edge = portion.bucket
        total = [total[0] + sample.read, total[1] + sample.written]
        seen = settled + placement.pending()
        assert [sum(p.read for p in seen), sum(p.written for p in seen)] == total
    for portion in settled + placement.pending():
        assert portion.seconds > 0
        assert portion.bucket <= when + 1.0
    covered = sum(p.seconds for p in settled + placement.pending())
    assert covered == pytest.approx(sum(span for span, _, _ in events))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(SPANS, min_size=1, max_size=80))
def test_events_that_follow_on_one_another_leave_no_column_empty(spans: list[float]) -> None:
    columns = by_column(placed(successive(*spans)))
    assert sorted(columns) == list(range(min(columns), max(columns) + 1))


def test_a_late_event_before_a_real_gap_is_settled_by_itself() -> None:
    placement = Binning()
    assert placement.place(Sample(1004.0, 400, 0, 4.0)) == []
    after = Sample(1100.0, 7, 0, 1.0)
    assert [(p.bucket, p.read) for p in placement.place(after)] == [
        (1001, 100),
        (1002, 100),
        (1003, 100),
        (1004, 100),
        (1100, 7),
    ]
    assert placement.pending() == []


def test_no_more_is_held_than_a_bound() -> None:
    placement = Binning()
    placement.place(Sample(5000.0, 1, 0, 4000.0))
    settled = 0
    for i in range(1, MAX_BURST_EVENTS + 5):
        settled += sum(
            portion.read for portion in placement.place(Sample(5000.0 + i * 1e-6, 1, 0, 1e-6))
        )
    assert settled >= MAX_BURST_EVENTS
    assert settled + sum(p.read for p in placement.pending()) == MAX_BURST_EVENTS + 5
