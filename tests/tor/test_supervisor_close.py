"""Closing a source ends its threads within a second, at any moment."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import ear
import pytest
from ear import Ear, eventually, threads_at_work
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

# Closing


def test_closing_ends_all_and_tells_nothing_more() -> None:
    ear = Ear()
    with FakeTor() as server:
        with started(server.endpoint, report=ear) as worker:
            ear.wait_for(Connected)
            begun = time.monotonic()
            worker.close()
            assert time.monotonic() - begun < 1
            assert not threads_at_work()
        assert [type(event) for event in ear.heard] == [Connected]


def test_closing_before_starting_is_nothing() -> None:
    TorSource([DemoEndpoint("x")], Credentials()).close()


def test_closing_in_the_middle_of_an_attempt_takes_no_second() -> None:
    ear = Ear()
    with FakeTor(silent) as server, started(server.endpoint, report=ear) as worker:
        eventually(lambda: server.lines, "an attempt is under way")
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1
        assert not threads_at_work()


def test_closing_in_the_middle_of_a_back_off_takes_no_second() -> None:
    timing = HASTY._replace(reconnect_delays_s=(LONG_S,))
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        server.hang_up()
        ear.wait_for(Lost)
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1
        assert not threads_at_work()


def test_closing_in_the_middle_of_a_round_ends_the_round() -> None:
    ear = Ear()
    with FakeTor(silent) as one, FakeTor(silent) as two, FakeTor(silent) as three:
        with started(one.endpoint, two.endpoint, three.endpoint, report=ear) as worker:
            eventually(lambda: one.lines, "the first is being tried")
            begun = time.monotonic()
            worker.close()
            assert time.monotonic() - begun < 1
            assert two.accepted == three.accepted == 0
            assert not threads_at_work()
        assert ear.heard == []


def test_closing_in_the_middle_of_a_round_connects_to_nobody_any_more() -> None:
    ear = Ear()
    with FakeTor(silent) as one, FakeTor() as two:
        with started(one.endpoint, two.endpoint, report=ear) as worker:
            eventually(lambda: one.lines, "the first is being tried")
            worker.close()
        assert two.accepted == 0
    assert not [event for event in ear.heard if isinstance(event, Connected)]


def test_a_dial_that_outlives_the_link_tells_nothing() -> None:
    # A name whose look-up takes its time, while the user has left.
    dialling, go_on = threading.Event(), threading.Event()

    def dial(endpoint: Endpoint, timing: Timing) -> transport.Transport:
        dialling.set()
        go_on.wait(10)
        return transport.connect(endpoint, timing)

    ear = Ear()
    with FakeTor() as server:
        worker = TorSource([server.endpoint], Credentials(), dial, timing=HASTY)
        worker.start(ear)
        dialling.wait(10)
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1.5
        heard = len(ear.heard)
        go_on.set()
        eventually(lambda: not threads_at_work(), "the threads ended")
        assert ear.heard[heard:] == []


def test_closing_at_the_moment_of_a_new_try_ends_the_try(monkeypatch: pytest.MonkeyPatch) -> None:
    # Between the end of a back-off and the attempt there is a moment in which there is nothing
    # yet that could be abandoned.
    ear = Ear()
    trying, closing = threading.Event(), threading.Event()

    class Late(connection_module.Connection):
        def __init__(
            self,
            endpoint: Endpoint,
            dial: connection_module.Connect,
            tell: Report,
            lost: Callable[[connection_module.Connection], None],
            silent: Callable[[], object],
            *,
            timing: Timing,
        ) -> None:
            trying.set()
            closing.wait(10)
            super().__init__(endpoint, dial, tell, lost, silent, timing=timing)

    with FakeTor() as server, started(server.endpoint, report=ear) as worker:
        ear.wait_for(Connected)
        monkeypatch.setattr(connection_module, "Connection", Late)
        server.behaviour = silent
        server.hang_up()
        trying.wait(10)
        closer = threading.Thread(target=worker.close)
        closer.start()
        eventually(worker._inbox.qsize, "the order to close is given")
        time.sleep(0.05)  # and the connection of before abandoned
        begun = time.monotonic()
        closing.set()
        closer.join()
        assert not [thread for thread in threads_at_work() if thread.name == "bwgraph source"]
        assert time.monotonic() - begun < 1


HANGING = """
import sys, threading, time
sys.path[:0] = sys.argv[1:]
from ear import Ear, threads_at_work
from fake_tor import FakeTor
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing
from bwgraph.model.events import Refused

def deadly(session):
    while (line := session.line()) is not None:
        if line.startswith(b"PROTOCOLINFO"):
            session.send(b"250-PROTOCOLINFO 1\\r\\n250-AUTH METHODS=NULL\\r\\n250 OK\\r\\n")
        elif line.startswith(b"AUTHENTICATE"):
            session.send(b"250 OK\\r\\n")
        else:
            session.send(b"650 BW 1 1\\r\\n650 BW 1 1\\r\\n")
            time.sleep(0.1)
            return

ear = Ear()
with FakeTor(deadly) as server:
    worker = TorSource([server.endpoint], Credentials(), timing=Timing(attempt_timeout_s=1.0))
    worker.start(ear)
    print(ear.wait_for(Refused).error.cause)
    begun = time.monotonic()
    worker.close()
    assert time.monotonic() - begun < 1
print("hanging:", sorted(thread.name for thread in threads_at_work()))
"""


def test_a_deadlock_in_stem_hangs_neither_the_link_nor_the_program() -> None:
    # An event and an end, while stem subscribes: its reader joins its notifier, which waits for a
    # lock that the subscriber holds, who waits for the reader. In a process of its own, since
    # those threads are lost.
    paths = [str(Path(ear.__file__).parent), str(Path(supervisor.__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", HANGING, *paths],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no connection within 1 s" in done.stdout or "closed the connection" in done.stdout
