"""A tor with a fixed history, its screen as lines of text, and the state that keys start from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from textwrap import dedent

from bwgraph.model.events import Connected, CounterBase, Event, Lost, Sample
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.graph_screen import draw_graphs, survey_graphs
from bwgraph.screen.view import Arrangement, Shown, View

PLACE = "127.0.0.1:9051"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

CONNECTED = Connected(
    at=1000.0,
    endpoint=PLACE,
    version="0.4.9.11",
    nickname="my-relay",
    counters=CounterBase(40 * GIB, 43 * GIB),
    uptime=273_600.0,
    process="7",
)

NEWEST = 1100.0
"When the newest sample of ``relay`` ended."
CLOCK = datetime(2026, 11, 23, 14, 5, 32, 450_000, tzinfo=UTC)
MOMENT = Moment(now=NEWEST + 0.25, wall_clock=CLOCK)
"A quarter of a second after the newest sample, which ended at 14:05:32.2."

LOST = Lost(last_heard=NEWEST + 0.1, reason="it closed the connection", retry_at=NEWEST + 8.5)

SHOWN = Shown(
    100,
    oldest=1,
    newest=5000,
    newest_second=5000,
    end=5000,
    arrangement=Arrangement.STACKED,
    ceiling=20 * 1024,
)
"The last 100 seconds of a history of 5000 seconds are shown."

LIMIT = {"BandwidthRate": str(180 * KIB)}
QUOTA = {
    "AccountingRule": "sum",
    "accounting/enabled": "1",
    "accounting/bytes": f"{30 * GIB} {20 * GIB}",
    "accounting/bytes-left": f"{50 * GIB} {50 * GIB}",
    "accounting/interval-start": "2026-11-01 00:00:00",
    "accounting/interval-end": "2026-12-01 00:00:00",
    "accounting/hibernating": "awake",
}
"Tor's answers about its limit, and about its quota."

WAVE = (0, 1, 40, 80, 120, 160, 200, 160, 120, 80, 40, 20)
"KiB downloaded in each second of a wave of twelve."

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202e\u0301東\ud800"


def second(i: int) -> Sample:
    """Return the sample of ``relay`` that ends ``i`` seconds after 1001; the newest is 99."""
    read, written = WAVE[i % 12] * KIB, WAVE[(i + 3) % 12] * KIB // 2
    return Sample(NEWEST - 99 + i, read, written, seconds=1.0)


def seconds(begin: int, end: int) -> list[Sample]:
    """Return the samples from ``begin`` to before ``end``."""
    return [second(i) for i in range(begin, end)]


def compose_graphs(
    instance: Instance, view: View, size: Size, moment: Moment, notice: str = ""
) -> Frame:
    """Return the screen of one tor as a frame."""
    return draw_graphs(survey_graphs(instance, view, size, moment, notice))


def instance_after(*events: Event, name: str = PLACE, note: str = "") -> Instance:
    """Return a tor after these events."""
    instance = Instance(name, note)
    for event in events:
        instance.handle(event)
    return instance


def relay(
    *events: Event, news: Connected = CONNECTED, name: str = PLACE, note: str = ""
) -> Instance:
    """Return a tor after a hundred seconds of waves with a gap of five, and after ``events``."""
    hundred = [*seconds(0, 40), *seconds(45, 100)]
    return instance_after(news, *hundred, *events, name=name, note=note)


def moved(samples: Iterable[Sample]) -> CounterBase:
    """Return tor's counters after these samples, if they were 40 and 43 GiB before."""
    read, written = 40 * GIB, 43 * GIB
    for sample in samples:
        read, written = read + sample.read, written + sample.written
    return CounterBase(read, written)


def gone(begin: int, end: int, back: Connected, first: int = 0) -> Instance:
    """Return a ``relay`` that was lost for these seconds and is connected again by ``back``."""
    lost = Lost(second(begin - 1).ends_at, "it closed the connection", second(begin).ends_at)
    back = back._replace(at=second(end - 1).ends_at)
    news = CONNECTED._replace(at=second(first - 1).ends_at)
    return instance_after(news, *seconds(first, begin), lost, back, *seconds(end, 100))


def unheard(begin: int, end: int, read: int, written: int, first: int = 0) -> Instance:
    """Return a ``relay`` that moved these bytes while it was lost, without a restart."""
    before = moved(seconds(first, begin))
    counted = CounterBase(before.read + read, before.written + written)
    uptime = 273_600.0 + end - first
    return gone(begin, end, CONNECTED._replace(counters=counted, uptime=uptime), first)


def restarted(begin: int, end: int, uptime: float, first: int = 0) -> Instance:
    """Return a ``relay`` that was lost and replaced by a tor process with this uptime."""
    back = CONNECTED._replace(counters=CounterBase(70, 7), uptime=uptime, process="8")
    return gone(begin, end, back, first)


def remembered(begin: int, end: int, late: float = 0.04) -> Connected:
    """Return the connection of a tor that remembers these seconds, made ``late`` seconds later."""
    return CONNECTED._replace(at=second(end - 1).ends_at + late, recent=tuple(seconds(begin, end)))


def after(seconds: float) -> Moment:
    """Return the moment this long after the newest sample."""
    return Moment(NEWEST + seconds, CLOCK + timedelta(seconds=seconds - 0.25))


def framed(
    columns: int,
    rows: int,
    instance: Instance | None = None,
    moment: Moment = MOMENT,
    view: View | None = None,
    notice: str = "",
) -> Frame:
    """Return a screen as a frame."""
    return compose_graphs(instance or relay(), view or View(), Size(columns, rows), moment, notice)


LIKENESS = dict(zip("▇▆▅▄▃▂▁", "▔🮂🮃▀🮄🮅🮆", strict=True))
"A character that looks like each block in reverse."


def looks(frame: Frame) -> list[str]:
    """Return a frame's lines as they look: blocks in reverse replaced, trailing blanks removed."""
    return [
        "".join(
            "".join(LIKENESS.get(char, char) for char in span.text) if span.reverse else span.text
            for span in line
        ).rstrip()
        for line in frame.lines
    ]


def drawn(
    columns: int,
    rows: int,
    instance: Instance | None = None,
    moment: Moment = MOMENT,
    view: View | None = None,
    notice: str = "",
) -> list[str]:
    """Return a screen as lines of text, as they look."""
    return looks(framed(columns, rows, instance, moment, view, notice))


def picture(text: str) -> list[str]:
    """Return the lines of a picture in the source."""
    return [line.rstrip() for line in dedent(text).strip("\n").split("\n")]


def graphs(screen: list[str]) -> list[list[str]]:
    """Return the rows of both graphs of a screen with stacked graphs and axes."""
    rows = [line.partition("│" if "│" in line[:11] else "┤") for line in screen]
    cells = [after for before, edge, after in rows if edge and len(before) == 10]
    return [cells[: len(cells) // 2], cells[len(cells) // 2 :]]
