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

from bwgraph.model.errors import Refusal
from bwgraph.model.events import Connected, Event, Lost, Refused, Tell, Trouble
from bwgraph.system.clock import now
from bwgraph.system.threads import GRACE, within
from bwgraph.tor import transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint

if TYPE_CHECKING:
    from bwgraph.tor.connection import Connection, Dial

ATTEMPT = 9.0
"Seconds that one place may take to let us in."

ROUND = 13.0
"Seconds that all the places together may take before the user is told."

BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
"Seconds before each new try; the last for all that follow."

SELDOM = 10.0
"""Seconds between two looks at a tor that is well. The wire tells when it falls silent; but the
thread that reads from it may have died, or tor may answer and send no events."""

AGAIN = 1.0
"Seconds between two looks at a silent tor: it may have gone on, and be silent again."

CHECK = 60.0
"Seconds between two looks at tor's own counters."

FIRST_CHECK = 2.0
"Seconds to the first: what tor answered when we came may have been a little too much."

CONTEXT = 30.0
"Seconds between two times that tor is asked about itself: its limits, its accounting."

FIRST_CONTEXT = 0.3
"Seconds to the first."

CLOSING = 0.5
"Seconds that stem is given to let go."

TORRC = """To let bwgraph in, put these lines into torrc and reload tor:
    ControlPort 9051
    CookieAuthentication 1
or say where its control port is (bwgraph --port 9051, bwgraph --socket /run/tor/control).
To see bwgraph without a tor: bwgraph --demo"""


class _Order(Enum):
    LOOK = auto()
    RETRY = auto()
    CLOSE = auto()


class _Errand:
    """Something that a connection is asked now and then, in a thread of its own each time."""

    def __init__(
        self, ask: Callable[[], Event | None], name: str, due: float, every: float
    ) -> None:
        self.ask = ask
        self.name = name
        self.due = due
        "When it is asked next; infinity while its answer is out."
        self.every = every
        "Seconds from an answer to the next question."


class _Answer(NamedTuple):
    """What came of an errand."""

    errand: _Errand
    told: Event | None


class _Vigil:
    """What to think of a tor by when it was last heard."""

    def __init__(self, tell: Tell) -> None:
        self.told = False
        "Whether it has been told as lost."
        self._tell = tell
        self._grace: float | None = None  # until when a silence may yet turn out to be none

    def look(self, heard: float) -> float | None:
        """Until when to wait for more; None when that has been long enough."""
        silent = now() - heard
        if silent < transport.SILENCE:
            self._grace, self.told = None, False
            return heard + SELDOM
        if silent >= transport.PATIENCE and self.told:
            return None
        if self._grace is None:
            self._grace = now() + GRACE
        if now() < self._grace:
            return self._grace
        if not self.told:
            self.told = True
            why = f"it has been silent for {silent:.0f} s"
            self._tell(Lost(heard, why, heard + transport.PATIENCE))
        return min(heard + transport.PATIENCE, now() + AGAIN)


class _Closed(Exception):
    """The user is leaving."""


class TorLink:
    """A ``Source``: the first tor among ``places`` that lets us in, for ever after.

    Until one has, a failure is told as ``Refused``, and is final unless the link is ``patient``;
    once one has, it is ``Lost`` and tried again until ``close``.
    """

    def __init__(
        self,
        places: Sequence[Endpoint],
        credentials: Credentials,
        dial: "Dial" = transport.dial,
        *,
        patient: bool = False,
    ) -> None:
        self._places = tuple(places)
        self._credentials = credentials
        self._dial = dial
        self._patient = patient
        # What the worker waits for; a connection stands for its own closing.
        self._inbox: queue.SimpleQueue[_Order | _Answer | Connection] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._current: Connection | None = None
        self._closing = threading.Event()

    def start(self, tell: Tell) -> None:
        """Begin in a thread of its own."""
        self._thread = threading.Thread(
            target=self._run, args=(tell,), name="bwgraph link", daemon=True
        )
        self._thread.start()

    def retry(self) -> None:
        """Try now, if the link is waiting to."""
        self._inbox.put(_Order.RETRY)

    def close(self) -> None:
        """End the worker; what still hangs then is a daemon thread and ends with the program."""
        self._closing.set()
        self._inbox.put(_Order.CLOSE)
        if self._current is not None:
            self._current.abandon()
        if self._thread is not None:
            self._thread.join(2 * CLOSING)

    def _run(self, tell: Tell) -> None:
        with suppress(_Closed):
            self._keep_connected(tell)

    def _keep_connected(self, tell: Tell) -> None:
        connection, news = self._begin(tell)
        while True:
            tell(news)
            connection.release()
            try:
                why = self._watch(connection, tell)
            except _Closed:
                raise
            except Exception as error:  # noqa: BLE001 - a border: this thread must not die
                why = _as_refusal(error, ATTEMPT).cause
                tell(Trouble(now(), why))
            finally:
                _let_go(connection)
            connection, news = self._reconnect(connection, why, tell)

    def _begin(self, tell: Tell) -> "tuple[Connection, Connected]":
        """The first connection, however long it may take if the link is patient."""
        began, tries = now(), 0
        while True:
            try:
                return self._first_of_all(tell)
            except Refusal as refusal:
                if tries == 0:
                    tell(Refused(refusal))
                if not self._patient:
                    raise _Closed from None
                self._pause(tries, began, refusal.cause, tell)
                self._forget_retries()
            tries += 1

    def _first_of_all(self, tell: Tell) -> "tuple[Connection, Connected]":
        """Try each place once; Refusal with what each said if none lets us in."""
        refusals: list[tuple[Endpoint, Refusal]] = []
        deadline = now() + ROUND
        for place in self._places:
            try:
                return self._attempt(place, min(ATTEMPT, deadline - now()), tell)
            except Refusal as refusal:
                refusals.append((place, refusal))
        raise _in_all(refusals)

    def _attempt(
        self, place: Endpoint, seconds: float, tell: Tell
    ) -> "tuple[Connection, Connected]":
        """One fresh connection; Refusal if it does not stand within so many seconds."""
        from bwgraph.tor.connection import Connection  # noqa: PLC0415 - stem takes a tenth of a second

        connection = self._current = Connection(
            place, self._dial, tell, self._inbox.put, lambda: self._inbox.put(_Order.LOOK)
        )
        self._mind_closing()  # which may have missed this connection
        try:
            news = within(seconds, lambda: connection.open(self._credentials), "bwgraph connect")
            self._mind_closing()
        except Exception as error:  # noqa: BLE001 - a border: whatever escapes is told, not lost
            _let_go(connection)
            self._mind_closing()
            raise _as_refusal(error, seconds) from None
        return connection, news

    def _mind_closing(self) -> None:
        if self._closing.is_set():
            raise _Closed

    def _watch(self, connection: "Connection", tell: Tell) -> str:
        """Wait until the connection is no more, and say why.

        stem tells of its closing, and the wire of a silence. But its threads may also have died,
        and a tor that has been stopped closes nothing: so the age of the newest event is watched.
        A silent tor is told as lost, and the connection is kept for a while: when it goes on, what
        it has to say of the time between comes there. Now and then tor is asked something.
        """
        vigil = _Vigil(tell)
        start = now()
        errands = (
            _Errand(connection.context, "bwgraph context", start + FIRST_CONTEXT, CONTEXT),
            _Errand(connection.check, "bwgraph check", start + FIRST_CHECK, CHECK),
        )
        while True:
            until = vigil.look(connection.newest)
            if until is None:
                return f"it has been silent for {transport.PATIENCE:.0f} s"
            message = self._next(min(until, *(errand.due for errand in errands)) - now())
            if message is connection:
                return connection.why_lost()
            if message is _Order.RETRY and vigil.told:
                self._inbox.put(message)  # for the pause before the next try
                return "it has been silent"
            if isinstance(message, _Answer) and message.errand in errands:
                message.errand.due = now() + message.errand.every
                if message.told is not None:
                    tell(message.told)
            for errand in errands:
                if now() >= errand.due:
                    errand.due = math.inf  # until this one is answered
                    self._send_on(errand)

    def _send_on(self, errand: _Errand) -> None:
        """Have it asked where that may take long; the answer comes as a message."""

        def ask() -> None:
            told = None
            try:
                told = errand.ask()
            finally:  # it is asked again, whatever comes of it this time
                self._inbox.put(_Answer(errand, told))

        threading.Thread(target=ask, name=errand.name, daemon=True).start()

    def _reconnect(
        self, gone: "Connection", why: str, tell: Tell
    ) -> "tuple[Connection, Connected]":
        """Try again and again, with a back-off, until it stands."""
        tries = 0
        while True:
            self._pause(tries, gone.newest, why, tell)
            try:
                return self._attempt(gone.endpoint, ATTEMPT, tell)
            except Refusal as refusal:
                why = refusal.cause
                self._forget_retries()
            tries += 1

    def _pause(self, tries: int, since: float, why: str, tell: Tell) -> None:
        """Tell of a loss, and wait before the next try; unless the user cannot wait."""
        until = now() + BACKOFF[min(tries, len(BACKOFF) - 1)]
        tell(Lost(since, why, until))
        while (left := until - now()) > 0 and self._next(left) is not _Order.RETRY:
            pass  # a closing that is known already

    def _forget_retries(self) -> None:
        """What was asked for during an attempt has been done by it."""
        while self._next(0.0) is not None:
            pass

    def _next(self, seconds: float) -> "_Order | _Answer | Connection | None":
        """The next message; None if none comes in time. Raises _Closed when it is time to go."""
        try:
            message = self._inbox.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return None
        if message is _Order.CLOSE:
            raise _Closed
        return message


def _let_go(connection: "Connection") -> None:
    """Close a connection as far as it lets itself be closed."""
    connection.abandon()
    # If stem hangs: its threads are daemons, and the socket is shut down.
    with suppress(TimeoutError):
        within(CLOSING, connection.close, "bwgraph close")


def _as_refusal(error: Exception, seconds: float) -> Refusal:
    """What to tell the user when an attempt failed like this."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TimeoutError):
        return Refusal(f"no connection within {seconds:.0f} s")
    return Refusal(f"unexpected: {type(error).__name__}: {error}")


def _in_all(refusals: Sequence[tuple[Endpoint, Refusal]]) -> Refusal:
    """One refusal for all the places that were tried."""
    password_for = next((r.password_for for _, r in refusals if r.password_for), "")
    if len(refusals) == 1:
        place, only = refusals[0]
        return Refusal(f"{place}: {only.cause}", only.cure, password_for=password_for)
    width = max(len(str(place)) for place, _ in refusals)
    said = [f"    {place!s:{width}}  {' '.join(r.cause.split())}" for place, r in refusals]
    cures = [f"{place}: {r.cure}" for place, r in refusals if r.cure and not r.absent]
    return Refusal(
        "\n".join(["found no tor that lets us in. Tried:", *said]),
        "\n".join(cures) or TORRC,
        password_for=password_for,
    )
