"""A source that loses its tor: reconnecting, and how a silence is handled."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ear import Ear, eventually
from fake_tor import (
    FakeTor,
    Manners,
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


class Clock:
    """The real one, and as much as a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return time.monotonic() + self.ahead


# Losing it and finding it again


def test_a_tor_that_goes_is_waited_for_and_found_again(tmp_path: Path) -> None:
    ear = Ear()
    with FakeTor(path=tmp_path / "control") as server, started(server.endpoint, report=ear):
        ear.wait_for(Connected)
        server.emit(1, 0)
        ear.wait_for(Sample)
        server.refuse()
        server.hang_up()
        assert ear.wait_for(Lost).reason == "it closed the connection"
        assert ear.wait_for(Lost).reason == "no such socket"
        server.listen()
        ear.wait_for(Connected)
        server.emit(2, 0)
        assert ear.wait_for(Sample).read == 2
    # The first event of the second subscription is no sample either.
    assert [sample.read for sample in ear.samples] == [1, 2]
    assert not [event for event in ear.heard if isinstance(event, Refused)]


def test_a_loss_says_since_when() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear):
        ear.wait_for(Connected)
        server.emit(1, 0)
        last = ear.wait_for(Sample).ends_at
        server.refuse()
        server.hang_up()
        # However often it is tried.
        assert [ear.wait_for(Lost).last_heard for _ in range(3)] == [last] * 3


def test_the_back_off_grows_and_a_key_cuts_it_short() -> None:
    timing = HASTY._replace(reconnect_delays_s=(100.0, 200.0, 300.0))
    # So long that only the key can have ended one, and so different that no delay matters.
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing) as worker:
        for _ in range(2):  # a connection that stood begins anew
            ear.wait_for(Connected)
            server.refuse()
            server.hang_up()
            pauses = []
            for _ in range(5):
                pauses.append(ear.wait_for(Lost).retry_at - clock.now())
                worker.retry_now()
            assert pauses == pytest.approx([100, 200, 300, 300, 300], abs=20)
            ear.wait_for(Lost)
            server.listen()
            worker.retry_now()


def test_keys_while_connected_change_nothing() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear) as worker:
        ear.wait_for(Connected)
        for number in range(5):
            worker.retry_now()
            server.emit(number, 0)
            ear.wait_for(Sample)
        assert server.accepted == 1
        assert {type(event) for event in ear.heard} == {Connected, Sample}


def test_each_try_is_a_fresh_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[connection_module.Connection] = []

    class Noted(connection_module.Connection):
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
            super().__init__(endpoint, dial, tell, lost, silent, timing=timing)
            made.append(self)

    monkeypatch.setattr(connection_module, "Connection", Noted)
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear):
        for _ in range(4):
            ear.wait_for(Connected)
            server.hang_up()
        ear.wait_for(Connected)
        assert server.accepted == len(made) == 5
        assert len({id(connection) for connection in made}) == 5


def test_fifty_reconnects_leave_nothing_behind() -> None:
    def held() -> tuple[int, int]:
        return len(os.listdir("/dev/fd")), threading.active_count()  # noqa: PTH208 - names only

    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear):
        ear.wait_for(Connected)
        eventually(lambda: len(server._sessions) == 1, "the session stands")
        before = held()
        for number in range(50):
            server.hang_up()
            ear.wait_for(Connected)
            server.emit(number, 0)
            assert ear.wait_for(Sample).read == number
        eventually(lambda: held() == before, "as much is held as before")
    assert len(ear.samples) == 50
    assert ear.troubles == []


def test_what_was_pressed_during_an_attempt_is_forgotten() -> None:
    timing = HASTY._replace(reconnect_delays_s=(0.001, LONG_S))
    trying, go_on = threading.Event(), threading.Event()
    dials = 0

    def dial(endpoint: Endpoint, timing: Timing) -> transport.Transport:
        nonlocal dials
        dials += 1
        if dials == 1:
            return transport.connect(endpoint, timing)
        trying.set()
        go_on.wait(10)
        raise FileNotFoundError

    ear = Ear()
    with FakeTor() as server:
        worker = TorSource([server.endpoint], Credentials(), dial, timing=timing)
        worker.start(ear)
        ear.wait_for(Connected)
        server.hang_up()
        ear.wait_for(Lost)
        trying.wait(10)
        for _ in range(3):
            worker.retry_now()
        go_on.set()
        assert ear.wait_for(Lost).retry_at - clock.now() > LONG_S / 2
        time.sleep(0.05)  # in which it would try three times
        assert dials == 2
        worker.close()


# Silence


def test_a_tor_that_was_silent_goes_on_where_it_was() -> None:
    instance, ear = Instance("tor"), Ear()

    def tell(event: Event) -> None:
        instance.handle(event)
        ear(event)

    def live() -> bool:
        return isinstance(instance.state, Connected)

    with FakeTor() as server, started(server.endpoint, report=tell, timing=LENIENT):
        ear.wait_for(Connected)
        silence = ear.wait_for(Lost)
        assert "silent" in silence.reason
        assert silence.retry_at == silence.last_heard + LONG_S
        assert not live()
        server.emit(1, 0)
        # The silence is covered by the sample that ends it.
        assert ear.wait_for(Sample).seconds > 0.3
        assert live()
        server.emit(2, 0)
        ear.wait_for(Sample)
        assert server.accepted == 1
    assert [type(event) for event in ear.heard] == [Connected, Lost, Sample, Sample]


def test_a_second_silence_is_noticed_as_soon_as_the_first() -> None:
    timing = IMPATIENT._replace(give_up_after_s=2.5)
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing):
        ear.wait_for(Connected)
        ear.wait_for(Lost)
        server.emit(1, 0)
        ear.wait_for(Sample)
        begun = time.monotonic()
        ear.wait_for(Lost)
        assert time.monotonic() - begun < 1.2


def test_a_tor_that_stays_silent_without_closing_is_given_up() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=STRICT):
        ear.wait_for(Connected)
        server.emit(1, 0)
        heard = ear.wait_for(Sample).ends_at
        begun = time.monotonic()
        noticed, given_up = ear.wait_for(Lost), ear.wait_for(Lost)
        assert "silent" in noticed.reason
        assert "silent" in given_up.reason
        assert noticed.last_heard == given_up.last_heard == heard
        ear.wait_for(Connected)  # and it is tried again
        assert time.monotonic() - begun < 3
        assert server.accepted == 2


def test_a_key_while_it_is_silent_is_a_new_connection() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=LENIENT) as worker:
        ear.wait_for(Connected)
        silence = ear.wait_for(Lost)
        worker.retry_now()
        again = ear.wait_for(Lost)
        assert (again.reason, again.last_heard) == ("it has been silent", silence.last_heard)
        ear.wait_for(Connected)
        assert server.accepted == 2
        eventually(lambda: len(server._sessions) == 1, "the silent one was let go of")


def test_a_tor_that_closes_while_it_is_silent_is_looked_for_at_once() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=LENIENT):
        ear.wait_for(Connected)
        ear.wait_for(Lost)
        server.hang_up()
        assert ear.wait_for(Lost).reason == "it closed the connection"
        ear.wait_for(Connected)


def test_a_tor_that_goes_silent_while_reconnecting_is_tried_again() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=IMPATIENT):
        ear.wait_for(Connected)
        server.behaviour = silent
        server.hang_up()
        assert ear.wait_for(Lost).reason == "it closed the connection"
        assert "was silent for" in ear.wait_for(Lost).reason
        server.behaviour = Manners()
        ear.wait_for(Connected)


def dying(server: FakeTor, ear: Ear, last_words: bytes) -> Lost:
    """Kill the thread that reads, and go on sending events: the socket is not silent."""
    ear.wait_for(Connected)
    server.send(last_words)
    (session,) = server._subscribers()

    def lost() -> bool:
        session.send(b"650 BW 1 1\r\n")
        return any(isinstance(event, Lost) for event in ear.heard)

    eventually(lost, "the loss is noticed")
    return ear.wait_for(Lost)


@pytest.mark.parametrize("number", ["²".encode(), b"9" * 5000], ids=["superscript", "digits"])
def test_an_event_that_stems_parser_raises_at_is_trouble_and_the_connection_stays(
    number: bytes,
) -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear):
        ear.wait_for(Connected)
        server.send(b"650 BW 1 %s\r\n" % number)
        server.emit(7, 0)
        assert ear.wait_for(Sample).read == 7
        assert server.accepted == 1
        eventually(lambda: ear.troubles, "stem's other thread has told of it")
    assert len(ear.samples) == len(ear.troubles) == 1
    assert "an event was lost: ValueError" in ear.troubles[0]


def test_an_exit_in_the_listener_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    timing = STRICT._replace(watch_interval_s=0.1)
    # It ends stem's thread without a word, and stem goes on saying that all is well.
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    ear = Ear()

    def leave(event: Event) -> None:
        if isinstance(event, Sample) and event.read == 13:
            sys.exit()
        ear(event)

    with FakeTor() as server, started(server.endpoint, report=leave, timing=timing):
        lost = dying(server, ear, b"650 BW 13 1\r\n")
        assert "it has been silent for" in lost.reason
        ear.wait_for(Connected)


def test_after_our_own_absence_what_tor_sent_meanwhile_is_read_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing = HASTY._replace(grace_s=5.0)
    # ^Z and fg: the newest event is old, and it is us who were away.
    shifted, ear = Clock(), Ear()
    monkeypatch.setattr(connection_module, "now", shifted)
    monkeypatch.setattr(connection_module, "awake", shifted)
    monkeypatch.setattr(supervisor, "now", shifted)
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        server.emit(1, 0)
        ear.wait_for(Sample)
        shifted.ahead += 60
        looks = shifted.looks
        worker.retry_now()  # wakes the watchdog up, which would only look in some seconds
        eventually(lambda: shifted.looks > looks, "the watchdog has looked at the clock")
        server.emit(2, 0)
        assert ear.wait_for(Sample).seconds > 59
        for number in range(3):
            looks = shifted.looks
            worker.retry_now()
            eventually(lambda looks=looks: shifted.looks > looks, "it has looked again")  # type: ignore[misc]
            server.emit(number, 0)
            ear.wait_for(Sample)
        assert not [event for event in ear.heard if isinstance(event, Lost)]
        assert server.accepted == 1


def test_a_look_at_the_counters_does_not_cut_the_grace_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing = HASTY._replace(grace_s=5.0, first_counter_delay_s=30.0)
    # After the machine slept a look at them is due, and tor's next event is up to a second away.
    shifted, ear = Clock(), Ear()
    monkeypatch.setattr(connection_module, "now", shifted)
    monkeypatch.setattr(supervisor, "now", shifted)
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        shifted.ahead += 60
        worker.retry_now()  # wakes the watchdog up
        ear.wait_for(CounterBase)
        time.sleep(0.05)  # in which it would have lost patience
        server.emit(2, 0)
        assert ear.wait_for(Sample).read == 2
        assert [type(event) for event in ear.heard] == [Connected, CounterBase, Sample]
        assert server.accepted == 1
