"""Processes told from one another: by more than a number that others have had before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwgraph.store import owner
from bwgraph.store.owner import STALE, lives, this


@pytest.fixture
def pid() -> Iterator[int]:
    """Of a process that lives."""
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as running:
        yield running.pid
        running.kill()


def test_this_one_is_what_it_says_and_lives() -> None:
    here = this()
    assert here.pid == os.getpid()
    assert here == this()
    # Whatever it has said or not.
    assert lives(here, 1e9) is bool(here.began)
    assert lives(here, 0.0)


def test_another_lives_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        other = this()._replace(pid=running.pid, began=owner._began(running.pid))
        assert lives(other, 0.0)
        running.kill()
        running.wait()
        assert not lives(other, 0.0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell")
def test_a_number_that_was_given_to_another_is_not_it(pid: int) -> None:
    began = owner._began(pid)
    assert int(began) > 0
    assert not lives(this()._replace(pid=pid, began=str(int(began) - 1)), 0.0)


def test_where_the_system_does_not_tell_it_must_have_been_heard(pid: int) -> None:
    other = this()._replace(pid=pid, began="")
    assert lives(other, STALE - 1)
    assert lives(other, 1 - STALE)  # by a clock that was set
    assert not lives(other, STALE + 1)


def test_of_another_start_of_the_machine_none_lives() -> None:
    assert not lives(this()._replace(boot="another"), 0.0)


def test_from_another_container_one_can_only_be_heard() -> None:
    other = this()._replace(pid=1 << 22, space="another")
    assert lives(other, STALE - 1)
    assert not lives(other, STALE + 1)


@pytest.mark.parametrize("pid", [1 << 22, 1 << 40, 1 << 70])
def test_a_number_that_cannot_be_is_nobodys(pid: int) -> None:
    assert not lives(this()._replace(pid=pid), 0.0)


@pytest.mark.parametrize("pid", [0, -1, -12345])
def test_a_number_that_stands_for_many_is_nobodys(pid: int) -> None:
    assert not lives(this()._replace(pid=pid), 0.0)
