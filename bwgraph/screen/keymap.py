"""The keys: what each of them asks for, and how that changes the view.

Owns ``BINDINGS``, the one table from which keys are both looked up and explained. Must not know how
a key arrives, nor how the screen is drawn.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.screen.plot import GLYPH_SETS
from bwgraph.screen.units import BITS, BYTES
from bwgraph.screen.view import ALL_TORS, SUM, Arrangement, Shown, View, visible_cursor


class Action(Enum):
    """What a key can ask for."""

    QUIT = auto()
    HELP = auto()
    LEAVE = auto()
    PAUSE = auto()
    BACK = auto()
    FORWARD = auto()
    PAGE_BACK = auto()
    PAGE_FORWARD = auto()
    OLDEST = auto()
    NEWEST = auto()
    FINER = auto()
    COARSER = auto()
    CURSOR_BACK = auto()
    CURSOR_FORWARD = auto()
    ARRANGE = auto()
    GLYPHS = auto()
    UNITS = auto()
    LOGARITHM = auto()
    SHARE_SCALE = auto()
    LOWER_CEILING = auto()
    RAISE_CEILING = auto()
    CUT_AT_P99 = auto()
    AUTOMATIC_SCALE = auto()
    NEXT_TOR = auto()
    PREVIOUS_TOR = auto()
    OPEN_BY_DIGIT = auto()
    SELECT_UP = auto()
    SELECT_DOWN = auto()
    OPEN_SELECTED = auto()
    SORT = auto()
    SAVE_PICTURE = auto()
    RETRY = auto()
    REDRAW = auto()


class Binding(NamedTuple):
    """Keys, what they do, and what the user is told of them."""

    keys: tuple[str, ...]
    "As the terminal names them; the first is the one that is told."
    action: Action
    help: str
    "Neighbours in the table that say the same are explained together."
    hint: str = ""
    "For the line of keys: the keys and a word; empty where it is not on it."


BINDINGS = (
    Binding(("q", "^C"), Action.QUIT, "quit", "q quit"),
    Binding(("?", "h"), Action.HELP, "this help", "? help"),
    Binding(("space", "p"), Action.PAUSE, "pause, and go on", "space pause"),
    Binding(("+", "=", "wheel-up"), Action.FINER, "zoom in and out", "+- zoom"),
    Binding(("-", "wheel-down"), Action.COARSER, "zoom in and out"),
    Binding(("left",), Action.BACK, "scroll through time", "arrows scroll"),
    Binding(("right",), Action.FORWARD, "scroll through time"),
    Binding(("pgup",), Action.PAGE_BACK, "scroll by a page"),
    Binding(("pgdn",), Action.PAGE_FORWARD, "scroll by a page"),
    Binding(("home",), Action.OLDEST, "to the oldest, the newest"),
    Binding(("end",), Action.NEWEST, "to the oldest, the newest"),
    Binding(("<", ","), Action.CURSOR_BACK, "read a column (or click)", "<> read"),
    Binding((">", "."), Action.CURSOR_FORWARD, "read a column (or click)"),
    Binding(("esc",), Action.LEAVE, "cursor off; back to table"),
    Binding(("m",), Action.ARRANGE, "arrange the two graphs", "m layout"),
    Binding(("u",), Action.UNITS, "bytes or bits", "u units"),
    Binding(("g",), Action.GLYPHS, "blocks, braille, ASCII", "g glyphs"),
    Binding(("l",), Action.LOGARITHM, "linear or log scale", "l log"),
    Binding(("e",), Action.SHARE_SCALE, "one scale for both"),
    Binding(("[",), Action.LOWER_CEILING, "pin scale lower, higher"),
    Binding(("]",), Action.RAISE_CEILING, "pin scale lower, higher"),
    Binding(("b",), Action.CUT_AT_P99, "cut the scale at p99"),
    Binding(("a",), Action.AUTOMATIC_SCALE, "automatic scale again"),
    Binding(("tab",), Action.NEXT_TOR, "the next of several tors"),
    Binding(("shift-tab",), Action.PREVIOUS_TOR, "the one before"),
    Binding(tuple("1234567890"), Action.OPEN_BY_DIGIT, "1 to 9: that tor; 0: sum"),
    Binding(("up", "k"), Action.SELECT_UP, "choose in the table"),
    Binding(("down", "j"), Action.SELECT_DOWN, "choose in the table"),
    Binding(("enter",), Action.OPEN_SELECTED, "open what is chosen"),
    Binding(("o",), Action.SORT, "sort by name or traffic"),
    Binding(("s",), Action.SAVE_PICTURE, "save an SVG picture", "s save"),
    Binding(("r",), Action.RETRY, "reconnect now"),
    Binding(("^L",), Action.REDRAW, "draw the screen anew"),
)


ACTIONS = {key: binding.action for binding in BINDINGS for key in binding.keys}
"The same table, for looking a key up."


def apply(view: View, action: Action, shown: Shown, key: str = "") -> View:
    """The view after a key; the same view if the action is not the view's.

    Which key it was matters only to those that are one of several: digits.

    >>> shown = Shown(100, oldest=1, newest=5000, newest_second=5000, end=5000,
    ...               arrangement=Arrangement.STACKED, ceiling=1024)
    >>> apply(View(), Action.PAGE_BACK, shown).end, apply(View(), Action.QUIT, shown) == View()
    (4912, True)
    """
    if action is Action.OPEN_BY_DIGIT:
        return _look_at(view, int(key) - 1, shown) if key.isdecimal() else view
    if action in _GRAPH_ACTIONS and view.subject == ALL_TORS and len(shown.tor_order) > 1:
        return view
    change = _CHANGES.get(action)
    return view if change is None else change(view, shown)


def _pause(view: View, shown: Shown) -> View:
    # Not at the end of a column that goes on: seen closer, it would go on with it.
    return view._replace(end=shown.newest_second if view.end is None else None)


def _scroll(columns: float) -> Callable[[View, Shown], View]:
    """Move by so many times the visible columns; negative is back in time."""

    def scroll(view: View, shown: Shown) -> View:
        step = max(1, round(abs(columns) * shown.buckets)) * view.resolution
        if columns > 0:
            return _ending(view, shown.end + step, shown)
        return _back(view, shown.end - step, shown)

    return scroll


def _ending(view: View, end: int, shown: Shown) -> View:
    """With the rightmost column there, as far as there is something to see."""
    oldest = shown.oldest + (shown.buckets - 1) * view.resolution
    # Zoomed out, the view may end before that: there is nothing older to go to, nor is it newer.
    end = max(end, min(oldest, shown.end))
    return view._replace(end=None if end >= shown.newest else end)


def _back(view: View, end: int, shown: Shown) -> View:
    """As ``_ending``; but where nothing is older, what is paused stays so."""
    moved = _ending(view, end, shown)
    return view if moved.end is None else moved


def _zoom(steps: int) -> Callable[[View, Shown], View]:
    def zoom(view: View, shown: Shown) -> View:
        level = RESOLUTIONS.index(view.resolution) + steps
        resolution = RESOLUTIONS[min(max(level, 0), len(RESOLUTIONS) - 1)]
        at = visible_cursor(view, shown)
        zoomed = view._replace(
            resolution=resolution, cursor=None if at is None else _align(at, resolution)
        )
        if view.end is None:
            return zoomed
        if at is None:
            return zoomed._replace(end=min(view.end, shown.end))
        # What is read stays where it is on the screen.
        end = at + (shown.end - at) // view.resolution * resolution
        return zoomed._replace(end=min(_align(end, resolution), _align(shown.newest, resolution)))

    return zoom


def _align(second: int, resolution: int) -> int:
    """Where the column ends that this second lies in."""
    return -(-second // resolution) * resolution


def _read(columns: int) -> Callable[[View, Shown], View]:
    """Move the cursor, and the view with it where it is at its edge."""

    def read(view: View, shown: Shown) -> View:
        at = visible_cursor(view, shown)
        if at is None:
            return view._replace(cursor=shown.end)
        at = min(max(at + columns * view.resolution, shown.oldest), shown.newest)
        moved = view._replace(cursor=at)
        begin = shown.begin(view.resolution)
        if at < begin:
            return _ending(moved, shown.end - (begin - at), shown)
        return moved if at <= shown.end else _ending(moved, at, shown)

    return read


def _arrange(view: View, shown: Shown) -> View:
    order = tuple(Arrangement)
    # From the one that was wished for, though it may not fit: else there is no way past it.
    current = view.arrangement or shown.arrangement
    following = order[(order.index(current) + 1) % len(order)]
    return view._replace(arrangement=following)


def _glyphs(view: View, _: Shown) -> View:
    if view.ascii_only:
        return view
    order = tuple(GLYPH_SETS.values())
    return view._replace(glyphs=order[(order.index(view.glyphs) + 1) % len(order)])


def _leave(view: View, shown: Shown) -> View:
    if view.help:
        return view._replace(help=False)
    if view.cursor is None:
        return _look_at(view, ALL_TORS, shown)
    return view._replace(cursor=None)


def _look_at(view: View, subject: int, shown: Shown) -> View:
    """Another subject, if there is such a one."""
    tors = len(shown.tor_order)
    return view._replace(subject=subject) if tors > 1 and ALL_TORS <= subject < tors else view


def _turn(steps: int) -> Callable[[View, Shown], View]:
    """The next subject, or the one before: the table, the sum, and each tor."""

    def turn(view: View, shown: Shown) -> View:
        subjects = [ALL_TORS, SUM, *sorted(shown.tor_order)]
        at = subjects.index(view.subject) if view.subject in subjects else 0
        return _look_at(view, subjects[(at + steps) % len(subjects)], shown)

    return turn


def _choose(steps: int) -> Callable[[View, Shown], View]:
    """The next line of the table, or the one before; the sum is the last."""

    def choose(view: View, shown: Shown) -> View:
        if view.subject != ALL_TORS:
            return view
        lines = [*shown.tor_order, SUM]
        at = lines.index(view.selected) if view.selected in lines else 0
        return view._replace(selected=lines[min(max(at + steps, 0), len(lines) - 1)])

    return choose


def _open(view: View, shown: Shown) -> View:
    chosen = shown.tor_order[0] if view.selected is None else view.selected
    return _look_at(view, chosen, shown) if view.subject == ALL_TORS else view


def _pin(times: int) -> Callable[[View, Shown], View]:
    return lambda view, shown: view._replace(ceiling=view.units.lower(shown.ceiling, times))


_CHANGES: dict[Action, Callable[[View, Shown], View]] = {
    Action.HELP: lambda view, _: view._replace(help=not view.help),
    Action.LEAVE: _leave,
    Action.PAUSE: _pause,
    Action.BACK: _scroll(-1 / 8),
    Action.FORWARD: _scroll(1 / 8),
    Action.PAGE_BACK: _scroll(-7 / 8),
    Action.PAGE_FORWARD: _scroll(7 / 8),
    Action.OLDEST: lambda view, shown: _back(view, shown.oldest, shown),
    Action.NEWEST: lambda view, _: view._replace(end=None),
    Action.FINER: _zoom(-1),
    Action.COARSER: _zoom(1),
    Action.CURSOR_BACK: _read(-1),
    Action.CURSOR_FORWARD: _read(1),
    Action.ARRANGE: _arrange,
    Action.UNITS: lambda view, _: view._replace(units=BITS if view.units is BYTES else BYTES),
    Action.GLYPHS: _glyphs,
    Action.LOGARITHM: lambda view, _: view._replace(logarithmic=not view.logarithmic),
    Action.SHARE_SCALE: lambda view, _: view._replace(shared_scale=not view.shared_scale),
    Action.LOWER_CEILING: _pin(1),
    Action.RAISE_CEILING: _pin(-1),
    Action.CUT_AT_P99: lambda view, _: view._replace(cut_at_p99=not view.cut_at_p99, ceiling=None),
    Action.AUTOMATIC_SCALE: lambda view, _: view._replace(cut_at_p99=False, ceiling=None),
    Action.NEXT_TOR: _turn(1),
    Action.PREVIOUS_TOR: _turn(-1),
    Action.SELECT_UP: _choose(-1),
    Action.SELECT_DOWN: _choose(1),
    Action.OPEN_SELECTED: _open,
    Action.SORT: lambda view, _: view._replace(by_traffic=not view.by_traffic),
}
"What each action that is the view's makes of it."


_GRAPH_ACTIONS = frozenset(
    {
        Action.CURSOR_BACK,
        Action.CURSOR_FORWARD,
        Action.ARRANGE,
        Action.LOGARITHM,
        Action.SHARE_SCALE,
    }
    | {Action.LOWER_CEILING, Action.RAISE_CEILING, Action.CUT_AT_P99, Action.AUTOMATIC_SCALE}
)
"What would change something that the table does not show."
