"""What keys, clicks and stop signals do in the main loop."""

import signal
from collections.abc import Iterator

import pytest
from loop_world import CONNECTED, START, World, installed_world

from bwgraph.screen.frame import Size
from bwgraph.screen.keymap import ACTIONS, BINDINGS
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE
from bwgraph.screen.units import BITS
from bwgraph.screen.view import Arrangement, Click, View
from bwgraph.terminal.loop import LoopEnd


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with installed_world(monkeypatch) as world:
        yield world


# Actions that do not change the view


def test_keys_retry_and_redraw(world: World) -> None:
    world.at(1.0, lambda: world.terminal.press("r", "^L", "r"))
    world.run(2.0)
    assert world.source.retries == 2
    assert world.terminal.calls == ["redraw"]


def test_stop_and_continue_signals_suspend_and_resume_the_terminal(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, lambda: signal.raise_signal(signal.SIGTSTP))
    world.at(2.0, lambda: signal.raise_signal(signal.SIGCONT))
    world.run(2.5)
    assert world.terminal.calls == ["suspend", "resume"]
    assert world.drawn[1:] == [1.0, 2.0]


# Keys that change the view


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        (["u"], "units", BITS),
        (["g"], "glyphs", BRAILLE),
        (["g", "g"], "glyphs", ASCII),
        (["g", "g", "g"], "glyphs", BLOCK),
        (["m"], "arrangement", Arrangement.SIDE_BY_SIDE),
        (["m", "m"], "arrangement", Arrangement.MIRRORED),
        (["l"], "logarithmic", True),
        (["e"], "shared_scale", True),
        (["b"], "cut_at_p99", True),
        (["b", "a"], "cut_at_p99", False),
        (["-"], "resolution", 5),
        (["wheel-down", "-", "wheel-up"], "resolution", 5),
        (["-", "="], "resolution", 1),
        (["?"], "help", True),
        (["h", "?"], "help", False),
        (["?", "esc"], "help", False),
        (["<"], "cursor", 1000),
        (["<", ","], "cursor", 999),
        (["<", "<", "."], "cursor", 1000),
        (["<", "esc"], "cursor", None),
        (["space"], "end", 1000),
        (["p", "p"], "end", None),
        (["left"], "end", 991),
        (["pgup"], "end", 940),
        (["pgup", "end"], "end", None),
        (["pgup", "right"], "end", 949),
        (["pgup", "pgdn"], "end", None),
        # The leftmost bucket is then the oldest.
        (["home"], "end", 769),
    ],
    ids=str,
)
def test_keys_change_the_view(world: World, keys: list[str], name: str, value: object) -> None:
    world.fill(300)
    assert getattr(world.view_after(*keys), name) == value


def test_keys_that_pin_the_scale_begin_at_the_scale_on_the_screen(world: World) -> None:
    world.fill(300)  # up to 300 KiB/s, below a ceiling of 500
    assert world.view_after("[", "[").ceiling == 100 * 1024
    assert "pinned" in world.text()


def test_each_key_acts_on_the_result_of_the_key_before_it(world: World) -> None:
    world.fill(300)
    world.press(0.1, "-", "-", "<", "<", "m", "m", "m", "m")
    world.run(0.5)
    view = world.loop._view
    assert (view.resolution, view.cursor) == (15, 990)
    assert view.arrangement is Arrangement.SIDE_BY_SIDE
    assert world.drawn == [0, 0.1]


@pytest.mark.parametrize(
    "key", ["x", "Q", "up", "down", "j", "k", "enter", "tab", "shift-tab", "^A", "9", "0"]
)
def test_unknown_key_changes_nothing(world: World, key: str) -> None:
    world.fill(300)
    assert world.view_after(key) == View()
    assert world.terminal.frames[-1] == world.terminal.frames[0]
    assert (world.source.retries, world.terminal.calls, world.saved) == (0, [], [])


def test_every_key_is_harmless_before_the_first_sample(world: World) -> None:
    for size in (Size(1, 1), Size(8, 3), Size(80, 24)):
        world.terminal.window = size
        keys = [key for key in ACTIONS if key != "q"]
        world.press(0.1, *keys, Click(0), *keys)
        assert world.run(0.2) == LoopEnd()
        world.time = START


def test_help_replaces_the_screen_and_closes_again(world: World) -> None:
    world.fill(10)
    world.press(0.1, "?")
    world.press(0.2, "?")
    world.run(0.5)
    assert "download" not in world.text(1)
    assert [each.help for each in BINDINGS if each.help not in world.text(1)] == []
    assert world.terminal.frames[2] == world.terminal.frames[0]


def test_pause_freezes_the_graphs_while_samples_are_collected(world: World) -> None:
    world.fill(300)
    world.press(0.1, "space")
    for when in (1.0, 2.0, 3.0):
        world.at(when, lambda: world.sample(read=77 * 1024))
    world.press(3.5, "space")
    world.run(3.6)
    paused, later, after = (world.text(frame) for frame in (1, 4, 5))
    assert "paused" in paused.splitlines()[0]
    assert "3 s back" in later.splitlines()[0]
    graphs = [
        [line for line in text.splitlines() if line[10:11] in {"│", "┤", "└"}]
        for text in (paused, later, after)
    ]
    assert graphs[0] == graphs[1] != graphs[2]
    assert "back" not in after
    assert "77.0 KiB/s" in after


# Clicks


def first_bar_column(world: World) -> int:
    """Return the column of the leftmost bar."""
    return next(line for line in world.terminal.frames[0].text() if " 0 └" in line).index("└") + 1


def test_click_puts_the_cursor_on_the_clicked_bucket(world: World) -> None:
    world.fill(300)
    assert world.view_after(Click(79)).cursor == 1000
    assert world.text().splitlines()[-1].startswith("12:00:00   ▼ 300 KiB, mean 300 KiB/s")
    world.time = START
    assert world.view_after(Click(69)).cursor == 990
    left = first_bar_column(world)
    world.time = START
    assert world.view_after(Click(left)).cursor == 1000 - (79 - left)


def test_click_outside_the_bars_changes_nothing(world: World) -> None:
    world.fill(300)
    assert world.view_after(Click(0), Click(5), Click(80), Click(999)) == View()


def test_click_on_a_braille_cell_takes_the_newer_of_its_two_buckets(world: World) -> None:
    world.fill(300)
    world.view = View(glyphs=BRAILLE)
    assert world.view_after(Click(79)).cursor == 1000
    world.time = START
    assert world.view_after(Click(78)).cursor == 998


def test_click_on_either_graph_side_by_side_takes_the_same_bucket(world: World) -> None:
    world.fill(300)
    world.terminal.window = Size(82, 24)
    world.view = View(arrangement=Arrangement.SIDE_BY_SIDE)
    # Each graph is 40 cells wide, with two cells between them.
    for x, cursor in ((39, 1000), (81, 1000), (30, 991), (72, 991)):
        assert world.view_after(Click(x)).cursor == cursor
        world.time = START
    assert world.view_after(Click(40), Click(41), Click(42)).cursor is None


def test_click_on_the_help_page_changes_nothing(world: World) -> None:
    world.fill(300)
    assert world.view_after("?", Click(70)) == View(help=True)


def test_click_works_when_scrolled_back(world: World) -> None:
    world.fill(300)
    view = world.view_after("pgup", Click(79))
    assert view.end == view.cursor == 940
