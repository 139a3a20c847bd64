"""Assignment of samples to buckets: each pattern of tor's events, and any sequence of them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bwgraph.model.binning import MAX_BURST_EVENTS, Binning
from bwgraph.model.events import Sample
from bwgraph.model.ring import Portion

CADENCE_S = 1.0022
"The mean time between two of tor's events."
DAY_S = 86_400


def portions_of(samples: list[Sample]) -> list[Portion]:
    """The portions of all samples, those that are held at the end included."""
    binning = Binning()
    portions = [portion for sample in samples for portion in binning.place(sample)]
    return portions + binning.settle()


def by_bucket(portions: list[Portion]) -> dict[int, tuple[int, float]]:
    """Bytes read and covered seconds by bucket."""
    buckets: dict[int, tuple[int, float]] = {}
    for portion in portions:
        read, seconds = buckets.get(portion.bucket, (0, 0.0))
        buckets[portion.bucket] = read + portion.read, seconds + portion.seconds
    return buckets


def successive(*spans: float, start: float = 1000.0, read: int = 1000) -> list[Sample]:
    """Samples without gaps between them, each with its span."""
    samples, when = [], start
    for span in spans:
        when += span
        samples.append(Sample(when, read, read // 10, span))
    return samples


def test_drift_over_a_day_makes_no_gap_and_no_doubled_bucket() -> None:
    buckets = by_bucket(portions_of(successive(*[CADENCE_S] * int(DAY_S / CADENCE_S), start=0.0)))
    assert sorted(buckets) == list(range(1, DAY_S))
    rates = {round(read / seconds) for read, seconds in buckets.values()}
    assert rates == {round(1000 / CADENCE_S)}  # buckets that share an event have its rate


def test_buckets_are_off_from_the_clock_by_at_most_three_quarters_of_a_second() -> None:
    binning = Binning()
    for sample in successive(*[CADENCE_S] * 20_000):
        last = binning.place(sample)[-1].bucket
        assert abs(sample.ends_at - last) <= 0.75


@pytest.mark.parametrize("jitter", [0.003, 0.04, 0.2])
def test_jitter_makes_no_gap(jitter: float) -> None:
    spans = [CADENCE_S + (jitter if i % 2 else -jitter) for i in range(2000)]
    buckets = by_bucket(portions_of(successive(*spans)))
    assert sorted(buckets) == list(range(min(buckets), max(buckets) + 1))


@pytest.mark.parametrize("late", [0.1, 0.24, 0.3, 0.5, 0.6, 0.74, 0.9, 0.9999, 1.3, 1.99, 2.5, 7.2])
def test_event_delayed_on_its_way_makes_no_spike(late: float) -> None:
    """The events after it are not delayed, and arrive close behind it."""
    arrivals = [1000.0 + i + (late if i == 5 else 0.0) for i in range(15)]
    arrivals = [max(arrivals[: i + 1]) + i * 1e-5 for i in range(15)]
    spans = [after - before for before, after in pairwise(arrivals)]
    portions = portions_of(successive(*spans, start=arrivals[0]))
    buckets = by_bucket(portions)
    assert sorted(buckets) == list(range(min(buckets), max(buckets) + 1))
    assert sum(read for read, _ in buckets.values()) == 14_000
    assert max(portion.read_peak for portion in portions) < 1400
    assert max(read / seconds for read, seconds in buckets.values()) < 1400


def test_late_event_is_spread_over_its_span() -> None:
    buckets = by_bucket(portions_of(successive(1.0, 5.0, 1.0, 1.0)))
    # 1000 in the first second; the late event and the one after it share 2000; 1000 in the last.
    assert buckets[1001] == (1000, 1.0)
    late = [buckets[b] for b in range(1002, 1008)]
    assert sum(read for read, _ in late) == 2000
    assert {round(read / seconds) for read, seconds in late} <= {333, 334}
    assert buckets[1008] == (1000, 1.0)


def test_small_event_and_backlog_of_a_stopped_tor_make_no_spike() -> None:
    steady = successive(1.0, 1.0, read=54_000)
    stop = Sample(steady[-1].ends_at + 10.0, 5_184, 0, 10.0)
    backlog = Sample(stop.ends_at + 1.0, 597_798, 0, 1.0)
    buckets = by_bucket(portions_of([*steady, stop, backlog]))
    assert max(read / seconds for read, seconds in buckets.values()) < 56_000
    assert sum(read for read, _ in buckets.values()) == 2 * 54_000 + 5_184 + 597_798


def test_each_event_of_a_burst_gets_its_own_second() -> None:
    before = successive(1.0, 1.0)
    stopped = before[-1].ends_at + 8.0
    burst = [Sample(stopped, 100, 0, 8.0)]
    burst += [Sample(stopped + i * 0.0001, 100 * (i + 1), 0, 0.0001) for i in range(1, 8)]
    after = Sample(stopped + 1.0, 900, 0, 0.9993)
    buckets = by_bucket(portions_of([*before, *burst, after]))
    assert [buckets[b][0] for b in range(1003, 1012)] == [100 * i for i in range(1, 10)]


def test_gap_has_the_right_length() -> None:
    first = successive(1.0, 1.0)
    later = successive(1.0, 1.0, start=1030.4)
    buckets = by_bucket(portions_of([*first, *later]))
    assert sorted(buckets) == [1001, 1002, 1031, 1032]  # 28 of 28.4 seconds


def test_suspended_machine_leaves_a_gap() -> None:
    # Suspended for an hour between two events. The second event covers less than a second.
    buckets = by_bucket(portions_of([*successive(1.0, 1.0), Sample(1002.0 + 3600.0, 500, 0, 0.9)]))
    assert sorted(buckets) == [1001, 1002, 4602]


def test_held_samples_are_pending_before_they_are_settled() -> None:
    binning = Binning()
    for sample in successive(1.0, 4.0):
        binning.place(sample)
    assert [p.bucket for p in binning.pending()] == [1002, 1003, 1004, 1005]
    assert [p.bucket for p in binning.settle()] == [1002, 1003, 1004, 1005]
    assert binning.pending() == []


SPANS = st.one_of(
    st.floats(0.95, 1.1), st.floats(1e-6, 0.4), st.floats(1.5, 30.0), st.floats(0.3, 2.5)
)
GAPS = st.one_of(st.just(0.0), st.just(0.0), st.just(0.0), st.floats(0.1, 5000.0))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(st.tuples(SPANS, GAPS, st.integers(0, 1 << 40)), max_size=60))
def test_any_sequence_preserves_bytes_and_order(
    events: list[tuple[float, float, int]],
) -> None:
    when, samples = 5000.0, []
    for span, gap, read in events:
        when += gap + span
        samples.append(Sample(when, read, read // 3, span))
    binning = Binning()
    edge, total = 0, [0, 0]
    settled: list[Portion] = []
    for sample in samples:
        portions = binning.place(sample)
        settled += portions
        for portion in portions:
            assert portion.bucket >= edge  # never before a settled bucket
            edge = portion.bucket
        total = [total[0] + sample.read, total[1] + sample.written]
        portions = settled + binning.pending()
        assert [sum(p.read for p in portions), sum(p.written for p in portions)] == total
    for portion in settled + binning.pending():
        assert portion.seconds > 0
        assert portion.bucket <= when + 1.0
    covered = sum(p.seconds for p in settled + binning.pending())
    assert covered == pytest.approx(sum(span for span, _, _ in events))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(SPANS, min_size=1, max_size=80))
def test_events_without_gaps_between_them_leave_no_bucket_empty(spans: list[float]) -> None:
    buckets = by_bucket(portions_of(successive(*spans)))
    assert sorted(buckets) == list(range(min(buckets), max(buckets) + 1))


def test_late_event_before_a_gap_is_settled_alone() -> None:
    binning = Binning()
    assert binning.place(Sample(1004.0, 400, 0, 4.0)) == []
    after = Sample(1100.0, 7, 0, 1.0)
    assert [(p.bucket, p.read) for p in binning.place(after)] == [
        (1001, 100),
        (1002, 100),
        (1003, 100),
        (1004, 100),
        (1100, 7),
    ]
    assert binning.pending() == []


def test_number_of_held_events_is_bounded() -> None:
    binning = Binning()
    binning.place(Sample(5000.0, 1, 0, 4000.0))
    settled = 0
    for i in range(1, MAX_BURST_EVENTS + 5):
        settled += sum(
            portion.read for portion in binning.place(Sample(5000.0 + i * 1e-6, 1, 0, 1e-6))
        )
    assert settled >= MAX_BURST_EVENTS
    assert settled + sum(p.read for p in binning.pending()) == MAX_BURST_EVENTS + 5
