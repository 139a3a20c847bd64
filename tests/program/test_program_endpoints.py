"""The program asks for passwords, and says what it found where there is no tor."""

import os
import re
import shutil
import signal
import socket
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import tiny_servers
from pty_driver import RMCUP, SMCUP, Program, bwgraph_argv, environment

PROMPT = "Password of the tor at"

IN_TIME = 15.0
"Seconds within which the program must report that there is no tor."


# Passwords.

SECRET = 'quo"te back\\slash pä€ß'


@pytest.fixture
def port() -> Iterator[int]:
    """The control port of a tor whose password is SECRET."""
    with tiny_servers.listening(tiny_servers.password_tor(SECRET.encode())) as port:
        yield port


def test_password_is_asked_for_on_the_normal_screen_and_not_echoed(port: int) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(f"{PROMPT} 127.0.0.1:{port}:")
        assert program.raw.count(SMCUP) == program.raw.count(RMCUP)
        assert not program.modes()[3] & termios.ECHO
        program.send(f"{SECRET}\r")
        program.wait_for("tor 0.4.9.11")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert SECRET.encode() not in program.raw


@pytest.mark.parametrize("how", ["typed", "environment", "file"])
def test_wrong_password_is_reported_without_repeating_it(
    port: int, how: str, tmp_path: Path
) -> None:
    wrong = "not the password"
    (tmp_path / "password").write_text(wrong)
    arguments = ["--password-file", str(tmp_path / "password")] if how == "file" else []
    environ = environment(TOR_CONTROL_PASSWD=wrong if how == "environment" else None)
    with Program("--port", str(port), *arguments, environ=environ) as program:
        if how == "typed":
            program.wait_for(PROMPT)
            program.send(f"{wrong}\r")
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        message = program.after_graph()
        assert f"bwgraph: 127.0.0.1:{port}: tor did not accept the password" in message
        assert "Traceback" not in message
        assert wrong.encode() not in program.raw


def quit_by_ctrl_c(program: Program) -> int:
    program.send("\x03")
    return 0


def quit_by_ctrl_d(program: Program) -> int:
    program.send("\x04")
    return 1


def end_by_sigterm(program: Program) -> int:
    program.signal(signal.SIGTERM)
    return -signal.SIGTERM


@pytest.mark.parametrize("end", [quit_by_ctrl_c, quit_by_ctrl_d, end_by_sigterm])
def test_exit_at_the_password_prompt_restores_the_terminal(
    port: int, end: Callable[[Program], int]
) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(PROMPT)
        expected_code = end(program)
        assert program.wait_exit() == expected_code
        assert program.on_normal_screen()
        assert "Traceback" not in program.text()


# No tor.


def is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def test_each_endpoint_tried_is_reported_if_there_is_no_tor() -> None:
    sockets = ("/run/tor/control", "/var/run/tor/control")
    present = [path for path in sockets if Path(path).exists()]
    present += [str(path) for path in Path("/run").glob("tor-instances/*/control")]
    present += [f"127.0.0.1:{port}" for port in (9051, 9151) if is_open(port)]
    if present:
        pytest.skip(f"this machine has something that may be a tor: {', '.join(present)}")
    port = tiny_servers.closed_port()
    environ = environment(TOR_CONTROL_IPC_PATH="/nonexistent/control", TOR_CONTROL_PORT=str(port))
    with Program(environ=environ) as program:
        assert program.wait_exit(IN_TIME) == 1
        assert program.on_normal_screen()
        message = program.after_graph()
    for path in ("/nonexistent/control", *sockets):
        assert re.search(rf"^ +{path} +no such socket$", message, re.MULTILINE), message
    for number in (port, 9051, 9151):
        assert re.search(rf"^ +127\.0\.0\.1:{number} +connection refused$", message, re.MULTILINE)
    assert "ControlPort 9051" in message
    assert "Traceback" not in message


OTHER_SERVERS: dict[str, tuple[tiny_servers.Serve | None, str]] = {
    "closed": (None, "connection refused"),
    "ssh": (tiny_servers.ssh, "it says 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"),
    "web": (tiny_servers.web, "it says 'HTTP/1.1 400 Bad Request'"),
    "socks": (tiny_servers.socks, "this is tor's SocksPort"),
    "closing": (tiny_servers.closing, "it closed the connection"),
    "flooding": (tiny_servers.flooding, "a line without an end"),
    "silent": (tiny_servers.silent, "silent for 4 s"),
    "dripping": (tiny_servers.dripping, "no connection within 9 s"),
}
"Servers that are not tor, and what bwgraph says about each."


@pytest.fixture(scope="module", autouse=True)
def connected_programs() -> Iterator[dict[str, tuple[Program, int, float]]]:
    """A program for each of these servers, the server's port, and the program's start.

    They run while the other tests of this file run, since some need up to ``IN_TIME``.
    """
    with ExitStack() as stack:
        programs = {}
        for name, (serve, _) in OTHER_SERVERS.items():
            port = tiny_servers.closed_port()
            if serve is not None:
                port = stack.enter_context(tiny_servers.listening(serve))
            started = time.monotonic()
            program = stack.enter_context(Program("--port", str(port)))
            programs[name] = (program, port, started)
        yield programs


@pytest.mark.parametrize("name", OTHER_SERVERS)
def test_server_that_is_not_tor_is_reported_in_time(
    connected_programs: dict[str, tuple[Program, int, float]], name: str
) -> None:
    program, port, started = connected_programs[name]
    assert program.wait_exit() == 1
    assert program.ended - started < IN_TIME
    assert program.on_normal_screen()
    message = program.after_graph()
    assert message.strip().startswith(f"bwgraph: 127.0.0.1:{port}: ")
    assert OTHER_SERVERS[name][1] in message
    assert "Traceback" not in message


def without_privilege() -> list[str]:
    """Return a command prefix that makes file permissions apply even to root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    drop = ["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    command = [setpriv or "", *drop, "--"]
    if setpriv is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("root may read every file, and there is no setpriv to change that")
    return command


def test_unreadable_cookie_is_reported_with_a_remedy(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(b"x" * 32)
    cookie.chmod(0o040)
    with tiny_servers.listening(tiny_servers.cookie_tor(str(cookie))) as port:
        argv = [*without_privilege(), *bwgraph_argv("--port", str(port))]
        with Program(argv=argv, size=(200, 24)) as program:
            assert program.wait_exit() == 1
            assert program.on_normal_screen()
            message = program.after_graph()
    assert f"127.0.0.1:{port}: cookie {cookie}: permission denied" in message
    assert "run bwgraph as" in message or "sudo usermod -aG" in message
    assert "Traceback" not in message
