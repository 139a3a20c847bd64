"""The options of one run.

Owns the ``Options`` value, and that a flag overrides the environment, the environment overrides the
configuration file, and the file overrides the defaults. Must not know what an option is for.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from bwgraph.cli import arguments, config_file
from bwgraph.cli.flags import COMMAND_LINE_ONLY, DEFAULTS, combination_error
from bwgraph.tor import endpoint
from bwgraph.tor.endpoint import ControlPort, NamedEndpoint

TARGET_FIELDS = frozenset({"tors", "demo", "replay"})
"The fields that select what to show. They are never combined from two sources."
PASSWORD_FIELDS = frozenset({"password_file"})


class Options(NamedTuple):
    """What the user wants, from flags, environment and configuration file."""

    tors: tuple[NamedEndpoint, ...]
    "The tors that were named by --port and --socket, in order."
    demo: int | None
    "The speed of the invented relay; None: no demo."
    wait: bool
    "Whether to keep trying if the first connection fails."
    password_file: str | None
    interval: int
    "The length of a column or line, in seconds."
    interval_chosen: bool
    "Whether the user chose the interval, by a flag or in the configuration file."
    units: str
    "A key of ``units.UNITS``."
    layout: str
    '"auto", or the value of an ``Arrangement``.'
    glyphs: str
    '"auto", or a key of ``plot.GLYPH_SETS``.'
    scale: str
    '"linear" or "log".'
    ceiling: int | None
    "The top of the scale, in bytes per second; None: it follows the samples."
    color: bool
    "Whether to use colours if the terminal has them."
    json: bool
    csv: bool
    headless: bool
    "Whether to run without a screen and without output."
    once: bool
    "Whether to print one frame (with ``json``, one object) and exit."
    svg: str | None
    "The path of the picture to write; None: no picture."
    duration: int | None
    "Seconds of samples to collect; None: no limit."
    replay: str | None
    "The path of the recording to play, or - for standard input; None: no recording."
    speed: int | None
    "Seconds of the recording per second; None: one."
    store: str | None
    "The path of the store; None: no store."
    store_resolution: int
    "The length of the shortest stored columns, in seconds."
    prometheus: ControlPort | None
    "The address to serve metrics at; None: nowhere."

    @property
    def is_one_shot(self) -> bool:
        """Whether to write one frame, object or picture, and exit."""
        return self.once or self.svg is not None

    @property
    def runs_without_screen(self) -> bool:
        """Whether to run without a screen until --duration, a signal or an error."""
        return not self.is_one_shot and (self.json or self.csv or self.headless)


def read(
    words: Sequence[str], environ: Mapping[str, str], platform: str, verbs: AbstractSet[str]
) -> Options:
    """Return the options of a command line.

    Prints a message and raises SystemExit if a flag is wrong. Raises UsageError if a combination of
    flags is wrong, and ValueError if the environment or the configuration file is.
    """
    parser = arguments.parser()
    flags = arguments.parse(parser, words, verbs)
    path = config_file.default_path(environ, platform)
    file = config_file.read(path, parser, COMMAND_LINE_ONLY, combination_error)
    return create(flags, environ, file)


def create(
    flags: Mapping[str, object], environ: Mapping[str, str], file: Mapping[str, object]
) -> Options:
    """Return the options, given the values of the flags and of the configuration file by field.

    NO_COLOR turns colours off, whatever the flag and the file say.

    Raises ValueError if the environment names an invalid endpoint.
    """
    values: dict[str, Any] = merge(flags, environ, file, DEFAULTS)
    values["tors"] = tuple(values["tors"])
    values["color"] = values["color"] != "never" and not environ.get("NO_COLOR")
    return Options(**values, interval_chosen="interval" in {*flags, *file})


def merge(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    file: Mapping[str, object],
    defaults: Mapping[str, object],
) -> dict[str, object]:
    """Return the value of each field, from the source with the highest precedence.

    A field that the environment sets is removed from the configuration file's values. The value is
    read by the module that uses it. Raises ValueError if it names an invalid endpoint.

    >>> file = {"tors": ["/run/tor/control"], "units": "bits"}
    >>> merge({"tors": [9051]}, {}, file, {"tors": [], "units": "bytes"})
    {'tors': [9051], 'units': 'bits'}
    >>> merge({}, {"TOR_CONTROL_PORT": "9051"}, file, {"tors": []})
    {'tors': [], 'units': 'bits'}
    """
    overridden: set[str] = set()
    if TARGET_FIELDS & flags.keys() or endpoint.from_environment(environ):
        overridden |= TARGET_FIELDS
    if "TOR_CONTROL_PASSWD" in environ:
        overridden |= PASSWORD_FIELDS
    remaining = {field: value for field, value in file.items() if field not in overridden}
    return {**defaults, **remaining, **flags}
