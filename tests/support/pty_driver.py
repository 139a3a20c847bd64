"""Run bwgraph in a terminal of its own: a pseudo-terminal, a session, a shell and a screen.

A ``Program`` is a job of ``pty_shell``, so that ^Z, ``fg`` and a hang-up work as in a real shell.
Its output is recorded as bytes and shown on a screen by pyte. Each ``wait_...`` method returns as
soon as its condition holds, and otherwise fails with a picture of the screen.
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
"The longest time that anything may take on a busy machine, in seconds."

SMCUP, RMCUP = b"\x1b[?1049h", b"\x1b[?1049l"
HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"
MOUSE = re.compile(rb"\x1b\[\?(?:\d+;)*100[0-6](?:;\d+)*([hl])")
"A sequence that switches mouse reports on or off (xterm's control sequences, mouse tracking)."
KEYPAD_ON, KEYPAD_OFF = b"\x1b[?1h\x1b=", b"\x1b[?1l\x1b>"


def environment(**changes: str | None) -> dict[str, str]:
    """Return the environment for a program, with changes; None removes a variable."""
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
    """A screen of pyte with more functions of xterm, which counts text that does not fit."""

    wrapped = 0
    "The characters written beyond the end of a line since the screen was last cleared."
    scrolled = 0
    "The lines scrolled out at the top since then."

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
        self._at_top_margin(lambda: self.delete_lines(count))

    def scroll_down(self, count: int = 1) -> None:
        self._at_top_margin(lambda: self.insert_lines(count))

    def _at_top_margin(self, scroll: Callable[[], None]) -> None:
        """Scroll with the cursor at the top margin, then move it back."""
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        scroll()
        self.cursor.x, self.cursor.y = x, y


class _Stream(pyte.ByteStream):
    """A parser of pyte with more functions of xterm."""

    def __init__(self, screen: _Screen) -> None:
        functions = {"b": "repeat", "S": "scroll_up", "T": "scroll_down"}
        self.csi = {**pyte.ByteStream.csi, **functions}
        self.events = pyte.ByteStream.events | {*functions.values()}
        super().__init__(screen)


class Program:
    """A program in a terminal; a context manager that kills it at the end."""

    def __init__(
        self,
        *arguments: str,
        argv: Iterable[str] | None = None,
        size: tuple[int, int] = (100, 24),
        environ: Mapping[str, str] | None = None,
        ignored: Iterable[int] = (),
        cwd: Path | str = "/",
    ) -> None:
        """Run ``bwgraph ARGUMENTS``, or ``argv``, with these signals ignored as by nohup."""
        self.argv = list(argv) if argv is not None else bwgraph_argv(*arguments)
        self.raw = b""
        "All of its output."
        self.pid = 0
        self.ended = 0.0
        "The time at which it ended, on the monotonic clock."
        self._exit: int | None = None
        self._stopped: int | None = None
        self._unparsed_report = b""
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
        except BaseException:  # such as a test's timeout: no file may stay open
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
        """Kill the program in any state, and close the terminal."""
        with suppress(OSError):
            os.close(self._commands)  # the shell kills its job and ends
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

    # The state of the terminal.

    def display(self) -> list[str]:
        """Return the screen's lines without trailing spaces."""
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        return "\n".join(self.display())

    def modes(self) -> list[Any]:
        """Return all attributes of the terminal."""
        return termios.tcgetattr(self._slave)

    def fits(self) -> bool:
        """Return whether everything drawn since the screen was cleared fitted on it."""
        return self._screen.wrapped == 0 and self._screen.scrolled == 0

    def reports_mouse(self) -> bool:
        """Return whether the terminal reports clicks to the program."""
        return [*MOUSE.findall(self.raw)][-1:] == [b"h"]

    def on_normal_screen(self) -> bool:
        """Return whether the screen, cursor, mouse, keypad and modes are as before the start."""
        return (
            self.raw.count(SMCUP) == self.raw.count(RMCUP)
            and self.raw.rfind(RMCUP) >= self.raw.rfind(SMCUP)
            and self.raw.rfind(SHOWN) >= self.raw.rfind(HIDDEN)
            and self.raw.rfind(KEYPAD_OFF) >= self.raw.rfind(KEYPAD_ON)
            and not self.reports_mouse()
            and self.modes() == self.modes_before
        )

    def after_graph(self) -> str:
        """Return its output after it left the alternate screen for the last time."""
        assert RMCUP in self.raw, self._picture("it never left the alternate screen")
        last = self.raw.rpartition(RMCUP)[2]
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r", "", last.decode(errors="replace"))

    # Waiting.

    def wait_for(self, what: str | re.Pattern[str], timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until a text, or a match of a pattern, is on the screen; return the match."""
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        matches: list[re.Match[str]] = []

        def is_shown() -> bool:
            match = pattern.search(self.text())
            if match is not None:
                matches.append(match)
            return match is not None

        self._wait(is_shown, f"{pattern.pattern!r} on the screen", timeout)
        return matches[0]

    def wait_gone(self, text: str, timeout: float = PATIENCE) -> None:
        """Wait until a text is not on the screen."""
        self._wait(lambda: text not in self.text(), f"{text!r} gone from the screen", timeout)

    def wait_until(
        self, condition: Callable[[], object], what: str, timeout: float = PATIENCE
    ) -> None:
        """Wait until a condition on the screen or the output holds."""
        self._wait(condition, what, timeout)

    def wait_exit(self, timeout: float = PATIENCE) -> int:
        """Wait until it ends; return its exit code, negative for a signal that ended it."""
        self._wait(lambda: self._exit is not None, "its end", timeout)
        assert self._exit is not None
        self.watch(0.0)  # receive the rest of its output
        return self._exit

    def wait_stopped(self, timeout: float = PATIENCE) -> int:
        """Wait until it is stopped; return the signal that stopped it."""
        self._wait(lambda: self._stopped is not None, "its being stopped", timeout)
        assert self._stopped is not None
        return self._stopped

    def watch(self, seconds: float) -> None:
        """Receive its output for this time."""
        end = time.monotonic() + seconds
        while self._receive(max(0.0, end - time.monotonic())) or time.monotonic() < end:
            pass

    # Actions.

    def send(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def signal(self, number: int) -> None:
        assert self._exit is None, "it has ended, and another process may have its pid"
        os.kill(self.pid, number)

    def fg(self) -> None:
        """Continue it in the foreground, as the shell command fg does."""
        self._stopped = None
        os.write(self._commands, b"fg\n")

    def bg(self) -> None:
        """Continue it in the background, as the shell command bg does."""
        self._stopped = None
        os.killpg(self.pid, signal.SIGCONT)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size and clear it, so that the program must redraw everything."""
        self._set_size(columns, rows)
        self._screen.reset()
        self._screen.resize(rows, columns)

    def scribble(self) -> None:
        """Fill the screen with E's, as if another program had written on it."""
        self._screen.alignment_display()

    def set_modes(self, modes: list[Any]) -> None:
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)

    def hang_up(self) -> None:
        """Close the terminal. The screen does not change any more."""
        os.close(self._master)
        self._master = -1

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _wait(self, condition: Callable[[], object], what: str, timeout: float) -> None:
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            ended = self._exit is not None
            received = self._receive(0.0 if ended else max(0.0, left))
            if not received and (ended or left <= 0):
                why = f"it ended with {self._exit}" if ended else f"in {timeout:.0f} s"
                raise AssertionError(self._picture(f"waited for {what}: {why}"))
            while self._receive(0.0):
                pass  # a frame arrives in pieces: receive all of it before looking

    def _picture(self, message: str) -> str:
        width = self._screen.columns
        screen = "\n".join(f"|{line:{width}}|" for line in self.display())
        return f"{message}\n{screen}\nlast bytes: {self.raw[-300:]!r}"

    def _receive(self, timeout: float) -> bool:
        """Receive output of the program and reports of the shell; return whether there were any."""
        fds = [fd for fd in (self._master, self._reports) if fd >= 0]
        ready = select.select(fds, [], [], timeout)[0]
        if self._master in ready:
            data = os.read(self._master, 65536)
            self.raw += data
            self._stream.feed(data)
        if self._reports in ready:
            self._parse_reports(os.read(self._reports, 4096))
        return bool(ready)

    def _parse_reports(self, data: bytes) -> None:
        if not data:
            os.close(self._reports)
            self._reports = -1
            assert self._exit is not None, self._picture("its shell failed")
        *lines, self._unparsed_report = (self._unparsed_report + data).split(b"\n")
        for line in lines:
            state, number, *times = line.split()
            if state == b"started":
                self.pid = int(number)
            elif state == b"stopped":
                self._stopped = int(number)
            else:
                self._exit, self.ended = int(number), float(times[0])
