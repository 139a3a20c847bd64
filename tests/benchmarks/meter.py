"""Measure the CPU, wakeups, output and memory of programs, each in a pty of its own, side by side.

CPU is read from the kernel's clock of each process, wakeups are its voluntary context switches, and
memory is its high-water mark. These figures exist on Linux only.
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
    """The figures of one program."""

    alive: bool
    "Whether it was still running at the end."
    cpu: float
    "Milliseconds a second, in user and kernel mode."
    wakeups: float
    "Wakeups a second of all its threads."
    written: float
    "Bytes a second to the terminal."
    memory: float
    "Peak memory in MB."
    paint: float
    "Seconds from the start to the first byte on the terminal."


class Program:
    """A program in a pty, whose output is counted."""

    def __init__(self, command: list[str], awaited: bytes = b"", count: int = 1) -> None:
        self.written = 0
        self.paint: float | None = None
        "Seconds until ``awaited`` had been written ``count`` times; empty: the first byte."
        self._awaited = awaited
        self._count = count
        self._output = b""
        self.start = time.monotonic()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            # An installed program is compiled.
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            # Set the size before the program reads it.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            try:
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def restart_clock(self) -> None:
        """Measure ``paint`` anew, from the present to the next byte."""
        self._output = b""
        self.paint, self.start = None, time.monotonic()

    def cpu(self) -> float:
        """Return the CPU seconds of all its threads so far, including those that have ended."""
        # How Linux numbers the CPU clock of another process: clock_getcpuclockid(3).
        return time.clock_gettime(~self.pid << 3 | 2)

    def wakeups(self) -> int:
        """Return the voluntary context switches of all its threads so far."""
        count = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):  # the thread has just ended
                count += self._field(task / "status", "voluntary_ctxt_switches")
        return count

    def memory(self) -> int:
        """Return the peak memory in kilobytes."""
        return self._field(Path(f"/proc/{self.pid}/status"), "VmHWM")

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
        with suppress(OSError):  # the program has closed its side of the pty
            while data := os.read(self._master, 65536):
                if self.paint is None:
                    self._output += data
                    if self._output.count(self._awaited) >= self._count:
                        self.paint = time.monotonic() - self.start
                if b"\x1b[c" in data or b"\x1b[6n" in data:  # a query to the terminal
                    os.write(self._master, b"\x1b[?6c")
                self.written += len(data)

    @staticmethod
    def _field(path: Path, key: str) -> int:
        lines = path.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))


def measure(
    commands: Mapping[str, list[str]], *, warm_up: float, seconds: float
) -> dict[str, Figures]:
    """Run all programs at once, and measure for ``seconds`` after ``warm_up`` seconds."""
    programs = {name: Program(command) for name, command in commands.items()}
    try:
        time.sleep(warm_up)
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
