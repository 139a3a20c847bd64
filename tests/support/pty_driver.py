"""bwgraph on a terminal of its own: a real pty, a session, a shell above it, and eyes.

A ``Program`` runs below ``pty_shell``, so that ^Z, ``fg`` and a hang-up are what they are in life.
What it writes is kept as bytes and shown on a screen by pyte. All waiting is for something that
can be seen, returns at once when it is there, and fails with the picture when it does not come.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte
import pyte.streams

import bwgraph

SHELL = Path(__file__).with_name("pty_shell.py")
PATIENCE = 20.0
"Seconds that anything may take on a machine that is busy with other things."

SMCUP, RMCUP = b"\x1b[?1049h", b"\x1b[?1049l"
HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"
MOUSE = re.compile(rb"\x1b\[\?(?:\d+;)*100[0-6](?:;\d+)*([hl])")
"Turns telling of the mouse on or off (xterm's control sequences, mouse tracking)."
KEYPAD_ON, KEYPAD_OFF = b"\x1b[?1h\x1b=", b"\x1b[?1l\x1b>"


def environment(**changes: str | None) -> dict[str, str]:
    """What a program finds around it: this and nothing else; None takes a variable away."""
    environ: dict[str, str | None] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(Path(bwgraph.__file__).parent.parent),
        "HOME": "/nonexistent",
        "XDG_CONFIG_HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        **changes,
    }
    return {name: value for name, value in environ.items() if value is not None}


def bwgraph_argv(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bwgraph", *arguments]


class _Screen(pyte.Screen):
    """pyte's screen, with what xterm has besides and an eye on lines that do not fit."""

    wrapped = 0
    "Characters written beyond the end of a line since the screen was last cleared."
    scrolled = 0
    "Lines lost at the top since then."

    def draw(self, data: str) -> None:
        for char in data:
            self.wrapped += self.cursor.x == self.columns
            super().draw(char)
        self.last = data[-1]

    def index(self) -> None:
        self.scrolled += self.cursor.y == self.lines - 1
        super().index()

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        if how == 2:
            self.wrapped = self.scrolled = 0
        super().erase_in_display(how, *args, **kwargs)

    def repeat(self, count: int = 1) -> None:
        self.draw(self.last * (count or 1))

    def scroll_up(self, count: int = 1) -> None:
        self._at_the_top(lambda: self.delete_lines(count))

    def scroll_down(self, count: int = 1) -> None:
        self._at_the_top(lambda: self.insert_lines(count))

    def _at_the_top(self, scroll: Callable[[], None]) -> None:
        """Of the margins; the cursor stays where it is."""
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        scroll()
        self.cursor.x, self.cursor.y = x, y


class _Stream(pyte.ByteStream):
    """pyte's parser, with what xterm has besides."""

    def __init__(self, screen: _Screen) -> None:
        more = {"b": "repeat", "S": "scroll_up", "T": "scroll_down"}
        self.csi = {**pyte.ByteStream.csi, **more}
        self.events = pyte.ByteStream.events | {*more.values()}
        super().__init__(screen)


class Program:
    """A program that runs on a terminal, until the ``with`` ends at the latest."""

    def __init__(
        self,
        *arguments: str,
        argv: Iterable[str] | None = None,
        size: tuple[int, int] = (100, 24),
        environ: Mapping[str, str] | None = None,
        ignored: Iterable[int] = (),
        cwd: Path | str = "/",
    ) -> None:
        """Run ``bwgraph ARGUMENTS``, or ``argv``; ``ignored`` are signals, as nohup has it."""
        self.argv = list(argv) if argv is not None else bwgraph_argv(*arguments)
        self.raw = b""
        "Everything it has written."
        self.pid = 0
        self.ended = 0.0
        "When it ended, on the monotonic clock."
        self._exit: int | None = None
        self._stopped: int | None = None
        self._said = b""
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self._screen = _Screen(*size)
        self._stream = _Stream(self._screen)
        self._set_size(*size)
        self.modes_before = self.modes()
        commands, self._commands = os.pipe()
        self._reports, reports = os.pipe()
        try:
            shell = [sys.executable, "-I", "-S", str(SHELL), str(commands), str(reports)]
            shell += [",".join(str(int(number)) for number in ignored), *self.argv]
            self._shell = subprocess.Popen(
                shell,
                stdin=self._slave,
                stdout=self._slave,
                stderr=self._slave,
                env=dict(environ) if environ is not None else environment(),
                cwd=cwd,
                start_new_session=True,
                pass_fds=(commands, reports),
            )
        except BaseException:
            self._close_all()
            raise
        finally:
            os.close(commands)
            os.close(reports)
        self._wait(lambda: self.pid, "the program's start", PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it, whatever state it is in, and let go of the terminal."""
        with suppress(OSError):
            os.close(self._commands)  # the shell ends its job and itself
            self._commands = -1
        try:
            self._shell.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()
            raise
        finally:
            self._close_all()

    def _close_all(self) -> None:
        for fd in (self._master, self._slave, self._reports, self._commands):
            with suppress(OSError):
                os.close(fd)
        self._master = self._slave = self._reports = self._commands = -1

    # What there is to see.

    def display(self) -> list[str]:
        """The screen's lines, without the blanks at their ends."""
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        return "\n".join(self.display())

    def modes(self) -> list[Any]:
        """The terminal's attributes, all of them."""
        return termios.tcgetattr(self._slave)

    def fits(self) -> bool:
        """Whether all that was drawn since the screen was cleared had its place on it."""
        return self._screen.wrapped == 0 and self._screen.scrolled == 0

    def tells_of_mouse(self) -> bool:
        """Whether the terminal sends clicks to the program, instead of selecting text."""
        return [*MOUSE.findall(self.raw)][-1:] == [b"h"]

    def on_normal_screen(self) -> bool:
        """Whether the terminal is as it was found: screen, cursor, mouse, keys, modes."""
        return (
            self.raw.count(SMCUP) == self.raw.count(RMCUP)
            and self.raw.rfind(RMCUP) >= self.raw.rfind(SMCUP)
            and self.raw.rfind(SHOWN) >= self.raw.rfind(HIDDEN)
            and self.raw.rfind(KEYPAD_OFF) >= self.raw.rfind(KEYPAD_ON)
            and not self.tells_of_mouse()
            and self.modes() == self.modes_before
        )

    def after_graph(self) -> str:
        """What it wrote after it left the graph's screen for the last time."""
        assert RMCUP in self.raw, self._picture("the graph was never left")
        last = self.raw.rpartition(RMCUP)[2]
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r", "", last.decode(errors="replace"))

    # What there is to wait for.

    def wait_for(self, what: str | re.Pattern[str], timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until a text, or something that a pattern finds, is on the screen."""
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        found: list[re.Match[str]] = []

        def seen() -> bool:
            match = pattern.search(self.text())
            if match is not None:
                found.append(match)
            return match is not None

        self._wait(seen, f"{pattern.pattern!r} on the screen", timeout)
        return found[0]

    def wait_gone(self, text: str, timeout: float = PATIENCE) -> None:
        self._wait(lambda: text not in self.text(), f"{text!r} gone from the screen", timeout)

    def wait_until(
        self, condition: Callable[[], object], what: str, timeout: float = PATIENCE
    ) -> None:
        """Wait until a condition on what has been seen holds."""
        self._wait(condition, what, timeout)

    def wait_exit(self, timeout: float = PATIENCE) -> int:
        """Wait for its end: its exit status, negative for a signal that ended it."""
        self._wait(lambda: self._exit is not None, "its end", timeout)
        assert self._exit is not None
        self.watch(0.0)  # what it wrote last
        return self._exit

    def wait_stopped(self, timeout: float = PATIENCE) -> int:
        """Wait until it is stopped: by which signal."""
        self._wait(lambda: self._stopped is not None, "its being stopped", timeout)
        assert self._stopped is not None
        return self._stopped

    def watch(self, seconds: float) -> None:
        """Look on for so long."""
        end = time.monotonic() + seconds
        while self._pump(max(0.0, end - time.monotonic())) or time.monotonic() < end:
            pass

    # What there is to do.

    def send(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def signal(self, number: int) -> None:
        assert self._exit is None, "it has ended, and its number may be another's"
        os.kill(self.pid, number)

    def fg(self) -> None:
        """Continue it in the foreground, as a shell's fg does."""
        self._stopped = None
        os.write(self._commands, b"fg\n")

    def bg(self) -> None:
        """Continue it in the background, as a shell's bg does."""
        self._stopped = None
        os.killpg(self.pid, signal.SIGCONT)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size. What was on it is lost: it must be drawn whole again."""
        self._set_size(columns, rows)
        self._screen.reset()
        self._screen.resize(rows, columns)

    def scribble(self) -> None:
        """Fill the screen with E's, as if something else had written there."""
        self._screen.alignment_display()

    def set_modes(self, modes: list[Any]) -> None:
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)

    def hang_up(self) -> None:
        """Take the terminal away. Nothing can be seen any more."""
        os.close(self._master)
        self._master = -1

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _wait(self, condition: Callable[[], object], what: str, timeout: float) -> None:
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            ended = self._exit is not None
            came = self._pump(0.0 if ended else max(0.0, left))
            if not came and (ended or left <= 0):
                why = f"it ended with {self._exit}" if ended else f"in {timeout:.0f} s"
                raise AssertionError(self._picture(f"waited for {what}: {why}"))
            while self._pump(0.0):
                pass  # a picture comes in pieces: better to look when it is whole

    def _picture(self, what: str) -> str:
        width = self._screen.columns
        screen = "\n".join(f"|{line:{width}}|" for line in self.display())
        return f"{what}\n{screen}\nlast bytes: {self.raw[-300:]!r}"

    def _pump(self, timeout: float) -> bool:
        """Take what has come from the terminal and the shell; whether anything had."""
        fds = [fd for fd in (self._master, self._reports) if fd >= 0]
        ready = select.select(fds, [], [], timeout)[0]
        if self._master in ready:
            data = os.read(self._master, 65536)
            self.raw += data
            self._stream.feed(data)
        if self._reports in ready:
            self._hear(os.read(self._reports, 4096))
        return bool(ready)

    def _hear(self, report: bytes) -> None:
        if not report:
            os.close(self._reports)
            self._reports = -1
            assert self._exit is not None, self._picture("the shell above it failed")
        *lines, self._said = (self._said + report).split(b"\n")
        for line in lines:
            word, number, *when = line.split()
            if word == b"started":
                self.pid = int(number)
            elif word == b"stopped":
                self._stopped = int(number)
            else:
                self._exit, self.ended = int(number), float(when[0])
