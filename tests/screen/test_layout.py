"""Where things go on any screen, and the order in which parts are dropped."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY
from scenes import compose_graphs

from bwgraph.model.events import Sample
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen import layout
from bwgraph.screen.frame import Size
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

DROP_ORDER = [Part.KEYS, Part.HEADER, Part.LABELS, Part.TOTALS, Part.QUOTA, Part.AXES]
"The order in which parts are dropped."

CHOICES = st.sampled_from([None, *Arrangement])
SIZES = st.builds(Size, st.integers(1, 300), st.integers(1, 100)) | st.builds(
    Size, st.integers(1, 90), st.integers(1, 30)
)
URGENT = st.integers(0, 3)
GUTTERS = st.integers(GUTTER_CELLS, GUTTER_CELLS + 2)


def rows(plan: Layout, urgent: int) -> int:
    """Return the number of rows of a layout."""
    beside, mirrored = (plan.arrangement is each for each in (BESIDE, MIRRORED))
    axes = (Part.AXES in plan.parts) * (1 if beside or mirrored else 2)
    labels = Part.LABELS in plan.parts and not mirrored  # mirrored graphs have them in the axis
    others = len(plan.parts & {Part.KEYS, Part.HEADER, Part.TOTALS, Part.QUOTA})
    titles = 1 if beside else 2
    heights = plan.heights[0] if beside else sum(plan.heights)
    return titles + heights + plan.blank_rows + axes + labels + others + urgent


@PROPERTY
@given(SIZES, CHOICES, URGENT, st.booleans(), GUTTERS)
def test_rows_of_any_layout_add_up_to_the_screen(
    size: Size, chosen: Arrangement | None, urgent: int, quota: bool, gutter: int
) -> None:
    plan = arrange(size, chosen, gutter, urgent=urgent, quota=quota)
    needed = 1 if plan.arrangement is BESIDE else 2
    # Urgent rows replace bars, but not the two rates.
    urgent = min(urgent, max(size.rows - 2, 0))
    if size.rows > needed:
        assert rows(plan, urgent) == size.rows
    assert min(plan.heights) >= 0
    assert 0 <= plan.heights[0] - plan.heights[1] <= 1
    assert plan.blank_rows in {0, 1}


@PROPERTY
@given(SIZES, CHOICES, URGENT, st.booleans(), GUTTERS)
def test_any_layout_is_no_wider_than_the_screen(
    size: Size, chosen: Arrangement | None, urgent: int, quota: bool, gutter: int
) -> None:
    plan = arrange(size, chosen, gutter, urgent=urgent, quota=quota)
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
@given(SIZES, CHOICES, URGENT, st.booleans())
def test_parts_are_dropped_in_their_order(
    size: Size, chosen: Arrangement | None, urgent: int, quota: bool
) -> None:
    plan = arrange(size, chosen, GUTTER_CELLS, urgent=urgent, quota=quota)
    expected = [part for part in DROP_ORDER if part != Part.QUOTA or quota]
    if urgent and size.rows > 2:
        expected.remove(Part.KEYS)
    if plan.graph_cells < MIN_CELLS_WITH_AXIS:
        expected = [part for part in expected if part not in {Part.AXES, Part.TOTALS}]
        if plan.arrangement is MIRRORED:
            expected.remove(Part.LABELS)  # they would be within the axis
    assert plan.parts <= {*expected}
    dropped = len(expected) - len(plan.parts)
    assert plan.parts == {*expected[dropped:]}


@PROPERTY
@given(st.integers(1, 300), st.integers(1, 99), st.sampled_from([*Arrangement]), st.booleans())
def test_higher_screen_drops_no_part(
    columns: int, tall: int, chosen: Arrangement, quota: bool
) -> None:
    low = arrange(Size(columns, tall), chosen, GUTTER_CELLS, urgent=0, quota=quota)
    high = arrange(Size(columns, tall + 1), chosen, GUTTER_CELLS, urgent=0, quota=quota)
    assert low.parts <= high.parts
    assert low.arrangement is high.arrangement


def test_order_of_dropped_parts_on_80_columns() -> None:
    seen: list[Part] = []
    for tall in range(40, 0, -1):
        plan = arrange(Size(80, tall), STACKED, GUTTER_CELLS, urgent=0, quota=True)
        seen += [part for part in DROP_ORDER if part not in plan.parts and part not in seen]
    assert seen == DROP_ORDER


@pytest.mark.parametrize(
    ("chosen", "size", "shown", "heights", "part_count"),
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
def test_layout_of_each_size(
    chosen: Arrangement | None,
    size: tuple[int, int],
    shown: Arrangement,
    heights: tuple[int, int],
    part_count: int,
) -> None:
    plan = arrange(Size(*size), chosen, GUTTER_CELLS, urgent=0, quota=False)
    assert (plan.arrangement, plan.heights, len(plan.parts)) == (shown, heights, part_count)


def test_urgent_row_replaces_the_keys() -> None:
    calm = arrange(Size(80, 24), STACKED, GUTTER_CELLS, urgent=0, quota=False)
    urgent = arrange(Size(80, 24), STACKED, GUTTER_CELLS, urgent=1, quota=False)
    assert urgent.parts == calm.parts - {Part.KEYS}
    assert urgent.heights == calm.heights


@PROPERTY
@given(st.builds(Size, st.integers(1, 300), st.integers(3, 40)), URGENT, st.booleans())
def test_urgent_rows_do_not_change_the_arrangement(size: Size, urgent: int, quota: bool) -> None:
    calm = arrange(size, None, GUTTER_CELLS, urgent=0, quota=quota)
    with_urgent = arrange(size, None, GUTTER_CELLS, urgent=urgent, quota=quota)
    assert with_urgent.arrangement is calm.arrangement


def test_graphs_are_mirrored_if_stacked_ones_have_no_labels() -> None:
    low = arrange(Size(40, 12), None, GUTTER_CELLS, urgent=0, quota=True)
    assert (low.arrangement, low.heights) == (MIRRORED, (3, 3))
    assert low.parts >= {Part.AXES, Part.LABELS, Part.TOTALS, Part.QUOTA}
    stacked = arrange(Size(40, 12), STACKED, GUTTER_CELLS, urgent=0, quota=True)
    assert Part.LABELS not in stacked.parts


def test_quota_takes_a_row() -> None:
    without = arrange(Size(80, 25), STACKED, GUTTER_CELLS, urgent=0, quota=False)
    quota = arrange(Size(80, 25), STACKED, GUTTER_CELLS, urgent=0, quota=True)
    assert quota.parts == without.parts | {Part.QUOTA}


def test_gutter_holds_the_longest_round_mark() -> None:
    assert len("500 KiB/s") + len(" │") == GUTTER_CELLS
    assert layout.LOW_GRAPH_ROWS < layout.MIN_CELLS_WITH_AXIS


# Clicks.


@PROPERTY
@given(SIZES, CHOICES, st.booleans())
def test_clicks_hit_every_cell_of_the_bars_and_nothing_else(
    size: Size, chosen: Arrangement | None, quota: bool
) -> None:
    plan = arrange(size, chosen, GUTTER_CELLS, urgent=0, quota=quota)
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
def test_vertical_axis_is_in_one_column_for_any_marks(
    ceiling: int, units: Units, logarithmic: bool, columns: int, tall: int
) -> None:
    view = View(
        units=units, ceiling=ceiling, logarithmic=logarithmic, arrangement=Arrangement.STACKED
    )
    moment = Moment(29.25, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    frame = compose_graphs(Instance("tor"), view, Size(columns, tall), moment)
    lines = ["".join(span.text for span in line) for line in frame.lines]
    axes = {found.start() for line in lines if (found := re.search("[│┤└]", line))}
    assert len(axes) == 1


# The current rates.


@PROPERTY
@given(
    st.builds(Size, st.integers(8, 300), st.integers(1, 100)),
    CHOICES,
    st.booleans(),
    st.booleans(),
)
def test_both_rates_are_always_shown(
    size: Size, chosen: Arrangement | None, urgent: bool, logarithmic: bool
) -> None:
    instance = Instance("tor")
    for second in range(1, 30):
        instance.handle(Sample(float(second), 3 * 1024**2, 7 * 1024, 1.0))
    moment = Moment(29.25, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    view = View(arrangement=chosen, logarithmic=logarithmic, cursor=20 if urgent else None)
    frame = compose_graphs(instance, view, size, moment)
    text = "\n".join("".join(span.text for span in line) for line in frame.lines)
    assert len(frame.lines) <= size.rows
    assert re.search(r"3\.0 ?M", text)
    if size.rows > 1 or size.columns > len("▼3.0M ▲7.0K"):
        assert re.search(r"7\.0 ?K", text)
