"""The whole program without the functions that Windows lacks, with and without a terminal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from event_recorder import PATIENCE
from fake_tor import FakeTor
from pty_driver import Program

from bwgraph.tor.endpoint import ControlPort

HERE = Path(__file__).parents[1] / "support"
ARGV = (sys.executable, str(HERE / "as_on_windows.py"))


def graph(*arguments: str) -> Program:
    return Program(argv=[*ARGV, *arguments])


def lines(*arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end without a terminal."""
    return subprocess.run(
        [*ARGV, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **environ},
        timeout=PATIENCE,
        check=False,
    )


def test_graph_handles_keys_and_resizes_and_restores_the_terminal() -> None:
    with graph("--demo") as program:
        before = program.modes()
        program.wait_for("demo: no tor")
        program.send("?")
        program.wait_for("this help")
        program.send("?")
        program.wait_gone("this help")
        program.resize(60, 30)
        program.wait_until(lambda: program.fits() and "q quit" in program.display()[29], "resized")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.modes() == before
        assert program.after_graph() == ""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGHUP, -signal.SIGHUP)], ids=["^C", "break"]
)
def test_signal_ends_it_after_the_terminal_is_restored(number: signal.Signals, code: int) -> None:
    with graph("--demo") as program:
        before = program.modes()
        program.wait_for("demo: no tor")
        program.signal(number)
        assert program.wait_exit() == code
        assert program.modes() == before
        assert program.after_graph() == ""


def test_tor_is_shown_and_stored(tmp_path: Path) -> None:
    file = tmp_path / "store"
    with FakeTor() as tor:
        assert isinstance(tor.endpoint, ControlPort)
        place = f"{tor.endpoint.host}:{tor.endpoint.port}"
        with graph("--port", place, "--store", str(file)) as program:
            program.wait_for(f"{place}  fake  tor 0.4.9.11")
            program.send("q")
            assert program.wait_exit() == 0
            assert program.after_graph() == ""
    assert file.stat().st_mode & 0o777 == 0o600


def test_control_socket_is_reported_as_unsupported() -> None:
    done = lines("--json", "--socket", "/run/tor/control")
    assert done.returncode == 1
    assert b"this system has no such sockets" in done.stderr


@pytest.mark.parametrize(("encoding", "glyph"), [("utf-8", "█"), ("cp1252", "#")])
def test_once_prints_glyphs_of_the_output_encoding(encoding: str, glyph: str) -> None:
    done = lines("--demo", "--once", PYTHONIOENCODING=encoding)
    assert (done.stderr, done.returncode) == (b"", 0)
    assert glyph in done.stdout.decode(encoding)
