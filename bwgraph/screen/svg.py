"""Draw a frame as an SVG document that looks like the terminal.

Owns the geometry of a cell, the colours, and which characters are drawn as shapes instead of text:
blocks, lines and braille, since fonts leave gaps between them. Must not know what a frame shows,
nor where the document is written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from bwgraph.model.printable import printable
from bwgraph.screen.frame import Frame, Size, Span, Style

CELL_WIDTH = 8
"The width of a cell, in SVG units."

CELL_HEIGHT = 16
"The height of a cell, in SVG units; a multiple of 8, so that eighths are whole numbers."

MARGIN = 12
"The space around the cells, in SVG units."

BASELINE = 12
"The distance from the top of a cell to the baseline of its letters, in SVG units."

DOT_PITCH = 4
"The distance between two braille dots, in SVG units: half a cell's width, a quarter of its height."


class Scheme(NamedTuple):
    """Colours, in CSS notation."""

    ground: str
    "The background."
    edge: str
    "The line around the background."
    inks: dict[Style, str]
    "The colour of each style."


# Download is blue and upload orange, which can be distinguished with any colour vision. The limit
# is pink on a dark background and purple on a light one.
DARK = Scheme(
    ground="#0e1116",
    edge="#2b313b",
    inks={
        Style.PLAIN: "#d5dae1",
        Style.BOLD: "#ffffff",
        Style.DIM: "#8b949e",
        Style.DOWNLOAD: "#0087ff",
        Style.UPLOAD: "#ff8700",
        Style.LIMIT: "#f3a6e0",
        Style.ALERT: "#ffd75f",
    },
)
LIGHT = Scheme(
    ground="#fdfdfb",
    edge="#d5d7da",
    inks={
        Style.PLAIN: "#24292f",
        Style.BOLD: "#000000",
        Style.DIM: "#656d76",
        Style.DOWNLOAD: "#005fd7",
        Style.UPLOAD: "#c04f00",
        Style.LIMIT: "#6d0a7d",
        Style.ALERT: "#9a0018",
    },
)

_FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"


def _colour_rules(scheme: Scheme) -> str:
    classes = {style.name.lower(): ink for style, ink in scheme.inks.items()}
    classes["ground"] = scheme.ground  # last, so that it overrides the other class of an element
    rules = [f".{name}{{color:{colour}}}" for name, colour in classes.items()]
    return "\n".join([*rules, f"rect{{stroke:{scheme.edge}}}"])


_STYLE_SHEET = f"""\
svg{{font:13.3px {_FONTS}}}
rect,path,text{{fill:currentColor}}
.bold,.alert{{font-weight:bold}}
.dots{{fill:none;stroke:currentColor;stroke-width:3;stroke-linecap:round;\
stroke-dasharray:.01 {DOT_PITCH - 0.01}}}
{_colour_rules(DARK)}
@media (prefers-color-scheme:light){{
{_colour_rules(LIGHT)}
}}"""


class _Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> "_Rect":
        return _Rect(self.x + x, self.y + y, self.width, self.height)

    def transposed(self) -> "_Rect":
        """Return it with x and y swapped."""
        return _Rect(self.y, self.x, self.height, self.width)


_CELL = _Rect(0, 0, CELL_WIDTH, CELL_HEIGHT)


def _band(begin: int, end: int) -> tuple[_Rect, ...]:
    """Return the part of a cell between two heights, in eighths from the top."""
    eighth = CELL_HEIGHT // 8
    return (_Rect(0, begin * eighth, CELL_WIDTH, (end - begin) * eighth),) if begin < end else ()


def _lines(arms: str) -> tuple[_Rect, ...]:
    """Return lines from a cell's middle to its edges: ``l``, ``r``, ``t``, ``b``."""
    x, y = CELL_WIDTH // 2, CELL_HEIGHT // 2
    rects = []
    if {*"lr"} & {*arms}:
        begin, end = 0 if "l" in arms else x, CELL_WIDTH if "r" in arms else x + 1
        rects.append(_Rect(begin, y, end - begin, 1))
    if {*"tb"} & {*arms}:
        begin, end = 0 if "t" in arms else y, CELL_HEIGHT if "b" in arms else y + 1
        rects.append(_Rect(x, begin, 1, end - begin))
    return tuple(rects)


def _horizontal_dashes(count: int) -> tuple[_Rect, ...]:
    """Return a dashed line that continues evenly in the next cell."""
    period = CELL_WIDTH / count
    return tuple(_Rect((i + 0.25) * period, CELL_HEIGHT // 2, period / 2, 1) for i in range(count))


def _vertical_dashes(count: int) -> tuple[_Rect, ...]:
    period = CELL_HEIGHT / count
    return tuple(_Rect(CELL_WIDTH // 2, (i + 0.25) * period, 1, period / 2) for i in range(count))


_BLOCKS = {" ": (8, 8), "▀": (0, 4), "▔": (0, 1)} | {
    block: (7 - i, 8) for i, block in enumerate("▁▂▃▄▅▆▇█")
}
"Between which heights a cell is filled, in eighths from the top."

# fmt: off
_ARMS = {
    "─": "lr", "│": "tb", "┤": "ltb", "├": "rtb", "└": "rt",
    "┘": "lt", "┌": "rb", "┐": "lb", "┬": "lrb", "┴": "lrt",
    "┼": "lrtb", "╷": "b", "╵": "t", "╴": "l", "╶": "r",
}
# fmt: on

_SHAPES = {block: _band(begin, end) for block, (begin, end) in _BLOCKS.items()}
_SHAPES |= {char: _lines(arms) for char, arms in _ARMS.items()}
_SHAPES |= {"╌": _horizontal_dashes(2), "┄": _horizontal_dashes(3)}
# The grid's dashes cross the whole picture. A line of half the width looks as light, and is one
# shape however long.
_SHAPES |= {"┈": (_Rect(0, CELL_HEIGHT // 2, CELL_WIDTH, 0.5),)}
_SHAPES |= {"╎": _vertical_dashes(2), "┆": _vertical_dashes(3), "┊": _vertical_dashes(4)}

# In reverse video, fill the rest of the cell instead of the block. A block in the background colour
# over a filled cell would leave a thin line along the cell's edge.
_REVERSED_BLOCKS = {
    block: (*_band(0, begin), *_band(end, 8)) for block, (begin, end) in _BLOCKS.items()
}

_BRAILLE = range(0x2800, 0x2900)
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"The column and row of the dot of each bit of a braille character."

# Letters that every font has, with single spaces between them; or a repeated glyph that may come
# from another font with another width, and must not move the text beside it.
_WORDS = re.compile(r"[!-\u024f]+(?: [!-\u024f]+)*|([^ ])\1*")


@dataclass(slots=True)
class _Layer:
    """Everything drawn in one colour."""

    rects: list[_Rect] = field(default_factory=list)
    dots: list[_Rect] = field(default_factory=list)
    "A square of ``DOT_PITCH`` for each dot."
    texts: list[str] = field(default_factory=list)
    "SVG elements."

    def draw_shape(self, char: str, x: int, y: int) -> bool:
        """Draw a character as a shape in the cell at this point; return False if it has none."""
        if char in _SHAPES:
            self.rects += [rect.moved(x, y) for rect in _SHAPES[char]]
        elif ord(char) in _BRAILLE:
            self.dots += [
                _Rect(x + across * DOT_PITCH, y + down * DOT_PITCH, DOT_PITCH, DOT_PITCH)
                for bit, (across, down) in enumerate(_DOTS)
                if ord(char) >> bit & 1
            ]
        else:
            return False
        return True

    def add_text(self, text: str, x: int, y: int) -> None:
        """Write text that begins in the cell at this point."""
        for match in _WORDS.finditer(printable(text)):
            word = match[0]
            # Stretch a glyph from another font to its cell; for letters adjust the spacing only.
            stretch = ' lengthAdjust="spacingAndGlyphs"' if match[1] else ""
            left = x + match.start() * CELL_WIDTH
            self.texts.append(
                f'<text x="{left}" y="{y + BASELINE}" textLength="{len(word) * CELL_WIDTH}"'
                f"{stretch}>{escape(word, quote=False)}</text>"
            )

    def elements(self) -> list[str]:
        """Return the SVG elements of this layer."""
        paths = []
        if self.rects:
            paths.append(f'<path d="{"".join(map(_rect_path, _merged(self.rects)))}"/>')
        if self.dots:
            dotted = "".join(map(_dotted_path, _dotted_lines(self.dots)))
            paths.append(f'<path class="dots" d="{dotted}"/>')
        return paths + self.texts


def draw_svg(frame: Frame) -> str:
    r"""Return a frame as an SVG document, dark or light as the viewer prefers.

    >>> svg = draw_svg(Frame.fit([(Span("<up>"), Span(" ▄▄", Style.UPLOAD))], Size(7, 1)))
    >>> print(*svg.splitlines()[-7:], sep="\n")
    <g class="plain">
    <text x="0" y="12" textLength="32">&lt;up&gt;</text>
    </g>
    <g class="upload">
    <path d="M40 8h16v8h-16z"/>
    </g>
    </svg>
    """
    # For each style a layer in its colour, and above it one in the background colour.
    layers = {style: (_Layer(), _Layer()) for style in Style}
    for row, line in enumerate(frame.lines[: frame.size.rows]):
        column = 0
        for span in line:
            text = span.text[: frame.size.columns - column]
            _draw_span(span, text, column * CELL_WIDTH, row * CELL_HEIGHT, layers[span.style])
            column += len(text)
    document = [*_opening_elements(frame.size)]
    for style, (ink, ground) in layers.items():
        elements, ground_elements = ink.elements(), ground.elements()
        if ground_elements:
            elements += ['<g class="ground">', *ground_elements, "</g>"]
        if elements:
            document += [f'<g class="{style.name.lower()}">', *elements, "</g>"]
    return "\n".join([*document, "</svg>\n"])


def _opening_elements(size: Size) -> Iterable[str]:
    """Yield the elements before the cells. The upper left cell begins at the origin."""
    width, height = size.columns * CELL_WIDTH + 2 * MARGIN, size.rows * CELL_HEIGHT + 2 * MARGIN
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img"'
        f' aria-label="bwgraph" width="{width}" height="{height}"'
        f' viewBox="{-MARGIN} {-MARGIN} {width} {height}">'
    )
    yield "<title>bwgraph</title>"
    yield f"<style>\n{_STYLE_SHEET}\n</style>"
    # Half a unit inside, so that its whole edge is visible.
    yield (
        f'<rect class="ground" x="{0.5 - MARGIN}" y="{0.5 - MARGIN}"'
        f' width="{width - 1}" height="{height - 1}" rx="8"/>'
    )


def _draw_span(span: Span, text: str, x: int, y: int, layers: tuple[_Layer, _Layer]) -> None:
    """Draw the visible text of a span, from the cell at this point on."""
    ink, ground = layers
    # An alert is in reverse video unless the span is.
    reverse = span.reverse != (span.style is Style.ALERT)
    glyphs = ground if reverse else ink
    rest = ""
    for i, char in enumerate(text):
        left = x + i * CELL_WIDTH
        if reverse:
            ink.rects += [rect.moved(left, y) for rect in _REVERSED_BLOCKS.get(char, (_CELL,))]
        drawn = (reverse and char in _REVERSED_BLOCKS) or glyphs.draw_shape(char, left, y)
        rest += " " if drawn else char
    glyphs.add_text(rest, x, y)


def _merged(rects: Iterable[_Rect]) -> list[_Rect]:
    """Cover the same area with fewer rectangles: join a bar's cells, then equal bars in a row.

    >>> _merged([_Rect(0, 0, 8, 16), _Rect(8, 10, 8, 6), _Rect(8, 16, 8, 16), _Rect(0, 16, 8, 16)])
    [_Rect(x=0, y=0, width=8, height=32), _Rect(x=8, y=10, width=8, height=22)]
    """
    bars = _joined_vertically(rects)
    transposed = _joined_vertically(rect.transposed() for rect in bars)
    return sorted(rect.transposed() for rect in transposed)


def _dotted_lines(dots: Iterable[_Rect]) -> list[_Rect]:
    """Join dots to vertical lines, and those left single to horizontal lines.

    >>> _dotted_lines([_Rect(0, 0, 4, 4), _Rect(0, 4, 4, 4), _Rect(4, 0, 4, 4), _Rect(8, 0, 4, 4)])
    [_Rect(x=0, y=0, width=4, height=8), _Rect(x=4, y=0, width=8, height=4)]
    """
    vertical = _joined_vertically(dots)
    single = [rect.transposed() for rect in vertical if rect.height == DOT_PITCH]
    horizontal = [rect.transposed() for rect in _joined_vertically(single)]
    return sorted([rect for rect in vertical if rect.height > DOT_PITCH] + horizontal)


def _joined_vertically(rects: Iterable[_Rect]) -> list[_Rect]:
    """Join rectangles of equal width that stand directly on one another."""
    joined: list[_Rect] = []
    for rect in sorted(rects, key=lambda rect: (rect.x, rect.width, rect.y)):
        x, y, width, height = joined[-1] if joined else _Rect(0, 0, 0, 0)
        if (x, y + height, width) == rect[:3]:
            joined[-1] = _Rect(x, y, width, height + rect.height)
        else:
            joined.append(rect)
    return joined


def _rect_path(rect: _Rect) -> str:
    x, y, width, height = map(_number, rect)
    return f"M{x} {y}h{width}v{height}h-{width}z"


def _dotted_path(line: _Rect) -> str:
    """Return a path from the first dot's centre to the last's; the style sheet makes it dotted."""
    # 0.01 longer, so that the last dot has the same length as the others.
    direction = "v" if line.height > DOT_PITCH else "h"
    length = max(line.width, line.height) - DOT_PITCH + 0.01
    x, y = _number(line.x + DOT_PITCH / 2), _number(line.y + DOT_PITCH / 2)
    return f"M{x} {y}{direction}{_number(length)}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
