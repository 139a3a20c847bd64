"""What is done in place of stem's own way, and the private parts of stem that it needs."""

import inspect
import socket
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
import stem
import stem.control
import stem.socket
from connections import connected
from event_recorder import EventRecorder, running_threads, wait_until
from fake_tor import (
    FakeTor,
)

from bwgraph.model.events import (
    Event,
    Problem,
    Sample,
)
from bwgraph.tor import stem_adapter, transport
from bwgraph.tor.timing import Timing


def test_exception_in_the_listener_is_reported_and_the_next_event_is_a_sample() -> None:
    recorder = EventRecorder()

    def fail_at_13(event: object) -> None:
        if isinstance(event, Sample) and event.read == 13:
            raise RuntimeError("failed")
        assert isinstance(event, Sample | Problem)
        recorder(event)

    with FakeTor() as server, connected(server, fail_at_13):
        server.emit(13, 1)
        assert "failed" in recorder.wait_for(Problem).text
        server.emit(14, 1)
        assert recorder.wait_for(Sample).read == 14


def test_event_thread_of_stem_does_not_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guard stem's private ``_event_notice``, with which its thread wakes up 20 times a second."""
    waits: list[float | None] = []
    original = stem_adapter.UntimedEvent.wait

    def counting_wait(self: stem_adapter.UntimedEvent, timeout: float | None = None) -> bool:
        waits.append(timeout)
        return original(self, timeout)

    monkeypatch.setattr(stem_adapter.UntimedEvent, "wait", counting_wait)
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        wait_until(lambda: waits, "stem's event thread waits for our event")
        threading.Event().wait(0.25)  # it would poll five times
        for number in range(5):
            server.emit(number, 0)
            assert recorder.wait_for(Sample).read == number
        assert waits == [0.05], "stem's timeout, which UntimedEvent ignores"
    wait_until(lambda: not running_threads(), "closing has woken stem's threads up")


def test_events_are_handled_by_the_thread_that_reads_them() -> None:
    """Guard stem's private ``_recv``."""
    names: list[str] = []
    recorder = EventRecorder()

    def report(event: Event) -> None:
        names.append(threading.current_thread().name)
        recorder(event)

    with FakeTor() as server, connected(server, report):
        for number in range(3):
            server.emit(number, 0)
            recorder.wait_for(Sample)
    assert names == ["Tor listener"] * 3


def test_event_with_additional_fields_is_read_ahead_of_stem() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"650 BW 17 4 DIRREQ=3\r\n650-BW 18 5\r\n650 OK\r\n")
        assert recorder.wait_for(Sample).read == 17


def test_event_like_line_within_an_answer_is_no_event() -> None:
    seen: list[tuple[int, int]] = []
    answer = b"650 BW 1 2\r\n250+traffic/read=\r\n650 BW 3 4\r\n.\r\n650 BW 5 6\r\n250 OK\r\n"
    near, far = socket.socketpair()
    with far, transport.wrap(near) as near_transport:
        far.sendall(answer)
        lines = stem_adapter.EventFilter(near_transport, lambda *pair: seen.append(pair))
        message = stem.socket.recv_message(lines)
    assert seen == [(1, 2)]
    assert "650 BW 3 4" in str(message)


def test_stem_still_uses_its_private_parts_as_expected() -> None:
    """If this fails, stem has changed: bwgraph still works, but uses more CPU."""
    assert "recv_message(sf)" in inspect.getsource(stem.socket.ControlSocket.recv)
    assert "handler(my_socket, my_socket_file)" in inspect.getsource(stem.socket.BaseSocket._recv)
    loop = inspect.getsource(stem.control.BaseController._event_loop)
    reader = inspect.getsource(stem.control.BaseController._reader_loop)
    assert "self._handle_event(event_message)" in loop
    assert "self._event_notice.wait(0.05)" in loop
    assert "self._socket.recv()" in reader
    assert "self._event_notice.set()" in reader
    assert "self._event_queue.put(control_message)" in reader
    assert "self._reply_queue.put(control_message)" in reader
    message = inspect.getsource(stem.control.BaseController.msg)
    assert "self._reply_queue.get()" in message
    assert "self._event_notice.set()" in inspect.getsource(stem.control.BaseController._close)


@pytest.mark.parametrize(
    "name", ["_event_notice", "_event_queue", "_reply_queue", "_handle_event", "_recv"]
)
def test_stem_without_a_private_part_works_in_its_own_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replace stem by one in which the part has another name."""

    def rename_in(module: ModuleType, kind: str, methods: Sequence[str]) -> None:
        base = getattr(module, kind)
        source = inspect.getsource(base).replace(name, f"{name}_of_another_name")
        namespace: dict[str, Any] = {}
        exec(compile(source, "another stem", "exec"), vars(module), namespace)
        for method in methods:
            monkeypatch.setattr(base, method, vars(namespace[kind])[method])

    rename_in(
        stem.control, "BaseController", ("__init__", "msg", "_reader_loop", "_event_loop", "_close")
    )
    if name == "_recv":
        receive = stem.socket.BaseSocket._recv
        monkeypatch.delattr(stem.socket.BaseSocket, name)
        monkeypatch.setattr(stem.socket.BaseSocket, f"{name}_of_another_name", receive, False)
        rename_in(stem.socket, "ControlSocket", ("recv",))
    if name == "_handle_event":
        handle = stem.control.Controller._handle_event
        monkeypatch.delattr(stem.control.Controller, name)
        monkeypatch.delattr(stem.control.BaseController, name)
        monkeypatch.setattr(stem.control.BaseController, f"{name}_of_another_name", handle, False)
    recorder = EventRecorder()
    # Much less than the events below have together.
    timing = Timing(max_unused_bytes=1000)
    with FakeTor() as server, connected(server, recorder, timing=timing):
        server.send(b"650 BW 5\r\n")
        for _ in range(150):
            server.emit(5, 6)
            assert recorder.wait_for(Sample).read == 5
    assert not running_threads()


def test_events_that_only_stem_recognizes_are_no_unused_bytes() -> None:
    recorder, timing = EventRecorder(), Timing(max_unused_bytes=1000)
    with FakeTor() as server, connected(server, recorder, timing=timing):
        for _ in range(75):
            server.send(b"650-BW 5 6\r\n650 OK\r\n")
            assert recorder.wait_for(Sample).read == 5


def test_exceptions_end_no_thread_and_lose_no_other_event() -> None:
    recorder = EventRecorder()

    def fail_at_odd(event: Event) -> None:
        recorder(event)
        if isinstance(event, Sample) and event.read % 2:
            raise RuntimeError(f"failed at {event.read}")

    with FakeTor() as server, connected(server, fail_at_odd):
        for number in range(6):
            server.send(b"650 BW x\r\n650 BW 1 %s\r\n" % "²".encode())
            server.emit(number, 0)
        for number in range(6):
            assert recorder.wait_for(Sample).read == number
        assert {thread.name for thread in running_threads()} == {"Tor listener", "Event notifier"}
    assert len(recorder.samples) == 6
    wait_until(lambda: not running_threads(), "no thread is left")


def test_closing_wakes_the_event_thread_up_at_any_time() -> None:
    with FakeTor() as server:
        for number in range(20):
            with connected(server, EventRecorder()):
                if number % 2:
                    server.emit(1, 1)
            assert not running_threads()


def test_abandoned_connection_reports_no_sample() -> None:
    recorder = EventRecorder()
    busy, go_on = threading.Event(), threading.Event()

    def slow(event: object) -> None:
        assert isinstance(event, Sample)
        recorder(event)
        busy.set()
        go_on.wait(10)

    with FakeTor() as server, connected(server, slow) as connection:
        for number in (1, 2, 3):
            server.emit(number, 0)
        busy.wait(10)
        connection.abandon()
        go_on.set()
        wait_until(lambda: len(running_threads()) == 0, "stem has handled its events")
    assert [sample.read for sample in recorder.samples] == [1]


def test_closing_ends_the_threads_and_closes_the_socket() -> None:
    with FakeTor() as server:
        with connected(server, EventRecorder()):
            names = sorted(thread.name for thread in running_threads())
            assert names == ["Event notifier", "Tor listener"]
            assert len(server._sessions) == 1
        assert not running_threads()
        wait_until(lambda: not server._sessions, "the server has seen the end")


def test_connection_can_be_closed_twice() -> None:
    with FakeTor() as server, connected(server, EventRecorder()) as connection:
        connection.close()


def test_controller_subscribes_to_bw_only() -> None:
    near, far = socket.socketpair()
    with near, far:
        controller = stem_adapter.BandwidthController(
            stem_adapter.BandwidthSocket(transport.wrap(near), print)
        )
        assert controller._event_listeners == {}
        controller.add_event_listener(print, "SIGNAL", "CONF_CHANGED")
        assert controller._event_listeners == {}
        controller.add_event_listener(print, "BW")
        assert controller._event_listeners == {"BW": [print]}
        controller.get_socket()._unused.pop().close()


def test_control_socket_is_connected_only_once() -> None:
    near, far = socket.socketpair()
    with near, far:
        control = stem_adapter.BandwidthSocket(transport.wrap(near), print)
        control.connect()
        control.close()
        with pytest.raises(stem.SocketError):
            control.connect()
