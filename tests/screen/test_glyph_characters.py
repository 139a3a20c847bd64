"""The characters of the glyph sets are those that ``printable`` lets through."""

from bwgraph.model.printable import GRAPH_CHARACTERS, printable
from bwgraph.screen.plot import GLYPH_SETS, HALF_BLOCK

BRAILLE_CHARACTERS = range(0x2800, 0x2900)


def test_graph_characters_are_those_of_all_glyph_sets() -> None:
    texts = [
        text
        for glyphs in (*GLYPH_SETS.values(), HALF_BLOCK)
        for field, text in glyphs._asdict().items()
        if isinstance(text, str) and field != "name"
    ]
    used = {
        char
        for char in "".join(texts)
        if not char.isascii() and ord(char) not in BRAILLE_CHARACTERS
    }
    assert used == {*GRAPH_CHARACTERS}
    assert len(GRAPH_CHARACTERS) == len(used)


def test_graph_characters_and_braille_are_printable() -> None:
    text = GRAPH_CHARACTERS + "".join(map(chr, BRAILLE_CHARACTERS))
    assert printable(text) == text
