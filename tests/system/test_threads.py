"""Timeouts for blocking calls."""

import threading
import time
import traceback

import pytest
from event_recorder import running_threads, wait_until

from bwgraph.system import threads
from bwgraph.system.threads import run_with_timeout

LONG = 10.0


def test_result_is_returned() -> None:
    assert run_with_timeout(LONG, lambda: "done", "bwgraph test") == "done"


def test_none_is_a_result() -> None:
    assert run_with_timeout(LONG, lambda: None, "bwgraph test") is None


def test_exception_as_a_result_is_not_raised() -> None:
    error = ValueError("a result")
    assert run_with_timeout(LONG, lambda: error, "bwgraph test") is error


def test_exception_is_raised_with_its_traceback() -> None:
    def fail() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost") as caught:
        run_with_timeout(LONG, fail, "bwgraph test")
    assert "in fail" in "".join(traceback.format_exception(caught.value))


def test_task_runs_in_a_daemon_thread_of_that_name() -> None:
    def describe_thread() -> tuple[str, bool]:
        thread = threading.current_thread()
        return thread.name, thread.daemon

    assert run_with_timeout(LONG, describe_thread, "bwgraph test") == ("bwgraph test", True)


def test_timeout_leaves_the_thread_running() -> None:
    go_on = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.05, go_on.wait, "bwgraph test")
    assert time.monotonic() - started < LONG / 2
    assert [thread.name for thread in running_threads()] == ["bwgraph test"]
    go_on.set()
    wait_until(lambda: not running_threads(), "the thread ended")


def test_suspended_time_does_not_count_towards_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    # ^Z and fg: the task could not answer while the program was stopped.
    times = iter((1000.0, 1008.0))
    monkeypatch.setattr(threads, "now", lambda: next(times))
    go_on = threading.Event()
    monkeypatch.setattr(threads, "GRACE_S", LONG)
    threading.Timer(0.1, go_on.set).start()
    assert run_with_timeout(0.01, go_on.wait, "bwgraph test")


def test_exception_after_the_timeout_is_ignored() -> None:
    # It is neither raised nor reported as an uncaught exception of the thread.
    go_on = threading.Event()

    def fail_late() -> None:
        go_on.wait()
        raise LookupError("too late")

    with pytest.raises(TimeoutError):
        run_with_timeout(0.01, fail_late, "bwgraph test")
    go_on.set()
    wait_until(lambda: not running_threads(), "the thread ended")


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_zero_or_negative_time_is_a_timeout(seconds: float) -> None:
    go_on = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            run_with_timeout(seconds, go_on.wait, "bwgraph test")
    finally:
        go_on.set()
