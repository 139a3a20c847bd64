"""What a program must have counted of a tor, by the events that were sent to it.

Owns the reckoning: which sums a program may hold, and what is missing or too much in one that it
must not. Pure: it looks at ``Passage``s and at two numbers.

A program counts each connection's events but the first, in their order. So whatever it holds is
the sum of whole connections and of the beginning of one that goes on; as no two events are alike,
the sum tells to the event how far that is. Only where it hung up itself may it have left the last
moment's unread.
"""

from collections.abc import Sequence
from itertools import accumulate, combinations

from tap import Passage, Told

Bytes = tuple[int, int]
"Read and written."

UNREAD = 0.5
"Seconds before a program hangs up, of which it may have read what it was sent, or not."

RECENT = 200
"Events among which what is missing is looked for."

BEHIND = 5
"Events by which what is stored is behind what was sent, where nothing tells by how many."


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
        if min(found) > (self._done, 0):
            # It goes on since: so what was left unread before is known by now.
            self._bases &= {_less(stored, self._open()[count]) for _, count in found}
        return True

    def explain(self, stored: Bytes) -> tuple[int, int, str]:
        """How many events such a sum has lost, and how many it has twice, and in words what is so.

        At least one of either; it is then taken as it is.
        """
        self._fold()
        sums = self._open()
        lookup = _Lookup([told for each in self._passages for told in each.events[1:]][-RECENT:])
        found = []
        for base in self._bases:
            for so_far in sums:
                less = _less(_more(base, so_far), stored)
                lost, twice = lookup.count(less), lookup.count(_less((0, 0), less))
                if lost or twice:
                    found.append((lost, twice, so_far))
        if found:
            # The fewest: else what is only not stored yet would be lost as well.
            lost, twice, so_far = min(found, key=lambda each: each[0] + each[1])
            self._bases = {_less(stored, so_far)}
            return lost, twice, "lost" if lost else "counted twice"
        so_far = sums[max(len(sums) - 1 - BEHIND, 0)]
        less = _less(_more(max(self._bases), so_far), stored)
        self._bases = {_less(stored, so_far)}
        words = f"some {less[0]} bytes read and {less[1]} written are missing"
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


class _Lookup:
    """Finds the events that make a sum: some in a row, or up to three anywhere."""

    def __init__(self, events: Sequence[Told]) -> None:
        self._each = [(event.read, event.written) for event in events]
        self._pairs = {_more(*pair) for pair in combinations(self._each, 2)}

    def count(self, wanted: Bytes) -> int:
        """How many make this much; 0 if none do."""
        if min(wanted) < 0 or wanted == (0, 0):
            return 0
        if wanted in self._each:
            return 1
        if wanted in self._pairs:
            return 2
        if any(_less(wanted, one) in self._pairs for one in self._each):
            return 3
        ends = {so_far: index for index, so_far in enumerate(accumulate(self._each, _more))}
        rows = (at - ends.get(_less(so_far, wanted), at) for so_far, at in ends.items())
        return max(rows, default=0)


def _more(one: Bytes, other: Bytes) -> Bytes:
    return one[0] + other[0], one[1] + other[1]


def _less(one: Bytes, other: Bytes) -> Bytes:
    return one[0] - other[0], one[1] - other[1]
