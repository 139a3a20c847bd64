"""A control port for the tests, which stores the commands and sends events when the test says so.

``FakeTor`` listens on the loopback interface, or on a unix socket, in threads of its own. It
behaves according to ``TorBehavior``, which describes a tor (control-spec, sections 3 and 4), or to
a ``SessionHandler``, a function that handles each connection as another kind of server does.
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
"Seconds after which a test that waits for the other side fails."

COOKIE = bytes(range(32))
"The content of the cookie file."

HANG_UP = b""
"As a reply: closes the connection without one."

SERVER_KEY = b"Tor safe cookie authentication server-to-controller hash"
CLIENT_KEY = b"Tor safe cookie authentication controller-to-server hash"

SSH_BANNER = b"SSH-2.0-OpenSSH_9.6p1 Debian-5\r\n"

WEB_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

# The answer of tor's SocksPort to a first byte that is a letter (T, buffers_socks).
SOCKS_ANSWER = (
    b"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n"
    b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n"
    b"<html>\n<head>\n<title>This is a SOCKS Proxy, Not An HTTP Proxy</title>\n</head></html>\n"
)


@dataclass(frozen=True, kw_only=True)
class TorBehavior:
    """How a tor authenticates a controller, and what it answers."""

    methods: str = "NULL"
    password: bytes = b""
    cookie: bytes = COOKIE
    cookie_path: bytes | None = None
    "The path in PROTOCOLINFO, where it is quoted; None to send none."
    version: str = "0.4.9.11"
    conf: Mapping[str, str] = field(default_factory=lambda: {"nickname": "fake"})
    spike: tuple[int, int] | None = (424_182, 13)
    "The event sent with the reply to a subscription; None to send none."
    uptime: int = 3600
    process: int = 4711
    info: Mapping[str, bytes] = field(default_factory=dict)
    "Values that replace those of a tor, by key of GETINFO."
    allowed: frozenset[str] | None = None
    "The commands that a filter allows besides PROTOCOLINFO and AUTHENTICATE; None for no filter."
    replies: Mapping[str, bytes] = field(default_factory=dict)
    "Replies that replace those of a tor, by the name of the command; ``*`` stands for all."


FILTER = TorBehavior(allowed=frozenset({"SETEVENTS BW"}))
"onion-grater, with a profile that allows only what bwgraph cannot do without."

FILTER_WITHOUT_BW = TorBehavior(allowed=frozenset())
"onion-grater, with a profile that allows nothing."


class Session:
    """The fake tor's side of one control connection."""

    def __init__(self, server: "FakeTor", connected: socket.socket) -> None:
        self.server = server
        self.socket = connected
        self.subscribed = False
        self._send_lock = threading.Lock()  # replies and a test's events come from two threads
        self._nonces = b""
        self._let_in = False
        self._unread = b""

    def send(self, data: bytes) -> bool:
        """Send data. Returns whether the other side is still connected."""
        with self._send_lock:
            try:
                self.socket.sendall(data)
            except OSError:
                return False
        return True

    def line(self) -> bytes | None:
        """Return the next line, and store it in the server. Returns None at the end."""
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
        """End the connection, from any thread. Data already sent still arrives."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """End the connection, and read until the other side does: closing could send a reset."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        while self.line() is not None:
            pass

    def answer(self, manners: TorBehavior) -> None:
        """Answer as a tor until either side ends the connection."""
        while (line := self.line()) is not None:
            reply = self._reply(line, manners)
            if not reply:
                self.end()
                return
            subscribes = line == b"SETEVENTS BW" and reply.startswith(b"250")
            if subscribes and manners.spike is not None:
                # One write, as with tor: the first event arrives together with the reply.
                self.server.add_traffic(*manners.spike)
                self.server.cache.append(manners.spike)
                reply += b"650 BW %d %d\r\n" % manners.spike
            if not self.send(reply):
                return
            if subscribes:
                self.server.now_subscribed(self)
            if reply.startswith((b"515", b"514")):
                return  # tor closes the connection after a failed authentication

    def _reply(self, line: bytes, manners: TorBehavior) -> bytes:
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

    def _getinfo(self, key: str, manners: TorBehavior) -> bytes:
        """Answer GETINFO for one key; bwgraph uses one command for each."""
        read, written = self.server.counters
        values = {
            "traffic/read": b"%d" % read,
            "traffic/written": b"%d" % written,
            "uptime": b"%d" % manners.uptime,
            "process/pid": b"%d" % manners.process,
            "bw-event-cache": b" ".join(b"%d,%d" % entry for entry in self.server.cache),
            "accounting/enabled": b"0",
            **manners.info,
        }
        if key == "fingerprint" and key not in values:
            return b"551 Not running in server mode\r\n"
        if key not in values:
            return b'552 Unrecognized key "%s"\r\n' % key.encode("latin-1")
        return b"250-%s=%s\r\n250 OK\r\n" % (key.encode("ascii"), values[key])

    def _challenge(self, rest: bytes, manners: TorBehavior) -> bytes:
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

    def _authenticate(self, rest: bytes, manners: TorBehavior) -> bytes:
        shown = unquote(rest) if rest.startswith(b'"') else bytes.fromhex(rest.decode("ascii"))
        self.server.received_secrets.append(shown)
        failure = self._authentication_error(shown, manners)
        self._let_in = not failure
        return b"515 Authentication failed: %s\r\n" % failure if failure else b"250 OK\r\n"

    def _authentication_error(self, shown: bytes, manners: TorBehavior) -> bytes:
        """Return why tor rejects a password or cookie; empty if it accepts it."""
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


SessionHandler = Callable[[Session], None]
"Handles a connection as another kind of server does, until it returns."


def silent(session: Session) -> None:
    """Read and never answer, as a stopped tor."""
    while session.line() is not None:
        pass


def curt(session: Session) -> None:
    """End the connection at once."""
    session.end()


def says(data: bytes, *, unasked: bool = False) -> SessionHandler:
    """Return a server that sends data, at once or after a line, and ends the connection."""

    def serve(session: Session) -> None:
        if unasked or session.line() is not None:
            session.send(data)
            session.end()

    return serve


def drips(data: bytes, pause: float) -> SessionHandler:
    """Return a server that sends one byte after each pause, so that no single read times out."""

    def serve(session: Session) -> None:
        for byte in data:
            if not session.send(bytes([byte])) or session.server.stopped.wait(pause):
                return

    return serve


def floods(session: Session) -> None:
    """Send a line that never ends."""
    if session.line() is not None and session.send(b"250-"):
        while session.send(b"x" * 65536):
            pass


class FakeTor:
    """A control port that listens inside a ``with`` block."""

    def __init__(
        self, behaviour: TorBehavior | SessionHandler = TorBehavior(), path: Path | None = None
    ) -> None:
        self.behaviour = behaviour
        "May be changed, with effect from the next connection."
        self.lines: list[bytes] = []
        "Each line received, on all connections, in order."
        self.received_secrets: list[bytes] = []
        "The password or cookie of each AUTHENTICATE, decoded as by tor."
        self.accepted = 0
        "Number of connections so far."
        self.counters = (0, 0)
        "Bytes read and written since the start, as in its counters."
        self.cache: deque[tuple[int, int]] = deque(maxlen=300)
        "The latest events, oldest first."
        self.stopped = threading.Event()
        self._path = path
        self._port = 0
        self._stop_socket: socket.socket | None = None
        self._accepting = 0
        self._threads: list[threading.Thread] = []
        self._sessions: list[Session] = []
        self._change = threading.Condition()

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it listens on."""
        if self._path is not None:
            return ControlSocket(str(self._path))
        return ControlPort("127.0.0.1", self._port)

    @property
    def commands(self) -> list[str]:
        """The lines received, as text."""
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
        self.stop_listening()
        self.hang_up()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def listen(self) -> None:
        """Begin to listen, or begin again at the same endpoint."""
        if self._path is not None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
        else:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
            self._port = listener.getsockname()[1]
        listener.listen()
        stop_socket, self._stop_socket = socket.socketpair()
        self._accepting = len(self._threads)
        self._run(lambda: self._accept(listener, stop_socket))

    def stop_listening(self) -> None:
        """Stop listening; open connections stay open."""
        if self._stop_socket is not None:
            self._stop_socket.close()
            self._stop_socket = None
            self._threads[self._accepting].join(PATIENCE)

    def hang_up(self) -> None:
        """End all connections."""
        with self._change:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.hang_up()

    def emit(self, read: int, written: int) -> None:
        """Send a BW event to all subscribers, after waiting for the first subscriber."""
        self.add_traffic(read, written)
        self.cache.append((read, written))
        self.send(b"650 BW %d %d\r\n" % (read, written))

    def add_traffic(self, read: int, written: int) -> None:
        """Add bytes to the counters, without an event."""
        with self._change:
            self.counters = (self.counters[0] + read, self.counters[1] + written)

    def send(self, data: bytes) -> None:
        """Send data to all subscribers, after waiting for the first subscriber."""
        with self._change:
            assert self._change.wait_for(self._subscribers, PATIENCE), "nobody subscribed"
            subscribers = self._subscribers()
        for session in subscribers:
            session.send(data)

    def now_subscribed(self, session: Session) -> None:
        """Mark a session as subscribed."""
        with self._change:
            session.subscribed = True
            self._change.notify_all()

    def _subscribers(self) -> list[Session]:
        return [session for session in self._sessions if session.subscribed]

    def _accept(self, listener: socket.socket, stop_socket: socket.socket) -> None:
        with listener, stop_socket:
            while True:
                ready, _, _ = select.select([listener, stop_socket], [], [])
                if stop_socket in ready:
                    break
                connected, _ = listener.accept()
                if self._path is None:
                    # Otherwise an event right after a reply is delayed by 40 ms, until its ACK.
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
            if isinstance(self.behaviour, TorBehavior):
                session.answer(self.behaviour)
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


def unquote(text: bytes) -> bytes:
    r"""Decode a QuotedString as tor does: a backslash stands for the next character.

    >>> unquote(rb'"a \"b\" \\ c"')
    b'a "b" \\ c'
    """
    match = re.fullmatch(rb'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    assert match is not None, "not a QuotedString"
    return re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL)


def quote_path(raw: bytes) -> bytes:
    r"""Encode a path as tor does, with octal numbers for non-ASCII bytes (T esc_for_log).

    >>> quote_path('/t\u00f6r/"a"'.encode())
    b'"/t\\303\\266r/\\"a\\""'
    """
    quoted = re.sub(rb'(["\\])', rb"\\\1", raw)
    return b'"%s"' % re.sub(rb"[^ -~]", lambda byte: b"\\%03o" % byte[0][0], quoted)


def _protocolinfo(manners: TorBehavior) -> bytes:
    path = manners.cookie_path
    cookie = b"" if path is None else b" COOKIEFILE=%s" % quote_path(path)
    return (
        b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=%s%s\r\n250-VERSION Tor="%s"\r\n250 OK\r\n'
    ) % (manners.methods.encode("ascii"), cookie, manners.version.encode("ascii"))


def _getconf(key: str, manners: TorBehavior) -> bytes:
    """Answer GETCONF for one key; a key without a value is answered without ``=``."""
    values = {
        "bandwidthrate": "1073741824",
        "relaybandwidthrate": "0",
        "accountingrule": "max",
        **manners.conf,
    }
    if key.lower() in values:
        return f"250 {key}={values[key.lower()]}\r\n".encode()
    return f"250 {key}\r\n".encode()
