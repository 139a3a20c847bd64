"""What bwgraph takes of a machine, beside a floor and beside other programs, in the same time.

    python tests/benchmarks/light.py [SECONDS]

All of them draw the traffic of the same tors, which the benchmark brings along (``feed.py``), into
windows of 120x35 whose graphs are full: bwgraph with 1, 8 and 64 tors, the floor (``floor.py``),
and what is installed of nyx, nload, bmon and btop; the last three draw the loopback interface.

Then, one after another: how long each takes to its first paint, and bwgraph to its first graph, how
long it takes bwgraph from tor's write of an event to the terminal, and what putting a sample into
the history takes.
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

MANY = (1, 8, 64)
"Tors on one screen."

WARM = 12.0
"Seconds until all are measured: connected, drawn, and asked what they are asked at first."

PAINTS = 7
"First paints of each, of which the median counts."

EVENTS = 20
"Events of which the median way to the terminal counts."

PUSHES = 5000
"Samples that are pushed between two looks at the clock."

PATIENCE = 10.0
"Seconds for whatever must come."

LIBRARIES = "stem and curses"
IMPORTS = "import stem.control, curses, time; print('', flush=True); time.sleep(3600)"
"What a program takes that has imported them and does nothing."

OTHERS = {
    "nload": ["nload", "lo"],
    "bmon": ["bmon", "-p", "lo"],
    "btop": ["btop"],
}


@contextmanager
def feed(count: int) -> Iterator[list[str]]:
    """So many tors, by their ports."""
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
    """What is measured, by name."""
    found = {
        "floor": [sys.executable, str(HERE / "floor.py"), ports[0]],
        LIBRARIES: [sys.executable, "-c", IMPORTS],
    }
    for count in MANY:
        flags = [word for port in ports[:count] for word in ("--port", port)]
        found[f"bwgraph, {count} tor{'s' * (count > 1)}"] = [
            *(sys.executable, "-m", "bwgraph"),
            *flags,
        ]
    beside = Path(sys.executable).parent / "nyx"
    nyx = str(beside) if beside.exists() else shutil.which("nyx")
    if nyx is not None:
        found["nyx"] = [nyx, "-i", f"127.0.0.1:{ports[0]}"]
    found.update({name: words for name, words in OTHERS.items() if shutil.which(name)})
    return found


def first_paints(measured: Mapping[str, list[str]], awaited: bytes = b"") -> dict[str, float]:
    """The medians of some first paints of each, in seconds, in turn; without who has none."""
    found: dict[str, list[float]] = {}
    for _ in range(PAINTS):
        for name, command in measured.items():
            program = Program(command, awaited)
            try:
                first = painted(program, PATIENCE, 0.01)
            finally:
                program.end()
            if first is not None:
                found.setdefault(name, []).append(first)
    return {name: statistics.median(each) for name, each in found.items()}


def painted(program: Program, patience: float, pause: float) -> float | None:
    """When it has written to its terminal, looked at again and again; None if it does not."""
    until = time.monotonic() + patience
    while program.paint is None and time.monotonic() < until:
        time.sleep(pause)
    return program.paint


def table(figures: Mapping[str, Figures], paints: Mapping[str, float]) -> Iterator[str]:
    """A line for each, with the ratios of its CPU and of its first paint to the floor's."""
    floor = figures["floor"]
    yield f"{'':18}  CPU ms/s  x floor  wakeups/s  bytes/s     MB  paint s  x floor"
    for name, each in figures.items():
        if not each.alive:
            yield f"{name:18} did not run"
            continue
        first = paints.get(name)
        start = "" if first is None else f"{first:9.3f}{first / paints['floor']:9.2f}"
        yield (
            f"{name:18}{each.cpu:10.2f}{each.cpu / floor.cpu:9.2f}{each.wakeups:11.1f}"
            f"{each.written:9.0f}{each.memory:7.1f}{start}"
        )


def latencies() -> list[float]:
    """Seconds from tor's write of an event to the first byte on the terminal."""
    found: list[float] = []
    with FakeTor() as server:
        program = Program([sys.executable, "-m", "bwgraph", "--port", str(server.endpoint)])
        try:
            for number in range(EVENTS + 3):
                time.sleep(1.0022)
                program.begin_anew()
                server.emit(1000 * number, 777 * number)
                way = painted(program, 0.5, 0.0005)
                if number >= 3 and way is not None:  # the graph is there by then
                    found.append(way)
        finally:
            program.end()
    return found


def push() -> float:
    """Microseconds that a sample takes into the history; the median of some thousands at a time."""
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
    compileall.compile_dir(str(Path(bwgraph.__file__).parent), quiet=1)  # as it is when installed
    with feed(max(MANY)) as ports:
        measured = commands(ports)
        figures = measure(measured, warm=WARM, seconds=seconds)
        del measured[LIBRARIES]
        paints = first_paints(measured)
        own = {name: command for name, command in measured.items() if name.startswith("bwgraph")}
        graphs = first_paints(own, b"download")
    print("\n".join(table(figures, paints)))
    for name, first in graphs.items():
        print(f"the first graph of {name}: {first:.3f} s")
    ways = [1000 * each for each in latencies()]
    if ways:
        print(
            f"from tor's write to the terminal: median {statistics.median(ways):.1f} ms,"
            f" worst of {len(ways)} {max(ways):.1f} ms"
        )
    print(f"a sample into the history: {push():.1f} us")


if __name__ == "__main__":
    main()
