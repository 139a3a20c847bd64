"""Bars and scales: graphs as the lines that are drawn, and what holds of every one."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph import graph, units
from bwgraph.graph import ASCII, BLOCK, HOLD, MEMORY, Glyphs

LARGEST = float(units.STEPS[-1])
"The highest scale that there is: 500 EiB/s, far beyond what any tor can count."

GLYPHS = st.sampled_from([BLOCK, ASCII])
HEIGHTS = st.integers(1, 60)
FINITE = st.floats(min_value=0, allow_nan=False, allow_infinity=False) | st.integers(0, 1 << 63)
VALUES = st.lists(st.none() | st.just(0) | FINITE, max_size=120)
RATES = st.lists(st.none() | st.just(0.0) | st.floats(min_value=0, max_value=LARGEST), max_size=200)


def test_bars_grow_by_eighths() -> None:
    assert drawn(range(17), ceiling=16, height=2) == [
        "         ▁▂▃▄▅▆▇█",
        " ▁▂▃▄▅▆▇█████████",
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
        " .|#####|. ",
    ]


def test_what_is_not_known_is_a_mark_at_the_foot_and_no_zero() -> None:
    values = (100, None, None, 0, 0, 100)
    assert drawn(values, ceiling=100, height=3) == [
        "█    █",
        "█    █",
        "█··  █",
    ]
    assert drawn(values, ceiling=100, height=2, glyphs=ASCII) == [
        "#    #",
        "#--  #",
    ]


def test_a_trace_under_a_huge_scale_is_still_an_eighth() -> None:
    assert drawn((1, 0, 1e-300, 5e-324), ceiling=LARGEST, height=2) == [
        "    ",
        "▁ ▁▁",
    ]


def test_no_values_are_rows_of_nothing() -> None:
    assert graph.plot((), 1024, 3, BLOCK) == ("", "", "")


def test_no_height_is_no_rows() -> None:
    assert graph.plot((1, 2, None), 1024, 0, BLOCK) == ()


@pytest.mark.parametrize("glyphs", [BLOCK, ASCII], ids=["block", "ascii"])
def test_each_glyph_is_one_character_and_a_gap_is_none_of_the_levels(glyphs: Glyphs) -> None:
    assert len(glyphs.levels) == 9
    assert glyphs.levels[0] == " "
    assert glyphs.gap not in glyphs.levels
    names = ("gap", "side", "tick", "corner", "ground", "ground_tick", "download", "upload")
    assert [len(getattr(glyphs, name)) for name in names] == [1] * len(names)
    assert glyphs.download != glyphs.upload


def test_ascii_glyphs_are_ascii() -> None:
    assert "".join(getattr(ASCII, name) for name in ASCII.__slots__).isascii()


@PROPERTY
@given(VALUES, HEIGHTS, st.floats(min_value=1, max_value=2), GLYPHS)
def test_any_graph_has_its_rows_each_as_long_as_there_are_values(
    values: Sequence[float | None], height: int, slack: float, glyphs: Glyphs
) -> None:
    rows = graph.plot(values, ceiling_over(values, slack), height, glyphs)
    assert [len(row) for row in rows] == [len(values)] * height
    assert {*"".join(rows)} <= {*glyphs.levels, glyphs.gap}


@PROPERTY
@given(VALUES, HEIGHTS, st.floats(min_value=1, max_value=1e6), GLYPHS)
def test_any_column_says_whether_it_is_unknown_nothing_or_something(
    values: Sequence[float | None], height: int, slack: float, glyphs: Glyphs
) -> None:
    rows = graph.plot(values, ceiling_over(values, slack), height, glyphs)
    for i, value in enumerate(values):
        column = "".join(row[i] for row in rows)
        if value is None:
            assert column == " " * (height - 1) + glyphs.gap
        elif value == 0:
            assert column == " " * height
        else:
            assert column[-1] in glyphs.levels[1:]
            bar = column.lstrip(" ")
            assert bar[1:] == glyphs.levels[8] * (len(bar) - 1)


@PROPERTY
@given(FINITE, FINITE, HEIGHTS, st.floats(min_value=1, max_value=2))
def test_the_larger_value_never_has_the_lower_bar(
    one: float, other: float, height: int, slack: float
) -> None:
    less, more = sorted((one, other))
    top = ceiling_over((more,), slack)
    assert graph.level(less, top, height) <= graph.level(more, top, height)


@PROPERTY
@given(FINITE.filter(bool), HEIGHTS)
def test_a_value_at_the_ceiling_fills_its_column(value: float, height: int) -> None:
    assert graph.level(value, value, height) == 8 * height


@PROPERTY
@given(FINITE, st.floats(min_value=1e-300), HEIGHTS)
def test_a_value_above_the_ceiling_does_not_leave_the_graph(
    value: float, top: float, height: int
) -> None:
    assert 0 <= graph.level(value, top, height) <= 8 * height


@PROPERTY
@given(RATES, st.integers(0, 150))
def test_a_scale_is_a_round_number_that_no_visible_value_exceeds(
    values: list[float | None], visible: int
) -> None:
    scale = graph.ceiling(values, visible)
    assert scale in units.STEPS
    assert scale >= peak(values[-visible:] if visible else [])


@PROPERTY
@given(RATES, st.floats(min_value=0, max_value=LARGEST), st.integers(1, 150))
def test_a_scale_rises_at_once_to_what_a_new_value_needs(
    values: list[float | None], new: float, visible: int
) -> None:
    before = graph.ceiling(values, visible)
    after = graph.ceiling([*values, new], visible)
    assert after >= new
    if after > before:
        assert after == units.round_up(new)


@PROPERTY
@given(st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=90), st.integers(1, 30))
def test_a_scale_falls_a_step_at_a_time_and_holds_each(
    values: list[float | None], visible: int
) -> None:
    # Within its memory, that is: MEMORY columns beyond the visible ones it has forgotten.
    values = values[: visible + MEMORY]
    scales = [graph.ceiling(values[:end], visible) for end in range(1, len(values) + 1)]
    positions = [units.STEPS.index(scale) for scale in scales]
    falls = [i for i, (old, new) in enumerate(pairwise(positions)) if new < old]
    assert all(positions[i] - positions[i + 1] == 1 for i in falls)
    assert all(later - earlier >= HOLD for earlier, later in pairwise(falls))


def test_the_fall_after_a_lone_spike_step_by_step() -> None:
    visible = 20
    quiet: list[float | None] = [3000.0] * (visible + MEMORY)
    ages = (0, visible - 1, visible, *range(visible + HOLD - 1, visible + MEMORY, HOLD))
    scales = [graph.ceiling([900_000.0, *quiet[:age]], visible) for age in ages]
    kib = [scale // 1024 for scale in scales]
    # Visible, then each step held for HOLD columns. 5 KiB/s is what the quiet needs.
    assert kib == [1024, 1024, 1024, 1024, 500, 200, 100, 50, 20, 10, 5, 5, 5, 5, 5]
    assert graph.ceiling(quiet, visible) == 5 * 1024


@settings(PROPERTY, max_examples=40)
@given(st.lists(st.none() | st.floats(0, 1e12), min_size=90, max_size=120), st.integers(1, 30))
def test_what_lies_beyond_the_memory_does_not_count(
    values: list[float | None], visible: int
) -> None:
    # So that the screen may hand over that many columns and no more.
    assert graph.ceiling(values, visible) == graph.ceiling(values[-visible - MEMORY :], visible)


@PROPERTY
@given(st.lists(st.none() | st.floats(0, 1e9), max_size=60), st.integers(1, 40))
def test_columns_of_nothing_known_before_the_first_do_not_count(
    values: list[float | None], visible: int
) -> None:
    assert graph.ceiling([None] * 7 + values, visible) == graph.ceiling(values, visible)


@pytest.mark.parametrize("values", [[], [None, None], [0.0, 0.0]])
def test_the_scale_of_nothing_is_the_lowest(values: list[float | None]) -> None:
    assert graph.ceiling(values, 10) == units.STEPS[0]


def drawn(
    values: Sequence[float | None], ceiling: float, height: int, glyphs: Glyphs = BLOCK
) -> list[str]:
    """A graph as its lines."""
    return list(graph.plot(values, ceiling, height, glyphs))


def peak(values: Sequence[float | None]) -> float:
    """The highest of the values that are known; 0 if none is."""
    return max((value for value in values if value is not None), default=0.0)


def ceiling_over(values: Sequence[float | None], slack: float) -> float:
    """A ceiling that holds the values, with so much room above."""
    top = max(peak(values), 1.0)
    return top * slack if top < 1e300 else top
