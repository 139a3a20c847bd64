"""Signals that end the program while there is no screen."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from bwgraph.system import signals

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_calls_stop_and_handlers_are_restored(number: int) -> None:
    before = [signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)]
    stops: list[bool] = []
    with signals.stop_on_signals(lambda: stops.append(True)) as arrived:
        assert arrived == []
        os.kill(os.getpid(), number)
        assert (stops, arrived) == ([True], [number])
        os.kill(os.getpid(), number)
        assert len(stops) == 2
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= signals.STOP_TIMEOUT_S
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert [signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)] == before


def test_ignored_signal_stays_ignored() -> None:
    # As nohup does.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stop_on_signals(lambda: pytest.fail("stopped")) as arrived:
            os.kill(os.getpid(), signal.SIGHUP)
        assert arrived == []
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def run(program: str, **descriptors: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        timeout=30,
        check=False,
        pass_fds=tuple(descriptors.values()),
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_kills_a_program_that_does_not_end_in_time(number: int) -> None:
    # It blocks in a write to a pipe that nobody reads.
    reader, writer = os.pipe()
    program = f"""
import os, signal
from bwgraph.system import signals
signals.STOP_TIMEOUT_S = 0.05
os.set_blocking({writer}, False)
try:
    while True:
        os.write({writer}, bytes(65536))
except BlockingIOError:
    os.set_blocking({writer}, True)
with signals.stop_on_signals(lambda: None):
    os.kill(os.getpid(), {int(number)})
    os.write({writer}, bytes(65536))
print("it continued")
"""
    try:
        ended = run(program, writer=writer)
    finally:
        with suppress(OSError):
            os.close(reader)
            os.close(writer)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-number, b"", b"")


def test_alarm_is_cancelled_when_the_block_ends_in_time() -> None:
    program = """
import os, signal
from bwgraph.system import signals
signals.STOP_TIMEOUT_S = 0.05
with signals.stop_on_signals(lambda: None):
    os.kill(os.getpid(), signal.SIGTERM)
signal.sigtimedwait([], 0.1)
print("it continued")
"""
    ended = run(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"it continued\n", b"")


def test_broken_pipe_ends_the_program_by_sigpipe() -> None:
    # Python ignores SIGPIPE from the start.
    program = "from bwgraph.system import signals\nsignals.end_by_broken_pipe()\nprint(1)"
    ended = run(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGPIPE, b"", b"")


def test_broken_pipe_returns_on_a_system_without_sigpipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGPIPE")
    monkeypatch.setattr(sys, "platform", "win32")
    signals.end_by_broken_pipe()
