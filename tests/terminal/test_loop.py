"""The main loop, with a terminal that draws nothing and a clock that the test moves by hand."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from ear import PATIENCE, eventually
from loop_world import CONNECTED, NOON, START, FakeSource, FakeTerminal, World

from bwgraph.model import fleet_feed
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, CounterBase, Event, Lost, Problem, Refused, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.model.instance import Instance
from bwgraph.output import svg_file
from bwgraph.screen.frame import Size, Style
from bwgraph.screen.keymap import ACTIONS, BINDINGS
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE
from bwgraph.screen.units import BITS
from bwgraph.screen.view import ALL_TORS, Arrangement, Click, View
from bwgraph.system import clock
from bwgraph.system import wakeup as wakeup_room
from bwgraph.system.wakeup import KEY_POLL_S, Wakeup
from bwgraph.terminal import loop
from bwgraph.terminal.loop import NOTICE_SHOWN_S, LoopEnd


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    terminal = FakeTerminal()
    with Wakeup() as wakeup:
        world = World(terminal, wakeup)
        monkeypatch.setattr(loop, "now", world.now)
        monkeypatch.setattr(clock, "now", world.now)
        monkeypatch.setattr(
            clock,
            "time",
            SimpleNamespace(time=lambda: NOON + world.time - START, localtime=time.localtime),
        )
        monkeypatch.setattr(wakeup_room, "select", world)
        yield world
    os.close(wakeup._channel.writer)
    terminal.close()


# When it draws


def test_where_a_console_cannot_be_waited_for_it_is_looked_at_and_drawn_no_more_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup_room, "sys", SimpleNamespace(platform="win32"))
    world.instance.handle(CONNECTED)
    for second in range(1, 6):
        world.at(second - 0.01, world.sample)
    world.at(5.50, lambda: world.terminal.press("?"))
    world.at(5.53, lambda: world.terminal.press("q"))
    assert world.run(9.0) == LoopEnd()
    assert world.drawn[1:6] == [0.99, 1.99, 2.99, 3.99, 4.99]
    assert world.time - START < 5.53 + 2 * KEY_POLL_S


def test_a_sample_a_second_is_a_drawing_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    moments = [round(number * 1.0022 - 0.01, 3) for number in range(1, 61)]
    for moment in moments:
        world.at(moment, world.sample)
    assert world.run(60.5) == LoopEnd()
    assert world.drawn[1:] == moments


def test_a_burst_of_samples_is_one_drawing(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    for number in range(20):
        world.at(1.1 + number / 100, world.sample)
    world.run(3.0)
    assert world.drawn[1:] == [1.0, 1.95]


def test_samples_that_come_too_fast_are_drawn_no_faster(world: World) -> None:
    world.instance.handle(CONNECTED)
    for number in range(1, 200):
        world.at(number / 20, world.sample)
    world.run(10.0)
    pauses = [b - a for a, b in itertools.pairwise(world.drawn[1:])]
    assert len(pauses) >= 8
    assert all(0.949 < pause < 1.01 for pause in pauses)


def test_a_sample_a_little_early_is_drawn_a_little_late(world: World) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 1.93, 3.0):
        world.at(when, world.sample)
    world.run(3.5)
    assert world.drawn[1:] == [1.0, 1.95, 3.0]


def test_while_all_is_well_nothing_is_drawn_between_samples(world: World) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 2.9):
        world.at(when, world.sample)
    world.run(4.0)
    assert world.drawn[1:] == [1.0, 2.9]


def test_late_data_is_drawn_when_it_becomes_late_and_then_once_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.run(7.5)
    assert world.drawn[1:] == [1.0, 1.0 + LATE_AFTER_S, 4.0, 5.0, 6.0, 7.0]


def test_the_age_of_late_data_is_on_the_screen_and_grows(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.run(6.5)
    for age, frame in zip((3, 4, 5), world.terminal.frames[-3:], strict=True):
        assert f"no data from tor for {age} s" in "\n".join(frame.text())


def test_while_there_is_no_tor_it_draws_once_a_second(world: World) -> None:
    # To count down to the next try.
    world.at(2.5, lambda: world.tell(Lost(START, "it closed the connection", START + 60)))
    world.run(5.0)
    assert world.drawn == [0, 1, 2, 2.5, 3.5, 4.5]


def test_a_state_of_tor_is_drawn_at_once(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.at(1.1, lambda: world.tell(Lost(START, "it closed the connection", START + 60)))
    world.at(1.2, lambda: world.tell(CONNECTED))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.1, 1.2]


@pytest.mark.parametrize("key", ["r", "^L", "x", Click(0, 0), "m"])
def test_a_key_is_answered_at_once(world: World, key: str | Click) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 1.05, 1.1):
        world.at(when, lambda: world.terminal.press(key))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.05, 1.1]


def test_a_resize_is_answered_at_once(world: World) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 1.05, 1.1):
        world.at(when, lambda: signal.raise_signal(signal.SIGWINCH))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.05, 1.1]
    assert world.terminal.done == ["resize"] * 3


@pytest.mark.parametrize("resized", [False, True])
def test_a_key_or_a_resize_does_not_put_samples_off(world: World, *, resized: bool) -> None:
    def disturb() -> None:
        if resized:
            signal.raise_signal(signal.SIGWINCH)
        else:
            world.terminal.press("x")

    world.instance.handle(CONNECTED)
    for when in (1.0, 2.0, 3.0):
        world.at(when, world.sample)
    world.at(1.5, disturb)
    world.run(3.5)
    assert world.drawn[1:] == [1.0, 1.5, 2.0, 3.0]


@pytest.mark.parametrize("when", [1.02, 1.5, 1.999])
@pytest.mark.parametrize("news", [CounterBase(7, 3), Problem(START, "something broke")])
def test_other_news_do_not_put_samples_off(
    world: World, news: CounterBase | Problem, when: float
) -> None:
    # Tor's counters are asked once a minute, and answer at any moment between two samples.
    world.instance.handle(CONNECTED)
    moments = [1.0, 2.0, 3.0, 4.0]
    for moment in moments:
        world.at(moment, world.sample)
    world.at(when, lambda: world.tell(news))
    world.run(4.5)
    assert set(moments) <= set(world.drawn)
    assert len(world.drawn[1:]) <= len(moments) + 1


def test_a_burst_does_not_put_off_the_samples_after_it(world: World) -> None:
    world.instance.handle(CONNECTED)
    for _ in range(8):
        world.at(1.0, world.sample)
    moments = [1.1, 2.1, 3.1, 4.1]
    for moment in moments:
        world.at(moment, world.sample)
    world.run(4.5)
    assert set(moments[1:]) <= set(world.drawn)


def test_troubles_that_come_too_fast_are_drawn_no_faster(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    for number in range(100):
        world.at(1.01 + number / 20, lambda: world.tell(Problem(world.time, "something broke")))
    world.run(6.5)
    pauses = [b - a for a, b in itertools.pairwise(world.drawn[1:])]
    assert all(pause > 0.949 for pause in pauses)


def test_the_first_sample_is_not_put_off_by_the_wait_for_it(world: World) -> None:
    # It comes a second and a little after the news of the connection.
    world.at(0.5, lambda: world.tell(CONNECTED))
    for number in (1, 2, 3):
        world.at(0.5 + number * 1.0022, world.sample)
    world.run(4.0)
    for number in (1, 2, 3):
        assert round(0.5 + number * 1.0022, 3) in world.drawn


def test_trouble_is_drawn_within_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.at(1.1, lambda: world.tell(Problem(world.time, "something broke")))
    world.run(2.5)
    assert world.drawn[1:] == [1.0, 1.95]
    assert "something broke" in "\n".join(world.terminal.frames[-1].text())


# Several tors


def several(world: World, count: int, *, connected: bool = True) -> list[Instance]:
    """Watch so many, as a table."""
    tors = [Instance(f"tor {number}") for number in range(count)]
    world.watch(*tors)
    world.view = View(subject=ALL_TORS)
    if connected:
        for number, tor in enumerate(tors):
            world.fleet.handle(tor, Connected(START, f"tor {number}", process=str(number)))
    return tors


@pytest.mark.parametrize("count", [2, 3, 5, 64])
def test_samples_of_several_tors_are_one_drawing_a_second(world: World, count: int) -> None:
    tors = several(world, count)
    for second in range(12):
        for number, tor in enumerate(tors):
            when = 1 + second * 1.0022 + number / count
            world.at(when, partial(world.sample, instance=tor))
    world.run(12.5)
    drawn = world.drawn[1:]
    assert drawn[0] == 1.0
    pauses = [b - a for a, b in itertools.pairwise(drawn)]
    assert all(0.999 <= pause <= 1.1 for pause in pauses), pauses
    assert len(drawn) == 12


def test_of_many_samples_the_first_alone_wakes_it_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tors = several(world, 64)
    pokes: list[float] = []
    poke = world.wakeup.poke

    def counted() -> None:
        pokes.append(world.time)
        poke()

    monkeypatch.setattr(world.wakeup, "poke", counted)
    for second in range(10):
        for number, tor in enumerate(tors):
            world.at(1 + second + number / 64, partial(world.sample, instance=tor))
    world.run(10.999)
    assert pokes == [START + 1], "and after that they are drawn in their turn"
    assert world.drawn == [0, *range(1, 11)]


def test_samples_wait_for_the_drawing_and_go_before_whatever_else_is_told(world: World) -> None:
    history = world.instance.history

    def told_while_it_waits() -> None:
        world.sample()
        assert history.newest_at is None
        world.tell(Lost(world.time, "gone", START + 60))
        assert history.newest_at == world.time

    world.at(0.5, told_while_it_waits)
    world.run(0.6)


def test_what_was_put_aside_when_it_ends_is_told_yet(world: World) -> None:
    def tell() -> None:
        assert world.source.tell is not None
        world.source.tell(Sample(world.time, 5, 0, 1.0))

    world.at(1.0, tell)
    world.at(1.4, tell)
    world.source.on_close = tell  # one more as it is closed
    world.at(1.4, lambda: world.terminal.press("q"))
    assert run(world) == LoopEnd()
    window = world.instance.history.window(world.time, 4)
    assert sum(window.buckets.read) == 15


@pytest.mark.parametrize(
    ("most", "told"), [(fleet_feed.MAX_WAITING_SAMPLES, [0, 0, 1]), (1, [0, 1, 1])]
)
def test_they_do_not_wait_for_a_loop_that_is_held_up(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, told: list[int]
) -> None:
    # By a terminal that takes nothing, while a store and an exporter go on to read.
    monkeypatch.setattr(fleet_feed, "MAX_WAITING_SAMPLES", most)
    found: list[int] = []

    def hold_up() -> None:
        if world.time == START + 1.0:
            for _ in told:
                world.time += 0.7
                world.sample()
                newest = world.instance.history.newest_at
                found.append(int(newest is not None and newest > START + 1.0))

    world.terminal.on_paint = hold_up
    world.at(1.0, world.sample)
    world.run(1.1)
    assert found == told


@pytest.mark.parametrize("count", [1, 3])
def test_other_news_leave_the_first_sample_its_own_wakeup(world: World, count: int) -> None:
    # Tor's answers of itself come a third of a second after the connection.
    tors = several(world, count)
    world.at(0.3, lambda: world.tell(CounterBase(7, 3)))
    world.at(0.5, partial(world.sample, instance=tors[-1]))
    world.run(0.9)
    assert world.drawn == [0, 0.5]


def test_a_state_of_one_of_several_is_drawn_at_once(world: World) -> None:
    tors = several(world, 3)
    for number, tor in enumerate(tors):
        world.at(1.0 + number / 10, partial(world.sample, instance=tor))
    world.at(1.5, lambda: world.tell(Lost(world.time, "gone", START + 60), tors[1]))
    world.at(1.6, lambda: world.tell(Connected(world.time, "tor 1"), tors[1]))
    world.run(1.7)
    assert world.drawn == [0, 1.0, 1.5, 1.6]
    assert "1 down" in world.text(2)
    assert "tor 1: no tor since" in world.text(2)
    assert "1 down" not in world.text(3)


def test_one_that_goes_on_after_a_silence_is_drawn_at_once(world: World) -> None:
    # Though it is a sample that tells of it, and another's has come since the last drawing.
    tors = several(world, 2)
    world.at(1.0, partial(world.sample, instance=tors[0]))
    world.at(1.1, lambda: world.tell(Lost(START, "it is silent", START + 60), tors[1]))
    world.at(1.2, partial(world.sample, instance=tors[0]))
    world.at(1.3, partial(world.sample, instance=tors[1]))
    world.run(1.5)
    assert world.drawn == [0, 1.0, 1.1, 1.3]


def test_while_one_of_several_is_late_it_is_drawn_once_a_second(world: World) -> None:
    tors = several(world, 2)
    world.at(1.0, partial(world.sample, instance=tors[1]))
    for second in range(1, 7):
        world.at(second + 0.1, partial(world.sample, instance=tors[0]))
    world.run(6.9)
    assert len(world.drawn) == 7
    assert "tor 1: late: no data from tor for 5 s" in world.text()


def test_each_source_tells_of_its_own_tor_and_all_are_closed(world: World) -> None:
    tors = several(world, 3, connected=False)

    def begin() -> None:
        for number, tor in enumerate(tors):
            tell = world.sources[tor].tell
            assert tell is not None
            tell(Connected(START, f"tor {number}", process=str(number)))
            tell(Sample(world.time, (number + 1) << 20, 0, 1.0))

    world.at(0.5, begin)
    world.at(2.0, lambda: world.terminal.press("r"))
    world.at(2.5, lambda: world.terminal.press("q"))
    assert run(world) == LoopEnd()
    for number, tor in enumerate(tors):
        line = next(line for line in world.text().splitlines() if f" tor {number} " in line)
        assert f"{number + 1}.0M" in line
        assert (world.sources[tor].retries, world.sources[tor].closed) == (1, 1)
    assert "sum of 3 tors" in world.text()
    assert "6.0M" in world.text().split("sum of 3 tors")[1]


def test_one_that_refuses_does_not_end_it_and_the_last_one_does(world: World) -> None:
    tors = several(world, 2, connected=False)
    world.at(1.0, lambda: world.tell(Refused(ExplainedError("a: no", "cure a")), tors[0]))
    world.at(2.0, lambda: world.tell(Refused(ExplainedError("b: no", "cure b")), tors[1]))
    ending = world.run(9.0)
    assert world.time == START + 2.0
    assert ending.error is not None
    assert "a: no" in ending.error.cause
    assert "b: no" in ending.error.cause
    assert ending.error.remedy == "cure a\ncure b"


def test_once_one_was_there_the_others_may_refuse(world: World) -> None:
    tors = several(world, 2, connected=False)
    world.at(1.0, lambda: world.tell(Connected(START, "tor 0"), tors[0]))
    world.at(2.0, lambda: world.tell(Refused(ExplainedError("b: no")), tors[1]))
    world.at(3.0, lambda: world.tell(Lost(START, "gone", START + 9), tors[0]))
    assert world.run(5.0) == LoopEnd()
    assert world.time >= START + 5.0


@pytest.mark.parametrize("asked", [True, False])
def test_a_password_for_one_of_several_ends_it_where_there_is_somebody_to_ask(
    world: World, *, asked: bool
) -> None:
    tors = several(world, 3)
    world.watch(*tors, asks=lambda place: asked and place == "here")
    wanted = ExplainedError("it asks for a password", needs_password_at="here")
    world.at(1.0, lambda: world.tell(Connected(START, "tor 0"), tors[0]))
    world.at(1.5, lambda: world.tell(Refused(wanted), tors[1]))
    assert world.run(3.0) == (LoopEnd(error=wanted) if asked else LoopEnd())


def test_trouble_in_a_thread_is_told_though_the_first_tor_has_left_as_a_twin(
    world: World,
) -> None:
    tors = several(world, 3, connected=False)
    world.fleet = Fleet(tors, found=True)

    def fail() -> None:
        raise ValueError("a bug")

    def begin() -> None:
        for tor in (tors[1], tors[0]):
            tell = world.sources[tor].tell
            assert tell is not None
            tell(Connected(START, tor.name, uptime=7.0, process="4711"))
        thread = threading.Thread(target=fail, name="Tor listener")
        thread.start()
        thread.join(PATIENCE)

    world.at(0.5, begin)
    world.at(2.5, lambda: world.terminal.press("q"))
    assert run(world) == LoopEnd()
    assert world.fleet.instances == (tors[1], tors[2])
    assert "Tor listener ended: ValueError: a bug" in world.text()


def test_who_looks_at_a_tor_looks_at_it_still_when_a_twin_before_it_leaves(world: World) -> None:
    tors = several(world, 3, connected=False)
    world.fleet = Fleet(tors, found=True)

    def connect(tor: Instance) -> None:
        world.tell(Connected(START, tor.name, uptime=7.0, process="4711"), tor)

    world.press(0.1, "3")
    world.at(0.2, lambda: connect(tors[1]))
    world.at(0.3, lambda: connect(tors[0]))
    world.run(0.4)
    assert world.fleet.instances == (tors[1], tors[2])
    # It is drawn at once, and is not the sum of those that are left.
    assert world.drawn == [0, 0.1, 0.2, 0.3]
    assert ["bwgraph  tor 2" in world.text(frame) for frame in (1, 2, 3)] == [True] * 3


def test_keys_go_through_the_views_of_several(world: World) -> None:
    several(world, 3)
    keys = ["tab", "tab", "shift-tab", "3", "0", "esc", "down", "enter", "esc", "down", "o", "up"]
    for number, key in enumerate(keys):
        world.press(0.01 * (number + 1), key)
    world.run(0.5)
    named = [world.text(frame).splitlines()[0].split("  ")[1] for frame in range(len(keys) + 1)]
    everyone = "all 3 tors, by name"
    total = "sum of 3 tors"
    assert named[:6] == [everyone, total, "tor 0", total, "tor 2", total]
    assert named[6:10] == [everyone, everyone, "tor 1", everyone]
    assert named[10:] == [everyone, "all 3 tors, by traffic", "all 3 tors, by traffic"]


# What it does


def test_keys_do_what_they_are_for(world: World) -> None:
    world.at(1.0, lambda: world.terminal.press("r", "^L", "r"))
    world.run(2.0)
    assert world.source.retries == 2
    assert world.terminal.done == ["redraw"]


def test_a_stop_and_a_continuation_go_to_the_terminal(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, lambda: signal.raise_signal(signal.SIGTSTP))
    world.at(2.0, lambda: signal.raise_signal(signal.SIGCONT))
    world.run(2.5)
    assert world.terminal.done == ["suspend", "resume"]
    assert world.drawn[1:] == [1.0, 2.0]


# What keys make of the view


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
        # The leftmost column is the oldest.
        (["home"], "end", 769),
    ],
    ids=str,
)
def test_keys_change_the_view(world: World, keys: list[str], name: str, value: object) -> None:
    world.fill(300)
    assert getattr(world.after(*keys), name) == value


def test_keys_that_pin_the_scale_begin_at_what_is_shown(world: World) -> None:
    world.fill(300)  # up to 300 KiB/s, below a ceiling of 500
    assert world.after("[", "[").ceiling == 100 * 1024
    assert "pinned" in world.text()


def test_a_key_begins_where_the_one_before_it_ended_though_nothing_was_drawn(world: World) -> None:
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
def test_an_unknown_key_changes_nothing(world: World, key: str) -> None:
    world.fill(300)
    assert world.after(key) == View()
    assert world.terminal.frames[-1] == world.terminal.frames[0]
    assert (world.source.retries, world.terminal.done, world.kept) == (0, [], [])


def test_every_key_is_harmless_before_anything_is_known(world: World) -> None:
    for size in (Size(1, 1), Size(8, 3), Size(80, 24)):
        world.terminal.window = size
        keys = [key for key in ACTIONS if key != "q"]
        world.press(0.1, *keys, Click(0, 0), *keys)
        assert world.run(0.2) == LoopEnd()
        world.time = START


def test_help_is_a_page_of_its_own_and_goes_away_again(world: World) -> None:
    world.fill(10)
    world.press(0.1, "?")
    world.press(0.2, "?")
    world.run(0.5)
    assert "download" not in world.text(1)
    assert [each.help for each in BINDINGS if each.help not in world.text(1)] == []
    assert world.terminal.frames[2] == world.terminal.frames[0]


def test_while_it_is_paused_samples_are_collected_and_the_picture_stands(world: World) -> None:
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


def gutter(world: World) -> int:
    """Where the bars begin."""
    return next(line for line in world.terminal.frames[0].text() if " 0 └" in line).index("└") + 1


@pytest.mark.parametrize("y", [0, 5, 23])
def test_a_click_reads_the_column_that_was_clicked(world: World, y: int) -> None:
    world.fill(300)
    assert world.after(Click(79, y)).cursor == 1000
    assert world.text().splitlines()[-1].startswith("12:00:00   ▼ 300 KiB, mean 300 KiB/s")
    world.time = START
    assert world.after(Click(69, y)).cursor == 990
    left = gutter(world)
    world.time = START
    assert world.after(Click(left, y)).cursor == 1000 - (79 - left)


def test_a_click_beside_the_bars_changes_nothing(world: World) -> None:
    world.fill(300)
    assert world.after(Click(0, 5), Click(5, 5), Click(80, 5), Click(999, 5)) == View()


def test_a_click_reads_the_newer_of_the_two_columns_in_a_braille_cell(world: World) -> None:
    world.fill(300)
    world.view = View(glyphs=BRAILLE)
    assert world.after(Click(79, 5)).cursor == 1000
    world.time = START
    assert world.after(Click(78, 5)).cursor == 998


def test_a_click_in_either_of_two_graphs_side_by_side_reads_the_same_column(world: World) -> None:
    world.fill(300)
    world.terminal.window = Size(82, 24)
    world.view = View(arrangement=Arrangement.SIDE_BY_SIDE)
    # Each has 40 cells, and there are two between them.
    for x, cursor in ((39, 1000), (81, 1000), (30, 991), (72, 991)):
        assert world.after(Click(x, 5)).cursor == cursor
        world.time = START
    assert world.after(Click(40, 5), Click(41, 5), Click(42, 5)).cursor is None


def test_a_click_on_the_help_page_changes_nothing(world: World) -> None:
    world.fill(300)
    assert world.after("?", Click(70, 5)) == View(help=True)


def test_a_click_reads_what_was_there_however_far_back_it_is(world: World) -> None:
    world.fill(300)
    view = world.after("pgup", Click(79, 5))
    assert view.end == view.cursor == 940


# Pictures and notices


def test_s_keeps_what_is_on_the_screen_and_says_where(world: World) -> None:
    world.fill(300)
    world.press(0.1, "m", "g", "s")
    world.press(0.2, "u", "s")
    world.run(0.5)
    first, second = world.kept
    assert first.size == Size(80, 24)
    # What it says of the picture is not in the picture, nor is it in the next.
    assert "saved" not in "\n".join([*first.text(), *second.text()])
    assert first.text()[:20] == world.terminal.frames[1].text()[:20]
    assert "bit/s" in "\n".join(second.text())
    assert world.terminal.frames[1].text()[-1] == "saved picture-1.svg"
    assert world.terminal.frames[2].text()[-1] == "saved picture-2.svg"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "x.svg"), "no picture: Permission denied"),
        (OSError(28, "No space left on device"), "no picture: No space left on device"),
        (FileExistsError("x.svg and more are there"), "no picture: x.svg and more are there"),
    ],
    ids=str,
)
def test_a_picture_that_cannot_be_kept_is_told_and_nothing_ends(
    world: World, error: OSError, said: str
) -> None:
    world.fill(300)
    world.keep_error = error
    world.press(0.1, "s")
    assert world.run(0.5) == LoopEnd()
    assert world.terminal.frames[-1].text()[-1] == said


def test_a_notice_goes_away_by_itself(world: World) -> None:
    world.fill(300)
    world.press(0.5, "s")
    for number in range(1, 13):
        world.at(number, world.sample)
    world.run(12.5)
    noticed = [
        when
        for when, frame in zip(world.drawn, world.terminal.frames, strict=True)
        if "saved" in "\n".join(frame.text())
    ]
    assert noticed == [0.5, 1, 2, 3, 4, 5, 6, 7, 8]
    assert 0.5 + NOTICE_SHOWN_S < 9
    # The keys are back in its place.
    assert world.terminal.frames[-1].text()[-1].startswith("q quit")


def test_a_notice_goes_away_while_nothing_comes_from_tor(world: World) -> None:
    world.press(0.5, "s")
    world.run(12.5)
    assert "saved" in world.text(1)
    assert "saved" not in world.text()


def test_a_hostile_name_of_a_picture_is_harmless(world: World) -> None:
    world.fill(300)
    world.keep_error = OSError(5, "\x1b[2J")
    world.press(0.1, "s")
    world.run(0.5)
    assert "no picture: ?[2J" in world.text()


def test_a_picture_of_the_help_page_is_one(world: World) -> None:
    world.fill(300)
    world.press(0.1, "?", "s")
    world.run(0.5)
    [frame] = world.kept
    assert frame.text() == world.terminal.frames[-1].text()


def test_a_real_picture_is_kept_where_it_was_started(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(world, "keep", svg_file.save_new)
    world.fill(300)
    world.press(0.1, "s")
    world.run(0.5)
    [path] = tmp_path.iterdir()
    assert path.read_text("utf-8").startswith("<svg ")
    last = world.terminal.frames[-1].lines[-1]
    assert [(span.text, span.style) for span in last] == [(f"saved {path.name}", Style.BOLD)]


# How it ends


def test_q_ends_it_without_another_drawing(world: World) -> None:
    world.instance.handle(CONNECTED)
    assert world.run(0.5) == LoopEnd()
    assert world.drawn == [0]


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (signal.SIGINT, LoopEnd()),
        (signal.SIGTERM, LoopEnd(signal=signal.SIGTERM)),
        (signal.SIGHUP, LoopEnd(signal=signal.SIGHUP)),
    ],
)
def test_signals_end_it(world: World, number: int, ending: LoopEnd) -> None:
    world.at(1.5, lambda: signal.raise_signal(number))
    assert world.run(9.0) == ending
    assert world.time == START + 1.5


def test_a_terminal_that_goes_away_ends_it(world: World) -> None:
    world.at(1.5, world.terminal.hang_up)
    assert world.run(9.0) == LoopEnd(hung_up=True)
    assert world.time == START + 1.5


def test_a_terminal_that_is_readable_and_there_does_not_end_it(world: World) -> None:
    world.at(1.5, world.terminal.press_nothing)
    assert world.run(2.5) == LoopEnd()
    assert world.time >= START + 2.5


def test_a_refusal_ends_it(world: World) -> None:
    refusal = ExplainedError("found no tor", "start one")
    world.at(1.5, lambda: world.tell(Refused(refusal)))
    assert world.run(9.0) == LoopEnd(error=refusal)
    assert world.time == START + 1.5


def test_the_first_reason_is_the_reason(world: World) -> None:
    def all_at_once() -> None:
        world.terminal.press("q")
        signal.raise_signal(signal.SIGTERM)
        world.tell(Refused(ExplainedError("too late")))

    world.at(1.5, all_at_once)
    assert world.run(9.0) == LoopEnd()


# The whole run


def run(world: World) -> LoopEnd:
    return loop.run(
        world.fleet,
        world.sources,
        world.view,
        world.terminal,
        world.wakeup,
        save_picture=world.keep,
    )


def test_the_first_picture_comes_before_the_source_begins(world: World) -> None:
    drawn_before: list[int] = []

    def begin() -> None:
        drawn_before.append(len(world.drawn))
        world.terminal.press("q")

    world.source.on_start = begin
    run(world)
    assert drawn_before == [1]


def test_what_the_source_tells_reaches_the_screen(world: World) -> None:
    def begin() -> None:
        assert world.source.tell is not None
        world.source.tell(CONNECTED)
        world.source.tell(Sample(world.time, 123 * 1024, 0, 1.0))

    world.source.on_start = begin
    world.at(1.5, lambda: world.terminal.press("q"))
    run(world)
    assert "123 KiB/s" in "\n".join(world.terminal.frames[-1].text())


def test_the_source_is_closed_when_it_ends(world: World) -> None:
    world.at(1.5, lambda: world.terminal.press("q"))
    assert run(world) == LoopEnd()
    assert world.source.closed == 1


def test_the_source_is_closed_when_drawing_fails(world: World) -> None:
    hook = threading.excepthook

    def fail() -> None:
        if len(world.terminal.frames) > 1:
            raise ZeroDivisionError

    world.terminal.on_paint = fail
    world.at(9.0, lambda: world.terminal.press("q"))
    with pytest.raises(ZeroDivisionError):
        run(world)
    assert world.source.closed == 1
    assert threading.excepthook is hook


def test_signals_that_curses_took_are_taken_back(world: World) -> None:
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)  # as initscr does
    world.at(0.5, lambda: signal.raise_signal(signal.SIGWINCH))
    world.at(1.5, lambda: world.terminal.press("q"))
    run(world)
    assert world.terminal.done == ["resize"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a bug"), "Event notifier ended: ValueError: a bug"),
        (SystemExit(3), "Event notifier ended: SystemExit: 3"),
    ],
)
def test_an_exception_in_a_thread_is_trouble(world: World, error: BaseException, said: str) -> None:
    hook = threading.excepthook

    def fail() -> None:
        raise error

    def begin() -> None:
        thread = threading.Thread(target=fail, name="Event notifier")
        thread.start()
        thread.join(PATIENCE)

    world.source.on_start = begin
    world.at(2.5, lambda: world.terminal.press("q"))
    assert run(world) == LoopEnd()
    assert world.instance.problem is not None
    assert world.instance.problem.text == said
    assert said in "\n".join(world.terminal.frames[-1].text())
    # Nothing went to standard error meanwhile, into the middle of the picture; and now it may.
    assert threading.excepthook is hook


def test_a_word_that_comes_after_the_end_hurts_nobody(world: World) -> None:
    world.at(1.5, lambda: world.terminal.press("q"))
    run(world)
    assert world.source.tell is not None
    world.source.tell(CONNECTED)


def test_it_wakes_up_for_news_from_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real clock and the real select, once."""
    terminal, source = FakeTerminal(), FakeSource()
    instance = Instance("a tor")

    def later() -> None:
        # The loop would look by itself in a second; this is there before.
        eventually(lambda: len(terminal.frames) == 1, "the first picture is there")
        assert source.tell is not None
        source.tell(CONNECTED)
        eventually(lambda: len(terminal.frames) == 2, "the news are drawn")
        terminal.press("q")

    thread = threading.Thread(target=later)
    source.on_start = thread.start
    waits: list[float] = []
    real = clock.now

    def counted() -> float:
        waits.append(real())
        return waits[-1]

    monkeypatch.setattr(loop, "now", counted)
    with Wakeup() as wakeup:
        fleet, sources = Fleet([instance]), {instance: source}
        assert (
            loop.run(fleet, sources, View(), terminal, wakeup, save_picture=svg_file.save_new)
            == LoopEnd()
        )
    thread.join()
    assert len(terminal.frames) == 2
    assert len(waits) < 30, "it waited, and did not spin"
    os.close(wakeup._channel.writer)
    terminal.close()


def test_samples_that_come_without_a_pause_do_not_keep_the_loop_from_drawing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another comes for each that the fleet is told of, as from a tor that means harm."""
    told: list[int] = []
    tell = Fleet.handle

    def and_another(fleet: Fleet, instance: Instance, event: Event) -> None:
        tell(fleet, instance, event)
        if isinstance(event, Sample):
            told.append(event.read)
            assert len(told) < 100, "there is no end to it"
            world.loop._feed._waiting.append((instance, event))

    monkeypatch.setattr(Fleet, "handle", and_another)
    world.at(0.1, lambda: world.tell(CONNECTED))
    world.at(1.1, world.sample)
    world.run(until=5.0)
    assert told
    assert len(world.drawn) >= 3
