"""How often the main loop works out what is on the screen, and sorts the tors."""

import os
from collections.abc import Iterator

import pytest
from fleets import mixed
from loop_world import FakeTerminal

from bwgraph.model.events import Connected
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen import compose, table_screen
from bwgraph.screen.frame import Size
from bwgraph.screen.view import ALL_TORS, SUM, Click, View
from bwgraph.system.wakeup import Wakeup
from bwgraph.terminal import loop
from bwgraph.terminal.loop import Loop


class Counted:
    """A loop with a screen, and how often it surveyed and sorted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wakeup: Wakeup) -> None:
        self.surveys = 0
        self.sorts = 0
        self.terminal = FakeTerminal()
        self.wakeup = wakeup
        survey, sort = compose.survey, table_screen.sorted_tors

        def counted_survey(
            fleet: Fleet, view: View, size: Size, moment: Moment, notice: str = ""
        ) -> compose.Scene:
            self.surveys += 1
            return survey(fleet, view, size, moment, notice)

        def counted_sort(fleet: Fleet, view: View, now: float) -> tuple[int, ...]:
            self.sorts += 1
            return sort(fleet, view, now)

        monkeypatch.setattr(loop, "survey", counted_survey)
        monkeypatch.setattr(compose, "survey", counted_survey)
        monkeypatch.setattr(table_screen, "sorted_tors", counted_sort)

    def show(self, fleet: Fleet, view: View) -> None:
        """Draw a first screen, which is not counted."""
        self.loop = Loop(fleet, {}, view, self.terminal, self.wakeup, save_picture=str)
        self.loop.draw()
        self.surveys = self.sorts = 0

    def press(self, *keys: str | Click) -> tuple[int, int]:
        """Press keys and draw once; return how many surveys and sorts that took."""
        self.surveys = self.sorts = 0
        self.terminal.press(*keys)
        self.loop._follow_subject()
        self.loop._handle_keys()
        self.loop.draw()
        return self.surveys, self.sorts


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    with Wakeup() as wakeup:
        counted = Counted(monkeypatch, wakeup)
        yield counted
    os.close(wakeup._channel.writer)
    counted.terminal.close()


GRAPH_KEYS = ("left", "pgup", "-", "+", "<", ">", "m", "g", "l", "[", "space", "?", "?", "r", "x")


@pytest.mark.parametrize("subject", [SUM, 0, 3])
def test_a_key_on_a_graph_takes_one_survey_and_no_sort(counted: Counted, subject: int) -> None:
    counted.show(mixed(), View(subject=subject))
    for key in (*GRAPH_KEYS, "tab", "shift-tab", "2", "0", "1", Click(40)):
        if counted.loop._view.subject == SUM and key == "shift-tab":
            continue  # this key leads to the table
        assert counted.press(key) == (1, 0), key


def test_a_key_on_the_table_takes_one_survey_and_one_sort(counted: Counted) -> None:
    counted.show(mixed(), View(subject=ALL_TORS))
    for key in ("down", "up", "o", "down", "left", "-", "?", "?", "space", Click(40)):
        assert counted.press(key) == (1, 1), key
    assert counted.press("enter") == (1, 0)
    assert counted.press("esc") == (1, 1)


def test_a_frame_takes_one_survey_and_a_sort_only_if_it_is_the_table(counted: Counted) -> None:
    for subject, sorts in ((ALL_TORS, 1), (SUM, 0), (0, 0)):
        counted.show(mixed(), View(subject=subject))
        counted.loop.draw()
        assert (counted.surveys, counted.sorts) == (1, sorts)


def test_each_of_several_keys_between_two_frames_takes_one_survey(counted: Counted) -> None:
    counted.show(mixed(), View(subject=SUM))
    # The first key starts from the frame that is on the screen, the others from their own surveys.
    assert counted.press("left", "left", "-", "<") == (4, 0)


def test_a_resized_screen_is_surveyed_again(counted: Counted) -> None:
    counted.show(mixed(), View(subject=SUM))
    counted.terminal.window = Size(120, 35)
    assert counted.press("pgup") == (2, 0)


def test_enter_opens_the_selected_tor_after_another_has_left(counted: Counted) -> None:
    fleet = Fleet([Instance("carl"), Instance("anna"), Instance("bert")], found=True)
    counted.show(fleet, View(subject=ALL_TORS))
    carl, anna, bert = fleet.instances
    # The table is not drawn again before the key, so the indices on the screen are out of date.
    for instance in (anna, carl):
        fleet.handle(instance, Connected(1000.0, instance.name, uptime=7.0, process="1"))
    assert fleet.instances == (anna, bert)
    assert counted.press("enter") == (2, 1)
    assert counted.loop._view.subject == 0
