"""The first connection of a source: which endpoint is used, the errors, and waiting for a tor."""

import time
from pathlib import Path

import pytest
from ear import Ear, eventually, threads_at_work
from fake_tor import (
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
from supervisors import HASTY, IMPATIENT, LONG_S, refused, started

from bwgraph.model.events import (
    Connected,
    Lost,
    Refused,
    Sample,
)
from bwgraph.system import clock
from bwgraph.tor import transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlSocket, DemoEndpoint, Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing

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
            assert names >= {"bwgraph source", "bwgraph connect"}
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
        "this is not a tor control port: it says 'SSH-2.0-OpenSSH_9.6p1 Debian-5'",
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
        assert names == ["Event notifier", "Tor listener", "bwgraph source"]


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
