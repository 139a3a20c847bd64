"""A queue with a maximum length that never blocks who puts into it."""

import threading

import pytest

from bwgraph.tor.stem_adapter import BoundedQueue


def test_full_queue_reports_the_item_and_keeps_the_older_ones() -> None:
    dropped: list[int] = []
    bounded = BoundedQueue(3, dropped.append)
    for number in range(5):
        bounded.put(number)
    assert dropped == [3, 4]
    assert [bounded.get_nowait() for _ in range(bounded.qsize())] == [0, 1, 2]
    bounded.put(5)
    assert bounded.get_nowait() == 5
    assert dropped == [3, 4]


@pytest.mark.parametrize("timeout", [None, 3600.0])
def test_put_never_blocks(timeout: float | None) -> None:
    # stem calls put() without arguments, which would wait for room.
    dropped: list[str] = []
    bounded = BoundedQueue(1, dropped.append)
    bounded.put("first")
    thread = threading.Thread(target=bounded.put, args=("second", True, timeout), daemon=True)
    thread.start()
    thread.join(10.0)
    assert not thread.is_alive()
    assert dropped == ["second"]


def test_waiting_reader_gets_the_next_item() -> None:
    bounded = BoundedQueue(1, lambda _: pytest.fail("there was room"))
    threading.Timer(0.01, bounded.put, ("first",)).start()
    assert bounded.get(timeout=10.0) == "first"
