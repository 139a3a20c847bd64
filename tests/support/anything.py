"""Whatever a control port may send, all the way: bytes on the wire to samples to columns.

``examples`` are what it sends and when, ``check`` is what must hold of any of them. They are run by
``test_fuzz.py`` for some seconds and by ``benchmarks/fuzz.py`` for as long as one likes. All of it
is real but the clock and the threads: the wire, stem's parser, the connection, the tor's history
and its screen.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import stem
from hypothesis import strategies as st
from stem.control import EventType

from bwgraph.model.events import MAX_SAMPLE_BYTES, Connected, Lost, Problem
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.printable import printable
from bwgraph.model.rollups import RESOLUTIONS, kept_buckets
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.graph_screen import compose
from bwgraph.screen.units import BITS
from bwgraph.screen.view import Arrangement, View
from bwgraph.tor import connection as connection_module
from bwgraph.tor import stem_adapter, transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.endpoint import ControlPort
from bwgraph.tor.transport import Transport

START = 1_000_000.25
PLACE = ControlPort("127.0.0.1", 9051)

Pair = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """Something that a control port sends, and the BW events that are to be taken from it."""

    data: bytes
    events: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Example:
    """What is sent, in pieces of which size it is read, when each event comes, and who looks."""

    pieces: list[Piece]
    chunk: int
    steps: list[float]
    "Seconds before each of the events; they begin again when they are over."
    asleep: bool
    "Whether the machine is, in the longest of these."
    size: Size
    view: View


def _event(pair: Pair, more: bytes) -> Piece:
    return Piece(b"650 BW %d %d%s\r\n" % (*pair, more), (pair,))


def _is_piece(line: bytes) -> bool:
    """Whether a line is no event, and does not begin a message of several lines."""
    return b"\n" not in line and line[3:4] not in (b"-", b"+") and not line.startswith(b"650 BW ")


NUMBERS = st.one_of(
    st.integers(0, 1 << 34),
    st.sampled_from(
        [0, 1, (1 << 32) - 1, MAX_SAMPLE_BYTES, MAX_SAMPLE_BYTES + 1, 10**30, 10**3999]
    ),
)
EVENTS = st.builds(
    _event, st.tuples(NUMBERS, NUMBERS), st.sampled_from([b"", b" DIRREQ=1", b" \xff\x1b[2J", b" "])
)
WORDS = st.one_of(
    st.sampled_from(
        [b"-1", b"+1", "²".encode(), b"x", b"", b"0x5", b"1.0", b"1e9", b"1_000", b"9" * 4301]
    ),
    st.binary(max_size=8).filter(lambda word: b"\n" not in word),
)
"What stands where a number should; two of them, one behind the other, are never an event."
MALFORMED = st.builds(
    lambda one, more: Piece(b"650 BW %s %s\r\n" % (one, more)), WORDS, WORDS
).filter(lambda piece: not stem_adapter._BANDWIDTH.fullmatch(piece.data))
LINES = st.binary(max_size=60).filter(_is_piece)
GARBAGE = st.builds(lambda line, end: Piece(line + end), LINES, st.sampled_from([b"\r\n", b"\n"]))
STRAY = st.sampled_from(
    [
        Piece(b"250 OK\r\n"),
        Piece(b"552 Unrecognized key\r\n"),
        Piece(b"650 STREAM_BW 1 2 3\r\n650 BW_ 1 2\r\n"),
        Piece(b"250-traffic/read=7\r\n250 OK\r\n"),
        # What looks like an event within an answer is none.
        Piece(b"250+config-text=\r\n650 BW 1 2\r\n.\r\n250 OK\r\n"),
        Piece(b"250-x\r\n650 BW 1 2\r\n"),
        Piece(b"650 BW 3 4\n"),
    ]
)
STEPS = st.lists(
    st.sampled_from([0.0, 1e-7, 1e-4, 0.26, 0.5, 0.98, 1.0, 1.0022, 1.3, 1.75, 2.5, 15.0, 4300.0]),
    min_size=1,
    max_size=12,
)
VIEWS = st.builds(
    View()._replace,
    resolution=st.sampled_from(RESOLUTIONS),
    logarithmic=st.booleans(),
    shared_scale=st.booleans(),
    cut_at_p99=st.booleans(),
    arrangement=st.sampled_from([None, *Arrangement]),
    units=st.sampled_from([View().units, BITS]),
    ceiling=st.sampled_from([None, 1, 1 << 20]),
)
examples = st.builds(
    Example,
    pieces=st.lists(st.one_of(EVENTS, EVENTS, EVENTS, MALFORMED, GARBAGE, STRAY), max_size=40),
    chunk=st.sampled_from([1, 7, 64, transport.CHUNK_BYTES]),
    steps=STEPS,
    asleep=st.booleans(),
    size=st.builds(Size, st.integers(1, 130), st.integers(1, 40)),
    view=VIEWS,
)


class Clock:
    """Goes on by the next of the steps whenever an event is taken."""

    def __init__(self, steps: list[float], *, asleep: bool) -> None:
        self.now = self.awake = START
        self._longest = max(steps) if asleep else None
        self._steps = self._again(steps)

    @staticmethod
    def _again(steps: list[float]) -> Iterator[float]:
        while True:
            yield from steps

    def go_on(self) -> None:
        step = next(self._steps)
        self.now += step
        self.awake += 0.5 if step == self._longest else step


def check(example: Example) -> None:
    """Everything that must hold."""
    clock = Clock(example.steps, asleep=example.asleep)
    instance = Instance(str(PLACE))
    with (
        patch.object(connection_module, "now", lambda: clock.now),
        patch.object(connection_module, "awake", lambda: clock.awake),
        patch.object(transport, "CHUNK_BYTES", example.chunk),
    ):
        taken = _read(example, clock, instance)
    expected = [pair for piece in example.pieces for pair in piece.events]
    assert taken == expected
    # The first begins the first span, and is no sample.
    _adds_up(
        instance,
        clock.now,
        [(min(r, MAX_SAMPLE_BYTES), min(w, MAX_SAMPLE_BYTES)) for r, w in expected[1:]],
    )
    _can_be_drawn(instance, example, clock.now)


def _read(example: Example, clock: Clock, instance: Instance) -> list[Pair]:
    """Have it all read and told, and give the events that were found in it."""
    taken: list[Pair] = []
    connection = Connection(PLACE, transport.connect, instance.handle, lambda _: None)
    complaints = connection._warning_handler

    def take(read: int, written: int) -> None:
        clock.go_on()
        taken.append((read, written))
        connection._on_bandwidth(read, written)

    near, far = socket.socketpair()
    with far, closing(transport.wrap(near)) as line:
        complaints.attach()
        try:
            instance.handle(Connected(clock.now, str(PLACE)))
            connection.release_samples()
            sender = threading.Thread(target=_send, args=(far, example.pieces))
            sender.start()  # there may be more than a socket takes at once
            _all(line, take)
            sender.join()
        finally:
            connection.close()
    return taken


def _send(far: socket.socket, pieces: list[Piece]) -> None:
    with suppress(OSError):  # it may be given up before its end
        far.sendall(b"".join(piece.data for piece in pieces))
        far.shutdown(socket.SHUT_WR)


def _all(line: Transport, take: Callable[[int, int], None]) -> None:
    """Do what stem's two threads do, one after the other, until the end."""
    source = stem_adapter.BandwidthSocket(line, take)
    # One that is never connected has no threads.
    reader = stem_adapter.BandwidthController(stem_adapter.BandwidthSocket(line, take))
    reader.add_event_listener(lambda event: take(event.read, event.written), EventType.BW)
    source.connect()
    while True:
        try:
            message: Any = source.recv()
        except stem.SocketClosed:
            return
        except stem.ProtocolError:
            continue
        if message.content()[-1][0] == "650":
            reader._handle_event(message)


def _adds_up(instance: Instance, now: float, samples: list[Pair]) -> None:
    """Every byte is there once, at every resolution that reaches back so far."""
    sums = [sum(read for read, _ in samples), sum(written for _, written in samples)]
    total = instance.totals.total()
    assert total is not None
    assert [total.read, total.written] == sums
    for resolution in RESOLUTIONS:
        first, last = instance.history.extent(now, resolution)
        count = (last - first) // resolution + 2
        columns = instance.history.window(now, count, resolution).buckets
        assert min((*columns.read, *columns.written, *columns.seconds), default=0) >= 0
        if now - START < (kept_buckets(resolution) - 2) * resolution:
            assert [sum(columns.read), sum(columns.written)] == sums, resolution
        for field in (columns.read_peak, columns.written_peak):
            assert all(0 <= peak < float("inf") for peak in field)


def _can_be_drawn(instance: Instance, example: Example, now: float) -> None:
    """It has a picture, whatever happened to it."""
    size = example.size
    moment = Moment(now, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    instance.handle(Lost(now, "\x1b[2J", now + 8.0))
    for frame in (
        compose(instance, example.view, size, moment),
        compose(instance, example.view, size, Moment(now + 5000.0, moment.wall_clock)),
    ):
        _is_harmless(frame, size)
    if instance.problem is not None:
        assert len(instance.problem.text) <= stem_adapter.MAX_WARNING_CHARS
        instance.handle(Problem(now, instance.problem.text))
        _is_harmless(compose(instance, View(), size, moment), size)


def _is_harmless(frame: Frame, size: Size) -> None:
    lines = frame.text()
    assert len(lines) <= size.rows
    for line in lines:
        assert len(line) <= size.columns
        assert line == printable(line)
