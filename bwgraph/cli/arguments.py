"""The command line: which flags there are, what they take, and what holds where they are not given.

Owns the parser and the defaults. Must not know what becomes of any of them.
"""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from textwrap import fill
from typing import NoReturn, TypeVar

from bwgraph import __version__
from bwgraph.cli import config_file, resources
from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.screen import units
from bwgraph.screen.keymap import BINDINGS
from bwgraph.screen.plot import GLYPH_SETS
from bwgraph.screen.view import Arrangement
from bwgraph.tor import endpoint

DESCRIPTION = "The bandwidth graph for Tor: what a tor uploads and downloads, live."

EPILOG = """\
Without --port or --socket bwgraph looks for tors: where the environment says
(TOR_CONTROL_IPC_PATH, TOR_CONTROL_HOST, TOR_CONTROL_PORT), or else at the usual
control sockets, those of tor-instance-create among them, and at ports 9051 (tor)
and 9151 (Tor Browser). Several are shown side by side, with their sum.

It authenticates as each tor asks: with its cookie, which it must be allowed to
read, or with a password from --password-file, from TOR_CONTROL_PASSWD, or typed
in. TOR_CONTROL_COOKIE_AUTH_FILE says where the cookie is if tor is wrong about it.

The long flags that say how the graph looks, and which tor it is of, can also be
set in {place}, as in
    units = "bits"
    glyphs = "braille"
A flag goes before the environment, and that before the file. NO_COLOR turns
colours off.
"""

STORED = 60
"""Seconds a column, of the finest that are stored: what somebody did in a minute is not told apart
as what they did in a second is."""

DEFAULTS: dict[str, object] = {
    "tors": [],
    "demo": None,
    "wait": False,
    "password_file": None,
    "interval": 1,
    "units": "bytes",
    "layout": "auto",
    "glyphs": "auto",
    "scale": "linear",
    "ceiling": None,
    "color": "auto",
    "json": False,
    "csv": False,
    "headless": False,
    "once": False,
    "svg": None,
    "duration": None,
    "store": None,
    "store_resolution": STORED,
    "prometheus": None,
    "replay": None,
    "speed": None,
}

NOT_LASTING = frozenset(
    {
        *("help", "version", "print", "json", "csv", "headless", "once", "svg", "duration"),
        *("replay", "speed", "store", "store-resolution", "prometheus"),
    }
)
"Flags that are for the command line alone."

WORK = frozenset({"store", "prometheus"})
"What there is to do without a screen and without lines, by the names in the parser's namespace."


class Misused(Exception):
    """Words that no command line of bwgraph's is made of."""

    def __init__(self, tell: Callable[[], NoReturn]) -> None:
        super().__init__()
        self.tell = tell
        "Says what is wrong, as argparse does, and ends the program."


class _Parser(argparse.ArgumentParser):
    """A parser that leaves it to others when to say what is wrong."""

    def error(self, message: str) -> NoReturn:
        raise Misused(partial(super().error, message))


def parser() -> argparse.ArgumentParser:
    """The parser; what is not given on the command line is not in its namespace."""
    keys = ", ".join(binding.hint for binding in BINDINGS if binding.hint)
    epilog = EPILOG.format(place=config_file.place(os.environ, sys.platform))
    whole = _Parser(
        prog="bwgraph",
        description=DESCRIPTION,
        epilog=f"{epilog}\n{fill(f'Keys: {keys}.', 80)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # What is not given is not there, so that the environment and the file have their say.
        argument_default=argparse.SUPPRESS,
        add_help=False,
    )
    # For each flag that is in no group argparse makes a formatter, for which it asks how wide the
    # terminal is, for which it loads what unpacks archives.
    general = whole.add_argument_group("options")
    general.add_argument("-h", "--help", action="help", help="show this help message and exit")
    tor = whole.add_argument_group("which tor")
    tor.add_argument(
        "-p",
        "--port",
        dest="tors",
        action="append",
        type=_or_wrong(endpoint.parse_named_port),
        metavar="[NAME=][HOST:]PORT",
        help="a tor's control port: 9051, 127.0.0.1:9051, [::1]:9051, exit=host.example:9051",
    )
    tor.add_argument(
        "-s",
        "--socket",
        dest="tors",
        action="append",
        type=_or_wrong(endpoint.parse_named_socket),
        metavar="[NAME=]PATH",
        help="a tor's control socket; both may be given again and again, for several tors",
    )
    tor.add_argument(
        "--wait",
        action="store_true",
        help="where no tor lets us in yet, try again for as long as it takes",
    )
    tor.add_argument(
        "--demo",
        nargs="?",
        type=_speed,
        const=1,
        metavar="SPEED",
        help="no tor needed: show an invented relay, whose day goes by SPEED times as fast (1)",
    )
    tor.add_argument(
        "--password-file", metavar="FILE", help="a file whose one line is the control password"
    )
    look = whole.add_argument_group("how it looks at first (keys change all of it)")
    look.add_argument(
        "-i",
        "--interval",
        type=_or_wrong(_resolution),
        metavar="TIME",
        help=f"a column or line: {', '.join(map(_brief, RESOLUTIONS))}",
    )
    look.add_argument("-u", "--units", choices=list(units.UNITS), help="KiB/s, or kbit/s")
    look.add_argument("--layout", choices=["auto", *(each.value for each in Arrangement)])
    look.add_argument("--glyphs", choices=["auto", *GLYPH_SETS])
    look.add_argument("--scale", choices=["linear", "log"])
    look.add_argument(
        "--ceiling",
        type=_or_wrong(units.parse_rate),
        metavar="RATE",
        help="pin the scale: 20MiB, 500KiB, 100Mbit; what is higher is marked",
    )
    look.add_argument("--color", choices=["auto", "never"])
    still = whole.add_argument_group("without a screen")
    still.add_argument(
        "--json",
        action="store_true",
        help="one line of JSON for each sample or, with -i, for each interval; with --once: "
        "the statistics",
    )
    still.add_argument("--csv", action="store_true", help="the same as lines of CSV")
    still.add_argument("--headless", action="store_true", help="write nothing to standard output")
    still.add_argument("--once", action="store_true", help="print one frame as text, and end")
    still.add_argument("--svg", metavar="FILE", help="write one frame as an SVG picture, and end")
    still.add_argument(
        "--duration",
        type=_or_wrong(units.parse_span),
        metavar="TIME",
        help="watch for so long, then end (90s, 15m, 6h)",
    )
    past = whole.add_argument_group("the past")
    past.add_argument(
        "--replay",
        metavar="FILE",
        help="no tor needed: play what --json or --csv has written; - is standard input",
    )
    past.add_argument(
        "--speed", type=_speed, metavar="SPEED", help="play it SPEED times as fast (1 to 3600)"
    )
    past.add_argument(
        "--store",
        metavar="FILE",
        help="keep the history in this file, and begin with what is in it; without a tor, show it",
    )
    past.add_argument(
        "--store-resolution",
        type=_or_wrong(_resolution),
        metavar="TIME",
        help=f"the finest that is stored ({_brief(STORED)}); seconds tell much more of whoever"
        " uses this tor",
    )
    others = whole.add_argument_group("for other programs")
    others.add_argument(
        "--prometheus",
        type=_or_wrong(endpoint.parse_port),
        metavar="[HOST:]PORT",
        help="tell a Prometheus that asks there, on this machine alone where no host is given",
    )
    others.add_argument(
        "--print",
        choices=list(resources.FILES),
        metavar="WHAT",
        help=f"print a file that goes with bwgraph, and end: {', '.join(resources.FILES)}",
    )
    general.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return whole


Value = TypeVar("Value")


def _or_wrong(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """As a type of argparse's, whose message is the ValueError's."""

    def parsed(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _resolution(text: str) -> int:
    seconds = units.parse_span(text)
    if seconds not in RESOLUTIONS:
        message = f"{text!r} is not one of {', '.join(map(_brief, RESOLUTIONS))}"
        raise ValueError(message)
    return seconds


def _brief(seconds: int) -> str:
    return units.format_exact_span(seconds).replace(" ", "").replace("min", "m")


def _speed(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        message = f"{text!r} is not a number from 1 to 3600"
        raise argparse.ArgumentTypeError(message)
    return int(text)
