"""The configuration file.

Owns its path, how it is read, and its error messages, which name the line. A setting is a long flag
without its dashes, with the values of that flag: the parser of the command line converts them. Must
not know any particular flag.
"""

import argparse
import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time
from pathlib import Path
from typing import NoReturn

CombinationError = Callable[[AbstractSet[str]], str | None]
"Returns what is wrong with setting these fields together, or None."

_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
"The end of tomllib's messages."


class ConfigError(ValueError):
    """An unusable configuration file; the text names the file, the line and what is wrong."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}" if line else f"{path}: {problem}")


def default_path(environ: Mapping[str, str], platform: str) -> Path:
    """Return the path of the configuration file, which need not exist.

    >>> default_path({"XDG_CONFIG_HOME": "/etc/mine", "HOME": "/home/me"}, "linux").as_posix()
    '/etc/mine/bwgraph/config.toml'
    >>> default_path({"XDG_CONFIG_HOME": "relative", "HOME": "/home/me"}, "linux").as_posix()
    '/home/me/.config/bwgraph/config.toml'
    """
    if platform == "win32":
        roaming = environ.get("APPDATA")
        base = Path(roaming) if roaming else _home(environ, "USERPROFILE") / "AppData" / "Roaming"
    else:
        xdg = environ.get("XDG_CONFIG_HOME", "")
        # The XDG base directory specification says to ignore a relative path.
        base = Path(xdg) if xdg.startswith("/") else _home(environ, "HOME") / ".config"
    return base / "bwgraph" / "config.toml"


def _home(environ: Mapping[str, str], variable: str) -> Path:
    if home := environ.get(variable):
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:  # the user has no entry in the system's user database
        return Path("/")


def read(
    path: Path,
    parser: argparse.ArgumentParser,
    command_line_only: AbstractSet[str],
    combination_error: CombinationError,
) -> dict[str, object]:
    """Return the settings by field. Returns {} if there is no file.

    The parser must have ``argument_default=argparse.SUPPRESS``, so that its namespace has only
    the fields that were set. ``command_line_only`` are the flags, without dashes, that are not
    settings. Raises ConfigError if the file cannot be read or a setting is wrong.
    """
    text = _text(path)
    if not text:
        return {}
    flags = {
        name.removeprefix("--"): action
        for action in parser._actions  # noqa: SLF001 - argparse has no public list of flags
        for name in action.option_strings
        if name.startswith("--")
    }
    strict = _RaisingParser(prog=parser.prog, parents=[parser], add_help=False, allow_abbrev=False)
    words: list[str] = []
    values: dict[str, object] = {}
    for key, value in _toml(path, text).items():
        try:
            _check_name(key, value, flags.keys(), command_line_only)
            words += _words(key, value, flags[key])
            # All settings so far: the parser may have flags that exclude one another.
            values = vars(strict.parse_args(words))
            if error := combination_error(values.keys()):
                strict.error(error)
            if isinstance(value, list) and not isinstance(values[flags[key].dest], list):
                strict.error(f"{key!r} takes one value, not a list")
        except _SettingError as error:
            raise ConfigError(path, _line_of(key, text), str(error)) from None
    return values


class _SettingError(Exception):
    """An error in one setting; the text does not name the line."""


class _RaisingParser(argparse.ArgumentParser):
    """A parser that raises _SettingError instead of printing and exiting."""

    def error(self, message: str) -> NoReturn:
        raise _SettingError(message)


def _text(path: Path) -> str:
    """Return the text of the file; empty if there is none.

    Raises ConfigError if it cannot be read.
    """
    try:
        path.stat()
    except OSError:  # it does not exist, or is in a directory of another user
        return ""
    try:
        raw = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise ConfigError(path, None, error.strerror or "cannot be read") from None
    try:
        return raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(path, raw.count(b"\n", 0, error.start) + 1, "not UTF-8") from None


def _toml(path: Path, text: str) -> dict[str, object]:
    """Return the content of a TOML text. Raises ConfigError if it is not TOML."""
    import tomllib  # noqa: PLC0415 - most users have no configuration file

    line = None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
        if position := _POSITION.search(problem):
            problem = problem[: position.start()]
            line = int(position["line"]) if position["line"] else None
        problem = f"not TOML: {problem[:1].lower()}{problem[1:]}"
        if line is not None and problem.endswith("invalid value"):
            problem += " (text must be quoted)"
    except RecursionError:
        problem = "brackets are nested too deeply"
    except ValueError:  # from int()
        problem = "a number is too long"
    if line is None:  # the error is in the last statement that _statements finds
        *_, (line, _) = _statements(text)
    raise ConfigError(path, line, problem)


def _statements(text: str) -> Iterator[tuple[int, dict[str, object]]]:
    r"""Yield each statement of a TOML text, after the number of its first line.

    A statement is the shortest sequence of lines that tomllib accepts: no shorter part of one is
    valid TOML. An incomplete statement is the last one, and empty.

    >>> list(_statements('a = 1 # one\n"b" = [\n"a = 2"]\nc = ['))
    [(1, {'a': 1}), (2, {'b': ['a = 2']}), (4, {})]
    """
    import tomllib  # noqa: PLC0415 - see _toml

    lines = text.split("\n")
    first = 0
    for end in range(1, len(lines) + 1):
        try:
            statement = tomllib.loads("\n".join(lines[first:end]))
        except (ValueError, RecursionError):
            continue
        yield first + 1, statement
        first = end
    if first < len(lines):
        yield first + 1, {}


def _line_of(key: str, text: str) -> int:
    statements = list(_statements(text))
    # A value that is nested as deeply as tomllib can parse may fail this time, deeper in the stack.
    # It is then in the last statement.
    return next((line for line, content in statements if key in content), statements[-1][0])


def _check_name(
    key: str, value: object, flags: AbstractSet[str], command_line_only: AbstractSet[str]
) -> None:
    """Raise _SettingError if there is no such setting."""
    if isinstance(value, dict):
        message = f"{key!r} is a table; each setting is a line of its own, name = value"
    elif key in command_line_only:
        message = f"{key!r} is for the command line only, as --{key}"
    elif key not in flags:
        from difflib import get_close_matches  # noqa: PLC0415 - for mistyped names only

        close = get_close_matches(key, sorted(flags - command_line_only), n=1)
        message = f"there is no setting {key!r}" + (f"; is it {close[0]!r}?" if close else "")
    else:
        return
    raise _SettingError(message)


def _words(key: str, value: object, action: argparse.Action) -> list[str]:
    """Return the equivalent command-line words; [] if false leaves a flag unset."""
    if isinstance(value, bool) and action.nargs in {0, "?"}:
        if value:
            return [f"--{key}"]
        return [f"--no-{key}"] if f"--no-{key}" in action.option_strings else []
    if action.nargs == 0:
        message = f"{key!r} is either true or false, not {_kind(value)}"
        raise _SettingError(message)
    if value == []:
        message = f"{key!r} takes a value, and the list is empty"
        raise _SettingError(message)
    values = value if isinstance(value, list) else [value]
    # With "=", so that argparse takes no value for a flag.
    return [f"--{key}={_word(key, each)}" for each in values]


def _word(key: str, value: object) -> str:
    """Return a value as text. Raises _SettingError if it has no text that a flag can take."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        message = f"{key!r} takes text or a number, not {_kind(value)}"
        raise _SettingError(message)
    try:
        word = str(value)
    except ValueError:
        message = f"{key!r} is a number that is too long"
        raise _SettingError(message) from None
    if "\0" in word:
        message = f"{key!r} cannot contain a NUL character"
        raise _SettingError(message)
    return word


def _kind(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "text"
        case int() | float():
            return "a number"
        case date() | time():
            return "a date or a time"
        case list():
            return "a list"
    return "a table"
