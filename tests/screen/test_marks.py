"""Where marks belong: gaps, restarts, unverified buckets and the cursor."""

import re

import pytest
from fleets import news, staged, steady, tell, watched
from scenes import (
    CONNECTED,
    KIB,
    after,
    drawn,
    graphs,
    instance_after,
    relay,
    remembered,
    restarted,
    second,
    seconds,
    unheard,
)

from bwgraph.model.events import CounterBase, Lost, Sample
from bwgraph.screen.view import SUM, Arrangement, View

# Gaps and restarts.


def test_each_graph_notes_its_own_unseen_bytes() -> None:
    down, up = graphs(drawn(80, 24, unheard(50, 70, 3 << 30, 1536)))
    assert sum("3.0 GiB unseen" in row for row in down) == 1
    assert sum("1.5 KiB unseen" in row for row in up) == 1
    assert not any("KiB" in row for row in down)


def test_unseen_bytes_are_noted_within_their_gap() -> None:
    for row in graphs(drawn(80, 24, unheard(50, 70, 5 * KIB, 5 * KIB)))[0]:
        if "unseen" in row:
            # Of 69 columns, second 50 is the 20th, and second 70 the 40th.
            assert 19 <= row.index("5.0 KiB") < row.index("unseen") + len("unseen") <= 39


def test_unseen_bytes_do_not_count_as_a_rate() -> None:
    # It changes no bar, no scale and no statistics. The title has it beside them.
    quiet, loud = unheard(50, 70, 0, 0), unheard(50, 70, 1 << 40, 1 << 40)
    before, after_it = drawn(150, 30, quiet), drawn(150, 30, loud)
    assert before[0] == after_it[0]
    assert f"{before[1]}  and 1.0 TiB unseen" == after_it[1]
    assert [line[:11] for line in before] == [line[:11] for line in after_it]
    assert [row for row in before if "unseen" in row] == []
    for one, other in zip(graphs(before), graphs(after_it), strict=True):
        clean = [
            re.sub("[0-9.]+ [A-Za-z]+ unseen", lambda m: "┈" * len(m[0]), row) for row in other
        ]
        assert [row.rstrip() for row in clean] == one


def test_gap_without_counters_has_no_note() -> None:
    # Without tor's counters, the bytes in a gap are unknown.
    news = CONNECTED._replace(counters=None)
    lost = Lost(second(49).ends_at, "gone", second(50).ends_at)
    back = news._replace(at=second(69).ends_at)
    screen = drawn(80, 24, instance_after(news, *seconds(0, 50), lost, back, *seconds(70, 100)))
    assert not any("unseen" in line or "restarted" in line for line in screen)
    assert "·" * 20 in graphs(screen)[0][-1]


@pytest.mark.parametrize("uptime", [0.4, 5.0, 12.0, 19.0])
def test_restart_is_marked_in_the_second_in_which_tor_started(uptime: float) -> None:
    marked = {
        row.find("╎") for rows in graphs(drawn(80, 24, restarted(50, 70, uptime))) for row in rows
    }
    # Of 69 columns, second 69 is the 39th. At its end tor was connected again.
    assert marked - {-1} == {38 - round(uptime)}


def test_restart_without_a_loss_is_marked_when_it_is_found() -> None:
    # The endpoint answers as another process, and the loss was not noticed.
    news = CONNECTED._replace(at=second(59).ends_at + 0.1, counters=None, uptime=None, process="9")
    screen = drawn(80, 24, instance_after(CONNECTED, *seconds(0, 60), news, *seconds(60, 100)))
    assert any("╎" in row for row in graphs(screen)[0])


def test_marks_and_notes_scroll_out_at_the_left() -> None:
    instance = restarted(50, 70, uptime=6.0)
    seen = []
    for age in range(80):
        screen = graphs(drawn(80, 24, instance, after(age + 0.25)))
        seen.append("".join("╎" if "╎" in "".join(rows) else "." for rows in screen))
    # 33 columns are left of the mark, and the first second is overdue only after one more.
    assert seen == ["╎╎"] * 34 + [".."] * 46


# Unverified buckets.


def ground(screen: list[str]) -> str:
    """Return the horizontal axis of the upper graph."""
    return next(line for line in screen if "└" in line).partition("└")[2].replace("┬", "")


def test_unverified_buckets_have_their_own_axis_glyph() -> None:
    screen = drawn(80, 24, instance_after(remembered(45, 75), *seconds(75, 100)))
    assert re.fullmatch(" {13}╌{28}─{23}", ground(screen))
    # In columns: 14 unknown, 30 unverified, 25 verified; without the ticks of the labels.
    assert re.fullmatch("·{14}[^·]{55}", graphs(screen)[0][-1])


def test_unverified_buckets_are_not_in_the_statistics() -> None:
    loud = tuple(Sample(second(i).ends_at, 1 << 30, 1 << 30, 1.0) for i in range(45, 75))
    news = remembered(45, 75)._replace(recent=loud)
    title = drawn(80, 24, instance_after(news, *seconds(75, 100)))[1]
    assert title == drawn(80, 24, instance_after(news._replace(recent=()), *seconds(75, 100)))[1]
    assert title.startswith("▼ download 80.0 KiB/s  last 25 s: ")


def test_axis_without_unverified_buckets_is_plain() -> None:
    for screen in (
        drawn(80, 24),
        drawn(80, 24, instance_after(CONNECTED)),
        drawn(80, 24, instance_after()),
    ):
        assert "╌" not in ground(screen)


def test_unverified_axis_scrolls_with_its_buckets() -> None:
    instance = instance_after(remembered(45, 75), *seconds(75, 100))
    lengths = [
        ground(drawn(80, 24, instance, after(age + 0.25))).count("╌") for age in (1, 15, 30, 44, 45)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 25
    assert lengths[-1] == 0


@pytest.mark.parametrize("rows", [10, 16, 24])
def test_unverified_buckets_are_hidden_without_an_axis(rows: int) -> None:
    # A window of 30 columns has no axis, which would mark them as unverified.
    quiet = drawn(30, rows, instance_after(remembered(80, 95), *seconds(95, 100)))
    bare = drawn(
        30, rows, instance_after(remembered(80, 95)._replace(recent=()), *seconds(95, 100))
    )
    assert quiet == bare
    assert "·" * 24 in "".join(quiet)


def test_unverified_buckets_give_no_current_rate() -> None:
    instance = instance_after(remembered(60, 100))
    for size in ((80, 24), (40, 10), (20, 5), (12, 1)):
        screen = drawn(*size, instance)
        assert not any("80.0" in line for line in screen)
    assert re.fullmatch(r"▼ download +-", drawn(80, 24, instance)[1])
    instance.handle(second(100))
    assert drawn(80, 24, instance, after(1.25))[1].startswith("▼ download  120 KiB/s  last 1 s: ")


# The cursor.


def cursor_cells(view: View, columns: int = 80, rows: int = 24) -> set[int]:
    """Return the columns of the upper graph in which the cursor is drawn."""
    down = graphs(drawn(columns, rows, view=view))[0]
    return {row.find("┊") for row in down} - {-1}


@pytest.mark.parametrize("ago", [0, 1, 20, 68])
def test_cursor_is_in_its_cell_and_on_both_axes(ago: int) -> None:
    view = View(cursor=1100 - ago)
    assert cursor_cells(view) <= {68 - ago}
    screen = drawn(80, 24, view=view)
    axes = [line.partition("└")[2] for line in screen if "└" in line]
    assert [axis.find("┴") for axis in axes] == [68 - ago] * 2


def test_cursor_off_the_screen_is_not_drawn() -> None:
    for cursor in (1100 - 69, 1101):
        assert drawn(80, 24, view=View(cursor=cursor)) == drawn(80, 24)


def test_cursor_scrolls_with_its_bucket() -> None:
    instance, view = relay(), View(cursor=1090, arrangement=Arrangement.STACKED)
    for i in range(100, 110):
        instance.handle(second(i))
        screen = drawn(80, 24, instance, after(i - 99 + 0.25), view)
        axis = next(line for line in screen if "└" in line).partition("└")[2]
        assert axis.find("┴") == 68 - 10 - (i - 99)
        assert screen[-1].startswith("14:05:22 ")


def test_unseen_bytes_of_several_tors_are_added_up() -> None:
    fleet = watched("anna", "bert", "carl")
    for which, name in enumerate(("anna", "bert", "carl")):
        tell(fleet, which, news(name), *steady(0, 50, 0))
    for which, name in enumerate(("anna", "bert", "carl")):
        tell(fleet, which, Lost(second(49).ends_at, "gone", second(50).ends_at))
        counted = CounterBase((1 << 30) + 2 * KIB, 2 << 30)
        back = news(name, second(69).ends_at, uptime=7269.0)._replace(counters=counted)
        tell(fleet, which, back, *steady(70, 100, 0))
    down, _ = graphs(staged(80, 24, fleet, View(subject=SUM)))
    assert sum("6.0 KiB unseen" in row for row in down) == 1
