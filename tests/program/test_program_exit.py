"""However the program exits or stops, it restores the terminal, and redraws when it continues."""

import os
import re
import signal
import time

import pytest
import tiny_servers
from demo_program import (
    BAR,
    DEMO,
    is_raw,
    patched_argv,
)
from pty_driver import SMCUP, Program

# Exits.


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_key_quits_with_code_0_and_restores_the_terminal(key: str) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        assert is_raw(program)
        assert program.reports_mouse()
        assert not program.on_normal_screen()
        program.send(key)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_q_quits_at_once_while_a_server_does_not_answer() -> None:
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
def test_signal_ends_it_after_the_terminal_is_restored(number: int) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(number)
        assert program.wait_exit() == -number
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_sigint_quits_as_ctrl_c_does() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGINT)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_sigterm_ends_a_stopped_program_when_it_continues() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.signal(signal.SIGTERM)
        program.fg()
        assert program.wait_exit() == -signal.SIGTERM
        assert program.on_normal_screen()


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["SIGHUP", "SIGHUP ignored"])
def test_hang_up_ends_it(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.hang_up()
        # Either the signal ends it, or it finds its terminal closed first.
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})
        with pytest.raises(ProcessLookupError):
            os.killpg(program.pid, 0)


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["SIGHUP", "SIGHUP ignored"])
def test_hang_up_ends_a_stopped_program(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.hang_up()
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_exception_in_the_main_loop_is_printed_after_the_terminal_is_restored(calls: int) -> None:
    code = f"""
import itertools
from bwgraph.terminal import loop as app
original, calls = app.draw_scene, itertools.count()
def draw(scene):
    if next(calls) >= {calls}:
        raise RuntimeError("drawing failed")
    return original(scene)
app.draw_scene = draw
"""
    with Program(argv=patched_argv(code, "--demo")) as program:
        for _ in range(calls):
            program.wait_for("bwgraph")
            program.send("\x0c")  # redraws, so that the screen is drawn
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        assert SMCUP in program.raw
        assert program.after_graph().rstrip().endswith("RuntimeError: drawing failed")


# Exceptions in threads.

THREAD = """
import threading
from bwgraph.terminal import loop as app
class Loop(app.Loop):
    def run(self):
        threading.Thread(target=self.fail, name="a worker").start()
        return super().run()
    def fail(self):
        raise RuntimeError("thread failed")
app.Loop = Loop
"""

SOURCE = """
from bwgraph.tor.supervisor import TorSource
def fail(*_):
    raise RuntimeError("thread failed")
TorSource._watch = fail
"""

LISTENER = """
from bwgraph.tor.counters import CounterCheck
def add(self, sample):
    raise RuntimeError("thread failed")
CounterCheck.add = add
"""

NOTIFIER = """
from bwgraph.tor import stem_adapter as controller
def wait(self, timeout=None):
    raise RuntimeError("thread failed")
controller.UntimedEvent.wait = wait
"""


@pytest.mark.parametrize(
    "code",
    [THREAD, SOURCE, LISTENER, NOTIFIER],
    ids=["a thread", "the source's worker", "the listener", "stem's notifier"],
)
def test_exception_in_a_thread_is_shown_on_the_screen_and_printed_at_the_end(code: str) -> None:
    with Program(argv=patched_argv(code, "--demo")) as program:
        program.wait_for("thread failed")
        assert program.display()[0].startswith("bwgraph")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert "thread failed" in program.after_graph()
        assert "Traceback" not in program.after_graph()


# Stopping and continuing.


def test_ctrl_z_restores_the_terminal_and_fg_redraws() -> None:
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
        assert program.reports_mouse()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_z_works_repeatedly() -> None:
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


def test_in_the_background_it_stays_stopped_and_writes_nothing() -> None:
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


def test_after_sigstop_and_sigcont_it_sets_up_the_terminal_and_redraws() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGSTOP)
        assert program.wait_stopped() == signal.SIGSTOP
        # A shell does this when its job stops.
        program.set_modes(program.modes_before)
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        assert is_raw(program)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
