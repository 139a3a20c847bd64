"""Styled text that fits its window: what the screen hands to the terminal.

Owns the guarantee that nothing else needs to think about: a ``Frame`` never leaves its size, and
holds only characters that print in one cell. An escape sequence that came in from outside dies
here. Knows nothing of what the text says.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from bwgraph.model.printable import printable


class Style(Enum):
    """What a piece of text is, for the terminal to show as it can."""

    PLAIN = auto()
    BOLD = auto()
    DIM = auto()
    DOWNLOAD = auto()
    UPLOAD = auto()
    LIMIT = auto()
    ALERT = auto()


class Span(NamedTuple):
    """A run of text in one style. A tuple, since some hundreds are made for every frame."""

    text: str
    style: Style = Style.PLAIN
    reverse: bool = False
    "Whether glyph and ground change places: so a block that grows from below hangs from above."


Line = tuple[Span, ...]


class Size(NamedTuple):
    """Cells across and down."""

    columns: int
    rows: int


class Frame(NamedTuple):
    """A whole screen: at most ``size.rows`` lines of at most ``size.columns`` cells."""

    lines: tuple[Line, ...]
    size: Size

    @classmethod
    def fit(cls, lines: Iterable[Line], size: Size) -> "Frame":
        r"""Cut to size, and make harmless.

        >>> Frame.fit([(Span("up"), Span("load\x1b[2J"))], Size(5, 1)).text()
        ['uploa']
        >>> Frame.fit([(Span("\x1b[2J"),)], Size(9, 1)).text()
        ['?[2J']
        """
        return cls(tuple(_cut(line, size.columns) for line in lines)[: size.rows], size)

    def text(self) -> list[str]:
        """The lines without their styles."""
        return ["".join(span.text for span in line) for line in self.lines]


def _cut(line: Line, columns: int) -> Line:
    cut = []
    for span in line:
        if columns <= 0:
            break
        text = printable(span.text[:columns])  # cut first: it may be as long as a tor likes
        if text:
            cut.append(span if text == span.text else span._replace(text=text))
        columns -= len(text)
    return tuple(cut)
