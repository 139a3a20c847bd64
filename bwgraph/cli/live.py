"""Shows the graph, and asks for passwords.

Owns when the screen is left to ask for a password, and the messages after it. Must not know what is
drawn.
"""

import os
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING

from bwgraph.cli import initial_view
from bwgraph.cli.arguments import UsageError
from bwgraph.cli.options import Options
from bwgraph.cli.services import Watched, run_services
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output import svg_file
from bwgraph.screen.view import View
from bwgraph.system import signals
from bwgraph.system.stdio import EXIT_OK, write_error
from bwgraph.system.wakeup import Wakeup
from bwgraph.terminal import curses_terminal, loop, tty
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.targets import Secrets

if TYPE_CHECKING:
    from bwgraph.store.database import Store


def check_terminal(options: Options, environ: Mapping[str, str]) -> None:
    """Raise UsageError if the graph cannot be drawn here.

    If standard input is the recording, keys are read from the terminal instead from now on.
    """
    try:
        if options.replay == "-":
            tty.read_keys_from_terminal()
        tty.check(environ)
    except tty.TerminalError as error:
        raise UsageError(str(error)) from None


def show(
    options: Options, targets: Watched, credentials: Credentials, store: "Store | None"
) -> int:
    """Show the graph until the user leaves it, and return the exit code.

    If a tor requires a password that was not given, the screen is left to ask for it.
    """
    utf8 = curses_terminal.locale_is_utf8(os.environ)
    view = initial_view.create(options, utf8=utf8)
    secrets = Secrets(credentials)

    def run(fleet: Fleet, sources: Mapping[Instance, Source], view: View) -> loop.LoopEnd:
        with (
            Wakeup() as wakeup,
            curses_terminal.Terminal(utf8=utf8, color=options.color) as terminal,
        ):
            return loop.run(
                fleet,
                sources,
                view,
                terminal,
                wakeup,
                save_picture=svg_file.save_new,
                clock=targets.clock,
            )

    while True:
        fleet, sources = targets.create_fleet(secrets, wait_forever=options.wait)
        first = initial_view.for_fleet(options, targets, fleet, store, view)
        with run_services(options, fleet, store):
            end = run(fleet, sources, first)
        failure = end.error
        if failure is None:
            return _finish(end, fleet)
        endpoint = failure.needs_password_at
        if not secrets.should_ask(endpoint):
            stored = initial_view.stored_fleet_and_view(options, targets, store, view)
            if stored is not None:
                fleet, first = stored
                end = run(fleet, {}, first)
            return _finish(end, fleet)
        try:
            # The handler raises, so that getpass restores the terminal's echo.
            with signals.installed_handlers(
                signals.unless_ignored(_raise_signal, signals.FATAL_SIGNALS)
            ):
                secrets = secrets.with_password(endpoint, credentials.ask_password(endpoint))
        except _SignalError as error:
            return _finish(loop.LoopEnd(signal=error.number), fleet)
        except EOFError:  # the user gave no password
            if fleet.sum is None:
                return write_error(failure.cause, failure.remedy)
            secrets = secrets.with_declined(endpoint)
        except ExplainedError as error:  # the password cannot be used
            return write_error(error.cause, error.remedy)


class _SignalError(BaseException):
    """A signal that ends the program after the cleanup."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _raise_signal(number: int, _: FrameType | None) -> None:
    raise _SignalError(number)


def _finish(end: loop.LoopEnd, fleet: Fleet) -> int:
    """Write the messages that follow the screen, and return the exit code."""
    for instance in fleet.instances:
        if instance.problem is not None:
            more = f" (and {instance.problem_count - 1} more)" if instance.problem_count > 1 else ""
            write_error(f"problem during the run: {instance.problem.text}{more}")
    if fleet.notice:
        write_error(fleet.notice)
    if end.error is not None:
        return write_error(end.error.cause, end.error.remedy)
    if end.hung_up:
        return write_error("the terminal was closed")
    if end.signal is not None:
        signals.end_by_signal(end.signal)
    return EXIT_OK
