"""The key line and the help page, which are made from the bindings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.screen import help as help_module
from bwgraph.screen.frame import Frame, Line, Size, Style
from bwgraph.screen.keymap import BINDINGS, Binding

SIZES = st.builds(Size, st.integers(1, 300), st.integers(1, 100))
HINTS = [binding.hint for binding in BINDINGS if binding.hint]


def text(line: Line) -> str:
    return "".join(span.text for span in line)


def test_key_line_in_a_wide_window() -> None:
    assert text(help_module.key_line(200)) == (
        "q quit   ? help   space pause   +- zoom   arrows scroll   <> read   m layout   u units"
        "   g glyphs   l log   s save"
    )


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (0, ""),
        (5, ""),
        (6, "q quit"),
        (14, "q quit"),
        (15, "q quit   ? help"),
        (30, "q quit   ? help   space pause"),
    ],
)
def test_hints_are_shown_whole_or_not_at_all(columns: int, shown: str) -> None:
    assert text(help_module.key_line(columns)) == shown


@PROPERTY
@given(st.integers(-5, 300))
def test_any_key_line_fits_and_has_the_first_hints(columns: int) -> None:
    line = text(help_module.key_line(columns))
    assert len(line) <= max(columns, 0)
    shown = line.split(" " * help_module.GAP_CELLS) if line else []
    assert shown == HINTS[: len(shown)]
    if len(shown) < len(HINTS):
        assert (
            len(" ".join([line, HINTS[len(shown)]])) + help_module.GAP_CELLS - 1 > columns
            or not shown
        )


def test_keys_in_the_key_line_are_bold() -> None:
    bold = [span.text.strip() for span in help_module.key_line(300) if span.style is Style.BOLD]
    assert bold == [hint.partition(" ")[0] for hint in HINTS]


def test_help_page_lists_every_binding() -> None:
    lines = [text(line) for line in help_module.help_page(Size(80, 50))]
    for binding in BINDINGS:
        found = [line for line in lines if line.rstrip().endswith(binding.help)]
        assert len(found) == 1
        assert binding.keys[0] in found[0].removesuffix(binding.help).split()


def test_adjacent_bindings_with_one_text_are_one_entry() -> None:
    lines = [text(line).split() for line in help_module.help_page(Size(80, 50))]
    assert ["left", "right", "scroll", "through", "time"] in lines
    assert ["+", "-", "zoom", "in", "and", "out"] in lines


def test_new_binding_appears_in_key_line_and_help_page(monkeypatch: pytest.MonkeyPatch) -> None:
    new = Binding(("F9",), BINDINGS[0].action, "make coffee", "F9 coffee")
    monkeypatch.setattr(help_module, "BINDINGS", (*BINDINGS, new))
    help_module.key_line.cache_clear()
    assert text(help_module.key_line(300)).endswith("F9 coffee")
    assert text(help_module.help_page(Size(80, 50))[-1]).split() == ["F9", "make", "coffee"]
    help_module.key_line.cache_clear()


@pytest.mark.parametrize("size", [(120, 35), (80, 24), (120, 12)])
def test_whole_help_page_fits_usual_screens(size: tuple[int, int]) -> None:
    frame = Frame.fit(help_module.help_page(Size(*size)), Size(*size))
    shown = "\n".join(text(line) for line in frame.lines)
    assert all(binding.help in shown for binding in BINDINGS)
    assert "? or esc to go back" in shown


@PROPERTY
@given(SIZES)
def test_any_page_has_every_text_once_or_says_that_there_is_more(size: Size) -> None:
    lines = help_module.help_page(size)
    page = "\n".join(text(line) for line in lines)
    if len(lines) <= size.rows or size.rows == 1:
        for help_text in {binding.help for binding in BINDINGS}:
            assert page.count(f"  {help_text}  ") == 1
    else:
        assert text(lines[size.rows - 1]) == "there is more in a larger window"
    widths = {len(text(line).rstrip()) for line in lines[1:]}
    if size.columns >= 60:
        assert max(widths) <= size.columns
    assert text(lines[0]).startswith("bwgraph")
