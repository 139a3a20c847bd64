"""Ends by signals, where there is no screen."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from bwgraph.system import signals

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_and_nothing_else_and_handlers_are_put_back(number: int) -> None:
    before = [signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)]
    stops: list[bool] = []
    with signals.stopping(lambda: stops.append(True)) as came:
        assert came == []
        os.kill(os.getpid(), number)
        assert (stops, came) == ([True], [number])
        os.kill(os.getpid(), number)
        assert len(stops) == 2
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= signals.STOP_TIMEOUT_S
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert [signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)] == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    # As nohup has it.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stopping(lambda: pytest.fail("stopped")) as came:
            os.kill(os.getpid(), signal.SIGHUP)
        assert came == []
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def run(program: str, **more: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        timeout=30,
        check=False,
        pass_fds=tuple(more.values()),
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_who_does_not_come_to_an_end_dies_of_the_signal(number: int) -> None:
    # It hangs in writing to a pipe that nobody reads.
    reader, writer = os.pipe()
    program = f"""
import os, signal
from bwgraph.system import signals as ending
ending.STOP_TIMEOUT_S = 0.05
os.set_blocking({writer}, False)
try:
    while True:
        os.write({writer}, bytes(65536))
except BlockingIOError:
    os.set_blocking({writer}, True)
with ending.stopping(lambda: None):
    os.kill(os.getpid(), {int(number)})
    os.write({writer}, bytes(65536))
print("it went on")
"""
    try:
        ended = run(program, writer=writer)
    finally:
        with suppress(OSError):
            os.close(reader)
            os.close(writer)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-number, b"", b"")


def test_who_comes_to_an_end_in_time_goes_on() -> None:
    program = """
import os, signal
from bwgraph.system import signals as ending
ending.STOP_TIMEOUT_S = 0.05
with ending.stopping(lambda: None):
    os.kill(os.getpid(), signal.SIGTERM)
signal.sigtimedwait([], 0.1)
print("it went on")
"""
    ended = run(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"it went on\n", b"")


def test_to_die_of_a_closed_pipe_is_to_die_of_its_signal() -> None:
    # Python ignores it from the start.
    program = "from bwgraph.system import signals\nsignals.end_by_broken_pipe()\nprint(1)"
    ended = run(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGPIPE, b"", b"")


def test_where_there_is_no_such_signal_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGPIPE")
    monkeypatch.setattr(sys, "platform", "win32")
    signals.end_by_broken_pipe()
