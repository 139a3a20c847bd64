"""An SVG document is well-formed, stays in its view box, and fills exactly the right cells."""

import math
import re
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY
from scenes import CONNECTED, MOMENT, NEWEST, compose_graphs, instance_after

from bwgraph.model.events import Sample
from bwgraph.screen.frame import Frame, Line, Size, Span, Style
from bwgraph.screen.plot import BLOCK
from bwgraph.screen.svg import (
    BASELINE,
    CELL_HEIGHT,
    CELL_WIDTH,
    DARK,
    DOT_PITCH,
    LIGHT,
    MARGIN,
    Scheme,
    draw_svg,
)
from bwgraph.screen.view import View
from bwgraph.tor import demo_traffic

SVG = "{http://www.w3.org/2000/svg}"
SUBPATH = re.compile(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-([\d.]+)z")
DOTTED = re.compile(r"M([\d.]+) ([\d.]+)([hv])([\d.]+)")

DRAWN = " ▁▂▃▄▅▆▇█▀▔─│┤├└┘┌┐┬┴┼╌╎┆┊┈┄╷╵╴╶⠀⠁⡀⣿⢸⣀"
TEXT = st.text(
    st.characters()
    | st.sampled_from(DRAWN)
    | st.sampled_from("\x00\x1b\x07\t\n\r\x7f\x9b\x85\u202e\u0301東\ud800\ufffe\uffff<>&'\"]▼▲·é")
)
LINES = st.lists(
    st.lists(st.builds(Span, TEXT, st.sampled_from(Style), st.booleans()), max_size=4).map(tuple),
    max_size=12,
)
SIZES = st.builds(Size, st.integers(0, 40), st.integers(0, 12))


class Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    def units(self) -> Iterator[tuple[int, int]]:
        """Yield the SVG units that it covers."""
        assert all(number == int(number) for number in self)
        for x in range(int(self.x), int(self.x + self.width)):
            for y in range(int(self.y), int(self.y + self.height)):
                yield x, y


class Drawing:
    """An SVG document, parsed."""

    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg.encode())
        self.boxes: dict[str, list[Box]] = {}
        "The filled areas by class; 'ground' for those in the background colour."
        self.dots: dict[str, list[tuple[float, float]]] = {}
        self.words: dict[str, list[tuple[float, float, float, str]]] = {}
        for group in self.root.findall(f"{SVG}g"):
            self._read(group, group.attrib["class"])

    def _read(self, group: ET.Element, name: str) -> None:
        for element in group:
            if element.tag == f"{SVG}g":
                self._read(element, element.attrib["class"])
            elif element.tag == f"{SVG}text":
                x, y, length = (float(element.attrib[k]) for k in ("x", "y", "textLength"))
                assert element.text
                self.words.setdefault(name, []).append((x, y, length, element.text))
            elif element.get("class") == "dots":
                self.dots.setdefault(name, []).extend(_dots(element.attrib["d"]))
            else:
                self.boxes.setdefault(name, []).extend(_boxes(element.attrib["d"]))

    def units(self, name: str) -> set[tuple[int, int]]:
        """Return the SVG units that a class fills. Fail if one is filled twice."""
        units = [unit for box in self.boxes.get(name, []) for unit in box.units()]
        assert len(units) == len(set(units))
        return set(units)


def _boxes(path: str) -> list[Box]:
    assert SUBPATH.sub("", path) == ""
    found = [tuple(map(float, match.groups())) for match in SUBPATH.finditer(path)]
    assert all(there == back for *_, there, _, back in found)
    return [Box(*numbers[:4]) for numbers in found]


def _dots(path: str) -> Iterator[tuple[float, float]]:
    assert DOTTED.sub("", path) == ""
    for x, y, direction, length in DOTTED.findall(path):
        for i in range(int(float(length) / DOT_PITCH) + 1):
            step = i * DOT_PITCH
            yield (float(x) + step * (direction == "h"), float(y) + step * (direction == "v"))


def drawn(*lines: Line, size: Size | None = None) -> Drawing:
    """Return the drawing of these lines. They need not fit the size."""
    columns = max((sum(len(span.text) for span in line) for line in lines), default=0)
    return Drawing(draw_svg(Frame(lines, size or Size(columns, len(lines)))))


def download(text: str, *, reverse: bool = False) -> Drawing:
    """Return the drawing of a text in the style of the download."""
    return drawn((Span(text, Style.DOWNLOAD, reverse),))


# The document.


def test_document_has_the_size_of_the_frame_not_of_its_lines() -> None:
    root = drawn((Span("x"),), size=Size(80, 24)).root
    width, height = 80 * CELL_WIDTH + 2 * MARGIN, 24 * CELL_HEIGHT + 2 * MARGIN
    assert root.attrib["viewBox"] == f"-{MARGIN} -{MARGIN} {width} {height}"
    assert (root.attrib["width"], root.attrib["height"]) == (str(width), str(height))
    ground = root.find(f"{SVG}rect")
    assert ground is not None
    assert ground.attrib["class"] == "ground"
    assert float(ground.attrib["rx"]) > 0


def test_document_has_a_title_for_screen_readers() -> None:
    root = drawn().root
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "bwgraph")
    assert root.findtext(f"{SVG}title") == "bwgraph"


def test_lines_beyond_the_frame_are_cut() -> None:
    line = (Span("ab"), Span("█cd█", Style.DIM), Span("x█", Style.BOLD))
    drawing = drawn(line, line, size=Size(4, 1))
    assert drawing.words == {"plain": [(0, BASELINE, 16, "ab")], "dim": [(24, BASELINE, 8, "c")]}
    assert drawing.boxes == {"dim": [Box(16, 0, 8, 16)]}


# Shapes.


def test_half_block_fills_the_lower_half_of_its_cell() -> None:
    assert download("  ▄").boxes == {"download": [Box(16, 8, 8, 8)]}


@pytest.mark.parametrize("eighths", range(1, 9))
def test_block_fills_its_eighths_from_below_and_reversed_the_rest(eighths: int) -> None:
    block, height = BLOCK.levels[eighths], eighths * 2
    assert download(block).boxes == {"download": [Box(0, 16 - height, 8, height)]}
    rest = {"download": [Box(0, 0, 8, 16 - height)]} if eighths < 8 else {}
    assert download(block, reverse=True).boxes == rest


def test_reversed_block_hangs_from_the_top() -> None:
    assert download("▃", reverse=True).boxes == {"download": [Box(0, 0, 8, 10)]}


def test_upper_blocks_fill_the_upper_part_of_their_cell() -> None:
    assert download("▀").boxes == {"download": [Box(0, 0, 8, 8)]}
    assert download("▔").boxes == {"download": [Box(0, 0, 8, 2)]}
    assert download("▀▔", reverse=True).boxes == {"download": [Box(0, 8, 8, 8), Box(8, 2, 8, 14)]}


def test_reversed_space_is_filled() -> None:
    assert download(" a ", reverse=True).boxes == {"download": [Box(0, 0, 24, 16)]}
    assert download(" a ", reverse=True).words == {"ground": [(8, BASELINE, 8, "a")]}


def test_alert_is_filled_unless_reversed() -> None:
    assert drawn((Span("no tor", Style.ALERT),)).boxes == {"alert": [Box(0, 0, 48, 16)]}
    assert drawn((Span("no tor", Style.ALERT, reverse=True),)).boxes == {}


def test_bar_is_one_shape_and_so_are_adjacent_bars_of_equal_height() -> None:
    rows = " ▄▄ ", "▂███", "████"
    drawing = drawn(*((Span(row, Style.UPLOAD),) for row in rows))
    assert drawing.boxes == {
        "upload": [Box(0, 28, 8, 20), Box(8, 8, 16, 40), Box(24, 16, 8, 32)],
    }


def test_lines_join_at_the_edges_of_cells() -> None:
    assert download("──").boxes == {"download": [Box(0, 8, 16, 1)]}
    assert drawn(*2 * ((Span("│"),),)).boxes == {"plain": [Box(4, 0, 1, 32)]}


@pytest.mark.parametrize(
    "line",
    [
        "─lr",
        "│tb",
        "┤ltb",
        "├rtb",
        "└rt",
        "┘lt",
        "┌rb",
        "┐lb",
        "┬lrb",
        "┴lrt",
        "┼lrtb",
        "╷b",
        "╵t",
        "╴l",
        "╶r",
    ],
)
def test_line_reaches_the_edges_of_its_arms_only(line: str) -> None:
    char, arms = line[0], line[1:]
    boxes = download(char).boxes["download"]
    units = {unit for box in boxes for unit in box.units()}
    edges = {"l": (0, 8), "r": (CELL_WIDTH - 1, 8), "t": (4, 0), "b": (4, CELL_HEIGHT - 1)}
    assert {arm for arm, unit in edges.items() if unit in units} == {*arms}
    assert (4, 8) in units


@pytest.mark.parametrize(("char", "count"), [("╌", 2), ("┄", 3), ("╎", 2), ("┆", 3), ("┊", 4)])
def test_dashed_line_covers_half_its_length_with_count_dashes(char: str, count: int) -> None:
    dashes = download(char).boxes["download"]
    assert len(dashes) == count
    covered = sum(box.width * box.height for box in dashes)
    assert covered == pytest.approx((CELL_HEIGHT if char in "╎┆┊" else CELL_WIDTH) / 2, abs=0.05)


def test_grid_line_is_half_as_thick_and_one_shape() -> None:
    (line,) = download("┈┈┈").boxes["download"]
    assert (line.width, line.height) == (3 * CELL_WIDTH, 0.5)


def test_braille_character_has_a_dot_for_each_bit() -> None:
    places = [(2, 2), (2, 6), (2, 10), (6, 2), (6, 6), (6, 10), (2, 14), (6, 14)]
    for bit, place in enumerate(places):
        assert download(chr(0x2800 + (1 << bit))).dots == {"download": [place]}
    assert sorted(download("⣿").dots["download"]) == sorted(places)
    assert download("⠀").dots == {}


def test_reversed_dots_are_in_the_background_colour() -> None:
    drawing = download("⠁", reverse=True)
    assert drawing.boxes == {"download": [Box(0, 0, 8, 16)]}
    assert drawing.dots == {"ground": [(2, 2)]}


@PROPERTY
@given(st.lists(st.text(st.sampled_from(" ▁▂▃▄▅▆▇█▀▔"), max_size=8), max_size=5), st.booleans())
def test_merging_shapes_does_not_change_the_area(rows: list[str], reverse: bool) -> None:
    def filled(char: str, eighth: int) -> bool:
        level = BLOCK.levels.find(char)
        return eighth >= 8 - level if level >= 0 else eighth < {"▀": 4, "▔": 1}[char]

    drawing = drawn(*((Span(row, Style.UPLOAD, reverse),) for row in rows))
    assert drawing.units("upload") == {
        (column * CELL_WIDTH + x, row * CELL_HEIGHT + y)
        for row, text in enumerate(rows)
        for column, char in enumerate(text)
        for y in range(CELL_HEIGHT)
        if filled(char, y // 2) != reverse
        for x in range(CELL_WIDTH)
    }


@PROPERTY
@given(st.lists(st.text(st.characters(min_codepoint=0x2800, max_codepoint=0x28FF)), max_size=5))
def test_each_dot_is_drawn_once(rows: list[str]) -> None:
    dots = drawn(*((Span(row),) for row in rows)).dots.get("plain", [])
    assert len(dots) == len(set(dots)) == sum(ord(c).bit_count() - 2 for row in rows for c in row)


# Text.


def test_words_are_in_their_columns() -> None:
    drawing = drawn((Span(" q quit   r"), Span(" reconnect", Style.DIM)), (Span("x"),))
    assert drawing.words == {
        "plain": [(8, 12, 48, "q quit"), (80, 12, 8, "r"), (0, 28, 8, "x")],
        "dim": [(96, 12, 72, "reconnect")],
    }


def test_glyph_of_another_font_does_not_move_the_text_beside_it() -> None:
    assert drawn((Span("▼ down ▲▲up"),)).words == {
        "plain": [(0, 12, 8, "▼"), (16, 12, 32, "down"), (56, 12, 16, "▲▲"), (72, 12, 16, "up")]
    }


def test_characters_special_or_forbidden_in_xml_are_escaped_or_replaced() -> None:
    drawing = drawn((Span("<b>&amp;]]>\x00\x1b\n\ud800\uffff"),))
    assert drawing.words == {"plain": [(0, 12, 128, "<b>&amp;]]>?????")]}


@PROPERTY
@given(LINES, SIZES)
def test_any_frame_stays_in_the_view_box(lines: list[Line], size: Size) -> None:
    svg = draw_svg(Frame(tuple(lines), size))
    assert svg == draw_svg(Frame(tuple(lines), size))
    drawing = Drawing(svg)
    width, height = size.columns * CELL_WIDTH, size.rows * CELL_HEIGHT
    for boxes in drawing.boxes.values():
        for box in boxes:
            assert 0 <= box.x < box.x + box.width <= width
            assert 0 <= box.y < box.y + box.height <= height
    for dots in drawing.dots.values():
        assert all(2 <= x <= width - 2 and 2 <= y <= height - 2 for x, y in dots)
    for words in drawing.words.values():
        for x, y, length, word in words:
            assert 0 <= x < x + length <= width
            assert length == len(word) * CELL_WIDTH
            assert 0 < y < height


@PROPERTY
@given(LINES, SIZES)
def test_each_letter_of_any_frame_is_in_its_cell(lines: list[Line], size: Size) -> None:
    frame = Frame.fit(lines, size)
    cells = {
        (column, row): char
        for row, line in enumerate(frame.text())
        for column, char in enumerate(line)
        if char not in DRAWN
    }
    words = [word for words in Drawing(draw_svg(frame)).words.values() for word in words]
    assert cells == {
        (int(x) // CELL_WIDTH + i, int(y) // CELL_HEIGHT): char
        for x, y, _, word in words
        for i, char in enumerate(word)
        if char != " "
    }


def test_every_unicode_character_makes_well_formed_xml() -> None:
    characters = "".join(map(chr, range(sys.maxunicode + 1)))
    rows = [characters[i : i + 4096] for i in range(0, len(characters), 4096)]
    drawn(*((Span(row),) for row in rows))


# Colours.


@pytest.mark.parametrize("style", Style)
def test_every_style_has_its_class_in_both_schemes(style: Style) -> None:
    dark, light = style_sheets()
    rule = re.compile(rf"^\.{style.name.lower()}{{color:(#[0-9a-f]{{6}})}}$", re.MULTILINE)
    assert rule.findall(dark) == [DARK.inks[style]]
    assert rule.findall(light) == [LIGHT.inks[style]]


def style_sheets() -> tuple[str, str]:
    """Return the style sheet's rules for the dark and for the light scheme."""
    sheet = drawn().root.findtext(f"{SVG}style") or ""
    dark, light = sheet.split("@media (prefers-color-scheme:light){")
    return dark, light


def test_each_style_is_a_group_of_its_class() -> None:
    drawing = drawn(*((Span("a▄", style),) for style in Style))
    assert [g.attrib["class"] for g in drawing.root.findall(f"{SVG}g")] == [
        style.name.lower() for style in Style
    ]


@pytest.mark.parametrize("scheme", [DARK, LIGHT])
def test_every_colour_has_enough_contrast_to_the_background(scheme: Scheme) -> None:
    ground = luminance(scheme.ground)
    for style, ink in scheme.inks.items():
        low, high = sorted((ground, luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, style  # WCAG 2.1, level AA


SIGHTS = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "no green": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "no blue": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"How each kind of sight transforms linear RGB (Machado, Oliveira and Fernandes 2009)."


@pytest.mark.parametrize("scheme", [DARK, LIGHT])
@pytest.mark.parametrize("sight", SIGHTS)
def test_graph_colours_can_be_distinguished_by_any_sight(scheme: Scheme, sight: str) -> None:
    styles = (Style.DOWNLOAD, Style.UPLOAD, Style.LIMIT, Style.DIM)
    for one, other in combinations(styles, 2):
        distance = math.dist(lab(scheme.inks[one], sight), lab(scheme.inks[other], sight))
        assert distance >= 18, (one, other)  # a difference of 10 is visible at a glance


def linear(colour: str) -> list[float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(colour: str) -> float:
    return dot((0.2126, 0.7152, 0.0722), linear(colour))


def lab(colour: str, sight: str) -> tuple[float, float, float]:
    """Return a colour as it is seen, in CIELAB."""
    r, g, b = (min(max(dot(row, linear(colour)), 0), 1) for row in SIGHTS[sight])

    def f(value: float) -> float:
        return value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116

    x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505)
    y = f(0.2126 * r + 0.7152 * g + 0.0722 * b)
    z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def dot(row: tuple[float, ...], column: list[float]) -> float:
    return sum(a * b for a, b in zip(row, column, strict=True))


# File size.


def demo_frame(size: Size) -> Frame:
    """Return the screen of a tor whose rate differs in each second."""
    samples = [
        Sample(NEWEST - 299 + i, *demo_traffic.traffic(i * 20), seconds=1.0)
        for i in range(300)
        if i % 50
    ]
    return compose_graphs(instance_after(CONNECTED, *samples), View(), size, MOMENT)


def test_file_of_a_large_graph_is_small() -> None:
    assert len(draw_svg(demo_frame(Size(120, 35))).encode()) < 12_000


@pytest.mark.parametrize("chars", ["▁▂▃▄▅▆▇█", "⣀⣤⣶⣿⡇⢸"])
def test_file_of_a_screen_full_of_shapes_is_not_large(chars: str) -> None:
    # Each line is the one above moved by a column, so that hardly any two cells can be merged.
    bars = [(Span((chars * 20)[i % 7 :][:120], Style.UPLOAD),) for i in range(35)]
    assert len(draw_svg(Frame(tuple(bars), Size(120, 35))).encode()) < 62_000
