"""Thirty days of a tor in a few minutes: every event through the real listener, ledger and history.

    python tests/benchmarks/days.py [DAYS]

Simulates tor's drifting cadence, jitter, restarts, stalls of tor, bursts after we were stopped,
outages, steps of the wall clock and a suspended machine, on clocks advanced by hand. Prints a line
of JSON a day with the memory and the time that a sample took, beside what appending to a deque
takes in the same run, and checks at the end of each day that no byte was lost or counted twice at
any resolution, and that no second of the last hour is a gap that was none. Ends with 1 if anything
is wrong.
"""

import gc
import json
import random
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from bwgraph.model.events import Connected, CounterBase, Lost
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.rollups import COARSE_BUCKETS, RESOLUTIONS
from bwgraph.screen.frame import Size
from bwgraph.screen.graph_screen import compose
from bwgraph.screen.view import View
from bwgraph.tor import connection
from bwgraph.tor.connection import Connection
from bwgraph.tor.endpoint import ControlPort
from bwgraph.tor.transport import Transport

DAY = 86_400
HOUR = 3600
CADENCE = 1.0022


class Simulation:
    """A tor, and bwgraph listening to it; time passes as it is told to."""

    def __init__(self) -> None:
        self.now = self.awake = 1_000_000.25
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.random = random.Random(3)
        self.instance = Instance("simulated")
        self.told = [0, 0]  # what events after each connection's first have held
        self.moved = [0, 0]  # what the present tor process has moved
        self.started = self.now
        self.silences: deque[tuple[float, float]] = deque(maxlen=64)  # the gaps that there are
        self.events = 0
        self.spent = 0.0

    def dial(self, *_: object) -> Transport:
        raise OSError("nothing is dialled here")

    def connect(self) -> None:
        place = ControlPort("127.0.0.1", 9051)
        self.connection = Connection(place, self.dial, self.instance.handle, lambda _: None)
        self.event(424_182, 5_000, first=True)
        uptime = float(int(self.now - self.started))
        counted = CounterBase(*self.moved)
        self.instance.handle(Connected(self.now, "simulated", counters=counted, uptime=uptime))
        self.connection.release_samples()

    def event(self, read: int, written: int, *, first: bool = False) -> None:
        self.moved = [self.moved[0] + read, self.moved[1] + written]
        if not first:
            self.told = [self.told[0] + read, self.told[1] + written]
        begin = time.perf_counter()
        self.connection._on_bandwidth(read, written)
        self.spent += time.perf_counter() - begin
        self.events += 1

    def wait(self, seconds: float, *, asleep: float = 0.0) -> None:
        self.now += seconds + asleep
        self.awake += seconds
        self.clock += timedelta(seconds=seconds + asleep)

    def second(self) -> None:
        self.wait(CADENCE + self.random.gauss(0, 0.002))
        self.event(self.random.randrange(20_000_000), self.random.randrange(20_000_000))

    def stall(self) -> None:
        """Tor is stopped: a small event when it goes on, then what had piled up."""
        self.wait(self.random.uniform(3, 15))
        self.event(5_000, 400)
        self.wait(1.0)
        self.event(60_000_000, 60_000_000)

    def burst(self) -> None:
        """We are stopped: the events of that time arrive at once."""
        seconds = self.random.randrange(3, 600)
        self.wait(seconds * CADENCE)
        for _ in range(seconds):
            self.event(self.random.randrange(20_000_000), 1)
            self.wait(1e-5)
        self.wait(1.0)
        self.event(1000, 1000)

    def outage(self, *, restart: bool) -> None:
        heard = self.now
        self.connection.abandon()
        self.instance.handle(Lost(heard, "it closed the connection", heard + 0.5))
        self.wait(self.random.uniform(1, 300))
        if restart:
            self.moved, self.started = [0, 0], self.now - 2.0
        self.silences.append((heard, self.now))
        self.connect()

    def sleep(self) -> None:
        """The machine is suspended for a while, and tor with it."""
        heard = self.now
        self.wait(CADENCE, asleep=self.random.uniform(60, 7200))
        self.silences.append((heard, self.now))
        self.event(10_000, 10_000)

    def step(self) -> None:
        """Somebody sets the wall clock: the labels move, and not a column with them."""
        columns = self.instance.history.window(self.now, HOUR).buckets
        self.clock += timedelta(hours=self.random.choice((-1, 1)))
        compose(self.instance, View(), Size(120, 35), Moment(self.now, self.clock))
        assert self.instance.history.window(self.now, HOUR).buckets == columns

    def until(self, end: float) -> None:
        rare = (
            (1 / 3600, self.stall),
            (1 / 7200, self.burst),
            (1 / 20_000, lambda: self.outage(restart=False)),
            (1 / 50_000, lambda: self.outage(restart=True)),
            (1 / 60_000, self.sleep),
            (1 / 40_000, self.step),
        )
        while self.now < end:
            self.second()
            dice = self.random.random()
            for chance, happening in rare:
                if dice < chance:
                    happening()
                    break
                dice -= chance

    def wrong(self) -> list[str]:
        """What does not add up."""
        found = []
        history, total = self.instance.history, self.instance.totals.total()
        for resolution in RESOLUTIONS[-2:]:  # these reach back over all of it
            columns = history.window(self.now, COARSE_BUCKETS, resolution).buckets
            sums = [sum(columns.read), sum(columns.written)]
            if sums != self.told:
                found.append(f"{resolution} s a column: {sums} for {self.told}")
        for fine, coarse in pairwise(RESOLUTIONS[:7]):
            # An hour of whole coarse columns, and the finer ones that they are made of.
            newest = history.window(self.now, HOUR // coarse, coarse)
            ahead = round(newest.end - history.window(self.now, 1, fine).end) // fine
            finer = history.window(self.now, HOUR // fine - ahead, fine).buckets
            if sum(newest.buckets.read) != sum(finer.read):
                found.append(f"the last hour differs between {fine} s and {coarse} s a column")
        hour = history.window(self.now, HOUR)
        gaps = sum(not seconds for seconds in hour.buckets.seconds)
        begin = hour.end - HOUR
        real = sum(max(0.0, end - max(start, begin)) for start, end in self.silences)
        ends = 2 * len(self.silences)  # each end of a gap may be a column off
        if abs(gaps - real) > ends:
            found.append(f"{gaps} columns of the last hour are gaps, and {real:.1f} s were")
        if total is None or [total.read, total.written] != self.moved:
            found.append(f"since tor started: {total} for {self.moved}")
        return found


def resident() -> int:
    """Kilobytes of memory held by this process; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def append_cost() -> float:
    """Microseconds that the floor takes: a bounded deque, and nothing made of it."""
    ring: deque[tuple[float, int, int]] = deque(maxlen=4096)
    begin = time.perf_counter()
    for i in range(200_000):
        ring.append((float(i), i, i))
    return (time.perf_counter() - begin) / 200_000 * 1e6


def main() -> int:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    floor = append_cost()
    simulation = Simulation()
    with (
        patch.object(connection, "now", lambda: simulation.now),
        patch.object(connection, "awake", lambda: simulation.awake),
    ):
        simulation.connect()
        return 1 if run(simulation, days, floor) else 0


def run(simulation: Simulation, days: int, floor: float) -> bool:
    """Go through the days, a line for each; whether anything was wrong."""
    begin = simulation.now
    failed = False
    for day in range(1, days + 1):
        before, events = simulation.spent, simulation.events
        simulation.until(begin + day * DAY)
        gc.collect()
        wrong = simulation.wrong()
        failed |= bool(wrong)
        cost = (simulation.spent - before) / (simulation.events - events) * 1e6
        line = {
            "day": day,
            "events": simulation.events,
            "memory_kB": resident(),
            "sample_us": round(cost, 2),
            "floor_us": round(floor, 3),
            "times_floor": round(cost / floor, 1),
            "wrong": wrong,
        }
        print(json.dumps(line), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
