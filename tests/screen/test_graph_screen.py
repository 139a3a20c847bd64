"""The screen of one tor: its parts at each size, and what holds for any screen."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from properties import PROPERTY
from scenes import (
    CLOCK,
    CONNECTED,
    HOSTILE,
    KIB,
    LOST,
    MOMENT,
    NEWEST,
    PLACE,
    after,
    compose_graphs,
    drawn,
    framed,
    graphs,
    instance_after,
    relay,
    restarted,
    second,
    seconds,
)

from bwgraph.model.events import (
    MAX_SAMPLE_BYTES,
    Connected,
    CounterBase,
    Described,
    Lost,
    Problem,
    Sample,
    Wrapped,
)
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.printable import printable
from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.model.statistics import current_rates
from bwgraph.model.totals import Unseen
from bwgraph.screen import help as help_module
from bwgraph.screen.frame import Size, Style
from bwgraph.screen.graph_screen import draw_graphs, survey_graphs
from bwgraph.screen.keymap import BINDINGS, Action, apply_action
from bwgraph.screen.layout import Part
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE, GLYPH_SETS, HALF_BLOCK
from bwgraph.screen.units import BITS, BYTES
from bwgraph.screen.view import Arrangement, View
from bwgraph.tor.description import parse_context

# Parts that are dropped as the window shrinks.


def parts(screen: list[str]) -> set[str]:
    """Return the parts that are on a screen of ``relay``."""
    header = [line for line in screen if line.startswith("bwgraph")]
    rest = [line for line in screen if line not in header]
    down = next((i for i, line in enumerate(rest) if line.startswith("▼")), -1)
    up = next((i for i, line in enumerate(rest) if line.startswith("▲")), len(rest))
    seen = {
        "keys": "q quit" in screen[-1],
        "header": bool(header),
        "details": any("my-relay" in line for line in header),
        "labels": any(re.match(r" *\d\d:\d\d", line) for line in rest),
        "statistics": any("avg" in line and "last" in line for line in rest),
        "totals": any(line.startswith("since") for line in rest),
        "axes": any("└" in line for line in rest),
        "upper graph": any("█" in line for line in rest[down + 1 : up]),
        "lower graph": any("█" in line for line in rest[up + 1 :]),
        "download": any(re.search(r"80\.0 ?K", line) for line in rest),
        "upload": any(re.search(r"^▲.*?100 ?K|▲?100 ?K$|▲ 100 KiB/s$", line) for line in rest),
    }
    return {part for part, there in seen.items() if there}


STACKED = View(arrangement=Arrangement.STACKED)


def losses(screens: Iterable[list[str]]) -> list[set[str]]:
    """Return the parts that are dropped together as screens get smaller. No part may return."""
    lost: list[set[str]] = []
    before = parts(drawn(120, 40, view=STACKED))
    assert len(before) == 11
    for screen in screens:
        now = parts(screen)
        assert now <= before, "a part has returned"
        if now < before:
            lost.append(before - now)
        before = now
    return lost


def test_parts_dropped_as_the_window_gets_lower() -> None:
    assert losses(drawn(120, rows, view=STACKED) for rows in range(40, 0, -1)) == [
        {"keys"},
        {"header", "details"},
        {"labels"},
        {"totals"},
        {"axes"},
        {"lower graph"},
        {"upper graph"},
        {"statistics"},
    ]


def test_parts_dropped_as_the_window_gets_narrower() -> None:
    lost = losses(drawn(columns, 30, view=STACKED) for columns in range(120, 11, -1))
    order = [part for parts_lost in lost for part in sorted(parts_lost)]
    assert order.index("details") < order.index("statistics") < order.index("axes")
    # A window that has no room for the start of the totals has no totals.
    assert order.index("statistics") < order.index("totals") <= order.index("axes") + 1
    assert {"download", "upload", "upper graph", "lower graph"} & {*order} == set()


@pytest.mark.parametrize("rows", range(1, 30))
def test_both_rates_are_shown_at_every_height(rows: int) -> None:
    assert {"download", "upload"} <= parts(drawn(12, rows))


@pytest.mark.parametrize("rows", range(1, 9))
def test_rate_is_shown_without_its_arrow_if_only_the_rate_fits(rows: int) -> None:
    eighty = instance_after(CONNECTED, Sample(NEWEST, int(81.5 * KIB), int(11.9 * KIB), 1.0))
    screen = drawn(5, rows, eighty)
    assert "81.5K" in screen
    assert ("11.9K" in screen) is (rows > 1)
    assert drawn(1, rows, instance_after(CONNECTED))[0] == "▼"  # there is no sample yet


def arrangement_of(columns: int, rows: int, chosen: Arrangement | None = None) -> Arrangement:
    """Return the arrangement of the graphs in a window of this size."""
    return survey_graphs(
        relay(), View(arrangement=chosen), Size(columns, rows), MOMENT
    ).layout.arrangement


@pytest.mark.parametrize(
    ("columns", "rows", "arrangement"),
    [
        (120, 35, Arrangement.STACKED),
        (80, 24, Arrangement.STACKED),
        (80, 18, Arrangement.STACKED),
        (80, 12, Arrangement.SIDE_BY_SIDE),
        (74, 12, Arrangement.SIDE_BY_SIDE),
        (73, 12, Arrangement.STACKED),
        (40, 13, Arrangement.STACKED),
        (40, 10, Arrangement.MIRRORED),
        (40, 9, Arrangement.STACKED),
        (300, 4, Arrangement.SIDE_BY_SIDE),
    ],
)
def test_arrangement_is_chosen_by_the_size_of_the_window(
    columns: int, rows: int, arrangement: Arrangement
) -> None:
    assert arrangement_of(columns, rows) is arrangement


@pytest.mark.parametrize("chosen", Arrangement)
def test_chosen_arrangement_is_used_if_it_fits(chosen: Arrangement) -> None:
    for size in ((120, 35), (80, 24), (40, 10), (22, 3)):
        assert arrangement_of(*size, chosen) is chosen


@PROPERTY
@given(
    st.integers(1, 130),
    st.integers(1, 60),
    st.booleans(),
    st.none() | st.sampled_from(Arrangement),
)
def test_frame_uses_every_row(
    columns: int, rows: int, lost: bool, arrangement: Arrangement | None
) -> None:
    events = [Lost(last_heard=NEWEST, reason="gone", retry_at=NEWEST + 5)] if lost else []
    frame = framed(columns, rows, relay(*events), view=View(arrangement=arrangement))
    assert len(frame.lines) == rows
    # The alert is at the very bottom.
    if rows > 2 and lost:
        assert frame.text()[-1].startswith("no tor"[:columns])


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (1, "▼"),
        (6, "▼80.0K"),
        (11, "80.0K 100K"),
        (12, "▼80.0K ▲100K"),
        (24, "▼80.0K ▲100K"),
        (25, "▼ 80.0 KiB/s  ▲ 100 KiB/s"),
    ],
)
def test_picture_of_one_row(columns: int, line: str) -> None:
    assert drawn(columns, 1) == [line]


def test_last_line_has_the_first_keys_that_fit() -> None:
    line = drawn(80, 24)[-1]
    hints = [binding.hint for binding in BINDINGS if binding.hint]
    assert line.split("   ") == hints[: len(line.split("   "))]
    assert line.startswith("q quit   ? help   ")
    assert drawn(300, 24)[-1].split("   ") == hints


def test_notice_replaces_the_keys_and_is_above_an_alert() -> None:
    assert drawn(80, 24, notice="saved as x.svg")[-1] == "saved as x.svg"
    both = drawn(80, 24, relay(LOST), notice="saved as x.svg")
    assert both[-2] == "saved as x.svg"
    assert both[-1].startswith("no tor since")
    reading = drawn(80, 24, relay(LOST), view=View(cursor=1090), notice="saved as x.svg")
    assert reading[-3].startswith("14:05:22 ")
    assert reading[-2:] == both[-2:]


@pytest.mark.parametrize("rows", range(3, 30))
def test_alert_is_shown_at_every_height(rows: int) -> None:
    view = View(cursor=1090)
    for screen in (
        drawn(80, rows, relay(LOST)),
        drawn(80, rows, relay(LOST), view=view, notice="saved"),
    ):
        assert screen[-1].startswith("no tor since 14:05:32, trying")


def test_help_replaces_the_whole_screen() -> None:
    page = framed(80, 24, view=View(help=True))
    assert list(page.lines) == [
        line for line in page.lines if line in help_module.help_page(Size(80, 24))
    ]
    for binding in BINDINGS:
        assert any(binding.keys[0] in line and binding.help in line for line in page.text())


def test_help_that_does_not_fit_points_to_a_larger_window() -> None:
    small = drawn(60, 12, view=View(help=True))
    assert len(small) == 12
    assert small[-1] == "there is more in a larger window"
    assert not any("there is more" in line for line in drawn(120, 24, view=View(help=True)))


# Axes and labels.


@pytest.mark.parametrize("columns", [36, 40, 60, 80, 120, 200, 300, 700])
def test_each_label_is_below_its_tick_and_has_its_columns_time(columns: int) -> None:
    screen = drawn(columns, 30)
    labels, ground = screen[-3], screen[-4]
    assert ground.startswith("        0 └")
    found = list(re.finditer(r"\d\d:\d\d(:\d\d)?", labels))
    assert found
    for label in found:
        middle = label.start() + len(label[0]) // 2
        assert ground[middle] == "┬"
        # The rightmost column is the newest second.
        shown = CLOCK - timedelta(seconds=0.25 + columns - 1 - middle)
        assert label[0] == f"{shown:%H:%M:%S}"[: len(label[0])]
        assert shown.second % 15 == 0


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("columns", [36, 80, 120, 300])
def test_labels_do_not_touch(columns: int, resolution: int) -> None:
    line = drawn(columns, 30, view=View(resolution=resolution))[-3]
    words = [word for word in re.split(" {2,}", line) if word]
    assert words
    assert all(
        re.fullmatch(r"\d\d:\d\d(:\d\d)?|\d\d? [A-Z][a-z]{2}|[A-Z][a-z]{2}|\d{4}", word)
        for word in words
    )


def test_setting_the_clock_changes_the_labels_only() -> None:
    later = Moment(MOMENT.now, CLOCK + timedelta(hours=7, seconds=4))
    before, now = drawn(80, 24), drawn(80, 24, moment=later)
    rows = [graphs(screen) for screen in (before, now)]
    assert rows[0] == rows[1]
    assert before[22] == now[22]
    assert now[0].endswith("21:05:36")
    assert "21:05:15" in now[21]
    # The peak's time changes, too.
    assert before[1].removesuffix("14:04:47") == now[1].removesuffix("21:04:51")


def test_scale_stays_after_its_peak_has_left_the_screen() -> None:
    # At every width, the scale does not fall as soon as the peak has left the screen.
    instance = instance_after(CONNECTED)
    for i in range(100):
        instance.handle(Sample(NEWEST - 99 + i, 900 * KIB if i == 30 else 90 * KIB, 1, seconds=1.0))
    top = [
        drawn(columns, 24, instance)[2].split(" ┤")[0].strip()
        for columns in (82, 81, 80, 71, 70, 60)
    ]
    assert top == ["1 MiB/s"] * 4 + ["500 KiB/s", "200 KiB/s"]


def test_graphs_have_separate_scales_unless_shared() -> None:
    for view, scales in (
        (View(), ("200 KiB/s ┤", "100 KiB/s ┤")),
        (View(shared_scale=True), ("200 KiB/s ┤", "200 KiB/s ┤")),
    ):
        screen = drawn(80, 24, view=view)
        assert screen[2].startswith(scales[0])
        assert screen[12].startswith(scales[1])


def test_mirrored_graphs_have_the_same_value_at_their_axis() -> None:
    instance = instance_after(CONNECTED)
    for i in range(60):
        instance.handle(Sample(NEWEST - 59 + i, 9000 * KIB, 90 * KIB, seconds=1.0))
    view = View(logarithmic=True, arrangement=Arrangement.MIRRORED)
    screen = drawn(80, 35, instance, view=view)
    ticks = [line[:9].strip() for line in screen if line[10:11] in set("┤├")]
    middle = next(i for i, line in enumerate(screen) if line[10:11] == "├")
    assert screen[middle].startswith("  102 B/s ├")
    # Each value appears once above it and once below.
    at = ticks.index("102 B/s")
    assert len(set(ticks[: at + 1])) == at + 1
    assert len(set(ticks[at:])) == len(ticks) - at


def test_bits_have_decimal_units_on_every_line() -> None:
    screen = drawn(120, 35, view=View(units=BITS))
    # 80 KiB/s and 200 KiB/s.
    assert screen[1].startswith("▼ download 655 kbit/s  last 95 s: avg 649 kbit/s  p95 1.6 Mbit/s ")
    assert screen[2].startswith("  2 Mbit/s ┤")
    # Amounts are in bytes, whatever the unit of the rates.
    assert re.search("▼ 40.0 GiB, avg 1.3 Mbit/s", screen[-2])
    assert not any("iB/s" in line for line in screen)


def test_download_and_upload_have_their_own_styles() -> None:
    frame = framed(80, 24)
    above = {span.style for line in frame.lines[2:10] for span in line}
    below = {span.style for line in frame.lines[12:20] for span in line}
    assert above == {Style.DIM, Style.DOWNLOAD}
    assert below == {Style.DIM, Style.UPLOAD}


def test_only_hanging_parts_of_blocks_are_in_reverse() -> None:
    stacked = framed(80, 24)
    assert not any(span.reverse for line in stacked.lines for span in line)
    mirrored = framed(80, 24, view=View(arrangement=Arrangement.MIRRORED))
    turned = [span for line in mirrored.lines for span in line if span.reverse]
    assert {span.style for span in turned} == {Style.UPLOAD}
    assert {*"".join(span.text for span in turned)} <= {*"▁▂▃▄▅▆▇"}
    # The other glyph sets have hanging glyphs.
    for glyphs in (BRAILLE, ASCII, HALF_BLOCK):
        frame = framed(80, 24, view=View(glyphs, arrangement=Arrangement.MIRRORED))
        assert not any(span.reverse for line in frame.lines for span in line)


# Scrolled and coarse views.


def test_scrolled_view_shows_its_position_and_does_not_move() -> None:
    scrolled = View(end=1080)
    instance = relay()
    before = drawn(80, 24, instance, view=scrolled)
    assert before[0].endswith("  20 s back  1 s/column   14:05:32")
    assert "  64 s to 14:05:12: avg " in before[1]
    for sample in seconds(100, 103):
        instance.handle(sample)
    later = drawn(80, 24, instance, after(3.25), scrolled)
    assert later[0].endswith("  23 s back  1 s/column   14:05:35")
    assert graphs(later) == graphs(before)
    assert later[21] == before[21]
    # The current rate does not depend on the view.
    assert re.match(r"▼ download  200 KiB/s  64 s to 14:05:12: ", later[1])


def test_paused_view_is_marked_with_and_without_a_header() -> None:
    assert drawn(80, 24, view=View(end=1100))[0].endswith("  paused  1 s/column   14:05:32")
    assert drawn(40, 10, view=View(end=1100))[0].endswith("  paused")
    assert drawn(40, 10, view=View(end=1090))[0].endswith("  10 s back")


def test_coarse_column_has_a_solid_mean_and_its_peak_above() -> None:
    view = View(resolution=15, arrangement=Arrangement.STACKED)
    column = "".join(row[67] for row in graphs(drawn(80, 24, view=view))[0])
    # The 15 seconds up to 1095 have a mean of 84.1 KiB/s and a peak of 200 KiB/s.
    assert round(sum(second(i).read for i in range(80, 95)) / 15 / (200 * KIB) * 64) == 27
    assert column == "││││▃███"


def test_cursor_stays_in_a_view_paused_before_the_first_sample() -> None:
    instance = instance_after(CONNECTED)
    shown = survey_graphs(instance, View(), Size(80, 24), MOMENT).shown
    paused = apply_action(View(), Action.PAUSE, shown)
    for resolution in RESOLUTIONS:
        view = apply_action(paused._replace(resolution=resolution), Action.CURSOR_BACK, shown)
        for age in (0.25, 1.0, 70.0, 5000.0):
            screen = drawn(80, 24, instance, after(age), view)
            assert screen[-1].endswith("  no data")
            columns = {row.ljust(69).find("┊") for row in graphs(screen)[0]}
            assert columns == {68}


def test_keys_start_from_what_is_shown() -> None:
    instance = relay()
    scene = survey_graphs(instance, View(), Size(80, 24), MOMENT)
    shown, plan = scene.shown, scene.layout
    assert (shown.buckets, shown.end, shown.newest) == (69, 1100, 1100)
    assert shown.ceiling == 200 * KIB
    assert plan.cell(11) == 0
    back = apply_action(View(), Action.PAGE_BACK, shown)
    assert back.end == 1100 - 31  # as far as there is something to see
    assert drawn(80, 24, instance, view=back)[0].endswith("  31 s back  1 s/column   14:05:32")


# Any history and view.

AMOUNTS = st.sampled_from([0, 1, 1023, 999_999, MAX_SAMPLE_BYTES]) | st.integers(
    0, MAX_SAMPLE_BYTES
)
PACES = st.sampled_from([1.0, 1.0022, 0.99, 1.038, 0.01, 0.3, 5.3, 90.0])
PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.2, 1.0, 3.0, 70.0, 100_000.0])
START = 1_000_000.0
"When these histories begin: late enough on the clock for the samples that a tor remembers."
TEXTS = st.text(max_size=30) | st.sampled_from(["", HOSTILE, "my-relay", "x" * 400])
SIZES = st.builds(Size, st.integers(1, 45), st.integers(1, 14)) | st.builds(
    Size, st.integers(1, 300), st.integers(1, 100)
)
COUNTS = st.none() | st.builds(CounterBase, AMOUNTS, AMOUNTS)
UPTIMES = st.none() | st.sampled_from([0.0, 0.5, 7.0, 1e6])
AGES = st.sampled_from([0.0, 0.25, 1.9, 2.5, 61.0]) | st.floats(0, 1e5)
PLACES = st.sampled_from([0.0, 0.5, 1.0, 30.5, 68.0, 69.0, 70.0, 299.5]) | st.floats(-3, 400)
"Seconds before the newest sample; negative is after it."
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "fingerprint": TEXTS,
        "BandwidthRate": st.integers(0, 1 << 40).map(str) | TEXTS,
        "accounting/enabled": st.just("1"),
        "AccountingRule": st.sampled_from(["max", "sum", "in", "out"]) | TEXTS,
        "accounting/bytes": st.just("300 200") | TEXTS,
        "accounting/bytes-left": st.sampled_from(["300 200", "0 0"]) | TEXTS,
        "accounting/interval-end": st.just("2026-12-01 00:00:00") | TEXTS,
        "accounting/hibernating": st.sampled_from(["awake", "soft", "hard"]) | TEXTS,
    },
)
SECONDS = st.integers(int(START) - 500, int(START) + 500) | st.integers(-10, 1 << 40)
VIEWS = st.builds(
    View()._replace,
    glyphs=st.sampled_from([*GLYPH_SETS.values(), HALF_BLOCK]),
    ascii_only=st.booleans(),
    units=st.sampled_from([BYTES, BITS]),
    arrangement=st.none() | st.sampled_from(Arrangement),
    resolution=st.sampled_from(RESOLUTIONS),
    end=st.none() | SECONDS,
    cursor=st.none() | SECONDS,
    logarithmic=st.booleans(),
    shared_scale=st.booleans(),
    cut_at_p99=st.booleans(),
    ceiling=st.none() | st.sampled_from([1, 999, 150 * KIB, 1 << 62]) | st.integers(1, 1 << 62),
    help=st.booleans(),
)


class AnyTor(NamedTuple):
    """A tor, and whether bwgraph has received a sample from it."""

    instance: Instance
    own: bool


@st.composite
def connections(draw: st.DrawFn, when: float, *, first: bool) -> Connected:
    """Draw a connection to the same tor process or another, with or without details and samples."""
    recent: list[Sample] = []
    if first and draw(st.booleans()):
        begin = when - draw(st.sampled_from([0.0, 0.04, 0.5, 0.9])) - draw(PAUSES)
        count = draw(st.integers(1, 70))
        recent = [Sample(begin - i * 1.0022, i, 2 * i, 1.0022) for i in range(count)][::-1]
    process = draw(st.sampled_from(["", "7", "8"]))
    texts = draw(TEXTS), draw(TEXTS), draw(TEXTS)
    return Connected(when, *texts, draw(COUNTS), draw(UPTIMES), process, tuple(recent))


@st.composite
def any_tors(draw: st.DrawFn) -> AnyTor:
    """Draw a tor with any name, history and state, and with restarts and losses anywhere."""
    instance, own = Instance(draw(TEXTS), draw(TEXTS)), False
    when = newest = START
    for step in draw(st.lists(st.sampled_from("csssslwtna"), max_size=25)):
        if step == "t":
            instance.handle(Problem(when, draw(TEXTS)))
        elif step == "a":
            instance.handle(Described(when, parse_context(draw(ANSWERS))))
        elif step == "c":
            when += draw(PAUSES)
            instance.handle(draw(connections(when, first=instance.connection is None)))
        elif instance.connection is None:
            continue  # without one there is neither a sample nor a loss
        elif step == "n":
            instance.handle(CounterBase(draw(AMOUNTS), draw(AMOUNTS)))
        elif step == "l":
            instance.handle(Lost(max(newest, instance.connection.at), draw(TEXTS), when + 1.0))
        elif step == "w":
            if own:
                instance.handle(Wrapped(Sample(newest, 1 << 32, 0, draw(PACES))))
        else:
            span = draw(PACES)
            newest = when = when + draw(PAUSES) + span
            instance.handle(Sample(when, draw(AMOUNTS), draw(AMOUNTS), span))
            own = True
    # Restarts and gaps at any position relative to the window.
    for ago in draw(st.lists(PLACES, max_size=3)):
        instance.totals.restarts += (when - ago,)
    for ago in draw(st.lists(PLACES, max_size=3)):
        end = when - ago
        gap = Unseen(end - draw(st.floats(0, 500)), end, draw(AMOUNTS), draw(AMOUNTS))
        instance.totals.unseen += (gap,)
    return AnyTor(instance, own)


def moment_of(instance: Instance, age: float) -> Moment:
    """Return the moment at which the newest event has this age in seconds."""
    connected_at = instance.connection.at if instance.connection else START
    return Moment(max(instance.history.newest_at or 0.0, connected_at) + age, CLOCK)


@settings(PROPERTY, max_examples=200)
@given(any_tors(), VIEWS, SIZES, AGES, TEXTS)
def test_any_screen_fits_and_is_harmless(
    tor: AnyTor, view: View, size: Size, age: float, notice: str
) -> None:
    frame = compose_graphs(tor.instance, view, size, moment_of(tor.instance, age), notice)
    assert frame.size == size
    assert 1 <= len(frame.lines) <= size.rows
    assert all(len(line) <= size.columns for line in frame.text())
    assert all(printable(line) == line and "\x1b" not in line for line in frame.text())


@settings(PROPERTY, max_examples=200)
@given(any_tors(), VIEWS, SIZES.filter(lambda size: size.columns >= 6), AGES, TEXTS)
def test_any_screen_of_six_columns_shows_the_rates(
    tor: AnyTor, view: View, size: Size, age: float, notice: str
) -> None:
    assume(not view.help)
    instance, moment = tor.instance, moment_of(tor.instance, age)
    screen = compose_graphs(instance, view, size, moment, notice).text()
    # Samples that tor remembers give no current rate.
    now = current_rates(instance.history.window(moment.now, 1)) if tor.own else (None, None)
    arrows = [re.escape(arrow) for arrow in (view.glyphs.download, view.glyphs.upload)]
    down, up = (
        f"({re.escape(view.units.format_rate(rate))}|{re.escape(view.units.format_short_rate(rate))})"
        for rate in now
    )
    if size.rows == 1:
        both = f"({arrows[0]} ?)?{down} +({arrows[1]} ?)?{up}"
        # The narrowest windows have room for one rate only.
        one = f"{arrows[0]}{down}"
        assert re.fullmatch(f"{both}|{one}" if size.columns < 12 else both, screen[0])
    else:
        for arrow, name, rate in zip(arrows, ("download", "upload"), (down, up), strict=True):
            title = f"(^|  ){arrow} ?({name} +)?{rate}( |$)"
            assert any(re.search(title, line) for line in screen)


@settings(PROPERTY, max_examples=60)
@given(any_tors(), VIEWS, SIZES, AGES)
def test_any_marks_and_notes_are_in_empty_cells(
    tor: AnyTor, view: View, size: Size, age: float
) -> None:
    moment = moment_of(tor.instance, age)
    noted = compose_graphs(tor.instance, view, size, moment).text()
    tor.instance.totals.restarts = ()
    tor.instance.totals.unseen = ()
    bare = compose_graphs(tor.instance, view, size, moment).text()
    assert len(noted) == len(bare)
    empty = {" ", view.glyphs.gap, view.glyphs.grid, view.glyphs.limit, view.glyphs.cursor}
    titles = view.glyphs.download, view.glyphs.upload
    for line, before in zip(noted, bare, strict=True):
        if any(arrow in line[:1] or f"  {arrow} " in line for arrow in titles):
            continue  # a title also shows the unseen bytes
        for cell, bare_cell in zip(line, before, strict=True):
            assert cell == bare_cell or bare_cell in empty


@settings(PROPERTY, max_examples=60)
@given(any_tors(), VIEWS, SIZES, AGES)
def test_any_statistics_cover_verified_samples_only(
    tor: AnyTor, view: View, size: Size, age: float
) -> None:
    assume(not view.help)
    if not tor.own:
        screen = compose_graphs(tor.instance, view, size, moment_of(tor.instance, age)).text()
        titles = view.glyphs.download, view.glyphs.upload
        assert not any("p95" in line or "avg " in line for line in screen if line[:1] in titles)


@settings(PROPERTY, max_examples=60)
@given(
    st.lists(st.none() | AMOUNTS, min_size=30, max_size=60),
    VIEWS,
    st.builds(Size, st.integers(36, 200), st.integers(6, 50)),
)
def test_labels_move_with_their_columns(amounts: list[int | None], view: View, size: Size) -> None:
    view = view._replace(end=None, cursor=None, help=False)
    instance = instance_after(CONNECTED)
    marks_of: dict[tuple[object, ...], list[str]] = {}
    before: dict[str, int] = {}
    for i, amount in enumerate(amounts):
        if amount is not None:
            instance.handle(Sample(1001.0 + i, amount, amount // 3, 1.0))
        moment = Moment(1001.25 + i, CLOCK + timedelta(seconds=i))
        scene = survey_graphs(instance, view, size, moment)
        plan = scene.layout
        screen = [line.ljust(size.columns) for line in draw_graphs(scene).text()]
        begin = 1 + len(plan.parts & {Part.HEADER})
        axis = begin + plan.heights[0]
        # The ticks of the vertical axis change only with the scale.
        marks = [line[: plan.gutter] for line in screen[begin:axis]]
        named = next((mark for mark in marks if mark.strip(" │┤+|")), "")
        # Mirrored logarithmic graphs share their floor, which depends on both scales.
        below = [line[: plan.gutter] for line in screen[axis + 1 :] if line[: plan.gutter].strip()]
        named_below = below[-1:] if plan.arrangement is Arrangement.MIRRORED else []
        assert marks_of.setdefault((plan, named, *named_below), marks) == marks
        # A label moves with its column: to the left, by one cell, or two after a late second.
        row = screen[axis] if plan.arrangement is Arrangement.MIRRORED else ""
        if Part.LABELS in plan.parts:
            row = next((line for line in screen[axis:] if re.match(r" *\d\d:\d\d:", line)), "")
        if plan.gutter:
            now = {time[0]: time.start() for time in TIME.finditer(row[: plan.graph_cells])}
            late = None in amounts[max(i - 1, 0) : i + 1] or i == 0
            for label in now.keys() & before.keys():
                assert 0 <= before[label] - now[label] <= 1 + late
            before = now


TIME = re.compile(r"\d\d:\d\d:\d\d")


def test_text_from_outside_is_harmless_everywhere() -> None:
    shown: list[str] = []
    for rows in (10, 24):
        for events in (
            (),
            (Connected(1000.0, HOSTILE, HOSTILE, HOSTILE), second(98)),
            (CONNECTED, second(98), Lost(NEWEST, HOSTILE, NEWEST)),
        ):
            instance = instance_after(*events, name=f"name {HOSTILE}", note=HOSTILE)
            shown += drawn(200, rows, instance, notice=HOSTILE)
            instance.handle(Problem(NEWEST, HOSTILE))
            instance.handle(
                Described(NEWEST, parse_context({"fingerprint": HOSTILE, "BandwidthRate": HOSTILE}))
            )
            shown += drawn(200, rows, instance)
    assert not {*HOSTILE} & {*"".join(shown)} - {*printable(HOSTILE)}
    # The text is shown and can be recognized.
    assert sum("?[2J?]0;owned?" in line for line in shown) >= 12


@pytest.mark.parametrize("arrangement", Arrangement)
def test_wide_and_hostile_names_move_nothing(arrangement: Arrangement) -> None:
    view = View(arrangement=arrangement)
    plain = relay(news=CONNECTED._replace(nickname="x" * 30, version="y" * 20))
    strange = relay(news=CONNECTED._replace(nickname="東" * 30, version="\u0301" * 20))
    for one, other in zip(
        drawn(120, 30, plain, view=view), drawn(120, 30, strange, view=view), strict=True
    ):
        assert other == one.replace("x" * 30, "?" * 30).replace("y" * 20, "?" * 20)


def test_same_history_gives_the_same_frame() -> None:
    # Neither the screen nor the scale keeps state between two frames.
    instance = restarted(50, 70, uptime=6.0)
    first = framed(80, 24, instance)
    framed(20, 5, instance, after(90), View(ASCII, logarithmic=True))
    assert framed(80, 24, instance) == first
    assert PLACE in first.text()[0]
    assert View().glyphs is BLOCK
