"""A hostile control port: what it can use up, and which of its bytes reach the terminal."""

import queue
import select
import subprocess
import threading
from contextlib import ExitStack

import pytest
from connections import connected
from event_recorder import EventRecorder, wait_until
from fake_tor import HANG_UP, FakeTor, Session, SessionHandler, TorBehavior, says
from pty_driver import Program, bwgraph_argv, environment
from supervisors import started

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    Connected,
    CounterBase,
    Described,
    Event,
    Lost,
    Problem,
    Refused,
    Sample,
)
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.ring import MAX_BUCKET_BYTES
from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.output import event_queue
from bwgraph.output.event_queue import EventQueue
from bwgraph.tor import stem_adapter, transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.stem_adapter import BoundedQueue
from bwgraph.tor.timing import Timing

# Floods

FLOODS = {
    "malformed": b"650 BW 5 x\r\n",
    "others": b"650 STREAM_BW 1 2 3\r\n",
    "unrequested answers": b"250 OK\r\n",
    "garbage": b"\xff\xfe\r\n",
    "several lines": b"650-BW 1 2\r\n650-BW 3 4\r\n650 OK\r\n",
}
"What is sent as fast as possible between valid events."


@pytest.mark.parametrize("name", FLOODS)
def test_flood_between_events_loses_no_event_and_uses_no_memory(name: str) -> None:
    recorder, count = EventRecorder(), 3000
    with FakeTor() as server, connected(server, recorder) as connection:
        unit = FLOODS[name] + b"650 BW 3 1\r\n"
        for _ in range(10):
            server.send(unit * (count // 10))
            assert_bounded(connection)

        def valid_samples() -> int:
            return sum((sample.read, sample.written) == (3, 1) for sample in recorder.samples)

        wait_until(
            lambda: len(recorder.samples) >= count and valid_samples() == count,
            "each event is a sample",
        )
        # Questions are still answered, after the unrequested answers have been read.
        server.emit(1, 1)
        wait_until(
            lambda: isinstance(connection.check_counters(), CounterBase),
            "tor's counters are read",
        )
        assert_bounded(connection)


def assert_bounded(connection: Connection) -> None:
    """Assert that stem's queues are not longer than allowed."""
    for name in ("_event_queue", "_reply_queue"):
        messages = getattr(connection._controller, name)
        assert isinstance(messages, BoundedQueue)
        assert messages.qsize() <= stem_adapter.MAX_QUEUED_MESSAGES


def test_dropped_messages_are_reported() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"250 \x1b[2Jx\r\n" * (stem_adapter.MAX_QUEUED_MESSAGES + 5))
        server.emit(1, 1)
        recorder.wait_for(Sample)
        assert (
            recorder.problem_texts
            == [r"a message was dropped, too many are waiting: '\x1b[2Jx'"] * 5
        )


def test_flood_of_held_samples_keeps_its_sum() -> None:
    timing = Timing(max_held_samples=4)
    recorder = EventRecorder()
    with FakeTor() as server:
        connection = Connection(
            server.endpoint, transport.connect, recorder, lambda _: None, timing=timing
        )
        connection.open(Credentials())
        server.send(b"".join(b"650 BW %d 2\r\n" % n for n in range(1000)))
        wait_until(
            lambda: connection._counter_check.sample_bytes == (499_500, 2000),
            "all of it has been read",
        )
        assert len(connection._held_samples) == 4
        connection.release_samples()
        connection.close()
    assert [sample.read for sample in recorder.samples] == [0, 1, 2, 499_497]
    assert sum(sample.written for sample in recorder.samples) == 2000


def test_bucket_is_limited_to_the_largest_number() -> None:
    history = History()
    for second in range(7000):
        history.push(Sample(1000.0 + second, MAX_BUCKET_BYTES // 3, 5, 1.0))
    for resolution in RESOLUTIONS[1:]:
        buckets = history.window(8000.0, 3, resolution).buckets
        assert max(buckets.read) == MAX_BUCKET_BYTES
        assert max(buckets.written) < 5 * 7001


@pytest.mark.parametrize("flood", [b"650-x\r\n", b"650+x\r\n650 BW 1 1\r\n", b"250-x\r\n"])
def test_endless_message_ends_the_connection(flood: bytes) -> None:
    lost: list[Connection] = []
    recorder = EventRecorder()
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, recorder, lost.append)
        connection.open(Credentials())
        connection.release_samples()
        server.send(flood * (stem_adapter.MAX_MESSAGE_LINES + 1))
        wait_until(lambda: lost, "the loss is reported")
        assert connection.loss_reason() == "it sent a message of more than 1024 lines"
        connection.close()
    assert recorder.samples == []


def test_long_warning_is_cut() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"650 BW 1 %s\r\n" % (b"x" * 900_000))
        assert len(recorder.wait_for(Problem).text) == stem_adapter.MAX_WARNING_CHARS
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5


def test_unread_events_are_bounded_and_include_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_queue, "MAX_QUEUED_SAMPLES", 4)
    monkeypatch.setattr(event_queue, "MAX_QUEUED_OTHER_EVENTS", 2)
    instance = Instance("x")
    events = EventQueue({}, Fleet([instance]))
    for number in range(100):
        events.handle(instance, Problem(float(number), "x"))
        events.handle(instance, Sample(float(number), 1, 1, 1.0))
    events.handle(instance, Refused(ExplainedError("no")))
    got = list(iter(lambda: events.next(0.0), None))
    assert len(got) == 4 + 2 + 1
    assert isinstance(got[-1].event, Refused)
    assert got[-1].dropped_samples == 100 - sum(isinstance(item.event, Sample) for item in got)


# Incomplete and wrong answers


@pytest.mark.parametrize("cut", [b"650 BW 10", b"650 BW 1000 5", b"650 BW 1000 5\r"])
def test_incomplete_event_is_not_a_sample(cut: bytes) -> None:
    lost = threading.Event()
    recorder = EventRecorder()
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, recorder, lambda _: lost.set())
        connection.open(Credentials())
        connection.release_samples()
        server.send(b"650 BW 7 7\r\n" + cut)
        server.hang_up()
        assert lost.wait(10)
        assert connection.loss_reason() == "it closed the connection"
        connection.close()
    assert [sample.read for sample in recorder.samples] == [7]


def test_answers_to_other_questions_are_ignored() -> None:
    """Each question except the first gets the answer to the previous one."""

    def answer_late(session: Session) -> None:
        previous = b""
        while (line := session.line()) is not None:
            reply = session._reply(line, TorBehavior())
            if not line.startswith(b"GETINFO"):
                session.send(reply)
                if line == b"SETEVENTS BW":
                    session.send(b"650 BW 1 1\r\n")
                    server.now_subscribed(session)
                continue
            session.send(previous or b"552 Unrecognized key\r\n")
            previous = reply

    recorder = EventRecorder()
    with FakeTor(answer_late) as server, connected(server, recorder) as connection:
        server.send(b"650 BW 5 5\r\n")
        assert recorder.wait_for(Sample).read == 5
        assert connection.check_counters() is None
        answers = connection._questions.ask_all(connection._ask)
        assert answers.keys() <= {"BandwidthRate", "RelayBandwidthRate"}
    assert recorder.problem_texts == []


# Threads that end


def test_exception_in_the_worker_thread_reconnects() -> None:
    timing = Timing(reconnect_delays_s=(0.001,), first_describe_delay_s=0.001)
    recorder = EventRecorder()
    failures: queue.SimpleQueue[None] = queue.SimpleQueue()

    def report(event: Event) -> None:
        if isinstance(event, Described) and failures.empty():
            failures.put(None)
            raise RuntimeError("failed")
        recorder(event)

    with FakeTor() as server, started(server.endpoint, report=report, timing=timing):
        recorder.wait_for(Connected)
        assert recorder.wait_for(Lost).reason == "unexpected: RuntimeError: failed"
        recorder.wait_for(Connected)
        recorder.wait_for(Described)  # after this, samples are reported at once
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5


def test_task_whose_thread_fails_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    timing = Timing(first_describe_delay_s=0.001, describe_interval_s=0.001)
    failures: list[str] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda failure: failures.append(str(failure.exc_value))
    )
    original = Connection.describe

    def fail_once(connection: Connection) -> Described | None:
        if not failures:
            raise RuntimeError("failed")
        return original(connection)

    monkeypatch.setattr(Connection, "describe", fail_once)
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing):
        recorder.wait_for(Described)
        assert server.accepted == 1
    assert failures == ["failed"]


# Escape sequences

EVIL = "\x1b]0;EVIL\x07\x1b[2J\x9b31m\x1b]52;c;RVZJTA==\x07"
"Written to a terminal, it renames, clears and colours the window and fills the clipboard."
RAW, LATIN = EVIL.encode(), EVIL.encode("latin-1")

ESCAPES: dict[str, TorBehavior | SessionHandler] = {
    "its name and limits": TorBehavior(
        conf={"nickname": EVIL, "bandwidthrate": EVIL},
        info={
            "fingerprint": RAW,
            "process/pid": RAW,
            "uptime": LATIN,
            "traffic/read": RAW,
            "accounting/enabled": b"1",
            "accounting/hibernating": RAW,
            "accounting/interval-end": LATIN,
        },
    ),
    "its version": TorBehavior(version="0.4.8 \x1b]0;EVIL\x07"),
    "its cookie's path": TorBehavior(methods="COOKIE", cookie_path=b"/nowhere/" + RAW),
    "its raw cookie's path": says(
        b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE COOKIEFILE="/%s"\r\n250 OK\r\n' % RAW
    ),
    "its methods": says(b"250-PROTOCOLINFO 1\r\n250-AUTH METHODS=%s\r\n250 OK\r\n" % RAW),
    "its error on PROTOCOLINFO": TorBehavior(replies={"PROTOCOLINFO": b"510 %s\r\n" % RAW}),
    "its error on AUTHENTICATE": TorBehavior(replies={"AUTHENTICATE": b"515 %s\r\n" % RAW}),
    "its error on SETEVENTS": TorBehavior(replies={"SETEVENTS": b"552 %s\r\n" % RAW}),
    "its errors": TorBehavior(
        replies={"GETINFO": b"551 %s\r\n" % RAW, "GETCONF": b"551 %s\r\n" % LATIN}
    ),
    "its first words": says(RAW + b"\r\n", unasked=True),
    "its last words": TorBehavior(replies={"AUTHENTICATE": HANG_UP}, version=""),
}
"Hostile tors, by the string that contains the escape sequences."

CONNECTED = ("its name and limits", "its errors")
"The tors that send events."

EVENTS = (
    b"650 BW 1 %s\r\n650 %s\r\n250 %s\r\n%s\r\n" % (RAW, RAW, LATIN, LATIN)
    + b"650 BW 5 6 %s\r\n" % RAW
)


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["on the screen", "as lines"])
def test_no_escape_sequence_of_a_tor_reaches_the_terminal(flags: list[str]) -> None:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FakeTor(evil)) for name, evil in ESCAPES.items()}
        programs = {
            name: stack.enter_context(Program("--port", f"{server.endpoint}", *flags))
            for name, server in servers.items()
        }
        for name in CONNECTED:
            servers[name].send(EVENTS)
            programs[name].wait_for("malformed event")
            programs[name].send("\x03")
        for name, program in programs.items():
            assert program.wait_exit() == (1 if name not in CONNECTED else 0), name
            assert_harmless(name, program)


def assert_harmless(name: str, program: Program) -> None:
    """Assert that a program wrote none of the control characters in EVIL."""
    for sequence in (b"\x1b]0", b"\x1b]52", b"\x07", b"\x9b31m"):
        assert sequence not in program.raw, (name, sequence, program.raw[-500:])
    assert "Traceback" not in program.text(), name


def test_no_escape_sequence_reaches_a_pipe() -> None:
    with FakeTor(ESCAPES["its name and limits"]) as server:
        argv = bwgraph_argv("--port", str(server.endpoint), "--json")
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        ) as program:
            server.send(EVENTS)
            assert program.stdout is not None
            # Events before the report of the connection are reported with the next one.
            while not select.select([program.stdout], [], [], 0.02)[0]:
                server.emit(1, 1)
            lines = [program.stdout.readline()]
            assert program.stderr is not None
            lines += [program.stderr.readline()]
            program.terminate()
            lines += [text for text in program.communicate() if text]
    for text in lines:
        assert text
        assert text.isascii() or text.decode().isprintable()
        assert b"\x1b" not in text
