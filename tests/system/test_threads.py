"""Doing something that may never end, for so long and no longer."""

import threading
import time
import traceback

import pytest
from ear import eventually, threads_at_work

from bwgraph.system import threads
from bwgraph.system.threads import run_with_timeout

LONG = 10.0


def test_a_result_is_handed_over() -> None:
    assert run_with_timeout(LONG, lambda: "done", "bwgraph test") == "done"


def test_nothing_is_a_result_too() -> None:
    assert run_with_timeout(LONG, lambda: None, "bwgraph test") is None


def test_an_exception_that_is_the_result_is_not_raised() -> None:
    error = ValueError("only looked at")
    assert run_with_timeout(LONG, lambda: error, "bwgraph test") is error


def test_an_exception_is_handed_over_with_where_it_came_from() -> None:
    def fail() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost") as caught:
        run_with_timeout(LONG, fail, "bwgraph test")
    assert "in fail" in "".join(traceback.format_exception(caught.value))


def test_it_runs_in_a_daemon_thread_of_that_name() -> None:
    def who() -> tuple[str, bool]:
        thread = threading.current_thread()
        return thread.name, thread.daemon

    assert run_with_timeout(LONG, who, "bwgraph test") == ("bwgraph test", True)


def test_what_takes_longer_is_left_to_itself() -> None:
    go_on = threading.Event()
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.05, go_on.wait, "bwgraph test")
    assert time.monotonic() - begun < LONG / 2
    assert [thread.name for thread in threads_at_work()] == ["bwgraph test"]
    go_on.set()
    eventually(lambda: not threads_at_work(), "it ended")


def test_time_in_which_we_were_stopped_is_not_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    # ^Z and fg: it could not answer while this was stopped, and has only to go on.
    times = iter((1000.0, 1008.0))
    monkeypatch.setattr(threads, "now", lambda: next(times))
    go_on = threading.Event()
    monkeypatch.setattr(threads, "GRACE_S", LONG)
    threading.Timer(0.1, go_on.set).start()
    assert run_with_timeout(0.01, go_on.wait, "bwgraph test")


def test_a_late_failure_hurts_nobody() -> None:
    # Neither who gave it up nor, as an exception that nobody took, the thread.
    go_on = threading.Event()

    def fail_late() -> None:
        go_on.wait()
        raise LookupError("too late")

    with pytest.raises(TimeoutError):
        run_with_timeout(0.01, fail_late, "bwgraph test")
    go_on.set()
    eventually(lambda: not threads_at_work(), "it ended")


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_left_is_a_timeout(seconds: float) -> None:
    go_on = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            run_with_timeout(seconds, go_on.wait, "bwgraph test")
    finally:
        go_on.set()
