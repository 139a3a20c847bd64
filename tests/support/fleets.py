"""Several tors with fixed histories, and their screen as lines of text."""

from collections.abc import Sequence

from scenes import CONNECTED, KIB, MOMENT, NEWEST, looks, second, seconds

from bwgraph.model.events import Connected, CounterBase, Event, Lost, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen.compose import compose
from bwgraph.screen.frame import Size
from bwgraph.screen.view import ALL_TORS, View


def news(name: str, when: float = 1000.0, process: str = "", uptime: float = 7200.0) -> Connected:
    """Return the connection of a tor of this name, which had moved 1 GiB and 2 GiB before."""
    return CONNECTED._replace(
        at=when,
        endpoint=name,
        nickname=name,
        process=process or name,
        uptime=uptime,
        counters=CounterBase(1 << 30, 2 << 30),
    )


def watched(*names: str, found: bool = False, patient: bool = False) -> Fleet:
    """Return a fleet of tors that have had no events yet."""
    return Fleet([Instance(name) for name in names], found=found, wait_forever=patient)


def tell(fleet: Fleet, which: int, *events: Event) -> None:
    """Have the fleet handle events of one of its tors."""
    instance = fleet.instances[which]
    for event in events:
        fleet.handle(instance, event)


def steady(begin: int, end: int, read: int, written: int = 0) -> list[Sample]:
    """Return samples of a second each with these bytes; number 99 ends at ``NEWEST``."""
    return [Sample(second(i).ends_at, read, written, 1.0) for i in range(begin, end)]


def mixed() -> Fleet:
    """Return five tors: connected, lost, late, not connected yet, and with samples from before."""
    fleet = watched("anna", "bert", "carl", "9054", "emil")
    waves, slow = seconds(0, 100), steady(0, 100, 3 * KIB, 5 * KIB)
    emil = news("emil")._replace(recent=tuple(steady(-40, 0, 50 * KIB, 9 * KIB)))
    for which, name in enumerate(("anna", "bert", "carl")):
        tell(fleet, which, news(name))
    tell(fleet, 4, emil)
    for i in range(100):
        tell(fleet, 0, waves[i])
        if i < 80:
            tell(fleet, 1, slow[i])
        if i < 97:
            tell(fleet, 2, slow[i])
        tell(fleet, 4, slow[i])
    tell(fleet, 1, Lost(second(79).ends_at, "it closed the connection", NEWEST + 8.5))
    return fleet


def staged(
    columns: int,
    rows: int,
    fleet: Fleet,
    view: View | None = None,
    moment: Moment = MOMENT,
    notice: str = "",
) -> list[str]:
    """Return a fleet's screen as lines of text; without a view, the table."""
    shown = view or View(subject=ALL_TORS)
    return looks(compose(fleet, shown, Size(columns, rows), moment, notice))


def titles(fleet: Fleet, order: Sequence[int]) -> list[str]:
    """Return the titles of these tors."""
    return [fleet.instances[place].title for place in order]
