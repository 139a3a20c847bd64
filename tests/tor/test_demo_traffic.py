"""The invented relay: the same each time, and plausible."""

from itertools import pairwise
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.tor.demo_traffic import BUSIEST_SECOND, DAY_S, MEAN_RATE, traffic


def test_the_same_second_moves_the_same_bytes_in_every_process_and_version() -> None:
    assert [traffic(second) for second in (0, 1, 43_200)] == [
        (11_304_750, 11_953_280),
        (11_667_225, 11_785_306),
        (5_211_829, 5_527_930),
    ]


@PROPERTY
@given(st.integers(-(10**12), 10**12))
def test_any_second_moves_some_bytes_and_never_absurdly_many(second: int) -> None:
    read, written = traffic(second)
    assert 0 < read < 8 * MEAN_RATE
    assert 0 < written < 8 * MEAN_RATE


@PROPERTY
@given(st.integers(0, 10 * DAY_S))
def test_a_relay_sends_about_what_it_gets(second: int) -> None:
    read, written = traffic(second)
    assert 0.95 < written / read < 1.10


def test_the_mean_over_a_day_is_about_what_it_is_said_to_be() -> None:
    day = [traffic(second)[0] for second in range(0, DAY_S, 97)]
    assert 0.85 < mean(day) / MEAN_RATE < 1.3


def test_the_busiest_hour_is_much_busier_than_the_one_half_a_day_off() -> None:
    assert around(BUSIEST_SECOND) > 1.5 * around(BUSIEST_SECOND - DAY_S // 2)


def test_the_next_day_is_as_busy_at_the_same_hour() -> None:
    for hour in (9, 20):
        assert 0.7 < around(hour * 3600) / around(hour * 3600 + DAY_S) < 1.4


def test_it_changes_from_second_to_second_and_does_not_just_jump() -> None:
    minutes = [traffic(second)[0] for second in range(600)]
    assert len(set(minutes)) > 590
    steps = sorted(abs(after - before) for before, after in pairwise(minutes))
    # Half of the steps are small ones: it wanders.
    assert steps[len(steps) // 2] < 0.25 * mean(minutes)


def around(middle: int) -> float:
    """What is read in a second, on average over the hour around this one."""
    return mean(traffic(second)[0] for second in range(middle - 1800, middle + 1800, 11))
