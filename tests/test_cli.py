"""Arguments, messages and exit codes; what needs no terminal of them."""

import getpass
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import pytest

import bwgraph
from bwgraph import app, cli, demo, terminal, wakeup
from bwgraph.app import Ending
from bwgraph.credentials import Credentials
from bwgraph.endpoint import ControlPort, ControlSocket, Endpoint
from bwgraph.graph import ASCII, BLOCK
from bwgraph.instance import Instance
from bwgraph.link import TorLink
from bwgraph.source import Refusal, Trouble
from bwgraph.view import BINDINGS, View

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
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def said(arguments: list[str], capsys: Captured) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    try:
        code = cli.main(arguments)
    except SystemExit as leaving:
        code = int(str(leaving.code))
    out, err = capsys.readouterr()
    return code, out, err


# Words


def test_help_is_for_people(capsys: Captured) -> None:
    code, out, err = said(["--help"], capsys)
    assert (code, err) == (0, "")
    for option in ("--port [HOST:]PORT", "--socket PATH", "--demo", "--password-file FILE"):
        assert option in out
    for variable in (name for name in VARIABLES if name != "TOR_CONTROL_IPC_PATH"):
        assert variable in out
    # The same table that keys are looked up in.
    for binding in BINDINGS:
        assert f"{binding.name} {binding.help}" in out
    assert max(map(len, out.splitlines())) <= 100


def test_version(capsys: Captured) -> None:
    assert said(["--version"], capsys) == (0, f"bwgraph {bwgraph.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port", "99999"], "'99999' is not [HOST:]PORT"),
        (["--port", "0"], "'0' is not [HOST:]PORT"),
        (["--port", "::1:9051"], "'::1:9051' is not [HOST:]PORT"),
        (["--port", ""], "'' is not [HOST:]PORT"),
        (["--port"], "expected one argument"),
        (["--socket"], "expected one argument"),
        (["--port", "9051", "--socket", "/run/tor/control"], "not allowed with"),
        (["--demo", "--port", "9051"], "not allowed with"),
        (["--demo", "0"], "'0' is not a number from 1 to 3600"),
        (["--demo", "3601"], "'3601' is not a number from 1 to 3600"),
        (["--demo", "fast"], "'fast' is not a number from 1 to 3600"),
        (["--demo", "-1"], ""),
        (["--demo", "²"], "'²' is not a number from 1 to 3600"),
        (["--demo", "9" * 5000], ""),
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
    monkeypatch.setattr(terminal, "check", lambda _: None)
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
    cli._complain(cause, cure)
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
        assert cli._complain("no tor", code=1) == 1
    # And closing it, as Python does in the end, found nothing to complain of either.


# Where to look


def places(*arguments: str, environ: Mapping[str, str] | None = None) -> list[Endpoint]:
    return cli._places(cli._parser().parse_args(arguments), environ or {})


def test_what_the_user_names_is_the_only_place() -> None:
    environ = {"TOR_CONTROL_PORT": "1234"}
    assert places("--port", "[::1]:9051", environ=environ) == [ControlPort("::1", 9051)]
    assert places("-p", "9051", environ=environ) == [ControlPort("127.0.0.1", 9051)]
    assert places("--socket", "/x", environ=environ) == [ControlSocket("/x")]
    assert places("-s", "/x", environ=environ) == [ControlSocket("/x")]
    assert places("--demo", environ=environ) == [demo.PLACE]


def test_the_environments_place_comes_first_among_the_usual_ones() -> None:
    usual = places()
    assert usual[0] == ControlSocket("/run/tor/control")
    assert usual[-2:] == [ControlPort("127.0.0.1", 9051), ControlPort("127.0.0.1", 9151)]
    found = places(environ={"TOR_CONTROL_PORT": "1234"})
    assert found == [ControlPort("127.0.0.1", 1234), *usual]


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
        self.endings: list[Ending] = []
        self.instances: list[Instance] = []
        self.links: list[TorLink] = []
        self.views: list[View] = []
        self.trouble: Trouble | None = None

    def __call__(
        self, instance: Instance, link: TorLink, view: View, screen: FakeScreen, _: object
    ) -> Ending:
        assert screen.entered == 1
        self.instances.append(instance)
        self.links.append(link)
        self.views.append(view)
        if self.trouble is not None:
            instance.tell(self.trouble)
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
    monkeypatch.setattr(terminal, "check", lambda _: None)
    monkeypatch.setattr(terminal, "Terminal", FakeScreen)
    monkeypatch.setattr(terminal, "speaks_utf8", lambda _: True)
    monkeypatch.setattr(app, "run", runs)
    monkeypatch.setattr(wakeup, "Wakeup", Watched)
    yield runs
    assert runs.endings == []
    for pipe in left_open:
        os.close(pipe._writer)


def test_a_user_who_leaves_leaves_with_0_and_no_words(runs: Runs, capsys: Captured) -> None:
    runs.endings = [Ending()]
    assert said(["--port", "9051"], capsys) == (0, "", "")
    assert runs.instances[0].name == "127.0.0.1:9051"
    assert runs.links[0]._places == (ControlPort("127.0.0.1", 9051),)


def test_a_refusal_is_1_and_said_when_the_screen_is_left(runs: Runs, capsys: Captured) -> None:
    runs.endings = [Ending(refusal=Refusal("no tor\x1b[2J", "start one"))]
    assert said([], capsys) == (1, "", "bwgraph: no tor?[2J\n  start one\n")
    assert FakeScreen.entered == 0


def test_a_terminal_gone_is_1(runs: Runs, capsys: Captured) -> None:
    runs.endings = [Ending(hung_up=True)]
    assert said([], capsys) == (1, "", "bwgraph: the terminal went away\n")


def test_trouble_is_said_again_when_it_ends(runs: Runs, capsys: Captured) -> None:
    runs.trouble = Trouble(1.0, "stem\x1b stumbled")
    runs.endings = [Ending()]
    assert said([], capsys) == (0, "", "bwgraph: while it ran: stem? stumbled\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_as_it_would_have(
    runs: Runs, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    done: list[tuple[object, ...]] = []
    runs.endings = [Ending(signal=number)]
    monkeypatch.setattr(os, "kill", lambda *what: done.append((FakeScreen.entered, *what)))
    real = signal.signal
    monkeypatch.setattr(
        signal, "signal", lambda n, h: done.append((n, h)) if h is signal.SIG_DFL else real(n, h)
    )
    said([], capsys)
    assert done[-2:] == [(number, signal.SIG_DFL), (0, os.getpid(), number)]


def test_the_demo_says_so_and_is_what_is_dialled(runs: Runs, capsys: Captured) -> None:
    runs.endings = [Ending()]
    assert said(["--demo", "60"], capsys)[0] == 0
    assert "demo" in runs.instances[0].name
    dial = runs.links[0]._dial
    assert isinstance(dial.__self__, demo.Demo)  # type: ignore[attr-defined]
    assert dial.__self__._speed == 60  # type: ignore[attr-defined]


@pytest.mark.parametrize(("utf8", "glyphs"), [(True, BLOCK), (False, ASCII)])
def test_the_locale_chooses_the_glyphs(
    runs: Runs,
    utf8: bool,
    glyphs: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "speaks_utf8", lambda _: utf8)
    runs.endings = [Ending()]
    cli.main([])
    assert runs.views[0].glyphs == glyphs
    assert FakeScreen.options == (utf8, True)


@pytest.mark.parametrize(("value", "color"), [("1", False), ("", True)])
def test_no_color(runs: Runs, value: str, *, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # no-color.org: when present and not an empty string.
    monkeypatch.setenv("NO_COLOR", value)
    runs.endings = [Ending()]
    cli.main([])
    assert FakeScreen.options == (True, color)


WANTED = Ending(refusal=Refusal("it asks for a password", "give it", password_for="127.0.0.1:9051"))


def test_a_password_is_asked_for_and_tried(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        assert FakeScreen.entered == 0, "asked for on the terminal as it was"
        prompts.append(prompt)
        return "s3cret"

    monkeypatch.setattr(getpass, "getpass", typed)
    runs.endings = [WANTED, Ending()]
    assert said([], capsys) == (0, "", "")
    assert runs.passwords == [None, b"s3cret"]
    assert len(prompts) == 1
    assert "127.0.0.1:9051" in prompts[0]


def test_a_password_is_asked_for_once(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "guess")
    runs.endings = [WANTED, Ending(refusal=Refusal("tor did not accept the password", "again"))]
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
    runs.endings = [WANTED, Ending()]
    said([], capsys)
    assert [link._credentials for link in runs.links] == [
        Credentials(None, "/cookie"),
        Credentials(b"s3cret", "/cookie"),
    ]
