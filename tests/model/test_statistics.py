"""Rates, average, percentile and peak of a window of history."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.model.history import LATE_AFTER_S, History, Window
from bwgraph.model.statistics import NO_SUMMARY, Rates, Summary, Traffic, current_rates, rates
from bwgraph.model.statistics import summarize as summarize_with_rates

FIRST = 1001.0
"When the first second of ``window_of`` ends."

SECONDS = st.lists(st.none() | st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40)))
"Bytes read and written in consecutive seconds; None for a gap."


def window_of(
    *seconds: tuple[int, int] | None,
    count: int | None = None,
    age: float = 0.25,
    resolution: int = 1,
) -> Window:
    """The newest ``count`` buckets, or one per second, ``age`` seconds after the last."""
    history = History()
    for i, moved in enumerate(seconds):
        if moved is not None:
            history.push(Sample(FIRST + i, *moved, seconds=1.0))
    now = FIRST + len(seconds) - 1 + age
    return history.window(now, len(seconds) if count is None else count, resolution)


def reading(*amounts: int | None) -> Window:
    """The window over seconds in which these bytes were read; None for a gap."""
    return window_of(*(None if amount is None else (amount, 0) for amount in amounts))


def summarize(window: Window, skipped: int = 0) -> Traffic:
    """Summarize a window with its own rates."""
    return summarize_with_rates(window, rates(window), skipped)


# Current rates.


def test_current_rates_are_those_of_the_newest_second() -> None:
    assert current_rates(window_of((100, 1), (200, 2), (50, 3))) == (50, 3)


def test_current_rates_at_coarse_resolution_are_means_of_the_newest_bucket() -> None:
    window = window_of(*[(100, 10)] * 60, *[(200, 20)] * 60, count=2, resolution=60)
    assert current_rates(window) == (rates(window)[0][-1], rates(window)[1][-1])


@pytest.mark.parametrize(
    ("age", "is_current"), [(0.0, True), (LATE_AFTER_S - 0.1, True), (LATE_AFTER_S + 0.1, False)]
)
def test_current_rates_are_none_if_the_newest_sample_is_late(age: float, is_current: bool) -> None:
    window = window_of((100, 10), (200, 20), count=20, age=age)
    assert current_rates(window) == ((200, 20) if is_current else (None, None))
    # The other numbers do not change.
    traffic = summarize(window)
    assert (traffic.read.average, traffic.read.peak, traffic.read.p95) == (150, 200, 200)


def test_current_rates_are_none_in_a_late_window_without_gaps() -> None:
    # A window that does not end at the newest bucket has no overdue ones.
    assert current_rates(window_of((100, 10))._replace(age=LATE_AFTER_S + 0.1)) == (None, None)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_current_rates_of_an_empty_window_are_none(count: int) -> None:
    assert current_rates(History().window(50.0, count)) == (None, None)
    assert current_rates(window_of((5, 5)).last(0)) == (None, None)


# Averages.


def test_average_is_bytes_divided_by_covered_seconds() -> None:
    # Not by the length of the window: what was moved in a gap is unknown.
    traffic = summarize(window_of((100, 10), None, None, (300, 20)))
    assert (traffic.read.average, traffic.written.average) == (200, 15)
    assert traffic.covered_seconds == 2


def test_average_of_a_late_sample_is_over_its_whole_span() -> None:
    history = History()
    history.push(Sample(1001.0, 100, 10, seconds=1.0))
    history.push(Sample(1005.0, 800, 90, seconds=4.0))
    traffic = summarize(history.window(1005.2, 10))
    assert traffic.read.average == pytest.approx(900 / 5)
    assert traffic.written.average == pytest.approx(100 / 5)
    assert traffic.covered_seconds == pytest.approx(5)
    assert traffic.read.peak == pytest.approx(200)


def test_average_is_weighted_by_covered_seconds() -> None:
    # A minute that is half covered has half the weight.
    window = window_of(*[(100, 0)] * 30, *[None] * 29, *[(400, 0)] * 60, count=3, resolution=60)
    assert summarize(window).read.average == pytest.approx((30 * 100 + 60 * 400) / 90)


# Percentiles.


@pytest.mark.parametrize(
    ("count", "rank"), [(1, 1), (2, 2), (10, 10), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95)]
)
def test_p95_is_the_nearest_rank_of_the_buckets(count: int, rank: int) -> None:
    # Each of 1 to count once, out of order unless 7 divides count.
    amounts = [1 + i * 7 % count if count % 7 else 1 + i for i in range(count)]
    assert sorted(amounts) == list(range(1, count + 1))
    assert summarize(reading(*amounts)).read.p95 == rank


def test_p95_of_any_count_is_exceeded_by_at_most_one_in_twenty() -> None:
    for count in range(1, 300):
        p95 = summarize(reading(*range(count))).read.p95
        assert p95 is not None
        above = sum(amount > p95 for amount in range(count))
        assert above <= count / 20 < above + 1


def test_short_spike_is_the_peak_and_not_p95() -> None:
    traffic = summarize(reading(*[100] * 30, 9000, *[100] * 30))
    assert (traffic.read.p95, traffic.read.peak) == (100, 9000)


def test_p95_ignores_gaps() -> None:
    amounts = [*range(1, 20), 1000]
    gaps: list[int | None] = [None] * 500
    assert summarize(reading(amounts[0], *gaps, *amounts[1:])).read.p95 == 19


def test_p95_at_coarse_resolution_is_of_mean_rates() -> None:
    # 58 seconds without traffic and two with much make a minute with a low mean.
    seconds = [(0, 0)] * 39 + [(6000, 0)] * 2 + [(0, 0)] * 79
    window = window_of(*seconds, count=2, resolution=60)
    assert window.buckets.seconds.tolist() == [60.0, 40.0]
    traffic = summarize(window)
    assert (traffic.read.p95, traffic.read.peak) == (200, 6000)


# Peaks.


def test_each_direction_has_its_own_peak() -> None:
    traffic = summarize(window_of((100, 9), (300, 2), (200, 5)))
    assert (traffic.read.peak, traffic.read.peak_at) == (300, FIRST + 1)
    assert (traffic.written.peak, traffic.written.peak_at) == (9, FIRST)


@pytest.mark.parametrize("age", [0.0, 1.0, 2.5, 40.3])
def test_time_of_the_peak_does_not_change_later(age: float) -> None:
    window = window_of((100, 0), (300, 0), None, (200, 0), count=60, age=age)
    assert summarize(window).read.peak_at == FIRST + 1


def test_peak_at_coarse_resolution_is_the_rate_of_one_second() -> None:
    window = window_of(*[(100, 0)] * 70, (5000, 0), *[(100, 0)] * 70, count=4, resolution=60)
    traffic = summarize(window)
    assert traffic.read.peak == 5000
    assert traffic.read.peak_at is not None
    assert traffic.read.peak_at % 60 == 0
    assert traffic.read.peak_at - 60 < FIRST + 70 <= traffic.read.peak_at


def test_peak_of_zeros_is_at_a_second_with_data() -> None:
    # Else the title would show a time before bwgraph was started.
    traffic = summarize(window_of((0, 0), (0, 0), count=60))
    assert traffic.read.peak == 0
    assert traffic.read.peak_at in {FIRST, FIRST + 1}


# What is included.


def test_zeros_are_data() -> None:
    traffic = summarize(window_of((0, 0), (0, 0), (300, 30)))
    assert traffic.read == Summary(average=100, p95=300, peak=300, peak_at=FIRST + 2)
    assert summarize(window_of((0, 0))).written == Summary(0, 0, 0, FIRST)


def test_only_buckets_of_the_window_are_included() -> None:
    traffic = summarize(window_of((9000, 9000), (100, 10), (200, 20), count=2))
    assert traffic.read == Summary(average=150, p95=200, peak=200, peak_at=FIRST + 2)
    assert traffic.covered_seconds == 2


@pytest.mark.parametrize("count", [0, 1, 5])
def test_summary_without_samples_is_empty(count: int) -> None:
    traffic = summarize(History().window(50.0, count))
    assert (traffic.read, traffic.written, traffic.covered_seconds) == (NO_SUMMARY, NO_SUMMARY, 0)


def test_summary_of_gaps_is_empty() -> None:
    traffic = summarize(window_of((5, 5), count=3, age=60.0))
    assert (traffic.read, traffic.written, traffic.covered_seconds) == (NO_SUMMARY, NO_SUMMARY, 0)


def test_summary_of_no_buckets_is_empty() -> None:
    traffic = summarize(window_of((5, 5)).last(0))
    assert (traffic.read, traffic.written, traffic.covered_seconds) == (NO_SUMMARY, NO_SUMMARY, 0)


# Skipped buckets.


def test_first_buckets_can_be_skipped() -> None:
    window = window_of((9000, 9000), (100, 10), (200, 20))
    assert summarize(window, 1) == summarize(window.last(2))
    assert summarize(window, 0).read.peak == 9000


@pytest.mark.parametrize("skipped", [3, 4, 100])
def test_summary_of_skipped_buckets_only_is_empty(skipped: int) -> None:
    assert summarize(window_of((1, 1), (2, 2), (3, 3)), skipped) == Traffic(
        NO_SUMMARY, NO_SUMMARY, 0.0
    )


@PROPERTY
@given(SECONDS, st.integers(0, 20), st.sampled_from([1, 5]))
def test_skipping_buckets_equals_a_shorter_window(
    seconds: list[tuple[int, int] | None], skipped: int, resolution: int
) -> None:
    window = window_of(*seconds, count=30, resolution=resolution)
    assert summarize(window, skipped) == summarize(window.last(30 - skipped))


def test_p95_is_of_the_given_rates() -> None:
    window = window_of((100, 10), (200, 20))
    means: tuple[Rates, Rates] = [7.0, 8.0], [1.0, 2.0]
    traffic = summarize_with_rates(window, means)
    assert (traffic.read.p95, traffic.written.p95) == (8.0, 2.0)


# Any window.


@PROPERTY
@given(SECONDS, st.floats(0, 5))
def test_numbers_are_in_order_and_all_or_none_are_present(
    seconds: list[tuple[int, int] | None], age: float
) -> None:
    window = window_of(*seconds, count=len(seconds) + 5, age=age)
    traffic = summarize(window)
    for one, each, moved in (
        (traffic.read, rates(window)[0], [s and s[0] for s in seconds]),
        (traffic.written, rates(window)[1], [s and s[1] for s in seconds]),
    ):
        if one.average is None or one.p95 is None or one.peak is None or one.peak_at is None:
            assert one == NO_SUMMARY
            assert not any(seconds)
            continue
        assert 0 <= one.average <= one.peak * (1 + 1e-12)
        assert one.p95 <= one.peak
        assert one.p95 in each
        # The peak is at the given time.
        assert moved[round(one.peak_at - FIRST)] == one.peak
        # At most 5 % lie above p95, and with the equal ones there are more.
        present = [rate for rate in each if rate is not None]
        assert sum(rate > one.p95 for rate in present) <= len(present) * 0.05
        assert sum(rate >= one.p95 for rate in present) > math.floor(len(present) * 0.05)


@PROPERTY
@given(SECONDS)
def test_average_times_covered_seconds_is_the_number_of_bytes(
    seconds: list[tuple[int, int] | None],
) -> None:
    traffic = summarize(window_of(*seconds, count=len(seconds) + 3))
    present = [moved for moved in seconds if moved is not None]
    assert traffic.covered_seconds == pytest.approx(len(present))
    if present:
        assert traffic.read.average is not None
        assert traffic.written.average is not None
        assert traffic.read.average * traffic.covered_seconds == pytest.approx(
            sum(r for r, _ in present)
        )
        assert traffic.written.average * traffic.covered_seconds == pytest.approx(
            sum(w for _, w in present)
        )


@PROPERTY
@given(SECONDS)
def test_rates_are_those_of_the_buckets_in_order(seconds: list[tuple[int, int] | None]) -> None:
    read, written = rates(window_of(*seconds, count=len(seconds) + 3, age=0.0))
    present = [moved for moved in seconds if moved is not None]
    assert [rate for rate in read if rate is not None] == [r for r, _ in present]
    assert [rate for rate in written if rate is not None] == [w for _, w in present]
    assert len(read) == len(written) == len(seconds) + 3
    assert gaps(read) == gaps(written) == gaps(seconds)


def gaps(values: Sequence[object]) -> str:
    """A pattern of data (#) and gaps (-), from the first data to the last."""
    return "".join("-" if value is None else "#" for value in values).strip("-")
