"""The transport: how it connects, what it stores, and when a read fails."""

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
from event_recorder import PATIENCE
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
    with transport.wrap(near) as opened, far:
        yield opened, far


def lines(reader: Transport) -> Iterator[bytes]:
    """Yield the lines as stem reads them."""
    yield from iter(reader.makefile().readline, b"")


def test_transport_sends_and_receives(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"250 OK\r\n")
    near.sendall(b"PROTOCOLINFO 1\r\n")
    assert next(lines(near)) == b"250 OK\r\n"
    assert far.recv(100) == b"PROTOCOLINFO 1\r\n"


def test_wrapped_socket_is_detached() -> None:
    near, far = socket.socketpair()
    with far, transport.wrap(near):
        assert near.fileno() == -1


def test_silence_fails_the_read_and_is_stored() -> None:
    timing = Timing(silence_s=0.05)
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as opened:
        with pytest.raises(TimeoutError):
            next(lines(opened))
        assert isinstance(opened.failure, TimeoutError)


def test_allowed_silence_is_reported_until_the_limit() -> None:
    timing = Timing(silence_s=0.02, give_up_after_s=0.1)
    silences: list[int] = []
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as opened:
        opened.on_silence = lambda: silences.append(1)
        opened.allow_silence()
        with pytest.raises(TimeoutError):
            next(lines(opened))
        assert isinstance(opened.failure, TimeoutError)
    assert len(silences) in {4, 5}, "each silence but the last is reported"


def test_silence_that_is_not_allowed_is_not_reported() -> None:
    timing = Timing(silence_s=0.02)
    silences: list[int] = []
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as opened:
        opened.on_silence = lambda: silences.append(1)
        with pytest.raises(TimeoutError):
            next(lines(opened))
    assert not silences


def test_unused_bytes_are_limited() -> None:
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


def test_regular_data_prevents_the_timeout() -> None:
    timing = Timing(silence_s=0.5)
    near, far = socket.socketpair()
    with far, transport.wrap(near, timing) as opened:

        def talk() -> None:
            for _ in range(6):
                far.sendall(b".\n")
                threading.Event().wait(0.1)

        talker = threading.Thread(target=talk)
        talker.start()
        reader = lines(opened)
        assert [next(reader) for _ in range(6)] == [b".\n"] * 6
        talker.join()
        assert opened.failure is None


def test_orderly_end_is_not_a_failure(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"250 closing connection\r\n")
    far.close()
    assert list(lines(near)) == [b"250 closing connection\r\n"]
    assert near.failure is None


def test_reset_is_stored_as_failure() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        transport.connect(ControlPort(*listener.getsockname())) as opened,
    ):
        far, _ = listener.accept()
        # With this option, close resets the connection.
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        with pytest.raises(ConnectionResetError):
            next(lines(opened))
        assert isinstance(opened.failure, ConnectionResetError)


def test_own_close_is_not_a_failure() -> None:
    # stem closes the socket in one thread while another one is about to read from it, even after
    # an orderly end.
    near, far = socket.socketpair()
    with far:
        opened = transport.wrap(near)
        opened.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            opened.readline()
        assert opened.failure is None


def test_error_after_an_orderly_end_is_not_a_failure(
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


def test_bytes_that_arrived_before_the_timeout_are_read(
    pair: tuple[Transport, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    # After ^Z and fg the process itself was stopped.
    near, far = pair
    original = _socket.socket.recv
    far.sendall(b"650 BW 1 1\r\n")

    def time_out_once(_: socket.socket, __: int) -> bytes:
        monkeypatch.setattr(socket.socket, "recv", original)
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "recv", time_out_once)
    assert near.readline() == b"650 BW 1 1\r\n"
    assert near.failure is None
    assert near.first_bytes == b"650 BW 1 1\r\n"


def test_only_the_first_bytes_are_stored(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    assert near.first_bytes == b""
    reader = lines(near)
    far.sendall(b"SSH-2.0\n")
    assert next(reader) == b"SSH-2.0\n"
    assert near.first_bytes == b"SSH-2.0\n"
    far.sendall(b"x" * 50 + b"\n" + b"y" * 200 + b"\n")
    assert [len(next(reader)) for _ in range(2)] == [51, 201]
    assert near.first_bytes == b"SSH-2.0\n" + b"x" * 50 + b"\n" + b"y" * 21


def test_two_transports_have_their_own_first_bytes() -> None:
    near, far = socket.socketpair()
    other, another = socket.socketpair()
    with far, another, transport.wrap(near) as one, transport.wrap(other) as two:
        far.sendall(b"one\n")
        next(lines(one))
        assert (one.first_bytes, two.first_bytes) == (b"one\n", b"")


def feed(far: socket.socket, data: bytes) -> threading.Thread:
    """Send more than a socket buffers, in another thread."""

    def send() -> None:
        with suppress(OSError):  # the other side may close the connection
            far.sendall(data)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_line_without_an_end_fails(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    sender = feed(far, b"x" * (4 * DEFAULT_TIMING.max_line_bytes))
    with pytest.raises(OSError, match="a line without an end"):
        list(lines(near))
    near.hang_up()
    sender.join(PATIENCE)
    assert str(near.failure) == "it sent a line without an end"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"01234", b"56789\n"], [b"0123456789\n"]),
        ([b"01234", b"56789a"], []),
        ([b"ab\n01234", b"56789\n"], [b"ab\n", b"0123456789\n"]),
        ([b"ab\n01234", b"56789a"], [b"ab\n"]),
        ([b"a\nb\n0123456789", b"\n"], [b"a\n", b"b\n", b"0123456789\n"]),
        ([b"a\n", b"\n", b"b\n\nc", b"d\n"], [b"a\n", b"\n", b"b\n", b"\n", b"cd\n"]),
    ],
)
def test_line_length_is_measured_across_reads(
    pieces: list[bytes], expected: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    timing = Timing(max_line_bytes=10)
    near, far = socket.socketpair()
    unread = iter(pieces)
    with far, transport.wrap(near, timing) as opened:
        monkeypatch.setattr(Transport, "recv", lambda *_: next(unread))
        assert [opened.readline() for _ in expected] == expected
        if expected[-1:] != [pieces[-1]] and not pieces[-1].endswith(b"\n"):
            with pytest.raises(OSError, match="without an end"):
                opened.readline()


@given(
    st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b"") + b"\n")),
    st.binary(max_size=3).map(lambda rest: rest.replace(b"\n", b"")),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_lines_are_complete_however_they_are_split(
    sent: list[bytes], rest: bytes, sizes: list[int]
) -> None:
    unread, size = b"".join(sent) + rest, cycle(sizes)

    class SplittingTransport(Transport):
        def recv(self, most: int, flags: int = 0) -> bytes:  # noqa: ARG002 - as the original
            nonlocal unread
            data, unread = unread[: (here := next(size))], unread[here:]
            return data

    near, far = socket.socketpair()
    with far, SplittingTransport(near.detach()) as opened:
        assert list(lines(opened)) == [*sent, *[rest] * bool(rest)]


def test_many_long_lines_are_read(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    long = b"x" * (DEFAULT_TIMING.max_line_bytes - 10) + b"\n"
    sender = feed(far, long * 3 + b"y\n")
    reader = lines(near)
    assert [len(next(reader)) for _ in range(4)] == [len(long)] * 3 + [2]
    sender.join(PATIENCE)
    assert near.failure is None


def test_hang_up_wakes_the_reading_thread(pair: tuple[Transport, socket.socket]) -> None:
    near, _ = pair
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(near.recv(10)))
    reader.start()
    near.hang_up()
    reader.join(PATIENCE)
    assert got == [b""]
    assert near.failure is None


def test_hang_up_may_be_repeated_and_follow_close(pair: tuple[Transport, socket.socket]) -> None:
    near, far = pair
    near.hang_up()
    near.hang_up()
    assert far.recv(1) == b""
    near.close()
    near.hang_up()


def test_connects_to_a_port_by_address_and_by_name() -> None:
    with FakeTor(silent) as server:
        assert isinstance(server.endpoint, ControlPort)
        for host in ("127.0.0.1", "localhost"):
            with transport.connect(ControlPort(host, server.endpoint.port)) as opened:
                assert opened.gettimeout() == DEFAULT_TIMING.silence_s


def test_connects_to_ipv6() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("there is no IPv6 loopback here")
    with listener, transport.connect(ControlPort("::1", listener.getsockname()[1])) as opened:
        assert opened.family is socket.AF_INET6


def test_connects_to_a_unix_socket(tmp_path: Path) -> None:
    with (
        FakeTor(silent, tmp_path / "control") as server,
        transport.connect(server.endpoint) as opened,
    ):
        assert opened.family is socket.AF_UNIX
        assert opened.gettimeout() == DEFAULT_TIMING.silence_s


def test_connecting_without_a_listener_fails(tmp_path: Path) -> None:
    # A socket that stays open would also fail the test.
    with pytest.raises(FileNotFoundError):
        transport.connect(ControlSocket(str(tmp_path / "control")))
    with FakeTor(silent) as server:
        closed = server.endpoint
    with pytest.raises(ConnectionRefusedError):
        transport.connect(closed)


def test_system_without_unix_sockets_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(OSError, match="this system has no such sockets"):
        transport.connect(ControlSocket("/run/tor/control"))


def test_demo_endpoint_is_an_error() -> None:
    with pytest.raises(OSError, match="demo is not an address"):
        transport.connect(DemoEndpoint("demo"))


# Listening


def test_endpoint_that_accepts_a_connection_is_listening(tmp_path: Path) -> None:
    with FakeTor(silent) as port, FakeTor(silent, path=tmp_path / "control") as path:
        assert transport.is_listening(port.endpoint)
        assert transport.is_listening(path.endpoint)
        assert port.lines == path.lines == [], "nothing is sent"


def test_other_endpoints_are_not_listening(tmp_path: Path) -> None:
    with FakeTor(silent) as server:
        closed = server.endpoint
    abandoned = socket.socket(socket.AF_UNIX)
    abandoned.bind(str(tmp_path / "left"))
    abandoned.close()
    for endpoint in (
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
        assert not transport.is_listening(endpoint)


def test_unix_socket_is_not_listening_on_a_system_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    assert not transport.is_listening(ControlSocket("/run/tor/control"))


def test_slow_endpoint_is_not_listening(tmp_path: Path) -> None:
    timing = Timing(probe_timeout_s=0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control"))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(listener.getsockname())  # now its queue is full
            assert not transport.is_listening(ControlSocket(str(tmp_path / "control")), timing)
