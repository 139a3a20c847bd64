"""An invented tor: a control port inside bwgraph, to see the program without a tor.

Owns the far end of a socket pair, on which it speaks the part of tor's control protocol that
``connection`` needs. It listens on no port. Must not know what bwgraph does with its events.
"""

import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bwgraph.system.clock import now
from bwgraph.tor import demo_traffic
from bwgraph.tor.counters import CACHE_ENTRIES
from bwgraph.tor.endpoint import DemoEndpoint, Endpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing
from bwgraph.tor.transport import Transport, wrap

NAME = "demo"
ENDPOINT = DemoEndpoint(NAME)
VERSION = "0.4.8.12"
"The version of tor that the relay reports."
UPTIME_AT_START_S = 3 * 86_400 + 4 * 3600
"Uptime in seconds that the relay reports at the start of each connection."
START_OF_DEMO_S = 9 * 3600
"Second of the day at which the demo begins."
MAX_LATE_S = 3600
"The maximum number of seconds whose bytes a late event contains."

FINGERPRINT = "DE305EAF00D0123456789ABCDEF0123456789ABC"
"A fingerprint that no real relay has."

BANDWIDTH_RATE = 20 << 20
"The relay's BandwidthRate in bytes a second, which its traffic rarely reaches."

ACCOUNTING_MAX = 25 << 40
"Quota of a month in bytes, read and written together (AccountingRule sum)."

ACCOUNTED_AT_START = (21 << 39, 11 << 40)
"""Bytes read and written in the accounting interval before a connection begins. At the mean rate
the rest does not last until the end of the interval."""

DAYS_INTO_INTERVAL = 20
"Days since the accounting interval began, or a few more: none begins after a month's 28th day."


class DemoTor:
    """The invented relay. Its day passes ``speed`` times as fast as a real one.

    It sends about one event a second, each with the bytes of one second of its day.
    """

    def __init__(self, speed: int = 1) -> None:
        self._speed = speed
        self._started_at = now()
        self._interval = _accounting_interval(datetime.now(UTC))

    def connect(self, _: Endpoint, timing: Timing = DEFAULT_TIMING) -> Transport:
        """Return a new connection to the relay; a replacement of ``transport.connect``."""
        near, far = socket.socketpair()
        threading.Thread(
            target=_Session(far, self._traffic_at, self._interval).serve,
            name="bwgraph demo",
            daemon=True,
        ).start()
        return wrap(near, timing)

    def _traffic_at(self, when: float) -> tuple[int, int]:
        """Return the bytes read and written in the second that ends at ``when``."""
        return demo_traffic.traffic(START_OF_DEMO_S + int((when - self._started_at) * self._speed))


class _Session:
    """The relay's side of one control connection (control-spec, sections 3 and 4)."""

    def __init__(
        self,
        far: socket.socket,
        traffic_at: Callable[[float], tuple[int, int]],
        interval: tuple[datetime, datetime],
    ) -> None:
        self._far = far
        self._traffic_at = traffic_at
        self._interval = interval
        self._started_at = now()
        self._due: float | None = None  # time of the next event; None if not subscribed
        self._cache: deque[tuple[int, int]] = deque(maxlen=CACHE_ENTRIES)
        # Bytes since the relay's start, at its mean rate until the connection begins.
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
        """Answer commands and send events until the other side closes the connection."""
        incomplete = b""
        with self._far:
            try:
                while True:
                    if self._wait_for_command():
                        data = self._far.recv(4096)
                        if not data:
                            return
                        *lines, incomplete = (incomplete + data).split(b"\r\n")
                        for line in lines:
                            self._answer(line.decode("ascii", "replace"))
                    else:
                        self._send_event()
            except ConnectionError:
                return

    def _wait_for_command(self) -> bool:
        """Return True if there is data to read, and False if the next event is due before that."""
        timeout = None if self._due is None else max(0.0, self._due - now())
        return bool(select.select([self._far], [], [], timeout)[0])

    def _answer(self, line: str) -> None:
        command, *arguments = line.split() or [""]
        reply = self._commands.get(command.upper(), _refuse_command)(arguments)
        self._far.sendall(f"{reply}\r\n".encode("ascii"))

    def _send_event(self) -> None:
        """Send one event. As with tor, the next is due a second after this one.

        Also as with tor, an event that is late because the process was stopped contains all the
        bytes since the one before.
        """
        moment = now()
        late_s = 0 if self._due is None else min(int(moment - self._due), MAX_LATE_S)
        seconds = [self._traffic_at(moment - age) for age in range(late_s + 1)]
        read, written = (sum(direction) for direction in zip(*seconds, strict=True))
        for total in (self._total, self._accounted):
            total[0] += read
            total[1] += written
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
        values = {
            "version": VERSION,
            "uptime": str(UPTIME_AT_START_S + int(now() - self._started_at)),
            "traffic/read": str(self._total[0]),
            "traffic/written": str(self._total[1]),
            "bw-event-cache": " ".join(f"{read},{written}" for read, written in self._cache),
            "fingerprint": FINGERPRINT,
            **self._accounting(),
        }
        for key in keys:
            if key not in values:
                return f'552 Unrecognized key "{key}"'
        return "".join(f"250-{key}={values[key]}\r\n" for key in keys) + "250 OK"

    def _accounting(self) -> dict[str, str]:
        """Return the accounting keys. With AccountingRule sum, tor gives one remainder twice."""
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
        values = {
            "nickname": "Nickname=demo",
            "bandwidthrate": f"BandwidthRate={BANDWIDTH_RATE}",
            "relaybandwidthrate": "RelayBandwidthRate=0",
            "accountingrule": "AccountingRule=sum",
        }
        unknown = [key for key in keys if key.lower() not in values]
        if unknown or not keys:
            return f'552 Unrecognized configuration key "{" ".join(unknown)}"'
        return "\r\n".join(
            f"250{' ' if key is keys[-1] else '-'}{values[key.lower()]}" for key in keys
        )


def _accounting_interval(when: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of a month that began ``DAYS_INTO_INTERVAL`` days ago."""
    day = when - timedelta(days=DAYS_INTO_INTERVAL)
    start = day.replace(day=min(day.day, 28), hour=0, minute=0, second=0, microsecond=0)
    return start, (start.replace(day=1) + timedelta(days=32)).replace(day=start.day)


def _refuse_command(_: list[str]) -> str:
    return "510 Unrecognized command"
