"""What is looked at, and what each key makes of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.rollups import FINEST_BUCKETS, RESOLUTIONS
from bwgraph.screen.frame import Size
from bwgraph.screen.graph_screen import survey
from bwgraph.screen.keymap import ACTIONS, BINDINGS, Action, apply
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE, GLYPH_SETS
from bwgraph.screen.units import BITS, UNITS, Units
from bwgraph.screen.view import (
    ALL_TORS,
    SUM,
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


def past(seconds: int) -> History:
    """A history of so many seconds."""
    history = History()
    for second in range(1, seconds + 1):
        history.push(Sample(1000.0 + second, 1000, 10, 1.0))
    return history


PASTS = {seconds: past(seconds) for seconds in (0, 1, 50, 700, 20_000)}


# The table.


def test_no_key_is_bound_twice() -> None:
    keys = [key for binding in BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys)) == len(ACTIONS)


def test_every_action_has_one_binding() -> None:
    assert sorted(binding.action.name for binding in BINDINGS) == sorted(
        action.name for action in Action
    )


def test_keys_are_looked_up_in_the_table_that_explains_them() -> None:
    for binding in BINDINGS:
        assert binding.keys
        assert {ACTIONS[key] for key in binding.keys} == {binding.action}


def test_every_key_has_a_name_and_a_help_that_any_terminal_can_show() -> None:
    for binding in BINDINGS:
        for text in (*binding.keys, binding.help):
            assert text
            assert text.isascii()
            assert text.isprintable()


def test_a_hint_is_of_its_own_key_and_has_one_word() -> None:
    for binding in BINDINGS:
        if binding.hint:
            keys, word = binding.hint.split(" ")
            assert word.isalpha()
            assert keys == "arrows" or keys.startswith(binding.keys[0])


@pytest.mark.parametrize(
    ("key", "action"),
    [
        *[("q", Action.QUIT), ("?", Action.HELP), ("space", Action.PAUSE), ("+", Action.FINER)],
        *[("-", Action.COARSER), ("left", Action.BACK), ("pgup", Action.PAGE_BACK)],
        *[("right", Action.FORWARD), ("pgdn", Action.PAGE_FORWARD), ("home", Action.OLDEST)],
        *[("end", Action.NEWEST), ("<", Action.CURSOR_BACK), (">", Action.CURSOR_FORWARD)],
        *[("m", Action.ARRANGE), ("g", Action.GLYPHS), ("u", Action.UNITS)],
        *[("l", Action.LOGARITHM), ("s", Action.SAVE_PICTURE)],
    ],
)
def test_the_keys_are_those_that_were_asked_for(key: str, action: Action) -> None:
    assert ACTIONS[key] is action


# Each action.


@pytest.mark.parametrize("action", [action for action in Action if action in NOT_THE_VIEWS])
def test_what_is_not_the_views_changes_nothing(action: Action) -> None:
    view = View(end=4000, cursor=3990, resolution=5)
    assert apply(view, action, SHOWN) is view


def test_help_comes_and_goes_and_leave_leaves_it_first() -> None:
    view = View(cursor=4990)
    helped = apply(view, Action.HELP, SHOWN)
    assert helped == view._replace(help=True)
    assert apply(helped, Action.HELP, SHOWN) == view
    assert apply(helped, Action.LEAVE, SHOWN) == view
    assert apply(view, Action.LEAVE, SHOWN) == View()
    assert apply(View(), Action.LEAVE, SHOWN) == View()


def test_pause_holds_what_is_shown_and_goes_on() -> None:
    paused = apply(View(), Action.PAUSE, SHOWN)
    assert paused.end == SHOWN.newest
    later = SHOWN._replace(newest=5100)
    assert apply(paused, Action.PAUSE, later) == View()
    assert apply(View(end=3000), Action.PAUSE, SHOWN._replace(end=3000)) == View()


@pytest.mark.parametrize(
    ("end", "action", "after"),
    [
        # An eighth of a hundred columns is 12, seven eighths are 88.
        (5000, Action.BACK, 4988),
        (5000, Action.PAGE_BACK, 4912),
        (5000, Action.OLDEST, 100),
        (5000, Action.FORWARD, None),
        (5000, Action.NEWEST, None),
        (4000, Action.FORWARD, 4012),
        (4000, Action.PAGE_FORWARD, 4088),
        (4988, Action.FORWARD, None),
        (4950, Action.PAGE_FORWARD, None),
        (4000, Action.NEWEST, None),
        # No further back than to a whole page.
        (105, Action.BACK, 100),
        (100, Action.BACK, 100),
        (100, Action.PAGE_BACK, 100),
        # Nor forth, where the view ends before a page does.
        (60, Action.BACK, 60),
        (60, Action.OLDEST, 60),
        (60, Action.FORWARD, 72),
    ],
)
def test_scrolling(end: int, action: Action, after: int | None) -> None:
    view = View(end=None if end == SHOWN.newest else end)
    assert apply(view, action, SHOWN._replace(end=end)).end == after


def test_scrolling_is_by_columns_and_by_one_at_the_least() -> None:
    shown = SHOWN._replace(buckets=3, oldest=60, newest=6000, end=6000)
    assert apply(View(resolution=60), Action.BACK, shown).end == 5940
    assert apply(View(resolution=60), Action.PAGE_BACK, shown).end == 5820


def test_in_a_history_of_less_than_a_page_there_is_nowhere_to_scroll() -> None:
    shown = SHOWN._replace(oldest=4980)
    for action in (Action.BACK, Action.PAGE_BACK, Action.OLDEST, Action.FORWARD, Action.NEWEST):
        assert apply(View(), action, shown) == View()


@pytest.mark.parametrize("action", [Action.BACK, Action.PAGE_BACK, Action.OLDEST])
def test_what_is_paused_stays_so_where_nothing_is_older(action: Action) -> None:
    paused = View(end=4998, resolution=15)
    assert apply(paused, action, SHOWN._replace(oldest=4985, newest=5000, end=5000)) == paused


def test_zoom_goes_through_the_resolutions_and_stays_at_the_last() -> None:
    view, seen = View(), [1]
    for _ in range(len(RESOLUTIONS)):
        view = apply(view, Action.COARSER, SHOWN)
        seen.append(view.resolution)
    assert seen == [*RESOLUTIONS, RESOLUTIONS[-1]]
    for resolution in reversed(RESOLUTIONS[:-1]):
        view = apply(view, Action.FINER, SHOWN)
        assert view.resolution == resolution
    assert apply(view, Action.FINER, SHOWN) == view == View()


def test_zoom_of_what_was_scrolled_ends_where_it_did_as_far_as_columns_do() -> None:
    shown = SHOWN._replace(end=4001)
    # Columns end where they can: the second itself is not forgotten, for zooming in again.
    assert apply(View(end=4001), Action.COARSER, shown).end == 4001
    assert apply(View(end=4005, resolution=5), Action.FINER, shown._replace(end=4005)).end == 4005


def test_zoom_keeps_what_is_read_where_it_is_on_the_screen() -> None:
    # The column under the cursor is the eleventh from the right, and stays it.
    view = View(end=4000, cursor=3990)
    zoomed = apply(view, Action.COARSER, SHOWN._replace(end=4000))
    assert (zoomed.cursor, zoomed.end) == (3990, 3990 + 10 * 5)
    assert apply(zoomed, Action.FINER, SHOWN._replace(end=4040)) == view
    # But nothing is newer than the newest.
    view = View(end=4990, cursor=4800)
    zoomed = apply(view, Action.COARSER, SHOWN._replace(end=4990, buckets=300))
    assert (zoomed.cursor, zoomed.end) == (4800, 5000)


def test_the_cursor_comes_at_the_newest_column_and_goes_column_by_column() -> None:
    view = apply(View(), Action.CURSOR_BACK, SHOWN)
    assert view == View(cursor=5000)
    assert apply(View(), Action.CURSOR_FORWARD, SHOWN) == view
    view = apply(view, Action.CURSOR_BACK, SHOWN)
    assert view == View(cursor=4999)
    assert apply(view, Action.CURSOR_FORWARD, SHOWN).cursor == 5000
    coarse = View(resolution=60, cursor=4980)
    shown = SHOWN._replace(oldest=60, newest=5040, end=5040)
    assert apply(coarse, Action.CURSOR_BACK, shown).cursor == 4920


def test_the_cursor_takes_the_view_with_it_over_either_edge() -> None:
    left = apply(View(cursor=4901), Action.CURSOR_BACK, SHOWN)
    assert (left.cursor, left.end) == (4900, 4999)
    right = apply(View(cursor=4000, end=4000), Action.CURSOR_FORWARD, SHOWN._replace(end=4000))
    assert (right.cursor, right.end) == (4001, 4001)
    newest = apply(View(cursor=4999, end=4999), Action.CURSOR_FORWARD, SHOWN._replace(end=4999))
    assert (newest.cursor, newest.end) == (5000, None)


def test_the_cursor_stays_in_what_there_is() -> None:
    assert apply(View(cursor=5000), Action.CURSOR_FORWARD, SHOWN) == View(cursor=5000)
    first = View(cursor=1, end=100)
    assert apply(first, Action.CURSOR_BACK, SHOWN._replace(end=100)) == first


def test_a_cursor_that_has_left_the_screen_is_none_and_comes_anew() -> None:
    view = View(cursor=4800)
    assert visible_cursor(view, SHOWN) is None
    assert apply(view, Action.CURSOR_BACK, SHOWN).cursor == 5000
    assert visible_cursor(View(cursor=4901), SHOWN) == 4901
    assert visible_cursor(View(cursor=4900), SHOWN) is None
    assert visible_cursor(View(cursor=5001), SHOWN) is None
    assert visible_cursor(View(), SHOWN) is None


def test_arrangements_go_around_from_the_one_that_is_shown() -> None:
    view, seen, shown = View(), [], SHOWN
    for _ in range(4):
        view = apply(view, Action.ARRANGE, shown)
        assert view.arrangement is not None
        shown = shown._replace(arrangement=view.arrangement)
        seen.append(view.arrangement)
    assert seen == [
        Arrangement.SIDE_BY_SIDE,
        Arrangement.MIRRORED,
        Arrangement.STACKED,
        Arrangement.SIDE_BY_SIDE,
    ]


def test_a_wish_that_does_not_fit_is_no_dead_end() -> None:
    # Side by side is wished for, and stacked is shown.
    view = View(arrangement=Arrangement.SIDE_BY_SIDE)
    assert apply(view, Action.ARRANGE, SHOWN).arrangement is Arrangement.MIRRORED


def test_glyphs_go_around_and_in_a_terminal_that_shows_ascii_they_are_that() -> None:
    view, seen = View(), []
    for _ in GLYPH_SETS:
        view = apply(view, Action.GLYPHS, SHOWN)
        seen.append(view.glyphs)
    assert seen == [BRAILLE, ASCII, BLOCK]
    plain = View(glyphs=ASCII, ascii_only=True)
    assert apply(plain, Action.GLYPHS, SHOWN) == plain


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        (Action.UNITS, View(units=BITS)),
        (Action.LOGARITHM, View(logarithmic=True)),
        (Action.SHARE_SCALE, View(shared_scale=True)),
        (Action.CUT_AT_P99, View(cut_at_p99=True)),
    ],
)
def test_what_is_either_way_is_switched_and_back(action: Action, changed: View) -> None:
    assert apply(View(), action, SHOWN) == changed
    assert apply(changed, action, SHOWN) == View()


def test_a_scale_is_pinned_a_step_from_the_one_that_is_shown() -> None:
    assert apply(View(), Action.LOWER_CEILING, SHOWN).ceiling == 10 * 1024
    assert apply(View(), Action.RAISE_CEILING, SHOWN).ceiling == 50 * 1024
    pinned = View(ceiling=17 * 1024)
    shown = SHOWN._replace(ceiling=17 * 1024)
    assert apply(pinned, Action.LOWER_CEILING, shown).ceiling == 10 * 1024
    assert apply(pinned, Action.AUTOMATIC_SCALE, shown) == View()
    assert apply(View(cut_at_p99=True), Action.AUTOMATIC_SCALE, SHOWN) == View()
    assert apply(pinned, Action.CUT_AT_P99, shown) == View(cut_at_p99=True)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_a_scale_is_pinned_no_further_than_there_are_steps(units: Units) -> None:
    view = View(units=units)
    for ceiling, action in (
        (view.units.steps[0], Action.LOWER_CEILING),
        (view.units.steps[-1], Action.RAISE_CEILING),
    ):
        shown = SHOWN._replace(ceiling=ceiling)
        assert apply(view, action, shown).ceiling == ceiling


def test_higher_than_what_is_pinned_between_two_steps_is_the_next_above_it() -> None:
    shown = SHOWN._replace(ceiling=17 * 1024)
    assert apply(View(ceiling=17 * 1024), Action.RAISE_CEILING, shown).ceiling == 20 * 1024


def test_zoomed_in_on_what_is_not_kept_so_finely_the_oldest_that_is_is_shown() -> None:
    instance = Instance("tor", history=PASTS[20_000])
    moment = Moment(21_000.25, datetime(2026, 1, 2, tzinfo=UTC))
    size = Size(80, 24)
    long_ago = View(resolution=60, end=6000)
    shown = survey(instance, long_ago, size, moment).shown
    assert shown.end == 6000
    view = apply(
        apply(apply(long_ago, Action.FINER, shown), Action.FINER, shown), Action.FINER, shown
    )
    assert (view.resolution, view.end) == (1, 6000)
    shown = survey(instance, view, size, moment).shown
    assert shown.end - shown.buckets + 1 == shown.oldest == 21_000 - FINEST_BUCKETS + 1
    # What is read from the screen are the keys' places too.
    assert apply(view, Action.BACK, shown).end == shown.end
    # And from there the way out is as it was in.
    for _ in range(3):
        view = apply(view, Action.COARSER, survey(instance, view, size, moment).shown)
    assert view.resolution == 60


def test_a_view_that_was_paused_within_a_column_stays_there_seen_closer() -> None:
    instance = Instance("tor", history=past(100))
    size, clock = Size(80, 24), datetime(2026, 1, 2, tzinfo=UTC)
    view = View(resolution=3600)
    for action in (Action.PAUSE, Action.FINER, Action.FINER, Action.FINER):
        shown = survey(instance, view, size, Moment(1100.25, clock)).shown
        view = apply(view, action, shown)
    instance.samples.push(Sample(1101.0, 1, 1, 1.0))
    instance.samples.push(Sample(1102.0, 1, 1, 1.0))
    assert view.resolution == 60
    for _ in range(3):
        view = apply(view, Action.FINER, survey(instance, view, size, Moment(1102.25, clock)).shown)
    assert survey(instance, view, size, Moment(1102.25, clock)).shown.end == 1100


def test_a_paused_view_stays_in_a_history_that_does_not_fill_the_screen_yet() -> None:
    instance = Instance("tor", history=past(10))
    size, clock = Size(80, 24), datetime(2026, 1, 2, tzinfo=UTC)
    shown = survey(instance, View(), size, Moment(1010.25, clock)).shown
    view = apply(View(), Action.PAUSE, shown)
    instance.samples.push(Sample(1011.0, 1, 1, 1.0))
    assert survey(instance, view, size, Moment(1011.25, clock)).shown.end == 1010


# Whatever is pressed.

PRESSES = st.lists(
    st.sampled_from(list(Action)) | st.integers(0, 199),
    max_size=40,
)
"Actions, and columns that are clicked on."


def shown_of(view: View, history: History, now: float, columns: int) -> Shown:
    """What a screen so wide shows of it."""
    first, newest = history.extent(now, view.resolution)
    _, second = history.extent(now)
    end = newest
    if view.end is not None:
        end = min(-(-view.end // view.resolution) * view.resolution, newest)
    if end < first:
        end = min(first + (columns - 1) * view.resolution, newest)
    arrangement = view.arrangement or Arrangement.STACKED
    return Shown(columns, first, newest, second, end, arrangement, view.ceiling or 1024)


@PROPERTY
@given(PRESSES, st.sampled_from(list(PASTS)), st.integers(1, 200), st.integers(0, 90))
def test_any_keys_leave_a_view_that_can_be_shown(
    presses: list[Action | int], seconds: int, columns: int, each: int
) -> None:
    history, now, view = PASTS[seconds], 1000.25 + seconds, View()
    for press in presses:
        shown = shown_of(view, history, now, columns)
        if isinstance(press, Action):
            after = apply(view, press, shown)
        else:
            after = move_cursor_to(view, min(press, columns - 1), shown)
        assert after.resolution in RESOLUTIONS
        if after.end is not None:
            # A zoom ends where the same column does.
            assert after.end < shown.newest + max(after.resolution, view.resolution)
        if press in {Action.BACK, Action.PAGE_BACK, Action.OLDEST} and after.end is not None:
            assert after.end <= shown.end
            oldest = min(shown.oldest + (columns - 1) * view.resolution, shown.end)
            # A view that is paused while nothing is known stays where it is.
            assert after.end >= oldest or after == view
        if press in {Action.FORWARD, Action.PAGE_FORWARD}:
            assert after.end is None or shown.end < after.end < shown.newest
        if press in {Action.CURSOR_BACK, Action.CURSOR_FORWARD}:
            at = after.cursor
            assert at is not None
            assert shown.oldest <= at <= shown.newest
            assert visible_cursor(after, shown_of(after, history, now, columns)) == at
        if press in NOT_THE_VIEWS:
            assert after is view
        assert (
            after.ceiling is None
            or after.ceiling in after.units.steps
            or (after.ceiling == view.ceiling)
        )
        view, now = after, now + each / 10
        seen = shown_of(view, history, now, columns)
        assert seen.oldest <= seen.end <= seen.newest


@PROPERTY
@given(
    st.sampled_from(list(Action)),
    st.sampled_from(RESOLUTIONS),
    st.booleans(),
)
def test_an_action_changes_no_more_than_it_says(action: Action, resolution: int, yes: bool) -> None:
    changes = {
        Action.HELP: {"help"},
        Action.LEAVE: {"help", "cursor"},
        Action.FINER: {"resolution", "end", "cursor"},
        Action.COARSER: {"resolution", "end", "cursor"},
        Action.CURSOR_BACK: {"cursor", "end"},
        Action.CURSOR_FORWARD: {"cursor", "end"},
        Action.ARRANGE: {"arrangement"},
        Action.UNITS: {"units"},
        Action.GLYPHS: {"glyphs"},
        Action.LOGARITHM: {"logarithmic"},
        Action.SHARE_SCALE: {"shared_scale"},
        Action.LOWER_CEILING: {"ceiling"},
        Action.RAISE_CEILING: {"ceiling"},
        Action.CUT_AT_P99: {"cut_at_p99", "ceiling"},
        Action.AUTOMATIC_SCALE: {"cut_at_p99", "ceiling"},
        Action.SORT: {"by_traffic"},
        **{action: set[str]() for action in NOT_THE_VIEWS.union(OF_SEVERAL)},
    }
    view = View(resolution=resolution, help=yes, shared_scale=yes, cut_at_p99=not yes, ceiling=2048)
    end = 90 * 86_400
    shown = SHOWN._replace(oldest=86_400, newest=end, end=end)
    after = apply(view, action, shown)
    changed = {name for name in View._fields if getattr(view, name) != getattr(after, name)}
    assert changed <= changes.get(action, {"end"})


# Of several tors.

THREE = SHOWN._replace(tor_count=3, tor_order=(2, 0, 1))
"A table that lists them so."


def test_tab_goes_through_the_table_the_sum_and_each_tor_and_shift_tab_back() -> None:
    view, seen = View(subject=ALL_TORS), []
    for _ in range(6):
        seen.append(view.subject)
        after = apply(view, Action.NEXT_TOR, THREE)
        assert apply(after, Action.PREVIOUS_TOR, THREE) == view
        view = after
    assert seen == [ALL_TORS, SUM, 0, 1, 2, ALL_TORS]
    assert apply(View(subject=9), Action.NEXT_TOR, THREE).subject == SUM  # one that has left


def test_a_digit_chooses_one_and_0_the_sum() -> None:
    view = View(subject=ALL_TORS)
    found = [apply(view, Action.OPEN_BY_DIGIT, THREE, key).subject for key in "0123"]
    assert found == [SUM, 0, 1, 2]
    assert apply(view, Action.OPEN_BY_DIGIT, THREE, "4") is view
    assert apply(view, Action.OPEN_BY_DIGIT, THREE) is view


def test_up_and_down_choose_a_line_and_enter_opens_it() -> None:
    view = View(subject=ALL_TORS)
    assert apply(view, Action.OPEN_SELECTED, THREE).subject == 2  # the first line
    chosen = []
    for action in [Action.SELECT_DOWN] * 4 + [Action.SELECT_UP] * 4:
        view = apply(view, action, THREE)
        chosen.append(view.selected)
    assert chosen == [0, 1, SUM, SUM, 1, 0, 2, 2]
    assert apply(view._replace(selected=SUM), Action.OPEN_SELECTED, THREE).subject == SUM
    # One that has left cannot be opened.
    assert apply(view._replace(selected=9), Action.OPEN_SELECTED, THREE).subject == ALL_TORS


@pytest.mark.parametrize("action", [Action.SELECT_UP, Action.SELECT_DOWN, Action.OPEN_SELECTED])
def test_in_a_graph_there_is_no_line_to_choose(action: Action) -> None:
    for subject in (SUM, 0, 1):
        view = View(subject=subject)
        assert apply(view, action, THREE) is view


def test_esc_closes_the_help_then_puts_the_cursor_away_then_goes_back_to_the_table() -> None:
    view = View(subject=1, cursor=4990, help=True)
    seen = []
    for _ in range(4):
        view = apply(view, Action.LEAVE, THREE)
        seen.append((view.help, view.cursor, view.subject))
    assert seen == [
        (False, 4990, 1),
        (False, None, 1),
        (False, None, ALL_TORS),
        (False, None, ALL_TORS),
    ]


def test_o_sorts_by_traffic_and_by_name_again() -> None:
    view = apply(View(), Action.SORT, THREE)
    assert view.by_traffic
    assert apply(view, Action.SORT, THREE) == View()


@pytest.mark.parametrize(
    ("key", "action"),
    [
        *[
            ("tab", Action.NEXT_TOR),
            ("shift-tab", Action.PREVIOUS_TOR),
            ("enter", Action.OPEN_SELECTED),
        ],
        *[
            ("o", Action.SORT),
            ("up", Action.SELECT_UP),
            ("down", Action.SELECT_DOWN),
            ("esc", Action.LEAVE),
        ],
        *[(digit, Action.OPEN_BY_DIGIT) for digit in "0123456789"],
    ],
)
def test_the_keys_of_several_tors_are_those_that_were_asked_for(key: str, action: Action) -> None:
    assert ACTIONS[key] is action


@pytest.mark.parametrize("action", [*OF_SEVERAL, Action.LEAVE])
def test_with_one_tor_they_do_nothing(action: Action) -> None:
    for subject in (0, ALL_TORS, SUM):
        view = View(subject=subject)
        for key in "0123456789":
            after = apply(view, action, SHOWN, key)
            assert after.subject == subject
        assert action in {Action.SELECT_UP, Action.SELECT_DOWN} or after is view


@pytest.mark.parametrize(
    "action",
    [
        *[
            Action.CURSOR_BACK,
            Action.CURSOR_FORWARD,
            Action.ARRANGE,
            Action.LOGARITHM,
            Action.SHARE_SCALE,
        ],
        *[Action.LOWER_CEILING, Action.RAISE_CEILING, Action.CUT_AT_P99, Action.AUTOMATIC_SCALE],
    ],
)
def test_in_the_table_no_key_changes_what_it_does_not_show(action: Action) -> None:
    view = View(subject=ALL_TORS)
    assert apply(view, action, THREE) is view
    assert apply(view._replace(subject=SUM, ceiling=9), action, THREE).subject == SUM
    # A single tor's graph is one, whatever was looked at before the others turned out to be it.
    assert apply(view, action, SHOWN) == apply(View(), action, SHOWN)._replace(subject=ALL_TORS)


@PROPERTY
@given(
    st.lists(st.tuples(st.sampled_from(list(Action)), st.sampled_from("0123456789")), max_size=40),
    st.integers(2, 5),
)
def test_any_keys_look_at_something_that_is_there(
    presses: list[tuple[Action, str]], tors: int
) -> None:
    view = View(subject=ALL_TORS)
    shown = SHOWN._replace(tor_count=tors, tor_order=tuple(reversed(range(tors))))
    for action, key in presses:
        view = apply(view, action, shown, key)
        assert ALL_TORS <= view.subject < tors
        assert view.selected is None or SUM <= view.selected < tors


def test_a_console_that_makes_a_key_of_it_is_left_by_it() -> None:
    # As that of Windows may, where curses takes the mouse.
    assert ACTIONS["^C"] is Action.QUIT
