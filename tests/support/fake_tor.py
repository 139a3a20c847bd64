"""A control port for the tests: does what a test says, keeps what it was told, never keeps time.

``FakeTor`` listens on the loopback, or on a unix socket, in threads of its own. How it behaves is
either ``Manners``, a tor that a test can bend (control-spec, sections 3 and 4), or an ``Oddity``:
whatever else may listen where a tor is looked for. Events come when the test says so.
"""

import hashlib
import hmac
import os
import re
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint

PATIENCE = 10.0
"Seconds after which a test that waits for the other side has failed."

COOKIE = bytes(range(32))

HANG_UP = b""
"As a reply: none, and the connection is closed."

SERVER_KEY = b"Tor safe cookie authentication server-to-controller hash"
CLIENT_KEY = b"Tor safe cookie authentication controller-to-server hash"

SSH_BANNER = b"SSH-2.0-OpenSSH_9.6p1 Debian-5\r\n"

WEB_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

# What tor's SocksPort says to a first byte that is neither 4 nor 5 but a letter (T, buffers_socks).
SOCKS_ANSWER = (
    b"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n"
    b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n"
    b"<html>\n<head>\n<title>This is a SOCKS Proxy, Not An HTTP Proxy</title>\n</head></html>\n"
)


@dataclass(frozen=True, kw_only=True)
class Manners:
    """A tor: how it lets a controller in, and what it answers."""

    methods: str = "NULL"
    password: bytes = b""
    cookie: bytes = COOKIE
    cookie_path: bytes | None = None
    "As it is sent in PROTOCOLINFO, quoted there."
    version: str = "0.4.9.11"
    conf: Mapping[str, str] = field(default_factory=lambda: {"nickname": "fake"})
    spike: tuple[int, int] | None = (424_182, 13)
    "The event that comes at once with a subscription; None: none comes."
    uptime: int = 3600
    process: int = 4711
    info: Mapping[str, bytes] = field(default_factory=dict)
    "By key of GETINFO: what is answered instead of what a tor would answer."
    allowed: frozenset[str] | None = None
    "As a filter: the only lines, besides PROTOCOLINFO and AUTHENTICATE, that pass."
    replies: Mapping[str, bytes] = field(default_factory=dict)
    "By command: what is sent instead of what a tor would say."


FILTER = Manners(allowed=frozenset({"SETEVENTS BW"}))
"onion-grater with a profile that grants the least that bwgraph can do with."

FILTER_WITHOUT_BW = Manners(allowed=frozenset())


class Session:
    """One control connection, from the fake's side."""

    def __init__(self, server: "FakeTor", connected: socket.socket) -> None:
        self.server = server
        self.socket = connected
        self.subscribed = False
        self._sending = threading.Lock()  # replies and a test's events come from two threads
        self._nonces = b""
        self._let_in = False
        self._unread = b""

    def send(self, data: bytes) -> bool:
        """Send, if anybody is left to send to; whether there was."""
        with self._sending:
            try:
                self.socket.sendall(data)
            except OSError:
                return False
        return True

    def line(self) -> bytes | None:
        """The next line from the other side, kept by the server; None when it hangs up."""
        while b"\r\n" not in self._unread:
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\r\n")
        self.server.lines.append(line)
        return line

    def hang_up(self) -> None:
        """End it from any thread; what was sent still arrives."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def take_leave(self) -> None:
        """End it, and read on until the other side does: to close on it could be a reset."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        while self.line() is not None:
            pass

    def converse(self, manners: Manners) -> None:
        """Be a tor until either side hangs up."""
        while (line := self.line()) is not None:
            reply = self._reply(line, manners)
            if not reply:
                self.take_leave()
                return
            subscribes = line == b"SETEVENTS BW" and reply.startswith(b"250")
            if subscribes and manners.spike is not None:
                # One write, as with tor: the first event is there when the reply is.
                self.server.count(*manners.spike)
                self.server.cache.append(manners.spike)
                reply += b"650 BW %d %d\r\n" % manners.spike
            if not self.send(reply):
                return
            if subscribes:
                self.server.now_subscribed(self)
            if reply.startswith((b"515", b"514")):
                return  # tor hangs up on those who fail to authenticate

    def _reply(self, line: bytes, manners: Manners) -> bytes:
        command, _, rest = line.partition(b" ")
        name = command.decode("ascii").upper()
        if name in manners.replies:
            return manners.replies[name]
        if "*" in manners.replies:
            return manners.replies["*"]
        match name:
            case "PROTOCOLINFO":
                return _protocolinfo(manners)
            case "AUTHCHALLENGE":
                return self._challenge(rest, manners)
            case "AUTHENTICATE":
                return self._authenticate(rest, manners)
        if not self._let_in:
            return b"514 Authentication required.\r\n"
        if manners.allowed is not None and line.decode("latin-1") not in manners.allowed:
            return b"510 Command filtered\r\n"
        match name:
            case "SETEVENTS":
                return b"250 OK\r\n"
            case "GETCONF":
                return _getconf(rest.decode("latin-1"), manners)
            case "GETINFO":
                return self._getinfo(rest.decode("latin-1"), manners)
        return b'510 Unrecognized command "%s"\r\n' % command

    def _getinfo(self, key: str, manners: Manners) -> bytes:
        """One key's value: bwgraph asks for each in a line of its own."""
        read, written = self.server.moved
        known = {
            "traffic/read": b"%d" % read,
            "traffic/written": b"%d" % written,
            "uptime": b"%d" % manners.uptime,
            "process/pid": b"%d" % manners.process,
            "bw-event-cache": b" ".join(b"%d,%d" % entry for entry in self.server.cache),
            "accounting/enabled": b"0",
            **manners.info,
        }
        if key == "fingerprint" and key not in known:
            return b"551 Not running in server mode\r\n"
        if key not in known:
            return b'552 Unrecognized key "%s"\r\n' % key.encode("latin-1")
        return b"250-%s=%s\r\n250 OK\r\n" % (key.encode("ascii"), known[key])

    def _challenge(self, rest: bytes, manners: Manners) -> bytes:
        kind, _, nonce = rest.partition(b" ")
        if kind != b"SAFECOOKIE" or "SAFECOOKIE" not in manners.methods.split(","):
            return b"513 Cookie authentication is disabled\r\n"
        server_nonce = os.urandom(32)
        self._nonces = bytes.fromhex(nonce.decode("ascii")) + server_nonce
        proof = hmac.digest(SERVER_KEY, manners.cookie + self._nonces, hashlib.sha256)
        return b"250 AUTHCHALLENGE SERVERHASH=%s SERVERNONCE=%s\r\n" % (
            proof.hex().upper().encode(),
            server_nonce.hex().upper().encode(),
        )

    def _authenticate(self, rest: bytes, manners: Manners) -> bytes:
        shown = unquoted(rest) if rest.startswith(b'"') else bytes.fromhex(rest.decode("ascii"))
        self.server.shown.append(shown)
        failure = self._why_not(shown, manners)
        self._let_in = not failure
        return b"515 Authentication failed: %s\r\n" % failure if failure else b"250 OK\r\n"

    def _why_not(self, shown: bytes, manners: Manners) -> bytes:
        """Why tor would reject what it was shown; empty if it would not."""
        methods = manners.methods.split(",")
        if self._nonces:
            expected = hmac.digest(CLIENT_KEY, manners.cookie + self._nonces, hashlib.sha256)
            return (
                b"" if shown == expected else b"Safe cookie response did not match expected value."
            )
        if "NULL" in methods:
            return b""
        if "HASHEDPASSWORD" in methods and shown == manners.password:
            return b""
        if "COOKIE" in methods:
            if shown == manners.cookie:
                return b""
            if "HASHEDPASSWORD" in methods:
                return b"Password did not match HashedControlPassword *or* authentication cookie."
            if len(shown) != len(manners.cookie):
                return b"Wrong length on authentication cookie."
            return b"Authentication cookie did not match expected value."
        return b"Password did not match HashedControlPassword value from configuration"


Oddity = Callable[[Session], None]
"What else may listen; it has the connection until it returns."


def silent(session: Session) -> None:
    """A stopped tor: the kernel takes the connection, and nobody answers."""
    while session.line() is not None:
        pass


def curt(session: Session) -> None:
    """Hangs up at once."""
    session.take_leave()


def says(data: bytes, *, unasked: bool = False) -> Oddity:
    """Something else, which says this and hangs up."""

    def talk(session: Session) -> None:
        if unasked or session.line() is not None:
            session.send(data)
            session.take_leave()

    return talk


def drips(data: bytes, pause: float) -> Oddity:
    """Sends a byte now and then, often enough that no single read runs out of patience."""

    def talk(session: Session) -> None:
        for byte in data:
            if not session.send(bytes([byte])) or session.server.stopped.wait(pause):
                return

    return talk


def floods(session: Session) -> None:
    """Sends a line that never ends."""
    if session.line() is not None and session.send(b"250-"):
        while session.send(b"x" * 65536):
            pass


class FakeTor:
    """A control port, from ``with`` on."""

    def __init__(self, behaviour: Manners | Oddity = Manners(), path: Path | None = None) -> None:
        self.behaviour = behaviour
        "May be changed: it holds from the next connection on."
        self.lines: list[bytes] = []
        "Each line that came, from all connections, in order."
        self.shown: list[bytes] = []
        "What each AUTHENTICATE held, decoded as tor decodes it."
        self.accepted = 0
        self.moved = (0, 0)
        "Bytes read and written in all, as its counters have it."
        self.cache: deque[tuple[int, int]] = deque(maxlen=300)
        "Its last events, oldest first."
        self.stopped = threading.Event()
        self._path = path
        self._port = 0
        self._ending: socket.socket | None = None
        self._accepting = 0
        self._threads: list[threading.Thread] = []
        self._sessions: list[Session] = []
        self._change = threading.Condition()

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        if self._path is not None:
            return ControlSocket(str(self._path))
        return ControlPort("127.0.0.1", self._port)

    @property
    def commands(self) -> list[str]:
        """Each line that came, as text."""
        return [line.decode("latin-1") for line in self.lines]

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stopped.set()
        self.refuse()
        self.hang_up()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def listen(self) -> None:
        """Begin, or begin again where it was."""
        if self._path is not None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
        else:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
            self._port = listener.getsockname()[1]
        listener.listen()
        ending, self._ending = socket.socketpair()
        self._accepting = len(self._threads)
        self._run(lambda: self._accept(listener, ending))

    def refuse(self) -> None:
        """Take no more connections; those that stand stand."""
        if self._ending is not None:
            self._ending.close()
            self._ending = None
            self._threads[self._accepting].join(PATIENCE)

    def hang_up(self) -> None:
        """End all connections."""
        with self._change:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.hang_up()

    def emit(self, read: int, written: int) -> None:
        """Send one BW event to whoever is subscribed; waits until somebody is."""
        self.count(read, written)
        self.cache.append((read, written))
        self.send(b"650 BW %d %d\r\n" % (read, written))

    def count(self, read: int, written: int) -> None:
        """Move bytes that no event has told of, or will."""
        with self._change:
            self.moved = (self.moved[0] + read, self.moved[1] + written)

    def send(self, data: bytes) -> None:
        """Send this to whoever is subscribed; waits until somebody is."""
        with self._change:
            assert self._change.wait_for(self._subscribers, PATIENCE), "nobody subscribed"
            subscribers = self._subscribers()
        for session in subscribers:
            session.send(data)

    def now_subscribed(self, session: Session) -> None:
        """A session's word that it is."""
        with self._change:
            session.subscribed = True
            self._change.notify_all()

    def _subscribers(self) -> list[Session]:
        return [session for session in self._sessions if session.subscribed]

    def _accept(self, listener: socket.socket, ending: socket.socket) -> None:
        with listener, ending:
            while True:
                ready, _, _ = select.select([listener, ending], [], [])
                if ending in ready:
                    break
                connected, _ = listener.accept()
                if self._path is None:
                    # Or an event right after a reply waits 40 ms for that to be acknowledged.
                    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                session = Session(self, connected)
                with self._change:
                    self.accepted += 1
                    self._sessions.append(session)
                self._run(partial(self._serve, session))
        if self._path is not None:
            self._path.unlink()

    def _serve(self, session: Session) -> None:
        with session.socket:
            if isinstance(self.behaviour, Manners):
                session.converse(self.behaviour)
            else:
                self.behaviour(session)
            with self._change:
                if session in self._sessions:
                    self._sessions.remove(session)
            session.hang_up()

    def _run(self, task: Callable[[], None]) -> None:
        thread = threading.Thread(target=task, name="fake tor", daemon=True)
        self._threads.append(thread)
        thread.start()


def unquoted(text: bytes) -> bytes:
    r"""Read a QuotedString as tor does: a backslash stands for the character after it.

    >>> unquoted(rb'"a \"b\" \\ c"')
    b'a "b" \\ c'
    """
    match = re.fullmatch(rb'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    assert match is not None, "not a QuotedString"
    return re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL)


def escaped(raw: bytes) -> bytes:
    r"""As tor writes a path: all but what prints in ASCII is an octal number (T esc_for_log).

    >>> escaped('/t\u00f6r/"a"'.encode())
    b'"/t\\303\\266r/\\"a\\""'
    """
    quoted = re.sub(rb'(["\\])', rb"\\\1", raw)
    return b'"%s"' % re.sub(rb"[^ -~]", lambda byte: b"\\%03o" % byte[0][0], quoted)


def _protocolinfo(manners: Manners) -> bytes:
    path = manners.cookie_path
    cookie = b"" if path is None else b" COOKIEFILE=%s" % escaped(path)
    return (
        b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=%s%s\r\n250-VERSION Tor="%s"\r\n250 OK\r\n'
    ) % (manners.methods.encode("ascii"), cookie, manners.version.encode("ascii"))


def _getconf(key: str, manners: Manners) -> bytes:
    """One key's value; a key that tor knows and that is not set comes back bare."""
    known = {
        "bandwidthrate": "1073741824",
        "relaybandwidthrate": "0",
        "accountingrule": "max",
        **manners.conf,
    }
    if key.lower() in known:
        return f"250 {key}={known[key.lower()]}\r\n".encode()
    return f"250 {key}\r\n".encode()
