"""The program: what it does as it was asked to, its messages and its exit codes.

Owns every word that bwgraph says outside of its screen. Exit codes: 0 fine, 1 could not, 2 wrong
use. After SIGTERM or SIGHUP the terminal is restored and the signal then ends the program; a
stream that would go on for ever has come to its end with it, and that is fine. Where the reader of
standard output leaves, SIGPIPE ends the program.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from textwrap import indent
from types import FrameType
from typing import TYPE_CHECKING, TextIO, TypeAlias

from bwgraph import arguments, credentials, ending, settings, units
from bwgraph.credentials import Credentials
from bwgraph.fleet import Fleet
from bwgraph.frame import Frame, Size, printable
from bwgraph.graph import ASCII, BLOCK, HALVES, SETS
from bwgraph.source import Refusal
from bwgraph.targets import Secrets, Targets, find
from bwgraph.view import ALL, Arrangement, View

if TYPE_CHECKING:
    from bwgraph import app
    from bwgraph.replay import Playback

_Watched: TypeAlias = "Targets | Playback"
_Way = Callable[[argparse.Namespace, _Watched, Credentials], int]

FINE, COULD_NOT, WRONG_USE = 0, 1, 2

DEFAULT_SIZE = (80, 24)
"Cells of a picture where neither COLUMNS and LINES nor a terminal tells."


def main(given: Sequence[str] | None = None) -> int:
    """Run bwgraph; returns its exit code."""
    parser = arguments.parser()
    flags = vars(parser.parse_args(given))
    if sys.platform == "win32":
        return _complain("it does not run on Windows yet", code=COULD_NOT)
    # curses only comes in now, so that --help and --version do without it.
    from bwgraph import terminal  # noqa: PLC0415

    try:
        file = settings.read(
            settings.place(os.environ, sys.platform), parser, arguments.NOT_LASTING
        )
        options = argparse.Namespace(**settings.merge(flags, os.environ, file, arguments.DEFAULTS))
        run = _way(options)
        targets = _watched(options)
        if run is _graph:
            if options.replay == "-":
                terminal.take_keys_from_terminal()
            terminal.check(os.environ)
        known = Credentials()
        if options.replay is None:
            known = credentials.gather(options.password_file, os.environ)
    except (ValueError, terminal.Unusable) as error:
        return _complain(str(error), code=WRONG_USE)
    except Refusal as refusal:
        return _complain(refusal.cause, refusal.cure)
    except KeyboardInterrupt:  # while a recording is read, which may come down a pipe
        return FINE
    try:
        return run(options, targets, known)
    except KeyboardInterrupt:  # while there is no screen that would take it as a key
        return FINE


def _way(options: argparse.Namespace) -> "_Way":
    """What to do; ValueError if it is not clear."""
    for wrong, message in _WRONG:
        if wrong(options):
            raise ValueError(message)
    if options.once or options.svg is not None:
        return _still
    return _lines if options.json or options.csv or options.headless else _graph


_WRONG: tuple[tuple[Callable[[argparse.Namespace], object], str], ...] = (
    (
        lambda it: it.json + it.csv + it.headless > 1,
        "--json, --csv and --headless are three ways to do without a screen",
    ),
    (
        lambda it: (it.csv or it.headless) and (it.once or it.svg is not None),
        "--csv and --headless go on, and --once and --svg are a single look",
    ),
    (
        lambda it: it.json and it.svg is not None and not it.once,
        "--json goes on, and --svg is a single look",
    ),
    (
        lambda it: it.headless and not any(getattr(it, name) for name in arguments.WORK),
        "--headless alone does nothing at all",
    ),
    (
        lambda it: it.replay is None and it.speed is not None,
        "--speed goes with --replay",
    ),
    (
        lambda it: it.replay is not None and (it.tors or it.demo is not None),
        "--replay needs no tor, and --port, --socket and --demo name one",
    ),
    (
        lambda it: it.replay is not None and ((it.json and not it.once) or it.csv or it.headless),
        "--replay shows what was recorded, and --json, --csv and --headless record",
    ),
    (
        lambda it: it.replay is not None and it.duration is not None,
        "--duration is for what goes on, and a recording has an end",
    ),
    (
        lambda it: (
            it.duration is not None
            and not (it.once or it.svg is not None or it.json or it.csv or it.headless)
        ),
        "--duration is for what does without a screen",
    ),
)
"What makes no sense, and why."


def _watched(options: argparse.Namespace) -> _Watched:
    """Which tors, or what there is in place of them."""
    if options.replay is None:
        return find(options.tors, options.demo, os.environ)
    from bwgraph import replay  # noqa: PLC0415 - the graph does without it

    tape = replay.read(options.replay)
    return replay.Playback(tape, options.replay, options.speed or 1)


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


def _graph(options: argparse.Namespace, targets: _Watched, known: Credentials) -> int:
    """Show the graph, asking for a password first if a tor turns out to want one."""
    from bwgraph import album, app, terminal  # noqa: PLC0415 - see main
    from bwgraph.wakeup import Wakeup  # noqa: PLC0415

    utf8 = terminal.speaks_utf8(os.environ)
    view = _view(options, utf8=utf8)
    color = options.color != "never" and not os.environ.get("NO_COLOR")
    secrets = Secrets(known)
    while True:
        fleet, sources = targets.watch(secrets, patient=options.wait)
        if fleet.sum is not None:
            view = replace(view, subject=ALL)
        with Wakeup() as wakeup, terminal.Terminal(utf8=utf8, color=color) as screen:
            how = app.run(
                fleet, sources, view, screen, wakeup, keep=album.keep, clock=targets.clock
            )
        refusal = how.refusal
        if refusal is None or not secrets.lacks(refusal.password_for):
            return _finish(how, fleet)
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


def _still(options: argparse.Namespace, targets: _Watched, known: Credentials) -> int:
    """Take one look: as text or numbers, as a picture, or as both."""
    from bwgraph import album, statistics, still, terminal  # noqa: PLC0415 - the graph does without
    from bwgraph.stage import compose  # noqa: PLC0415

    fleet, sources = targets.watch(Secrets(known, silent=True), patient=options.wait)
    if isinstance(targets, Targets):
        refusal = still.watch(sources, fleet, options.duration)
        if refusal is not None:
            return _complain(refusal.cause, refusal.cure)
    else:
        targets.wind_up(fleet)
        if targets.skipped:
            _complain(targets.skipped)
    size, moment = Size(*shutil.get_terminal_size(DEFAULT_SIZE)), targets.clock.read()
    subject = 0 if fleet.sum is None else ALL
    if options.svg is not None:
        view = replace(_view(options, utf8=True), subject=subject)
        try:
            album.write(compose(fleet, view, size, moment), options.svg)
        except OSError as error:
            return _complain(f"{options.svg}: {error.strerror or error}")
    if options.once and options.json:
        return _print(json.dumps(statistics.document(fleet, moment)))
    if options.once:
        utf8 = terminal.speaks_utf8(os.environ)
        view = replace(_view(options, utf8=utf8), hints=False, subject=subject)
        if view.glyphs is BLOCK:
            view = replace(view, glyphs=HALVES)
        return _print(_text(compose(fleet, view, size, moment), utf8=utf8))
    return FINE


def _text(frame: Frame, *, utf8: bool) -> str:
    """A frame without its styles."""
    text = "\n".join(line.rstrip() for line in frame.text())
    return text if utf8 else text.encode("ascii", "replace").decode("ascii")


def _print(text: str) -> int:
    """Write to standard output."""
    try:
        print(text, flush=True)  # noqa: T201 - this is what was asked for
    except OSError as error:
        return _unwritten(error)
    return FINE


def _unwritten(error: OSError) -> int:
    """End where standard output takes no more; where its reader has gone, as ``cat`` would."""
    _forget(sys.stdout)
    if isinstance(error, BrokenPipeError):
        ending.die_of_a_closed_pipe()
        return FINE
    return _complain(f"standard output: {error.strerror or error}")


def _lines(options: argparse.Namespace, targets: _Watched, known: Credentials) -> int:
    """Write samples as lines, or none at all, until time is up or somebody ends it."""
    from bwgraph import recording, stream  # noqa: PLC0415 - the graph does without it
    from bwgraph.inbox import Inbox  # noqa: PLC0415

    formats = {"json": recording.json_line, "csv": recording.csv_line}
    line = next((formats[name] for name in formats if getattr(options, name)), None)

    def write(entry: recording.Entry) -> None:
        if line is not None:
            print(line(entry), flush=True)  # noqa: T201 - this is what was asked for

    fleet, sources = targets.watch(Secrets(known, silent=True), patient=options.wait)
    try:
        if options.csv:
            print(recording.CSV_HEADER, flush=True)  # noqa: T201
        with Inbox(sources, fleet) as inbox, ending.stopping(inbox.stop) as came:
            refusal = stream.run(
                inbox,
                fleet,
                write,
                _complain,
                # A second is the default, and what tor tells of is hardly ever just that.
                every=options.interval if options.interval > 1 else None,
                duration=options.duration,
            )
    except OSError as error:
        return _unwritten(error)
    if refusal is not None:
        return _complain(refusal.cause, refusal.cure)
    if came and options.duration is not None:
        ending.die_of(came[0])  # before its time: that is not what was asked for
    return FINE


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


def _finish(how: "app.Ending", fleet: Fleet) -> int:
    """Say what there is to say once the terminal is itself again."""
    for instance in fleet.instances:
        if instance.trouble is not None:
            more = f" (and {instance.troubles - 1} more)" if instance.troubles > 1 else ""
            _complain(f"while it ran: {instance.trouble.what}{more}")
    if how.refusal is not None:
        return _complain(how.refusal.cause, how.refusal.cure)
    if how.hung_up:
        return _complain("the terminal went away")
    if how.signal is not None:
        ending.die_of(how.signal)
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
