"""A frame as a picture: an SVG document that looks like the terminal that shows it.

Owns the geometry of a cell, the colours, and what is drawn as a shape: blocks, lines and braille,
which fonts leave gaps between. Must not know what a frame shows, nor where the picture goes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from bwgraph.model.printable import printable
from bwgraph.screen.frame import Frame, Size, Span, Style

CELL_WIDTH = 8
"Units that a cell is wide."

CELL_HEIGHT = 16
"Units that a cell is high: an eighth of it is a whole number."

MARGIN = 12
"Units around the cells."

BASELINE = 12
"Units from the top of a cell to where its letters stand."

DOT_PITCH = 4
"Units from one dot of braille to the next; two fill a cell's width, four its height."


class Scheme(NamedTuple):
    """Colours, as CSS has them."""

    ground: str
    edge: str
    inks: dict[Style, str]


# Blue, orange and purple are told apart by the colour-blind too, and differ in lightness.
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


def _colours(scheme: Scheme) -> str:
    classes = {style.name.lower(): ink for style, ink in scheme.inks.items()}
    classes["ground"] = scheme.ground  # the last: it wins where an element has two
    rules = [f".{name}{{color:{colour}}}" for name, colour in classes.items()]
    return "\n".join([*rules, f"rect{{stroke:{scheme.edge}}}"])


_SHEET = f"""\
svg{{font:13.3px {_FONTS}}}
rect,path,text{{fill:currentColor}}
.bold,.alert{{font-weight:bold}}
.dots{{fill:none;stroke:currentColor;stroke-width:3;stroke-linecap:round;\
stroke-dasharray:.01 {DOT_PITCH - 0.01}}}
{_colours(DARK)}
@media (prefers-color-scheme:light){{
{_colours(LIGHT)}
}}"""


class _Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> "_Rect":
        return _Rect(self.x + x, self.y + y, self.width, self.height)

    def flipped(self) -> "_Rect":
        """Mirrored so that across is down."""
        return _Rect(self.y, self.x, self.height, self.width)


_CELL = _Rect(0, 0, CELL_WIDTH, CELL_HEIGHT)


def _band(begin: int, end: int) -> tuple[_Rect, ...]:
    """A cell from so many eighths of its height to so many, from above."""
    eighth = CELL_HEIGHT // 8
    return (_Rect(0, begin * eighth, CELL_WIDTH, (end - begin) * eighth),) if begin < end else ()


def _lines(arms: str) -> tuple[_Rect, ...]:
    """The lines that go from a cell's middle to the left, right, top and bottom, by initial."""
    x, y = CELL_WIDTH // 2, CELL_HEIGHT // 2
    rects = []
    if {*"lr"} & {*arms}:
        begin, end = 0 if "l" in arms else x, CELL_WIDTH if "r" in arms else x + 1
        rects.append(_Rect(begin, y, end - begin, 1))
    if {*"tb"} & {*arms}:
        begin, end = 0 if "t" in arms else y, CELL_HEIGHT if "b" in arms else y + 1
        rects.append(_Rect(x, begin, 1, end - begin))
    return tuple(rects)


def _dashes(count: int) -> tuple[_Rect, ...]:
    """A line across that is broken so often; it goes on in the next cell as if it were one."""
    period = CELL_WIDTH / count
    return tuple(_Rect((i + 0.25) * period, CELL_HEIGHT // 2, period / 2, 1) for i in range(count))


def _upright(count: int) -> tuple[_Rect, ...]:
    """The same from the top down."""
    period = CELL_HEIGHT / count
    return tuple(_Rect(CELL_WIDTH // 2, (i + 0.25) * period, 1, period / 2) for i in range(count))


_BLOCKS = {" ": (8, 8), "▀": (0, 4), "▔": (0, 1)} | {
    block: (7 - i, 8) for i, block in enumerate("▁▂▃▄▅▆▇█")
}
"The eighths of a cell's height between which it is filled."

# fmt: off
_ARMS = {
    "─": "lr", "│": "tb", "┤": "ltb", "├": "rtb", "└": "rt",
    "┘": "lt", "┌": "rb", "┐": "lb", "┬": "lrb", "┴": "lrt",
    "┼": "lrtb", "╷": "b", "╵": "t", "╴": "l", "╶": "r",
}
# fmt: on

_SHAPES = {block: _band(begin, end) for block, (begin, end) in _BLOCKS.items()}
_SHAPES |= {char: _lines(arms) for char, arms in _ARMS.items()}
_SHAPES |= {"╌": _dashes(2), "┄": _dashes(3)}
# The finest of them is the grid's, all across the picture: half a line is as light, and one shape.
_SHAPES |= {"┈": (_Rect(0, CELL_HEIGHT // 2, CELL_WIDTH, 0.5),)}
_SHAPES |= {"╎": _upright(2), "┆": _upright(3), "┊": _upright(4)}

# In reverse a block is the rest of its cell. To draw the block over a whole cell in the colour of
# the ground would leave a thread of the ink along the cell's edge.
_RESTS = {block: (*_band(0, begin), *_band(end, 8)) for block, (begin, end) in _BLOCKS.items()}

_BRAILLE = range(0x2800, 0x2900)
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"Where each bit of a braille character has its dot: across and down."

# Letters that any font has, single blanks between them; or a glyph that may come from another
# font, in another width, and so must not move its neighbours.
_WORDS = re.compile(r"[!-\u024f]+(?: [!-\u024f]+)*|([^ ])\1*")


@dataclass(slots=True)
class _Ink:
    """All that is drawn in one colour."""

    rects: list[_Rect] = field(default_factory=list)
    dots: list[_Rect] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def draw(self, char: str, x: int, y: int) -> bool:
        """Draw a character in the cell there, if it has a shape; and tell whether it has."""
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

    def write(self, text: str, x: int, y: int) -> None:
        """Set text that begins in the cell there."""
        for match in _WORDS.finditer(printable(text)):
            word = match[0]
            # A strange glyph is made as wide as its cell; letters are only set apart.
            squeeze = ' lengthAdjust="spacingAndGlyphs"' if match[1] else ""
            left = x + match.start() * CELL_WIDTH
            self.words.append(
                f'<text x="{left}" y="{y + BASELINE}" textLength="{len(word) * CELL_WIDTH}"'
                f"{squeeze}>{escape(word, quote=False)}</text>"
            )

    def markup(self) -> list[str]:
        """The elements that show it."""
        found = []
        if self.rects:
            found.append(f'<path d="{"".join(map(_outline, _merged(self.rects)))}"/>')
        if self.dots:
            found.append(f'<path class="dots" d="{"".join(map(_dotted, _rows(self.dots)))}"/>')
        return found + self.words


def draw_svg(frame: Frame) -> str:
    r"""Draw a frame, dark or light as the reader has it.

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
    # What is drawn in a style's own colour, and what stands in the ground's colour on that.
    inks = {style: (_Ink(), _Ink()) for style in Style}
    for row, line in enumerate(frame.lines[: frame.size.rows]):
        column = 0
        for span in line:
            text = span.text[: frame.size.columns - column]
            _draw(span, text, column * CELL_WIDTH, row * CELL_HEIGHT, inks[span.style])
            column += len(text)
    document = [*_opening(frame.size)]
    for style, (ink, hole) in inks.items():
        own, cut = ink.markup(), hole.markup()
        if cut:
            own += ['<g class="ground">', *cut, "</g>"]
        if own:
            document += [f'<g class="{style.name.lower()}">', *own, "</g>"]
    return "\n".join([*document, "</svg>\n"])


def _opening(size: Size) -> Iterable[str]:
    """All that comes before the cells; the first of them begins at the origin."""
    width, height = size.columns * CELL_WIDTH + 2 * MARGIN, size.rows * CELL_HEIGHT + 2 * MARGIN
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" role="img"'
        f' aria-label="bwgraph" width="{width}" height="{height}"'
        f' viewBox="{-MARGIN} {-MARGIN} {width} {height}">'
    )
    yield "<title>bwgraph</title>"
    yield f"<style>\n{_SHEET}\n</style>"
    # Half a unit inside, so that all of its edge is seen.
    yield (
        f'<rect class="ground" x="{0.5 - MARGIN}" y="{0.5 - MARGIN}"'
        f' width="{width - 1}" height="{height - 1}" rx="8"/>'
    )


def _draw(span: Span, text: str, x: int, y: int, inks: tuple[_Ink, _Ink]) -> None:
    """Draw so much of a span's text from the cell there on."""
    ink, hole = inks
    reverse = span.reverse != (span.style is Style.ALERT)
    glyphs = hole if reverse else ink
    rest = ""
    for i, char in enumerate(text):
        left = x + i * CELL_WIDTH
        if reverse:
            ink.rects += [rect.moved(left, y) for rect in _RESTS.get(char, (_CELL,))]
        drawn = (reverse and char in _RESTS) or glyphs.draw(char, left, y)
        rest += " " if drawn else char
    glyphs.write(rest, x, y)


def _merged(rects: Iterable[_Rect]) -> list[_Rect]:
    """The same area in fewer: a bar's cells to a bar, and equal bars side by side to one.

    >>> _merged([_Rect(0, 0, 8, 16), _Rect(8, 10, 8, 6), _Rect(8, 16, 8, 16), _Rect(0, 16, 8, 16)])
    [_Rect(x=0, y=0, width=8, height=32), _Rect(x=8, y=10, width=8, height=22)]
    """
    bars = _stacked(rects)
    return sorted(rect.flipped() for rect in _stacked(rect.flipped() for rect in bars))


def _rows(dots: Iterable[_Rect]) -> list[_Rect]:
    """Dots as rows of them, down where there is more than one, or else across.

    >>> _rows([_Rect(0, 0, 4, 4), _Rect(0, 4, 4, 4), _Rect(4, 0, 4, 4), _Rect(8, 0, 4, 4)])
    [_Rect(x=0, y=0, width=4, height=8), _Rect(x=4, y=0, width=8, height=4)]
    """
    down = _stacked(dots)
    single = [rect.flipped() for rect in down if rect.height == DOT_PITCH]
    across = [rect.flipped() for rect in _stacked(single)]
    return sorted([rect for rect in down if rect.height > DOT_PITCH] + across)


def _stacked(rects: Iterable[_Rect]) -> list[_Rect]:
    """Join those of one width that stand exactly on one another."""
    joined: list[_Rect] = []
    for rect in sorted(rects, key=lambda rect: (rect.x, rect.width, rect.y)):
        x, y, width, height = joined[-1] if joined else _Rect(0, 0, 0, 0)
        if (x, y + height, width) == rect[:3]:
            joined[-1] = _Rect(x, y, width, height + rect.height)
        else:
            joined.append(rect)
    return joined


def _outline(rect: _Rect) -> str:
    x, y, width, height = map(_number, rect)
    return f"M{x} {y}h{width}v{height}h-{width}z"


def _dotted(row: _Rect) -> str:
    """A line for the style sheet to break into dots, from the first's middle to the last's."""
    # A hundredth longer than that, for the last dash to have a length like the others.
    way = "v" if row.height > DOT_PITCH else "h"
    length = max(row.width, row.height) - DOT_PITCH + 0.01
    return (
        f"M{_number(row.x + DOT_PITCH / 2)} {_number(row.y + DOT_PITCH / 2)}{way}{_number(length)}"
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
