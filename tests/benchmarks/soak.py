"""Run bwgraph on real tors for hours, with random incidents. Linux only.

    python tests/benchmarks/soak.py [HOURS] [--seed N] [--every SECONDS] [--tors N] [--fault FAULT]

Starts tors on loopback with traffic, and bwgraph in a terminal. At random times it resizes the
terminal, presses keys, stops bwgraph with ^Z, kills, stops and restarts tors, and breaks
connections; the seed determines all of this. bwgraph writes its history to a store, one bucket a
second. At each mark (once a minute) the store must have, at each resolution, exactly the bytes that
were sent to bwgraph. These must be the same that a second connection to each tor has received: see
``account`` and ``tap``.

Prints a JSON line at each mark: memory, descriptors, threads, events, those lost or counted twice,
and the incidents. Exits with 1 if

- a sample was lost or counted twice, or the resolutions or the sum of the tors do not agree;
- there are more descriptors or threads at the last mark than at the first;
- the memory grew: its median over the last quarter of the marks is more than ``GROWTH_KB`` above
  that over the quarter before. (bwgraph's history has a fixed size. The largest frames leave the
  heap fragmented, so the memory grows in the first half hour.);
- the output contained a traceback or the like, or the screen was not redrawn on request;
- the terminal was not restored at a ^Z or at the end.

``--fault`` breaks bwgraph, to check that the fault is found.
"""

import argparse
import json
import random
import re
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from account import Bytes
from faults import FAULTS
from pty_driver import RMCUP, SMCUP, Program, environment
from station import Station, start_station

from bwgraph.model.rollups import RESOLUTIONS, bucket_capacity

GROWTH_KB = 2 << 10

STORE_TIMEOUT_S = 20.0
"The time within which sent events must be in the store, which is written every five seconds."

CONNECT_TIMEOUT_S = 60.0
"The time within which bwgraph must be connected to all running tors."

MAX_OUTPUT_BYTES = 1 << 16
"The size of the most recent output that is not discarded."

NAMES = "abcdefgh"

SIZES = ((100, 24), (80, 24), (120, 35), (40, 10), (20, 5), (9, 2), (1, 1), (300, 100), (200, 3))

KEYS = (
    *" +-<>mulgeba[]okj?r1230",
    *("\x1bOA", "\x1bOB", "\x1bOC", "\x1bOD", "\x1bOH", "\x1bOF", "\x1b[5~", "\x1b[6~", "\x1b[Z"),
    *("\t", "\r", "\x1b", "\x0c", "\x1b[<64;9;5M", "\x1b[<65;9;5M", "\x1b[<0;30;8M\x1b[<0;30;8m"),
)
"All keys but those that quit or write a file, with mouse wheel and clicks."


@dataclass(frozen=True, slots=True)
class Figures:
    """The resources of a process."""

    memory: int
    "Resident memory, in kilobytes."
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "Figures":
        proc = Path(f"/proc/{pid}")
        lines = (proc / "status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return cls(memory, len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir())))

    def least(self, other: "Figures") -> "Figures":
        """Return the lower of each figure, so that short peaks do not count."""
        return Figures(
            min(self.memory, other.memory),
            min(self.descriptors, other.descriptors),
            min(self.threads, other.threads),
        )


class Soak:
    """A running soak."""

    def __init__(
        self, stations: list[Station], program: Program, store: Path, rng: random.Random
    ) -> None:
        self.stations = stations
        self.wrong: list[str] = []
        self.lost = self.twice = 0
        self.marks: list[Figures] = []
        self._program = program
        self._store = store
        self._rng = rng
        self._begin = time.monotonic()
        self._inconsistent: set[str] = set()  # reported for the disagreement of resolutions
        self._checked = 0  # bytes of the output
        self._incidents: list[str] = []  # since the last mark
        self._incident_counts: Counter[str] = Counter()
        self._weights: dict[Callable[[], None], int] = {
            self._press: 40,
            self._resize: 25,
            self._stop: 8,
            self._cut: 8,
            self._kill: 5,
            self._freeze: 5,
        }

    def run_until(self, end: float) -> None:
        """Cause incidents until this time."""
        while time.monotonic() < end:
            [incident] = self._rng.choices([*self._weights], [*self._weights.values()])
            incident()
            self._watch(self._rng.uniform(0.2, 6.0))

    def mark(self) -> None:
        """Check everything, and print a line."""
        wrong = len(self.wrong)
        self._redraw()
        self._wait_connected()
        figures = self._wait_stored()
        for station in self.stations:
            if station.mismatches():
                self.wrong.append(f"{station.name}: the witness received other events")
        self.marks.append(figures)
        incidents, self._incidents = self._incidents, []
        self._incident_counts.update(incident.split()[0] for incident in incidents)
        line = {
            "seconds": round(time.monotonic() - self._begin),
            "memory_kB": figures.memory,
            "descriptors": figures.descriptors,
            "threads": figures.threads,
            "events": sum(station.account.events() for station in self.stations),
            "lost": self.lost,
            "twice": self.twice,
            "wrong": self.wrong[wrong:],
            "happened": incidents,
        }
        print(json.dumps(line), flush=True)

    def end(self) -> None:
        """Quit bwgraph, check what it leaves, and print the last line."""
        wrong = len(self.wrong)
        quit_at = time.monotonic()
        self._program.send("q")
        code = self._program.wait_exit()
        self._check_output()
        if code:
            self.wrong.append(f"it ended with code {code}")
        if not self._program.on_normal_screen():
            self.wrong.append("the terminal is not restored at the end")
        elif output := self._program.after_graph().strip():
            self.wrong.append(f"its output at the end: {output}")
        for station in self.stations:
            while station.tap.passing(0):
                time.sleep(0.05)
            for passage in station.tap.passages[-1:]:
                passage.hung_up = quit_at  # later events need not be counted
        self._compare(dict.fromkeys((s.name for s in self.stations), (0, 0)))
        sums = self._stored()
        if len(self.stations) > 1 and sums[""] != _added(
            sums[station.name] for station in self.stations
        ):
            self.wrong.append(f"the sum of the tors is not their sum: {sums}")
        self.wrong += self._growth()
        line = {
            "ended": True,
            "first": _as_dict(self.marks[0]),
            "last": _as_dict(self.marks[-1]),
            "events": sum(station.account.events() for station in self.stations),
            "connections": sum(len(station.tap.passages) for station in self.stations),
            "lost": self.lost,
            "twice": self.twice,
            "happened": dict(self._incident_counts),
            "wrong_at_the_end": self.wrong[wrong:],
            "wrong": len(self.wrong),
        }
        print(json.dumps(line), flush=True)

    # Checks.

    def _watch(self, seconds: float) -> None:
        self._program.watch(seconds)
        self._check_output()

    def _check_output(self) -> None:
        """Search new output for error messages; discard most of the old."""
        raw = self._program.raw
        if found := re.search(rb"Traceback|\w*Error", raw[self._checked :]):
            begin = self._checked + found.start()
            self.wrong.append(f"on the terminal: {raw[begin : begin + 1000]!r}")
        if len(raw) > 4 * MAX_OUTPUT_BYTES:
            # Keep the output since it last entered the alternate screen, or its begin and end.
            begin = max(raw.rfind(SMCUP), 0)
            if raw.rfind(RMCUP) < begin < len(raw) - 2 * MAX_OUTPUT_BYTES:
                raw = raw[begin : begin + 4096] + raw[-MAX_OUTPUT_BYTES:]
            elif begin:
                raw = raw[begin:]
        self._program.raw, self._checked = raw, len(raw)

    def _redraw(self) -> None:
        """Request a redraw, and wait until it fits the screen."""
        self._program.resize(100, 24)
        self._program.send("\x0c")
        self._program.wait_for("bwgraph")
        self._program.wait_until(self._program.fits, "a screen that fits")

    def _wait_connected(self) -> None:
        """Wait until bwgraph is connected to all tors."""
        self._program.send("r")
        self._program.wait_until(
            lambda: all(station.tap.passing(3) for station in self.stations),
            "events of all tors",
            CONNECT_TIMEOUT_S,
        )

    def _wait_stored(self) -> Figures:
        """Wait until all events sent so far are stored; return the least figures meanwhile."""
        due = {station.name: station.account.sent() for station in self.stations}
        figures = Figures.of(self._program.pid)
        begin = time.monotonic()
        while True:
            self._watch(0.25)
            figures = figures.least(Figures.of(self._program.pid))
            stored, elapsed = self._stored(), time.monotonic() - begin
            if all(s.account.reaches(stored[s.name], due[s.name]) for s in self.stations):
                if elapsed > 3.0:
                    return figures
            elif elapsed > STORE_TIMEOUT_S:
                self._compare(due)
                return figures

    def _compare(self, due: dict[str, tuple[int, int]]) -> None:
        """Report events that were lost or counted twice."""
        stored = self._stored()
        for station in self.stations:
            if not station.account.reaches(stored[station.name], due[station.name]):
                lost, twice, description = station.account.explain(stored[station.name])
                self.lost += lost
                self.twice += twice
                self.wrong.append(f"{station.name}: {lost + twice} events: {description}")

    def _stored(self) -> dict[str, Bytes]:
        """Return the stored bytes of each tor, and of their sum under an empty name."""
        elapsed = time.monotonic() - self._begin
        # The resolutions at which nothing has expired yet.
        complete = [each for each in RESOLUTIONS if elapsed + 60 < each * bucket_capacity(each)]
        query = (
            "SELECT CASE is_sum WHEN 0 THEN name ELSE '' END, resolution, sum(read), sum(written)"
            " FROM history JOIN series ON series = id GROUP BY id, resolution"
        )
        with closing(sqlite3.connect(f"{self._store.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(query).fetchall()
        found: dict[str, set[Bytes]] = {"": set(), **{s.name: set() for s in self.stations}}
        for name, resolution, read, written in rows:
            if resolution in complete:
                found[name].add((read, written))
        for name, sums in found.items():
            if len(sums) > 1 and name not in self._inconsistent:
                self._inconsistent.add(name)
                self.wrong.append(f"{name or 'the sum'}: its resolutions do not agree: {sums}")
        return {name: max(sums, default=(0, 0)) for name, sums in found.items()}

    def _growth(self) -> list[str]:
        """Return a description of each resource that bwgraph uses more of than before."""
        first, last = self.marks[0], self.marks[-1]
        found = []
        if last.descriptors > first.descriptors:
            found.append(f"{last.descriptors - first.descriptors} descriptors more than at first")
        if last.threads > first.threads:
            found.append(f"{last.threads - first.threads} threads more than at first")
        quarter = max(len(self.marks) // 4, 1)
        before = statistics.median(mark.memory for mark in self.marks[-2 * quarter : -quarter])
        late = statistics.median(mark.memory for mark in self.marks[-quarter:])
        if late - before > GROWTH_KB:
            found.append(f"{late - before:.0f} kB more in the last quarter than in the one before")
        return found

    # Incidents.

    def _press(self) -> None:
        keys = self._rng.choices(KEYS, k=self._rng.randrange(1, 12))
        self._incidents.append(f"keys {''.join(keys)}")
        for key in keys:
            self._program.send(key)
            self._watch(self._rng.choice((0.0, 0.05, 0.3)))

    def _resize(self) -> None:
        for _ in range(self._rng.choice((1, 1, 5))):
            size = self._rng.choice(SIZES)
            if self._rng.random() < 0.5:
                size = self._rng.randrange(1, 301), self._rng.randrange(1, 101)
            self._incidents.append(f"resize {size[0]}x{size[1]}")
            self._program.resize(*size)
            self._watch(self._rng.choice((0.0, 0.1, 1.0)))

    def _stop(self) -> None:
        """Stop bwgraph with ^Z, perhaps cause another incident, and continue it."""
        seconds = self._rng.choice((1, 3, 8, 15, 40))
        self._incidents.append(f"^Z {seconds}s")
        self._program.send("\x1a")
        self._program.wait_stopped()
        with suppress(AssertionError):
            self._program.wait_until(self._program.on_normal_screen, "a restored terminal", 2.0)
        if not self._program.on_normal_screen():
            self.wrong.append("the terminal is not restored at ^Z")
        self._watch(seconds)
        if self._rng.random() < 0.4:
            self._rng.choice((self._cut, self._kill, self._freeze))()
        self._incidents.append("fg")
        self._program.fg()
        self._program.wait_until(lambda: not self._program.on_normal_screen(), "its screen")

    def _cut(self) -> None:
        station, reset = self._rng.choice(self.stations), self._rng.random() < 0.5
        self._incidents.append(f"{'reset' if reset else 'cut'} {station.name}")
        station.tap.cut(reset=reset)

    def _kill(self) -> None:
        station, seconds = self._rng.choice(self.stations), self._rng.choice((0, 1, 4, 12))
        end = self._rng.choice((station.tor.kill, station.tor.terminate))
        self._incidents.append(f"{end.__name__} {station.name} {seconds}s")
        end()
        self._watch(seconds)
        station.start()

    def _freeze(self) -> None:
        station, seconds = self._rng.choice(self.stations), self._rng.choice((2, 5, 10, 27))
        self._incidents.append(f"freeze {station.name} {seconds}s")
        station.tor.pause()
        self._watch(seconds)
        station.tor.resume()


def _as_dict(figures: Figures) -> dict[str, int]:
    return {
        "memory_kB": figures.memory,
        "descriptors": figures.descriptors,
        "threads": figures.threads,
    }


def _added(sums: Iterable[Bytes]) -> Bytes:
    each = list(sums)
    return sum(read for read, _ in each), sum(written for _, written in each)


def run(arguments: argparse.Namespace, directory: Path) -> bool:
    """Run the soak; return whether nothing was wrong."""
    seed = arguments.seed
    with ExitStack() as stack:
        stations = [
            start_station(name, directory / name, seed, stack) for name in NAMES[: arguments.tors]
        ]
        store = directory / "history.db"
        ports = [f"--port={each.name}=127.0.0.1:{each.tap.port}" for each in stations]
        code = f"import sys\n{FAULTS.get(arguments.fault, '')}\nfrom bwgraph.__main__ import main\n"
        argv = [sys.executable, "-c", f"{code}sys.exit(main())", *ports]
        argv += ["--store", str(store), "--store-resolution", "1s"]
        program = stack.enter_context(Program(argv=argv, environ=environment(), cwd=directory))
        soak = Soak(stations, program, store, random.Random(seed))
        try:
            begin = time.monotonic()
            soak.mark()
            for number in range(1, round(arguments.hours * 3600 / arguments.every) + 1):
                soak.run_until(begin + number * arguments.every)
                soak.mark()
            soak.end()
        except AssertionError as error:
            soak.wrong.append(str(error))
            print(error, flush=True)
    return not soak.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("hours", nargs="?", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two marks")
    parser.add_argument("--tors", type=int, default=3, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--fault", choices=[*FAULTS], help="break bwgraph in this way")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error("this needs Linux: it reads the resources of a process from /proc")
    print(json.dumps(vars(arguments)), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # exit, so that all processes are ended
    with tempfile.TemporaryDirectory(prefix="bwgraph-soak-") as directory:
        return 0 if run(arguments, Path(directory)) else 1


if __name__ == "__main__":
    sys.exit(main())
