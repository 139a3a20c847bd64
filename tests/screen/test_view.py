"""What is looked at, and what each key makes of it."""

import pytest

from bwgraph.screen.keymap import Action
from bwgraph.screen.plot import BLOCK
from bwgraph.screen.units import BYTES
from bwgraph.screen.view import (
    Arrangement,
    Shown,
    View,
    move_cursor_to,
    visible_cursor,
)

SHOWN = Shown(
    100,
    oldest=1,
    newest=5000,
    newest_second=5000,
    end=5000,
    arrangement=Arrangement.STACKED,
    ceiling=20 * 1024,
)

NOT_THE_VIEWS = frozenset({Action.QUIT, Action.SAVE_PICTURE, Action.RETRY, Action.REDRAW})
"What is for the app to do."

OF_SEVERAL = (
    *(Action.NEXT_TOR, Action.PREVIOUS_TOR, Action.OPEN_BY_DIGIT),
    *(Action.SELECT_UP, Action.SELECT_DOWN, Action.OPEN_SELECTED),
)
"What does nothing where there is one tor."


def test_a_view_is_of_the_present_and_automatic_unless_told_otherwise() -> None:
    view = View()
    assert (view.glyphs, view.units, view.resolution) == (BLOCK, BYTES, 1)
    assert (view.end, view.cursor, view.ceiling, view.arrangement) == (None,) * 4
    assert not view.logarithmic
    assert not view.shared_scale
    assert not view.cut_at_p99
    assert not view.help


@pytest.mark.parametrize("column", [0, 57, 99])
def test_a_column_that_is_pointed_at_is_under_the_cursor(column: int) -> None:
    view = move_cursor_to(View(resolution=5), column, SHOWN)
    assert view.cursor == 5000 - (99 - column) * 5
    assert visible_cursor(view, SHOWN) == view.cursor


def test_a_click_left_of_all_that_is_kept_reads_the_oldest() -> None:
    assert move_cursor_to(View(), 3, SHOWN._replace(oldest=4950)).cursor == 4950
