"""The terminal, by curses: reads keys and the mouse, and writes frames.

Owns entering the terminal, restoring it, its colours, and the differences of curses on Windows
(windows-curses, based on PDCurses), which writes to a console and has no terminfo. Must not know
what a frame shows. Everything here runs in the main thread.
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
"What curses returns if no key is waiting."

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
"The names of special keys and of the space key, by curses' code."

RESIZED = "resize"
"The key name that reports a resize on Windows, which has no signal for it."

WHEEL_NAMES = {
    curses.BUTTON4_PRESSED: "wheel-up",
    getattr(curses, "BUTTON5_PRESSED", 0x200000): "wheel-down",
}
"The names of the wheel's buttons. Not every Python has a constant for the fifth button."

CLICK_MASK = curses.BUTTON1_PRESSED | curses.BUTTON1_CLICKED
"The mouse events that are a click."

COLORS = {
    256: {Style.DOWNLOAD: 33, Style.UPLOAD: 166, Style.LIMIT: 35},
    8: {
        Style.DOWNLOAD: curses.COLOR_CYAN,
        Style.UPLOAD: curses.COLOR_MAGENTA,
        Style.LIMIT: curses.COLOR_GREEN,
    },
}
"""The styles' colours, by the number of colours that the terminal must have.

Of 256 colours, download has a blue and upload an orange: they can be distinguished with any colour
vision, and are legible on a dark and on a light background. The terminal chooses the shades of its
first 8 colours."""


def locale_is_utf8(environ: Mapping[str, str]) -> bool:
    """Set the locale from the environment; return whether its encoding is UTF-8.

    Python replaces a C locale by C.UTF-8 before the program starts (PEP 538), whatever the terminal
    can show. Here a C locale stays one. On Windows, where there are no such locales, the encoding
    is that of standard output.
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
    """A context in which curses has the terminal. It is restored however the context ends."""

    def __init__(self, *, utf8: bool = True, color: bool = True) -> None:
        self._utf8 = utf8
        self._color = color
        self._shown: list[Line] = []  # the lines that are on the screen

    def __enter__(self) -> Self:
        try:
            self._window = tty.enter()
            self._window.keypad(True)
            self._window.nodelay(True)
            if sys.platform != "win32":  # on Windows no key begins with an escape
                curses.set_escdelay(25)
            self._attributes = _attributes(color=self._color)
            curses.mouseinterval(0)
            curses.mousemask(CLICK_MASK | sum(WHEEL_NAMES))
            self.resize()
        except BaseException:  # such as ^C
            tty.leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tty.leave()

    def fileno(self) -> int:
        """Return a file descriptor that is readable if there is a key, or after a hang-up."""
        return sys.stdin.fileno()

    def is_gone(self) -> bool:
        """Return whether the terminal was hung up. On Windows only a signal reports that."""
        if sys.platform != "win32":
            try:
                termios.tcgetattr(self.fileno())
            except termios.error:
                return True
        return False

    def keys(self) -> list[str | Click]:
        """Return the names of the keys pressed since the last call, and the clicks.

        Keys without a name are left out. A resize, which is a key to curses, is left out where a
        signal reports it.
        """
        pressed: list[str | Click] = []
        while (key := self._next_key()) != NO_KEY:
            name = _mouse_event() if key == curses.KEY_MOUSE else _key_name(key)
            if sys.platform == "win32" and key == curses.KEY_RESIZE:
                self.redraw()
                name = RESIZED
            if name is not None:
                pressed.append(name)
        return pressed

    def _next_key(self) -> int:
        """Return the next key, or NO_KEY. Skips the escape sequences that curses does not know.

        curses returns those character by character: an escape, "[", parameters and a final letter;
        or an escape, "O" and a letter.
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
        """Return the size that frames must have."""
        rows, columns = self._window.getmaxyx()
        return Size(columns, rows)

    def resize(self) -> None:
        """Adopt the terminal's present size, and clear the screen."""
        if sys.platform != "win32":  # curses on Windows does so by itself
            try:
                columns, rows = os.get_terminal_size(sys.stdout.fileno())
            except OSError:
                columns, rows = 0, 0
            # Some terminals, such as a serial line, report no size: then terminfo's is used.
            if columns > 0 and rows > 0:
                curses.resizeterm(rows, columns)
        self.redraw()

    def redraw(self) -> None:
        """Clear the screen, so that the next frame is written completely."""
        self._shown = []
        self._window.clear()

    def suspend(self) -> None:
        """Restore the terminal and stop the program, as for ^Z; return when it is continued."""
        if sys.platform != "win32":  # Windows has no ^Z
            curses.endwin()
            signals.suspend()
            self.resume()

    def resume(self) -> None:
        """Enter the terminal again after a stop: its modes and its size may have changed."""
        with suppress(curses.error):  # if it was hung up meanwhile, ``is_gone`` notices soon
            curses.reset_prog_mode()
        self.resize()

    def paint(self, frame: Frame) -> None:
        """Show a frame: write the lines that differ from those on the screen."""
        for y in range(max(len(frame.lines), len(self._shown))):
            line = frame.lines[y] if y < len(frame.lines) else ()
            before = self._shown[y] if y < len(self._shown) else None
            if line != before:
                self._write(y, line, before or (), frame.size)
        self._shown = list(frame.lines)
        self._window.refresh()

    def _write(self, y: int, line: Line, before: Line, size: Size) -> None:
        """Write a line from its first span that differs from the line before.

        Usually only the axis at the left is unchanged.
        """
        x = 0
        unchanged = True
        for span, span_before in zip_longest(line, before[: len(line)]):
            text = span.text
            unchanged = unchanged and span == span_before
            if unchanged:
                x += len(text)
                continue
            if not self._utf8:
                text = text.encode("ascii", "replace").decode("ascii")
            attribute = self._attributes[span.style]
            if span.reverse:
                attribute ^= curses.A_REVERSE
            last = x + len(text) == size.columns and y == size.rows - 1
            if last:
                # After the lower right cell the cursor cannot advance, and addstr would raise an
                # error. insstr does not move the cursor.
                self._window.insstr(y, size.columns - 1, text[-1], attribute)
                text = text[:-1]
            if text:
                self._window.addstr(y, x, text, attribute)
            x += len(text) + last
        if x < size.columns:
            self._window.move(y, x)
            self._window.clrtoeol()


def _attributes(*, color: bool) -> dict[Style, int]:
    """Return each style's curses attributes, on the terminal's own background."""
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
        colors = next((COLORS[count] for count in COLORS if count <= curses.COLORS), {})
        for pair, (style, foreground) in enumerate(colors.items(), start=1):
            curses.init_pair(pair, foreground, -1)
            attributes[style] = curses.color_pair(pair)
    return attributes


def _key_name(key: int) -> str | None:
    """Return a key's name; a control character's begins with ``^``. None if it has no name."""
    if key in KEY_NAMES:
        return KEY_NAMES[key]
    if 0x20 < key < 0x7F:
        return chr(key)
    return f"^{chr(key + 0x40)}" if 0 < key < 0x20 else None


def _mouse_event() -> str | Click | None:
    try:
        _, x, _, _, buttons = curses.getmouse()
    except curses.error:  # curses has discarded the event
        return None
    if buttons & CLICK_MASK:
        return Click(x)
    return next((name for button, name in WHEEL_NAMES.items() if buttons & button), None)
