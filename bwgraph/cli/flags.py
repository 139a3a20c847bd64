"""The table of the command line's flags.

Owns each flag's names, help, default and value, whether the configuration file can set it, and
which flags exclude or need others. Must not know the parser, nor what a flag does.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.screen import units
from bwgraph.screen.plot import GLYPH_SETS
from bwgraph.screen.view import Arrangement
from bwgraph.tor import endpoint

DEFAULT_STORE_RESOLUTION_S = 60
"""The default of --store-resolution, in seconds. Shorter buckets can reveal what individual users
did."""

GENERAL = "options"
WHICH_TOR = "which tor"
APPEARANCE = "initial appearance"
OUTPUT = "output instead of the graph"
HISTORY = "stored and recorded history"
OTHER_PROGRAMS = "for other programs"


class Flag(NamedTuple):
    """The declaration of one flag."""

    names: tuple[str, ...]
    "The names with their dashes; the last one is the long name."
    group: str
    "The title of its section in ``--help``."
    help: str
    field: str = ""
    "The field of ``Options`` that it sets; empty if it prints something and exits."
    default: object = None
    "The value of the field if the flag is not given."
    action: str = "store"
    "What argparse does with the flag."
    parse: Callable[[str], object] | None = None
    "Converts the flag's value; raises ValueError if it is wrong. None: the value stays text."
    choices: tuple[str, ...] | None = None
    metavar: str | None = None
    value_if_bare: object = None
    "The value if the flag is given without a value. None: a value is required."
    in_file: bool = False
    "Whether it can be set in the configuration file."
    excludes: tuple[str, ...] = ()
    "Long names of the flags that it cannot be combined with."
    excludes_unless: tuple[tuple[str, str], ...] = ()
    "Pairs of long names: the flag cannot be combined with the first, unless the second is given."
    needs: tuple[str, ...] = ()
    "Long names of other flags. At least one of them has to be given."

    @property
    def long_name(self) -> str:
        """The name that is used in messages, such as ``--port``."""
        return self.names[-1]


def _parse_resolution(text: str) -> int:
    seconds = units.parse_span(text)
    if seconds not in RESOLUTIONS:
        message = f"{text!r} is not one of {_RESOLUTION_NAMES}"
        raise ValueError(message)
    return seconds


def _short_span(seconds: int) -> str:
    return units.format_exact_span(seconds).replace(" ", "").replace("min", "m")


_RESOLUTION_NAMES = ", ".join(map(_short_span, RESOLUTIONS))


def _parse_speed(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        message = f"{text!r} is not a number from 1 to 3600"
        raise ValueError(message)
    return int(text)


FLAGS: tuple[Flag, ...] = (
    Flag(("-h", "--help"), GENERAL, "show this help message and exit", action="help"),
    Flag(("--version",), GENERAL, "show the version and exit", action="version"),
    Flag(
        ("-p", "--port"),
        WHICH_TOR,
        "control port of a tor: 9051, 127.0.0.1:9051, [::1]:9051, exit=host.example:9051",
        field="tors",
        default=(),
        action="append",
        parse=endpoint.parse_named_port,
        metavar="[NAME=][HOST:]PORT",
        in_file=True,
    ),
    Flag(
        ("-s", "--socket"),
        WHICH_TOR,
        "control socket of a tor; repeat --port and --socket to watch several tors",
        field="tors",
        default=(),
        action="append",
        parse=endpoint.parse_named_socket,
        metavar="[NAME=]PATH",
        in_file=True,
    ),
    Flag(
        ("--wait",),
        WHICH_TOR,
        "if the connection to a tor fails at the start, keep trying instead of exiting",
        field="wait",
        default=False,
        action="store_true",
        in_file=True,
    ),
    Flag(
        ("--demo",),
        WHICH_TOR,
        "show an invented relay instead of a tor; its traffic pattern runs SPEED times as fast"
        " (default: 1)",
        field="demo",
        parse=_parse_speed,
        metavar="SPEED",
        value_if_bare=1,
        in_file=True,
        excludes=("--port", "--socket"),
    ),
    Flag(
        ("--password-file",),
        WHICH_TOR,
        "file whose only line is the control password",
        field="password_file",
        metavar="FILE",
        in_file=True,
    ),
    Flag(
        ("-i", "--interval"),
        APPEARANCE,
        f"time per column of the graph, or per line of --json or --csv: {_RESOLUTION_NAMES}",
        field="interval",
        default=1,
        parse=_parse_resolution,
        metavar="TIME",
        in_file=True,
    ),
    Flag(
        ("-u", "--units"),
        APPEARANCE,
        "rates in bytes (KiB/s, the default) or in bits (kbit/s)",
        field="units",
        default="bytes",
        choices=tuple(units.UNITS),
        in_file=True,
    ),
    Flag(
        ("--layout",),
        APPEARANCE,
        "positions of the two graphs; auto chooses by the size of the window",
        field="layout",
        default="auto",
        choices=("auto", *(each.value for each in Arrangement)),
        in_file=True,
    ),
    Flag(
        ("--glyphs",),
        APPEARANCE,
        "characters of the graphs; auto is block, or ascii if the locale is not UTF-8",
        field="glyphs",
        default="auto",
        choices=("auto", *GLYPH_SETS),
        in_file=True,
    ),
    Flag(
        ("--scale",),
        APPEARANCE,
        "linear (the default) or logarithmic axis of the rates",
        field="scale",
        default="linear",
        choices=("linear", "log"),
        in_file=True,
    ),
    Flag(
        ("--ceiling",),
        APPEARANCE,
        "pin the top of the scale: 20MiB, 500KiB, 100Mbit; higher columns are marked",
        field="ceiling",
        parse=units.parse_rate,
        metavar="RATE",
        in_file=True,
    ),
    Flag(
        ("--color",),
        APPEARANCE,
        "colours: auto (the default; off if NO_COLOR is set) or never",
        field="color",
        default="auto",
        choices=("auto", "never"),
        in_file=True,
    ),
    Flag(
        ("--json",),
        OUTPUT,
        "write a line of JSON for each sample or, with -i, for each interval; with --once, write"
        " the statistics as one JSON object",
        field="json",
        default=False,
        action="store_true",
    ),
    Flag(
        ("--csv",),
        OUTPUT,
        "write a line of CSV for each sample or, with -i, for each interval",
        field="csv",
        default=False,
        action="store_true",
        excludes=("--json", "--headless", "--once"),
    ),
    Flag(
        ("--headless",),
        OUTPUT,
        "run without a screen; needs --store or --prometheus",
        field="headless",
        default=False,
        action="store_true",
        excludes=("--json", "--once"),
        needs=("--store", "--prometheus"),
    ),
    Flag(
        ("--once",),
        OUTPUT,
        "print one frame as text after the first sample, or after --duration, and exit",
        field="once",
        default=False,
        action="store_true",
    ),
    Flag(
        ("--svg",),
        OUTPUT,
        "write one frame as an SVG picture to FILE and exit",
        field="svg",
        metavar="FILE",
        excludes=("--csv", "--headless"),
        excludes_unless=(("--json", "--once"),),
    ),
    Flag(
        ("--duration",),
        OUTPUT,
        "collect samples for this long and exit: 90s, 15m, 6h; needs another flag of this section",
        field="duration",
        parse=units.parse_span,
        metavar="TIME",
        needs=("--once", "--svg", "--json", "--csv", "--headless"),
    ),
    Flag(
        ("--replay",),
        HISTORY,
        "play a recording of --json or --csv, without a tor; - is standard input",
        field="replay",
        metavar="FILE",
        excludes=(
            *("--port", "--socket", "--demo", "--wait", "--csv", "--headless", "--duration"),
            *("--store", "--prometheus"),
        ),
        excludes_unless=(("--json", "--once"),),
    ),
    Flag(
        ("--speed",),
        HISTORY,
        "play the recording SPEED times as fast (1 to 3600; default: 1)",
        field="speed",
        parse=_parse_speed,
        metavar="SPEED",
        needs=("--replay",),
    ),
    Flag(
        ("--store",),
        HISTORY,
        "store the history in FILE and show what is already in it; if no tor is found, show"
        " the stored history only",
        field="store",
        metavar="FILE",
    ),
    Flag(
        ("--store-resolution",),
        HISTORY,
        f"shortest time per stored column (default: {_short_span(DEFAULT_STORE_RESOLUTION_S)});"
        " shorter times reveal more about the users of a tor",
        field="store_resolution",
        default=DEFAULT_STORE_RESOLUTION_S,
        parse=_parse_resolution,
        metavar="TIME",
        needs=("--store",),
    ),
    Flag(
        ("--prometheus",),
        OTHER_PROGRAMS,
        "serve metrics to Prometheus at this address; without HOST, to this machine only",
        field="prometheus",
        parse=endpoint.parse_port,
        metavar="[HOST:]PORT",
    ),
)

DEFAULTS: dict[str, object] = {flag.field: flag.default for flag in FLAGS if flag.field}
"The values of the fields whose flags are not given."

COMMAND_LINE_ONLY = frozenset(
    flag.long_name.removeprefix("--") for flag in FLAGS if not flag.in_file
)
"The flags, without dashes, that the configuration file cannot set."

_FIELDS = {name: flag.field for flag in FLAGS for name in flag.names}


def combination_error(fields: AbstractSet[str]) -> str | None:
    """Return what is wrong with giving the flags of these fields together; None if nothing is.

    >>> combination_error({"svg", "json"})
    '--svg cannot be combined with --json (add --once)'
    >>> combination_error({"svg", "json", "once"})
    >>> combination_error({"headless"})
    '--headless needs --store or --prometheus'
    >>> combination_error({"demo", "tors"})
    '--demo cannot be combined with --port or --socket'
    """
    for flag in FLAGS:
        if flag.field not in fields:
            continue
        for other in flag.excludes:
            if _FIELDS[other] in fields:
                return f"{flag.long_name} cannot be combined with {_flags_of(_FIELDS[other])}"
        for other, unless in flag.excludes_unless:
            if _FIELDS[other] in fields and _FIELDS[unless] not in fields:
                return f"{flag.long_name} cannot be combined with {other} (add {unless})"
        if flag.needs and fields.isdisjoint(_FIELDS[other] for other in flag.needs):
            return f"{flag.long_name} needs {_alternatives(flag.needs)}"
    return None


def _flags_of(field: str) -> str:
    return _alternatives([flag.long_name for flag in FLAGS if flag.field == field])


def _alternatives(names: Sequence[str]) -> str:
    """Join names as alternatives.

    >>> _alternatives(["--a", "--b", "--c"]), _alternatives(["--a"])
    ('--a, --b or --c', '--a')
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
