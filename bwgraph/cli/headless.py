"""The ways without a screen: a single look, and lines that go on.

Owns what is written to standard output and when that ends. Must not know what a line or a frame is
made of.
"""

import argparse
import json
import os
import shutil
from typing import TYPE_CHECKING

from bwgraph.cli import initial_view
from bwgraph.cli.initial_view import Watched
from bwgraph.cli.services import attached
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.plot import BLOCK, HALF_BLOCK
from bwgraph.system import signals
from bwgraph.system.stdio import FINE, handle_write_error, write, write_error
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.targets import Secrets, Targets

if TYPE_CHECKING:
    from bwgraph.store.database import Store

DEFAULT_SIZE = (80, 24)
"Cells of a picture where neither COLUMNS and LINES nor a terminal tells."


def look(
    options: argparse.Namespace, targets: Watched, known: Credentials, store: "Store | None"
) -> int:
    """Take one look: as text or numbers, as a picture, or as both."""
    from bwgraph.output import document, once, svg_file  # noqa: PLC0415 - the graph does without
    from bwgraph.screen.compose import compose  # noqa: PLC0415
    from bwgraph.terminal import curses_terminal  # noqa: PLC0415 - the graph does without

    fleet, sources = targets.create_fleet(Secrets(known, cannot_ask=True), patient=options.wait)
    view = initial_view.view(options, utf8=True)
    first = initial_view.of(options, targets, fleet, store, view)
    if isinstance(targets, Targets):
        with attached(options, fleet, store, write_error, look=True):
            refusal = once.watch(sources, fleet, options.duration)
        if refusal is not None:
            archive = initial_view.archive(options, targets, store, first)
            if archive is None:
                return write_error(refusal.cause, refusal.remedy)
            fleet, first = archive
    else:
        targets.play_at_once(fleet)
        if targets.skipped:
            write_error(targets.skipped)
    size, moment = Size(*shutil.get_terminal_size(DEFAULT_SIZE)), targets.clock.read()
    if options.svg is not None:
        try:
            svg_file.write(compose(fleet, first, size, moment), options.svg)
        except OSError as error:
            return write_error(f"{options.svg}: {error.strerror or error}")
    if options.once and options.json:
        return write(json.dumps(document.document(fleet, moment)))
    if options.once:
        utf8 = curses_terminal.locale_is_utf8(os.environ)
        view = initial_view.view(options, utf8=utf8)._replace(
            key_line=False,
            subject=first.subject,
            resolution=first.resolution,
            end=first.end,
        )
        if view.glyphs is BLOCK:
            view = view._replace(glyphs=HALF_BLOCK)
        return write(_text(compose(fleet, view, size, moment), utf8=utf8))
    return FINE


def _text(frame: Frame, *, utf8: bool) -> str:
    """A frame without its styles."""
    text = "\n".join(line.rstrip() for line in frame.text())
    return text if utf8 else text.encode("ascii", "replace").decode("ascii")


def lines(
    options: argparse.Namespace, targets: Watched, known: Credentials, store: "Store | None"
) -> int:
    """Write samples as lines, or none at all, until time is up or somebody ends it."""
    from bwgraph.output import lines as lines_module  # noqa: PLC0415 - the graph does without it
    from bwgraph.output.event_queue import EventQueue  # noqa: PLC0415
    from bwgraph.recording import format as format_module  # noqa: PLC0415 - the graph does without it

    formats = {"json": format_module.json_line, "csv": format_module.csv_line}
    line = next((formats[name] for name in formats if getattr(options, name)), None)

    def put(entry: format_module.Entry) -> None:
        if line is not None:
            print(line(entry), flush=True)  # noqa: T201 - this is what was asked for

    fleet, sources = targets.create_fleet(Secrets(known, cannot_ask=True), patient=options.wait)
    try:
        if options.csv:
            print(format_module.CSV_HEADER, flush=True)  # noqa: T201
        with (
            attached(options, fleet, store, write_error),
            EventQueue(sources, fleet) as inbox,
            signals.stopping(inbox.stop) as came,
        ):
            refusal = lines_module.write_lines(
                inbox,
                fleet,
                put,
                write_error,
                # A second is the default, and what tor tells of is hardly ever just that.
                every=options.interval if options.interval > 1 else None,
                duration=options.duration,
            )
    except OSError as error:
        return handle_write_error(error)
    if refusal is not None:
        return write_error(refusal.cause, refusal.remedy)
    if came and options.duration is not None:
        signals.end_by_signal(came[0])  # before its time: that is not what was asked for
    return FINE
