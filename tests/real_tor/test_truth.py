"""Numbers that can be trusted, against a real tor: every byte, every second, every gap."""

import json
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from operator import contains
from typing import Self

import pytest
from pty_driver import bwgraph_argv, environment
from real_tor import Control, RealTor, needs_tor

from bwgraph.model.events import Connected, Event, Lost, Sample
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.system.clock import now
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

pytestmark = needs_tor

PATIENCE = 20.0

Pair = tuple[int, int]


@pytest.fixture
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealTor]:
    """A tor that has moved nothing yet."""
    with RealTor(tmp_path_factory.mktemp("tor")) as tor:
        yield tor


def eventually(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.01)


class RawLog:
    """Another controller, without any library: every BW event of one tor process."""

    def __init__(self, tor: RealTor) -> None:
        self.events: list[Pair] = []
        self._control = Control(tor)
        self._thread = threading.Thread(target=self._read, name="raw log")

    def __enter__(self) -> list[Pair]:
        self._control._socket.sendall(b"SETEVENTS BW\r\n")
        self._thread.start()
        return self.events

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._control._socket.shutdown(2)
        self._thread.join()
        self._control.close()

    def _read(self) -> None:
        with suppress(OSError):
            for line in self._control._lines:
                if line.startswith(b"650 BW"):
                    read, written = line.split()[2:4]
                    self.events.append((int(read), int(written)))


class Watched:
    """A link to a tor in this very process, and all that it told."""

    def __init__(self, tor: RealTor, timing: Timing = DEFAULT_TIMING) -> None:
        self.instance = Instance("test", history=History(lock=threading.Lock()))
        self.told: list[Event] = []
        self._link = TorSource([ControlPort("127.0.0.1", tor.port)], Credentials(), timing=timing)

    def __enter__(self) -> Self:
        self._link.start(self._tell)
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def _tell(self, event: Event) -> None:
        self.instance.handle(event)
        self.told.append(event)

    @property
    def samples(self) -> list[Sample]:
        return [event for event in self.told if isinstance(event, Sample)]

    def connected(self, count: int = 1) -> Connected:
        """The latest connection, once there have been so many."""
        found: list[Connected] = []

        def seen() -> bool:
            found[:] = [event for event in self.told if isinstance(event, Connected)]
            return len(found) >= count

        eventually(seen, f"connection {count}")
        return found[-1]

    def lost(self) -> None:
        """Until a connection has been lost."""
        eventually(lambda: any(isinstance(e, Lost) for e in self.told), "a loss")

    def wait_samples(self, more: int) -> None:
        """Until so many more have come."""
        wanted = len(self.samples) + more
        eventually(lambda: len(self.samples) >= wanted, f"{more} more samples")

    def cut(self) -> None:
        """Lose the connection, while tor lives on."""
        assert self._link._current is not None
        assert self._link._current._transport is not None
        self._link._current._transport.hang_up()


def follows(ours: list[Pair], raw: list[Pair]) -> bool:
    """Whether ours are successive events of the raw log, none left out and none twice."""
    return any(raw[i : i + len(ours)] == ours for i in range(len(raw) - len(ours) + 1))


def test_every_event_is_in_the_history_and_in_the_lines_once_across_a_restart(
    tor: RealTor,
) -> None:
    dice = random.Random(7)
    logs: list[list[Pair]] = []
    argv = bwgraph_argv("--port", str(tor.port), "--json")
    with (
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment()) as lines,
        Watched(tor) as watched,
    ):
        for life in range(2):
            if life:
                tor.start()
            with RawLog(tor) as raw:
                logs.append(raw)
                watched.connected(life + 1)
                with Control(tor) as control:
                    for _ in range(4):
                        control.let_read(dice.randrange(1000, 300_000))
                        control.let_write(dice.randrange(5))
                        watched.wait_samples(1)
                # All the while there is another log of what the two are told.
                newest = watched.samples[-1]
                last = newest.read, newest.written
                eventually(partial(contains, raw, last), "the other log")
                if life:
                    lines.terminate()
                    lines.wait(PATIENCE)
                else:
                    tor.kill()
        assert lines.stdout is not None
        said = [json.loads(line) for line in lines.stdout]
    # Each life's samples by themselves: what came before the second connection, and after.
    second = [i for i, event in enumerate(watched.told) if isinstance(event, Connected)][1]
    for raw, told in zip(logs, (watched.told[:second], watched.told[second:]), strict=True):
        ours = [(e.read, e.written) for e in told if isinstance(e, Sample)]
        assert len(ours) >= 4
        assert follows(ours, raw), (ours, raw)
    # In the history, to the byte; the raw log may have kept the cache up, before the first.
    window = watched.instance.history.window(now(), 300).buckets
    first = next(event for event in watched.told if isinstance(event, Connected))
    samples = [*first.recent, *watched.samples]
    assert sum(window.read) == sum(sample.read for sample in samples)
    assert sum(window.written) == sum(sample.written for sample in samples)
    assert sum(window.seconds) == pytest.approx(sum(sample.seconds for sample in samples))
    # And in the lines of the other program, which connected at its own time.
    pairs = [(line["read"], line["written"]) for line in said if line["read"] is not None]
    assert len(pairs) >= 6
    cut = next(
        i
        for i in range(len(pairs) + 1)
        if follows(pairs[:i], logs[0]) and follows(pairs[i:], logs[1])
    )
    assert 0 < cut < len(pairs)
    assert {line["tor"] for line in said} == {f"127.0.0.1:{tor.port}"}


def test_what_tor_moved_before_is_in_the_total_and_in_no_rate(tor: RealTor) -> None:
    with Control(tor) as control:
        control.let_read(400_000)
        time.sleep(0.1)
        with Watched(tor) as watched:
            watched.wait_samples(3)
            total = watched.instance.totals.total()
            window = watched.instance.history.window(now(), 60).buckets
    assert total is not None
    assert total.since_tor_started
    assert total.since is not None
    assert 0 < now() - total.since < 60
    # Its control connections' own bytes are counted, too: some hundreds.
    assert 400_000 <= total.read < 410_000
    assert max(window.read_peak) < 5_000


def test_a_restarted_tor_is_marked_and_starts_new_totals(tor: RealTor) -> None:
    with Watched(tor) as watched:
        with Control(tor) as control:
            watched.connected()
            control.let_read(200_000)
            watched.wait_samples(2)
        before = watched.instance.totals.total()
        killed = now()
        tor.kill()
        watched.lost()
        tor.start()
        watched.connected(2)
        watched.wait_samples(1)
        after = watched.instance.totals.total()
    assert before is not None
    assert after is not None
    assert before.read >= 200_000
    assert after.read < 5_000
    (mark,) = watched.instance.totals.restarts
    assert killed - 2.0 <= mark <= now()
    assert not watched.instance.totals.unseen


def test_what_a_living_tor_moved_unseen_is_a_sum_and_never_a_rate(tor: RealTor) -> None:
    timing = Timing(reconnect_delays_s=(2.0,))
    with Watched(tor, timing) as watched, Control(tor) as control:
        watched.connected()
        watched.wait_samples(2)
        watched.cut()
        watched.lost()
        control.let_read(300_000)
        watched.connected(2)
        watched.wait_samples(2)
        ledger = watched.instance.totals
        total = ledger.total()
        window = watched.instance.history.window(now(), 60).buckets
    (gap,) = ledger.unseen
    assert 300_000 <= gap.read < 305_000
    assert gap.end - gap.begin == pytest.approx(2.5, abs=1.5)
    assert not ledger.restarts
    assert total is not None
    assert total.read >= 300_000
    assert max(window.read_peak) < 5_000


def test_a_stopped_tors_backlog_is_spread_over_the_stop(tor: RealTor) -> None:
    with Watched(tor) as watched, Control(tor) as control:
        watched.wait_samples(2)
        tor.pause()
        try:
            # It goes as far as the sockets hold it, and tor reads it when it goes on.
            control._socket.setblocking(False)
            sent = control._socket.send(b"PADDING " + b"x" * 60_000 + b"\r\n")
            control._socket.setblocking(True)
            time.sleep(5.0)
        finally:
            tor.resume()
        watched.wait_samples(3)
        window = watched.instance.history.window(now(), 60).buckets
    assert not [event for event in watched.told if isinstance(event, Connected)][1:]
    assert sum(window.read) >= sent
    assert max(window.read_peak) < sent / 4
    # Nothing of it is a gap: from the first column that is known all are.
    known = [bool(seconds) for seconds in window.seconds]
    assert all(known[known.index(True) :])


def test_the_cache_is_taken_when_another_keeps_it_and_marked_as_before(tor: RealTor) -> None:
    with RawLog(tor) as raw, Control(tor) as control:
        for count in range(1, 5):
            control.let_read(10_000 * count)
            eventually(lambda n=count: len(raw) > n, "the next event")  # type: ignore[misc]
        for _ in range(8):
            # Once in twenty times our subscription falls together with an event: then it is left.
            with Watched(tor) as watched:
                connected = watched.connected()
            if connected.recent:
                break
        recent = [(sample.read, sample.written) for sample in connected.recent]
        eventually(lambda: follows(recent, raw), "the other log")
        assert len(recent) >= 4
        assert raw[0] not in recent  # it was the first of a subscription
        assert connected.recent[-1].ends_at <= connected.at
        # All that was told lies up to there, and nothing else: as in a history of it alone.
        hearsay = History()
        for sample in connected.recent:
            hearsay.push(sample)
        assert watched.instance.unverified_until == hearsay.newest_bucket
        total = watched.instance.totals.total()
        assert total is not None
        assert total.read < 120_000  # these bytes are counted once


def test_a_cache_that_nobody_keeps_is_not_taken(tor: RealTor) -> None:
    with RawLog(tor) as raw, Control(tor) as control:
        control.let_read(50_000)
        eventually(lambda: len(raw) > 2, "events")
    time.sleep(1.5)  # tor sends one more to a connection that it has not yet seen closed
    with Watched(tor) as watched:
        connected = watched.connected()
    assert connected.recent == ()
