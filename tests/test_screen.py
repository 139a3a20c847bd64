"""Whole screens as they are drawn, and what holds of every one of them."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph import units
from bwgraph.frame import Frame, Size, Style, printable
from bwgraph.graph import ASCII, BLOCK
from bwgraph.instance import Instance
from bwgraph.sample import Sample
from bwgraph.screen import TROUBLE_SHOWN, Moment, compose
from bwgraph.source import Connected, Lost, Trouble
from bwgraph.summary import summarise
from bwgraph.view import BINDINGS, View

PLACE = "127.0.0.1:9051"
CONNECTED = Connected(when=1000.0, where=PLACE, version="0.4.9.11", nickname="my-relay")

NEWEST = 1100.0
"When the newest sample of ``relay`` came in."
CLOCK = datetime(2026, 11, 23, 14, 5, 32, 450_000)  # noqa: DTZ001 - any clock will do
MOMENT = Moment(now=NEWEST + 0.25, clock=CLOCK)
"A quarter of a second after the newest sample, which arrived at 14:05:32.2."

KIB = 1024
WAVE = (0, 1, 40, 80, 120, 160, 200, 160, 120, 80, 40, 20)

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202e\u0301東\ud800"


def relay(name: str = PLACE, state: Connected | Lost | None = CONNECTED) -> Instance:
    """A hundred seconds of a tor that moves a wave in each twelve of them, and once was away."""
    instance = Instance(name, state=state)
    for i in range(100):
        if not 40 <= i < 45:
            read, written = WAVE[i % 12] * KIB, WAVE[(i + 3) % 12] * KIB // 2
            instance.tell(Sample(NEWEST - 99 + i, read, written, seconds=1.0))
    return instance


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
        ▼ download  80.0 KiB/s   avg 79.3 KiB/s   peak 200 KiB/s    (last 1 min 35 s)
        200 KiB/s ┤               █           █           █                       █           █           █           █
                  │               █           █           █                       █           █           █           █
                  │              ▂█▂         ▂█▂         ▂█▂                     ▂█▂         ▂█▂         ▂█▂         ▂█▂
                  │              ███         ███         ███                     ███         ███         ███         ███
                  │              ███         ███         ███                     ███         ███         ███         ███
                  │             ▃███▃       ▃███▃       ▃███▃                   ▃███▃       ▃███▃       ▃███▃       ▃███▃
                  │             █████       █████       █████                   █████       █████       █████       █████
              100 ┤             █████       █████       █████                   █████       █████       █████       █████
                  │            ▅█████▅     ▅█████▅     ▅█████▅     ▅     ▅     ▅█████▅     ▅█████▅     ▅█████▅     ▅█████▅     ▅
                  │            ███████     ███████     ███████     █     █     ███████     ███████     ███████     ███████     █
                  │            ███████     ███████     ███████     █     █     ███████     ███████     ███████     ███████     █
                  │           ▆███████▆   ▆███████▆   ▆███████▆   ▆█     █▆   ▆███████▆   ▆███████▆   ▆███████▆   ▆███████▆   ▆█
                  │           █████████▃  █████████▃  █████████▃  ██     ██▃  █████████▃  █████████▃  █████████▃  █████████▃  ██
                  │········· ▁██████████ ▁██████████ ▁██████████ ▁██·····███ ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁██
                0 └─┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──
        ▲ upload     100 KiB/s   avg 43.7 KiB/s   peak 100 KiB/s    (last 1 min 35 s)
        100 KiB/s ┤            █           █           █           █           █           █           █           █           █
                  │            █           █           █           █           █           █           █           █           █
                  │           ▂█▂         ▂█▂         ▂█▂         ▂█          ▂█▂         ▂█▂         ▂█▂         ▂█▂         ▂█
                  │           ███         ███         ███         ██          ███         ███         ███         ███         ██
                  │           ███         ███         ███         ██          ███         ███         ███         ███         ██
                  │          ▃███▃       ▃███▃       ▃███▃       ▃██         ▃███▃       ▃███▃       ▃███▃       ▃███▃       ▃██
                  │          █████       █████       █████       ███         █████       █████       █████       █████       ███
               50 ┤          █████       █████       █████       ███         █████       █████       █████       █████       ███
                  │         ▅█████▅     ▅█████▅     ▅█████▅     ▅███        ▅█████▅     ▅█████▅     ▅█████▅     ▅█████▅     ▅███
                  │         ███████     ███████     ███████     ████        ███████     ███████     ███████     ███████     ████
                  │         ███████     ███████     ███████     ████        ███████     ███████     ███████     ███████     ████
                  │         ███████▆   ▆███████▆   ▆███████▆   ▆████       ▆███████▆   ▆███████▆   ▆███████▆   ▆███████▆   ▆████
                  │         ████████▃  █████████▃  █████████▃  █████       █████████▃  █████████▃  █████████▃  █████████▃  █████
                  │·········█████████ ▁██████████ ▁██████████ ▁█████····· ▁██████████ ▁██████████ ▁██████████ ▁██████████ ▁█████
                0 └─┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬──
                14:03:45       14:04:00       14:04:15       14:04:30       14:04:45       14:05:00       14:05:15
        q quit   r reconnect now   ^L redraw
        """  # noqa: E501
    )


def test_picture_of_80_columns() -> None:
    assert drawn(80, 24) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        ▼ download  80.0 KiB/s   avg 76.3 KiB/s   peak 200 KiB/s    (last 1 min 4 s)
        200 KiB/s ┤                       █           █           █           █
                  │▃                     ▃█▃         ▃█▃         ▃█▃         ▃█▃
              150 ┤█                     ███         ███         ███         ███
                  │█▆                   ▆███▆       ▆███▆       ▆███▆       ▆███▆
              100 ┤██▂     ▂     ▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂█████▂     ▂
                  │███     █     █     ███████     ███████     ███████     ███████     █
               50 ┤███▅   ▅█     █▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅███████▅   ▅█
                  │████▆ ▁██·····██▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁█████████▆ ▁██
                0 └──────┬──────────────┬──────────────┬──────────────┬──────────────┬──

        ▲ upload     100 KiB/s   avg 41.8 KiB/s   peak 100 KiB/s    (last 1 min 4 s)
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
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_80_columns_in_ascii() -> None:
    assert drawn(80, 24, view=View(ASCII)) == picture(
        """
        bwgraph  127.0.0.1:9051  tor 0.4.9.11  my-relay            1 s/column   14:05:32
        v download  80.0 KiB/s   avg 76.3 KiB/s   peak 200 KiB/s    (last 1 min 4 s)
        200 KiB/s +                       #           #           #           #
                  |:                     :#:         :#:         :#:         :#:
              150 +#                     ###         ###         ###         ###
                  |#|                   |###|       |###|       |###|       |###|
              100 +##.     .     .     .#####.     .#####.     .#####.     .#####.     .
                  |###     #     #     #######     #######     #######     #######     #
               50 +###|   |#     #|   |#######|   |#######|   |#######|   |#######|   |#
                  |####| .##-----##| .#########| .#########| .#########| .#########| .##
                0 +------+--------------+--------------+--------------+--------------+--

        ^ upload     100 KiB/s   avg 41.8 KiB/s   peak 100 KiB/s    (last 1 min 4 s)
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
        q quit   r reconnect now   ^L redraw
        """
    )


def test_picture_of_40_columns() -> None:
    assert drawn(40, 10) == picture(
        """
        ▼ download  80.0 KiB/s    127.0.0.1:9051
        200 KiB/s ┤      ▃█▃         ▃█▃
                  │    ▂▆███▆▂     ▂▆███▆▂     ▂
                  │▂ ▁▅███████▅▂ ▁▅███████▅▂ ▁▅█
                0 └───────────┬──────────────┬──
        ▲ upload     100 KiB/s
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
    state = Lost(since=NEWEST, why="gone", retry=NEWEST + 5) if lost else CONNECTED
    frame = compose(relay(state=state), View(), Size(columns, rows), MOMENT)
    assert len(frame.lines) == rows
    # What is for the user to read or to press stands at the very bottom.
    if rows > 2 and lost:
        assert frame.text()[-1].startswith("no tor"[:columns])


# States.


def test_connecting() -> None:
    screen = drawn(80, 24, Instance(PLACE))
    assert screen[-1] == f"connecting to {PLACE}"
    assert re.fullmatch(r"▼ download +-   avg - +peak - +\(last 0 s\)", screen[1])
    assert re.fullmatch(r"▲ upload +-   avg - +peak - +\(last 0 s\)", screen[12])


def test_connected_without_a_sample_yet() -> None:
    screen = drawn(80, 24, Instance(PLACE, state=CONNECTED))
    assert "my-relay" in screen[0]
    assert screen[-1] == KEYS
    assert re.match(r"▼ download +-   avg -", screen[1])
    # Not zero but unknown, from edge to edge.
    assert screen[9] == " " * 10 + "│" + "·" * 69


def test_connected() -> None:
    screen = drawn(80, 24)
    assert screen[0].startswith(f"bwgraph  {PLACE}  tor 0.4.9.11  my-relay ")
    assert screen[0].endswith(" 14:05:32")
    assert screen[-1] == KEYS


def test_connected_at_a_place_among_several_says_which() -> None:
    screen = drawn(100, 24, relay("a tor on this machine"))
    assert screen[0].startswith(f"bwgraph  a tor on this machine  {PLACE}  tor 0.4.9.11  my-relay ")


def test_what_tor_did_not_tell_is_left_out() -> None:
    # A filter may refuse both questions.
    screen = drawn(80, 24, relay(state=Connected(1.0, PLACE, version="", nickname="")))
    assert screen[0].split("  ", 2)[:2] == ["bwgraph", PLACE]
    assert "tor " not in screen[0].removeprefix(f"bwgraph  {PLACE}")


@pytest.mark.parametrize("seconds", [5.0, 59.0, 3600.0])
def test_late(seconds: float) -> None:
    screen = drawn(80, 24, moment=after(seconds))
    assert screen[-1] == f"late: no data from tor for {seconds:.0f} s"
    # The rate of then is not the rate of now, and time without a word is a gap.
    assert re.match(r"▼ download +- ", screen[1])
    assert re.match(r"▲ upload +- ", screen[12])
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
    screen = drawn(80, 24, relay(state=LOST), after(seconds))
    said = f"no tor since 14:05:32: it closed the connection; trying again {when}"
    assert screen[-1] == said


def test_lost_outranks_what_is_late() -> None:
    screen = drawn(80, 24, relay(state=LOST), after(30.0))
    assert screen[-1].startswith("no tor since 14:05:32: ")
    assert re.match(r"▼ download +- ", screen[1])


def test_back_again_is_as_if_it_had_never_been_away() -> None:
    instance = relay(state=LOST)
    instance.tell(CONNECTED)
    assert drawn(80, 24, instance) == drawn(80, 24)


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
    instance = relay(state=LOST)
    instance.tell(Trouble(NEWEST, "something broke"))
    assert drawn(80, 24, instance)[-1].startswith("no tor since ")


def test_an_alert_stands_out() -> None:
    frame = compose(relay(state=LOST), View(), Size(80, 24), MOMENT)
    assert {span.style for span in frame.lines[-1]} == {Style.ALERT}


@pytest.mark.parametrize("rows", range(3, 30))
def test_an_alert_is_there_when_the_keys_and_all_else_are_gone(rows: int) -> None:
    assert drawn(80, rows, relay(state=LOST))[-1].startswith("no tor since 14:05:32: it closed")


def test_demo_says_that_it_is_one() -> None:
    title = "demo: no tor, invented traffic"
    demo = relay(title, Connected(1000.0, "demo", "0.4.8.12", "demo"))
    assert drawn(80, 24, demo)[0].startswith(f"bwgraph  {title}  demo  tor 0.4.8.12 ")
    # Also where there is no header.
    assert drawn(120, 10, demo)[0].endswith(f"  {title}")


def test_the_key_line_has_every_key() -> None:
    assert KEYS.split("   ") == [f"{binding.name} {binding.help}" for binding in BINDINGS]
    assert drawn(80, 24)[-1] == KEYS


KEYS = "q quit   r reconnect now   ^L redraw"


# Its axes and labels.


@pytest.mark.parametrize("columns", [36, 40, 60, 80, 120, 200, 300, 700, 1500])
def test_each_label_stands_under_its_mark_and_tells_its_columns_time(columns: int) -> None:
    screen = drawn(columns, 30)
    labels, ground = screen[-2], screen[-3]
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
    words = drawn(columns, 30)[-2].split()
    assert all(re.fullmatch(r"\d\d:\d\d(:\d\d)?", word) for word in words)


def test_setting_the_clock_moves_the_labels_and_not_the_samples() -> None:
    later = Moment(MOMENT.now, CLOCK + timedelta(hours=7, seconds=4))
    before, now = drawn(80, 24), drawn(80, 24, moment=later)
    assert before[1:10] + before[11:21] == now[1:10] + now[11:21]
    assert now[0].endswith("21:05:36")
    assert "21:05:15" in now[22]


def test_the_scale_outlasts_the_peak_that_made_it() -> None:
    # A peak that has just left the picture still holds the scale, at every width.
    instance = Instance(PLACE, state=CONNECTED)
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
    assert screen[13].startswith("100 KiB/s ┤")


def test_download_and_upload_have_styles_of_their_own() -> None:
    frame = compose(relay(), View(), Size(80, 24), MOMENT)
    above = {span.style for line in frame.lines[2:10] for span in line}
    below = {span.style for line in frame.lines[13:21] for span in line}
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
        "labels": any(re.search(r"\d\d:\d\d", line) for line in rest),
        "statistics": any("avg" in line and "peak" in line for line in rest),
        "axes": any("└" in line for line in rest),
        "upper graph": any("█" in line for line in rest[down + 1 : up]),
        "lower graph": any("█" in line for line in rest[up + 1 :]),
        "download": any(re.search(r"80\.0 ?K", line) for line in rest),
        "upload": any(re.search(r"100 ?K", line) for line in rest if "peak" not in line)
        or any(re.match(r"▲ upload +100 KiB/s", line) for line in rest),
    }
    return {part for part, there in seen.items() if there}


ALL = {
    "keys",
    "header",
    "details",
    "labels",
    "statistics",
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
        {"axes"},
        {"lower graph"},
        {"upper graph"},
        {"statistics"},
    ]


def test_what_goes_as_the_window_gets_narrower() -> None:
    lost = losses(drawn(columns, 30) for columns in range(120, 11, -1))
    order = [part for parts_lost in lost for part in sorted(parts_lost)]
    assert order.index("details") < order.index("statistics") < order.index("axes")
    assert {"download", "upload", "upper graph", "lower graph"} & {*order} == set()


@pytest.mark.parametrize("rows", range(1, 30))
def test_at_every_height_both_rates_are_there(rows: int) -> None:
    assert {"download", "upload"} <= parts(drawn(12, rows))


# Whatever comes.

MOST = (1 << 63) - 1
AMOUNTS = st.sampled_from([0, 1, 1023, 999_999, MOST]) | st.integers(0, MOST)
PACES = st.sampled_from([1.0, 1.0022, 0.99, 1.038, 0.01, 0.3, 5.3, 90.0, 7200.0])
PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.2, 1.0, 3.0, 70.0, 100_000.0])
STEPS = st.lists(st.tuples(PAUSES, PACES, AMOUNTS, AMOUNTS), max_size=20)
TEXTS = st.text(max_size=30) | st.sampled_from(["", HOSTILE, "my-relay", "x" * 400])
SIZES = st.builds(Size, st.integers(1, 45), st.integers(1, 14)) | st.builds(
    Size, st.integers(1, 300), st.integers(1, 100)
)
STATES = st.one_of(
    st.none(),
    st.builds(Connected, st.just(0.0), TEXTS, TEXTS, TEXTS),
    st.builds(Lost, st.floats(0, 1e6), TEXTS, st.floats(0, 1e6)),
)
TROUBLES = st.none() | st.builds(Trouble, st.floats(0, 1e6), TEXTS)
AGES = st.sampled_from([0.0, 0.25, 1.9, 2.5, 61.0]) | st.floats(0, 1e5)
VIEWS = st.sampled_from([View(BLOCK), View(ASCII)])


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Any tor: any name, any past, any state."""
    instance = Instance(draw(TEXTS), state=draw(STATES))
    if (trouble := draw(TROUBLES)) is not None:
        instance.tell(trouble)
    when = 1000.0
    for pause, seconds, read, written in draw(STEPS):
        when += pause + seconds
        instance.tell(Sample(when, read, written, seconds))
    return instance


def moment_of(instance: Instance, age: float) -> Moment:
    """The moment at which the newest sample is so old."""
    return Moment((instance.history.newest or 1000.0) + age, CLOCK)


@PROPERTY
@given(instances(), VIEWS, SIZES, AGES)
def test_any_screen_fits_and_is_harmless(
    instance: Instance, view: View, size: Size, age: float
) -> None:
    frame = compose(instance, view, size, moment_of(instance, age))
    assert frame.size == size
    assert 1 <= len(frame.lines) <= size.rows
    assert all(len(line) <= size.columns for line in frame.text())
    assert all(printable(line) == line for line in frame.text())


@PROPERTY
@given(instances(), VIEWS, SIZES.filter(lambda size: size.columns >= 12), AGES)
def test_on_any_screen_of_twelve_columns_both_rates_can_be_read(
    instance: Instance, view: View, size: Size, age: float
) -> None:
    moment = moment_of(instance, age)
    screen = compose(instance, view, size, moment).text()
    traffic = summarise(instance.history.window(moment.now, size.columns))
    down, up = spellings(traffic.read.current), spellings(traffic.written.current)
    left, right = re.escape(view.glyphs.download), re.escape(view.glyphs.upload)
    if size.rows == 1:
        assert re.fullmatch(f"({left} ?)?{down} +({right} ?)?{up}", screen[0])
    else:
        assert any(re.match(f"{left} ?(download +)?{down}( |$)", line) for line in screen)
        assert any(re.match(f"{right} ?(upload +)?{up}( |$)", line) for line in screen)


def spellings(rate: float | None) -> str:
    """A pattern for a rate, however short it is told."""
    return f"({re.escape(units.rate(rate))}|{re.escape(units.terse_rate(rate))})"


def test_what_others_wrote_comes_out_harmless_wherever_it_is_shown() -> None:
    shown: list[str] = []
    for rows in (10, 24):
        for state in (
            None,
            Connected(1000.0, HOSTILE, HOSTILE, HOSTILE),
            Lost(NEWEST, HOSTILE, NEWEST),
        ):
            instance = relay(f"name {HOSTILE}", state)
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
