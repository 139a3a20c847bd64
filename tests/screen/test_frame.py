"""A frame fits its size, and nothing in it can do harm, whatever went in."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY
from wcwidth import wcwidth  # comes with pyte

from bwgraph.model.printable import printable
from bwgraph.screen import plot
from bwgraph.screen.frame import Frame, Line, Size, Span, Style

EVERYTHING = "".join(map(chr, range(sys.maxunicode + 1)))
"Each character there is, the surrogates too: undecodable bytes come as such."

HOSTILE = st.text(
    st.characters()
    | st.sampled_from(
        "\x1b\x07\x08\t\n\r\x7f\x9b\x9d\u200b\u202e\u2066\u0301\u6771\ud800\U0001f525"
    )
)
LINES = st.lists(
    st.lists(st.builds(Span, HOSTILE, st.sampled_from(Style)), max_size=4).map(tuple), max_size=12
)
SIZES = st.builds(Size, st.integers(0, 40), st.integers(0, 12))


@pytest.fixture(scope="module")
def survivors() -> str:
    """Each character that ``printable`` ever lets out."""
    return "".join(dict.fromkeys(printable(EVERYTHING)))


def test_each_character_becomes_exactly_one() -> None:
    assert len(printable(EVERYTHING)) == len(EVERYTHING)


def test_no_control_character_survives(survivors: str) -> None:
    controls = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))}
    assert not controls & {*survivors}


def test_nothing_invisible_or_undefined_survives(survivors: str) -> None:
    # Cf: bidi overrides, zero-width joiners, soft hyphens; Cs: lone surrogates; Z: odd spaces.
    categories = {unicodedata.category(char) for char in survivors.replace(" ", "")}
    assert not {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"} & categories


def test_nothing_that_combines_survives(survivors: str) -> None:
    assert not [char for char in survivors if unicodedata.category(char) in {"Mn", "Mc", "Me"}]
    assert not [char for char in survivors if unicodedata.combining(char)]


def test_nothing_that_is_written_from_right_to_left_survives(survivors: str) -> None:
    # A terminal that knows of it would move the numbers beside it about.
    right_to_left = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRO", "LRE", "LRI", "FSI"}
    moved = [char for char in survivors if unicodedata.bidirectional(char) in right_to_left]
    assert names(moved) == []


def test_what_survives_prints_in_one_cell(survivors: str) -> None:
    assert names([char for char in survivors if wcwidth(char) != 1]) == []


def test_ascii_and_the_graphs_own_glyphs_pass() -> None:
    sets = (*plot.GLYPH_SETS.values(), plot.HALF_BLOCK)
    own = [text for glyphs in sets for text in glyphs if isinstance(text, str)]
    own.append("".join(map(chr, range(0x2800, 0x2900))))  # braille
    ascii_too = "".join(map(chr, range(0x20, 0x7F)))
    for text in (*own, ascii_too, "Grüße à l'œuvre, Łódź, Åse"):
        assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("\x1b[2J\x1b[H", "?[2J?[H"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x9b31m", "?31m"),
        ("\x90q\x9c", "?q?"),
        ("one\ntwo\r\tthree\x00", "one?two??three?"),
        ("\x7f\x08", "??"),
        ("\u202egnp.exe", "?gnp.exe"),
        ("\u2066\u2069\u200e\u200f\u061c", "?????"),
        ("zero\u200bwidth\u00ad\ufeff", "zero?width??"),
        ("e\u0301", "e?"),
        ("東京", "??"),
        ("🔥", "?"),
        ("\ud800\udcff", "??"),
        ("line\u2028paragraph\u2029\u0085", "line?paragraph??"),
        ("no\u00a0break", "no?break"),
    ],
)
def test_what_could_do_harm_is_a_question_mark(text: str, harmless: str) -> None:
    assert printable(text) == harmless


@PROPERTY
@given(HOSTILE)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@PROPERTY
@given(LINES, SIZES)
def test_any_text_fits_any_size(lines: list[Line], size: Size) -> None:
    frame = Frame.fit(lines, size)
    assert frame.size == size
    assert len(frame.lines) == min(len(lines), size.rows)
    assert all(len(line) <= size.columns for line in frame.text())


@PROPERTY
@given(LINES, SIZES)
def test_what_fits_is_the_beginning_of_what_was_given(lines: list[Line], size: Size) -> None:
    whole = [printable("".join(span.text for span in line)) for line in lines]
    assert Frame.fit(lines, size).text() == [line[: size.columns] for line in whole][: size.rows]


@PROPERTY
@given(LINES, SIZES)
def test_each_character_keeps_its_style(lines: list[Line], size: Size) -> None:
    def styles(line: Line) -> list[Style]:
        return [span.style for span in line for _ in span.text]

    for before, after in zip(lines, Frame.fit(lines, size).lines, strict=False):
        assert styles(after) == styles(before)[: size.columns]
        assert all(span.text for span in after)


@PROPERTY
@given(LINES, SIZES)
def test_to_fit_twice_is_to_fit_once(lines: list[Line], size: Size) -> None:
    once = Frame.fit(lines, size)
    assert Frame.fit(once.lines, size) == once


def test_a_span_is_cut_where_the_line_ends() -> None:
    line = (Span("upload ", Style.BOLD), Span("12.4", Style.UPLOAD), Span("!", Style.ALERT))
    assert Frame.fit([line], Size(9, 1)).lines == (
        (Span("upload ", Style.BOLD), Span("12", Style.UPLOAD)),
    )


def names(characters: list[str]) -> list[str]:
    """Characters by number and name, for a failure that can be read; the first few will do."""
    return [f"U+{ord(char):04X} {unicodedata.name(char, '?')}" for char in characters[:20]]
