"""The first connection of a source: which endpoint is used, the errors, and waiting for a tor."""

import time
from pathlib import Path

import pytest
from event_recorder import EventRecorder, running_threads, wait_until
from fake_tor import (
    FILTER_WITHOUT_BW,
    SSH_BANNER,
    FakeTor,
    Session,
    TorBehavior,
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

# The endpoints


def test_source_connects_and_reports_samples() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder):
        assert recorder.wait_for(Connected).endpoint == str(server.endpoint)
        server.emit(100, 200)
        sample = recorder.wait_for(Sample)
        assert (sample.read, sample.written) == (100, 200)
        assert [type(event) for event in recorder.events] == [Connected, Sample]


def test_start_returns_at_once_and_works_in_daemon_threads() -> None:
    recorder = EventRecorder()
    with FakeTor(silent) as server:
        started_at = time.monotonic()
        with started(server.endpoint, report=recorder):
            assert time.monotonic() - started_at < 1
            wait_until(lambda: server.lines, "it has sent a command")
            names = {thread.name for thread in running_threads()}
            assert names >= {"bwgraph source", "bwgraph connect"}
            assert all(thread.daemon for thread in running_threads())


def test_first_endpoint_that_can_be_connected_to_is_used(tmp_path: Path) -> None:
    recorder = EventRecorder()
    nowhere = ControlSocket(str(tmp_path / "nowhere"))
    with FakeTor(says(SSH_BANNER, unasked=True)) as ssh, FakeTor() as first, FakeTor() as second:
        with started(nowhere, ssh.endpoint, first.endpoint, second.endpoint, report=recorder):
            assert recorder.wait_for(Connected).endpoint == str(first.endpoint)
        assert ssh.accepted == 1
        assert second.accepted == 0


def test_error_names_each_endpoint_in_order_with_its_cause(tmp_path: Path) -> None:
    nowhere = ControlSocket(str(tmp_path / "nowhere"))
    with (
        FakeTor(says(SSH_BANNER, unasked=True)) as ssh,
        FakeTor(curt) as closing,
        FakeTor(TorBehavior(methods="COOKIE", cookie_path=b"/nowhere/cookie")) as locked,
    ):
        endpoints = (nowhere, ssh.endpoint, closing.endpoint, locked.endpoint)
        error = refused(*endpoints).error
    heading, *lines = error.cause.splitlines()
    assert "Tried" in heading
    assert [line.split()[0] for line in lines] == [str(endpoint) for endpoint in endpoints]
    assert [line[4:].split(maxsplit=1)[1] for line in lines] == [
        "no such socket",
        "this is not a tor control port: it says 'SSH-2.0-OpenSSH_9.6p1 Debian-5'",
        "it closed the connection",
        "cookie /nowhere/cookie: No such file or directory",
    ]
    # An endpoint where no process listens has no remedy of its own.
    assert str(nowhere) not in error.remedy
    assert [line.split(" ")[0] for line in error.remedy.splitlines()] == [
        f"{endpoint}:" for endpoint in endpoints[1:]
    ]


def test_error_without_any_tor_explains_torrc(tmp_path: Path) -> None:
    endpoints = [ControlSocket(str(tmp_path / name)) for name in "ab"]
    error = refused(*endpoints).error
    assert error.cause.count("no such socket") == 2
    assert "ControlPort 9051" in error.remedy
    assert "CookieAuthentication 1" in error.remedy
    assert "bwgraph --demo" in error.remedy


def test_error_of_a_single_endpoint_is_one_line(tmp_path: Path) -> None:
    endpoint = ControlSocket(str(tmp_path / "control"))
    error = refused(endpoint).error
    assert error.cause == f"{endpoint}: no such socket"
    assert "is tor running" in error.remedy


def test_error_names_the_endpoint_that_needs_a_password(tmp_path: Path) -> None:
    nowhere = ControlSocket(str(tmp_path / "nowhere"))
    with FakeTor(TorBehavior(methods="HASHEDPASSWORD")) as locked:
        error = refused(nowhere, locked.endpoint).error
        assert error.needs_password_at == str(locked.endpoint)
        assert refused(locked.endpoint).error.needs_password_at == str(locked.endpoint)
    assert refused(nowhere).error.needs_password_at == ""


def test_password_is_sent_to_the_endpoint() -> None:
    recorder = EventRecorder()
    with (
        FakeTor(TorBehavior(methods="HASHEDPASSWORD", password=b"a b")) as server,
        started(server.endpoint, report=recorder, credentials=Credentials(b"a b")),
    ):
        recorder.wait_for(Connected)
        assert server.received_secrets == [b"a b"]


def test_connection_to_an_endpoint_that_fails_is_closed() -> None:
    recorder = EventRecorder()
    with (
        FakeTor(TorBehavior(methods="HASHEDPASSWORD")) as locked,
        FakeTor() as server,
        started(locked.endpoint, server.endpoint, report=recorder),
    ):
        recorder.wait_for(Connected)
        wait_until(lambda: not locked._sessions, "the connection to the first has ended")
        names = sorted(thread.name for thread in running_threads())
        assert names == ["Event notifier", "Tor listener", "bwgraph source"]


def test_silent_endpoint_does_not_block_the_next() -> None:
    recorder = EventRecorder()
    with (
        FakeTor(silent) as stopped,
        FakeTor() as server,
        started(stopped.endpoint, server.endpoint, report=recorder, timing=IMPATIENT),
    ):
        assert recorder.wait_for(Connected).endpoint == str(server.endpoint)


def test_slow_endpoint_does_not_block_the_next() -> None:
    timing = HASTY._replace(attempt_timeout_s=0.5)
    recorder = EventRecorder()
    with (
        FakeTor(drips(b"250-" + b"x" * 10_000, 0.01)) as dripping,
        FakeTor() as server,
        started(dripping.endpoint, server.endpoint, report=recorder, timing=timing),
    ):
        assert recorder.wait_for(Connected).endpoint == str(server.endpoint)


@pytest.mark.parametrize("beginning", [b"", b"250+x\r\n"], ids=["lines", "data"])
def test_endless_answer_is_not_stored(beginning: bytes) -> None:
    timing = HASTY._replace(attempt_timeout_s=0.7)
    # Each line is short, but the whole answer would be about a gigabyte within one attempt.
    sent = 0

    def send_forever(session: Session) -> None:
        nonlocal sent
        lines = (b"250-" + b"x" * 8000 + b"\r\n") * 8
        if session.line() is not None and session.send(beginning):
            while session.send(lines):
                sent += len(lines)

    with FakeTor(send_forever) as server:
        assert refused(server.endpoint, timing=timing).error.cause
    assert sent < 32 << 20


def test_attempt_that_times_out_states_the_limit() -> None:
    timing = HASTY._replace(attempt_timeout_s=1.0)
    with FakeTor(drips(b"250-" + b"x" * 10_000, 0.01)) as dripping:
        assert refused(dripping.endpoint, timing=timing).error.cause.endswith(
            "no connection within 1 s"
        )


def test_error_after_the_round_timeout_names_every_endpoint() -> None:
    timing = HASTY._replace(round_timeout_s=0.3)
    with FakeTor(silent) as one, FakeTor(silent) as two, FakeTor(silent) as three:
        started_at = time.monotonic()
        error = refused(one.endpoint, two.endpoint, three.endpoint, timing=timing).error
        assert time.monotonic() - started_at < 2
        for server in (one, two, three):
            assert str(server.endpoint) in error.cause
    assert "unexpected" not in error.cause


def test_unexpected_exception_in_an_attempt_is_reported() -> None:
    def connect(_: Endpoint, __: Timing) -> transport.Transport:
        raise ArithmeticError("a bug")

    recorder = EventRecorder()
    source = TorSource([DemoEndpoint("x")], Credentials(), connect, timing=HASTY)
    source.start(recorder)
    assert recorder.wait_for(Refused).error.cause == "x: unexpected: ArithmeticError: a bug"
    source.close()


def test_filter_that_refuses_bw_is_an_error() -> None:
    timing = HASTY._replace(first_event_timeout_s=0.1)
    with FakeTor(FILTER_WITHOUT_BW) as server:
        error = refused(server.endpoint, timing=timing).error
    assert "sends no BW events" in error.cause
    assert "SETEVENTS BW" in error.remedy


# Waiting for a tor


def waiting_source(*endpoints: Endpoint, timing: Timing = HASTY) -> TorSource:
    return TorSource(endpoints, Credentials(), wait_forever=True, timing=timing)


def test_waiting_source_reports_refused_once_and_connects_later(tmp_path: Path) -> None:
    recorder = EventRecorder()
    server = FakeTor(path=tmp_path / "control")
    source = waiting_source(server.endpoint)
    source.start(recorder)
    error = recorder.wait_for(Refused).error
    assert error.cause == f"{server.endpoint}: no such socket"
    assert "is tor running" in error.remedy
    for _ in range(3):
        lost = recorder.wait_for(Lost)
        assert lost.reason == error.cause
    with server:
        recorder.wait_for(Connected)
        server.emit(1, 2)
        assert recorder.wait_for(Sample).read == 1
        source.close()
    assert sum(isinstance(event, Refused) for event in recorder.events) == 1
    kinds = [type(event) for event in recorder.events]
    assert set(kinds[1 : kinds.index(Connected)]) == {Lost}


def test_waiting_source_is_lost_since_its_start(tmp_path: Path) -> None:
    recorder = EventRecorder()
    before = clock.now()
    source = waiting_source(ControlSocket(str(tmp_path / "control")))
    source.start(recorder)
    since = {recorder.wait_for(Lost).last_heard for _ in range(3)}
    source.close()
    assert len(since) == 1
    assert before <= since.pop() <= clock.now()


def test_delays_before_the_first_connection_grow_until_retry_now(
    tmp_path: Path,
) -> None:
    timing = HASTY._replace(reconnect_delays_s=(100.0, 200.0, 300.0))
    recorder = EventRecorder()
    server = FakeTor(path=tmp_path / "control")
    source = waiting_source(server.endpoint, timing=timing)
    source.start(recorder)
    delays = []
    for _ in range(5):
        delays.append(recorder.wait_for(Lost).retry_at - clock.now())
        source.retry_now()
    assert delays == pytest.approx([100, 200, 300, 300, 300], abs=20)
    recorder.wait_for(Lost)
    with server:
        source.retry_now()
        recorder.wait_for(Connected)
        # After a connection the delays begin at the first again.
        server.stop_listening()
        server.hang_up()
        assert recorder.wait_for(Lost).retry_at - clock.now() == pytest.approx(100, abs=20)
        source.close()


def test_waiting_source_waits_for_a_tor_that_needs_a_password() -> None:
    recorder = EventRecorder()
    with FakeTor(TorBehavior(methods="HASHEDPASSWORD")) as server:
        source = waiting_source(server.endpoint)
        source.start(recorder)
        assert recorder.wait_for(Refused).error.needs_password_at == str(server.endpoint)
        assert "password" in recorder.wait_for(Lost).reason
        server.behaviour = TorBehavior()
        recorder.wait_for(Connected)
        source.close()


def test_waiting_source_stays_at_the_first_endpoint_that_works(tmp_path: Path) -> None:
    recorder = EventRecorder()
    first, second = FakeTor(path=tmp_path / "a"), FakeTor(path=tmp_path / "b")
    source = waiting_source(first.endpoint, second.endpoint)
    source.start(recorder)
    recorder.wait_for(Lost)
    with second:
        assert recorder.wait_for(Connected).endpoint == str(second.endpoint)
        with first:
            second.hang_up()
            assert recorder.wait_for(Connected).endpoint == str(second.endpoint)
            source.close()


def test_waiting_source_can_be_closed(tmp_path: Path) -> None:
    timing = HASTY._replace(reconnect_delays_s=(LONG_S,))
    recorder = EventRecorder()
    source = waiting_source(ControlSocket(str(tmp_path / "control")), timing=timing)
    source.start(recorder)
    recorder.wait_for(Lost)
    started_at = time.monotonic()
    source.close()
    assert time.monotonic() - started_at < 1.0
    assert not running_threads()
