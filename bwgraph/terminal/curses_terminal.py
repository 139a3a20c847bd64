"""The terminal: the room that knows curses, but for what ``tty`` does before it is loaded.

Owns entering it, leaving it as it was found, keys, and putting a ``Frame`` on it, and what is
different on Windows, whose curses (windows-curses, which is PDCurses) has a console below and no
terminfo. Must not know what a frame shows. Everything here runs in the main thread.
"""

import curses
import locale
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import zip_longest
from types import TracebackType
from typing import Self

from bwgraph.screen.frame import Frame, Line, Size, Style
from bwgraph.screen.view import Click
from bwgraph.system import signals
from bwgraph.terminal import tty

if sys.platform != "win32":
    import termios

NO_KEY = -1
ESCAPE = 0x1B

KEY_NAMES = {
    curses.KEY_LEFT: "left",
    curses.KEY_RIGHT: "right",
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_PPAGE: "pgup",
    curses.KEY_NPAGE: "pgdn",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_BTAB: "shift-tab",
    curses.KEY_ENTER: "enter",
    ord("\r"): "enter",
    ord("\n"): "enter",
    ord("\t"): "tab",
    ord(" "): "space",
    ESCAPE: "esc",
}
"The names of keys that are no character, by curses' code."

RESIZED = "resize"
"What stands among the keys for a window that has another size, where no signal says so."

WHEEL_NAMES = {
    curses.BUTTON4_PRESSED: "wheel-up",
    getattr(curses, "BUTTON5_PRESSED", 0x200000): "wheel-down",
}
"Python does not everywhere have a name for the fifth button."

CLICK_MASK = curses.BUTTON1_PRESSED | curses.BUTTON1_CLICKED

COLORS = {
    256: {Style.DOWNLOAD: 33, Style.UPLOAD: 166, Style.LIMIT: 35},
    8: {
        Style.DOWNLOAD: curses.COLOR_CYAN,
        Style.UPLOAD: curses.COLOR_MAGENTA,
        Style.LIMIT: curses.COLOR_GREEN,
    },
}
"""By how many colours there are at the least. Blue and orange are told apart by everyone, and can
be read on dark and on light ground."""


def locale_is_utf8(environ: Mapping[str, str]) -> bool:
    """Set the locale from the environment, and tell whether its characters are UTF-8.

    Python replaces a C locale by C.UTF-8 before the program begins (PEP 538), whatever the
    terminal can show. Where the user's own setting was C, it is C. Windows has no such locales:
    there Python writes UTF-8 to a console, and something older elsewhere.
    """
    if sys.platform == "win32":
        return sys.stdout is not None and _is_utf8(sys.stdout.encoding)
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        return False
    chosen = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or "C"
    coerced = (
        not environ.get("LC_ALL")
        and environ.get("LC_CTYPE") in {"C.UTF-8", "C.utf8", "UTF-8"}
        and environ.get("LANG", "C") in {"", "C", "POSIX"}
    )
    if coerced or chosen in {"C", "POSIX"}:
        return False
    return _is_utf8(locale.nl_langinfo(locale.CODESET))


def _is_utf8(encoding: str) -> bool:
    return encoding.upper().replace("-", "") == "UTF8"


class Terminal:
    """The terminal, from ``with`` to whatever way out of it."""

    def __init__(self, *, utf8: bool = True, color: bool = True) -> None:
        self._utf8 = utf8
        self._color = color
        self._shown: list[Line] = []

    def __enter__(self) -> Self:
        try:
            self._window = tty.enter()
            self._window.keypad(True)
            self._window.nodelay(True)
            if sys.platform != "win32":  # there an escape is a key and never begins one
                curses.set_escdelay(25)
            self._attributes = _attributes(color=self._color)
            curses.mouseinterval(0)
            curses.mousemask(CLICK_MASK | sum(WHEEL_NAMES))
            self.resize()
        except BaseException:  # whatever it is goes on its way, but not from a half-taken terminal
            tty.leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        tty.leave()

    def fileno(self) -> int:
        """Readable when there is a key, and when the terminal has gone."""
        return sys.stdin.fileno()

    def is_gone(self) -> bool:
        """Whether the terminal has been hung up. On Windows that is a signal, and nothing else."""
        if sys.platform != "win32":
            try:
                termios.tcgetattr(self.fileno())
            except termios.error:
                return True
        return False

    def keys(self) -> list[str | Click]:
        """The keys pressed since the last time, by name, and clicks; what has no name is left out.

        A resize is a key to curses; it was dealt with when the signal came, if there is one.
        """
        pressed: list[str | Click] = []
        while (key := self._next()) != NO_KEY:
            name = _mouse() if key == curses.KEY_MOUSE else _name(key)
            if sys.platform == "win32" and key == curses.KEY_RESIZE:
                self.redraw()
                name = RESIZED
            if name is not None:
                pressed.append(name)
        return pressed

    def _next(self) -> int:
        """The next key that curses knows; one that it does not is passed over.

        Of those curses tells each character: an escape, "[", parameters and a final letter; or an
        escape, "O" and a letter.
        """
        while (key := self._window.getch()) == ESCAPE:
            following = self._window.getch()
            if following == ord("["):
                while 0 <= (following := self._window.getch()) < 0x40:
                    pass
            elif following == ord("O"):
                self._window.getch()
            else:
                if following != NO_KEY:
                    curses.ungetch(following)
                break
        return key

    def size(self) -> Size:
        """The size that frames must fit."""
        rows, columns = self._window.getmaxyx()
        return Size(columns, rows)

    def resize(self) -> None:
        """Take the terminal's size as it is now, and begin with an empty screen."""
        if sys.platform != "win32":  # where curses has done so before it tells
            try:
                columns, rows = os.get_terminal_size(sys.stdout.fileno())
            except OSError:
                columns, rows = 0, 0
            # Some terminals, such as a serial line, do not know their size: terminfo's is right.
            if columns > 0 and rows > 0:
                curses.resizeterm(rows, columns)
        self.redraw()

    def redraw(self) -> None:
        """Forget what the screen shows: the next frame is written whole."""
        self._shown = []
        self._window.clear()

    def suspend(self) -> None:
        """Give the terminal back and stop, as ^Z asks; return when continued."""
        if sys.platform != "win32":  # where nothing can ask for it
            curses.endwin()
            signals.suspend()
            self.resume()

    def resume(self) -> None:
        """Take the terminal again after a stop: its modes and its size may have changed."""
        with suppress(curses.error):  # it may have gone meanwhile, and that is found out soon
            curses.reset_prog_mode()
        self.resize()

    def paint(self, frame: Frame) -> None:
        """Show a frame: the lines that differ from those that are there."""
        for y in range(max(len(frame.lines), len(self._shown))):
            line = frame.lines[y] if y < len(frame.lines) else ()
            before = self._shown[y] if y < len(self._shown) else None
            if line != before:
                self._write(y, line, before or (), frame.size)
        self._shown = list(frame.lines)
        self._window.refresh()

    def _write(self, y: int, line: Line, before: Line, size: Size) -> None:
        """Write what is not there before: of most lines that is all but the axis at the left."""
        x = 0
        same = True  # as far as this
        for span, there in zip_longest(line, before[: len(line)]):
            text = span.text
            same = same and span == there
            if same:
                x += len(text)
                continue
            if not self._utf8:
                text = text.encode("ascii", "replace").decode("ascii")
            attribute = self._attributes[span.style]
            if span.reverse:
                attribute ^= curses.A_REVERSE
            last = x + len(text) == size.columns and y == size.rows - 1
            if last:
                # The cursor has nowhere to go after the lower right cell, which curses takes for
                # an error; inserting moves no cursor.
                self._window.insstr(y, size.columns - 1, text[-1], attribute)
                text = text[:-1]
            if text:
                self._window.addstr(y, x, text, attribute)
            x += len(text) + last
        if x < size.columns:
            self._window.move(y, x)
            self._window.clrtoeol()


def _attributes(*, color: bool) -> dict[Style, int]:
    """How each style looks; on the terminal's own background, and in colour only if allowed."""
    attributes = dict.fromkeys(Style, curses.A_NORMAL)
    attributes[Style.BOLD] = curses.A_BOLD
    attributes[Style.DIM] = curses.A_DIM
    attributes[Style.ALERT] = curses.A_REVERSE
    if not color:
        return attributes
    try:
        curses.start_color()
        curses.use_default_colors()
    except curses.error:
        return attributes
    if curses.has_colors():
        colors = next((COLORS[least] for least in COLORS if least <= curses.COLORS), {})
        for pair, (style, foreground) in enumerate(colors.items(), start=1):
            curses.init_pair(pair, foreground, -1)
            attributes[style] = curses.color_pair(pair)
    return attributes


def _name(key: int) -> str | None:
    """What a key is called: a character by itself, a control character with a ``^``."""
    if key in KEY_NAMES:
        return KEY_NAMES[key]
    if 0x20 < key < 0x7F:
        return chr(key)
    return f"^{chr(key + 0x40)}" if 0 < key < 0x20 else None


def _mouse() -> str | Click | None:
    try:
        _, x, y, _, buttons = curses.getmouse()
    except curses.error:  # an event that curses has no more of
        return None
    if buttons & CLICK_MASK:
        return Click(x, y)
    return next((name for button, name in WHEEL_NAMES.items() if buttons & button), None)
