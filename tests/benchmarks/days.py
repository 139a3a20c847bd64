"""Simulate thirty days of a tor in a few minutes, with bwgraph's connection, totals and history.

    python tests/benchmarks/days.py [DAYS]

Simulates the drift and jitter of tor's events, restarts and stalls of tor, bursts of events after
bwgraph was stopped, lost connections, changes of the wall clock and a suspended machine. Time is
simulated too. Prints a JSON line for each day with the memory and the time per sample, compared
with appending to a deque in the same run. Checks at the end of each day that no byte was lost or
counted twice at any resolution, and that the gaps of the last hour are right. Exits with 1 if
anything is wrong.
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
from bwgraph.screen.graph_screen import draw_graphs, survey_graphs
from bwgraph.screen.view import View
from bwgraph.tor import connection
from bwgraph.tor.connection import Connection
from bwgraph.tor.endpoint import ControlPort
from bwgraph.tor.transport import Transport

DAY = 86_400
HOUR = 3600
EVENT_INTERVAL_S = 1.0022
"The mean time between two events of a real tor."


class Simulation:
    """A tor and a connection of bwgraph to it, in simulated time."""

    def __init__(self) -> None:
        self.now = self.awake = 1_000_000.25
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.random = random.Random(3)
        self.instance = Instance("simulated")
        self.counted = [0, 0]  # the bytes of all events but each connection's first
        self.moved = [0, 0]  # the bytes of the current tor process
        self.started = self.now
        self.gaps: deque[tuple[float, float]] = deque(maxlen=64)  # begin and end of each
        self.events = 0
        self.spent = 0.0  # seconds in handling events

    def no_transport(self, *_: object) -> Transport:
        raise OSError("the simulation has no transport")

    def connect(self) -> None:
        endpoint = ControlPort("127.0.0.1", 9051)
        self.connection = Connection(
            endpoint, self.no_transport, self.instance.handle, lambda _: None
        )
        self.event(424_182, 5_000, first=True)
        uptime = float(int(self.now - self.started))
        counters = CounterBase(*self.moved)
        self.instance.handle(Connected(self.now, "simulated", counters=counters, uptime=uptime))
        self.connection.release_samples()

    def event(self, read: int, written: int, *, first: bool = False) -> None:
        self.moved = [self.moved[0] + read, self.moved[1] + written]
        if not first:
            self.counted = [self.counted[0] + read, self.counted[1] + written]
        begin = time.perf_counter()
        self.connection._on_bandwidth(read, written)
        self.spent += time.perf_counter() - begin
        self.events += 1

    def wait(self, seconds: float, *, asleep: float = 0.0) -> None:
        self.now += seconds + asleep
        self.awake += seconds
        self.clock += timedelta(seconds=seconds + asleep)

    def second(self) -> None:
        self.wait(EVENT_INTERVAL_S + self.random.gauss(0, 0.002))
        self.event(self.random.randrange(20_000_000), self.random.randrange(20_000_000))

    def stall(self) -> None:
        """Stop tor for some seconds: then it sends a small event and one with the backlog."""
        self.wait(self.random.uniform(3, 15))
        self.event(5_000, 400)
        self.wait(1.0)
        self.event(60_000_000, 60_000_000)

    def burst(self) -> None:
        """Stop bwgraph for a while: then the events of that time arrive at once."""
        seconds = self.random.randrange(3, 600)
        self.wait(seconds * EVENT_INTERVAL_S)
        for _ in range(seconds):
            self.event(self.random.randrange(20_000_000), 1)
            self.wait(1e-5)
        self.wait(1.0)
        self.event(1000, 1000)

    def outage(self, *, restart: bool) -> None:
        """Lose the connection for a while, with or without a restart of tor."""
        last_event = self.now
        self.connection.abandon()
        self.instance.handle(Lost(last_event, "it closed the connection", last_event + 0.5))
        self.wait(self.random.uniform(1, 300))
        if restart:
            self.moved, self.started = [0, 0], self.now - 2.0
        self.gaps.append((last_event, self.now))
        self.connect()

    def sleep(self) -> None:
        """Suspend the machine, and tor with it, for a while."""
        last_event = self.now
        self.wait(EVENT_INTERVAL_S, asleep=self.random.uniform(60, 7200))
        self.gaps.append((last_event, self.now))
        self.event(10_000, 10_000)

    def step(self) -> None:
        """Set the wall clock: the buckets must not change."""
        buckets = self.instance.history.window(self.now, HOUR).buckets
        self.clock += timedelta(hours=self.random.choice((-1, 1)))
        moment = Moment(self.now, self.clock)
        draw_graphs(survey_graphs(self.instance, View(), Size(120, 35), moment))
        assert self.instance.history.window(self.now, HOUR).buckets == buckets

    def run_until(self, end: float) -> None:
        """Simulate seconds with traffic, and now and then one of the rare incidents."""
        incidents = (
            (1 / 3600, self.stall),
            (1 / 7200, self.burst),
            (1 / 20_000, lambda: self.outage(restart=False)),
            (1 / 50_000, lambda: self.outage(restart=True)),
            (1 / 60_000, self.sleep),
            (1 / 40_000, self.step),
        )
        while self.now < end:
            self.second()
            number = self.random.random()
            for probability, incident in incidents:
                if number < probability:
                    incident()
                    break
                number -= probability

    def errors(self) -> list[str]:
        """Return descriptions of everything that is wrong in the history and the total."""
        found = []
        history, total = self.instance.history, self.instance.totals.total()
        for resolution in RESOLUTIONS[-2:]:  # these cover all of the time
            buckets = history.window(self.now, COARSE_BUCKETS, resolution).buckets
            sums = [sum(buckets.read), sum(buckets.written)]
            if sums != self.counted:
                found.append(f"at {resolution} s: {sums} instead of {self.counted}")
        for fine, coarse in pairwise(RESOLUTIONS[:7]):
            # An hour of whole coarse buckets, and the finer ones of the same time.
            newest = history.window(self.now, HOUR // coarse, coarse)
            ahead = round(newest.end - history.window(self.now, 1, fine).end) // fine
            finer = history.window(self.now, HOUR // fine - ahead, fine).buckets
            if sum(newest.buckets.read) != sum(finer.read):
                found.append(f"the last hour differs between {fine} s and {coarse} s")
        hour = history.window(self.now, HOUR)
        gap_seconds = sum(not seconds for seconds in hour.buckets.seconds)
        begin = hour.end - HOUR
        expected = sum(max(0.0, end - max(start, begin)) for start, end in self.gaps)
        tolerance = 2 * len(self.gaps)  # a bucket at each end of each gap
        if abs(gap_seconds - expected) > tolerance:
            found.append(f"gaps in the last hour: {gap_seconds} s instead of {expected:.1f} s")
        if total is None or [total.read, total.written] != self.moved:
            found.append(f"total since tor started: {total} instead of {self.moved}")
        return found


def resident_kb() -> int:
    """Return the resident memory of this process in kilobytes; 0 on systems without /proc."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def append_cost() -> float:
    """Return the microseconds that appending to a bounded deque takes."""
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
        patch.object(connection, "awake_seconds", lambda: simulation.awake),
    ):
        simulation.connect()
        return 1 if run(simulation, days, floor) else 0


def run(simulation: Simulation, days: int, floor: float) -> bool:
    """Simulate the days, print a line for each, and return whether anything was wrong."""
    begin = simulation.now
    failed = False
    for day in range(1, days + 1):
        before, events = simulation.spent, simulation.events
        simulation.run_until(begin + day * DAY)
        gc.collect()
        errors = simulation.errors()
        failed |= bool(errors)
        cost = (simulation.spent - before) / (simulation.events - events) * 1e6
        line = {
            "day": day,
            "events": simulation.events,
            "memory_kB": resident_kb(),
            "sample_us": round(cost, 2),
            "floor_us": round(floor, 3),
            "times_floor": round(cost / floor, 1),
            "wrong": errors,
        }
        print(json.dumps(line), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
