"""The terminal with a strict fake of curses: frames, colours, keys, and how it is restored."""

import curses as real_curses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from locale import Error as LocaleError
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_curses import CursesError, FakeCurses, Hardware, Stream, Window, installed
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

import bwgraph
from bwgraph.screen.frame import Frame, Line, Size, Span, Style
from bwgraph.screen.keymap import ACTIONS
from bwgraph.screen.view import Click
from bwgraph.system import signals
from bwgraph.terminal import curses_terminal
from bwgraph.terminal.curses_terminal import RESIZED, Terminal, locale_is_utf8

ROOT = Path(bwgraph.__file__).parents[1]

SIZES = st.builds(Size, st.integers(1, 30), st.integers(1, 8))
SPANS = st.builds(
    Span, st.text("ab 9é▁█·▼⣿", max_size=12), st.sampled_from(Style), reverse=st.booleans()
)
FULL_SPANS = st.builds(Span, st.just("█" * 30), st.sampled_from(Style), reverse=st.booleans())
LINES = st.lists(st.lists(SPANS | FULL_SPANS, max_size=3).map(tuple), max_size=9)


@st.composite
def frame_sequences(draw: st.DrawFn) -> list[Frame]:
    """Draw frames of one size; most of their lines are often equal."""
    size = draw(SIZES)
    frames = [Frame.fit(lines, size) for lines in draw(st.lists(LINES, min_size=1, max_size=3))]
    count = draw(st.integers(0, 8))
    mixed = [*frames[0].lines[:count], *frames[-1].lines[count:]]
    return [*frames, Frame.fit(mixed, size)]


class Screen:
    """A terminal that has been entered, and the fake of curses behind it."""

    def __init__(self, terminal: Terminal, curses: FakeCurses) -> None:
        self.terminal = terminal
        self.curses = curses

    @property
    def window(self) -> Window:
        return self.curses.need_screen()

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size and call ``resize``, as for SIGWINCH."""
        self.curses.hardware.columns, self.curses.hardware.rows = columns, rows
        self.terminal.resize()


@contextmanager
def entered(hardware: Hardware, *, utf8: bool = True, color: bool = True) -> Iterator[Screen]:
    """Enter a terminal with this hardware."""
    with installed(hardware) as curses, Terminal(utf8=utf8, color=color) as terminal:
        yield Screen(terminal, curses)


def hardware_of(size: Size) -> Hardware:
    return Hardware(columns=size.columns, rows=size.rows)


def picture(frame: Frame) -> list[str]:
    """Return the rows that the screen must show, padded to its width."""
    rows = [*frame.text(), *[""] * frame.size.rows][: frame.size.rows]
    return [row.ljust(frame.size.columns) for row in rows]


# Frames


@PROPERTY
@given(frame_sequences())
def test_screen_shows_each_frame_exactly(frames: list[Frame]) -> None:
    with entered(hardware_of(frames[0].size)) as screen:
        for frame in frames:
            screen.terminal.paint(frame)
            assert screen.window.text() == picture(frame)


@PROPERTY
@given(frame_sequences())
def test_each_character_has_the_attributes_of_its_style(frames: list[Frame]) -> None:
    with entered(hardware_of(frames[0].size)) as screen:
        pairs = {foreground: number << 8 for number, (foreground, _) in screen.curses.pairs.items()}
        looks = {
            Style.PLAIN: FakeCurses.A_NORMAL,
            Style.BOLD: FakeCurses.A_BOLD,
            Style.DIM: FakeCurses.A_DIM,
            Style.ALERT: FakeCurses.A_REVERSE,
            Style.DOWNLOAD: pairs[FakeCurses.COLOR_CYAN],
            Style.UPLOAD: pairs[FakeCurses.COLOR_MAGENTA],
            Style.LIMIT: pairs[FakeCurses.COLOR_GREEN],
        }
        for frame in frames:
            screen.terminal.paint(frame)
            for y, line in enumerate(frame.lines):
                expected = [
                    looks[span.style] ^ (FakeCurses.A_REVERSE if span.reverse else 0)
                    for span in line
                    for _ in span.text
                ]
                assert screen.window.attributes(y)[: len(expected)] == expected


@PROPERTY
@given(frame_sequences())
def test_only_changed_lines_are_written(frames: list[Frame]) -> None:
    with entered(hardware_of(frames[0].size)) as screen:
        screen.terminal.paint(frames[0])
        before: tuple[Line, ...] = frames[0].lines
        for frame in frames[1:]:
            screen.window.written.clear()
            screen.terminal.paint(frame)
            written = {*screen.window.written}
            rows = range(frame.size.rows)
            assert {y for y in rows if row(before, y) != row(frame.lines, y)} <= written
            # An empty line below the last line before may be written without need.
            common = range(min(len(before), len(frame.lines)))
            assert not {y for y in common if before[y] == frame.lines[y]} & written
            before = frame.lines


def row(lines: tuple[Line, ...], y: int) -> Line:
    """Return a line of a frame; an empty one below its last."""
    return lines[y] if y < len(lines) else ()


def test_same_frame_again_writes_nothing() -> None:
    frame = Frame.fit([(Span("download"),), (Span("█" * 9),)], Size(9, 2))
    with entered(hardware_of(frame.size)) as screen:
        screen.terminal.paint(frame)
        screen.window.written.clear()
        screen.terminal.paint(frame)
        assert screen.window.written == []
        assert screen.window.text() == picture(frame)


def test_line_with_another_style_is_written() -> None:
    size = Size(9, 2)
    with entered(hardware_of(size)) as screen:
        screen.terminal.paint(Frame.fit([(Span("late"),)], size))
        screen.terminal.paint(Frame.fit([(Span("late", Style.ALERT),)], size))
        assert screen.window.attributes(0) == [FakeCurses.A_REVERSE] * 4 + [0] * 5


@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 5), Size(7, 1), Size(80, 24)], ids=str)
def test_lower_right_cell_can_be_written(size: Size) -> None:
    full = Frame.fit([(Span("x" * (size.columns - 1)), Span("▁"))] * size.rows, size)
    with entered(hardware_of(size)) as screen:
        screen.terminal.paint(full)
        assert screen.window.text() == picture(full)
        assert screen.window.text()[-1][-1] == "▁"


def test_redraw_clears_the_screen_and_writes_every_line() -> None:
    # ^L is for a screen that another program has written on, which curses does not know.
    frame = Frame.fit([(Span(f"line {y}"),) for y in range(5)], Size(20, 5))
    with entered(hardware_of(frame.size)) as screen:
        screen.terminal.paint(frame)
        screen.window.written.clear()
        before = screen.window.cleared
        screen.terminal.redraw()
        screen.terminal.paint(frame)
        assert screen.window.cleared == before + 1
        assert {*screen.window.written} == {*range(5)}
        assert screen.window.text() == picture(frame)


# Size


@PROPERTY
@given(SIZES, SIZES, LINES)
def test_frame_after_any_resize_is_shown_exactly(old: Size, new: Size, lines: list[Line]) -> None:
    with entered(hardware_of(old)) as screen:
        screen.terminal.paint(Frame.fit(lines, old))
        screen.resize(new.columns, new.rows)
        assert screen.terminal.size() == new
        screen.terminal.paint(Frame.fit(lines, new))
        assert screen.window.text() == picture(Frame.fit(lines, new))


def test_resize_to_the_same_size_writes_every_line() -> None:
    # The terminal may have reflowed its lines in between.
    frame = Frame.fit([(Span("download"),), (Span("upload"),)], Size(20, 5))
    with entered(hardware_of(frame.size)) as screen:
        screen.terminal.paint(frame)
        screen.window.written.clear()
        before = screen.window.cleared
        screen.resize(20, 5)
        screen.terminal.paint(frame)
        assert screen.window.cleared == before + 1
        assert {*screen.window.written} == {0, 1}


@pytest.mark.parametrize("reported", [(0, 0), (0, 24), (80, 0), None])
def test_size_is_that_of_curses_if_the_terminal_reports_none(
    reported: tuple[int, int] | None,
) -> None:
    def terminal_size(_: int) -> os.terminal_size:
        if reported is None:
            raise OSError(25, "Inappropriate ioctl for device")
        return os.terminal_size(reported)

    with installed(Hardware(columns=70, rows=20)) as curses, pytest.MonkeyPatch.context() as patch:
        patch.setattr(curses_terminal, "os", SimpleNamespace(get_terminal_size=terminal_size))
        with Terminal() as terminal:
            assert terminal.size() == Size(70, 20)
            assert "resizeterm" not in curses.calls


# Colours and characters


WIDE = Size(20, 10)


def styled() -> Frame:
    """Return a frame with a line in every style."""
    return Frame.fit([(Span("x", style),) for style in Style], Size(20, 10))


def test_colours_have_the_terminals_own_background() -> None:
    with entered(Hardware()) as screen:
        assert {background for _, background in screen.curses.pairs.values()} == {-1}
        assert "use_default_colors" in screen.curses.calls


@pytest.mark.parametrize(
    ("colors", "foregrounds"),
    [
        (1 << 24, {Style.DOWNLOAD: 33, Style.UPLOAD: 166, Style.LIMIT: 35}),
        (256, {Style.DOWNLOAD: 33, Style.UPLOAD: 166, Style.LIMIT: 35}),
        (88, {Style.DOWNLOAD: 6, Style.UPLOAD: 5, Style.LIMIT: 2}),
        (16, {Style.DOWNLOAD: 6, Style.UPLOAD: 5, Style.LIMIT: 2}),
        (8, {Style.DOWNLOAD: 6, Style.UPLOAD: 5, Style.LIMIT: 2}),
        (7, {}),
        (2, {}),
    ],
)
def test_colours_are_chosen_by_the_number_that_the_terminal_has(
    colors: int, foregrounds: dict[Style, int]
) -> None:
    frame = styled()
    with entered(Hardware(columns=20, rows=10, colors=colors)) as screen:
        screen.terminal.paint(frame)
        shown = {
            style: screen.curses.pairs[attribute >> 8][0]
            for y, style in enumerate(Style)
            if (attribute := screen.window.attributes(y)[0]) & 0xFF00
        }
    assert shown == foregrounds


@pytest.mark.parametrize(
    ("hardware", "color"),
    [
        (Hardware(columns=20, rows=10), False),
        (Hardware(columns=20, rows=10, colors=0), True),
        (Hardware(columns=20, rows=10, default_colors=False), True),
    ],
    ids=["not allowed", "no colours", "no default colours"],
)
def test_styles_without_colours_have_attributes(hardware: Hardware, color: bool) -> None:
    frame = styled()
    with entered(hardware, color=color) as screen:
        screen.terminal.paint(frame)
        assert screen.curses.pairs == {}
        looks = {style: screen.window.attributes(y)[0] for y, style in enumerate(Style)}
    assert looks[Style.BOLD] == FakeCurses.A_BOLD
    assert looks[Style.DIM] == FakeCurses.A_DIM
    assert looks[Style.ALERT] == FakeCurses.A_REVERSE
    assert looks[Style.DOWNLOAD] == looks[Style.UPLOAD] == looks[Style.PLAIN] == 0
    assert looks[Style.LIMIT] == 0


@pytest.mark.parametrize("color", [True, False])
def test_reversed_span_differs_by_reverse_in_every_style(color: bool) -> None:
    frame = Frame.fit([(Span("a", style), Span("a", style, reverse=True)) for style in Style], WIDE)
    with entered(hardware_of(WIDE), color=color) as screen:
        screen.terminal.paint(frame)
        for y, style in enumerate(Style):
            plain, reverse = screen.window.attributes(y)[:2]
            assert plain ^ reverse == FakeCurses.A_REVERSE, style


def test_disallowed_colours_are_not_started() -> None:
    # start_color writes to the terminal.
    with entered(Hardware(), color=False) as screen:
        assert not {"start_color", "use_default_colors"} & {*screen.curses.calls}


@PROPERTY
@given(SIZES, LINES)
def test_terminal_without_utf8_gets_ascii_of_the_same_width(size: Size, lines: list[Line]) -> None:
    frame = Frame.fit(lines, size)
    hardware = Hardware(columns=size.columns, rows=size.rows, utf8=False)
    with entered(hardware, utf8=False) as screen:
        screen.terminal.paint(frame)
        shown = screen.window.text()
    assert shown == [
        "".join(char if char.isascii() else "?" for char in row) for row in picture(frame)
    ]


# Entering, leaving, keys


def test_entering_sets_the_modes_and_hides_the_cursor() -> None:
    with entered(Hardware()) as screen:
        assert {"noecho", "cbreak", "cursor 0"} <= screen.curses.modes
        assert screen.window.has_keypad


def test_escape_delay_is_short() -> None:
    with entered(Hardware()) as screen:
        [delay] = [mode for mode in screen.curses.modes if mode.startswith("escdelay")]
        assert int(delay.removeprefix("escdelay ")) <= 50


def test_terminal_that_cannot_hide_its_cursor_is_accepted() -> None:
    with entered(Hardware(hides_cursor=False)) as screen:
        assert "cursor 0" not in screen.curses.modes
        assert screen.curses.active


def test_leaving_restores_the_terminal() -> None:
    with installed(Hardware()) as curses:
        with Terminal():
            assert curses.calls.count("endwin") == 0
        assert not curses.active
        assert curses.calls.count("endwin") == 1


def test_exception_restores_the_terminal_and_propagates() -> None:
    with installed(Hardware()) as curses:
        with pytest.raises(ZeroDivisionError), Terminal():
            raise ZeroDivisionError
        assert not curses.active


def test_exception_while_entering_restores_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise CursesError("cbreak() returned ERR")

    with installed(Hardware()) as curses:
        monkeypatch.setattr(curses, "cbreak", fail)
        with pytest.raises(CursesError), Terminal():
            pytest.fail("it was entered")
        assert not curses.active
        assert curses.calls.count("endwin") == 1


def test_terminal_that_was_hung_up_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise CursesError("endwin() returned ERR")

    with installed(Hardware()) as curses:
        entered = False
        with Terminal():
            monkeypatch.setattr(curses, "endwin", fail)
            entered = True
        assert entered


def test_all_waiting_keys_are_returned() -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [ord("q"), 0x0C, FakeCurses.KEY_LEFT]
        assert screen.terminal.keys() == ["q", "^L", "left"]
        assert screen.terminal.keys() == []


def test_resize_is_not_returned_as_a_key() -> None:
    # curses returns a key for it, in addition to the signal.
    with entered(Hardware()) as screen:
        screen.window.pressed += [FakeCurses.KEY_RESIZE, ord("r"), FakeCurses.KEY_RESIZE]
        assert screen.terminal.keys() == ["r"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        *((ord(char), char) for char in "!~aZ?+-=<>[],.09"),
        (ord(" "), "space"),
        (ord("\t"), "tab"),
        (ord("\r"), "enter"),
        (ord("\n"), "enter"),
        (0x01, "^A"),
        (0x0C, "^L"),
        (0x1B, "esc"),
        (0x1F, "^_"),
        (FakeCurses.KEY_LEFT, "left"),
        (FakeCurses.KEY_RIGHT, "right"),
        (FakeCurses.KEY_UP, "up"),
        (FakeCurses.KEY_DOWN, "down"),
        (FakeCurses.KEY_PPAGE, "pgup"),
        (FakeCurses.KEY_NPAGE, "pgdn"),
        (FakeCurses.KEY_HOME, "home"),
        (FakeCurses.KEY_END, "end"),
        (FakeCurses.KEY_BTAB, "shift-tab"),
        (FakeCurses.KEY_ENTER, "enter"),
    ],
)
def test_keys_have_names(code: int, name: str) -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed.append(code)
        assert screen.terminal.keys() == [name]


@pytest.mark.parametrize(
    "codes", [[0], [0x7F], [*"ä東🧅".encode()], [FakeCurses.KEY_BACKSPACE], [265, 567, 0x110000]]
)
def test_keys_without_a_name_are_left_out(codes: list[int]) -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [*codes, ord("q")]
        assert screen.terminal.keys() == ["q"]


@pytest.mark.parametrize(
    "sequence",
    ["[25~", "[1;6D", "[57441u", "[<", "[>1;2c", "[I", "OP", "OM", "[", "O", "[1;"],
)
def test_unknown_escape_sequence_is_skipped(sequence: str) -> None:
    # curses returns the characters of the sequence; a "[" by itself would pin the scale.
    with entered(Hardware()) as screen:
        screen.window.pressed += [0x1B, *sequence.encode()]
        assert screen.terminal.keys() == []
        screen.window.pressed.append(ord("q"))
        assert screen.terminal.keys() == ["q"]


def test_keys_after_an_unknown_escape_sequence_are_returned() -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [*b"a\x1b[25~b\x1bOPc\x1b[Id"]
        assert screen.terminal.keys() == ["a", "b", "c", "d"]


def test_lone_escape_is_a_key() -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [0x1B, 0x1B, ord("m")]
        assert screen.terminal.keys() == ["esc", "esc", "m"]
        screen.window.pressed.append(0x1B)
        assert screen.terminal.keys() == ["esc"]
        screen.window.pressed.append(ord("["))
        assert screen.terminal.keys() == ["["]


def test_every_bound_key_has_a_name_that_can_be_returned() -> None:
    names = {chr(code) for code in range(0x21, 0x7F)} | {f"^{chr(code)}" for code in range(64, 96)}
    assert (
        names | {*curses_terminal.KEY_NAMES.values(), *curses_terminal.WHEEL_NAMES.values()}
        >= ACTIONS.keys()
    )


# The mouse

RELEASED, PRESSED, CLICKED = (
    FakeCurses.BUTTON1_RELEASED,
    FakeCurses.BUTTON1_PRESSED,
    FakeCurses.BUTTON1_CLICKED,
)
WHEEL_UP, WHEEL_DOWN = FakeCurses.BUTTON4_PRESSED, 0x200000


def test_press_of_the_first_button_in_any_row_is_a_click_in_its_column() -> None:
    with entered(Hardware()) as screen:
        screen.curses.report_mouse(17, 5, PRESSED)
        screen.curses.report_mouse(0, 23, CLICKED)
        screen.curses.report_mouse(300, 0, PRESSED | FakeCurses.BUTTON_SHIFT)
        assert screen.terminal.keys() == [Click(17), Click(0), Click(300)]
        assert screen.terminal.keys() == []


def test_press_is_returned_without_waiting_for_the_release() -> None:
    # By default curses waits, to make a click of both.
    with entered(Hardware()) as screen:
        assert screen.curses.interval == 0


def test_wheel_is_two_keys() -> None:
    with entered(Hardware()) as screen:
        screen.curses.report_mouse(1, 1, WHEEL_UP)
        screen.window.pressed.append(ord("x"))
        screen.curses.report_mouse(1, 1, WHEEL_DOWN)
        assert screen.terminal.keys() == ["wheel-up", "x", "wheel-down"]


def test_only_the_first_button_and_the_wheel_are_enabled() -> None:
    with entered(Hardware()) as screen:
        assert screen.curses.mask == PRESSED | CLICKED | WHEEL_UP | WHEEL_DOWN
        screen.curses.report_mouse(1, 1, RELEASED)
        screen.curses.report_mouse(1, 1, FakeCurses.BUTTON3_PRESSED)
        assert screen.terminal.keys() == []


def test_mouse_key_without_an_event_is_left_out() -> None:
    # Its event was discarded, or is a release, which is not enabled.
    with entered(Hardware()) as screen:
        screen.window.pressed += [FakeCurses.KEY_MOUSE, ord("q")]
        assert screen.terminal.keys() == ["q"]


def test_terminal_without_a_mouse_is_accepted() -> None:
    with entered(Hardware(has_mouse=False)) as screen:
        assert screen.curses.mask == 0
        assert screen.curses.active


def test_fileno_is_that_of_standard_input() -> None:
    with entered(Hardware()) as screen:
        assert screen.terminal.fileno() == 0


def test_terminal_is_gone_after_a_hang_up() -> None:
    near, far = os.openpty()
    try:
        with entered(Hardware()) as screen, pytest.MonkeyPatch.context() as patch:
            streams = SimpleNamespace(platform=sys.platform, stdin=Stream(far), stdout=Stream(far))
            patch.setattr(curses_terminal, "sys", streams)
            assert not screen.terminal.is_gone()
            os.close(near)
            near = -1
            assert screen.terminal.is_gone()
    finally:
        for fd in (near, far):
            if fd >= 0:
                os.close(fd)


def test_suspend_restores_the_terminal_stops_and_enters_it_again() -> None:
    handlers: dict[int, object] = {signal.SIGTSTP: "the handler of Wakeup"}
    with (
        entered(Hardware(columns=20, rows=5)) as screen,
        pytest.MonkeyPatch.context() as patch,
    ):
        curses, hardware = screen.curses, screen.curses.hardware
        stops: list[tuple[bool, object, int, int]] = []

        def set_handler(number: int, handler: object) -> object:
            before, handlers[number] = handlers[number], handler
            return before

        def stop(process: int, number: int) -> None:
            stops.append((curses.active, handlers[signal.SIGTSTP], process, number))
            # While the program is stopped, the user makes the window smaller.
            hardware.columns, hardware.rows = 10, 3

        def terminal_size(_: int) -> os.terminal_size:
            return os.terminal_size((hardware.columns, hardware.rows))

        patch.setattr(curses_terminal, "os", SimpleNamespace(get_terminal_size=terminal_size))
        patch.setattr(signals, "os", SimpleNamespace(getpid=lambda: 4711, kill=stop))
        numbers = SimpleNamespace(
            signal=set_handler, SIGTSTP=signal.SIGTSTP, SIG_DFL=signal.SIG_DFL
        )
        patch.setattr(signals, "signal", numbers)
        frame = Frame.fit([(Span("download"),)], Size(10, 3))
        screen.terminal.paint(Frame.fit([(Span("download"),)], Size(20, 5)))
        screen.terminal.suspend()
        assert stops == [(False, signal.SIG_DFL, 4711, signal.SIGTSTP)]
        assert handlers == {signal.SIGTSTP: "the handler of Wakeup"}
        assert curses.active
        assert screen.terminal.size() == Size(10, 3)
        # The shell has written to the screen, so a line is written though it has not changed.
        screen.window.written.clear()
        screen.terminal.paint(frame)
        assert {*screen.window.written} == {0}
        assert screen.window.text() == picture(frame)


# Differences on Windows


@pytest.fixture
def on_windows() -> Iterator[Screen]:
    with installed(Hardware(columns=20, rows=5)) as curses, pytest.MonkeyPatch.context() as patch:
        windows = SimpleNamespace(platform="win32", stdin=Stream(0), stdout=Stream(1))
        patch.setattr(curses_terminal, "sys", windows)
        with Terminal() as terminal:
            yield Screen(terminal, curses)


def test_only_functions_of_windows_curses_are_called(on_windows: Screen) -> None:
    on_windows.terminal.resume()
    on_windows.terminal.suspend()
    assert not on_windows.terminal.is_gone()
    assert on_windows.curses.modes == {"noecho", "cbreak", "cursor 0"}
    assert {"resizeterm", "endwin"}.isdisjoint(on_windows.curses.calls)


def test_resize_key_on_windows_redraws_and_is_returned(on_windows: Screen) -> None:
    on_windows.terminal.paint(Frame.fit([(Span("download"),)], Size(20, 5)))
    cleared = on_windows.window.cleared
    # When curses on Windows returns the key, it has already adopted the size.
    on_windows.window.resized(10, 3)
    on_windows.window.pressed = [FakeCurses.KEY_RESIZE, ord("q")]
    assert on_windows.terminal.keys() == [RESIZED, "q"]
    assert RESIZED not in ACTIONS
    assert on_windows.window.cleared == cleared + 1
    assert on_windows.terminal.size() == Size(10, 3)
    frame = Frame.fit([(Span("download"),)], Size(10, 3))
    on_windows.terminal.paint(frame)
    assert on_windows.window.text() == picture(frame)


# UTF-8


@pytest.mark.parametrize(
    ("environ", "codeset", "expected"),
    [
        ({"LANG": "C.UTF-8"}, "UTF-8", True),
        ({"LANG": "en_US.UTF-8"}, "UTF-8", True),
        ({"LANG": "de_DE.utf8"}, "utf8", True),
        ({"LC_CTYPE": "de_DE.UTF-8"}, "UTF-8", True),
        ({"LC_ALL": "C.UTF-8"}, "UTF-8", True),
        ({"LANG": "de_DE"}, "ISO-8859-1", False),
        ({"LC_ALL": "C"}, "ANSI_X3.4-1968", False),
        # Python's UTF-8 mode makes a C locale look like UTF-8, but does not change the terminal.
        ({"LC_ALL": "C"}, "UTF-8", False),
        ({"LC_ALL": "POSIX"}, "UTF-8", False),
        ({"LANG": "C"}, "UTF-8", False),
        ({}, "UTF-8", False),
        # So does the coercion of the C locale, which sets LC_CTYPE (PEP 538).
        ({"LC_CTYPE": "C.UTF-8"}, "UTF-8", False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": ""}, "UTF-8", False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, "UTF-8", False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "POSIX"}, "UTF-8", False),
        ({"LC_CTYPE": "C.utf8", "LANG": "C"}, "UTF-8", False),
        ({"LC_CTYPE": "UTF-8", "LANG": "C"}, "UTF-8", False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "de_DE.UTF-8"}, "UTF-8", True),
        # The first of LC_ALL, LC_CTYPE and LANG that is set, and not empty, decides.
        ({"LC_ALL": "C", "LC_CTYPE": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}, "UTF-8", False),
        ({"LC_CTYPE": "POSIX", "LANG": "de_DE.UTF-8"}, "UTF-8", False),
        ({"LC_ALL": "de_DE.UTF-8", "LC_CTYPE": "C", "LANG": "C"}, "UTF-8", True),
        ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "de_DE.UTF-8"}, "UTF-8", True),
    ],
)
def test_locale_of_the_environment_decides_about_utf8(
    environ: Mapping[str, str], codeset: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str]] = []
    system = SimpleNamespace(
        LC_CTYPE="ctype",
        CODESET="codeset",
        Error=LocaleError,
        setlocale=lambda category, name: calls.append((category, name)),
        nl_langinfo={"codeset": codeset}.__getitem__,
    )
    monkeypatch.setattr(curses_terminal, "locale", system)
    assert locale_is_utf8(environ) is expected
    # curses uses the locale that is set.
    assert calls == [("ctype", "")]


def test_unsupported_locale_is_not_utf8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def setlocale(category: str, name: str) -> None:
        raise LocaleError(f"unsupported locale setting {category} {name}")

    system = SimpleNamespace(LC_CTYPE="ctype", Error=LocaleError, setlocale=setlocale)
    monkeypatch.setattr(curses_terminal, "locale", system)
    assert locale_is_utf8({"LANG": "tlh_QO.UTF-8"}) is False


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "False"),
        ({"LANG": "C"}, "False"),
        ({"LC_ALL": "C"}, "False"),
        ({"LC_ALL": "POSIX"}, "False"),
        ({"LANG": "C.UTF-8"}, "True"),
    ],
    ids=str,
)
def test_real_interpreter_in_a_real_locale_decides_alike(
    environ: dict[str, str], expected: str
) -> None:
    # Python changes the locale when it starts, so this needs a new process.
    program = (
        "import os; from bwgraph.terminal.curses_terminal import locale_is_utf8;"
        " print(locale_is_utf8(os.environ))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environ, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected


# The fake itself: what it must refuse


def test_fake_has_the_constants_of_curses() -> None:
    # Python 3.13 adds a number to a class: the line where it is defined.
    numbers = {
        name: value
        for name, value in vars(FakeCurses).items()
        if type(value) is int and not name.startswith("__")
    }
    assert len(numbers) > 20
    assert numbers == {name: getattr(real_curses, name) for name in numbers}


def test_fake_has_colours_only_after_start_color() -> None:
    curses = FakeCurses(Hardware(colors=8))
    curses.initscr()
    with pytest.raises(AttributeError):
        _ = curses.COLORS
    curses.start_color()
    assert curses.COLORS == 8
    curses.use_default_colors()
    with pytest.raises(CursesError):
        curses.init_pair(1, 33, -1)


def test_fake_getmouse_raises_without_an_enabled_event() -> None:
    curses = FakeCurses()
    curses.initscr()
    with pytest.raises(CursesError):
        curses.getmouse()
    curses.report_mouse(1, 2, FakeCurses.BUTTON1_PRESSED)  # which is not enabled
    with pytest.raises(CursesError):
        curses.getmouse()


def test_fake_has_no_attribute_that_it_does_not_model() -> None:
    curses = FakeCurses()
    for name in ("napms", "doupdate", "A_BLINK", "wrapper", "beep"):
        with pytest.raises(AttributeError):
            getattr(curses, name)
    for name in ("erase", "addch", "getkey", "subwin", "timeout"):
        with pytest.raises(AttributeError):
            getattr(curses.initscr(), name)


def test_fake_addstr_writes_the_lower_right_cell_and_raises() -> None:
    window = FakeCurses(Hardware(columns=3, rows=2)).initscr()
    with pytest.raises(CursesError):
        window.addstr(1, 0, "abc", 0)
    window.refresh()
    assert window.text() == ["   ", "abc"]


@pytest.mark.parametrize(("y", "x"), [(2, 0), (0, 3), (-1, 0), (0, -1)])
def test_fake_raises_outside_of_its_window(y: int, x: int) -> None:
    window = FakeCurses(Hardware(columns=3, rows=2)).initscr()
    with pytest.raises(CursesError):
        window.move(y, x)
    with pytest.raises(CursesError):
        window.addstr(y, x, "a", 0)
    with pytest.raises(CursesError):
        window.insstr(y, x, "a", 0)


def test_fake_insstr_pushes_the_last_character_out() -> None:
    window = FakeCurses(Hardware(columns=3, rows=2)).initscr()
    window.addstr(0, 0, "abc", 0)
    window.insstr(0, 1, "X", 0)
    window.refresh()
    assert window.text()[0] == "aXb"


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "東", "e\u0301", ""])
def test_fake_refuses_characters_that_are_not_one_cell_wide(text: str) -> None:
    window = FakeCurses().initscr()
    with pytest.raises(NotImplementedError):
        window.addstr(0, 0, text, 0)


def test_fake_shows_nothing_before_refresh_and_raises_after_endwin() -> None:
    curses = FakeCurses(Hardware(columns=3, rows=1))
    window = curses.initscr()
    window.addstr(0, 0, "a", 0)
    assert window.text() == []
    curses.endwin()
    with pytest.raises(CursesError):
        window.refresh()
