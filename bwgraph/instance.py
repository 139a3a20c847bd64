"""One tor as bwgraph knows it: its name, its state and its history.

Owns what becomes of each thing that a source tells. Each is one assignment or one push, so that it
may come from any thread. Must not know how it is drawn or who told it.
"""

from dataclasses import dataclass, field
from typing import assert_never

from bwgraph.history import History
from bwgraph.sample import Sample
from bwgraph.source import Connected, Event, Lost, Refusal, Refused, Trouble


@dataclass(slots=True)
class Instance:
    """A tor's history, and the latest news of it."""

    name: str
    "What the user calls it: an endpoint, or 'demo'."
    history: History = field(default_factory=History)
    state: Connected | Lost | None = None
    "None until the first connection."
    refusal: Refusal | None = None
    trouble: Trouble | None = None
    "The latest; older ones are only counted."
    troubles: int = 0

    def tell(self, event: Event) -> None:
        """Take a source's word."""
        match event:
            case Sample():
                self.history.push(event)
            case Connected() | Lost():
                self.state = event
            case Refused():
                self.refusal = event.refusal
            case Trouble():
                self.trouble = event
                self.troubles += 1
            case _:
                assert_never(event)
