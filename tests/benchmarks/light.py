"""Measure what bwgraph costs a machine, beside a floor and other programs, in the same minute.

    python tests/benchmarks/light.py [SECONDS]

All programs draw the traffic of the same tors (``feed.py``) into windows of 120x35 whose graphs are
full: bwgraph with 1, 8 and 64 tors, the floor (``floor.py``), and nyx, nload, bmon and btop where
they are installed; the last three draw the loopback interface.

Then, one after another: the time from the start to the first paint of each program and to the first
graph of bwgraph, the time from tor's write of an event to the terminal, and the time that it takes
to push a sample into a history.
"""

import compileall
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fake_tor import FakeTor
from meter import Figures, Program, measure

import bwgraph
from bwgraph.model.events import Sample
from bwgraph.model.history import History

HERE = Path(__file__).parent

TOR_COUNTS = (1, 8, 64)
"Tors on one screen."

WARM_UP_S = 12.0
"Seconds before the measurement, in which the programs connect, draw, and ask tor about itself."

STARTS = 7
"Starts of each program, in turn; the median counts."

EVENTS = 20
"Events whose way to the terminal is measured; the median counts."

PUSHES = 5000
"Samples between two readings of the clock."

TIMEOUT_S = 10.0
"Seconds that a program may take to start."

AXIS_CORNER = "\u2514".encode()
"The corner of a graph's axes: the screen of bwgraph is a graph once it has written two of them."

TABLE_HEADING = b"download"
"The heading of the table of several tors."

LIBRARIES = "stem and curses"
IMPORTS = "import stem.control, curses, time; print('', flush=True); time.sleep(3600)"
"A program that imports them and does nothing, for the memory that they take."

OTHERS = {
    "nload": ["nload", "lo"],
    "bmon": ["bmon", "-p", "lo"],
    "btop": ["btop"],
}


@contextmanager
def feed(count: int) -> Iterator[list[str]]:
    """Run ``count`` tors; gives their control ports."""
    command = [sys.executable, str(HERE / "feed.py"), str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()
        finally:
            server.stdin.close()


def commands(ports: Sequence[str]) -> dict[str, list[str]]:
    """Return the command of each program to measure, by its name in the table."""
    found = {
        "floor": [sys.executable, str(HERE / "floor.py"), ports[0]],
        LIBRARIES: [sys.executable, "-c", IMPORTS],
    }
    for count in TOR_COUNTS:
        flags = [word for port in ports[:count] for word in ("--port", port)]
        found[f"bwgraph, {count} tor{'s' * (count > 1)}"] = [
            *(sys.executable, "-m", "bwgraph"),
            *flags,
        ]
    beside_python = Path(sys.executable).parent / "nyx"
    nyx = str(beside_python) if beside_python.exists() else shutil.which("nyx")
    if nyx is not None:
        found["nyx"] = [nyx, "-i", f"127.0.0.1:{ports[0]}"]
    found.update({name: words for name, words in OTHERS.items() if shutil.which(name)})
    return found


def start_times(
    measured: Mapping[str, list[str]], awaited: bytes = b"", count: int = 1
) -> dict[str, float]:
    """Return the median seconds from the start until each program has written ``awaited``.

    It has to be written ``count`` times; empty: the first byte. The programs are started in turn. A
    program that never writes it is left out.
    """
    found: dict[str, list[float]] = {}
    for _ in range(STARTS):
        for name, command in measured.items():
            program = Program(command, awaited, count)
            try:
                seconds = paint_time(program, TIMEOUT_S, 0.01)
            finally:
                program.end()
            if seconds is not None:
                found.setdefault(name, []).append(seconds)
    return {name: statistics.median(each) for name, each in found.items()}


def paint_time(program: Program, timeout: float, pause: float) -> float | None:
    """Wait until the program has written what is awaited; return the seconds, None if it does not.

    Looks every ``pause`` seconds.
    """
    until = time.monotonic() + timeout
    while program.paint is None and time.monotonic() < until:
        time.sleep(pause)
    return program.paint


def table(
    figures: Mapping[str, Figures], paints: Mapping[str, float], graphs: Mapping[str, float]
) -> Iterator[str]:
    """Yield a line for each program, with the ratios to the floor.

    ``start s`` is the time to the first graph where there is one, else to the first paint.
    """
    floor = figures["floor"]
    yield f"{'':18}  CPU ms/s  x floor  wakeups/s  bytes/s     MB  start s  x floor"
    for name, each in figures.items():
        if not each.alive:
            yield f"{name:18} did not run"
            continue
        seconds = graphs.get(name, paints.get(name))
        start = "" if seconds is None else f"{seconds:9.3f}{seconds / paints['floor']:9.2f}"
        yield (
            f"{name:18}{each.cpu:10.2f}{each.cpu / floor.cpu:9.2f}{each.wakeups:11.1f}"
            f"{each.written:9.0f}{each.memory:7.1f}{start}"
        )


def latencies() -> list[float]:
    """Return the seconds from tor's write of an event to the first byte on the terminal."""
    found: list[float] = []
    with FakeTor() as server:
        program = Program([sys.executable, "-m", "bwgraph", "--port", str(server.endpoint)])
        try:
            for number in range(EVENTS + 3):
                time.sleep(1.0022)
                program.restart_clock()
                server.emit(1000 * number, 777 * number)
                seconds = paint_time(program, 0.5, 0.0005)
                if number >= 3 and seconds is not None:  # the graph is on the screen by then
                    found.append(seconds)
        finally:
            program.end()
    return found


def push_time() -> float:
    """Return the microseconds that pushing a sample into a history takes: a median."""
    history = History()
    found = []
    for first in range(0, 20 * PUSHES, PUSHES):
        numbers = range(first, first + PUSHES)
        samples = [Sample(1000 + 1.0022 * n, 700 * n, 70 * n, 1.0022) for n in numbers]
        begin = time.perf_counter()
        for sample in samples:
            history.push(sample)
        found.append((time.perf_counter() - begin) / PUSHES * 1e6)
    return statistics.median(found)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    # An installed package is compiled.
    compileall.compile_dir(str(Path(bwgraph.__file__).parent), quiet=1)
    with feed(max(TOR_COUNTS)) as ports:
        measured = commands(ports)
        figures = measure(measured, warm_up=WARM_UP_S, seconds=seconds)
        del measured[LIBRARIES]
        own = {name: command for name, command in measured.items() if name.startswith("bwgraph")}
        others = {name: command for name, command in measured.items() if name not in own}
        paints = start_times(others)
        # One tor is a graph with two axes, several are a table.
        one = {name: own.pop(name) for name in list(own) if name.endswith(" 1 tor")}
        graphs = start_times(one, AXIS_CORNER, 2) | start_times(own, TABLE_HEADING)
    print("\n".join(table(figures, paints, graphs)))
    found = [1000 * each for each in latencies()]
    if found:
        print(
            f"from tor's write to the terminal: median {statistics.median(found):.1f} ms,"
            f" worst of {len(found)} {max(found):.1f} ms"
        )
    print(f"a sample into the history: {push_time():.1f} us")


if __name__ == "__main__":
    main()
