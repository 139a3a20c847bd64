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

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    MAX_SAMPLE_BYTES,
    Connected,
    CounterBase,
    Described,
    Report,
    Sample,
    Wrapped,
)
from bwgraph.system.clock import awake, now
from bwgraph.system.threads import timeouts
from bwgraph.tor.counters import CounterCheck, recent_samples
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.description import Questions, parse_context, parse_number
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.failures import closed_error, connect_error
from bwgraph.tor.handshake import STEM_ERRORS, choose_method, explain_stem_error, quote_password
from bwgraph.tor.stem_adapter import WarningHandler, make_controller
from bwgraph.tor.timing import DEFAULT_TIMING, Timing
from bwgraph.tor.transport import Transport

MIN_SPAN_S = 1e-6
"Seconds that an event covers at the least, even of two read in one tick of the clock."


Connect = Callable[[Endpoint, Timing], Transport]


class Connection:
    """One connection to one tor: ``open``, then samples until ``lost`` is called, and ``close``.

    ``silent`` is called now and then while nothing comes.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        dial: Connect,
        tell: Report,
        lost: Callable[["Connection"], None],
        silent: Callable[[], object] = bool,
        *,
        timing: Timing = DEFAULT_TIMING,
    ) -> None:
        self.endpoint = endpoint
        self.last_heard = now()
        "When tor was last heard of."
        self._connect = dial
        self._report = tell
        self._on_lost = lost
        self._on_silence = silent
        self._timing = timing
        self._transport: Transport | None = None
        self._controller: Controller | None = None
        self._previous_event_at: float | None = (
            None  # when the event before came, on the clock `awake`
        )
        self._first_event_at = 0.0  # when the first event came
        self._first_event = threading.Event()  # by the first event, or by the end
        self._released = False
        self._event_lock = threading.Lock()
        self._held_samples: deque[Sample] = deque()
        self._counter_check = CounterCheck()
        self._questions = Questions()
        self._abandoned = False
        self._warning_handler = WarningHandler(tell)

    def open(self, credentials: Credentials) -> Connected:
        """Connect, authenticate, subscribe, and wait for the first event.

        Raises ExplainedError if any of it fails.

        BW is asked for before the authentication, so that it is stem's first and only SETEVENTS:
        a control-port filter that grants nothing else is then enough.
        """
        try:
            self._transport = self._connect(self.endpoint, self._timing)
        except UnicodeError:
            raise ExplainedError("that is no name of a host") from None
        except OSError as error:
            raise connect_error(self.endpoint, error, self._timing.silence_s) from None
        self._transport.on_silence = self._on_silence
        if self._abandoned:  # it was given up while it was dialled
            self._transport.close()
            raise ExplainedError("it took too long")
        self._warning_handler.attach()
        try:
            return self._handshake(credentials, self._transport)
        except STEM_ERRORS as error:
            alive = self._controller is not None and self._controller.is_alive()
            raise explain_stem_error(error, self._transport, alive=alive) from None

    def release_samples(self) -> None:
        """Let the samples go: whoever is told them has been told of the connection.

        Those that are here already go with the next event, so that one thread tells them all.
        """
        self._released = True

    def _report_samples(self) -> None:
        while self._released and self._held_samples:
            self._report(self._held_samples.popleft())

    def check_counters(self) -> CounterBase | Wrapped | None:
        """Ask tor's counters what they make of it; None if they do not answer.

        Nor when an event came in between: it might look like one that has wrapped.
        """
        seen = self._counter_check.sample_bytes
        read, written = self._info("traffic/read"), self._info("traffic/written")
        return (
            self._counter_check.compare(seen, read, written)
            if self._counter_check.sample_bytes is seen
            else None
        )

    def describe(self) -> Described | None:
        """Ask tor about itself; None if the connection ended meanwhile, which is no answer."""
        told = self._questions.ask_all(self._ask)
        alive = self._controller is not None and self._controller.is_alive()
        return Described(now(), parse_context(told)) if alive else None

    def loss_reason(self) -> str:
        """What ended the connection, in a few words."""
        failure = self._transport.failure if self._transport else None
        if failure is None:
            return "it closed the connection"
        if isinstance(failure, TimeoutError):
            return f"it has been silent for {self._timing.give_up_after_s:.0f} s"
        return failure.strerror or str(failure)

    def abandon(self) -> None:
        """From any thread and at once: no more samples, and whoever reads stops reading."""
        self._abandoned = True
        if self._transport is not None:
            self._transport.hang_up()

    def close(self) -> None:
        """Let go of everything. stem joins its threads here, which has been seen to hang."""
        self.abandon()
        self._warning_handler.detach()
        if self._controller is not None:
            self._controller.close()
        self._report_samples()  # the listener's thread has ended

    def _handshake(self, credentials: Credentials, wire: Transport) -> Connected:
        controller = self._controller = make_controller(wire, self._on_bandwidth)
        controller.add_status_listener(self._on_status, spawn=False)
        controller.connect()
        info = controller.msg("PROTOCOLINFO 1")
        stem.response.convert("PROTOCOLINFO", info)
        if credentials.cookie is not None:
            info.cookie_path = credentials.cookie
        # One method, chosen here: after a failed one stem would reconnect behind our back.
        info.auth_methods = (choose_method(info, credentials, self.endpoint),)
        controller.add_event_listener(self._on_event, EventType.BW)
        controller.authenticate(
            password=quote_password(credentials.password), protocolinfo_response=info
        )
        nickname = controller.get_conf("Nickname", None)
        answered = now()
        any(self._first_event.wait(left) for left in timeouts(self._timing.first_event_timeout_s))
        if not controller.is_alive():
            raise closed_error(wire)
        if self._previous_event_at is None:
            raise ExplainedError(
                "it let us in and sends no BW events",
                "if a control-port filter is in between, allow SETEVENTS BW in its profile",
            )
        wire.allow_silence()
        counted = self.check_counters()
        uptime = parse_number(self._info("uptime"))
        return Connected(
            at=now(),
            endpoint=str(self.endpoint),
            version=str(info.tor_version or ""),
            nickname=str(nickname or ""),
            counters=counted if isinstance(counted, CounterBase) else None,
            uptime=None if uptime is None else float(uptime),
            process=self._info("process/pid"),
            recent=(
                self._recent()
                if self._first_event_at - answered > self._timing.prompt_event_s
                else ()
            ),
        )

    def _recent(self) -> tuple[Sample, ...]:
        return recent_samples(self._info("bw-event-cache"), self._first_event_at)

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
        with self._event_lock:  # an odd one comes in another thread of stem's
            when, moment = now(), awake()
            previous, self._previous_event_at, self.last_heard = (
                self._previous_event_at,
                moment,
                when,
            )
            if previous is None:
                self._first_event_at = when
                self._first_event.set()
            elif not self._abandoned:
                seconds = max(moment - previous, MIN_SPAN_S)
                sample = Sample(
                    when, min(read, MAX_SAMPLE_BYTES), min(written, MAX_SAMPLE_BYTES), seconds
                )
                self._counter_check.add(sample)
                if self._released and not self._held_samples:
                    self._report(sample)
                else:
                    if len(self._held_samples) >= self._timing.max_held_samples:
                        sample = _merge(self._held_samples.pop(), sample)
                    self._held_samples.append(sample)
                    self._report_samples()

    def _on_status(self, _: Controller, state: str, __: float) -> None:
        """Pass a closing on, in whatever thread of stem's noticed it and under its locks."""
        if state == State.CLOSED:
            self._first_event.set()
            self._on_lost(self)


def _merge(before: Sample, sample: Sample) -> Sample:
    """Two samples in one.

    >>> _merge(Sample(1.0, 7, 3, 1.0), Sample(2.0, 1, 2, 0.5))
    Sample(ends_at=2.0, read=8, written=5, seconds=1.5)
    """
    read, written = before.read + sample.read, before.written + sample.written
    seconds = before.seconds + sample.seconds
    return Sample(sample.ends_at, read, written, seconds)
