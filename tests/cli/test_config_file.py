"""The configuration file: its path, its settings, and its errors."""

import argparse
import itertools
import os
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nobody import nobody, open_directory

from bwgraph.cli import arguments, config_file, flags
from bwgraph.tor.endpoint import ControlPort, ControlSocket, NamedEndpoint, parse_port

COMMAND_LINE_ONLY = frozenset({"help", "version", "json"})


def port(text: str) -> ControlPort:
    try:
        return parse_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def some_parser() -> argparse.ArgumentParser:
    """Return a parser with one flag of each kind."""
    parser = argparse.ArgumentParser(prog="bwgraph", argument_default=argparse.SUPPRESS)
    which = parser.add_argument_group("which").add_mutually_exclusive_group()
    which.add_argument("-p", "--port", type=port, action="append")
    which.add_argument("-s", "--socket")
    which.add_argument("--demo", nargs="?", type=int, const=1)
    parser.add_argument("--units", choices=("bits", "bytes"))
    parser.add_argument("--password-file")
    parser.add_argument("--every", type=float)
    parser.add_argument("--mouse", action=argparse.BooleanOptionalAction)
    parser.add_argument("--no-color", action="store_false", dest="color")
    parser.add_argument("--total", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--version", action="version", version="1")
    return parser


PARSER = some_parser()


def any_combination(_: object) -> None:
    """Allow all settings together."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def read(path: Path, content: str | bytes) -> dict[str, object]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return config_file.read(path, PARSER, COMMAND_LINE_ONLY, any_combination)


def error_of(path: Path, content: str | bytes) -> str:
    """Return the error message, without the directory."""
    with pytest.raises(config_file.ConfigError) as caught:
        read(path, content)
    return str(caught.value).removeprefix(f"{path.parent}/")


# The path


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"HOME": "/home/me"}, "/home/me/.config"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "/x/y"}, "/x/y"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": ""}, "/home/me/.config"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "x/y"}, "/home/me/.config"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "~/x"}, "/home/me/.config"),
        ({"HOME": "/home/me", "APPDATA": "/roaming"}, "/home/me/.config"),
    ],
)
@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_the_path_follows_the_xdg_specification(
    environ: dict[str, str], directory: str, platform: str
) -> None:
    assert config_file.default_path(environ, platform) == Path(directory, "bwgraph", "config.toml")


def test_the_path_on_windows_is_in_the_roaming_data() -> None:
    roaming = r"C:\Users\me\AppData\Roaming"
    environ = {"APPDATA": roaming, "XDG_CONFIG_HOME": "/x", "HOME": "/home/me"}
    assert config_file.default_path(environ, "win32") == Path(roaming, "bwgraph", "config.toml")
    environ = {"USERPROFILE": "/me", "HOME": "/home/me"}
    assert config_file.default_path(environ, "win32") == Path(
        "/me", "AppData", "Roaming", "bwgraph", "config.toml"
    )


def test_there_is_a_path_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert config_file.default_path({}, "linux") == Path("/.config/bwgraph/config.toml")
    monkeypatch.setattr(Path, "home", lambda: Path("/listed"))
    assert config_file.default_path({"HOME": ""}, "linux") == Path(
        "/listed/.config/bwgraph/config.toml"
    )


# Settings


def test_a_missing_or_empty_file_sets_nothing(path: Path) -> None:
    assert config_file.read(path, PARSER, COMMAND_LINE_ONLY, any_combination) == {}
    assert (
        config_file.read(path / "below" / "nothing", PARSER, COMMAND_LINE_ONLY, any_combination)
        == {}
    )
    path.write_bytes(b"")
    assert config_file.read(path / "below a file", PARSER, COMMAND_LINE_ONLY, any_combination) == {}


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        ("", []),
        ("# nothing\n\n", []),
        ('units = "bits"', ["--units", "bits"]),
        ("units = 'bits' # as in bit/s", ["--units", "bits"]),
        ('"units" = "bits"\r\nevery = 2\r\n', ["--units", "bits", "--every", "2"]),
        ('password-file = "/x"', ["--password-file", "/x"]),
        ('password-file = "-x --json"', ["--password-file=-x --json"]),
        ('password-file = ""', ["--password-file", ""]),
        ('password-file = "a=b\\nc"', ["--password-file", "a=b\nc"]),
        ('password-file = "@x"', ["--password-file", "@x"]),
        ("socket = '/\\u0000'", ["--socket", r"/\u0000"]),
        ("port = 9051", ["--port", "9051"]),
        ("port = 0x235b", ["--port", "9051"]),
        ('port = "[::1]:9051"', ["--port", "[::1]:9051"]),
        ('port = [9051, "[::1]:9051"]', ["--port", "9051", "--port", "[::1]:9051"]),
        ("every = 0.5", ["--every", "0.5"]),
        ("every = -1", ["--every=-1"]),
        ("every = inf", ["--every", "inf"]),
        ("total = true", ["--total"]),
        ("total = false", []),
        ("demo = true", ["--demo"]),
        ("demo = 60\ntotal = true", ["--demo", "60", "--total"]),
        ("demo = false", []),
        ("demo = false\nport = 9051", ["--port", "9051"]),
        ("mouse = true", ["--mouse"]),
        ("mouse = false", ["--no-mouse"]),
        ("no-color = true", ["--no-color"]),
        ("no-color = false", []),
        ("\ufeffunits = 'bits'", ["--units", "bits"]),
    ],
)
def test_a_setting_has_the_value_of_its_flag(
    path: Path, content: str, arguments: list[str]
) -> None:
    assert read(path, content) == vars(PARSER.parse_args(arguments))


def test_reading_does_not_change_the_parser(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = some_parser()
    before = parser.format_help()
    path.write_text("port = 1\n")
    for _ in range(2):
        assert config_file.read(path, parser, COMMAND_LINE_ONLY, any_combination) == {
            "port": [ControlPort("127.0.0.1", 1)]
        }
    assert parser.format_help() == before
    assert vars(parser.parse_args([])) == {}
    with pytest.raises(SystemExit):
        parser.parse_args(["--port", "1", "--socket", "/x"])
    assert "not allowed with" in capsys.readouterr().err


def test_flags_of_bwgraph_are_settings(path: Path) -> None:
    path.write_text("socket = ['/x', 'exit=/z']\npassword-file = '/y'\nport = 9051\nwait = true\n")
    values = config_file.read(path, arguments.parser(), COMMAND_LINE_ONLY, flags.combination_error)
    assert values == {
        "tors": [
            NamedEndpoint("", ControlSocket("/x")),
            NamedEndpoint("exit", ControlSocket("/z")),
            NamedEndpoint("", ControlPort("127.0.0.1", 9051)),
        ],
        "password_file": "/y",
        "wait": True,
    }


def test_settings_that_exclude_each_other_are_an_error_with_the_later_line(path: Path) -> None:
    path.write_text("demo = true\nwait = true\n\nport = [9051]\n")
    message = "config.toml, line 4: --demo cannot be combined with --port or --socket"
    with pytest.raises(config_file.ConfigError, match=message):
        config_file.read(path, arguments.parser(), flags.COMMAND_LINE_ONLY, flags.combination_error)


# Errors


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('unit = "bits"', "line 1: there is no setting 'unit'; is it 'units'?"),
        ('\npassword_file = "x"', "line 2: there is no setting 'password_file'; is it 'password-"),
        ("'--units' = 1", "line 1: there is no setting '--units'; is it 'units'?"),
        ("zzz = 1", "line 1: there is no setting 'zzz'"),
        ("jsn = 1", "line 1: there is no setting 'jsn'"),
        ("p = 1", "line 1: there is no setting 'p'"),
        ("uni = 'bits'", "line 1: there is no setting 'uni'"),
        ('"" = 1', "line 1: there is no setting ''"),
        ('"a\\u001b[2J" = 1', r"line 1: there is no setting 'a\x1b[2J'"),
        ("json = true", "line 1: 'json' is for the command line only, as --json"),
        ("#\nhelp = true", "line 2: 'help' is for the command line only, as --help"),
        ("[bwgraph]\nunits = 'bits'", "line 1: 'bwgraph' is a table; each setting is a line of"),
        ("total = true\nunits.x = 'bits'", "line 2: 'units' is a table"),
        ("\n[units]", "line 2: 'units' is a table"),
        ("units = {}", "line 1: 'units' is a table"),
        ("[[units]]", "line 1: 'units' takes text or a number, not a table"),
        ("units = 1979-05-27", "line 1: 'units' takes text or a number, not a date or a time"),
        ("units = 07:32:00", "line 1: 'units' takes text or a number, not a date or a time"),
        ("units = true", "line 1: 'units' takes text or a number, not true"),
        ("units = [['bits']]", "line 1: 'units' takes text or a number, not a list"),
        ("units = ['bits']", "line 1: 'units' takes one value, not a list"),
        ("port = []", "line 1: 'port' takes a value, and the list is empty"),
        ("total = 1", "line 1: 'total' is either true or false, not a number"),
        ("total = 'yes'", "line 1: 'total' is either true or false, not text"),
        ("total = [true]", "line 1: 'total' is either true or false, not a list"),
        (f"total = 0x{'f' * 5000}", "line 1: 'total' is either true or false, not a number"),
        (f"port = 0x{'f' * 5000}", "line 1: 'port' is a number that is too long"),
        ('socket = "/\\u0000"', "line 1: 'socket' cannot contain a NUL character"),
        # The flag's own message.
        (
            "units = 'furlongs'",
            "line 1: argument --units: invalid choice: 'furlongs' (choose from ",
        ),
        ("\n\nport = 99999", "line 3: argument -p/--port: '99999' is not [HOST:]PORT"),
        ("port = [1, 0]", "line 1: argument -p/--port: '0' is not [HOST:]PORT"),
        ("demo = 'fast'", "line 1: argument --demo: invalid int value: 'fast'"),
        ("socket = '/x'\nport = 1", "line 2: argument -p/--port: not allowed with argument -s/"),
    ],
)
def test_an_error_in_a_setting_names_its_line(path: Path, content: str, text: str) -> None:
    assert error_of(path, content).startswith(f"config.toml, {text}")


def test_an_error_in_a_value_is_that_of_the_flag(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        PARSER.parse_args(["--units", "bit"])
    message = capsys.readouterr().err.partition("bwgraph: error: ")[2]
    assert error_of(path, "units = 'bit'") == f"config.toml, line 1: {message.rstrip()}"
    assert capsys.readouterr() == ("", "")


def test_a_hint_never_names_a_flag_that_is_no_setting(path: Path) -> None:
    assert error_of(path, "jsonn = 1") == "config.toml, line 1: there is no setting 'jsonn'"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("units = bits", "line 1: not TOML: invalid value (text must be quoted)"),
        ("\n\nunits = bits\n", "line 3: not TOML: invalid value (text must be quoted)"),
        ("units", "line 1: not TOML: expected '=' after a key in a key/value pair"),
        ("units = 'a'\r\n\r\nunits = 'b'\r\n", "line 3: not TOML: cannot overwrite a value"),
        ("total = true\ntotal = true", "line 2: not TOML: cannot overwrite a value"),
        ("total = true\ntotal = true # twice", "line 2: not TOML: cannot overwrite a value"),
        ("socket = 'C:\\x\n", "line 1: not TOML: "),
        ('socket = "C:\\x"', "line 1: not TOML: "),
        # The line on which the statement begins, not the end of the file.
        ("total = true\nport = [ # all\n 1,\n\n", "line 2: not TOML: invalid value"),
        ('\nsocket = """\ntotal = true\n\n', "line 2: not TOML: unterminated string"),
        ("a\rb = 1", "line 1: not TOML: "),
        ("#\nport = \x00", "line 2: not TOML: "),
        (f"total = true\nport = {'9' * 5000}\n#", "line 2: a number is too long"),
        (f"port = {'[' * 5000}", "line 1: brackets are nested too deeply"),
        (f"#\nport = {'[' * 5000}{']' * 5000}", "line 2: brackets are nested too deeply"),
        (b"#\n# caf\xe9\nunits = 'bits'", "line 2: not UTF-8"),
        (b"\xef\xbb\xbf#\n\xef\xbb\xbf\xff", "line 2: not UTF-8"),
        ("units = 'bits'".encode("utf-16"), "line 1: not UTF-8"),
    ],
)
def test_a_syntax_error_names_its_line(path: Path, content: str | bytes, text: str) -> None:
    assert error_of(path, content).startswith(f"config.toml, {text}")


def error_below(frames: int, path: Path, content: str) -> str:
    """Return the error message as read with more frames on the stack."""
    return error_below(frames - 1, path, content) if frames else error_of(path, content)


def test_nested_brackets_are_a_list_up_to_some_depth(path: Path) -> None:
    # The text is parsed at one depth of the stack, and its statements are split at another.
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400)  # reached in less time
    try:
        messages = {
            error_below(frames, path, f"total = true\nunits = {'[' * depth}{']' * depth}\n#\n")
            for depth in range(2, 200)
            for frames in range(4)
        }
    finally:
        sys.setrecursionlimit(before)
    assert messages == {
        "config.toml, line 2: 'units' takes text or a number, not a list",
        "config.toml, line 2: brackets are nested too deeply",
    }


def test_a_directory_is_an_error(path: Path) -> None:
    path.mkdir()
    with pytest.raises(config_file.ConfigError, match=r"config\.toml: .*directory"):
        config_file.read(path, PARSER, COMMAND_LINE_ONLY, any_combination)


def test_an_unreadable_file_is_an_error_and_an_invisible_one_is_ignored() -> None:
    with open_directory() as directory:
        path = directory / "config.toml"
        path.write_text("units = 'bits'\n")
        path.chmod(0o000)
        with (
            nobody(),
            pytest.raises(config_file.ConfigError, match=r"config\.toml: Permission denied"),
        ):
            config_file.read(path, PARSER, COMMAND_LINE_ONLY, any_combination)
        # Like root's home for the user that root runs bwgraph as.
        directory.chmod(0o700 if os.geteuid() == 0 else 0o000)
        with nobody():
            assert config_file.read(path, PARSER, COMMAND_LINE_ONLY, any_combination) == {}


# Lines of settings

LOOK_ALIKES = [
    ("",),
    ("# wrong = 1",),
    ("socket = 'wrong = 1' # wrong = 1",),
    ('socket = """', "wrong = 1", '\\"""', 'wrong = 2"""'),
    ("socket = '''", "wrong = 1", "# '''"),
    ("every = [ # ]", "  1,", "# wrong = [", "  2 ]"),
    ('"every" = [', '"""', 'wrong = 1""",', "]"),
    ("total = true",),
    ('"wrong\\n" = 1',),
]


@pytest.mark.parametrize("name", ["wrong", '"wrong"', "'wrong'", r'"wr\u006fng"', " wrong\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("value", ["1", "'''\nwrong = 1\n'''", "[\n1, # wrong = [\n]"])
def test_the_line_of_a_setting_is_that_of_its_name(name: str, newline: str, value: str) -> None:
    for before in itertools.permutations(LOOK_ALIKES, 2):
        lines = [*itertools.chain.from_iterable(before)]
        text = "\n".join([*lines, f"{name} = {value}", "", "[table]", "wrong = 1", ""])
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue  # the same name twice
        text = text.replace("\n", newline)
        assert config_file._line_of("wrong", text.replace("\r\n", "\n")) == len(lines) + 1


# Arbitrary content

PIECES = st.sampled_from(
    [
        *("units", "port", "socket", "total", "json", "demo", "every", "mouse", "no-color", "x"),
        *("=", " = ", "\n", "\r\n", "\r", "#", '"', "'", '"""', "'''", "\\", ",", ".", "[", "]"),
        *("[[", "]]", "{", "}", "true", "false", "0", "9051", "'bits'", "1e400", "-", "1.5", "nan"),
        *("1979-05-27", "T", "00:32:00", "Z", "é", "\0", "\ufeff", "\\u0000", "\\uD800", "[" * 999),
    ]
)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode())
    | st.lists(
        st.tuples(st.sampled_from(["units", "port", "demo", "total", "every", "zz"]), PIECES).map(
            " = ".join
        ),
        max_size=4,
    ).map(lambda lines: "\n".join(lines).encode())
)
@example(b"a.b = 1\n[[a]]\n")
@example(b"a = []\n[[a]]\n")
@example(b"[a]\n[a.b]\n[a]\n")
@example(b"port = " + b"9" * 5000)
@example(b"port = " + b"[" * 5000)
@example(b"port = 1979-13-45")
def test_any_bytes_are_settings_or_an_error_with_a_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    try:
        values = read(path, content)
    except config_file.ConfigError as error:
        head, _, what = str(error).removeprefix(f"{path}, line ").partition(": ")
        assert 1 <= int(head) <= content.count(b"\n") + 1
        assert what
    else:
        assert values.keys() <= {
            "units",
            "port",
            "socket",
            "total",
            "demo",
            "every",
            "mouse",
            "color",
        }
