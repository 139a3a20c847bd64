"""The traffic of the invented relay is repeatable and plausible."""

from itertools import pairwise
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.tor.demo_traffic import BUSIEST_SECOND, DAY_S, MEAN_RATE, traffic


def test_a_second_has_the_same_bytes_in_every_process_and_version() -> None:
    assert [traffic(second) for second in (0, 1, 43_200)] == [
        (11_304_750, 11_953_280),
        (11_667_225, 11_785_306),
        (5_211_829, 5_527_930),
    ]


@PROPERTY
@given(st.integers(-(10**12), 10**12))
def test_any_second_has_a_plausible_number_of_bytes(second: int) -> None:
    read, written = traffic(second)
    assert 0 < read < 8 * MEAN_RATE
    assert 0 < written < 8 * MEAN_RATE


@PROPERTY
@given(st.integers(0, 10 * DAY_S))
def test_relay_sends_about_what_it_receives(second: int) -> None:
    read, written = traffic(second)
    assert 0.95 < written / read < 1.10


def test_mean_over_a_day_is_about_the_constant() -> None:
    day = [traffic(second)[0] for second in range(0, DAY_S, 97)]
    assert 0.85 < mean(day) / MEAN_RATE < 1.3


def test_busiest_hour_is_much_busier_than_half_a_day_later() -> None:
    assert mean_around(BUSIEST_SECOND) > 1.5 * mean_around(BUSIEST_SECOND - DAY_S // 2)


def test_next_day_is_as_busy_at_the_same_hour() -> None:
    for hour in (9, 20):
        assert 0.7 < mean_around(hour * 3600) / mean_around(hour * 3600 + DAY_S) < 1.4


def test_rate_changes_every_second_mostly_by_little() -> None:
    rates = [traffic(second)[0] for second in range(600)]
    assert len(set(rates)) > 590
    steps = sorted(abs(after - before) for before, after in pairwise(rates))
    # Half of the steps are small.
    assert steps[len(steps) // 2] < 0.25 * mean(rates)


def mean_around(center: int) -> float:
    """Return the mean bytes read in a second of the hour around this one."""
    return mean(traffic(second)[0] for second in range(center - 1800, center + 1800, 11))
