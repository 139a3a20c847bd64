"""A tor process for tests: on loopback, without a network, and killed at the end of the ``with``.

With ``DisableNetwork 1`` it makes no connections, and with ``CountPrivateBandwidth 1`` it counts
the bytes of its control connections. So a second control connection makes exact traffic: tor
reports every byte that it sends as read.
"""

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

TOR = shutil.which("tor")

needs_tor = [
    pytest.mark.tor,
    pytest.mark.skipif(TOR is None, reason="tor is not on PATH: install it to run this test"),
]
"The ``pytestmark`` of a module whose tests need tor."

PATIENCE = 30.0
"The longest time that tor may take to start on a busy machine, in seconds."


def free_port() -> int:
    """Return a free port that the system does not assign, so that tor can be restarted on it."""
    numbers = random.Random()
    while True:
        port = numbers.randrange(15000, 30000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def hashed(password: str) -> str:
    """Return the hash of a password for HashedControlPassword in torrc."""
    assert TOR is not None
    command = [TOR, "--quiet", "--hash-password", password]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    return ended.stdout.decode().split()[-1]


class RealTor:
    """A tor process with a control port and a control socket."""

    def __init__(self, directory: Path, password: str | None = None, *torrc_lines: str) -> None:
        """Write the configuration to a directory. Without a password tor requires its cookie."""
        self.port = free_port()
        self.socket_path = directory / "control" / "socket"
        self.cookie_path = directory / "data" / "control_auth_cookie"
        self._password = password
        self._torrc = directory / "torrc"
        self._defaults = directory / "torrc-defaults"
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("data", "control"):
            (directory / name).mkdir(mode=0o700)
        assert len(str(self.socket_path)) < 100, "longer than a socket's path may be"
        ports = [f"ControlPort 127.0.0.1:{self.port}"]
        if has_ipv6():
            ports.append(f"ControlPort [::1]:{self.port}")
        secret = "CookieAuthentication 1"
        if password is not None:
            secret = f"HashedControlPassword {hashed(password)}"
        lines = [
            f"DataDirectory {directory / 'data'}",
            *ports,
            f"ControlSocket {self.socket_path}",
            secret,
            "SocksPort 0",
            "DisableNetwork 1",
            "CountPrivateBandwidth 1",
            f"Log notice file {self._log}",
            *torrc_lines,
        ]
        self._torrc.write_text("\n".join(lines) + "\n")
        self._defaults.write_text("")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # such as a test's timeout: no tor may be left behind
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start tor, and wait until its control port answers."""
        assert TOR is not None
        assert self._process is None
        self._process = subprocess.Popen(
            [TOR, "-f", str(self._torrc), "--defaults-torrc", str(self._defaults)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            log = self._log.read_text() if self._log.exists() else "no log"
            assert self._process.poll() is None, f"tor ended at once: {log}"
            assert time.monotonic() < end, f"tor does not answer: {log}"
            time.sleep(0.05)

    def terminate(self) -> None:
        """End tor by SIGTERM."""
        self._signal(signal.SIGTERM)
        self._reap()

    def kill(self) -> None:
        """End tor by SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def pause(self) -> None:
        """Stop tor as on a sleeping machine: connections stay open, but nothing is sent."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def secret(self) -> bytes:
        """Return the password or the cookie. Each start of tor makes a new cookie."""
        if self._password is not None:
            return self._password.encode()
        return self.cookie_path.read_bytes()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(PATIENCE)
        self._process = None

    def _answers(self) -> bool:
        # Tor listens before it has written its cookie, so authentication may fail at first.
        with contextlib.suppress(OSError, AssertionError), Control(self):
            return True
        return False


class Control:
    """An authenticated control connection, without any library, that makes traffic."""

    def __init__(self, tor: RealTor) -> None:
        self._socket = socket.create_connection(("127.0.0.1", tor.port), timeout=PATIENCE)
        self._lines = self._socket.makefile("rb")
        try:
            answer = self._ask(b"AUTHENTICATE " + tor.secret().hex().encode() + b"\r\n")
            assert answer == [b"250 OK"], answer
        except BaseException:  # such as a test's timeout
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def let_read(self, count: int) -> None:
        """Make tor read this number of bytes."""
        command = b"PADDING \r\n"
        padding = b"x" * (count - len(command))
        answer = self._ask(command[:-2] + padding + command[-2:])
        assert answer[0].startswith(b"510 "), answer

    def let_write(self, times: int = 1) -> int:
        """Make tor write its longest reply several times; return the number of bytes."""
        return sum(
            len(line) + 2 for _ in range(times) for line in self._ask(b"GETINFO config/names\r\n")
        )

    def has_read(self) -> int:
        """Return the bytes that tor has read since it started."""
        return int(self._ask(b"GETINFO traffic/read\r\n")[0].partition(b"=")[2])

    def _ask(self, command: bytes) -> list[bytes]:
        self._socket.sendall(command)
        return list(self._answer())

    def _answer(self) -> Iterable[bytes]:
        data = False
        while True:
            line = self._lines.readline()
            if not line:
                raise ConnectionError("tor closed the connection")
            line = line.removesuffix(b"\r\n")
            yield line
            if data:
                data = line != b"."
            elif line[3:4] == b" ":
                return
            else:
                data = line[3:4] == b"+"


class Traffic:
    """A thread that keeps making traffic through a tor, also after a restart of that tor."""

    PATIENCE = 20.0
    "The longest time that tor may take to reply, in seconds."

    def __init__(self, tor: RealTor) -> None:
        self.over = threading.Event()
        "Set when the thread must end."
        self._tor = tor
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()

    def spell(self, control: Control) -> None:
        """Make some traffic and return."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self.over.wait(0.1):
            # This fails while tor is stopped or does not run.
            with contextlib.suppress(OSError, AssertionError), Control(self._tor) as control:
                control._socket.settimeout(self.PATIENCE)
                while not self.over.is_set():
                    self.spell(control)
