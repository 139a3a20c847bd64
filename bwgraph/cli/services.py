"""What goes on beside whatever shows a fleet: its recorder, and its exporter.

Owns which of them were asked for, and what is told where one cannot be had. Must not know how
either of them works: they are imported where they are asked for, for most do without.
"""

import argparse
import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bwgraph.model.errors import ExplainedError
from bwgraph.model.fleet import Fleet
from bwgraph.tor.endpoint import ControlPort

if TYPE_CHECKING:
    from bwgraph.output import prometheus
    from bwgraph.store.database import Store


@contextmanager
def attached(
    options: argparse.Namespace,
    fleet: Fleet,
    store: "Store | None",
    remark: Callable[[str], object] | None = None,
    *,
    look: bool = False,
) -> Iterator[None]:
    """Have what goes along with a fleet, while it is told of or for a single look.

    Where there is no screen to show what is wrong with it, ``remark`` is told; and what cannot be
    done at all is a ExplainedError then.
    """
    with ExitStack() as stack:
        if store is not None:
            from bwgraph.store import attach  # noqa: PLC0415 - as said above

            if look:
                stack.enter_context(attach.restore_only(store, fleet))
            else:
                resolution = options.store_resolution
                stack.enter_context(attach.record(store, fleet, resolution, remark))
        if options.prometheus is not None:
            stack.enter_context(_exporter(options.prometheus, fleet))
        yield


def _exporter(place: ControlPort, fleet: Fleet) -> "prometheus.Exporter":
    try:
        from bwgraph.output import prometheus  # noqa: PLC0415 - as said above; and it is an extra
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        cure = "to install it: pip install 'bwgraph[prometheus]'"
        raise ExplainedError("--prometheus needs the package prometheus_client", cure) from None
    try:
        return prometheus.Exporter(fleet, place.host, place.port)
    except (OSError, UnicodeError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "another program has that port" if taken else getattr(error, "strerror", None)
        raise ExplainedError(f"--prometheus {place}: {why or error}") from None
