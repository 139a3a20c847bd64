"""One connection to a tor, through stem.

Owns the subscription and the listener. It lives from one connect to one loss: a new connection is
a new ``Connection`` (stem's own reconnecting hangs and delivers stale events). Must not know the
screen, nor when to try again.

The listener is the whole lesson of stem's tutorial "Tortoise and the Hare": it runs in stem's
thread, where an exception has nowhere to go and a slow handler falls behind for ever. So it
copies two integers and a time, hands them on, and returns.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import stem
import stem.connection
import stem.response
from stem.control import Controller, EventType, State

from bwgraph.model.errors import Refusal
from bwgraph.model.events import MOST, Connected, Counted, Described, Sample, Tell, Wrapped
from bwgraph.system.clock import awake, now
from bwgraph.system.threads import waits
from bwgraph.tor.counters import Tally, recent
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.description import Inquiry, number, parse_context
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.failures import cut_short, not_reached
from bwgraph.tor.handshake import STEM_ERRORS, choose_method, explain, quotable
from bwgraph.tor.stem_adapter import Complaints, controlled
from bwgraph.tor.transport import PATIENCE, Wire

FIRST_EVENT = 3.0
"Seconds within which the first event must come; tor sends it within one of the subscription."

SHORTEST = 1e-6
"Seconds that an event covers at the least, even of two read in one tick of the clock."

PROMPT = 0.05
"""Seconds. With nobody else subscribed tor sends the first event at once: before it has answered
what it is asked next, or within this of it. A later one belongs to another's subscription, too."""

MOST_HELD = 4096
"Samples held back at the most, before they are told; of more the last holds the sum."


Dial = Callable[[Endpoint], Wire]


class Connection:
    """One connection to one tor: ``open``, then samples until ``lost`` is called, and ``close``.

    ``silent`` is called now and then while nothing comes.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        dial: Dial,
        tell: Tell,
        lost: Callable[["Connection"], None],
        silent: Callable[[], object] = bool,
    ) -> None:
        self.endpoint = endpoint
        self.newest = now()
        "When tor was last heard of."
        self._dial = dial
        self._tell = tell
        self._lost = lost
        self._silent = silent
        self._wire: Wire | None = None
        self._controller: Controller | None = None
        self._previous: float | None = None  # when the event before came, on the clock `awake`
        self._first = 0.0  # when the first event came
        self._answered = threading.Event()  # by the first event, or by the end
        self._released = False
        self._taking = threading.Lock()
        self._untold: deque[Sample] = deque()
        self._tally = Tally()
        self._inquiry = Inquiry()
        self._ended = False
        self._complaints = Complaints(tell)

    def open(self, credentials: Credentials) -> Connected:
        """Connect, authenticate, subscribe, and wait for the first event. Refusal if it fails.

        BW is asked for before the authentication, so that it is stem's first and only SETEVENTS:
        a control-port filter that grants nothing else is then enough.
        """
        try:
            self._wire = self._dial(self.endpoint)
        except UnicodeError:
            raise Refusal("that is no name of a host") from None
        except OSError as error:
            raise not_reached(self.endpoint, error) from None
        self._wire.silent = self._silent
        if self._ended:  # it was given up while it was dialled
            self._wire.close()
            raise Refusal("it took too long")
        self._complaints.attend()
        try:
            return self._handshake(credentials, self._wire)
        except STEM_ERRORS as error:
            alive = self._controller is not None and self._controller.is_alive()
            raise explain(error, self._wire, alive=alive) from None

    def release(self) -> None:
        """Let the samples go: whoever is told them has been told of the connection.

        Those that are here already go with the next event, so that one thread tells them all.
        """
        self._released = True

    def _tell_samples(self) -> None:
        while self._released and self._untold:
            self._tell(self._untold.popleft())

    def check(self) -> Counted | Wrapped | None:
        """Ask tor's counters what they make of it; None if they do not answer.

        Nor when an event came in between: it might look like one that has wrapped.
        """
        seen = self._tally.seen
        read, written = self._info("traffic/read"), self._info("traffic/written")
        return self._tally.compare(seen, read, written) if self._tally.seen is seen else None

    def context(self) -> Described | None:
        """Ask tor about itself; None if the connection ended meanwhile, which is no answer."""
        told = self._inquiry.round(self._ask)
        alive = self._controller is not None and self._controller.is_alive()
        return Described(now(), parse_context(told)) if alive else None

    def why_lost(self) -> str:
        """What ended the connection, in a few words."""
        failure = self._wire.failure if self._wire else None
        if failure is None:
            return "it closed the connection"
        if isinstance(failure, TimeoutError):
            return f"it has been silent for {PATIENCE:.0f} s"
        return failure.strerror or str(failure)

    def abandon(self) -> None:
        """From any thread and at once: no more samples, and whoever reads stops reading."""
        self._ended = True
        if self._wire is not None:
            self._wire.hang_up()

    def close(self) -> None:
        """Let go of everything. stem joins its threads here, which has been seen to hang."""
        self.abandon()
        self._complaints.leave()
        if self._controller is not None:
            self._controller.close()
        self._tell_samples()  # the listener's thread has ended

    def _handshake(self, credentials: Credentials, wire: Wire) -> Connected:
        controller = self._controller = controlled(wire, self._on_bandwidth)
        controller.add_status_listener(self._on_status, spawn=False)
        controller.connect()
        info = controller.msg("PROTOCOLINFO 1")
        stem.response.convert("PROTOCOLINFO", info)
        if credentials.cookie is not None:
            info.cookie_path = credentials.cookie
        # One method, chosen here: after a failed one stem would reconnect behind our back.
        info.auth_methods = (choose_method(info, credentials, self.endpoint),)
        controller.add_event_listener(self._on_event, EventType.BW)
        controller.authenticate(password=quotable(credentials.password), protocolinfo_response=info)
        nickname = controller.get_conf("Nickname", None)
        answered = now()
        any(self._answered.wait(left) for left in waits(FIRST_EVENT))
        if not controller.is_alive():
            raise cut_short(wire)
        if self._previous is None:
            raise Refusal(
                "it let us in and sends no BW events",
                "if a control-port filter is in between, allow SETEVENTS BW in its profile",
            )
        wire.trust()
        counted = self.check()
        uptime = number(self._info("uptime"))
        return Connected(
            when=now(),
            where=str(self.endpoint),
            version=str(info.tor_version or ""),
            nickname=str(nickname or ""),
            counted=counted if isinstance(counted, Counted) else None,
            uptime=None if uptime is None else float(uptime),
            process=self._info("process/pid"),
            recent=self._recent() if self._first - answered > PROMPT else (),
        )

    def _recent(self) -> tuple[Sample, ...]:
        return recent(self._info("bw-event-cache"), self._first)

    def _info(self, key: str) -> str:
        return self._ask(f"GETINFO {key}") or ""

    def _ask(self, command: str) -> str | None:
        """The value of one key, asked for in a command of its own; empty if that fails.

        None if it is refused; a filter refuses a whole line for one key that it does not grant.
        stem's own get_info and get_conf would answer from a cache that nothing keeps fresh here.
        """
        if self._controller is None:
            return ""
        try:
            code, _, line = self._controller.msg(command).content()[0]
        except STEM_ERRORS:
            return ""
        if code.startswith("5"):
            return None
        key, _, value = str(line).partition("=")
        asked = command.partition(" ")[2]
        return value if code == "250" and key.lower() == asked.lower() else ""

    def _on_event(self, event: Any) -> None:
        """Take one BW event that stem has parsed: an odd one, that ``_BANDWIDTH`` is not for."""
        self._on_bandwidth(event.read, event.written)

    def _on_bandwidth(self, read: int, written: int) -> None:
        """Take one BW event, in stem's thread: two integers and a time, and no more.

        The first event after a subscription holds what tor moved since anybody last listened, so
        it begins the first span and is not a sample.
        """
        with self._taking:  # an odd one comes in another thread of stem's
            when, moment = now(), awake()
            previous, self._previous, self.newest = self._previous, moment, when
            if previous is None:
                self._first = when
                self._answered.set()
            elif not self._ended:
                seconds = max(moment - previous, SHORTEST)
                sample = Sample(when, min(read, MOST), min(written, MOST), seconds)
                self._tally.add(sample)
                if self._released and not self._untold:
                    self._tell(sample)
                else:
                    if len(self._untold) >= MOST_HELD:
                        sample = _joined(self._untold.pop(), sample)
                    self._untold.append(sample)
                    self._tell_samples()

    def _on_status(self, _: Controller, state: str, __: float) -> None:
        """Pass a closing on, in whatever thread of stem's noticed it and under its locks."""
        if state == State.CLOSED:
            self._answered.set()
            self._lost(self)


def _joined(before: Sample, sample: Sample) -> Sample:
    """Two samples in one.

    >>> _joined(Sample(1.0, 7, 3, 1.0), Sample(2.0, 1, 2, 0.5))
    Sample(when=2.0, read=8, written=5, seconds=1.5)
    """
    read, written = before.read + sample.read, before.written + sample.written
    seconds = before.seconds + sample.seconds
    return Sample(sample.when, read, written, seconds)
