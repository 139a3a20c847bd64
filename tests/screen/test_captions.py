"""The words on the screen: what they say, of what, and what is left unsaid where room is short."""

import re

import pytest
from fleets import news, staged, steady, tell, watched
from scenes import (
    CLOCK,
    CONNECTED,
    GIB,
    KIB,
    LIMIT,
    LOST,
    MIB,
    MOMENT,
    NEWEST,
    PLACE,
    QUOTA,
    after,
    drawn,
    framed,
    graphs,
    moved,
    relay,
    remembered,
    restarted,
    second,
    seconds,
    told,
    unheard,
)

from bwgraph.model.events import Connected, CounterBase, Described, Ended, Lost, Problem, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen import help as help_module
from bwgraph.screen.captions import PROBLEM_SHOWN_S
from bwgraph.screen.frame import Style
from bwgraph.screen.plot import ASCII
from bwgraph.screen.view import ALL_TORS, SUM, Arrangement, View
from bwgraph.tor.description import parse_context

KEYS = "".join(span.text for span in help_module.key_line(80))

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
    assert screen[0].startswith(f"bwgraph  {PLACE}  my-relay  tor 0.4.9.11 ")
    assert screen[0].endswith(" 1 s/column   14:05:32")
    assert screen[-1] == KEYS


@pytest.mark.parametrize("columns", [40, 50, 60, 73, 80, 90, 120])
def test_what_a_coarse_column_stands_for_is_said(columns: int) -> None:
    for rows in (10, 24):
        for end in (None, 1000) if columns >= 50 else (None,):
            screen = drawn(columns, rows, view=View(resolution=15, end=end))
            assert sum("15 s/column" in line for line in screen) == 1


def test_a_second_a_column_is_said_where_the_name_has_room_too() -> None:
    assert drawn(90, 24)[0].endswith("  1 s/column   14:05:32")
    assert "  tor 0.4.9.11  up 3 d 4 h  " in drawn(90, 24)[0]
    assert re.search("  my-relay +1 s/column   14:05:32$", drawn(60, 24)[0])
    assert re.search("  my-relay +14:05:32$", drawn(50, 24)[0])


def test_where_it_has_no_room_nothing_makes_room_for_it() -> None:
    demo = relay(news=Connected(1000.0, "demo", version="", nickname=""))
    header = drawn(40, 24, demo, view=View(resolution=15, end=1080))[0]
    assert re.fullmatch("bwgraph  demo +30 s back  14:05:32", header)


def test_connected_at_a_place_among_several_says_which() -> None:
    looking = drawn(80, 24, told(name="a tor on this machine"))
    assert looking[0].startswith("bwgraph  a tor on this machine  ")
    found = drawn(80, 24, relay(name="a tor on this machine"))
    assert found[0].startswith(f"bwgraph  {PLACE}  my-relay  tor 0.4.9.11 ")


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
    back = CONNECTED._replace(at=NEWEST + 0.2, counters=counted, uptime=273_700.0)
    assert drawn(80, 24, relay(LOST, back)) == drawn(80, 24)


def test_a_tor_that_was_only_silent_is_as_if_it_had_been_late() -> None:
    late = Sample(NEWEST + 6.0, 600, 60, seconds=6.0)
    assert drawn(80, 24, relay(LOST, late), after(6.25)) == drawn(80, 24, relay(late), after(6.25))


def test_trouble_is_told_with_its_time() -> None:
    instance = relay()
    instance.handle(Problem(NEWEST - 2.0, "a thread ended: ValueError: oh"))
    assert drawn(80, 24, instance)[-1] == "14:05:30 a thread ended: ValueError: oh"


def test_of_many_troubles_the_latest_is_told_and_how_many() -> None:
    instance = relay()
    for n in range(3):
        instance.handle(Problem(NEWEST - 2.0 + n, f"trouble number {n}"))
    assert drawn(80, 24, instance)[-1] == "14:05:32 (3 such) trouble number 2"


@pytest.mark.parametrize(
    ("age", "told"), [(PROBLEM_SHOWN_S - 0.1, True), (PROBLEM_SHOWN_S + 0.1, False)]
)
def test_trouble_is_told_for_a_while(age: float, told: bool) -> None:
    instance = relay()
    instance.handle(Problem(MOMENT.now - age, "something broke"))
    last = drawn(80, 24, instance)[-1]
    assert ("something broke" in last) == told
    assert (last == KEYS) == (not told)


def test_a_loss_is_told_before_a_trouble() -> None:
    instance = relay(LOST)
    instance.handle(Problem(NEWEST, "something broke"))
    assert drawn(80, 24, instance)[-1].startswith("no tor since ")


def test_an_alert_stands_out() -> None:
    frame = framed(80, 24, relay(LOST))
    assert {span.style for span in frame.lines[-1]} == {Style.ALERT}


def test_demo_says_that_it_is_one() -> None:
    news = Connected(1000.0, "demo", "0.4.8.12", "demo")
    demo = relay(news=news, name="demo", note="no tor, invented traffic")
    assert drawn(80, 24, demo)[0].startswith(
        "bwgraph  demo: no tor, invented traffic  tor 0.4.8.12 "
    )
    # A narrow window says at least that much, also where there is no header.
    assert drawn(40, 24, demo)[0].startswith("bwgraph  demo ")
    assert drawn(40, 10, demo)[0].endswith("  demo")


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
        (60, "last 49 s: avg 85.0K peak 200K"),
        (50, "last 39 s: avg 81.6K"),
        (40, None),
    ],
)
def test_statistics_lose_their_units_then_the_peaks_time_then_p95_then_the_peak(
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
    top = next(row for row in graphs(screen)[0] if "█" in row)
    column = 11 + top.index("█")
    assert ground[column - 3] == "┬"
    assert "14:05:30" in labels[column - 3 - 4 : column - 3 + 4]


@pytest.mark.parametrize("columns", [80, 120])
def test_where_nothing_moved_the_peak_has_no_time(columns: int) -> None:
    instance = told(CONNECTED, *(Sample(951.0 + i, 0, 0, 1.0) for i in range(150)))
    title = drawn(columns, 24, instance)[1]
    assert re.search(r"peak 0 ?B(/s)?$", title)
    # So it stays as it is while nothing moves.
    instance.handle(Sample(1101.0, 0, 0, 1.0))
    assert drawn(columns, 24, instance, after(1.25))[1] == title


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (View(), ""),
        (View(logarithmic=True), "log"),
        (View(shared_scale=True), "shared"),
        (View(cut_at_p99=True), "cut at p99"),
        (View(ceiling=150 * KIB), "pinned"),
        (
            View(ceiling=150 * KIB, cut_at_p99=True, logarithmic=True, shared_scale=True),
            "log pinned shared",
        ),
    ],
)
def test_what_is_unusual_about_the_scale_is_said(view: View, said: str) -> None:
    screen = drawn(120, 35, view=view)
    assert (f"  {said}" in "".join(line for line in screen if line[0:1] in "▼▲")) or not said
    words = ("log", "shared", "cut at", "pinned")
    assert said or not any(screen[1].endswith(word) for word in words)
    small = drawn(40, 10, view=view._replace(arrangement=Arrangement.STACKED))
    assert said in small[5]


def test_a_coarse_p95_says_what_it_is_of() -> None:
    title = drawn(120, 24, view=View(resolution=15, arrangement=Arrangement.STACKED))[1]
    assert "  p95 of 15 s columns " in title
    assert "15 s/column" in drawn(120, 24, view=View(resolution=15))[0]


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
    news = CONNECTED._replace(at=first + asked, recent=recent)
    instance = told(news, Sample(first + 1.0, 100, 10, 1.0))
    moment = Moment(first + 1.1, CLOCK)
    assert re.match(r"▼ download +100 B/s  last 1 s: avg 100B ", drawn(80, 24, instance, moment)[1])
    instance.handle(Sample(first + 2.0, 300, 30, 1.0))
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
    instance = relay(news=CONNECTED._replace(uptime=None))
    assert totals(instance) == "since tor started: ▼ 40.0 GiB   ▲ 43.0 GiB"


@pytest.mark.parametrize("uptime", [None, 273_600.0])
def test_totals_since_bwgraph_connected_where_tor_does_not_tell_its_own(
    uptime: float | None,
) -> None:
    instance = relay(news=CONNECTED._replace(counters=None, uptime=uptime))
    read, written = "▼ 7.4 MiB, avg 75.1 KiB/s", "▲ 4.1 MiB, avg 41.4 KiB/s"
    assert totals(instance) == f"since connected 100 s ago:   {read}   {written}"


def test_totals_of_a_restarted_tor_are_its_own() -> None:
    line = totals(restarted(50, 70, uptime=6.0))
    assert re.match("since tor started 36 s ago: +▼ 2.2 MiB,", line)


def test_totals_hold_what_moved_while_nobody_heard() -> None:
    line = totals(unheard(50, 70, 40 * GIB, 43 * GIB))
    assert re.match("since tor started 3 d 4 h ago: +▼ 80.0 GiB, .* ▲ 86.0 GiB,", line)


def test_totals_do_not_hold_what_tor_remembers() -> None:
    news = remembered(45, 75)._replace(counters=None)
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


@pytest.mark.parametrize(
    "counted", [CounterBase(0, 0), CounterBase(1023, 10**6), CounterBase(10**20, 10**20)]
)
@pytest.mark.parametrize("known", [True, False], ids=["uptime", "no uptime"])
@pytest.mark.parametrize("own", [True, False], ids=["since tor started", "since connected"])
def test_totals_are_whole_at_any_width_or_not_there(
    counted: CounterBase, known: bool, own: bool
) -> None:
    news = CONNECTED._replace(counters=counted if own else None, uptime=9e4 if known else None)
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


# What tor grants of itself.


def test_a_relay_without_a_nickname_is_known_by_its_fingerprint() -> None:
    nameless = relay(
        Described(NEWEST, parse_context({"fingerprint": "89ABCDEF" * 5})),
        news=CONNECTED._replace(nickname=""),
    )
    assert drawn(80, 24, nameless)[0].startswith(f"bwgraph  {PLACE}  $89ABCDEF  tor 0.4.9.11 ")
    assert (
        "$"
        not in drawn(
            80, 24, relay(Described(NEWEST, parse_context({"fingerprint": "89ABCDEF" * 5})))
        )[0]
    )


def test_how_much_of_the_limit_is_taken_is_said_where_there_is_room() -> None:
    screen = drawn(130, 35, relay(Described(NEWEST, parse_context(LIMIT))))
    assert screen[1].endswith("  44 % of BandwidthRate 180 KiB/s")
    assert any(line.endswith("  56 % of BandwidthRate 180 KiB/s") for line in screen[10:])
    assert drawn(80, 24, relay(Described(NEWEST, parse_context(LIMIT))))[1] == drawn(80, 24)[1]
    late = drawn(130, 35, relay(Described(NEWEST, parse_context(LIMIT))), after(5.0))
    assert not any("%" in line for line in late)


def test_the_quota_has_a_line_of_its_own_above_the_last() -> None:
    screen = drawn(120, 35, relay(Described(NEWEST, parse_context({**LIMIT, **QUOTA}))))
    assert screen[-2] == (
        "quota (sum): 50.0 GiB used, 50.0 GiB left, resets 1 Dec 00:00,"
        " used up in 4 d 22 h at this pace"
    )
    assert screen[-3].startswith("since tor started ")
    # It is the last of the words to go.
    seen = [
        [
            part in line for line in drawn(80, rows, relay(Described(NEWEST, parse_context(QUOTA))))
        ].count(True)
        for rows in range(24, 4, -1)
        for part in ("quota",)
    ]
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("columns", range(36, 130, 3))
def test_the_quota_is_whole_at_any_width(columns: int) -> None:
    view = View(arrangement=Arrangement.STACKED)
    line = drawn(columns, 35, relay(Described(NEWEST, parse_context(QUOTA))), view=view)[-2]
    assert re.match(r"quota( \(sum\))?: (50\.0 GiB used, )?50\.0 GiB left", line)
    assert len(line) <= columns


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_hibernation_is_shown_for_what_it_is(kind: str) -> None:
    asleep = relay(Described(NEWEST, parse_context({**QUOTA, "accounting/hibernating": kind})))
    frame = framed(120, 35, asleep)
    assert frame.text()[-2].startswith(f"hibernating ({kind}: no ")
    assert {span.style for span in frame.lines[-2]} == {Style.ALERT}


# The column under the cursor.


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, "14:05:22   ▼ 160 KiB, mean 160 KiB/s   ▲ 60.0 KiB, mean 60.0 KiB/s"),
        (60, "14:05:22 ▼160K mean 160K ▲60.0K mean 60.0K"),
        (36, "14:05:22 ▼160K ▲60.0K"),
        (30, "14:05:22 ▼160K ▲60.0K"),
        (20, "▼160K ▲60.0K"),
    ],
)
def test_the_readout_has_the_time_and_both_rates(columns: int, line: str) -> None:
    sample = second(89)
    assert (sample.ends_at, sample.read, sample.written) == (1090.0, 160 * KIB, 60 * KIB)
    assert drawn(columns, 24, view=View(cursor=1090))[-1] == line


def test_the_readout_cuts_no_rate_in_two() -> None:
    assert drawn(8, 3, view=View(cursor=1098))[-1] == "▼1.0K"


def test_the_readout_of_a_long_column_has_its_span_its_means_and_its_peaks() -> None:
    line = drawn(120, 24, view=View(cursor=1095, resolution=15))[-1]
    spans = "14:05:12 to 14:05:27"
    read = sum(second(i).read for i in range(80, 95))
    written = sum(second(i).written for i in range(80, 95))
    assert line == (
        f"{spans}   ▼ {read / MIB:.1f} MiB, mean {read / 15 / KIB:.1f} KiB/s, peak 200 KiB/s"
        f"   ▲ {written / KIB:.0f} KiB, mean {written / 15 / KIB:.1f} KiB/s, peak 100 KiB/s"
    )


def test_the_readout_says_how_much_of_a_column_is_known() -> None:
    part = drawn(160, 24, view=View(cursor=1110, resolution=15))[-1]
    assert "  (5 s covered)   ▼ " in part
    gap = drawn(80, 24, view=View(cursor=1043))[-1]
    assert gap == "14:04:35  no data"


def test_the_readout_of_a_sum_says_where_somebody_is_missing() -> None:
    fleet = one_away()
    for resolution, cursor in ((1, 1090), (5, 1095)):
        view = View(subject=SUM, cursor=cursor, resolution=resolution)
        for columns in (60, 80, 120, 200):
            assert "  (partly covered) " in staged(columns, 24, fleet, view)[-1]
        whole = staged(200, 24, fleet, view._replace(cursor=1040))[-1]
        assert "covered" not in whole
        assert "known" not in whole


def test_the_readout_gives_the_value_of_what_is_clipped() -> None:
    instance = relay(Sample(NEWEST + 1.0, 9 * MIB, 5 * MIB, 1.0))
    screen = drawn(80, 24, instance, after(1.25), View(cursor=1101, ceiling=150 * KIB))
    assert "↑" in screen[2]
    assert screen[-1].startswith("14:05:33   ▼ 9.0 MiB, mean 9.0 MiB/s ")


def test_in_ascii_every_word_is_ascii() -> None:
    view = View(ASCII, cursor=1080, end=1095, logarithmic=True)
    for instance in (
        relay(Described(NEWEST, parse_context({**LIMIT, **QUOTA}))),
        unheard(50, 70, 9, 9),
        told(),
    ):
        for size in ((120, 35), (80, 24), (40, 10), (20, 5), (9, 1)):
            assert all(line.isascii() for line in drawn(*size, instance, view=view, notice="hm"))


# Of several tors.


def one_away() -> Fleet:
    """Two tors, one of which was away from 1061 to 1095, and is there again."""
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name))
    for sample in steady(0, 100, 700):
        tell(fleet, 0, sample)
        if not 1060 < sample.ends_at <= 1095:
            tell(fleet, 1, sample)
        if sample.ends_at == 1063:
            tell(fleet, 1, Lost(1060.0, "it closed the connection", 1068.0))
    return fleet


def test_a_sum_says_who_is_missing() -> None:
    fleet, view = watched("anna", "bert", "carl"), View(subject=SUM)
    assert staged(80, 24, fleet, view)[-1] == "connecting to sum of 3 tors"
    tell(fleet, 0, news("anna"), *steady(0, 100, 700))
    assert staged(80, 24, fleet, view)[-1] == "not connected: bert, carl"
    tell(fleet, 1, news("bert"))
    assert staged(80, 24, fleet, view)[-1] == "not connected: carl"
    tell(fleet, 2, news("carl"))
    assert staged(80, 24, fleet, view)[-1] == KEYS


def test_what_has_ended_says_so_once_and_nobody_is_missing() -> None:
    fleet, words = watched("anna", "bert"), "the recording ends here"
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(0, 100, 700), Ended(words))
    for subject in (ALL_TORS, SUM, 0, 1):
        assert staged(80, 24, fleet, View(subject=subject))[-1] == words


def test_of_several_the_one_that_has_ended_is_named() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna"), *steady(0, 100, 700))
    tell(fleet, 1, news("bert"), *steady(0, 100, 700), Ended("its recording ends here"))
    assert staged(80, 24, fleet, View(subject=ALL_TORS))[-1] == "bert: its recording ends here"
    assert staged(80, 24, fleet, View(subject=SUM))[-1] == KEYS


def test_the_totals_of_a_sum_are_since_each_started_or_since_we_connected() -> None:
    fleet, view = watched("anna", "bert"), View(subject=SUM)
    assert not any("since" in line for line in staged(80, 24, fleet, view))
    tell(fleet, 0, news("anna"))
    tell(fleet, 1, news("bert"))
    assert staged(80, 24, fleet, view)[-2] == "since each started: ▼ 2.0 GiB   ▲ 4.0 GiB"
    other = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(other, which, news(name)._replace(counters=None), *steady(90, 100, KIB, 2 * KIB))
    assert staged(80, 24, other, view)[-2] == "since connected: ▼ 20.0 KiB   ▲ 40.0 KiB"


def test_below_the_table_is_what_is_urgent_of_the_first_and_how_many_more_there_are() -> None:
    fleet = watched("anna", "bert", "carl")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(90, 100, 700), LOST)
    assert staged(200, 24, fleet)[-1] == (
        "anna: no tor since 14:05:32, trying again in 8 s: it closed the connection (and 2 more)"
    )
    tell(fleet, 0, second(100))
    tell(fleet, 1, second(100))
    assert staged(200, 24, fleet, moment=after(1.25))[-1] == "carl: connecting to carl"
