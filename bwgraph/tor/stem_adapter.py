"""stem's ``Controller`` as bwgraph needs it: it subscribes to one thing, and nobody can fill it up.

Owns what is done in place of stem's own way. Each part of that is guarded by a test that fails when
stem changes, and is left to stem where it has no such part. Must not know what becomes of an event.
"""

import logging
import queue
import re
import threading
from collections.abc import Callable
from typing import Any

import stem
import stem.socket
from stem.control import Controller, EventType

from bwgraph.model.events import Problem, Report
from bwgraph.system.clock import now
from bwgraph.tor.transport import Transport

MAX_MESSAGE_LINES = 1024
"Lines of one message; what bwgraph asks for is answered in a few."

MAX_QUEUED_MESSAGES = 64
"Messages that stem may have before it: odd events, and answers that nobody asked for."

MAX_WARNING_CHARS = 400
"Characters of what is told of an event that is no use; it may be as long as a line can be."

OnBandwidth = Callable[[int, int], None]
"Takes the bytes read and written of one BW event."

_BANDWIDTH = re.compile(rb"650 BW (\d{1,4000}) (\d{1,4000})(?: [^\r\n]*)?\r\n")
"A BW event (control-spec, section 4.1.5), with the fields that a later tor may add."

_LOGGER = logging.getLogger("stem")


def make_controller(wire: Transport, bandwidth: OnBandwidth) -> "BandwidthController":
    """A controller over this wire, not connected yet; ``bandwidth`` is told of each BW event."""
    controller = BandwidthController(BandwidthSocket(wire, bandwidth))
    # Private to stem: its notifier would else wake up 20 times a second, and its queues grow for
    # as long as somebody fills them.
    if isinstance(getattr(controller, "_event_notice", None), threading.Event):
        controller._event_notice = UntimedEvent()  # noqa: SLF001 - as said
    for name in ("_event_queue", "_reply_queue"):
        if isinstance(getattr(controller, name, None), queue.Queue):
            setattr(controller, name, BoundedQueue(MAX_QUEUED_MESSAGES, _warn_dropped))
    return controller


class BandwidthController(Controller):
    """A Controller that subscribes to what bwgraph asked for and to nothing else."""

    def add_event_listener(self, listener: Callable[[Any], None], *events: str) -> None:
        """As the original, but for BW alone.

        stem adds three of its own, to keep a cache fresh that bwgraph does not use. A filter that
        grants only BW refuses any SETEVENTS that names them.
        """
        if EventType.BW in events:
            super().add_event_listener(listener, *events)

    def _handle_event(self, event_message: Any) -> None:
        """As the original, which lets raw exceptions through that would end its thread."""
        try:
            super()._handle_event(event_message)
        except Exception as error:  # noqa: BLE001 - a border: stem's thread must survive an event
            _warn_lost_event(error)


class BandwidthSocket(stem.socket.ControlSocket):
    """A control socket over one wire, once.

    What stem makes of an event costs four times what reading it does, and goes through a thread
    more. So BW events are handed on as two numbers, by the thread that reads them, and stem is
    told of all the rest.
    """

    def __init__(self, wire: Transport, bandwidth: OnBandwidth) -> None:
        super().__init__()
        self._unused: list[Transport] = [wire]
        self._bandwidth = bandwidth

    def is_localhost(self) -> bool:
        """Never: for a local tor stem may send TAKEOWNERSHIP, which ends that tor with us."""
        return False

    def recv(self) -> Any:
        """As the original, but for the BW events before what it returns."""
        receive = getattr(self, "_recv", None)  # private to stem and guarded by tests
        if receive is None:
            return super().recv()
        return receive(lambda wire, _: stem.socket.recv_message(EventFilter(wire, self._bandwidth)))

    def _make_socket(self) -> Transport:
        if not self._unused:
            raise stem.SocketError("a connection is made once")
        return self._unused.pop()


class EventFilter:
    """What stem reads one message from, without the BW events that come before it."""

    def __init__(self, wire: Transport, bandwidth: OnBandwidth) -> None:
        self._wire = wire
        self._bandwidth = bandwidth
        self._lines = 0

    def readline(self) -> bytes:
        """The next line of the message; OSError if that is longer than any can be."""
        if self._lines == MAX_MESSAGE_LINES:
            self._wire.fail("it goes on and on, and nothing comes of it")
        line = self._wire.readline()
        while not self._lines and (event := _BANDWIDTH.fullmatch(line)):
            try:
                self._bandwidth(int(event[1]), int(event[2]))
            except Exception as error:  # noqa: BLE001 - a border: the reader must survive an event
                _warn_lost_event(error)
            self._wire.unused_bytes = 0
            line = self._wire.readline()
        self._lines += 1  # from now on a line that looks like an event may be part of an answer
        return line


class UntimedEvent(threading.Event):
    """stem's notifier waits for this 0.05 s at a time; here it waits until there is something."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - that is the point
        """Wait until set. stem sets it for every event that it is left and when it closes."""
        return super().wait()


class WarningHandler(logging.Handler):
    """What stem logs as a warning or worse: an exception in a listener, a malformed event.

    Nothing below that is ever taken: stem's trace holds the password.
    """

    def __init__(self, tell: Report) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def attach(self) -> None:
        """Begin to listen."""
        _LOGGER.setLevel(logging.WARNING)
        _LOGGER.propagate = False
        _LOGGER.addHandler(self)

    def detach(self) -> None:
        """Listen no more."""
        _LOGGER.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, but for what is found out by the events that do not come."""
        message = record.getMessage()
        if not message.startswith("We were unable to re-attach our event listeners"):
            self._tell(Problem(now(), message[:MAX_WARNING_CHARS]))


class BoundedQueue(queue.Queue[Any]):
    """A queue that never holds more than so many: of what comes when it is full, ``spilt`` is told.

    So whoever fills it neither waits nor takes all memory.

    >>> bounded = BoundedQueue(1, print)
    >>> bounded.put("first")
    >>> bounded.put("second")
    second
    >>> bounded.get()
    'first'
    """

    def __init__(self, max_length: int, on_overflow: Callable[[Any], object]) -> None:
        super().__init__(max_length)
        self._on_overflow = on_overflow

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002 - as the original has it
        """Put it there if there is room."""
        try:
            super().put(item, block=False)
        except queue.Full:
            self._on_overflow(item)


def _warn_dropped(message: object) -> None:
    """Say of a message that it came when stem had as many before it as it may have."""
    if not isinstance(message, stem.SocketClosed):  # which is told by other ways
        _warn("it says more at once than can be looked at: %.80r", str(message))


def _warn_lost_event(error: Exception) -> None:
    """Say of an event what stem would, had it caught this."""
    _warn("an event was lost: %s: %s", type(error).__name__, error)


def _warn(what: str, *details: object) -> None:
    """Tell all connections; which of them it is about is not known here, as with stem's own."""
    _LOGGER.warning(what, *details)
