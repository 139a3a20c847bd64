"""Things that listen on a port of 127.0.0.1: strangers, and a tor just large enough for a password.

Each is a ``with`` that gives the port. Leave it after the programs that are connected to it.
"""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """A server that does this with each connection, in a thread for each."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # the other side has seen enough
                serve(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _read_to_the_end(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def silent(connection: socket.socket) -> None:
    _read_to_the_end(connection)


def ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    _read_to_the_end(connection)


def web(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html></html>")


def socks(connection: socket.socket) -> None:
    """What tor's SocksPort says to anybody who speaks something else."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n\r\n")


def closing(connection: socket.socket) -> None:
    connection.recv(4096)


def dripping(connection: socket.socket) -> None:
    """Never silent for long, and never done."""
    while True:
        connection.sendall(b"2")
        time.sleep(0.5)


def flooding(connection: socket.socket) -> None:
    connection.sendall(b"250-")
    while True:
        connection.sendall(b"x" * 65536)


def password_tor(password: bytes) -> Serve:
    """A tor that wants this password and tells nothing before it has it."""
    quoted = password.replace(b"\\", b"\\\\").replace(b'"', b'\\"')

    def serve(connection: socket.socket) -> None:
        trusted = False
        with connection.makefile("rb") as lines:
            for line in lines:
                command = line.removesuffix(b"\r\n")
                if command.startswith(b"PROTOCOLINFO"):
                    reply = (
                        b"250-PROTOCOLINFO 1\r\n250-AUTH METHODS=HASHEDPASSWORD\r\n"
                        b'250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n'
                    )
                elif command == b'AUTHENTICATE "%s"' % quoted:
                    trusted, reply = True, b"250 OK\r\n"
                elif not trusted:
                    connection.sendall(b"515 Authentication failed: Password did not match\r\n")
                    return
                elif command == b"SETEVENTS BW":
                    reply = b"250 OK\r\n650 BW 0 0\r\n650 BW 1 2\r\n"
                else:
                    reply = b"510 Unrecognized command\r\n"
                connection.sendall(reply)

    return serve


def cookie_tor(path: str) -> Serve:
    """A tor that says where its cookie is, and gets no further."""
    reply = f'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE COOKIEFILE="{path}"\r\n250 OK\r\n'

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(reply.encode())
        _read_to_the_end(connection)

    return serve
