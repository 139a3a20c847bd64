"""Processes told from one another: by more than a number that others have had before."""

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
    """Of a process that lives."""
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as running:
        yield running.pid
        running.kill()


def test_this_one_is_what_it_says_and_lives() -> None:
    here = this_process()
    assert here.pid == os.getpid()
    assert here == this_process()
    # Whatever it has said or not.
    assert is_alive(here, 1e9) is bool(here.started)
    assert is_alive(here, 0.0)


def test_another_lives_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = this_process()._replace(pid=running.pid, started=owner._start_time(running.pid))
        assert is_alive(other, 0.0)
        running.kill()
        running.wait()
        assert not is_alive(other, 0.0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell")
def test_a_number_that_was_given_to_another_is_not_it(pid: int) -> None:
    began = owner._start_time(pid)
    assert int(began) > 0
    assert not is_alive(this_process()._replace(pid=pid, started=str(int(began) - 1)), 0.0)


def test_where_the_system_does_not_tell_it_must_have_been_heard(pid: int) -> None:
    other = this_process()._replace(pid=pid, started="")
    assert is_alive(other, STALE_AFTER_S - 1)
    assert is_alive(other, 1 - STALE_AFTER_S)  # by a clock that was set
    assert not is_alive(other, STALE_AFTER_S + 1)


def test_of_another_start_of_the_machine_none_lives() -> None:
    assert not is_alive(this_process()._replace(boot_id="another"), 0.0)


def test_from_another_container_one_can_only_be_heard() -> None:
    other = this_process()._replace(pid=1 << 22, pid_namespace="another")
    assert is_alive(other, STALE_AFTER_S - 1)
    assert not is_alive(other, STALE_AFTER_S + 1)


@pytest.mark.parametrize("pid", [1 << 22, 1 << 40, 1 << 70])
def test_a_number_that_cannot_be_is_nobodys(pid: int) -> None:
    assert not is_alive(this_process()._replace(pid=pid), 0.0)


@pytest.mark.parametrize("pid", [0, -1, -12345])
def test_a_number_that_stands_for_many_is_nobodys(pid: int) -> None:
    assert not is_alive(this_process()._replace(pid=pid), 0.0)
