"""What bwgraph takes of a machine, beside a floor and beside other programs, in the same time.

    python tests/benchmarks/light.py [SECONDS]

All of them draw the traffic of the same tors, which the benchmark brings along (``feed.py``), into
windows of 120x35 whose graphs are full: bwgraph with 1, 8 and 64 tors, the floor (``floor.py``),
and what is installed of nyx, nload, bmon and btop; the last three draw the loopback interface.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from meter import Figures, measure

HERE = Path(__file__).parent

MANY = (1, 8, 64)
"Tors on one screen."

WARM = 12.0
"Seconds until all are measured: connected, drawn, and asked what they are asked at first."

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
    found = {"floor": [sys.executable, str(HERE / "floor.py"), ports[0]]}
    for count in MANY:
        flags = [word for port in ports[:count] for word in ("--port", port)]
        found[f"bwgraph, {count} tor{'s' * (count > 1)}"] = [
            *(sys.executable, "-m", "bwgraph"),
            *flags,
        ]
    if shutil.which("nyx"):
        found["nyx"] = ["nyx", "-i", f"127.0.0.1:{ports[0]}"]
    found.update({name: words for name, words in OTHERS.items() if shutil.which(name)})
    return found


def table(figures: dict[str, Figures]) -> Iterator[str]:
    """A line for each, with the ratio of its CPU to the floor's."""
    floor = figures["floor"]
    yield f"{'':18}  CPU ms/s  x floor  wakeups/s  bytes/s     MB  paint s"
    for name, each in figures.items():
        if not each.alive:
            yield f"{name:18} did not run"
            continue
        yield (
            f"{name:18}{each.cpu:10.2f}{each.cpu / floor.cpu:9.2f}{each.wakeups:11.1f}"
            f"{each.written:9.0f}{each.memory:7.1f}{each.paint:9.3f}"
        )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with feed(max(MANY)) as ports:
        figures = measure(commands(ports), warm=WARM, seconds=seconds)
    print("\n".join(table(figures)))


if __name__ == "__main__":
    main()
