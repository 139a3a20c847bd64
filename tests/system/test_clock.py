"""The clocks: the local time zone compared with zoneinfo, and two clocks read as one."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.system import clock
from bwgraph.system.clock import CLOCK_STEP_S, SystemClock

BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"
"Its summer time is half an hour."

NAMES = (BERLIN, LORD_HOWE, "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "UTC")

CHANGES = (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC))
"When summer time begins and ends in Berlin."


def set_local_zone(name: str, patch: pytest.MonkeyPatch) -> ZoneInfo:
    """Set the system's zone; return zoneinfo's object for it."""
    patch.setenv("TZ", name)
    time.tzset()
    return ZoneInfo(name)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """A monkeypatch that also restores the zone."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    time.tzset()


def around(change: datetime) -> list[datetime]:
    """Return each minute within three hours, and some times within a second of the change."""
    minutes = [change + timedelta(minutes=minute) for minute in range(-180, 181)]
    return minutes + [change + timedelta(microseconds=n) for n in (-1_000_000, -1, 0, 1, 1_000_000)]


def same(ours: datetime, theirs: datetime) -> bool:
    """Return whether two times have the same digits, zone and offset."""
    return (
        ours.replace(tzinfo=None) == theirs.replace(tzinfo=None)
        and ours.fold == theirs.fold
        and ours.utcoffset() == theirs.utcoffset()
        and bool(ours.dst()) == bool(theirs.dst())
        and ours.tzname() == theirs.tzname()
    )


# The local time zone


@pytest.mark.parametrize("change", CHANGES, ids=["to summer", "to winter"])
def test_utc_converts_to_berlin_time_around_a_change(
    change: datetime, patch: pytest.MonkeyPatch
) -> None:
    zone = set_local_zone(BERLIN, patch)
    for when in around(change):
        assert same(when.astimezone(clock.LOCAL_ZONE), when.astimezone(zone)), when


@pytest.mark.parametrize("change", CHANGES, ids=["to summer", "to winter"])
def test_berlin_time_converts_back_to_utc_around_a_change(
    change: datetime, patch: pytest.MonkeyPatch
) -> None:
    set_local_zone(BERLIN, patch)
    for when in around(change):
        assert when.astimezone(clock.LOCAL_ZONE).astimezone(UTC) == when


def test_both_passes_of_the_repeated_hour_differ(patch: pytest.MonkeyPatch) -> None:
    set_local_zone(BERLIN, patch)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(clock.LOCAL_ZONE)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).astimezone(clock.LOCAL_ZONE)
    assert f"{first:%H:%M %Z %z}" == "02:30 CEST +0200"
    assert f"{second:%H:%M %Z %z}" == "02:30 CET +0100"
    assert (first.fold, second.fold) == (0, 1)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)


def test_skipped_hour_is_not_shown(patch: pytest.MonkeyPatch) -> None:
    set_local_zone(BERLIN, patch)
    shown = {f"{when.astimezone(clock.LOCAL_ZONE):%H}" for when in around(CHANGES[0])}
    assert shown == {"23", "00", "01", "03", "04", "05", "06"}


@PROPERTY
@given(st.sampled_from(NAMES), st.datetimes(datetime(1995, 1, 1), datetime(2037, 1, 1)))  # noqa: DTZ001 - naive
def test_any_zone_at_any_time_agrees_with_zoneinfo(name: str, naive: datetime) -> None:
    with pytest.MonkeyPatch.context() as patch:
        zone = set_local_zone(name, patch)
        when = naive.replace(tzinfo=UTC)
        ours, theirs = when.astimezone(clock.LOCAL_ZONE), when.astimezone(zone)
        assert same(ours, theirs)
        assert ours.astimezone(UTC) == when
        assert f"{ours:%Y-%m-%d %H:%M:%S %z %Z}" == f"{theirs:%Y-%m-%d %H:%M:%S %z %Z}"
    time.tzset()


def test_repeated_half_hour_agrees_with_zoneinfo(patch: pytest.MonkeyPatch) -> None:
    zone = set_local_zone(LORD_HOWE, patch)
    for when in around(datetime(2026, 4, 4, 15, tzinfo=UTC)):
        assert same(when.astimezone(clock.LOCAL_ZONE), when.astimezone(zone)), when


def test_zone_without_a_time_is_the_present_zone(patch: pytest.MonkeyPatch) -> None:
    set_local_zone("Asia/Kathmandu", patch)
    assert clock.LOCAL_ZONE.utcoffset(None) == timedelta(hours=5, minutes=45)
    assert clock.LOCAL_ZONE.dst(None) == timedelta(0)
    assert clock.LOCAL_ZONE.tzname(None) == "+0545"


# Both clocks at once


class Machine:
    """A machine whose two clocks the test moves."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.steady = 5000.0
        self.wall = datetime(2026, 7, 1, 10, 0, 0, tzinfo=UTC).timestamp()
        system = SimpleNamespace(time=lambda: self.wall, localtime=time.localtime)
        patch.setattr(clock, "now", lambda: self.steady)
        patch.setattr(clock, "time", system)

    def advance(self, seconds: float, *, wall: float | None = None) -> None:
        self.steady += seconds
        self.wall += seconds if wall is None else wall


@pytest.fixture
def machine(patch: pytest.MonkeyPatch) -> Machine:
    set_local_zone(BERLIN, patch)
    return Machine(patch)


def test_moment_is_the_present_on_both_clocks(machine: Machine) -> None:
    moment = SystemClock().read()
    assert moment.now == machine.steady
    assert f"{moment.wall_clock:%Y-%m-%d %H:%M:%S %Z}" == "2026-07-01 12:00:00 CEST"


def test_small_jitter_of_the_wall_clock_is_ignored(machine: Machine) -> None:
    clocks = SystemClock()
    second = clocks.read().wall_time(4321.0)
    for jitter in (3e-6, -5e-6, 0.001, -0.004, 0.02, -0.03, 0.049):
        machine.advance(1.0, wall=1.0 + jitter)
        moment = clocks.read()
        # A bucket's time must not change even by a microsecond.
        assert moment.wall_time(4321.0) == second
        machine.wall -= jitter


def test_drift_of_the_wall_clock_is_followed(machine: Machine) -> None:
    clocks = SystemClock()
    clocks.read()
    for _ in range(10_000):
        machine.advance(1.0, wall=1.000_02)
        moment = clocks.read()
        assert abs(moment.wall_clock.timestamp() - machine.wall) <= CLOCK_STEP_S + 1e-5
    assert abs(machine.wall - datetime(2026, 7, 1, 12, 46, 40, tzinfo=UTC).timestamp()) < 1


@pytest.mark.parametrize("step", [0.06, 1.0, 3600.0, -0.06, -1.0, -3600.0, -86_400 * 365.0])
def test_step_of_the_wall_clock_is_followed_at_once(machine: Machine, step: float) -> None:
    clocks = SystemClock()
    before = clocks.read()
    machine.advance(1.0, wall=1.0 + step)
    after = clocks.read()
    assert after.now - before.now == 1.0
    assert after.wall_clock.timestamp() == pytest.approx(machine.wall, abs=1e-5)
    # After the step it is steady again.
    machine.advance(1.0, wall=1.01)
    assert clocks.read().wall_time(5001.0) == after.wall_time(5001.0)


def test_clocks_include_the_time_that_the_machine_slept(machine: Machine) -> None:
    clocks = SystemClock()
    before = clocks.read()
    machine.advance(8 * 3600.0, wall=8 * 3600.0 + 0.01)
    after = clocks.read()
    assert after.wall_clock - before.wall_clock == timedelta(hours=8)


def test_buckets_keep_their_times_on_the_night_of_a_change(
    machine: Machine, patch: pytest.MonkeyPatch
) -> None:
    set_local_zone(BERLIN, patch)
    # Half past two, in the second pass of that hour.
    machine.wall = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).timestamp()
    moment = SystemClock().read()
    hours = [f"{moment.wall_time(5000.0 - 1800 * n):%H:%M %Z}" for n in range(6)]
    assert hours == [
        *("02:30 CET", "02:00 CET", "02:30 CEST", "02:00 CEST", "01:30 CEST", "01:00 CEST"),
    ]
    # Half past three, an hour after half past one.
    machine.wall = datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()
    moment = SystemClock().read()
    hours = [f"{moment.wall_time(5000.0 - 1800 * n):%H:%M %Z}" for n in range(4)]
    assert hours == ["03:30 CEST", "03:00 CEST", "01:30 CET", "01:00 CET"]


def test_real_clocks_advance_and_agree() -> None:
    clocks = SystemClock()
    before = time.time()
    moments = [clocks.read() for _ in range(1000)]
    after = time.time()
    assert all(a.now <= b.now for a, b in itertools.pairwise(moments))
    assert before - CLOCK_STEP_S <= moments[0].wall_clock.timestamp() <= after + CLOCK_STEP_S
    # Up to the last digit of a float.
    walls = [moment.wall_time(0.0) for moment in moments]
    assert max(walls) - min(walls) <= timedelta(microseconds=2)


def test_only_now_includes_suspended_time() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has both")
    assert abs(clock.now() - clock._EPOCH_OFFSET - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5.0
    assert abs(clock.awake_seconds() - time.clock_gettime(time.CLOCK_MONOTONIC)) < 5.0


# The start of the clock that never steps


def test_now_is_the_wall_clock_at_the_start_and_is_never_set() -> None:
    program = (
        "import time; from types import SimpleNamespace; from bwgraph.system import clock\n"
        "apart = clock.now() - time.time()\n"
        "clock.time = SimpleNamespace(time=lambda: 0.0, clock_gettime=time.clock_gettime,"
        " CLOCK_BOOTTIME=getattr(time, 'CLOCK_BOOTTIME', 0), monotonic=time.monotonic)\n"
        "print(abs(apart) < 0.5 and abs(clock.now() - apart - time.time()) < 0.5)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
