"""Why a connection cannot be opened, in words for the user."""

import os
import socket
import threading
import tracemalloc
from pathlib import Path

import pytest
from connections import ALL_COMMANDS, SECRET, ManualClock, connecting, open_error
from ear import Ear
from fake_tor import (
    COOKIE,
    FILTER_WITHOUT_BW,
    HANG_UP,
    SOCKS_ANSWER,
    SSH_BANNER,
    WEB_ANSWER,
    FakeTor,
    Manners,
    Oddity,
    Session,
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
"For a peer that never answers."


# Refusals


def test_a_closed_port_is_refused() -> None:
    with FakeTor() as server:
        endpoint = server.endpoint
    assert isinstance(endpoint, ControlPort)
    said = open_error(endpoint)
    assert said.cause == "connection refused"
    assert said.remedy == f"is tor running, with ControlPort {endpoint.port} in torrc?"
    assert said.not_running


def test_no_socket_there(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    said = open_error(ControlSocket(path))
    assert said.cause == "no such socket"
    assert path in said.remedy
    assert said.not_running


def test_a_socket_left_behind(tmp_path: Path) -> None:
    # A tor that is killed leaves it there.
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    said = open_error(ControlSocket(str(path)))
    assert said.cause == "the socket exists, but nobody listens on it"
    assert said.not_running


def test_a_path_too_long_for_a_socket() -> None:
    assert open_error(ControlSocket("/" + "x" * 200)).cause == "AF_UNIX path too long"


def test_a_directory_is_no_socket(tmp_path: Path) -> None:
    said = open_error(ControlSocket(str(tmp_path)))
    assert said.cause
    assert "unexpected" not in said.cause


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", ".example"])
def test_a_name_that_cannot_be_one_is_refused(host: str) -> None:
    # The name is encoded before it is looked up, and that fails in a way of its own.
    said = open_error(ControlPort(host, 9051))
    assert said.cause


def test_a_name_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert open_error(ControlPort("tor.example", 9051)).cause == "Name or service not known"


def test_a_connect_that_takes_too_long_is_refused() -> None:
    def dial(_: Endpoint, __: Timing) -> transport.Transport:
        raise TimeoutError("timed out")

    connection = Connection(DemoEndpoint("far away"), dial, Ear(), lambda _: None)
    with pytest.raises(ExplainedError) as caught:
        connection.open(Credentials())
    connection.close()
    assert caught.value.cause == "no answer within 4 s"


NOT_TOR = "this is not a tor control port: it says "


@pytest.mark.parametrize(
    ("behaviour", "cause", "cure"),
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
def test_what_is_no_tor_is_named(behaviour: Oddity, cause: str, cure: str) -> None:
    with FakeTor(behaviour) as server:
        said = open_error(server.endpoint)
    assert said.cause == cause
    assert cure in said.remedy
    assert not said.not_running
    assert not said.needs_password_at


def test_a_peer_that_stays_silent_is_given_up() -> None:
    with FakeTor(silent) as server:
        said = open_error(server.endpoint, timing=HASTY)
        assert server.commands == ["PROTOCOLINFO 1"]
    assert "it accepted the connection, and was silent for" in said.cause
    assert "is tor stopped?" in said.remedy


def test_a_tor_that_stops_in_the_middle_of_an_answer_is_given_up() -> None:
    def half_an_answer(session: Session) -> None:
        session.send(b"250-PROTOCOLINFO 1\r\n250-AUTH ME")
        silent(session)

    with FakeTor(half_an_answer) as server:
        said = open_error(server.endpoint, timing=HASTY)
    assert "was silent for" in said.cause


def test_a_filter_that_refuses_bw_is_named() -> None:
    timing = Timing(first_event_timeout_s=0.1)
    with FakeTor(FILTER_WITHOUT_BW) as server:
        said = open_error(server.endpoint, timing=timing)
        assert set(server.commands) == {x for x in ALL_COMMANDS if not x.startswith("GETINFO")}
    assert said.cause == "it accepted the connection, but sends no BW events"
    assert "SETEVENTS BW" in said.remedy


def test_a_tor_that_grants_bw_and_sends_none_is_the_same() -> None:
    timing = Timing(first_event_timeout_s=0.1)
    with FakeTor(Manners(spike=None)) as server:
        assert (
            open_error(server.endpoint, timing=timing).cause
            == "it accepted the connection, but sends no BW events"
        )


def test_the_first_event_is_waited_for_after_we_were_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timing = Timing(first_event_timeout_s=0.1)
    # ^Z in that moment, and fg: the event is there, and only has to be read.
    clock = ManualClock()
    monkeypatch.setattr(threads, "now", clock)
    monkeypatch.setattr(threads, "GRACE_S", 10.0)

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if super().wait(timeout):
                return True
            clock.time += 8.0
            server.emit(5, 7)
            return False

    with (
        FakeTor(Manners(spike=None)) as server,
        connecting(server.endpoint, Ear(), timing) as connection,
    ):
        connection._first_event = Stopped()
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
def test_an_answer_that_makes_no_sense_is_a_refusal(replies: dict[str, bytes]) -> None:
    with FakeTor(Manners(replies=replies)) as server:
        said = open_error(server.endpoint)
    assert said.cause
    assert "\x1b" not in said.cause
    assert "\r" not in said.cause


@pytest.mark.parametrize("command", ["AUTHENTICATE", "AUTHCHALLENGE", "SETEVENTS", "GETCONF"])
def test_a_tor_that_hangs_up_half_way_in_closed_the_connection(
    command: str, tmp_path: Path
) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    manners = Manners(
        methods="SAFECOOKIE", cookie_path=os.fsencode(cookie), replies={command: HANG_UP}
    )
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
    assert said.cause == "it closed the connection"


@pytest.mark.parametrize("command", ["AUTHENTICATE", "SETEVENTS"])
def test_a_tor_that_falls_silent_half_way_in_is_said_to_be_silent(command: str) -> None:
    def half_way(session: Session) -> None:
        while (line := session.line()) is not None:
            if line.startswith(command.encode()):
                silent(session)
                return
            session.send(session._reply(line, Manners()))

    with FakeTor(half_way) as server:
        said = open_error(server.endpoint, timing=HASTY)
    assert "was silent for" in said.cause


def test_a_wrong_password_is_refused() -> None:
    with FakeTor(Manners(methods="HASHEDPASSWORD", password=SECRET)) as server:
        said = open_error(server.endpoint, Credentials(b"guess"))
        assert server.shown == [b"guess"]
        assert server.accepted == 1, "stem did not connect again behind our back"
    assert said.cause == "tor did not accept the password"
    assert "--password-file" in said.remedy
    assert "TOR_CONTROL_PASSWD" in said.remedy
    # A prompt would come again and again to one whose file or environment is wrong.
    assert not said.needs_password_at


def test_a_wrong_password_is_refused_where_a_cookie_would_do_too() -> None:
    manners = Manners(methods="COOKIE,HASHEDPASSWORD", password=SECRET, cookie_path=b"/nowhere")
    with FakeTor(manners) as server:
        said = open_error(server.endpoint, Credentials(b"guess"))
    assert said.cause == "tor did not accept the password"


def test_a_missing_password_is_asked_for() -> None:
    with FakeTor(Manners(methods="HASHEDPASSWORD")) as server:
        said = open_error(server.endpoint)
        assert said.needs_password_at == str(server.endpoint)
        assert server.commands == ["PROTOCOLINFO 1"]
    assert said.cause == "it asks for a password"
    assert "--password-file" in said.remedy


def test_the_cookies_failure_is_not_hidden_by_the_missing_password() -> None:
    manners = Manners(methods="COOKIE,SAFECOOKIE,HASHEDPASSWORD", cookie_path=b"/nowhere/cookie")
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
    assert said.cause.startswith("it asks for a password (or for its cookie; ")
    assert "/nowhere/cookie: No such file" in said.cause
    assert said.needs_password_at


def test_no_cookie_there() -> None:
    manners = Manners(methods="COOKIE,SAFECOOKIE", cookie_path=b"/nowhere/cookie")
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
    assert said.cause == "cookie /nowhere/cookie: No such file or directory"
    assert "TOR_CONTROL_COOKIE_AUTH_FILE" in said.remedy


def test_a_tor_that_does_not_say_where_its_cookie_is() -> None:
    with FakeTor(Manners(methods="COOKIE")) as server:
        said = open_error(server.endpoint)
    assert said.cause == "it does not say where its cookie is"
    assert "TOR_CONTROL_COOKIE_AUTH_FILE" in said.remedy


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_cookie_of_the_wrong_length_is_not_shown(tmp_path: Path, length: int) -> None:
    # A hostile server could name any file as its cookie, and be shown what is in it.
    cookie = tmp_path / "cookie"
    cookie.write_bytes(b"x" * length)
    manners = Manners(methods="COOKIE", cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
        assert server.commands == ["PROTOCOLINFO 1"]
    assert f"{length} bytes long" in said.cause


def test_a_huge_file_that_is_said_to_be_the_cookie_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        with FakeTor(Manners(methods="COOKIE", cookie_path=os.fsencode(huge))) as server:
            said = open_error(server.endpoint)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(huge) in said.cause
    assert peak < 16 << 20


def test_a_pipe_that_is_said_to_be_the_cookie_is_not_waited_for(tmp_path: Path) -> None:
    # Nor is /dev/zero read to its end, or a device asked.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said: list[ExplainedError] = []
    with FakeTor(Manners(methods="COOKIE", cookie_path=os.fsencode(pipe))) as server:
        attempt = threading.Thread(target=lambda: said.append(open_error(server.endpoint)))
        attempt.start()
        attempt.join(2.0)
        waited = attempt.is_alive()
        if waited:  # let it go
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            attempt.join()
    assert not waited
    assert str(pipe) in said[0].cause


@pytest.mark.parametrize("methods", ["COOKIE", "SAFECOOKIE"])
def test_another_tors_cookie_is_refused(tmp_path: Path, methods: str) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE[::-1])
    manners = Manners(methods=methods, cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
        assert server.accepted == 1
    assert str(cookie) in said.cause
    assert said.remedy


def test_who_does_not_know_the_cookie_is_not_shown_it(tmp_path: Path) -> None:
    # That is what the safe way is for. stem, offered both ways, would fall back to the plain one.
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE[::-1])
    manners = Manners(methods="COOKIE,SAFECOOKIE", cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
        assert server.shown == []
    assert "does not know the content of the cookie" in said.cause


def test_a_cookie_that_tor_changed_its_mind_about_is_refused(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    wrong = b"515 Authentication failed: Safe cookie response did not match expected value.\r\n"
    manners = Manners(
        methods="SAFECOOKIE", cookie_path=os.fsencode(cookie), replies={"AUTHENTICATE": wrong}
    )
    with FakeTor(manners) as server:
        said = open_error(server.endpoint)
    assert said.cause == f"tor did not accept the cookie {cookie}"


def test_a_cookie_that_may_not_be_read_names_the_cure() -> None:
    with open_directory() as directory:
        cookie = directory / "cookie"
        cookie.write_bytes(COOKIE)
        cookie.chmod(0o000)
        manners = Manners(methods="SAFECOOKIE", cookie_path=os.fsencode(cookie))
        with FakeTor(manners) as server, nobody():
            said = open_error(server.endpoint)
    assert said.cause == f"cookie {cookie}: permission denied"
    assert "CookieAuthFileGroupReadable 1" in said.remedy


def test_a_socket_that_may_not_be_used_names_the_cure() -> None:
    with open_directory() as directory:
        path = directory / "control"
        with FakeTor(path=path) as server:
            path.chmod(0o000)
            with nobody():
                said = open_error(server.endpoint)
    assert said.cause == "permission denied"
    assert "ControlSocketsGroupWritable 1" in said.remedy


def test_a_cookie_path_that_is_not_utf_8() -> None:
    # From a real tor with such a DataDirectory stem lets a UnicodeDecodeError through.
    with FakeTor(Manners(methods="COOKIE", cookie_path=b"/var/lib/t\xf6r/cookie")) as server:
        said = open_error(server.endpoint)
    assert said.cause == "the path of its cookie is not UTF-8, which stem cannot read"
    assert "CookieAuthFile" in said.remedy


def test_a_way_to_authenticate_that_is_not_known() -> None:
    with FakeTor(Manners(methods="RETINASCAN,BLOOD")) as server:
        said = open_error(server.endpoint)
    assert "RETINASCAN, BLOOD" in said.cause
    assert "CookieAuthentication 1" in said.remedy


def test_an_open_door_that_turns_out_to_be_shut() -> None:
    shut = {"AUTHENTICATE": b"515 Authentication failed: no\r\n"}
    with FakeTor(Manners(replies=shut)) as server:
        said = open_error(server.endpoint)
    assert said.cause == "tor did not let us in without a password"
    assert said.remedy


def test_no_refusal_leaves_a_thread_or_a_descriptor() -> None:
    def attempt() -> None:
        with FakeTor(Manners(methods="HASHEDPASSWORD", password=SECRET)) as server:
            open_error(server.endpoint, Credentials(b"guess"))

    attempt()
    before = len(os.listdir("/dev/fd")), threading.active_count()  # noqa: PTH208 - names only
    for _ in range(10):
        attempt()
    assert (len(os.listdir("/dev/fd")), threading.active_count()) == before  # noqa: PTH208
