"""Keep one tor connected: try its endpoints, watch the connection, reconnect after a loss.

Owns when to connect: time limits, the watchdog, the delays between attempts. Everything that may
block runs in a thread of its own with a time limit, so that the worker thread here always answers
``retry_now`` and ``close``. Must not know stem: the worker imports ``connection``, which does,
after the first graph has been drawn.
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
from bwgraph.tor.failures import silence_reason
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

if TYPE_CHECKING:
    from bwgraph.tor.connection import Connect, Connection

NO_TOR_REMEDY = """To give bwgraph access, put these lines into torrc and reload tor:
    ControlPort 9051
    CookieAuthentication 1
or say where its control port is (bwgraph --port 9051, bwgraph --socket /run/tor/control).
To see bwgraph without a tor: bwgraph --demo"""


class _Order(Enum):
    CHECK = auto()  # see whether the tor is silent
    RETRY = auto()
    CLOSE = auto()


class _Task:
    """A periodic request on a connection, each time in a new thread."""

    def __init__(
        self, call: Callable[[], Event | None], name: str, due: float, interval: float
    ) -> None:
        self.call = call
        self.name = name
        self.due = due
        "Time of the next call; infinity during a call."
        self.interval = interval
        "Seconds from the end of a call to the next one."


class _TaskDone(NamedTuple):
    """The end of one call of a task."""

    task: _Task
    event: Event | None


class _Watchdog:
    """Decides from the time of the last event whether a tor is connected, lost or given up."""

    def __init__(self, report: Report, timing: Timing) -> None:
        self.reported_lost = False
        "Whether the tor is reported as lost because of its silence."
        self._report = report
        self._timing = timing
        self._grace_until: float | None = None  # set when a silence is noticed

    def deadline(self, last_heard: float) -> float | None:
        """Return the time of the next check, or None if the tor is to be given up.

        Reports the tor as lost once its silence has lasted longer than the grace period.
        """
        timing, silent_s = self._timing, now() - last_heard
        if silent_s < timing.silence_s:
            self._grace_until, self.reported_lost = None, False
            return last_heard + timing.watch_interval_s
        give_up_at = last_heard + timing.give_up_after_s
        if silent_s >= timing.give_up_after_s and self.reported_lost:
            return None
        # bwgraph itself may have been suspended, and events may be waiting to be read.
        if self._grace_until is None:
            self._grace_until = now() + timing.grace_s
        if now() < self._grace_until:
            return self._grace_until
        if not self.reported_lost:
            self.reported_lost = True
            self._report(Lost(last_heard, silence_reason(silent_s), give_up_at))
        return min(give_up_at, now() + timing.silent_watch_interval_s)


class _StopWorkerError(Exception):
    """Raised in the worker to end it."""


class TorSource:
    """A ``Source``: the first of some endpoints that can be connected to, until it is closed.

    If no endpoint can be connected to at first, this is reported as ``Refused``, and ends the
    source unless ``wait_forever``. Later failures are reported as ``Lost``. After the first
    connection only its endpoint is tried again, until ``close``.
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
        # The messages to the worker. A connection in it means that this connection has ended.
        self._inbox: queue.SimpleQueue[_Order | _TaskDone | Connection] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._current: Connection | None = None
        self._closing = threading.Event()

    def start(self, report: Report) -> None:
        """Start the worker thread, and return at once."""
        self._thread = threading.Thread(
            target=self._run, args=(report,), name="bwgraph source", daemon=True
        )
        self._thread.start()

    def retry_now(self) -> None:
        """End the current delay between two attempts, or the wait for a silent tor."""
        self._inbox.put(_Order.RETRY)

    def close(self) -> None:
        """End the worker. A thread that still hangs is a daemon, and ends with the program."""
        self._closing.set()
        self._inbox.put(_Order.CLOSE)
        if self._current is not None:
            self._current.abandon()
        if self._thread is not None:
            self._thread.join(2 * self._timing.close_timeout_s)

    def _run(self, report: Report) -> None:
        with suppress(_StopWorkerError):
            self._keep_connected(report)

    def _keep_connected(self, report: Report) -> None:
        connection, connected = self._connect_first(report)
        while True:
            report(connected)
            connection.release_samples()
            try:
                reason = self._watch(connection, report)
            except _StopWorkerError:
                raise
            except Exception as error:  # noqa: BLE001 - this thread must not end
                reason = _explain(error, self._timing.attempt_timeout_s).cause
                report(Problem(now(), reason))
            finally:
                self._close_connection(connection)
            connection, connected = self._reconnect(connection, reason, report)

    def _connect_first(self, report: Report) -> "tuple[Connection, Connected]":
        """Return the first connection. Raises _StopWorkerError after a failure that is final."""
        started_at, failures = now(), 0
        while True:
            try:
                return self._try_endpoints(report)
            except ExplainedError as error:
                if failures == 0:
                    report(Refused(error))
                if not self._wait_forever:
                    raise _StopWorkerError from None
                self._wait_to_retry(failures, started_at, error.cause, report)
                self._drop_messages()
            failures += 1

    def _try_endpoints(self, report: Report) -> "tuple[Connection, Connected]":
        """Try each endpoint once. Raises ExplainedError with the errors of all if each fails."""
        errors: list[tuple[Endpoint, ExplainedError]] = []
        deadline = now() + self._timing.round_timeout_s
        for endpoint in self._endpoints:
            timeout = min(self._timing.attempt_timeout_s, deadline - now())
            try:
                return self._attempt(endpoint, timeout, report)
            except ExplainedError as error:
                errors.append((endpoint, error))
        raise _combine(errors)

    def _attempt(
        self, endpoint: Endpoint, timeout: float, report: Report
    ) -> "tuple[Connection, Connected]":
        """Open a new connection. Raises ExplainedError if that fails, or takes too long."""
        from bwgraph.tor.connection import Connection  # noqa: PLC0415 - stem takes 0.1 s to import

        connection = self._current = Connection(
            endpoint,
            self._connect,
            report,
            self._inbox.put,
            lambda: self._inbox.put(_Order.CHECK),
            timing=self._timing,
        )
        self._raise_if_closing()  # ``close`` may have run before ``_current`` was set
        try:
            connected = run_with_timeout(
                timeout, lambda: connection.open(self._credentials), "bwgraph connect"
            )
            self._raise_if_closing()
        except Exception as error:  # noqa: BLE001 - any error is reported, not lost
            self._close_connection(connection)
            self._raise_if_closing()
            raise _explain(error, timeout) from None
        return connection, connected

    def _close_connection(self, connection: "Connection") -> None:
        """Close a connection, or leave it to its threads if stem hangs.

        These threads are daemons, and the socket has been shut down.
        """
        connection.abandon()
        with suppress(TimeoutError):
            run_with_timeout(self._timing.close_timeout_s, connection.close, "bwgraph close")

    def _raise_if_closing(self) -> None:
        if self._closing.is_set():
            raise _StopWorkerError

    def _watch(self, connection: "Connection", report: Report) -> str:
        """Watch a connection until it has ended or is given up, and return the reason.

        stem reports the end of a connection, and the transport a silence. But a thread of stem's
        may have died, and a stopped tor does not close its connections, so the time of the last
        event is checked as well. A silent tor is reported as lost, but its connection stays open
        for a while: if it continues, its next event covers the time in between.
        """
        watchdog = _Watchdog(report, self._timing)
        tasks = self._tasks(connection)
        while True:
            deadline = watchdog.deadline(connection.last_heard)
            if deadline is None:
                return silence_reason(self._timing.give_up_after_s)
            message = self._next_message(min(deadline, *(task.due for task in tasks)) - now())
            if message is connection:
                return connection.loss_reason()
            if message is _Order.RETRY and watchdog.reported_lost:
                self._inbox.put(message)  # it also ends the delay before the next attempt
                return "it has been silent"
            if isinstance(message, _TaskDone) and message.task in tasks:
                message.task.due = now() + message.task.interval
                if message.event is not None:
                    report(message.event)
            for task in tasks:
                if now() >= task.due:
                    task.due = math.inf
                    self._start_task(task)

    def _tasks(self, connection: "Connection") -> tuple[_Task, ...]:
        timing = self._timing
        return (
            _Task(
                connection.describe,
                "bwgraph describe",
                now() + timing.first_describe_delay_s,
                timing.describe_interval_s,
            ),
            _Task(
                connection.check_counters,
                "bwgraph counters",
                now() + timing.first_counter_delay_s,
                timing.counter_interval_s,
            ),
        )

    def _start_task(self, task: _Task) -> None:
        """Call a task in a new thread, which puts a ``_TaskDone`` into the inbox at the end."""

        def run() -> None:
            event = None
            try:
                event = task.call()
            finally:  # after an exception, too: the task is to be repeated
                self._inbox.put(_TaskDone(task, event))

        threading.Thread(target=run, name=task.name, daemon=True).start()

    def _reconnect(
        self, lost: "Connection", reason: str, report: Report
    ) -> "tuple[Connection, Connected]":
        """Try the endpoint of a lost connection, with growing delays, until it is connected."""
        failures = 0
        while True:
            self._wait_to_retry(failures, lost.last_heard, reason, report)
            try:
                return self._attempt(lost.endpoint, self._timing.attempt_timeout_s, report)
            except ExplainedError as error:
                reason = error.cause
                self._drop_messages()
            failures += 1

    def _wait_to_retry(self, failures: int, last_heard: float, reason: str, report: Report) -> None:
        """Report a loss, and wait until the next attempt is due or ``retry_now`` is called."""
        delays = self._timing.reconnect_delays_s
        retry_at = now() + delays[min(failures, len(delays) - 1)]
        report(Lost(last_heard, reason, retry_at))
        while (left := retry_at - now()) > 0 and self._next_message(left) is not _Order.RETRY:
            pass  # other messages are about the lost connection

    def _drop_messages(self) -> None:
        """Drop the messages that arrived during an attempt: the attempt made them obsolete."""
        while self._next_message(0.0) is not None:
            pass

    def _next_message(self, timeout: float) -> "_Order | _TaskDone | Connection | None":
        """Return the next message, or None after the timeout.

        Raises _StopWorkerError on ``close``.
        """
        try:
            message = self._inbox.get(timeout=max(timeout, 0.0))
        except queue.Empty:
            return None
        if message is _Order.CLOSE:
            raise _StopWorkerError
        return message


def _explain(error: Exception, timeout: float) -> ExplainedError:
    """Return an error for the user about an attempt with this timeout."""
    if isinstance(error, ExplainedError):
        return error
    if isinstance(error, TimeoutError):
        return ExplainedError(f"no connection within {timeout:.0f} s")
    return ExplainedError(f"unexpected: {type(error).__name__}: {error}")


def _combine(errors: Sequence[tuple[Endpoint, ExplainedError]]) -> ExplainedError:
    """Return one error for all endpoints that were tried."""
    password_for = next((e.needs_password_at for _, e in errors if e.needs_password_at), "")
    if len(errors) == 1:
        endpoint, error = errors[0]
        return ExplainedError(
            f"{endpoint}: {error.cause}", error.remedy, needs_password_at=password_for
        )
    width = max(len(str(endpoint)) for endpoint, _ in errors)
    causes = [f"    {endpoint!s:{width}}  {' '.join(e.cause.split())}" for endpoint, e in errors]
    remedies = [
        f"{endpoint}: {e.remedy}" for endpoint, e in errors if e.remedy and not e.not_running
    ]
    return ExplainedError(
        "\n".join(["no tor accepted the connection. Tried:", *causes]),
        "\n".join(remedies) or NO_TOR_REMEDY,
        needs_password_at=password_for,
    )
