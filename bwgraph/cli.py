"""The program: what it does as it was asked to, its messages and its exit codes.

Owns every word that bwgraph says outside of its screen. Exit codes: 0 fine, 1 could not, 2 wrong
use; after SIGTERM or SIGHUP the terminal is restored and the signal then ends the program.
"""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from textwrap import indent
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from bwgraph import arguments, credentials, handout, settings, units
from bwgraph.beside import attached
from bwgraph.clock import Clocks
from bwgraph.credentials import Credentials
from bwgraph.fleet import Fleet
from bwgraph.frame import Frame, Size, printable
from bwgraph.graph import ASCII, BLOCK, HALVES, SETS
from bwgraph.instance import Instance
from bwgraph.source import Refusal, Source
from bwgraph.targets import Secrets, Targets, find
from bwgraph.view import ALL, Arrangement, View

if TYPE_CHECKING:
    from bwgraph import app

_Way = Callable[[argparse.Namespace, Targets, Credentials], int]

FINE, COULD_NOT, WRONG_USE = 0, 1, 2

DEFAULT_SIZE = (80, 24)
"Cells of a picture where neither COLUMNS and LINES nor a terminal tells."


def main(given: Sequence[str] | None = None) -> int:
    """Run bwgraph; returns its exit code."""
    parser = arguments.parser()
    flags = vars(parser.parse_args(given))
    if "print" in flags:
        return _print(handout.text(str(flags["print"])))
    return _run(parser, flags)


def _run(parser: argparse.ArgumentParser, flags: dict[str, object]) -> int:
    """Do what the flags and the settings ask for."""
    # curses only comes in now, so that --help and --print do without it.
    from bwgraph import terminal  # noqa: PLC0415

    try:
        file = settings.read(
            settings.place(os.environ, sys.platform), parser, arguments.NOT_LASTING
        )
        options = argparse.Namespace(**settings.merge(flags, os.environ, file, arguments.DEFAULTS))
        options.chosen = flags.keys() | file.keys()
        targets = find(options.tors, options.demo, os.environ)
        run = _way(options)
        if options.store is not None:
            _check_store(options)
        if run is _graph:
            terminal.check(os.environ)
        known = credentials.gather(options.password_file, os.environ)
    except (ValueError, terminal.Unusable) as error:
        return _complain(str(error), code=WRONG_USE)
    except Refusal as refusal:
        return _complain(refusal.cause, refusal.cure)
    try:
        return run(options, targets, known)
    except Refusal as refusal:
        return _complain(refusal.cause, refusal.cure)
    except KeyboardInterrupt:  # while there is no screen that would take it as a key
        return FINE


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


def _check_store(options: argparse.Namespace) -> None:
    """Find out about its file while nothing has begun, and warn of what would be in it."""
    from bwgraph import past  # noqa: PLC0415 - most do without it

    past.check(options.store)
    if _way(options) is not _still and options.store_resolution < arguments.STORED:
        each = units.exact_span(options.store_resolution)
        _complain(
            f"warning: {options.store} will hold what moved in every {each}: enough to recognise"
            " what was done\nthrough this tor, and when. Keep it to yourself."
        )


def _opening(options: argparse.Namespace, targets: Targets, fleet: Fleet, view: View) -> View:
    """The view to begin with: of all, and where what was stored is seen if there is any."""
    if fleet.sum is not None:
        view = replace(view, subject=ALL)
    if options.store is None or "interval" in options.chosen:
        return view
    from bwgraph import past  # noqa: PLC0415 - most do without it

    return past.opening(options.store, view, fleet, map(str, targets.candidates))


def _archive(
    options: argparse.Namespace, targets: Targets, view: View
) -> tuple[Fleet, View] | None:
    """What is in the store and the view of its end, where no tor was asked for."""
    if options.store is None or targets.each:
        return None
    from bwgraph import past  # noqa: PLC0415 - most do without it

    fleet = past.archive(options.store)
    if fleet is None:
        return None
    subject = 0 if fleet.sum is None else ALL
    view = replace(view, subject=subject)
    return fleet, past.ending(view, fleet, coarser="interval" not in options.chosen)


def _graph(options: argparse.Namespace, targets: Targets, known: Credentials) -> int:
    """Show the graph, asking for a password first if a tor turns out to want one."""
    from bwgraph import album, app, terminal  # noqa: PLC0415 - see main
    from bwgraph.wakeup import Wakeup  # noqa: PLC0415

    utf8 = terminal.speaks_utf8(os.environ)
    view = _view(options, utf8=utf8)
    color = options.color != "never" and not os.environ.get("NO_COLOR")
    secrets = Secrets(known)

    def show(fleet: Fleet, sources: Mapping[Instance, Source], view: View) -> app.Ending:
        with Wakeup() as wakeup, terminal.Terminal(utf8=utf8, color=color) as screen:
            return app.run(fleet, sources, view, screen, wakeup, keep=album.keep)

    while True:
        fleet, sources = targets.watch(secrets, patient=options.wait)
        first = _opening(options, targets, fleet, view)
        with attached(options, fleet):
            ending = show(fleet, sources, first)
        refusal = ending.refusal
        if refusal is None:
            return _finish(ending, fleet)
        if not secrets.lacks(refusal.password_for):
            archive = _archive(options, targets, view)
            if archive is not None:
                fleet, first = archive
                ending = show(fleet, {}, first)
            return _finish(ending, fleet)
        place = refusal.password_for
        try:
            with _raised_signals():
                secrets = secrets.given(place, known.with_prompt(place))
        except _Signalled as signalled:
            return _finish(app.Ending(signal=signalled.number), fleet)
        except EOFError:
            if fleet.sum is None:
                return _complain(refusal.cause, refusal.cure)
            secrets = secrets.without(place)
        except Refusal as unusable:
            return _complain(unusable.cause, unusable.cure)


def _still(options: argparse.Namespace, targets: Targets, known: Credentials) -> int:
    """Take one look: as text, as a picture, or as both."""
    from bwgraph import album, still, terminal  # noqa: PLC0415 - the graph does without it
    from bwgraph.stage import compose  # noqa: PLC0415

    fleet, sources = targets.watch(Secrets(known, silent=True), patient=options.wait)
    first = _opening(options, targets, fleet, _view(options, utf8=True))
    with attached(options, fleet, _complain, look=True):
        refusal = still.watch(sources, fleet, options.duration)
    if refusal is not None:
        archive = _archive(options, targets, first)
        if archive is None:
            return _complain(refusal.cause, refusal.cure)
        fleet, first = archive
    size, moment = Size(*shutil.get_terminal_size(DEFAULT_SIZE)), Clocks().read()
    if options.svg is not None:
        try:
            album.write(compose(fleet, first, size, moment), options.svg)
        except OSError as error:
            return _complain(f"{options.svg}: {error.strerror or error}")
    if options.once:
        utf8 = terminal.speaks_utf8(os.environ)
        view = replace(
            _view(options, utf8=utf8),
            hints=False,
            subject=first.subject,
            resolution=first.resolution,
            end=first.end,
        )
        if view.glyphs is BLOCK:
            view = replace(view, glyphs=HALVES)
        return _print(_as_text(compose(fleet, view, size, moment), utf8=utf8))
    return FINE


def _as_text(frame: Frame, *, utf8: bool) -> str:
    text = "".join(f"{line.rstrip()}\n" for line in frame.text())
    return text if utf8 else text.encode("ascii", "replace").decode("ascii")


def _print(text: str) -> int:
    """Write to standard output what is to be all."""
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


def _lines(options: argparse.Namespace, targets: Targets, known: Credentials) -> int:
    """Write samples as lines of JSON, until somebody ends it."""
    from bwgraph import stream  # noqa: PLC0415 - the graph does without it

    fleet, sources = targets.watch(Secrets(known, silent=True), patient=options.wait)
    try:
        with attached(options, fleet, _complain):
            refusal = stream.run(sources, fleet, sys.stdout, _complain)
    except OSError as error:
        return _unwritten(error)
    return FINE if refusal is None else _complain(refusal.cause, refusal.cure)


class _Signalled(BaseException):
    """A signal that is to end the program, once what was begun is put back."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _raised_signals() -> Iterator[None]:
    """Let signals come as exceptions: getpass then gives the terminal its echo back."""
    from bwgraph.wakeup import FATAL  # noqa: PLC0415 - see main

    def raise_it(number: int, _: FrameType | None) -> None:
        raise _Signalled(number)

    before = {
        number: signal.signal(number, raise_it)
        for number in FATAL
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(ending: "app.Ending", fleet: Fleet) -> int:
    """Say what there is to say once the terminal is itself again."""
    for instance in fleet.instances:
        if instance.trouble is not None:
            more = f" (and {instance.troubles - 1} more)" if instance.troubles > 1 else ""
            _complain(f"while it ran: {instance.trouble.what}{more}")
    if fleet.remark:
        _complain(fleet.remark)
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
