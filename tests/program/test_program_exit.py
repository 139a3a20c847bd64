"""The program ends, fails and stops, and restores the terminal."""

import os
import re
import signal
import time

import pytest
import tiny_servers
from demo_program import (
    BAR,
    DEMO,
    altered,
    is_raw,
)
from pty_driver import SMCUP, Program

# Ways out.


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_key_ends_it_with_0_and_the_terminal_as_it_was(key: str) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        assert is_raw(program)
        assert program.tells_of_mouse()
        assert not program.on_normal_screen()
        program.send(key)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_q_ends_it_at_once_even_while_a_server_keeps_it_waiting() -> None:
    with (
        tiny_servers.listening(tiny_servers.silent) as port,
        Program("--port", str(port)) as program,
    ):
        program.wait_for(f"connecting to 127.0.0.1:{port}")
        began = time.monotonic()
        program.send("q")
        assert program.wait_exit() == 0
        assert time.monotonic() - began < 3.0
        assert program.on_normal_screen()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_it_by_that_signal_once_the_terminal_is_restored(number: int) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(number)
        assert program.wait_exit() == -number
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_sigint_from_elsewhere_ends_it_as_ctrl_c_does() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGINT)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_sigterm_to_a_stopped_program_is_obeyed_when_it_goes_on() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.signal(signal.SIGTERM)
        program.fg()
        assert program.wait_exit() == -signal.SIGTERM
        assert program.on_normal_screen()


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["told", "not-told"])
def test_terminal_going_away_ends_it(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.hang_up()
        # Because it noticed by itself, or by the signal, whichever comes first.
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})
        with pytest.raises(ProcessLookupError):
            os.killpg(program.pid, 0)


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["told", "not-told"])
def test_terminal_going_away_ends_a_stopped_program(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.hang_up()
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_exception_in_the_main_loop_restores_the_terminal_before_it_shows(calls: int) -> None:
    code = f"""
import itertools
from bwgraph.terminal import loop as app
original, calls = app.compose, itertools.count()
def compose(*arguments):
    if next(calls) >= {calls}:
        raise RuntimeError("the compositor is unwell")
    return original(*arguments)
app.compose = compose
"""
    with Program(argv=altered(code, "--demo")) as program:
        for _ in range(calls):
            program.wait_for("bwgraph")
            program.send("\x0c")  # each one is drawn for
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        assert SMCUP in program.raw
        assert program.after_graph().rstrip().endswith("RuntimeError: the compositor is unwell")


# Exceptions where nobody is looking.

THREAD = """
import threading
from bwgraph.terminal import loop as app
class Loop(app.Loop):
    def run(self):
        threading.Thread(target=self.fail, name="a worker").start()
        return super().run()
    def fail(self):
        raise RuntimeError("it is unwell")
app.Loop = Loop
"""

LINK = """
from bwgraph.tor.supervisor import TorSource
def fail(*_):
    raise RuntimeError("it is unwell")
TorSource._watch = fail
"""

LISTENER = """
from bwgraph.tor.counters import CounterCheck
def add(self, sample):
    raise RuntimeError("it is unwell")
CounterCheck.add = add
"""

NOTIFIER = """
from bwgraph.tor import stem_adapter as controller
def wait(self, timeout=None):
    raise RuntimeError("it is unwell")
controller.UntimedEvent.wait = wait
"""


@pytest.mark.parametrize(
    "code",
    [THREAD, LINK, LISTENER, NOTIFIER],
    ids=["a-thread", "the-links-worker", "the-listener", "stems-notifier"],
)
def test_exception_in_a_thread_shows_while_it_runs_and_is_told_at_the_end(code: str) -> None:
    with Program(argv=altered(code, "--demo")) as program:
        program.wait_for("it is unwell")
        assert program.display()[0].startswith("bwgraph")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert "it is unwell" in program.after_graph()
        assert "Traceback" not in program.after_graph()


# Stopping and going on.


def test_ctrl_z_stops_it_with_the_terminal_as_it_was_and_fg_draws_afresh() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        program.send("\x1a")
        assert program.wait_stopped() == signal.SIGTSTP
        assert program.on_normal_screen()
        program.resize(90, 20)
        program.scribble()
        written = len(program.raw)
        program.fg()
        program.wait_for(re.compile(r"^bwgraph.*\d$", re.MULTILINE))
        program.wait_gone("EE")
        assert SMCUP in program.raw[written:]
        assert len(program.display()[0]) == 90
        program.wait_until(lambda: program.display()[-1].startswith("q quit"), "the last line")
        assert program.fits()
        assert is_raw(program)
        assert program.tells_of_mouse()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_z_works_again_and_again() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        for _ in range(3):
            program.send("\x1a")
            assert program.wait_stopped() == signal.SIGTSTP
            assert program.on_normal_screen()
            program.scribble()
            program.fg()
            program.wait_for(DEMO)
            program.wait_gone("EE")
            assert is_raw(program)


def test_in_the_background_it_stays_stopped_and_leaves_the_terminal_alone() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.watch(0.0)
        written = len(program.raw)
        program.bg()
        assert program.wait_stopped() == signal.SIGTTOU
        assert program.raw[written:] == b""
        assert program.on_normal_screen()
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_after_sigstop_and_sigcont_it_takes_the_terminal_again_and_draws_afresh() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGSTOP)
        assert program.wait_stopped() == signal.SIGSTOP
        # What a shell does when its job stops.
        program.set_modes(program.modes_before)
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        assert is_raw(program)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
