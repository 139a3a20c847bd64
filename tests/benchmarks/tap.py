"""What a tor has told, as a witness saw it: the events that passed by on a program's connections.

A ``Tap`` stands between a program and a tor's control port and hands on what each sends, byte by
byte. It writes each BW event down before it hands it on, so a connection of the program's is known
to the event; and it can break that connection. A ``Witness`` listens to the same tor on a
connection of its own, and is what the tap is held to.
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

from real_tor import PATIENCE, RealTor

_BANDWIDTH = re.compile(rb"650 BW (\d+) (\d+)")

RESET = struct.pack("ii", 1, 0)
"SO_LINGER: a close is a reset."


class Told(NamedTuple):
    """One BW event."""

    when: float
    read: int
    written: int


@dataclass(eq=False)
class Passage:
    """One connection of the program's, from its beginning."""

    events: list[Told] = field(default_factory=list)
    over: bool = False
    "It ended, whoever ended it."
    hung_up: float | None = None
    "When the program ended it; None as long as it has not, or if somebody else did."


class Tap:
    """A port that leads to a tor's control port."""

    def __init__(self, tor: RealTor) -> None:
        self.passages: list[Passage] = []
        self._tor = tor
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._cut: bytes | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, *, reset: bool) -> None:
        """Break the connection that there is, with a FIN behind all that was sent, or a reset."""
        self._cut = RESET if reset else b""

    def passing(self, events: int) -> bool:
        """Whether there is a connection on which so many events have come."""
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
        """Hand on what each sends until both have ended."""
        rest, sides = b"", [client, tor]
        while True:
            ready = select.select(sides, [], [], 0.1)[0]
            if tor in ready:
                data = _received(tor)
                *lines, rest = (rest + data).split(b"\r\n")
                now = time.monotonic()
                for line in lines:
                    if event := _BANDWIDTH.match(line):
                        passage.events.append(Told(now, int(event[1]), int(event[2])))
                with suppress(OSError):  # it has hung up, which is found out below
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
                    tor.shutdown(socket.SHUT_RDWR)  # what has come by then is handed on


class Witness:
    """Listens to a tor, for as long as that lives."""

    def __init__(self, tor: RealTor) -> None:
        self.events: list[Told] = []
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
                    self.events.append(Told(time.monotonic(), int(event[1]), int(event[2])))
        self._socket.close()

    def heard(self, passage: Passage) -> bool:
        """Whether what passed by is what this heard in that time, without a hole and in order.

        But for the last moment, in which one of the two may have been told and not yet the other.
        """
        heard = list(self.events)
        begin, end = heard[0].when + 0.5, heard[-1].when - 0.5
        passed = [told[1:] for told in passage.events[1:] if begin < told.when < end]
        values = [told[1:] for told in heard]
        return any(
            values[at : at + len(passed)] == passed for at in range(len(values) - len(passed) + 1)
        )


def _received(side: socket.socket) -> bytes:
    try:
        return side.recv(65536)
    except OSError:
        return b""
