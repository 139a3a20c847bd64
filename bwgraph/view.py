"""What the user has chosen to look at, and the keys for it.

Owns ``View`` and ``BINDINGS``, the one table from which keys are both looked up and explained.
Must not know how a key arrives nor how its action is carried out.
"""

from dataclasses import dataclass
from enum import Enum, auto

from bwgraph.graph import BLOCK, Glyphs


@dataclass(frozen=True, slots=True)
class View:
    """The choices that the screen is drawn by."""

    glyphs: Glyphs = BLOCK


class Action(Enum):
    """What a key can ask for."""

    QUIT = auto()
    RETRY = auto()
    REDRAW = auto()


@dataclass(frozen=True, slots=True)
class Binding:
    """A key, what it does, and what the user is told of it."""

    key: int
    "The character code that the terminal sends."
    name: str
    action: Action
    help: str


BINDINGS = (
    Binding(ord("q"), "q", Action.QUIT, "quit"),
    Binding(ord("r"), "r", Action.RETRY, "reconnect now"),
    Binding(0x0C, "^L", Action.REDRAW, "redraw"),
)

ACTIONS = {binding.key: binding.action for binding in BINDINGS}
"The same table, for looking a key up."
