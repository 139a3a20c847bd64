"""What wakes the main loop: pokes of other threads, and signals."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from event_recorder import PATIENCE

from bwgraph.system import wakeup as wakeup_module
from bwgraph.system.wakeup import CAUGHT_SIGNALS, KEY_POLL_S, Pipe, Sockets, Wakeup


@pytest.fixture(params=[Pipe, Sockets])
def wakeup(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wakeup]:
    monkeypatch.setattr(wakeup_module, "Pipe", request.param)
    with Wakeup() as entered:
        assert type(entered._channel) is request.param
        yield entered
    entered.poke()  # after the end, which must be harmless
    if request.param is Pipe:
        os.close(entered._channel.writer)  # Wakeup leaves it open on purpose


def is_readable(wakeup: Wakeup, seconds: float = 0) -> bool:
    return bool(select.select([wakeup], [], [], seconds)[0])


def test_wakeup_is_not_readable_at_first(wakeup: Wakeup) -> None:
    assert not is_readable(wakeup)
    assert wakeup.drain() == []


def test_poke_makes_it_readable_and_is_no_signal(wakeup: Wakeup) -> None:
    wakeup.poke()
    assert is_readable(wakeup)
    assert wakeup.drain() == []
    assert not is_readable(wakeup)


def test_many_pokes_are_drained_at_once(wakeup: Wakeup) -> None:
    for _ in range(100):
        wakeup.poke()
    assert wakeup.drain() == []
    assert not is_readable(wakeup)


def test_poke_of_another_thread_ends_a_wait(wakeup: Wakeup) -> None:
    thread = threading.Timer(0.02, wakeup.poke)
    thread.start()
    assert is_readable(wakeup, PATIENCE)
    thread.join()


@pytest.mark.parametrize("number", CAUGHT_SIGNALS, ids=lambda number: number.name)
def test_signal_makes_it_readable_and_does_nothing_else(
    wakeup: Wakeup, number: signal.Signals
) -> None:
    signal.raise_signal(number)
    assert is_readable(wakeup)
    assert wakeup.drain() == [number]


def test_signal_ends_a_wait(wakeup: Wakeup) -> None:
    main = threading.main_thread().ident
    assert main is not None
    killer = threading.Timer(0.02, signal.pthread_kill, (main, signal.SIGWINCH))
    killer.start()
    assert is_readable(wakeup, PATIENCE)
    killer.join()
    assert wakeup.drain() == [signal.SIGWINCH]


def test_signals_are_drained_once_each_in_their_order(wakeup: Wakeup) -> None:
    for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGWINCH, signal.SIGINT):
        wakeup.poke()
        signal.raise_signal(number)
    assert wakeup.drain() == [signal.SIGWINCH, signal.SIGTERM, signal.SIGINT]


def test_full_pipe_does_not_block_and_stays_readable(wakeup: Wakeup) -> None:
    for _ in range(70_000):  # a pipe holds 65,536 bytes
        wakeup.poke()
    signal.raise_signal(signal.SIGWINCH)  # is lost, but must not raise
    assert is_readable(wakeup)
    while is_readable(wakeup):
        wakeup.drain()
    wakeup.poke()
    assert is_readable(wakeup)


def test_poke_after_the_end_is_harmless() -> None:
    with Wakeup() as wakeup:
        pass
    wakeup.poke()
    os.close(wakeup._channel.writer)


def test_exit_restores_handlers_and_wakeup_fd() -> None:
    def own_handler(_: int, __: object) -> None:
        pass

    before = signal.signal(signal.SIGWINCH, own_handler)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fd_before = signal.set_wakeup_fd(writer)
    handlers = {number: signal.getsignal(number) for number in CAUGHT_SIGNALS}
    try:
        with Wakeup() as wakeup:
            assert signal.getsignal(signal.SIGWINCH) is not own_handler
        assert {number: signal.getsignal(number) for number in CAUGHT_SIGNALS} == handlers
        assert signal.set_wakeup_fd(fd_before) == writer
        os.close(wakeup._channel.writer)
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)


def test_ignored_signal_stays_ignored() -> None:
    # As nohup does.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Wakeup() as wakeup:
            signal.raise_signal(signal.SIGHUP)
            assert not is_readable(wakeup)
            wakeup.catch(CAUGHT_SIGNALS)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        os.close(wakeup._channel.writer)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_catch_replaces_a_handler_that_was_set_meanwhile(wakeup: Wakeup) -> None:
    # curses sets a handler for SIGWINCH when it starts.
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)
    wakeup.catch([signal.SIGWINCH])
    signal.raise_signal(signal.SIGWINCH)
    assert wakeup.drain() == [signal.SIGWINCH]


def test_exception_restores_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(LookupError), Wakeup() as wakeup:
        raise LookupError
    assert signal.getsignal(signal.SIGINT) is before
    os.close(wakeup._channel.writer)


def test_wait_returns_what_is_readable(wakeup: Wakeup) -> None:
    keys = Pipe()
    terminal = SimpleNamespace(fileno=lambda: keys.reader)
    assert wakeup.wait(terminal, 0.0) == []
    keys.write(b"q")
    assert wakeup.wait(terminal, PATIENCE) == [terminal]
    wakeup.poke()
    assert wakeup.wait(terminal, PATIENCE) == [terminal, wakeup]
    keys.close()
    os.close(keys.writer)


def test_wait_on_windows_polls_for_keys_and_is_ended_by_a_poke(
    wakeup: Wakeup, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def recorded_select(readers: list[Wakeup], _: object, __: object, seconds: float) -> object:
        waits.append(seconds)
        return select.select(readers, [], [], 0.0)

    monkeypatch.setattr(wakeup_module, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(wakeup_module, "select", SimpleNamespace(select=recorded_select))
    terminal = SimpleNamespace(fileno=lambda: pytest.fail("select() does not accept a console"))
    assert wakeup.wait(terminal, 1.0) == [terminal]
    assert wakeup.wait(terminal, 0.01) == [terminal]
    assert waits == [KEY_POLL_S, 0.01]
    wakeup.poke()
    assert wakeup.wait(terminal, 1.0) == [terminal, wakeup]
