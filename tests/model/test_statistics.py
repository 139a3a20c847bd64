"""The numbers that stand for a window of history."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.model.history import LATE_AFTER_S, History, Window
from bwgraph.model.statistics import NO_SUMMARY, Rates, Summary, Traffic, current_rates, rates
from bwgraph.model.statistics import summarize as summarise_with

FIRST = 1001.0
"When the first second of ``window_of`` ends."

SECONDS = st.lists(st.none() | st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40)))
"Bytes read and written in one second after another; None where tor was away."


def window_of(
    *seconds: tuple[int, int] | None,
    columns: int | None = None,
    age: float = 0.25,
    resolution: int = 1,
) -> Window:
    """The window over these seconds, so long after the last of them."""
    history = History()
    for i, moved in enumerate(seconds):
        if moved is not None:
            history.push(Sample(FIRST + i, *moved, seconds=1.0))
    now = FIRST + len(seconds) - 1 + age
    return history.window(now, len(seconds) if columns is None else columns, resolution)


def reading(*amounts: int | None) -> Window:
    """The window over seconds of which so much was read."""
    return window_of(*(None if amount is None else (amount, 0) for amount in amounts))


def summarise(window: Window, skipped: int = 0) -> Traffic:
    """The numbers of a window, whose rates are its own."""
    return summarise_with(window, rates(window), skipped)


# Current.


def test_current_is_the_newest_seconds_rate() -> None:
    assert current_rates(window_of((100, 1), (200, 2), (50, 3))) == (50, 3)


def test_current_of_wide_columns_is_the_newest_ones_mean() -> None:
    window = window_of(*[(100, 10)] * 60, *[(200, 20)] * 60, columns=2, resolution=60)
    assert current_rates(window) == (rates(window)[0][-1], rates(window)[1][-1])


@pytest.mark.parametrize(
    ("age", "known"), [(0.0, True), (LATE_AFTER_S - 0.1, True), (LATE_AFTER_S + 0.1, False)]
)
def test_current_is_not_known_once_tor_is_late(age: float, known: bool) -> None:
    window = window_of((100, 10), (200, 20), columns=20, age=age)
    assert current_rates(window) == ((200, 20) if known else (None, None))
    # The past stays what it was.
    traffic = summarise(window)
    assert (traffic.read.average, traffic.read.peak, traffic.read.p95) == (150, 200, 200)


def test_current_is_not_known_either_where_late_is_all_that_is_said() -> None:
    # A window that was cut or made elsewhere may have no empty column to show for it.
    assert current_rates(window_of((100, 10))._replace(age=LATE_AFTER_S + 0.1)) == (None, None)


@pytest.mark.parametrize("columns", [0, 1, 5])
def test_current_of_nothing_is_not_known(columns: int) -> None:
    assert current_rates(History().window(50.0, columns)) == (None, None)
    assert current_rates(window_of((5, 5)).last(0)) == (None, None)


# Average.


def test_average_is_bytes_over_the_seconds_that_are_covered() -> None:
    # Not over the window's: nobody knows what was moved while tor was away.
    traffic = summarise(window_of((100, 10), None, None, (300, 20)))
    assert (traffic.read.average, traffic.written.average) == (200, 15)
    assert traffic.covered == 2


def test_average_of_a_late_sample_is_over_all_the_time_that_it_covers() -> None:
    history = History()
    history.push(Sample(1001.0, 100, 10, seconds=1.0))
    history.push(Sample(1005.0, 800, 90, seconds=4.0))
    traffic = summarise(history.window(1005.2, 10))
    assert traffic.read.average == pytest.approx(900 / 5)
    assert traffic.written.average == pytest.approx(100 / 5)
    assert traffic.covered == pytest.approx(5)
    assert traffic.read.peak == pytest.approx(200)


def test_average_is_over_time_and_not_over_columns() -> None:
    # A minute's column that is half known weighs half as much.
    window = window_of(*[(100, 0)] * 30, *[None] * 29, *[(400, 0)] * 60, columns=3, resolution=60)
    assert summarise(window).read.average == pytest.approx((30 * 100 + 60 * 400) / 90)


# p95.


@pytest.mark.parametrize(
    ("count", "rank"), [(1, 1), (2, 2), (10, 10), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95)]
)
def test_p95_is_the_nearest_rank_of_the_columns(count: int, rank: int) -> None:
    # 7 and the count have no factor in common: each of 1..count once, and not in order.
    amounts = [1 + i * 7 % count if count % 7 else 1 + i for i in range(count)]
    assert sorted(amounts) == list(range(1, count + 1))
    assert summarise(reading(*amounts)).read.p95 == rank


def test_p95_of_any_count_is_exceeded_by_no_more_than_one_in_twenty() -> None:
    for count in range(1, 300):
        p95 = summarise(reading(*range(count))).read.p95
        assert p95 is not None
        above = sum(amount > p95 for amount in range(count))
        assert above <= count / 20 < above + 1


def test_p95_leaves_a_short_spike_out_that_is_the_peak() -> None:
    traffic = summarise(reading(*[100] * 30, 9000, *[100] * 30))
    assert (traffic.read.p95, traffic.read.peak) == (100, 9000)


def test_p95_is_of_the_known_columns_alone() -> None:
    amounts = [*range(1, 20), 1000]
    gaps: list[int | None] = [None] * 500
    assert summarise(reading(amounts[0], *gaps, *amounts[1:])).read.p95 == 19


def test_p95_of_wide_columns_is_of_their_means() -> None:
    # 58 still seconds and two loud ones make a column of a minute with a low mean.
    loud = [(0, 0)] * 39 + [(6000, 0)] * 2 + [(0, 0)] * 79
    window = window_of(*loud, columns=2, resolution=60)
    assert window.buckets.seconds.tolist() == [60.0, 40.0]
    traffic = summarise(window)
    assert (traffic.read.p95, traffic.read.peak) == (200, 6000)


# Peak.


def test_peak_is_each_directions_own() -> None:
    traffic = summarise(window_of((100, 9), (300, 2), (200, 5)))
    assert (traffic.read.peak, traffic.read.peak_at) == (300, FIRST + 1)
    assert (traffic.written.peak, traffic.written.peak_at) == (9, FIRST)


@pytest.mark.parametrize("age", [0.0, 1.0, 2.5, 40.3])
def test_peak_stays_at_its_time_as_time_goes_on(age: float) -> None:
    window = window_of((100, 0), (300, 0), None, (200, 0), columns=60, age=age)
    assert summarise(window).read.peak_at == FIRST + 1


def test_peak_of_wide_columns_is_a_seconds_rate_in_the_column_that_holds_it() -> None:
    window = window_of(*[(100, 0)] * 70, (5000, 0), *[(100, 0)] * 70, columns=4, resolution=60)
    traffic = summarise(window)
    assert traffic.read.peak == 5000
    assert traffic.read.peak_at is not None
    assert traffic.read.peak_at % 60 == 0
    assert traffic.read.peak_at - 60 < FIRST + 70 <= traffic.read.peak_at


def test_peak_of_nothing_moved_is_at_a_second_that_is_known() -> None:
    # Else the title would name a time before bwgraph was there.
    traffic = summarise(window_of((0, 0), (0, 0), columns=60))
    assert traffic.read.peak == 0
    assert traffic.read.peak_at in {FIRST, FIRST + 1}


# What counts.


def test_zeros_are_known_and_count() -> None:
    traffic = summarise(window_of((0, 0), (0, 0), (300, 30)))
    assert traffic.read == Summary(average=100, p95=300, peak=300, peak_at=FIRST + 2)
    assert summarise(window_of((0, 0))).written == Summary(0, 0, 0, FIRST)


def test_only_what_is_in_the_window_counts() -> None:
    traffic = summarise(window_of((9000, 9000), (100, 10), (200, 20), columns=2))
    assert traffic.read == Summary(average=150, p95=200, peak=200, peak_at=FIRST + 2)
    assert traffic.covered == 2


@pytest.mark.parametrize("columns", [0, 1, 5])
def test_of_no_samples_nothing_is_known(columns: int) -> None:
    traffic = summarise(History().window(50.0, columns))
    assert (traffic.read, traffic.written, traffic.covered) == (NO_SUMMARY, NO_SUMMARY, 0)


def test_of_a_window_of_gaps_nothing_is_known() -> None:
    traffic = summarise(window_of((5, 5), columns=3, age=60.0))
    assert (traffic.read, traffic.written, traffic.covered) == (NO_SUMMARY, NO_SUMMARY, 0)


def test_of_no_columns_nothing_is_known() -> None:
    traffic = summarise(window_of((5, 5)).last(0))
    assert (traffic.read, traffic.written, traffic.covered) == (NO_SUMMARY, NO_SUMMARY, 0)


# What is left out.


def test_the_first_columns_can_be_left_out() -> None:
    # What tor told of is in none of the numbers.
    window = window_of((9000, 9000), (100, 10), (200, 20))
    assert summarise(window, 1) == summarise(window.last(2))
    assert summarise(window, 0).read.peak == 9000


@pytest.mark.parametrize("skipped", [3, 4, 100])
def test_of_nothing_but_what_is_left_out_nothing_is_known(skipped: int) -> None:
    assert summarise(window_of((1, 1), (2, 2), (3, 3)), skipped) == Traffic(
        NO_SUMMARY, NO_SUMMARY, 0.0
    )


@PROPERTY
@given(SECONDS, st.integers(0, 20), st.sampled_from([1, 5]))
def test_what_is_left_out_is_as_if_it_were_not_there(
    seconds: list[tuple[int, int] | None], skipped: int, resolution: int
) -> None:
    window = window_of(*seconds, columns=30, resolution=resolution)
    assert summarise(window, skipped) == summarise(window.last(30 - skipped))


def test_means_that_are_handed_in_are_those_of_p95() -> None:
    window = window_of((100, 10), (200, 20))
    means: tuple[Rates, Rates] = [7.0, 8.0], [1.0, 2.0]
    traffic = summarise_with(window, means)
    assert (traffic.read.p95, traffic.written.p95) == (8.0, 2.0)


# Whatever comes.


@PROPERTY
@given(SECONDS, st.floats(0, 5))
def test_the_numbers_are_in_order_and_all_known_or_none(
    seconds: list[tuple[int, int] | None], age: float
) -> None:
    window = window_of(*seconds, columns=len(seconds) + 5, age=age)
    traffic = summarise(window)
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
        # The peak is at the time that is told.
        assert moved[round(one.peak_at - FIRST)] == one.peak
        # As few lie above p95 as the name says, and a step below it there would be more.
        known = [rate for rate in each if rate is not None]
        assert sum(rate > one.p95 for rate in known) <= len(known) * 0.05
        assert sum(rate >= one.p95 for rate in known) > math.floor(len(known) * 0.05)


@PROPERTY
@given(SECONDS)
def test_average_times_covered_time_is_every_byte(seconds: list[tuple[int, int] | None]) -> None:
    traffic = summarise(window_of(*seconds, columns=len(seconds) + 3))
    known = [moved for moved in seconds if moved is not None]
    assert traffic.covered == pytest.approx(len(known))
    if known:
        assert traffic.read.average is not None
        assert traffic.written.average is not None
        assert traffic.read.average * traffic.covered == pytest.approx(sum(r for r, _ in known))
        assert traffic.written.average * traffic.covered == pytest.approx(sum(w for _, w in known))


@PROPERTY
@given(SECONDS)
def test_rates_are_the_columns_in_their_order(seconds: list[tuple[int, int] | None]) -> None:
    read, written = rates(window_of(*seconds, columns=len(seconds) + 3, age=0.0))
    known = [moved for moved in seconds if moved is not None]
    assert [rate for rate in read if rate is not None] == [r for r, _ in known]
    assert [rate for rate in written if rate is not None] == [w for _, w in known]
    assert len(read) == len(written) == len(seconds) + 3
    assert gaps(read) == gaps(written) == gaps(seconds)


def gaps(values: Sequence[object]) -> str:
    """Where nothing is known between the first and the last that is."""
    return "".join("-" if value is None else "#" for value in values).strip("-")
