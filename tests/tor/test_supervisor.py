"""The worker that keeps one tor connected, against control ports that do what the test says."""

import os
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
    FILTER,
    FILTER_WITHOUT_BW,
    SSH_BANNER,
    FakeTor,
    Manners,
    Session,
    curt,
    drips,
    says,
    silent,
)
from supervisors import HASTY, IMPATIENT, LENIENT, LONG_S, STRICT, refused, started

from bwgraph.model.events import (
    Connected,
    CounterBase,
    Described,
    Event,
    Lost,
    Refused,
    Report,
    Sample,
    Wrapped,
)
from bwgraph.model.instance import Instance
from bwgraph.model.quota import Context, Limit
from bwgraph.system import clock
from bwgraph.tor import connection as connection_module
from bwgraph.tor import supervisor, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlSocket, DemoEndpoint, Endpoint
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


# Finding one


def test_it_connects_and_passes_samples_on() -> None:
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear):
        assert ear.wait_for(Connected).endpoint == str(server.endpoint)
        server.emit(100, 200)
        sample = ear.wait_for(Sample)
        assert (sample.read, sample.written) == (100, 200)
        assert [type(event) for event in ear.heard] == [Connected, Sample]


def test_starting_does_not_wait_and_happens_in_a_thread_of_its_own() -> None:
    ear = Ear()
    with FakeTor(silent) as server:
        begun = time.monotonic()
        with started(server.endpoint, report=ear):
            assert time.monotonic() - begun < 1
            eventually(lambda: server.lines, "it has tried")
            names = {thread.name for thread in threads_at_work()}
            assert names >= {"bwgraph link", "bwgraph connect"}
            assert all(thread.daemon for thread in threads_at_work())


def test_the_first_place_that_lets_us_in_is_taken(tmp_path: Path) -> None:
    ear = Ear()
    nowhere = ControlSocket(str(tmp_path / "nowhere"))
    with FakeTor(says(SSH_BANNER, unasked=True)) as ssh, FakeTor() as first, FakeTor() as second:
        with started(nowhere, ssh.endpoint, first.endpoint, second.endpoint, report=ear):
            assert ear.wait_for(Connected).endpoint == str(first.endpoint)
        assert ssh.accepted == 1
        assert second.accepted == 0


def test_each_place_is_named_with_what_it_said_in_the_order_of_trying(tmp_path: Path) -> None:
    nowhere = ControlSocket(str(tmp_path / "nowhere"))
    with (
        FakeTor(says(SSH_BANNER, unasked=True)) as ssh,
        FakeTor(curt) as closing,
        FakeTor(Manners(methods="COOKIE", cookie_path=b"/nowhere/cookie")) as locked,
    ):
        places = (nowhere, ssh.endpoint, closing.endpoint, locked.endpoint)
        refusal = refused(*places).error
    heading, *lines = refusal.cause.splitlines()
    assert "Tried" in heading
    assert [line.split()[0] for line in lines] == [str(place) for place in places]
    assert [line[4:].split(maxsplit=1)[1] for line in lines] == [
        "no such socket",
        "this is no tor control port: it says 'SSH-2.0-OpenSSH_9.6p1 Debian-5'",
        "it closed the connection",
        "cookie /nowhere/cookie: No such file or directory",
    ]
    # Where nobody is there is nothing to cure; each other place has its own.
    assert str(nowhere) not in refusal.remedy
    assert [line.split(" ")[0] for line in refusal.remedy.splitlines()] == [
        f"{place}:" for place in places[1:]
    ]


def test_where_nobody_is_at_all_the_user_is_told_what_to_put_into_torrc(tmp_path: Path) -> None:
    places = [ControlSocket(str(tmp_path / name)) for name in "ab"]
    refusal = refused(*places).error
    assert refusal.cause.count("no such socket") == 2
    assert "ControlPort 9051" in refusal.remedy
    assert "CookieAuthentication 1" in refusal.remedy
    assert "bwgraph --demo" in refusal.remedy


def test_a_single_place_is_refused_in_one_line(tmp_path: Path) -> None:
    place = ControlSocket(str(tmp_path / "control"))
    refusal = refused(place).error
    assert refusal.cause == f"{place}: no such socket"
    assert "is tor running" in refusal.remedy


def test_a_refusal_says_for_whom_a_password_would_do(tmp_path: Path) -> None:
    nowhere = ControlSocket(str(tmp_path / "nowhere"))
    with FakeTor(Manners(methods="HASHEDPASSWORD")) as locked:
        refusal = refused(nowhere, locked.endpoint).error
        assert refusal.needs_password_at == str(locked.endpoint)
        assert refused(locked.endpoint).error.needs_password_at == str(locked.endpoint)
    assert refused(nowhere).error.needs_password_at == ""


def test_the_password_goes_to_the_one_that_asks() -> None:
    ear = Ear()
    with (
        FakeTor(Manners(methods="HASHEDPASSWORD", password=b"a b")) as server,
        started(server.endpoint, report=ear, credentials=Credentials(b"a b")),
    ):
        ear.wait_for(Connected)
        assert server.shown == [b"a b"]


def test_a_place_that_does_not_let_us_in_is_let_go_of() -> None:
    ear = Ear()
    with (
        FakeTor(Manners(methods="HASHEDPASSWORD")) as locked,
        FakeTor() as server,
        started(locked.endpoint, server.endpoint, report=ear),
    ):
        ear.wait_for(Connected)
        eventually(lambda: not locked._sessions, "the connection to the first ended")
        names = sorted(thread.name for thread in threads_at_work())
        assert names == ["Event notifier", "Tor listener", "bwgraph link"]


def test_a_silent_place_does_not_keep_the_next_from_being_tried() -> None:
    ear = Ear()
    with (
        FakeTor(silent) as stopped,
        FakeTor() as server,
        started(stopped.endpoint, server.endpoint, report=ear, timing=IMPATIENT),
    ):
        assert ear.wait_for(Connected).endpoint == str(server.endpoint)


def test_a_slow_drip_does_not_keep_the_next_from_being_tried() -> None:
    timing = HASTY._replace(attempt_timeout_s=0.5)
    ear = Ear()
    with (
        FakeTor(drips(b"250-" + b"x" * 10_000, 0.01)) as dripping,
        FakeTor() as server,
        started(dripping.endpoint, server.endpoint, report=ear, timing=timing),
    ):
        assert ear.wait_for(Connected).endpoint == str(server.endpoint)


@pytest.mark.parametrize("beginning", [b"", b"250+x\r\n"], ids=["lines", "data"])
def test_an_answer_of_lines_without_end_is_not_kept(beginning: bytes) -> None:
    timing = HASTY._replace(attempt_timeout_s=0.7)
    # Each line is short and the answer grows: as long as an attempt lasts, a gigabyte or so.
    sent = 0

    def go_on(session: Session) -> None:
        nonlocal sent
        lines = (b"250-" + b"x" * 8000 + b"\r\n") * 8
        if session.line() is not None and session.send(beginning):
            while session.send(lines):
                sent += len(lines)

    with FakeTor(go_on) as server:
        assert refused(server.endpoint, timing=timing).error.cause
    assert sent < 32 << 20


def test_an_attempt_that_takes_too_long_says_how_long() -> None:
    timing = HASTY._replace(attempt_timeout_s=1.0)
    with FakeTor(drips(b"250-" + b"x" * 10_000, 0.01)) as dripping:
        assert refused(dripping.endpoint, timing=timing).error.cause.endswith(
            "no connection within 1 s"
        )


def test_when_the_time_is_up_the_places_that_are_left_are_accounted_for() -> None:
    timing = HASTY._replace(round_timeout_s=0.3)
    with FakeTor(silent) as one, FakeTor(silent) as two, FakeTor(silent) as three:
        begun = time.monotonic()
        refusal = refused(one.endpoint, two.endpoint, three.endpoint, timing=timing).error
        assert time.monotonic() - begun < 2
        for server in (one, two, three):
            assert str(server.endpoint) in refusal.cause
    assert "unexpected" not in refusal.cause


def test_whatever_escapes_from_an_attempt_is_told() -> None:
    def dial(_: Endpoint, __: Timing) -> transport.Transport:
        raise ArithmeticError("a bug")

    ear = Ear()
    worker = TorSource([DemoEndpoint("x")], Credentials(), dial, timing=HASTY)
    worker.start(ear)
    assert ear.wait_for(Refused).error.cause == "x: unexpected: ArithmeticError: a bug"
    worker.close()


def test_a_filter_that_refuses_bw_is_refused() -> None:
    timing = HASTY._replace(first_event_timeout_s=0.1)
    with FakeTor(FILTER_WITHOUT_BW) as server:
        refusal = refused(server.endpoint, timing=timing).error
    assert "sends no BW events" in refusal.cause
    assert "SETEVENTS BW" in refusal.remedy


# Waiting for the first


def patiently(place: Endpoint, *more: Endpoint, timing: Timing = HASTY) -> TorSource:
    return TorSource([place, *more], Credentials(), wait_forever=True, timing=timing)


def test_a_patient_link_is_refused_once_and_waits_and_connects(tmp_path: Path) -> None:
    ear = Ear()
    server = FakeTor(path=tmp_path / "control")
    worker = patiently(server.endpoint)
    worker.start(ear)
    refusal = ear.wait_for(Refused).error
    assert refusal.cause == f"{server.endpoint}: no such socket"
    assert "is tor running" in refusal.remedy
    for _ in range(3):
        lost = ear.wait_for(Lost)
        assert lost.reason == refusal.cause
    with server:
        ear.wait_for(Connected)
        server.emit(1, 2)
        assert ear.wait_for(Sample).read == 1
        worker.close()
    assert sum(isinstance(event, Refused) for event in ear.heard) == 1
    kinds = [type(event) for event in ear.heard]
    assert set(kinds[1 : kinds.index(Connected)]) == {Lost}


def test_what_is_waited_for_has_been_away_since_the_start(tmp_path: Path) -> None:
    ear = Ear()
    before = clock.now()
    worker = patiently(ControlSocket(str(tmp_path / "control")))
    worker.start(ear)
    since = {ear.wait_for(Lost).last_heard for _ in range(3)}
    worker.close()
    assert len(since) == 1
    assert before <= since.pop() <= clock.now()


def test_the_back_off_grows_before_the_first_connection_too_and_a_key_cuts_it_short(
    tmp_path: Path,
) -> None:
    timing = HASTY._replace(reconnect_delays_s=(100.0, 200.0, 300.0))
    ear = Ear()
    server = FakeTor(path=tmp_path / "control")
    worker = patiently(server.endpoint, timing=timing)
    worker.start(ear)
    pauses = []
    for _ in range(5):
        pauses.append(ear.wait_for(Lost).retry_at - clock.now())
        worker.retry_now()
    assert pauses == pytest.approx([100, 200, 300, 300, 300], abs=20)
    ear.wait_for(Lost)
    with server:
        worker.retry_now()
        ear.wait_for(Connected)
        # Once it stood, a loss begins anew.
        server.refuse()
        server.hang_up()
        assert ear.wait_for(Lost).retry_at - clock.now() == pytest.approx(100, abs=20)
        worker.close()


def test_one_that_asks_for_a_password_is_waited_for_as_well() -> None:
    ear = Ear()
    with FakeTor(Manners(methods="HASHEDPASSWORD")) as server:
        worker = patiently(server.endpoint)
        worker.start(ear)
        assert ear.wait_for(Refused).error.needs_password_at == str(server.endpoint)
        assert "password" in ear.wait_for(Lost).reason
        server.behaviour = Manners()
        ear.wait_for(Connected)
        worker.close()


def test_of_several_places_the_first_that_comes_up_is_taken_and_kept(tmp_path: Path) -> None:
    ear = Ear()
    first, second = FakeTor(path=tmp_path / "a"), FakeTor(path=tmp_path / "b")
    worker = patiently(first.endpoint, second.endpoint)
    worker.start(ear)
    ear.wait_for(Lost)
    with second:
        assert ear.wait_for(Connected).endpoint == str(second.endpoint)
        with first:
            second.hang_up()
            assert ear.wait_for(Connected).endpoint == str(second.endpoint)
            worker.close()


def test_a_patient_link_can_be_closed_while_it_waits(tmp_path: Path) -> None:
    timing = HASTY._replace(reconnect_delays_s=(LONG_S,))
    ear = Ear()
    worker = patiently(ControlSocket(str(tmp_path / "control")), timing=timing)
    worker.start(ear)
    ear.wait_for(Lost)
    begun = time.monotonic()
    worker.close()
    assert time.monotonic() - begun < 1.0
    assert not threads_at_work()


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
        assert "stays silent" in ear.wait_for(Lost).reason
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


# Tor's own counters


def test_now_and_then_tors_counters_are_asked() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing):
        counted = ear.wait_for(Connected).counters
        assert counted == CounterBase(424_182, 13)
        for _ in range(3):
            assert ear.wait_for(CounterBase) == counted
        server.emit(5, 6)
        for _ in range(3):  # the first may have been asked in between
            ear.wait_for(CounterBase)
        assert ear.wait_for(CounterBase) == counted


def test_an_event_that_wrapped_is_told() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing):
        ear.wait_for(CounterBase)
        server.count(0, 3 << 32)
        server.emit(5, 6)
        sample = ear.wait_for(Sample)
        assert ear.wait_for(Wrapped).missing_bytes == Sample(
            sample.ends_at, 0, 3 << 32, sample.seconds
        )


def test_counters_that_are_refused_are_nothing_to_tell() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    ear = Ear()
    with FakeTor(FILTER) as server, started(server.endpoint, report=ear, timing=timing):
        assert ear.wait_for(Connected).counters is None
        eventually(lambda: server.commands.count("GETINFO traffic/read") > 3, "it was asked")
        server.emit(5, 6)
        ear.wait_for(Sample)
    assert [type(event) for event in ear.heard] == [Connected, Sample]


def test_counters_that_are_not_answered_hold_nothing_up() -> None:
    timing = IMPATIENT._replace(first_counter_delay_s=0.01)
    ear = Ear()

    def mute(session: Session) -> None:
        asked = 0
        while (line := session.line()) is not None:
            asked += line == b"GETINFO traffic/read"
            if asked < 2:
                session.send(session._reply(line, Manners()))
            if line == b"SETEVENTS BW":
                session.send(b"650 BW 1 1\r\n")
                session.server.now_subscribed(session)

    with FakeTor(mute) as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        eventually(lambda: server.commands.count("GETINFO traffic/read") == 2, "it is asked")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1


def test_now_and_then_tor_is_asked_about_itself() -> None:
    timing = HASTY._replace(first_describe_delay_s=0.01, describe_interval_s=0.01)
    ear, conf = Ear(), {"bandwidthrate": "1000"}
    with FakeTor(Manners(conf=conf)) as server, started(server.endpoint, report=ear, timing=timing):
        assert ear.wait_for(Described).context.limit == Limit(1000, "BandwidthRate")
        conf["bandwidthrate"] = "2000"
        ear.wait_for(Described)  # which may have been asked for before
        assert ear.wait_for(Described).context.limit == Limit(2000, "BandwidthRate")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
    assert isinstance(ear.heard[0], Connected)


def test_a_tor_that_tells_nothing_of_itself_is_still_a_tor() -> None:
    timing = HASTY._replace(
        first_describe_delay_s=0.001,
        describe_interval_s=0.001,
        first_counter_delay_s=0.001,
        counter_interval_s=0.001,
    )
    ear = Ear()
    with FakeTor(FILTER) as server, started(server.endpoint, report=ear, timing=timing):
        for number in range(20):
            assert ear.wait_for(Described).context == Context()
            server.emit(number, 0)
        eventually(lambda: len(ear.samples) == 20, "all have come")
        assert server.accepted == 1
        asked = server.commands.count("GETCONF BandwidthRate")
        rounds = sum(isinstance(event, Described) for event in ear.heard)
        assert asked <= rounds // 10 + 2
    assert not [event for event in ear.heard if isinstance(event, Lost)]
    assert ear.troubles == []


def test_the_connection_is_told_before_tor_is_asked_about_itself() -> None:
    timing = HASTY._replace(first_describe_delay_s=0.0)
    asked: list[list[str]] = []

    def tell(event: Event) -> None:
        if isinstance(event, Connected):
            asked.append(list(server.commands))
        ear(event)

    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=tell, timing=timing):
        ear.wait_for(Described)
        # One at a time, and the next not before it is due.
        assert server.commands.count("GETCONF BandwidthRate") == 1
    assert "GETCONF BandwidthRate" not in asked[0]


def test_a_question_that_is_not_answered_holds_nothing_up() -> None:
    timing = IMPATIENT._replace(first_describe_delay_s=0.01)
    ear = Ear()

    def mute(session: Session) -> None:
        while (line := session.line()) is not None:
            if line != b"GETCONF BandwidthRate":
                session.send(session._reply(line, Manners()))
            if line == b"SETEVENTS BW":
                session.send(b"650 BW 1 1\r\n")
                session.server.now_subscribed(session)

    with FakeTor(mute) as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        eventually(lambda: "GETCONF BandwidthRate" in server.commands, "it is asked")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1
    assert not [event for event in ear.heard if isinstance(event, Described)]


def test_what_tor_is_comes_along() -> None:
    ear = Ear()
    with (
        FakeTor(Manners(uptime=86_400, process=99)) as server,
        started(server.endpoint, report=ear),
    ):
        news = ear.wait_for(Connected)
        assert (news.uptime, news.process, news.recent) == (86_400.0, "99", ())
        server.behaviour = Manners(uptime=3, process=100)
        server.hang_up()
        news = ear.wait_for(Connected)
        assert (news.uptime, news.process) == (3.0, "100")


def test_events_that_come_before_connected_is_told_come_after_it() -> None:
    ear, held = Ear(), threading.Event()

    def tell(event: Event) -> None:
        if isinstance(event, Connected):
            server.emit(1, 0)
            server.emit(2, 0)
            connection = worker._current
            assert connection is not None
            eventually(lambda: connection._counter_check.sample_bytes == (3, 0), "both have come")
            assert not ear.samples
            held.set()
        ear(event)

    with FakeTor() as server, started(server.endpoint, report=tell) as worker:
        assert held.wait(10)
        server.emit(3, 0)
        eventually(lambda: len(ear.samples) == 3, "all are told, with the next")
    assert [type(event) for event in ear.heard] == [Connected, Sample, Sample, Sample]
    assert [sample.read for sample in ear.samples] == [1, 2, 3]


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
        assert not [thread for thread in threads_at_work() if thread.name == "bwgraph link"]
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
