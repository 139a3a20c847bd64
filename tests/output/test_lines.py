"""Samples as lines: their order, what is remarked beside them, and how it ends."""

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
from bwgraph.tor.transport import Transport, wrap

PLACE = "127.0.0.1:9051"
BEGAN = 1000.0
CONNECTED = Connected(at=BEGAN, endpoint=PLACE, version="0.4.9.11", nickname="relay")
END = Problem(0.0, "that is all")
"What makes a test's reader leave, where nothing else does."
CLOCK = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
"What the wall showed then."
SAMPLE = Sample(9.0, read=700, written=70, seconds=1.0022)

ENOUGH = 10.0
"Seconds after which a test that hangs is given up. None takes a tenth of one."


Heard = tuple[ExplainedError | None, list[str]]


@pytest.fixture(autouse=True)
def _began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "now", lambda: BEGAN)


class Told:
    """A source that tells, from a thread of its own, what a function has it tell."""

    def __init__(self, script: Callable[[Report], None]) -> None:
        self._script = script
        self.closed = 0

    def start(self, tell: Report) -> None:
        threading.Thread(target=self._script, args=(tell,), name="told", daemon=True).start()

    def retry_now(self) -> None:
        raise AssertionError("nobody asks for that here")

    def close(self) -> None:
        self.closed += 1


def telling(*events: Event) -> Told:
    """A source that tells these and then the end."""

    def script(tell: Report) -> None:
        for event in (*events, END):
            tell(event)

    return Told(script)


def samples(count: int) -> list[Sample]:
    """So many, no two alike."""
    return [Sample(BEGAN + 1 + i, 10 * i, i, 1.0) for i in range(count)]


def alone(
    source: Source, output: io.StringIO, remark: Callable[[str], object]
) -> ExplainedError | None:
    """Run it with one tor."""
    instance = Instance("a tor")
    return written({instance: source}, Fleet([instance]), output, remark)


def written(
    sources: Mapping[Instance, Source],
    fleet: Fleet,
    output: io.StringIO,
    remark: Callable[[str], object],
) -> ExplainedError | None:
    """Run it, with lines of JSON."""

    def write(entry: Entry) -> None:
        print(json_line(entry), file=output, flush=True)

    with EventQueue(sources, fleet) as inbox:
        return write_lines(inbox, fleet, write, remark)


class Over(Exception):
    """The test's reader has left."""


def until_end(running: Callable[[Callable[[str], None]], ExplainedError | None]) -> Heard:
    """What ``run`` returns and what it remarks until END; TimeoutError if it does not end."""
    remarks: list[str] = []

    def remark(text: str) -> None:
        if text.endswith(END.text):
            raise Over
        remarks.append(text)

    refusal = None
    with suppress(Over):
        refusal = run_with_timeout(ENOUGH, lambda: running(remark), "stream")
    return refusal, remarks


def streamed(source: Source, output: io.StringIO) -> Heard:
    return until_end(lambda remark: alone(source, output, remark))


def lines_of(*events: Event) -> list[dict[str, object]]:
    """What the lines for these events say."""
    output = io.StringIO()
    streamed(telling(*events), output)
    return [json.loads(text) for text in output.getvalue().splitlines()]


# Many.


def test_every_sample_is_a_line_once_and_in_order() -> None:
    told = lines_of(CONNECTED, *samples(500))
    assert [(each["read"], each["written"]) for each in told] == [(10 * i, i) for i in range(500)]
    assert {each["instance"] for each in told} == {PLACE}


def test_a_sample_of_nothing_is_a_line_too() -> None:
    assert [each["read"] for each in lines_of(CONNECTED, Sample(1.0, 0, 0, 1.0))] == [0]


def test_what_is_no_sample_is_no_line() -> None:
    recent = Connected(1000.0, PLACE, counters=CounterBase(5, 5), recent=tuple(samples(3)))
    lost, trouble = Lost(1.0, "gone", 2.0), Problem(1.0, "oh")
    assert lines_of(recent, CounterBase(1, 1), Wrapped(SAMPLE), lost, trouble) == []


def test_a_sample_is_of_the_place_that_had_connected_last() -> None:
    moved = Connected(1000.0, "/run/tor/control")
    told = lines_of(CONNECTED, SAMPLE, Lost(9.0, "gone", 9.5), moved, SAMPLE, SAMPLE)
    assert [each["instance"] for each in told] == [PLACE, *["/run/tor/control"] * 2]


def test_a_line_is_written_out_at_once() -> None:
    # A reader of a pipe has each sample when it comes, and not when a buffer is full.
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
    streamed(telling(CONNECTED, *samples(3)), output)
    assert [text.count("\n") for text in output.flushed] == [1, 1, 1]
    assert all(text.endswith("}\n") for text in output.flushed)
    assert output.unflushed == ""


def test_time_is_when_the_sample_ended_and_neither_when_it_was_told_nor_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Both clocks go on a second each time that they are asked.
    class Later:
        asked = 0

        def read(self) -> Moment:
            self.asked += 1
            return Moment(BEGAN + self.asked, CLOCK + timedelta(seconds=self.asked))

    monkeypatch.setattr(event_queue, "SystemClock", Later)
    times = [each["time"] for each in lines_of(CONNECTED, *reversed(samples(3)))]
    assert times == [f"2026-01-02T03:04:{second:02}.678Z" for second in (8, 7, 6)]


# What is remarked.


def test_a_loss_and_a_trouble_are_remarked_in_their_order() -> None:
    events = (CONNECTED, SAMPLE, Lost(9.0, "it closed the connection", 9.5), Problem(9.1, "oh"))
    output = io.StringIO()
    _, remarks = streamed(telling(*events), output)
    assert remarks == ["no tor: it closed the connection; trying again", "oh"]
    assert output.getvalue().count("\n") == 1


def test_all_being_well_is_no_remark() -> None:
    source = telling(CONNECTED, *samples(50), CounterBase(1, 1), Wrapped(SAMPLE))
    _, remarks = streamed(source, io.StringIO())
    assert remarks == []


@pytest.mark.parametrize("missed", [0, 1, 700])
def test_a_stalled_reader_misses_what_comes_after_the_backlog_and_is_told(missed: int) -> None:
    stalled, all_told, read_on = threading.Event(), threading.Event(), threading.Event()
    first, *rest = samples(1 + MAX_QUEUED_SAMPLES + missed)

    class Output(io.StringIO):
        """Its reader reads nothing from the first line on until all has been told."""

        lines = 0

        def write(self, text: str) -> int:
            stalled.set()
            assert all_told.wait(ENOUGH)
            self.lines += text.count("\n")
            if self.lines == 1 + MAX_QUEUED_SAMPLES:
                read_on.set()
            return super().write(text)

    def script(tell: Report) -> None:
        tell(CONNECTED)
        tell(first)
        assert stalled.wait(ENOUGH)
        for sample in rest:
            tell(sample)  # never waits
        all_told.set()
        assert read_on.wait(ENOUGH)
        tell(END)

    output = Output()
    _, remarks = streamed(Told(script), output)
    written = [json.loads(text)["written"] for text in output.getvalue().splitlines()]
    assert written == list(range(1 + MAX_QUEUED_SAMPLES))
    expected = [f"{missed} samples were dropped: the reader was too slow"] if missed else []
    assert remarks == expected


def test_each_stall_is_told_with_what_it_missed_itself() -> None:
    turns = [threading.Event() for _ in range(4)]

    class Output(io.StringIO):
        lines = 0

        def write(self, text: str) -> int:
            if "\n" in text:
                self.lines += 1
                if self.lines == 1:
                    turns[0].set()
                    assert turns[1].wait(ENOUGH)
                elif self.lines == 1 + MAX_QUEUED_SAMPLES:
                    turns[2].set()
                    assert turns[3].wait(ENOUGH)
            return super().write(text)

    def script(tell: Report) -> None:
        tell(CONNECTED)
        tell(samples(1)[0])
        for before, after, missed in ((0, 1, 3), (2, 3, 5)):
            assert turns[before].wait(ENOUGH)
            for sample in samples(MAX_QUEUED_SAMPLES + missed):
                tell(sample)
            turns[after].set()
        tell(END)  # what was missed is told where it is missing: before what comes next

    output, source, remarks = Output(), Told(script), list[str]()

    def remark(text: str) -> None:
        remarks.append(text)
        if len(remarks) == 2:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_with_timeout(ENOUGH, lambda: alone(source, output, remark), "stream")
    assert [text.split()[0] for text in remarks] == ["3", "5"]


# Of several.


class Several:
    """Some tors, and a thread for each source; what they tell comes in the order of a script."""

    def __init__(self, *tors: Instance) -> None:
        self.tors = tors
        self.tells: dict[Instance, Report] = {}
        self.sources = {tor: self._source(tor) for tor in tors}
        self.fleet = Fleet(tors)
        self.remarks: list[str] = []
        self._all = threading.Barrier(len(tors) + 1)

    def _source(self, tor: Instance) -> Told:
        def script(tell: Report) -> None:
            self.tells[tor] = tell
            self._all.wait(ENOUGH)

        return Told(script)

    def run(
        self, *script: tuple[int, Event]
    ) -> tuple[ExplainedError | None, list[dict[str, object]]]:
        def tell_all() -> None:
            self._all.wait(ENOUGH)
            for number, event in script:
                self.tells[self.tors[number]](event)

        output = io.StringIO()
        teller = threading.Thread(target=tell_all, daemon=True)
        teller.start()
        refusal, self.remarks = until_end(
            lambda remark: written(self.sources, self.fleet, output, remark)
        )
        teller.join(ENOUGH)
        return refusal, [json.loads(text) for text in output.getvalue().splitlines()]


def test_each_line_says_which_tor_it_is_of() -> None:
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
    # What the user calls it, or else where it is: a nickname may be anybody's.
    assert [(each["instance"], each["written"]) for each in lines] == [
        ("127.0.0.1:2", 0),
        ("exit", 1),
        ("exit", 2),
    ]


def test_a_remark_says_which_of_several_it_is_of() -> None:
    several = Several(Instance("a", label="exit"), Instance("b"))
    assert several.run(
        (0, Lost(9.0, "gone", 9.5)),
        (1, Problem(9.0, "oh")),
        (1, Connected(1.0, "127.0.0.1:2", nickname="relay")),
        (1, Problem(9.0, "again")),
        (0, END),
    ) == (None, [])
    assert several.remarks == [
        "exit: no tor: gone; trying again",
        *("relay: oh", "relay: again"),
    ]
    assert [source.closed for source in several.sources.values()] == [1, 1]


def test_when_all_of_several_refuse_it_ends_with_what_each_says() -> None:
    several = Several(Instance("a"), Instance("b"))
    refusal, lines = several.run(
        (0, Refused(ExplainedError("a: no"))), (1, SAMPLE), (1, Refused(ExplainedError("b: no")))
    )
    assert refusal is not None
    assert "a: no" in refusal.cause
    assert "b: no" in refusal.cause
    assert [source.closed for source in several.sources.values()] == [1, 1]
    assert len(lines) <= 1


def test_what_is_told_of_one_that_turned_out_to_be_anothers_twin_is_no_line() -> None:
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
    assert [(each["instance"], each["written"]) for each in lines] == [
        ("127.0.0.1:9051", 0),
        ("127.0.0.1:9051", 1),
    ]


# How it ends.


def test_a_refusal_ends_it_and_is_returned() -> None:
    refused = Refused(ExplainedError("tor did not accept the password", "give it"))
    source, output = Told(lambda tell: tell(refused)), io.StringIO()
    assert streamed(source, output) == (refused.error, [])
    assert output.getvalue() == ""
    assert source.closed == 1


def test_a_source_is_closed_once_when_the_reader_leaves() -> None:
    source = telling(CONNECTED, SAMPLE)
    streamed(source, io.StringIO())
    assert source.closed == 1


@pytest.mark.parametrize("method", ["write", "flush"])
def test_a_broken_pipe_closes_the_source_and_is_passed_on(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise BrokenPipeError

    output = io.StringIO()
    monkeypatch.setattr(output, method, broken)
    source = telling(CONNECTED, SAMPLE)
    with pytest.raises(BrokenPipeError):
        streamed(source, output)
    assert source.closed == 1


def test_an_interrupt_closes_the_source() -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    source = telling(CONNECTED, Problem(1.0, "oh"))
    with pytest.raises(KeyboardInterrupt):
        alone(source, io.StringIO(), interrupted)
    assert source.closed == 1


# With the source that there is.


LAST_QUESTION = b"GETINFO process/pid"
"What the link always asks before it says that it has connected."


def small_tor(events: Sequence[tuple[int, int]]) -> Callable[[Endpoint], Transport]:
    """A way to dial a tor that knows no question, sends these events at once, and then idles on.

    What came before the link was there to be told of it goes on with the event after: so there is
    always another, of nothing.
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
                    idle |= command == LAST_QUESTION

    def dial(_: Endpoint) -> Transport:
        near, far = socket.socketpair()
        threading.Thread(target=serve, args=(far,), name="small tor", daemon=True).start()
        return wrap(near)

    return dial


def test_of_a_tors_events_each_but_the_first_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "now", clock.now)
    # The first holds what was moved since anybody last listened: 424182 bytes of no second.
    events = [(424_182, 99_999), (13, 1), (0, 0), (4_294_967_295, 26)]

    class Output(io.StringIO):
        def flush(self) -> None:
            if self.getvalue().count("\n") == len(events) - 1:
                raise BrokenPipeError

    output = Output()
    link = TorSource([DemoEndpoint("small")], Credentials(), small_tor(events))
    with pytest.raises(BrokenPipeError):
        streamed(link, output)
    told = [json.loads(text) for text in output.getvalue().splitlines()]
    assert [(each["read"], each["written"]) for each in told] == events[1:]
    assert {each["instance"] for each in told} == {"small"}
    assert all(each["seconds"] > 0 for each in told)


# Gaps, intervals, and how long it goes on.


def test_a_gap_is_a_line_that_names_the_tor_and_says_how_long() -> None:
    one, two, _, four, *_ = samples(4)
    told = lines_of(CONNECTED, one, two, Lost(BEGAN + 2, "gone", BEGAN + 3), CONNECTED, four)
    gap = told[2]
    assert [each["written"] for each in told] == [0, 1, None, 3]
    assert (gap["read"], gap["instance"], gap["seconds"]) == (None, PLACE, 1.0)
    ends = [datetime.fromisoformat(str(each["time"])) for each in told]
    assert [(b - a).total_seconds() for a, b in pairwise(ends)] == [1.0, 1.0, 1.0]


def test_a_loss_is_remarked_once_however_often_it_is_tried_again() -> None:
    lost = [Lost(BEGAN + i, "refused", BEGAN + i + 1) for i in range(50)]
    source = telling(*lost, CONNECTED, *samples(2), *lost, CONNECTED, *lost)
    _, remarks = streamed(source, io.StringIO())
    assert remarks == [
        *("no tor: refused; trying again", "connected"),
        *("no tor: refused; trying again", "connected again"),
        "no tor: refused; trying again",
    ]


class Box:
    """An inbox whose news are written, of tors that a test tells of itself."""

    def __init__(self, *tors: Instance) -> None:
        self.fleet = Fleet(tors)
        self.inbox = EventQueue({}, self.fleet)
        self.lines: list[Entry] = []

    def tell(self, tor: Instance, *events: Event) -> None:
        for event in events:
            self.inbox.handle(tor, event)

    def run(
        self,
        *,
        every: int | None = None,
        duration: float | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> ExplainedError | None:
        """Write all that has been told, until the end; more may happen as each line is written."""

        def write(entry: Entry) -> None:
            self.lines.append(entry)
            meanwhile()

        def go() -> ExplainedError | None:
            return write_lines(
                self.inbox, self.fleet, write, lambda _: None, every=every, duration=duration
            )

        return run_with_timeout(ENOUGH, go, "stream")


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets both clocks of the stream and the inbox: to so many seconds after the beginning."""

    class Still:
        seconds = 0.0

        def read(self) -> Moment:
            return Moment(BEGAN + self.seconds, MIDNIGHT + timedelta(seconds=self.seconds))

    still = Still()
    for room in (lines_module, event_queue):
        monkeypatch.setattr(room, "SystemClock", lambda: still)
    monkeypatch.setattr(lines_module, "now", lambda: still.read().now)

    def at(seconds: float) -> None:
        still.seconds = seconds

    return at


MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)


def test_when_it_is_stopped_what_there_is_is_written_first(clocks: Callable[[float], None]) -> None:
    box = Box(tor := Instance("a"))
    box.tell(tor, CONNECTED, *samples(7))
    box.inbox.stop()
    clocks(8.0)
    assert box.run(every=5) is None
    assert [(entry.written, entry.seconds) for entry in box.lines] == [(10, 5.0), (11, 2.0)]
    assert [entry.time - MIDNIGHT for entry in box.lines] == [
        *(timedelta(seconds=5), timedelta(seconds=7))
    ]


def test_it_ends_with_a_gap_of_each_tor_that_is_not_there_at_the_end(
    clocks: Callable[[float], None],
) -> None:
    box = Box(well := Instance("a"), gone := Instance("b"), Instance("c"))
    box.tell(gone, Connected(BEGAN, "b"), *samples(3))
    box.tell(well, Connected(BEGAN, "a"), *samples(10))
    box.inbox.stop()
    assert box.run(meanwhile=lambda: clocks(10.5)) is None
    gaps = [entry for entry in box.lines if entry.read is None]
    assert [(gap.tor, gap.seconds) for gap in gaps] == [("b", 7.5), ("c", 10.5)]
    assert {gap.time - MIDNIGHT for gap in gaps} == {timedelta(seconds=10.5)}
    assert len(box.lines) == 15


def test_a_duration_is_from_the_first_sample_on(clocks: Callable[[float], None]) -> None:
    box = Box(tor := Instance("a"))
    box.tell(tor, CONNECTED)
    asked: list[float | None] = []

    def next_one(seconds: float | None = None) -> object:
        # The next second's sample, and nothing else, if it comes in time.
        asked.append(seconds)
        if len(asked) == 1:
            return EventQueue.next(box.inbox)
        second = len(asked) - 1
        if seconds is not None and seconds < 1.0:
            clocks(second - 1 + seconds)
            return None
        clocks(second)
        box.tell(tor, samples(second)[-1])
        return EventQueue.next(box.inbox)

    box.inbox.next = next_one  # type: ignore[method-assign,assignment]
    assert box.run(duration=4.5) is None
    assert [entry.written for entry in box.lines] == [0, 1, 2, 3, 4]
    assert asked == [None, None, 4.5, 3.5, 2.5, 1.5, 0.5]


def test_what_was_summed_up_is_written_when_a_refusal_ends_it() -> None:
    box = Box(tor := Instance("a"))
    box.tell(tor, *samples(3), Refused(ExplainedError("no more")))
    refusal = box.run(every=3600)
    assert refusal is not None
    assert refusal.cause == "no more"
    assert [entry.written for entry in box.lines] == [3]


def test_a_refusal_alone_leaves_no_line(clocks: Callable[[float], None]) -> None:
    box = Box(tor := Instance("a"))
    box.tell(tor, Refused(ExplainedError("no tor")))
    clocks(60.0)
    assert box.run() is not None
    assert box.lines == []
