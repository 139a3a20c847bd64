"""Bars are drawn as the expected rows in each glyph set, and any bars keep the rules of a graph."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.screen import plot
from bwgraph.screen.plot import (
    ASCII,
    BLOCK,
    BRAILLE,
    GLYPH_SETS,
    HALF_BLOCK,
    UNKNOWN_BAR,
    Bar,
    Glyphs,
)
from bwgraph.screen.scale import Scale

ALL = (*GLYPH_SETS.values(), HALF_BLOCK)
GLYPHS = st.sampled_from(ALL)
HEIGHTS = st.integers(1, 60)

MEANS = (0, 1, None, None, 500, 300, 100, 1000, 1000, 0)
PEAKS = (0, 1, None, None, 500, 800, 900, 1000, 5000, 700)
"""Ten buckets: zero, a trace, two without data, one whose mean is its peak, two with a higher peak,
one at the ceiling, one whose peak exceeds it, and one whose mean is zero and peak is not."""


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[Bar], int, Glyphs]:
    """Return any bars, the height of their graph in cells, and a glyph set."""
    glyphs, height = draw(GLYPHS), draw(HEIGHTS)
    top = glyphs.steps * height
    with_data = st.tuples(st.integers(0, top), st.integers(0, top + 1)).map(
        lambda bar: (min(bar), max(bar))
    )
    return draw(st.lists(st.just(UNKNOWN_BAR) | with_data, max_size=60)), height, glyphs


def test_bars_grow_by_eighths() -> None:
    assert drawn(range(17), ceiling=16, height=2) == [
        "         ▁▂▃▄▅▆▇█",
        " ▁▂▃▄▅▆▇█████████",
    ]


def test_hanging_bars_grow_by_eighths_in_reverse_video() -> None:
    # "▇" in reverse video is the upper eighth of its cell.
    assert BLOCK.inverted
    assert drawn(range(17), ceiling=16, height=2, hanging=True) == [
        " ▇▆▅▄▃▂▁█████████",
        "         ▇▆▅▄▃▂▁█",
    ]


def test_curve_in_blocks() -> None:
    assert drawn((0, 3, 20, 50, 80, 100, 80, 50, 20, 3, 0), ceiling=100, height=4) == [
        "    ▂█▂    ",
        "    ███    ",
        "   █████   ",
        " ▁▆█████▆▁ ",
    ]


def test_curve_in_ascii() -> None:
    curve = (0, 3, 20, 50, 80, 100, 80, 50, 20, 3, 0)
    assert drawn(curve, ceiling=100, height=4, glyphs=ASCII) == [
        "    .#.    ",
        "    ###    ",
        "   #####   ",
        " .o#####o. ",
    ]


def test_curve_in_braille_has_half_as_many_cells() -> None:
    curve = (0, 3, 20, 50, 80, 100, 80, 50, 20, 3, 0)
    assert drawn(curve, ceiling=100, height=4, glyphs=BRAILLE) == [
        "  ⣸⡀  ",
        "  ⣿⡇  ",
        " ⢸⣿⣿  ",
        "⢀⣾⣿⣿⣆ ",
    ]


@pytest.mark.parametrize(
    ("glyphs", "hanging", "rows"),
    [
        (BLOCK, False, ["     ╷│█↑╷", "    ▄││██│", " ▁··█▇▂██│"]),
        (BLOCK, True, [" ▇··█▁▆██│", "    ▄││██│", "     ╵│█↓╵"]),
        (BRAILLE, False, ["  ⠠⢺↑", "  ⡄⢸⡏", "⢀·⣿⣸⡇"]),
        (BRAILLE, True, ["⠈·⣿⢹⡇", "  ⠃⢸⣇", "  ⠐⢼↓"]),
        (ASCII, False, ["     iI#^i", "    :II##I", " .--##.##I"]),
        (ASCII, True, [" '--##'##I", "    :II##I", "     iI#vi"]),
        (HALF_BLOCK, False, ["     ╷│█↑╷", "    ▄││██│", " ▁··█▇▂██│"]),
        (HALF_BLOCK, True, [" ▔··██▔██│", "    ▀││██│", "     ╵│█↓╵"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_kind_of_bar_in_each_glyph_set(glyphs: Glyphs, hanging: bool, rows: list[str]) -> None:
    assert drawn(MEANS, 1000, 3, glyphs, peaks=PEAKS, hanging=hanging) == rows


def test_any_traffic_is_at_least_one_step_high() -> None:
    assert drawn((1, 0, 1e-300, 5e-324), ceiling=10**18, height=2) == [
        "    ",
        "▁ ▁▁",
    ]


def test_bucket_without_data_has_a_gap_glyph_and_differs_from_zero() -> None:
    values = (100, None, None, 0, 0, 100)
    assert drawn(values, ceiling=100, height=3) == ["█    █", "█    █", "█··  █"]
    assert drawn(values, ceiling=100, height=2, glyphs=ASCII) == ["#    #", "#--  #"]
    # A braille cell shows a bar if one of its two buckets has data.
    assert drawn(values, ceiling=100, height=2, glyphs=BRAILLE) == ["⡇ ⢸", "⡇ ⢸"]
    assert drawn((None, None, 0), ceiling=100, height=2, glyphs=BRAILLE) == ["  ", "· "]
    assert drawn((None, None, 0), ceiling=100, height=2, glyphs=BRAILLE, hanging=True) == [
        "· ",
        "  ",
    ]


def test_braille_cell_has_two_bars_of_four_steps() -> None:
    assert drawn((1, 2, 3, 4), ceiling=4, height=1, glyphs=BRAILLE) == ["⣠⣾"]
    assert drawn((1, 2, 3, 4), ceiling=4, height=1, glyphs=BRAILLE, hanging=True) == ["⠙⢿"]


def test_last_braille_cell_of_an_odd_number_of_bars_is_half_empty() -> None:
    assert drawn((4, 4, 4), ceiling=4, height=1, glyphs=BRAILLE) == ["⣿⡇"]


def test_braille_shows_a_peak_as_a_dot_above_the_mean() -> None:
    assert drawn((1, 0), 8, 2, BRAILLE, peaks=(6, 3)) == ["⠄", "⡐"]


def test_bar_whose_mean_exceeds_the_scale_is_full_below_the_tip() -> None:
    for glyphs in ALL:
        for hanging, tip in enumerate(glyphs.clipped):
            rows = drawn([9000] * glyphs.buckets_per_cell, 10, 3, glyphs, hanging=bool(hanging))
            full = glyphs.levels[-1]
            assert rows == ([full, full, tip] if hanging else [tip, full, full])


def test_no_bars_are_empty_rows() -> None:
    for glyphs in ALL:
        assert plot.draw_bars((), 3, glyphs) == ("", "", "")


def test_graph_without_height_has_no_rows() -> None:
    assert plot.draw_bars([(0, 0), (0, 1), UNKNOWN_BAR], 0, BLOCK) == ()


# Glyph sets.


@pytest.mark.parametrize("glyphs", ALL, ids=lambda glyphs: glyphs.name)
def test_each_glyph_is_one_character_and_lines_differ_from_bars(glyphs: Glyphs) -> None:
    assert len(glyphs.levels) == len(glyphs.hanging) == glyphs.steps + 1
    assert glyphs.levels[0] == glyphs.hanging[0] == " "
    assert glyphs.levels[-1] == glyphs.hanging[-1]
    names = (
        *(
            "gap",
            "grid",
            "limit",
            "cursor",
            "restart",
            "vertical_axis",
            "vertical_tick",
            "corner",
            "junction",
        ),
        *(
            "horizontal_axis",
            "horizontal_tick",
            "horizontal_cursor",
            "unverified",
            "download",
            "upload",
        ),
    )
    assert [len(getattr(glyphs, name)) for name in names] == [1] * len(names)
    assert (len(glyphs.whisker), len(glyphs.clipped)) == (3, 2)
    assert glyphs.download != glyphs.upload
    # No line can be mistaken for a part of a bar.
    bars = {*glyphs.levels, *glyphs.hanging, *glyphs.whisker, *glyphs.clipped}
    lines = {glyphs.gap, glyphs.grid, glyphs.limit, glyphs.cursor, glyphs.restart}
    assert len(lines) == 5
    assert not bars & lines
    assert not {*glyphs.levels} & {*glyphs.whisker, *glyphs.clipped}


def test_glyph_sets_are_listed_by_name_without_the_one_for_plain_text() -> None:
    assert list(GLYPH_SETS) == ["block", "braille", "ascii"]
    assert all(glyphs.name == name for name, glyphs in GLYPH_SETS.items())
    assert HALF_BLOCK.name not in GLYPH_SETS
    assert not HALF_BLOCK.inverted


def test_ascii_glyphs_are_ascii() -> None:
    texts = [value for value in ASCII if isinstance(value, str)]
    assert len(texts) == 21
    assert "".join(texts).isascii()
    assert not ASCII.inverted  # terminals without reverse video use it


# Any bars.


@PROPERTY
@given(drawings(), st.booleans())
def test_any_graph_has_height_rows_of_equal_length_and_only_glyphs_of_its_set(
    drawing: tuple[list[Bar], int, Glyphs], hanging: bool
) -> None:
    bars, height, glyphs = drawing
    rows = plot.draw_bars(bars, height, glyphs, hanging=hanging)
    assert [len(row) for row in rows] == [-(-len(bars) // glyphs.buckets_per_cell)] * height
    own = {*glyphs.levels, *glyphs.hanging, *glyphs.whisker, *glyphs.clipped, glyphs.gap}
    dots = {chr(0x2800 + i) for i in range(1, 256)} if glyphs.buckets_per_cell > 1 else set()
    assert {*"".join(rows)} <= own | dots


@PROPERTY
@given(drawings(), st.booleans())
def test_any_bar_shows_whether_it_has_no_data_zero_or_traffic(
    drawing: tuple[list[Bar], int, Glyphs], hanging: bool
) -> None:
    bars, height, glyphs = drawing
    rows = plot.draw_bars(bars, height, glyphs, hanging=hanging)
    levels = glyphs.hanging if hanging else glyphs.levels
    for cell in range(len(rows[0])):
        # From the foot to the tip.
        column = "".join(row[cell] for row in (rows if hanging else rows[::-1]))
        here = bars[cell * glyphs.buckets_per_cell : (cell + 1) * glyphs.buckets_per_cell]
        peak = max(bar_peak for _, bar_peak in here)
        if peak == -1 and len(here) == glyphs.buckets_per_cell:
            assert column == glyphs.gap + " " * (height - 1)
        elif peak <= 0:
            assert not column.strip()
        else:
            assert column.strip()
            assert (column[-1] == glyphs.clipped[hanging]) is (peak > glyphs.steps * height)
        if glyphs.buckets_per_cell == 1 and 0 < here[0][0] <= here[0][1] <= glyphs.steps * height:
            full, part = divmod(here[0][0], glyphs.steps)
            assert column[:full] == levels[-1] * full
            assert not part or column[full] == levels[part]


@PROPERTY
@given(drawings())
def test_hanging_graph_is_the_upright_graph_upside_down(
    drawing: tuple[list[Bar], int, Glyphs],
) -> None:
    bars, height, glyphs = drawing
    if glyphs.buckets_per_cell > 1:
        return
    to_hanging = str.maketrans(
        dict(zip(glyphs.levels, glyphs.hanging, strict=True))
        | {glyphs.clipped[0]: glyphs.clipped[1], glyphs.whisker[0]: glyphs.whisker[1]}
    )
    upright = plot.draw_bars(bars, height, glyphs)[::-1]
    hanging = plot.draw_bars(bars, height, glyphs, hanging=True)
    if glyphs is BLOCK:  # the only set with a different glyph for each level
        # A peak within the last half cell may be drawn as a half or a whole whisker.
        to_whole = str.maketrans({glyphs.whisker[1]: glyphs.whisker[2]})
        expected = [row.translate(to_hanging).translate(to_whole) for row in upright]
        assert expected == [row.translate(to_whole) for row in hanging]
    assert [[cell == " " for cell in row] for row in upright] == [
        [cell == " " for cell in row] for row in hanging
    ]


def drawn(
    values: Sequence[float | None],
    ceiling: int,
    height: int,
    glyphs: Glyphs = BLOCK,
    *,
    peaks: Sequence[float | None] | None = None,
    hanging: bool = False,
) -> list[str]:
    """Return the rows of a graph of these rates."""
    bars = Scale(ceiling).bars(
        list(values), list(values if peaks is None else peaks), glyphs.steps * height
    )
    return list(plot.draw_bars(bars, height, glyphs, hanging=hanging))
