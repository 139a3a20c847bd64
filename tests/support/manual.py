"""The generator of the manual page, and checks of a page and of the command lines in it.

The page is written in mdoc, a macro language of roff. OPTIONS is made from the parser, KEYS
from the table of keys, and the rest is in ``bwgraph.1.in``.
"""

import argparse
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from unittest.mock import patch

import bwgraph
from bwgraph.cli import arguments, resources
from bwgraph.screen.keymap import BINDINGS

SOURCE = Path(__file__).parents[1] / "cli" / "bwgraph.1.in"

PACKAGE = Path(bwgraph.__file__).parent

_ESCAPES = {"\\": r"\e", "~": r"\(ti", "^": r"\(ha", "`": r"\(ga"}
"Characters that roff would replace by typographic ones."


@contextmanager
def stable_parser() -> Iterator[argparse.ArgumentParser]:
    """Provide the parser with texts that do not depend on the user or the terminal."""
    with patch.dict(os.environ, {"HOME": "~", "COLUMNS": "80"}):
        os.environ.pop("XDG_CONFIG_HOME", None)
        yield arguments.parser()


def page() -> str:
    """Return the manual page."""
    with stable_parser() as parser:
        inserted = {
            "@OPTIONS@": options(parser),
            "@KEYS@": keys(),
            "@OS@": [f".Os bwgraph {bwgraph.__version__}"],
        }
    lines: list[str] = [
        r".\" Generated from tests/cli/bwgraph.1.in by tests/cli/test_resources.py.",
        r".\" To install it: bwgraph print man >~/.local/share/man/man1/bwgraph.1",
    ]
    # The comment at the top of the source is left out.
    source = SOURCE.read_text(encoding="utf-8").partition("\n.Dd ")
    for line in f".Dd {source[2]}".splitlines():
        lines += inserted.get(line, [line])
    return "\n".join(lines) + "\n"


def options(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options as a list for each group of the parser."""
    lines: list[str] = []
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.option_strings]
        if not actions:
            continue
        title = group.title or "options"
        if title != "options":
            lines.append(f".Ss {escape(title[0].upper() + title[1:])}")
        lines.append(".Bl -tag -width Ds")
        for action in actions:
            lines += _option(parser, action)
        lines.append(".El")
    return lines


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> list[str]:
    names = " , ".join(f"Fl {escape(name[1:])}" for name in action.option_strings)
    value = ""
    if action.nargs != 0:
        if action.choices:
            value = " Cm " + " | ".join(escape(str(choice)) for choice in action.choices)
        else:
            value = f" Ar {escape(str(action.metavar or action.dest))}"
        value = f" Op{value}" if action.nargs == "?" else value
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    # A line break between sentences, as roff wants it, is not needed in texts as short as these.
    described = [escape(text[0].upper() + text[1:].rstrip(".") + ".")] if text else []
    return [f".It {names}{value}", *described]


def keys() -> list[str]:
    """Return a list of the keys, from the table in which they are looked up."""
    lines = [".Bl -tag -width Ds"]
    for help_text, bindings in groupby(BINDINGS, lambda binding: binding.help):
        names = [key for binding in bindings for key in binding.keys]
        lines.append(".It " + " , ".join(f"Ic {escape(name)}" for name in names))
        lines.append(escape(help_text[0].upper() + help_text[1:] + "."))
    return [*lines, ".El"]


def escape(text: str) -> str:
    r"""Return a text as mdoc writes it, as an argument of a macro or as a line.

    >>> escape("--json"), escape("^C"), escape("?"), escape("side-by-side")
    ('\\-\\-json', '\\(haC', '\\&?', 'side-by-side')
    """
    escaped = "".join(_ESCAPES.get(char, char) for char in text)
    escaped = re.sub(r"(?<!\w)-", r"\\-", escaped)
    return rf"\&{escaped}" if re.match(r"[^\w\\]", escaped) else escaped


def unescape(text: str) -> str:
    """Return what a text in mdoc prints.

    >>> unescape(escape("^C")), unescape(escape("--json"))
    ('^C', '--json')
    """
    plain = text.replace(r"\&", "").replace(r"\-", "-")
    for char, escaped in _ESCAPES.items():
        plain = plain.replace(escaped, char)
    return plain


def documented(page: str, macro: str) -> Mapping[str, set[str]]:
    """Return the arguments of a macro in the tags of the lists, by section.

    >>> page = ".Sh OPTIONS\\n.It Fl u , Fl \\\\-units Cm bytes | bits\\n.It Ic q"
    >>> sorted(documented(page, "Fl")["OPTIONS"])
    ['--units', '-u']
    """
    found: dict[str, set[str]] = {}
    section = ""
    for line in page.splitlines():
        name, _, rest = line.partition(" ")
        if name == ".Sh":
            section = rest
        elif name == ".It":
            found.setdefault(section, set()).update(_arguments(rest, macro))
    return found


def _arguments(line: str, macro: str) -> Iterator[str]:
    for name, argument in re.findall(r"(?:^|(?<= ))([A-Z][a-z]) ((?:(?! [A-Z][a-z] ).)+)", line):
        if name == macro:
            dash = "-" if macro == "Fl" else ""
            yield dash + unescape(argument.removesuffix(" ,"))


def bwgraph_commands(line: str) -> list[list[str]]:
    """Return the arguments of each bwgraph command in a line of shell.

    >>> bwgraph_commands("xz -dc f | bwgraph --replay - >x")
    [['--replay', '-']]
    """
    found: list[list[str]] = []
    current: list[str] | None = None
    line = line.replace("$(command -v bwgraph)", "bwgraph")
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    for word in lexer:
        if word[0] in "|&;<>":
            current = None
        elif current is not None:
            current.append(word)
        elif word == "bwgraph" or word.endswith("/bwgraph"):
            current = []
            found.append(current)
        elif " bwgraph " in f" {word}":  # the argument of sh -c
            found += bwgraph_commands(word)
    return found


def check_command_line(line: str) -> None:
    """Parse the bwgraph commands in a line of shell; there must be at least one."""
    commands = bwgraph_commands(line)
    assert commands, line
    for command in commands:
        if command[:1] == ["print"]:
            assert len(command) == 2, line
            assert command[1] in resources.FILES, line
        else:
            try:
                arguments.parser().parse_args(command)
            except SystemExit as end:
                if end.code != 0:  # it is 0 after --help and --version
                    raise
