"""Arguments, messages and exit codes; what needs no terminal of them."""

import getpass
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

import pytest

import bwgraph
from bwgraph.cli import arguments, main
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Problem, Refused, Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output import lines as lines_module
from bwgraph.output import once, svg_file
from bwgraph.output.event_queue import EventQueue
from bwgraph.recording import replay
from bwgraph.recording.format import Entry
from bwgraph.screen.keymap import BINDINGS
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE
from bwgraph.screen.units import BITS, BYTES
from bwgraph.screen.view import ALL_TORS, Arrangement, View
from bwgraph.system import signals, stdio, wakeup
from bwgraph.system.clock import Clock, now
from bwgraph.system.threads import run_with_timeout
from bwgraph.terminal import curses_terminal, loop, tty
from bwgraph.terminal.loop import LoopEnd
from bwgraph.tor import demo, targets, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint
from bwgraph.tor.supervisor import TorSource

Captured = pytest.CaptureFixture[str]

VARIABLES = (
    "TOR_CONTROL_IPC_PATH",
    "TOR_CONTROL_HOST",
    "TOR_CONTROL_PORT",
    "TOR_CONTROL_PASSWD",
    "TOR_CONTROL_COOKIE_AUTH_FILE",
    "NO_COLOR",
)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*VARIABLES, "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # Whatever runs on this machine.
    monkeypatch.setattr(transport, "is_listening", lambda _: False)
    monkeypatch.setattr(targets, "Path", partial(Path, tmp_path))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the file of settings is, in a directory that is there."""
    path = tmp_path / "config" / "bwgraph" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def said(arguments: list[str], capsys: Captured) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    try:
        code = main.main(arguments)
    except SystemExit as leaving:
        code = int(str(leaving.code))
    out, err = capsys.readouterr()
    return code, out, err


# Words


def test_help_is_for_people(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/me/.config")
    code, out, err = said(["--help"], capsys)
    assert (code, err) == (0, "")
    for option in (
        *("--port [NAME=][HOST:]PORT", "--socket [NAME=]PATH", "--wait"),
        *("--demo [SPEED]", "--password-file FILE"),
        *("--interval TIME", "1s, 5s, 15s, 1m, 5m, 15m, 1h, 6h, 1d", "--units {bytes,bits}"),
        *("--layout {auto,stacked,side-by-side,mirrored}", "--glyphs {auto,block,braille,ascii}"),
        *("--scale {linear,log}", "--ceiling RATE", "--color {auto,never}"),
        *("--store FILE", "--store-resolution TIME"),
        *("--prometheus [HOST:]PORT", "--print WHAT", "systemd-user", "onion-grater"),
        *("--json", "--csv", "--headless", "--once", "--svg FILE", "--duration TIME"),
        *("--replay FILE", "--speed SPEED", "--version"),
    ):
        assert option in out
    for variable in (name for name in VARIABLES if name != "TOR_CONTROL_IPC_PATH"):
        assert variable in out
    # The same table that keys are looked up in.
    for binding in BINDINGS:
        assert binding.hint in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 100


def test_help_says_where_the_settings_are(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    # A per cent sign means something to argparse.
    monkeypatch.setenv("XDG_CONFIG_HOME", "/a/100%s/here")
    assert "/a/100%s/here/bwgraph/config.toml" in said(["--help"], capsys)[1]


def test_every_flag_has_a_default_and_nothing_else_has() -> None:
    at_once = {"help", "version", "print"}
    flags = {action.dest for action in arguments.parser()._actions} - at_once
    assert flags == arguments.DEFAULTS.keys()
    names = {flag.replace("_", "-") for flag in flags}
    assert names | at_once >= arguments.NOT_LASTING


def test_version(capsys: Captured) -> None:
    assert said(["--version"], capsys) == (0, f"bwgraph {bwgraph.__version__}\n", "")


@pytest.mark.parametrize("work", [["--store", "x"], ["--prometheus", "9752"]])
def test_what_was_recorded_is_neither_stored_nor_told_as_the_present(
    work: list[str], capsys: Captured, tmp_path: Path
) -> None:
    code, out, err = said(["--replay", "y", *work], capsys)
    assert (code, out) == (2, "")
    assert err.startswith("bwgraph: --replay shows the past, and --store and --prometheus are for")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "99999"], "'99999' is not [HOST:]PORT"),
        (["--port", "0"], "'0' is not [HOST:]PORT"),
        (["--port", "::1:9051"], "'::1:9051' is not [HOST:]PORT"),
        (["--port", ""], "'' is not [HOST:]PORT"),
        (["--port"], "expected one argument"),
        (["--socket"], "expected one argument"),
        (["--port", "exit=99999"], "'99999' is not [HOST:]PORT"),
        (["--port", "exit="], "'exit=' is not [HOST:]PORT"),
        (["--port", "9051", "--port", "exit=tor"], "'tor' is not [HOST:]PORT"),
        (["--demo", "0"], "'0' is not a number from 1 to 3600"),
        (["--demo", "3601"], "'3601' is not a number from 1 to 3600"),
        (["--demo", "fast"], "'fast' is not a number from 1 to 3600"),
        (["--demo", "-1"], ""),
        (["--demo", "²"], "'²' is not a number from 1 to 3600"),
        (["--demo", "9" * 5000], ""),
        (["--interval", "7"], "'7' is not one of 1s, 5s, 15s, 1m, 5m, 15m, 1h, 6h, 1d"),
        (["-i", "soon"], "'soon' is not a length of time, such as 90s, 15m, 6h or 1d"),
        (["-i", ""], "'' is not a length of time"),
        (["-i", "\x1b[2J"], r"'\x1b[2J' is not a length of time"),
        (["--units", "nibbles"], "invalid choice: 'nibbles'"),
        (["--layout", "heap"], "invalid choice: 'heap'"),
        (["--glyphs", "runes"], "invalid choice: 'runes'"),
        (["--scale", "cubic"], "invalid choice: 'cubic'"),
        (["--color", "always"], "invalid choice: 'always'"),
        (["--ceiling", "plenty"], "'plenty' is not a rate, such as 20MiB, 500KiB or 100Mbit"),
        (["--ceiling", "0"], "must be at least 1 B/s, not '0'"),
        (["--ceiling", "-1"], ""),
        (["--ceiling"], "expected one argument"),
        *(
            (["--speed", speed], "is not a number from 1 to 3600")
            for speed in ("0", "3601", "²", "x")
        ),
        (["--replay"], "expected one argument"),
        (["--csv", "x"], "unrecognized arguments"),
        (["--duration", "for ever"], "'for ever' is not a length of time"),
        (["--svg"], "expected one argument"),
        (["--once", "yes"], "unrecognized arguments"),
        (["--nonsense"], "unrecognized arguments"),
        (["9051"], "unrecognized arguments"),
        (["--port", "\x1b[2J"], r"'\x1b[2J' is not [HOST:]PORT"),
    ],
)
def test_wrong_use_is_said_and_is_2(arguments: list[str], complaint: str, capsys: Captured) -> None:
    code, out, err = said(arguments, capsys)
    assert (code, out) == (2, "")
    assert complaint in err
    assert "usage: bwgraph" in err
    assert "Traceback" not in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--csv", "--once"], "--csv and --headless go on, and --once and --svg are a single look"),
        (["--headless", "--once"], "--csv and --headless go on, and --once and --svg"),
        (["--csv", "--svg", "x"], "--csv and --headless go on, and --once and --svg"),
        (["--json", "--svg", "x"], "--json goes on, and --svg is a single look"),
        (["--json", "--csv"], "--json, --csv and --headless are three ways"),
        (["--json", "--headless"], "--json, --csv and --headless are three ways"),
        (["--headless"], "--headless alone does nothing at all"),
        (["--duration", "1m"], "--duration is for what does without a screen"),
        (["--speed", "60"], "--speed goes with --replay"),
        (["--replay", "x"], "--replay needs no tor, and --port, --socket and --demo name one"),
        (["--port", "9051"], "--demo needs no tor, and --port and --socket name one"),
        (["--once", "--socket", "a=/x"], "--demo needs no tor, and --port and --socket name one"),
    ],
)
def test_flags_that_do_not_go_together_are_said_to_be(
    arguments: list[str], complaint: str, capsys: Captured, tmp_path: Path
) -> None:
    code, out, err = said(["--demo", *arguments], capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"bwgraph: {complaint}")
    assert err.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("arguments", [[], ["--demo"], ["--port", "9051"], ["--socket", "/x"]])
def test_without_a_terminal_it_is_2(arguments: list[str], capsys: Captured) -> None:
    # Under pytest neither input nor output is one.
    code, out, err = said(arguments, capsys)
    assert (code, out) == (2, "")
    assert err == "bwgraph: standard input is not a terminal\n"


def test_an_environment_that_makes_no_sense_is_2(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("TOR_CONTROL_PORT", "\x1b[31mninety")
    code, _, err = said([], capsys)
    assert code == 2
    assert err.startswith("bwgraph: TOR_CONTROL_HOST and TOR_CONTROL_PORT: ")
    assert "\x1b" not in err


def test_a_password_file_of_no_use_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(tty, "check", lambda _: None)
    path = tmp_path / "nowhere"
    code, out, err = said(["--password-file", str(path)], capsys)
    assert (code, out) == (1, "")
    assert err == (
        f"bwgraph: password file {path}: No such file or directory\n"
        "  name a file that you may read\n"
    )


def test_the_command_and_the_module_are_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bwgraph", "--demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr == b"bwgraph: standard input is not a terminal\n"


def test_without_any_stream_it_is_still_2() -> None:
    # As a daemon that was started without them.
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m bwgraph --demo <&- >&- 2>&-', sys.executable],
        timeout=30,
        check=False,
    )
    assert done.returncode == 2


# Messages


def complained(capsys: Captured, cause: str, cure: str = "") -> str:
    stdio.write_error(cause, cure)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_a_message_is_a_cause_and_a_cure(capsys: Captured) -> None:
    assert complained(capsys, "no tor", "start one\nor two") == (
        "bwgraph: no tor\n  start one\n  or two\n"
    )


def test_a_message_without_a_cure_is_a_line(capsys: Captured) -> None:
    assert complained(capsys, "no tor") == "bwgraph: no tor\n"


@pytest.mark.parametrize("cause", ["\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\u202egnp", "a\x00b\rc"])
def test_nothing_hostile_reaches_the_terminal(capsys: Captured, cause: str) -> None:
    text = complained(capsys, f"it says {cause!s}", cause)
    assert text.startswith("bwgraph: it says ")
    assert not set(text) & set("\x1b\x07\x9b\u202e\x00\r")
    assert all(char.isprintable() for line in text.splitlines() for char in line)


def test_nobody_left_to_read_it_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert stdio.write_error("no tor", code=1) == 1
    # And closing it, as Python does in the end, found nothing to complain of either.


# The way through, with the graph left out


class FakeScreen:
    """A terminal that is entered and left."""

    entered = 0
    options: tuple[bool, bool] = (False, False)

    def __init__(self, *, utf8: bool, color: bool) -> None:
        type(self).options = (utf8, color)

    def __enter__(self) -> Self:
        type(self).entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        type(self).entered -= 1


class Runs:
    """Stands in for ``app.run``: ends as the test says, and keeps what it was given."""

    def __init__(self) -> None:
        self.endings: list[LoopEnd] = []
        self.fleets: list[Fleet] = []
        self.instances: list[Instance] = []
        self.links: list[TorSource] = []
        "Of the first tor, each time."
        self.all_links: list[list[TorSource]] = []
        self.views: list[View] = []
        self.clocks: list[Clock] = []
        self.trouble: Problem | None = None

    def __call__(
        self,
        fleet: Fleet,
        sources: Mapping[Instance, Source],
        view: View,
        screen: FakeScreen,
        _: object,
        *,
        save_picture: object,
        clock: Clock,
    ) -> LoopEnd:
        assert screen.entered == 1
        self.clocks.append(clock)
        assert save_picture is svg_file.save_new
        assert tuple(sources) == fleet.instances
        links = [link for link in sources.values() if isinstance(link, TorSource)]
        self.fleets.append(fleet)
        self.instances.append(fleet.instances[0])
        self.links += links[:1]
        self.all_links.append(links)
        self.views.append(view)
        if self.trouble is not None:
            fleet.handle(fleet.instances[0], self.trouble)
        return self.endings.pop(0)

    @property
    def passwords(self) -> list[bytes | None]:
        return [link._credentials.password for link in self.links]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Let main through to the graph, and end that as the test says."""
    left_open: list[wakeup.Wakeup] = []

    class Watched(wakeup.Wakeup):
        def __init__(self) -> None:
            super().__init__()
            left_open.append(self)

    runs = Runs()
    monkeypatch.setattr(tty, "check", lambda _: None)
    monkeypatch.setattr(curses_terminal, "Terminal", FakeScreen)
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: True)
    monkeypatch.setattr(loop, "run", runs)
    monkeypatch.setattr(wakeup, "Wakeup", Watched)
    yield runs
    assert runs.endings == []
    for pipe in left_open:
        os.close(pipe._channel.writer)


def test_a_user_who_leaves_leaves_with_0_and_no_words(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd()]
    assert said(["--port", "9051"], capsys) == (0, "", "")
    assert runs.instances[0].name == "127.0.0.1:9051"
    assert runs.links[0]._endpoints == (ControlPort("127.0.0.1", 9051),)


def test_a_refusal_is_1_and_said_when_the_screen_is_left(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd(error=ExplainedError("no tor\x1b[2J", "start one"))]
    assert said([], capsys) == (1, "", "bwgraph: no tor?[2J\n  start one\n")
    assert FakeScreen.entered == 0


def test_a_terminal_gone_is_1(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd(hung_up=True)]
    assert said([], capsys) == (1, "", "bwgraph: the terminal went away\n")


def test_trouble_is_said_again_when_it_ends(runs: Runs, capsys: Captured) -> None:
    runs.trouble = Problem(1.0, "stem\x1b stumbled")
    runs.endings = [LoopEnd()]
    assert said([], capsys) == (0, "", "bwgraph: while it ran: stem? stumbled\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_as_it_would_have(
    runs: Runs, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    done: list[tuple[object, ...]] = []
    runs.endings = [LoopEnd(signal=number)]
    monkeypatch.setattr(os, "kill", lambda *what: done.append((FakeScreen.entered, *what)))
    real = signal.signal
    monkeypatch.setattr(
        signal, "signal", lambda n, h: done.append((n, h)) if h is signal.SIG_DFL else real(n, h)
    )
    said([], capsys)
    assert done[-2:] == [(number, signal.SIG_DFL), (0, os.getpid(), number)]


def test_the_demo_says_so_and_is_what_is_dialled(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd()]
    assert said(["--demo", "60"], capsys)[0] == 0
    assert "demo" in runs.instances[0].name
    dial = runs.links[0]._connect
    assert isinstance(dial.__self__, demo.DemoTor)  # type: ignore[attr-defined]
    assert dial.__self__._speed == 60  # type: ignore[attr-defined]


@pytest.mark.parametrize(("utf8", "glyphs"), [(True, BLOCK), (False, ASCII)])
def test_the_locale_chooses_the_glyphs(
    runs: Runs,
    utf8: bool,
    glyphs: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: utf8)
    runs.endings = [LoopEnd()]
    main.main([])
    assert runs.views[0].glyphs == glyphs
    assert runs.views[0].ascii_only is not utf8
    assert FakeScreen.options == (utf8, True)


@pytest.mark.parametrize(("value", "color"), [("1", False), ("", True)])
def test_no_color(runs: Runs, value: str, *, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # no-color.org: when present and not an empty string.
    monkeypatch.setenv("NO_COLOR", value)
    runs.endings = [LoopEnd()]
    main.main([])
    assert FakeScreen.options == (True, color)


@pytest.mark.parametrize(("value", "color"), [("never", False), ("auto", True)])
def test_color(runs: Runs, value: str, *, color: bool) -> None:
    runs.endings = [LoopEnd()]
    main.main(["--color", value])
    assert FakeScreen.options == (True, color)


# How it looks at first


def view(runs: Runs, *arguments: str) -> View:
    runs.endings = [LoopEnd()]
    assert main.main(arguments) == 0
    return runs.views.pop()


def test_without_a_word_the_view_is_the_plain_one(runs: Runs) -> None:
    assert view(runs) == View()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--interval", "15"], View(resolution=15)),
        (["-i", "15 s"], View(resolution=15)),
        (["-i", "60m"], View(resolution=3600)),
        (["-i", "1d"], View(resolution=86_400)),
        (["--units", "bits"], View(units=BITS)),
        (["-u", "bytes"], View(units=BYTES)),
        (["--layout", "auto"], View(arrangement=None)),
        (["--layout", "stacked"], View(arrangement=Arrangement.STACKED)),
        (["--layout", "side-by-side"], View(arrangement=Arrangement.SIDE_BY_SIDE)),
        (["--layout", "mirrored"], View(arrangement=Arrangement.MIRRORED)),
        (["--glyphs", "auto"], View(glyphs=BLOCK)),
        (["--glyphs", "block"], View(glyphs=BLOCK)),
        (["--glyphs", "braille"], View(glyphs=BRAILLE)),
        (["--glyphs", "ascii"], View(glyphs=ASCII)),
        (["--scale", "linear"], View()),
        (["--scale", "log"], View(logarithmic=True)),
        (["--ceiling", "20MiB"], View(ceiling=20 << 20)),
        (["--ceiling", "100Mbit"], View(ceiling=12_500_000)),
        (
            [*("-i", "5m", "-u", "bits", "--scale", "log", "--ceiling", "1M"), "--layout=mirrored"],
            View(
                units=BITS,
                resolution=300,
                logarithmic=True,
                ceiling=1 << 20,
                arrangement=Arrangement.MIRRORED,
            ),
        ),
    ],
    ids=str,
)
def test_flags_say_how_it_looks(runs: Runs, arguments: list[str], expected: View) -> None:
    assert view(runs, *arguments) == expected


def test_glyphs_that_the_terminal_cannot_show_are_not_shown_whatever_is_asked_for(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: False)
    assert view(runs, "--glyphs", "braille") == View(glyphs=ASCII, ascii_only=True)


# Several tors


def test_several_tors_are_shown_as_a_table_at_first(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd()]
    assert said(["-p", "9051", "-s", "exit=/x", "--port", "[::1]:9052"], capsys) == (0, "", "")
    [fleet] = runs.fleets
    assert [(each.name, each.label) for each in fleet.instances] == [
        ("127.0.0.1:9051", ""),
        ("/x", "exit"),
        ("[::1]:9052", ""),
    ]
    assert fleet.sum is not None
    assert runs.views == [View(subject=ALL_TORS)]
    # Each has its own link, which waits for it for as long as it takes.
    assert [link._endpoints for link in runs.all_links[0]] == [
        (ControlPort("127.0.0.1", 9051),),
        (ControlSocket("/x"),),
        (ControlPort("::1", 9052),),
    ]
    assert all(link._wait_forever for link in runs.all_links[0])


@pytest.mark.parametrize(
    ("arguments", "patient"),
    [(["-p", "1"], False), (["-p", "1", "--wait"], True), ([], False), (["--wait"], True)],
)
def test_one_tor_is_waited_for_where_that_is_asked_for(
    runs: Runs, arguments: list[str], *, patient: bool
) -> None:
    assert view(runs, *arguments) == View()
    assert runs.links[0]._wait_forever is patient
    # And so does the fleet.
    runs.fleets[0].handle(runs.instances[0], Refused(ExplainedError("no")))
    assert (runs.fleets[0].final_error is None) is patient


def test_those_that_are_found_are_shown_as_a_table(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "is_listening", lambda place: isinstance(place, ControlPort))
    assert view(runs) == View(subject=ALL_TORS)
    assert [each.name for each in runs.fleets[0].instances] == ["127.0.0.1:9051", "127.0.0.1:9151"]


def test_the_file_can_name_several(runs: Runs, config: Path) -> None:
    config.write_text('port = [9051, "exit=9052"]\nsocket = "guard=/x"\n')
    assert view(runs) == View(subject=ALL_TORS)
    assert [(each.name, each.label) for each in runs.fleets[0].instances] == [
        ("127.0.0.1:9051", ""),
        ("127.0.0.1:9052", "exit"),
        ("/x", "guard"),
    ]


def test_trouble_of_any_of_several_is_said_again_when_it_ends(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def run(fleet: Fleet, *_: object, **__: object) -> LoopEnd:
        for number, instance in enumerate(fleet.instances[1:]):
            fleet.handle(instance, Problem(1.0, f"stumbled {number}"))
        return LoopEnd()

    monkeypatch.setattr(loop, "run", run)
    code, _, err = said(["-p", "1", "-p", "2", "-p", "3"], capsys)
    assert code == 0
    assert err == "bwgraph: while it ran: stumbled 0\nbwgraph: while it ran: stumbled 1\n"
    assert runs.fleets == []


# Settings that last


def test_the_file_says_how_it_looks(runs: Runs, config: Path) -> None:
    config.write_text(
        'units = "bits"\nglyphs = "braille"\ninterval = "15s"\nlayout = "mirrored"\n'
        'scale = "log"\nceiling = "20MiB"\ncolor = "never"\nport = 9151\n'
    )
    expected = View(
        glyphs=BRAILLE,
        units=BITS,
        arrangement=Arrangement.MIRRORED,
        resolution=15,
        logarithmic=True,
        ceiling=20 << 20,
    )
    assert view(runs) == expected
    assert FakeScreen.options == (True, False)
    assert runs.links[0]._endpoints == (ControlPort("127.0.0.1", 9151),)


def test_a_flag_goes_before_the_file(runs: Runs, config: Path) -> None:
    config.write_text('units = "bits"\ninterval = 60\ncolor = "never"\nscale = "log"\n')
    assert view(runs, "-u", "bytes", "--scale=linear", "--color=auto") == View(resolution=60)
    assert FakeScreen.options == (True, True)


PORT = ControlPort("127.0.0.1", 9999)


@pytest.mark.parametrize(
    ("arguments", "environ", "file", "first"),
    [
        (["--port", "9999"], {"TOR_CONTROL_PORT": "1"}, "port = 2", PORT),
        (["--port", "9999"], {}, 'socket = "/x"', PORT),
        (["--socket", "/y"], {"TOR_CONTROL_PORT": "1"}, "port = 2", ControlSocket("/y")),
        (["--demo"], {"TOR_CONTROL_PORT": "1"}, "port = 2", demo.ENDPOINT),
        ([], {"TOR_CONTROL_PORT": "9999"}, "port = 2", PORT),
        ([], {"TOR_CONTROL_PORT": "9999"}, 'socket = "/x"', PORT),
        ([], {"TOR_CONTROL_PORT": "9999"}, "demo = true", PORT),
        (["--port", "9999"], {}, "port = [1, 2]", PORT),
        ([], {"TOR_CONTROL_IPC_PATH": "/z"}, "port = 2", ControlSocket("/z")),
        ([], {}, "port = 9999", PORT),
        ([], {}, 'socket = "/x"', ControlSocket("/x")),
        ([], {}, "demo = 60", demo.ENDPOINT),
        ([], {}, "", ControlSocket("/run/tor/control")),
    ],
)
def test_which_tor_is_the_flags_then_the_environments_then_the_files(
    runs: Runs,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environ: dict[str, str],
    file: str,
    first: Endpoint,
) -> None:
    config.write_text(file)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    view(runs, *arguments)
    assert runs.links[0]._endpoints[0] == first


def test_no_color_goes_before_the_file(
    runs: Runs, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('color = "auto"\n')
    monkeypatch.setenv("NO_COLOR", "1")
    view(runs)
    assert FakeScreen.options == (True, False)


def test_a_password_in_the_environment_goes_before_the_files(
    runs: Runs, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "password"
    password.write_text("of a file")
    config.write_text(f"password-file = '{password}'\n")
    view(runs)
    monkeypatch.setenv("TOR_CONTROL_PASSWD", "of the environment")
    view(runs)
    view(runs, "--password-file", str(password))
    assert runs.passwords == [b"of a file", b"of the environment", b"of a file"]


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ('units = "bits"\nunits: bytes\n', "line 2: not TOML"),
        ('\n\nunits = "nibbles"\n', "line 3: "),
        ("interval = 7\n", "line 1: argument -i/--interval: '7' is not one of 1s, 5s"),
        ('# mine\nceiling = "plenty"\n', "line 2: argument --ceiling: 'plenty' is not a rate"),
        ("unit = 1\n", "line 1: there is no setting 'unit'; is it 'units'?"),
        ("once = true\n", "line 1: 'once' is for the command line only, as --once"),
        ("port = [9051, 99999]\n", "line 1: "),
        ("\nsocket = [1.5, true]\n", "line 2: "),
        ("glyphs = true\n", "line 1: "),
        ('units = "\x1b[2J"\n', "line 1: "),
    ],
)
@pytest.mark.parametrize("way", [[], ["--demo", "--once"], ["--json"]], ids=str)
def test_a_bad_file_of_settings_is_2_and_says_the_line(
    config: Path, file: str, complaint: str, way: list[str], capsys: Captured
) -> None:
    config.write_text(file)
    code, out, err = said(way, capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"bwgraph: {config}, {complaint}")
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_help_and_version_do_without_a_good_file_of_settings(
    config: Path, capsys: Captured
) -> None:
    config.write_text("???")
    assert said(["--help"], capsys)[0] == 0
    assert said(["--version"], capsys)[0] == 0


# A single look


class Look:
    """Stands in for ``still.watch``: tells what the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[float | None] = []
        self.links: list[TorSource] = []
        self.refusal: ExplainedError | None = None
        self.where = "127.0.0.1:9051"
        self.up: int | None = None
        "How many of several are there; None: all."

    def __call__(
        self, sources: Mapping[Instance, Source], fleet: Fleet, seconds: float | None
    ) -> ExplainedError | None:
        self.links += [link for link in sources.values() if isinstance(link, TorSource)]
        self.asked.append(seconds)
        if self.refusal is None:
            moment = now()
            for instance in fleet.instances[: self.up]:
                where = self.where if len(fleet.instances) == 1 else instance.name
                fleet.handle(instance, Connected(moment - 2, where, "0.4.9.11", "fake"))
                for ago in (1.5, 0.5):
                    fleet.handle(instance, Sample(moment - ago, 3 << 20, 1 << 20, 1.0))
        return self.refusal


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    look = Look()
    monkeypatch.setattr(once, "watch", look)
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: True)
    return look


def test_once_prints_one_frame(look: Look, capsys: Captured) -> None:
    code, out, err = said(["--once", "--port", "9051"], capsys)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert out.endswith("\n")
    # As high and wide as a terminal has long been, where none says otherwise.
    assert 20 <= len(lines) <= 24
    assert max(map(len, lines)) == 80
    assert lines[0].startswith("bwgraph  127.0.0.1:9051  fake  tor 0.4.9.11")
    assert lines[1].startswith("▼ download  3.0 MiB/s")
    assert any(line.startswith("▲ upload    1.0 MiB/s") for line in lines)
    assert not any(line.endswith(" ") for line in lines)
    assert "\x1b" not in out
    assert look.asked == [None]
    assert look.links[0]._endpoints == (ControlPort("127.0.0.1", 9051),)


def test_once_does_without_a_terminal_and_without_a_term(
    look: Look, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    assert said(["--once"], capsys)[0] == 0
    assert len(look.asked) == 1


@pytest.mark.parametrize("up", [1, 3])
def test_once_shows_all_of_several(look: Look, up: int, capsys: Captured) -> None:
    look.up = up
    code, out, err = said(["--once", "-p", "1", "-p", "exit=2", "-s", "/x"], capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("bwgraph  all 3 tors, by name")
    rows = [line[2:].split() for line in lines[2:6]]
    names = {row[0]: row[1] for row in rows[:3]}
    assert names.keys() == ({"fake", "exit"} if up == 3 else {"fake", "exit", "/x"})
    assert sum(state == "up" for state in names.values()) == (2 if up == 3 else 1)
    assert rows[3][:4] == ["sum", "of", "3", "tors"]
    assert f"{3 * up}.0M" in lines[5]
    assert not any(line.startswith("q quit") for line in lines)
    assert look.asked == [None]


def test_svg_shows_all_of_several(look: Look, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "picture.svg"
    assert said(["--svg", str(path), "-p", "a=1", "-p", "b=2"], capsys) == (0, "", "")
    assert "sum of 2 tors" in path.read_text("utf-8")
    assert len(look.links) == 2


@pytest.mark.parametrize("way", ["--once", "--json"])
def test_without_a_screen_nobody_is_asked_for_a_password(
    way: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def watch(_: object, fleet: Fleet, *__: object, **___: object) -> ExplainedError | None:
        wanted = ExplainedError("it asks for a password", needs_password_at="127.0.0.1:1")
        fleet.handle(fleet.instances[0], Refused(wanted))
        assert fleet.final_error is None
        return None

    monkeypatch.setattr(once, "watch", watch)
    monkeypatch.setattr(lines_module, "write_lines", watch)
    monkeypatch.setattr(TorSource, "start", lambda *_: None)
    assert said([way, "-p", "1", "-p", "2"], capsys)[0] == 0


@pytest.mark.parametrize(("columns", "rows"), [(120, 35), (40, 12), (8, 3), (1, 1)])
def test_once_is_as_large_as_the_environment_says(
    look: Look, columns: int, rows: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(rows))
    lines = said(["--once"], capsys)[1].splitlines()
    assert rows - 1 <= len(lines) <= rows
    assert max(map(len, lines)) <= columns
    assert len(look.asked) == 1


@pytest.mark.parametrize(
    ("arguments", "there"),
    [
        (["--units", "bits"], "25.2 Mbit/s"),
        (["--glyphs", "braille"], "⣿"),
        (["--glyphs", "ascii"], "v download"),
        (["--layout", "mirrored"], "├"),
        (["--scale", "log"], "log"),
        (["--ceiling", "50MiB"], "50 MiB/s ┤"),
        (["--interval", "15"], "15 s/column"),
    ],
)
def test_once_looks_as_the_flags_say(
    look: Look, arguments: list[str], there: str, capsys: Captured
) -> None:
    code, out, _ = said(["--once", *arguments], capsys)
    assert code == 0
    assert there in out
    assert look.asked == [None]


def test_once_is_ascii_where_the_locale_is_not_utf8(
    look: Look, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: False)
    look.where = "/tmp/tör/control"
    for glyphs in ("auto", "block", "braille", "ascii"):
        code, out, _ = said(["--once", "--glyphs", glyphs], capsys)
        assert code == 0
        assert out.isascii()
        assert "/tmp/t?r/control" in out


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("2m", 120), ("0", 0)])
def test_duration_is_how_long_it_watches(
    look: Look, text: str, seconds: int, capsys: Captured
) -> None:
    assert said(["--once", "--duration", text], capsys)[0] == 0
    assert look.asked == [seconds]


def test_svg_writes_a_picture_and_prints_nothing(
    look: Look, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "picture.svg"
    assert said(["--svg", str(path), "--duration", "1m"], capsys) == (0, "", "")
    assert look.asked == [60]
    picture = path.read_text("utf-8")
    assert picture.startswith("<svg ")
    assert "download" in picture
    assert path.stat().st_mode & 0o777 == 0o600


def test_svg_has_every_glyph_whatever_the_locale(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    picture = tmp_path / "picture.svg"
    said(["--svg", str(picture)], capsys)
    first = len(picture.read_bytes())
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: False)
    said(["--svg", str(picture)], capsys)
    assert "v download" not in picture.read_text("utf-8")
    assert abs(len(picture.read_bytes()) - first) < first / 4
    assert len(look.asked) == 2


def test_svg_and_once_are_one_look(look: Look, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "picture.svg"
    code, out, _ = said(["--svg", str(path), "--once"], capsys)
    assert code == 0
    assert "▼ download" in out
    assert path.exists()
    assert look.asked == [None]


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere/x.svg", "No such file or directory"), (".", "Is a directory")]
)
def test_svg_that_cannot_be_written_is_1_and_says_why(
    look: Look, name: str, why: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / name
    assert said(["--svg", str(path)], capsys) == (1, "", f"bwgraph: {path}: {why}\n")
    assert len(look.asked) == 1


@pytest.mark.parametrize("way", [["--once"], ["--svg", "x.svg"]])
def test_a_look_at_no_tor_is_1_and_says_why(
    look: Look, way: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    look.refusal = ExplainedError("no tor\x1b[2J", "start one")
    assert said(way, capsys) == (1, "", "bwgraph: no tor?[2J\n  start one\n")
    assert not (tmp_path / "x.svg").exists()


def test_leaving_while_it_looks_is_0(
    look: Look, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(once, "watch", leave)
    assert said(["--once"], capsys) == (0, "", "")
    assert look.asked == []


def test_once_as_json_is_an_object_of_each_tor_and_their_sum(look: Look, capsys: Captured) -> None:
    code, out, err = said(["--once", "--json", "-p", "exit=1", "-p", "2"], capsys)
    assert (code, err, out.count("\n")) == (0, "", 1)
    told = json.loads(out)
    assert [each["name"] for each in told["tors"]] == ["exit", "fake"]
    assert [each["read"]["current"] for each in told["tors"]] == [3 << 20, 3 << 20]
    assert told["sum"]["read"]["current"] == 6 << 20
    assert look.asked == [None]


def test_once_as_json_and_a_picture_are_one_look(
    look: Look, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "picture.svg"
    code, out, _ = said(["--svg", str(path), "--once", "--json"], capsys)
    assert (code, path.exists()) == (0, True)
    assert json.loads(out)["tors"][0]["state"] == "connected"
    assert look.asked == [None]


# Lines in place of a screen


class Streams:
    """Stands in for ``stream.run``: writes two entries, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, float | None]] = []
        self.meanwhile: Callable[[EventQueue], None] = lambda _: None

    def __call__(
        self,
        inbox: EventQueue,
        _: Fleet,
        write: Callable[[Entry], object],
        __: object,
        **asked: float | None,
    ) -> ExplainedError | None:
        self.asked.append(asked)
        self.meanwhile(inbox)
        write(Entry(datetime(2026, 1, 2, tzinfo=UTC), "a", 7, 3, 1.0))
        write(Entry(datetime(2026, 1, 2, tzinfo=UTC), "a", None, None, 5.0))
        return None


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    streams = Streams()
    monkeypatch.setattr(lines_module, "write_lines", streams)
    monkeypatch.setattr(TorSource, "start", lambda *_: None)
    return streams


JSON = """\
{"time": "2026-01-02T00:00:00.000Z", "tor": "a", "read": 7, "written": 3, "seconds": 1.0}
{"time": "2026-01-02T00:00:00.000Z", "tor": "a", "read": null, "written": null, "seconds": 5.0}
"""
CSV = """\
time,tor,read,written,seconds
2026-01-02T00:00:00.000Z,a,7,3,1.0
2026-01-02T00:00:00.000Z,a,,,5.0
"""


@pytest.mark.parametrize(
    ("flag", "expected"), [("--json", JSON), ("--csv", CSV), ("--headless", "")]
)
def test_entries_are_written_as_was_asked_for(
    streams: Streams,
    flag: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    # As if --wait were something to do without a screen.
    monkeypatch.setattr(arguments, "WORK", frozenset({"wait"}))
    assert said([flag, "--wait"], capsys) == (0, expected, "")
    assert streams.asked == [{"every": None, "duration": None}]


def test_interval_and_duration_say_how_coarse_and_how_long(
    streams: Streams, config: Path, capsys: Captured
) -> None:
    assert said(["--json", "-i", "5m", "--duration", "6h"], capsys)[0] == 0
    config.write_text('interval = "1m"')
    assert said(["--csv"], capsys)[0] == 0
    assert streams.asked == [
        {"every": 300, "duration": 21_600},
        {"every": 60, "duration": None},
    ]


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("duration", [[], ["--duration", "1h"]], ids=["for ever", "an hour"])
def test_a_signal_stops_a_stream_and_is_fine_where_it_went_on_for_ever(
    streams: Streams,
    number: int,
    duration: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    died: list[int] = []
    stopped: list[bool] = []

    def signalled(inbox: EventQueue) -> None:
        os.kill(os.getpid(), number)
        stopped.append(run_with_timeout(10.0, inbox.next, "inbox") is None)

    monkeypatch.setattr(signals, "end_by_signal", died.append)
    streams.meanwhile = signalled
    before = [signal.getsignal(each) for each in SIGNALS]
    # What there was is written, whatever comes of it.
    assert said(["--json", *duration], capsys) == (0, JSON, "")
    assert stopped == [True]
    assert died == ([number] if duration else [])
    assert [signal.getsignal(each) for each in SIGNALS] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# A recording in place of a tor


def test_a_recording_is_shown_with_its_own_clock(
    runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "tape"
    path.write_text(JSON + JSON.replace('"a"', '"b"') + "cut off")
    flags = ["--replay", str(path), "--speed", "60", "-i", "5"]
    runs.endings = [LoopEnd()]
    code, out, err = said(flags, capsys)
    assert (code, out) == (0, "")
    # Said on the screen, and once more when that is gone.
    assert err == (
        f"bwgraph: while it ran: {path}: a line is skipped:"
        " line 5 (cut off, or neither JSON nor CSV)\n"
    )
    assert [each.name for each in runs.fleets[0].instances] == ["a", "b"]
    assert (runs.views[0].subject, runs.views[0].resolution) == (ALL_TORS, 5)
    assert runs.clocks[0].read().wall_clock == datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC)
    assert runs.clocks[0].redraw_interval == 0.1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file or directory"),
        ("", "not a recording: there is no sample in it"),
        (CSV.splitlines()[0], "not a recording: there is no sample in it"),
        (JSON.splitlines()[1], "not a recording: there is no sample in it"),
        ("\x1b[2J\n" * 5, "not a recording: 5 lines are skipped: line 1 ("),
        ('{"time": "2026', "not a recording: a line is skipped: line 1 (cut off, or not JSON)"),
    ],
)
@pytest.mark.parametrize("way", [[], ["--once"], ["--once", "--json"]], ids=str)
def test_what_is_no_recording_is_1_and_says_why(
    way: list[str], text: str | None, why: str, runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "tape"
    if text is not None:
        path.write_text(text)
    code, out, err = said([*way, "--replay", str(path)], capsys)
    assert (code, out, runs.views) == (1, "", [])
    assert err.startswith(f"bwgraph: {path}: {why}")
    assert "\x1b" not in err
    assert err.count("\n") == (1 if text is None else 2)


def test_once_shows_all_of_a_recording(look: Look, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "tape"
    path.write_text(f"{JSON}\x1b[2J\n{JSON.replace('00:00:00', '00:01:00')}")
    skipped = f"bwgraph: {path}: a line is skipped: line 3 (cut off, or neither JSON nor CSV)\n"
    code, out, err = said(["--once", "--replay", str(path)], capsys)
    assert (code, err) == (0, skipped)
    lines = out.splitlines()
    assert lines[0].startswith("bwgraph  a: a recording")
    assert any("the recording ends here" in line for line in lines)
    code, out, err = said(["--once", "--json", "--replay", str(path)], capsys)
    told = json.loads(out)
    assert (code, err, told["time"]) == (0, skipped, "2026-01-02T00:01:00.000Z")
    assert (told["tors"][0]["state"], told["tors"][0]["seconds"]) == ("ended", 2.0)
    assert look.asked == []


def test_leaving_while_a_recording_is_read_is_0(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def leave(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replay, "read", leave)
    assert said(["--replay", "-"], capsys) == (0, "", "")


class Unwritable:
    """Standard output that takes no more."""

    encoding = "utf-8"

    def __init__(self, error: OSError, fd: int) -> None:
        self.error = error
        self.fd = fd

    def write(self, _: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def fileno(self) -> int:
        return self.fd


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BrokenPipeError(32, "Broken pipe"), signal.SIGPIPE, ""),
        (OSError(28, "No space left on device"), 1, "bwgraph: standard output: No space left"),
    ],
    ids=["its reader has seen enough", "the disk is full"],
)
@pytest.mark.parametrize("way", [["--once"], ["--once", "--json"], ["--json"], ["--csv"]], ids=str)
def test_output_that_takes_no_more_is_no_traceback(
    look: Look,
    way: list[str],
    error: OSError,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
    tmp_path: Path,
) -> None:
    def run(
        _: object, __: object, write: Callable[[Entry], None], *___: object, **____: object
    ) -> None:
        write(Entry(datetime(2026, 1, 2, tzinfo=UTC), "a", 1, 1, 1.0))

    died: list[int] = []
    monkeypatch.setattr(lines_module, "write_lines", run)
    monkeypatch.setattr(signals, "end_by_signal", died.append)
    monkeypatch.setattr(TorSource, "start", lambda *_: None)
    with (tmp_path / "output").open("w") as file:
        monkeypatch.setattr(sys, "stdout", Unwritable(error, file.fileno()))
        got = main.main(way)
    assert died == ([signal.SIGPIPE] if code == signal.SIGPIPE else [])
    assert died or got == code
    err = capsys.readouterr().err
    assert err.startswith(message)
    assert err.count("\n") == (1 if message else 0)
    assert look.asked == ([None] if "--once" in way else [])


WANTED = LoopEnd(
    error=ExplainedError("it asks for a password", "give it", needs_password_at="127.0.0.1:9051")
)


def test_a_password_is_asked_for_and_tried(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        assert FakeScreen.entered == 0, "asked for on the terminal as it was"
        prompts.append(prompt)
        return "s3cret"

    monkeypatch.setattr(getpass, "getpass", typed)
    runs.endings = [WANTED, LoopEnd()]
    assert said([], capsys) == (0, "", "")
    assert runs.passwords == [None, b"s3cret"]
    assert len(prompts) == 1
    assert "127.0.0.1:9051" in prompts[0]


def test_a_password_is_asked_for_once(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "guess")
    runs.endings = [
        WANTED,
        LoopEnd(error=ExplainedError("tor did not accept the password", "again")),
    ]
    code, _, err = said([], capsys)
    assert code == 1
    assert err == "bwgraph: tor did not accept the password\n  again\n"


def test_a_password_that_was_given_is_not_asked_for(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def typed(_: str) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr(getpass, "getpass", typed)
    path = tmp_path / "password"
    path.write_text("of the file\n")
    runs.endings = [WANTED, WANTED]
    assert said(["--password-file", str(path)], capsys)[0] == 1
    monkeypatch.setenv("TOR_CONTROL_PASSWD", "of the environment")
    assert said([], capsys)[0] == 1
    assert runs.passwords == [b"of the file", b"of the environment"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EOFError(), 1, "bwgraph: it asks for a password\n  give it\n"),
        (KeyboardInterrupt(), 0, ""),
    ],
    ids=["end of input", "^C"],
)
def test_no_answer_at_the_prompt(
    runs: Runs,
    error: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    def nothing(_: str) -> str:
        raise error

    monkeypatch.setattr(getpass, "getpass", nothing)
    runs.endings = [WANTED]
    got, out, err = said([], capsys)
    assert (got, out, err) == (code, "", message)


TWO = ["-p", "9051", "-p", "9052", "-p", "9053"]
WANTED_TOO = LoopEnd(
    error=ExplainedError("it asks, too", "give it", needs_password_at="127.0.0.1:9053")
)


def shown(runs: Runs) -> list[list[bytes | None]]:
    """The passwords of all tors, each time."""
    return [[link._credentials.password for link in links] for links in runs.all_links]


def test_each_of_several_is_asked_for_its_own_password(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    typed = iter(["one", "three"])
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(typed)

    monkeypatch.setattr(getpass, "getpass", ask)
    runs.endings = [WANTED, WANTED_TOO, LoopEnd()]
    assert said(TWO, capsys) == (0, "", "")
    assert shown(runs) == [
        [None, None, None],
        [b"one", None, None],
        [b"one", None, b"three"],
    ]
    assert ["9051" in prompts[0], "9053" in prompts[1]] == [True, True]


def test_a_wrong_password_of_one_of_several_is_not_asked_for_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "guess")
    runs.endings = [WANTED, LoopEnd()]
    assert said(TWO, capsys)[0] == 0
    fleet = runs.fleets[1]
    fleet.handle(
        fleet.instances[0], Refused(ExplainedError("no", needs_password_at="127.0.0.1:9051"))
    )
    assert fleet.final_error is None


def test_no_answer_for_one_of_several_leaves_that_one_down_and_the_others_go_on(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    prompts: list[str] = []

    def nothing(prompt: str) -> str:
        prompts.append(prompt)
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", nothing)
    runs.endings = [WANTED, WANTED_TOO, LoopEnd()]
    assert said(TWO, capsys) == (0, "", "")
    assert len(prompts) == 2
    assert shown(runs) == [[None] * 3] * 3
    # It asks again when it is tried again, and nobody is asked.
    fleet = runs.fleets[2]
    for instance in (fleet.instances[0], fleet.instances[2]):
        fleet.handle(instance, Refused(ExplainedError("it asks", needs_password_at=instance.name)))
        assert fleet.final_error is None
    assert FakeScreen.entered == 0


def test_the_one_password_that_was_given_is_shown_to_each(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("TOR_CONTROL_PASSWD", "s3cret")
    runs.endings = [LoopEnd()]
    assert said(TWO, capsys)[0] == 0
    assert shown(runs) == [[b"s3cret"] * 3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_ends_the_program_once_the_prompt_has_cleaned_up(
    runs: Runs, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    before = signal.getsignal(number)
    done: list[tuple[object, ...]] = []

    def typing(_: str) -> str:
        try:
            signal.raise_signal(number)
        finally:
            done.append(("echo is back",))
        return "never"

    monkeypatch.setattr(getpass, "getpass", typing)
    monkeypatch.setattr(os, "kill", lambda *what: done.append(what))
    runs.endings = [WANTED]
    try:
        said([], capsys)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert done == [("echo is back",), (os.getpid(), number)]


def test_an_answer_of_no_use_at_the_prompt_is_1(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret\rx")
    runs.endings = [WANTED]
    code, _, err = said([], capsys)
    assert code == 1
    assert "more than one line" in err
    assert "s3cret" not in err


def test_the_cookies_place_goes_along(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("TOR_CONTROL_COOKIE_AUTH_FILE", "/cookie")
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret")
    runs.endings = [WANTED, LoopEnd()]
    said([], capsys)
    assert [link._credentials for link in runs.links] == [
        Credentials(None, "/cookie"),
        Credentials(b"s3cret", "/cookie"),
    ]
