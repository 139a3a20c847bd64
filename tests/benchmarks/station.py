"""A real tor for a soak, with its traffic, its tap and its witnesses."""

import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from account import Account
from tap import Tap, Witness
from tor_process import Control, RealTor, Traffic


class RandomTraffic(Traffic):
    """Traffic at random rates, each for some seconds, or none."""

    PATIENCE = 5.0

    def __init__(self, tor: RealTor, rng: random.Random) -> None:
        super().__init__(tor)
        self._rng = rng

    def spell(self, control: Control) -> None:
        size = self._rng.choice((0, 300, 20_000, 200_000))
        for _ in range(self._rng.randrange(1, 40)):
            if self.over.wait(self._rng.uniform(0.05, 0.4)):
                return
            if size:
                control.let_read(self._rng.randrange(20, size))
            if size > 1000:
                control.let_write(self._rng.randrange(3))


@dataclass(slots=True, eq=False)
class Station:
    """One tor, and all that is connected to it."""

    name: str
    tor: RealTor
    tap: Tap
    witnesses: list[Witness]
    "One for each process of the tor."
    account: Account

    def start(self) -> None:
        self.tor.start()
        self.witnesses.append(Witness(self.tor))

    def mismatches(self) -> int:
        """Return the number of connections whose events differ from those of the witness."""
        count = 0
        for passage in list(self.tap.passages):
            if len(passage.events) < 2:
                continue
            started_before = [
                witness
                for witness in self.witnesses
                if witness.events and witness.events[0].at <= passage.events[-1].at
            ]
            count += bool(started_before) and not started_before[-1].heard(passage)
        return count


def start_station(name: str, directory: Path, seed: int, stack: ExitStack) -> Station:
    """Start a tor with traffic, until the stack is closed."""
    directory.mkdir()
    tor = stack.enter_context(RealTor(directory))
    stack.enter_context(RandomTraffic(tor, random.Random(f"{seed} {name}")))
    tap = Tap(tor)
    return Station(name, tor, tap, [Witness(tor)], Account(tap.passages))
