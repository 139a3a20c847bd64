"""Without a screen: what is told becomes entries of a recording, for other programs to read.

Owns what is written when, what is remarked of what is no sample, and when it ends. Must not know
where samples come from, nor how an entry is written.
"""

from collections.abc import Callable, Hashable

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Event, Lost, Problem, Refused, Sample
from bwgraph.model.fleet import Fleet
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
    """Write until the inbox is stopped, time is up, or there is nothing to wait for.

    That is a ``duration`` from the first sample on; None: for ever. What is no sample is told to
    ``remark``. A reader that stalls for an hour misses samples after that, and is told so.
    """
    remarks = _Messages(write_message, several=len(fleet.instances) > 1)
    intervals = Intervals(now(), every)
    deadline: float | None = None
    refusal = None
    while refusal is None:
        news = queue.next(None if deadline is None else deadline - now())
        if news is None:
            break
        if news.instance not in fleet.instances:
            continue
        remarks.handle(news)
        if isinstance(news.event, Sample):
            if deadline is None and duration is not None:
                deadline = now() + duration
            for entry in intervals.add(news.instance, news.name, news.event, news.wall_clock):
                write(entry)
        elif isinstance(news.event, Refused):
            refusal = fleet.final_error
    end = SystemClock().read()
    # Of those that refuse, it is the refusal that says that nothing came.
    tors = () if refusal else fleet.instances
    for entry in intervals.close(((tor, tor.location) for tor in tors), end.now, end.wall_clock):
        write(entry)
    return refusal


class _Messages:
    """What there is to say of news. That a tor is gone is worth a word, and each new try is not."""

    def __init__(self, remark: Callable[[str], object], *, several: bool) -> None:
        self._write_message = remark
        self._several = several
        self._missed = 0
        self._ever_connected: set[Hashable] = set()
        self._lost: set[Hashable] = set()

    def handle(self, news: QueuedEvent) -> None:
        """Say what there is to say."""
        if news.missed_samples > self._missed:
            missed = news.missed_samples - self._missed
            self._write_message(f"{missed} samples were missed: nobody read fast enough")
            self._missed = news.missed_samples
        if words := self._text(news.instance, news.event):
            self._write_message(f"{news.instance.title}: {words}" if self._several else words)

    def _text(self, tor: Hashable, event: Event) -> str:
        match event:
            case Problem(text=what):
                return what
            case Lost(reason=why) if tor not in self._lost:
                self._lost.add(tor)
                return f"no tor: {why}; trying again"
            case Connected() | Sample():
                again = " again" if tor in self._ever_connected else ""
                self._ever_connected.add(tor)
                if tor in self._lost:
                    self._lost.discard(tor)
                    return f"connected{again}"
        return ""
