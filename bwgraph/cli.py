"""The command line: arguments, environment, messages and exit codes.

Owns every word that bwgraph says outside of its screen. Exit codes: 0 fine, 1 could not, 2 wrong
use; after SIGTERM or SIGHUP the terminal is restored and the signal then ends the program.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from bwgraph import __version__, credentials, demo, endpoint
from bwgraph.credentials import Credentials
from bwgraph.endpoint import ControlPort, ControlSocket, Endpoint
from bwgraph.frame import printable
from bwgraph.graph import ASCII, BLOCK
from bwgraph.history import History
from bwgraph.instance import Instance
from bwgraph.link import TorLink
from bwgraph.source import Refusal
from bwgraph.view import BINDINGS, View

if TYPE_CHECKING:
    from bwgraph import app

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

NO_COLOR turns colours off.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run bwgraph; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if sys.platform == "win32":
        return _complain("it does not run on Windows yet", code=COULD_NOT)
    # curses only comes in now, so that --help and --version do without it.
    from bwgraph import terminal  # noqa: PLC0415

    try:
        places = _places(options, os.environ)
        if not options.json:
            terminal.check(os.environ)
        known = credentials.gather(options.password_file, os.environ)
    except (ValueError, terminal.Unusable) as error:
        return _complain(str(error), code=WRONG_USE)
    except Refusal as refusal:
        return _complain(refusal.cause, refusal.cure)
    try:
        return (_lines if options.json else _graph)(options, places, known)
    except KeyboardInterrupt:  # while there is no screen that would take it as a key
        return FINE


def _parser() -> argparse.ArgumentParser:
    keys = ", ".join(f"{binding.name} {binding.help}" for binding in BINDINGS)
    parser = argparse.ArgumentParser(
        prog="bwgraph",
        description=DESCRIPTION,
        epilog=f"{EPILOG}\nKeys: {keys}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "-p",
        "--port",
        type=_port,
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
    parser.add_argument(
        "--password-file", metavar="FILE", help="a file whose one line is the control password"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="no screen: one line of JSON for each sample, on standard output",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _port(text: str) -> ControlPort:
    try:
        return endpoint.parse_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


def _graph(options: argparse.Namespace, places: list[Endpoint], known: Credentials) -> int:
    """Show the graph, asking for a password first if tor turns out to want one."""
    from bwgraph import app, terminal  # noqa: PLC0415 - see main
    from bwgraph.wakeup import Wakeup  # noqa: PLC0415

    utf8 = terminal.speaks_utf8(os.environ)
    view = View(glyphs=BLOCK if utf8 else ASCII)
    color = not os.environ.get("NO_COLOR")
    while True:
        link = _link(options, places, known)
        name = str(places[0]) if len(places) == 1 else "a tor on this machine"
        note = DEMO_NOTE if options.demo is not None else ""
        instance = Instance(name, note, History(lock=threading.Lock()))
        with Wakeup() as wakeup, terminal.Terminal(utf8=utf8, color=color) as screen:
            ending = app.run(instance, link, view, screen, wakeup)
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


def _lines(options: argparse.Namespace, places: list[Endpoint], known: Credentials) -> int:
    """Write samples as lines of JSON, until somebody ends it."""
    from bwgraph import stream  # noqa: PLC0415 - the graph does without it

    try:
        refused = stream.run(_link(options, places, known), sys.stdout, _complain)
    except BrokenPipeError:
        _forget(sys.stdout)
        return FINE
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
