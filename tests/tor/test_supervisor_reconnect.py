"""A source that loses its tor: reconnecting, and what it does in a silence."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from event_recorder import EventRecorder, wait_until
from fake_tor import (
    FakeTor,
    TorBehavior,
    silent,
)
from supervisors import HASTY, IMPATIENT, LENIENT, LONG_S, STRICT, started

from bwgraph.model.events import (
    Connected,
    CounterBase,
    Event,
    Lost,
    Refused,
    Report,
    Sample,
)
from bwgraph.model.instance import Instance
from bwgraph.system import clock
from bwgraph.tor import connection as connection_module
from bwgraph.tor import supervisor, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing


class ShiftedClock:
    """The real clock, plus what a test adds to it. Counts its readings."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        return time.monotonic() + self.ahead


# Reconnecting


def test_source_reconnects_after_a_loss(tmp_path: Path) -> None:
    recorder = EventRecorder()
    with FakeTor(path=tmp_path / "control") as server, started(server.endpoint, report=recorder):
        recorder.wait_for(Connected)
        server.emit(1, 0)
        recorder.wait_for(Sample)
        server.stop_listening()
        server.hang_up()
        assert recorder.wait_for(Lost).reason == "it closed the connection"
        assert recorder.wait_for(Lost).reason == "no such socket"
        server.listen()
        recorder.wait_for(Connected)
        server.emit(2, 0)
        assert recorder.wait_for(Sample).read == 2
    # The first event of the second subscription is not a sample either.
    assert [sample.read for sample in recorder.samples] == [1, 2]
    assert not [event for event in recorder.events if isinstance(event, Refused)]


def test_loss_contains_the_time_of_the_last_event() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder):
        recorder.wait_for(Connected)
        server.emit(1, 0)
        last = recorder.wait_for(Sample).ends_at
        server.stop_listening()
        server.hang_up()
        # The same after each failed attempt.
        assert [recorder.wait_for(Lost).last_heard for _ in range(3)] == [last] * 3


def test_delays_grow_until_retry_now() -> None:
    timing = HASTY._replace(reconnect_delays_s=(100.0, 200.0, 300.0))
    # Long enough that only retry_now can end one.
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing) as source:
        for _ in range(2):  # after a connection the delays begin at the first again
            recorder.wait_for(Connected)
            server.stop_listening()
            server.hang_up()
            delays = []
            for _ in range(5):
                delays.append(recorder.wait_for(Lost).retry_at - clock.now())
                source.retry_now()
            assert delays == pytest.approx([100, 200, 300, 300, 300], abs=20)
            recorder.wait_for(Lost)
            server.listen()
            source.retry_now()


def test_retry_now_while_connected_changes_nothing() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder) as source:
        recorder.wait_for(Connected)
        for number in range(5):
            source.retry_now()
            server.emit(number, 0)
            recorder.wait_for(Sample)
        assert server.accepted == 1
        assert {type(event) for event in recorder.events} == {Connected, Sample}


def test_each_attempt_has_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[connection_module.Connection] = []

    class RecordedConnection(connection_module.Connection):
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
            super().__init__(endpoint, connect, report, on_lost, on_silence, timing=timing)
            created.append(self)

    monkeypatch.setattr(connection_module, "Connection", RecordedConnection)
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder):
        for _ in range(4):
            recorder.wait_for(Connected)
            server.hang_up()
        recorder.wait_for(Connected)
        assert server.accepted == len(created) == 5
        assert len({id(connection) for connection in created}) == 5


def test_fifty_reconnects_leave_no_thread_and_no_descriptor() -> None:
    def resources() -> tuple[int, int]:
        return len(os.listdir("/dev/fd")), threading.active_count()  # noqa: PTH208 - names only

    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder):
        recorder.wait_for(Connected)
        wait_until(lambda: len(server._sessions) == 1, "the session has begun")
        before = resources()
        for number in range(50):
            server.hang_up()
            recorder.wait_for(Connected)
            server.emit(number, 0)
            assert recorder.wait_for(Sample).read == number
        wait_until(lambda: resources() == before, "descriptors and threads are as before")
    assert len(recorder.samples) == 50
    assert recorder.problem_texts == []


def test_retry_now_during_an_attempt_is_dropped() -> None:
    timing = HASTY._replace(reconnect_delays_s=(0.001, LONG_S))
    trying, resume = threading.Event(), threading.Event()
    attempts = 0

    def connect(endpoint: Endpoint, timing: Timing) -> transport.Transport:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            return transport.connect(endpoint, timing)
        trying.set()
        resume.wait(10)
        raise FileNotFoundError

    recorder = EventRecorder()
    with FakeTor() as server:
        source = TorSource([server.endpoint], Credentials(), connect, timing=timing)
        source.start(recorder)
        recorder.wait_for(Connected)
        server.hang_up()
        recorder.wait_for(Lost)
        trying.wait(10)
        for _ in range(3):
            source.retry_now()
        resume.set()
        assert recorder.wait_for(Lost).retry_at - clock.now() > LONG_S / 2
        time.sleep(0.05)  # long enough for three attempts
        assert attempts == 2
        source.close()


# Silence


def test_silent_tor_continues_on_the_same_connection() -> None:
    instance, recorder = Instance("tor"), EventRecorder()

    def report(event: Event) -> None:
        instance.handle(event)
        recorder(event)

    def is_connected() -> bool:
        return isinstance(instance.state, Connected)

    with FakeTor() as server, started(server.endpoint, report=report, timing=LENIENT):
        recorder.wait_for(Connected)
        lost = recorder.wait_for(Lost)
        assert "silent" in lost.reason
        assert lost.retry_at == lost.last_heard + LONG_S
        assert not is_connected()
        server.emit(1, 0)
        # The sample that ends the silence covers it.
        assert recorder.wait_for(Sample).seconds > 0.3
        assert is_connected()
        server.emit(2, 0)
        recorder.wait_for(Sample)
        assert server.accepted == 1
    assert [type(event) for event in recorder.events] == [Connected, Lost, Sample, Sample]


def test_second_silence_is_reported_as_soon_as_the_first() -> None:
    timing = IMPATIENT._replace(give_up_after_s=2.5)
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing):
        recorder.wait_for(Connected)
        recorder.wait_for(Lost)
        server.emit(1, 0)
        recorder.wait_for(Sample)
        started_at = time.monotonic()
        recorder.wait_for(Lost)
        assert time.monotonic() - started_at < 1.2


def test_tor_that_stays_silent_is_given_up() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=STRICT):
        recorder.wait_for(Connected)
        server.emit(1, 0)
        last_heard = recorder.wait_for(Sample).ends_at
        started_at = time.monotonic()
        noticed, given_up = recorder.wait_for(Lost), recorder.wait_for(Lost)
        assert "silent" in noticed.reason
        assert "silent" in given_up.reason
        assert noticed.last_heard == given_up.last_heard == last_heard
        recorder.wait_for(Connected)  # it has reconnected
        assert time.monotonic() - started_at < 3
        assert server.accepted == 2


def test_retry_now_during_a_silence_reconnects() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=LENIENT) as source:
        recorder.wait_for(Connected)
        lost = recorder.wait_for(Lost)
        source.retry_now()
        again = recorder.wait_for(Lost)
        assert (again.reason, again.last_heard) == ("it has been silent", lost.last_heard)
        recorder.wait_for(Connected)
        assert server.accepted == 2
        wait_until(lambda: len(server._sessions) == 1, "the silent connection was closed")


def test_end_during_a_silence_reconnects_at_once() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=LENIENT):
        recorder.wait_for(Connected)
        recorder.wait_for(Lost)
        server.hang_up()
        assert recorder.wait_for(Lost).reason == "it closed the connection"
        recorder.wait_for(Connected)


def test_silence_during_a_reconnection_is_retried() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=IMPATIENT):
        recorder.wait_for(Connected)
        server.behaviour = silent
        server.hang_up()
        assert recorder.wait_for(Lost).reason == "it closed the connection"
        assert "was silent for" in recorder.wait_for(Lost).reason
        server.behaviour = TorBehavior()
        recorder.wait_for(Connected)


def kill_reader(server: FakeTor, recorder: EventRecorder, data: bytes) -> Lost:
    """Kill the reading thread with this data, and keep sending events: the socket is not silent."""
    recorder.wait_for(Connected)
    server.send(data)
    (session,) = server._subscribers()

    def lost() -> bool:
        session.send(b"650 BW 1 1\r\n")
        return any(isinstance(event, Lost) for event in recorder.events)

    wait_until(lost, "the loss is reported")
    return recorder.wait_for(Lost)


@pytest.mark.parametrize("number", ["²".encode(), b"9" * 5000], ids=["superscript", "digits"])
def test_exception_in_stems_parser_keeps_the_connection(
    number: bytes,
) -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder):
        recorder.wait_for(Connected)
        server.send(b"650 BW 1 %s\r\n" % number)
        server.emit(7, 0)
        assert recorder.wait_for(Sample).read == 7
        assert server.accepted == 1
        wait_until(lambda: recorder.problem_texts, "stem's other thread has reported it")
    assert len(recorder.samples) == len(recorder.problem_texts) == 1
    assert "an event was lost: ValueError" in recorder.problem_texts[0]


def test_exit_in_the_reading_thread_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    timing = STRICT._replace(watch_interval_s=0.1)
    # It ends stem's thread silently, and stem still says that it is connected.
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    recorder = EventRecorder()

    def exit_at_13(event: Event) -> None:
        if isinstance(event, Sample) and event.read == 13:
            sys.exit()
        recorder(event)

    with FakeTor() as server, started(server.endpoint, report=exit_at_13, timing=timing):
        lost = kill_reader(server, recorder, b"650 BW 13 1\r\n")
        assert "it has been silent for" in lost.reason
        recorder.wait_for(Connected)


def test_waiting_events_are_read_after_our_own_suspension(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing = HASTY._replace(grace_s=5.0)
    # ^Z and fg: the last event is old, but only because bwgraph was stopped.
    shifted, recorder = ShiftedClock(), EventRecorder()
    monkeypatch.setattr(connection_module, "now", shifted)
    monkeypatch.setattr(connection_module, "awake_seconds", shifted)
    monkeypatch.setattr(supervisor, "now", shifted)
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing) as source:
        recorder.wait_for(Connected)
        server.emit(1, 0)
        recorder.wait_for(Sample)
        shifted.ahead += 60
        reads = shifted.reads
        source.retry_now()  # wakes up the watchdog, whose next check is in some seconds
        wait_until(lambda: shifted.reads > reads, "the watchdog has read the clock")
        server.emit(2, 0)
        assert recorder.wait_for(Sample).seconds > 59
        for number in range(3):
            reads = shifted.reads
            source.retry_now()
            wait_until(lambda reads=reads: shifted.reads > reads, "it has read the clock again")  # type: ignore[misc]
            server.emit(number, 0)
            recorder.wait_for(Sample)
        assert not [event for event in recorder.events if isinstance(event, Lost)]
        assert server.accepted == 1


def test_counter_comparison_does_not_shorten_the_grace_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing = HASTY._replace(grace_s=5.0, first_counter_delay_s=30.0)
    # After the machine slept, a comparison is due, and tor's next event may take a second.
    shifted, recorder = ShiftedClock(), EventRecorder()
    monkeypatch.setattr(connection_module, "now", shifted)
    monkeypatch.setattr(supervisor, "now", shifted)
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing) as source:
        recorder.wait_for(Connected)
        shifted.ahead += 60
        source.retry_now()  # wakes up the watchdog
        recorder.wait_for(CounterBase)
        time.sleep(0.05)  # long enough to report a silence
        server.emit(2, 0)
        assert recorder.wait_for(Sample).read == 2
        assert [type(event) for event in recorder.events] == [Connected, CounterBase, Sample]
        assert server.accepted == 1
