"""The whole program in a real terminal, without a tor: the demo, and strangers on a port."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import tiny_servers
from pty_driver import RMCUP, SMCUP, Program, bwgraph_argv, environment

from bwgraph.screen.keymap import ACTIONS, BINDINGS

DEMO = "demo: no tor"
BAR = re.compile(r"[▁▂▃▄▅▆▇█]")
PROMPT = "Password of the tor at"

IN_TIME = 15.0
"Seconds within which the user is told that there is no tor."


def altered(code: str, *arguments: str) -> list[str]:
    """How to run bwgraph with something in it changed first."""
    run = "import sys\nfrom bwgraph.__main__ import main\nsys.exit(main())"
    return [sys.executable, "-c", f"{code}\n{run}", *arguments]


def with_history(*arguments: str) -> list[str]:
    """How to run the demo with twenty minutes of traffic before it began.

    It is a little more every second, and a hundred times as much in one second of the last minute.
    """
    code = """
from bwgraph.system.clock import now
from bwgraph.model.events import Sample
from bwgraph.model.events import Connected
from bwgraph.tor.targets import Targets
original = Targets._instance
def instance(*arguments):
    made = original(*arguments)
    moment = now()
    made.handle(Connected(moment, "demo"))
    for second in range(1, 1201):
        read = (300 << 20) if second == 1160 else (2 << 20) + second
        made.handle(Sample(moment - 1200.5 + second, read, 1 << 20, 1.0))
    return made
Targets._instance = instance
"""
    return altered(code, "--demo", *arguments)


def is_raw(program: Program) -> bool:
    """Whether keys come at once and unseen, as the graph wants them."""
    return not program.modes()[3] & (termios.ICANON | termios.ECHO)


# While it is loaded.


def loading(path: Path, *arguments: str) -> list[str]:
    """How to run bwgraph so that it takes for ever to load, until there is such a file."""
    code = f"""
import sys, time
from pathlib import Path
class Slow:
    @staticmethod
    def find_spec(name, *_):
        while name == "bwgraph.cli.main" and not Path({str(path)!r}).exists():
            time.sleep(0.01)
sys.meta_path.insert(0, Slow)
"""
    return altered(code, *arguments)


def title(program: Program) -> None:
    """Wait for it; the rest of the screen is blank."""
    program.wait_for(re.compile(r"\Abwgraph\s*\Z"))
    assert is_raw(program)


def test_there_is_a_title_until_there_is_a_graph(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.resize(60, 20)
        (tmp_path / "go").touch()
        program.wait_for(DEMO)
        program.wait_until(lambda: len(program.display()[0]) == 60, "the whole width")
        assert program.display()[0].startswith("bwgraph  demo: ")  # and so it stays where it was
        assert program.raw.count(SMCUP) == 1
        assert program.fits()
        assert program.tells_of_mouse()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_a_key_that_was_too_early_counts(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.send("?q")
        (tmp_path / "go").touch()
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_c_at_the_title_ends_it_as_at_the_graph(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.send("\x03")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_at_the_title_ends_it_once_the_terminal_is_restored(
    number: int, tmp_path: Path
) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.signal(number)
        assert program.wait_exit() == -number
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_ctrl_z_at_the_title_stops_it_with_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.send("\x1a")
        assert program.wait_stopped() == signal.SIGTSTP
        assert program.on_normal_screen()
        program.fg()
        (tmp_path / "go").touch()
        program.wait_for(DEMO)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (7, 1), (5, 3)])
def test_the_title_has_room_in_the_smallest_of_windows(
    size: tuple[int, int], tmp_path: Path
) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo"), size=size) as program:
        program.wait_for(re.compile(rf"\A{'bwgraph'[: size[0]]}\s*\Z"))
        assert program.fits()
        program.signal(signal.SIGTERM)
        assert program.wait_exit() == -signal.SIGTERM
        assert program.on_normal_screen()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "usage: bwgraph [-h]"),
        (["--port", "70000"], "error: argument -p/--port: '70000' is not [HOST:]PORT"),
        (["--wait", "stray"], "error: unrecognized arguments: stray"),
        (["--demo", "--port", "9051"], "bwgraph: --demo needs no tor, and --port"),
    ],
)
def test_what_is_found_wrong_at_the_title_is_said_after_it(arguments: list[str], said: str) -> None:
    with Program(*arguments, size=(200, 40)) as program:
        assert program.wait_exit() == 2
        assert SMCUP in program.raw
        assert program.on_normal_screen()
        assert said in program.after_graph()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--no-such"], ["-p", "1", "-x"]])
def test_what_asks_for_no_graph_leaves_the_terminal_alone(arguments: list[str]) -> None:
    with Program(*arguments, size=(200, 40)) as program:
        program.wait_exit()
        assert b"\x1b[?" not in program.raw
        assert "bwgraph" in program.text()


def test_an_exception_at_the_title_shows_on_the_terminal_as_it_was() -> None:
    code = "import sys\nsys.modules['bwgraph.cli.main'] = None"
    with Program(argv=altered(code, "--demo")) as program:
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        assert "Traceback" in program.after_graph()


# What there is to see.


def test_demo_says_that_it_is_one_and_fills_the_window_with_graphs_and_rates() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(DEMO)
        rate = r"\d\.\d MiB/s"
        terse = r"\d\.\dM"
        said = (
            rf"{rate}  last 1 s: avg {terse} p95 {terse} peak {terse}"
            r"  \d\d % of BandwidthRate 20\.0 MiB/s$"
        )
        program.wait_for(re.compile(rf"^▼ download +{said}", re.MULTILINE))
        program.wait_for(re.compile(rf"^▲ upload +{said}", re.MULTILINE))
        lines = program.display()
        assert lines[0].startswith("bwgraph")
        assert len(lines[0]) == 100
        assert lines[-1].startswith("q quit")
        # To the right edge, where a time's tick may be.
        grounds = [line for line in lines if re.fullmatch(r" +0 └[─┬ ]+", line)]
        assert [len(line) for line in grounds] == [100, 100]
        assert program.fits()


def test_newest_second_is_a_bar_at_the_right_edge_and_moves_on() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(re.compile(r"0 └"))
        assert not BAR.search(program.text())
        program.wait_for(BAR)
        for bars in (1, 2):
            # Directly above the ground: as many full cells as seconds, at the right edge.
            program.wait_for(re.compile(rf"│[ ·]*█{{{bars}}}\n +0 └"))
            above = next(i for i, line in enumerate(program.display()) if " 0 └" in line) - 1
            assert len(program.display()[above]) == 100


def test_sample_is_shown_when_it_comes_whatever_was_drawn_just_before(tmp_path: Path) -> None:
    log = tmp_path / "sent"
    code = f"""
import time
from bwgraph.tor import demo
def traffic(second):
    with open({str(log)!r}, "a") as log:
        log.write(f"{{time.monotonic()}}\\n")
    return 1000, 1000
demo.demo_traffic.traffic = traffic
"""
    with Program(argv=altered(code, "--demo")) as program:
        lags = []
        for second in (1, 2):
            program.wait_for(f"last {second} s:")
            sent = float(log.read_text().split()[second])
            lags.append(time.monotonic() - sent)
            program.watch(sent + 0.8 - time.monotonic())
            program.send("\x0c")
        assert max(lags) < 0.4, lags


def test_ctrl_l_draws_over_what_others_wrote() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.scribble()
        program.send("\x0c")
        program.wait_for(DEMO)
        program.wait_gone("EE")


# Keys, one by one.

HEADER = r"\Abwgraph .*"
LAST_WORDS = BINDINGS[-1].help
"What the page of help ends with."


def readout(unit: str = "MiB") -> re.Pattern[str]:
    return re.compile(rf"^\d\d:\d\d:\d\d   ▼ [\d.]+ {unit}, mean [\d.]+ {unit}/s ", re.MULTILINE)


def mode_of(*words: str) -> re.Pattern[str]:
    """What stands at the right of the first heading about the scale."""
    return re.compile(rf"^▼ download .*  {' '.join(words)}$", re.MULTILINE)


KEYS: list[tuple[str, str, str | re.Pattern[str], str | re.Pattern[str]]] = [
    # The key, what the terminal sends, what is then on the screen, and what is then not on it.
    ("?", "?", LAST_WORDS, "▼ download"),
    ("h", "h", "▼ download", LAST_WORDS),
    ("?", "?", LAST_WORDS, "▼ download"),
    ("esc", "\x1b", "▼ download", LAST_WORDS),
    ("space", " ", re.compile(HEADER + "  (paused|1 s back)  "), "nothing"),
    ("p", "p", "1 s/column", re.compile(HEADER + "  (paused|\\d+ s back)  ")),
    ("-", "-", "5 s/column", "1 s/column"),
    ("wheel-down", "\x1b[<65;50;10M", "15 s/column", re.compile(HEADER + " 5 s/column")),
    ("+", "+", re.compile(HEADER + " 5 s/column"), "15 s/column"),
    ("=", "=", re.compile(HEADER + " 1 s/column"), "5 s/column"),
    ("-", "-", "5 s/column", "1 s/column"),
    ("wheel-up", "\x1b[<64;50;10M", re.compile(HEADER + " 1 s/column"), "5 s/column"),
    ("left", "\x1bOD", re.compile(HEADER + r"  1[2-4] s back  "), "nothing"),
    ("pgup", "\x1b[5~", re.compile(HEADER + r"  9[7-9] s back  |10[0-2] s back"), "nothing"),
    ("right", "\x1bOC", re.compile(HEADER + r"  (8[4-9]|90) s back  "), "nothing"),
    ("pgdn", "\x1b[6~", re.compile(HEADER + r" 1 s/column  "), " back  "),
    ("home", "\x1bOH", re.compile(HEADER + r"  18 min \d+ s back  "), "nothing"),
    ("end", "\x1bOF", re.compile(HEADER + r" 1 s/column  "), " back  "),
    ("<", "<", readout(), "q quit"),
    (",", ",", readout(), "q quit"),
    (">", ">", readout(), "q quit"),
    (".", ".", readout(), "q quit"),
    ("esc", "\x1b", "q quit", readout()),
    ("m", "m", re.compile(r"^▼ download .* ▲ upload", re.MULTILINE), "nothing"),
    ("m", "m", re.compile(r"^ +0 ├", re.MULTILINE), re.compile("▼ download .* ▲ upload")),
    ("m", "m", re.compile(r"^ +0 └(.|\n)*^ +0 └", re.MULTILINE), "├"),
    ("u", "u", re.compile(r"^▼ download .* [\d.]+ Mbit/s", re.MULTILINE), "MiB/s"),
    ("u", "u", re.compile(r"^▼ download .* [\d.]+ MiB/s", re.MULTILINE), "Mbit/s"),
    ("g", "g", re.compile("[\u2801-\u28ff]"), BAR),
    ("g", "g", re.compile("^v download(.|\\n)*##", re.MULTILINE), "▼"),
    ("g", "g", BAR, "##"),
    ("l", "l", mode_of("log"), "nothing"),
    ("e", "e", mode_of("log", "shared"), "nothing"),
    ("l", "l", mode_of("shared"), "log "),
    ("e", "e", "▼ download", mode_of(".*shared")),
    ("[", "[", mode_of("pinned"), "500 MiB/s ┤"),
    ("]", "]", re.compile("^ *500 MiB/s ┤", re.MULTILINE), "nothing"),
    ("b", "b", mode_of("cut at p99"), "500 MiB/s ┤"),
    ("a", "a", re.compile("^ *500 MiB/s ┤", re.MULTILINE), "cut at p99"),
    ("s", "s", re.compile(r"^saved bwgraph-[\d-]+\.svg$", re.MULTILINE), "q quit"),
    # These have their own tests: there is nothing to see of them here.
    *(
        (key, sent, "▼ download", "nothing")
        for key, sent in (
            *(("r", "r"), ("tab", "\t"), ("shift-tab", "\x1b[Z"), ("enter", "\r"), ("o", "o")),
            *(("up", "\x1bOA"), ("down", "\x1bOB"), ("k", "k"), ("j", "j")),
            *((digit, digit) for digit in "0123456789"),
        )
    ),
    ("^L", "\x0c", "▼ download", "nothing"),
]


def test_every_key_does_on_the_screen_what_the_help_says_of_it(tmp_path: Path) -> None:
    # The two that end it have tests of their own.
    assert {key for key, *_ in KEYS} == ACTIONS.keys() - {"q", "^C"}
    with Program(argv=with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for(re.compile(r"^ *500 MiB/s ┤", re.MULTILINE))
        for key, sent, there, gone in KEYS:
            pattern = re.compile(re.escape(gone)) if isinstance(gone, str) else gone
            program.send(sent)
            program.wait_for(there)
            program.wait_until(
                lambda p=pattern: not p.search(program.text()),  # type: ignore[misc]
                f"{pattern.pattern!r} gone after {key}",
            )
            assert program.fits(), key
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


UNKNOWN = {
    "letters": "QxyzZ09;:",
    "up and down": "\x1bOA\x1bOB",
    "enter, tab, backspace": "\r\t\x7f\x1b[Z",
    "function keys": "\x1bOP\x1b[15~\x1b[24~\x1b[2~\x1b[3~",
    "with ctrl and shift": "\x1b[1;5D\x1b[1;2C\x1b[1;3H\x1b[5;5~",
    "that terminfo does not have": "\x1b[25~\x1b[57441u\x1b[I\x1b[O\x1b[200~\x1b[201~",
    "not ASCII": "äß東🧅",
    "controls": "\x01\x02\x0e\x17",
    "other buttons": "\x1b[<2;50;10M\x1b[<2;50;10m\x1b[<1;50;10M\x1b[<35;50;10M\x1b[<0;50;10m",
}


def test_unknown_keys_do_nothing(tmp_path: Path) -> None:
    with Program(argv=with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        for name, keys in UNKNOWN.items():
            program.send(keys)
            # What is sent after it is answered after it.
            program.send("u")
            program.wait_for("Mbit/s")
            text = program.text()
            program.send("u")
            program.wait_gone("Mbit/s")
            for word in ("pinned", "shared", "p99", "back", "paused", "mean ", "saved"):
                assert word not in text, (name, word)
            assert not mode_of("log").search(text), name
            assert "q quit" in text, name
            assert "1 s/column" in text, name
        assert list(tmp_path.iterdir()) == []
        program.send("q")
        assert program.wait_exit() == 0


def clicked(x: int, y: int, term: str) -> bytes:
    """What such a terminal sends when its first button is pressed and let go on a cell."""
    if term.startswith("xterm"):  # SGR
        return b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (x + 1, y + 1, x + 1, y + 1)
    there = bytes((33 + x, 33 + y))
    return b"\x1b[M " + there + b"\x1b[M#" + there


@pytest.mark.parametrize("term", ["xterm-256color", "xterm", "screen-256color"])
def test_a_click_reads_the_column_under_it(term: str) -> None:
    with Program(argv=with_history(), environ=environment(TERM=term), size=(110, 32)) as program:
        program.wait_for("q quit")
        assert program.tells_of_mouse()
        program.send(" ")  # so that the column stays where it is
        program.wait_for(re.compile(HEADER + " (paused|back)"))
        times: list[int] = []

        def read() -> int | None:
            seen = re.search(r"^(\d\d):(\d\d):(\d\d)   ▼", program.text(), re.MULTILINE)
            if seen is None:
                return None
            hours, minutes, seconds = map(int, seen.groups())
            return 3600 * hours + 60 * minutes + seconds

        for x in (109, 49):
            program.send(clicked(x, 5, term))
            cursor = re.compile(rf"^[^\n]{{{x}}}[┴┊]", re.MULTILINE)
            program.wait_for(cursor)
            program.wait_until(lambda: read() not in {None, *times}, "another column read")
            times.append(read() or 0)
        assert (times[0] - times[1]) % 86_400 == 60
        program.send("\x1b")
        program.wait_for("q quit")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_a_click_far_at_the_right_is_where_it_was() -> None:
    with Program(argv=with_history(), size=(300, 40)) as program:
        program.wait_for("q quit")
        program.send(clicked(290, 3, "xterm"))
        program.wait_for(readout())
        program.wait_until(lambda: program.display()[5][285:292].strip("┈ ") != "", "a cursor")


def test_s_writes_a_picture_where_it_was_started_and_names_it(tmp_path: Path) -> None:
    with Program(argv=with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        program.send("s")
        name = program.wait_for(re.compile(r"^saved (bwgraph-\S+\.svg)$", re.MULTILINE))[1]
        assert [path.name for path in tmp_path.iterdir()] == [name]
        picture = tmp_path / name
        assert picture.stat().st_mode & 0o777 == 0o600
        text = "".join(ET.parse(picture).getroot().itertext())
        assert "download" in text
        assert "saved" not in text


def test_where_no_picture_can_be_written_it_says_so_and_goes_on(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with Program("--demo", cwd=gone) as program:
        program.wait_for("q quit")
        gone.rmdir()
        program.send("s")
        program.wait_for("no picture: No such file or directory")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


# Ways out.


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_key_ends_it_with_0_and_the_terminal_as_it_was(key: str) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        assert is_raw(program)
        assert program.tells_of_mouse()
        assert not program.on_normal_screen()
        program.send(key)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_q_ends_it_at_once_even_while_a_server_keeps_it_waiting() -> None:
    with (
        tiny_servers.listening(tiny_servers.silent) as port,
        Program("--port", str(port)) as program,
    ):
        program.wait_for(f"connecting to 127.0.0.1:{port}")
        began = time.monotonic()
        program.send("q")
        assert program.wait_exit() == 0
        assert time.monotonic() - began < 3.0
        assert program.on_normal_screen()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_it_by_that_signal_once_the_terminal_is_restored(number: int) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(number)
        assert program.wait_exit() == -number
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_sigint_from_elsewhere_ends_it_as_ctrl_c_does() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGINT)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_sigterm_to_a_stopped_program_is_obeyed_when_it_goes_on() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.signal(signal.SIGTERM)
        program.fg()
        assert program.wait_exit() == -signal.SIGTERM
        assert program.on_normal_screen()


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["told", "not-told"])
def test_terminal_going_away_ends_it(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.hang_up()
        # Because it noticed by itself, or by the signal, whichever comes first.
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})
        with pytest.raises(ProcessLookupError):
            os.killpg(program.pid, 0)


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["told", "not-told"])
def test_terminal_going_away_ends_a_stopped_program(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.hang_up()
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_exception_in_the_main_loop_restores_the_terminal_before_it_shows(calls: int) -> None:
    code = f"""
import itertools
from bwgraph.terminal import loop as app
original, calls = app.compose, itertools.count()
def compose(*arguments):
    if next(calls) >= {calls}:
        raise RuntimeError("the compositor is unwell")
    return original(*arguments)
app.compose = compose
"""
    with Program(argv=altered(code, "--demo")) as program:
        for _ in range(calls):
            program.wait_for("bwgraph")
            program.send("\x0c")  # each one is drawn for
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        assert SMCUP in program.raw
        assert program.after_graph().rstrip().endswith("RuntimeError: the compositor is unwell")


# Exceptions where nobody is looking.

THREAD = """
import threading
from bwgraph.terminal import loop as app
class Loop(app.Loop):
    def run(self):
        threading.Thread(target=self.fail, name="a worker").start()
        return super().run()
    def fail(self):
        raise RuntimeError("it is unwell")
app.Loop = Loop
"""

LINK = """
from bwgraph.tor.supervisor import TorSource
def fail(*_):
    raise RuntimeError("it is unwell")
TorSource._watch = fail
"""

LISTENER = """
from bwgraph.tor.counters import CounterCheck
def add(self, sample):
    raise RuntimeError("it is unwell")
CounterCheck.add = add
"""

NOTIFIER = """
from bwgraph.tor import stem_adapter as controller
def wait(self, timeout=None):
    raise RuntimeError("it is unwell")
controller.UntimedEvent.wait = wait
"""


@pytest.mark.parametrize(
    "code",
    [THREAD, LINK, LISTENER, NOTIFIER],
    ids=["a-thread", "the-links-worker", "the-listener", "stems-notifier"],
)
def test_exception_in_a_thread_shows_while_it_runs_and_is_told_at_the_end(code: str) -> None:
    with Program(argv=altered(code, "--demo")) as program:
        program.wait_for("it is unwell")
        assert program.display()[0].startswith("bwgraph")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert "it is unwell" in program.after_graph()
        assert "Traceback" not in program.after_graph()


# Stopping and going on.


def test_ctrl_z_stops_it_with_the_terminal_as_it_was_and_fg_draws_afresh() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        program.send("\x1a")
        assert program.wait_stopped() == signal.SIGTSTP
        assert program.on_normal_screen()
        program.resize(90, 20)
        program.scribble()
        written = len(program.raw)
        program.fg()
        program.wait_for(re.compile(r"^bwgraph.*\d$", re.MULTILINE))
        program.wait_gone("EE")
        assert SMCUP in program.raw[written:]
        assert len(program.display()[0]) == 90
        program.wait_until(lambda: program.display()[-1].startswith("q quit"), "the last line")
        assert program.fits()
        assert is_raw(program)
        assert program.tells_of_mouse()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_z_works_again_and_again() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        for _ in range(3):
            program.send("\x1a")
            assert program.wait_stopped() == signal.SIGTSTP
            assert program.on_normal_screen()
            program.scribble()
            program.fg()
            program.wait_for(DEMO)
            program.wait_gone("EE")
            assert is_raw(program)


def test_in_the_background_it_stays_stopped_and_leaves_the_terminal_alone() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.watch(0.0)
        written = len(program.raw)
        program.bg()
        assert program.wait_stopped() == signal.SIGTTOU
        assert program.raw[written:] == b""
        assert program.on_normal_screen()
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_after_sigstop_and_sigcont_it_takes_the_terminal_again_and_draws_afresh() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGSTOP)
        assert program.wait_stopped() == signal.SIGSTOP
        # What a shell does when its job stops.
        program.set_modes(program.modes_before)
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        assert is_raw(program)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


# Sizes.

SIZES = (
    *((300, 100), (100, 24), (80, 24), (37, 11), (36, 10), (35, 9), (21, 7), (13, 4), (9, 3)),
    *((5, 2), (4, 1), (1, 1), (2, 1), (1, 2), (1, 40), (3, 3), (300, 1), (40, 1), (2, 100)),
    *((13, 1), (100, 2), (7, 5), (80, 24), (300, 100)),
)


def is_whole_picture(lines: list[str], columns: int, rows: int) -> bool:
    """Whether these lines show both directions, as far as there is room for them."""
    if rows == 1:
        rate = r"\d+(\.\d)?( [KMG]iB/s|[KMG])" if columns >= 5 else ""
        both = rf"▼ ?{rate} +▲ ?{rate}" if columns >= 13 else rf"▼?{rate}( {rate})?"
        return bool(re.fullmatch(both, lines[0]))
    # Side by side they are in one line.
    parts = [part for line in lines for part in re.split(r"(?=▲)", line) if line[:1] in "▼▲"]
    headings = [part for part in parts if part.startswith(("▼", "▲"))]
    if columns >= 6:
        headings = [line for line in headings if re.match(r"[▼▲] ?[a-z]* *\d", line)]
    header = not lines[0].startswith("bwgraph") or re.search(r"\d\d:\d\d:\d\d$", lines[0])
    return bool(len(headings) == 2 and header and (columns < 100 or rows < 24 or lines[-1]))


def test_resized_through_odd_sizes_it_lives_and_the_picture_fits() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        for columns, rows in SIZES:
            program.resize(columns, rows)
            program.wait_until(
                lambda c=columns, r=rows: is_whole_picture(program.display(), c, r),  # type: ignore[misc]
                f"a picture that fills {columns}x{rows}",
            )
            assert program.fits(), f"{columns}x{rows}"
        assert len(program.display()[0]) == 300
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_resized_faster_than_it_can_draw_it_ends_in_the_last_size() -> None:
    sizes = random.Random(1)
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        for _ in range(60):
            program.resize(sizes.randint(1, 300), sizes.randint(1, 100))
            program.watch(sizes.choice((0.0, 0.0, 0.005)))
        program.resize(91, 23)
        program.wait_until(
            lambda: len(program.display()[0]) == 91 and is_whole_picture(program.display(), 91, 23),
            "a picture that fills 91x23",
        )
        assert program.fits()


SHRINKING = ((300, 100), (110, 32), (80, 24), (40, 12), (20, 6), (8, 3), (5, 2), (1, 1), (1, 9))

WAYS_TO_LOOK: dict[str, tuple[str, str | re.Pattern[str]]] = {
    "help": ("?", LAST_WORDS),
    "paused": (" ", re.compile("paused|back")),
    "scrolled": ("\x1b[5~", "back"),
    "read": ("<", "mean"),
    "mirrored": ("mm", "├"),
    "side by side": ("m", re.compile("▼ download .* ▲ upload")),
    "braille": ("g", re.compile("[\u2801-\u28ff]")),
    "ascii": ("gg", "v download"),
    "log, pinned, shared, in bits, by the minute": ("l[eu---", "pinned"),
    "saved": ("s", "saved"),
}


@pytest.mark.parametrize("name", WAYS_TO_LOOK)
def test_resized_whatever_is_looked_at_it_fits_and_is_there_again(
    name: str, tmp_path: Path
) -> None:
    keys, there = WAYS_TO_LOOK[name]
    with Program(argv=with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        program.send(keys)
        program.wait_for(there)
        for columns, rows in (*SHRINKING, *SHRINKING[-2::-1]):
            program.resize(columns, rows)
            # What was on its way to the other size when that changed may not have fitted.
            program.wait_until(
                lambda: program.display()[0] and program.fits(),
                f"a picture that fits {columns}x{rows}",
            )
        if name != "saved":  # that goes away by itself
            program.resize(110, 32)
            program.wait_for(there)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 3), (20, 6)], ids=str)
def test_no_key_ends_it_in_the_smallest_of_windows(size: tuple[int, int], tmp_path: Path) -> None:
    with Program(argv=with_history(), size=size, cwd=tmp_path) as program:
        program.wait_until(lambda: program.display()[0], "a first line")
        for _, sent, _, _ in KEYS:
            program.send(sent)
        program.send(clicked(0, 0, "xterm"))
        program.send("u")
        # The notice of the picture, and the help, are left behind.
        program.resize(110, 32)
        program.wait_for("bit/s")
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (300, 100)])
def test_started_in_a_window_of_any_size_it_draws(size: tuple[int, int]) -> None:
    with Program("--demo", size=size) as program:
        program.wait_until(
            lambda: program.display()[0].startswith("▼" if size == (1, 1) else "bwgraph"),
            "a first line",
        )
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0


# Terminals and locales.


def assert_wrong_use(code: int, output: str, because: str) -> None:
    assert code == 2
    assert output.startswith("bwgraph: ")
    assert because in output
    assert output.count("\n") == 1
    assert "\x1b" not in output


@pytest.mark.parametrize("stream", ["input", "output"])
def test_without_a_terminal_on_one_side_it_says_so_and_writes_no_escapes(stream: str) -> None:
    master, slave = os.openpty()
    try:
        ended = subprocess.run(
            bwgraph_argv("--demo"),
            stdin=subprocess.DEVNULL if stream == "input" else slave,
            stdout=subprocess.PIPE if stream == "output" else slave,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
            timeout=20,
            check=False,
        )
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    assert not ended.stdout
    assert_wrong_use(ended.returncode, ended.stderr.decode(), f"standard {stream} is not")


@pytest.mark.parametrize(("redirection", "stream"), [("<&-", "input"), (">&-", "output")])
def test_with_a_closed_stream_it_says_so(redirection: str, stream: str) -> None:
    argv = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *bwgraph_argv("--demo")]
    with Program(argv=argv) as program:
        code = program.wait_exit()
        written = program.raw.decode().replace("\r", "")
        assert_wrong_use(code, written, f"standard {stream} is not a terminal")


@pytest.mark.parametrize("term", [None, "", "dumb", "never-heard-of"])
def test_with_a_terminal_that_cannot_show_a_graph_it_says_so(term: str | None) -> None:
    with Program("--demo", environ=environment(TERM=term)) as program:
        code = program.wait_exit()
        assert_wrong_use(code, program.raw.decode().replace("\r", ""), "TERM is")
        assert (term or "not set") in program.text()
        assert program.on_normal_screen()


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": None}, {"LC_ALL": None, "LANG": "C"}, {"LC_ALL": "POSIX"}],
    ids=["C", "none", "LANG=C", "POSIX"],
)
def test_where_the_locale_is_not_utf8_every_byte_is_ascii(locale: dict[str, str | None]) -> None:
    with Program("--demo", environ=environment(**locale)) as program:
        program.wait_for("v download")
        if locale.get("LC_ALL") == "C":  # once is enough: it takes a second
            program.wait_for(re.compile(r"#\n +0 \+"))
        program.send("q")
        assert program.wait_exit() == 0
        assert program.raw.isascii()
        assert b"\x0e" not in program.raw, "it changed to the line drawing character set"


def test_where_the_locale_is_c_every_byte_is_ascii_whatever_the_keys(tmp_path: Path) -> None:
    with Program(
        argv=with_history(), environ=environment(LC_ALL="C"), size=(110, 32), cwd=tmp_path
    ) as program:
        program.wait_for("v download")
        for key, sent, _, _ in KEYS:
            if key != "esc":  # to be told from what follows it takes a while
                program.send(sent)
        program.wait_for("blocks, braille, ASCII")
        program.send("?")
        for arrangement in ("|", "^ upload", "v download"):
            program.send("m<g")
            program.wait_for(arrangement)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.raw.isascii()
        assert b"\x0e" not in program.raw, "it changed to the line drawing character set"


COLOUR = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:3\d|4\d|9[0-7]|10[0-7])(?:[;:][\d;:]*)?m")


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [((), {"NO_COLOR": "1"}), (("--color", "never"), {}), (("--color=auto",), {"NO_COLOR": "1"})],
    ids=["NO_COLOR", "never", "NO_COLOR and auto"],
)
def test_where_none_is_wanted_there_is_no_colour_whatever_the_keys(
    arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    argv = with_history(*arguments)
    with Program(argv=argv, environ=environment(**environ), size=(110, 32)) as program:
        program.wait_for("BandwidthRate")
        program.send("l")
        program.wait_for("limit")
        for keys, there in (("mm", "├"), ("g", "⣿"), ("<", "mean"), ("?", "keys;")):
            program.send(keys)
            program.wait_for(there)
        program.send("q")
        assert program.wait_exit() == 0
        assert COLOUR.search(program.raw) is None


def test_with_an_empty_no_color_there_is_colour_on_the_terminals_own_background() -> None:
    background = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:4[0-8]|10[0-7])(?:[;:][\d;:]*)?m")
    with Program("--demo", environ=environment(NO_COLOR="")) as program:
        program.wait_for(BAR)
        program.wait_until(lambda: COLOUR.search(program.raw), "a colour")
        assert background.search(program.raw) is None


@pytest.mark.parametrize(
    ("term", "sequences"),
    [
        ("xterm-256color", [b"38;5;33", b"38;5;166"]),
        ("xterm", [b"36", b"35"]),
        ("vt100", []),
    ],
)
def test_colours_are_those_that_the_terminal_has(term: str, sequences: list[bytes]) -> None:
    with Program(argv=with_history(), environ=environment(TERM=term), size=(110, 32)) as program:
        program.wait_for("▲ upload")
        program.wait_for("q quit")
        for sequence in sequences:
            assert re.search(rb"\x1b\[(?:[\d;]*;)?" + sequence + rb"m", program.raw), sequence
        if not sequences:
            assert COLOUR.search(program.raw) is None
        program.send("q")
        assert program.wait_exit() == 0
        assert not program.tells_of_mouse()


# Without a screen.


def piped(
    *arguments: str, cwd: Path | str = "/", **changes: str | None
) -> subprocess.CompletedProcess[bytes]:
    """Run it with nothing but pipes."""
    return subprocess.run(
        bwgraph_argv(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(**changes),
        cwd=cwd,
        timeout=30,
        check=False,
    )


def test_once_in_a_pipe_is_a_frame_of_plain_text() -> None:
    ended = piped("--demo", "--once", TERM=None)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"\x1b" not in ended.stdout
    lines = ended.stdout.decode().splitlines()
    assert lines[0].startswith(f"bwgraph  {DEMO}")
    assert re.match(r"▼ download +[\d.]+ MiB/s  last 1 s: ", lines[1])
    assert any(re.match(r"▲ upload +[\d.]+ MiB/s  last 1 s: ", line) for line in lines)
    assert BAR.search(ended.stdout.decode())
    assert len(lines) <= 24
    assert max(map(len, lines)) == 80


def test_once_in_a_pipe_is_ascii_where_the_locale_is_c() -> None:
    ended = piped("--demo", "--once", LC_ALL="C", COLUMNS="40", LINES="12")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.isascii()
    lines = ended.stdout.decode().splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 40


def test_once_and_svg_are_the_same_frame(tmp_path: Path) -> None:
    ended = piped("--demo", "--once", "--svg", "a.svg", cwd=tmp_path, COLUMNS="60", LINES="20")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
    text = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    for line in ended.stdout.decode().splitlines()[:2]:
        for word in re.findall("[a-zA-Z]{4,}", line):
            assert word in text


@pytest.mark.parametrize(
    ("arguments", "redirection", "code", "said"),
    [
        (("--once",), "| exec true", 128 + signal.SIGPIPE, ""),
        (("--once",), ">/dev/full", 1, "bwgraph: standard output: No space left on device\n"),
        (("--json",), ">/dev/full", 1, "bwgraph: standard output: No space left on device\n"),
        (("--svg", "/dev/full"), "", 1, "bwgraph: /dev/full: No space left on device\n"),
        (("--once",), ">&-", 0, ""),
    ],
    ids=str,
)
def test_where_nothing_can_be_written_it_is_said_in_a_line(
    arguments: tuple[str, ...], redirection: str, code: int, said: str, tmp_path: Path
) -> None:
    run = f'{{ "$@"; echo "$?" >code; }} {redirection}'
    ended = subprocess.run(
        ["/bin/sh", "-c", run, "sh", *bwgraph_argv("--demo", *arguments)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert ended.stderr.decode() == said
    assert (tmp_path / "code").read_text() == f"{code}\n"


def test_a_bad_file_of_settings_is_said_on_the_terminal_as_it_was(tmp_path: Path) -> None:
    config = tmp_path / "bwgraph" / "config.toml"
    config.parent.mkdir()
    config.write_text('units = "bits"\nglyphs = "runes"\n')
    environ = environment(XDG_CONFIG_HOME=str(tmp_path))
    with Program("--demo", environ=environ, size=(300, 24)) as program:
        assert program.wait_exit() == 2
        assert program.after_graph().startswith(f"bwgraph: {config}, line 2: ")
        assert program.on_normal_screen()
    config.write_text('units = "bits"\n')
    with Program("--demo", environ=environ) as program:
        program.wait_for(re.compile(r"▼ download +[\d.]+ Mbit/s"))


# No tor.


def listened_to(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def test_where_there_is_no_tor_each_place_tried_is_told() -> None:
    sockets = ("/run/tor/control", "/var/run/tor/control")
    there = [path for path in sockets if Path(path).exists()]
    there += [str(path) for path in Path("/run").glob("tor-instances/*/control")]
    there += [f"127.0.0.1:{port}" for port in (9051, 9151) if listened_to(port)]
    if there:
        pytest.skip(f"this machine has something that may be a tor: {', '.join(there)}")
    port = tiny_servers.closed_port()
    environ = environment(TOR_CONTROL_IPC_PATH="/nonexistent/control", TOR_CONTROL_PORT=str(port))
    with Program(environ=environ) as program:
        assert program.wait_exit(IN_TIME) == 1
        assert program.on_normal_screen()
        said = program.after_graph()
    for place in ("/nonexistent/control", *sockets):
        assert re.search(rf"^ +{place} +no such socket$", said, re.MULTILINE), said
    for number in (port, 9051, 9151):
        assert re.search(rf"^ +127\.0\.0\.1:{number} +connection refused$", said, re.MULTILINE)
    assert "ControlPort 9051" in said
    assert "Traceback" not in said


STRANGERS: dict[str, tuple[tiny_servers.Serve | None, str]] = {
    "closed": (None, "connection refused"),
    "ssh": (tiny_servers.ssh, "it says 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"),
    "web": (tiny_servers.web, "it says 'HTTP/1.1 400 Bad Request'"),
    "socks": (tiny_servers.socks, "this is tor's SocksPort"),
    "closing": (tiny_servers.closing, "it closed the connection"),
    "flooding": (tiny_servers.flooding, "a line without an end"),
    "silent": (tiny_servers.silent, "silent for 4 s"),
    "dripping": (tiny_servers.dripping, "no connection within 9 s"),
}
"What each of them is, and what bwgraph says of it."


@pytest.fixture(scope="module", autouse=True)
def among_strangers() -> Iterator[dict[str, tuple[Program, int, float]]]:
    """A bwgraph for each stranger, its port, and when it began.

    They run while the other tests do: some take as long as anyone may.
    """
    with ExitStack() as stack:
        programs = {}
        for name, (serve, _) in STRANGERS.items():
            port = tiny_servers.closed_port()
            if serve is not None:
                port = stack.enter_context(tiny_servers.listening(serve))
            began = time.monotonic()
            program = stack.enter_context(Program("--port", str(port)))
            programs[name] = (program, port, began)
        yield programs


@pytest.mark.parametrize("name", STRANGERS)
def test_who_is_no_tor_is_told_in_time_and_plainly(
    among_strangers: dict[str, tuple[Program, int, float]], name: str
) -> None:
    program, port, began = among_strangers[name]
    assert program.wait_exit() == 1
    assert program.ended - began < IN_TIME
    assert program.on_normal_screen()
    said = program.after_graph()
    assert said.strip().startswith(f"bwgraph: 127.0.0.1:{port}: ")
    assert STRANGERS[name][1] in said
    assert "Traceback" not in said


def without_privilege() -> list[str]:
    """What to put before a command so that permissions hold for it, even when root runs this."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    drop = ["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    command = [setpriv or "", *drop, "--"]
    if setpriv is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("root may read everything, and setpriv is not there to change that")
    return command


def test_cookie_that_may_not_be_read_is_named_with_the_cure(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(b"x" * 32)
    cookie.chmod(0o040)
    with tiny_servers.listening(tiny_servers.cookie_tor(str(cookie))) as port:
        argv = [*without_privilege(), *bwgraph_argv("--port", str(port))]
        with Program(argv=argv, size=(200, 24)) as program:
            assert program.wait_exit() == 1
            assert program.on_normal_screen()
            said = program.after_graph()
    assert f"127.0.0.1:{port}: cookie {cookie}: permission denied" in said
    assert "run bwgraph as" in said or "sudo usermod -aG" in said
    assert "Traceback" not in said


# Passwords.

SECRET = 'quo"te back\\slash pä€ß'


@pytest.fixture
def port() -> Iterator[int]:
    """Where a tor listens that wants SECRET."""
    with tiny_servers.listening(tiny_servers.password_tor(SECRET.encode())) as port:
        yield port


def test_password_is_asked_for_on_the_normal_screen_unseen_and_opens_the_graph(port: int) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(f"{PROMPT} 127.0.0.1:{port}:")
        assert program.raw.count(SMCUP) == program.raw.count(RMCUP)
        assert not program.modes()[3] & termios.ECHO
        program.send(f"{SECRET}\r")
        program.wait_for("tor 0.4.9.11")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert SECRET.encode() not in program.raw


@pytest.mark.parametrize("how", ["typed", "environment", "file"])
def test_wrong_password_is_told_plainly_and_never_repeated(
    port: int, how: str, tmp_path: Path
) -> None:
    wrong = "wide of the mark"
    (tmp_path / "password").write_text(wrong)
    arguments = ["--password-file", str(tmp_path / "password")] if how == "file" else []
    environ = environment(TOR_CONTROL_PASSWD=wrong if how == "environment" else None)
    with Program("--port", str(port), *arguments, environ=environ) as program:
        if how == "typed":
            program.wait_for(PROMPT)
            program.send(f"{wrong}\r")
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        said = program.after_graph()
        assert f"bwgraph: 127.0.0.1:{port}: tor did not accept the password" in said
        assert "Traceback" not in said
        assert wrong.encode() not in program.raw


def leave_by_ctrl_c(program: Program) -> int:
    program.send("\x03")
    return 0


def leave_by_ctrl_d(program: Program) -> int:
    program.send("\x04")
    return 1


def leave_by_sigterm(program: Program) -> int:
    program.signal(signal.SIGTERM)
    return -signal.SIGTERM


@pytest.mark.parametrize("leave", [leave_by_ctrl_c, leave_by_ctrl_d, leave_by_sigterm])
def test_leaving_at_the_password_prompt_restores_the_terminal(
    port: int, leave: Callable[[Program], int]
) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(PROMPT)
        expected = leave(program)
        assert program.wait_exit() == expected
        assert program.on_normal_screen()
        assert "Traceback" not in program.text()
