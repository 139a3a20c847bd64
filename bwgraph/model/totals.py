"""What a tor has moved in all, and what is known of its life: restarts, and what nobody saw.

Owns the totals. They come from tor's own counters where it answers for them, and are kept up by
adding the samples; a tor process that ends takes its totals with it. Must not know how tor was
asked, nor what is on the screen. Samples come from one thread and all else from one other, and no
sample of a connection comes before its ``Connected``: so each field has one writer at a time.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bwgraph.model.events import Connected, Counted, Sample

ROUNDING = 2.0
"Seconds. Tor tells its uptime in whole ones, and is asked a moment later."

PARTIAL = 1 << 24
"""Bytes. By so much at the most, tor's first answer is too large: it counts on between its events,
and at 16 MiB a second that is what it moves in one."""

REMEMBERED = 64
"Restarts and gaps kept; more than fit onto a screen."


class Total(NamedTuple):
    """Bytes moved since some moment."""

    read: int
    written: int
    since: float | None
    "None where tor does not tell when it started."
    of_tor: bool
    "Since tor started; else only since bwgraph connected."
    of_many: bool = False
    "Of several tors, each since a moment of its own."


class Unseen(NamedTuple):
    """What tor moved while nobody listened: a known sum of an unknown shape."""

    begin: float
    end: float
    read: int
    written: int


class _Life(NamedTuple):
    """One tor process, as far as it is known."""

    contact: float
    "When we first heard of it."
    process: str
    uptime: float | None
    "What it said of itself then."
    since: float | None
    of_tor: bool
    read: int
    "Bytes in its total that are not in the sum of the samples; negative for an earlier life's."
    written: int
    read_at: int = 0
    "The sum of the samples when the present connection began."
    written_at: int = 0
    gap: bool = False
    "Whether the latest gap was before the present connection."


class Ledger:
    """Adds up one tor's bytes.

    >>> ledger = Ledger()
    >>> ledger.connected(Connected(100.0, "9051", counted=Counted(5000, 500), uptime=40.0), None)
    >>> ledger.add(Sample(101.0, 7, 3, 1.0))
    >>> ledger.total()
    Total(read=5007, written=503, since=60.0, of_tor=True, of_many=False)
    """

    def __init__(self) -> None:
        self.restarts: tuple[float, ...] = ()
        "When another tor process took over, as near as is known."
        self.unseen: tuple[Unseen, ...] = ()
        self._read = 0
        self._written = 0
        self._lacking = (0, 0)  # what samples were found to have lacked
        self._life: _Life | None = None

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self._read += sample.read
        self._written += sample.written

    def heard(self) -> tuple[int, int]:
        """Bytes read and written in all samples, with what they lacked; from any thread.

        Of no tor's life but of ours: neither ever falls, whatever becomes of the tor.
        """
        return self._read + self._lacking[0], self._written + self._lacking[1]

    def amend(self, missing: Sample) -> None:
        """Count what a sample lacked; not from the thread that the samples come from."""
        read, written = self._lacking
        self._lacking = read + missing.read, written + missing.written

    def connected(self, news: Connected, lost: float | None) -> None:
        """Begin with a connection; ``lost`` is when the one before it was last heard of."""
        before = self._life
        all_read, all_written = self.heard()
        restarted = before is not None and self._is_another(before, news)
        if restarted:
            started = news.when if news.uptime is None else news.when - news.uptime
            at = started if lost is None else max(started, lost)
            self.restarts = (*self.restarts, at)[-REMEMBERED:]
        life = before
        if life is None or restarted or life.of_tor is not (news.counted is not None):
            life = self._begin(news)
        gap = False
        if news.counted is not None:
            life = life._replace(
                read=news.counted.read - all_read,
                written=news.counted.written - all_written,
            )
            if before is not None and before.of_tor and not restarted and lost is not None:
                read = max(life.read - before.read, 0)
                written = max(life.written - before.written, 0)
                gap = read > 0 or written > 0
                if gap:
                    unseen = Unseen(lost, news.when, read, written)
                    self.unseen = (*self.unseen, unseen)[-REMEMBERED:]
        self._life = life._replace(read_at=all_read, written_at=all_written, gap=gap)

    def counted(self, answer: Counted) -> None:
        """Take another answer about the time before this connection; the least is the best."""
        life = self._life
        if life is None or not life.of_tor:
            return
        better = life._replace(
            read=min(life.read, answer.read - life.read_at),
            written=min(life.written, answer.written - life.written_at),
        )
        if life.gap:
            *others, last = self.unseen
            read = max(last.read - (life.read - better.read), 0)
            written = max(last.written - (life.written - better.written), 0)
            self.unseen = (*others, last._replace(read=read, written=written))
        self._life = better

    def total(self) -> Total | None:
        """What it all comes to by now; None before the first connection."""
        life = self._life
        if life is None:
            return None
        read, written = self.heard()
        return Total(life.read + read, life.written + written, life.since, life.of_tor)

    def _begin(self, news: Connected) -> _Life:
        of_tor = news.counted is not None
        read, written = self.heard()
        since = None if news.uptime is None else news.when - news.uptime
        return _Life(
            contact=news.when,
            process=news.process,
            uptime=news.uptime,
            since=since if of_tor else news.when,
            of_tor=of_tor,
            read=-read,
            written=-written,
        )

    def _is_another(self, life: _Life, news: Connected) -> bool:
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
            if not same and news.uptime + ROUNDING < news.when - life.contact:
                return True
        if news.counted is None or not life.of_tor:
            return False
        read, written = self.heard()
        return (
            news.counted.read + PARTIAL < life.read + read
            or news.counted.written + PARTIAL < life.written + written
        )


class Ledgers(Ledger):
    """The sum of several ledgers, each of which is kept up by itself."""

    def __init__(self, members: Iterable[Ledger]) -> None:
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
            of_tor=all(total.of_tor for total in totals),
            of_many=True,
        )

    def look(self) -> None:
        """See what restarts and gaps the others have by now."""
        self.restarts = tuple(sorted(at for member in self._members for at in member.restarts))
        self.unseen = tuple(gap for member in self._members for gap in member.unseen)
