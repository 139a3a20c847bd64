"""The parsers of the command line, made from the table of flags.

Owns their help and their error messages. Must not know what a flag does.
"""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from textwrap import fill
from typing import Any, NoReturn

from bwgraph import __version__
from bwgraph.cli import config_file, resources
from bwgraph.cli.flags import FLAGS, Flag, combination_error
from bwgraph.screen.keymap import BINDINGS
from bwgraph.system.stdio import EXIT_USAGE

DESCRIPTION = "The bandwidth graph for Tor: what a tor downloads and uploads, live."

EPILOG = """\
Without --port or --socket bwgraph looks for tors: at the endpoint that the
environment names (TOR_CONTROL_IPC_PATH, TOR_CONTROL_HOST, TOR_CONTROL_PORT), or
else at the usual control sockets, those of tor-instance-create included, and at
ports 9051 (tor) and 9151 (Tor Browser). Several tors are shown side by side, with
their sum.

bwgraph authenticates with the cookie of each tor, which it must be allowed to
read, or with a password from --password-file, from TOR_CONTROL_PASSWD, or typed
in. TOR_CONTROL_COOKIE_AUTH_FILE replaces the path of the cookie that tor reports.

The long flags under "which tor" and "initial appearance" can also be set in
{path}, for example
    units = "bits"
    glyphs = "braille"
A flag overrides the environment, and the environment overrides this file.
NO_COLOR turns colours off, whatever --color says.

"bwgraph print WHAT" prints a file that comes with bwgraph ("bwgraph print --help").
"""


class UsageError(Exception):
    """Wrong use of the program; the text says what is wrong."""


class _Parser(argparse.ArgumentParser):
    """A parser whose error messages have no control characters, whatever they quote."""

    def error(self, message: str) -> NoReturn:
        if sys.stderr is not None:  # it is None if it was closed when the program started
            self.print_usage(sys.stderr)
        text = "".join(char if char.isprintable() else "?" for char in message)
        self.exit(EXIT_USAGE, f"bwgraph: error: {text}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the flags.

    Its namespace contains only the fields of flags that were given.
    """
    path = config_file.default_path(os.environ, sys.platform)
    keys = ", ".join(binding.hint for binding in BINDINGS if binding.hint)
    whole = _Parser(
        prog="bwgraph",
        usage="%(prog)s [OPTION]... | %(prog)s print WHAT",
        description=DESCRIPTION,
        epilog=f"{EPILOG.format(path=path)}\n{fill(f'Keys: {keys}.', 80)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # The defaults of flags that were not given must not hide the configuration file's values.
        argument_default=argparse.SUPPRESS,
        add_help=False,
        # An abbreviation would change its meaning when a flag is added.
        allow_abbrev=False,
    )
    # argparse measures the terminal for a flag without a group. To do that, it loads the modules
    # that unpack archives.
    titles = dict.fromkeys(flag.group for flag in FLAGS)
    groups = {title: whole.add_argument_group(title) for title in titles}
    for flag in FLAGS:
        groups[flag.group].add_argument(*flag.names, **_argparse_settings(flag))
    return whole


def _argparse_settings(flag: Flag) -> dict[str, Any]:
    """Return the keyword arguments of ``add_argument``."""
    settings: dict[str, Any] = {"action": flag.action, "help": flag.help}
    if flag.action == "version":
        settings["version"] = f"%(prog)s {__version__}"
    if flag.field:
        settings["dest"] = flag.field
    if flag.action in {"store", "append"}:
        settings |= {"metavar": flag.metavar, "choices": flag.choices}
        if flag.parse is not None:
            settings["type"] = _argparse_type(flag.parse)
    if flag.value_if_bare is not None:
        settings |= {"nargs": "?", "const": flag.value_if_bare}
    return settings


def _argparse_type(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Return a function like ``parse`` whose errors argparse shows as they are."""

    def parse_argument(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_argument


def print_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after ``bwgraph print``."""
    verb = _Parser(
        prog="bwgraph print",
        description="Print a file that comes with bwgraph. Its first lines say where to put it.",
        allow_abbrev=False,
    )
    verb.add_argument(
        "what",
        metavar="WHAT",
        choices=tuple(resources.FILES),
        help=f"one of {', '.join(resources.FILES)}",
    )
    return verb


def parse(
    whole: argparse.ArgumentParser, words: Sequence[str], verbs: Collection[str]
) -> dict[str, object]:
    """Return the values of the given flags, by field.

    Prints a message and raises SystemExit if a flag or its value is wrong. Raises UsageError if a
    combination of flags is wrong, or if one of the ``verbs`` follows a flag.
    """
    # argparse would use a verb as the optional value of the flag before it.
    optional = {name for flag in FLAGS if flag.value_if_bare is not None for name in flag.names}
    for index in range(1, len(words)):
        if words[index] in verbs and words[index - 1] in optional:
            raise _misplaced_verb(words[index:])
    namespace, rest = whole.parse_known_args(words)
    for index, word in enumerate(rest):
        if word in verbs:
            raise _misplaced_verb(rest[index:])
    if rest:
        raise UsageError(f"unrecognized arguments: {' '.join(rest)}")
    values = vars(namespace)
    if error := combination_error(values.keys()):
        raise UsageError(error)
    return values


def _misplaced_verb(words: Sequence[str]) -> UsageError:
    return UsageError(f"{words[0]} must come first: bwgraph {' '.join(words)}")


def parse_print(words: Sequence[str]) -> str:
    """Return which file to print.

    Prints a message and raises SystemExit if the words are wrong.
    """
    return str(print_parser().parse_args(words).what)
