"""The sources, the store and the exporter of a run.

Owns which of them the options ask for, and the message if one is not available. Must not know how
they work. Their modules are imported if they are asked for: most runs do without.
"""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from bwgraph.cli.flags import DEFAULT_STORE_RESOLUTION_S
from bwgraph.cli.options import Options
from bwgraph.model.errors import ExplainedError
from bwgraph.model.fleet import Fleet
from bwgraph.screen import units
from bwgraph.system.stdio import write_error
from bwgraph.tor import targets as targets_module
from bwgraph.tor.endpoint import ControlPort

if TYPE_CHECKING:
    from bwgraph.output import prometheus
    from bwgraph.recording.replay import Replay
    from bwgraph.store.database import Store
    from bwgraph.tor.targets import Targets

Watched: TypeAlias = "Targets | Replay"
"The tors to watch, or the recording to play."


def find_targets(options: Options, environ: Mapping[str, str]) -> Watched:
    """Return the tors to watch, or the recording to play.

    Raises ValueError if the environment names an invalid endpoint, and ExplainedError if the
    recording cannot be read.
    """
    if options.replay is None:
        return targets_module.find_targets(options.tors, options.demo, environ)
    from bwgraph.recording import replay  # noqa: PLC0415 - only with --replay

    return replay.Replay(replay.read(options.replay), options.replay, options.speed or 1)


@contextmanager
def store_for_run(options: Options) -> Iterator["Store | None"]:
    """Return a context with the open and checked store, or with None if the run has no store.

    Unlike ``store.attach.open_store``, it follows the options: it writes a warning if the store can
    reveal what individual users did, and closes the store at the end. Raises ValueError if the file
    is not a store, and ExplainedError if it cannot be read.
    """
    if options.store is None:
        yield None
        return
    from bwgraph.store import attach  # noqa: PLC0415 - only with --store

    store = attach.open_store(options.store, read_only=options.is_one_shot)
    if not options.is_one_shot and options.store_resolution < DEFAULT_STORE_RESOLUTION_S:
        span = units.format_exact_span(options.store_resolution)
        write_error(
            f"warning: {options.store} will contain the traffic per {span}. This can reveal what"
            " was done\nthrough this tor, and when. Keep the file private."
        )
    with closing(store):
        yield store


@contextmanager
def run_services(
    options: Options,
    fleet: Fleet,
    store: "Store | None",
    write_message: Callable[[str], object] | None = None,
) -> Iterator[None]:
    """Record a fleet to the store and serve its metrics. One-shot output only reads the store.

    ``write_message`` is called with problems of the store if there is no screen. Then a store that
    cannot be written at the start raises ExplainedError. An exporter that cannot start always does.
    """
    with ExitStack() as stack:
        if store is not None:
            from bwgraph.store import attach  # noqa: PLC0415 - only with --store

            if options.is_one_shot:
                stack.enter_context(attach.restore_only(store, fleet))
            else:
                resolution = options.store_resolution
                stack.enter_context(attach.record(store, fleet, resolution, write_message))
        if options.prometheus is not None:
            stack.enter_context(_exporter(options.prometheus, fleet))
        yield


def _exporter(address: ControlPort, fleet: Fleet) -> "prometheus.Exporter":
    """Return an exporter that listens. Raises ExplainedError if it cannot."""
    try:
        from bwgraph.output import prometheus  # noqa: PLC0415 - only with --prometheus; an extra
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        remedy = "to install it: pip install 'bwgraph[prometheus]'"
        raise ExplainedError("--prometheus needs the package prometheus_client", remedy) from None
    try:
        return prometheus.Exporter(fleet, address.host, address.port)
    except (OSError, UnicodeError) as error:
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "another program has that port" if in_use else getattr(error, "strerror", None)
        raise ExplainedError(f"--prometheus {address}: {reason or error}") from None
