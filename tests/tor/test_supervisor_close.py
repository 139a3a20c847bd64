"""Closing a source ends its threads within a second, at any moment."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import event_recorder
import pytest
from event_recorder import EventRecorder, running_threads, wait_until
from fake_tor import (
    FakeTor,
    silent,
)
from supervisors import HASTY, LONG_S, started

from bwgraph.model.events import (
    Connected,
    Lost,
    Report,
)
from bwgraph.tor import connection as connection_module
from bwgraph.tor import supervisor, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import DemoEndpoint, Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing


def test_closing_ends_the_threads_and_reports_nothing_more() -> None:
    recorder = EventRecorder()
    with FakeTor() as server:
        with started(server.endpoint, report=recorder) as source:
            recorder.wait_for(Connected)
            started_at = time.monotonic()
            source.close()
            assert time.monotonic() - started_at < 1
            assert not running_threads()
        assert [type(event) for event in recorder.events] == [Connected]


def test_source_can_be_closed_before_it_starts() -> None:
    TorSource([DemoEndpoint("x")], Credentials()).close()


def test_closing_during_an_attempt_takes_less_than_a_second() -> None:
    recorder = EventRecorder()
    with FakeTor(silent) as server, started(server.endpoint, report=recorder) as source:
        wait_until(lambda: server.lines, "an attempt is under way")
        started_at = time.monotonic()
        source.close()
        assert time.monotonic() - started_at < 1
        assert not running_threads()


def test_closing_during_a_delay_takes_less_than_a_second() -> None:
    timing = HASTY._replace(reconnect_delays_s=(LONG_S,))
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing) as source:
        recorder.wait_for(Connected)
        server.hang_up()
        recorder.wait_for(Lost)
        started_at = time.monotonic()
        source.close()
        assert time.monotonic() - started_at < 1
        assert not running_threads()


def test_closing_during_a_round_tries_no_other_endpoint() -> None:
    recorder = EventRecorder()
    with FakeTor(silent) as one, FakeTor(silent) as two, FakeTor(silent) as three:
        with started(one.endpoint, two.endpoint, three.endpoint, report=recorder) as source:
            wait_until(lambda: one.lines, "the first is being tried")
            started_at = time.monotonic()
            source.close()
            assert time.monotonic() - started_at < 1
            assert two.accepted == three.accepted == 0
            assert not running_threads()
        assert recorder.events == []


def test_closing_during_a_round_connects_to_no_other_tor() -> None:
    recorder = EventRecorder()
    with FakeTor(silent) as one, FakeTor() as two:
        with started(one.endpoint, two.endpoint, report=recorder) as source:
            wait_until(lambda: one.lines, "the first is being tried")
            source.close()
        assert two.accepted == 0
    assert not [event for event in recorder.events if isinstance(event, Connected)]


def test_connect_that_outlives_the_source_reports_nothing() -> None:
    # Such as a slow look-up of a host name, while the user quits.
    connecting, resume = threading.Event(), threading.Event()

    def connect(endpoint: Endpoint, timing: Timing) -> transport.Transport:
        connecting.set()
        resume.wait(10)
        return transport.connect(endpoint, timing)

    recorder = EventRecorder()
    with FakeTor() as server:
        source = TorSource([server.endpoint], Credentials(), connect, timing=HASTY)
        source.start(recorder)
        connecting.wait(10)
        started_at = time.monotonic()
        source.close()
        assert time.monotonic() - started_at < 1.5
        heard = len(recorder.events)
        resume.set()
        wait_until(lambda: not running_threads(), "the threads have ended")
        assert recorder.events[heard:] == []


def test_closing_at_the_start_of_an_attempt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Between the end of a delay and the attempt there is no connection that could be abandoned.
    recorder = EventRecorder()
    trying, closing = threading.Event(), threading.Event()

    class LateConnection(connection_module.Connection):
        def __init__(
            self,
            endpoint: Endpoint,
            connect: connection_module.Connect,
            report: Report,
            on_lost: Callable[[connection_module.Connection], None],
            on_silence: Callable[[], object],
            *,
            timing: Timing,
        ) -> None:
            trying.set()
            closing.wait(10)
            super().__init__(endpoint, connect, report, on_lost, on_silence, timing=timing)

    with FakeTor() as server, started(server.endpoint, report=recorder) as source:
        recorder.wait_for(Connected)
        monkeypatch.setattr(connection_module, "Connection", LateConnection)
        server.behaviour = silent
        server.hang_up()
        trying.wait(10)
        closer = threading.Thread(target=source.close)
        closer.start()
        wait_until(source._inbox.qsize, "close has been called")
        time.sleep(0.05)  # until the previous connection is abandoned
        started_at = time.monotonic()
        closing.set()
        closer.join()
        assert not [thread for thread in running_threads() if thread.name == "bwgraph source"]
        assert time.monotonic() - started_at < 1


DEADLOCK = """
import sys, threading, time
sys.path[:0] = sys.argv[1:]
from event_recorder import EventRecorder, running_threads
from fake_tor import FakeTor
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing
from bwgraph.model.events import Refused

def send_and_close(session):
    while (line := session.line()) is not None:
        if line.startswith(b"PROTOCOLINFO"):
            session.send(b"250-PROTOCOLINFO 1\\r\\n250-AUTH METHODS=NULL\\r\\n250 OK\\r\\n")
        elif line.startswith(b"AUTHENTICATE"):
            session.send(b"250 OK\\r\\n")
        else:
            session.send(b"650 BW 1 1\\r\\n650 BW 1 1\\r\\n")
            time.sleep(0.1)
            return

recorder = EventRecorder()
with FakeTor(send_and_close) as server:
    source = TorSource([server.endpoint], Credentials(), timing=Timing(attempt_timeout_s=1.0))
    source.start(recorder)
    print(recorder.wait_for(Refused).error.cause)
    started_at = time.monotonic()
    source.close()
    assert time.monotonic() - started_at < 1
print("hanging:", sorted(thread.name for thread in running_threads()))
"""


def test_deadlock_in_stem_blocks_neither_the_source_nor_the_program() -> None:
    # An event and the end of the connection arrive while stem subscribes. Its reading thread joins
    # its event thread, which waits for a lock of the subscribing thread, which waits for the
    # reading thread. These threads never end, so this runs in another process.
    paths = [str(Path(event_recorder.__file__).parent), str(Path(supervisor.__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", DEADLOCK, *paths],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no connection within 1 s" in done.stdout or "closed the connection" in done.stdout
