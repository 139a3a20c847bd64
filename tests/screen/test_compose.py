"""The screen of each subject: one tor, the sum, and the table of all."""

from collections.abc import Callable

import pytest
from fleets import mixed, news, staged, steady, tell, watched
from scenes import CONNECTED, MOMENT, NEWEST, after, drawn, relay, seconds

from bwgraph.model.fleet import Fleet
from bwgraph.model.moment import Moment
from bwgraph.screen import table_screen
from bwgraph.screen.compose import compose, follow_subject, survey
from bwgraph.screen.frame import Size
from bwgraph.screen.graph_screen import survey_graphs
from bwgraph.screen.keymap import Action, apply_action
from bwgraph.screen.plot import BRAILLE
from bwgraph.screen.view import ALL_TORS, SUM, View

SIZE = Size(80, 24)


@pytest.mark.parametrize("subject", [ALL_TORS, SUM, 0, 1, 9])
def test_single_tor_is_always_a_graph(subject: int) -> None:
    fleet = Fleet([relay()])
    for size in ((120, 35), (80, 24), (40, 10), (20, 5), (1, 1)):
        assert staged(*size, fleet, View(subject=subject)) == drawn(*size)
    scene = survey(fleet, View(subject=subject), SIZE, MOMENT)
    alone = survey_graphs(relay(), View(), SIZE, MOMENT)
    assert (scene.shown, scene.layout) == (alone.shown, alone.layout)


@pytest.mark.parametrize(
    ("subject", "named"),
    [(ALL_TORS, "all 5 tors"), (SUM, "sum of 5 tors"), (0, "anna"), (2, "carl"), (3, "9054")],
)
def test_header_names_the_subject(subject: int, named: str) -> None:
    for size in ((120, 35), (80, 24), (40, 10)):
        lines = staged(*size, mixed(), View(subject=subject))
        assert named in " ".join(lines[:1])


def test_missing_subject_is_replaced_by_the_sum() -> None:
    assert "sum of 5 tors" in staged(80, 24, mixed(), View(subject=7))[0]


def test_one_of_several_tors_looks_as_it_does_alone() -> None:
    fleet = watched("127.0.0.1:9051", "9052")
    tell(fleet, 0, CONNECTED, *seconds(0, 40), *seconds(45, 100))
    assert staged(80, 24, fleet, View(subject=0)) == drawn(80, 24)


@pytest.mark.parametrize(
    ("leaving", "subject", "selected", "expected"),
    [
        (0, 2, 1, (1, 0)),  # the same tors, with new indices
        (2, 1, 0, (1, 0)),
        (1, 1, 1, (ALL_TORS, None)),  # the tor that was shown and selected
        (0, SUM, SUM, (SUM, SUM)),
        (0, ALL_TORS, None, (ALL_TORS, None)),
        (0, 9, 9, (ALL_TORS, None)),
    ],
)
def test_view_follows_its_tor_when_another_leaves(
    leaving: int, subject: int, selected: int | None, expected: tuple[int, int | None]
) -> None:
    before = watched("anna", "bert", "carl").instances
    after = before[:leaving] + before[leaving + 1 :]
    view = View(subject=subject, selected=selected, help=True)
    followed = follow_subject(view, before, after)
    assert (followed.subject, followed.selected) == expected
    assert followed.help


@pytest.mark.parametrize("look", [compose, survey])
def test_tor_that_leaves_during_drawing_is_missing_from_the_next_frame(
    look: Callable[[Fleet, View, Size, Moment], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = watched("anna", "bert", found=True)
    whole = look(fleet, View(subject=ALL_TORS), SIZE, MOMENT)
    first = fleet.instances[0]
    order = table_screen.sorted_tors

    def leave(drawn: Fleet, view: View, now: float) -> tuple[int, ...]:
        found = order(drawn, view, now)
        for instance in (first, *fleet.instances):
            fleet.handle(instance, news("one")._replace(endpoint=instance.name))
        return found

    monkeypatch.setattr(table_screen, "sorted_tors", leave)
    assert type(look(fleet, View(subject=ALL_TORS), SIZE, MOMENT)) is type(whole)
    assert fleet.instances == (first,)
    assert fleet.sum is None
    assert look(fleet, View(subject=ALL_TORS), SIZE, MOMENT) != whole


def test_help_is_the_same_for_every_subject() -> None:
    pages = [
        staged(80, 24, mixed(), View(subject=subject, help=True)) for subject in (ALL_TORS, SUM, 1)
    ]
    assert pages == [drawn(80, 24, view=View(help=True))] * 3


def test_notice_and_alert_are_below_the_table() -> None:
    lines = staged(80, 24, mixed(), notice="saved as x.svg")
    assert lines[-2] == "saved as x.svg"
    assert lines[-1].startswith("bert: no tor since")
    assert "saved as x.svg" not in staged(80, 3, mixed(), notice="saved as x.svg")


def test_keys_are_below_the_table_if_there_is_no_alert() -> None:
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(90, 100, 700))
    assert staged(80, 24, fleet)[-1].startswith("q quit")
    assert staged(80, 24, fleet, View(subject=ALL_TORS, key_line=False))[-1] == ""


def test_table_pauses_at_the_newest_second_not_at_its_buckets_end() -> None:
    fleet = mixed()
    for resolution in (1, 60, 3600):
        view = View(subject=ALL_TORS, resolution=resolution)
        scene = survey(fleet, view, SIZE, MOMENT)
        shown = scene.shown
        assert scene.layout is None
        assert shown.newest_second == NEWEST
        assert apply_action(view, Action.PAUSE, shown).end == NEWEST


def test_table_scrolls_and_zooms_like_a_graph() -> None:
    fleet, view = mixed(), View(subject=ALL_TORS)
    shown = survey(fleet, view, SIZE, MOMENT).shown
    back = apply_action(view, Action.BACK, shown)
    assert back.end is not None
    assert back.end < shown.newest
    assert apply_action(view, Action.COARSER, shown).resolution == 5
    braille = survey(fleet, View(BRAILLE, subject=ALL_TORS), SIZE, MOMENT).shown
    assert braille.buckets == 2 * shown.buckets


def test_sum_advances_while_all_tors_are_silent() -> None:
    fleet = mixed()
    _, later = (survey(fleet, View(subject=SUM), SIZE, after(age)).shown for age in (0.25, 10.25))
    assert later.newest == NEWEST + 9


def test_enter_opens_the_selected_tor() -> None:
    fleet, view = mixed(), View(subject=ALL_TORS)
    for action in (Action.SELECT_DOWN, Action.SELECT_DOWN, Action.OPEN_SELECTED):
        view = apply_action(view, action, survey(fleet, view, SIZE, MOMENT).shown)
    assert compose(fleet, view, SIZE, MOMENT).text()[0].startswith("bwgraph  bert")
    view = apply_action(view, Action.LEAVE, survey(fleet, view, SIZE, MOMENT).shown)
    assert "> bert" in "\n".join(staged(80, 24, fleet, view))
