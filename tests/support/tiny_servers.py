"""Small servers on ports of 127.0.0.1: some that are not tor, and tors that only authenticate.

``listening`` is a context manager. Exit it after the programs that are connected to the server.
"""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Serve = Callable[[socket.socket], None]
"What a server does with a connection."


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """Run a server with a thread for each connection; the value is its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # the client closed the connection
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
    """Return a port on which nothing listens."""
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
    """Answer as tor's SocksPort answers to another protocol."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n\r\n")


def closing(connection: socket.socket) -> None:
    connection.recv(4096)


def dripping(connection: socket.socket) -> None:
    """Send a byte twice a second, and never a whole line."""
    while True:
        connection.sendall(b"2")
        time.sleep(0.5)


def flooding(connection: socket.socket) -> None:
    """Send a line without an end."""
    connection.sendall(b"250-")
    while True:
        connection.sendall(b"x" * 65536)


def password_tor(password: bytes) -> Serve:
    """Return a tor that requires this password before any other command."""
    quoted = password.replace(b"\\", b"\\\\").replace(b'"', b'\\"')

    def serve(connection: socket.socket) -> None:
        authenticated = False
        with connection.makefile("rb") as lines:
            for line in lines:
                command = line.removesuffix(b"\r\n")
                if command.startswith(b"PROTOCOLINFO"):
                    reply = (
                        b"250-PROTOCOLINFO 1\r\n250-AUTH METHODS=HASHEDPASSWORD\r\n"
                        b'250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n'
                    )
                elif command == b'AUTHENTICATE "%s"' % quoted:
                    authenticated, reply = True, b"250 OK\r\n"
                elif not authenticated:
                    connection.sendall(b"515 Authentication failed: Password did not match\r\n")
                    return
                elif command == b"SETEVENTS BW":
                    reply = b"250 OK\r\n650 BW 0 0\r\n650 BW 1 2\r\n"
                else:
                    reply = b"510 Unrecognized command\r\n"
                connection.sendall(reply)

    return serve


def cookie_tor(path: str) -> Serve:
    """Return a tor that names its cookie file and then answers nothing."""
    reply = f'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE COOKIEFILE="{path}"\r\n250 OK\r\n'

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(reply.encode())
        _read_to_the_end(connection)

    return serve
