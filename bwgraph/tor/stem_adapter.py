"""stem's ``Controller``, adapted: BW events are cheap, and its queues cannot grow without limit.

Owns every use of stem's private parts. Must not know what is done with an event.

The standard way to receive events with stem is ``Controller.add_event_listener``. One of stem's
threads reads each message and puts it into a queue, a second one parses it and calls the listener,
and the listener puts what it needs into a queue of the program, which its main loop reads. Every
later event waits until the listener returns, and an exception in it is only logged. So a listener
copies what it needs, passes it on, and returns. The same rules hold for ``on_bandwidth`` here.

What is done instead: ``BandwidthSocket``, a subclass of stem's ``ControlSocket``, reads BW events
ahead of stem's parser. The thread that reads the socket matches each line with a regular expression
and passes the two numbers on. All other messages go to stem unchanged. A listener is registered
with stem as well: stem subscribes for it, and calls it for the BW events that the expression does
not match, such as one in several lines.

Why: parsing an event in stem costs about four times as much as reading it, and wakes up one more
thread. Measured against a minimal program that reads the same socket and draws two graphs: with
stem's own listener, bwgraph uses 1.01 x the CPU and wakes up 4.8 times a second for one tor, in
this way 0.89 x and 2.6 times. For 64 tors it uses 12.8 x and 7.1 x the CPU.

stem's event thread would also wake up 20 times a second while it waits, and its queues have no
limit. ``UntimedEvent`` and ``BoundedQueue`` replace these parts.

What guards it: ``tests/tor/test_stem_adapter.py`` fails if stem changes one of the private parts
(``_recv``, ``_handle_event``, ``_event_notice``, ``_event_queue``, ``_reply_queue``). If stem does
not have such a part, nothing is replaced there and stem's own way is used; this is tested, too.
``_make_socket`` is private as well, and cannot be done without: it connects stem to our transport.
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
"Lines of one message. The answers that bwgraph asks for have a few."

MAX_QUEUED_MESSAGES = 64
"Messages in each of stem's two queues: unmatched events, and answers that nobody asked for."

MAX_WARNING_CHARS = 400
"Characters of a warning that are reported; it may quote a line of any length."

OnBandwidth = Callable[[int, int], None]
"A function that takes the bytes read and written of one BW event."

_BANDWIDTH = re.compile(rb"650 BW (\d{1,4000}) (\d{1,4000})(?: [^\r\n]*)?\r\n")
"""A BW event (control-spec, section 4.1.5), with any fields that a later tor may add. Python's
``int`` accepts at most 4300 digits."""

_LOGGER = logging.getLogger("stem")


def make_controller(transport: Transport, on_bandwidth: OnBandwidth) -> "BandwidthController":
    """Return a controller that is not connected yet, and calls ``on_bandwidth`` for BW events."""
    controller = BandwidthController(BandwidthSocket(transport, on_bandwidth))
    # Private parts of stem: its event thread would wake up 20 times a second, and its queues could
    # grow without limit.
    if isinstance(getattr(controller, "_event_notice", None), threading.Event):
        controller._event_notice = UntimedEvent()  # noqa: SLF001 - a private part of stem
    for name in ("_event_queue", "_reply_queue"):
        if isinstance(getattr(controller, name, None), queue.Queue):
            setattr(controller, name, BoundedQueue(MAX_QUEUED_MESSAGES, _warn_dropped))
    return controller


class BandwidthController(Controller):
    """A ``Controller`` that subscribes to BW events only."""

    def add_event_listener(self, listener: Callable[[Any], None], *events: str) -> None:
        """Register the listener if it is for BW events, and ignore the call otherwise.

        stem itself registers for three other events, to keep a cache fresh that bwgraph does not
        use. A filter that allows only BW refuses every SETEVENTS command with other events.
        """
        if EventType.BW in events:
            super().add_event_listener(listener, *events)

    def _handle_event(self, event_message: Any) -> None:
        """Handle an event as stem does, but report an exception of its parser.

        An exception would end stem's event thread.
        """
        try:
            super()._handle_event(event_message)
        except Exception as error:  # noqa: BLE001 - stem's thread must survive any event
            _warn_lost_event(error)


class BandwidthSocket(stem.socket.ControlSocket):
    """A control socket over one transport, which reads BW events ahead of stem's parser.

    It can be connected once.
    """

    def __init__(self, transport: Transport, on_bandwidth: OnBandwidth) -> None:
        super().__init__()
        self._unused: list[Transport] = [transport]
        self._on_bandwidth = on_bandwidth

    def is_localhost(self) -> bool:
        """Return False: for a local tor stem may send TAKEOWNERSHIP, and tor would end with us."""
        return False

    def recv(self) -> Any:
        """Return the next message that is not a BW event; pass the BW events before it on."""
        receive = getattr(self, "_recv", None)  # a private part of stem
        if receive is None:
            return super().recv()
        return receive(
            lambda transport, _: stem.socket.recv_message(
                EventFilter(transport, self._on_bandwidth)
            )
        )

    def _make_socket(self) -> Transport:
        if not self._unused:
            raise stem.SocketError("a connection can be made only once")
        return self._unused.pop()


class EventFilter:
    """The file from which stem reads one message, without the BW events that precede it."""

    def __init__(self, transport: Transport, on_bandwidth: OnBandwidth) -> None:
        self._transport = transport
        self._on_bandwidth = on_bandwidth
        self._lines = 0

    def readline(self) -> bytes:
        """Return the next line of the message. Raises OSError if the message has too many lines."""
        if self._lines == MAX_MESSAGE_LINES:
            self._transport.fail(f"it sent a message of more than {MAX_MESSAGE_LINES} lines")
        line = self._transport.readline()
        # Within a message, a line that looks like an event may be part of an answer.
        while not self._lines and (event := _BANDWIDTH.fullmatch(line)):
            try:
                self._on_bandwidth(int(event[1]), int(event[2]))
            except Exception as error:  # noqa: BLE001 - the reading thread must survive any event
                _warn_lost_event(error)
            self._transport.unused_bytes = 0
            line = self._transport.readline()
        self._lines += 1
        return line


class UntimedEvent(threading.Event):
    """An event whose ``wait`` ignores its timeout; stem's event thread would wait 0.05 s only."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - ignored on purpose
        """Wait until set. stem sets it for each queued event and when it closes."""
        return super().wait()


class WarningHandler(logging.Handler):
    """A log handler that reports stem's warnings and errors, such as a malformed event.

    Lower levels are never enabled, because stem's trace contains the password.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def attach(self) -> None:
        """Begin to report warnings, and keep them from other handlers' output."""
        _LOGGER.setLevel(logging.WARNING)
        _LOGGER.propagate = False
        _LOGGER.addHandler(self)

    def detach(self) -> None:
        """Stop reporting warnings."""
        _LOGGER.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record, except a failed subscription, which shows by the missing events."""
        message = record.getMessage()
        if not message.startswith("We were unable to re-attach our event listeners"):
            self._report(Problem(now(), message[:MAX_WARNING_CHARS]))


class BoundedQueue(queue.Queue[Any]):
    """A queue that drops what is put into it while it is full, and calls ``on_overflow`` with it.

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

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002 - as in queue.Queue
        """Add an item if there is room. Never blocks."""
        try:
            super().put(item, block=False)
        except queue.Full:
            self._on_overflow(item)


def _warn_dropped(message: object) -> None:
    """Warn of a message that was dropped because a queue was full."""
    if not isinstance(message, stem.SocketClosed):  # the end is reported in another way
        _warn("a message was dropped, too many are waiting: %.80r", str(message))


def _warn_lost_event(error: Exception) -> None:
    """Warn of an event that could not be handled."""
    _warn("an event was lost: %s: %s", type(error).__name__, error)


def _warn(format_string: str, *arguments: object) -> None:
    """Log a warning. All open connections report it, as they do with stem's own warnings."""
    _LOGGER.warning(format_string, *arguments)
