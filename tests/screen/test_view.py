"""The default view, and the cursor within what is shown."""

import pytest
from scenes import SHOWN

from bwgraph.screen.plot import BLOCK
from bwgraph.screen.units import BYTES
from bwgraph.screen.view import View, move_cursor_to, visible_cursor


def test_default_view_follows_the_newest_bucket_with_automatic_scale() -> None:
    view = View()
    assert (view.glyphs, view.units, view.resolution) == (BLOCK, BYTES, 1)
    assert (view.end, view.cursor, view.ceiling, view.arrangement) == (None,) * 4
    assert not view.logarithmic
    assert not view.shared_scale
    assert not view.cut_at_p99
    assert not view.help


@pytest.mark.parametrize("index", [0, 57, 99])
def test_move_cursor_to_puts_the_cursor_on_a_visible_bucket(index: int) -> None:
    view = move_cursor_to(View(resolution=5), index, SHOWN)
    assert view.cursor == 5000 - (99 - index) * 5
    assert visible_cursor(view, SHOWN) == view.cursor


def test_cursor_does_not_move_before_the_oldest_bucket() -> None:
    assert move_cursor_to(View(), 3, SHOWN._replace(oldest=4950)).cursor == 4950


def test_visible_cursor_is_none_off_the_screen() -> None:
    assert visible_cursor(View(cursor=4901), SHOWN) == 4901
    assert visible_cursor(View(cursor=4900), SHOWN) is None
    assert visible_cursor(View(cursor=5001), SHOWN) is None
    assert visible_cursor(View(), SHOWN) is None
