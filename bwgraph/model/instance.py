"""One tor as bwgraph knows it: its name, its state, its history and its totals.

Owns what becomes of each thing that a source tells. Must not know how it is drawn or who told it.
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
from bwgraph.model.history import History
from bwgraph.model.quota import Context
from bwgraph.model.totals import Totals

if TYPE_CHECKING:
    from bwgraph.model.errors import ExplainedError


class Instance:
    """A tor's history, and the latest news of it."""

    def __init__(
        self,
        name: str,
        note: str = "",
        history: History | None = None,
        *,
        label: str = "",
        is_unlocated: bool = False,
        archive_file: str = "",
    ) -> None:
        self.name = name
        "What the user calls it: an endpoint, or 'demo'."
        self.note = note
        "What else must be said of it where there is room."
        self.history = History() if history is None else history
        self.totals = Totals()
        self.state: Connected | Lost | Ended | None = None
        "None until the first connection."
        self.connection: Connected | None = None
        "The latest, lost or not."
        self.unverified_until: int | None = None
        "The last column that tor told of and that we did not see ourselves; None if there is none."
        self.error: ExplainedError | None = None
        self.problem: Problem | None = None
        "The latest; older ones are only counted."
        self.problem_count = 0
        self.loss_count = 0
        "How often it went away, or fell silent, after it had been there."
        self.label = label
        "What the user wants it to be called, before all else."
        self.missing_members: tuple[str, ...] = ()
        "Of a sum: the tors that are not connected."
        self.context = Context()
        "As it was last told: kept until the next answer, be it another process's."
        self.is_unlocated = is_unlocated
        "It is whichever tor is found: its name is no place."
        self.is_stored = False
        "Its past is stored: what bwgraph has not seen itself has no place in that."
        self.archive_file = archive_file
        "Where its past was read from, if that is all that there is of it."

    @property
    def title(self) -> str:
        """The shortest that tells it from others."""
        known = self.connection
        return self.label or (known.nickname or known.endpoint if known else self.name)

    @property
    def location(self) -> str:
        """What the user calls it, or else where it is."""
        return self.label or (self.connection.endpoint if self.connection else self.name)

    @property
    def store_name(self) -> str | None:
        """What its past is stored under; None as long as that is not known."""
        return None if self.is_unlocated and self.connection is None else self.location

    def handle(self, event: Event) -> None:
        """Take a source's word. One that has connected tells no samples until this returns."""
        match event:
            case Sample():
                self.history.push(event)
                self.totals.add(event)
                if isinstance(self.state, Lost):  # it was only silent
                    self.state = self.connection
            case Connected():
                self._handle_connected(event)
            case Lost() | Ended():
                self.loss_count += isinstance(event, Lost) and isinstance(self.state, Connected)
                self.state = event
            case CounterBase():
                self.totals.update_base(event)
            case Wrapped(missing):
                self.history.add_missing(missing)
                self.totals.add_missing(missing)
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
        lost = self.state.last_heard if isinstance(self.state, Lost) else None
        self.totals.connected(event, lost)
        if self.connection is None and not self.is_stored:
            for sample in event.recent:
                self.history.push(sample)
            self.unverified_until = self.history.newest_bucket
        self.state = self.connection = event
        self.error = None
