"""What holds for every test."""

import os
import signal
from collections.abc import Iterator

import pytest
from ear import eventually, threads_at_work
from hypothesis import settings

from bwgraph.system.wakeup import CAUGHT_SIGNALS

settings.register_profile("bwgraph", derandomize=True, deadline=None, database=None)
settings.load_profile("bwgraph")

# The settings of whoever runs the tests are not theirs to read.
os.environ["XDG_CONFIG_HOME"] = "/nonexistent"


WAITING = {
    **dict.fromkeys(("test_truth", "test_program"), 0),
    **dict.fromkeys(("test_real_tor", "test_streams", "test_real_tors", "test_real_store"), 2),
}
"The files that mostly wait, for a real tor's next second or a terminal, by their turn."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that mostly wait, so that others reckon meanwhile."""
    items.sort(key=lambda item: WAITING.get(item.path.stem, 1 if item.path.stem < "test_m" else 3))


@pytest.fixture(autouse=True, scope="session")
def _no_signal_is_ignored() -> None:
    """Undo what nohup, or a shell's ``&``, left to the tests and to the programs they start.

    bwgraph goes on ignoring a signal that it finds ignored, and so would not end by it.
    """
    for number in CAUGHT_SIGNALS:  # all that this system has of those that end or stop it
        if signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    """Fail the test after which a thread of stem or of bwgraph goes on."""
    before = set(threads_at_work())
    yield
    eventually(lambda: before.issuperset(threads_at_work()), "all threads ended")
