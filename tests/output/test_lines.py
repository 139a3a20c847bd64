"""Samples as lines: their order, the messages beside them, and how they end."""

import io
import json
import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    Connected,
    CounterBase,
    Event,
    Lost,
    Problem,
    Refused,
    Report,
    Sample,
    Source,
    Wrapped,
)
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.output import event_queue
from bwgraph.output import lines as lines_module
from bwgraph.output.event_queue import MAX_QUEUED_SAMPLES, EventQueue
from bwgraph.output.lines import write_lines
from bwgraph.recording.format import Entry, json_line
from bwgraph.system import clock
from bwgraph.system.threads import run_with_timeout
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import DemoEndpoint, Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing
from bwgraph.tor.transport import Transport, wrap

ENDPOINT = "127.0.0.1:9051"
START = 1000.0
CONNECTED = Connected(at=START, endpoint=ENDPOINT, version="0.4.9.11", nickname="relay")
END = Problem(0.0, "that is all")
"The event at which a test's reader leaves, if nothing else makes it."
WALL_CLOCK = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
"What the wall clock shows at START."
SAMPLE = Sample(9.0, read=700, written=70, seconds=1.0022)

TIMEOUT_S = 10.0
"Seconds after which a test that hangs fails. None takes a tenth of a second."


Result = tuple[ExplainedError | None, list[str]]


@pytest.fixture(autouse=True)
def _fixed_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "now", lambda: START)


class ScriptedSource:
    """A source that runs a function in a thread of its own."""

    def __init__(self, script: Callable[[Report], None]) -> None:
        self._script = script
        self.closed = 0

    def start(self, report: Report) -> None:
        threading.Thread(target=self._script, args=(report,), name="source", daemon=True).start()

    def retry_now(self) -> None:
        raise AssertionError("nothing asks for a retry here")

    def close(self) -> None:
        self.closed += 1


def source_of(*events: Event) -> ScriptedSource:
    """Return a source that reports these events and then END."""

    def script(report: Report) -> None:
        for event in (*events, END):
            report(event)

    return ScriptedSource(script)


def samples(count: int) -> list[Sample]:
    """Return samples that all differ."""
    return [Sample(START + 1 + i, 10 * i, i, 1.0) for i in range(count)]


def run_one(
    source: Source, output: io.StringIO, write_message: Callable[[str], object]
) -> ExplainedError | None:
    """Write the lines of one tor."""
    instance = Instance("a tor")
    return run({instance: source}, Fleet([instance]), output, write_message)


def run(
    sources: Mapping[Instance, Source],
    fleet: Fleet,
    output: io.StringIO,
    write_message: Callable[[str], object],
) -> ExplainedError | None:
    """Write the lines of several tors, as JSON."""

    def write(entry: Entry) -> None:
        print(json_line(entry), file=output, flush=True)

    with EventQueue(sources, fleet) as events:
        return write_lines(events, fleet, write, write_message)


class ReaderLeftError(Exception):
    """Ends ``write_lines`` at END."""


def run_until_end(
    task: Callable[[Callable[[str], None]], ExplainedError | None],
) -> Result:
    """Return the result of ``task`` and its messages before END. Raises TimeoutError."""
    messages: list[str] = []

    def write_message(text: str) -> None:
        if text.endswith(END.text):
            raise ReaderLeftError
        messages.append(text)

    error = None
    with suppress(ReaderLeftError):
        error = run_with_timeout(TIMEOUT_S, lambda: task(write_message), "lines")
    return error, messages


def run_one_until_end(source: Source, output: io.StringIO) -> Result:
    return run_until_end(lambda write_message: run_one(source, output, write_message))


def lines_of(*events: Event) -> list[dict[str, object]]:
    """Return the lines for these events."""
    output = io.StringIO()
    run_one_until_end(source_of(*events), output)
    return [json.loads(text) for text in output.getvalue().splitlines()]


# Lines


def test_each_sample_is_one_line_in_order() -> None:
    lines = lines_of(CONNECTED, *samples(500))
    assert [(each["read"], each["written"]) for each in lines] == [(10 * i, i) for i in range(500)]
    assert {each["tor"] for each in lines} == {ENDPOINT}


def test_sample_of_zero_bytes_is_a_line() -> None:
    assert [each["read"] for each in lines_of(CONNECTED, Sample(1.0, 0, 0, 1.0))] == [0]


def test_other_events_are_no_lines() -> None:
    recent = Connected(1000.0, ENDPOINT, counters=CounterBase(5, 5), recent=tuple(samples(3)))
    lost, problem = Lost(1.0, "gone", 2.0), Problem(1.0, "oh")
    assert lines_of(recent, CounterBase(1, 1), Wrapped(SAMPLE), lost, problem) == []


def test_line_names_the_endpoint_of_the_latest_connection() -> None:
    moved = Connected(1000.0, "/run/tor/control")
    lines = lines_of(CONNECTED, SAMPLE, Lost(9.0, "gone", 9.5), moved, SAMPLE, SAMPLE)
    assert [each["tor"] for each in lines] == [ENDPOINT, *["/run/tor/control"] * 2]


def test_each_line_is_flushed_at_once() -> None:
    # So that a reader of a pipe gets each sample when it arrives, not when a buffer is full.
    class Output(io.StringIO):
        unflushed = ""
        flushed: Sequence[str] = ()

        def write(self, text: str) -> int:
            self.unflushed += text
            return len(text)

        def flush(self) -> None:
            self.flushed = [*self.flushed, self.unflushed]
            self.unflushed = ""

    output = Output()
    run_one_until_end(source_of(CONNECTED, *samples(3)), output)
    assert [text.count("\n") for text in output.flushed] == [1, 1, 1]
    assert all(text.endswith("}\n") for text in output.flushed)
    assert output.unflushed == ""


def test_time_of_a_line_is_the_end_of_its_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Both clocks advance by a second each time that they are read.
    class AdvancingClock:
        reads = 0

        def read(self) -> Moment:
            self.reads += 1
            return Moment(START + self.reads, WALL_CLOCK + timedelta(seconds=self.reads))

    monkeypatch.setattr(event_queue, "SystemClock", AdvancingClock)
    times = [each["time"] for each in lines_of(CONNECTED, *reversed(samples(3)))]
    assert times == [f"2026-01-02T03:04:{second:02}.678Z" for second in (8, 7, 6)]


# Messages


def test_loss_and_problem_are_messages_in_order() -> None:
    events = (CONNECTED, SAMPLE, Lost(9.0, "it closed the connection", 9.5), Problem(9.1, "oh"))
    output = io.StringIO()
    _, messages = run_one_until_end(source_of(*events), output)
    assert messages == ["no tor: it closed the connection; trying again", "oh"]
    assert output.getvalue().count("\n") == 1


def test_connected_tor_needs_no_message() -> None:
    source = source_of(CONNECTED, *samples(50), CounterBase(1, 1), Wrapped(SAMPLE))
    _, messages = run_one_until_end(source, io.StringIO())
    assert messages == []


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (0, []),
        (1, ["1 sample was dropped: the reader was too slow"]),
        (700, ["700 samples were dropped: the reader was too slow"]),
    ],
)
def test_blocked_reader_loses_samples_beyond_the_limit_and_gets_a_message(
    missed: int, expected: list[str]
) -> None:
    blocked, all_reported, all_read = threading.Event(), threading.Event(), threading.Event()
    first, *rest = samples(1 + MAX_QUEUED_SAMPLES + missed)

    class Output(io.StringIO):
        """Its reader blocks at the first line until all samples are reported."""

        lines = 0

        def write(self, text: str) -> int:
            blocked.set()
            assert all_reported.wait(TIMEOUT_S)
            self.lines += text.count("\n")
            if self.lines == 1 + MAX_QUEUED_SAMPLES:
                all_read.set()
            return super().write(text)

    def script(report: Report) -> None:
        report(CONNECTED)
        report(first)
        assert blocked.wait(TIMEOUT_S)
        for sample in rest:
            report(sample)  # must not block
        all_reported.set()
        assert all_read.wait(TIMEOUT_S)
        report(END)

    output = Output()
    _, messages = run_one_until_end(ScriptedSource(script), output)
    numbers = [json.loads(text)["written"] for text in output.getvalue().splitlines()]
    assert numbers == list(range(1 + MAX_QUEUED_SAMPLES))
    assert messages == expected


def test_each_message_counts_the_samples_dropped_since_the_last() -> None:
    turns = [threading.Event() for _ in range(4)]

    class Output(io.StringIO):
        lines = 0

        def write(self, text: str) -> int:
            if "\n" in text:
                self.lines += 1
                if self.lines == 1:
                    turns[0].set()
                    assert turns[1].wait(TIMEOUT_S)
                elif self.lines == 1 + MAX_QUEUED_SAMPLES:
                    turns[2].set()
                    assert turns[3].wait(TIMEOUT_S)
            return super().write(text)

    def script(report: Report) -> None:
        report(CONNECTED)
        report(samples(1)[0])
        for before, after, missed in ((0, 1, 3), (2, 3, 5)):
            assert turns[before].wait(TIMEOUT_S)
            for sample in samples(MAX_QUEUED_SAMPLES + missed):
                report(sample)
            turns[after].set()
        report(END)  # the message about dropped samples precedes the next event

    output, source, messages = Output(), ScriptedSource(script), list[str]()

    def write_message(text: str) -> None:
        messages.append(text)
        if len(messages) == 2:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_with_timeout(TIMEOUT_S, lambda: run_one(source, output, write_message), "lines")
    assert [text.split()[0] for text in messages] == ["3", "5"]


# Several tors


class Several:
    """Tors whose sources report, each from its thread, in the order of a script."""

    def __init__(self, *tors: Instance) -> None:
        self.tors = tors
        self.reports: dict[Instance, Report] = {}
        self.sources = {tor: self._source(tor) for tor in tors}
        self.fleet = Fleet(tors)
        self.messages: list[str] = []
        self._all_started = threading.Barrier(len(tors) + 1)

    def _source(self, tor: Instance) -> ScriptedSource:
        def script(report: Report) -> None:
            self.reports[tor] = report
            self._all_started.wait(TIMEOUT_S)

        return ScriptedSource(script)

    def run(
        self, *script: tuple[int, Event]
    ) -> tuple[ExplainedError | None, list[dict[str, object]]]:
        def report_all() -> None:
            self._all_started.wait(TIMEOUT_S)
            for number, event in script:
                self.reports[self.tors[number]](event)

        output = io.StringIO()
        reporter = threading.Thread(target=report_all, daemon=True)
        reporter.start()
        error, self.messages = run_until_end(
            lambda write_message: run(self.sources, self.fleet, output, write_message)
        )
        reporter.join(TIMEOUT_S)
        return error, [json.loads(text) for text in output.getvalue().splitlines()]


def test_each_line_names_its_tor() -> None:
    several = Several(Instance("a", label="exit"), Instance("b"), Instance("c"))
    one, two, three = samples(3)
    _, lines = several.run(
        (0, Connected(1.0, "127.0.0.1:1", nickname="x")),
        (1, Connected(1.0, "127.0.0.1:2", nickname="relay")),
        (1, one),
        (0, two),
        (2, Refused(ExplainedError("c: no"))),
        (0, three),
        (0, END),
    )
    # The label, or else the endpoint: any tor may have any nickname.
    assert [(each["tor"], each["written"]) for each in lines] == [
        ("127.0.0.1:2", 0),
        ("exit", 1),
        ("exit", 2),
    ]


def test_message_names_its_tor_if_there_are_several() -> None:
    several = Several(Instance("a", label="exit"), Instance("b"))
    assert several.run(
        (0, Lost(9.0, "gone", 9.5)),
        (1, Problem(9.0, "oh")),
        (1, Connected(1.0, "127.0.0.1:2", nickname="relay")),
        (1, Problem(9.0, "again")),
        (0, END),
    ) == (None, [])
    assert several.messages == [
        "exit: no tor: gone; trying again",
        *("relay: oh", "relay: again"),
    ]
    assert [source.closed for source in several.sources.values()] == [1, 1]


def test_refusals_of_all_tors_end_the_lines_with_each_cause() -> None:
    several = Several(Instance("a"), Instance("b"))
    error, lines = several.run(
        (0, Refused(ExplainedError("a: no"))), (1, SAMPLE), (1, Refused(ExplainedError("b: no")))
    )
    assert error is not None
    assert "a: no" in error.cause
    assert "b: no" in error.cause
    assert [source.closed for source in several.sources.values()] == [1, 1]
    assert len(lines) <= 1


def test_samples_of_a_duplicate_tor_are_no_lines() -> None:
    several = Several(Instance("a"), Instance("b"), Instance("c"))
    several.fleet = Fleet(several.tors, found=True)
    one, two, three = samples(3)
    _, lines = several.run(
        (0, Connected(1.0, "127.0.0.1:9051", uptime=7.0, process="4711")),
        (1, Connected(1.0, "/run/tor/control", uptime=7.0, process="4711")),
        (0, one),
        (1, three),
        (0, two),
        (0, END),
    )
    assert [(each["tor"], each["written"]) for each in lines] == [
        ("127.0.0.1:9051", 0),
        ("127.0.0.1:9051", 1),
    ]


# The end


def test_refusal_ends_the_lines_and_is_returned() -> None:
    refused = Refused(ExplainedError("tor did not accept the password", "give it"))
    source, output = ScriptedSource(lambda report: report(refused)), io.StringIO()
    assert run_one_until_end(source, output) == (refused.error, [])
    assert output.getvalue() == ""
    assert source.closed == 1


def test_source_is_closed_once_when_the_reader_leaves() -> None:
    source = source_of(CONNECTED, SAMPLE)
    run_one_until_end(source, io.StringIO())
    assert source.closed == 1


@pytest.mark.parametrize("method", ["write", "flush"])
def test_broken_pipe_closes_the_source_and_propagates(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise BrokenPipeError

    output = io.StringIO()
    monkeypatch.setattr(output, method, broken)
    source = source_of(CONNECTED, SAMPLE)
    with pytest.raises(BrokenPipeError):
        run_one_until_end(source, output)
    assert source.closed == 1


def test_keyboard_interrupt_closes_the_source() -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    source = source_of(CONNECTED, Problem(1.0, "oh"))
    with pytest.raises(KeyboardInterrupt):
        run_one(source, io.StringIO(), interrupt)
    assert source.closed == 1


# With a real TorSource


LAST_COMMAND = b"GETINFO process/pid"
"The last command that TorSource sends before it reports that it is connected."


def small_tor(events: Sequence[tuple[int, int]]) -> Callable[[Endpoint, Timing], Transport]:
    """Return a function that connects to a tor, which sends these events at once and then zeros.

    It answers no GETINFO. TorSource holds samples while it connects, and reports them with the next
    event, so there must always be another.
    """
    version = b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK'
    sent = b"".join(b"\r\n650 BW %d %d" % event for event in events)
    replies = {b"PROTOCOLINFO": version, b"AUTHENTICATE": b"250 OK", b"SETEVENTS": b"250 OK" + sent}

    def serve(far: socket.socket) -> None:
        unread, idle = b"", False
        with far, suppress(ConnectionError):
            while True:
                if idle and not select.select([far], [], [], 0)[0]:
                    far.sendall(b"650 BW 0 0\r\n")
                    continue
                data = far.recv(4096)
                if not data:
                    return
                *commands, unread = (unread + data).split(b"\r\n")
                for command in commands:
                    reply = replies.get(command.split()[0], b"510 Unrecognized command")
                    far.sendall(reply + b"\r\n")
                    idle |= command == LAST_COMMAND

    def connect(_: Endpoint, __: Timing) -> Transport:
        near, far = socket.socketpair()
        threading.Thread(target=serve, args=(far,), name="small tor", daemon=True).start()
        return wrap(near)

    return connect


def test_each_event_of_a_tor_but_the_first_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "now", clock.now)
    # The first event covers an unknown time: since the last subscription to BW events.
    events = [(424_182, 99_999), (13, 1), (0, 0), (4_294_967_295, 26)]

    class Output(io.StringIO):
        def flush(self) -> None:
            if self.getvalue().count("\n") == len(events) - 1:
                raise BrokenPipeError

    output = Output()
    source = TorSource([DemoEndpoint("small")], Credentials(), small_tor(events))
    with pytest.raises(BrokenPipeError):
        run_one_until_end(source, output)
    lines = [json.loads(text) for text in output.getvalue().splitlines()]
    assert [(each["read"], each["written"]) for each in lines] == events[1:]
    assert {each["tor"] for each in lines} == {"small"}
    assert all(each["seconds"] > 0 for each in lines)


# Gaps, intervals and durations


def test_gap_is_a_line_with_its_tor_and_length() -> None:
    one, two, _, four, *_ = samples(4)
    lines = lines_of(CONNECTED, one, two, Lost(START + 2, "gone", START + 3), CONNECTED, four)
    gap = lines[2]
    assert [each["written"] for each in lines] == [0, 1, None, 3]
    assert (gap["read"], gap["tor"], gap["seconds"]) == (None, ENDPOINT, 1.0)
    ends = [datetime.fromisoformat(str(each["time"])) for each in lines]
    assert [(b - a).total_seconds() for a, b in pairwise(ends)] == [1.0, 1.0, 1.0]


def test_loss_is_one_message_however_many_tries_follow() -> None:
    lost = [Lost(START + i, "refused", START + i + 1) for i in range(50)]
    source = source_of(*lost, CONNECTED, *samples(2), *lost, CONNECTED, *lost)
    _, messages = run_one_until_end(source, io.StringIO())
    assert messages == [
        *("no tor: refused; trying again", "connected"),
        *("no tor: refused; trying again", "connected again"),
        "no tor: refused; trying again",
    ]


class Box:
    """An event queue without sources: the test has it handle events."""

    def __init__(self, *tors: Instance) -> None:
        self.fleet = Fleet(tors)
        self.queue = EventQueue({}, self.fleet)
        self.lines: list[Entry] = []

    def handle(self, tor: Instance, *events: Event) -> None:
        for event in events:
            self.queue.handle(tor, event)

    def run(
        self,
        *,
        every: int | None = None,
        duration: float | None = None,
        on_write: Callable[[], None] = lambda: None,
    ) -> ExplainedError | None:
        """Write lines until the end. ``on_write`` is called after each."""

        def write(entry: Entry) -> None:
            self.lines.append(entry)
            on_write()

        def task() -> ExplainedError | None:
            return write_lines(
                self.queue, self.fleet, write, lambda _: None, every=every, duration=duration
            )

        return run_with_timeout(TIMEOUT_S, task, "lines")


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that sets both clocks, in seconds after START."""

    class SetClock:
        seconds = 0.0

        def read(self) -> Moment:
            return Moment(START + self.seconds, MIDNIGHT + timedelta(seconds=self.seconds))

    set_clock = SetClock()
    for module in (lines_module, event_queue):
        monkeypatch.setattr(module, "SystemClock", lambda: set_clock)
    monkeypatch.setattr(lines_module, "now", lambda: set_clock.read().now)

    def at(seconds: float) -> None:
        set_clock.seconds = seconds

    return at


MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)


def test_stop_writes_the_incomplete_interval(clocks: Callable[[float], None]) -> None:
    box = Box(tor := Instance("a"))
    box.handle(tor, CONNECTED, *samples(7))
    box.queue.stop()
    clocks(8.0)
    assert box.run(every=5) is None
    assert [(entry.written, entry.seconds) for entry in box.lines] == [(10, 5.0), (11, 2.0)]
    assert [entry.time - MIDNIGHT for entry in box.lines] == [
        *(timedelta(seconds=5), timedelta(seconds=7))
    ]


def test_lost_tors_have_a_gap_up_to_the_end(
    clocks: Callable[[float], None],
) -> None:
    box = Box(connected := Instance("a"), lost := Instance("b"), Instance("c"))
    box.handle(lost, Connected(START, "b"), *samples(3))
    box.handle(connected, Connected(START, "a"), *samples(10))
    box.queue.stop()
    assert box.run(on_write=lambda: clocks(10.5)) is None
    gaps = [entry for entry in box.lines if entry.read is None]
    assert [(gap.tor, gap.seconds) for gap in gaps] == [("b", 7.5), ("c", 10.5)]
    assert {gap.time - MIDNIGHT for gap in gaps} == {timedelta(seconds=10.5)}
    assert len(box.lines) == 15


def test_duration_starts_at_the_first_sample(clocks: Callable[[float], None]) -> None:
    box = Box(tor := Instance("a"))
    box.handle(tor, CONNECTED)
    timeouts: list[float | None] = []

    def next_sample(seconds: float | None = None) -> object:
        # The sample of the next second, if the timeout is long enough.
        timeouts.append(seconds)
        if len(timeouts) == 1:
            return EventQueue.next(box.queue)
        second = len(timeouts) - 1
        if seconds is not None and seconds < 1.0:
            clocks(second - 1 + seconds)
            return None
        clocks(second)
        box.handle(tor, samples(second)[-1])
        return EventQueue.next(box.queue)

    box.queue.next = next_sample  # type: ignore[method-assign,assignment]
    assert box.run(duration=4.5) is None
    assert [entry.written for entry in box.lines] == [0, 1, 2, 3, 4]
    assert timeouts == [None, None, 4.5, 3.5, 2.5, 1.5, 0.5]


def test_refusal_writes_the_incomplete_interval() -> None:
    box = Box(tor := Instance("a"))
    box.handle(tor, *samples(3), Refused(ExplainedError("no more")))
    error = box.run(every=3600)
    assert error is not None
    assert error.cause == "no more"
    assert [entry.written for entry in box.lines] == [3]


def test_refusal_without_samples_leaves_no_line(clocks: Callable[[float], None]) -> None:
    box = Box(tor := Instance("a"))
    box.handle(tor, Refused(ExplainedError("no tor")))
    clocks(60.0)
    assert box.run() is not None
    assert box.lines == []
