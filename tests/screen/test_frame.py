"""Any lines fit the frame's size, and the frame contains no unsafe characters."""

from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.printable import printable
from bwgraph.screen.frame import Frame, Line, Size, Span, Style

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


@PROPERTY
@given(LINES, SIZES)
def test_any_lines_fit_any_size(lines: list[Line], size: Size) -> None:
    frame = Frame.fit(lines, size)
    assert frame.size == size
    assert len(frame.lines) == min(len(lines), size.rows)
    assert all(len(line) <= size.columns for line in frame.text())


@PROPERTY
@given(LINES, SIZES)
def test_frame_has_the_beginning_of_each_line(lines: list[Line], size: Size) -> None:
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
def test_fitting_a_frame_again_does_not_change_it(lines: list[Line], size: Size) -> None:
    once = Frame.fit(lines, size)
    assert Frame.fit(once.lines, size) == once


def test_span_is_cut_at_the_end_of_the_line() -> None:
    line = (Span("upload ", Style.BOLD), Span("12.4", Style.UPLOAD), Span("!", Style.ALERT))
    assert Frame.fit([line], Size(9, 1)).lines == (
        (Span("upload ", Style.BOLD), Span("12", Style.UPLOAD)),
    )
