"""The wire: how it is opened, what it remembers, and when it loses patience."""

import _socket
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest
from ear import PATIENCE
from fake_tor import FakeTor, silent
from hypothesis import given
from hypothesis import strategies as st

from bwgraph.tor import transport
from bwgraph.tor.endpoint import ControlPort, ControlSocket, DemoEndpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing
from bwgraph.tor.transport import Transport


@pytest.fixture
def pair() -> Iterator[tuple[Transport, socket.socket]]:
    near, far = socket.socketpair()
    with transport.wrap(near) as line, far:
        yield line, far


def lines(reader: Transport) -> Iterator[bytes]:
    """What comes, read as stem reads it."""
    yield from iter(reader.makefile().readline, b"")


def test_a_wire_speaks_both_ways(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"250 OK\r\n")
    near.sendall(b"PROTOCOLINFO 1\r\n")
    assert next(lines(near)) == b"250 OK\r\n"
    assert far.recv(100) == b"PROTOCOLINFO 1\r\n"


def test_the_socket_it_is_made_of_is_used_up() -> None:
    near, far = socket.socketpair()
    with far, transport.wrap(near):
        assert near.fileno() == -1


def test_silence_ends_it_and_is_remembered() -> None:
    timing = Timing(silence_s=0.05)
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as line:
        with pytest.raises(TimeoutError):
            next(lines(line))
        assert isinstance(line.failure, TimeoutError)


def test_once_trusted_it_is_as_patient_as_with_a_tor_that_was_heard() -> None:
    timing = Timing(silence_s=0.02, give_up_after_s=0.1)
    told: list[int] = []
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as line:
        line.on_silence = lambda: told.append(1)
        line.allow_silence()
        with pytest.raises(TimeoutError):
            next(lines(line))
        assert isinstance(line.failure, TimeoutError)
    assert len(told) in {4, 5}, "each silence is told, and the last ends it"


def test_nobody_minds_the_silence_of_one_that_is_not_trusted() -> None:
    timing = Timing(silence_s=0.02)
    told: list[int] = []
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as line:
        line.on_silence = lambda: told.append(1)
        with pytest.raises(TimeoutError):
            next(lines(line))
    assert not told


def test_what_is_heeded_may_go_on_for_ever() -> None:
    plain, far = socket.socketpair()
    with far, transport.wrap(plain, Timing(max_unused_bytes=100)) as near:
        reading = lines(near)
        for _ in range(20):
            far.sendall(b"650 BW 1 1\r\n")
            next(reading)
            near.unused_bytes = 0
        far.sendall(b"650 BW 1 1\r\n" * 20)
        with pytest.raises(OSError, match="it sent 100 bytes without a BW event"):
            list(reading)


def test_a_word_now_and_then_keeps_it_going() -> None:
    timing = Timing(silence_s=0.5)
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as line:

        def talk() -> None:
            for _ in range(6):
                far.sendall(b".\n")
                threading.Event().wait(0.1)

        talker = threading.Thread(target=talk)
        talker.start()
        reader = lines(line)
        assert [next(reader) for _ in range(6)] == [b".\n"] * 6
        talker.join()
        assert line.failure is None


def test_an_orderly_end_is_no_failure(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"250 closing connection\r\n")
    far.close()
    assert list(lines(near)) == [b"250 closing connection\r\n"]
    assert near.failure is None


def test_a_reset_is_remembered() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        transport.connect(ControlPort(*listener.getsockname())) as line,
    ):
        far, _ = listener.accept()
        # Closed with this set, a connection is dropped and not ended.
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        with pytest.raises(ConnectionResetError):
            next(lines(line))
        assert isinstance(line.failure, ConnectionResetError)


def test_an_end_of_our_own_making_is_no_failure() -> None:
    # stem closes the socket in one thread while another is about to read from it, after an
    # orderly end as well.
    near, far = socket.socketpair()
    with far:
        line = transport.wrap(near)
        line.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            line.readline()
        assert line.failure is None


def test_what_fails_after_an_orderly_end_is_no_failure(
    pair: tuple[Transport, socket.socket],
) -> None:
    near, far = pair
    far.close()
    assert near.readline() == b""
    os.close(near.fileno())
    with pytest.raises(OSError, match="Bad file descriptor"):
        near.readline()
    near.detach()
    assert near.failure is None


def test_bytes_that_are_there_when_the_time_is_over_are_read(
    pair: tuple[Transport, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    # After ^Z and fg it is us who were away.
    near, far = pair
    plain = _socket.socket.recv
    far.sendall(b"650 BW 1 1\r\n")

    def late(_: socket.socket, __: int) -> bytes:
        monkeypatch.setattr(socket.socket, "recv", plain)
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "recv", late)
    assert near.readline() == b"650 BW 1 1\r\n"
    assert near.failure is None
    assert near.first_bytes == b"650 BW 1 1\r\n"


def test_the_first_bytes_are_remembered_and_no_more(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    assert near.first_bytes == b""
    reader = lines(near)
    far.sendall(b"SSH-2.0\n")
    assert next(reader) == b"SSH-2.0\n"
    assert near.first_bytes == b"SSH-2.0\n"
    far.sendall(b"x" * 50 + b"\n" + b"y" * 200 + b"\n")
    assert [len(next(reader)) for _ in range(2)] == [51, 201]
    assert near.first_bytes == b"SSH-2.0\n" + b"x" * 50 + b"\n" + b"y" * 21


def test_two_wires_remember_apart() -> None:
    near, far = socket.socketpair()
    other, another = socket.socketpair()
    with far, another, transport.wrap(near) as one, transport.wrap(other) as two:
        far.sendall(b"one\n")
        next(lines(one))
        assert (one.first_bytes, two.first_bytes) == (b"one\n", b"")


def feed(far: socket.socket, data: bytes) -> threading.Thread:
    """Send more than a socket takes at once."""

    def send() -> None:
        with suppress(OSError):  # the other side may have had enough
            far.sendall(data)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_line_without_an_end_fails(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    sender = feed(far, b"x" * (4 * DEFAULT_TIMING.max_line_bytes))
    with pytest.raises(OSError, match="a line without an end"):
        list(lines(near))
    near.hang_up()
    sender.join(PATIENCE)
    assert str(near.failure) == "it sent a line without an end"


@pytest.mark.parametrize(
    ("pieces", "come"),
    [
        ([b"01234", b"56789\n"], [b"0123456789\n"]),
        ([b"01234", b"56789a"], []),
        ([b"ab\n01234", b"56789\n"], [b"ab\n", b"0123456789\n"]),
        ([b"ab\n01234", b"56789a"], [b"ab\n"]),
        ([b"a\nb\n0123456789", b"\n"], [b"a\n", b"b\n", b"0123456789\n"]),
        ([b"a\n", b"\n", b"b\n\nc", b"d\n"], [b"a\n", b"\n", b"b\n", b"\n", b"cd\n"]),
    ],
)
def test_a_line_is_measured_across_reads(
    pieces: list[bytes], come: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = Timing(max_line_bytes=10)
    near, far = socket.socketpair()
    unread = iter(pieces)
    with far, transport.wrap(near, timing) as line:
        monkeypatch.setattr(Transport, "recv", lambda *_: next(unread))
        assert [line.readline() for _ in come] == come
        if come[-1:] != [pieces[-1]] and not pieces[-1].endswith(b"\n"):
            with pytest.raises(OSError, match="without an end"):
                line.readline()


@given(
    st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b"") + b"\n")),
    st.binary(max_size=3).map(lambda rest: rest.replace(b"\n", b"")),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_lines_come_as_they_were_sent_however_they_are_cut(
    sent: list[bytes], rest: bytes, sizes: list[int]
) -> None:
    unread, size = b"".join(sent) + rest, cycle(sizes)

    class Cut(Transport):
        def recv(self, most: int, flags: int = 0) -> bytes:  # noqa: ARG002 - as the original
            nonlocal unread
            data, unread = unread[: (here := next(size))], unread[here:]
            return data

    near, far = socket.socketpair()
    with far, Cut(near.detach()) as line:
        assert list(lines(line)) == [*sent, *[rest] * bool(rest)]


def test_any_number_of_lines_passes_and_long_ones_do(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    long = b"x" * (DEFAULT_TIMING.max_line_bytes - 10) + b"\n"
    sender = feed(far, long * 3 + b"y\n")
    reader = lines(near)
    assert [len(next(reader)) for _ in range(4)] == [len(long)] * 3 + [2]
    sender.join(PATIENCE)
    assert near.failure is None


def test_hanging_up_wakes_whoever_reads(pair: tuple[Transport, socket.socket]) -> None:
    near, _ = pair
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(near.recv(10)))
    reader.start()
    near.hang_up()
    reader.join(PATIENCE)
    assert got == [b""]
    assert near.failure is None


def test_hanging_up_twice_or_when_closed_is_nothing(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    near.hang_up()
    near.hang_up()
    assert far.recv(1) == b""
    near.close()
    near.hang_up()


def test_dialling_a_port_by_address_and_by_name() -> None:
    with FakeTor(silent) as server:
        assert isinstance(server.endpoint, ControlPort)
        for host in ("127.0.0.1", "localhost"):
            with transport.connect(ControlPort(host, server.endpoint.port)) as line:
                assert line.gettimeout() == DEFAULT_TIMING.silence_s


def test_dialling_ipv6() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("there is no IPv6 loopback here")
    with listener, transport.connect(ControlPort("::1", listener.getsockname()[1])) as line:
        assert line.family is socket.AF_INET6


def test_dialling_a_socket(tmp_path: Path) -> None:
    with (
        FakeTor(silent, tmp_path / "control") as server,
        transport.connect(server.endpoint) as line,
    ):
        assert line.family is socket.AF_UNIX
        assert line.gettimeout() == DEFAULT_TIMING.silence_s


def test_dialling_where_nobody_is_fails(tmp_path: Path) -> None:
    # An unclosed socket would fail the test, too.
    with pytest.raises(FileNotFoundError):
        transport.connect(ControlSocket(str(tmp_path / "control")))
    with FakeTor(silent) as server:
        closed = server.endpoint
    with pytest.raises(ConnectionRefusedError):
        transport.connect(closed)


def test_a_system_without_unix_sockets_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(OSError, match="this system has no such sockets"):
        transport.connect(ControlSocket("/run/tor/control"))


def test_nothing_embedded_is_dialled_here() -> None:
    with pytest.raises(OSError, match="demo is not an address"):
        transport.connect(DemoEndpoint("demo"))


# Who answers


def test_whoever_takes_a_connection_answers(tmp_path: Path) -> None:
    with FakeTor(silent) as port, FakeTor(silent, path=tmp_path / "control") as path:
        assert transport.is_listening(port.endpoint)
        assert transport.is_listening(path.endpoint)
        assert port.lines == path.lines == [], "and is told nothing"


def test_where_nobody_is_nobody_answers(tmp_path: Path) -> None:
    with FakeTor(silent) as server:
        closed = server.endpoint
    left_behind = socket.socket(socket.AF_UNIX)
    left_behind.bind(str(tmp_path / "left"))
    left_behind.close()
    for place in (
        closed,
        ControlSocket(str(tmp_path / "nowhere")),
        ControlSocket(str(tmp_path / "left")),
        ControlSocket(str(tmp_path)),
        ControlSocket("/" + "x" * 500),
        ControlSocket("/a\0b"),
        ControlSocket("/\ud800"),
        ControlPort("a..b", 9051),
        DemoEndpoint("demo"),
    ):
        assert not transport.is_listening(place)


def test_nobody_answers_on_a_socket_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    assert not transport.is_listening(ControlSocket("/run/tor/control"))


def test_who_takes_too_long_does_not_answer(tmp_path: Path) -> None:
    timing = Timing(probe_timeout_s=0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control"))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(listener.getsockname())  # and its queue is full
            assert not transport.is_listening(ControlSocket(str(tmp_path / "control")), timing)
