"""Hold a screen's content: lines of styled text that fit the window.

Owns the guarantee that a ``Frame`` never exceeds its size and contains only characters that print
in one cell. Escape sequences from outside are made harmless here. Must not know what the text says.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from bwgraph.model.printable import printable


class Style(Enum):
    """The meaning of a piece of text; each output decides how to show it."""

    PLAIN = auto()
    BOLD = auto()
    DIM = auto()
    DOWNLOAD = auto()
    UPLOAD = auto()
    LIMIT = auto()
    ALERT = auto()


class Span(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: Style = Style.PLAIN
    reverse: bool = False
    "Whether to show it in reverse video, as hanging bars of block characters are."


Line = tuple[Span, ...]


class Size(NamedTuple):
    """The size of a window, in cells."""

    columns: int
    rows: int


class Frame(NamedTuple):
    """The content of a whole screen, made by ``fit``."""

    lines: tuple[Line, ...]
    size: Size

    @classmethod
    def fit(cls, lines: Iterable[Line], size: Size) -> "Frame":
        r"""Return a frame of these lines, cut to the size, with unsafe characters replaced.

        >>> Frame.fit([(Span("up"), Span("load\x1b[2J"))], Size(5, 1)).text()
        ['uploa']
        >>> Frame.fit([(Span("\x1b[2J"),)], Size(9, 1)).text()
        ['?[2J']
        """
        return cls(tuple(_cut(line, size.columns) for line in lines)[: size.rows], size)

    def text(self) -> list[str]:
        """Return the lines without their styles."""
        return ["".join(span.text for span in line) for line in self.lines]


def _cut(line: Line, columns: int) -> Line:
    cut = []
    for span in line:
        if columns <= 0:
            break
        text = printable(span.text[:columns])  # cut first: text from outside may be very long
        if text:
            cut.append(span if text == span.text else span._replace(text=text))
        columns -= len(text)
    return tuple(cut)
