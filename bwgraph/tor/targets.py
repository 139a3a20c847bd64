"""Which tors are watched: the ones that were named, or else those that are found.

Owns the way from endpoints to instances and the links that tell of them, and what is shown to which
tor so that it lets us in. Must not know what becomes of what they tell.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bwgraph.model.events import Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.system.clock import Clock, SystemClock
from bwgraph.tor import endpoint, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlSocket, Endpoint, NamedEndpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

if TYPE_CHECKING:
    from bwgraph.tor.connection import Connect

DEMO_NOTE = "no tor, invented traffic"


class Secrets(NamedTuple):
    """What is shown to each tor, and whether the user may be asked for more."""

    default: Credentials
    by_endpoint: Mapping[str, Credentials] = MappingProxyType({})
    "By place, where the user has given something for this one alone."
    declined: frozenset[str] = frozenset()
    "Places for which the user has nothing to give."
    cannot_ask: bool = False
    "There is nobody to be asked."

    def for_endpoint(self, place: str) -> Credentials:
        """What is shown there."""
        return self.by_endpoint.get(place, self.default)

    def should_ask(self, place: str) -> bool:
        """Whether the user should be asked for a password for this place."""
        if self.cannot_ask or not place or place in self.declined:
            return False
        return self.for_endpoint(place).password is None

    def with_password(self, place: str, credentials: Credentials) -> "Secrets":
        """With what the user gave for this place."""
        return self._replace(by_endpoint={**self.by_endpoint, place: credentials})

    def with_declined(self, place: str) -> "Secrets":
        """With no more asking for this place."""
        return self._replace(declined=self.declined | {place})


class Targets(NamedTuple):
    """The tors to watch, before anything is known of them."""

    named: tuple[NamedEndpoint, ...] = ()
    "Those that are watched side by side."
    candidates: tuple[Endpoint, ...] = ()
    "Where there are none of these: places of which the first that lets us in is watched."
    demo_speed: int | None = None
    "The speed of the invented one, if it is that."
    found: bool = False
    "Nobody named them, so two of them may be one tor."

    @property
    def clock(self) -> Clock:
        """What their samples and the screen go by: the present."""
        return SystemClock()

    def create_fleet(
        self, secrets: Secrets, *, patient: bool, timing: Timing = DEFAULT_TIMING
    ) -> tuple[Fleet, dict[Instance, Source]]:
        """Instances, and what tells of each."""
        several = len(self.named) > 1
        sources: dict[Instance, Source] = {}
        for named in self.named:
            place = named.endpoint
            instance = self._instance(str(place), named.name)
            sources[instance] = TorSource(
                [place],
                secrets.for_endpoint(str(place)),
                self._connect_function(),
                wait_forever=several or patient,
                timing=timing,
            )
        if not sources:
            instance = self._instance("a tor on this machine", "")
            instance.is_unlocated = True
            # Given for one of the candidates, which is the one that is looked for now.
            latest = [secrets.default, *secrets.by_endpoint.values()][-1]
            sources[instance] = TorSource(
                self.candidates, latest, wait_forever=patient, timing=timing
            )
        fleet = Fleet(
            tuple(sources),
            threading.Lock,
            found=self.found,
            wait_forever=patient,
            can_ask_password=secrets.should_ask,
        )
        return fleet, sources

    def _connect_function(self) -> "Connect":
        if self.demo_speed is None:
            return transport.connect
        from bwgraph.tor.demo import DemoTor  # noqa: PLC0415 - most have a tor

        return DemoTor(self.demo_speed).connect

    def _instance(self, name: str, label: str) -> Instance:
        note = "" if self.demo_speed is None else DEMO_NOTE
        return Instance(name, note, History(lock=threading.Lock()), label=label)


def find_targets(
    named: Sequence[NamedEndpoint], speed: int | None, environ: Mapping[str, str]
) -> Targets:
    """What to watch; a ValueError if what was asked for makes no sense.

    Nobody named one: those that the environment names, or else all that take connections where a
    tor may be. When there are none, or just one, the places are left to be tried in order.
    """
    if speed is not None:
        if named:
            message = "--demo needs no tor, and --port and --socket name one"
            raise ValueError(message)
        from bwgraph.tor.demo import ENDPOINT  # noqa: PLC0415 - as above

        return Targets((NamedEndpoint("", ENDPOINT),), demo_speed=speed)
    if named:
        return Targets(tuple(dict.fromkeys(named)))
    sockets = map(str, Path("/").glob(endpoint.INSTANCE_SOCKETS_GLOB))
    places = endpoint.candidates(environ, sockets)
    first = endpoint.from_environment(environ)
    live = [place for place in _distinct(places) if transport.is_listening(place)]
    wanted = [place for place in live if place in first] or live
    if len(wanted) < 2:
        return Targets(candidates=tuple(places))
    return Targets(tuple(NamedEndpoint("", place) for place in wanted), found=True)


def _distinct(places: Sequence[Endpoint]) -> list[Endpoint]:
    """Without sockets that are others by another name."""
    found: dict[object, Endpoint] = {}
    for place in places:
        key = os.path.realpath(place.path) if isinstance(place, ControlSocket) else place
        found.setdefault(key, place)
    return list(found.values())
