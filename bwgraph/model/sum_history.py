"""The past of several tors in one. Owns how their seconds add up, and which lack somebody's.

A second's rate is the sum of what each tor moved in it, and its peak is that of the sum: so the
sum is made second by second, as the portions of each history come in, and kept in rings of its own.
A second that lacks one tor's data is shown for what is known of it, and is marked.

Now and then a tor's event is shared between two seconds, half of it to each (see ``placement``):
such a half has the rate of the whole, and must not make a notch in the sum. So the time that the
bytes of a column stand for is less where there are halves among them.
"""

from collections.abc import Hashable, Iterable
from contextlib import AbstractContextManager

from bwgraph.model.history import LATE_AFTER_S, History, Window
from bwgraph.model.ring import Buckets, Portion
from bwgraph.model.rollups import Bucket, Rollups

HALF_SECOND_SPAN_S = (0.4, 0.75)
"Seconds, more and less than which a half of an event covers; all else stands for a whole second."

MAX_WAIT_S = 2
"Seconds for which the sum waits for a tor that is behind the others."


class SumHistory(History):
    """The history of a sum. It is pushed nothing, and told by each of its members' histories.

    >>> both = SumHistory(["a", "b"])
    >>> both.add("a", [Portion(11, 700, 70, 1.0, 700.0, 70.0)], 11.0)
    >>> both.add("b", [Portion(11, 5, 5, 1.0, 5.0, 5.0)], 11.2)
    >>> both.add("a", [Portion(12, 300, 30, 1.0, 300.0, 30.0)], 12.0)
    >>> both.expect_no_more("b")
    >>> window = both.window(12.1, 2)
    >>> window.buckets.read.tolist(), sorted(window.partial)
    ([705, 300], [1])
    """

    def __init__(
        self, members: Iterable[Hashable], lock: AbstractContextManager[object] | None = None
    ) -> None:
        super().__init__(lock)
        self._members = set(members)
        self._newest_by_member: dict[
            Hashable, int
        ] = {}  # by member: the newest column that it has filled
        self._expected: set[Hashable] = set()  # the members that more is expected from
        self._shown = 0  # the newest column that may have been shown: there is no way back
        # By column: how many members' seconds there are, in place of bytes, and whole seconds.
        self._coverage = Rollups()

    def add(self, member: Hashable, portions: Iterable[Portion], when: float) -> None:
        """Add what a member's history was given, at this time."""
        with self._lock:
            if self.newest_at is not None and when - self.newest_at >= LATE_AFTER_S:
                # Until now what was overdue has been shown as gaps.
                self._shown = self._present_bucket(when, self.newest_at, 1)
            for portion in portions:
                self._add(member, portion)
            self._expected.add(member)
            if self._newest_by_member:
                self.newest_at = when if self.newest_at is None else max(when, self.newest_at)

    def _add(self, member: Hashable, portion: Portion) -> None:
        column = portion.bucket
        there = self._rollups.portion(column)
        self._first = column if self._first is None else min(self._first, column)
        self._mark_changed([portion])
        edge = self._newest_by_member.get(member, column - 1)
        covered = 0.0 if there.seconds else self._coverage.uncovered_seconds(column)
        # Behind its edge only what is amended comes: with a span where nothing was known before.
        first = column > edge or (column < edge and portion.seconds > 0)
        if first:
            self._newest_by_member[member] = max(column, edge)
        if first or covered:
            self._coverage.add([Portion(column, int(first), 0, covered, 0.0, 0.0)])
        span = (
            portion.seconds
            if first and HALF_SECOND_SPAN_S[0] < portion.seconds < HALF_SECOND_SPAN_S[1]
            else 1.0
        )
        if not there.seconds:
            seconds = min(covered, span)
        else:
            seconds = _common_seconds(there, portion, span) if first else there.seconds
        peaks = (
            (there.read + portion.read) / (seconds or 1.0),
            (there.written + portion.written) / (seconds or 1.0),
        )
        more = seconds - there.seconds
        self._rollups.add([Portion(column, portion.read, portion.written, more, *peaks)])

    def expect_no_more(self, member: Hashable) -> None:
        """Expect no more of a member for now."""
        with self._lock:
            self._expected.discard(member)

    def remove(self, member: Hashable) -> None:
        """Be a sum of one fewer, from the beginning: a member that was never told of."""
        with self._lock:
            self._members.discard(member)
            self._expected.discard(member)
            self._newest_by_member.pop(member, None)

    def _changed_buckets(
        self, resolution: int, first: int, newest: int
    ) -> tuple[int, int, Buckets, Buckets | None]:
        _, begin, columns, _ = super()._changed_buckets(resolution, first, newest)
        told = self._coverage.copy(resolution, begin, begin + len(columns) - 1)
        return resolution, begin, columns, told

    def _restore(self, entries: Iterable[Bucket]) -> None:
        entries = list(entries)
        super()._restore(entries)
        self._coverage.restore(
            entry._replace(
                portion=Portion(
                    entry.portion.bucket, entry.member_seconds, 0, entry.known_seconds, 0, 0
                )
            )
            for entry in entries
        )

    def _window(self, first: int, last: int, resolution: int, age: float | None) -> Window:
        columns = self._rollups.copy(resolution, first, last)
        told = self._coverage.copy(resolution, first, last)
        members = len(self._members)
        lacking = [
            round(seconds) * members - count
            for seconds, count in zip(told.seconds, told.read, strict=True)
        ]
        # What is still waited for is not lacking.
        for column in range(self._shown + 1, self._newest() + 1):
            index = -(-column // resolution) - first
            if 0 <= index < len(lacking):
                held = self._coverage.portion(column)
                lacking[index] -= round(held.seconds) * members - held.read
        partial = frozenset(index for index, count in enumerate(lacking) if count > 0)
        return Window(columns, resolution, float(last * resolution), age, partial)

    def _newest_known(self) -> int:
        """The newest column that all have filled who are not too far behind; as once shown."""
        newest = self._newest()
        edges = (self._newest_by_member.get(member, newest) for member in self._expected)
        common = min((edge for edge in edges if edge >= newest - MAX_WAIT_S), default=newest)
        self._shown = max(self._shown, common)
        return self._shown

    def _newest(self) -> int:
        """The newest column that any has filled."""
        return max(self._newest_by_member.values(), default=0)


def _common_seconds(there: Portion, portion: Portion, span: float) -> float:
    """Seconds in which the bytes of both have the rate of both, each over its own.

    >>> there = Portion(11, 700, 70, 1.0, 700.0, 70.0)
    >>> _common_seconds(there, Portion(11, 350, 35, 0.5, 0, 0), 0.5)
    0.75
    """
    before, more = there.read + there.written, portion.read + portion.written
    rate = before / there.seconds + more / span
    return (before + more) / rate if rate else max(there.seconds, span)
