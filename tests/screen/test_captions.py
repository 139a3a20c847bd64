"""The texts on the screen: what they say, and what they omit in a narrow window."""

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
    instance_after,
    moved,
    relay,
    remembered,
    restarted,
    second,
    seconds,
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
    # Without samples there are no statistics.
    assert re.fullmatch(r"▼ download +-", screen[1])
    assert re.fullmatch(r"▲ upload +-", screen[11])


def test_connected_without_a_sample_yet() -> None:
    screen = drawn(80, 24, instance_after(CONNECTED))
    assert "my-relay" in screen[0]
    assert screen[-1] == KEYS
    assert re.fullmatch(r"▼ download +-", screen[1])
    assert re.fullmatch(r"▲ upload +-", screen[11])
    # All columns are unknown, not zero.
    assert screen[9] == " " * 10 + "│" + "·" * 69


def test_connected() -> None:
    screen = drawn(80, 24)
    assert screen[0].startswith(f"bwgraph  {PLACE}  my-relay  tor 0.4.9.11 ")
    assert screen[0].endswith(" 1 s/column   14:05:32")
    assert screen[-1] == KEYS


@pytest.mark.parametrize("columns", [40, 50, 60, 73, 80, 90, 120])
def test_coarse_resolution_is_always_shown(columns: int) -> None:
    for rows in (10, 24):
        for end in (None, 1000) if columns >= 50 else (None,):
            screen = drawn(columns, rows, view=View(resolution=15, end=end))
            assert sum("15 s/column" in line for line in screen) == 1


def test_resolution_of_one_second_is_shown_if_the_nickname_fits_too() -> None:
    assert drawn(90, 24)[0].endswith("  1 s/column   14:05:32")
    assert "  tor 0.4.9.11  up 3 d 4 h  " in drawn(90, 24)[0]
    assert re.search("  my-relay +1 s/column   14:05:32$", drawn(60, 24)[0])
    assert re.search("  my-relay +14:05:32$", drawn(50, 24)[0])


def test_resolution_is_omitted_if_it_does_not_fit_beside_the_name() -> None:
    demo = relay(news=Connected(1000.0, "demo", version="", nickname=""))
    header = drawn(40, 24, demo, view=View(resolution=15, end=1080))[0]
    assert re.fullmatch("bwgraph  demo +30 s back  14:05:32", header)


def test_header_names_the_endpoint_that_was_found() -> None:
    looking = drawn(80, 24, instance_after(name="a tor on this machine"))
    assert looking[0].startswith("bwgraph  a tor on this machine  ")
    found = drawn(80, 24, relay(name="a tor on this machine"))
    assert found[0].startswith(f"bwgraph  {PLACE}  my-relay  tor 0.4.9.11 ")


def test_header_is_unchanged_when_tor_is_lost() -> None:
    assert drawn(80, 24, relay(LOST))[0] == drawn(80, 24)[0]


def test_header_omits_unknown_version_and_nickname() -> None:
    # A control port filter may refuse both requests.
    screen = drawn(80, 24, relay(news=Connected(1000.0, PLACE, version="", nickname="")))
    assert screen[0].split("  ", 2)[:2] == ["bwgraph", PLACE]
    assert "tor " not in screen[0].removeprefix(f"bwgraph  {PLACE}")


@pytest.mark.parametrize("seconds", [5.0, 59.0, 3600.0])
def test_late(seconds: float) -> None:
    screen = drawn(80, 24, moment=after(seconds))
    assert screen[-1] == f"late: no data from tor for {seconds:.0f} s"
    # There is no current rate, and the overdue seconds are a gap.
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
def test_loss_is_shown_with_its_time_next_attempt_and_reason(seconds: float, when: str) -> None:
    screen = drawn(80, 24, relay(LOST), after(seconds))
    # The part that changes is first, so that it is visible in a narrow window.
    text = f"no tor since 14:05:32, trying again {when}: it closed the connection"
    assert screen[-1] == text


def test_loss_takes_precedence_over_late_data() -> None:
    screen = drawn(80, 24, relay(LOST), after(30.0))
    assert screen[-1].startswith("no tor since 14:05:32, ")
    assert re.match(r"▼ download +-( |$)", screen[1])


def test_screen_after_a_short_loss_is_unchanged() -> None:
    # The same tor was lost for less than a second and moved no bytes meanwhile.
    counted = moved([*seconds(0, 40), *seconds(45, 100)])
    back = CONNECTED._replace(at=NEWEST + 0.2, counters=counted, uptime=273_700.0)
    assert drawn(80, 24, relay(LOST, back)) == drawn(80, 24)


def test_silent_tor_looks_like_a_late_one_after_its_next_sample() -> None:
    late = Sample(NEWEST + 6.0, 600, 60, seconds=6.0)
    assert drawn(80, 24, relay(LOST, late), after(6.25)) == drawn(80, 24, relay(late), after(6.25))


def test_problem_is_shown_with_its_time() -> None:
    instance = relay()
    instance.handle(Problem(NEWEST - 2.0, "a thread ended: ValueError: oh"))
    assert drawn(80, 24, instance)[-1] == "14:05:30 a thread ended: ValueError: oh"


def test_latest_of_several_problems_is_shown_with_their_number() -> None:
    instance = relay()
    for n in range(3):
        instance.handle(Problem(NEWEST - 2.0 + n, f"trouble number {n}"))
    assert drawn(80, 24, instance)[-1] == "14:05:32 (3 problems) trouble number 2"


@pytest.mark.parametrize(
    ("age", "shown"), [(PROBLEM_SHOWN_S - 0.1, True), (PROBLEM_SHOWN_S + 0.1, False)]
)
def test_problem_is_shown_for_a_limited_time(age: float, shown: bool) -> None:
    instance = relay()
    instance.handle(Problem(MOMENT.now - age, "something broke"))
    last = drawn(80, 24, instance)[-1]
    assert ("something broke" in last) == shown
    assert (last == KEYS) == (not shown)


def test_loss_takes_precedence_over_a_problem() -> None:
    instance = relay(LOST)
    instance.handle(Problem(NEWEST, "something broke"))
    assert drawn(80, 24, instance)[-1].startswith("no tor since ")


def test_alert_has_its_own_style() -> None:
    frame = framed(80, 24, relay(LOST))
    assert {span.style for span in frame.lines[-1]} == {Style.ALERT}


def test_demo_is_named_in_windows_of_any_width() -> None:
    news = Connected(1000.0, "demo", "0.4.8.12", "demo")
    demo = relay(news=news, name="demo", note="no tor, invented traffic")
    assert drawn(80, 24, demo)[0].startswith(
        "bwgraph  demo: no tor, invented traffic  tor 0.4.8.12 "
    )
    # A narrow window shows the name, even without a header.
    assert drawn(40, 24, demo)[0].startswith("bwgraph  demo ")
    assert drawn(40, 10, demo)[0].endswith("  demo")


# Statistics.


def test_statistics_show_their_span_and_the_time_of_the_peak() -> None:
    title = drawn(120, 24)[1]
    average, p95, peak = "avg 79.3 KiB/s", "p95 200 KiB/s", "peak 200 KiB/s at 14:03:59"
    assert title == f"▼ download 80.0 KiB/s  last 95 s: {average}  {p95}   {peak}"


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (95, "last 79 s: avg 80.8 KiB/s  p95 200 KiB/s   peak 200 KiB/s at 14:04:11"),
        (80, "last 64 s: avg 76.3K p95 200K peak 200K at 14:04:47"),
        (70, "last 55 s: avg 79.0K p95 200K peak 200K"),
        (60, "last 49 s: avg 85.0K peak 200K"),
        (50, "last 39 s: avg 81.6K"),
        (40, None),
    ],
)
def test_narrow_title_omits_units_then_peak_time_then_p95_then_peak(
    columns: int, text: str | None
) -> None:
    title = drawn(columns, 24)[1]
    assert title == f"▼ download 80.0 KiB/s{f'  {text}' if text else ''}"


def test_peak_time_is_that_of_the_highest_column() -> None:
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
def test_peak_of_zero_has_no_time(columns: int) -> None:
    instance = instance_after(CONNECTED, *(Sample(951.0 + i, 0, 0, 1.0) for i in range(150)))
    title = drawn(columns, 24, instance)[1]
    assert re.search(r"peak 0 ?B(/s)?$", title)
    # So the title does not change while no bytes are moved.
    instance.handle(Sample(1101.0, 0, 0, 1.0))
    assert drawn(columns, 24, instance, after(1.25))[1] == title


@pytest.mark.parametrize(
    ("view", "text"),
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
def test_title_shows_how_the_scale_differs_from_the_default(view: View, text: str) -> None:
    screen = drawn(120, 35, view=view)
    assert (f"  {text}" in "".join(line for line in screen if line[0:1] in "▼▲")) or not text
    words = ("log", "shared", "cut at", "pinned")
    assert text or not any(screen[1].endswith(word) for word in words)
    small = drawn(40, 10, view=view._replace(arrangement=Arrangement.STACKED))
    assert text in small[5]


def test_p95_of_coarse_columns_names_their_unit() -> None:
    title = drawn(120, 24, view=View(resolution=15, arrangement=Arrangement.STACKED))[1]
    assert "  p95 of 15 s columns " in title
    assert "15 s/column" in drawn(120, 24, view=View(resolution=15))[0]


def test_statistics_of_a_late_tor_cover_the_visible_columns() -> None:
    assert drawn(80, 24, moment=after(30.0))[1].startswith("▼ download          -  last 40 s: avg ")
    assert drawn(80, 24, moment=after(90.0))[1] == "▼ download          -"


@pytest.mark.parametrize("instant", [0.0, 0.3, 0.49, 0.5, 0.7, 0.99])
@pytest.mark.parametrize("asked", [0.001, 0.04, 0.3, 0.9])
@pytest.mark.parametrize("memory", [0, 30])
def test_statistics_count_each_verified_second_from_the_first(
    instant: float, asked: float, memory: int
) -> None:
    # Whatever the fraction of a second at which bwgraph connected, and the time of its requests.
    first = 1000.0 + instant
    recent = tuple(Sample(first - 29 + i, 9000, 900, 1.0) for i in range(memory))
    news = CONNECTED._replace(at=first + asked, recent=recent)
    instance = instance_after(news, Sample(first + 1.0, 100, 10, 1.0))
    moment = Moment(first + 1.1, CLOCK)
    assert re.match(r"▼ download +100 B/s  last 1 s: avg 100B ", drawn(80, 24, instance, moment)[1])
    instance.handle(Sample(first + 2.0, 300, 30, 1.0))
    title = drawn(80, 24, instance, Moment(first + 2.1, CLOCK))[1]
    assert re.match(r"▼ download +300 B/s  last 2 s: avg 200B ", title)


# Totals.


def totals(instance: Instance, columns: int = 100, moment: Moment = MOMENT) -> str:
    """Return the line above the last."""
    return drawn(columns, 30, instance, moment)[-2]


AGO = "since tor started 3 d 4 h ago:"


def test_totals_since_tor_started() -> None:
    read = "▼ 40.0 GiB, avg 153 KiB/s"
    written = "▲ 43.0 GiB, avg 165 KiB/s"
    assert totals(relay()) == f"{AGO}   {read}   {written}"


def test_totals_without_an_uptime_have_no_average() -> None:
    # Without a start there is no average either.
    instance = relay(news=CONNECTED._replace(uptime=None))
    assert totals(instance) == "since tor started: ▼ 40.0 GiB   ▲ 43.0 GiB"


@pytest.mark.parametrize("uptime", [None, 273_600.0])
def test_totals_without_counters_are_since_bwgraph_connected(
    uptime: float | None,
) -> None:
    instance = relay(news=CONNECTED._replace(counters=None, uptime=uptime))
    read, written = "▼ 7.4 MiB, avg 75.1 KiB/s", "▲ 4.1 MiB, avg 41.4 KiB/s"
    assert totals(instance) == f"since connected 100 s ago:   {read}   {written}"


def test_totals_of_a_restarted_tor_begin_at_its_start() -> None:
    line = totals(restarted(50, 70, uptime=6.0))
    assert re.match("since tor started 36 s ago: +▼ 2.2 MiB,", line)


def test_totals_include_unseen_bytes() -> None:
    line = totals(unheard(50, 70, 40 * GIB, 43 * GIB))
    assert re.match("since tor started 3 d 4 h ago: +▼ 80.0 GiB, .* ▲ 86.0 GiB,", line)


def test_totals_exclude_unverified_samples() -> None:
    news = remembered(45, 75)._replace(counters=None)
    assert re.match("since connected 25 s ago: +▼ 0 B, .* ▲ 0 B,", totals(instance_after(news)))


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
def test_narrow_totals_omit_averages_then_the_age_then_units(columns: int, line: str) -> None:
    assert totals(relay(), columns) == line


@pytest.mark.parametrize(
    "counted", [CounterBase(0, 0), CounterBase(1023, 10**6), CounterBase(10**20, 10**20)]
)
@pytest.mark.parametrize("known", [True, False], ids=["uptime", "no uptime"])
@pytest.mark.parametrize("own", [True, False], ids=["since tor started", "since connected"])
def test_totals_are_shown_whole_or_not_at_all(counted: CounterBase, known: bool, own: bool) -> None:
    news = CONNECTED._replace(counters=counted if own else None, uptime=9e4 if known else None)
    # The shortest version has the start and the two amounts.
    whole = re.compile(
        "since .*: +▼ ?[0-9.]+ ?([KMGTPE]i)?[BKMGTPE](, avg .*/s)? +▲ ?[0-9.]+ ?.*[^ ]"
    )
    sides = {}
    for columns in range(1, 130):
        line = next(
            (at for at in drawn(columns, 30, instance_after(news)) if at.startswith("since")), ""
        )
        assert not line or whole.fullmatch(line)
        amounts = re.findall(r"[▼▲] ?([0-9.]+ ?(?:[KMGTPE]iB|[BKMGTPE]))(?=[ ,]|$)", line)
        assert len(amounts) == (2 if line else 0)
        assert len(line) <= columns
        sides[columns] = bool(line)
    assert sides[36]
    assert sides[129]


def test_totals_stay_while_tor_is_lost() -> None:
    assert drawn(80, 30, relay(LOST), after(5.0))[-2].startswith("since tor started 3 d 4 h ago: ")


# Limit and quota.


def test_relay_without_a_nickname_is_shown_by_its_fingerprint() -> None:
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


def test_share_of_the_limit_is_shown_in_a_wide_window() -> None:
    screen = drawn(130, 35, relay(Described(NEWEST, parse_context(LIMIT))))
    assert screen[1].endswith("  44 % of BandwidthRate 180 KiB/s")
    assert any(line.endswith("  56 % of BandwidthRate 180 KiB/s") for line in screen[10:])
    assert drawn(80, 24, relay(Described(NEWEST, parse_context(LIMIT))))[1] == drawn(80, 24)[1]
    late = drawn(130, 35, relay(Described(NEWEST, parse_context(LIMIT))), after(5.0))
    assert not any("%" in line for line in late)


def test_quota_has_its_own_line_above_the_last() -> None:
    screen = drawn(120, 35, relay(Described(NEWEST, parse_context({**LIMIT, **QUOTA}))))
    assert screen[-2] == (
        "quota (sum): 50.0 GiB used, 50.0 GiB left, resets 1 Dec 00:00,"
        " used up in 4 d 22 h at this pace"
    )
    assert screen[-3].startswith("since tor started ")
    # It is the last of the text lines to be dropped.
    seen = [
        [
            part in line for line in drawn(80, rows, relay(Described(NEWEST, parse_context(QUOTA))))
        ].count(True)
        for rows in range(24, 4, -1)
        for part in ("quota",)
    ]
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("columns", range(36, 130, 3))
def test_quota_line_fits_any_width(columns: int) -> None:
    view = View(arrangement=Arrangement.STACKED)
    line = drawn(columns, 35, relay(Described(NEWEST, parse_context(QUOTA))), view=view)[-2]
    assert re.match(r"quota( \(sum\))?: (50\.0 GiB used, )?50\.0 GiB left", line)
    assert len(line) <= columns


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_hibernation_is_shown_as_an_alert(kind: str) -> None:
    asleep = relay(Described(NEWEST, parse_context({**QUOTA, "accounting/hibernating": kind})))
    frame = framed(120, 35, asleep)
    assert frame.text()[-2].startswith(f"hibernating ({kind}: no ")
    assert {span.style for span in frame.lines[-2]} == {Style.ALERT}


# The cursor line.


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
def test_cursor_line_has_the_time_and_both_rates(columns: int, line: str) -> None:
    sample = second(89)
    assert (sample.ends_at, sample.read, sample.written) == (1090.0, 160 * KIB, 60 * KIB)
    assert drawn(columns, 24, view=View(cursor=1090))[-1] == line


def test_cursor_line_omits_a_rate_that_does_not_fit_whole() -> None:
    assert drawn(8, 3, view=View(cursor=1098))[-1] == "▼1.0K"


def test_cursor_line_of_a_coarse_column_has_span_means_and_peaks() -> None:
    line = drawn(120, 24, view=View(cursor=1095, resolution=15))[-1]
    spans = "14:05:12 to 14:05:27"
    read = sum(second(i).read for i in range(80, 95))
    written = sum(second(i).written for i in range(80, 95))
    assert line == (
        f"{spans}   ▼ {read / MIB:.1f} MiB, mean {read / 15 / KIB:.1f} KiB/s, peak 200 KiB/s"
        f"   ▲ {written / KIB:.0f} KiB, mean {written / 15 / KIB:.1f} KiB/s, peak 100 KiB/s"
    )


def test_cursor_line_shows_how_much_of_a_column_is_covered() -> None:
    part = drawn(160, 24, view=View(cursor=1110, resolution=15))[-1]
    assert "  (5 s covered)   ▼ " in part
    gap = drawn(80, 24, view=View(cursor=1043))[-1]
    assert gap == "14:04:35  no data"


def test_cursor_line_of_a_sum_marks_partly_covered_columns() -> None:
    fleet = one_lost_for_a_while()
    for resolution, cursor in ((1, 1090), (5, 1095)):
        view = View(subject=SUM, cursor=cursor, resolution=resolution)
        for columns in (60, 80, 120, 200):
            assert "  (partly covered) " in staged(columns, 24, fleet, view)[-1]
        whole = staged(200, 24, fleet, view._replace(cursor=1040))[-1]
        assert "covered" not in whole
        assert "known" not in whole


def test_cursor_line_has_the_value_of_a_clipped_bar() -> None:
    instance = relay(Sample(NEWEST + 1.0, 9 * MIB, 5 * MIB, 1.0))
    screen = drawn(80, 24, instance, after(1.25), View(cursor=1101, ceiling=150 * KIB))
    assert "↑" in screen[2]
    assert screen[-1].startswith("14:05:33   ▼ 9.0 MiB, mean 9.0 MiB/s ")


def test_ascii_screens_have_only_ascii_characters() -> None:
    view = View(ASCII, cursor=1080, end=1095, logarithmic=True)
    for instance in (
        relay(Described(NEWEST, parse_context({**LIMIT, **QUOTA}))),
        unheard(50, 70, 9, 9),
        instance_after(),
    ):
        for size in ((120, 35), (80, 24), (40, 10), (20, 5), (9, 1)):
            assert all(line.isascii() for line in drawn(*size, instance, view=view, notice="hm"))


# Several tors.


def one_lost_for_a_while() -> Fleet:
    """Return two tors. One was lost from 1061 to 1095 and is connected again."""
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


def test_sum_names_the_tors_that_are_not_connected() -> None:
    fleet, view = watched("anna", "bert", "carl"), View(subject=SUM)
    assert staged(80, 24, fleet, view)[-1] == "connecting to sum of 3 tors"
    tell(fleet, 0, news("anna"), *steady(0, 100, 700))
    assert staged(80, 24, fleet, view)[-1] == "not connected: bert, carl"
    tell(fleet, 1, news("bert"))
    assert staged(80, 24, fleet, view)[-1] == "not connected: carl"
    tell(fleet, 2, news("carl"))
    assert staged(80, 24, fleet, view)[-1] == KEYS


def test_end_of_all_recordings_is_shown_once() -> None:
    fleet, words = watched("anna", "bert"), "the recording ends here"
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(0, 100, 700), Ended(words))
    for subject in (ALL_TORS, SUM, 0, 1):
        assert staged(80, 24, fleet, View(subject=subject))[-1] == words


def test_end_of_one_recording_names_its_tor() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna"), *steady(0, 100, 700))
    tell(fleet, 1, news("bert"), *steady(0, 100, 700), Ended("its recording ends here"))
    assert staged(80, 24, fleet, View(subject=ALL_TORS))[-1] == "bert: its recording ends here"
    assert staged(80, 24, fleet, View(subject=SUM))[-1] == KEYS


def test_totals_of_a_sum_are_since_each_tor_started_or_since_connected() -> None:
    fleet, view = watched("anna", "bert"), View(subject=SUM)
    assert not any("since" in line for line in staged(80, 24, fleet, view))
    tell(fleet, 0, news("anna"))
    tell(fleet, 1, news("bert"))
    assert staged(80, 24, fleet, view)[-2] == "since each started: ▼ 2.0 GiB   ▲ 4.0 GiB"
    other = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(other, which, news(name)._replace(counters=None), *steady(90, 100, KIB, 2 * KIB))
    assert staged(80, 24, other, view)[-2] == "since connected: ▼ 20.0 KiB   ▲ 40.0 KiB"


def test_table_shows_the_first_alert_and_the_number_of_others() -> None:
    fleet = watched("anna", "bert", "carl")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(90, 100, 700), LOST)
    assert staged(200, 24, fleet)[-1] == (
        "anna: no tor since 14:05:32, trying again in 8 s: it closed the connection (and 2 more)"
    )
    tell(fleet, 0, second(100))
    tell(fleet, 1, second(100))
    assert staged(200, 24, fleet, moment=after(1.25))[-1] == "carl: connecting to carl"
