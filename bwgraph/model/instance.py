"""One watched tor, or the sum of several: its name, state, history and totals.

Owns the effect of each event on these. Must not know how they are shown, nor which source sent the
event.
"""

from typing import TYPE_CHECKING, assert_never

from bwgraph.model.events import (
    Connected,
    CounterBase,
    Described,
    Ended,
    Event,
    Lost,
    Problem,
    Refused,
    Sample,
    Wrapped,
)
from bwgraph.model.history import AnyHistory, History
from bwgraph.model.quota import Context
from bwgraph.model.totals import SumTotals, Totals

if TYPE_CHECKING:
    from bwgraph.model.errors import ExplainedError


class Instance:
    """A tor, or the sum of several, with its history and its state.

    ``history`` is the one to use; without it, a new one is created.
    """

    def __init__(
        self,
        name: str,
        note: str = "",
        history: AnyHistory | None = None,
        *,
        label: str = "",
        is_unlocated: bool = False,
        stored_in: str = "",
    ) -> None:
        self.name = name
        "The user's name for it: an endpoint, or 'demo'."
        self.note = note
        "A remark that is shown where there is room."
        self.history = History() if history is None else history
        self.own_totals = Totals()
        "The totals of the samples that it handles; not used by a sum."
        self.totals: Totals | SumTotals = self.own_totals
        "The totals to show."
        self.state: Connected | Lost | Ended | None = None
        "None before the first connection."
        self.connection: Connected | None = None
        "The latest connection, lost or not."
        self.unverified_until: int | None = None
        "The last second whose data is from tor's event cache; None if there is none."
        self.error: ExplainedError | None = None
        "Why the first attempt to connect failed; None before that, and after a connection."
        self.problem: Problem | None = None
        "The latest problem; earlier ones are only counted."
        self.problem_count = 0
        self.loss_count = 0
        "How often a connection was lost or became silent."
        self.label = label
        "The user's label, which takes precedence over other names; empty if there is none."
        self.missing_members: tuple[str, ...] = ()
        "Only of a sum: the titles of the tors that are not connected."
        self.context = Context()
        "The latest description, even if it describes an earlier process."
        self.is_unlocated = is_unlocated
        "Whether ``name`` is a placeholder, because the endpoint is found only by connecting."
        self.is_stored = False
        "Whether the history is stored, and must not contain samples of tor's event cache."
        self.stored_in = stored_in
        "The store's name on the screen, if only stored buckets are shown; empty otherwise."

    @property
    def title(self) -> str:
        """The name to show: the label, or else the nickname, the endpoint or ``name``."""
        connection = self.connection
        return self.label or (
            connection.nickname or connection.endpoint if connection else self.name
        )

    @property
    def location(self) -> str:
        """The label, or else the endpoint or ``name``."""
        return self.label or (self.connection.endpoint if self.connection else self.name)

    @property
    def store_name(self) -> str | None:
        """The name that its history is stored under; None until the endpoint is found."""
        return None if self.is_unlocated and self.connection is None else self.location

    @property
    def samples(self) -> History:
        """The history, for adding samples. Raises TypeError if this is a sum."""
        if not isinstance(self.history, History):
            message = "a sum takes its samples from its members"
            raise TypeError(message)
        return self.history

    def handle(self, event: Event) -> None:
        """Update the state, history and totals by an event.

        After ``Connected``, a source must wait for this to return before it sends samples. Raises
        TypeError if this is a sum and the event is for its history.
        """
        match event:
            case Sample():
                self.samples.push(event)
                self.own_totals.add(event)
                if isinstance(self.state, Lost):  # it was silent, and the connection still exists
                    self.state = self.connection
            case Connected():
                self._handle_connected(event)
            case Lost() | Ended():
                self.loss_count += isinstance(event, Lost) and isinstance(self.state, Connected)
                self.state = event
            case CounterBase():
                self.own_totals.update_base(event)
            case Wrapped(missing):
                self.samples.add_missing(missing)
                self.own_totals.add_missing(missing)
            case Described(context=context):
                self.context = context
            case Refused():
                self.error = event.error
            case Problem():
                self.problem = event
                self.problem_count += 1
            case _:
                assert_never(event)

    def _handle_connected(self, event: Connected) -> None:
        last_heard = self.state.last_heard if isinstance(self.state, Lost) else None
        self.own_totals.connected(event, last_heard)
        if self.connection is None and not self.is_stored:
            for sample in event.recent:
                self.samples.push(sample)
            self.unverified_until = self.samples.newest_bucket
        self.state = self.connection = event
        self.error = None
