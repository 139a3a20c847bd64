"""A tor that is none: a control port inside the program, for seeing bwgraph without a tor.

Owns the far end of a socket pair, on which it speaks enough of tor's control protocol for the very
link that real tors use. It listens nowhere, and knows nothing of what bwgraph makes of it.
"""

import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bwgraph.system.clock import now
from bwgraph.tor import demo_traffic
from bwgraph.tor.endpoint import DemoEndpoint, Endpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing
from bwgraph.tor.transport import Transport, wrap

NAME = "demo"
ENDPOINT = DemoEndpoint(NAME)
VERSION = "0.4.8.12"
UPTIME_AT_START_S = 3 * 86_400 + 4 * 3600
"Seconds that the relay claims to have been up when the demo begins."
START_OF_DEMO_S = 9 * 3600
"The second of its day at which the demo begins."
MAX_LATE_S = 3600
"Seconds that a late event makes up for at the most."

FINGERPRINT = "DE305EAF00D0123456789ABCDEF0123456789ABC"
"Of no relay that there is."

BANDWIDTH_RATE = 20 << 20
"Its BandwidthRate; hardly a second of its day takes as much."

ACCOUNTING_MAX = 25 << 40
"Bytes, read and written together, that it may move in a month (AccountingRule sum)."

ACCOUNTED_AT_START = (21 << 39, 11 << 40)
"""Bytes read and written in this interval before the demo begins: so much that the rest will not
last, unless the relay moves less than on its mean."""

DAYS_INTO_INTERVAL = 20
"Days since its interval began, or some more: no month's accounting begins after its 28th."

CACHE_ENTRIES = 300
"Entries in bw-event-cache (control-spec, GETINFO)."


class DemoTor:
    """The relay of the demo; ``speed`` of its seconds pass in one of ours.

    Its events come once a second as a real tor's do, each with one second's bytes; only its day
    goes by faster.
    """

    def __init__(self, speed: int = 1) -> None:
        self._speed = speed
        self._began = now()
        self._interval = _interval(datetime.now(UTC))

    def connect(self, _: Endpoint, timing: Timing = DEFAULT_TIMING) -> Transport:
        """A new connection to it: ``wire.dial`` for a tor that is none."""
        near, far = socket.socketpair()
        threading.Thread(
            target=_Session(far, self._moved, self._interval).serve,
            name="bwgraph demo",
            daemon=True,
        ).start()
        return wrap(near, timing)

    def _moved(self, when: float) -> tuple[int, int]:
        """What the relay moves in the second that ends then."""
        return demo_traffic.traffic(START_OF_DEMO_S + int((when - self._began) * self._speed))


class _Session:
    """One control connection (control-spec, sections 3 and 4), from the relay's side."""

    def __init__(
        self,
        far: socket.socket,
        moved: Callable[[float], tuple[int, int]],
        interval: tuple[datetime, datetime],
    ) -> None:
        self._far = far
        self._moved = moved
        self._interval = interval
        self._began = now()
        self._due: float | None = None  # when the next event is; None: not subscribed
        self._cache: deque[tuple[int, int]] = deque(maxlen=CACHE_ENTRIES)
        # What the relay has moved in its life before the demo, at its mean.
        self._total = [
            demo_traffic.MEAN_RATE * UPTIME_AT_START_S,
            demo_traffic.MEAN_RATE * UPTIME_AT_START_S,
        ]
        self._accounted = [*ACCOUNTED_AT_START]
        self._commands: dict[str, Callable[[list[str]], str]] = {
            "PROTOCOLINFO": self._protocolinfo,
            "AUTHENTICATE": lambda _: "250 OK",
            "SETEVENTS": self._setevents,
            "GETINFO": self._getinfo,
            "GETCONF": self._getconf,
        }

    def serve(self) -> None:
        """Answer and send events until the other side hangs up."""
        unread = b""
        with self._far:
            try:
                while True:
                    if self._readable():
                        data = self._far.recv(4096)
                        if not data:
                            return
                        *lines, unread = (unread + data).split(b"\r\n")
                        for line in lines:
                            self._answer(line.decode("ascii", "replace"))
                    else:
                        self._emit()
            except ConnectionError:
                return

    def _readable(self) -> bool:
        """Whether a command comes before the next event is due."""
        patience = None if self._due is None else max(0.0, self._due - now())
        return bool(select.select([self._far], [], [], patience)[0])

    def _answer(self, line: str) -> None:
        command, *arguments = line.split() or [""]
        reply = self._commands.get(command.upper(), _unrecognised)(arguments)
        self._far.sendall(f"{reply}\r\n".encode("ascii"))

    def _emit(self) -> None:
        """Send one event; as with tor the next is due a second after this one.

        And as with tor a late one, after ^Z and fg, holds all that was moved meanwhile.
        """
        moment = now()
        late = 0 if self._due is None else min(int(moment - self._due), MAX_LATE_S)
        seconds = [self._moved(moment - ago) for ago in range(late + 1)]
        read, written = (sum(direction) for direction in zip(*seconds, strict=True))
        for sums in (self._total, self._accounted):
            sums[0] += read
            sums[1] += written
        self._cache.append((read, written))
        self._far.sendall(f"650 BW {read} {written}\r\n".encode("ascii"))
        self._due = moment + 1.0

    def _protocolinfo(self, _: list[str]) -> str:
        return (
            f'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="{VERSION}"\r\n250 OK'
        )

    def _setevents(self, events: list[str]) -> str:
        if any(event.upper() != "BW" for event in events):
            return "552 Unrecognized event"
        self._due = now() if events else None
        return "250 OK"

    def _getinfo(self, keys: list[str]) -> str:
        known = {
            "version": VERSION,
            "uptime": str(UPTIME_AT_START_S + int(now() - self._began)),
            "traffic/read": str(self._total[0]),
            "traffic/written": str(self._total[1]),
            "bw-event-cache": " ".join(f"{read},{written}" for read, written in self._cache),
            "fingerprint": FINGERPRINT,
            **self._accounting(),
        }
        for key in keys:
            if key not in known:
                return f'552 Unrecognized key "{key}"'
        return "".join(f"250-{key}={known[key]}\r\n" for key in keys) + "250 OK"

    def _accounting(self) -> dict[str, str]:
        """What a tor with AccountingRule sum answers: the one remainder, twice."""
        read, written = self._accounted
        left = max(ACCOUNTING_MAX - read - written, 0)
        start, end = (f"{when:%Y-%m-%d %H:%M:%S}" for when in self._interval)
        return {
            "accounting/enabled": "1",
            "accounting/hibernating": "awake",
            "accounting/bytes": f"{read} {written}",
            "accounting/bytes-left": f"{left} {left}",
            "accounting/interval-start": start,
            "accounting/interval-end": end,
            "accounting/interval-wake": start,
        }

    def _getconf(self, keys: list[str]) -> str:
        known = {
            "nickname": "Nickname=demo",
            "bandwidthrate": f"BandwidthRate={BANDWIDTH_RATE}",
            "relaybandwidthrate": "RelayBandwidthRate=0",
            "accountingrule": "AccountingRule=sum",
        }
        unknown = [key for key in keys if key.lower() not in known]
        if unknown or not keys:
            return f'552 Unrecognized configuration key "{" ".join(unknown)}"'
        return "\r\n".join(
            f"250{' ' if key is keys[-1] else '-'}{known[key.lower()]}" for key in keys
        )


def _interval(when: datetime) -> tuple[datetime, datetime]:
    """A month of accounting that began a while ago, and will end in some days."""
    begun = when - timedelta(days=DAYS_INTO_INTERVAL)
    start = begun.replace(day=min(begun.day, 28), hour=0, minute=0, second=0, microsecond=0)
    return start, (start.replace(day=1) + timedelta(days=32)).replace(day=start.day)


def _unrecognised(_: list[str]) -> str:
    return "510 Unrecognized command"
