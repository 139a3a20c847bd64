"""The graph with a stand-in for the main loop: its view, its tors, passwords and exit codes."""

import getpass
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import CSV, JSON, Captured, FakeScreen, Runs, first_view, run_main

from bwgraph.cli import main
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Problem, Refused
from bwgraph.model.fleet import Fleet
from bwgraph.screen.plot import ASCII, BLOCK, BRAILLE
from bwgraph.screen.units import BITS, BYTES
from bwgraph.screen.view import ALL_TORS, Arrangement, View
from bwgraph.terminal import curses_terminal, loop
from bwgraph.terminal.loop import LoopEnd
from bwgraph.tor import demo, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, ControlSocket

pytest_plugins = ["cli_fixtures"]
pytestmark = pytest.mark.usefixtures("plain_environment")


# How it ends


def test_quitting_is_0_without_a_message(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd()]
    assert run_main(["--port", "9051"], capsys) == (0, "", "")
    assert runs.instances[0].name == "127.0.0.1:9051"
    assert runs.sources[0]._endpoints == (ControlPort("127.0.0.1", 9051),)


def test_a_failure_is_1_and_its_message_follows_the_screen(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd(error=ExplainedError("no tor\x1b[2J", "start one"))]
    assert run_main([], capsys) == (1, "", "bwgraph: no tor?[2J\n  start one\n")
    assert FakeScreen.entered == 0


def test_a_lost_terminal_is_1(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd(hung_up=True)]
    assert run_main([], capsys) == (1, "", "bwgraph: the terminal was closed\n")


def test_problems_are_repeated_after_the_screen(runs: Runs, capsys: Captured) -> None:
    runs.problem = Problem(1.0, "stem\x1b stumbled")
    runs.endings = [LoopEnd()]
    assert run_main([], capsys) == (0, "", "bwgraph: problem during the run: stem? stumbled\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_after_the_screen(
    runs: Runs, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    done: list[tuple[object, ...]] = []
    runs.endings = [LoopEnd(signal=number)]
    monkeypatch.setattr(os, "kill", lambda *what: done.append((FakeScreen.entered, *what)))
    real = signal.signal
    monkeypatch.setattr(
        signal, "signal", lambda n, h: done.append((n, h)) if h is signal.SIG_DFL else real(n, h)
    )
    run_main([], capsys)
    assert done[-2:] == [(number, signal.SIG_DFL), (0, os.getpid(), number)]


def test_the_demo_is_named_so_and_is_connected_to(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd()]
    assert run_main(["--demo", "60"], capsys)[0] == 0
    assert "demo" in runs.instances[0].name
    connect = runs.sources[0]._connect
    assert isinstance(connect.__self__, demo.DemoTor)  # type: ignore[attr-defined]
    assert connect.__self__._speed == 60  # type: ignore[attr-defined]


# The terminal


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
def test_no_color_turns_colors_off(
    runs: Runs, value: str, *, color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # no-color.org: when present and not an empty string.
    monkeypatch.setenv("NO_COLOR", value)
    runs.endings = [LoopEnd()]
    main.main([])
    assert FakeScreen.options == (True, color)


@pytest.mark.parametrize(("value", "color"), [("never", False), ("auto", True)])
def test_color_flag(runs: Runs, value: str, *, color: bool) -> None:
    runs.endings = [LoopEnd()]
    main.main(["--color", value])
    assert FakeScreen.options == (True, color)


# The first view


def test_the_view_without_flags_is_the_default(runs: Runs) -> None:
    assert first_view(runs) == View()


@pytest.mark.parametrize(
    ("words", "expected"),
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
def test_flags_set_the_view(runs: Runs, words: list[str], expected: View) -> None:
    assert first_view(runs, *words) == expected


def test_glyphs_are_ascii_without_utf8(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: False)
    assert first_view(runs, "--glyphs", "braille") == View(glyphs=ASCII, ascii_only=True)


# Several tors


def test_several_tors_are_a_table_first(runs: Runs, capsys: Captured) -> None:
    runs.endings = [LoopEnd()]
    assert run_main(["-p", "9051", "-s", "exit=/x", "--port", "[::1]:9052"], capsys) == (0, "", "")
    [fleet] = runs.fleets
    assert [(each.name, each.label) for each in fleet.instances] == [
        ("127.0.0.1:9051", ""),
        ("/x", "exit"),
        ("[::1]:9052", ""),
    ]
    assert fleet.sum is not None
    assert runs.views == [View(subject=ALL_TORS)]
    # Each has its own source, which never gives up.
    assert [source._endpoints for source in runs.all_sources[0]] == [
        (ControlPort("127.0.0.1", 9051),),
        (ControlSocket("/x"),),
        (ControlPort("::1", 9052),),
    ]
    assert all(source._wait_forever for source in runs.all_sources[0])


@pytest.mark.parametrize(
    ("words", "patient"),
    [(["-p", "1"], False), (["-p", "1", "--wait"], True), ([], False), (["--wait"], True)],
)
def test_one_tor_is_waited_for_with_wait(runs: Runs, words: list[str], *, patient: bool) -> None:
    assert first_view(runs, *words) == View()
    assert runs.sources[0]._wait_forever is patient
    # The fleet agrees.
    runs.fleets[0].handle(runs.instances[0], Refused(ExplainedError("no")))
    assert (runs.fleets[0].final_error is None) is patient


def test_several_tors_that_are_found_are_a_table(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        transport, "is_listening", lambda endpoint: isinstance(endpoint, ControlPort)
    )
    assert first_view(runs) == View(subject=ALL_TORS)
    assert [each.name for each in runs.fleets[0].instances] == ["127.0.0.1:9051", "127.0.0.1:9151"]


def test_the_configuration_file_can_name_several_tors(runs: Runs, config: Path) -> None:
    config.write_text('port = [9051, "exit=9052"]\nsocket = "guard=/x"\n')
    assert first_view(runs) == View(subject=ALL_TORS)
    assert [(each.name, each.label) for each in runs.fleets[0].instances] == [
        ("127.0.0.1:9051", ""),
        ("127.0.0.1:9052", "exit"),
        ("/x", "guard"),
    ]


def test_problems_of_all_tors_are_repeated_after_the_screen(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def run(fleet: Fleet, *_: object, **__: object) -> LoopEnd:
        for number, instance in enumerate(fleet.instances[1:]):
            fleet.handle(instance, Problem(1.0, f"stumbled {number}"))
        return LoopEnd()

    monkeypatch.setattr(loop, "run", run)
    code, _, err = run_main(["-p", "1", "-p", "2", "-p", "3"], capsys)
    assert code == 0
    problems = [f"bwgraph: problem during the run: stumbled {index}\n" for index in range(2)]
    assert err == "".join(problems)
    assert runs.fleets == []


# A recording


def test_a_recording_is_shown_with_its_own_clock(
    runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "tape"
    path.write_text(JSON + JSON.replace('"a"', '"b"') + "cut off")
    flags = ["--replay", str(path), "--speed", "60", "-i", "5"]
    runs.endings = [LoopEnd()]
    code, out, err = run_main(flags, capsys)
    assert (code, out) == (0, "")
    # On the screen, and once more after it.
    assert err == (
        f"bwgraph: problem during the run: {path}: a line is skipped:"
        " line 5 (cut off, or neither JSON nor CSV)\n"
    )
    assert [each.name for each in runs.fleets[0].instances] == ["a", "b"]
    assert (runs.views[0].subject, runs.views[0].resolution) == (ALL_TORS, 5)
    assert runs.clocks[0].read().wall_clock == datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC)
    assert runs.clocks[0].redraw_interval == 0.1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file or directory"),
        ("", "not a recording: there is no sample in it"),
        (CSV.splitlines()[0], "not a recording: there is no sample in it"),
        (JSON.splitlines()[1], "not a recording: there is no sample in it"),
        ("\x1b[2J\n" * 5, "not a recording: 5 lines are skipped: line 1 ("),
        ('{"time": "2026', "not a recording: a line is skipped: line 1 (cut off, or not JSON)"),
    ],
)
@pytest.mark.parametrize("output", [[], ["--once"], ["--once", "--json"]], ids=str)
def test_an_unusable_recording_is_1_with_the_reason(
    output: list[str], text: str | None, reason: str, runs: Runs, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "tape"
    if text is not None:
        path.write_text(text)
    code, out, err = run_main([*output, "--replay", str(path)], capsys)
    assert (code, out, runs.views) == (1, "", [])
    assert err.startswith(f"bwgraph: {path}: {reason}")
    assert "\x1b" not in err
    assert err.count("\n") == (1 if text is None else 2)


# Passwords


REQUIRED = LoopEnd(
    error=ExplainedError("it requires a password", "give it", needs_password_at="127.0.0.1:9051")
)


def test_a_password_is_asked_for_and_used(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        assert FakeScreen.entered == 0, "the prompt comes after the screen"
        prompts.append(prompt)
        return "s3cret"

    monkeypatch.setattr(getpass, "getpass", typed)
    runs.endings = [REQUIRED, LoopEnd()]
    assert run_main([], capsys) == (0, "", "")
    assert runs.passwords == [None, b"s3cret"]
    assert len(prompts) == 1
    assert "127.0.0.1:9051" in prompts[0]


def test_a_password_is_asked_for_once(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "guess")
    runs.endings = [
        REQUIRED,
        LoopEnd(error=ExplainedError("tor did not accept the password", "again")),
    ]
    code, _, err = run_main([], capsys)
    assert code == 1
    assert err == "bwgraph: tor did not accept the password\n  again\n"


def test_a_given_password_is_not_asked_for(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def typed(_: str) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr(getpass, "getpass", typed)
    path = tmp_path / "password"
    path.write_text("of the file\n")
    runs.endings = [REQUIRED, REQUIRED]
    assert run_main(["--password-file", str(path)], capsys)[0] == 1
    monkeypatch.setenv("TOR_CONTROL_PASSWD", "of the environment")
    assert run_main([], capsys)[0] == 1
    assert runs.passwords == [b"of the file", b"of the environment"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EOFError(), 1, "bwgraph: it requires a password\n  give it\n"),
        (KeyboardInterrupt(), 0, ""),
    ],
    ids=["end of input", "^C"],
)
def test_a_declined_prompt_ends_the_program(
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
    runs.endings = [REQUIRED]
    got, out, err = run_main([], capsys)
    assert (got, out, err) == (code, "", message)


THREE = ["-p", "9051", "-p", "9052", "-p", "9053"]
REQUIRED_TOO = LoopEnd(
    error=ExplainedError("it requires one, too", "give it", needs_password_at="127.0.0.1:9053")
)


def test_each_tor_has_its_own_prompt(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    typed = iter(["one", "three"])
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(typed)

    monkeypatch.setattr(getpass, "getpass", ask)
    runs.endings = [REQUIRED, REQUIRED_TOO, LoopEnd()]
    assert run_main(THREE, capsys) == (0, "", "")
    assert runs.all_passwords == [
        [None, None, None],
        [b"one", None, None],
        [b"one", None, b"three"],
    ]
    assert ["9051" in prompts[0], "9053" in prompts[1]] == [True, True]


def test_a_wrong_password_of_one_tor_is_not_asked_for_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "guess")
    runs.endings = [REQUIRED, LoopEnd()]
    assert run_main(THREE, capsys)[0] == 0
    fleet = runs.fleets[1]
    fleet.handle(
        fleet.instances[0], Refused(ExplainedError("no", needs_password_at="127.0.0.1:9051"))
    )
    assert fleet.final_error is None


def test_a_declined_prompt_of_one_tor_leaves_the_others_running(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    prompts: list[str] = []

    def nothing(prompt: str) -> str:
        prompts.append(prompt)
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", nothing)
    runs.endings = [REQUIRED, REQUIRED_TOO, LoopEnd()]
    assert run_main(THREE, capsys) == (0, "", "")
    assert len(prompts) == 2
    assert runs.all_passwords == [[None] * 3] * 3
    # The tor requires it at the next attempt, too, and the user is not asked again.
    fleet = runs.fleets[2]
    for instance in (fleet.instances[0], fleet.instances[2]):
        fleet.handle(
            instance, Refused(ExplainedError("it requires one", needs_password_at=instance.name))
        )
        assert fleet.final_error is None
    assert FakeScreen.entered == 0


def test_one_given_password_is_used_for_each_tor(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("TOR_CONTROL_PASSWD", "s3cret")
    runs.endings = [LoopEnd()]
    assert run_main(THREE, capsys)[0] == 0
    assert runs.all_passwords == [[b"s3cret"] * 3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_ends_the_program_after_the_cleanup(
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
    runs.endings = [REQUIRED]
    try:
        run_main([], capsys)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert done == [("echo is back",), (os.getpid(), number)]


def test_an_unusable_password_is_1(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret\rx")
    runs.endings = [REQUIRED]
    code, _, err = run_main([], capsys)
    assert code == 1
    assert "more than one line" in err
    assert "s3cret" not in err


def test_the_path_of_the_cookie_is_kept_with_the_password(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("TOR_CONTROL_COOKIE_AUTH_FILE", "/cookie")
    monkeypatch.setattr(getpass, "getpass", lambda _: "s3cret")
    runs.endings = [REQUIRED, LoopEnd()]
    run_main([], capsys)
    assert [source._credentials for source in runs.sources] == [
        Credentials(None, "/cookie"),
        Credentials(b"s3cret", "/cookie"),
    ]
