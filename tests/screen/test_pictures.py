"""Compare every arrangement, glyph set, state and size with a stored picture.

The pictures are in ``tests/pictures``, with a file for each arrangement and glyph set. After an
intended change, write them again and look at the difference:

    python tests/screen/test_pictures.py --write
    git diff tests/pictures
"""

import difflib
import math
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from datetime import time as dt_time
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from scenes import (
    CONNECTED,
    KIB,
    LIMIT,
    LOST,
    MIB,
    MOMENT,
    NEWEST,
    QUOTA,
    after,
    drawn,
    framed,
    instance_after,
    looks,
    picture,
    relay,
    remembered,
    restarted,
    second,
    seconds,
    unheard,
)

from bwgraph.model.events import Described, Sample
from bwgraph.model.instance import Instance
from bwgraph.screen import layout
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.plot import ASCII, BRAILLE, GLYPH_SETS, Glyphs
from bwgraph.screen.view import Arrangement, View
from bwgraph.tor.description import parse_context

SIZES = (Size(120, 35), Size(80, 24), Size(40, 10), Size(20, 5), Size(1, 1))

FIRST = -140
"The first second of each history but the empty one: early enough for braille in 120 columns."
GAP = range(76, 92)
"The seconds of the gap, in histories that have one."
SPIKE = 90
"The second of the spike, in histories that have one."


def history_of(change: Callable[[Sample], Sample]) -> Instance:
    """Return a ``relay`` that was never lost, with this change of each sample."""
    return instance_after(CONNECTED, *(change(second(i)) for i in range(FIRST, 100)))


def zero(sample: Sample) -> Sample:
    """Return a sample of no bytes."""
    return Sample(sample.ends_at, 0, 0, 1.0)


def spiked(sample: Sample) -> Sample:
    """Return the sample, or a much larger one for the second of the spike."""
    at_spike = sample.ends_at == second(SPIKE).ends_at
    return Sample(sample.ends_at, 9 * MIB, 5 * MIB, 1.0) if at_spike else sample


SCENES: dict[str, Callable[[], Instance]] = {
    "empty": lambda: instance_after(CONNECTED),
    "zeros": lambda: history_of(zero),
    "gap": lambda: unheard(GAP.start, GAP.stop, 5 * KIB, 700, FIRST),
    "restart": lambda: restarted(GAP.start, GAP.stop, 6.0, FIRST),
    "spike": lambda: history_of(spiked),
    "clipped": lambda: history_of(spiked),
    "log": lambda: history_of(spiked),
}
"The history of each picture."

KINDS = list(product(Arrangement, GLYPH_SETS.values()))


def view_of(scene: str, arrangement: Arrangement, glyphs: Glyphs) -> View:
    """Return the view of a picture."""
    return View(
        glyphs,
        arrangement=arrangement,
        ceiling=150 * KIB if scene == "clipped" else None,
        logarithmic=scene == "log",
    )


@cache
def shot(scene: str, size: Size, arrangement: Arrangement, glyphs: Glyphs) -> Frame:
    """Return a picture as a frame."""
    view = view_of(scene, arrangement, glyphs)
    return framed(size.columns, size.rows, SCENES[scene](), view=view)


def file_of(arrangement: Arrangement, glyphs: Glyphs) -> Path:
    """Return the file of the pictures of one arrangement and glyph set."""
    return Path(__file__).parents[1] / "pictures" / f"{arrangement.value}-{glyphs.name}.txt"


def album(arrangement: Arrangement, glyphs: Glyphs) -> list[str]:
    """Return all pictures of one arrangement and glyph set, each below its heading."""
    lines = []
    for scene, size in product(SCENES, SIZES):
        lines.append(f"=== {scene} {size.columns}x{size.rows}")
        lines += looks(shot(scene, size, arrangement, glyphs))
    return lines


def name_of(value: object) -> str:
    """Return the name of a parameter in a test's id."""
    return str(getattr(value, "value", None) or getattr(value, "name", value))


kinds = pytest.mark.parametrize(("arrangement", "glyphs"), KINDS, ids=name_of)


@kinds
def test_pictures_are_unchanged(arrangement: Arrangement, glyphs: Glyphs) -> None:
    file = file_of(arrangement, glyphs)
    seen, now = file.read_text(encoding="utf-8").splitlines(), album(arrangement, glyphs)
    # With 40 lines around each difference, the heading of its picture is among them.
    changes = difflib.unified_diff(seen, now, file.name, "drawn now", n=40, lineterm="")
    if seen != now:
        pytest.fail(
            "\n".join([*changes, "", "To accept it: python tests/screen/test_pictures.py --write"])
        )


# The values in the pictures, read by other means than those that drew them.

CEILINGS = {
    "empty": (KIB, KIB),
    "zeros": (KIB, KIB),
    "gap": (200 * KIB, 100 * KIB),
    "restart": (200 * KIB, 100 * KIB),
    "spike": (10 * MIB, 5 * MIB),
    "clipped": (150 * KIB, 150 * KIB),
    "log": (10 * MIB, 5 * MIB),
}
"The ceilings of the scales of read and written."

PARTS = {
    "block": {char: i % 8 + 1 for i, char in enumerate("▁▂▃▄▅▆▇█▔🮂🮃▀🮄🮅🮆")},
    "ascii": {".": 2, "'": 2, ":": 4, "o": 6, "#": 8},
}
"Eighths of a cell that a character fills."

DOTS = (0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)
"The dots of a braille character, left and right, from below."

sizes = pytest.mark.parametrize("size", SIZES[:-1], ids=lambda s: f"{s.columns}x{s.rows}")
scenes = pytest.mark.parametrize("scene", SCENES)


def moved_in(scene: str, ago: int) -> tuple[int, int] | None:
    """Return the bytes in a second, ``ago`` before the newest; None if they are unknown."""
    number = 99 - ago
    if scene == "empty" or (scene in {"gap", "restart"} and number in GAP):
        return None
    sample = SECONDS.get(scene, second)(number)
    return sample.read, sample.written


SECONDS: dict[str, Callable[[int], Sample]] = {
    "zeros": lambda i: zero(second(i)),
    **dict.fromkeys(("spike", "clipped", "log"), lambda i: spiked(second(i))),
}
"The samples of histories that differ from a plain ``relay``."


def plan_of(scene: str, size: Size, arrangement: Arrangement) -> layout.Layout:
    """Return the layout of a picture."""
    gutter = layout.GUTTER_CELLS + (scene == "clipped")
    return layout.arrange(size, arrangement, gutter, urgent=0, quota=False)


def graphs_of(plan: layout.Layout, lines: Sequence[str]) -> list[list[str]]:
    """Return the columns of both graphs of a picture, each column from the ground on."""
    top, (height, below) = len(plan.parts & {layout.Part.HEADER}) + 1, plan.heights
    left = right = slice(plan.gutter, plan.graph_cells)
    if plan.arrangement is Arrangement.SIDE_BY_SIDE:
        begin = top
        right = slice(
            left.start + plan.graph_cells + layout.BETWEEN_CELLS,
            2 * plan.graph_cells + layout.BETWEEN_CELLS,
        )
    elif plan.arrangement is Arrangement.MIRRORED:
        begin = top + height + len(plan.parts & {layout.Part.AXES})
    else:
        begin = top + height + len(plan.parts & {layout.Part.AXES}) + plan.blank_rows + 1
    upper = [line[left] for line in lines[top : top + height]][::-1]
    lower = [line[right] for line in lines[begin : begin + below]]
    if plan.arrangement is not Arrangement.MIRRORED:
        lower.reverse()
    return [["".join(cells) for cells in zip(*rows, strict=True)] for rows in (upper, lower)]


def bar_in(column: str, glyphs: Glyphs, side: int) -> float:
    """Return the height in cells of the bar in a column."""
    if glyphs.buckets_per_cell == 1:
        return sum(PARTS[glyphs.name].get(cell, 0) for cell in column) / 8
    dots = [ord(cell) & 0xFF if "⠀" <= cell <= "⣿" else 0 for cell in column]
    return sum(bool(cell & dot) for cell in dots for dot in DOTS[side]) / 4


@scenes
@sizes
@kinds
def test_each_bar_is_as_high_as_its_bytes(
    arrangement: Arrangement, glyphs: Glyphs, size: Size, scene: str
) -> None:
    plan = plan_of(scene, size, arrangement)
    lines = [line.ljust(size.columns) for line in looks(shot(scene, size, arrangement, glyphs))]
    step = 1 / 8 if glyphs.name == "block" else 1 / 4
    checked = 0
    for way, columns in enumerate(graphs_of(plan, lines)):
        assert len(columns) == plan.width
        ceiling = CEILINGS[scene][way]
        for at, column in enumerate(columns):
            for side in range(glyphs.buckets_per_cell):
                moved = moved_in(scene, (plan.width - at) * glyphs.buckets_per_cell - 1 - side)
                bar = bar_in(column, glyphs, side)
                clipped = bool({*glyphs.clipped} & {*column[-1:]}) and scene == "clipped"
                checked += 1
                if moved is None:
                    continue  # see test_every_unknown_column_is_marked
                if moved[way] == 0:
                    assert bar == 0
                elif moved[way] > ceiling:
                    assert clipped
                    assert bar >= plan.heights[way] - 1
                elif not clipped:  # the other half of a braille cell may be
                    share = moved[way] / ceiling
                    if scene == "log":
                        share = 1 + math.log(share) / math.log(ceiling / KIB)
                    # Rounding takes half a step. ASCII has only every other step.
                    slack = step if glyphs.name == "ascii" else step / 2
                    assert bar == pytest.approx(max(share * len(column), step), abs=slack)
    assert checked == 2 * plan.width * glyphs.buckets_per_cell


@scenes
@sizes
@kinds
def test_every_unknown_column_is_marked(
    arrangement: Arrangement, glyphs: Glyphs, size: Size, scene: str
) -> None:
    plan = plan_of(scene, size, arrangement)
    lines = [line.ljust(size.columns) for line in looks(shot(scene, size, arrangement, glyphs))]
    unknown = [
        all(
            moved_in(scene, (plan.width - at) * glyphs.buckets_per_cell - 1 - side) is None
            for side in range(glyphs.buckets_per_cell)
        )
        for at in range(plan.width)
    ]
    for columns in graphs_of(plan, lines):
        feet = "".join(column[0] for column in columns)
        # A note may be in this row if there is no room above.
        bare = re.sub(r"[0-9.]+ K?i?B unseen|\+[0-9.]+[BK]", lambda m: glyphs.gap * len(m[0]), feet)
        marks = {glyphs.gap, glyphs.restart} if scene == "restart" else {glyphs.gap}
        assert [foot in marks for foot in bare] == unknown
        broken = [at for at, column in enumerate(columns) if glyphs.restart in column]
        # Tor started 14.25 seconds ago: in the fifteenth second from the right.
        assert broken == (
            [plan.width - 1 - 14 // glyphs.buckets_per_cell] if scene == "restart" else []
        )


@scenes
@sizes
@kinds
def test_each_label_is_at_its_second(
    arrangement: Arrangement, glyphs: Glyphs, size: Size, scene: str
) -> None:
    plan = plan_of(scene, size, arrangement)
    # The header and the titles contain times that are not labels.
    lines = looks(shot(scene, size, arrangement, glyphs))[len(plan.parts & {layout.Part.HEADER}) :]
    rows = [line for line in lines if not line.startswith((glyphs.download, glyphs.upload))]
    newest = MOMENT.wall_time(NEWEST if scene != "empty" else MOMENT.now // 1)
    found = 0
    for y, row in enumerate(rows):
        for label in re.finditer(r"\d\d:\d\d:\d\d", row):
            x = label.start() + len(label[0]) // 2
            cell = plan.cell(x)
            assert cell is not None
            begin = newest - timedelta(seconds=(plan.width - cell) * glyphs.buckets_per_cell)
            end = begin + timedelta(seconds=glyphs.buckets_per_cell)
            time = datetime.combine(newest, dt_time.fromisoformat(label[0]), newest.tzinfo)
            assert begin < time <= end
            if plan.gutter and plan.arrangement is not Arrangement.MIRRORED:
                assert rows[y - 1][x] == glyphs.horizontal_tick
            found += 1
    if plan.gutter and layout.Part.LABELS in plan.parts:
        assert found


@scenes
@sizes
@kinds
def test_each_picture_has_both_rates(
    arrangement: Arrangement, glyphs: Glyphs, size: Size, scene: str
) -> None:
    text = "\n".join(looks(shot(scene, size, arrangement, glyphs)))
    rates = {"empty": ("-", "-"), "zeros": ("0 B/s", "0 B/s")}.get(
        scene, ("80.0 KiB/s", "100 KiB/s")
    )
    for arrow, name, rate in zip(
        (glyphs.download, glyphs.upload), ("download", "upload"), rates, strict=True
    ):
        arrow_and_rate = rf"(^|  ){re.escape(arrow)} ({name} +)?{re.escape(rate)}(  |$)"
        assert re.search(arrow_and_rate, text, re.MULTILINE)


# Some of these pictures, and others, in the source.


def test_picture_of_a_large_window() -> None:
    assert drawn(120, 35) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11  up 3 d 4 h                                        1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 95 s: avg 79.3 KiB/s  p95 200 KiB/s   peak 200 KiB/s at 14:03:59
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │               █           █           █                       █           █           █           █
                  │              ▃█▃         ▃█▃         ▃█▃                     ▃█▃         ▃█▃         ▃█▃         ▃█▃
              150 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈
                  │              ███         ███         ███                     ███         ███         ███         ███
                  │             ▆███▆       ▆███▆       ▆███▆                   ▆███▆       ▆███▆       ▆███▆       ▆███▆
              100 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈
                  │            ▂█████▂     ▂█████▂     ▂█████▂     ▂     ▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂
                  │            ███████     ███████     ███████     █     █     ███████     ███████     ███████     ███████     █
               50 ┤┈┈┈┈┈┈┈┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈█┈┈┈┈┈█┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈█
                  │           ▅███████▅   ▅███████▅   ▅███████▅   ▅█     █▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅█
                  │           █████████▂  █████████▂  █████████▂  ██     ██▂  █████████▂  █████████▂  █████████▂  █████████▂  ██
                  │········· ▁██████████ ▁██████████ ▁██████████ ▁██·····███ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁██
                0 └ ┬       ───────┬──────────────┬──────────────┬──     ───────┬──────────────┬──────────────┬──────────────┬──

        ▲ upload    100 KiB/s  last 95 s: avg 43.7 KiB/s  p95 100 KiB/s   peak 100 KiB/s at 14:03:56
        100 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │            █           █           █           █           █           █           █           █           █
               80 ┤┈┈┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█┈┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█
                  │           ███         ███         ███         ██          ███         ███         ███         ███         ██
                  │           ███         ███         ███         ██          ███         ███         ███         ███         ██
               60 ┤┈┈┈┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆██┈┈┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆███▆┈┈┈┈┈┈┈▆██
                  │          █████       █████       █████       ███         █████       █████       █████       █████       ███
               40 ┤┈┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂███┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂███
                  │         ███████     ███████     ███████     ████        ███████     ███████     ███████     ███████     ████
                  │         ███████     ███████     ███████     ████        ███████     ███████     ███████     ███████     ████
               20 ┤┈┈┈┈┈┈┈┈┈███████▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅████┈┈┈┈┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅████
                  │         ████████▂  █████████▂  █████████▂  █████       █████████▂  █████████▂  █████████▂  █████████▂  █████
                  │·········█████████ ▁██████████ ▁██████████ ▁█████····· ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁█████
                0 └ ┬       ───────┬──────────────┬──────────────┬──     ───────┬──────────────┬──────────────┬──────────────┬──
                               14:04:00       14:04:15       14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago:   ▼ 40.0 GiB, avg 153 KiB/s   ▲ 43.0 GiB, avg 165 KiB/s
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout   u units   g glyphs   l log   s save
        """  # noqa: E501 - as wide as the screen
    )


def test_picture_of_the_usual_window() -> None:
    assert drawn(80, 24) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 64 s: avg 76.3K p95 200K peak 200K at 14:04:47
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │▃                     ▃█▃         ▃█▃         ▃█▃         ▃█▃
              150 ┤█┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈
                  │█▆                   ▆███▆       ▆███▆       ▆███▆       ▆███▆
              100 ┤██▂┈┈┈┈┈▂┈┈┈┈┈▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂
                  │███     █     █     ███████     ███████     ███████     ███████     █
               50 ┤███▅┈┈┈▅█┈┈┈┈┈█▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅█
                  │████▆ ▁██·····██▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬──     ───────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 64 s: avg 41.8K p95 100K peak 100K at 14:04:32
        100 KiB/s ┤┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │       ▃█          ▃█▃         ▃█▃         ▃█▃         ▃█▃         ▃█
                  │       ██          ███         ███         ███         ███         ██
                  │      ▆██         ▆███▆       ▆███▆       ▆███▆       ▆███▆       ▆██
               50 ┤┈┈┈┈┈▂███┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂███
                  │     ████        ███████     ███████     ███████     ███████     ████
                  │▅   ▅████       ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅████
                  │█▆ ▁█████····· ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬──     ───────┬──────────────┬──────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_a_small_window() -> None:
    assert drawn(40, 10) == picture(
        """
        ▼ download 80.0 KiB/s     127.0.0.1:9051
        200 KiB/s ┤┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈┈▃█▃┈┈┈┈┈┈┈┈
                  │    ▂▆███▆▂     ▂▆███▆▂     ▂
                  │▂ ▁▅███████▅▂ ▁▅███████▅▂ ▁▅█
                0 ├───────14:05:15───────────┬──
                  │🮄███████🮄🮂 ▔🮄███████🮄🮂 ▔🮄████
                  │ 🮂🮅███🮅🮂     🮂🮅███🮅🮂     🮂🮅██
        100 KiB/s ┤┈┈┈🮃█🮃┈┈┈┈┈┈┈┈┈🮃█🮃┈┈┈┈┈┈┈┈┈🮃█
        ▲ upload    100 KiB/s
        since tor started: ▼40.0G ▲43.0G
        """
    )


def test_picture_of_a_tiny_window() -> None:
    assert drawn(20, 5) == picture(
        """
        ▼ 80.0 KiB/s
        ▂       ▂▅█▅▂
        █▆▃▂ ▁▃▆█████▆▃▂ ▁▃▆
        ▲ 100 KiB/s
        ▁ ▁▂▃▅▆█▆▅▃▂▁ ▁▂▃▅▆█
        """
    )


def test_picture_in_ascii() -> None:
    assert drawn(80, 24, view=View(ASCII)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        v download 80.0 KiB/s  last 64 s: avg 76.3K p95 200K peak 200K at 14:04:47
        200 KiB/s +```````````````````````#```````````#```````````#```````````#`````````
                  |:                     :#:         :#:         :#:         :#:
              150 +#`````````````````````###`````````###`````````###`````````###````````
                  |#o                   o###o       o###o       o###o       o###o
              100 +##.`````.`````.`````.#####.`````.#####.`````.#####.`````.#####.`````.
                  |###     #     #     #######     #######     #######     #######     #
               50 +###o```o#`````#o```o#######o```o#######o```o#######o```o#######o```o#
                  |####o .##-----##o .#########o .#########o .#########o .#########o .##
                0 +------+--     -------+--------------+--------------+--------------+--
        ^ upload    100 KiB/s  last 64 s: avg 41.8K p95 100K peak 100K at 14:04:32
        100 KiB/s +````````#```````````#```````````#```````````#```````````#```````````#
                  |       :#          :#:         :#:         :#:         :#:         :#
                  |       ##          ###         ###         ###         ###         ##
                  |      o##         o###o       o###o       o###o       o###o       o##
               50 +`````.###````````.#####.`````.#####.`````.#####.`````.#####.`````.###
                  |     ####        #######     #######     #######     #######     ####
                  |o   o####       o#######o   o#######o   o#######o   o#######o   o####
                  |#o .#####----- .#########o .#########o .#########o .#########o .#####
                0 +------+--     -------+--------------+--------------+--------------+--
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: v 40.0 GiB  ^ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_in_braille() -> None:
    assert drawn(80, 14, view=View(BRAILLE, arrangement=Arrangement.STACKED)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 95 s: avg 79.3K p95 200K peak 200K at 14:03:59
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈⢠⣧┈┈┈┈⢠⣧┈┈┈┈⢠⣧┈┈┈┈┈┈┈┈┈┈⢠⣧┈┈┈┈⢠⣧┈┈┈┈⢠⣧┈┈┈┈⢠⣧┈┈┈┈
                  │                    ⢀⣾⣿⣆  ⢀⣾⣿⣆  ⢀⣾⣿⣆  ⢀  ⢀  ⢀⣾⣿⣆  ⢀⣾⣿⣆  ⢀⣾⣿⣆  ⢀⣾⣿⣆  ⢀
                  │···················⢀⣼⣿⣿⣿⣄⢀⣼⣿⣿⣿⣄⢀⣼⣿⣿⣿⣄⢀⣼··⢸⣄⢀⣼⣿⣿⣿⣄⢀⣼⣿⣿⣿⣄⢀⣼⣿⣿⣿⣄⢀⣼⣿⣿⣿⣄⢀⣼
                0 └       ┬           ───┬──────────────┬─   ──────────┬──────────────┬─

        ▲ upload    100 KiB/s  last 95 s: avg 43.7K p95 100K peak 100K at 14:03:56
        100 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈⣼⡄┈┈┈┈⣼⡄┈┈┈┈⣼⡄┈┈┈┈⣼┈┈┈┈┈⣼⡄┈┈┈┈⣼⡄┈┈┈┈⣼⡄┈┈┈┈⣼⡄┈┈┈┈⣼
                  │                   ⣰⣿⣷⡀  ⣰⣿⣷⡀  ⣰⣿⣷⡀  ⣰⣿    ⣰⣿⣷⡀  ⣰⣿⣷⡀  ⣰⣿⣷⡀  ⣰⣿⣷⡀  ⣰⣿
                  │···················⣿⣿⣿⣧⡀⣠⣿⣿⣿⣧⡀⣠⣿⣿⣿⣧⡀⣠⣿⣿·· ⣠⣿⣿⣿⣧⡀⣠⣿⣿⣿⣧⡀⣠⣿⣿⣿⣧⡀⣠⣿⣿⣿⣧⡀⣠⣿⣿
                0 └       ┬           ───┬──────────────┬─   ──────────┬──────────────┬─
                      14:03:30       14:04:00       14:04:30       14:05:00
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        """
    )


def test_picture_of_graphs_side_by_side() -> None:
    assert drawn(80, 12) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s                    ▲ upload    100 KiB/s
        200 KiB/s ┤┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈  100 KiB/s ┤┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │     ▆█▆         ▆█▆                    │  ▆█▆         ▆█▆         ▆█
                  │    ▅███▅       ▅███▅                   │ ▅███▅       ▅███▅       ▅██
              100 ┤┈┈┈▃█████▃┈┈┈┈┈▃█████▃┈┈┈┈┈▃         50 ┤▃█████▃┈┈┈┈┈▃█████▃┈┈┈┈┈▃███
                  │  ▂███████▂   ▂███████▂   ▂█            │███████▂   ▂███████▂   ▂████
                  │ ▁█████████▅ ▁█████████▅ ▁██            │████████▅ ▁█████████▅ ▁█████
                0 └──────────┬──────────────┬──          0 └──────────┬──────────────┬──
                         14:05:15                                 14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_mirrored_graphs() -> None:
    assert drawn(
        80, 24, unheard(76, 92, 5 * KIB, 700), view=View(arrangement=Arrangement.MIRRORED)
    ) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 53 s: avg 75.2K p95 200K peak 200K, 5.0K unseen
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈5.0 KiB unseen┈┈┈┈┈┈┈┈┈┈
                  │▂         ▂█▂         ▂█▂         ▂█▂
              150 ┤█┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈
                  │█▃       ▃███▃       ▃███▃       ▃███▃                       ▃
              100 ┤██┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈
                  │██▅     ▅█████▅     ▅█████▅     ▅█████▅     ▅                █▅     ▅
               50 ┤███┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈███████┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈██┈┈┈┈┈█
                  │███▆   ▆███████▆   ▆███████▆   ▆███████▆   ▆█                ██▆   ▆█
                  │████▇ ▁█████████▇ ▁█████████▇ ▁█████████▇ ▁██················███▇ ▁██
                0 ├──14:04:30───────14:04:45───────14:05:00─────  14:05:15      ─────┬──
                  │█🮆 ▔█████████🮆 ▔█████████🮆 ▔█████████🮆 ▔█████················🮆 ▔█████
                  │🮅   🮅███████🮅   🮅███████🮅   🮅███████🮅   🮅████                   🮅████
                  │     ███████     ███████     ███████     ████                    ████
                  │     🮄█████🮄     🮄█████🮄     🮄█████🮄     🮄███                    🮄███
               50 ┤┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈███
                  │      🮃███🮃       🮃███🮃       🮃███🮃       🮃██                     🮃██
                  │       ███         ███         ███         ██                      ██
                  │       🮂█🮂         🮂█🮂         🮂█🮂         🮂█                      🮂█
        100 KiB/s ┤┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█700 B unseen┈┈┈┈┈┈┈┈┈┈┈█
        ▲ upload    100 KiB/s  last 53 s: avg 41.0K p95 100K peak 100K, 700B unseen
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_unseen_bytes() -> None:
    assert drawn(80, 24, unheard(50, 70, 5 * KIB, 700)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 49 s: avg 74.8K p95 200K peak 200K, 5.0K unseen
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈5.0 KiB unseen┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │▃         ▃█▃                                 ▃█▃         ▃█▃
              150 ┤█┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈
                  │█▆       ▆███▆                               ▆███▆       ▆███▆
              100 ┤██▂┈┈┈┈┈▂█████▂┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂
                  │███     ███████                             ███████     ███████     █
               50 ┤███▅┈┈┈▅███████▅┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅█
                  │████▆ ▁█████████▆ ▁····················█▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬────────────  ┬              ┬  ────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 49 s: avg 40.5K p95 100K peak 100K, 700B unseen
        100 KiB/s ┤┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈700 B unseen┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │       ▃█▃                                 ▃█▃         ▃█▃         ▃█
                  │       ███                                 ███         ███         ██
                  │      ▆███▆       ▆                       ▆███▆       ▆███▆       ▆██
               50 ┤┈┈┈┈┈▂█████▂┈┈┈┈┈▂█┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂███
                  │     ███████     ██                      ███████     ███████     ████
                  │▅   ▅███████▅   ▅██                     ▅███████▅   ▅███████▅   ▅████
                  │█▆ ▁█████████▆ ▁███····················▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬────────────  ┬              ┬  ────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_a_restart() -> None:
    assert drawn(80, 24, restarted(50, 70, uptime=6.0)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11  up 36 s   1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 49 s: avg 74.8K p95 200K peak 200K at 14:04:35
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈╎tor restarted┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │▃         ▃█▃                   ╎             ▃█▃         ▃█▃
              150 ┤█┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈╎┈┈┈┈┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈┈███┈┈┈┈┈┈┈┈
                  │█▆       ▆███▆                  ╎            ▆███▆       ▆███▆
              100 ┤██▂┈┈┈┈┈▂█████▂┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈╎┈┈┈┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂
                  │███     ███████                 ╎           ███████     ███████     █
               50 ┤███▅┈┈┈▅███████▅┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈╎┈┈┈┈┈┈▅┈┈┈▅███████▅┈┈┈▅███████▅┈┈┈▅█
                  │████▆ ▁█████████▆ ▁·············╎······█▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬────────────  ┬              ┬  ────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 49 s: avg 40.5K p95 100K peak 100K at 14:04:32
        100 KiB/s ┤┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈tor restarted╎┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │       ▃█▃                      ╎          ▃█▃         ▃█▃         ▃█
                  │       ███                      ╎          ███         ███         ██
                  │      ▆███▆       ▆             ╎         ▆███▆       ▆███▆       ▆██
               50 ┤┈┈┈┈┈▂█████▂┈┈┈┈┈▂█┈┈┈┈┈┈┈┈┈┈┈┈┈╎┈┈┈┈┈┈┈┈▂█████▂┈┈┈┈┈▂█████▂┈┈┈┈┈▂███
                  │     ███████     ██             ╎        ███████     ███████     ████
                  │▅   ▅███████▅   ▅██             ╎       ▅███████▅   ▅███████▅   ▅████
                  │█▆ ▁█████████▆ ▁███·············╎······▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬────────────  ┬              ┬  ────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 36 s ago: ▼ 2.2 MiB  ▲ 1.3 MiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_a_restart_in_a_small_window() -> None:
    assert drawn(50, 16, restarted(80, 92, uptime=6.0)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay         14:05:32
        ▼ download 80.0 KiB/s  last 27 s: avg 80.1K
        200 KiB/s ┤┈┈┈┈▂█▂┈┈┈┈┈┈┈┈┈▂█▂┈┈┈┈┈╎tor restarted┈
                  │   ▃███▃       ▃███     ╎      ▃
              100 ┤┈┈▅█████▅┈┈┈┈┈▅████┈┈┈┈┈╎┈┈┈┈┈┈█▅┈┈┈┈┈▅
                  │▁▆███████▆▃ ▁▆█████·····╎······██▆▃ ▁▆█
                0 └──────┬────────────  ┬         ─────┬──
        ▲ upload    100 KiB/s  last 27 s: avg 46.7K
        100 KiB/s ┤┈▂█▂┈┈┈┈┈┈┈┈┈▂█▂┈┈┈┈┈┈┈┈╎restart┈┈┈┈┈▂█
                  │▃███▃       ▃███▃       ╎           ▃██
               50 ┤█████▅┈┈┈┈┈▅█████▅┈┈┈┈┈┈╎┈┈┈┈┈┈┈┈┈┈▅███
                  │██████▆▃ ▁▆███████▆·····╎······▃ ▁▆████
                0 └──────┬────────────  ┬         ─────┬──
                     14:05:00       14:05:15
        since tor started 14 s ago: ▼ 381 KiB  ▲ 311 KiB
        q quit   ? help   space pause   +- zoom
        """
    )


def test_picture_of_a_restart_in_a_small_window_in_ascii() -> None:
    assert drawn(50, 16, restarted(80, 92, uptime=6.0), view=View(ASCII)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay         14:05:32
        v download 80.0 KiB/s  last 27 s: avg 80.1K
        200 KiB/s +````.#.`````````.#.`````!tor restarted`
                  |   :###:       :###     !      :
              100 +``o#####o`````o####`````!``````#o`````o
                  |.o#######o: .o#####-----!------##o: .o#
                0 +------+------------  +         -----+--
        ^ upload    100 KiB/s  last 27 s: avg 46.7K
        100 KiB/s +`.#.`````````.#.````````!restart`````.#
                  |:###:       :###:       !           :##
               50 +#####o`````o#####o``````!``````````o###
                  |######o: .o#######o-----!------: .o####
                0 +------+------------  +         -----+--
                     14:05:00       14:05:15
        since tor started 14 s ago: v 381 KiB  ^ 311 KiB
        q quit   ? help   space pause   +- zoom
        """
    )


def test_picture_of_unverified_buckets() -> None:
    assert drawn(80, 18, instance_after(remembered(45, 75), *seconds(75, 100))) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 25 s: avg 84.9K p95 200K peak 200K at 14:05:11
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │                      ███         ███         ███         ███
              100 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈
                  │              █     ███████     ███████     ███████     ███████     █
                  │··············██▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁██
                0 └      ┬       ╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌───────┬──────────────┬──
        ▲ upload    100 KiB/s  last 25 s: avg 44.8K p95 100K peak 100K at 14:05:08
        100 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │                   ███         ███         ███         ███         ██
               50 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈███
                  │                 ███████     ███████     ███████     ███████     ████
                  │·············· ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████
                0 └      ┬       ╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌───────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_before_the_first_sample() -> None:
    assert drawn(80, 18, instance_after(remembered(60, 100))) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download          -
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │                                  ███         ███         ███
              100 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈
                  │                                ███████     ███████     ███████     █
                  │····························· ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁██
                0 └      ┬              ┬       ╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌
        ▲ upload            -
        100 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█
                  │                               ███         ███         ███         ██
               50 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈███
                  │                             ███████     ███████     ███████     ████
                  │·····························████████▄ ▁█████████▄ ▁█████████▄ ▁█████
                0 └      ┬              ┬       ╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_a_lost_tor() -> None:
    assert drawn(80, 18, relay(LOST), after(7.25)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:39
        ▼ download          -  last 58 s: avg 77.0K p95 200K peak 200K at 14:04:47
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈
                  │                ███         ███         ███         ███
              100 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈┈┈┈┈┈┈
                  │  █     █     ███████     ███████     ███████     ███████     █
                  │▁██·····██▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁██······
                0 └┬──     ───────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload            -  last 58 s: avg 44.5K p95 100K peak 100K at 14:04:32
        100 KiB/s ┤┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈
                  │ ██          ███         ███         ███         ███         ██
               50 ┤███┈┈┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈███┈┈┈┈┈┈
                  │███        ███████     ███████     ███████     ███████     ████
                  │███····· ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████······
                0 └┬──     ───────┬──────────────┬──────────────┬──────────────┬──
                              14:04:45       14:05:00       14:05:15       14:05:30
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        no tor since 14:05:32, trying again in 1 s: it closed the connection
        """
    )


def test_picture_of_a_spike_on_a_logarithmic_scale() -> None:
    assert drawn(80, 18, history_of(spiked), view=View(logarithmic=True)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 69 s: avg 212K p95 200K peak 9.0M at 14:05:23    log
         10 MiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │                                                           █
        100 KiB/s ┤▆▅▃┈┈┈┈┈▃▅▆▇▆▅▃┈┈┈┈┈▃▅▆▇▆▅▃┈┈┈┈┈▃▅▆▇▆▅▃┈┈┈┈┈▃▅▆▇▆▅▃┈┈┈┈┈▃▅▆█▆▅▃┈┈┈┈┈▃
                  │████▅  █████████▅  █████████▅  █████████▅  █████████▅  █████████▅  ██
                  │█████ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁██
          1 KiB/s └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 69 s: avg 115K p95 100K peak 5.0M at 14:05:23
          5 MiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈
                  │                                                           █
        100 KiB/s ┤┈┈┈┈┈▁▃▅▆▅▃▁┈┈┈┈┈▁▃▅▆▅▃▁┈┈┈┈┈▁▃▅▆▅▃▁┈┈┈┈┈▁▃▅▆▅▃▁┈┈┈┈┈▁▃▅▆▅▃█┈┈┈┈┈▁▃▅▆
                  │▆▃  ▆███████▆▃  ▆███████▆▃  ▆███████▆▃  ▆███████▆▃  ▆███████▆▃  ▆████
                  │██ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁█████
          1 KiB/s └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_a_spike_cut_at_p99() -> None:
    assert drawn(80, 18, history_of(spiked), view=View(cut_at_p99=True)) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 69 s: avg 212K p95 200K peak 9.0M         cut at p99
        200 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈↑┈┈┈┈┈┈┈┈┈
                  │█         ███         ███         ███         ███         ███
              100 ┤██┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈
                  │███     ███████     ███████     ███████     ███████     ███████     █
                  │████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁██
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 69 s: avg 115K p95 100K peak 5.0M at 14:05:23
        100 KiB/s ┤┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈┈┈┈┈┈┈┈┈┈█┈┈↑┈┈┈┈┈┈┈┈█
                  │       ███         ███         ███         ███         ███ █       ██
               50 ┤┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈█████┈┈┈┈┈┈┈██████┈┈┈┈┈┈███
                  │     ███████     ███████     ███████     ███████     ███████     ████
                  │█▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████████▄ ▁█████
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout
        """
    )


def test_picture_of_coarse_columns_with_cursor_limit_and_quota() -> None:
    assert drawn(
        80,
        24,
        relay(Described(NEWEST, parse_context({**LIMIT, **QUOTA}))),
        view=View(resolution=5, cursor=1080, end=1095),
    ) == picture(
        """
        bwgraph  127.0.0.1:9051  my-relay  tor 0.4.9.11  5 s back  5 s/column   14:05:32
        ▼ download 80.0 KiB/s  90 s to 14:05:27: avg 82.1K peak 200K
        200 KiB/s ┤╍ limit 180 KiB/s ╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍│╍│╍╍│╍╍╍│╍╍│╍│╍╍│
                  │                                                   │ │ ││   ││ │ │ ││
                  │                                                  ╷█ █╷│▂   ▂│╷█ █╷│▂
              100 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈│█┈█││█┈┈┈█││█┈█││█
                  │                                                  │█ █│▆█│ │██│█ █│▆█
                  │                                                  ▅█╷█▇██│ │██▅█╷█▇██
                  │··················································██▆█████·█████▆████
                0 └   ┬           ┬           ┬           ┬          ─┬────── ────┬─┴───

        ▲ upload    100 KiB/s  90 s to 14:05:27: avg 42.8K peak 100K
        100 KiB/s ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈│┈┈│┈│┈│┈┈│┈│┈┈│┈│┈
                  │                                                  │ ││ ▃ │  │ │ ││ ▃
                  │                                                  █╷│▂ █ ▂ ╷█ █╷│▂ █
               50 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈█││█┈█┈█┈│█┈█││█┈█┈
                  │                                                  █│▆█│█│█ │█ █│▆█│█│
                  │                                                  █▇██│█│█ ▅█╷█▇██│█│
                  │··················································████████·██▆███████
                0 └   ┬           ┬           ┬           ┬          ─┬────── ────┬─┴───
                    14:00       14:01       14:02       14:03       14:04       14:05
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        quota (sum): 50.0 GiB left, resets 1 Dec 00:00, used up in 4 d 20 h
        14:05:07 to 14:05:12 ▼720K mean 144K peak 200K ▲300K mean 60.0K peak 100K
        """
    )


def test_picture_of_the_help() -> None:
    assert drawn(80, 24, view=View(help=True)) == picture(
        """
        bwgraph  keys; ? or esc to go back

        q           quit                        e           one scale for both
        ?           this help                   [ ]         pin scale lower, higher
        space       pause, continue             b           cut the scale at p99
        + -         zoom in and out             a           automatic scale again
        left right  scroll through time         tab         next: table, sum, tors
        pgup pgdn   scroll by a page            shift-tab   previous
        home end    to the oldest, the newest   1           1 to 9: that tor; 0: sum
        < >         read a column (or click)    up down     choose in the table
        esc         close help, cursor, tor     enter       open what is chosen
        m           arrange the two graphs      o           sort by name or traffic
        u           bytes or bits               s           save an SVG picture
        g           blocks, braille, ASCII      r           reconnect now
        l           linear or log scale         ^L          redraw the screen
        """
    )


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for kind in KINDS:
        file = file_of(*kind)
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join([*album(*kind), ""]), encoding="utf-8")
