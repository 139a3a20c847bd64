"""Conversion of a sample's time to wall-clock time, and formats of times and days."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.moment import MONTH_NAMES, Moment, format_day

BERLIN = ZoneInfo("Europe/Berlin")


def test_wall_time_of_now_is_the_wall_clock() -> None:
    clock = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert Moment(500.0, clock).wall_time(500.0) == clock


def test_wall_time_differs_by_as_much_as_the_monotonic_time() -> None:
    moment = Moment(500.0, datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC))
    assert f"{moment.wall_time(490.0):%Y-%m-%d %H:%M:%S}" == "2025-12-31 23:59:55"
    assert f"{moment.wall_time(500.25):%S.%f}" == "05.250000"


@pytest.mark.parametrize(
    ("ago", "shown"),
    [(0, "03:30"), (1800, "03:00"), (1801, "01:59"), (3600, "01:30")],
)
def test_wall_time_skips_an_hour_when_daylight_saving_time_starts(ago: float, shown: str) -> None:
    moment = Moment(9000.0, datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN))
    assert f"{moment.wall_time(9000.0 - ago):%H:%M}" == shown


@pytest.mark.parametrize(
    ("ago", "shown", "fold"),
    [
        (0, "02:30", 1),
        (1800, "02:00", 1),
        (1801, "02:59", 0),
        (3600, "02:30", 0),
        (7200, "01:30", 0),
    ],
)
def test_wall_time_repeats_an_hour_when_daylight_saving_time_ends(
    ago: float, shown: str, fold: int
) -> None:
    moment = Moment(9000.0, datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1))
    when = moment.wall_time(9000.0 - ago)
    assert (f"{when:%H:%M}", when.fold) == (shown, fold)


@PROPERTY
@given(
    st.integers(-(10**8), 10**8),
    st.integers(-(10**8), 10**8),
    st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-9, minutes=-30))]),
)
def test_two_wall_times_are_as_far_apart_as_two_samples(
    one: int, other: int, zone: ZoneInfo
) -> None:
    moment = Moment(0.0, datetime(2026, 7, 1, tzinfo=zone))
    # Python subtracts times of the same zone without regard to daylight saving time.
    apart = moment.wall_time(one).astimezone(UTC) - moment.wall_time(other).astimezone(UTC)
    assert apart == timedelta(seconds=one - other)
    assert moment.wall_time(one).tzinfo is zone


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ((2026, 7, 1, 0, 0, 0), "00:00:00"),
        ((2026, 7, 1, 23, 59, 59), "23:59:59"),
        ((2026, 6, 30, 23, 59, 59), "30 Jun 23:59"),
        ((2026, 7, 2, 0, 0, 0), "2 Jul 00:00"),
        ((2025, 7, 1, 12, 0, 0), "1 Jul 2025 12:00"),
    ],
)
def test_format_has_the_day_if_it_is_not_today(
    when: tuple[int, int, int, int, int, int], text: str
) -> None:
    moment = Moment(0.0, datetime(2026, 7, 1, 12, tzinfo=BERLIN))
    assert moment.format(datetime(*when, tzinfo=BERLIN)) == text


def test_local_converts_utc_to_the_time_zone_of_the_wall_clock() -> None:
    moment = Moment(0.0, datetime(2026, 7, 1, 12, tzinfo=BERLIN))
    assert moment.format(moment.local(datetime(2026, 6, 30, 22, 30, tzinfo=UTC))) == "00:30:00"


def test_every_month_name_has_three_letters() -> None:
    days = [format_day(datetime(2026, month, 9, tzinfo=UTC)) for month in range(1, 13)]
    assert [day.partition(" ")[2] for day in days] == [*MONTH_NAMES]
    assert {len(month) for month in MONTH_NAMES} == {3}
