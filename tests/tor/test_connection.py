"""One connection, over a real socket, to a control port that does what the test says."""

import inspect
import logging
import os
import socket
import threading
import traceback
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import stem
import stem.control
import stem.socket
from connections import ALL_COMMANDS, SECRET, ManualClock, connected, connecting, open_error
from ear import Ear, eventually, threads_at_work
from fake_tor import (
    COOKIE,
    FILTER,
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
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nobody import nobody, open_directory

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    MAX_SAMPLE_BYTES,
    Connected,
    CounterBase,
    Event,
    Problem,
    Sample,
    Wrapped,
)
from bwgraph.system import threads
from bwgraph.tor import connection as connection_module
from bwgraph.tor import stem_adapter, transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.description import (
    ACCOUNTING_COMMANDS,
    FINGERPRINT_COMMAND,
    LIMIT_COMMANDS,
    ROUNDS_AFTER_REFUSAL,
)
from bwgraph.tor.endpoint import ControlPort, ControlSocket, DemoEndpoint, Endpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

HASTY = Timing(silence_s=0.2, first_event_timeout_s=0.1)
"For a peer that never answers."


# Letting in


def test_a_connection_says_whom_it_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "now", ManualClock())
    with FakeTor() as server, connecting(server.endpoint, Ear()) as connection:
        news = connection.open(Credentials())
        assert news == Connected(
            1000.0,
            str(server.endpoint),
            "0.4.9.11",
            "fake",
            CounterBase(424_182, 13),
            3600.0,
            "4711",
        )


def test_nothing_is_asked_for_but_what_is_needed() -> None:
    with FakeTor() as server, connected(server, Ear()):
        assert server.commands == ALL_COMMANDS


def test_a_unix_socket_does_as_well(tmp_path: Path) -> None:
    with FakeTor(path=tmp_path / "control") as server, connected(server, Ear()):
        assert server.commands == ALL_COMMANDS


@pytest.mark.parametrize("unix", [False, True])
def test_a_tor_that_names_us_its_owner_is_not_taken_over(tmp_path: Path, *, unix: bool) -> None:
    # A real tor answers like this when it was started with our process as its owner, or with one
    # whose number is now ours. TAKEOWNERSHIP would end it together with bwgraph.
    ours = Manners(conf={"__owningcontrollerprocess": str(os.getpid())})
    path = tmp_path / "control" if unix else None
    with FakeTor(ours, path) as server, connected(server, Ear()):
        assert server.commands == ALL_COMMANDS


def test_a_filter_that_grants_bw_alone_is_enough() -> None:
    ear = Ear()
    with FakeTor(FILTER) as server, connecting(server.endpoint, ear) as connection:
        news = connection.open(Credentials())
        assert (news.nickname, news.counters, news.uptime) == ("", None, None)
        assert (news.process, news.recent) == ("", ())
        assert connection.check_counters() is None
        connection.release_samples()
        server.emit(1, 2)
        assert ear.wait_for(Sample).written == 2
        assert server.commands[: len(ALL_COMMANDS)] == ALL_COMMANDS


def test_without_a_nickname_there_is_none() -> None:
    with (
        FakeTor(Manners(conf={})) as server,
        connecting(server.endpoint, Ear()) as connection,
    ):
        assert connection.open(Credentials()).nickname == ""


@pytest.mark.parametrize("methods", ["COOKIE", "SAFECOOKIE", "COOKIE,SAFECOOKIE"])
def test_a_cookie_lets_in(tmp_path: Path, methods: str) -> None:
    cookie = tmp_path / 'a\\b "cookie" \u00e9'
    cookie.write_bytes(COOKIE)
    manners = Manners(methods=methods, cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server, connected(server, Ear()):
        # The safe way never shows the cookie itself.
        assert (server.shown == [COOKIE]) == (methods == "COOKIE")
        assert "TAKEOWNERSHIP" not in server.commands


def test_the_cookie_is_where_the_user_says(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    manners = Manners(methods="COOKIE", cookie_path=b"/nowhere/at/all")
    with FakeTor(manners) as server, connected(server, Ear(), Credentials(cookie=str(cookie))):
        assert server.shown == [COOKIE]


def test_the_cookie_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    # Each start of tor writes another.
    cookie = tmp_path / "cookie"
    for content in (COOKIE, COOKIE[::-1]):
        cookie.write_bytes(content)
        manners = Manners(methods="COOKIE", cookie=content, cookie_path=os.fsencode(cookie))
        with FakeTor(manners) as server, connected(server, Ear()):
            assert server.shown == [content]


def test_a_password_is_tried_before_the_cookie() -> None:
    manners = Manners(
        methods="COOKIE,SAFECOOKIE,HASHEDPASSWORD", password=SECRET, cookie_path=b"/nowhere"
    )
    with FakeTor(manners) as server, connected(server, Ear(), Credentials(SECRET)):
        assert server.shown == [SECRET]


def test_a_password_that_nobody_asks_for_is_not_shown() -> None:
    with FakeTor() as server, connected(server, Ear(), Credentials(SECRET)):
        assert server.shown == [b""]


@pytest.fixture(scope="module")
def locked() -> Iterator[FakeTor]:
    with FakeTor(Manners(methods="HASHEDPASSWORD", password=SECRET)) as server:
        yield server


@settings(max_examples=60)
@given(st.binary(min_size=0, max_size=64).filter(lambda raw: not set(raw) & set(b"\r\n\0")))
@example(b"")
@example(SECRET)
@example(b'"')
@example(b"\\")
@example(b'\\"')
@example(b"ends in \\")
@example(b" spaces  within ")
@example("\u00e9\u4e1c".encode())
@example(bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b""))
def test_any_password_arrives_byte_for_byte(locked: FakeTor, password: bytes) -> None:
    locked.behaviour = Manners(methods="HASHEDPASSWORD", password=password)
    with connected(locked, Ear(), Credentials(password)):
        assert locked.shown[-1] == password


# Keeping the secret


class Everything(logging.Handler):
    """Keeps all that is logged, and asks for more."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@pytest.fixture
def everything() -> Iterator[Everything]:
    """What loggers keep if somebody else in the process wants to know it all."""
    handler = Everything()
    loggers = [logging.getLogger(), logging.getLogger("stem")]
    level = loggers[0].level
    loggers[0].setLevel(logging.NOTSET)
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
    loggers[0].setLevel(level)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and those behind it, the suppressed ones as well."""
    yield error
    for behind in (error.__cause__, error.__context__):
        if behind is not None:
            yield from chain(behind)


ECHO = b'515 Authentication failed: no such thing as AUTHENTICATE "%s"\r\n' % SECRET


@pytest.mark.parametrize(
    "manners",
    [
        Manners(methods="HASHEDPASSWORD", password=b"another"),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": ECHO}),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": b"551 Internal error\r\n"}),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": b"what?\r\n"}),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": HANG_UP}),
    ],
    ids=["refused", "echoed", "other error", "garbage", "hung up"],
)
def test_the_password_is_in_no_text(manners: Manners, everything: Everything) -> None:
    with FakeTor(manners) as server:
        credentials = Credentials(SECRET)
        failure = open_error(server.endpoint, credentials)
        # It did go over the wire, so there was something to be kept.
        assert SECRET.replace(b"\\", b"\\\\").replace(b'"', b'\\"') in server.lines[1]
    texts = [repr(credentials), failure.cause, failure.remedy, failure.needs_password_at]
    texts += [f"{error} {error!r}" for error in chain(failure) if isinstance(error, ExplainedError)]
    texts += traceback.format_exception(failure)
    texts += [record.getMessage() for record in everything.kept]
    assert not [text for text in texts if "s3cret" in text]


def test_a_good_password_is_in_no_text_either(everything: Everything) -> None:
    ear = Ear()
    manners = Manners(methods="HASHEDPASSWORD", password=SECRET)
    with FakeTor(manners) as server, connected(server, ear, Credentials(SECRET)) as connection:
        texts = [repr(connection), *map(repr, vars(connection).values()), *map(repr, ear.heard)]
        server.send(b"650 BW nonsense 1\r\n")
        ear.wait_for(Problem)
    texts += [record.getMessage() for record in everything.kept]
    assert everything.kept, "the warning was logged where it could be seen"
    assert not [text for text in texts if "s3cret" in text]


def test_stem_logs_warnings_and_nothing_below_to_us_alone(everything: Everything) -> None:
    with FakeTor() as server, connected(server, Ear()):
        logger = logging.getLogger("stem")
        assert not logger.propagate
        logger.info("below")
        logger.warning("a warning")
        # Once: from the handler at stem's own logger, not from the one at the root.
        assert [record.getMessage() for record in everything.kept] == ["a warning"]


def test_nothing_listens_to_stem_any_more_when_closed() -> None:
    before = list(logging.getLogger("stem").handlers)
    with FakeTor() as server, connected(server, Ear()):
        assert len(logging.getLogger("stem").handlers) == len(before) + 1
    assert logging.getLogger("stem").handlers == before


def test_nothing_listens_to_stem_when_the_connection_came_after_all_was_given_up() -> None:
    # A name that takes longer to look up than an attempt may take.
    before = list(logging.getLogger("stem").handlers)
    with FakeTor() as server:

        def dial_late(endpoint: Endpoint, timing: Timing) -> transport.Transport:
            connection.close()
            return transport.connect(endpoint, timing)

        connection = Connection(server.endpoint, dial_late, Ear(), lambda _: None)
        with pytest.raises(ExplainedError):
            connection.open(Credentials())
        assert logging.getLogger("stem").handlers == before


# Samples


def test_the_first_event_of_a_subscription_is_not_a_sample() -> None:
    ear = Ear()
    with FakeTor(Manners(spike=(4_000_000_000, 1))) as server, connected(server, ear):
        server.emit(100, 200)
        ear.wait_for(Sample)
        assert [(sample.read, sample.written) for sample in ear.samples] == [(100, 200)]


def test_a_sample_covers_the_time_since_the_event_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ear = ManualClock(), Ear()
    monkeypatch.setattr(connection_module, "now", clock)
    monkeypatch.setattr(connection_module, "awake", clock)
    with FakeTor() as server, connected(server, ear) as connection:
        for when in (1001.0, 1006.25):
            clock.time = when
            server.emit(7, 8)
            ear.wait_for(Sample)
            assert connection.last_heard == when
    assert ear.samples == [Sample(1001.0, 7, 8, 1.0), Sample(1006.25, 7, 8, 5.25)]


def test_the_time_for_which_the_machine_slept_is_in_no_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, waking, ear = ManualClock(), ManualClock(), Ear()
    monkeypatch.setattr(connection_module, "now", clock)
    monkeypatch.setattr(connection_module, "awake", waking)
    with FakeTor() as server, connected(server, ear):
        clock.time += 3600.0
        waking.time += 1.5
        server.emit(7, 8)
        assert ear.wait_for(Sample) == Sample(4600.0, 7, 8, 1.5)


def test_two_events_in_one_tick_of_the_clock_cover_some_time_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear = Ear()
    monkeypatch.setattr(connection_module, "awake", ManualClock())
    with FakeTor() as server, connected(server, ear):
        server.emit(7, 8)
        assert ear.wait_for(Sample).seconds == connection_module.MIN_SPAN_S


def test_each_subscription_has_a_first_event_of_its_own() -> None:
    ear = Ear()
    with FakeTor() as server:
        for number in (1, 2):
            with connected(server, ear):
                server.emit(number, 0)
                ear.wait_for(Sample)
    assert [sample.read for sample in ear.samples] == [1, 2]


def test_a_burst_loses_nothing() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"".join(b"650 BW %d 0\r\n" % n for n in range(2000)))
        eventually(lambda: len(ear.samples) == 2000, "all events are samples")
    assert [sample.read for sample in ear.samples] == list(range(2000))


def test_an_absurd_number_is_cut_down() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.emit(10**4000, (1 << 32) - 1)
        sample = ear.wait_for(Sample)
    assert (sample.read, sample.written) == (MAX_SAMPLE_BYTES, (1 << 32) - 1)


def test_more_fields_in_an_event_are_left_alone() -> None:
    # The control-spec allows for them.
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 BW 5 6 DIRREQ=1 CIRC=4\r\n")
        sample = ear.wait_for(Sample)
    assert (sample.read, sample.written) == (5, 6)


@pytest.mark.parametrize(
    "malformed",
    [
        b"650 BW\r\n",
        b"650 BW 5\r\n",
        b"650 BW -5 6\r\n",
        b"650 BW 5 6.0\r\n",
        b"650 BW 0x5 6\r\n",
        b"650 BW \x1b[2J \xff\r\n",
        b"650 \r\n",
    ],
)
def test_a_malformed_event_is_trouble_and_the_next_one_a_sample(malformed: bytes) -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(malformed)
        assert "malformed event" in ear.wait_for(Problem).text
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert len(ear.samples) == 1


@pytest.mark.parametrize("garbage", [b"garbage\r\n", b"\r\n", b"650\r\n", b"250 OK\n", b"\xff\r\n"])
def test_garbage_between_events_costs_none_of_them(garbage: bytes) -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(garbage)
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5


def test_other_events_are_not_samples() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 STREAM_BW 1 2 3\r\n650 SIGNAL RELOAD\r\n650 UNHEARD_OF 1 2\r\n")
        server.emit(5, 6)
        ear.wait_for(Sample)
    assert len(ear.samples) == 1


@pytest.mark.parametrize(
    "number", [b"9" * 4301, "²".encode()], ids=["too many digits", "a superscript"]
)
def test_a_number_that_stems_parser_raises_at_is_trouble_and_the_next_event_a_sample(
    number: bytes,
) -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 BW 1 %s\r\n" % number)
        assert "an event was lost: ValueError: " in ear.wait_for(Problem).text
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert len(ear.samples) == 1


# The listener


def test_an_exception_in_the_listener_reaches_the_user_and_the_next_event_the_graph() -> None:
    ear = Ear()

    def stumble(event: object) -> None:
        if isinstance(event, Sample) and event.read == 13:
            raise RuntimeError("stumbled")
        assert isinstance(event, Sample | Problem)
        ear(event)

    with FakeTor() as server, connected(server, stumble):
        server.emit(13, 1)
        assert "stumbled" in ear.wait_for(Problem).text
        server.emit(14, 1)
        assert ear.wait_for(Sample).read == 14


def test_stems_threads_wait_for_events_and_do_not_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards stem's private ``_event_notice``, without which it wakes up 20 times a second."""
    waits: list[float | None] = []
    patient = stem_adapter.UntimedEvent.wait

    def counted(self: stem_adapter.UntimedEvent, timeout: float | None = None) -> bool:
        waits.append(timeout)
        return patient(self, timeout)

    monkeypatch.setattr(stem_adapter.UntimedEvent, "wait", counted)
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        eventually(lambda: waits, "stem's notifier waits for our event, not for one of its own")
        threading.Event().wait(0.25)  # it would poll five times
        for number in range(5):
            server.emit(number, 0)
            assert ear.wait_for(Sample).read == number
        assert waits == [0.05], "stem's own pause, which is what _Patience is there to ignore"
    eventually(lambda: not threads_at_work(), "closing woke stem's threads up")


def test_events_are_handled_by_the_thread_that_reads_them() -> None:
    """Guards stem's private ``_recv``, in which they are."""
    names: list[str] = []
    ear = Ear()

    def tell(event: Event) -> None:
        names.append(threading.current_thread().name)
        ear(event)

    with FakeTor() as server, connected(server, tell):
        for number in range(3):
            server.emit(number, 0)
            ear.wait_for(Sample)
    assert names == ["Tor listener"] * 3


def test_an_event_that_a_later_tor_says_more_in_is_read_too() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 BW 17 4 DIRREQ=3\r\n650-BW 18 5\r\n650 OK\r\n")
        assert ear.wait_for(Sample).read == 17


def test_what_looks_like_an_event_within_an_answer_is_none() -> None:
    seen: list[tuple[int, int]] = []
    answer = b"650 BW 1 2\r\n250+traffic/read=\r\n650 BW 3 4\r\n.\r\n650 BW 5 6\r\n250 OK\r\n"
    near, far = socket.socketpair()
    with far, transport.wrap(near) as line:
        far.sendall(answer)
        lines = stem_adapter.EventFilter(line, lambda *pair: seen.append(pair))
        message = stem.socket.recv_message(lines)
    assert seen == [(1, 2)]
    assert "650 BW 3 4" in str(message)


def test_stem_is_as_it_is_known() -> None:
    """When this fails stem has changed: bwgraph works on, and costs more."""
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
def test_where_stem_has_no_such_part_its_own_way_is_taken(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stem in which it is called something else."""

    def renamed(module: ModuleType, kind: str, methods: Sequence[str]) -> None:
        base = getattr(module, kind)
        source = inspect.getsource(base).replace(name, f"{name}_of_another_name")
        namespace: dict[str, Any] = {}
        exec(compile(source, "another stem", "exec"), vars(module), namespace)
        for method in methods:
            monkeypatch.setattr(base, method, vars(namespace[kind])[method])

    renamed(
        stem.control, "BaseController", ("__init__", "msg", "_reader_loop", "_event_loop", "_close")
    )
    if name == "_recv":
        receive = stem.socket.BaseSocket._recv
        monkeypatch.delattr(stem.socket.BaseSocket, name)
        monkeypatch.setattr(stem.socket.BaseSocket, f"{name}_of_another_name", receive, False)
        renamed(stem.socket, "ControlSocket", ("recv",))
    if name == "_handle_event":
        handle = stem.control.Controller._handle_event
        monkeypatch.delattr(stem.control.Controller, name)
        monkeypatch.delattr(stem.control.BaseController, name)
        monkeypatch.setattr(stem.control.BaseController, f"{name}_of_another_name", handle, False)
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 BW 5\r\n")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
    assert not threads_at_work()


def test_what_a_broken_listener_or_event_raises_ends_no_reader_and_costs_no_other() -> None:
    ear = Ear()

    def stumble(event: Event) -> None:
        ear(event)
        if isinstance(event, Sample) and event.read % 2:
            raise RuntimeError(f"stumbled {event.read}")

    with FakeTor() as server, connected(server, stumble):
        for number in range(6):
            server.send(b"650 BW x\r\n650 BW 1 %s\r\n" % "²".encode())
            server.emit(number, 0)
        for number in range(6):
            assert ear.wait_for(Sample).read == number
        assert {thread.name for thread in threads_at_work()} == {"Tor listener", "Event notifier"}
    assert len(ear.samples) == 6
    eventually(lambda: not threads_at_work(), "no thread is left")


def test_closing_wakes_the_notifier_up_whenever_it_comes() -> None:
    with FakeTor() as server:
        for number in range(20):
            with connected(server, Ear()):
                if number % 2:
                    server.emit(1, 1)
            assert not threads_at_work()


def test_no_samples_after_abandoning() -> None:
    ear = Ear()
    busy, go_on = threading.Event(), threading.Event()

    def slow(event: object) -> None:
        assert isinstance(event, Sample)
        ear(event)
        busy.set()
        go_on.wait(10)

    with FakeTor() as server, connected(server, slow) as connection:
        for number in (1, 2, 3):
            server.emit(number, 0)
        busy.wait(10)
        connection.abandon()
        go_on.set()
        eventually(lambda: len(threads_at_work()) == 0, "stem has handed on what it had")
    assert [sample.read for sample in ear.samples] == [1]


def test_closing_ends_the_threads_and_lets_the_socket_go() -> None:
    with FakeTor() as server:
        with connected(server, Ear()):
            names = sorted(thread.name for thread in threads_at_work())
            assert names == ["Event notifier", "Tor listener"]
            assert len(server._sessions) == 1
        assert not threads_at_work()
        eventually(lambda: not server._sessions, "the server saw the end")


def test_closing_twice_is_closing_once() -> None:
    with FakeTor() as server, connected(server, Ear()) as connection:
        connection.close()


def test_bwgraphs_controller_subscribes_to_bw_alone() -> None:
    near, far = socket.socketpair()
    with near, far:
        made = stem_adapter.BandwidthController(
            stem_adapter.BandwidthSocket(transport.wrap(near), print)
        )
        assert made._event_listeners == {}
        made.add_event_listener(print, "SIGNAL", "CONF_CHANGED")
        assert made._event_listeners == {}
        made.add_event_listener(print, "BW")
        assert made._event_listeners == {"BW": [print]}
        made.get_socket()._unused.pop().close()


def test_a_connection_is_made_once() -> None:
    near, far = socket.socketpair()
    with near, far:
        control = stem_adapter.BandwidthSocket(transport.wrap(near), print)
        control.connect()
        control.close()
        with pytest.raises(stem.SocketError):
            control.connect()


# Losing it


def test_the_end_is_told_once_and_why() -> None:
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, Ear(), lost.append)
        connection.open(Credentials())
        server.hang_up()
        eventually(lambda: lost, "the loss is told")
        assert connection.loss_reason() == "it closed the connection"
        connection.close()
    assert lost == [connection]


def test_a_connection_gone_silent_is_lost() -> None:
    timing = Timing(silence_s=0.6, give_up_after_s=0.7)
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(
            server.endpoint, transport.connect, Ear(), lost.append, timing=timing
        )
        connection.open(Credentials())
        eventually(lambda: lost, "the loss is told")
        assert "silent for 1 s" in connection.loss_reason()
        connection.close()


def test_a_connection_that_floods_is_lost() -> None:
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, Ear(), lost.append)
        connection.open(Credentials())
        server.send(b"x" * (DEFAULT_TIMING.max_line_bytes + 100_000))
        eventually(lambda: lost, "the loss is told")
        assert connection.loss_reason() == "it sent a line without an end"
        connection.close()


# Holding samples back


def test_no_sample_comes_before_the_connection_is_told() -> None:
    ear = Ear()
    with FakeTor() as server, connecting(server.endpoint, ear) as connection:
        connection.open(Credentials())
        for number in (1, 2, 3):
            server.emit(number, 0)
        eventually(lambda: connection._counter_check.sample_bytes == (6, 0), "all three have come")
        assert ear.heard == []
        connection.release_samples()
        server.emit(4, 0)
        eventually(lambda: len(ear.samples) == 4, "they are told with the next")
    assert [sample.read for sample in ear.samples] == [1, 2, 3, 4]


def test_samples_that_come_together_with_the_release_are_told_once() -> None:
    ear = Ear()
    with FakeTor() as server, connecting(server.endpoint, ear) as connection:
        connection.open(Credentials())
        server.send(b"".join(b"650 BW %d 0\r\n" % n for n in range(2000)))
        eventually(lambda: connection._counter_check.sample_bytes[0] > 100, "they are coming")
        connection.release_samples()
        server.send(b"650 BW 2000 0\r\n")
        eventually(lambda: len(ear.samples) > 2000, "all events are samples")
    assert [sample.read for sample in ear.samples] == list(range(2001))


def test_what_came_before_the_end_is_told_when_it_is_released_after_it() -> None:
    ear, lost = Ear(), threading.Event()
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, ear, lambda _: lost.set())
        connection.open(Credentials())
        for number in (1, 2, 3):
            server.emit(number, 0)
        server.hang_up()
        assert lost.wait(10)
        eventually(
            lambda: connection._counter_check.sample_bytes == (6, 0), "what was sent has been read"
        )
        assert ear.heard == []
        connection.release_samples()
        connection.close()
    assert [sample.read for sample in ear.samples] == [1, 2, 3]


# What tor's own counters say


def test_what_is_counted_is_what_tor_moved_before_the_first_sample() -> None:
    ear = Ear()
    with FakeTor() as server, connecting(server.endpoint, ear) as connection:
        server.count(1_000_000, 1000)  # in its life
        news = connection.open(Credentials())
        assert news.counters == CounterBase(1_424_182, 1013)
        connection.release_samples()
        server.emit(70, 7)
        ear.wait_for(Sample)
        assert connection.check_counters() == CounterBase(1_424_182, 1013)
        server.count(5, 6)  # since the event, and in the next
        assert connection.check_counters() == CounterBase(1_424_187, 1019)
        server.moved = (server.moved[0] - 5, server.moved[1] - 6)
        server.emit(5, 6)
        ear.wait_for(Sample)
        assert connection.check_counters() == CounterBase(1_424_182, 1013)


def test_samples_that_are_held_back_are_not_counted_as_before_them() -> None:
    with FakeTor() as server, connecting(server.endpoint, Ear()) as connection:
        connection.open(Credentials())
        server.emit(70, 7)
        eventually(lambda: connection._counter_check.sample_bytes == (70, 7), "it has come")
        assert connection.check_counters() == CounterBase(424_182, 13)


def test_an_event_that_wrapped_is_found_out() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear) as connection:
        server.emit(1, 1)
        ear.wait_for(Sample)
        eventually(lambda: connection.check_counters() == CounterBase(424_182, 13), "all is well")
        server.count(1 << 32, 0)
        server.emit(5, 6)
        sample = ear.wait_for(Sample)
        assert connection.check_counters() == Wrapped(
            Sample(sample.ends_at, 1 << 32, 0, sample.seconds)
        )
        assert connection.check_counters() == CounterBase(424_182, 13), "it is found out once"


@pytest.mark.parametrize("key", ["traffic/read", "traffic/written", "uptime", "process/pid"])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        b"-5",
        b"1e3",
        b"0x10",
        b"9" * 30,
        b"9" * 5000,
        "²".encode(),
        b"\xff\xfe",
        b"\x1b[2J",
        b"5 6",
        b" 5",
    ],
)
def test_nonsense_is_as_good_as_no_answer(key: str, answer: bytes) -> None:
    ear = Ear()
    with (
        FakeTor(Manners(info={key: answer})) as server,
        connecting(server.endpoint, ear) as connection,
    ):
        news = connection.open(Credentials())
        connection.release_samples()
        if key.startswith("traffic"):
            assert news.counters is None
            assert connection.check_counters() is None
        if key == "uptime":
            assert news.uptime is None
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
    assert len(repr(news)) < 6000


@pytest.mark.parametrize(
    "reply",
    [
        b"510 Command filtered\r\n",
        b'552 Unrecognized key "x"\r\n',
        b"250 OK\r\n",
        b"250-other=5\r\n250 OK\r\n",
        b"250+traffic/read=\r\n5\r\n.\r\n250 OK\r\n",
        b"garbage\r\n",
    ],
)
def test_no_answer_is_not_the_end(reply: bytes) -> None:
    ear = Ear()
    with (
        FakeTor(Manners(replies={"GETINFO": reply})) as server,
        connecting(server.endpoint, ear) as connection,
    ):
        news = connection.open(Credentials())
        assert (news.counters, news.uptime, news.process, news.recent) == (None, None, "", ())
        connection.release_samples()
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert connection.check_counters() is None


# What it tells of itself


def told(connection: Connection) -> dict[str, str]:
    """Its answers of one round."""
    return connection._questions.ask_all(connection._ask)


def test_a_client_without_accounting_tells_of_its_rates() -> None:
    with FakeTor() as server, connected(server, Ear()) as connection:
        assert told(connection) == {
            "BandwidthRate": "1073741824",
            "RelayBandwidthRate": "0",
            "accounting/enabled": "0",
        }
        assert server.commands == [*ALL_COMMANDS, FINGERPRINT_COMMAND, *LIMIT_COMMANDS]


def test_what_has_changed_is_told_anew_and_not_from_stems_cache() -> None:
    info = {"fingerprint": b"A" * 40, "accounting/enabled": b"1", "accounting/bytes": b"1 2"}
    conf = {"bandwidthrate": "1000"}
    with (
        FakeTor(Manners(info=info, conf=conf)) as server,
        connected(server, Ear()) as connection,
    ):
        assert told(connection) == {
            "fingerprint": "A" * 40,
            "BandwidthRate": "1000",
            "RelayBandwidthRate": "0",
            "AccountingRule": "max",
            "accounting/enabled": "1",
            "accounting/bytes": "1 2",
        }
        assert server.commands[len(ALL_COMMANDS) :] == [
            FINGERPRINT_COMMAND,
            *LIMIT_COMMANDS,
            *ACCOUNTING_COMMANDS,
        ]
        info.update({"accounting/enabled": b"0"})
        conf["bandwidthrate"] = "2000"
        assert told(connection) == {
            "fingerprint": "A" * 40,
            "BandwidthRate": "2000",
            "RelayBandwidthRate": "0",
            "accounting/enabled": "0",
        }


def test_a_filter_that_refuses_all_of_it_does_no_harm_and_is_asked_rarely() -> None:
    ear = Ear()
    with FakeTor(FILTER) as server, connected(server, ear) as connection:
        for _ in range(2 * ROUNDS_AFTER_REFUSAL):
            assert told(connection) == {}
        assert {
            server.commands.count(command) for command in (FINGERPRINT_COMMAND, *LIMIT_COMMANDS)
        } == {2}
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert ear.troubles == []


@pytest.mark.parametrize(
    "reply",
    [b"250 OK\r\n", b"250-x=5\r\n250 OK\r\n", b"garbage\r\n", b"251 =\r\n", b"250 \xff\r\n"],
)
def test_an_answer_that_is_none_is_left_out(reply: bytes) -> None:
    ear = Ear()
    manners = Manners(replies={"GETINFO": reply, "GETCONF": reply})
    with FakeTor(manners) as server, connected(server, ear) as connection:
        assert told(connection) == {}
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5


def test_a_connection_that_ends_meanwhile_tells_nothing() -> None:
    # An answer without anything in it would say that tor has no limits any more.
    with (
        FakeTor(Manners(replies={"GETCONF": HANG_UP})) as server,
        connecting(server.endpoint, Ear()) as connection,
    ):
        assert connection.describe() is None  # nor does one that is not open
        with pytest.raises(ExplainedError):
            connection.open(Credentials())
        assert connection.describe() is None


@pytest.mark.parametrize("refused", [line for line in ALL_COMMANDS if line.startswith("GETINFO")])
def test_a_key_that_is_refused_costs_no_other(refused: str) -> None:
    manners = Manners(allowed=frozenset({*ALL_COMMANDS} - {refused}))
    with FakeTor(manners) as server, connecting(server.endpoint, Ear()) as connection:
        news = connection.open(Credentials())
        assert (news.counters is None) == ("traffic" in refused)
        assert (news.uptime is None) == ("uptime" in refused)
        assert (news.process == "") == ("pid" in refused)
        assert server.commands == ALL_COMMANDS


def test_a_connection_that_dies_of_the_questions_is_lost() -> None:
    lost = threading.Event()
    with FakeTor(Manners(replies={"GETINFO": HANG_UP})) as server:
        connection = Connection(server.endpoint, transport.connect, Ear(), lambda _: lost.set())
        assert connection.open(Credentials()).counters is None
        assert lost.wait(10)
        assert connection.check_counters() is None
        connection.close()


# What tor remembers

SEVEN = [(900, 9), (100, 10), (101, 11), (102, 12), (103, 13), (104, 14), (105, 15)]
"Entries of a tor's cache; the first of fewer than 300 is somebody's first event."


def opened_late(server: FakeTor, late: float, monkeypatch: pytest.MonkeyPatch) -> Connected:
    """What is told when the first event comes so many seconds after the answers."""
    clock = ManualClock()
    monkeypatch.setattr(connection_module, "now", clock)

    class Overdue(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            # The link waits for the first event: all that was asked has been answered.
            clock.time += late
            server.emit(*SEVEN[-1])
            return super().wait(timeout)

    with connecting(server.endpoint, Ear()) as connection:
        connection._first_event = Overdue()
        return connection.open(Credentials())


def test_the_cache_is_taken_when_somebody_else_keeps_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeTor(Manners(spike=None)) as server:
        server.cache.extend(SEVEN[:-1])
        news = opened_late(server, 0.4, monkeypatch)
        assert server.commands == [*ALL_COMMANDS, "GETINFO bw-event-cache"]
    assert [(sample.read, sample.written) for sample in news.recent] == SEVEN[1:]
    assert news.recent[-1].ends_at == 1000.4


def test_the_cache_is_not_asked_for_when_the_first_event_comes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It may be days old: tor only writes it while somebody is subscribed.
    with FakeTor(Manners(spike=None)) as server:
        server.cache.extend(SEVEN[:-1])
        news = opened_late(server, DEFAULT_TIMING.prompt_event_s / 2, monkeypatch)
        assert server.commands == ALL_COMMANDS
    assert news.recent == ()


def test_nor_when_it_comes_with_the_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "now", ManualClock())
    with FakeTor() as server, connecting(server.endpoint, Ear()) as connection:
        server.cache.extend(SEVEN)
        assert connection.open(Credentials()).recent == ()
        assert server.commands == ALL_COMMANDS


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", b"1,2,3 , 4 5,x \xff", b"9" * 30 + b",1 1,1", b"\x1b[2J"]
)
def test_nonsense_in_the_cache_is_nothing(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTor(Manners(spike=None, info={"bw-event-cache": answer})) as server:
        assert opened_late(server, 0.4, monkeypatch).recent == ()


def test_a_cache_that_is_refused_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTor(Manners(spike=None, allowed=frozenset(ALL_COMMANDS))) as server:
        news = opened_late(server, 0.4, monkeypatch)
    assert news.recent == ()
    assert news.uptime == 3600


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
    assert said.cause == "nobody listens there any more"
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


NOT_TOR = "this is no tor control port: it says "


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
    assert "takes connections and stays silent" in said.cause
    assert "is tor stopped?" in said.remedy


def test_a_tor_that_stops_in_the_middle_of_an_answer_is_given_up() -> None:
    def half_an_answer(session: Session) -> None:
        session.send(b"250-PROTOCOLINFO 1\r\n250-AUTH ME")
        silent(session)

    with FakeTor(half_an_answer) as server:
        said = open_error(server.endpoint, timing=HASTY)
    assert "stays silent" in said.cause


def test_a_filter_that_refuses_bw_is_named() -> None:
    timing = Timing(first_event_timeout_s=0.1)
    with FakeTor(FILTER_WITHOUT_BW) as server:
        said = open_error(server.endpoint, timing=timing)
        assert set(server.commands) == {x for x in ALL_COMMANDS if not x.startswith("GETINFO")}
    assert said.cause == "it let us in and sends no BW events"
    assert "SETEVENTS BW" in said.remedy


def test_a_tor_that_grants_bw_and_sends_none_is_the_same() -> None:
    timing = Timing(first_event_timeout_s=0.1)
    with FakeTor(Manners(spike=None)) as server:
        assert (
            open_error(server.endpoint, timing=timing).cause
            == "it let us in and sends no BW events"
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
    assert "stays silent" in said.cause


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
    assert "does not know what is in the cookie" in said.cause


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
