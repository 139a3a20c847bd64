"""Which tors are watched: those that the user names, or else those that are found.

Owns the way from endpoints to a fleet of instances and their sources, and which credentials each
tor is shown. Must not know what is done with the events.
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
"Shown beside the name of the demo."


class Secrets(NamedTuple):
    """The credentials for each tor, and whether to ask the user for its password.

    The keys are endpoints as text.
    """

    default: Credentials
    "The credentials for endpoints without their own."
    by_endpoint: Mapping[str, Credentials] = MappingProxyType({})
    "The credentials that the user gave for a single endpoint."
    declined: frozenset[str] = frozenset()
    "The endpoints for which the user gave no password when asked."
    cannot_ask: bool = False
    "Whether there is no user to ask."

    def for_endpoint(self, address: str) -> Credentials:
        """Return the credentials for an endpoint."""
        return self.by_endpoint.get(address, self.default)

    def should_ask(self, address: str) -> bool:
        """Return whether the user should be asked for the password of an endpoint."""
        if self.cannot_ask or not address or address in self.declined:
            return False
        return self.for_endpoint(address).password is None

    def with_password(self, address: str, credentials: Credentials) -> "Secrets":
        """Return a copy with the credentials that the user gave for an endpoint."""
        return self._replace(by_endpoint={**self.by_endpoint, address: credentials})

    def with_declined(self, address: str) -> "Secrets":
        """Return a copy that does not ask for an endpoint's password again."""
        return self._replace(declined=self.declined | {address})


class Targets(NamedTuple):
    """The tors to watch."""

    named: tuple[NamedEndpoint, ...] = ()
    "The endpoints that are watched at the same time, one instance for each."
    candidates: tuple[Endpoint, ...] = ()
    "The endpoints to try in order if ``named`` is empty; the first that connects is watched."
    demo_speed: int | None = None
    "The speed of the demo; None for real tors."
    found: bool = False
    "Whether ``named`` was found and not given by the user, so that two may be the same tor."

    @property
    def clock(self) -> Clock:
        """The clock of the samples and of the screen."""
        return SystemClock()

    def create_fleet(
        self, secrets: Secrets, *, wait_forever: bool, timing: Timing = DEFAULT_TIMING
    ) -> tuple[Fleet, dict[Instance, Source]]:
        """Create an instance for each tor, a fleet of them, and the source of each.

        ``wait_forever`` says whether to wait for a tor if none can be connected to.
        """
        several = len(self.named) > 1
        sources: dict[Instance, Source] = {}
        for named in self.named:
            address = str(named.endpoint)
            instance = self._create_instance(address, named.name)
            sources[instance] = TorSource(
                [named.endpoint],
                secrets.for_endpoint(address),
                self._connect_function(),
                wait_forever=several or wait_forever,
                timing=timing,
            )
        if not sources:
            instance = self._create_instance("a tor on this machine", "")
            instance.is_unlocated = True
            # If the user gave a password, it is for the candidate that asked for it.
            credentials = [secrets.default, *secrets.by_endpoint.values()][-1]
            sources[instance] = TorSource(
                self.candidates, credentials, wait_forever=wait_forever, timing=timing
            )
        fleet = Fleet(
            tuple(sources),
            threading.Lock,
            found=self.found,
            wait_forever=wait_forever,
            can_ask_password=secrets.should_ask,
        )
        return fleet, sources

    def _connect_function(self) -> "Connect":
        if self.demo_speed is None:
            return transport.connect
        from bwgraph.tor.demo import DemoTor  # noqa: PLC0415 - for the demo only

        return DemoTor(self.demo_speed).connect

    def _create_instance(self, name: str, label: str) -> Instance:
        note = "" if self.demo_speed is None else DEMO_NOTE
        return Instance(name, note, History(lock=threading.Lock()), label=label)


def find_targets(
    named: Sequence[NamedEndpoint], speed: int | None, environ: Mapping[str, str]
) -> Targets:
    """Return the tors to watch.

    If the user names none, these are the endpoints in the environment that accept connections, or
    else all candidates that do. If fewer than two do, all candidates are to be tried in order.

    Raises ValueError if the options or the environment are not valid.
    """
    if speed is not None:
        if named:
            message = "--demo cannot be combined with --port or --socket"
            raise ValueError(message)
        from bwgraph.tor.demo import ENDPOINT  # noqa: PLC0415 - for the demo only

        return Targets((NamedEndpoint("", ENDPOINT),), demo_speed=speed)
    if named:
        return Targets(tuple(dict.fromkeys(named)))
    instance_sockets = map(str, Path("/").glob(endpoint.INSTANCE_SOCKETS_GLOB))
    endpoints = endpoint.candidates(environ, instance_sockets)
    from_environment = endpoint.from_environment(environ)
    listening = [each for each in _without_aliases(endpoints) if transport.is_listening(each)]
    chosen = [each for each in listening if each in from_environment] or listening
    if len(chosen) < 2:
        return Targets(candidates=tuple(endpoints))
    return Targets(tuple(NamedEndpoint("", each) for each in chosen), found=True)


def _without_aliases(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Return the endpoints without sockets that link to an earlier one."""
    distinct: dict[object, Endpoint] = {}
    for each in endpoints:
        key = os.path.realpath(each.path) if isinstance(each, ControlSocket) else each
        distinct.setdefault(key, each)
    return list(distinct.values())
