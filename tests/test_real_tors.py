"""Three real tors on one screen, under different traffic; one is killed, one is stopped."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from ear import eventually
from pty_driver import Program
from real_tor import Control, RealTor, needs_tor

from bwgraph.clock import now
from bwgraph.credentials import Credentials
from bwgraph.endpoint import ControlPort, Named
from bwgraph.source import Connected, Lost
from bwgraph.targets import Secrets, Targets

pytestmark = needs_tor

EACH = (400_000, 200_000, 100_000)
"Bytes a second, or nearly, that each is made to read."


class Traffic:
    """Makes a tor read, piece by piece, for as long as there is one."""

    def __init__(self, tor: RealTor, rate: int) -> None:
        self._tor, self._rate = tor, rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(0.1):
            with suppress(OSError, AssertionError, ConnectionError), Control(self._tor) as control:
                control._socket.settimeout(20.0)
                while not self._over.wait(0.1):
                    control.let_read(self._rate // 10)


@pytest.fixture(scope="module")
def tors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RealTor]]:
    with ExitStack() as stack:
        made = [stack.enter_context(RealTor(tmp_path_factory.mktemp("tor"))) for _ in EACH]
        for tor, rate in zip(made, EACH, strict=True):
            stack.enter_context(Traffic(tor, rate))
        yield made


def row(program: Program, name: str) -> str:
    """A line of the table; empty if there is none."""
    found = re.search(rf"^[> ] {name} .*$", program.text(), re.MULTILINE)
    return found[0] if found else ""


def rate(line: str) -> float | None:
    """The current download in a line of the table, in bytes."""
    found = re.search(r" +(\d[\d.]*)([BKM])\b", line[30:])
    units = {"B": 1, "K": 1024, "M": 1024**2}
    return float(found[1]) * units[found[2]] if found else None


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
        # One is killed.
        killed = time.monotonic()
        tors[0].kill()
        program.wait_until(
            lambda: " down" in row(program, "a") and "1 down" in row(program, "sum of 3 tors"),
            "a is down",
        )
        assert time.monotonic() - killed < 1.5
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
            program.wait_until(lambda: " down" in row(program, "b"), "b is lost")
            assert time.monotonic() - stopped < 6.0
            assert (rate(row(program, "a")) or 0) > 0
            assert (rate(row(program, "sum of 3 tors")) or 0) > 0
            assert "1 down" in row(program, "sum of 3 tors")
        finally:
            tors[1].resume()
        program.wait_until(lambda: as_they_are_made(program), "all are back again")
        program.send("0")
        program.wait_for(re.compile(r"\Abwgraph  sum of 3 tors "))
        program.send("q")
        assert program.wait_exit() == 0


def moved(tor: RealTor) -> tuple[int, int]:
    """What tor itself has counted in its life."""
    with Control(tor) as control:
        read = control._ask(b"GETINFO traffic/read\r\n")[0]
        written = control._ask(b"GETINFO traffic/written\r\n")[0]
    return int(read.partition(b"=")[2]), int(written.partition(b"=")[2])


def test_the_sum_is_marked_where_one_is_missing_goes_on_and_adds_up(tors: list[RealTor]) -> None:
    targets = Targets(tuple(Named("", ControlPort("127.0.0.1", tor.port)) for tor in tors))
    fleet, sources = targets.watch(Secrets(Credentials()), patient=False)
    total = fleet.sum
    assert total is not None
    told: list[float] = []  # how far behind the sum was, while one was stopped
    for instance, source in sources.items():
        source.start(lambda event, i=instance: fleet.tell(i, event))  # type: ignore[misc]
    try:
        eventually(lambda: all(each.history.newest for each in fleet.instances), "samples of all")
        time.sleep(2.0)
        tors[1].pause()
        try:
            end = time.monotonic() + 4.5
            while time.monotonic() < end:
                told.append(now() - total.history.window(now(), 1).end)
                time.sleep(0.1)
            window = total.history.window(now(), 8)
            assert window.partial, "seconds that lack one are marked"
            assert max(window.columns.seconds[-3:]) > 0.0
        finally:
            tors[1].resume()
        assert max(told) < 4.0, told
        tors[2].kill()
        died = time.monotonic()
        eventually(lambda: isinstance(fleet.instances[2].state, Lost), "the death is told")
        assert time.monotonic() - died < 1.0
        assert fleet.instances[2].title in total.absent
        tors[2].start()
        sources[fleet.instances[2]].retry()
        eventually(lambda: isinstance(fleet.instances[2].state, Connected), "it is back")
        newest = fleet.instances[2].history.newest
        eventually(lambda: fleet.instances[2].history.newest != newest, "and tells")
        time.sleep(2.5)
        assert len(fleet.instances[2].ledger.restarts) == 1
        assert list(total.ledger.restarts) == list(fleet.instances[2].ledger.restarts)
        window = total.history.window(now(), 60)
        assert window.partial
        # To the byte what each of them has; and what tor has counted, but for what goes on.
        wholes = [each.ledger.total() for each in fleet.instances]
        whole, counted = total.ledger.total(), [moved(tor) for tor in tors]
    finally:
        for source in sources.values():
            source.close()
    assert whole is not None
    for each in wholes:
        assert each is not None
    reads = [each.read for each in wholes if each is not None]
    assert whole.read == pytest.approx(sum(reads), abs=sum(EACH))
    assert whole.read == pytest.approx(sum(read for read, _ in counted), abs=3 * sum(EACH))
