"""The worker that keeps one tor connected: find it, watch it, and after a loss find it again.

Owns when to try: deadlines, the watchdog, the back-off. Each thing that may take long runs in a
thread of its own and within bounds, so this one is always there to answer. Must not know stem: it
imports the room that does when its thread has started, after the first paint.
"""

import math
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Event, Lost, Problem, Refused, Report
from bwgraph.system.clock import now
from bwgraph.system.threads import run_with_timeout
from bwgraph.tor import transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

if TYPE_CHECKING:
    from bwgraph.tor.connection import Connect, Connection

NO_TOR_REMEDY = """To let bwgraph in, put these lines into torrc and reload tor:
    ControlPort 9051
    CookieAuthentication 1
or say where its control port is (bwgraph --port 9051, bwgraph --socket /run/tor/control).
To see bwgraph without a tor: bwgraph --demo"""


class _Order(Enum):
    LOOK = auto()
    RETRY = auto()
    CLOSE = auto()


class _Task:
    """Something that a connection is asked now and then, in a thread of its own each time."""

    def __init__(
        self, ask: Callable[[], Event | None], name: str, due: float, every: float
    ) -> None:
        self.call = ask
        self.name = name
        self.due = due
        "When it is asked next; infinity while its answer is out."
        self.every = every
        "Seconds from an answer to the next question."


class _TaskDone(NamedTuple):
    """What came of an errand."""

    task: _Task
    event: Event | None


class _Watchdog:
    """What to think of a tor by when it was last heard."""

    def __init__(self, tell: Report, timing: Timing) -> None:
        self._timing = timing
        self.reported_lost = False
        "Whether it has been told as lost."
        self._report = tell
        self._grace_until: float | None = None  # until when a silence may yet turn out to be none

    def deadline(self, heard: float) -> float | None:
        """Until when to wait for more; None when that has been long enough."""
        silent = now() - heard
        if silent < self._timing.silence_s:
            self._grace_until, self.reported_lost = None, False
            return heard + self._timing.watch_interval_s
        if silent >= self._timing.give_up_after_s and self.reported_lost:
            return None
        if self._grace_until is None:
            self._grace_until = now() + self._timing.grace_s
        if now() < self._grace_until:
            return self._grace_until
        if not self.reported_lost:
            self.reported_lost = True
            why = f"it has been silent for {silent:.0f} s"
            self._report(Lost(heard, why, heard + self._timing.give_up_after_s))
        return min(
            heard + self._timing.give_up_after_s, now() + self._timing.silent_watch_interval_s
        )


class _ClosedError(Exception):
    """The user is leaving."""


class TorSource:
    """A ``Source``: the first tor among ``places`` that lets us in, for ever after.

    Until one has, a failure is told as ``Refused``, and is final unless the link is ``patient``;
    once one has, it is ``Lost`` and tried again until ``close``.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        credentials: Credentials,
        connect: "Connect" = transport.connect,
        *,
        wait_forever: bool = False,
        timing: Timing = DEFAULT_TIMING,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._credentials = credentials
        self._connect = connect
        self._wait_forever = wait_forever
        self._timing = timing
        # What the worker waits for; a connection stands for its own closing.
        self._inbox: queue.SimpleQueue[_Order | _TaskDone | Connection] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._current: Connection | None = None
        self._closing = threading.Event()

    def start(self, tell: Report) -> None:
        """Begin in a thread of its own."""
        self._thread = threading.Thread(
            target=self._run, args=(tell,), name="bwgraph link", daemon=True
        )
        self._thread.start()

    def retry_now(self) -> None:
        """Try now, if the link is waiting to."""
        self._inbox.put(_Order.RETRY)

    def close(self) -> None:
        """End the worker; what still hangs then is a daemon thread and ends with the program."""
        self._closing.set()
        self._inbox.put(_Order.CLOSE)
        if self._current is not None:
            self._current.abandon()
        if self._thread is not None:
            self._thread.join(2 * self._timing.close_timeout_s)

    def _run(self, tell: Report) -> None:
        with suppress(_ClosedError):
            self._keep_connected(tell)

    def _keep_connected(self, tell: Report) -> None:
        connection, news = self._connect_first(tell)
        while True:
            tell(news)
            connection.release_samples()
            try:
                why = self._watch(connection, tell)
            except _ClosedError:
                raise
            except Exception as error:  # noqa: BLE001 - a border: this thread must not die
                why = _as_explained(error, self._timing.attempt_timeout_s).cause
                tell(Problem(now(), why))
            finally:
                self._close_connection(connection)
            connection, news = self._reconnect(connection, why, tell)

    def _connect_first(self, tell: Report) -> "tuple[Connection, Connected]":
        """The first connection, however long it may take if the link is patient."""
        began, tries = now(), 0
        while True:
            try:
                return self._try_all(tell)
            except ExplainedError as refusal:
                if tries == 0:
                    tell(Refused(refusal))
                if not self._wait_forever:
                    raise _ClosedError from None
                self._wait_to_retry(tries, began, refusal.cause, tell)
                self._drop_messages()
            tries += 1

    def _try_all(self, tell: Report) -> "tuple[Connection, Connected]":
        """Try each place once; ExplainedError with what each said if none lets us in."""
        refusals: list[tuple[Endpoint, ExplainedError]] = []
        deadline = now() + self._timing.round_timeout_s
        for place in self._endpoints:
            try:
                return self._attempt(
                    place, min(self._timing.attempt_timeout_s, deadline - now()), tell
                )
            except ExplainedError as refusal:
                refusals.append((place, refusal))
        raise _combine(refusals)

    def _attempt(
        self, place: Endpoint, seconds: float, tell: Report
    ) -> "tuple[Connection, Connected]":
        """One fresh connection; ExplainedError if it does not stand within so many seconds."""
        from bwgraph.tor.connection import Connection  # noqa: PLC0415 - stem takes a tenth of a second

        connection = self._current = Connection(
            place,
            self._connect,
            tell,
            self._inbox.put,
            lambda: self._inbox.put(_Order.LOOK),
            timing=self._timing,
        )
        self._raise_if_closing()  # which may have missed this connection
        try:
            news = run_with_timeout(
                seconds, lambda: connection.open(self._credentials), "bwgraph connect"
            )
            self._raise_if_closing()
        except Exception as error:  # noqa: BLE001 - a border: whatever escapes is told, not lost
            self._close_connection(connection)
            self._raise_if_closing()
            raise _as_explained(error, seconds) from None
        return connection, news

    def _close_connection(self, connection: "Connection") -> None:
        """Close a connection as far as it lets itself be closed."""
        connection.abandon()
        # If stem hangs: its threads are daemons, and the socket is shut down.
        with suppress(TimeoutError):
            run_with_timeout(self._timing.close_timeout_s, connection.close, "bwgraph close")

    def _raise_if_closing(self) -> None:
        if self._closing.is_set():
            raise _ClosedError

    def _watch(self, connection: "Connection", tell: Report) -> str:
        """Wait until the connection is no more, and say why.

        stem tells of its closing, and the wire of a silence. But its threads may also have died,
        and a tor that has been stopped closes nothing: so the age of the newest event is watched.
        A silent tor is told as lost, and the connection is kept for a while: when it goes on, what
        it has to say of the time between comes there. Now and then tor is asked something.
        """
        vigil = _Watchdog(tell, self._timing)
        start = now()
        errands = (
            _Task(
                connection.describe,
                "bwgraph context",
                start + self._timing.first_describe_delay_s,
                self._timing.describe_interval_s,
            ),
            _Task(
                connection.check_counters,
                "bwgraph check",
                start + self._timing.first_counter_delay_s,
                self._timing.counter_interval_s,
            ),
        )
        while True:
            until = vigil.deadline(connection.last_heard)
            if until is None:
                return f"it has been silent for {self._timing.give_up_after_s:.0f} s"
            message = self._next_message(min(until, *(errand.due for errand in errands)) - now())
            if message is connection:
                return connection.loss_reason()
            if message is _Order.RETRY and vigil.reported_lost:
                self._inbox.put(message)  # for the pause before the next try
                return "it has been silent"
            if isinstance(message, _TaskDone) and message.task in errands:
                message.task.due = now() + message.task.every
                if message.event is not None:
                    tell(message.event)
            for errand in errands:
                if now() >= errand.due:
                    errand.due = math.inf  # until this one is answered
                    self._start_task(errand)

    def _start_task(self, errand: _Task) -> None:
        """Have it asked where that may take long; the answer comes as a message."""

        def ask() -> None:
            told = None
            try:
                told = errand.call()
            finally:  # it is asked again, whatever comes of it this time
                self._inbox.put(_TaskDone(errand, told))

        threading.Thread(target=ask, name=errand.name, daemon=True).start()

    def _reconnect(
        self, gone: "Connection", why: str, tell: Report
    ) -> "tuple[Connection, Connected]":
        """Try again and again, with a back-off, until it stands."""
        tries = 0
        while True:
            self._wait_to_retry(tries, gone.last_heard, why, tell)
            try:
                return self._attempt(gone.endpoint, self._timing.attempt_timeout_s, tell)
            except ExplainedError as refusal:
                why = refusal.cause
                self._drop_messages()
            tries += 1

    def _wait_to_retry(self, tries: int, since: float, why: str, tell: Report) -> None:
        """Tell of a loss, and wait before the next try; unless the user cannot wait."""
        delays = self._timing.reconnect_delays_s
        until = now() + delays[min(tries, len(delays) - 1)]
        tell(Lost(since, why, until))
        while (left := until - now()) > 0 and self._next_message(left) is not _Order.RETRY:
            pass  # a closing that is known already

    def _drop_messages(self) -> None:
        """What was asked for during an attempt has been done by it."""
        while self._next_message(0.0) is not None:
            pass

    def _next_message(self, seconds: float) -> "_Order | _TaskDone | Connection | None":
        """The next message; None if none comes in time. Raises _Closed when it is time to go."""
        try:
            message = self._inbox.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return None
        if message is _Order.CLOSE:
            raise _ClosedError
        return message


def _as_explained(error: Exception, seconds: float) -> ExplainedError:
    """What to tell the user when an attempt failed like this."""
    if isinstance(error, ExplainedError):
        return error
    if isinstance(error, TimeoutError):
        return ExplainedError(f"no connection within {seconds:.0f} s")
    return ExplainedError(f"unexpected: {type(error).__name__}: {error}")


def _combine(refusals: Sequence[tuple[Endpoint, ExplainedError]]) -> ExplainedError:
    """One refusal for all the places that were tried."""
    password_for = next((r.needs_password_at for _, r in refusals if r.needs_password_at), "")
    if len(refusals) == 1:
        place, only = refusals[0]
        return ExplainedError(f"{place}: {only.cause}", only.remedy, needs_password_at=password_for)
    width = max(len(str(place)) for place, _ in refusals)
    said = [f"    {place!s:{width}}  {' '.join(r.cause.split())}" for place, r in refusals]
    cures = [f"{place}: {r.remedy}" for place, r in refusals if r.remedy and not r.not_running]
    return ExplainedError(
        "\n".join(["found no tor that lets us in. Tried:", *said]),
        "\n".join(cures) or NO_TOR_REMEDY,
        needs_password_at=password_for,
    )
