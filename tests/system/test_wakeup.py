"""What wakes the main loop up: pokes of other threads, and signals."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from ear import PATIENCE

from bwgraph.system import wakeup as wakeup_room
from bwgraph.system.wakeup import CAUGHT_SIGNALS, KEY_POLL_S, Pipe, Sockets, Wakeup


@pytest.fixture(params=[Pipe, Sockets])
def wakeup(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wakeup]:
    monkeypatch.setattr(wakeup_room, "Pipe", request.param)
    with Wakeup() as entered:
        assert type(entered._channel) is request.param
        yield entered
    entered.poke()  # too late, and no harm
    if request.param is Pipe:
        os.close(entered._channel.writer)  # left open on purpose; here it would add up


def awake(wakeup: Wakeup, seconds: float = 0) -> bool:
    return bool(select.select([wakeup], [], [], seconds)[0])


def test_it_sleeps_until_there_is_something(wakeup: Wakeup) -> None:
    assert not awake(wakeup)
    assert wakeup.drain() == []


def test_a_poke_wakes_it_and_is_no_signal(wakeup: Wakeup) -> None:
    wakeup.poke()
    assert awake(wakeup)
    assert wakeup.drain() == []
    assert not awake(wakeup)


def test_many_pokes_are_one_waking(wakeup: Wakeup) -> None:
    for _ in range(100):
        wakeup.poke()
    assert wakeup.drain() == []
    assert not awake(wakeup)


def test_a_poke_of_another_thread_wakes_it_while_it_waits(wakeup: Wakeup) -> None:
    thread = threading.Timer(0.02, wakeup.poke)
    thread.start()
    assert awake(wakeup, PATIENCE)
    thread.join()


@pytest.mark.parametrize("number", CAUGHT_SIGNALS, ids=lambda number: number.name)
def test_a_signal_wakes_it_and_does_nothing_else(wakeup: Wakeup, number: signal.Signals) -> None:
    signal.raise_signal(number)
    assert awake(wakeup)
    assert wakeup.drain() == [number]


def test_a_signal_interrupts_the_waiting(wakeup: Wakeup) -> None:
    main = threading.main_thread().ident
    assert main is not None
    killer = threading.Timer(0.02, signal.pthread_kill, (main, signal.SIGWINCH))
    killer.start()
    assert awake(wakeup, PATIENCE)
    killer.join()
    assert wakeup.drain() == [signal.SIGWINCH]


def test_signals_come_once_each_in_their_order_and_with_pokes_between(wakeup: Wakeup) -> None:
    for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGWINCH, signal.SIGINT):
        wakeup.poke()
        signal.raise_signal(number)
    assert wakeup.drain() == [signal.SIGWINCH, signal.SIGTERM, signal.SIGINT]


def test_a_full_pipe_blocks_nobody_and_still_wakes(wakeup: Wakeup) -> None:
    for _ in range(70_000):  # a pipe holds 65,536 bytes
        wakeup.poke()
    signal.raise_signal(signal.SIGWINCH)  # lost, but its handler does not raise
    assert awake(wakeup)
    while awake(wakeup):
        wakeup.drain()
    wakeup.poke()
    assert awake(wakeup)


def test_a_poke_that_comes_too_late_hurts_nobody() -> None:
    with Wakeup() as wakeup:
        pass
    wakeup.poke()
    os.close(wakeup._channel.writer)


def test_afterwards_all_is_as_it_was() -> None:
    def mine(_: int, __: object) -> None:
        pass

    before = signal.signal(signal.SIGWINCH, mine)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fd_before = signal.set_wakeup_fd(writer)
    handlers = {number: signal.getsignal(number) for number in CAUGHT_SIGNALS}
    try:
        with Wakeup() as wakeup:
            assert signal.getsignal(signal.SIGWINCH) is not mine
        assert {number: signal.getsignal(number) for number in CAUGHT_SIGNALS} == handlers
        assert signal.set_wakeup_fd(fd_before) == writer
        os.close(wakeup._channel.writer)
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)


def test_a_signal_that_is_ignored_stays_so() -> None:
    # As nohup wants it.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Wakeup() as wakeup:
            signal.raise_signal(signal.SIGHUP)
            assert not awake(wakeup)
            wakeup.catch(CAUGHT_SIGNALS)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        os.close(wakeup._channel.writer)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_somebody_else_took_meanwhile_is_taken_back(wakeup: Wakeup) -> None:
    # curses takes SIGWINCH for itself when it begins.
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)
    wakeup.catch([signal.SIGWINCH])
    signal.raise_signal(signal.SIGWINCH)
    assert wakeup.drain() == [signal.SIGWINCH]


def test_it_ends_the_same_way_on_an_exception() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(LookupError), Wakeup() as wakeup:
        raise LookupError
    assert signal.getsignal(signal.SIGINT) is before
    os.close(wakeup._channel.writer)


def test_it_waits_for_a_key_and_for_itself(wakeup: Wakeup) -> None:
    keys = Pipe()
    terminal = SimpleNamespace(fileno=lambda: keys.reader)
    assert wakeup.wait(terminal, 0.0) == []
    keys.write(b"q")
    assert wakeup.wait(terminal, PATIENCE) == [terminal]
    wakeup.poke()
    assert wakeup.wait(terminal, PATIENCE) == [terminal, wakeup]
    keys.close()
    os.close(keys.writer)


def test_where_no_key_can_be_waited_for_it_looks_often_and_is_woken_all_the_same(
    wakeup: Wakeup, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def selects(readers: list[Wakeup], _: object, __: object, seconds: float) -> object:
        waits.append(seconds)
        return select.select(readers, [], [], 0.0)

    monkeypatch.setattr(wakeup_room, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(wakeup_room, "select", SimpleNamespace(select=selects))
    terminal = SimpleNamespace(fileno=lambda: pytest.fail("a console is nothing to select"))
    assert wakeup.wait(terminal, 1.0) == [terminal]
    assert wakeup.wait(terminal, 0.01) == [terminal]
    assert waits == [KEY_POLL_S, 0.01]
    wakeup.poke()
    assert wakeup.wait(terminal, 1.0) == [terminal, wakeup]
