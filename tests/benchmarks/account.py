"""What a program must have counted of a tor, by the events that were sent to it.

Owns the reckoning: which sums a program may hold, and what is missing or too much in one that it
must not. Pure: it looks at ``Passage``s and at two numbers.

A program counts each connection's events but the first, in their order. So whatever it holds is
the sum of whole connections and of the beginning of one that goes on; as no two events are alike,
the sum tells to the event how far that is. Only where it hung up itself may it have left the last
moment's unread.
"""

from collections.abc import Sequence
from itertools import accumulate

from tap import Passage, Told

Bytes = tuple[int, int]
"Read and written."

UNREAD = 0.5
"Seconds before a program hangs up, of which it may have read what it was sent, or not."

RECENT = 300
"Events among which what is missing is looked for."


class Account:
    """Of one tor; ``passages`` grows while the program runs."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._bases: set[Bytes] = {(0, 0)}  # what the connections that are over may come to
        self._done = 0  # how many these are

    def sent(self) -> tuple[int, int]:
        """How far it goes by now: connections that are over, and events of the one that is not."""
        self._fold()
        return self._done, len(self._open()) - 1

    def events(self) -> int:
        """How many there were to be counted."""
        return sum(max(len(passage.events) - 1, 0) for passage in self._passages)

    def reaches(self, stored: Bytes, due: tuple[int, int]) -> bool:
        """Whether this is a sum that may be held, and goes so far at least."""
        self._fold()
        found = [
            (self._done, count)
            for count, so_far in enumerate(self._open())
            if _less(stored, so_far) in self._bases
        ]
        if not found or max(found) < due:
            return False
        # What was left unread on the way here is known by now.
        self._bases &= {_less(stored, self._open()[count]) for _, count in found}
        return True

    def explain(self, stored: Bytes) -> tuple[int, int, str]:
        """How many events such a sum has lost, and how many it has twice, and in words what is so.

        At least one of either; it is then taken as it is.
        """
        self._fold()
        open_sums = self._open()
        recent = [told for passage in self._passages for told in passage.events[1:]][-RECENT:]
        for base in self._bases:
            for count in range(len(open_sums) - 1, -1, -1):
                less = _less(_more(base, open_sums[count]), stored)
                for sign in (1, -1):
                    run = _run(recent, (sign * less[0], sign * less[1]))
                    if run:
                        self._bases = {_less(stored, open_sums[count])}
                        words = "are lost" if sign == 1 else "are counted twice"
                        return (run, 0, words) if sign == 1 else (0, run, words)
        newest = _more(max(self._bases), open_sums[-1])
        less = _less(newest, stored)
        self._bases = {_less(stored, open_sums[-1])}
        words = f"{less[0]} bytes read and {less[1]} written short of what was sent"
        return (0, 1, words) if less < (0, 0) else (1, 0, words)

    def _open(self) -> list[Bytes]:
        """What comes to the sum with each event of the connection that is not over."""
        if self._done == len(self._passages):
            return [(0, 0)]
        return _sums(self._passages[self._done].events)

    def _fold(self) -> None:
        while self._done < len(self._passages) and self._passages[self._done].over:
            passage = self._passages[self._done]
            sums, hung_up = _sums(passage.events), passage.hung_up
            unread = 0
            if hung_up is not None:
                unread = sum(told.when > hung_up - UNREAD for told in passage.events[1:])
            ends = sums[len(sums) - 1 - unread :]
            self._bases = {_more(base, end) for base in self._bases for end in ends}
            self._done += 1


def _sums(events: Sequence[Told]) -> list[Bytes]:
    """Of none of a connection's events, of one, two, and so on; the first is never counted."""
    told = ((event.read, event.written) for event in events[1:])
    return list(accumulate(told, _more, initial=(0, 0)))


def _run(events: Sequence[Told], wanted: Bytes) -> int:
    """How many successive events come to just that much; 0 if none do."""
    if wanted <= (0, 0):
        return 0
    ends: dict[Bytes, int] = {}
    total = (0, 0)
    for index, event in enumerate(events):
        ends[total] = index
        total = _more(total, (event.read, event.written))
        if (begin := ends.get(_less(total, wanted))) is not None:
            return index + 1 - begin
    return 0


def _more(one: Bytes, other: Bytes) -> Bytes:
    return one[0] + other[0], one[1] + other[1]


def _less(one: Bytes, other: Bytes) -> Bytes:
    return one[0] - other[0], one[1] - other[1]
