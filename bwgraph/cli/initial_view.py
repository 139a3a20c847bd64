"""What is looked at to begin with: the view, and the past where there is nothing else.

Owns how the options and what was stored decide that. Must not know how it is shown.
"""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from bwgraph.model.fleet import Fleet
from bwgraph.screen import units
from bwgraph.screen.plot import ASCII, BLOCK, GLYPH_SETS
from bwgraph.screen.view import ALL_TORS, Arrangement, View
from bwgraph.system.clock import now
from bwgraph.tor.targets import Targets

if TYPE_CHECKING:
    from bwgraph.recording.replay import Replay
    from bwgraph.store.database import Store

AT_HAND = 60
"Columns from the present: what is within them is seen on any screen."

Watched: TypeAlias = "Targets | Replay"
"The tors to watch, or what there is in place of them."


def view(options: argparse.Namespace, *, utf8: bool) -> View:
    """The view to begin with."""
    chosen = options.glyphs
    glyphs = GLYPH_SETS[chosen] if chosen != "auto" else BLOCK
    return View(
        glyphs=glyphs if utf8 else ASCII,
        ascii_only=not utf8,
        units=units.UNITS[options.units],
        arrangement=None if options.layout == "auto" else Arrangement(options.layout),
        resolution=options.interval,
        logarithmic=options.scale == "log",
        ceiling=options.ceiling,
    )


def of(
    options: argparse.Namespace,
    targets: Watched,
    fleet: Fleet,
    store: "Store | None",
    first: View,
) -> View:
    """The view of this fleet: of all, and where what was stored is seen if there is any."""
    if fleet.sum is not None:
        first = first._replace(subject=ALL_TORS)
    if store is None or "interval" in options.chosen or not isinstance(targets, Targets):
        return first
    from bwgraph.store import attach  # noqa: PLC0415 - most do without it

    ends = attach.newest_ends(store, fleet, map(str, targets.candidates))
    return opening(first, ends, now())


def archive(
    options: argparse.Namespace, targets: Watched, store: "Store | None", first: View
) -> tuple[Fleet, View] | None:
    """What is in the store and the view of its end, where no tor was asked for."""
    if store is None or not isinstance(targets, Targets) or targets.named:
        return None
    from bwgraph.store import attach, restore  # noqa: PLC0415 - most do without it

    fleet = attach.archive(store)
    if fleet is None:
        return None
    first = first._replace(subject=0 if fleet.sum is None else ALL_TORS)
    ends = restore.restored_ends(fleet)
    return fleet, ending(first, ends, coarser="interval" not in options.chosen)


def opening(view: View, ends: Mapping[int, int], now: float) -> View:
    """Return the view at the finest resolution at which the newest stored column is near.

    ``ends`` is the end of the newest stored column by resolution.
    """
    near = [each for each in sorted(ends) if ends[each] > now - AT_HAND * each]
    return view._replace(resolution=near[0] if near else max(ends, default=view.resolution))


def ending(view: View, ends: Mapping[int, int], *, coarser: bool) -> View:
    """Return the view of the newest restored column, when no samples will follow.

    It is at the finest resolution of ``ends`` if it may be made ``coarser``.
    """
    resolution = min(ends, default=view.resolution) if coarser else view.resolution
    end = ends.get(resolution, max(ends.values(), default=None))
    return view._replace(resolution=resolution, end=end)
