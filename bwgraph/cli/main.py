"""The program: what it does as it was asked to, its messages and its exit codes.

Owns every word that bwgraph says outside of its screen. Exit codes: 0 fine, 1 could not, 2 wrong
use. After SIGTERM or SIGHUP the terminal is restored and the signal then ends the program; a
stream that would go on for ever has come to its end with it, and that is fine. Where the reader of
standard output leaves, SIGPIPE ends the program.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from types import FrameType
from typing import TYPE_CHECKING

from bwgraph.cli import arguments, config_file, initial_view, resources
from bwgraph.cli.initial_view import Watched
from bwgraph.cli.services import attached
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.screen import units
from bwgraph.screen.view import View
from bwgraph.system import signals, stdio
from bwgraph.system.stdio import FINE, WRONG_USE, write_error
from bwgraph.system.wakeup import Wakeup
from bwgraph.tor import credentials
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.targets import Secrets, find_targets

if TYPE_CHECKING:
    from bwgraph.store.database import Store
    from bwgraph.terminal import loop

_Way = Callable[[argparse.Namespace, Watched, Credentials, "Store | None"], int]


def main(
    given: Sequence[str] | None = None, *, splash: AbstractContextManager[object] | None = None
) -> int:
    """Run bwgraph; returns its exit code.

    What there is to say is said when the splash is over, which may be on the screen already.
    """
    try:
        with splash or nullcontext():
            return _run(given)
    except arguments.Misused as wrong:
        wrong.tell()
    except _WrongUse as wrong:
        return write_error(str(wrong), code=WRONG_USE)
    except ExplainedError as refusal:
        return write_error(refusal.cause, refusal.remedy)
    except KeyboardInterrupt:  # while there is no screen that would take it as a key
        return FINE


class _WrongUse(Exception):
    """What was asked for makes no sense; the text says why."""


def _run(given: Sequence[str] | None) -> int:
    """Do what the flags and the settings ask for."""
    parser = arguments.parser()
    flags = vars(parser.parse_args(given))
    if "print" in flags:
        return stdio.write(resources.text(str(flags["print"])).removesuffix("\n"))
    # curses only comes in now, so that --help and --print do without it.
    from bwgraph.terminal import tty  # noqa: PLC0415 - as said

    try:
        file = config_file.read(
            config_file.place(os.environ, sys.platform), parser, arguments.NOT_LASTING
        )
        options = argparse.Namespace(
            **config_file.merge(flags, os.environ, file, arguments.DEFAULTS)
        )
        options.chosen = flags.keys() | file.keys()
        run = _way(options)
        targets = _watched(options)
        if run is _graph:
            if options.replay == "-":
                tty.take_keys_from_terminal()
            tty.check(os.environ)
        known = Credentials()
        if options.replay is None:
            known = credentials.read_credentials(options.password_file, os.environ)
        store = None if options.store is None else _open_store(options)
    except (ValueError, tty.TerminalError) as error:
        raise _WrongUse(str(error)) from None
    with nullcontext() if store is None else closing(store):
        return run(options, targets, known, store)


def _way(options: argparse.Namespace) -> "_Way":
    """What to do; ValueError if it is not clear."""
    for wrong, message in _WRONG:
        if wrong(options):
            raise ValueError(message)
    if not (_single(options) or options.json or options.csv or options.headless):
        return _graph
    from bwgraph.cli import headless  # noqa: PLC0415 - the graph does without it

    return headless.look if _single(options) else headless.lines


def _single(options: argparse.Namespace) -> bool:
    """Whether it is a single look that is asked for."""
    return options.once or options.svg is not None


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
        lambda it: it.replay is not None and any(getattr(it, name) for name in arguments.WORK),
        "--replay shows the past, and --store and --prometheus are for the present",
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


def _watched(options: argparse.Namespace) -> Watched:
    """Which tors, or what there is in place of them."""
    if options.replay is None:
        return find_targets(options.tors, options.demo, os.environ)
    from bwgraph.recording import replay  # noqa: PLC0415 - the graph does without it

    tape = replay.read(options.replay)
    return replay.Replay(tape, options.replay, options.speed or 1)


def _open_store(options: argparse.Namespace) -> "Store":
    """Open the store, before anything else begins, and warn of what will be in it."""
    from bwgraph.store import attach  # noqa: PLC0415 - most do without it

    store = attach.open_store(options.store, read_only=_single(options))
    if not _single(options) and options.store_resolution < arguments.STORED:
        each = units.format_exact_span(options.store_resolution)
        write_error(
            f"warning: {options.store} will hold what moved in every {each}: enough to recognise"
            " what was done\nthrough this tor, and when. Keep it to yourself."
        )
    return store


def _graph(
    options: argparse.Namespace, targets: Watched, known: Credentials, store: "Store | None"
) -> int:
    """Show the graph, asking for a password first if a tor turns out to want one."""
    from bwgraph.output import svg_file  # noqa: PLC0415 - see _run
    from bwgraph.terminal import curses_terminal, loop  # noqa: PLC0415 - see _run

    utf8 = curses_terminal.locale_is_utf8(os.environ)
    view = initial_view.view(options, utf8=utf8)
    color = options.color != "never" and not os.environ.get("NO_COLOR")
    secrets = Secrets(known)

    def show(fleet: Fleet, sources: Mapping[Instance, Source], view: View) -> loop.LoopEnd:
        with Wakeup() as wakeup, curses_terminal.Terminal(utf8=utf8, color=color) as screen:
            return loop.run(
                fleet,
                sources,
                view,
                screen,
                wakeup,
                save_picture=svg_file.save_new,
                clock=targets.clock,
            )

    while True:
        fleet, sources = targets.create_fleet(secrets, patient=options.wait)
        first = initial_view.of(options, targets, fleet, store, view)
        with attached(options, fleet, store):
            how = show(fleet, sources, first)
        refusal = how.error
        if refusal is None:
            return _finish(how, fleet)
        if not secrets.should_ask(refusal.needs_password_at):
            archive = initial_view.archive(options, targets, store, view)
            if archive is not None:
                fleet, first = archive
                how = show(fleet, {}, first)
            return _finish(how, fleet)
        place = refusal.needs_password_at
        try:
            # So getpass gives the terminal its echo back.
            with signals.handled(signals.unless_ignored(_raise_it, signals.FATAL_SIGNALS)):
                secrets = secrets.with_password(place, known.ask_password(place))
        except _Signalled as signalled:
            return _finish(loop.LoopEnd(signal=signalled.number), fleet)
        except EOFError:
            if fleet.sum is None:
                return write_error(refusal.cause, refusal.remedy)
            secrets = secrets.with_declined(place)
        except ExplainedError as unusable:
            return write_error(unusable.cause, unusable.remedy)


class _Signalled(BaseException):
    """A signal that is to end the program, once what was begun is put back."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _raise_it(number: int, _: FrameType | None) -> None:
    raise _Signalled(number)


def _finish(how: "loop.LoopEnd", fleet: Fleet) -> int:
    """Say what there is to say once the terminal is itself again."""
    for instance in fleet.instances:
        if instance.problem is not None:
            more = f" (and {instance.problem_count - 1} more)" if instance.problem_count > 1 else ""
            write_error(f"while it ran: {instance.problem.text}{more}")
    if fleet.notice:
        write_error(fleet.notice)
    if how.error is not None:
        return write_error(how.error.cause, how.error.remedy)
    if how.hung_up:
        return write_error("the terminal went away")
    if how.signal is not None:
        signals.end_by_signal(how.signal)
    return FINE
