"""The identity of processes, and whether they are alive."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwgraph.store import owner
from bwgraph.store.owner import STALE_AFTER_S, is_alive, this_process


@pytest.fixture
def pid() -> Iterator[int]:
    """The pid of a process that is alive, and ends after the test."""
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as running:
        yield running.pid
        running.kill()


def test_this_process_is_alive() -> None:
    here = this_process()
    assert here.pid == os.getpid()
    assert here == this_process()
    # With a start time it does not matter when it was heard.
    assert is_alive(here, 1e9) is bool(here.started)
    assert is_alive(here, 0.0)


def test_process_is_alive_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = this_process()._replace(pid=running.pid, started=owner._start_time(running.pid))
        assert is_alive(other, 0.0)
        running.kill()
        running.wait()
        assert not is_alive(other, 0.0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no start times on this system")
def test_process_with_a_reused_pid_is_dead(pid: int) -> None:
    started = owner._start_time(pid)
    assert int(started) > 0
    assert not is_alive(this_process()._replace(pid=pid, started=str(int(started) - 1)), 0.0)


def test_process_without_start_time_is_alive_until_stale(pid: int) -> None:
    other = this_process()._replace(pid=pid, started="")
    assert is_alive(other, STALE_AFTER_S - 1)
    assert is_alive(other, 1 - STALE_AFTER_S)  # after the clock was set back
    assert not is_alive(other, STALE_AFTER_S + 1)


def test_process_of_another_boot_is_dead() -> None:
    assert not is_alive(this_process()._replace(boot_id="another"), 0.0)


def test_process_in_another_container_is_alive_until_stale() -> None:
    other = this_process()._replace(pid=1 << 22, pid_namespace="another")
    assert is_alive(other, STALE_AFTER_S - 1)
    assert not is_alive(other, STALE_AFTER_S + 1)


@pytest.mark.parametrize("pid", [1 << 22, 1 << 40, 1 << 70])
def test_pid_out_of_range_is_dead(pid: int) -> None:
    assert not is_alive(this_process()._replace(pid=pid), 0.0)


@pytest.mark.parametrize("pid", [0, -1, -12345])
def test_pid_of_a_group_is_dead(pid: int) -> None:
    assert not is_alive(this_process()._replace(pid=pid), 0.0)
