"""What programs in terminals take of the machine: each in a pty of its own, all in the same time.

Owns how it is measured: CPU by the kernel's clock of each process, wakeups by its voluntary context
switches, memory by its high-water mark. Linux only, for that is where those are told.
"""

import fcntl
import os
import pty
import signal
import struct
import termios
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

COLUMNS, ROWS = 120, 35


@dataclass(frozen=True, slots=True)
class Figures:
    """What one program took."""

    alive: bool
    "Whether it ran to the end."
    cpu: float
    "Milliseconds a second, user's and system's."
    wakeups: float
    "A second, of all its threads."
    written: float
    "Bytes to the terminal a second."
    memory: float
    "MB at the peak."
    paint: float
    "Seconds from its start to its first byte on the terminal."


class Program:
    """A program in a pty, whose output is counted as it comes."""

    def __init__(self, command: list[str], awaited: bytes = b"") -> None:
        self.written = 0
        self.paint: float | None = None
        "Seconds until what is awaited came, which may be whatever comes first."
        self._awaited = awaited
        self._came = b""
        self.start = time.monotonic()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            # Installed, a program is compiled.
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            # The window has its size before the program looks at it.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            try:
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def begin_anew(self) -> None:
        """Take the next byte for the first, and the present for the start."""
        self._came = b""
        self.paint, self.start = None, time.monotonic()

    def cpu(self) -> float:
        """Seconds so far, of all its threads, those that have ended too."""
        # Linux makes the number of another process's CPU clock so (clock_getcpuclockid(3)).
        return time.clock_gettime(~self.pid << 3 | 2)

    def wakeups(self) -> int:
        """Voluntary context switches of all its threads so far."""
        count = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):  # a thread that has just ended
                count += self._told(task / "status", "voluntary_ctxt_switches")
        return count

    def memory(self) -> int:
        """Kilobytes at the peak."""
        return self._told(Path(f"/proc/{self.pid}/status"), "VmHWM")

    def alive(self) -> bool:
        return os.waitpid(self.pid, os.WNOHANG) == (0, 0)

    def end(self) -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGTERM)
            time.sleep(0.5)
            if self.alive():
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self._master)

    def _read(self) -> None:
        with suppress(OSError):  # the pty's other side is closed
            while data := os.read(self._master, 65536):
                if self.paint is None:
                    self._came += data
                    if self._awaited in self._came:
                        self.paint = time.monotonic() - self.start
                if b"\x1b[c" in data or b"\x1b[6n" in data:  # what it asks of its terminal
                    os.write(self._master, b"\x1b[?6c")
                self.written += len(data)

    @staticmethod
    def _told(path: Path, key: str) -> int:
        lines = path.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))


def measure(
    commands: Mapping[str, list[str]], *, warm: float, seconds: float
) -> dict[str, Figures]:
    """Run all at once, wait until they are warm, and measure for so long."""
    programs = {name: Program(command) for name, command in commands.items()}
    try:
        time.sleep(warm)
        alive = {name: program for name, program in programs.items() if program.alive()}
        begin = {name: _reading(program) for name, program in alive.items()}
        time.sleep(seconds)
        figures = {}
        for name, program in programs.items():
            if name not in alive or not program.alive():
                figures[name] = Figures(False, 0.0, 0.0, 0.0, 0.0, program.paint or 0.0)
                continue
            before, after = begin[name], _reading(program)
            passed = after[0] - before[0]
            pairs = zip(before[1:], after[1:], strict=True)
            cpu, wakeups, written = ((b - a) / passed for a, b in pairs)
            memory = program.memory() / 1024
            figures[name] = Figures(
                True, cpu * 1000, wakeups, written, memory, program.paint or 0.0
            )
        return figures
    finally:
        for program in programs.values():
            program.end()


def _reading(program: Program) -> tuple[float, float, int, int]:
    return time.monotonic(), program.cpu(), program.wakeups(), program.written
