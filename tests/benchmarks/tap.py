"""Record the BW events that a tor sends to a program.

A ``Tap`` is a proxy between a program and a tor's control port. It records each BW event before it
passes it on, and it can break the connection. A ``Witness`` subscribes to the same tor on a
connection of its own, to check the tap's record.
"""

import re
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from tor_process import PATIENCE, RealTor

_BANDWIDTH = re.compile(rb"650 BW (\d+) (\d+)")

RESET = struct.pack("ii", 1, 0)
"The value of SO_LINGER with which a close resets the connection."


class BandwidthEvent(NamedTuple):
    """One BW event."""

    at: float
    "The time of its arrival, on the monotonic clock."
    read: int
    written: int


@dataclass(eq=False)
class Passage:
    """One connection of the program to the tap."""

    events: list[BandwidthEvent] = field(default_factory=list)
    over: bool = False
    "Whether it has ended."
    hung_up: float | None = None
    "The time at which the program closed it; None if it is open or another side closed it."


class Tap:
    """A proxy for a tor's control port."""

    def __init__(self, tor: RealTor) -> None:
        self.passages: list[Passage] = []
        self._tor = tor
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._cut: bytes | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, *, reset: bool) -> None:
        """Break the open connection, by a FIN after everything that was sent, or by a reset."""
        self._cut = RESET if reset else b""

    def passing(self, events: int) -> bool:
        """Return whether a connection is open with at least this number of events."""
        passages = self.passages
        return bool(passages) and not passages[-1].over and len(passages[-1].events) >= events

    def _serve(self) -> None:
        while True:
            client, _ = self._server.accept()
            try:
                tor = socket.create_connection(("127.0.0.1", self._tor.port), PATIENCE)
            except OSError:
                client.close()
                continue
            self._cut = None
            passage = Passage()
            self.passages.append(passage)
            with client, tor:
                self._pass(passage, client, tor)
                passage.over = True

    def _pass(self, passage: Passage, client: socket.socket, tor: socket.socket) -> None:
        """Pass on the bytes of each side until the program has closed the connection."""
        rest, sides = b"", [client, tor]
        while True:
            ready = select.select(sides, [], [], 0.1)[0]
            if tor in ready:
                data = _received(tor)
                *lines, rest = (rest + data).split(b"\r\n")
                now = time.monotonic()
                for line in lines:
                    if event := _BANDWIDTH.match(line):
                        passage.events.append(BandwidthEvent(now, int(event[1]), int(event[2])))
                with suppress(OSError):  # the program closed it, which is noticed below
                    client.sendall(data)
                    if not data:
                        client.shutdown(socket.SHUT_WR)
                if not data:
                    sides.remove(tor)
                    passage.over = True
            if client in ready:
                data = _received(client)
                with suppress(OSError):
                    tor.sendall(data)
                if not data:
                    passage.hung_up = None if passage.over else time.monotonic()
                    return
            cut, self._cut = self._cut, None
            if cut is not None and cut:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, cut)
                return
            if cut is not None:
                with suppress(OSError):
                    tor.shutdown(socket.SHUT_RDWR)  # received bytes are still passed on


class Witness:
    """A subscriber to one tor process, until that ends."""

    def __init__(self, tor: RealTor) -> None:
        self.events: list[BandwidthEvent] = []
        self._socket = socket.create_connection(("127.0.0.1", tor.port), PATIENCE)
        lines = self._socket.makefile("rb")
        secret = tor.secret().hex().encode()
        self._socket.sendall(b"AUTHENTICATE " + secret + b"\r\nSETEVENTS BW\r\n")
        assert [lines.readline() for _ in range(2)] == [b"250 OK\r\n"] * 2
        self._socket.settimeout(None)
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()

    def _listen(self, lines: Iterable[bytes]) -> None:
        with suppress(OSError):
            for line in lines:
                if event := _BANDWIDTH.match(line):
                    self.events.append(
                        BandwidthEvent(time.monotonic(), int(event[1]), int(event[2]))
                    )
        self._socket.close()

    def heard(self, passage: Passage) -> bool:
        """Return whether a passage has the same consecutive events as this subscriber.

        The first and last half second are left out, since an event may have reached only one side.
        """
        own = list(self.events)
        begin, end = own[0].at + 0.5, own[-1].at - 0.5
        passed = [event[1:] for event in passage.events[1:] if begin < event.at < end]
        values = [event[1:] for event in own]
        return any(
            values[i : i + len(passed)] == passed for i in range(len(values) - len(passed) + 1)
        )


def _received(side: socket.socket) -> bytes:
    try:
        return side.recv(65536)
    except OSError:
        return b""
