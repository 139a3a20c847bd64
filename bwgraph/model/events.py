"""Where samples come from: the shape of every source, and all that a source can tell.

Owns the ``Source`` protocol and its events. A source tells things one way, from whatever thread it
likes; nothing is ever asked of the one who listens. Knows nothing of tor, demo or playback.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from bwgraph.model.sample import Sample


class Refusal(Exception):
    """Why there is no connection, in words for the user.

    ``cause`` is one plain statement of what came back, ``cure`` what can be done about it (empty
    where nothing is known). ``absent`` says that nobody was there at all, and ``password_for``
    names the place where a password would be the cure.
    """

    def __init__(
        self, cause: str, cure: str = "", *, absent: bool = False, password_for: str = ""
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure
        self.absent = absent
        self.password_for = password_for


class Counted(NamedTuple):
    """What tor's own counters say of the time before a connection's first sample.

    Tor counts on between its events, so what it answers may be a little too much by the time that
    it answers, and is never too little: of several answers the least is the best.
    """

    read: int
    written: int


class Connected(NamedTuple):
    """A tor has let us in and sends its events; its samples follow this."""

    when: float
    where: str
    version: str = ""
    nickname: str = ""
    counted: Counted | None = None
    "None where tor's counters may not be asked for."
    uptime: float | None = None
    "Seconds since the tor process started; None where that may not be asked for."
    process: str = ""
    "What tells this tor process from another on the same machine; empty where that is not known."
    recent: tuple[Sample, ...] = ()
    "What tor remembers of the time just before, where that is known to be recent."


class Lost(NamedTuple):
    """A tor that was there is not, and will be tried again."""

    since: float
    "When it was last heard of."
    why: str
    retry: float
    "When the next try is."


class Ended(NamedTuple):
    """There is no more to be told, and that is as it should be."""

    words: str
    "What has ended."


class Refused(NamedTuple):
    """No connection, and no more tries: the program cannot go on."""

    refusal: Refusal


class Wrapped(NamedTuple):
    """Bytes that an event lacked, since tor's events count to 4 GiB and begin again.

    The sample has the span of the event that it completes, which has been told already.
    """

    missing: Sample


class Trouble(NamedTuple):
    """Something went wrong where nobody was looking, such as in a thread."""

    when: float
    what: str


class Answers(NamedTuple):
    """What tor has answered of itself, as text by the key that it was asked for.

    What it refused, or was not asked, is not in it.
    """

    when: float
    told: Mapping[str, str]


Event = Sample | Connected | Counted | Wrapped | Lost | Ended | Refused | Trouble | Answers
Tell = Callable[[Event], None]


class Source(Protocol):
    """Something that tells of one tor, from ``start`` to ``close``."""

    def start(self, tell: Tell) -> None:
        """Begin to tell; return at once."""

    def retry(self) -> None:
        """If waiting to try again, do not wait."""

    def close(self) -> None:
        """Stop, within a second; tell nothing more."""
