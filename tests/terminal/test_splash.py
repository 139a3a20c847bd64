"""The splash: when there is a title, and that the terminal is given back whatever happens."""

import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fake_curses import FakeCurses, Hardware, installed

from bwgraph.cli import arguments
from bwgraph.system import signals
from bwgraph.terminal import splash, tty
from bwgraph.terminal.splash import Splash

TERM = {"TERM": "xterm"}


@pytest.fixture
def curses() -> Iterator[FakeCurses]:
    with installed(Hardware()) as fake:
        yield fake


def shown(curses: FakeCurses) -> str:
    """What is on the terminal, without what is blank."""
    return "\n".join(curses.window.text()).strip() if curses.window and curses.active else ""


# When there is one.


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-p 9051",
        "--port=exit=9051 --socket /run/tor/control",
        "--demo 20 -u bits --color=never",
        "--ceiling 20MiB --wait words that are for the parser",
    ],
)
def test_a_graph_has_a_title_first(line: str, curses: FakeCurses) -> None:
    with Splash(line.split(), TERM):
        assert shown(curses) == "bwgraph"
    assert shown(curses) == ""


@pytest.mark.parametrize(
    "line",
    [
        *("--help", "-h", "--version", "--print man"),
        *("--once", "--svg x.svg", "--json", "--csv -p 9051", "--headless --store x"),
        # What may ask for something on the terminal itself, when it is read.
        *("--replay -", "--password-file=/dev/fd/63", "--store /x", "-p 9051 --store=/x"),
        # What the parser may know.
        *("--por 9051", "-p9051", "--", "-", "--no-such-flag"),
    ],
)
def test_what_is_no_graph_or_is_not_known_has_none(line: str, curses: FakeCurses) -> None:
    with Splash(line.split(), TERM):
        assert curses.calls == []
    assert curses.calls == []


def test_its_flags_are_those_of_the_graph_but_for_the_ones_that_name_a_file() -> None:
    groups = {group.title: group for group in arguments.parser()._action_groups}
    of_the_graph = {
        flag
        for title in ("which tor", "how it looks at first (keys change all of it)")
        for action in groups[title]._group_actions
        for flag in action.option_strings
    }
    assert of_the_graph - {"--password-file"} == splash.FLAGS


@pytest.mark.parametrize("environ", [{}, {"TERM": "dumb"}, {"TERM": "of nobody"}])
def test_a_terminal_that_will_not_do_has_none(environ: dict[str, str], curses: FakeCurses) -> None:
    with Splash([], environ):
        assert curses.calls == []


def test_windows_has_none(curses: FakeCurses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splash, "sys", SimpleNamespace(platform="win32"))
    with Splash([], TERM):
        assert curses.calls == []


# How it ends.


def test_the_first_to_end_gives_the_terminal_back(curses: FakeCurses) -> None:
    title = Splash([], TERM)
    with title:
        with title:
            assert shown(curses) == "bwgraph"
        assert curses.calls == ["initscr", "endwin"]
        with title:
            assert shown(curses) == ""
    assert curses.calls == ["initscr", "endwin"]


def test_an_error_finds_the_terminal_given_back(curses: FakeCurses) -> None:
    def load() -> None:
        raise ImportError("there is none")

    with pytest.raises(ImportError), Splash([], TERM):
        load()
    assert curses.calls == ["initscr", "endwin"]


@pytest.fixture
def died(curses: FakeCurses, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What was on the terminal at each signal that the program would have died of."""
    found: list[tuple[str, object]] = []
    monkeypatch.setattr(
        signals, "end_by_signal", lambda number: found.append((shown(curses), number))
    )
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_program_finds_the_terminal_given_back(
    number: signal.Signals, died: list[tuple[str, object]], curses: FakeCurses
) -> None:
    before = signal.getsignal(number)
    with Splash([], TERM):
        assert shown(curses) == "bwgraph"
        os.kill(os.getpid(), number)
        assert died == [("", number)]
        assert signal.getsignal(number) is before
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_so(
    died: list[tuple[str, object]], curses: FakeCurses
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Splash([], TERM):
            os.kill(os.getpid(), signal.SIGHUP)
            assert shown(curses) == "bwgraph"
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert died == []


def test_whoever_takes_a_signal_meanwhile_has_it(
    died: list[tuple[str, object]], curses: FakeCurses
) -> None:
    # As the main loop does; what it gives back afterwards is the splash's again, and then no more.
    came: list[int] = []
    before = signal.getsignal(signal.SIGTERM)
    with Splash([], TERM):
        ours = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, ours)
        assert shown(curses) == "bwgraph"
    assert (came, died) == ([signal.SIGTERM], [])
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_that_comes_while_it_begins_finds_the_terminal_given_back(
    curses: FakeCurses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(title: str) -> None:
        show(title)
        raise KeyboardInterrupt

    show = tty.show
    monkeypatch.setattr(tty, "show", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), Splash([], TERM):
        pass
    assert curses.calls == ["initscr", "endwin"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def stopped(curses: FakeCurses, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was on the terminal each time that the program would have stopped."""
    found: list[str] = []
    monkeypatch.setattr(signals, "suspend", lambda: found.append(shown(curses)))
    return found


def test_ctrl_z_stops_without_it_and_goes_on_with_it(
    stopped: list[str], curses: FakeCurses
) -> None:
    before = signal.getsignal(signal.SIGTSTP)
    with Splash([], TERM):
        for times in (1, 2):
            os.kill(os.getpid(), signal.SIGTSTP)
            assert stopped == [""] * times
            assert shown(curses) == "bwgraph"
    assert signal.getsignal(signal.SIGTSTP) is before


def test_ctrl_z_once_the_terminal_is_given_back_does_not_take_it_again(
    stopped: list[str], curses: FakeCurses
) -> None:
    # As at the question for a password.
    with Splash([], TERM):
        curses.endwin()
        os.kill(os.getpid(), signal.SIGTSTP)
        assert stopped == [""]
        assert shown(curses) == ""
    assert curses.calls == ["initscr", "endwin"]
