"""Options: which of flags, environment and configuration file sets each of them."""

import typing
from pathlib import Path
from types import NoneType, UnionType

import pytest
from cli_world import USAGE, Captured, FakeScreen, Runs, first_view, run_main
from hypothesis import given
from hypothesis import strategies as st

from bwgraph.cli import options
from bwgraph.cli.options import Options
from bwgraph.screen.plot import BRAILLE
from bwgraph.screen.units import BITS
from bwgraph.screen.view import Arrangement, View
from bwgraph.tor import demo
from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint, NamedEndpoint

pytest_plugins = ["cli_fixtures"]
pytestmark = pytest.mark.usefixtures("plain_environment")


# The value


def read(*words: str) -> Options:
    return options.read(words, {"HOME": "/nowhere"}, "linux", frozenset())


def test_defaults() -> None:
    assert read() == Options(
        tors=(),
        demo=None,
        wait=False,
        password_file=None,
        interval=1,
        interval_chosen=False,
        units="bytes",
        layout="auto",
        glyphs="auto",
        scale="linear",
        ceiling=None,
        color=True,
        json=False,
        csv=False,
        headless=False,
        once=False,
        svg=None,
        duration=None,
        replay=None,
        speed=None,
        store=None,
        store_resolution=60,
        prometheus=None,
    )


def test_values() -> None:
    words = (
        *("--port", "9051", "--socket", "exit=/x", "--wait", "--password-file", "p", "--json"),
        *("--interval", "5s", "--units", "bits", "--layout", "mirrored", "--glyphs", "ascii"),
        *("--scale", "log", "--ceiling", "1M", "--color", "never", "--once", "--svg", "x"),
        *("--duration", "90s", "--store", "s", "--store-resolution", "1s", "--prometheus", "1"),
    )
    assert read(*words) == Options(
        tors=(
            NamedEndpoint("", ControlPort("127.0.0.1", 9051)),
            NamedEndpoint("exit", ControlSocket("/x")),
        ),
        demo=None,
        wait=True,
        password_file="p",
        interval=5,
        interval_chosen=True,
        units="bits",
        layout="mirrored",
        glyphs="ascii",
        scale="log",
        ceiling=1 << 20,
        color=False,
        json=True,
        csv=False,
        headless=False,
        once=True,
        svg="x",
        duration=90,
        replay=None,
        speed=None,
        store="s",
        store_resolution=1,
        prometheus=ControlPort("127.0.0.1", 1),
    )
    assert read("--demo").demo == 1
    assert read("--csv").csv
    assert read("--headless", "--store", "s").headless
    recording = read("--replay", "x", "--speed", "60")
    assert (recording.replay, recording.speed) == ("x", 60)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--port 1 --socket /x --wait --password-file p --interval 5s --ceiling 1M --color never",
        "--demo 2 --once --json --svg x --duration 1m --store s --prometheus 1",
        "--replay x --speed 2",
        "--csv",
        "--headless --store s --store-resolution 1s",
    ],
)
def test_values_have_the_declared_types(words: str) -> None:
    # The table of flags is not typed: this compares what it makes with the declaration.
    for name, value in read(*words.split())._asdict().items():
        declared = typing.get_type_hints(Options)[name]
        choices = typing.get_args(declared) if isinstance(declared, UnionType) else (declared,)
        assert type(value) in {
            typing.get_origin(each) or (NoneType if each is None else each) for each in choices
        }, name


@pytest.mark.parametrize(
    ("words", "is_one_shot", "runs_without_screen"),
    [
        ("", False, False),
        ("--json", False, True),
        ("--csv", False, True),
        ("--headless --store s", False, True),
        ("--once", True, False),
        ("--once --json", True, False),
        ("--svg x", True, False),
        ("--svg x --once --json", True, False),
    ],
)
def test_output_flags_choose_what_runs(
    words: str, *, is_one_shot: bool, runs_without_screen: bool
) -> None:
    parsed = read(*words.split())
    assert (parsed.is_one_shot, parsed.runs_without_screen) == (is_one_shot, runs_without_screen)


# Which source overrides which


@pytest.mark.parametrize(
    ("flags", "environ", "file", "merged"),
    [
        ({}, {}, {}, {"units": "bytes"}),
        ({}, {}, {"units": "bits"}, {"units": "bits"}),
        ({"units": "bytes"}, {}, {"units": "bits"}, {"units": "bytes"}),
        ({"units": None}, {}, {"units": "bits"}, {"units": None}),
        # The fields that select what to show are one decision.
        ({}, {}, {"tors": [1]}, {"tors": [1]}),
        ({"tors": [2]}, {}, {"tors": [1, 3]}, {"tors": [2]}),
        ({"demo": 1}, {}, {"tors": [1]}, {"demo": 1}),
        ({"tors": [2]}, {}, {"demo": 1}, {"tors": [2]}),
        ({}, {"TOR_CONTROL_PORT": "9"}, {"tors": [1]}, {}),
        ({}, {"TOR_CONTROL_HOST": "::1"}, {"tors": ["/x"]}, {}),
        ({}, {"TOR_CONTROL_IPC_PATH": "/y"}, {"demo": 1}, {}),
        ({}, {"TOR_CONTROL_PORT": ""}, {"tors": [1]}, {"tors": [1]}),
        ({"tors": [2]}, {"TOR_CONTROL_PORT": "9"}, {"tors": [1]}, {"tors": [2]}),
        ({"tors": [2]}, {"TOR_CONTROL_PORT": "nonsense"}, {}, {"tors": [2]}),
        ({"tors": [2]}, {}, {"units": "bits", "tors": [1]}, {"units": "bits", "tors": [2]}),
        # The password.
        ({}, {}, {"password_file": "/f"}, {"password_file": "/f"}),
        ({}, {"TOR_CONTROL_PASSWD": "x"}, {"password_file": "/f"}, {}),
        ({}, {"TOR_CONTROL_PASSWD": ""}, {"password_file": "/f"}, {}),
        ({"password_file": "/g"}, {"TOR_CONTROL_PASSWD": "x"}, {}, {"password_file": "/g"}),
        ({"tors": [2]}, {}, {"password_file": "/f"}, {"tors": [2], "password_file": "/f"}),
        # The colours.
        ({}, {}, {"color": "always"}, {"color": "always"}),
        ({}, {"NO_COLOR": "1"}, {"color": "always"}, {"color": "always"}),
        ({}, {"NO_COLOR": ""}, {"color": "always"}, {"color": "always"}),
        ({"color": "always"}, {"NO_COLOR": "1"}, {"color": "never"}, {"color": "always"}),
    ],
)
def test_flags_override_the_environment_and_that_overrides_the_file(
    flags: dict[str, object],
    environ: dict[str, str],
    file: dict[str, object],
    merged: dict[str, object],
) -> None:
    defaults: dict[str, object] = {
        **dict.fromkeys(("tors", "demo", "password_file", "color")),
        "units": "bytes",
    }
    assert options.merge(flags, environ, file, defaults) == {**defaults, **merged}


@pytest.mark.parametrize("source", ["flags", "file"])
def test_no_color_turns_colours_off_whatever_the_flag_and_the_file_say(source: str) -> None:
    values: dict[str, dict[str, object]] = {"flags": {}, "file": {}, source: {"color": "auto"}}
    assert options.create(values["flags"], {}, values["file"]).color
    assert not options.create(values["flags"], {"NO_COLOR": "1"}, values["file"]).color


def test_an_invalid_endpoint_in_the_environment_is_an_error() -> None:
    with pytest.raises(ValueError, match="TOR_CONTROL_HOST and TOR_CONTROL_PORT: "):
        options.merge({}, {"TOR_CONTROL_PORT": "nonsense"}, {}, {})


names = st.sampled_from(["units", "glyphs", "tors", "demo", "color", "password_file"])
some = st.dictionaries(names, st.integers())


@given(some, some, some)
def test_every_value_has_one_source(
    flags: dict[str, object], file: dict[str, object], defaults: dict[str, object]
) -> None:
    merged = options.merge(flags, {}, file, defaults)
    assert merged.items() >= flags.items()
    assert merged.keys() >= defaults.keys()
    for name in merged.keys() - flags.keys() - options.TARGET_FIELDS:
        assert merged[name] == file.get(name, defaults.get(name))


# The configuration file


def test_the_file_sets_the_appearance(runs: Runs, config: Path) -> None:
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
    assert first_view(runs) == expected
    assert FakeScreen.options == (True, False)
    assert runs.sources[0]._endpoints == (ControlPort("127.0.0.1", 9151),)


def test_flags_override_the_file(runs: Runs, config: Path) -> None:
    config.write_text('units = "bits"\ninterval = 60\ncolor = "never"\nscale = "log"\n')
    assert first_view(runs, "-u", "bytes", "--scale=linear", "--color=auto") == View(resolution=60)
    assert FakeScreen.options == (True, True)


PORT = ControlPort("127.0.0.1", 9999)


@pytest.mark.parametrize(
    ("words", "environ", "file", "first"),
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
def test_the_tor_is_that_of_the_highest_source(
    runs: Runs,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    environ: dict[str, str],
    file: str,
    first: Endpoint,
) -> None:
    config.write_text(file)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    first_view(runs, *words)
    assert runs.sources[0]._endpoints[0] == first


def test_no_color_overrides_the_file(
    runs: Runs, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('color = "auto"\n')
    monkeypatch.setenv("NO_COLOR", "1")
    first_view(runs)
    assert FakeScreen.options == (True, False)
    # The flag's auto means: as the environment says.
    first_view(runs, "--color", "auto")
    assert FakeScreen.options == (True, False)


def test_a_password_in_the_environment_overrides_the_file(
    runs: Runs, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "password"
    password.write_text("from a file")
    config.write_text(f"password-file = '{password}'\n")
    first_view(runs)
    monkeypatch.setenv("TOR_CONTROL_PASSWD", "from the environment")
    first_view(runs)
    first_view(runs, "--password-file", str(password))
    assert runs.passwords == [b"from a file", b"from the environment", b"from a file"]


@pytest.mark.parametrize(
    ("file", "problem"),
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
        (
            "demo = true\nport = 9051\n",
            "line 2: --demo cannot be combined with --port or --socket",
        ),
        ('units = "\x1b[2J"\n', "line 1: "),
    ],
)
@pytest.mark.parametrize("output", [[], ["--demo", "--once"], ["--json"]], ids=str)
def test_a_wrong_setting_is_a_usage_error_with_its_line(
    config: Path, file: str, problem: str, output: list[str], capsys: Captured
) -> None:
    config.write_text(file)
    code, out, err = run_main(output, capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"{USAGE}bwgraph: error: {config}, {problem}")
    assert err.count("\n") == 2
    assert "\x1b" not in err


def test_help_and_version_ignore_a_wrong_configuration_file(config: Path, capsys: Captured) -> None:
    config.write_text("???")
    assert run_main(["--help"], capsys)[0] == 0
    assert run_main(["--version"], capsys)[0] == 0
