"""Lines: writes samples as entries of a recording as they arrive (--json, --csv).

Owns which entries are written when, which messages are written beside them, and when that ends.
Must not know where samples come from, nor how an entry is formatted.
"""

from collections.abc import Callable

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Event, Lost, Problem, Refused, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output.event_queue import EventQueue, QueuedEvent
from bwgraph.recording.format import Entry
from bwgraph.recording.intervals import Intervals
from bwgraph.system.clock import SystemClock, now


def write_lines(
    queue: EventQueue,
    fleet: Fleet,
    write: Callable[[Entry], object],
    write_message: Callable[[str], object],
    *,
    every: int | None = None,
    duration: float | None = None,
) -> ExplainedError | None:
    """Write entries until the queue is stopped, or for ``duration`` seconds from the first sample.

    ``every``: seconds per entry; None: one entry per sample. Other events are reported by
    ``write_message``, and so are samples that were dropped because the reader was blocked. Returns
    the error if there is no tor to wait for.
    """
    messages = _Messages(write_message, several=len(fleet.instances) > 1)
    intervals = Intervals(now(), every)
    deadline: float | None = None
    error = None
    while error is None:
        queued = queue.next(None if deadline is None else deadline - now())
        if queued is None:
            break
        if queued.instance not in fleet.instances:
            continue
        messages.handle(queued)
        if isinstance(queued.event, Sample):
            if deadline is None and duration is not None:
                deadline = now() + duration
            for entry in intervals.add(
                queued.instance, queued.name, queued.event, queued.wall_clock
            ):
                write(entry)
        elif isinstance(queued.event, Refused):
            error = fleet.final_error
    end = SystemClock().read()
    # If no tor can be reached, the error says so, and no entry for a gap is needed.
    tors = () if error else fleet.instances
    for entry in intervals.close(((tor, tor.location) for tor in tors), end.now, end.wall_clock):
        write(entry)
    return error


class _Messages:
    """The messages for events. The loss of a tor is reported once, not at each new try."""

    def __init__(self, write: Callable[[str], object], *, several: bool) -> None:
        self._write = write
        self._several = several
        self._missed_samples = 0  # the number that has been reported
        self._ever_connected: set[Instance] = set()
        self._lost: set[Instance] = set()

    def handle(self, queued: QueuedEvent) -> None:
        """Write the messages for an event, if there are any."""
        if queued.dropped_samples > self._missed_samples:
            count = queued.dropped_samples - self._missed_samples
            dropped = "1 sample was" if count == 1 else f"{count} samples were"
            self._write(f"{dropped} dropped: the reader was too slow")
            self._missed_samples = queued.dropped_samples
        if text := self._text(queued.instance, queued.event):
            self._write(f"{queued.instance.title}: {text}" if self._several else text)

    def _text(self, tor: Instance, event: Event) -> str:
        """Return the message for an event, or an empty string."""
        match event:
            case Problem(text=text):
                return text
            case Lost(reason=reason) if tor not in self._lost:
                self._lost.add(tor)
                return f"no tor: {reason}; trying again"
            case Connected() | Sample():
                again = " again" if tor in self._ever_connected else ""
                self._ever_connected.add(tor)
                if tor in self._lost:
                    self._lost.discard(tor)
                    return f"connected{again}"
        return ""
