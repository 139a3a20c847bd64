"""Text from outside is made harmless: each unsafe character is replaced by a question mark."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY
from wcwidth import wcwidth  # a dependency of pyte

from bwgraph.model.printable import printable
from bwgraph.screen import plot

ALL_CHARACTERS = "".join(map(chr, range(sys.maxunicode + 1)))
"Every Unicode character, with the surrogates that stand for undecodable bytes."

HOSTILE = st.text(
    st.characters()
    | st.sampled_from(
        "\x1b\x07\x08\t\n\r\x7f\x9b\x9d\u200b\u202e\u2066\u0301\u6771\ud800\U0001f525"
    )
)


@pytest.fixture(scope="module")
def survivors() -> str:
    """Every character that ``printable`` may return."""
    return "".join(dict.fromkeys(printable(ALL_CHARACTERS)))


def test_each_character_becomes_exactly_one() -> None:
    assert len(printable(ALL_CHARACTERS)) == len(ALL_CHARACTERS)


def test_control_characters_are_replaced(survivors: str) -> None:
    controls = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))}
    assert not controls & {*survivors}


def test_invisible_and_undefined_characters_are_replaced(survivors: str) -> None:
    # Cf: bidi overrides, zero-width joiners, soft hyphens; Cs: lone surrogates; Z: other spaces.
    categories = {unicodedata.category(char) for char in survivors.replace(" ", "")}
    assert not {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"} & categories


def test_combining_characters_are_replaced(survivors: str) -> None:
    assert not [char for char in survivors if unicodedata.category(char) in {"Mn", "Mc", "Me"}]
    assert not [char for char in survivors if unicodedata.combining(char)]


def test_right_to_left_characters_are_replaced(survivors: str) -> None:
    # A terminal that supports them would reorder the numbers beside them.
    classes = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRO", "LRE", "LRI", "FSI"}
    right_to_left = [char for char in survivors if unicodedata.bidirectional(char) in classes]
    assert names(right_to_left) == []


def test_all_printable_characters_are_one_cell_wide(survivors: str) -> None:
    assert names([char for char in survivors if wcwidth(char) != 1]) == []


def test_ascii_latin_letters_and_all_glyphs_are_unchanged() -> None:
    sets = (*plot.GLYPH_SETS.values(), plot.HALF_BLOCK)
    glyph_texts = [text for glyphs in sets for text in glyphs if isinstance(text, str)]
    braille = "".join(map(chr, range(0x2800, 0x2900)))
    ascii_text = "".join(map(chr, range(0x20, 0x7F)))
    for text in (*glyph_texts, braille, ascii_text, "Grüße à l'œuvre, Łódź, Åse"):
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
def test_unsafe_character_becomes_a_question_mark(text: str, harmless: str) -> None:
    assert printable(text) == harmless


@PROPERTY
@given(HOSTILE)
def test_printable_text_is_unchanged(text: str) -> None:
    assert printable(printable(text)) == printable(text)


def names(characters: list[str]) -> list[str]:
    """Return the first 20 characters by number and name, for a readable failure message."""
    return [f"U+{ord(char):04X} {unicodedata.name(char, '?')}" for char in characters[:20]]
