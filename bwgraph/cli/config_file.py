"""Settings that last. Owns their file: where it is, how it is read, and what goes before it.

A setting is a long flag without its dashes, and worth what that flag makes of it: the parser of the
command line is asked for that, so no flag is named here but those that the environment speaks of
too. Must not know what a setting is for.
"""

import argparse
import codecs
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time
from pathlib import Path
from typing import NoReturn

from bwgraph.tor import endpoint

WHICH_TOR = frozenset({"tors", "demo", "replay"})
"What says which tor to show: one decision, whose parts are never put together from two places."
PASSWORD = frozenset({"password_file"})
COLOR = frozenset({"color", "no_color"})

_AT = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
"How tomllib ends its messages."


class Unreadable(ValueError):
    """A file of settings that cannot be used; the text names it, the line and what is wrong."""

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        super().__init__(f"{path}, line {line}: {what}" if line else f"{path}: {what}")


def place(environ: Mapping[str, str], platform: str) -> Path:
    """Where the file is, if there is one.

    >>> place({"XDG_CONFIG_HOME": "/etc/mine", "HOME": "/home/me"}, "linux").as_posix()
    '/etc/mine/bwgraph/config.toml'
    >>> place({"XDG_CONFIG_HOME": "relative", "HOME": "/home/me"}, "linux").as_posix()
    '/home/me/.config/bwgraph/config.toml'
    """
    if platform == "win32":
        roaming = environ.get("APPDATA")
        base = Path(roaming) if roaming else _home(environ, "USERPROFILE") / "AppData" / "Roaming"
    else:
        xdg = environ.get("XDG_CONFIG_HOME", "")
        # A relative one is to be ignored, says the XDG base directory specification.
        base = Path(xdg) if xdg.startswith("/") else _home(environ, "HOME") / ".config"
    return base / "bwgraph" / "config.toml"


def _home(environ: Mapping[str, str], variable: str) -> Path:
    if home := environ.get(variable):
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:  # a user without an entry in the system's list of them
        return Path("/")


def read(
    path: Path, parser: argparse.ArgumentParser, not_here: frozenset[str]
) -> dict[str, object]:
    """What the file sets, named and valued as in the parser's namespace; Unreadable if it is wrong.

    The parser has ``argument_default=argparse.SUPPRESS``: its namespace holds what was given, and
    nothing else. ``not_here`` are the flags, without dashes, that are for the command line alone.
    """
    text = _text(path)
    if not text:
        return {}
    # There is no public way to ask a parser for its flags.
    flags = {
        name.removeprefix("--"): action
        for action in parser._actions  # noqa: SLF001
        for name in action.option_strings
        if name.startswith("--")
    }
    strict = _Strict(prog=parser.prog, parents=[parser], add_help=False)
    arguments: list[str] = []
    found: dict[str, object] = {}
    for key, value in _toml(path, text).items():
        try:
            _check_name(key, value, flags.keys(), not_here)
            arguments += _arguments(key, value, flags[key])
            # All of them so far: the parser also knows which flags exclude one another.
            found = vars(strict.parse_args(arguments))
            if isinstance(value, list) and not isinstance(found[flags[key].dest], list):
                strict.error(f"--{key} takes one value, not a list")
        except _Wrong as wrong:
            raise Unreadable(path, _line_of(key, text), str(wrong)) from None
    return found


def merge(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    file: Mapping[str, object],
    defaults: Mapping[str, object],
) -> dict[str, object]:
    """Flags go before the environment, that goes before the file, and that before the defaults.

    The environment only takes away here what the file says of the same matter; whoever reads the
    environment itself gives it its due. A ValueError if it makes no sense.

    >>> file = {"tors": ["/run/tor/control"], "units": "bits"}
    >>> merge({"tors": [9051]}, {}, file, {"tors": [], "units": "bytes"})
    {'tors': [9051], 'units': 'bits'}
    >>> merge({}, {"TOR_CONTROL_PORT": "9051"}, file, {"tors": []})
    {'tors': [], 'units': 'bits'}
    """
    overruled: set[str] = set()
    if WHICH_TOR & flags.keys() or endpoint.from_environment(environ):
        overruled |= WHICH_TOR
    if "TOR_CONTROL_PASSWD" in environ:
        overruled |= PASSWORD
    if environ.get("NO_COLOR"):
        overruled |= COLOR
    lasting = {name: value for name, value in file.items() if name not in overruled}
    return {**defaults, **lasting, **flags}


class _Wrong(Exception):
    """What is wrong with one setting."""


class _Strict(argparse.ArgumentParser):
    """A parser that neither prints nor exits: the line is still to be found."""

    def error(self, message: str) -> NoReturn:
        raise _Wrong(message)


def _text(path: Path) -> str:
    """The text of the file; empty without one."""
    try:
        path.stat()
    except OSError:  # not there, or in a place of somebody else's where we may not even look
        return ""
    try:
        raw = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise Unreadable(path, None, error.strerror or "cannot be read") from None
    try:
        return raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Unreadable(path, raw.count(b"\n", 0, error.start) + 1, "not UTF-8") from None


def _toml(path: Path, text: str) -> dict[str, object]:
    import tomllib  # noqa: PLC0415 - most have no such file

    line = None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = str(error)
        if at := _AT.search(what):
            what = what[: at.start()]
            line = int(at["line"]) if at["line"] else None
        what = f"not TOML: {what[:1].lower()}{what[1:]}"
        if line is not None and what.endswith("invalid value"):
            what += " (text goes in quotes)"
    except RecursionError:
        what = "too many brackets inside of each other"
    except ValueError:  # of int()
        what = "a number that is too long"
    if line is None:  # so it is in the last statement that was come to
        *_, (line, _) = _statements(text)
    raise Unreadable(path, line, what)


def _statements(text: str) -> Iterator[tuple[int, dict[str, object]]]:
    r"""Each statement of a TOML text by itself, with the number of its first line.

    A statement is as many lines as it takes for TOML: no shorter piece of one is TOML, so tomllib
    itself tells where it ends. One that never does is the last, and empty.

    >>> list(_statements('a = 1 # one\n"b" = [\n"a = 2"]\nc = ['))
    [(1, {'a': 1}), (2, {'b': ['a = 2']}), (4, {})]
    """
    import tomllib  # noqa: PLC0415 - as above

    lines = text.split("\n")
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            statement = tomllib.loads("\n".join(lines[begin:end]))
        except (ValueError, RecursionError):
            continue
        yield begin + 1, statement
        begin = end
    if begin < len(lines):
        yield begin + 1, {}


def _line_of(key: str, text: str) -> int:
    statements = list(_statements(text))
    # In the last one, if its value is just as deep as tomllib can go: it may fail this time.
    return next((line for line, found in statements if key in found), statements[-1][0])


def _check_name(key: str, value: object, flags: AbstractSet[str], not_here: frozenset[str]) -> None:
    if isinstance(value, dict):
        message = f"{key!r} is a table; each setting is a line of its own, name = value"
    elif key in not_here:
        message = f"{key!r} is for the command line only, as --{key}"
    elif key not in flags:
        from difflib import get_close_matches  # noqa: PLC0415 - only for who has mistyped

        close = get_close_matches(key, sorted(flags - not_here), n=1)
        message = f"there is no setting {key!r}" + (f"; is it {close[0]!r}?" if close else "")
    else:
        return
    raise _Wrong(message)


def _arguments(key: str, value: object, action: argparse.Action) -> list[str]:
    """The arguments that say the same on the command line; none for a flag that is not set."""
    if isinstance(value, bool) and action.nargs in {0, "?"}:
        if value:
            return [f"--{key}"]
        return [f"--no-{key}"] if f"--no-{key}" in action.option_strings else []
    if action.nargs == 0:
        message = f"--{key} is either true or false, not {_kind(value)}"
        raise _Wrong(message)
    if value == []:
        message = f"--{key} takes a value, and the list is empty"
        raise _Wrong(message)
    values = value if isinstance(value, list) else [value]
    # One argument each, so that no value is taken for a flag.
    return [f"--{key}={_word(key, each)}" for each in values]


def _word(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        message = f"--{key} takes text or a number, not {_kind(value)}"
        raise _Wrong(message)
    try:
        word = str(value)
    except ValueError:
        message = f"--{key} is a number that is too long"
        raise _Wrong(message) from None
    if "\0" in word:
        message = f"--{key} cannot have a NUL character in it"
        raise _Wrong(message)
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
