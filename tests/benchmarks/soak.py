"""Hours of bwgraph on real tors, with all that can happen to it in hours. Linux only.

    python tests/benchmarks/soak.py [HOURS] [--seed N] [--every SECONDS] [--tors N] [--fault FAULT]

Starts tors of its own on loopback, has them move bytes, and bwgraph watch them in a terminal. At
random moments it resizes the terminal, presses keys, stops bwgraph with ^Z, kills, stops and starts
tors and breaks connections; the seed says what comes after what. bwgraph keeps its history in a
store, a column a second. At each mark (a minute) that store must hold, at each resolution and to
the byte, what bwgraph was sent on its connections, and this in turn must be what a second
connection to each tor was told: see ``account`` and ``tap``.

Prints a line of JSON at each mark: memory, descriptors, threads, events, what was lost or counted
twice, and what happened. Ends with 1 if

- a sample was lost or counted twice, or the resolutions or the sum of the tors do not agree;
- there are more descriptors or threads at the last mark than at the first;
- the memory grew: its median over the last quarter of the marks is more than ``GROWTH`` above that
  over the quarter before. What bwgraph keeps is of a fixed size; what its largest pictures took for
  a moment stays with the process, in pieces, and makes it larger for about half an hour;
- anything was said that only goes wrong, such as a traceback, or the screen did not answer;
- the terminal was not restored, at each ^Z and at the end.

``--fault`` breaks bwgraph in one of these ways, to see that it is found.
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
from station import Station, opened

from bwgraph.model.rollups import RESOLUTIONS, kept_buckets

GROWTH = 2 << 10
"Kilobytes."

SETTLED = 20.0
"Seconds in which all that was sent must be in the store: it is written to every five."

BACK = 60.0
"Seconds in which bwgraph must be connected to all that are there."

LAST_BYTES = 1 << 16
"Of the terminal's output that are kept."

NAMES = "abcdefgh"

SIZES = ((100, 24), (80, 24), (120, 35), (40, 10), (20, 5), (9, 2), (1, 1), (300, 100), (200, 3))

KEYS = (
    *" +-<>mulgeba[]okj?r1230",
    *("\x1bOA", "\x1bOB", "\x1bOC", "\x1bOD", "\x1bOH", "\x1bOF", "\x1b[5~", "\x1b[6~", "\x1b[Z"),
    *("\t", "\r", "\x1b", "\x0c", "\x1b[<64;9;5M", "\x1b[<65;9;5M", "\x1b[<0;30;8M\x1b[<0;30;8m"),
)
"All but those that end it or write a file: letters, arrows and the like, wheel and mouse."


@dataclass(frozen=True, slots=True)
class Figures:
    """What the process takes: kilobytes, and how many."""

    memory: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "Figures":
        place = Path(f"/proc/{pid}")
        lines = (place / "status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return cls(
            memory, len(list((place / "fd").iterdir())), len(list((place / "task").iterdir()))
        )

    def least(self, other: "Figures") -> "Figures":
        """The lower of each: what is there for a moment only counts for neither."""
        return Figures(
            min(self.memory, other.memory),
            min(self.descriptors, other.descriptors),
            min(self.threads, other.threads),
        )


class Soak:
    """The whole of it, while it runs."""

    def __init__(
        self, stations: list[Station], program: Program, store: Path, dice: random.Random
    ) -> None:
        self.stations = stations
        self.wrong: list[str] = []
        self.lost = self.twice = 0
        self.marks: list[Figures] = []
        self._program = program
        self._store = store
        self._dice = dice
        self._begin = time.monotonic()
        self._at_odds: set[str] = set()  # whose resolutions do not agree, which is told once
        self._looked = 0  # how much of what was written
        self._happened: list[str] = []
        self._all: Counter[str] = Counter()
        self._happenings: dict[Callable[[], None], int] = {
            self._press: 40,
            self._resize: 25,
            self._stop: 8,
            self._cut: 8,
            self._kill: 5,
            self._freeze: 5,
        }

    def until(self, end: float) -> None:
        """Let things happen until then."""
        while time.monotonic() < end:
            [happening] = self._dice.choices([*self._happenings], [*self._happenings.values()])
            happening()
            self._watch(self._dice.uniform(0.2, 6.0))

    def mark(self) -> None:
        """See that all is well, and tell."""
        wrong = len(self.wrong)
        self._answers()
        self._connected()
        figures = self._settle()
        for station in self.stations:
            if station.strangers():
                self.wrong.append(f"{station.name}: the witness heard something else")
        self.marks.append(figures)
        happened, self._happened = self._happened, []
        self._all.update(what.split()[0] for what in happened)
        line = {
            "seconds": round(time.monotonic() - self._begin),
            "memory_kB": figures.memory,
            "descriptors": figures.descriptors,
            "threads": figures.threads,
            "events": sum(station.account.events() for station in self.stations),
            "lost": self.lost,
            "twice": self.twice,
            "wrong": self.wrong[wrong:],
            "happened": happened,
        }
        print(json.dumps(line), flush=True)

    def end(self) -> None:
        """Quit, look at what is left, and tell of it all."""
        wrong = len(self.wrong)
        asked = time.monotonic()
        self._program.send("q")
        status = self._program.wait_exit()
        self._look_back()
        if status:
            self.wrong.append(f"it ended with {status}")
        if not self._program.on_normal_screen():
            self.wrong.append("the terminal is not restored at the end")
        elif said := self._program.after_graph().strip():
            self.wrong.append(f"it said at the end: {said}")
        for station in self.stations:
            while station.tap.passing(0):
                time.sleep(0.05)
            for passage in station.tap.passages[-1:]:
                passage.hung_up = asked  # what came after that is nobody's
        self._compare(dict.fromkeys((s.name for s in self.stations), (0, 0)))
        sums = self._stored()
        if len(self.stations) > 1 and sums[""] != _added(
            sums[station.name] for station in self.stations
        ):
            self.wrong.append(f"the sum of the tors is not their sum: {sums}")
        self.wrong += self._grown()
        line = {
            "ended": True,
            "first": vars_of(self.marks[0]),
            "last": vars_of(self.marks[-1]),
            "events": sum(station.account.events() for station in self.stations),
            "connections": sum(len(station.tap.passages) for station in self.stations),
            "lost": self.lost,
            "twice": self.twice,
            "happened": dict(self._all),
            "wrong_at_the_end": self.wrong[wrong:],
            "wrong": len(self.wrong),
        }
        print(json.dumps(line), flush=True)

    # What there is to see.

    def _watch(self, seconds: float) -> None:
        self._program.watch(seconds)
        self._look_back()

    def _look_back(self) -> None:
        """Look at what was written for words that nobody should see; forget most of it."""
        raw = self._program.raw
        if found := re.search(rb"Traceback|\w*Error", raw[self._looked :]):
            at = self._looked + found.start()
            self.wrong.append(f"on the terminal: {raw[at : at + 1000]!r}")
        if len(raw) > 4 * LAST_BYTES:
            # Since it last came to the screen, how that began and what came last.
            begin = max(raw.rfind(SMCUP), 0)
            if raw.rfind(RMCUP) < begin < len(raw) - 2 * LAST_BYTES:
                raw = raw[begin : begin + 4096] + raw[-LAST_BYTES:]
            elif begin:
                raw = raw[begin:]
        self._program.raw, self._looked = raw, len(raw)

    def _answers(self) -> None:
        """The screen is drawn anew when that is asked for, and fits."""
        self._program.resize(100, 24)
        self._program.send("\x0c")
        self._program.wait_for("bwgraph")
        self._program.wait_until(self._program.fits, "a screen that fits")

    def _connected(self) -> None:
        """Wait until bwgraph is connected to all again."""
        self._program.send("r")
        self._program.wait_until(
            lambda: all(station.tap.passing(3) for station in self.stations),
            "events of all tors",
            BACK,
        )

    def _settle(self) -> Figures:
        """Wait until what has been sent by now is in the store; what bwgraph takes meanwhile."""
        due = {station.name: station.account.sent() for station in self.stations}
        figures = Figures.of(self._program.pid)
        begin = time.monotonic()
        while True:
            self._watch(0.25)
            figures = figures.least(Figures.of(self._program.pid))
            stored, passed = self._stored(), time.monotonic() - begin
            if all(s.account.reaches(stored[s.name], due[s.name]) for s in self.stations):
                if passed > 3.0:
                    return figures
            elif passed > SETTLED:
                self._compare(due)
                return figures

    def _compare(self, due: dict[str, tuple[int, int]]) -> None:
        """Find out what is missing or too much, if anything."""
        stored = self._stored()
        for station in self.stations:
            if not station.account.reaches(stored[station.name], due[station.name]):
                lost, twice, words = station.account.explain(stored[station.name])
                self.lost += lost
                self.twice += twice
                self.wrong.append(f"{station.name}: {lost + twice} events: {words}")

    def _stored(self) -> dict[str, Bytes]:
        """By tor what bwgraph has stored of it; of their sum under no name."""
        elapsed = time.monotonic() - self._begin
        whole = [each for each in RESOLUTIONS if elapsed + 60 < each * kept_buckets(each)]
        query = (
            "SELECT CASE is_sum WHEN 0 THEN name ELSE '' END, resolution, sum(read), sum(written)"
            " FROM history JOIN series ON series = id GROUP BY id, resolution"
        )
        with closing(sqlite3.connect(f"{self._store.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(query).fetchall()
        found: dict[str, set[Bytes]] = {"": set(), **{s.name: set() for s in self.stations}}
        for name, resolution, read, written in rows:
            if resolution in whole:
                found[name].add((read, written))
        for name, sums in found.items():
            if len(sums) > 1 and name not in self._at_odds:
                self._at_odds.add(name)
                self.wrong.append(f"{name or 'the sum'}: its resolutions do not agree: {sums}")
        return {name: max(sums, default=(0, 0)) for name, sums in found.items()}

    def _grown(self) -> list[str]:
        """What there is more of than there was."""
        first, last = self.marks[0], self.marks[-1]
        found = []
        if last.descriptors > first.descriptors:
            found.append(f"{last.descriptors - first.descriptors} descriptors more than at first")
        if last.threads > first.threads:
            found.append(f"{last.threads - first.threads} threads more than at first")
        quarter = max(len(self.marks) // 4, 1)
        before = statistics.median(mark.memory for mark in self.marks[-2 * quarter : -quarter])
        late = statistics.median(mark.memory for mark in self.marks[-quarter:])
        if late - before > GROWTH:
            found.append(f"{late - before:.0f} kB more in the last quarter than in the one before")
        return found

    # What can happen.

    def _press(self) -> None:
        keys = self._dice.choices(KEYS, k=self._dice.randrange(1, 12))
        self._happened.append(f"keys {''.join(keys)}")
        for key in keys:
            self._program.send(key)
            self._watch(self._dice.choice((0.0, 0.05, 0.3)))

    def _resize(self) -> None:
        for _ in range(self._dice.choice((1, 1, 5))):
            size = self._dice.choice(SIZES)
            if self._dice.random() < 0.5:
                size = self._dice.randrange(1, 301), self._dice.randrange(1, 101)
            self._happened.append(f"resize {size[0]}x{size[1]}")
            self._program.resize(*size)
            self._watch(self._dice.choice((0.0, 0.1, 1.0)))

    def _stop(self) -> None:
        """^Z, and something else meanwhile or not, and fg."""
        seconds = self._dice.choice((1, 3, 8, 15, 40))
        self._happened.append(f"^Z {seconds}s")
        self._program.send("\x1a")
        self._program.wait_stopped()
        with suppress(AssertionError):
            self._program.wait_until(self._program.on_normal_screen, "the terminal as it was", 2.0)
        if not self._program.on_normal_screen():
            self.wrong.append("the terminal is not restored at ^Z")
        self._watch(seconds)
        if self._dice.random() < 0.4:
            self._dice.choice((self._cut, self._kill, self._freeze))()
        self._happened.append("fg")
        self._program.fg()
        self._program.wait_until(lambda: not self._program.on_normal_screen(), "its screen")

    def _cut(self) -> None:
        station, reset = self._dice.choice(self.stations), self._dice.random() < 0.5
        self._happened.append(f"{'reset' if reset else 'cut'} {station.name}")
        station.tap.cut(reset=reset)

    def _kill(self) -> None:
        station, seconds = self._dice.choice(self.stations), self._dice.choice((0, 1, 4, 12))
        end = self._dice.choice((station.tor.kill, station.tor.terminate))
        self._happened.append(f"{end.__name__} {station.name} {seconds}s")
        end()
        self._watch(seconds)
        station.start()

    def _freeze(self) -> None:
        station, seconds = self._dice.choice(self.stations), self._dice.choice((2, 5, 10, 27))
        self._happened.append(f"freeze {station.name} {seconds}s")
        station.tor.pause()
        self._watch(seconds)
        station.tor.resume()


def vars_of(figures: Figures) -> dict[str, int]:
    return {
        "memory_kB": figures.memory,
        "descriptors": figures.descriptors,
        "threads": figures.threads,
    }


def _added(sums: Iterable[Bytes]) -> Bytes:
    each = list(sums)
    return sum(read for read, _ in each), sum(written for _, written in each)


def run(arguments: argparse.Namespace, place: Path) -> bool:
    """Whether all was well."""
    seed = arguments.seed
    with ExitStack() as stack:
        stations = [opened(name, place / name, seed, stack) for name in NAMES[: arguments.tors]]
        store = place / "history.db"
        ports = [f"--port={each.name}=127.0.0.1:{each.tap.port}" for each in stations]
        code = f"import sys\n{FAULTS.get(arguments.fault, '')}\nfrom bwgraph.__main__ import main\n"
        argv = [sys.executable, "-c", f"{code}sys.exit(main())", *ports]
        argv += ["--store", str(store), "--store-resolution", "1s"]
        program = stack.enter_context(Program(argv=argv, environ=environment(), cwd=place))
        soak = Soak(stations, program, store, random.Random(seed))
        try:
            begin = time.monotonic()
            soak.mark()
            for number in range(1, round(arguments.hours * 3600 / arguments.every) + 1):
                soak.until(begin + number * arguments.every)
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
    parser.add_argument("--fault", choices=[*FAULTS], help="break bwgraph, to see it found")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error("this needs Linux: it reads what a process takes from /proc")
    print(json.dumps(vars(arguments)), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with it
    with tempfile.TemporaryDirectory(prefix="bwgraph-soak-") as place:
        return 0 if run(arguments, Path(place)) else 1


if __name__ == "__main__":
    sys.exit(main())
