"""What holds for every test."""

from collections.abc import Iterator

import pytest
from ear import eventually, threads_at_work
from hypothesis import settings

settings.register_profile("bwgraph", derandomize=True, deadline=None, database=None)
settings.load_profile("bwgraph")


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    """Fail the test after which a thread of stem or of bwgraph goes on."""
    before = set(threads_at_work())
    yield
    eventually(lambda: before.issuperset(threads_at_work()), "all threads ended")
