"""The view that a run starts with, and the stored history that is shown if no tor was found.

Owns how that view follows from the options and the stored buckets. Must not know how a view is
drawn.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bwgraph.cli.options import Options
from bwgraph.cli.services import Watched
from bwgraph.model.fleet import Fleet
from bwgraph.screen import units
from bwgraph.screen.plot import ASCII, BLOCK, GLYPH_SETS
from bwgraph.screen.view import ALL_TORS, Arrangement, View
from bwgraph.system.clock import now
from bwgraph.tor.targets import Targets

if TYPE_CHECKING:
    from bwgraph.store.database import Store

NEAR_BUCKETS = 60
"The distance from the present within which most screens show a bucket, in buckets."


def create(options: Options, *, utf8: bool) -> View:
    """Return the view that the options describe, of any fleet."""
    glyphs = BLOCK if options.glyphs == "auto" else GLYPH_SETS[options.glyphs]
    return View(
        glyphs=glyphs if utf8 else ASCII,
        ascii_only=not utf8,
        units=units.UNITS[options.units],
        arrangement=None if options.layout == "auto" else Arrangement(options.layout),
        resolution=options.interval,
        logarithmic=options.scale == "log",
        ceiling=options.ceiling,
    )


def for_fleet(
    options: Options, targets: Watched, fleet: Fleet, store: "Store | None", view: View
) -> View:
    """Return the view of a fleet: of all its tors, at a resolution that shows stored buckets."""
    if fleet.sum is not None:
        view = view._replace(subject=ALL_TORS)
    if store is None or options.interval_chosen or not isinstance(targets, Targets):
        return view
    from bwgraph.store import attach  # noqa: PLC0415 - most runs have no store

    return open_at_newest(
        view, attach.newest_ends(store, fleet, map(str, targets.candidates)), now()
    )


def stored_fleet_and_view(
    options: Options, targets: Watched, store: "Store | None", view: View
) -> tuple[Fleet, View] | None:
    """Return a fleet of all stored histories, and the view of its newest bucket.

    Returns None if nothing is stored, or if the user named a tor or a recording, which this would
    not show.
    """
    if store is None or not isinstance(targets, Targets) or targets.named:
        return None
    from bwgraph.store import attach, restore  # noqa: PLC0415 - most runs have no store

    fleet = attach.stored_fleet(store)
    if fleet is None:
        return None
    view = view._replace(subject=0 if fleet.sum is None else ALL_TORS)
    return fleet, end_at_newest(
        view, restore.restored_ends(fleet), keep_resolution=options.interval_chosen
    )


def open_at_newest(view: View, ends: Mapping[int, int], now: float) -> View:
    """Return the view at the finest resolution at which the newest stored bucket is near.

    ``ends`` is the end of the newest stored bucket by resolution.
    """
    near = [each for each in sorted(ends) if ends[each] > now - NEAR_BUCKETS * each]
    return view._replace(resolution=near[0] if near else max(ends, default=view.resolution))


def end_at_newest(view: View, ends: Mapping[int, int], *, keep_resolution: bool) -> View:
    """Return the view of the newest restored bucket, when no samples will follow.

    Use the finest stored resolution unless ``keep_resolution``.
    """
    resolution = view.resolution if keep_resolution else min(ends, default=view.resolution)
    end = ends.get(resolution, max(ends.values(), default=None))
    return view._replace(resolution=resolution, end=end)
