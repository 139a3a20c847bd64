"""One tor as bwgraph knows it: its name, its state, its history and its totals.

Owns what becomes of each thing that a source tells. Must not know how it is drawn or who told it.
"""

from typing import TYPE_CHECKING, assert_never

from bwgraph.model.events import (
    Connected,
    Counted,
    Described,
    Ended,
    Event,
    Lost,
    Refused,
    Sample,
    Trouble,
    Wrapped,
)
from bwgraph.model.history import History
from bwgraph.model.quota import Context
from bwgraph.model.totals import Ledger

if TYPE_CHECKING:
    from bwgraph.model.errors import Refusal


class Instance:
    """A tor's history, and the latest news of it."""

    def __init__(
        self,
        name: str,
        note: str = "",
        history: History | None = None,
        *,
        label: str = "",
        anywhere: bool = False,
        archive: str = "",
    ) -> None:
        self.name = name
        "What the user calls it: an endpoint, or 'demo'."
        self.note = note
        "What else must be said of it where there is room."
        self.history = History() if history is None else history
        self.ledger = Ledger()
        self.state: Connected | Lost | Ended | None = None
        "None until the first connection."
        self.connection: Connected | None = None
        "The latest, lost or not."
        self.told_until: int | None = None
        "The last column that tor told of and that we did not see ourselves; None if there is none."
        self.refusal: Refusal | None = None
        self.trouble: Trouble | None = None
        "The latest; older ones are only counted."
        self.troubles = 0
        self.losses = 0
        "How often it went away, or fell silent, after it had been there."
        self.label = label
        "What the user wants it to be called, before all else."
        self.absent: tuple[str, ...] = ()
        "Of a sum: the tors that are not connected."
        self.context = Context()
        "As it was last told: kept until the next answer, be it another process's."
        self.anywhere = anywhere
        "It is whichever tor is found: its name is no place."
        self.stored = False
        "Its past is stored: what bwgraph has not seen itself has no place in that."
        self.archive = archive
        "Where its past was read from, if that is all that there is of it."

    @property
    def title(self) -> str:
        """The shortest that tells it from others."""
        known = self.connection
        return self.label or (known.nickname or known.where if known else self.name)

    @property
    def where(self) -> str:
        """What the user calls it, or else where it is."""
        return self.label or (self.connection.where if self.connection else self.name)

    @property
    def key(self) -> str | None:
        """What its past is stored under; None as long as that is not known."""
        return None if self.anywhere and self.connection is None else self.where

    def tell(self, event: Event) -> None:
        """Take a source's word. One that has connected tells no samples until this returns."""
        match event:
            case Sample():
                self.history.push(event)
                self.ledger.add(event)
                if isinstance(self.state, Lost):  # it was only silent
                    self.state = self.connection
            case Connected():
                self._connected(event)
            case Lost() | Ended():
                self.losses += isinstance(event, Lost) and isinstance(self.state, Connected)
                self.state = event
            case Counted():
                self.ledger.counted(event)
            case Wrapped(missing):
                self.history.amend(missing)
                self.ledger.amend(missing)
            case Described(context=context):
                self.context = context
            case Refused():
                self.refusal = event.refusal
            case Trouble():
                self.trouble = event
                self.troubles += 1
            case _:
                assert_never(event)

    def _connected(self, event: Connected) -> None:
        lost = self.state.since if isinstance(self.state, Lost) else None
        self.ledger.connected(event, lost)
        if self.connection is None and not self.stored:
            for sample in event.recent:
                self.history.push(sample)
            self.told_until = self.history.edge
        self.state = self.connection = event
        self.refusal = None
