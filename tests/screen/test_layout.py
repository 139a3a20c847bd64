"""Where things go on any screen, and in which order they are lost."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Sample
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen import layout
from bwgraph.screen.frame import Size
from bwgraph.screen.graph_screen import compose
from bwgraph.screen.layout import (
    BETWEEN_CELLS,
    GUTTER_CELLS,
    MIN_CELLS_WITH_AXIS,
    Layout,
    Part,
    arrange,
)
from bwgraph.screen.units import BITS, BYTES, Units
from bwgraph.screen.view import Arrangement, View

STACKED, BESIDE, MIRRORED = Arrangement

LOSSES = [Part.KEYS, Part.HEADER, Part.LABELS, Part.TOTALS, Part.QUOTA, Part.AXES]
"The order of loss."

WISHES = st.sampled_from([None, *Arrangement])
SIZES = st.builds(Size, st.integers(1, 300), st.integers(1, 100)) | st.builds(
    Size, st.integers(1, 90), st.integers(1, 30)
)
URGENT = st.integers(0, 3)


def rows(plan: Layout, urgent: int) -> int:
    """How many lines a screen of that layout has."""
    beside, mirrored = (plan.arrangement is each for each in (BESIDE, MIRRORED))
    axes = (Part.AXES in plan.parts) * (1 if beside or mirrored else 2)
    labels = Part.LABELS in plan.parts and not mirrored  # those are in the axis
    others = len(plan.parts & {Part.KEYS, Part.HEADER, Part.TOTALS, Part.QUOTA})
    titles = 1 if beside else 2
    heights = plan.heights[0] if beside else sum(plan.heights)
    return titles + heights + plan.blank_rows + axes + labels + others + urgent


@PROPERTY
@given(
    SIZES,
    WISHES,
    URGENT,
    st.booleans(),
    st.sampled_from([GUTTER_CELLS, GUTTER_CELLS + 1, GUTTER_CELLS + 2]),
)
def test_the_rows_of_any_layout_are_those_of_the_screen(
    size: Size, wish: Arrangement | None, urgent: int, quota: bool, gutter: int
) -> None:
    plan = arrange(size, wish, gutter, urgent=urgent, quota=quota)
    needed = 1 if plan.arrangement is BESIDE else 2
    # What is urgent goes before the bars, and the rates go before what is urgent.
    urgent = min(urgent, max(size.rows - 2, 0))
    if size.rows > needed:
        assert rows(plan, urgent) == size.rows
    assert min(plan.heights) >= 0
    assert 0 <= plan.heights[0] - plan.heights[1] <= 1
    assert plan.blank_rows in {0, 1}


@PROPERTY
@given(
    SIZES,
    WISHES,
    URGENT,
    st.booleans(),
    st.sampled_from([GUTTER_CELLS, GUTTER_CELLS + 1, GUTTER_CELLS + 2]),
)
def test_the_columns_of_any_layout_are_within_the_screen(
    size: Size, wish: Arrangement | None, urgent: int, quota: bool, gutter: int
) -> None:
    plan = arrange(size, wish, gutter, urgent=urgent, quota=quota)
    across = (
        2 * plan.graph_cells + BETWEEN_CELLS if plan.arrangement is BESIDE else plan.graph_cells
    )
    assert across <= size.columns
    assert plan.width >= 1
    assert plan.gutter == (gutter if Part.AXES in plan.parts else 0)
    if Part.AXES in plan.parts:
        assert plan.graph_cells >= MIN_CELLS_WITH_AXIS
        assert plan.width > plan.gutter


@PROPERTY
@given(SIZES, WISHES, URGENT, st.booleans())
def test_nothing_is_kept_that_goes_before_something_lost(
    size: Size, wish: Arrangement | None, urgent: int, quota: bool
) -> None:
    plan = arrange(size, wish, GUTTER_CELLS, urgent=urgent, quota=quota)
    there = [name for name in LOSSES if name != Part.QUOTA or quota]
    if urgent and size.rows > 2:
        there.remove(Part.KEYS)
    if plan.graph_cells < MIN_CELLS_WITH_AXIS:
        there = [name for name in there if name not in {Part.AXES, Part.TOTALS}]
        if plan.arrangement is MIRRORED:
            there.remove(Part.LABELS)  # there is no axis to write them into
    assert plan.parts <= {*there}
    lost = len(there) - len(plan.parts)
    assert plan.parts == {*there[lost:]}


@PROPERTY
@given(st.integers(1, 300), st.integers(1, 99), st.sampled_from([*Arrangement]), st.booleans())
def test_a_row_more_costs_nothing(columns: int, tall: int, wish: Arrangement, quota: bool) -> None:
    low = arrange(Size(columns, tall), wish, GUTTER_CELLS, urgent=0, quota=quota)
    high = arrange(Size(columns, tall + 1), wish, GUTTER_CELLS, urgent=0, quota=quota)
    assert low.parts <= high.parts
    assert low.arrangement is high.arrangement


def test_the_order_of_loss_as_a_screen_of_80_columns_shrinks() -> None:
    seen: list[Part] = []
    for tall in range(40, 0, -1):
        plan = arrange(Size(80, tall), STACKED, GUTTER_CELLS, urgent=0, quota=True)
        seen += [name for name in LOSSES if name not in plan.parts and name not in seen]
    assert seen == LOSSES


@pytest.mark.parametrize(
    ("wish", "size", "shown", "heights", "kept"),
    [
        (None, (120, 35), STACKED, (13, 13), 5),
        (None, (80, 24), STACKED, (8, 8), 5),
        (None, (40, 12), STACKED, (3, 3), 3),
        (None, (100, 12), BESIDE, (6, 6), 5),
        (None, (74, 12), BESIDE, (6, 6), 5),
        (None, (73, 12), STACKED, (3, 3), 3),
        (STACKED, (100, 12), STACKED, (3, 3), 3),
        (BESIDE, (120, 35), BESIDE, (29, 29), 5),
        (MIRRORED, (120, 35), MIRRORED, (15, 14), 5),
        (None, (8, 3), STACKED, (1, 0), 0),
        (None, (80, 2), BESIDE, (1, 1), 0),
        (None, (80, 1), BESIDE, (0, 0), 0),
        (BESIDE, (21, 12), STACKED, (4, 4), 2),
        (BESIDE, (22, 12), BESIDE, (8, 8), 3),
    ],
)
def test_layouts(
    wish: Arrangement | None,
    size: tuple[int, int],
    shown: Arrangement,
    heights: tuple[int, int],
    kept: int,
) -> None:
    plan = arrange(Size(*size), wish, GUTTER_CELLS, urgent=0, quota=False)
    assert (plan.arrangement, plan.heights, len(plan.parts)) == (shown, heights, kept)


def test_what_is_urgent_takes_the_place_of_the_keys() -> None:
    calm = arrange(Size(80, 24), STACKED, GUTTER_CELLS, urgent=0, quota=False)
    urgent = arrange(Size(80, 24), STACKED, GUTTER_CELLS, urgent=1, quota=False)
    assert urgent.parts == calm.parts - {Part.KEYS}
    assert urgent.heights == calm.heights


@PROPERTY
@given(st.builds(Size, st.integers(1, 300), st.integers(3, 40)), URGENT, st.booleans())
def test_what_is_urgent_does_not_turn_the_graphs_round(
    size: Size, urgent: int, quota: bool
) -> None:
    calm = arrange(size, None, GUTTER_CELLS, urgent=0, quota=quota)
    said = arrange(size, None, GUTTER_CELLS, urgent=urgent, quota=quota)
    assert said.arrangement is calm.arrangement


def test_where_stacked_graphs_have_no_room_for_times_they_are_mirrored() -> None:
    low = arrange(Size(40, 12), None, GUTTER_CELLS, urgent=0, quota=True)
    assert (low.arrangement, low.heights) == (MIRRORED, (3, 3))
    assert low.parts >= {Part.AXES, Part.LABELS, Part.TOTALS, Part.QUOTA}
    wished = arrange(Size(40, 12), STACKED, GUTTER_CELLS, urgent=0, quota=True)
    assert Part.LABELS not in wished.parts


def test_a_quota_takes_a_row_where_there_is_one() -> None:
    without = arrange(Size(80, 25), STACKED, GUTTER_CELLS, urgent=0, quota=False)
    quota = arrange(Size(80, 25), STACKED, GUTTER_CELLS, urgent=0, quota=True)
    assert quota.parts == without.parts | {Part.QUOTA}


def test_the_gutter_holds_the_longest_round_mark() -> None:
    assert len("500 KiB/s") + len(" │") == GUTTER_CELLS
    assert layout.LOW_GRAPH_ROWS < layout.MIN_CELLS_WITH_AXIS


# Clicks.


@PROPERTY
@given(SIZES, WISHES, st.booleans())
def test_every_cell_of_the_bars_is_hit_and_nothing_else(
    size: Size, wish: Arrangement | None, quota: bool
) -> None:
    plan = arrange(size, wish, GUTTER_CELLS, urgent=0, quota=quota)
    hit = [plan.cell(x) for x in range(size.columns)]
    cells = [*range(plan.width)]
    gutter: list[int | None] = [None] * plan.gutter
    graph = gutter + cells
    if plan.arrangement is BESIDE:
        between: list[int | None] = [None] * BETWEEN_CELLS
        graph = graph + between + graph
    assert hit == graph + [None] * (size.columns - len(graph))
    assert plan.cell(-1) is None
    assert plan.cell(size.columns) is None


@PROPERTY
@given(
    st.integers(1, 10**12),
    st.sampled_from([BYTES, BITS]),
    st.booleans(),
    st.integers(MIN_CELLS_WITH_AXIS, 120),
    st.integers(12, 40),
)
def test_the_axis_is_upright_whatever_the_marks(
    ceiling: int, units: Units, logarithmic: bool, columns: int, tall: int
) -> None:
    view = View(
        units=units, ceiling=ceiling, logarithmic=logarithmic, arrangement=Arrangement.STACKED
    )
    moment = Moment(29.25, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    frame = compose(Instance("tor"), view, Size(columns, tall), moment)
    lines = ["".join(span.text for span in line) for line in frame.lines]
    axes = {found.start() for line in lines if (found := re.search("[│┤└]", line))}
    assert len(axes) == 1


# The last to go.


@PROPERTY
@given(
    st.builds(Size, st.integers(8, 300), st.integers(1, 100)),
    WISHES,
    st.booleans(),
    st.booleans(),
)
def test_both_rates_are_always_there(
    size: Size, wish: Arrangement | None, urgent: bool, logarithmic: bool
) -> None:
    instance = Instance("tor")
    for second in range(1, 30):
        instance.handle(Sample(float(second), 3 * 1024**2, 7 * 1024, 1.0))
    moment = Moment(29.25, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    view = View(arrangement=wish, logarithmic=logarithmic, cursor=20 if urgent else None)
    frame = compose(instance, view, size, moment)
    text = "\n".join("".join(span.text for span in line) for line in frame.lines)
    assert len(frame.lines) <= size.rows
    assert re.search(r"3\.0 ?M", text)
    if size.rows > 1 or size.columns > len("▼3.0M ▲7.0K"):
        assert re.search(r"7\.0 ?K", text)
