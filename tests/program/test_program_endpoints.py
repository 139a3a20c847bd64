"""The program reports what it found at an endpoint, and asks for passwords."""

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
"Seconds within which the user is told that there is no tor."


# Passwords.

SECRET = 'quo"te back\\slash pä€ß'


@pytest.fixture
def port() -> Iterator[int]:
    """Where a tor listens that wants SECRET."""
    with tiny_servers.listening(tiny_servers.password_tor(SECRET.encode())) as port:
        yield port


def test_password_is_asked_for_on_the_normal_screen_unseen_and_opens_the_graph(port: int) -> None:
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
def test_wrong_password_is_told_plainly_and_never_repeated(
    port: int, how: str, tmp_path: Path
) -> None:
    wrong = "wide of the mark"
    (tmp_path / "password").write_text(wrong)
    arguments = ["--password-file", str(tmp_path / "password")] if how == "file" else []
    environ = environment(TOR_CONTROL_PASSWD=wrong if how == "environment" else None)
    with Program("--port", str(port), *arguments, environ=environ) as program:
        if how == "typed":
            program.wait_for(PROMPT)
            program.send(f"{wrong}\r")
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        said = program.after_graph()
        assert f"bwgraph: 127.0.0.1:{port}: tor did not accept the password" in said
        assert "Traceback" not in said
        assert wrong.encode() not in program.raw


def leave_by_ctrl_c(program: Program) -> int:
    program.send("\x03")
    return 0


def leave_by_ctrl_d(program: Program) -> int:
    program.send("\x04")
    return 1


def leave_by_sigterm(program: Program) -> int:
    program.signal(signal.SIGTERM)
    return -signal.SIGTERM


@pytest.mark.parametrize("leave", [leave_by_ctrl_c, leave_by_ctrl_d, leave_by_sigterm])
def test_leaving_at_the_password_prompt_restores_the_terminal(
    port: int, leave: Callable[[Program], int]
) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(PROMPT)
        expected = leave(program)
        assert program.wait_exit() == expected
        assert program.on_normal_screen()
        assert "Traceback" not in program.text()


# No tor.


def listened_to(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def test_where_there_is_no_tor_each_place_tried_is_told() -> None:
    sockets = ("/run/tor/control", "/var/run/tor/control")
    there = [path for path in sockets if Path(path).exists()]
    there += [str(path) for path in Path("/run").glob("tor-instances/*/control")]
    there += [f"127.0.0.1:{port}" for port in (9051, 9151) if listened_to(port)]
    if there:
        pytest.skip(f"this machine has something that may be a tor: {', '.join(there)}")
    port = tiny_servers.closed_port()
    environ = environment(TOR_CONTROL_IPC_PATH="/nonexistent/control", TOR_CONTROL_PORT=str(port))
    with Program(environ=environ) as program:
        assert program.wait_exit(IN_TIME) == 1
        assert program.on_normal_screen()
        said = program.after_graph()
    for place in ("/nonexistent/control", *sockets):
        assert re.search(rf"^ +{place} +no such socket$", said, re.MULTILINE), said
    for number in (port, 9051, 9151):
        assert re.search(rf"^ +127\.0\.0\.1:{number} +connection refused$", said, re.MULTILINE)
    assert "ControlPort 9051" in said
    assert "Traceback" not in said


STRANGERS: dict[str, tuple[tiny_servers.Serve | None, str]] = {
    "closed": (None, "connection refused"),
    "ssh": (tiny_servers.ssh, "it says 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"),
    "web": (tiny_servers.web, "it says 'HTTP/1.1 400 Bad Request'"),
    "socks": (tiny_servers.socks, "this is tor's SocksPort"),
    "closing": (tiny_servers.closing, "it closed the connection"),
    "flooding": (tiny_servers.flooding, "a line without an end"),
    "silent": (tiny_servers.silent, "silent for 4 s"),
    "dripping": (tiny_servers.dripping, "no connection within 9 s"),
}
"What each of them is, and what bwgraph says of it."


@pytest.fixture(scope="module", autouse=True)
def among_strangers() -> Iterator[dict[str, tuple[Program, int, float]]]:
    """A bwgraph for each stranger, its port, and when it began.

    They run while the other tests do: some take as long as anyone may.
    """
    with ExitStack() as stack:
        programs = {}
        for name, (serve, _) in STRANGERS.items():
            port = tiny_servers.closed_port()
            if serve is not None:
                port = stack.enter_context(tiny_servers.listening(serve))
            began = time.monotonic()
            program = stack.enter_context(Program("--port", str(port)))
            programs[name] = (program, port, began)
        yield programs


@pytest.mark.parametrize("name", STRANGERS)
def test_who_is_no_tor_is_told_in_time_and_plainly(
    among_strangers: dict[str, tuple[Program, int, float]], name: str
) -> None:
    program, port, began = among_strangers[name]
    assert program.wait_exit() == 1
    assert program.ended - began < IN_TIME
    assert program.on_normal_screen()
    said = program.after_graph()
    assert said.strip().startswith(f"bwgraph: 127.0.0.1:{port}: ")
    assert STRANGERS[name][1] in said
    assert "Traceback" not in said


def without_privilege() -> list[str]:
    """What to put before a command so that permissions hold for it, even when root runs this."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    drop = ["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    command = [setpriv or "", *drop, "--"]
    if setpriv is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("root may read everything, and setpriv is not there to change that")
    return command


def test_cookie_that_may_not_be_read_is_named_with_the_cure(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(b"x" * 32)
    cookie.chmod(0o040)
    with tiny_servers.listening(tiny_servers.cookie_tor(str(cookie))) as port:
        argv = [*without_privilege(), *bwgraph_argv("--port", str(port))]
        with Program(argv=argv, size=(200, 24)) as program:
            assert program.wait_exit() == 1
            assert program.on_normal_screen()
            said = program.after_graph()
    assert f"127.0.0.1:{port}: cookie {cookie}: permission denied" in said
    assert "run bwgraph as" in said or "sudo usermod -aG" in said
    assert "Traceback" not in said
