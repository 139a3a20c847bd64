"""Bars as the lines that are drawn, in each set of glyphs, and what holds of every one."""

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
"""Of ten columns: zero, a trace, two of which nothing is known, a mean that is the peak too, two
with a peak above, one at the ceiling, one that is cut, and one that is no more than a peak."""


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[Bar], int, Glyphs]:
    """Any bars, the height that they are drawn in, and the glyphs."""
    glyphs, height = draw(GLYPHS), draw(HEIGHTS)
    top = glyphs.steps * height
    known = st.tuples(st.integers(0, top), st.integers(0, top + 1)).map(
        lambda bar: (min(bar), max(bar))
    )
    return draw(st.lists(st.just(UNKNOWN_BAR) | known, max_size=60)), height, glyphs


def test_bars_grow_by_eighths() -> None:
    assert drawn(range(17), ceiling=16, height=2) == [
        "         ▁▂▃▄▅▆▇█",
        " ▁▂▃▄▅▆▇█████████",
    ]


def test_hanging_bars_grow_by_eighths_whose_glyph_and_ground_are_exchanged() -> None:
    # "▇" exchanged is the upper eighth of its cell.
    assert BLOCK.inverted
    assert drawn(range(17), ceiling=16, height=2, hanging=True) == [
        " ▇▆▅▄▃▂▁█████████",
        "         ▇▆▅▄▃▂▁█",
    ]


def test_a_traffic_curve_in_four_rows() -> None:
    assert drawn((0, 3, 20, 50, 80, 100, 80, 50, 20, 3, 0), ceiling=100, height=4) == [
        "    ▂█▂    ",
        "    ███    ",
        "   █████   ",
        " ▁▆█████▆▁ ",
    ]


def test_the_same_curve_in_ascii() -> None:
    curve = (0, 3, 20, 50, 80, 100, 80, 50, 20, 3, 0)
    assert drawn(curve, ceiling=100, height=4, glyphs=ASCII) == [
        "    .#.    ",
        "    ###    ",
        "   #####   ",
        " .o#####o. ",
    ]


def test_the_same_curve_in_braille_takes_half_as_many_cells() -> None:
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
def test_each_kind_of_column_in_each_set_of_glyphs(
    glyphs: Glyphs, hanging: bool, rows: list[str]
) -> None:
    assert drawn(MEANS, 1000, 3, glyphs, peaks=PEAKS, hanging=hanging) == rows


def test_a_trace_under_a_huge_scale_is_still_an_eighth() -> None:
    assert drawn((1, 0, 1e-300, 5e-324), ceiling=10**18, height=2) == [
        "    ",
        "▁ ▁▁",
    ]


def test_what_is_not_known_is_a_mark_at_the_foot_and_no_zero() -> None:
    values = (100, None, None, 0, 0, 100)
    assert drawn(values, ceiling=100, height=3) == ["█    █", "█    █", "█··  █"]
    assert drawn(values, ceiling=100, height=2, glyphs=ASCII) == ["#    #", "#--  #"]
    # Where one of the two in a cell is known, it is shown.
    assert drawn(values, ceiling=100, height=2, glyphs=BRAILLE) == ["⡇ ⢸", "⡇ ⢸"]
    assert drawn((None, None, 0), ceiling=100, height=2, glyphs=BRAILLE) == ["  ", "· "]
    assert drawn((None, None, 0), ceiling=100, height=2, glyphs=BRAILLE, hanging=True) == [
        "· ",
        "  ",
    ]


def test_braille_has_two_columns_a_cell_in_four_steps() -> None:
    assert drawn((1, 2, 3, 4), ceiling=4, height=1, glyphs=BRAILLE) == ["⣠⣾"]
    assert drawn((1, 2, 3, 4), ceiling=4, height=1, glyphs=BRAILLE, hanging=True) == ["⠙⢿"]


def test_an_odd_column_of_braille_has_nothing_beside_it() -> None:
    assert drawn((4, 4, 4), ceiling=4, height=1, glyphs=BRAILLE) == ["⣿⡇"]


def test_a_peak_in_braille_is_a_dot_above_its_mean() -> None:
    assert drawn((1, 0), 8, 2, BRAILLE, peaks=(6, 3)) == ["⠄", "⡐"]


def test_a_mean_that_is_cut_reaches_the_tip() -> None:
    for glyphs in ALL:
        for hanging, tip in enumerate(glyphs.clipped):
            rows = drawn([9000] * glyphs.buckets_per_cell, 10, 3, glyphs, hanging=bool(hanging))
            full = glyphs.levels[-1]
            assert rows == ([full, full, tip] if hanging else [tip, full, full])


def test_no_values_are_rows_of_nothing() -> None:
    for glyphs in ALL:
        assert plot.draw_bars((), 3, glyphs) == ("", "", "")


def test_no_height_is_no_rows() -> None:
    assert plot.draw_bars([(0, 0), (0, 1), UNKNOWN_BAR], 0, BLOCK) == ()


# The sets.


@pytest.mark.parametrize("glyphs", ALL, ids=lambda glyphs: glyphs.name)
def test_each_glyph_is_one_character_and_none_of_a_column_is_another(glyphs: Glyphs) -> None:
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
            "middle",
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
    # What is written between bars is taken for no bar.
    bars = {*glyphs.levels, *glyphs.hanging, *glyphs.whisker, *glyphs.clipped}
    lines = {glyphs.gap, glyphs.grid, glyphs.limit, glyphs.cursor, glyphs.restart}
    assert len(lines) == 5
    assert not bars & lines
    assert not {*glyphs.levels} & {*glyphs.whisker, *glyphs.clipped}


def test_the_sets_go_by_their_names_and_a_text_has_one_of_its_own() -> None:
    assert list(GLYPH_SETS) == ["block", "braille", "ascii"]
    assert all(glyphs.name == name for name, glyphs in GLYPH_SETS.items())
    assert HALF_BLOCK.name not in GLYPH_SETS
    assert not HALF_BLOCK.inverted


def test_ascii_glyphs_are_ascii() -> None:
    texts = [value for value in ASCII if isinstance(value, str)]
    assert len(texts) == 21
    assert "".join(texts).isascii()
    assert not ASCII.inverted  # nor does it depend on colours


# Whatever comes.


@PROPERTY
@given(drawings(), st.booleans())
def test_any_graph_has_its_rows_each_as_long_as_there_are_cells(
    drawing: tuple[list[Bar], int, Glyphs], hanging: bool
) -> None:
    bars, height, glyphs = drawing
    rows = plot.draw_bars(bars, height, glyphs, hanging=hanging)
    assert [len(row) for row in rows] == [-(-len(bars) // glyphs.buckets_per_cell)] * height
    known = {*glyphs.levels, *glyphs.hanging, *glyphs.whisker, *glyphs.clipped, glyphs.gap}
    dots = {chr(0x2800 + i) for i in range(1, 256)} if glyphs.buckets_per_cell > 1 else set()
    assert {*"".join(rows)} <= known | dots


@PROPERTY
@given(drawings(), st.booleans())
def test_any_column_says_whether_it_is_unknown_nothing_or_something(
    drawing: tuple[list[Bar], int, Glyphs], hanging: bool
) -> None:
    bars, height, glyphs = drawing
    rows = plot.draw_bars(bars, height, glyphs, hanging=hanging)
    levels = glyphs.hanging if hanging else glyphs.levels
    for cell in range(len(rows[0])):
        # From the ground on.
        column = "".join(row[cell] for row in (rows if hanging else rows[::-1]))
        here = bars[cell * glyphs.buckets_per_cell : (cell + 1) * glyphs.buckets_per_cell]
        peak = max(high for _, high in here)
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
def test_a_hanging_graph_is_the_standing_one_upside_down(
    drawing: tuple[list[Bar], int, Glyphs],
) -> None:
    bars, height, glyphs = drawing
    if glyphs.buckets_per_cell > 1:
        return
    over = str.maketrans(
        dict(zip(glyphs.levels, glyphs.hanging, strict=True))
        | {glyphs.clipped[0]: glyphs.clipped[1], glyphs.whisker[0]: glyphs.whisker[1]}
    )
    standing = plot.draw_bars(bars, height, glyphs)[::-1]
    hanging = plot.draw_bars(bars, height, glyphs, hanging=True)
    if glyphs is BLOCK:  # what has a glyph of its own for each level
        under = str.maketrans({glyphs.whisker[1]: glyphs.whisker[2]})
        half = [row.translate(under) for row in hanging]
        assert [row.translate(over).translate(under) for row in standing] == half
    assert [[cell == " " for cell in row] for row in standing] == [
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
    """A graph as its lines."""
    bars = Scale(ceiling).bars(
        list(values), list(values if peaks is None else peaks), glyphs.steps * height
    )
    return list(plot.draw_bars(bars, height, glyphs, hanging=hanging))
