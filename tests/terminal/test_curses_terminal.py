"""The terminal room against a strict fake of curses: what is painted, when, and with what."""

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
    """Some frames of one size, one after another; often alike in most of their lines."""
    size = draw(SIZES)
    frames = [Frame.fit(lines, size) for lines in draw(st.lists(LINES, min_size=1, max_size=3))]
    keep = draw(st.integers(0, 8))
    mixed = [*frames[0].lines[:keep], *frames[-1].lines[keep:]]
    return [*frames, Frame.fit(mixed, size)]


class Screen:
    """A terminal that has been entered, and the fakes behind it."""

    def __init__(self, room: Terminal, curses: FakeCurses) -> None:
        self.room = room
        self.curses = curses

    @property
    def window(self) -> Window:
        return self.curses.need_screen()

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size and tell the room of it, as SIGWINCH does."""
        self.curses.hardware.columns, self.curses.hardware.rows = columns, rows
        self.room.resize()


@contextmanager
def entered(hardware: Hardware, *, utf8: bool = True, color: bool = True) -> Iterator[Screen]:
    """A room on such a terminal, until the end of the block."""
    with installed(hardware) as curses, Terminal(utf8=utf8, color=color) as room:
        yield Screen(room, curses)


def hardware_of(size: Size) -> Hardware:
    return Hardware(columns=size.columns, rows=size.rows)


def picture(frame: Frame) -> list[str]:
    """What must stand on the screen: every row of it, to its right edge."""
    rows = [*frame.text(), *[""] * frame.size.rows][: frame.size.rows]
    return [row.ljust(frame.size.columns) for row in rows]


# What is painted.


@PROPERTY
@given(frame_sequences())
def test_each_of_any_frames_stands_on_the_screen_exactly(frames: list[Frame]) -> None:
    with entered(hardware_of(frames[0].size)) as screen:
        for frame in frames:
            screen.room.paint(frame)
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
            screen.room.paint(frame)
            for y, line in enumerate(frame.lines):
                expected = [
                    looks[span.style] ^ (FakeCurses.A_REVERSE if span.reverse else 0)
                    for span in line
                    for _ in span.text
                ]
                assert screen.window.attributes(y)[: len(expected)] == expected


@PROPERTY
@given(frame_sequences())
def test_only_lines_that_differ_are_written_again(frames: list[Frame]) -> None:
    with entered(hardware_of(frames[0].size)) as screen:
        screen.room.paint(frames[0])
        before: tuple[Line, ...] = frames[0].lines
        for frame in frames[1:]:
            screen.window.written.clear()
            screen.room.paint(frame)
            written = {*screen.window.written}
            rows = range(frame.size.rows)
            assert {y for y in rows if row(before, y) != row(frame.lines, y)} <= written
            # An empty line where there was none may be written for nothing.
            kept = range(min(len(before), len(frame.lines)))
            assert not {y for y in kept if before[y] == frame.lines[y]} & written
            before = frame.lines


def row(lines: tuple[Line, ...], y: int) -> Line:
    """A frame's line; an empty one below its last."""
    return lines[y] if y < len(lines) else ()


def test_the_same_frame_again_writes_nothing() -> None:
    frame = Frame.fit([(Span("download"),), (Span("█" * 9),)], Size(9, 2))
    with entered(hardware_of(frame.size)) as screen:
        screen.room.paint(frame)
        screen.window.written.clear()
        screen.room.paint(frame)
        assert screen.window.written == []
        assert screen.window.text() == picture(frame)


def test_a_line_that_only_changed_its_style_is_written_again() -> None:
    size = Size(9, 2)
    with entered(hardware_of(size)) as screen:
        screen.room.paint(Frame.fit([(Span("late"),)], size))
        screen.room.paint(Frame.fit([(Span("late", Style.ALERT),)], size))
        assert screen.window.attributes(0) == [FakeCurses.A_REVERSE] * 4 + [0] * 5


@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 5), Size(7, 1), Size(80, 24)], ids=str)
def test_the_whole_screen_can_be_filled_to_its_lower_right_cell(size: Size) -> None:
    full = Frame.fit([(Span("x" * (size.columns - 1)), Span("▁"))] * size.rows, size)
    with entered(hardware_of(size)) as screen:
        screen.room.paint(full)
        assert screen.window.text() == picture(full)
        assert screen.window.text()[-1][-1] == "▁"


def test_redraw_writes_every_line_again_on_a_cleared_screen() -> None:
    # ^L is for a screen that somebody else has written on: what curses believes is not enough.
    frame = Frame.fit([(Span(f"line {y}"),) for y in range(5)], Size(20, 5))
    with entered(hardware_of(frame.size)) as screen:
        screen.room.paint(frame)
        screen.window.written.clear()
        before = screen.window.cleared
        screen.room.redraw()
        screen.room.paint(frame)
        assert screen.window.cleared == before + 1
        assert {*screen.window.written} == {*range(5)}
        assert screen.window.text() == picture(frame)


# Its size.


@PROPERTY
@given(SIZES, SIZES, LINES)
def test_any_resize_is_followed_by_a_whole_picture(old: Size, new: Size, lines: list[Line]) -> None:
    with entered(hardware_of(old)) as screen:
        screen.room.paint(Frame.fit(lines, old))
        screen.resize(new.columns, new.rows)
        assert screen.room.size() == new
        screen.room.paint(Frame.fit(lines, new))
        assert screen.window.text() == picture(Frame.fit(lines, new))


def test_a_resize_to_the_same_size_repaints_the_whole() -> None:
    # The terminal may have reflowed its lines on the way there and back.
    frame = Frame.fit([(Span("download"),), (Span("upload"),)], Size(20, 5))
    with entered(hardware_of(frame.size)) as screen:
        screen.room.paint(frame)
        screen.window.written.clear()
        before = screen.window.cleared
        screen.resize(20, 5)
        screen.room.paint(frame)
        assert screen.window.cleared == before + 1
        assert {*screen.window.written} == {0, 1}


@pytest.mark.parametrize("reported", [(0, 0), (0, 24), (80, 0), None])
def test_a_terminal_that_does_not_know_its_size_has_the_one_that_curses_knows(
    reported: tuple[int, int] | None,
) -> None:
    def terminal_size(_: int) -> os.terminal_size:
        if reported is None:
            raise OSError(25, "Inappropriate ioctl for device")
        return os.terminal_size(reported)

    with installed(Hardware(columns=70, rows=20)) as curses, pytest.MonkeyPatch.context() as patch:
        patch.setattr(curses_terminal, "os", SimpleNamespace(get_terminal_size=terminal_size))
        with Terminal() as room:
            assert room.size() == Size(70, 20)
            assert "resizeterm" not in curses.calls


# Colours and characters.


WIDE = Size(20, 10)


def styled() -> Frame:
    """A line in every style."""
    return Frame.fit([(Span("x", style),) for style in Style], Size(20, 10))


def test_colours_are_on_the_terminals_own_background() -> None:
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
def test_each_direction_has_a_colour_that_the_terminal_has(
    colors: int, foregrounds: dict[Style, int]
) -> None:
    frame = styled()
    with entered(Hardware(columns=20, rows=10, colors=colors)) as screen:
        screen.room.paint(frame)
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
def test_without_colours_the_styles_still_show(hardware: Hardware, color: bool) -> None:
    frame = styled()
    with entered(hardware, color=color) as screen:
        screen.room.paint(frame)
        assert screen.curses.pairs == {}
        looks = {style: screen.window.attributes(y)[0] for y, style in enumerate(Style)}
    assert looks[Style.BOLD] == FakeCurses.A_BOLD
    assert looks[Style.DIM] == FakeCurses.A_DIM
    assert looks[Style.ALERT] == FakeCurses.A_REVERSE
    assert looks[Style.DOWNLOAD] == looks[Style.UPLOAD] == looks[Style.PLAIN] == 0
    assert looks[Style.LIMIT] == 0


@pytest.mark.parametrize("color", [True, False])
def test_a_reversed_span_is_the_other_way_round_whatever_its_style(color: bool) -> None:
    frame = Frame.fit([(Span("a", style), Span("a", style, reverse=True)) for style in Style], WIDE)
    with entered(hardware_of(WIDE), color=color) as screen:
        screen.room.paint(frame)
        for y, style in enumerate(Style):
            plain, reverse = screen.window.attributes(y)[:2]
            assert plain ^ reverse == FakeCurses.A_REVERSE, style


def test_colours_that_are_not_allowed_are_not_even_started() -> None:
    # start_color writes to the terminal.
    with entered(Hardware(), color=False) as screen:
        assert not {"start_color", "use_default_colors"} & {*screen.curses.calls}


@PROPERTY
@given(SIZES, LINES)
def test_a_terminal_without_utf8_gets_pure_ascii_of_the_same_width(
    size: Size, lines: list[Line]
) -> None:
    frame = Frame.fit(lines, size)
    hardware = Hardware(columns=size.columns, rows=size.rows, utf8=False)
    with entered(hardware, utf8=False) as screen:
        screen.room.paint(frame)
        shown = screen.window.text()
    assert shown == [
        "".join(char if char.isascii() else "?" for char in row) for row in picture(frame)
    ]


# Entering, leaving, keys.


def test_entering_takes_the_keys_unseen_and_hides_the_cursor() -> None:
    with entered(Hardware()) as screen:
        assert {"noecho", "cbreak", "cursor 0"} <= screen.curses.modes
        assert screen.window.has_keypad


def test_escape_does_not_keep_the_next_key_waiting() -> None:
    with entered(Hardware()) as screen:
        [delay] = [mode for mode in screen.curses.modes if mode.startswith("escdelay")]
        assert int(delay.removeprefix("escdelay ")) <= 50


def test_a_terminal_that_cannot_hide_its_cursor_will_do() -> None:
    with entered(Hardware(hides_cursor=False)) as screen:
        assert "cursor 0" not in screen.curses.modes
        assert screen.curses.active


def test_leaving_gives_the_terminal_back() -> None:
    with installed(Hardware()) as curses:
        with Terminal():
            assert curses.calls.count("endwin") == 0
        assert not curses.active
        assert curses.calls.count("endwin") == 1


def test_an_exception_gives_the_terminal_back_and_goes_on() -> None:
    with installed(Hardware()) as curses:
        with pytest.raises(ZeroDivisionError), Terminal():
            raise ZeroDivisionError
        assert not curses.active


def test_what_fails_on_the_way_in_gives_the_terminal_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise CursesError("cbreak() returned ERR")

    with installed(Hardware()) as curses:
        monkeypatch.setattr(curses, "cbreak", fail)
        with pytest.raises(CursesError), Terminal():
            pytest.fail("it was entered")
        assert not curses.active
        assert curses.calls.count("endwin") == 1


def test_a_terminal_that_is_gone_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise CursesError("endwin() returned ERR")

    with installed(Hardware()) as curses:
        left = False
        with Terminal():
            monkeypatch.setattr(curses, "endwin", fail)
            left = True
        assert left


def test_keys_are_taken_until_there_are_none() -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [ord("q"), 0x0C, FakeCurses.KEY_LEFT]
        assert screen.room.keys() == ["q", "^L", "left"]
        assert screen.room.keys() == []


def test_a_resize_is_no_key() -> None:
    # curses puts one into its queue besides: the signal has said it already.
    with entered(Hardware()) as screen:
        screen.window.pressed += [FakeCurses.KEY_RESIZE, ord("r"), FakeCurses.KEY_RESIZE]
        assert screen.room.keys() == ["r"]


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
def test_a_key_is_called_what_is_printed_on_it(code: int, name: str) -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed.append(code)
        assert screen.room.keys() == [name]


@pytest.mark.parametrize(
    "codes", [[0], [0x7F], [*"ä東🧅".encode()], [FakeCurses.KEY_BACKSPACE], [265, 567, 0x110000]]
)
def test_what_has_no_name_is_left_out(codes: list[int]) -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [*codes, ord("q")]
        assert screen.room.keys() == ["q"]


@pytest.mark.parametrize(
    "sequence",
    ["[25~", "[1;6D", "[57441u", "[<", "[>1;2c", "[I", "OP", "OM", "[", "O", "[1;"],
)
def test_a_key_that_curses_does_not_know_is_not_taken_for_its_letters(sequence: str) -> None:
    # It comes as an escape and what follows, all at once: "[" would pin the scale.
    with entered(Hardware()) as screen:
        screen.window.pressed += [0x1B, *sequence.encode()]
        assert screen.room.keys() == []
        screen.window.pressed.append(ord("q"))
        assert screen.room.keys() == ["q"]


def test_what_follows_an_unknown_key_is_a_key() -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [*b"a\x1b[25~b\x1bOPc\x1b[Id"]
        assert screen.room.keys() == ["a", "b", "c", "d"]


def test_an_escape_by_itself_is_a_key_and_so_is_what_comes_later() -> None:
    with entered(Hardware()) as screen:
        screen.window.pressed += [0x1B, 0x1B, ord("m")]
        assert screen.room.keys() == ["esc", "esc", "m"]
        screen.window.pressed.append(0x1B)
        assert screen.room.keys() == ["esc"]
        screen.window.pressed.append(ord("["))
        assert screen.room.keys() == ["["]


def test_every_key_that_does_something_can_be_pressed() -> None:
    names = {chr(code) for code in range(0x21, 0x7F)} | {f"^{chr(code)}" for code in range(64, 96)}
    assert (
        names | {*curses_terminal.KEY_NAMES.values(), *curses_terminal.WHEEL_NAMES.values()}
        >= ACTIONS.keys()
    )


# The mouse.

RELEASED, PRESSED, CLICKED = (
    FakeCurses.BUTTON1_RELEASED,
    FakeCurses.BUTTON1_PRESSED,
    FakeCurses.BUTTON1_CLICKED,
)
WHEEL_UP, WHEEL_DOWN = FakeCurses.BUTTON4_PRESSED, 0x200000


def test_a_press_is_a_click_where_it_was() -> None:
    with entered(Hardware()) as screen:
        screen.curses.happen(17, 5, PRESSED)
        screen.curses.happen(0, 23, CLICKED)
        screen.curses.happen(300, 0, PRESSED | FakeCurses.BUTTON_SHIFT)
        assert screen.room.keys() == [Click(17, 5), Click(0, 23), Click(300, 0)]
        assert screen.room.keys() == []


def test_a_press_is_told_without_waiting_for_the_release() -> None:
    # curses would wait, so as to make a click of both.
    with entered(Hardware()) as screen:
        assert screen.curses.interval == 0


def test_the_wheel_is_two_keys() -> None:
    with entered(Hardware()) as screen:
        screen.curses.happen(1, 1, WHEEL_UP)
        screen.window.pressed.append(ord("x"))
        screen.curses.happen(1, 1, WHEEL_DOWN)
        assert screen.room.keys() == ["wheel-up", "x", "wheel-down"]


def test_only_the_first_button_and_the_wheel_are_asked_for() -> None:
    with entered(Hardware()) as screen:
        assert screen.curses.mask == PRESSED | CLICKED | WHEEL_UP | WHEEL_DOWN
        screen.curses.happen(1, 1, RELEASED)
        screen.curses.happen(1, 1, FakeCurses.BUTTON3_PRESSED)
        assert screen.room.keys() == []


def test_a_mouse_that_has_nothing_to_tell_is_no_key() -> None:
    # The event is gone, or is a release that was not asked for.
    with entered(Hardware()) as screen:
        screen.window.pressed += [FakeCurses.KEY_MOUSE, ord("q")]
        assert screen.room.keys() == ["q"]


def test_a_terminal_without_a_mouse_will_do() -> None:
    with entered(Hardware(has_mouse=False)) as screen:
        assert screen.curses.mask == 0
        assert screen.curses.active


def test_stdin_is_what_there_is_to_wait_for() -> None:
    with entered(Hardware()) as screen:
        assert screen.room.fileno() == 0


def test_a_terminal_is_gone_when_it_has_been_hung_up() -> None:
    near, far = os.openpty()
    try:
        with entered(Hardware()) as screen, pytest.MonkeyPatch.context() as patch:
            streams = SimpleNamespace(platform=sys.platform, stdin=Stream(far), stdout=Stream(far))
            patch.setattr(curses_terminal, "sys", streams)
            assert not screen.room.is_gone()
            os.close(near)
            near = -1
            assert screen.room.is_gone()
    finally:
        for fd in (near, far):
            if fd >= 0:
                os.close(fd)


def test_suspending_gives_the_terminal_back_stops_and_takes_it_again() -> None:
    handlers: dict[int, object] = {signal.SIGTSTP: "the wakeup's"}
    with (
        entered(Hardware(columns=20, rows=5)) as screen,
        pytest.MonkeyPatch.context() as patch,
    ):
        curses, hardware = screen.curses, screen.curses.hardware
        seen: list[tuple[bool, object, int, int]] = []

        def set_handler(number: int, handler: object) -> object:
            before, handlers[number] = handlers[number], handler
            return before

        def stop(process: int, number: int) -> None:
            seen.append((curses.active, handlers[signal.SIGTSTP], process, number))
            # While it is stopped the user makes the window smaller.
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
        screen.room.paint(Frame.fit([(Span("download"),)], Size(20, 5)))
        screen.room.suspend()
        assert seen == [(False, signal.SIG_DFL, 4711, signal.SIGTSTP)]
        assert handlers == {signal.SIGTSTP: "the wakeup's"}
        assert curses.active
        assert screen.room.size() == Size(10, 3)
        # What the shell wrote meanwhile is painted over, though no line has changed.
        screen.window.written.clear()
        screen.room.paint(frame)
        assert {*screen.window.written} == {0}
        assert screen.window.text() == picture(frame)


# What is different on Windows.


@pytest.fixture
def on_windows() -> Iterator[Screen]:
    with installed(Hardware(columns=20, rows=5)) as curses, pytest.MonkeyPatch.context() as patch:
        windows = SimpleNamespace(platform="win32", stdin=Stream(0), stdout=Stream(1))
        patch.setattr(curses_terminal, "sys", windows)
        with Terminal() as room:
            yield Screen(room, curses)


def test_windows_curses_is_asked_for_nothing_that_it_lacks(on_windows: Screen) -> None:
    on_windows.room.resume()
    on_windows.room.suspend()
    assert not on_windows.room.is_gone()
    assert on_windows.curses.modes == {"noecho", "cbreak", "cursor 0"}
    assert {"resizeterm", "endwin"}.isdisjoint(on_windows.curses.calls)


def test_a_resize_that_only_a_key_tells_of_is_drawn_anew_and_told(on_windows: Screen) -> None:
    on_windows.room.paint(Frame.fit([(Span("download"),)], Size(20, 5)))
    cleared = on_windows.window.cleared
    # By the time of the key curses has the size already.
    on_windows.window.resized(10, 3)
    on_windows.window.pressed = [FakeCurses.KEY_RESIZE, ord("q")]
    assert on_windows.room.keys() == [RESIZED, "q"]
    assert RESIZED not in ACTIONS
    assert on_windows.window.cleared == cleared + 1
    assert on_windows.room.size() == Size(10, 3)
    frame = Frame.fit([(Span("download"),)], Size(10, 3))
    on_windows.room.paint(frame)
    assert on_windows.window.text() == picture(frame)


# Whether its characters are UTF-8.


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
        # Python's own UTF-8 mode makes a C locale look like UTF-8; the terminal is none the wiser.
        ({"LC_ALL": "C"}, "UTF-8", False),
        ({"LC_ALL": "POSIX"}, "UTF-8", False),
        ({"LANG": "C"}, "UTF-8", False),
        ({}, "UTF-8", False),
        # So does its coercion of the C locale, which leaves this behind (PEP 538).
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
def test_utf8_is_spoken_where_the_user_said_so(
    environ: Mapping[str, str], codeset: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    system = SimpleNamespace(
        LC_CTYPE="ctype",
        CODESET="codeset",
        Error=LocaleError,
        setlocale=lambda category, name: asked.append((category, name)),
        nl_langinfo={"codeset": codeset}.__getitem__,
    )
    monkeypatch.setattr(curses_terminal, "locale", system)
    assert locale_is_utf8(environ) is expected
    # Else curses would not know of it.
    assert asked == [("ctype", "")]


def test_a_locale_that_the_system_does_not_have_is_not_utf8(
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
def test_utf8_is_told_alike_by_a_real_interpreter_in_a_real_locale(
    environ: dict[str, str], expected: str
) -> None:
    # What Python makes of the locale before the program begins is only there in a new process.
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


# The fake itself: what it must not let pass.


def test_the_fakes_numbers_are_curses_own() -> None:
    # Python 3.13 puts a number of its own into a class: where it begins in its file.
    numbers = {
        name: value
        for name, value in vars(FakeCurses).items()
        if type(value) is int and not name.startswith("__")
    }
    assert len(numbers) > 20
    assert numbers == {name: getattr(real_curses, name) for name in numbers}


def test_the_fake_has_colours_only_once_they_are_started() -> None:
    curses = FakeCurses(Hardware(colors=8))
    curses.initscr()
    with pytest.raises(AttributeError):
        _ = curses.COLORS
    curses.start_color()
    assert curses.COLORS == 8
    curses.use_default_colors()
    with pytest.raises(CursesError):
        curses.init_pair(1, 33, -1)


def test_the_fake_has_no_event_that_did_not_happen() -> None:
    curses = FakeCurses()
    curses.initscr()
    with pytest.raises(CursesError):
        curses.getmouse()
    curses.happen(1, 2, FakeCurses.BUTTON1_PRESSED)  # which nobody asked for
    with pytest.raises(CursesError):
        curses.getmouse()


def test_the_fake_knows_nothing_that_it_does_not_model() -> None:
    curses = FakeCurses()
    for name in ("napms", "doupdate", "A_BLINK", "wrapper", "beep"):
        with pytest.raises(AttributeError):
            getattr(curses, name)
    for name in ("erase", "addch", "getkey", "subwin", "timeout"):
        with pytest.raises(AttributeError):
            getattr(curses.initscr(), name)


def test_the_fake_draws_into_the_lower_right_cell_and_then_raises() -> None:
    window = FakeCurses(Hardware(columns=3, rows=2)).initscr()
    with pytest.raises(CursesError):
        window.addstr(1, 0, "abc", 0)
    window.refresh()
    assert window.text() == ["   ", "abc"]


@pytest.mark.parametrize(("y", "x"), [(2, 0), (0, 3), (-1, 0), (0, -1)])
def test_the_fake_raises_outside_of_its_window(y: int, x: int) -> None:
    window = FakeCurses(Hardware(columns=3, rows=2)).initscr()
    with pytest.raises(CursesError):
        window.move(y, x)
    with pytest.raises(CursesError):
        window.addstr(y, x, "a", 0)
    with pytest.raises(CursesError):
        window.insstr(y, x, "a", 0)


def test_the_fake_pushes_out_what_an_insertion_leaves_no_room_for() -> None:
    window = FakeCurses(Hardware(columns=3, rows=2)).initscr()
    window.addstr(0, 0, "abc", 0)
    window.insstr(0, 1, "X", 0)
    window.refresh()
    assert window.text()[0] == "aXb"


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "東", "e\u0301", ""])
def test_the_fake_refuses_what_is_not_one_cell_wide(text: str) -> None:
    window = FakeCurses().initscr()
    with pytest.raises(NotImplementedError):
        window.addstr(0, 0, text, 0)


def test_the_fake_shows_nothing_before_it_is_refreshed_nor_after_it_ended() -> None:
    curses = FakeCurses(Hardware(columns=3, rows=1))
    window = curses.initscr()
    window.addstr(0, 0, "a", 0)
    assert window.text() == []
    curses.endwin()
    with pytest.raises(CursesError):
        window.refresh()
