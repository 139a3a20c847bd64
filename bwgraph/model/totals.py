"""What a tor has moved in all, and what is known of its life: restarts, and what nobody saw.

Owns the totals. They come from tor's own counters where it answers for them, and are kept up by
adding the samples; a tor process that ends takes its totals with it. Must not know how tor was
asked, nor what is on the screen. Samples come from one thread and all else from one other, and no
sample of a connection comes before its ``Connected``: so each field has one writer at a time.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bwgraph.model.events import Connected, CounterBase, Sample

UPTIME_ROUNDING_S = 2.0
"Seconds. Tor tells its uptime in whole ones, and is asked a moment later."

COUNTER_SLACK_BYTES = 1 << 24
"""Bytes. By so much at the most, tor's first answer is too large: it counts on between its events,
and at 16 MiB a second that is what it moves in one."""

MAX_REMEMBERED = 64
"Restarts and gaps kept; more than fit onto a screen."


class Total(NamedTuple):
    """Bytes moved since some moment."""

    read: int
    written: int
    since: float | None
    "None where tor does not tell when it started."
    since_tor_started: bool
    "Since tor started; else only since bwgraph connected."
    of_several: bool = False
    "Of several tors, each since a moment of its own."


class Unseen(NamedTuple):
    """What tor moved while nobody listened: a known sum of an unknown shape."""

    begin: float
    end: float
    read: int
    written: int


class _TorProcess(NamedTuple):
    """One tor process, as far as it is known."""

    first_heard: float
    "When we first heard of it."
    process: str
    uptime: float | None
    "What it said of itself then."
    since: float | None
    since_tor_started: bool
    base_read: int
    "Bytes in its total that are not in the sum of the samples; negative for an earlier life's."
    base_written: int
    seen_read: int = 0
    "The sum of the samples when the present connection began."
    seen_written: int = 0
    gap_before: bool = False
    "Whether the latest gap was before the present connection."


class Totals:
    """Adds up one tor's bytes.

    >>> totals = Totals()
    >>> counters = CounterBase(5000, 500)
    >>> totals.connected(Connected(100.0, "9051", counters=counters, uptime=40.0), None)
    >>> totals.add(Sample(101.0, 7, 3, 1.0))
    >>> totals.total()
    Total(read=5007, written=503, since=60.0, since_tor_started=True, of_several=False)
    """

    def __init__(self) -> None:
        self.restarts: tuple[float, ...] = ()
        "When another tor process took over, as near as is known."
        self.unseen: tuple[Unseen, ...] = ()
        self._read = 0
        self._written = 0
        self._missing = (0, 0)  # what samples were found to have lacked
        self._process: _TorProcess | None = None

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self._read += sample.read
        self._written += sample.written

    def sample_bytes(self) -> tuple[int, int]:
        """Bytes read and written in all samples, with what they lacked; from any thread.

        Of no tor's life but of ours: neither ever falls, whatever becomes of the tor.
        """
        return self._read + self._missing[0], self._written + self._missing[1]

    def add_missing(self, missing: Sample) -> None:
        """Count what a sample lacked; not from the thread that the samples come from."""
        read, written = self._missing
        self._missing = read + missing.read, written + missing.written

    def connected(self, news: Connected, lost: float | None) -> None:
        """Begin with a connection; ``lost`` is when the one before it was last heard of."""
        before = self._process
        all_read, all_written = self.sample_bytes()
        restarted = before is not None and self._is_another_process(before, news)
        if restarted:
            started = news.at if news.uptime is None else news.at - news.uptime
            at = started if lost is None else max(started, lost)
            self.restarts = (*self.restarts, at)[-MAX_REMEMBERED:]
        life = before
        if life is None or restarted or life.since_tor_started is not (news.counters is not None):
            life = self._new_process(news)
        gap = False
        if news.counters is not None:
            life = life._replace(
                base_read=news.counters.read - all_read,
                base_written=news.counters.written - all_written,
            )
            if (
                before is not None
                and before.since_tor_started
                and not restarted
                and lost is not None
            ):
                read = max(life.base_read - before.base_read, 0)
                written = max(life.base_written - before.base_written, 0)
                gap = read > 0 or written > 0
                if gap:
                    unseen = Unseen(lost, news.at, read, written)
                    self.unseen = (*self.unseen, unseen)[-MAX_REMEMBERED:]
        self._process = life._replace(seen_read=all_read, seen_written=all_written, gap_before=gap)

    def update_base(self, answer: CounterBase) -> None:
        """Take another answer about the time before this connection; the least is the best."""
        life = self._process
        if life is None or not life.since_tor_started:
            return
        better = life._replace(
            base_read=min(life.base_read, answer.read - life.seen_read),
            base_written=min(life.base_written, answer.written - life.seen_written),
        )
        if life.gap_before:
            *others, last = self.unseen
            read = max(last.read - (life.base_read - better.base_read), 0)
            written = max(last.written - (life.base_written - better.base_written), 0)
            self.unseen = (*others, last._replace(read=read, written=written))
        self._process = better

    def total(self) -> Total | None:
        """What it all comes to by now; None before the first connection."""
        life = self._process
        if life is None:
            return None
        read, written = self.sample_bytes()
        return Total(
            life.base_read + read, life.base_written + written, life.since, life.since_tor_started
        )

    def _new_process(self, news: Connected) -> _TorProcess:
        of_tor = news.counters is not None
        read, written = self.sample_bytes()
        since = None if news.uptime is None else news.at - news.uptime
        return _TorProcess(
            first_heard=news.at,
            process=news.process,
            uptime=news.uptime,
            since=since if of_tor else news.at,
            since_tor_started=of_tor,
            base_read=-read,
            base_written=-written,
        )

    def _is_another_process(self, life: _TorProcess, news: Connected) -> bool:
        """Whether a tor process other than the one we knew has answered.

        Two processes may have the same number, each in a container of its own. But neither its
        uptime nor its counters ever fall while a tor lives.
        """
        if news.process and life.process and news.process != life.process:
            return True
        if news.uptime is not None and life.uptime is not None:
            if news.uptime < life.uptime:
                return True
            # A tor that was stopped, or slept with its machine, leaves that out of its uptime: so
            # one that is too low says nothing where the process is known to be the same.
            same = news.process and news.process == life.process
            if not same and news.uptime + UPTIME_ROUNDING_S < news.at - life.first_heard:
                return True
        if news.counters is None or not life.since_tor_started:
            return False
        read, written = self.sample_bytes()
        return (
            news.counters.read + COUNTER_SLACK_BYTES < life.base_read + read
            or news.counters.written + COUNTER_SLACK_BYTES < life.base_written + written
        )


class SumTotals(Totals):
    """The sum of several ledgers, each of which is kept up by itself."""

    def __init__(self, members: Iterable[Totals]) -> None:
        super().__init__()
        self._members = tuple(members)

    def total(self) -> Total | None:
        """What all of them come to by now, as far as each is known."""
        totals = [total for member in self._members if (total := member.total()) is not None]
        if not totals:
            return None
        return Total(
            sum(total.read for total in totals),
            sum(total.written for total in totals),
            since=None,
            since_tor_started=all(total.since_tor_started for total in totals),
            of_several=True,
        )

    def update(self) -> None:
        """See what restarts and gaps the others have by now."""
        self.restarts = tuple(sorted(at for member in self._members for at in member.restarts))
        self.unseen = tuple(gap for member in self._members for gap in member.unseen)
