"""Random control port output, followed from the bytes on the wire to the screen.

``examples`` generates the output and its timing, ``check`` asserts what must hold for each example.
``test_fuzz.py`` runs them for some seconds, ``benchmarks/fuzz.py`` for any time. Only the clock and
stem's threads are simulated; the transport, stem's parser, the connection, the history and the
screen are real.
"""

import itertools
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import stem
from hypothesis import strategies as st
from scenes import compose_graphs
from stem.control import EventType

from bwgraph.model.events import MAX_SAMPLE_BYTES, Connected, Lost, Problem
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.printable import printable
from bwgraph.model.rollups import RESOLUTIONS, bucket_capacity
from bwgraph.screen.frame import Frame, Size
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
    """Some bytes that a control port sends, and the BW events in them."""

    data: bytes
    events: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Example:
    """The output of a control port, how it is received, and how it is drawn."""

    pieces: list[Piece]
    chunk: int
    "The most bytes read at once."
    steps: list[float]
    "Seconds before each event, repeated from the start when they are used up."
    asleep: bool
    "Whether the machine sleeps during the longest step."
    size: Size
    view: View


def _event(pair: Pair, suffix: bytes) -> Piece:
    return Piece(b"650 BW %d %d%s\r\n" % (*pair, suffix), (pair,))


def _is_garbage(line: bytes) -> bool:
    """Return whether a line is not an event, and does not begin a message of several lines."""
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
"Words in the place of a number, most of them invalid."
MALFORMED = st.builds(
    lambda read, written: Piece(b"650 BW %s %s\r\n" % (read, written)), WORDS, WORDS
).filter(lambda piece: not stem_adapter._BANDWIDTH.fullmatch(piece.data))
LINES = st.binary(max_size=60).filter(_is_garbage)
GARBAGE = st.builds(lambda line, end: Piece(line + end), LINES, st.sampled_from([b"\r\n", b"\n"]))
STRAY = st.sampled_from(
    [
        Piece(b"250 OK\r\n"),
        Piece(b"552 Unrecognized key\r\n"),
        Piece(b"650 STREAM_BW 1 2 3\r\n650 BW_ 1 2\r\n"),
        Piece(b"250-traffic/read=7\r\n250 OK\r\n"),
        # A line within a reply is not an event, even if it looks like one.
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
    """A clock that advances by one step for each event."""

    def __init__(self, steps: list[float], *, asleep: bool) -> None:
        self.now = self.awake = START
        self._sleep = max(steps) if asleep else None
        self._steps = itertools.cycle(steps)

    def advance(self) -> None:
        step = next(self._steps)
        self.now += step
        self.awake += 0.5 if step == self._sleep else step


def check(example: Example) -> None:
    """Assert everything that must hold for an example."""
    clock = Clock(example.steps, asleep=example.asleep)
    instance = Instance(str(PLACE))
    with (
        patch.object(connection_module, "now", lambda: clock.now),
        patch.object(connection_module, "awake_seconds", lambda: clock.awake),
        patch.object(transport, "CHUNK_BYTES", example.chunk),
    ):
        received = _receive(example, clock, instance)
    expected = [pair for piece in example.pieces for pair in piece.events]
    assert received == expected
    # The first event is not a sample: its bytes have no known span.
    _check_sums(
        instance,
        clock.now,
        [(min(r, MAX_SAMPLE_BYTES), min(w, MAX_SAMPLE_BYTES)) for r, w in expected[1:]],
    )
    _check_screens(instance, example, clock.now)


def _receive(example: Example, clock: Clock, instance: Instance) -> list[Pair]:
    """Send the example to a connection that reports to the instance; return the events found."""
    received: list[Pair] = []
    connection = Connection(PLACE, transport.connect, instance.handle, lambda _: None)
    warning_handler = connection._warning_handler

    def on_event(read: int, written: int) -> None:
        clock.advance()
        received.append((read, written))
        connection._on_bandwidth(read, written)

    near, far = socket.socketpair()
    with far, closing(transport.wrap(near)) as wire:
        warning_handler.attach()
        try:
            instance.handle(Connected(clock.now, str(PLACE)))
            connection.release_samples()
            sender = threading.Thread(target=_send, args=(far, example.pieces))
            sender.start()  # a thread, since the socket's buffer may be too small for all
            _read_all(wire, on_event)
            sender.join()
        finally:
            connection.close()
    return received


def _send(far: socket.socket, pieces: list[Piece]) -> None:
    with suppress(OSError):  # the receiver may close the connection early
        far.sendall(b"".join(piece.data for piece in pieces))
        far.shutdown(socket.SHUT_WR)


def _read_all(wire: Transport, on_event: Callable[[int, int], None]) -> None:
    """Do the work of stem's two threads in this one, until the connection ends."""
    messages = stem_adapter.BandwidthSocket(wire, on_event)
    # A controller that is never connected starts no threads.
    controller = stem_adapter.BandwidthController(stem_adapter.BandwidthSocket(wire, on_event))
    controller.add_event_listener(lambda event: on_event(event.read, event.written), EventType.BW)
    messages.connect()
    while True:
        try:
            message: Any = messages.recv()
        except stem.SocketClosed:
            return
        except stem.ProtocolError:
            continue
        if message.content()[-1][0] == "650":
            controller._handle_event(message)


def _check_sums(instance: Instance, now: float, samples: list[Pair]) -> None:
    """Assert that every byte is counted once, at each resolution that covers all samples."""
    sums = [sum(read for read, _ in samples), sum(written for _, written in samples)]
    total = instance.totals.total()
    assert total is not None
    assert [total.read, total.written] == sums
    for resolution in RESOLUTIONS:
        first, last = instance.history.extent(now, resolution)
        count = (last - first) // resolution + 2
        buckets = instance.history.window(now, count, resolution).buckets
        assert min((*buckets.read, *buckets.written, *buckets.seconds), default=0) >= 0
        if now - START < (bucket_capacity(resolution) - 2) * resolution:
            assert [sum(buckets.read), sum(buckets.written)] == sums, resolution
        for peaks in (buckets.read_peak, buckets.written_peak):
            assert all(0 <= peak < float("inf") for peak in peaks)


def _check_screens(instance: Instance, example: Example, now: float) -> None:
    """Assert that the instance can be drawn: lost, long after that, and with a problem."""
    size = example.size
    moment = Moment(now, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    instance.handle(Lost(now, "\x1b[2J", now + 8.0))
    for frame in (
        compose_graphs(instance, example.view, size, moment),
        compose_graphs(instance, example.view, size, Moment(now + 5000.0, moment.wall_clock)),
    ):
        _check_frame(frame, size)
    if instance.problem is not None:
        assert len(instance.problem.text) <= stem_adapter.MAX_WARNING_CHARS
        instance.handle(Problem(now, instance.problem.text))
        _check_frame(compose_graphs(instance, View(), size, moment), size)


def _check_frame(frame: Frame, size: Size) -> None:
    lines = frame.text()
    assert len(lines) <= size.rows
    for line in lines:
        assert len(line) <= size.columns
        assert line == printable(line)
