"""Three real tors on one screen, under different traffic; one is killed, one is stopped."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from ear import eventually
from pty_driver import Program
from real_tor import Control, RealTor, Traffic, needs_tor

from bwgraph.model.events import Connected, Event, Lost
from bwgraph.system.clock import now
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, NamedEndpoint
from bwgraph.tor.targets import Secrets, Targets

pytestmark = needs_tor

EACH = (400_000, 200_000, 100_000)
"Bytes a second, or nearly, that each is made to read."


class Steady(Traffic):
    """So many bytes a second, piece by piece."""

    def __init__(self, tor: RealTor, rate: int) -> None:
        super().__init__(tor)
        self._rate = rate

    def spell(self, control: Control) -> None:
        if not self.over.wait(0.1):
            control.let_read(self._rate // 10)


@pytest.fixture(scope="module")
def tors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RealTor]]:
    with ExitStack() as stack:
        made = [stack.enter_context(RealTor(tmp_path_factory.mktemp("tor"))) for _ in EACH]
        for tor, rate in zip(made, EACH, strict=True):
            stack.enter_context(Steady(tor, rate))
        yield made


def row(program: Program, name: str) -> str:
    """A line of the table; empty if there is none."""
    found = re.search(rf"^[> ] {name} .*$", program.text(), re.MULTILINE)
    return found[0] if found else ""


def rate(line: str) -> float | None:
    """The current download in a line of the table, in bytes; None where it has none."""
    found = re.search(r" (?:-|(\d[\d.]*)([BKM]))(?= )", line[30:])
    units = {"B": 1, "K": 1024, "M": 1024**2}
    return float(found[1]) * units[found[2]] if found and found[1] else None


def rates(program: Program) -> list[float]:
    return [rate(row(program, name)) or 0.0 for name in ("a", "b", "c", "sum of 3 tors")]


def as_they_are_made(program: Program) -> bool:
    *each, total = rates(program)
    wanted = [0.4 * rate < seen < 1.6 * rate for seen, rate in zip(each, EACH, strict=True)]
    return all(wanted) and 0.5 * sum(EACH) < total < 1.5 * sum(EACH)


def test_rows_and_sum_follow_and_a_death_and_a_stop_are_seen(tors: list[RealTor]) -> None:
    ports = [f"--port={name}={tor.port}" for name, tor in zip("abc", tors, strict=True)]
    with Program(*ports, size=(140, 24)) as program:
        program.wait_until(lambda: as_they_are_made(program), "rates as they are made")
        # One is killed, which is seen long before its silence would be.
        killed = time.monotonic()
        tors[0].kill()
        program.wait_until(
            lambda: " down" in row(program, "a") and "1 down" in row(program, "sum of 3 tors"),
            "a is down",
        )
        assert time.monotonic() - killed < 2.0
        # The others go on, and so does the sum: of what there is.
        program.wait_until(
            lambda: 0.5 * sum(EACH[1:]) < rates(program)[3] < 1.5 * sum(EACH[1:]), "the sum of two"
        )
        tors[0].start()
        program.send("r")
        program.wait_until(lambda: as_they_are_made(program), "all are back")
        assert "down" not in row(program, "a")
        assert "down" not in row(program, "sum of 3 tors")
        # One is stopped.
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
        program.wait_until(lambda: as_they_are_made(program), "all are back again")
        program.send("0")
        program.wait_for(re.compile(r"\Abwgraph  sum of 3 tors "))
        program.send("q")
        assert program.wait_exit() == 0


class Watch:
    """The three in one process: what there is to see of them, without a screen."""

    def __init__(self, tors: list[RealTor]) -> None:
        named = (NamedEndpoint("", ControlPort("127.0.0.1", tor.port)) for tor in tors)
        self.fleet, sources = Targets(tuple(named)).create_fleet(
            Secrets(Credentials()), patient=False
        )
        self.sources = tuple(sources.values())
        assert self.fleet.sum is not None
        self.sum = self.fleet.sum
        self.states: list[tuple[int, object]] = []
        "Who lost a connection or got one, in order."
        for which, source in enumerate(self.sources):
            source.start(partial(self._tell, which))

    def _tell(self, which: int, event: Event) -> None:
        self.fleet.handle(self.fleet.instances[which], event)
        if isinstance(event, Connected | Lost):
            self.states.append((which, type(event)))

    def close(self) -> None:
        for source in self.sources:
            source.close()

    def newest(self, which: int) -> float:
        return self.fleet.instances[which].history.newest_at or 0.0

    def more(self, which: int, seconds: float) -> Callable[[], bool]:
        """Whether that one has told of so many more seconds."""
        until = self.newest(which) + seconds
        return lambda: self.newest(which) >= until

    def lacking(self, begin: float, end: float) -> list[int]:
        """The seconds in this time that the sum marks as partly covered."""
        window = self.sum.history.window(now(), 60)
        seconds = (round(window.end) - 59 + index for index in sorted(window.partial))
        return [second for second in seconds if begin <= second <= end]


@pytest.fixture
def watch(tors: list[RealTor]) -> Iterator[Watch]:
    watching = Watch(tors)
    try:
        yield watching
    finally:
        watching.close()


def test_the_sum_is_marked_where_one_is_missing_goes_on_and_adds_up(
    tors: list[RealTor], watch: Watch
) -> None:
    fleet, total = watch.fleet, watch.sum
    eventually(lambda: all(watch.newest(which) for which in range(3)), "samples of all")
    eventually(watch.more(1, 1.5), "and more of them")
    # One is stopped: the sum waits for a moment, and then goes on without it, and says so.
    begin = now()
    tors[1].pause()
    try:
        eventually(lambda: watch.lacking(begin + 1, now()), "a second that lacks one")
    finally:
        tors[1].resume()
    eventually(lambda: not watch.lacking(begin - 1, begin + 3), "it tells of them all the same")
    # One is killed: that is told at once, and not when it would have had something to say.
    died = now()
    tors[2].kill()
    eventually(lambda: isinstance(fleet.instances[2].state, Lost), "the death is told")
    assert now() - died < 1.0
    assert fleet.instances[2].title in total.missing_members
    eventually(watch.more(0, 2.0), "the others go on")
    tors[2].start()
    watch.sources[2].retry_now()
    eventually(lambda: isinstance(fleet.instances[2].state, Connected), "it is back")
    back = now()
    eventually(watch.more(2, 1.5), "and tells")
    assert watch.lacking(died, back + 1)
    [restart] = fleet.instances[2].totals.restarts
    assert list(total.totals.restarts) == [restart]
    assert died - 1 < restart < back
    # Nothing of all that was to be seen of the one that only went on.
    lives = fleet.instances[0].history.window(now(), int(now() - begin)).buckets
    assert min(lives.seconds) > 0.5
    assert [who for who, _ in watch.states].count(0) == 1
    # What each of them has is in the sum to the byte, and it is what tor has counted.
    watch.close()
    whole = total.totals.total()
    each = [instance.totals.total() for instance in fleet.instances]
    assert whole is not None
    assert whole.read == sum(one.read for one in each if one is not None)
    assert whole.written == sum(one.written for one in each if one is not None)
    counted = 0
    for tor in tors:
        with Control(tor) as control:
            counted += control.has_read()
    assert whole.read == pytest.approx(counted, abs=3 * sum(EACH))
