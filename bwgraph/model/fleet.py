"""The watched tors and their sum, which is an instance like any other.

Owns which tors are watched, the effect of each event on the sum, and when to give up. Must not know
how a tor is reached or shown.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Ended, Event, Lost, Problem, Sample
from bwgraph.model.instance import Instance
from bwgraph.model.ring import Portion
from bwgraph.model.sum_history import SumHistory
from bwgraph.model.totals import SumTotals

SAME_START_S = 5.0
"Two tors with the same process number that started within this time are the same tor."

LockFactory = Callable[[], AbstractContextManager[object]]


def _always(_endpoint: str) -> bool:
    """Assume that the user can be asked for any password."""
    return True


class Fleet:
    """One tor, or several and their sum.

    ``lock`` makes the locks of the fleet and of the sum's history, if each tor has a thread of its
    own. Then each instance needs a history with a lock, too. A sample takes the fleet's lock only
    if it ends a silence.
    """

    def __init__(
        self,
        instances: Sequence[Instance],
        lock: LockFactory | None = None,
        *,
        found: bool = False,
        wait_forever: bool = False,
        can_ask_password: Callable[[str], bool] = _always,
    ) -> None:
        self.instances = tuple(instances)
        "The watched tors, without duplicates of the same tor."
        self.sum: Instance | None = None
        "None if there is one tor only."
        self.notice = ""
        "A message that the histories cannot be stored, and why; empty if there is none."
        self._found = found  # the user named no tor, so two of them may be the same
        self._wait_forever = wait_forever
        self._can_ask_password = can_ask_password  # takes an endpoint
        self._ever_connected = False  # whether any was ever connected
        self._lock = lock() if lock else nullcontext()
        self._sum_history: SumHistory | None = None
        if len(self.instances) > 1:
            self._sum_history = SumHistory(self.instances, lock() if lock else None)
            for instance in self.instances:
                instance.samples.on_portions = partial(_add_to_sum, self._sum_history, instance)
            self.sum = Instance("", history=self._sum_history)
            self._update_sum()

    def handle(self, instance: Instance, event: Event) -> None:
        """Update an instance and the sum by an event. Ignores instances that were removed."""
        if instance not in self.instances:
            return
        if isinstance(event, Sample):
            before = instance.state
            instance.handle(event)
            if instance.state is not before:  # it was silent, and the connection still exists
                with self._lock:
                    self._update_sum()
            return
        with self._lock:
            if isinstance(event, Connected):
                self._ever_connected = True
                others = (other for other in self.instances if other is not instance)
                if self._found and any(_is_same_tor(event, other) for other in others):
                    self._remove(instance)
                    return
            instance.handle(event)
            self._update_sum(event)

    @property
    def newest_at(self) -> float | None:
        """When the newest sample of any tor arrived; None before the first."""
        times = (instance.history.newest_at for instance in self.instances)
        return max((when for when in times if when is not None), default=None)

    @property
    def final_error(self) -> ExplainedError | None:
        """The error to exit with; None while there is a tor to wait for.

        An error takes precedence if the user can be asked for the password that it needs.
        """
        errors = [each.error for each in self.instances if each.error is not None]
        for error in errors:
            endpoint = error.needs_password_at
            if endpoint and self._can_ask_password(endpoint):
                return error
        if self._wait_forever or self._ever_connected or len(errors) < len(self.instances):
            return None
        if len(errors) == 1:
            return errors[0]
        causes = "\n".join(f"    {error.cause}" for error in errors)
        remedies = "\n".join(dict.fromkeys(error.remedy for error in errors if error.remedy))
        return ExplainedError(f"none of these tors accepted the connection:\n{causes}", remedies)

    def _remove(self, instance: Instance) -> None:
        """Stop watching an instance that is the same tor as another."""
        self.instances = tuple(each for each in self.instances if each is not instance)
        if self._sum_history is not None:
            self._sum_history.remove(instance)
        if len(self.instances) == 1:
            self.sum = None
        self._update_sum()

    def _update_sum(self, event: Event | None = None) -> None:
        """Set the state and totals of the sum to those of its members, after an event of one."""
        sum_instance, history, members = self.sum, self._sum_history, self.instances
        if sum_instance is None or history is None:
            return
        sum_instance.totals = SumTotals(member.own_totals for member in members)
        sum_instance.name = sum_instance.label = f"sum of {len(members)} tors"
        sum_instance.state = _sum_state(members)
        sum_instance.missing_members = tuple(
            member.title for member in members if not isinstance(member.state, Connected | Ended)
        )
        sum_instance.unverified_until = _sum_unverified_until(members)
        sum_instance.problem_count = sum(member.problem_count for member in members)
        if isinstance(event, Problem):
            sum_instance.problem = event
        for member in members:
            if isinstance(member.state, Lost):
                history.expect_no_more(member)


def _sum_state(members: Sequence[Instance]) -> Connected | Lost | Ended | None:
    """Return the state of the last member that is connected, or else lost, or else ended."""
    for kind in (Connected, Lost, Ended):
        states = [member.state for member in members if isinstance(member.state, kind)]
        if states:
            return states[-1]
    return None


def _sum_unverified_until(members: Sequence[Instance]) -> int | None:
    """Return the last second in which all data of the sum is from event caches; None if none is.

    It is the earliest of the members': after it, at least one of the tors was watched.
    """
    seconds = [member.unverified_until for member in members if member.unverified_until is not None]
    return min(seconds, default=None)


def _add_to_sum(sum_history: SumHistory, instance: Instance, portions: list[Portion]) -> None:
    """Add portions that were added to a member's history to the sum's."""
    when = instance.history.newest_at
    if when is not None:
        sum_history.add(instance, portions, when)


def _is_same_tor(event: Connected, other: Instance) -> bool:
    """Return whether a new connection is to the same tor process as another instance's."""
    connection = other.connection
    if connection is None or not connection.process or connection.process != event.process:
        return False
    if connection.uptime is None or event.uptime is None:
        return False
    apart = (connection.at - connection.uptime) - (event.at - event.uptime)
    return abs(apart) < SAME_START_S
