"""The keys: the action of each key, and how an action changes the view.

Owns ``BINDINGS``, the one table from which keys are both looked up and explained. Must not know how
a key arrives, nor how the screen is drawn.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.screen.plot import GLYPH_SETS
from bwgraph.screen.units import BITS, BYTES
from bwgraph.screen.view import (
    ALL_TORS,
    SUM,
    Arrangement,
    Shown,
    View,
    bucket_end,
    visible_cursor,
)


class Action(Enum):
    """An action that keys are bound to."""

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
    """Keys with the same action, and their texts on the help page and in the key line."""

    keys: tuple[str, ...]
    "Names of the keys, as the terminal module gives them; the first is on the help page."
    action: Action
    help: str
    "The help page shows adjacent bindings with the same text as one entry."
    hint: str = ""
    "The keys and a word for the key line; empty if the binding is not in it."


BINDINGS = (
    Binding(("q", "^C"), Action.QUIT, "quit", "q quit"),
    Binding(("?", "h"), Action.HELP, "this help", "? help"),
    Binding(("space", "p"), Action.PAUSE, "pause, continue", "space pause"),
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
    Binding(("esc",), Action.LEAVE, "close help, cursor, tor"),
    Binding(("m",), Action.ARRANGE, "arrange the two graphs", "m layout"),
    Binding(("u",), Action.UNITS, "bytes or bits", "u units"),
    Binding(("g",), Action.GLYPHS, "blocks, braille, ASCII", "g glyphs"),
    Binding(("l",), Action.LOGARITHM, "linear or log scale", "l log"),
    Binding(("e",), Action.SHARE_SCALE, "one scale for both"),
    Binding(("[",), Action.LOWER_CEILING, "pin scale lower, higher"),
    Binding(("]",), Action.RAISE_CEILING, "pin scale lower, higher"),
    Binding(("b",), Action.CUT_AT_P99, "cut the scale at p99"),
    Binding(("a",), Action.AUTOMATIC_SCALE, "automatic scale again"),
    Binding(("tab",), Action.NEXT_TOR, "next: table, sum, tors"),
    Binding(("shift-tab",), Action.PREVIOUS_TOR, "previous"),
    Binding(tuple("1234567890"), Action.OPEN_BY_DIGIT, "1 to 9: that tor; 0: sum"),
    Binding(("up", "k"), Action.SELECT_UP, "choose in the table"),
    Binding(("down", "j"), Action.SELECT_DOWN, "choose in the table"),
    Binding(("enter",), Action.OPEN_SELECTED, "open what is chosen"),
    Binding(("o",), Action.SORT, "sort by name or traffic"),
    Binding(("s",), Action.SAVE_PICTURE, "save an SVG picture", "s save"),
    Binding(("r",), Action.RETRY, "reconnect now"),
    Binding(("^L",), Action.REDRAW, "redraw the screen"),
)


ACTIONS = {key: binding.action for binding in BINDINGS for key in binding.keys}
"The action of each key."


def apply_action(view: View, action: Action, shown: Shown, key: str = "") -> View:
    """Return the view after an action; the same view if the action does not change views.

    ``key`` is the key's name; only OPEN_BY_DIGIT uses it.

    >>> shown = Shown(100, oldest=1, newest=5000, newest_second=5000, end=5000,
    ...               arrangement=Arrangement.STACKED, ceiling=1024)
    >>> apply_action(View(), Action.PAGE_BACK, shown).end
    4912
    >>> apply_action(View(), Action.QUIT, shown) == View()
    True
    """
    if action is Action.OPEN_BY_DIGIT:
        return _open(view, int(key) - 1, shown) if key.isdecimal() else view
    if action in _GRAPH_ACTIONS and view.subject == ALL_TORS and shown.tor_count > 1:
        return view
    change = _CHANGES.get(action)
    return view if change is None else change(view, shown)


_Change = Callable[[View, Shown], View]


def _pause(view: View, shown: Shown) -> View:
    # At the newest second, not at the end of its bucket, which may be in the future: zoomed in, the
    # view would move on until that end.
    return view._replace(end=shown.newest_second if view.end is None else None)


def _scroll(screens: float) -> _Change:
    """Return a change that scrolls by a share of the visible buckets; negative is back in time."""

    def scroll(view: View, shown: Shown) -> View:
        step = max(1, round(abs(screens) * shown.buckets)) * view.resolution
        if screens > 0:
            return _scroll_to(view, shown.end + step, shown)
        return _scroll_back_to(view, shown.end - step, shown)

    return scroll


def _scroll_to(view: View, end: int, shown: Shown) -> View:
    """Return the view with its rightmost bucket at ``end``, or as near as the history allows."""
    oldest_end = shown.oldest + (shown.buckets - 1) * view.resolution
    # After zooming out, the view may end before a full screen of the history does. Then it stays.
    end = max(end, min(oldest_end, shown.end))
    return view._replace(end=None if end >= shown.newest else end)


def _scroll_back_to(view: View, end: int, shown: Shown) -> View:
    """Like ``_scroll_to``, but leave the view unchanged if there is nothing older."""
    moved = _scroll_to(view, end, shown)
    return view if moved.end is None else moved


def _zoom(steps: int) -> _Change:
    """Return a change to a coarser resolution; negative steps are to a finer one."""

    def zoom(view: View, shown: Shown) -> View:
        level = RESOLUTIONS.index(view.resolution) + steps
        resolution = RESOLUTIONS[min(max(level, 0), len(RESOLUTIONS) - 1)]
        cursor = visible_cursor(view, shown)
        zoomed = view._replace(
            resolution=resolution, cursor=None if cursor is None else bucket_end(cursor, resolution)
        )
        if view.end is None:
            return zoomed
        if cursor is None:
            return zoomed._replace(end=min(view.end, shown.end))
        # The cursor stays in its cell.
        end = cursor + (shown.end - cursor) // view.resolution * resolution
        newest = bucket_end(shown.newest, resolution)
        return zoomed._replace(end=min(bucket_end(end, resolution), newest))

    return zoom


def _move_cursor(buckets: int) -> _Change:
    """Return a change that moves the cursor, and scrolls if it leaves the screen."""

    def move_cursor(view: View, shown: Shown) -> View:
        cursor = visible_cursor(view, shown)
        if cursor is None:
            return view._replace(cursor=shown.end)
        cursor = min(max(cursor + buckets * view.resolution, shown.oldest), shown.newest)
        moved = view._replace(cursor=cursor)
        begin = shown.begin(view.resolution)
        if cursor < begin:
            return _scroll_to(moved, shown.end - (begin - cursor), shown)
        return moved if cursor <= shown.end else _scroll_to(moved, cursor, shown)

    return move_cursor


def _next_arrangement(view: View, shown: Shown) -> View:
    order = tuple(Arrangement)
    # The user's choice comes first, even if it does not fit: from the one that is shown instead,
    # the next would be the same choice again.
    current = view.arrangement or shown.arrangement
    return view._replace(arrangement=order[(order.index(current) + 1) % len(order)])


def _next_glyphs(view: View, _: Shown) -> View:
    if view.ascii_only:
        return view
    order = tuple(GLYPH_SETS.values())
    return view._replace(glyphs=order[(order.index(view.glyphs) + 1) % len(order)])


def _leave(view: View, shown: Shown) -> View:
    """Close the help, else remove the cursor, else return to the table."""
    if view.help:
        return view._replace(help=False)
    if view.cursor is not None:
        return view._replace(cursor=None)
    return _open(view, ALL_TORS, shown)


def _open(view: View, subject: int, shown: Shown) -> View:
    """Return the view of another subject, or the same view if there is no such subject."""
    count = shown.tor_count
    return view._replace(subject=subject) if count > 1 and ALL_TORS <= subject < count else view


def _next_subject(steps: int) -> _Change:
    """Return a change to the next subject, or the previous one: the table, the sum, each tor."""

    def next_subject(view: View, shown: Shown) -> View:
        subjects = [ALL_TORS, SUM, *range(shown.tor_count)]
        at = subjects.index(view.subject) if view.subject in subjects else 0
        return _open(view, subjects[(at + steps) % len(subjects)], shown)

    return next_subject


def _select(steps: int) -> _Change:
    """Return a change that selects another line of the table; the sum is the last line."""

    def select(view: View, shown: Shown) -> View:
        if view.subject != ALL_TORS or not shown.tor_order:
            return view
        lines = [*shown.tor_order, SUM]
        at = lines.index(view.selected) if view.selected in lines else 0
        return view._replace(selected=lines[min(max(at + steps, 0), len(lines) - 1)])

    return select


def _open_selected(view: View, shown: Shown) -> View:
    if view.subject != ALL_TORS or not shown.tor_order:
        return view
    return _open(view, shown.tor_order[0] if view.selected is None else view.selected, shown)


def _shift_ceiling(steps: int) -> _Change:
    """Return a change that pins the scale some steps higher; negative steps are lower."""
    return lambda view, shown: view._replace(ceiling=view.units.lower(shown.ceiling, -steps))


_CHANGES: dict[Action, _Change] = {
    Action.HELP: lambda view, _: view._replace(help=not view.help),
    Action.LEAVE: _leave,
    Action.PAUSE: _pause,
    Action.BACK: _scroll(-1 / 8),
    Action.FORWARD: _scroll(1 / 8),
    Action.PAGE_BACK: _scroll(-7 / 8),
    Action.PAGE_FORWARD: _scroll(7 / 8),
    Action.OLDEST: lambda view, shown: _scroll_back_to(view, shown.oldest, shown),
    Action.NEWEST: lambda view, _: view._replace(end=None),
    Action.FINER: _zoom(-1),
    Action.COARSER: _zoom(1),
    Action.CURSOR_BACK: _move_cursor(-1),
    Action.CURSOR_FORWARD: _move_cursor(1),
    Action.ARRANGE: _next_arrangement,
    Action.UNITS: lambda view, _: view._replace(units=BITS if view.units is BYTES else BYTES),
    Action.GLYPHS: _next_glyphs,
    Action.LOGARITHM: lambda view, _: view._replace(logarithmic=not view.logarithmic),
    Action.SHARE_SCALE: lambda view, _: view._replace(shared_scale=not view.shared_scale),
    Action.LOWER_CEILING: _shift_ceiling(-1),
    Action.RAISE_CEILING: _shift_ceiling(1),
    Action.CUT_AT_P99: lambda view, _: view._replace(cut_at_p99=not view.cut_at_p99, ceiling=None),
    Action.AUTOMATIC_SCALE: lambda view, _: view._replace(cut_at_p99=False, ceiling=None),
    Action.NEXT_TOR: _next_subject(1),
    Action.PREVIOUS_TOR: _next_subject(-1),
    Action.SELECT_UP: _select(-1),
    Action.SELECT_DOWN: _select(1),
    Action.OPEN_SELECTED: _open_selected,
    Action.SORT: lambda view, _: view._replace(by_traffic=not view.by_traffic),
}
"""How each action changes the view. Actions that are not here are handled by the main loop or, for
OPEN_BY_DIGIT, by ``apply_action``."""

_GRAPH_ACTIONS = frozenset(
    {
        Action.CURSOR_BACK,
        Action.CURSOR_FORWARD,
        Action.ARRANGE,
        Action.LOGARITHM,
        Action.SHARE_SCALE,
        Action.LOWER_CEILING,
        Action.RAISE_CEILING,
        Action.CUT_AT_P99,
        Action.AUTOMATIC_SCALE,
    }
)
"Actions on what only a graph shows. They do nothing in the table."
