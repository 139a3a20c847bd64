"""Three real tors with different traffic; one is killed, one is stopped."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from event_recorder import wait_until
from pty_driver import Program
from tor_process import Control, RealTor, Traffic, needs_tor

from bwgraph.model.events import Connected, Event, Lost
from bwgraph.system.clock import now
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, NamedEndpoint
from bwgraph.tor.targets import Secrets, Targets

pytestmark = needs_tor

RATES = (400_000, 200_000, 100_000)
"The approximate rate at which each tor reads, in bytes a second."


class SteadyTraffic(Traffic):
    """Traffic at a constant rate."""

    def __init__(self, tor: RealTor, rate: int) -> None:
        super().__init__(tor)
        self._rate = rate

    def spell(self, control: Control) -> None:
        if not self.over.wait(0.1):
            control.let_read(self._rate // 10)


@pytest.fixture(scope="module")
def tors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RealTor]]:
    with ExitStack() as stack:
        started = [stack.enter_context(RealTor(tmp_path_factory.mktemp("tor"))) for _ in RATES]
        for tor, rate in zip(started, RATES, strict=True):
            stack.enter_context(SteadyTraffic(tor, rate))
        yield started


def row(program: Program, name: str) -> str:
    """Return a row of the table; empty if there is none."""
    match = re.search(rf"^[> ] {name} .*$", program.text(), re.MULTILINE)
    return match[0] if match else ""


def rate(line: str) -> float | None:
    """Return the current download in a row, in bytes a second; None if it is unknown."""
    match = re.search(r" (?:-|(\d[\d.]*)([BKM]))(?= )", line[30:])
    units = {"B": 1, "K": 1024, "M": 1024**2}
    return float(match[1]) * units[match[2]] if match and match[1] else None


def rates(program: Program) -> list[float]:
    return [rate(row(program, name)) or 0.0 for name in ("a", "b", "c", "sum of 3 tors")]


def rates_are_right(program: Program) -> bool:
    *each, sum_rate = rates(program)
    right = [0.4 * rate < shown < 1.6 * rate for shown, rate in zip(each, RATES, strict=True)]
    return all(right) and 0.5 * sum(RATES) < sum_rate < 1.5 * sum(RATES)


def test_rows_and_sum_follow_the_traffic_and_show_a_killed_and_a_stopped_tor(
    tors: list[RealTor],
) -> None:
    ports = [f"--port={name}={tor.port}" for name, tor in zip("abc", tors, strict=True)]
    with Program(*ports, size=(140, 24)) as program:
        program.wait_until(lambda: rates_are_right(program), "the right rates")
        # A killed tor is noticed at once, not by its silence.
        killed = time.monotonic()
        tors[0].kill()
        program.wait_until(
            lambda: " down" in row(program, "a") and "1 down" in row(program, "sum of 3 tors"),
            "a is down",
        )
        assert time.monotonic() - killed < 2.0
        # The sum continues with the other two.
        program.wait_until(
            lambda: 0.5 * sum(RATES[1:]) < rates(program)[3] < 1.5 * sum(RATES[1:]),
            "the sum of two",
        )
        tors[0].start()
        program.send("r")
        program.wait_until(lambda: rates_are_right(program), "all are connected again")
        assert "down" not in row(program, "a")
        assert "down" not in row(program, "sum of 3 tors")
        # A stopped tor is noticed by its silence.
        stopped = time.monotonic()
        tors[1].pause()
        try:
            program.wait_until(
                lambda: " down" in row(program, "b") and "1 down" in row(program, "sum of 3 tors"),
                "b is lost",
            )
            assert time.monotonic() - stopped < 6.0
            assert (rate(row(program, "a")) or 0) > 0
            assert (rate(row(program, "sum of 3 tors")) or 0) > 0
        finally:
            tors[1].resume()
        program.wait_until(lambda: rates_are_right(program), "all are connected again")
        program.send("0")
        program.wait_for(re.compile(r"\Abwgraph  sum of 3 tors "))
        program.send("q")
        assert program.wait_exit() == 0


class WatchedFleet:
    """A fleet of the three tors in this process, without a screen."""

    def __init__(self, tors: list[RealTor]) -> None:
        named = (NamedEndpoint("", ControlPort("127.0.0.1", tor.port)) for tor in tors)
        self.fleet, sources = Targets(tuple(named)).create_fleet(
            Secrets(Credentials()), wait_forever=False
        )
        self.sources = tuple(sources.values())
        assert self.fleet.sum is not None
        self.sum = self.fleet.sum
        self.states: list[tuple[int, object]] = []
        "The index of a tor and ``Connected`` or ``Lost``, in the order of the events."
        for index, source in enumerate(self.sources):
            source.start(partial(self._handle, index))

    def _handle(self, index: int, event: Event) -> None:
        self.fleet.handle(self.fleet.instances[index], event)
        if isinstance(event, Connected | Lost):
            self.states.append((index, type(event)))

    def close(self) -> None:
        for source in self.sources:
            source.close()

    def newest(self, index: int) -> float:
        return self.fleet.instances[index].history.newest_at or 0.0

    def more(self, index: int, seconds: float) -> Callable[[], bool]:
        """Return a condition that holds when a tor has sent this many more seconds of samples."""
        until = self.newest(index) + seconds
        return lambda: self.newest(index) >= until

    def partly_covered(self, begin: float, end: float) -> list[int]:
        """Return the seconds in this time that the sum marks as partly covered."""
        window = self.sum.history.window(now(), 60)
        seconds = (round(window.end) - 59 + index for index in sorted(window.partial))
        return [second for second in seconds if begin <= second <= end]


@pytest.fixture
def watched(tors: list[RealTor]) -> Iterator[WatchedFleet]:
    watched = WatchedFleet(tors)
    try:
        yield watched
    finally:
        watched.close()


def test_sum_marks_seconds_without_a_tor_and_equals_its_members_totals(
    tors: list[RealTor], watched: WatchedFleet
) -> None:
    fleet, fleet_sum = watched.fleet, watched.sum
    wait_until(lambda: all(watched.newest(index) for index in range(3)), "samples of all tors")
    wait_until(watched.more(1, 1.5), "more samples")
    # Stop a tor: the sum waits for it for a moment, then continues without it and is marked.
    begin = now()
    tors[1].pause()
    try:
        wait_until(
            lambda: watched.partly_covered(begin + 1, now()), "a second without the stopped tor"
        )
    finally:
        tors[1].resume()
    wait_until(
        lambda: not watched.partly_covered(begin - 1, begin + 3), "its late samples in the sum"
    )
    # Kill a tor: it is lost at once, before its next sample would be due.
    killed = now()
    tors[2].kill()
    wait_until(lambda: isinstance(fleet.instances[2].state, Lost), "the killed tor lost")
    assert now() - killed < 1.0
    assert fleet.instances[2].title in fleet_sum.missing_members
    wait_until(watched.more(0, 2.0), "samples of the others")
    tors[2].start()
    watched.sources[2].retry_now()
    wait_until(lambda: isinstance(fleet.instances[2].state, Connected), "connected again")
    reconnected = now()
    wait_until(watched.more(2, 1.5), "samples after the restart")
    assert watched.partly_covered(killed, reconnected + 1)
    [restart] = fleet.instances[2].totals.restarts
    assert list(fleet_sum.totals.restarts) == [restart]
    assert killed - 1 < restart < reconnected
    # The first tor has no gap and no lost connection.
    buckets = fleet.instances[0].history.window(now(), int(now() - begin)).buckets
    assert min(buckets.seconds) > 0.5
    assert [index for index, _ in watched.states].count(0) == 1
    # The sum's total is exactly that of its members, and about what the tors have counted.
    watched.close()
    sum_total = fleet_sum.totals.total()
    totals = [instance.totals.total() for instance in fleet.instances]
    assert sum_total is not None
    assert sum_total.read == sum(total.read for total in totals if total is not None)
    assert sum_total.written == sum(total.written for total in totals if total is not None)
    counted = 0
    for tor in tors:
        with Control(tor) as control:
            counted += control.has_read()
    assert sum_total.read == pytest.approx(counted, abs=3 * sum(RATES))
