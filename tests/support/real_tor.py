"""A real tor for tests: alone, on loopback, without a network, and gone when the ``with`` ends.

With ``DisableNetwork 1`` it talks to nobody, and with ``CountPrivateBandwidth 1`` it counts the
bytes of its own control connections. So a second control connection is the exact test source: what
it sends is what tor reports as read, to the byte.
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
"""A module's ``pytestmark``."""

PATIENCE = 30.0
"Seconds that tor may take to start on a machine that is busy with other things."


def free_port() -> int:
    """A port that nobody listens on, where nobody gets one by chance while tor is restarted."""
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
    """What HashedControlPassword wants in torrc."""
    assert TOR is not None
    command = [TOR, "--quiet", "--hash-password", password]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    return ended.stdout.decode().split()[-1]


class RealTor:
    """A tor with a control port and a control socket, started and answering."""

    def __init__(self, place: Path, password: str | None = None, *more: str) -> None:
        """Have its files below ``place``; it wants the password, or its cookie if there is none.

        ``more`` are further lines for its torrc.
        """
        self.port = free_port()
        self.socket_path = place / "door" / "control"
        self.cookie_path = place / "data" / "control_auth_cookie"
        self._password = password
        self._torrc = place / "torrc"
        self._defaults = place / "torrc-defaults"
        self._log = place / "log"
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("data", "door"):
            (place / name).mkdir(mode=0o700)
        assert len(str(self.socket_path)) < 100, "longer than a socket's path may be"
        ports = [f"ControlPort 127.0.0.1:{self.port}"]
        if has_ipv6():
            ports.append(f"ControlPort [::1]:{self.port}")
        secret = "CookieAuthentication 1"
        if password is not None:
            secret = f"HashedControlPassword {hashed(password)}"
        lines = [
            f"DataDirectory {place / 'data'}",
            *ports,
            f"ControlSocket {self.socket_path}",
            secret,
            "SocksPort 0",
            "DisableNetwork 1",
            "CountPrivateBandwidth 1",
            f"Log notice file {self._log}",
            *more,
        ]
        self._torrc.write_text("\n".join(lines) + "\n")
        self._defaults.write_text("")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
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
        """Start it, and wait until its control port answers."""
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
        """End it in its own good order."""
        self._signal(signal.SIGTERM)
        self._reap()

    def kill(self) -> None:
        """End it on the spot, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def pause(self) -> None:
        """Stop it as a machine does that is asleep: connections stay, nothing comes."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def secret(self) -> bytes:
        """What to authenticate with. A cookie is read anew: each start has its own."""
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
        # It listens before it has written its cookie: until then there may be an old one.
        with contextlib.suppress(OSError, AssertionError), Control(self):
            return True
        return False


class Control:
    """A raw control connection, authenticated: it makes traffic, and no more."""

    def __init__(self, tor: RealTor) -> None:
        self._socket = socket.create_connection(("127.0.0.1", tor.port), timeout=PATIENCE)
        self._lines = self._socket.makefile("rb")
        try:
            answer = self._ask(b"AUTHENTICATE " + tor.secret().hex().encode() + b"\r\n")
            assert answer == [b"250 OK"], answer
        except BaseException:
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
        """Have tor read so many bytes."""
        command = b"PADDING \r\n"
        padding = b"x" * (count - len(command))
        answer = self._ask(command[:-2] + padding + command[-2:])
        assert answer[0].startswith(b"510 "), answer

    def let_write(self, times: int = 1) -> int:
        """Have tor write its longest answer so often; how many bytes that was."""
        return sum(
            len(line) + 2 for _ in range(times) for line in self._ask(b"GETINFO config/names\r\n")
        )

    def has_read(self) -> int:
        """What tor has counted since it started."""
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
    """Has a tor move bytes, a spell at a time, for as long as there is one."""

    PATIENCE = 20.0
    "Seconds for an answer."

    def __init__(self, tor: RealTor) -> None:
        self.over = threading.Event()
        self._tor = tor
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()

    def spell(self, control: Control) -> None:
        """Move some, and come back."""
        raise NotImplementedError

    def _go_on(self) -> None:
        while not self.over.wait(0.1):
            # It was killed, or stopped, or it is not yet there.
            with contextlib.suppress(OSError, AssertionError), Control(self._tor) as control:
                control._socket.settimeout(self.PATIENCE)
                while not self.over.is_set():
                    self.spell(control)
