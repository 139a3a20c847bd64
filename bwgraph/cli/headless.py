"""Output without a screen: one-shot output, or a line for each sample.

Owns what is written to standard output, and when it ends. Must not know what is in a line or a
frame.
"""

import json
import os
import shutil
from typing import TYPE_CHECKING

from bwgraph.cli import initial_view
from bwgraph.cli.options import Options
from bwgraph.cli.services import Watched, run_services
from bwgraph.recording import format as format_module
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.plot import BLOCK, HALF_BLOCK
from bwgraph.screen.view import View
from bwgraph.system import signals
from bwgraph.system.stdio import EXIT_OK, handle_write_error, write, write_error
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.targets import Secrets, Targets

if TYPE_CHECKING:
    from bwgraph.store.database import Store

DEFAULT_SIZE = (80, 24)
"Columns and rows of a frame if neither COLUMNS and LINES nor a terminal gives the size."


def print_once(
    options: Options, targets: Watched, credentials: Credentials, store: "Store | None"
) -> int:
    """Collect samples, write a frame, an object or a picture, and return the exit code."""
    from bwgraph.output import document, once, svg_file  # noqa: PLC0415 - not needed for lines
    from bwgraph.screen.compose import compose  # noqa: PLC0415 - as above
    from bwgraph.terminal import curses_terminal  # noqa: PLC0415 - as above

    fleet, sources = targets.create_fleet(
        Secrets(credentials, cannot_ask=True), wait_forever=options.wait
    )
    view = initial_view.for_fleet(
        options, targets, fleet, store, initial_view.create(options, utf8=True)
    )
    if isinstance(targets, Targets):
        with run_services(options, fleet, store, write_error):
            failure = once.watch(sources, fleet, options.duration)
        if failure is not None:
            stored = initial_view.stored_fleet_and_view(options, targets, store, view)
            if stored is None:
                return write_error(failure.cause, failure.remedy)
            fleet, view = stored
    else:
        targets.play_at_once(fleet)
        if targets.skipped_message:
            write_error(targets.skipped_message)
    size, moment = Size(*shutil.get_terminal_size(DEFAULT_SIZE)), targets.clock.read()
    if options.svg is not None:
        try:
            svg_file.write(compose(fleet, view, size, moment), options.svg)
        except OSError as error:
            return write_error(f"{options.svg}: {error.strerror or error}")
    if options.once and options.json:
        return write(json.dumps(document.document(fleet, moment)))
    if options.once:
        utf8 = curses_terminal.locale_is_utf8(os.environ)
        frame = compose(fleet, _text_view(options, view, utf8=utf8), size, moment)
        return write(_text(frame, utf8=utf8))
    return EXIT_OK


def _text_view(options: Options, view: View, *, utf8: bool) -> View:
    """Return the view for plain text, which has no reverse video."""
    text_view = initial_view.create(options, utf8=utf8)._replace(
        key_line=False, subject=view.subject, resolution=view.resolution, end=view.end
    )
    return text_view._replace(glyphs=HALF_BLOCK) if text_view.glyphs is BLOCK else text_view


def _text(frame: Frame, *, utf8: bool) -> str:
    """Return a frame without its styles."""
    text = "\n".join(line.rstrip() for line in frame.text())
    return text if utf8 else text.encode("ascii", "replace").decode("ascii")


def run_without_screen(
    options: Options, targets: Watched, credentials: Credentials, store: "Store | None"
) -> int:
    """Write samples as lines, or nothing if headless; return the exit code.

    It ends after ``options.duration`` or with a signal.
    """
    from bwgraph.output import lines  # noqa: PLC0415 - not needed for --once
    from bwgraph.output.event_queue import EventQueue  # noqa: PLC0415 - as above

    to_line = None
    if options.json:
        to_line = format_module.json_line
    elif options.csv:
        to_line = format_module.csv_line

    def put(entry: format_module.Entry) -> None:
        if to_line is not None:
            print(to_line(entry), flush=True)  # noqa: T201 - the output

    fleet, sources = targets.create_fleet(
        Secrets(credentials, cannot_ask=True), wait_forever=options.wait
    )
    try:
        if options.csv:
            print(format_module.CSV_HEADER, flush=True)  # noqa: T201 - the output
        with (
            run_services(options, fleet, store, write_error),
            EventQueue(sources, fleet) as queue,
            signals.stop_on_signals(queue.stop) as received,
        ):
            failure = lines.write_lines(
                queue,
                fleet,
                put,
                write_error,
                # By default there is one line per sample; samples rarely cover exactly one
                # second.
                every=options.interval if options.interval > 1 else None,
                duration=options.duration,
            )
    except OSError as error:
        return handle_write_error(error)
    if failure is not None:
        return write_error(failure.cause, failure.remedy)
    if received and options.duration is not None:
        signals.end_by_signal(received[0])  # the lines of that time are incomplete
    return EXIT_OK
