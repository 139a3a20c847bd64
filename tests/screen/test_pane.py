"""How marks are drawn in and below a graph."""

import re

import pytest
from fleets import news, staged, steady, tell, watched
from scenes import (
    CONNECTED,
    KIB,
    NEWEST,
    drawn,
    framed,
    graphs,
    instance_after,
    relay,
    restarted,
    seconds,
    unheard,
)

from bwgraph.model.events import Described
from bwgraph.model.fleet import Fleet
from bwgraph.screen.frame import Style
from bwgraph.screen.marks import Marks, Notes
from bwgraph.screen.pane import write_in, write_partial
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE, Glyphs
from bwgraph.screen.view import SUM, Arrangement, View
from bwgraph.tor.description import parse_context

# Restarts and notes.


def test_marks_and_notes_do_not_overwrite_bars() -> None:
    for begin in range(50, 80):
        one = restarted(begin, begin + 4, uptime=2.0)
        bare = restarted(begin, begin + 4, uptime=2.0)
        bare.totals.restarts = ()
        for with_mark, without in zip(drawn(80, 24, one), drawn(80, 24, bare), strict=True):
            for marked, plain in zip(with_mark.ljust(80), without.ljust(80), strict=True):
                assert marked == plain or plain in " ·┈"


# The horizontal axis.


def test_axis_is_blank_below_unknown_buckets() -> None:
    screen = drawn(80, 24, unheard(50, 70, 5 * KIB, 700))
    for line in (line for line in screen if "└" in line):
        axis = line.partition("└")[2]
        # Of 69 columns, second 50 is the 20th, and second 69 the 39th.
        assert [at for at, cell in enumerate(axis) if cell == " "] == [
            at for at in range(19, 39) if axis[at] != "┬"
        ]


@pytest.mark.parametrize("glyphs", [BLOCK, BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
def test_gap_has_its_length_in_every_glyph_set(glyphs: Glyphs) -> None:
    view = View(glyphs, arrangement=Arrangement.STACKED)
    foot = drawn(80, 24, unheard(50, 70, 0, 0), view=view)[9]
    # The gap of 20 seconds is followed by 30 known ones.
    begin, end = 80 - 50 // glyphs.buckets_per_cell, 80 - 30 // glyphs.buckets_per_cell
    assert foot[begin:end] == glyphs.gap * (20 // glyphs.buckets_per_cell)
    assert glyphs.gap not in foot[begin - 10 : begin] + foot[end:]


# The limit.


def limited(rate: int) -> Described:
    """Return the event of a tor with this rate limit."""
    return Described(NEWEST, parse_context({"BandwidthRate": str(rate)}))


def test_limit_within_the_scale_is_a_named_line() -> None:
    screen = drawn(80, 24, relay(limited(100 * KIB)))
    down, up = graphs(screen)
    assert [y for y, row in enumerate(down) if "╍" in row] == [4]
    assert [y for y, row in enumerate(up) if "╍" in row] == [0]
    # The label needs an end of the line that is free of bars, as in this shorter history.
    named = drawn(80, 24, instance_after(CONNECTED, *seconds(80, 100), limited(100 * KIB)))
    assert graphs(named)[0][4].startswith("╍ limit 100 KiB/s ╍")


def test_limit_above_the_scale_is_not_drawn() -> None:
    screen = drawn(120, 35, relay(limited(50_000 * KIB)))
    assert not any("╍" in line or "limit" in line for line in screen)


def test_limit_has_its_own_style() -> None:
    frame = framed(80, 24, relay(limited(100 * KIB)))
    lines = [
        [span for span in line if span.style is Style.LIMIT]
        for line in frame.lines
        if any("╍" in span.text for span in line)
    ]
    assert len(lines) == 2
    assert all({*span.text} <= {*"╍"} for line in lines for span in line)


# The cursor.


def test_cursor_does_not_overwrite_bars() -> None:
    bare = graphs(drawn(80, 24))
    for cursor in range(1035, 1101):
        for rows, plain in zip(graphs(drawn(80, 24, view=View(cursor=cursor))), bare, strict=True):
            for row, before in zip(rows, plain, strict=True):
                for cell, was in zip(row.ljust(69), before.ljust(69), strict=True):
                    assert cell == was or (cell == "┊" and was in " ·┈")


# Notes that meet other marks.


def test_second_of_two_overlapping_notes_moves() -> None:
    instance = restarted(50, 70, uptime=6.0)
    instance.totals.restarts += (instance.totals.restarts[0] + 4.0,)
    down = graphs(drawn(80, 24, instance))[0]
    assert sum(row.count("restart") for row in down) == 2
    assert len([row for row in down if row.count("╎") == 2]) >= 6


def test_notes_of_mirrored_graphs_are_equally_far_from_the_axis() -> None:
    instance = unheard(50, 70, 5 * KIB, 700)
    screen = drawn(80, 24, instance, view=View(arrangement=Arrangement.MIRRORED))
    axis = next(y for y, line in enumerate(screen) if "├" in line)
    down = next(y for y, line in enumerate(screen) if " KiB unseen" in line and y > 1)
    up = next(y for y, line in enumerate(screen) if "700 B unseen" in line)
    assert axis - down == up - axis == 9
    # The marks of the gap itself are not overwritten.
    assert screen[axis - 1].count("·") == screen[axis + 1].count("·") == 20


# Partly covered buckets of a sum.


def lacking(*missing: range) -> Fleet:
    """Return two tors. The second has no samples of these seconds."""
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name))
    for i, sample in enumerate(steady(0, 100, 700, 700)):
        tell(fleet, 0, sample)
        if not any(i in some for some in missing):
            tell(fleet, 1, sample)
    return fleet


@pytest.mark.parametrize("glyphs", [BLOCK, ASCII, BRAILLE], ids=["block", "ascii", "braille"])
def test_axis_is_crossed_below_partly_covered_buckets_of_a_sum(glyphs: Glyphs) -> None:
    mark = "x" if glyphs is ASCII else "×"
    lines = staged(80, 24, lacking(range(50, 60), range(80, 81)), View(glyphs, subject=SUM))
    axes = [line[11:] for line in lines if line.startswith("        0 ")]
    assert len(axes) == 2
    # The last of 69 cells is second 99. In braille a cell has two seconds.
    expected = {68 - (99 - i) // glyphs.buckets_per_cell for i in (*range(50, 60), 80)}
    for axis in axes:
        assert {i for i, char in enumerate(axis) if char == mark} == expected


def test_cross_is_not_hidden_by_a_tick() -> None:
    for shift in range(16):
        lines = staged(80, 24, lacking(range(50 + shift, 51 + shift)), View(subject=SUM))
        assert sum("×" in line for line in lines) == 2


@pytest.mark.parametrize("arrangement", Arrangement)
@pytest.mark.parametrize("glyphs", [BLOCK, ASCII, BRAILLE], ids=["block", "ascii", "braille"])
def test_bars_are_crossed_if_there_is_no_axis(glyphs: Glyphs, arrangement: Arrangement) -> None:
    mark = "x" if glyphs is ASCII else "×"
    view = View(glyphs, arrangement=arrangement, subject=SUM)
    lines = staged(40, 4, lacking(range(94, 96)), view)
    # Two seconds in each graph, which in braille are one cell.
    assert "".join(lines).count(mark) == 2 * (2 // glyphs.buckets_per_cell)
    assert mark not in "".join(staged(40, 4, lacking(), view))
    # A graph with an axis has its crosses there.
    above = staged(80, 24, lacking(range(94, 96)), view)
    crossed = [line for line in above if mark in line.removeprefix("bwgraph")]
    assert all(re.match(" +0 ", line) for line in crossed)


@pytest.mark.parametrize("hanging", [False, True])
def test_cross_on_bars_is_farthest_from_the_ground(*, hanging: bool) -> None:
    marks = Marks({}, (), range(0), (), (1, 2), 2, {}, {}, (0, 0))
    rows = ("█  ", "██ ", "██ ")[:: -1 if hanging else 1]
    crossed = write_partial(rows, marks, BLOCK, hanging=hanging)
    assert crossed[:: -1 if hanging else 1] == ("█××", "██ ", "██ ")
    # Neither the cursor nor a note hides a cross.
    notes: Notes = {0: ("restart", "now", "-")}
    written = write_in(crossed, notes, marks, {}, BLOCK, hanging=hanging)
    assert written[:: -1 if hanging else 1] == ("█××", "██┊", "██┊")


def test_fully_covered_buckets_have_no_cross() -> None:
    for fleet, subject in ((lacking(), SUM), (lacking(range(50, 60)), 1)):
        assert not any("×" in line for line in staged(80, 24, fleet, View(subject=subject)))
