"""Check a program's count of a tor's bytes against the events that were sent to it.

Owns which sums are right, and which events are missing or counted twice in a wrong one. Pure: it
uses ``Passage``s and pairs of numbers.

A program counts all events of a connection but the first, in order. So a right sum consists of the
events of all ended connections, and of the first events of the open one. Since no two events are
equal, the sum shows how many these are. If the program itself closed a connection, it may have left
the last events unread.
"""

from collections.abc import Sequence
from itertools import accumulate, combinations

from tap import BandwidthEvent, Passage

Bytes = tuple[int, int]
"Bytes read and written."

UNREAD_S = 0.5
"Events sent within this time before a program closes the connection may be left unread."

RECENT_EVENTS = 200
"The number of events among which lost or doubled ones are searched for."

BEHIND_EVENTS = 5
"The assumed number of sent but not yet stored events, if it cannot be found out."


class Account:
    """The right sums of one tor; ``passages`` grows while the program runs."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._bases: set[Bytes] = {(0, 0)}  # the possible sums of the ended connections
        self._ended = 0  # the number of ended connections

    def sent(self) -> tuple[int, int]:
        """Return the number of ended connections, and of the events of the open one."""
        self._add_ended()
        return self._ended, len(self._open_sums()) - 1

    def events(self) -> int:
        """Return the number of events that the program should count."""
        return sum(max(len(passage.events) - 1, 0) for passage in self._passages)

    def reaches(self, stored: Bytes, due: tuple[int, int]) -> bool:
        """Return whether a sum is right and includes at least what ``sent`` returned as ``due``."""
        self._add_ended()
        positions = [
            (self._ended, count)
            for count, open_sum in enumerate(self._open_sums())
            if _subtract(stored, open_sum) in self._bases
        ]
        if not positions or max(positions) < due:
            return False
        if min(positions) > (self._ended, 0):
            # It includes later events, which shows how many were left unread before.
            self._bases &= {_subtract(stored, self._open_sums()[count]) for _, count in positions}
        return True

    def explain(self, stored: Bytes) -> tuple[int, int, str]:
        """Return how many events a wrong sum lacks, how many it has twice, and a description.

        At least one of the numbers is positive. Then accept the sum as right from now on.
        """
        self._add_ended()
        sums = self._open_sums()
        search = _Search(
            [event for each in self._passages for event in each.events[1:]][-RECENT_EVENTS:]
        )
        found = []
        for base in self._bases:
            for open_sum in sums:
                missing = _subtract(_add(base, open_sum), stored)
                lost, twice = search.count(missing), search.count(_subtract((0, 0), missing))
                if lost or twice:
                    found.append((lost, twice, open_sum))
        if found:
            # The fewest, since events that are not stored yet are not lost.
            lost, twice, open_sum = min(found, key=lambda each: each[0] + each[1])
            self._bases = {_subtract(stored, open_sum)}
            return lost, twice, "lost" if lost else "counted twice"
        open_sum = sums[max(len(sums) - 1 - BEHIND_EVENTS, 0)]
        missing = _subtract(_add(max(self._bases), open_sum), stored)
        self._bases = {_subtract(stored, open_sum)}
        text = f"about {missing[0]} bytes read and {missing[1]} written are missing"
        return (0, 1, text) if missing < (0, 0) else (1, 0, text)

    def _open_sums(self) -> list[Bytes]:
        """Return the sums of the first 0, 1, 2, ... counted events of the open connection."""
        if self._ended == len(self._passages):
            return [(0, 0)]
        return _sums(self._passages[self._ended].events)

    def _add_ended(self) -> None:
        """Add the connections that have ended meanwhile to the possible sums."""
        while self._ended < len(self._passages) and self._passages[self._ended].over:
            passage = self._passages[self._ended]
            sums, hung_up = _sums(passage.events), passage.hung_up
            unread = 0
            if hung_up is not None:
                unread = sum(event.at > hung_up - UNREAD_S for event in passage.events[1:])
            ends = sums[len(sums) - 1 - unread :]
            self._bases = {_add(base, end) for base in self._bases for end in ends}
            self._ended += 1


def _sums(events: Sequence[BandwidthEvent]) -> list[Bytes]:
    """Return the sums of 0, 1, 2, ... events after the first, which is never counted."""
    pairs = ((event.read, event.written) for event in events[1:])
    return list(accumulate(pairs, _add, initial=(0, 0)))


class _Search:
    """A search for events with a given sum: consecutive ones, or up to three anywhere."""

    def __init__(self, events: Sequence[BandwidthEvent]) -> None:
        self._each = [(event.read, event.written) for event in events]
        self._pairs = {_add(*pair) for pair in combinations(self._each, 2)}

    def count(self, wanted: Bytes) -> int:
        """Return the number of events with this sum; 0 if there are none."""
        if min(wanted) < 0 or wanted == (0, 0):
            return 0
        if wanted in self._each:
            return 1
        if wanted in self._pairs:
            return 2
        if any(_subtract(wanted, one) in self._pairs for one in self._each):
            return 3
        ends = {end_sum: index for index, end_sum in enumerate(accumulate(self._each, _add))}
        runs = (
            index - ends.get(_subtract(end_sum, wanted), index) for end_sum, index in ends.items()
        )
        return max(runs, default=0)


def _add(one: Bytes, other: Bytes) -> Bytes:
    return one[0] + other[0], one[1] + other[1]


def _subtract(one: Bytes, other: Bytes) -> Bytes:
    return one[0] - other[0], one[1] - other[1]
