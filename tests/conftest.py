"""Settings and fixtures of all tests."""

import os
import signal
from bisect import bisect
from collections.abc import Iterator

import pytest
from event_recorder import running_threads, wait_until
from hypothesis import settings

from bwgraph.system.wakeup import CAUGHT_SIGNALS

settings.register_profile("bwgraph", derandomize=True, deadline=None, database=None)
settings.load_profile("bwgraph")

# The tests must not read the configuration of the user who runs them.
os.environ["XDG_CONFIG_HOME"] = "/nonexistent"

WAITING = (
    ("test_truth", "test_program_endpoints"),
    ("test_real_tor", "test_program_keys", "test_program_screen", "test_program_start"),
    ("test_streams", "test_real_tors", "test_program_exit"),
    ("test_real_store", "test_program_pipes", "test_program_terminals"),
)
"The files that mostly wait, for a real tor's next second or a terminal, in four groups."

COMPUTING = ("test_f", "test_m", "test_s")
"Where the list of the other files is divided into four groups."


def _position(item: pytest.Item) -> tuple[int, bool]:
    """Return the group of a test's file, and whether it is among those that compute."""
    for group, files in enumerate(WAITING):
        if item.path.stem in files:
            return group, False
    return bisect(COMPUTING, item.path.stem), True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files that wait and files that compute at the same time, group by group."""
    items.sort(key=_position)


@pytest.fixture(autouse=True, scope="session")
def _no_signal_is_ignored() -> None:
    """Restore the handlers of signals that nohup, or a shell's ``&``, left ignored.

    bwgraph keeps ignoring a signal that was ignored when it started, so such a signal would not end
    the programs that the tests start.
    """
    for number in CAUGHT_SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            handler = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_thread_is_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread of stem or of bwgraph running."""
    before = set(running_threads())
    yield
    wait_until(lambda: before.issuperset(running_threads()), "all threads ended")
