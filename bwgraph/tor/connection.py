"""One connection to a tor, through stem.

Owns the subscription to BW events, and what tor is asked on the connection. A ``Connection`` is
opened once and closed once. Every reconnection creates a new one, because stem's own reconnecting
hangs and delivers old events. Must not know the screen, nor when to reconnect.

BW events reach ``_on_bandwidth`` in the thread that reads the socket, ahead of stem's parser. Those
that the read-ahead does not recognize reach ``_on_event``, a listener as in stem's tutorials.
``stem_adapter`` says why, and what guards this.
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
from bwgraph.system.clock import awake_seconds, now
from bwgraph.system.threads import timeouts
from bwgraph.tor.counters import CounterCheck, recent_samples
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.description import Questions, parse_context, parse_number
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.failures import closed_error, connect_error, silence_reason
from bwgraph.tor.handshake import STEM_ERRORS, choose_method, explain_stem_error, quote_password
from bwgraph.tor.stem_adapter import WarningHandler, make_controller
from bwgraph.tor.timing import DEFAULT_TIMING, Timing
from bwgraph.tor.transport import Transport, do_nothing

MIN_SPAN_S = 1e-6
"The shortest span of a sample, in seconds: two events may arrive in one tick of the clock."

Connect = Callable[[Endpoint, Timing], Transport]
"A function that connects to an endpoint, and raises OSError if that fails."


class Connection:
    """One connection to one tor.

    Call ``open`` once and ``close`` once. Samples are reported until ``on_lost``
    is called; ``close`` reports those that are still held.

    ``report`` receives samples and warnings. ``on_silence`` is called during a silence, and
    ``on_lost`` at the end. They are called in stem's threads; ``close`` may also call ``report``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        connect: Connect,
        report: Report,
        on_lost: Callable[["Connection"], None],
        on_silence: Callable[[], object] = do_nothing,
        *,
        timing: Timing = DEFAULT_TIMING,
    ) -> None:
        self.endpoint = endpoint
        self.last_heard = now()
        "Time of the last event, on the clock ``now``; at first the time of creation."
        self._connect = connect
        self._report = report
        self._on_lost = on_lost
        self._on_silence = on_silence
        self._timing = timing
        self._transport: Transport | None = None
        self._controller: Controller | None = None
        self._previous_event_at: float | None = None  # on the clock ``awake_seconds``
        self._first_event_at = 0.0
        self._first_event = threading.Event()  # set by the first event, or by the end
        self._released = False
        self._event_lock = threading.Lock()
        self._held_samples: deque[Sample] = deque()
        self._counter_check = CounterCheck()
        self._questions = Questions()
        self._abandoned = False
        self._warning_handler = WarningHandler(report)

    def open(self, credentials: Credentials) -> Connected:
        """Connect, authenticate, subscribe, and wait for the first event.

        Raises ExplainedError if any of these fails.

        The BW listener is registered first; then stem authenticates, and then sends SETEVENTS. In
        this order it sends a single SETEVENTS command, and a control-port filter has to allow only
        that one.
        """
        try:
            self._transport = self._connect(self.endpoint, self._timing)
        except UnicodeError:
            raise ExplainedError("this is not a valid host name") from None
        except OSError as error:
            raise connect_error(self.endpoint, error, self._timing.silence_s) from None
        self._transport.on_silence = self._on_silence
        if self._abandoned:  # while connecting
            self._transport.close()
            raise ExplainedError("it took too long")
        self._warning_handler.attach()
        try:
            return self._handshake(credentials, self._transport)
        except STEM_ERRORS as error:
            raise explain_stem_error(error, self._transport, alive=self._is_alive()) from None

    def release_samples(self) -> None:
        """Begin to report samples. Call this after ``Connected`` has been reported.

        The samples held until now are reported together with the next event, so that one thread
        reports all of them in order.
        """
        self._released = True

    def _report_held_samples(self) -> None:
        while self._released and self._held_samples:
            self._report(self._held_samples.popleft())

    def check_counters(self) -> CounterBase | Wrapped | None:
        """Compare tor's counters with the samples so far.

        Returns None if tor does not answer, or if an event arrived meanwhile, since its bytes
        would look like a wrapped counter.
        """
        seen = self._counter_check.sample_bytes
        read, written = self._get_info("traffic/read"), self._get_info("traffic/written")
        return (
            self._counter_check.compare(seen, read, written)
            if self._counter_check.sample_bytes is seen
            else None
        )

    def describe(self) -> Described | None:
        """Ask tor for its fingerprint, limits and accounting.

        Returns None if the connection is not open.
        """
        answers = self._questions.ask_all(self._ask)
        return Described(now(), parse_context(answers)) if self._is_alive() else None

    def loss_reason(self) -> str:
        """Return why the connection ended, in a few words."""
        failure = self._transport.failure if self._transport else None
        if failure is None:
            return "it closed the connection"
        if isinstance(failure, TimeoutError):
            return silence_reason(self._timing.give_up_after_s)
        return failure.strerror or str(failure)

    def abandon(self) -> None:
        """End the connection at once, from any thread. No further samples are taken."""
        self._abandoned = True
        if self._transport is not None:
            self._transport.hang_up()

    def close(self) -> None:
        """Release all resources. stem joins its threads in here, which can hang."""
        self.abandon()
        self._warning_handler.detach()
        if self._controller is not None:
            self._controller.close()
        self._report_held_samples()  # no other thread reports samples any more

    def _handshake(self, credentials: Credentials, transport: Transport) -> Connected:
        controller = self._controller = make_controller(transport, self._on_bandwidth)
        controller.add_status_listener(self._on_status, spawn=False)
        controller.connect()
        info = controller.msg("PROTOCOLINFO 1")
        stem.response.convert("PROTOCOLINFO", info)
        if credentials.cookie is not None:
            info.cookie_path = credentials.cookie
        # Only one method: after a failed one, stem would reconnect without our knowledge.
        info.auth_methods = (choose_method(info, credentials, self.endpoint),)
        controller.add_event_listener(self._on_event, EventType.BW)
        controller.authenticate(
            password=quote_password(credentials.password), protocolinfo_response=info
        )
        nickname = controller.get_conf("Nickname", None)
        last_answer_at = now()
        any(self._first_event.wait(left) for left in timeouts(self._timing.first_event_timeout_s))
        if not controller.is_alive():
            raise closed_error(transport)
        if self._previous_event_at is None:
            raise ExplainedError(
                "it accepted the connection, but sends no BW events",
                "if a control-port filter is in between, allow SETEVENTS BW in its profile",
            )
        transport.allow_silence()
        counters = self.check_counters()
        uptime = parse_number(self._get_info("uptime"))
        # A late first event was not sent for our subscription, so another controller is subscribed
        # and tor's event cache is up to date.
        late = self._first_event_at - last_answer_at > self._timing.prompt_event_s
        return Connected(
            at=now(),
            endpoint=str(self.endpoint),
            version=str(info.tor_version or ""),
            nickname=str(nickname or ""),
            counters=counters if isinstance(counters, CounterBase) else None,
            uptime=None if uptime is None else float(uptime),
            process=self._get_info("process/pid"),
            recent=self._recent_samples() if late else (),
        )

    def _recent_samples(self) -> tuple[Sample, ...]:
        return recent_samples(self._get_info("bw-event-cache"), self._first_event_at)

    def _is_alive(self) -> bool:
        return self._controller is not None and self._controller.is_alive()

    def _get_info(self, key: str) -> str:
        return self._ask(f"GETINFO {key}") or ""

    def _ask(self, command: str) -> str | None:
        """Return the value of the one key in a command; empty if there is none.

        Returns None if tor or a filter refuses the command. A filter refuses a whole command for
        one key that it does not allow, so each key has a command of its own. stem's get_info and
        get_conf are not used: they answer from a cache, which nothing updates here.
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
        asked_key = command.partition(" ")[2]
        return value if code == "250" and key.lower() == asked_key.lower() else ""

    def _on_event(self, event: Any) -> None:
        """Take a BW event parsed by stem: one that ``BandwidthSocket`` does not recognize."""
        if self._transport is not None:
            self._transport.unused_bytes = 0
        self._on_bandwidth(event.read, event.written)

    def _on_bandwidth(self, read: int, written: int) -> None:
        """Take one BW event, in one of stem's threads.

        The first event of a subscription contains the bytes since anyone last listened. Its span
        is unknown, so it is not a sample; it begins the span of the next one.
        """
        with self._event_lock:  # an event parsed by stem arrives in another thread
            ends_at, moment = now(), awake_seconds()
            previous = self._previous_event_at
            self._previous_event_at, self.last_heard = moment, ends_at
            if previous is None:
                self._first_event_at = ends_at
                self._first_event.set()
            elif not self._abandoned:
                span = max(moment - previous, MIN_SPAN_S)
                self._take_sample(
                    Sample(
                        ends_at, min(read, MAX_SAMPLE_BYTES), min(written, MAX_SAMPLE_BYTES), span
                    )
                )

    def _take_sample(self, sample: Sample) -> None:
        """Report a sample, or hold it until samples are released."""
        self._counter_check.add(sample)
        if self._released and not self._held_samples:
            self._report(sample)
            return
        if len(self._held_samples) >= self._timing.max_held_samples:
            sample = _merge(self._held_samples.pop(), sample)
        self._held_samples.append(sample)
        self._report_held_samples()

    def _on_status(self, _: Controller, state: str, __: float) -> None:
        """Report the end. stem calls this in any of its threads, and holds its locks."""
        if state == State.CLOSED:
            self._first_event.set()
            self._on_lost(self)


def _merge(first: Sample, second: Sample) -> Sample:
    """Return one sample that covers two adjacent ones.

    >>> _merge(Sample(1.0, 7, 3, 1.0), Sample(2.0, 1, 2, 0.5))
    Sample(ends_at=2.0, read=8, written=5, seconds=1.5)
    """
    return Sample(
        second.ends_at,
        first.read + second.read,
        first.written + second.written,
        first.seconds + second.seconds,
    )
