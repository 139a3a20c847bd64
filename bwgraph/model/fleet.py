"""The tors that are watched, and their sum, which is an instance like any other.

Owns who is watched, what a piece of news of one means for the sum, and when there is nobody left to
wait for. Must not know how any of them is reached or shown.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from bwgraph.model.errors import Refusal
from bwgraph.model.events import Connected, Ended, Event, Lost, Sample, Trouble
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.ring import Portion
from bwgraph.model.sum_history import Together
from bwgraph.model.totals import Ledgers

SAME_START = 5.0
"Seconds. Two tors with one process number that started so close to one another are one."

Lock = Callable[[], AbstractContextManager[object]]


class Fleet:
    """One tor, or several and their sum.

    Each is told of by threads of its own, so what is made of their news together is made under a
    lock. Samples do not wait for it, but for the sum's history alone.
    """

    def __init__(
        self,
        instances: Sequence[Instance],
        lock: Lock | None = None,
        *,
        found: bool = False,
        patient: bool = False,
        asks: Callable[[str], bool] = bool,
    ) -> None:
        self.instances = tuple(instances)
        "Those that are watched; one that turns out to be another's twin leaves."
        self.sum: Instance | None = None
        "None of one tor alone."
        self.remark = ""
        "What the user must know besides: that their past cannot be stored, and why."
        self._found = found  # nobody named them, so two of them may be one
        self._patient = patient  # there is no giving up
        self._asks = asks  # whether the user may be asked for the password of a place
        self._ever = False  # whether any was connected
        self._lock = lock() if lock else nullcontext()
        self._together: Together | None = None  # the sum's history
        if len(self.instances) > 1:
            self._together = Together(self.instances, lock() if lock else None)
            for instance in self.instances:
                onward = partial(_add, self._together, instance)
                instance.history = History(lock() if lock else None, onward)
            self.sum = Instance("", history=self._together)
            self._look()

    def tell(self, instance: Instance, event: Event) -> None:
        """Take a source's word of one of them."""
        if instance not in self.instances:
            return
        if isinstance(event, Sample):
            before = instance.state
            instance.tell(event)
            if instance.state is not before:  # it was only silent
                with self._lock:
                    self._look()
            return
        with self._lock:
            if isinstance(event, Connected):
                self._ever = True
                others = (other for other in self.instances if other is not instance)
                if self._found and any(_one(event, other) for other in others):
                    self._drop(instance)
                    return
            instance.tell(event)
            self._look(event)

    @property
    def newest(self) -> float | None:
        """When the newest sample of any came in; None before the first."""
        times = (instance.history.newest for instance in self.instances)
        return max((time for time in times if time is not None), default=None)

    @property
    def refusal(self) -> Refusal | None:
        """Why there is nothing to wait for; None as long as there is.

        A password is asked for before anything else is waited for.
        """
        refusals = [each.refusal for each in self.instances if each.refusal is not None]
        for refusal in refusals:
            if self._asks(refusal.password_for):
                return refusal
        if self._patient or self._ever or len(refusals) < len(self.instances):
            return None
        if len(refusals) == 1:
            return refusals[0]
        causes = "\n".join(f"    {refusal.cause}" for refusal in refusals)
        cures = "\n".join(dict.fromkeys(refusal.cure for refusal in refusals if refusal.cure))
        return Refusal(f"none of these tors lets us in:\n{causes}", cures)

    def _drop(self, instance: Instance) -> None:
        """Go on without one that is another's twin."""
        self.instances = tuple(each for each in self.instances if each is not instance)
        if self._together is not None:
            self._together.forget(instance)
        if len(self.instances) == 1:
            self.sum = None
        self._look()

    def _look(self, event: Event | None = None) -> None:
        """Let the sum know what its members are by now."""
        total, together = self.sum, self._together
        if total is None or together is None:
            return
        members = self.instances
        total.name = total.label = f"sum of {len(members)} tors"
        ledger = Ledgers(member.ledger for member in members)
        ledger.look()
        total.ledger = ledger
        lost = [member.state for member in members if isinstance(member.state, Lost)]
        up = [member.state for member in members if isinstance(member.state, Connected)]
        ended = [member.state for member in members if isinstance(member.state, Ended)]
        total.absent = tuple(
            member.title for member in members if not isinstance(member.state, Connected | Ended)
        )
        total.state = next((states[-1] for states in (up, lost, ended) if states), None)
        told = [member.told_until for member in members if member.told_until is not None]
        # Of what one that came later remembers the others were seen.
        total.told_until = min(told, default=None)
        total.troubles = sum(member.troubles for member in members)
        if isinstance(event, Trouble):
            total.trouble = event
        for member in members:
            if isinstance(member.state, Lost):
                together.leave(member)


def _add(together: Together, instance: Instance, portions: list[Portion]) -> None:
    """Take what a member's history was given on to the sum's."""
    when = instance.history.newest
    if when is not None:
        together.add(instance, portions, when)


def _one(news: Connected, other: Instance) -> bool:
    """Whether this news is of a tor that is known already, by another of its doors."""
    known = other.connection
    if known is None or not known.process or known.process != news.process:
        return False
    if known.uptime is None or news.uptime is None:
        return False
    return abs((known.when - known.uptime) - (news.when - news.uptime)) < SAME_START
