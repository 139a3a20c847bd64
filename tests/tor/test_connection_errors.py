"""Why a connection cannot be opened, in words for the user."""

import os
import socket
import threading
import tracemalloc
from pathlib import Path

import pytest
from connections import ALL_COMMANDS, SECRET, ManualClock, connecting, open_error
from event_recorder import EventRecorder
from fake_tor import (
    COOKIE,
    FILTER_WITHOUT_BW,
    HANG_UP,
    SOCKS_ANSWER,
    SSH_BANNER,
    WEB_ANSWER,
    FakeTor,
    Session,
    SessionHandler,
    TorBehavior,
    curt,
    floods,
    says,
    silent,
)
from nobody import nobody, open_directory

from bwgraph.model.errors import ExplainedError
from bwgraph.system import threads
from bwgraph.tor import transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, ControlSocket, DemoEndpoint, Endpoint
from bwgraph.tor.timing import Timing

HASTY = Timing(silence_s=0.2, first_event_timeout_s=0.1)
"Short time limits, for a peer that never answers."


def test_closed_port_refuses_the_connection() -> None:
    with FakeTor() as server:
        endpoint = server.endpoint
    assert isinstance(endpoint, ControlPort)
    error = open_error(endpoint)
    assert error.cause == "connection refused"
    assert error.remedy == f"is tor running, with ControlPort {endpoint.port} in torrc?"
    assert error.not_running


def test_missing_socket_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    error = open_error(ControlSocket(path))
    assert error.cause == "no such socket"
    assert path in error.remedy
    assert error.not_running


def test_socket_of_a_killed_tor_is_named(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(path))
    error = open_error(ControlSocket(str(path)))
    assert error.cause == "the socket exists, but no process listens on it"
    assert error.not_running


def test_path_may_be_too_long_for_a_socket() -> None:
    assert open_error(ControlSocket("/" + "x" * 200)).cause == "AF_UNIX path too long"


def test_directory_is_not_a_socket(tmp_path: Path) -> None:
    error = open_error(ControlSocket(str(tmp_path)))
    assert error.cause
    assert "unexpected" not in error.cause


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", ".example"])
def test_invalid_host_name_is_an_error(host: str) -> None:
    # The name is encoded before it is looked up, which raises UnicodeError.
    error = open_error(ControlPort(host, 9051))
    assert error.cause


def test_unknown_host_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert open_error(ControlPort("tor.example", 9051)).cause == "Name or service not known"


def test_connect_timeout_is_an_error() -> None:
    def connect(_: Endpoint, __: Timing) -> transport.Transport:
        raise TimeoutError("timed out")

    connection = Connection(DemoEndpoint("far away"), connect, EventRecorder(), lambda _: None)
    with pytest.raises(ExplainedError) as caught:
        connection.open(Credentials())
    connection.close()
    assert caught.value.cause == "no answer within 4 s"


NOT_TOR = "this is not a tor control port: it says "


@pytest.mark.parametrize(
    ("behaviour", "cause", "remedy"),
    [
        pytest.param(curt, "it closed the connection", "tor's ControlPort?", id="closing"),
        pytest.param(
            says(SSH_BANNER, unasked=True),
            NOT_TOR + "'SSH-2.0-OpenSSH_9.6p1 Debian-5'",
            "ControlPort 9051",
            id="ssh",
        ),
        pytest.param(
            says(b"220 mail.example ESMTP\r\n", unasked=True),
            NOT_TOR + "'220 mail.example ESMTP'",
            "ControlPort 9051",
            id="mail",
        ),
        pytest.param(
            says(WEB_ANSWER), NOT_TOR + "'HTTP/1.1 400 Bad Request'", "ControlPort 9051", id="web"
        ),
        pytest.param(
            says(SOCKS_ANSWER), "this is tor's SocksPort", "name its ControlPort", id="socks"
        ),
        pytest.param(
            says(b"\x1b[2J\xff\x00\r\n"), NOT_TOR + r"'\x1b[2J�\x00'", "ControlPort", id="hostile"
        ),
        pytest.param(floods, "it sent a line without an end", "", id="flood"),
    ],
)
def test_other_kinds_of_servers_are_named(
    behaviour: SessionHandler, cause: str, remedy: str
) -> None:
    with FakeTor(behaviour) as server:
        error = open_error(server.endpoint)
    assert error.cause == cause
    assert remedy in error.remedy
    assert not error.not_running
    assert not error.needs_password_at


def test_silent_peer_is_given_up() -> None:
    with FakeTor(silent) as server:
        error = open_error(server.endpoint, timing=HASTY)
        assert server.commands == ["PROTOCOLINFO 1"]
    assert "it accepted the connection, and was silent for" in error.cause
    assert "is tor stopped?" in error.remedy


def test_tor_that_stops_within_an_answer_is_given_up() -> None:
    def half_an_answer(session: Session) -> None:
        session.send(b"250-PROTOCOLINFO 1\r\n250-AUTH ME")
        silent(session)

    with FakeTor(half_an_answer) as server:
        error = open_error(server.endpoint, timing=HASTY)
    assert "was silent for" in error.cause


def test_filter_that_refuses_bw_is_named() -> None:
    timing = Timing(first_event_timeout_s=0.1)
    with FakeTor(FILTER_WITHOUT_BW) as server:
        error = open_error(server.endpoint, timing=timing)
        assert set(server.commands) == {x for x in ALL_COMMANDS if not x.startswith("GETINFO")}
    assert error.cause == "it accepted the connection, but sends no BW events"
    assert "SETEVENTS BW" in error.remedy


def test_tor_that_sends_no_bw_events_is_an_error() -> None:
    timing = Timing(first_event_timeout_s=0.1)
    with FakeTor(TorBehavior(spike=None)) as server:
        assert (
            open_error(server.endpoint, timing=timing).cause
            == "it accepted the connection, but sends no BW events"
        )


def test_first_event_is_awaited_again_after_a_suspension(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing = Timing(first_event_timeout_s=0.1)
    # ^Z and fg at that moment: the event has arrived, but has not been read.
    clock = ManualClock()
    monkeypatch.setattr(threads, "now", clock)
    monkeypatch.setattr(threads, "GRACE_S", 10.0)

    class Suspended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if super().wait(timeout):
                return True
            clock.time += 8.0
            server.emit(5, 7)
            return False

    with (
        FakeTor(TorBehavior(spike=None)) as server,
        connecting(server.endpoint, EventRecorder(), timing) as connection,
    ):
        connection._first_event = Suspended()
        assert connection.open(Credentials()).endpoint == str(server.endpoint)


@pytest.mark.parametrize(
    "replies",
    [
        {"*": b"510 Command filtered\r\n"},
        {"*": b"500 Internal error\r\n"},
        {"PROTOCOLINFO": b"250 OK\r\n"},
        {"PROTOCOLINFO": b"250 PROTOCOLINFO one\r\n"},
        {"PROTOCOLINFO": b"250-PROTOCOLINFO 1\r\n250-AUTH\r\n250 OK\r\n"},
        {"PROTOCOLINFO": b"250-PROTOCOLINFO 1\r\n250-VERSION Tor=\r\n250 OK\r\n"},
        {"PROTOCOLINFO": b"650 BW 1 1\r\n" * 3 + b"250 \r\n"},
        {"PROTOCOLINFO": b'250-PROTOCOLINFO 1\r\n250-VERSION Tor="new"\r\n250 OK\r\n'},
        {"AUTHENTICATE": b"510 Command filtered\r\n"},
        {"AUTHENTICATE": b"garbage\r\n"},
    ],
    ids=str,
)
def test_invalid_answer_is_an_error(replies: dict[str, bytes]) -> None:
    with FakeTor(TorBehavior(replies=replies)) as server:
        error = open_error(server.endpoint)
    assert error.cause
    assert "\x1b" not in error.cause
    assert "\r" not in error.cause


@pytest.mark.parametrize("command", ["AUTHENTICATE", "AUTHCHALLENGE", "SETEVENTS", "GETCONF"])
def test_tor_that_hangs_up_during_the_handshake_closed_the_connection(
    command: str, tmp_path: Path
) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    manners = TorBehavior(
        methods="SAFECOOKIE", cookie_path=os.fsencode(cookie), replies={command: HANG_UP}
    )
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
    assert error.cause == "it closed the connection"


@pytest.mark.parametrize("command", ["AUTHENTICATE", "SETEVENTS"])
def test_tor_that_stops_during_the_handshake_is_silent(command: str) -> None:
    def stop_at_command(session: Session) -> None:
        while (line := session.line()) is not None:
            if line.startswith(command.encode()):
                silent(session)
                return
            session.send(session._reply(line, TorBehavior()))

    with FakeTor(stop_at_command) as server:
        error = open_error(server.endpoint, timing=HASTY)
    assert "was silent for" in error.cause


def test_wrong_password_is_an_error() -> None:
    with FakeTor(TorBehavior(methods="HASHEDPASSWORD", password=SECRET)) as server:
        error = open_error(server.endpoint, Credentials(b"guess"))
        assert server.received_secrets == [b"guess"]
        assert server.accepted == 1, "stem has not connected again"
    assert error.cause == "tor did not accept the password"
    assert "--password-file" in error.remedy
    assert "TOR_CONTROL_PASSWD" in error.remedy
    # A password from a file or the environment is wrong: a prompt would be repeated forever.
    assert not error.needs_password_at


def test_wrong_password_is_an_error_even_if_a_cookie_is_accepted() -> None:
    manners = TorBehavior(methods="COOKIE,HASHEDPASSWORD", password=SECRET, cookie_path=b"/nowhere")
    with FakeTor(manners) as server:
        error = open_error(server.endpoint, Credentials(b"guess"))
    assert error.cause == "tor did not accept the password"


def test_missing_password_is_needed() -> None:
    with FakeTor(TorBehavior(methods="HASHEDPASSWORD")) as server:
        error = open_error(server.endpoint)
        assert error.needs_password_at == str(server.endpoint)
        assert server.commands == ["PROTOCOLINFO 1"]
    assert error.cause == "it asks for a password"
    assert "--password-file" in error.remedy


def test_missing_password_does_not_hide_the_cookie_error() -> None:
    manners = TorBehavior(
        methods="COOKIE,SAFECOOKIE,HASHEDPASSWORD", cookie_path=b"/nowhere/cookie"
    )
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
    assert error.cause.startswith("it asks for a password (or for its cookie; ")
    assert "/nowhere/cookie: No such file" in error.cause
    assert error.needs_password_at


def test_missing_cookie_is_named() -> None:
    manners = TorBehavior(methods="COOKIE,SAFECOOKIE", cookie_path=b"/nowhere/cookie")
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
    assert error.cause == "cookie /nowhere/cookie: No such file or directory"
    assert "TOR_CONTROL_COOKIE_AUTH_FILE" in error.remedy


def test_cookie_without_a_path_is_an_error() -> None:
    with FakeTor(TorBehavior(methods="COOKIE")) as server:
        error = open_error(server.endpoint)
    assert error.cause == "it does not say where its cookie is"
    assert "TOR_CONTROL_COOKIE_AUTH_FILE" in error.remedy


@pytest.mark.parametrize("length", [0, 31, 33])
def test_cookie_of_the_wrong_length_is_not_sent(tmp_path: Path, length: int) -> None:
    # A hostile server could name any file as its cookie, to receive its content.
    cookie = tmp_path / "cookie"
    cookie.write_bytes(b"x" * length)
    manners = TorBehavior(methods="COOKIE", cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
        assert server.commands == ["PROTOCOLINFO 1"]
    assert f"{length} bytes long" in error.cause


def test_huge_cookie_file_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        with FakeTor(TorBehavior(methods="COOKIE", cookie_path=os.fsencode(huge))) as server:
            error = open_error(server.endpoint)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(huge) in error.cause
    assert peak < 16 << 20


def test_pipe_as_cookie_file_does_not_block(tmp_path: Path) -> None:
    # Nor do other devices, such as /dev/zero.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    errors: list[ExplainedError] = []
    with FakeTor(TorBehavior(methods="COOKIE", cookie_path=os.fsencode(pipe))) as server:
        attempt = threading.Thread(target=lambda: errors.append(open_error(server.endpoint)))
        attempt.start()
        attempt.join(2.0)
        waited = attempt.is_alive()
        if waited:  # end the attempt
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            attempt.join()
    assert not waited
    assert str(pipe) in errors[0].cause


@pytest.mark.parametrize("methods", ["COOKIE", "SAFECOOKIE"])
def test_cookie_of_another_tor_is_rejected(tmp_path: Path, methods: str) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE[::-1])
    manners = TorBehavior(methods=methods, cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
        assert server.accepted == 1
    assert str(cookie) in error.cause
    assert error.remedy


def test_cookie_is_not_sent_to_a_tor_that_does_not_know_it(tmp_path: Path) -> None:
    # That is the purpose of SAFECOOKIE. Offered both, stem would fall back to COOKIE.
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE[::-1])
    manners = TorBehavior(methods="COOKIE,SAFECOOKIE", cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
        assert server.received_secrets == []
    assert "does not know the content of the cookie" in error.cause


def test_cookie_may_be_rejected_after_the_challenge(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    wrong = b"515 Authentication failed: Safe cookie response did not match expected value.\r\n"
    manners = TorBehavior(
        methods="SAFECOOKIE", cookie_path=os.fsencode(cookie), replies={"AUTHENTICATE": wrong}
    )
    with FakeTor(manners) as server:
        error = open_error(server.endpoint)
    assert error.cause == f"tor did not accept the cookie {cookie}"


def test_unreadable_cookie_has_a_remedy() -> None:
    with open_directory() as directory:
        cookie = directory / "cookie"
        cookie.write_bytes(COOKIE)
        cookie.chmod(0o000)
        manners = TorBehavior(methods="SAFECOOKIE", cookie_path=os.fsencode(cookie))
        with FakeTor(manners) as server, nobody():
            error = open_error(server.endpoint)
    assert error.cause == f"cookie {cookie}: permission denied"
    assert "CookieAuthFileGroupReadable 1" in error.remedy


def test_forbidden_socket_has_a_remedy() -> None:
    with open_directory() as directory:
        path = directory / "control"
        with FakeTor(path=path) as server:
            path.chmod(0o000)
            with nobody():
                error = open_error(server.endpoint)
    assert error.cause == "permission denied"
    assert "ControlSocketsGroupWritable 1" in error.remedy


def test_cookie_path_that_is_not_utf_8_is_an_error() -> None:
    # With such a DataDirectory of a real tor, stem raises a UnicodeDecodeError.
    with FakeTor(TorBehavior(methods="COOKIE", cookie_path=b"/var/lib/t\xf6r/cookie")) as server:
        error = open_error(server.endpoint)
    assert error.cause == "the path of its cookie is not UTF-8, which stem cannot read"
    assert "CookieAuthFile" in error.remedy


def test_unknown_authentication_methods_are_named() -> None:
    with FakeTor(TorBehavior(methods="RETINASCAN,BLOOD")) as server:
        error = open_error(server.endpoint)
    assert "RETINASCAN, BLOOD" in error.cause
    assert "CookieAuthentication 1" in error.remedy


def test_open_authentication_may_be_rejected() -> None:
    replies = {"AUTHENTICATE": b"515 Authentication failed: no\r\n"}
    with FakeTor(TorBehavior(replies=replies)) as server:
        error = open_error(server.endpoint)
    assert error.cause == "tor refused access without a password"
    assert error.remedy


def test_failed_connection_leaves_no_thread_and_no_descriptor() -> None:
    def attempt() -> None:
        with FakeTor(TorBehavior(methods="HASHEDPASSWORD", password=SECRET)) as server:
            open_error(server.endpoint, Credentials(b"guess"))

    attempt()
    before = len(os.listdir("/dev/fd")), threading.active_count()  # noqa: PTH208 - names only
    for _ in range(10):
        attempt()
    assert (len(os.listdir("/dev/fd")), threading.active_count()) == before  # noqa: PTH208 - as above
