"""The tors that are watched, and their sum, which is an instance like any other.

Owns who is watched, what a piece of news of one means for the sum, and when there is nobody left to
wait for. Must not know how any of them is reached or shown.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Ended, Event, Lost, Problem, Sample
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.ring import Portion
from bwgraph.model.sum_history import SumHistory
from bwgraph.model.totals import SumTotals

SAME_START_S = 5.0
"Seconds. Two tors with one process number that started so close to one another are one."

LockFactory = Callable[[], AbstractContextManager[object]]


class Fleet:
    """One tor, or several and their sum.

    Each is told of by threads of its own, so what is made of their news together is made under a
    lock. Samples do not wait for it, but for the sum's history alone.
    """

    def __init__(
        self,
        instances: Sequence[Instance],
        lock: LockFactory | None = None,
        *,
        found: bool = False,
        wait_forever: bool = False,
        can_ask_password: Callable[[str], bool] = bool,
    ) -> None:
        self.instances = tuple(instances)
        "Those that are watched; one that turns out to be another's twin leaves."
        self.sum: Instance | None = None
        "None of one tor alone."
        self.notice = ""
        "What the user must know besides: that their past cannot be stored, and why."
        self._found = found  # nobody named them, so two of them may be one
        self._wait_forever = wait_forever  # there is no giving up
        self._can_ask_password = (
            can_ask_password  # whether the user may be asked for the password of a place
        )
        self._ever_connected = False  # whether any was connected
        self._lock = lock() if lock else nullcontext()
        self._sum_history: SumHistory | None = None  # the sum's history
        if len(self.instances) > 1:
            self._sum_history = SumHistory(self.instances, lock() if lock else None)
            for instance in self.instances:
                instance.history = history = History(lock() if lock else None)
                history.on_portions = partial(_add, self._sum_history, instance)
            self.sum = Instance("", history=self._sum_history)
            self._update_sum()

    def handle(self, instance: Instance, event: Event) -> None:
        """Take a source's word of one of them."""
        if instance not in self.instances:
            return
        if isinstance(event, Sample):
            before = instance.state
            instance.handle(event)
            if instance.state is not before:  # it was only silent
                with self._lock:
                    self._update_sum()
            return
        with self._lock:
            if isinstance(event, Connected):
                self._ever_connected = True
                others = (other for other in self.instances if other is not instance)
                if self._found and any(_is_same_tor(event, other) for other in others):
                    self._drop(instance)
                    return
            instance.handle(event)
            self._update_sum(event)

    @property
    def newest_at(self) -> float | None:
        """When the newest sample of any came in; None before the first."""
        times = (instance.history.newest_at for instance in self.instances)
        return max((time for time in times if time is not None), default=None)

    @property
    def final_error(self) -> ExplainedError | None:
        """Why there is nothing to wait for; None as long as there is.

        A password is asked for before anything else is waited for.
        """
        refusals = [each.error for each in self.instances if each.error is not None]
        for refusal in refusals:
            if self._can_ask_password(refusal.needs_password_at):
                return refusal
        if self._wait_forever or self._ever_connected or len(refusals) < len(self.instances):
            return None
        if len(refusals) == 1:
            return refusals[0]
        causes = "\n".join(f"    {refusal.cause}" for refusal in refusals)
        cures = "\n".join(dict.fromkeys(refusal.remedy for refusal in refusals if refusal.remedy))
        return ExplainedError(f"none of these tors lets us in:\n{causes}", cures)

    def _drop(self, instance: Instance) -> None:
        """Go on without one that is another's twin."""
        self.instances = tuple(each for each in self.instances if each is not instance)
        if self._sum_history is not None:
            self._sum_history.remove(instance)
        if len(self.instances) == 1:
            self.sum = None
        self._update_sum()

    def _update_sum(self, event: Event | None = None) -> None:
        """Let the sum know what its members are by now."""
        total, together = self.sum, self._sum_history
        if total is None or together is None:
            return
        members = self.instances
        total.name = total.label = f"sum of {len(members)} tors"
        ledger = SumTotals(member.totals for member in members)
        ledger.update()
        total.totals = ledger
        lost = [member.state for member in members if isinstance(member.state, Lost)]
        up = [member.state for member in members if isinstance(member.state, Connected)]
        ended = [member.state for member in members if isinstance(member.state, Ended)]
        total.missing_members = tuple(
            member.title for member in members if not isinstance(member.state, Connected | Ended)
        )
        total.state = next((states[-1] for states in (up, lost, ended) if states), None)
        told = [
            member.unverified_until for member in members if member.unverified_until is not None
        ]
        # Of what one that came later remembers the others were seen.
        total.unverified_until = min(told, default=None)
        total.problem_count = sum(member.problem_count for member in members)
        if isinstance(event, Problem):
            total.problem = event
        for member in members:
            if isinstance(member.state, Lost):
                together.expect_no_more(member)


def _add(together: SumHistory, instance: Instance, portions: list[Portion]) -> None:
    """Take what a member's history was given on to the sum's."""
    when = instance.history.newest_at
    if when is not None:
        together.add(instance, portions, when)


def _is_same_tor(news: Connected, other: Instance) -> bool:
    """Whether this news is of a tor that is known already, by another of its doors."""
    known = other.connection
    if known is None or not known.process or known.process != news.process:
        return False
    if known.uptime is None or news.uptime is None:
        return False
    return abs((known.at - known.uptime) - (news.at - news.uptime)) < SAME_START_S
