"""Whole screens as they are drawn, and what holds of every one of them."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from textwrap import dedent
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph import units
from bwgraph.captions import TROUBLE_SHOWN, Moment
from bwgraph.frame import Frame, Size, Style, printable
from bwgraph.graph import ASCII, BLOCK
from bwgraph.instance import Instance
from bwgraph.ledger import Unseen
from bwgraph.sample import Sample
from bwgraph.screen import compose
from bwgraph.source import Connected, Counted, Event, Lost, Trouble
from bwgraph.summary import summarise
from bwgraph.view import BINDINGS, View

PLACE = "127.0.0.1:9051"
KIB, GIB = 1024, 1 << 30

CONNECTED = Connected(
    when=1000.0,
    where=PLACE,
    version="0.4.9.11",
    nickname="my-relay",
    counted=Counted(40 * GIB, 43 * GIB),
    uptime=273_600.0,
    process="7",
)

NEWEST = 1100.0
"When the newest sample of ``relay`` came in."
CLOCK = datetime(2026, 11, 23, 14, 5, 32, 450_000)  # noqa: DTZ001 - any clock will do
MOMENT = Moment(now=NEWEST + 0.25, clock=CLOCK)
"A quarter of a second after the newest sample, which arrived at 14:05:32.2."

WAVE = (0, 1, 40, 80, 120, 160, 200, 160, 120, 80, 40, 20)

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202e\u0301東\ud800"


def second(i: int) -> Sample:
    """The sample of ``relay`` that ends so many seconds after 1001; the 99th is the newest."""
    read, written = WAVE[i % 12] * KIB, WAVE[(i + 3) % 12] * KIB // 2
    return Sample(NEWEST - 99 + i, read, written, seconds=1.0)


def seconds(begin: int, end: int) -> list[Sample]:
    """These of its samples, the last not included."""
    return [second(i) for i in range(begin, end)]


def told(*events: Event, name: str = PLACE, note: str = "") -> Instance:
    """A tor of which this was told."""
    instance = Instance(name, note)
    for event in events:
        instance.tell(event)
    return instance


def relay(
    *events: Event, news: Connected = CONNECTED, name: str = PLACE, note: str = ""
) -> Instance:
    """A hundred seconds of a tor that moves a wave in each twelve of them, and once was away.

    Then come the events.
    """
    hundred = [*seconds(0, 40), *seconds(45, 100)]
    return told(news, *hundred, *events, name=name, note=note)


def moved(samples: Iterable[Sample]) -> Counted:
    """What tor's counters say after these, if they stood at 40 and 43 GiB before."""
    read, written = 40 * GIB, 43 * GIB
    for sample in samples:
        read, written = read + sample.read, written + sample.written
    return Counted(read, written)


def gone(begin: int, end: int, back: Connected) -> Instance:
    """A ``relay`` whose connection was lost for these seconds, and that came back so."""
    lost = Lost(second(begin - 1).when, "it closed the connection", second(begin).when)
    back = replace(back, when=second(end - 1).when)
    return told(CONNECTED, *seconds(0, begin), lost, back, *seconds(end, 100))


def unheard(begin: int, end: int, read: int, written: int) -> Instance:
    """A ``relay`` that lived on and moved so much while nobody heard it."""
    before = moved(seconds(0, begin))
    counted = Counted(before.read + read, before.written + written)
    return gone(begin, end, replace(CONNECTED, counted=counted, uptime=273_600.0 + end))


def restarted(begin: int, end: int, uptime: float) -> Instance:
    """A ``relay`` that went away, and another tor process with such an uptime came back."""
    return gone(begin, end, replace(CONNECTED, counted=Counted(70, 7), uptime=uptime, process="8"))


def remembered(begin: int, end: int, late: float = 0.04) -> Connected:
    """News of a tor that remembers these seconds; it took so long to ask."""
    return replace(CONNECTED, when=second(end - 1).when + late, recent=tuple(seconds(begin, end)))


def after(seconds: float) -> Moment:
    """The moment so long after the newest sample."""
    return Moment(NEWEST + seconds, CLOCK + timedelta(seconds=seconds - 0.25))


def drawn(
    columns: int,
    rows: int,
    instance: Instance | None = None,
    moment: Moment = MOMENT,
    view: View | None = None,
) -> list[str]:
    """A screen as its lines, as they look: blanks at their ends don't."""
    frame = compose(instance or relay(), view or View(), Size(columns, rows), moment)
    return [line.rstrip() for line in frame.text()]


def picture(text: str) -> list[str]:
    """The lines of a picture in the source."""
    return [line.rstrip() for line in dedent(text).strip("\n").split("\n")]


# Pictures.


def test_picture_of_120_columns() -> None:
    assert drawn(120, 35) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay                                                    1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 95 s: avg 79.3 KiB/s  p95 200 KiB/s   peak 200 KiB/s at 14:03:59
        200 KiB/s ┤               █           █           █                       █           █           █           █
                  │               █           █           █                       █           █           █           █
                  │              ▃█▃         ▃█▃         ▃█▃                     ▃█▃         ▃█▃         ▃█▃         ▃█▃
                  │              ███         ███         ███                     ███         ███         ███         ███
                  │              ███         ███         ███                     ███         ███         ███         ███
                  │             ▆███▆       ▆███▆       ▆███▆                   ▆███▆       ▆███▆       ▆███▆       ▆███▆
                  │             █████       █████       █████                   █████       █████       █████       █████
                  │            ▂█████▂     ▂█████▂     ▂█████▂     ▂     ▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂
                  │            ███████     ███████     ███████     █     █     ███████     ███████     ███████     ███████     █
                  │            ███████     ███████     ███████     █     █     ███████     ███████     ███████     ███████     █
                  │           ▅███████▅   ▅███████▅   ▅███████▅   ▅█     █▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅█
                  │           █████████▂  █████████▂  █████████▂  ██     ██▂  █████████▂  █████████▂  █████████▂  █████████▂  ██
                  │········· ▁██████████ ▁██████████ ▁██████████ ▁██·····███ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁██
                0 └─┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──

        ▲ upload    100 KiB/s  last 95 s: avg 43.7 KiB/s  p95 100 KiB/s   peak 100 KiB/s at 14:03:56
        100 KiB/s ┤            █           █           █           █           █           █           █           █           █
                  │            █           █           █           █           █           █           █           █           █
                  │           ▃█▃         ▃█▃         ▃█▃         ▃█          ▃█▃         ▃█▃         ▃█▃         ▃█▃         ▃█
                  │           ███         ███         ███         ██          ███         ███         ███         ███         ██
                  │           ███         ███         ███         ██          ███         ███         ███         ███         ██
                  │          ▆███▆       ▆███▆       ▆███▆       ▆██         ▆███▆       ▆███▆       ▆███▆       ▆███▆       ▆██
                  │          █████       █████       █████       ███         █████       █████       █████       █████       ███
                  │         ▂█████▂     ▂█████▂     ▂█████▂     ▂███        ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂███
                  │         ███████     ███████     ███████     ████        ███████     ███████     ███████     ███████     ████
                  │         ███████     ███████     ███████     ████        ███████     ███████     ███████     ███████     ████
                  │         ███████▅   ▅███████▅   ▅███████▅   ▅████       ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅████
                  │         ████████▂  █████████▂  █████████▂  █████       █████████▂  █████████▂  █████████▂  █████████▂  █████
                  │·········█████████ ▁██████████ ▁██████████ ▁█████····· ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁█████
                0 └─┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                14:03:45       14:04:00       14:04:15       14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago:   ▼ 40.0 GiB, avg 153 KiB/s   ▲ 43.0 GiB, avg 165 KiB/s
        q quit   r reconnect now   ^L redraw
        """  # noqa: E501
    )


def test_picture_of_80_columns() -> None:
    assert drawn(80, 24) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 64 s: avg 76.3K p95 200K peak 200K at 14:04:47
        200 KiB/s ┤                       █           █           █           █
                  │▃                     ▃█▃         ▃█▃         ▃█▃         ▃█▃
              150 ┤█                     ███         ███         ███         ███
                  │█▆                   ▆███▆       ▆███▆       ▆███▆       ▆███▆
              100 ┤██▂     ▂     ▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂
                  │███     █     █     ███████     ███████     ███████     ███████     █
               50 ┤███▅   ▅█     █▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅█
                  │████▆ ▁██·····██▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 64 s: avg 41.8K p95 100K peak 100K at 14:04:32
        100 KiB/s ┤        █           █           █           █           █           █
                  │       ▃█          ▃█▃         ▃█▃         ▃█▃         ▃█▃         ▃█
                  │       ██          ███         ███         ███         ███         ██
                  │      ▆██         ▆███▆       ▆███▆       ▆███▆       ▆███▆       ▆██
               50 ┤     ▂███        ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂███
                  │     ████        ███████     ███████     ███████     ███████     ████
                  │▅   ▅████       ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅████
                  │█▆ ▁█████····· ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_80_columns_in_ascii() -> None:
    assert drawn(80, 24, view=View(ASCII)) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        v download 80.0 KiB/s  last 64 s: avg 76.3K p95 200K peak 200K at 14:04:47
        200 KiB/s +                       #           #           #           #
                  |:                     :#:         :#:         :#:         :#:
              150 +#                     ###         ###         ###         ###
                  |#|                   |###|       |###|       |###|       |###|
              100 +##.     .     .     .#####.     .#####.     .#####.     .#####.     .
                  |###     #     #     #######     #######     #######     #######     #
               50 +###|   |#     #|   |#######|   |#######|   |#######|   |#######|   |#
                  |####| .##-----##| .#########| .#########| .#########| .#########| .##
                0 +------+--------------+--------------+--------------+--------------+--
        ^ upload    100 KiB/s  last 64 s: avg 41.8K p95 100K peak 100K at 14:04:32
        100 KiB/s +        #           #           #           #           #           #
                  |       :#          :#:         :#:         :#:         :#:         :#
                  |       ##          ###         ###         ###         ###         ##
                  |      |##         |###|       |###|       |###|       |###|       |##
               50 +     .###        .#####.     .#####.     .#####.     .#####.     .###
                  |     ####        #######     #######     #######     #######     ####
                  ||   |####       |#######|   |#######|   |#######|   |#######|   |####
                  |#| .#####----- .#########| .#########| .#########| .#########| .#####
                0 +------+--------------+--------------+--------------+--------------+--
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: v 40.0 GiB  ^ 43.0 GiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_40_columns() -> None:
    assert drawn(40, 10) == picture(
        """
        ▼ download 80.0 KiB/s     127.0.0.1:9051
        200 KiB/s ┤      ▃█▃         ▃█▃
                  │    ▂▆███▆▂     ▂▆███▆▂     ▂
                  │▂ ▁▅███████▅▂ ▁▅███████▅▂ ▁▅█
                0 └───────────┬──────────────┬──
        ▲ upload    100 KiB/s
        100 KiB/s ┤   ▃█▃         ▃█▃         ▃█
                  │ ▂▆███▆▂     ▂▆███▆▂     ▂▆██
                  │▅███████▅▂ ▁▅███████▅▂ ▁▅████
                0 └───────────┬──────────────┬──
        """
    )


def test_picture_of_20_columns() -> None:
    assert drawn(20, 5) == picture(
        """
        ▼ 80.0 KiB/s
        ▂       ▂▅█▅▂
        █▆▃▂ ▁▃▆█████▆▃▂ ▁▃▆
        ▲ 100 KiB/s
        ▁ ▁▂▃▅▆█▆▅▃▂▁ ▁▂▃▅▆█
        """
    )


def test_picture_of_bytes_that_moved_while_nobody_heard() -> None:
    assert drawn(80, 24, unheard(50, 70, 5 * KIB, 700)) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 49 s: avg 74.8K p95 200K peak 200K, 5.0K unseen
        200 KiB/s ┤           █       5.0 KiB unseen              █           █
                  │▃         ▃█▃                                 ▃█▃         ▃█▃
              150 ┤█         ███                                 ███         ███
                  │█▆       ▆███▆                               ▆███▆       ▆███▆
              100 ┤██▂     ▂█████▂                             ▂█████▂     ▂█████▂     ▂
                  │███     ███████                             ███████     ███████     █
               50 ┤███▅   ▅███████▅                       ▅   ▅███████▅   ▅███████▅   ▅█
                  │████▆ ▁█████████▆ ▁····················█▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 49 s: avg 40.5K p95 100K peak 100K, 700B unseen
        100 KiB/s ┤        █          700 B unseen             █           █           █
                  │       ▃█▃                                 ▃█▃         ▃█▃         ▃█
                  │       ███                                 ███         ███         ██
                  │      ▆███▆       ▆                       ▆███▆       ▆███▆       ▆██
               50 ┤     ▂█████▂     ▂█                      ▂█████▂     ▂█████▂     ▂███
                  │     ███████     ██                      ███████     ███████     ████
                  │▅   ▅███████▅   ▅██                     ▅███████▅   ▅███████▅   ▅████
                  │█▆ ▁█████████▆ ▁███····················▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_a_tor_that_was_restarted() -> None:
    assert drawn(80, 24, restarted(50, 70, uptime=6.0)) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 49 s: avg 74.8K p95 200K peak 200K at 14:04:35
        200 KiB/s ┤           █                    ╎tor restarted █           █
                  │▃         ▃█▃                   ╎             ▃█▃         ▃█▃
              150 ┤█         ███                   ╎             ███         ███
                  │█▆       ▆███▆                  ╎            ▆███▆       ▆███▆
              100 ┤██▂     ▂█████▂                 ╎           ▂█████▂     ▂█████▂     ▂
                  │███     ███████                 ╎           ███████     ███████     █
               50 ┤███▅   ▅███████▅                ╎      ▅   ▅███████▅   ▅███████▅   ▅█
                  │████▆ ▁█████████▆ ▁·············╎······█▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 49 s: avg 40.5K p95 100K peak 100K at 14:04:32
        100 KiB/s ┤        █          tor restarted╎           █           █           █
                  │       ▃█▃                      ╎          ▃█▃         ▃█▃         ▃█
                  │       ███                      ╎          ███         ███         ██
                  │      ▆███▆       ▆             ╎         ▆███▆       ▆███▆       ▆██
               50 ┤     ▂█████▂     ▂█             ╎        ▂█████▂     ▂█████▂     ▂███
                  │     ███████     ██             ╎        ███████     ███████     ████
                  │▅   ▅███████▅   ▅██             ╎       ▅███████▅   ▅███████▅   ▅████
                  │█▆ ▁█████████▆ ▁███·············╎······▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 36 s ago: ▼ 2.2 MiB  ▲ 1.3 MiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_a_tor_that_was_restarted_in_ascii() -> None:
    assert drawn(80, 24, restarted(50, 70, uptime=6.0), view=View(ASCII)) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        v download 80.0 KiB/s  last 49 s: avg 74.8K p95 200K peak 200K at 14:04:35
        200 KiB/s +           #                    !tor restarted #           #
                  |:         :#:                   !             :#:         :#:
              150 +#         ###                   !             ###         ###
                  |#|       |###|                  !            |###|       |###|
              100 +##.     .#####.                 !           .#####.     .#####.     .
                  |###     #######                 !           #######     #######     #
               50 +###|   |#######|                !      |   |#######|   |#######|   |#
                  |####| .#########| .-------------!------#| .#########| .#########| .##
                0 +------+--------------+--------------+--------------+--------------+--
        ^ upload    100 KiB/s  last 49 s: avg 40.5K p95 100K peak 100K at 14:04:32
        100 KiB/s +        #          tor restarted!           #           #           #
                  |       :#:                      !          :#:         :#:         :#
                  |       ###                      !          ###         ###         ##
                  |      |###|       |             !         |###|       |###|       |##
               50 +     .#####.     .#             !        .#####.     .#####.     .###
                  |     #######     ##             !        #######     #######     ####
                  ||   |#######|   |##             !       |#######|   |#######|   |####
                  |#| .#########| .###-------------!------.#########| .#########| .#####
                0 +------+--------------+--------------+--------------+--------------+--
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 36 s ago: v 2.2 MiB  ^ 1.3 MiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_what_only_tor_saw() -> None:
    assert drawn(80, 24, told(remembered(45, 75), *seconds(75, 100))) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        ▼ download 80.0 KiB/s  last 25 s: avg 84.9K p95 200K peak 200K at 14:05:11
        200 KiB/s ┤                       █           █           █           █
                  │                      ▃█▃         ▃█▃         ▃█▃         ▃█▃
              150 ┤                      ███         ███         ███         ███
                  │                     ▆███▆       ▆███▆       ▆███▆       ▆███▆
              100 ┤              ▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂
                  │              █     ███████     ███████     ███████     ███████     █
               50 ┤              █▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅█
                  │··············██▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬───────╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌───────┬──────────────┬──
        ▲ upload    100 KiB/s  last 25 s: avg 44.8K p95 100K peak 100K at 14:05:08
        100 KiB/s ┤                    █           █           █           █           █
                  │                   ▃█▃         ▃█▃         ▃█▃         ▃█▃         ▃█
                  │                   ███         ███         ███         ███         ██
                  │                  ▆███▆       ▆███▆       ▆███▆       ▆███▆       ▆██
               50 ┤                 ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂███
                  │                 ███████     ███████     ███████     ███████     ████
                  │                ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅████
                  │·············· ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬───────╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌───────┬──────────────┬──
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_before_the_first_sample() -> None:
    assert drawn(80, 24, told(remembered(60, 100))) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        ▼ download          -
        200 KiB/s ┤                                   █           █           █
                  │                                  ▃█▃         ▃█▃         ▃█▃
              150 ┤                                  ███         ███         ███
                  │                                 ▆███▆       ▆███▆       ▆███▆
              100 ┤                                ▂█████▂     ▂█████▂     ▂█████▂     ▂
                  │                                ███████     ███████     ███████     █
               50 ┤                               ▅███████▅   ▅███████▅   ▅███████▅   ▅█
                  │····························· ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬──────────────┬───────╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌
        ▲ upload            -
        100 KiB/s ┤                                █           █           █           █
                  │                               ▃█▃         ▃█▃         ▃█▃         ▃█
                  │                               ███         ███         ███         ██
                  │                              ▆███▆       ▆███▆       ▆███▆       ▆██
               50 ┤                             ▂█████▂     ▂█████▂     ▂█████▂     ▂███
                  │                             ███████     ███████     ███████     ████
                  │                             ███████▅   ▅███████▅   ▅███████▅   ▅████
                  │·····························████████▆ ▁█████████▆ ▁█████████▆ ▁█████
                0 └──────┬──────────────┬───────╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌┬╌╌
                     14:04:30       14:04:45       14:05:00       14:05:15
        since tor started 3 d 4 h ago: ▼ 40.0 GiB  ▲ 43.0 GiB
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_a_restart_in_a_small_window() -> None:
    assert drawn(50, 16, restarted(80, 92, uptime=6.0)) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11     14:05:32
        ▼ download 80.0 KiB/s  last 27 s: avg 80.1K
        200 KiB/s ┤    ▂█▂         ▂█▂     ╎tor restarted
                  │   ▃███▃       ▃███     ╎      ▃
              100 ┤  ▅█████▅     ▅████     ╎      █▅     ▅
                  │▁▆███████▆▃ ▁▆█████·····╎······██▆▃ ▁▆█
                0 └──────┬──────────────┬──────────────┬──
        ▲ upload    100 KiB/s  last 27 s: avg 46.7K
        100 KiB/s ┤ ▂█▂         ▂█▂        ╎restart     ▂█
                  │▃███▃       ▃███▃       ╎           ▃██
               50 ┤█████▅     ▅█████▅      ╎          ▅███
                  │██████▆▃ ▁▆███████▆·····╎······▃ ▁▆████
                0 └──────┬──────────────┬──────────────┬──
                     14:05:00       14:05:15
        since tor started 14 s ago: ▼ 381 KiB  ▲ 311 KiB
        q quit   r reconnect now   ^L redraw
        """
    )


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (1, "▼"),
        (6, "▼80.0K"),
        (11, "80.0K 100K"),
        (12, "▼80.0K ▲100K"),
        (24, "▼80.0K ▲100K"),
        (25, "▼ 80.0 KiB/s  ▲ 100 KiB/s"),
    ],
)
def test_picture_of_one_row(columns: int, line: str) -> None:
    assert drawn(columns, 1) == [line]


@PROPERTY
@given(st.integers(1, 130), st.integers(1, 60), st.booleans())
def test_the_picture_uses_every_row_that_there_is(columns: int, rows: int, lost: bool) -> None:
    news = [Lost(since=NEWEST, why="gone", retry=NEWEST + 5)] if lost else []
    frame = compose(relay(*news), View(), Size(columns, rows), MOMENT)
    assert len(frame.lines) == rows
    # What is for the user to read or to press stands at the very bottom.
    if rows > 2 and lost:
        assert frame.text()[-1].startswith("no tor"[:columns])


# States.


def test_connecting() -> None:
    screen = drawn(80, 24, Instance(PLACE))
    assert screen[-1] == f"connecting to {PLACE}"
    assert screen[-2] == ""  # no totals either
    # Of nothing there is no average, no p95 and no peak.
    assert re.fullmatch(r"▼ download +-", screen[1])
    assert re.fullmatch(r"▲ upload +-", screen[11])


def test_connected_without_a_sample_yet() -> None:
    screen = drawn(80, 24, told(CONNECTED))
    assert "my-relay" in screen[0]
    assert screen[-1] == KEYS
    assert re.fullmatch(r"▼ download +-", screen[1])
    assert re.fullmatch(r"▲ upload +-", screen[11])
    # Not zero but unknown, from edge to edge.
    assert screen[9] == " " * 10 + "│" + "·" * 69


def test_connected() -> None:
    screen = drawn(80, 24)
    assert screen[0].startswith(f"bwgraph  {PLACE}  tor 0.4.9.11  my-relay ")
    assert screen[0].endswith(" 14:05:32")
    assert screen[-1] == KEYS


def test_connected_at_a_place_among_several_says_which() -> None:
    looking = drawn(80, 24, told(name="a tor on this machine"))
    assert looking[0].startswith("bwgraph  a tor on this machine  ")
    found = drawn(80, 24, relay(name="a tor on this machine"))
    assert found[0].startswith(f"bwgraph  {PLACE}  tor 0.4.9.11  my-relay ")


def test_what_is_known_of_a_tor_stays_when_it_is_lost() -> None:
    assert drawn(80, 24, relay(LOST))[0] == drawn(80, 24)[0]


def test_what_tor_did_not_tell_is_left_out() -> None:
    # A filter may refuse both questions.
    screen = drawn(80, 24, relay(news=Connected(1000.0, PLACE, version="", nickname="")))
    assert screen[0].split("  ", 2)[:2] == ["bwgraph", PLACE]
    assert "tor " not in screen[0].removeprefix(f"bwgraph  {PLACE}")


@pytest.mark.parametrize("seconds", [5.0, 59.0, 3600.0])
def test_late(seconds: float) -> None:
    screen = drawn(80, 24, moment=after(seconds))
    assert screen[-1] == f"late: no data from tor for {seconds:.0f} s"
    # The rate of then is not the rate of now, and time without a word is a gap.
    assert re.match(r"▼ download +-( |$)", screen[1])
    assert re.match(r"▲ upload +-( |$)", screen[11])
    assert screen[9].endswith("·")


@pytest.mark.parametrize("seconds", [0.0, 0.9, 1.9])
def test_not_late_yet(seconds: float) -> None:
    screen = drawn(80, 24, moment=after(seconds))
    assert screen[-1] == KEYS
    assert re.match(r"▼ download +80.0 KiB/s ", screen[1])


LOST = Lost(since=NEWEST + 0.1, why="it closed the connection", retry=NEWEST + 8.5)


@pytest.mark.parametrize(
    ("seconds", "when"),
    [(0.5, "in 8 s"), (1.5, "in 7 s"), (7.5, "in 1 s"), (8.5, "now"), (60.0, "now")],
)
def test_lost_since_when_why_and_when_it_is_tried_again(seconds: float, when: str) -> None:
    screen = drawn(80, 24, relay(LOST), after(seconds))
    # What changes comes first, where a narrow window still has room for it.
    said = f"no tor since 14:05:32, trying again {when}: it closed the connection"
    assert screen[-1] == said


def test_lost_outranks_what_is_late() -> None:
    screen = drawn(80, 24, relay(LOST), after(30.0))
    assert screen[-1].startswith("no tor since 14:05:32, ")
    assert re.match(r"▼ download +-( |$)", screen[1])


def test_back_again_is_as_if_it_had_never_been_away() -> None:
    # For less than a second: the same tor, and nothing moved meanwhile.
    counted = moved([*seconds(0, 40), *seconds(45, 100)])
    back = replace(CONNECTED, when=NEWEST + 0.2, counted=counted, uptime=273_700.0)
    assert drawn(80, 24, relay(LOST, back)) == drawn(80, 24)


def test_a_tor_that_was_only_silent_is_as_if_it_had_been_late() -> None:
    late = Sample(NEWEST + 6.0, 600, 60, seconds=6.0)
    assert drawn(80, 24, relay(LOST, late), after(6.25)) == drawn(80, 24, relay(late), after(6.25))


def test_trouble_is_told_with_its_time() -> None:
    instance = relay()
    instance.tell(Trouble(NEWEST - 2.0, "a thread ended: ValueError: oh"))
    assert drawn(80, 24, instance)[-1] == "14:05:30 a thread ended: ValueError: oh"


def test_of_many_troubles_the_latest_is_told_and_how_many() -> None:
    instance = relay()
    for n in range(3):
        instance.tell(Trouble(NEWEST - 2.0 + n, f"trouble number {n}"))
    assert drawn(80, 24, instance)[-1] == "14:05:32 (3 such) trouble number 2"


@pytest.mark.parametrize(
    ("age", "told"), [(TROUBLE_SHOWN - 0.1, True), (TROUBLE_SHOWN + 0.1, False)]
)
def test_trouble_is_told_for_a_while(age: float, told: bool) -> None:
    instance = relay()
    instance.tell(Trouble(MOMENT.now - age, "something broke"))
    last = drawn(80, 24, instance)[-1]
    assert ("something broke" in last) == told
    assert (last == KEYS) == (not told)


def test_a_loss_is_told_before_a_trouble() -> None:
    instance = relay(LOST)
    instance.tell(Trouble(NEWEST, "something broke"))
    assert drawn(80, 24, instance)[-1].startswith("no tor since ")


def test_an_alert_stands_out() -> None:
    frame = compose(relay(LOST), View(), Size(80, 24), MOMENT)
    assert {span.style for span in frame.lines[-1]} == {Style.ALERT}


@pytest.mark.parametrize("rows", range(3, 30))
def test_an_alert_is_there_when_the_keys_and_all_else_are_gone(rows: int) -> None:
    assert drawn(80, rows, relay(LOST))[-1].startswith("no tor since 14:05:32, trying")


def test_demo_says_that_it_is_one() -> None:
    news = Connected(1000.0, "demo", "0.4.8.12", "demo")
    demo = relay(news=news, name="demo", note="no tor, invented traffic")
    assert drawn(80, 24, demo)[0].startswith(
        "bwgraph  demo: no tor, invented traffic  tor 0.4.8.12 "
    )
    # A narrow window says at least that much, also where there is no header.
    assert drawn(40, 24, demo)[0].startswith("bwgraph  demo ")
    assert drawn(120, 10, demo)[0].endswith("  demo")


def test_the_key_line_has_every_key() -> None:
    assert KEYS.split("   ") == [f"{binding.name} {binding.help}" for binding in BINDINGS]
    assert drawn(80, 24)[-1] == KEYS


KEYS = "q quit   r reconnect now   ^L redraw"


# Its statistics.


def test_statistics_say_over_what_and_the_peak_when() -> None:
    title = drawn(120, 24)[1]
    average, p95, peak = "avg 79.3 KiB/s", "p95 200 KiB/s", "peak 200 KiB/s at 14:03:59"
    assert title == f"▼ download 80.0 KiB/s  last 95 s: {average}  {p95}   {peak}"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (95, "last 79 s: avg 80.8 KiB/s  p95 200 KiB/s   peak 200 KiB/s at 14:04:11"),
        (80, "last 64 s: avg 76.3K p95 200K peak 200K at 14:04:47"),
        (70, "last 55 s: avg 79.0K p95 200K peak 200K"),
        (60, "last 49 s: avg 85.0K"),
        (40, None),
    ],
)
def test_statistics_lose_their_units_then_the_peaks_time_then_peak_and_p95(
    columns: int, said: str | None
) -> None:
    title = drawn(columns, 24)[1]
    assert title == f"▼ download 80.0 KiB/s{f'  {said}' if said else ''}"


def test_the_peaks_time_is_that_of_the_column_that_stands_out() -> None:
    spike = Sample(NEWEST + 1.0, 900 * KIB, 1, seconds=1.0)
    rest = (Sample(NEWEST + 2.0 + i, 50 * KIB, 1, seconds=1.0) for i in range(20))
    screen = drawn(80, 30, relay(spike, *rest), after(21.25))
    assert screen[1].endswith(" peak 900K at 14:05:33")
    labels, ground = screen[-3], screen[-4]
    top = next(row for row in graphs(screen)[0] if row.strip())
    column = 11 + len(top) - len(top.lstrip())
    assert ground[column - 3] == "┬"
    assert "14:05:30" in labels[column - 3 - 4 : column - 3 + 4]


def test_statistics_stay_when_tor_is_late_and_move_out_with_their_columns() -> None:
    assert drawn(80, 24, moment=after(30.0))[1].startswith("▼ download          -  last 40 s: avg ")
    assert drawn(80, 24, moment=after(90.0))[1] == "▼ download          -"


@pytest.mark.parametrize("instant", [0.0, 0.3, 0.49, 0.5, 0.7, 0.99])
@pytest.mark.parametrize("asked", [0.001, 0.04, 0.3, 0.9])
@pytest.mark.parametrize("memory", [0, 30])
def test_each_second_that_bwgraph_saw_counts_from_the_very_first(
    instant: float, asked: float, memory: int
) -> None:
    # At whatever fraction of a second it connected, and however long it took to ask.
    first = 1000.0 + instant
    recent = tuple(Sample(first - 29 + i, 9000, 900, 1.0) for i in range(memory))
    news = replace(CONNECTED, when=first + asked, recent=recent)
    instance = told(news, Sample(first + 1.0, 100, 10, 1.0))
    moment = Moment(first + 1.1, CLOCK)
    assert re.match(r"▼ download +100 B/s  last 1 s: avg 100B ", drawn(80, 24, instance, moment)[1])
    instance.tell(Sample(first + 2.0, 300, 30, 1.0))
    title = drawn(80, 24, instance, Moment(first + 2.1, CLOCK))[1]
    assert re.match(r"▼ download +300 B/s  last 2 s: avg 200B ", title)


# Totals.


def totals(instance: Instance, columns: int = 100, moment: Moment = MOMENT) -> str:
    """The line above the last."""
    return drawn(columns, 30, instance, moment)[-2]


AGO = "since tor started 3 d 4 h ago:"


def test_totals_since_tor_started() -> None:
    read = "▼ 40.0 GiB, avg 153 KiB/s"
    written = "▲ 43.0 GiB, avg 165 KiB/s"
    assert totals(relay()) == f"{AGO}   {read}   {written}"


def test_totals_where_tor_does_not_tell_when_it_started() -> None:
    # Then there is no average either.
    instance = relay(news=replace(CONNECTED, uptime=None))
    assert totals(instance) == "since tor started: ▼ 40.0 GiB   ▲ 43.0 GiB"


@pytest.mark.parametrize("uptime", [None, 273_600.0])
def test_totals_since_bwgraph_connected_where_tor_does_not_tell_its_own(
    uptime: float | None,
) -> None:
    instance = relay(news=replace(CONNECTED, counted=None, uptime=uptime))
    read, written = "▼ 7.4 MiB, avg 75.1 KiB/s", "▲ 4.1 MiB, avg 41.4 KiB/s"
    assert totals(instance) == f"since connected 100 s ago:   {read}   {written}"


def test_totals_of_a_restarted_tor_are_its_own() -> None:
    line = totals(restarted(50, 70, uptime=6.0))
    assert re.match("since tor started 36 s ago: +▼ 2.2 MiB,", line)


def test_totals_hold_what_moved_while_nobody_heard() -> None:
    line = totals(unheard(50, 70, 40 * GIB, 43 * GIB))
    assert re.match("since tor started 3 d 4 h ago: +▼ 80.0 GiB, .* ▲ 86.0 GiB,", line)


def test_totals_do_not_hold_what_tor_remembers() -> None:
    news = replace(remembered(45, 75), counted=None)
    assert re.match("since connected 25 s ago: +▼ 0 B, .* ▲ 0 B,", totals(told(news)))


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (86, f"{AGO}   ▼ 40.0 GiB, avg 153 KiB/s   ▲ 43.0 GiB, avg 165 KiB/s"),
        (85, f"{AGO} ▼ 40.0 GiB  ▲ 43.0 GiB"),
        (53, f"{AGO} ▼ 40.0 GiB  ▲ 43.0 GiB"),
        (52, "since tor started: ▼ 40.0 GiB   ▲ 43.0 GiB"),
        (42, "since tor started: ▼ 40.0 GiB   ▲ 43.0 GiB"),
        (41, "since tor started: ▼40.0G ▲43.0G"),
        (36, "since tor started: ▼40.0G ▲43.0G"),
    ],
)
def test_totals_lose_what_does_not_fit(columns: int, line: str) -> None:
    assert totals(relay(), columns) == line


@pytest.mark.parametrize("counted", [Counted(0, 0), Counted(1023, 10**6), Counted(10**20, 10**20)])
@pytest.mark.parametrize("known", [True, False], ids=["uptime", "no uptime"])
@pytest.mark.parametrize("own", [True, False], ids=["since tor started", "since connected"])
def test_totals_are_whole_at_any_width_or_not_there(
    counted: Counted, known: bool, own: bool
) -> None:
    news = replace(CONNECTED, counted=counted if own else None, uptime=9e4 if known else None)
    # At the narrowest there is nothing but the two amounts and since when.
    whole = re.compile(
        "since .*: +▼ ?[0-9.]+ ?([KMGTPE]i)?[BKMGTPE](, avg .*/s)? +▲ ?[0-9.]+ ?.*[^ ]"
    )
    sides = {}
    for columns in range(1, 130):
        line = next((at for at in drawn(columns, 30, told(news)) if at.startswith("since")), "")
        assert not line or whole.fullmatch(line)
        amounts = re.findall(r"[▼▲] ?([0-9.]+ ?(?:[KMGTPE]iB|[BKMGTPE]))(?=[ ,]|$)", line)
        assert len(amounts) == (2 if line else 0)
        assert len(line) <= columns
        sides[columns] = bool(line)
    assert sides[36]
    assert sides[129]


def test_totals_go_on_while_tor_is_lost() -> None:
    assert drawn(80, 30, relay(LOST), after(5.0))[-2].startswith("since tor started 3 d 4 h ago: ")


# What nobody saw, and who was restarted.


def graphs(screen: list[str]) -> list[list[str]]:
    """The cells of the two graphs of a screen with axes, row by row."""
    rows = [line.partition("│" if "│" in line else "┤") for line in screen]
    cells = [after for before, edge, after in rows if edge and len(before) == 10]
    return [cells[: len(cells) // 2], cells[len(cells) // 2 :]]


def test_each_graph_has_its_own_sum_of_what_nobody_heard() -> None:
    down, up = graphs(drawn(80, 24, unheard(50, 70, 3 << 30, 1536)))
    assert sum("3.0 GiB unseen" in row for row in down) == 1
    assert sum("1.5 KiB unseen" in row for row in up) == 1
    assert not any("KiB" in row for row in down)


def test_what_nobody_heard_is_written_into_its_gap() -> None:
    for row in graphs(drawn(80, 24, unheard(50, 70, 5 * KIB, 5 * KIB)))[0]:
        if "unseen" in row:
            # 69 columns: second 50 is the 20th of them, and second 70 the 40th.
            assert 19 <= row.index("5.0 KiB") < row.index("unseen") + len("unseen") <= 39


def test_what_nobody_heard_is_no_rate() -> None:
    # Neither a bar, nor the scale, nor the statistics know of it; it is told beside them.
    quiet, loud = unheard(50, 70, 0, 0), unheard(50, 70, 1 << 40, 1 << 40)
    before, after_it = drawn(150, 30, quiet), drawn(150, 30, loud)
    assert before[0] == after_it[0]
    assert f"{before[1]}  and 1.0 TiB unseen" == after_it[1]
    assert [line[:11] for line in before] == [line[:11] for line in after_it]
    assert [row for row in before if "unseen" in row] == []
    for one, other in zip(graphs(before), graphs(after_it), strict=True):
        clean = [
            re.sub("[0-9.]+ [A-Za-z]+ unseen", lambda m: " " * len(m[0]), row) for row in other
        ]
        assert [row.rstrip() for row in clean] == one


def test_a_gap_without_its_sum_says_nothing() -> None:
    # Where tor does not answer nobody knows what moved.
    news = replace(CONNECTED, counted=None)
    lost = Lost(second(49).when, "gone", second(50).when)
    back = replace(news, when=second(69).when)
    screen = drawn(80, 24, told(news, *seconds(0, 50), lost, back, *seconds(70, 100)))
    assert not any("unseen" in line or "restarted" in line for line in screen)
    assert "·" * 20 in graphs(screen)[0][-1]


@pytest.mark.parametrize("uptime", [0.5, 5.0, 12.0, 19.0])
def test_a_restart_is_marked_in_the_second_in_which_tor_started(uptime: float) -> None:
    marked = {
        row.find("╎") for rows in graphs(drawn(80, 24, restarted(50, 70, uptime))) for row in rows
    }
    # 69 columns: second 69 ends with the 39th of them, which is when tor was there again.
    assert marked - {-1} == {38 - round(uptime)}


def test_a_restart_that_was_never_lost_is_marked_where_it_was_found() -> None:
    # The same place answers as another process before anybody has noticed.
    news = replace(CONNECTED, when=second(59).when + 0.1, counted=None, uptime=None, process="9")
    screen = drawn(80, 24, told(CONNECTED, *seconds(0, 60), news, *seconds(60, 100)))
    assert any("╎" in row for row in graphs(screen)[0])


def test_marks_and_notes_leave_every_bar_as_it_is() -> None:
    for begin in range(50, 80):
        one = restarted(begin, begin + 4, uptime=2.0)
        bare = restarted(begin, begin + 4, uptime=2.0)
        bare.ledger.restarts = ()
        for with_mark, without in zip(drawn(80, 24, one), drawn(80, 24, bare), strict=True):
            for marked, plain in zip(with_mark.ljust(80), without.ljust(80), strict=True):
                assert marked == plain or plain in " ·"


def test_marks_and_notes_move_out_at_the_left() -> None:
    instance = restarted(50, 70, uptime=6.0)
    seen = []
    for age in range(80):
        screen = graphs(drawn(80, 24, instance, after(age + 0.25)))
        seen.append("".join("╎" if "╎" in "".join(rows) else "." for rows in screen))
    # 33 columns left of the mark, and one that is overdue only after a second more.
    assert seen == ["╎╎"] * 34 + [".."] * 46


# What tor told and nobody saw.


def ground(screen: list[str]) -> str:
    """The horizontal axis of the upper graph."""
    return next(line for line in screen if "└" in line).partition("└")[2].replace("┬", "")


def test_what_tor_remembers_stands_on_ground_of_its_own() -> None:
    screen = drawn(80, 24, told(remembered(45, 75), *seconds(75, 100)))
    assert re.fullmatch("─{13}╌{28}─{23}", ground(screen))
    # In columns: 14 of which nothing is known, 30 that tor told, 25 of our own; less the labels.
    assert re.fullmatch("·{14}[^·]{55}", graphs(screen)[0][-1])


def test_what_tor_remembers_is_not_in_the_statistics() -> None:
    loud = tuple(Sample(second(i).when, 1 << 30, 1 << 30, 1.0) for i in range(45, 75))
    news = replace(remembered(45, 75), recent=loud)
    title = drawn(80, 24, told(news, *seconds(75, 100)))[1]
    assert title == drawn(80, 24, told(replace(news, recent=()), *seconds(75, 100)))[1]
    assert title.startswith("▼ download 80.0 KiB/s  last 25 s: ")


def test_without_a_memory_all_ground_is_our_own() -> None:
    for screen in (drawn(80, 24), drawn(80, 24, told(CONNECTED)), drawn(80, 24, told())):
        assert "╌" not in ground(screen)


def test_ground_moves_with_its_columns() -> None:
    instance = told(remembered(45, 75), *seconds(75, 100))
    lengths = [
        ground(drawn(80, 24, instance, after(age + 0.25))).count("╌") for age in (1, 15, 30, 44, 45)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 25
    assert lengths[-1] == 0


# Its axes and labels.


@pytest.mark.parametrize("columns", [36, 40, 60, 80, 120, 200, 300, 700, 1500])
def test_each_label_stands_under_its_mark_and_tells_its_columns_time(columns: int) -> None:
    screen = drawn(columns, 30)
    labels, ground = screen[-3], screen[-4]
    assert ground.startswith("        0 └")
    found = list(re.finditer(r"\d\d:\d\d(:\d\d)?", labels))
    assert found
    for label in found:
        middle = label.start() + len(label[0]) // 2
        assert ground[middle] == "┬"
        # The rightmost column is the newest second.
        shown = CLOCK - timedelta(seconds=0.25 + columns - 1 - middle)
        assert label[0] == f"{shown:%H:%M:%S}"[: len(label[0])]
        assert shown.second % 15 == 0


@pytest.mark.parametrize("columns", [36, 80, 120, 300, 1500])
def test_labels_keep_apart(columns: int) -> None:
    words = drawn(columns, 30)[-3].split()
    assert all(re.fullmatch(r"\d\d:\d\d(:\d\d)?", word) for word in words)


def test_setting_the_clock_moves_the_labels_and_not_the_samples() -> None:
    later = Moment(MOMENT.now, CLOCK + timedelta(hours=7, seconds=4))
    before, now = drawn(80, 24), drawn(80, 24, moment=later)
    assert [before[2:10], before[12:20]] == [now[2:10], now[12:20]]
    assert before[22] == now[22]
    assert now[0].endswith("21:05:36")
    assert "21:05:15" in now[21]
    # The peak's time is a label, too.
    assert before[1].removesuffix("14:04:47") == now[1].removesuffix("21:04:51")


def test_the_scale_outlasts_the_peak_that_made_it() -> None:
    # A peak that has just left the picture still holds the scale, at every width.
    instance = told(CONNECTED)
    for i in range(100):
        instance.tell(Sample(NEWEST - 99 + i, 900 * KIB if i == 30 else 90 * KIB, 1, seconds=1.0))
    top = [
        drawn(columns, 24, instance)[2].split(" ┤")[0].strip()
        for columns in (82, 81, 80, 71, 70, 60)
    ]
    assert top == ["1 MiB/s"] * 4 + ["500 KiB/s", "200 KiB/s"]


def test_each_graph_has_its_own_scale() -> None:
    screen = drawn(80, 24)
    assert screen[2].startswith("200 KiB/s ┤")
    assert screen[12].startswith("100 KiB/s ┤")


def test_download_and_upload_have_styles_of_their_own() -> None:
    frame = compose(relay(), View(), Size(80, 24), MOMENT)
    above = {span.style for line in frame.lines[2:10] for span in line}
    below = {span.style for line in frame.lines[12:20] for span in line}
    assert above == {Style.DIM, Style.DOWNLOAD}
    assert below == {Style.DIM, Style.UPLOAD}


# What goes as the window shrinks.


def parts(screen: list[str]) -> set[str]:
    """What there is on a screen of ``relay``."""
    header = [line for line in screen if line.startswith("bwgraph")]
    rest = [line for line in screen if line not in header]
    down = next((i for i, line in enumerate(rest) if line.startswith("▼")), -1)
    up = next((i for i, line in enumerate(rest) if line.startswith("▲")), len(rest))
    seen = {
        "keys": "q quit" in screen[-1],
        "header": bool(header),
        "details": any("my-relay" in line for line in header),
        "labels": any(re.match(r" *\d\d:\d\d", line) for line in rest),
        "statistics": any("avg" in line and "last" in line for line in rest),
        "totals": any(line.startswith("since") for line in rest),
        "axes": any("└" in line for line in rest),
        "upper graph": any("█" in line for line in rest[down + 1 : up]),
        "lower graph": any("█" in line for line in rest[up + 1 :]),
        "download": any(re.search(r"80\.0 ?K", line) for line in rest),
        "upload": any(re.search(r"^▲.*?100 ?K|▲?100 ?K$|▲ 100 KiB/s$", line) for line in rest),
    }
    return {part for part, there in seen.items() if there}


ALL = {
    "keys",
    "header",
    "details",
    "labels",
    "statistics",
    "totals",
    "axes",
    "upper graph",
    "lower graph",
    "download",
    "upload",
}


def losses(screens: Iterable[list[str]]) -> list[set[str]]:
    """What is lost together as screens get smaller and smaller; nothing comes back."""
    lost: list[set[str]] = []
    before = ALL
    for screen in screens:
        now = parts(screen)
        assert now <= before, "something came back"
        if now < before:
            lost.append(before - now)
        before = now
    return lost


def test_what_goes_as_the_window_gets_lower() -> None:
    assert losses(drawn(120, rows) for rows in range(40, 0, -1)) == [
        {"keys"},
        {"header", "details"},
        {"labels"},
        {"totals"},
        {"axes"},
        {"lower graph"},
        {"upper graph"},
        {"statistics"},
    ]


def test_what_goes_as_the_window_gets_narrower() -> None:
    lost = losses(drawn(columns, 30) for columns in range(120, 11, -1))
    order = [part for parts_lost in lost for part in sorted(parts_lost)]
    assert order.index("details") < order.index("statistics") < order.index("axes")
    # Whose totals these are is not for a window without room to say it.
    assert order.index("statistics") < order.index("totals") <= order.index("axes") + 1
    assert {"download", "upload", "upper graph", "lower graph"} & {*order} == set()


@pytest.mark.parametrize("rows", range(1, 30))
def test_at_every_height_both_rates_are_there(rows: int) -> None:
    assert {"download", "upload"} <= parts(drawn(12, rows))


# Whatever comes.

MOST = (1 << 56) - 1
"More than a second's or a gap's, and few enough for their sum to stay below 64 bits."
AMOUNTS = st.sampled_from([0, 1, 1023, 999_999, MOST]) | st.integers(0, MOST)
PACES = st.sampled_from([1.0, 1.0022, 0.99, 1.038, 0.01, 0.3, 5.3, 90.0])
PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.2, 1.0, 3.0, 70.0, 100_000.0])
START = 1_000_000.0
"When these pasts begin; long enough after the clock itself did for what a tor remembers."
TEXTS = st.text(max_size=30) | st.sampled_from(["", HOSTILE, "my-relay", "x" * 400])
SIZES = st.builds(Size, st.integers(1, 45), st.integers(1, 14)) | st.builds(
    Size, st.integers(1, 300), st.integers(1, 100)
)
COUNTS = st.none() | st.builds(Counted, AMOUNTS, AMOUNTS)
UPTIMES = st.none() | st.sampled_from([0.0, 0.5, 7.0, 1e6])
AGES = st.sampled_from([0.0, 0.25, 1.9, 2.5, 61.0]) | st.floats(0, 1e5)
VIEWS = st.sampled_from([View(BLOCK), View(ASCII)])
PLACES = st.sampled_from([0.0, 0.5, 1.0, 30.5, 68.0, 69.0, 70.0, 299.5]) | st.floats(-3, 400)
"How many seconds before the newest sample something was, or after it."


class Past(NamedTuple):
    """A tor, and whether bwgraph has heard a sample of its own."""

    instance: Instance
    own: bool


@st.composite
def connections(draw: st.DrawFn, when: float, *, first: bool) -> Connected:
    """News of a tor: this one or another, that tells much or nothing; at first it may remember."""
    recent: list[Sample] = []
    if first and draw(st.booleans()):
        begin = when - draw(st.sampled_from([0.0, 0.04, 0.5, 0.9])) - draw(PAUSES)
        count = draw(st.integers(1, 70))
        recent = [Sample(begin - i * 1.0022, i, 2 * i, 1.0022) for i in range(count)][::-1]
    process = draw(st.sampled_from(["", "7", "8"]))
    texts = draw(TEXTS), draw(TEXTS), draw(TEXTS)
    return Connected(when, *texts, draw(COUNTS), draw(UPTIMES), process, tuple(recent))


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Any tor: any name, any past, any state, with restarts and losses anywhere."""
    instance, own = Instance(draw(TEXTS), draw(TEXTS)), False
    when = newest = START
    for step in draw(st.lists(st.sampled_from("csssslt"), max_size=25)):
        if step == "t":
            instance.tell(Trouble(when, draw(TEXTS)))
        elif step == "c":
            when += draw(PAUSES)
            instance.tell(draw(connections(when, first=instance.connection is None)))
        elif instance.connection is None:
            continue  # without one there is neither a sample nor a loss
        elif step == "l":
            instance.tell(Lost(max(newest, instance.connection.when), draw(TEXTS), when + 1.0))
        else:
            span = draw(PACES)
            newest = when = when + draw(PAUSES) + span
            instance.tell(Sample(when, draw(AMOUNTS), draw(AMOUNTS), span))
            own = True
    # What the ledger may hold, at any place relative to the window.
    for ago in draw(st.lists(PLACES, max_size=3)):
        instance.ledger.restarts += (when - ago,)
    for ago in draw(st.lists(PLACES, max_size=3)):
        end = when - ago
        gap = Unseen(end - draw(st.floats(0, 500)), end, draw(AMOUNTS), draw(AMOUNTS))
        instance.ledger.unseen += (gap,)
    return Past(instance, own)


def moment_of(instance: Instance, age: float) -> Moment:
    """The moment at which the newest news are so old."""
    known = instance.connection.when if instance.connection else START
    return Moment(max(instance.history.newest or 0.0, known) + age, CLOCK)


@PROPERTY
@given(pasts(), VIEWS, SIZES, AGES)
def test_any_screen_fits_and_is_harmless(past: Past, view: View, size: Size, age: float) -> None:
    instance = past.instance
    frame = compose(instance, view, size, moment_of(instance, age))
    assert frame.size == size
    assert 1 <= len(frame.lines) <= size.rows
    assert all(len(line) <= size.columns for line in frame.text())
    assert all(printable(line) == line for line in frame.text())


@PROPERTY
@given(pasts(), VIEWS, SIZES.filter(lambda size: size.columns >= 12), AGES)
def test_on_any_screen_of_twelve_columns_both_rates_can_be_read(
    past: Past, view: View, size: Size, age: float
) -> None:
    moment = moment_of(past.instance, age)
    screen = compose(past.instance, view, size, moment).text()
    traffic = summarise(past.instance.history.window(moment.now, size.columns))
    # What tor remembers is not what moves now.
    now = (traffic.read.current, traffic.written.current) if past.own else (None, None)
    down, up = map(spellings, now)
    left, right = re.escape(view.glyphs.download), re.escape(view.glyphs.upload)
    if size.rows == 1:
        assert re.fullmatch(f"({left} ?)?{down} +({right} ?)?{up}", screen[0])
    else:
        assert any(re.match(f"{left} ?(download +)?{down}( |$)", line) for line in screen)
        assert any(re.match(f"{right} ?(upload +)?{up}( |$)", line) for line in screen)


@settings(PROPERTY, max_examples=50)
@given(pasts(), VIEWS, SIZES, AGES)
def test_in_any_graph_marks_and_notes_stand_where_there_is_nothing(
    past: Past, view: View, size: Size, age: float
) -> None:
    moment = moment_of(past.instance, age)
    noted = compose(past.instance, view, size, moment).text()
    past.instance.ledger.restarts = ()
    past.instance.ledger.unseen = ()
    bare = compose(past.instance, view, size, moment).text()
    assert len(noted) == len(bare)
    for line, before in zip(noted, bare, strict=True):
        for cell, empty in zip(line, before, strict=True):
            assert cell == empty or empty in {" ", view.glyphs.gap}


@settings(PROPERTY, max_examples=50)
@given(pasts(), SIZES, AGES)
def test_any_statistics_are_over_what_bwgraph_saw_itself(
    past: Past, size: Size, age: float
) -> None:
    if not past.own:
        screen = compose(past.instance, View(), size, moment_of(past.instance, age)).text()
        assert not any("avg" in line or "peak" in line for line in screen if line[:1] in "▼▲")


def spellings(rate: float | None) -> str:
    """A pattern for a rate, however short it is told."""
    return f"({re.escape(units.rate(rate))}|{re.escape(units.terse_rate(rate))})"


def test_what_others_wrote_comes_out_harmless_wherever_it_is_shown() -> None:
    shown: list[str] = []
    for rows in (10, 24):
        for events in (
            (),
            (Connected(1000.0, HOSTILE, HOSTILE, HOSTILE), second(98)),
            (CONNECTED, second(98), Lost(NEWEST, HOSTILE, NEWEST)),
        ):
            instance = told(*events, name=f"name {HOSTILE}", note=HOSTILE)
            shown += drawn(200, rows, instance)
            instance.tell(Trouble(NEWEST, HOSTILE))
            shown += drawn(200, rows, instance)
    assert not {*HOSTILE} & {*"".join(shown)} - {*printable(HOSTILE)}
    # It is there, and can be recognised.
    assert sum("?[2J?]0;owned?" in line for line in shown) >= 8


def test_a_frame_is_the_same_for_the_same_history() -> None:
    # Nothing is kept between two drawings: neither by the screen nor by the scale.
    instance = relay()
    first = compose(instance, View(), Size(80, 24), MOMENT)
    compose(instance, View(ASCII), Size(20, 5), after(90))
    again: Frame = compose(instance, View(), Size(80, 24), MOMENT)
    assert again == first
