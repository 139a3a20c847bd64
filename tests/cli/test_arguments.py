"""The flags: their help, their values, and which of them exclude or need others."""

from pathlib import Path

import pytest
from cli_world import USAGE, VARIABLES, Captured, run_main

from bwgraph.cli import arguments, flags
from bwgraph.cli.flags import FLAGS
from bwgraph.cli.options import Options
from bwgraph.screen.keymap import BINDINGS

pytest_plugins = ["cli_fixtures"]
pytestmark = pytest.mark.usefixtures("plain_environment")


# Help


def test_help_names_flags_variables_and_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/me/.config")
    code, out, err = run_main(["--help"], capsys)
    assert (code, err) == (0, "")
    for option in (
        *("--port [NAME=][HOST:]PORT", "--socket [NAME=]PATH", "--wait"),
        *("--demo [SPEED]", "--password-file FILE"),
        *("--interval TIME", "1s, 5s, 15s, 1m, 5m, 15m, 1h, 6h, 1d", "--units {bytes,bits}"),
        *("--layout {auto,stacked,side-by-side,mirrored}", "--glyphs {auto,block,braille,ascii}"),
        *("--scale {linear,log}", "--ceiling RATE", "--color {auto,never}"),
        *("--store FILE", "--store-resolution TIME"),
        *("--prometheus [HOST:]PORT", "bwgraph print WHAT"),
        *("--json", "--csv", "--headless", "--once", "--svg FILE", "--duration TIME"),
        *("--replay FILE", "--speed SPEED", "--version"),
    ):
        assert option in out
    for variable in (name for name in VARIABLES if name != "TOR_CONTROL_IPC_PATH"):
        assert variable in out
    # The table that the main loop looks keys up in.
    for binding in BINDINGS:
        assert binding.hint in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 100


def test_help_names_the_configuration_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    # argparse formats per cent signs.
    monkeypatch.setenv("XDG_CONFIG_HOME", "/a/100%s/here")
    assert "/a/100%s/here/bwgraph/config.toml" in run_main(["--help"], capsys)[1]


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.long_name)
def test_every_flag_has_help(flag: flags.Flag) -> None:
    [action] = [
        action for action in arguments.parser()._actions if flag.long_name in action.option_strings
    ]
    assert action.help == flag.help
    assert len(flag.help) > 20


# The table


def test_every_option_has_a_flag_and_every_flag_an_option() -> None:
    fields = [flag.field for flag in FLAGS if flag.field]
    assert {*fields, "interval_chosen"} == {*Options._fields}
    parsed = {action.dest for action in arguments.parser()._actions}
    assert parsed - {"help", "version"} == {*fields}
    assert flags.DEFAULTS.keys() == {*fields}


def test_flags_of_one_field_agree() -> None:
    for field in flags.DEFAULTS:
        assert len({(flag.default, flag.in_file) for flag in FLAGS if flag.field == field}) == 1


def test_settings_are_the_flags_of_the_sections_that_help_names() -> None:
    sections = {flags.WHICH_TOR, flags.APPEARANCE}
    assert {flag.group for flag in FLAGS if flag.in_file} == sections
    assert all(flag.in_file for flag in FLAGS if flag.group in sections)
    text = arguments.parser().format_help()
    for section in sections:
        assert f'"{section}"' in text
        assert f"\n{section}:\n" in text


def test_every_combination_names_flags_of_the_table() -> None:
    names = {flag.long_name for flag in FLAGS}
    for flag in FLAGS:
        pairs = [name for pair in flag.excludes_unless for name in pair]
        assert {*flag.excludes, *flag.needs, *pairs} <= names
        assert flag.long_name not in {*flag.excludes, *flag.needs, *pairs}


# Wrong values


@pytest.mark.parametrize(
    ("words", "problem"),
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
        (["\x1b[2J"], "unrecognized arguments: ?[2J"),
        (["--por", "9051"], "unrecognized arguments: --por 9051"),
        (["--dem"], "unrecognized arguments: --dem"),
        (["--port", "\x1b[2J"], r"'\x1b[2J' is not [HOST:]PORT"),
    ],
)
def test_wrong_values_are_usage_errors(words: list[str], problem: str, capsys: Captured) -> None:
    code, out, err = run_main(words, capsys)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.startswith(f"{USAGE}bwgraph: error: ")
    assert err.count("\n") == 2
    assert "Traceback" not in err
    assert "\x1b" not in err


# Combinations


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--csv", "--once"], "--csv cannot be combined with --once"),
        (["--headless", "--once"], "--headless cannot be combined with --once"),
        (["--csv", "--svg", "x"], "--svg cannot be combined with --csv"),
        (["--store", "x", "--headless", "--svg", "x"], "--svg cannot be combined with --headless"),
        (["--json", "--svg", "x"], "--svg cannot be combined with --json (add --once)"),
        (["--json", "--csv"], "--csv cannot be combined with --json"),
        (["--json", "--headless"], "--headless cannot be combined with --json"),
        (["--csv", "--headless"], "--csv cannot be combined with --headless"),
        (["--json", "--csv", "--headless"], "--csv cannot be combined with --json"),
        (["--headless"], "--headless needs --store or --prometheus"),
        (["--duration", "1m"], "--duration needs --once, --svg, --json, --csv or --headless"),
        (["--speed", "60"], "--speed needs --replay"),
        (["--store-resolution", "1s"], "--store-resolution needs --store"),
        (["--replay", "x"], "--replay cannot be combined with --demo"),
        (["--port", "9051"], "--demo cannot be combined with --port or --socket"),
        (["--once", "--socket", "a=/x"], "--demo cannot be combined with --port or --socket"),
    ],
)
def test_excluded_combinations_are_usage_errors(
    words: list[str], problem: str, capsys: Captured, tmp_path: Path
) -> None:
    code, out, err = run_main(["--demo", *words], capsys)
    assert (code, out, err) == (2, "", f"{USAGE}bwgraph: error: {problem}\n")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--store", "x"], "--replay cannot be combined with --store"),
        (["--prometheus", "9752"], "--replay cannot be combined with --prometheus"),
        (["--port", "9051"], "--replay cannot be combined with --port or --socket"),
        (["--socket", "/x"], "--replay cannot be combined with --port or --socket"),
        (["--wait"], "--replay cannot be combined with --wait"),
        (["--json"], "--replay cannot be combined with --json (add --once)"),
        (["--csv"], "--replay cannot be combined with --csv"),
        (["--headless", "--store", "x"], "--replay cannot be combined with --headless"),
        (["--once", "--duration", "1m"], "--replay cannot be combined with --duration"),
    ],
)
def test_a_recording_excludes_flags_of_the_present(
    words: list[str], problem: str, capsys: Captured, tmp_path: Path
) -> None:
    code, out, err = run_main(["--replay", "y", *words], capsys)
    assert (code, out, err) == (2, "", f"{USAGE}bwgraph: error: {problem}\n")
    assert not (tmp_path / "x").exists()
