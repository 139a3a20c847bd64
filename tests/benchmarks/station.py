"""A real tor for a soak: what it moves, and who listens to it."""

import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from account import Account
from real_tor import Control, RealTor, Traffic
from tap import Tap, Witness


class Varied(Traffic):
    """Nothing, a trickle, or much, each for some seconds."""

    PATIENCE = 5.0

    def __init__(self, tor: RealTor, dice: random.Random) -> None:
        super().__init__(tor)
        self._dice = dice

    def spell(self, control: Control) -> None:
        size = self._dice.choice((0, 300, 20_000, 200_000))
        for _ in range(self._dice.randrange(1, 40)):
            if self.over.wait(self._dice.uniform(0.05, 0.4)):
                return
            if size:
                control.let_read(self._dice.randrange(20, size))
            if size > 1000:
                control.let_write(self._dice.randrange(3))


@dataclass(slots=True, eq=False)
class Station:
    """One tor, and who listens to it."""

    name: str
    tor: RealTor
    tap: Tap
    witnesses: list[Witness]
    account: Account

    def start(self) -> None:
        self.tor.start()
        self.witnesses.append(Witness(self.tor))

    def strangers(self) -> int:
        """How many connections were not what the witness of their time has heard."""
        found = 0
        for passage in list(self.tap.passages):
            if len(passage.events) < 2:
                continue
            of_its_time = [
                witness
                for witness in self.witnesses
                if witness.events and witness.events[0].when <= passage.events[-1].when
            ]
            found += bool(of_its_time) and not of_its_time[-1].heard(passage)
        return found


def opened(name: str, place: Path, seed: int, stack: ExitStack) -> Station:
    """A tor that runs and moves bytes, until the stack ends."""
    place.mkdir()
    tor = stack.enter_context(RealTor(place))
    stack.enter_context(Varied(tor, random.Random(f"{seed} {name}")))
    tap = Tap(tor)
    return Station(name, tor, tap, [Witness(tor)], Account(tap.passages))
