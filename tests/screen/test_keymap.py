"""The bindings of the keys, and how each action changes the view."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY
from scenes import SHOWN

from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.rollups import FINEST_BUCKETS, RESOLUTIONS
from bwgraph.screen.frame import Size
from bwgraph.screen.graph_screen import survey_graphs
from bwgraph.screen.keymap import ACTIONS, BINDINGS, Action, apply_action
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

LOOP_ACTIONS = frozenset({Action.QUIT, Action.SAVE_PICTURE, Action.RETRY, Action.REDRAW})
"Actions that the main loop does."

FLEET_ACTIONS = (
    *(Action.NEXT_TOR, Action.PREVIOUS_TOR, Action.OPEN_BY_DIGIT),
    *(Action.SELECT_UP, Action.SELECT_DOWN, Action.OPEN_SELECTED),
)
"Actions that do nothing if there is only one tor."


def history_of(seconds: int) -> History:
    """Return a history of this many seconds."""
    history = History()
    for second in range(1, seconds + 1):
        history.push(Sample(1000.0 + second, 1000, 10, 1.0))
    return history


HISTORIES = {seconds: history_of(seconds) for seconds in (0, 1, 50, 700, 20_000)}


# Bindings.


def test_no_key_is_bound_twice() -> None:
    keys = [key for binding in BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys)) == len(ACTIONS)


def test_every_action_has_one_binding() -> None:
    assert sorted(binding.action.name for binding in BINDINGS) == sorted(
        action.name for action in Action
    )


def test_actions_come_from_the_bindings() -> None:
    for binding in BINDINGS:
        assert binding.keys
        assert {ACTIONS[key] for key in binding.keys} == {binding.action}


def test_key_names_and_help_are_printable_ascii() -> None:
    for binding in BINDINGS:
        for text in (*binding.keys, binding.help):
            assert text
            assert text.isascii()
            assert text.isprintable()


def test_hint_names_its_own_key_and_one_word() -> None:
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
def test_keys_have_the_documented_actions(key: str, action: Action) -> None:
    assert ACTIONS[key] is action


# Actions.


@pytest.mark.parametrize("action", [action for action in Action if action in LOOP_ACTIONS])
def test_actions_for_the_main_loop_leave_the_view_unchanged(action: Action) -> None:
    view = View(end=4000, cursor=3990, resolution=5)
    assert apply_action(view, action, SHOWN) is view


def test_leave_closes_help_before_it_removes_the_cursor() -> None:
    view = View(cursor=4990)
    helped = apply_action(view, Action.HELP, SHOWN)
    assert helped == view._replace(help=True)
    assert apply_action(helped, Action.HELP, SHOWN) == view
    assert apply_action(helped, Action.LEAVE, SHOWN) == view
    assert apply_action(view, Action.LEAVE, SHOWN) == View()
    assert apply_action(View(), Action.LEAVE, SHOWN) == View()


def test_pause_stops_the_view_and_resumes() -> None:
    paused = apply_action(View(), Action.PAUSE, SHOWN)
    assert paused.end == SHOWN.newest
    later = SHOWN._replace(newest=5100)
    assert apply_action(paused, Action.PAUSE, later) == View()
    assert apply_action(View(end=3000), Action.PAUSE, SHOWN._replace(end=3000)) == View()


@pytest.mark.parametrize(
    ("end", "action", "after"),
    [
        # An eighth of 100 buckets is 12, seven eighths are 88.
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
        # Not further back than a full screen.
        (105, Action.BACK, 100),
        (100, Action.BACK, 100),
        (100, Action.PAGE_BACK, 100),
        # A view that ends before a full screen does not move forward by itself.
        (60, Action.BACK, 60),
        (60, Action.OLDEST, 60),
        (60, Action.FORWARD, 72),
    ],
)
def test_scrolling_stays_within_the_history(end: int, action: Action, after: int | None) -> None:
    view = View(end=None if end == SHOWN.newest else end)
    assert apply_action(view, action, SHOWN._replace(end=end)).end == after


def test_scrolling_moves_by_whole_buckets_and_at_least_one() -> None:
    shown = SHOWN._replace(buckets=3, oldest=60, newest=6000, end=6000)
    assert apply_action(View(resolution=60), Action.BACK, shown).end == 5940
    assert apply_action(View(resolution=60), Action.PAGE_BACK, shown).end == 5820


def test_short_history_does_not_scroll() -> None:
    shown = SHOWN._replace(oldest=4980)
    for action in (Action.BACK, Action.PAGE_BACK, Action.OLDEST, Action.FORWARD, Action.NEWEST):
        assert apply_action(View(), action, shown) == View()


@pytest.mark.parametrize("action", [Action.BACK, Action.PAGE_BACK, Action.OLDEST])
def test_paused_view_stays_paused_if_nothing_is_older(action: Action) -> None:
    paused = View(end=4998, resolution=15)
    assert (
        apply_action(paused, action, SHOWN._replace(oldest=4985, newest=5000, end=5000)) == paused
    )


def test_zoom_steps_through_the_resolutions_and_stops_at_the_ends() -> None:
    view, seen = View(), [1]
    for _ in range(len(RESOLUTIONS)):
        view = apply_action(view, Action.COARSER, SHOWN)
        seen.append(view.resolution)
    assert seen == [*RESOLUTIONS, RESOLUTIONS[-1]]
    for resolution in reversed(RESOLUTIONS[:-1]):
        view = apply_action(view, Action.FINER, SHOWN)
        assert view.resolution == resolution
    assert apply_action(view, Action.FINER, SHOWN) == view == View()


def test_zoom_keeps_the_end_of_a_scrolled_view() -> None:
    shown = SHOWN._replace(end=4001)
    # The second does not change, so that zooming in again returns to it.
    assert apply_action(View(end=4001), Action.COARSER, shown).end == 4001
    assert (
        apply_action(View(end=4005, resolution=5), Action.FINER, shown._replace(end=4005)).end
        == 4005
    )


def test_zoom_keeps_the_cursor_in_its_cell() -> None:
    # The bucket under the cursor stays the eleventh from the right.
    view = View(end=4000, cursor=3990)
    zoomed = apply_action(view, Action.COARSER, SHOWN._replace(end=4000))
    assert (zoomed.cursor, zoomed.end) == (3990, 3990 + 10 * 5)
    assert apply_action(zoomed, Action.FINER, SHOWN._replace(end=4040)) == view
    # Unless the view would end after the newest bucket.
    view = View(end=4990, cursor=4800)
    zoomed = apply_action(view, Action.COARSER, SHOWN._replace(end=4990, buckets=300))
    assert (zoomed.cursor, zoomed.end) == (4800, 5000)


def test_cursor_starts_at_the_newest_bucket_and_moves_by_one() -> None:
    view = apply_action(View(), Action.CURSOR_BACK, SHOWN)
    assert view == View(cursor=5000)
    assert apply_action(View(), Action.CURSOR_FORWARD, SHOWN) == view
    view = apply_action(view, Action.CURSOR_BACK, SHOWN)
    assert view == View(cursor=4999)
    assert apply_action(view, Action.CURSOR_FORWARD, SHOWN).cursor == 5000
    coarse = View(resolution=60, cursor=4980)
    shown = SHOWN._replace(oldest=60, newest=5040, end=5040)
    assert apply_action(coarse, Action.CURSOR_BACK, shown).cursor == 4920


def test_cursor_scrolls_the_view_at_either_edge() -> None:
    left = apply_action(View(cursor=4901), Action.CURSOR_BACK, SHOWN)
    assert (left.cursor, left.end) == (4900, 4999)
    right = apply_action(
        View(cursor=4000, end=4000), Action.CURSOR_FORWARD, SHOWN._replace(end=4000)
    )
    assert (right.cursor, right.end) == (4001, 4001)
    newest = apply_action(
        View(cursor=4999, end=4999), Action.CURSOR_FORWARD, SHOWN._replace(end=4999)
    )
    assert (newest.cursor, newest.end) == (5000, None)


def test_cursor_stays_within_the_history() -> None:
    assert apply_action(View(cursor=5000), Action.CURSOR_FORWARD, SHOWN) == View(cursor=5000)
    first = View(cursor=1, end=100)
    assert apply_action(first, Action.CURSOR_BACK, SHOWN._replace(end=100)) == first


def test_cursor_off_the_screen_starts_again_at_the_newest_bucket() -> None:
    view = View(cursor=4800)
    assert visible_cursor(view, SHOWN) is None
    assert apply_action(view, Action.CURSOR_BACK, SHOWN).cursor == 5000


def test_arrangements_cycle_from_the_one_that_is_shown() -> None:
    view, seen, shown = View(), [], SHOWN
    for _ in range(4):
        view = apply_action(view, Action.ARRANGE, shown)
        assert view.arrangement is not None
        shown = shown._replace(arrangement=view.arrangement)
        seen.append(view.arrangement)
    assert seen == [
        Arrangement.SIDE_BY_SIDE,
        Arrangement.MIRRORED,
        Arrangement.STACKED,
        Arrangement.SIDE_BY_SIDE,
    ]


def test_arrangement_that_does_not_fit_is_followed_by_the_next() -> None:
    # Side by side is chosen, but stacked is shown.
    view = View(arrangement=Arrangement.SIDE_BY_SIDE)
    assert apply_action(view, Action.ARRANGE, SHOWN).arrangement is Arrangement.MIRRORED


def test_glyph_sets_cycle_unless_the_terminal_shows_only_ascii() -> None:
    view, seen = View(), []
    for _ in GLYPH_SETS:
        view = apply_action(view, Action.GLYPHS, SHOWN)
        seen.append(view.glyphs)
    assert seen == [BRAILLE, ASCII, BLOCK]
    plain = View(glyphs=ASCII, ascii_only=True)
    assert apply_action(plain, Action.GLYPHS, SHOWN) == plain


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        (Action.UNITS, View(units=BITS)),
        (Action.LOGARITHM, View(logarithmic=True)),
        (Action.SHARE_SCALE, View(shared_scale=True)),
        (Action.CUT_AT_P99, View(cut_at_p99=True)),
    ],
)
def test_switches_are_turned_on_and_off(action: Action, changed: View) -> None:
    assert apply_action(View(), action, SHOWN) == changed
    assert apply_action(changed, action, SHOWN) == View()


def test_scale_is_pinned_a_step_from_the_one_that_is_shown() -> None:
    assert apply_action(View(), Action.LOWER_CEILING, SHOWN).ceiling == 10 * 1024
    assert apply_action(View(), Action.RAISE_CEILING, SHOWN).ceiling == 50 * 1024
    pinned = View(ceiling=17 * 1024)
    shown = SHOWN._replace(ceiling=17 * 1024)
    assert apply_action(pinned, Action.LOWER_CEILING, shown).ceiling == 10 * 1024
    assert apply_action(pinned, Action.AUTOMATIC_SCALE, shown) == View()
    assert apply_action(View(cut_at_p99=True), Action.AUTOMATIC_SCALE, SHOWN) == View()
    assert apply_action(pinned, Action.CUT_AT_P99, shown) == View(cut_at_p99=True)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_pinned_scale_stops_at_the_first_and_last_step(units: Units) -> None:
    view = View(units=units)
    for ceiling, action in (
        (view.units.steps[0], Action.LOWER_CEILING),
        (view.units.steps[-1], Action.RAISE_CEILING),
    ):
        shown = SHOWN._replace(ceiling=ceiling)
        assert apply_action(view, action, shown).ceiling == ceiling


def test_scale_pinned_between_two_steps_is_raised_to_the_next() -> None:
    shown = SHOWN._replace(ceiling=17 * 1024)
    assert apply_action(View(ceiling=17 * 1024), Action.RAISE_CEILING, shown).ceiling == 20 * 1024


def test_zoom_into_an_expired_span_shows_the_oldest_buckets_left() -> None:
    instance = Instance("tor", history=HISTORIES[20_000])
    moment = Moment(21_000.25, datetime(2026, 1, 2, tzinfo=UTC))
    size = Size(80, 24)
    old = View(resolution=60, end=6000)
    shown = survey_graphs(instance, old, size, moment).shown
    assert shown.end == 6000
    view = apply_action(
        apply_action(apply_action(old, Action.FINER, shown), Action.FINER, shown),
        Action.FINER,
        shown,
    )
    assert (view.resolution, view.end) == (1, 6000)
    shown = survey_graphs(instance, view, size, moment).shown
    assert shown.end - shown.buckets + 1 == shown.oldest == 21_000 - FINEST_BUCKETS + 1
    # Keys start from what is shown.
    assert apply_action(view, Action.BACK, shown).end == shown.end
    # Zooming out works as zooming in did.
    for _ in range(3):
        view = apply_action(view, Action.COARSER, survey_graphs(instance, view, size, moment).shown)
    assert view.resolution == 60


def test_view_paused_within_a_bucket_keeps_its_end_when_zoomed_in() -> None:
    instance = Instance("tor", history=history_of(100))
    size, clock = Size(80, 24), datetime(2026, 1, 2, tzinfo=UTC)
    view = View(resolution=3600)
    for action in (Action.PAUSE, Action.FINER, Action.FINER, Action.FINER):
        shown = survey_graphs(instance, view, size, Moment(1100.25, clock)).shown
        view = apply_action(view, action, shown)
    instance.samples.push(Sample(1101.0, 1, 1, 1.0))
    instance.samples.push(Sample(1102.0, 1, 1, 1.0))
    assert view.resolution == 60
    for _ in range(3):
        view = apply_action(
            view, Action.FINER, survey_graphs(instance, view, size, Moment(1102.25, clock)).shown
        )
    assert survey_graphs(instance, view, size, Moment(1102.25, clock)).shown.end == 1100


def test_paused_view_keeps_its_end_in_a_short_history() -> None:
    instance = Instance("tor", history=history_of(10))
    size, clock = Size(80, 24), datetime(2026, 1, 2, tzinfo=UTC)
    shown = survey_graphs(instance, View(), size, Moment(1010.25, clock)).shown
    view = apply_action(View(), Action.PAUSE, shown)
    instance.samples.push(Sample(1011.0, 1, 1, 1.0))
    assert survey_graphs(instance, view, size, Moment(1011.25, clock)).shown.end == 1010


# Any keys.

PRESSES = st.lists(
    st.sampled_from(list(Action)) | st.integers(0, 199),
    max_size=40,
)
"Actions, and indices of buckets that are clicked on."


def shown_of(view: View, history: History, now: float, columns: int) -> Shown:
    """Return what a screen with this many buckets shows of a history."""
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
@given(PRESSES, st.sampled_from(list(HISTORIES)), st.integers(1, 200), st.integers(0, 90))
def test_any_keys_leave_a_valid_view(
    presses: list[Action | int], seconds: int, columns: int, each: int
) -> None:
    history, now, view = HISTORIES[seconds], 1000.25 + seconds, View()
    for press in presses:
        shown = shown_of(view, history, now, columns)
        if isinstance(press, Action):
            after = apply_action(view, press, shown)
        else:
            after = move_cursor_to(view, min(press, columns - 1), shown)
        assert after.resolution in RESOLUTIONS
        if after.end is not None:
            # A zoom ends with the same bucket.
            assert after.end < shown.newest + max(after.resolution, view.resolution)
        if press in {Action.BACK, Action.PAGE_BACK, Action.OLDEST} and after.end is not None:
            assert after.end <= shown.end
            oldest = min(shown.oldest + (columns - 1) * view.resolution, shown.end)
            # A view that is paused before the first sample stays where it is.
            assert after.end >= oldest or after == view
        if press in {Action.FORWARD, Action.PAGE_FORWARD}:
            assert after.end is None or shown.end < after.end < shown.newest
        if press in {Action.CURSOR_BACK, Action.CURSOR_FORWARD}:
            at = after.cursor
            assert at is not None
            assert shown.oldest <= at <= shown.newest
            assert visible_cursor(after, shown_of(after, history, now, columns)) == at
        if press in LOOP_ACTIONS:
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
def test_each_action_changes_only_its_own_fields(
    action: Action, resolution: int, yes: bool
) -> None:
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
        **{action: set[str]() for action in LOOP_ACTIONS.union(FLEET_ACTIONS)},
    }
    view = View(resolution=resolution, help=yes, shared_scale=yes, cut_at_p99=not yes, ceiling=2048)
    end = 90 * 86_400
    shown = SHOWN._replace(oldest=86_400, newest=end, end=end)
    after = apply_action(view, action, shown)
    changed = {name for name in View._fields if getattr(view, name) != getattr(after, name)}
    assert changed <= changes.get(action, {"end"})


# Several tors.

THREE = SHOWN._replace(tor_count=3, tor_order=(2, 0, 1))
"A table of three tors, in this order."


def test_tab_cycles_through_table_sum_and_tors_and_shift_tab_reverses() -> None:
    view, seen = View(subject=ALL_TORS), []
    for _ in range(6):
        seen.append(view.subject)
        after = apply_action(view, Action.NEXT_TOR, THREE)
        assert apply_action(after, Action.PREVIOUS_TOR, THREE) == view
        view = after
    assert seen == [ALL_TORS, SUM, 0, 1, 2, ALL_TORS]
    assert apply_action(View(subject=9), Action.NEXT_TOR, THREE).subject == SUM  # this tor has left


def test_digit_opens_a_tor_and_0_the_sum() -> None:
    view = View(subject=ALL_TORS)
    found = [apply_action(view, Action.OPEN_BY_DIGIT, THREE, key).subject for key in "0123"]
    assert found == [SUM, 0, 1, 2]
    assert apply_action(view, Action.OPEN_BY_DIGIT, THREE, "4") is view
    assert apply_action(view, Action.OPEN_BY_DIGIT, THREE) is view


def test_up_and_down_select_a_line_and_enter_opens_it() -> None:
    view = View(subject=ALL_TORS)
    assert apply_action(view, Action.OPEN_SELECTED, THREE).subject == 2  # the first line
    selected = []
    for action in [Action.SELECT_DOWN] * 4 + [Action.SELECT_UP] * 4:
        view = apply_action(view, action, THREE)
        selected.append(view.selected)
    assert selected == [0, 1, SUM, SUM, 1, 0, 2, 2]
    assert apply_action(view._replace(selected=SUM), Action.OPEN_SELECTED, THREE).subject == SUM
    # A tor that has left cannot be opened.
    assert apply_action(view._replace(selected=9), Action.OPEN_SELECTED, THREE).subject == ALL_TORS


@pytest.mark.parametrize("action", [Action.SELECT_UP, Action.SELECT_DOWN, Action.OPEN_SELECTED])
def test_table_keys_do_nothing_in_a_graph(action: Action) -> None:
    for subject in (SUM, 0, 1):
        view = View(subject=subject)
        assert apply_action(view, action, THREE) is view


def test_esc_closes_help_then_removes_cursor_then_returns_to_table() -> None:
    view = View(subject=1, cursor=4990, help=True)
    seen = []
    for _ in range(4):
        view = apply_action(view, Action.LEAVE, THREE)
        seen.append((view.help, view.cursor, view.subject))
    assert seen == [
        (False, 4990, 1),
        (False, None, 1),
        (False, None, ALL_TORS),
        (False, None, ALL_TORS),
    ]


def test_sort_switches_between_traffic_and_name() -> None:
    view = apply_action(View(), Action.SORT, THREE)
    assert view.by_traffic
    assert apply_action(view, Action.SORT, THREE) == View()


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
def test_keys_for_several_tors_have_the_documented_actions(key: str, action: Action) -> None:
    assert ACTIONS[key] is action


@pytest.mark.parametrize("action", [*FLEET_ACTIONS, Action.LEAVE])
def test_keys_for_several_tors_do_nothing_with_one_tor(action: Action) -> None:
    for subject in (0, ALL_TORS, SUM):
        view = View(subject=subject)
        for key in "0123456789":
            after = apply_action(view, action, SHOWN, key)
            assert after.subject == subject
        assert after is view


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
def test_graph_keys_do_nothing_in_the_table(action: Action) -> None:
    view = View(subject=ALL_TORS)
    assert apply_action(view, action, THREE) is view
    assert apply_action(view._replace(subject=SUM, ceiling=9), action, THREE).subject == SUM
    # A single tor has a graph even if the view says table, as after its twins have left.
    assert apply_action(view, action, SHOWN) == apply_action(View(), action, SHOWN)._replace(
        subject=ALL_TORS
    )


@PROPERTY
@given(
    st.lists(st.tuples(st.sampled_from(list(Action)), st.sampled_from("0123456789")), max_size=40),
    st.integers(2, 5),
)
def test_any_keys_show_an_existing_subject(presses: list[tuple[Action, str]], tors: int) -> None:
    view = View(subject=ALL_TORS)
    shown = SHOWN._replace(tor_count=tors, tor_order=tuple(reversed(range(tors))))
    for action, key in presses:
        view = apply_action(view, action, shown, key)
        assert ALL_TORS <= view.subject < tors
        assert view.selected is None or SUM <= view.selected < tors


def test_control_c_quits_where_it_arrives_as_a_key() -> None:
    # The console of Windows may do that while curses reads the mouse.
    assert ACTIONS["^C"] is Action.QUIT
