"""Every byte, every second and every gap is right, compared with what a real tor reports."""

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
from tor_process import Control, RealTor, needs_tor

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
    """A tor that has not moved any bytes yet."""
    with RealTor(tmp_path_factory.mktemp("tor")) as tor:
        yield tor


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.01)


class RawLog:
    """The BW events of one tor process, read by a second controller without any library."""

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
    """A source connected to a tor, with an instance and all of its events."""

    def __init__(self, tor: RealTor, timing: Timing = DEFAULT_TIMING) -> None:
        self.instance = Instance("test", history=History(lock=threading.Lock()))
        self.events: list[Event] = []
        endpoint = ControlPort("127.0.0.1", tor.port)
        self._source = TorSource([endpoint], Credentials(), timing=timing)

    def __enter__(self) -> Self:
        self._source.start(self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def _handle(self, event: Event) -> None:
        self.instance.handle(event)
        self.events.append(event)

    @property
    def samples(self) -> list[Sample]:
        return [event for event in self.events if isinstance(event, Sample)]

    def wait_connected(self, count: int = 1) -> Connected:
        """Wait until there have been ``count`` connections; return the latest."""
        connections: list[Connected] = []

        def are_enough() -> bool:
            connections[:] = [event for event in self.events if isinstance(event, Connected)]
            return len(connections) >= count

        wait_until(are_enough, f"connection {count}")
        return connections[-1]

    def wait_lost(self) -> None:
        """Wait until a connection has been lost."""
        wait_until(lambda: any(isinstance(e, Lost) for e in self.events), "a lost connection")

    def wait_samples(self, count: int) -> None:
        """Wait for ``count`` more samples."""
        expected = len(self.samples) + count
        wait_until(lambda: len(self.samples) >= expected, f"{count} more samples")

    def cut(self) -> None:
        """Close the connection while tor keeps running."""
        assert self._source._current is not None
        assert self._source._current._transport is not None
        self._source._current._transport.hang_up()


def is_run_of(ours: list[Pair], raw: list[Pair]) -> bool:
    """Return whether ``ours`` are consecutive events of the raw log."""
    return any(raw[i : i + len(ours)] == ours for i in range(len(raw) - len(ours) + 1))


def test_every_event_is_once_in_the_history_and_in_the_lines_across_a_restart(
    tor: RealTor,
) -> None:
    rng = random.Random(7)
    logs: list[list[Pair]] = []
    argv = bwgraph_argv("--port", str(tor.port), "--json")
    with (
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment()) as process,
        Watched(tor) as watched,
    ):
        assert process.stdout is not None
        for run in range(2):
            if run:
                tor.start()
            with RawLog(tor) as raw:
                logs.append(raw)
                if not run:  # however long the other program takes to start
                    first_line = process.stdout.readline()
                watched.wait_connected(run + 1)
                with Control(tor) as control:
                    for _ in range(4):
                        control.let_read(rng.randrange(1000, 300_000))
                        control.let_write(rng.randrange(5))
                        watched.wait_samples(1)
                # The raw log must contain all that the other two have received.
                newest = watched.samples[-1]
                last = newest.read, newest.written
                wait_until(partial(contains, raw, last), "the newest sample in the raw log")
                if run:
                    process.terminate()
                    process.wait(PATIENCE)
                else:
                    tor.kill()
        lines = [json.loads(line) for line in (first_line, *process.stdout)]
    # The samples of each tor process: before and after the second connection.
    second = [i for i, event in enumerate(watched.events) if isinstance(event, Connected)][1]
    for raw, events in zip(logs, (watched.events[:second], watched.events[second:]), strict=True):
        ours = [(e.read, e.written) for e in events if isinstance(e, Sample)]
        assert len(ours) >= 4
        assert is_run_of(ours, raw), (ours, raw)
    # The history has the same bytes, and those of tor's cache before the first sample, if any.
    window = watched.instance.history.window(now(), 300).buckets
    first = next(event for event in watched.events if isinstance(event, Connected))
    samples = [*first.recent, *watched.samples]
    assert sum(window.read) == sum(sample.read for sample in samples)
    assert sum(window.written) == sum(sample.written for sample in samples)
    assert sum(window.seconds) == pytest.approx(sum(sample.seconds for sample in samples))
    # So have the lines of the other program, which connected at another time.
    pairs = [(line["read"], line["written"]) for line in lines if line["read"] is not None]
    assert len(pairs) >= 6
    restart = next(
        i
        for i in range(len(pairs) + 1)
        if is_run_of(pairs[:i], logs[0]) and is_run_of(pairs[i:], logs[1])
    )
    assert 0 < restart < len(pairs)
    assert {line["tor"] for line in lines} == {f"127.0.0.1:{tor.port}"}


def test_traffic_before_the_first_connection_is_in_the_total_and_in_no_rate(tor: RealTor) -> None:
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
    # Some hundred bytes of the control connections themselves are counted too.
    assert 400_000 <= total.read < 410_000
    assert max(window.read_peak) < 5_000


def test_restart_is_marked_and_begins_a_new_total(tor: RealTor) -> None:
    with Watched(tor) as watched:
        with Control(tor) as control:
            watched.wait_connected()
            control.let_read(200_000)
            watched.wait_samples(2)
        before = watched.instance.totals.total()
        killed = now()
        tor.kill()
        watched.wait_lost()
        tor.start()
        watched.wait_connected(2)
        watched.wait_samples(1)
        after = watched.instance.totals.total()
    assert before is not None
    assert after is not None
    assert before.read >= 200_000
    assert after.read < 5_000
    (mark,) = watched.instance.totals.restarts
    assert killed - 2.0 <= mark <= now()
    assert not watched.instance.totals.unseen


def test_traffic_while_disconnected_is_in_the_total_and_in_no_rate(tor: RealTor) -> None:
    timing = Timing(reconnect_delays_s=(2.0,))
    with Watched(tor, timing) as watched, Control(tor) as control:
        watched.wait_connected()
        watched.wait_samples(2)
        watched.cut()
        watched.wait_lost()
        control.let_read(300_000)
        watched.wait_connected(2)
        watched.wait_samples(2)
        totals = watched.instance.totals
        total = totals.total()
        window = watched.instance.history.window(now(), 60).buckets
    (gap,) = totals.unseen
    assert 300_000 <= gap.read < 305_000
    assert gap.end - gap.begin == pytest.approx(2.5, abs=1.5)
    assert not totals.restarts
    assert total is not None
    assert total.read >= 300_000
    assert max(window.read_peak) < 5_000


def test_backlog_of_a_stopped_tor_is_spread_over_the_stop(tor: RealTor) -> None:
    with Watched(tor) as watched, Control(tor) as control:
        watched.wait_samples(2)
        tor.pause()
        try:
            # Send as much as the socket buffers hold; tor reads it when it continues.
            control._socket.setblocking(False)
            sent = control._socket.send(b"PADDING " + b"x" * 60_000 + b"\r\n")
            control._socket.setblocking(True)
            time.sleep(5.0)
        finally:
            tor.resume()
        watched.wait_samples(3)
        window = watched.instance.history.window(now(), 60).buckets
    assert not [event for event in watched.events if isinstance(event, Connected)][1:]
    assert sum(window.read) >= sent
    assert max(window.read_peak) < sent / 4
    # There is no gap: all buckets from the first one with data on have data.
    has_data = [bool(seconds) for seconds in window.seconds]
    assert all(has_data[has_data.index(True) :])


def test_event_cache_is_used_if_another_subscriber_fills_it_and_is_unverified(
    tor: RealTor,
) -> None:
    with RawLog(tor) as raw, Control(tor) as control:
        for count in range(1, 5):
            control.let_read(10_000 * count)
            wait_until(lambda n=count: len(raw) > n, "the next event")  # type: ignore[misc]
        for _ in range(8):
            # About once in twenty times an event coincides with the subscription, and the cache is
            # not used.
            with Watched(tor) as watched:
                connected = watched.wait_connected()
            if connected.recent:
                break
        recent = [(sample.read, sample.written) for sample in connected.recent]
        wait_until(lambda: is_run_of(recent, raw), "the cached events in the raw log")
        assert len(recent) >= 4
        assert raw[0] not in recent  # it was the first of a subscription
        assert connected.recent[-1].ends_at <= connected.at
        # The unverified buckets end where a history of the cached samples alone ends.
        cached = History()
        for sample in connected.recent:
            cached.push(sample)
        assert watched.instance.unverified_until == cached.newest_bucket
        total = watched.instance.totals.total()
        assert total is not None
        assert total.read < 120_000  # these bytes are counted once


def test_event_cache_is_not_used_without_another_subscriber(tor: RealTor) -> None:
    with RawLog(tor) as raw, Control(tor) as control:
        control.let_read(50_000)
        wait_until(lambda: len(raw) > 2, "events")
    time.sleep(1.5)  # tor notices that the connection is closed when it sends the next event
    with Watched(tor) as watched:
        connected = watched.wait_connected()
    assert connected.recent == ()
