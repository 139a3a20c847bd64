"""A strict fake of curses: a screen in memory, and an error for everything it does not model.

It models the functions that bwgraph uses, with the pitfalls of curses: text that ends in the lower
right cell is drawn and then raises, writing outside of the window raises, an insertion pushes text
out at the right edge. Other names raise AttributeError. Wrong use raises too: writing before
``initscr`` or after ``endwin``, or with a colour pair that was not initialized.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from wcwidth import wcwidth  # comes with pyte

from bwgraph.terminal import curses_terminal, tty


class CursesError(Exception):
    """The fake's ``curses.error``."""


Cell = tuple[str, int]
"A character and its attributes."

EMPTY: Cell = (" ", 0)


@dataclass
class Hardware:
    """The capabilities of the terminal."""

    columns: int = 80
    rows: int = 24
    colors: int = 8
    "The number of colours; 0 for none."
    default_colors: bool = True
    hides_cursor: bool = True
    has_mouse: bool = True
    utf8: bool = True
    terminfo: dict[str, dict[str, bytes]] = field(
        default_factory=lambda: {"xterm": {"cup": b"\x1b[%i%p1%d;%p2%dH"}, "dumb": {"am": b""}}
    )


class Window:
    """The window that ``initscr`` returns: cells, a cursor and a queue of keys."""

    def __init__(self, curses: "FakeCurses", columns: int, rows: int) -> None:
        self._curses = curses
        self._columns = columns
        self._rows = rows
        self._y = self._x = 0
        self._nodelay = False
        self.has_keypad = False
        self.cells: list[list[Cell]] = []
        "The window's cells, shown or not."
        self.shown: list[list[Cell]] = []
        "The cells at the last ``refresh``."
        self.pressed: list[int] = []
        "Keys that have not been read yet."
        self.written: list[int] = []
        "The row of each write, in order."
        self.cleared = 0
        "The number of calls of ``clear``."
        self.blank()

    # The functions of curses.

    def keypad(self, flag: bool) -> None:
        self._curses.need_screen()
        self.has_keypad = flag

    def nodelay(self, flag: bool) -> None:
        self._curses.need_screen()
        self._nodelay = flag

    def getmaxyx(self) -> tuple[int, int]:
        self._curses.need_screen()
        return self._rows, self._columns

    def getch(self) -> int:
        self._curses.need_screen()
        if not self._nodelay:
            raise NotImplementedError("a getch that blocks")
        return self.pressed.pop(0) if self.pressed else -1

    def move(self, y: int, x: int) -> None:
        self._curses.need_screen()
        if not (0 <= y < self._rows and 0 <= x < self._columns):
            raise CursesError("wmove() returned ERR")
        self._y, self._x = y, x

    def addstr(self, y: int, x: int, text: str, attribute: int) -> None:
        self.move(y, x)
        self.written.append(y)
        for cell in self._cells(text, attribute):
            self.cells[self._y][self._x] = cell
            if self._x + 1 < self._columns:
                self._x += 1
            elif self._y + 1 < self._rows:
                self._y, self._x = self._y + 1, 0
            else:
                # The cell is drawn, but the cursor cannot move on.
                raise CursesError("addwstr() returned ERR")

    def insstr(self, y: int, x: int, text: str, attribute: int) -> None:
        self.move(y, x)
        self.written.append(y)
        row = self.cells[y]
        row[x:] = [*self._cells(text, attribute), *row[x:]][: self._columns - x]

    def clrtoeol(self) -> None:
        self._curses.need_screen()
        self.written.append(self._y)
        self.cells[self._y][self._x :] = [EMPTY] * (self._columns - self._x)

    def clear(self) -> None:
        self._curses.need_screen()
        self.cleared += 1
        self.blank()

    def refresh(self) -> None:
        self._curses.need_screen()
        self.shown = [row.copy() for row in self.cells]

    # The functions of the fake.

    def text(self) -> list[str]:
        """Return the rows on the screen."""
        return ["".join(char for char, _ in row) for row in self.shown]

    def attributes(self, y: int) -> list[int]:
        """Return the attributes of a row's cells."""
        return [attribute for _, attribute in self.shown[y]]

    def blank(self) -> None:
        """Empty the window and move the cursor to the upper left."""
        self.cells = [[EMPTY] * self._columns for _ in range(self._rows)]
        self._y = self._x = 0

    def resized(self, columns: int, rows: int) -> None:
        """Change the size; cells within both sizes stay."""
        old_cells = self.cells
        self._columns, self._rows = columns, rows
        self.blank()
        for row, old_row in zip(self.cells, old_cells, strict=False):
            common = old_row[:columns]
            row[: len(common)] = common

    def _cells(self, text: str, attribute: int) -> list[Cell]:
        if not text:
            raise NotImplementedError("writing an empty text")
        if any(wcwidth(char) != 1 for char in text):
            raise NotImplementedError(f"characters that are not one cell wide: {text!r}")
        if not self._curses.hardware.utf8:
            text.encode("ascii")
        if attribute & ~self._curses.valid_attributes:
            raise NotImplementedError(f"attribute {attribute:#x}")
        return [(char, attribute) for char in text]


class FakeCurses:
    """The module ``curses``."""

    error = CursesError

    A_NORMAL = 0
    A_BOLD = 1 << 21
    A_DIM = 1 << 20
    A_REVERSE = 1 << 18
    COLOR_GREEN = 2
    COLOR_MAGENTA = 5
    COLOR_CYAN = 6
    KEY_DOWN = 258
    KEY_UP = 259
    KEY_LEFT = 260
    KEY_RIGHT = 261
    KEY_HOME = 262
    KEY_BACKSPACE = 263
    KEY_NPAGE = 338
    KEY_PPAGE = 339
    KEY_ENTER = 343
    KEY_BTAB = 353
    KEY_END = 360
    KEY_MOUSE = 409
    KEY_RESIZE = 410
    BUTTON1_RELEASED = 0x1
    BUTTON1_PRESSED = 0x2
    BUTTON1_CLICKED = 0x4
    BUTTON3_PRESSED = 0x800
    BUTTON4_PRESSED = 0x10000
    BUTTON_SHIFT = 0x4000000

    def __init__(self, hardware: Hardware | None = None) -> None:
        self.hardware = Hardware() if hardware is None else hardware
        self.window: Window | None = None
        self.modes: set[str] = set()
        "The modes that were set: noecho, cbreak, ..."
        self.active = False
        "Whether curses has the screen: after ``initscr`` and before ``endwin``."
        self.pairs: dict[int, tuple[int, int]] = {}
        self.calls: list[str] = []
        "The names of the functions called that change the terminal's state, in order."
        self.valid_attributes = self.A_BOLD | self.A_DIM | self.A_REVERSE
        self.mask = 0
        "The mouse events that were requested."
        self.interval = 166
        "Milliseconds within which a press and a release are a click; a press is held that long."
        self._mouse_events: list[tuple[int, int, int]] = []
        self._terminfo: dict[str, bytes] | None = None

    # The functions of curses.

    def setupterm(self, term: str, fd: int) -> None:  # noqa: ARG002 - a parameter of curses
        if term not in self.hardware.terminfo:
            raise CursesError("setupterm: could not find terminal")
        self._terminfo = self.hardware.terminfo[term]

    def tigetstr(self, capability: str) -> bytes | None:
        if self._terminfo is None:
            raise CursesError("must call (at least) setupterm() first")
        return self._terminfo.get(capability)

    def initscr(self) -> Window:
        self.calls.append("initscr")
        self.active = True
        if self.window is None:  # a second call returns the same window, as in Python's curses
            self.window = Window(self, self.hardware.columns, self.hardware.rows)
        return self.window

    def endwin(self) -> None:
        self.calls.append("endwin")
        if self.window is None:
            raise CursesError("endwin() returned ERR")
        self.active = False

    def isendwin(self) -> bool:
        if self.window is None:
            raise CursesError("must call initscr() first")
        return not self.active

    def reset_prog_mode(self) -> None:
        self.calls.append("reset_prog_mode")
        if self.window is None:
            raise CursesError("must call initscr() first")
        self.active = True

    def noecho(self) -> None:
        self.need_screen()
        self.modes.add("noecho")

    def cbreak(self) -> None:
        self.need_screen()
        self.modes.add("cbreak")

    def set_escdelay(self, milliseconds: int) -> None:
        self.modes.add(f"escdelay {milliseconds}")

    def curs_set(self, visibility: int) -> int:
        self.need_screen()
        if not self.hardware.hides_cursor:
            raise CursesError("curs_set() returned ERR")
        self.modes.add(f"cursor {visibility}")
        return 1

    def ungetch(self, key: int) -> None:
        self.need_screen().pressed.insert(0, key)

    def mouseinterval(self, milliseconds: int) -> int:
        self.need_screen()
        before, self.interval = self.interval, milliseconds
        return before

    def mousemask(self, mask: int) -> tuple[int, int]:
        self.need_screen()
        before, self.mask = self.mask, mask if self.hardware.has_mouse else 0
        return self.mask, before

    def getmouse(self) -> tuple[int, int, int, int, int]:
        self.need_screen()
        if not self._mouse_events:
            raise CursesError("getmouse() returned ERR")
        x, y, buttons = self._mouse_events.pop(0)
        return 0, x, y, 0, buttons

    def resizeterm(self, rows: int, columns: int) -> None:
        self.calls.append("resizeterm")
        if rows < 1 or columns < 1:
            raise CursesError("resizeterm() returned ERR")
        self.need_screen().resized(columns, rows)

    def start_color(self) -> None:
        self.need_screen()
        self.calls.append("start_color")
        if not self.hardware.colors:
            raise CursesError("start_color() returned ERR")

    @property
    def COLORS(self) -> int:  # noqa: N802 - a name of curses
        if "start_color" not in self.calls:
            raise AttributeError("COLORS")  # as curses does
        return self.hardware.colors

    def use_default_colors(self) -> None:
        self._need_color()
        if not self.hardware.default_colors:
            raise CursesError("use_default_colors() returned ERR")
        self.calls.append("use_default_colors")

    def has_colors(self) -> bool:
        self.need_screen()
        return self.hardware.colors > 0

    def init_pair(self, pair: int, foreground: int, background: int) -> None:
        self._need_color()
        if not 0 < pair < 64:
            raise CursesError("init_pair() returned ERR")
        if background == -1 and "use_default_colors" not in self.calls:
            raise CursesError("init_pair() returned ERR")
        if not -1 <= foreground < self.hardware.colors:
            raise CursesError("init_pair() returned ERR")
        self.pairs[pair] = (foreground, background)
        self.valid_attributes |= pair << 8

    def color_pair(self, pair: int) -> int:
        self._need_color()
        if pair not in self.pairs:
            raise NotImplementedError(f"colour pair {pair}, which was not initialized")
        return pair << 8

    # The functions of the fake.

    def report_mouse(self, x: int, y: int, buttons: int) -> None:
        """Report a mouse event, if such events were requested."""
        if buttons & self.mask:
            self._mouse_events.append((x, y, buttons))
            self.need_screen().pressed.append(self.KEY_MOUSE)

    def need_screen(self) -> Window:
        """Return the window. Raises CursesError if curses does not have the screen."""
        if self.window is None or not self.active:
            raise CursesError("must call initscr() first")
        return self.window

    def _need_color(self) -> None:
        self.need_screen()
        if "start_color" not in self.calls:
            raise CursesError("must call start_color() first")


class Stream:
    """A standard stream without a write method, since curses alone may write."""

    def __init__(self, number: int, *, tty: bool = True) -> None:
        self._number = number
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def fileno(self) -> int:
        return self._number


@contextmanager
def installed(hardware: Hardware) -> Iterator[FakeCurses]:
    """Replace curses, the standard streams and the terminal size in the modules that use them."""
    curses = FakeCurses(hardware)

    def terminal_size(_: int) -> os.terminal_size:
        return os.terminal_size((hardware.columns, hardware.rows))

    with pytest.MonkeyPatch.context() as patch:
        streams = SimpleNamespace(platform=sys.platform, stdin=Stream(0), stdout=Stream(1))
        for module in (curses_terminal, tty):
            patch.setattr(module, "curses", curses)
            patch.setattr(module, "sys", streams)
        patch.setattr(curses_terminal, "os", SimpleNamespace(get_terminal_size=terminal_size))
        yield curses
