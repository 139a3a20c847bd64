"""The command line: arguments, environment, messages and exit codes.

Owns every word that bwgraph says outside of its screen. Exit codes: 0 fine, 1 could not, 2 wrong
use; after SIGTERM or SIGHUP the terminal is restored and the signal then ends the program.
"""

import argparse
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import fill, indent
from types import FrameType
from typing import TYPE_CHECKING, TextIO, TypeVar

from bwgraph import __version__, credentials, demo, endpoint, settings, units
from bwgraph.clock import Clocks
from bwgraph.credentials import Credentials
from bwgraph.endpoint import ControlSocket, Endpoint
from bwgraph.frame import Frame, Size, printable
from bwgraph.graph import ASCII, BLOCK, HALVES, SETS
from bwgraph.history import History
from bwgraph.ladder import RESOLUTIONS
from bwgraph.instance import Instance
from bwgraph.link import TorLink
from bwgraph.source import Refusal
from bwgraph.view import BINDINGS, Arrangement, View

if TYPE_CHECKING:
    from bwgraph import app

_Way = Callable[[argparse.Namespace, list[Endpoint], Credentials], int]

FINE, COULD_NOT, WRONG_USE = 0, 1, 2

DEMO_NOTE = "no tor, invented traffic"

DESCRIPTION = "The bandwidth graph for Tor: what a tor uploads and downloads, live."

EPILOG = """\
Without --port or --socket bwgraph looks for a tor: where the environment says
(TOR_CONTROL_IPC_PATH, TOR_CONTROL_HOST, TOR_CONTROL_PORT), at the usual control
sockets, and at ports 9051 (tor) and 9151 (Tor Browser).

It authenticates as that tor asks: with its cookie, which it must be allowed to
read, or with a password from --password-file, from TOR_CONTROL_PASSWD, or typed
in. TOR_CONTROL_COOKIE_AUTH_FILE says where the cookie is if tor is wrong about it.

The long flags that say how the graph looks, and which tor it is of, can also be
set in {place}, as in
    units = "bits"
    glyphs = "braille"
A flag goes before the environment, and that before the file. NO_COLOR turns
colours off.
"""

DEFAULTS: dict[str, object] = {
    "port": None,
    "socket": None,
    "demo": None,
    "password_file": None,
    "interval": 1,
    "units": "bytes",
    "layout": "auto",
    "glyphs": "auto",
    "scale": "linear",
    "ceiling": None,
    "color": "auto",
    "json": False,
    "once": False,
    "svg": None,
    "duration": None,
}

NOT_LASTING = frozenset({"help", "version", "json", "once", "svg", "duration"})
"Flags that are for the command line alone."

DEFAULT_SIZE = (80, 24)
"Cells of a picture where neither COLUMNS and LINES nor a terminal tells."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run bwgraph; returns its exit code."""
    parser = _parser()
    flags = vars(parser.parse_args(arguments))
    if sys.platform == "win32":
        return _complain("it does not run on Windows yet", code=COULD_NOT)
    # curses only comes in now, so that --help and --version do without it.
    from bwgraph import terminal  # noqa: PLC0415

    try:
        file = settings.read(settings.place(os.environ, sys.platform), parser, NOT_LASTING)
        options = argparse.Namespace(**settings.merge(flags, os.environ, file, DEFAULTS))
        places = _places(options, os.environ)
        run = _way(options)
        if run is _graph:
            terminal.check(os.environ)
        known = credentials.gather(options.password_file, os.environ)
    except (ValueError, terminal.Unusable) as error:
        return _complain(str(error), code=WRONG_USE)
    except Refusal as refusal:
        return _complain(refusal.cause, refusal.cure)
    try:
        return run(options, places, known)
    except KeyboardInterrupt:  # while there is no screen that would take it as a key
        return FINE


def _parser() -> argparse.ArgumentParser:
    keys = ", ".join(binding.hint for binding in BINDINGS if binding.hint)
    epilog = EPILOG.format(place=settings.place(os.environ, sys.platform))
    parser = argparse.ArgumentParser(
        prog="bwgraph",
        description=DESCRIPTION,
        epilog=f"{epilog}\n{fill(f'Keys: {keys}.', 80)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # What is not given is not there, so that the environment and the file have their say.
        argument_default=argparse.SUPPRESS,
    )
    tor = parser.add_argument_group("which tor")
    which = tor.add_mutually_exclusive_group()
    which.add_argument(
        "-p",
        "--port",
        type=_or_wrong(endpoint.parse_port),
        metavar="[HOST:]PORT",
        help="tor's control port: 9051, 127.0.0.1:9051, [::1]:9051, host.example:9051",
    )
    which.add_argument("-s", "--socket", metavar="PATH", help="tor's control socket")
    which.add_argument(
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
    look = parser.add_argument_group("how it looks at first (keys change all of it)")
    look.add_argument(
        "-i",
        "--interval",
        type=_or_wrong(_resolution),
        metavar="TIME",
        help=f"seconds a column: {', '.join(map(_brief, RESOLUTIONS))}",
    )
    look.add_argument("-u", "--units", choices=list(units.UNITS), help="KiB/s, or kbit/s")
    look.add_argument("--layout", choices=["auto", *(each.value for each in Arrangement)])
    look.add_argument("--glyphs", choices=["auto", *SETS])
    look.add_argument("--scale", choices=["linear", "log"])
    look.add_argument(
        "--ceiling",
        type=_or_wrong(units.parse_rate),
        metavar="RATE",
        help="pin the scale: 20MiB, 500KiB, 100Mbit; what is higher is marked",
    )
    look.add_argument("--color", choices=["auto", "never"])
    still = parser.add_argument_group("without a screen")
    still.add_argument(
        "--json",
        action="store_true",
        help="one line of JSON for each sample, on standard output",
    )
    still.add_argument("--once", action="store_true", help="print one frame as text, and end")
    still.add_argument("--svg", metavar="FILE", help="write one frame as an SVG picture, and end")
    still.add_argument(
        "--duration",
        type=_or_wrong(units.parse_span),
        metavar="TIME",
        help="for --once and --svg: watch for so long before (90s, 15m, 6h)",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


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
    return units.exact_span(seconds).replace(" ", "").replace("min", "m")


def _speed(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        message = f"{text!r} is not a number from 1 to 3600"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _places(options: argparse.Namespace, environ: Mapping[str, str]) -> list[Endpoint]:
    """Where to look; ValueError if the environment makes no sense."""
    if options.demo is not None:
        return [demo.PLACE]
    if options.port is not None:
        return [options.port]
    if options.socket is not None:
        return [ControlSocket(options.socket)]
    instances = Path("/").glob(endpoint.INSTANCE_SOCKETS)
    return endpoint.candidates(environ, map(str, instances))


def _way(options: argparse.Namespace) -> "_Way":
    """What to do; ValueError if it is not clear."""
    still = options.once or options.svg is not None
    if still and options.json:
        message = "--json goes on for ever, and --once and --svg are a single look"
        raise ValueError(message)
    if options.duration is not None and not still:
        message = "--duration goes with --once or --svg"
        raise ValueError(message)
    return _lines if options.json else _still if still else _graph


def _view(options: argparse.Namespace, *, utf8: bool) -> View:
    """The view to begin with."""
    chosen = options.glyphs
    glyphs = SETS[chosen] if chosen != "auto" else BLOCK
    return View(
        glyphs=glyphs if utf8 else ASCII,
        ascii_only=not utf8,
        units=units.UNITS[options.units],
        arrangement=None if options.layout == "auto" else Arrangement(options.layout),
        resolution=options.interval,
        logarithmic=options.scale == "log",
        ceiling=options.ceiling,
    )


def _instance(options: argparse.Namespace, places: list[Endpoint]) -> Instance:
    name = str(places[0]) if len(places) == 1 else "a tor on this machine"
    note = DEMO_NOTE if options.demo is not None else ""
    return Instance(name, note, History(lock=threading.Lock()))


def _graph(options: argparse.Namespace, places: list[Endpoint], known: Credentials) -> int:
    """Show the graph, asking for a password first if tor turns out to want one."""
    from bwgraph import album, app, terminal  # noqa: PLC0415 - see main
    from bwgraph.wakeup import Wakeup  # noqa: PLC0415

    utf8 = terminal.speaks_utf8(os.environ)
    view = _view(options, utf8=utf8)
    color = options.color != "never" and not os.environ.get("NO_COLOR")
    while True:
        link = _link(options, places, known)
        instance = _instance(options, places)
        with Wakeup() as wakeup, terminal.Terminal(utf8=utf8, color=color) as screen:
            ending = app.run(instance, link, view, screen, wakeup, keep=album.keep)
        refusal = ending.refusal
        if refusal is None or not refusal.password_for or known.password is not None:
            return _finish(ending, instance)
        try:
            with _raised_signals():
                known = known.with_prompt(refusal.password_for)
        except _Signalled as signalled:
            return _finish(app.Ending(signal=signalled.number), instance)
        except EOFError:
            return _complain(refusal.cause, refusal.cure)
        except Refusal as unusable:
            return _complain(unusable.cause, unusable.cure)


def _still(options: argparse.Namespace, places: list[Endpoint], known: Credentials) -> int:
    """Take one look: as text, as a picture, or as both."""
    from bwgraph import album, still, terminal  # noqa: PLC0415 - the graph does without it
    from bwgraph.screen import compose  # noqa: PLC0415

    instance = _instance(options, places)
    refusal = still.watch(_link(options, places, known), instance, options.duration)
    if refusal is not None:
        return _complain(refusal.cause, refusal.cure)
    size, moment = Size(*shutil.get_terminal_size(DEFAULT_SIZE)), Clocks().read()
    if options.svg is not None:
        frame = compose(instance, _view(options, utf8=True), size, moment)
        try:
            album.write(frame, options.svg)
        except OSError as error:
            return _complain(f"{options.svg}: {error.strerror or error}")
    if options.once:
        utf8 = terminal.speaks_utf8(os.environ)
        view = replace(_view(options, utf8=utf8), hints=False)
        if view.glyphs is BLOCK:
            view = replace(view, glyphs=HALVES)
        return _print(compose(instance, view, size, moment), utf8=utf8)
    return FINE


def _print(frame: Frame, *, utf8: bool) -> int:
    """Write a frame to standard output, as text."""
    text = "".join(f"{line.rstrip()}\n" for line in frame.text())
    if not utf8:
        text = text.encode("ascii", "replace").decode("ascii")
    try:
        print(text, end="", flush=True)  # noqa: T201 - this is what was asked for
    except OSError as error:
        return _unwritten(error)
    return FINE


def _unwritten(error: OSError) -> int:
    """End where standard output takes no more; that its reader has seen enough is fine."""
    _forget(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return FINE
    return _complain(f"standard output: {error.strerror or error}")


def _lines(options: argparse.Namespace, places: list[Endpoint], known: Credentials) -> int:
    """Write samples as lines of JSON, until somebody ends it."""
    from bwgraph import stream  # noqa: PLC0415 - the graph does without it

    try:
        refused = stream.run(_link(options, places, known), sys.stdout, _complain)
    except OSError as error:
        return _unwritten(error)
    return FINE if refused is None else _complain(refused.refusal.cause, refused.refusal.cure)


def _link(options: argparse.Namespace, places: list[Endpoint], known: Credentials) -> TorLink:
    if options.demo is not None:
        return TorLink(places, known, demo.Demo(options.demo).dial)
    return TorLink(places, known)


class _Signalled(BaseException):
    """A signal that is to end the program, once what was begun is put back."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _raised_signals() -> Iterator[None]:
    """Let signals come as exceptions: getpass then gives the terminal its echo back."""

    def raise_it(number: int, _: FrameType | None) -> None:
        raise _Signalled(number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {
        number: signal.signal(number, raise_it)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(ending: "app.Ending", instance: Instance) -> int:
    """Say what there is to say once the terminal is itself again."""
    if instance.trouble is not None:
        more = f" (and {instance.troubles - 1} more)" if instance.troubles > 1 else ""
        _complain(f"while it ran: {instance.trouble.what}{more}")
    if ending.refusal is not None:
        return _complain(ending.refusal.cause, ending.refusal.cure)
    if ending.hung_up:
        return _complain("the terminal went away")
    if ending.signal is not None:
        signal.signal(ending.signal, signal.SIG_DFL)
        os.kill(os.getpid(), ending.signal)
    return FINE


def _forget(stream: TextIO) -> None:
    """Nobody is left to read this stream: Python must not find out once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _complain(cause: str, cure: str = "", code: int = COULD_NOT) -> int:
    """Tell the user on standard error; returns the exit code to go with it."""
    text = f"bwgraph: {cause}" + (f"\n{indent(cure, '  ')}" if cure else "")
    try:
        for line in text.splitlines():
            print(printable(line), file=sys.stderr)  # noqa: T201 - this is where messages go
        if sys.stderr is not None:  # as it is when it was closed before the program began
            sys.stderr.flush()
    except OSError:
        _forget(sys.stderr)
    return code
