"""The table of all tors: pictures, order and selection, and that any table fits."""

import pytest
from fleets import mixed, news, staged, steady, tell, titles, watched
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import PROPERTY
from scenes import HOSTILE, KIB, LOST, MOMENT, NEWEST, after, picture

from bwgraph.model.events import Ended, Lost, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.screen import table_screen
from bwgraph.screen.compose import compose, survey
from bwgraph.screen.frame import Size
from bwgraph.screen.plot import GLYPH_SETS
from bwgraph.screen.units import UNITS
from bwgraph.screen.view import ALL_TORS, SUM, View

TABLE = View(subject=ALL_TORS)


def many(count: int) -> Fleet:
    """Return tors with numbers; the higher the number, the more traffic."""
    fleet = watched(*(f"tor{which:02}" for which in range(count)))
    for which in range(count):
        tell(fleet, which, news(f"tor{which:02}"), *steady(90, 100, which * KIB, KIB))
    return fleet


# Pictures.


def test_picture_of_the_large_window() -> None:
    screen = staged(120, 35, mixed())
    assert screen[:8] == picture(
        """
        bwgraph  all 5 tors, by name                                                                       1 s/column   14:05:32
          tor            state        ▼ download            now    avg 60 s  total  ▲ upload              now    avg 60 s  total
        > 9054           connecting   ··················      -           -      -  ··················      -           -      -
          anna           up 2 h       ▂▁ ▁▂▃▅▆█▆▅▃▂▁ ▁▂▃  80.0K       85.1K   1.0G  ▁▂▃▅▆█▆▅▃▂▁ ▁▂▃▅▆█   100K       42.5K   2.0G
          bert           down 20 s    ··················      -        3.0K   1.0G  ··················      -        5.0K   2.0G
          carl           late         ████████████████··      -        3.0K   1.0G  ████████████████··      -        5.0K   2.0G
          emil           up 2 h       ██████████████████   3.0K        3.0K   1.0G  ██████████████████   5.0K        5.0K   2.0G
          sum of 5 tors  2 down       ▂▁▁▁▂▃▅▆█▆▅▃▂▁▁▁▂▃  83.0K       92.9K   4.0G  ▁▂▄▅▇█▇▅▄▂▁▁▁▂▄▅▆█   105K       55.6K   8.0G
        """  # noqa: E501 - as wide as the screen
    )
    assert len(screen) == 35
    assert set(screen[8:-1]) == {""}


def test_picture_of_the_usual_window() -> None:
    assert staged(80, 24, mixed()) == picture(
        """
        bwgraph  all 5 tors, by name                               1 s/column   14:05:32
          tor            state        ▼ download    now  total  ▲ upload      now  total
        > 9054           connecting   ··········      -      -  ··········      -      -
          anna           up 2 h       █▆▅▃▂▁ ▁▂▃  80.0K   1.0G  ▃▂▁ ▁▂▃▅▆█   100K   2.0G
          bert           down 20 s    ··········      -   1.0G  ··········      -   2.0G
          carl           late         ████████··      -   1.0G  ████████··      -   2.0G
          emil           up 2 h       ██████████   3.0K   1.0G  ██████████   5.0K   2.0G
          sum of 5 tors  2 down       █▆▅▃▂▁▁▁▂▃  83.0K   4.0G  ▄▂▂▁▁▂▄▅▆█   105K   8.0G















        bert: no tor since 14:05:12, trying again in 8 s: it closed the connection (and
        """
    )


def test_picture_of_a_small_window() -> None:
    assert staged(40, 10, mixed()) == picture(
        """
        bwgraph  all 5 tors, by name    14:05:32
          tor            ▼   now ▲   now
        > 9054                 -       -
          anna             80.0K    100K
          bert                 -       -
          carl                 -       -
          emil              3.0K    5.0K
          sum of 5 tors    83.0K    105K

        bert: no tor since 14:05:12, trying agai
        """
    )


def test_picture_of_a_tiny_window() -> None:
    assert staged(20, 5, mixed()) == picture(
        """
        bwgraph  all 5 tors,
        > 90       -       -
          an   80.0K    100K
          su   83.0K    105K
        bert: no tor since 1
        """
    )


@pytest.mark.parametrize("columns", [46, 57, 58, 59, 60, 64, 79, 90, 100, 120, 159])
def test_heading_has_whole_words_at_every_width(columns: int) -> None:
    words = staged(columns, 24, mixed())[1].split()
    averages = words.count("avg")
    directions = [word for word in words if word not in {"▼", "▲", "avg", "60", "s"}]
    assert (words.count("60"), words.count("s")) == (averages, averages)
    assert set(directions) <= {"tor", "state", "download", "upload", "down", "up", "now", "total"}
    assert words.count("now") == 2


def test_smallest_windows_show_a_line() -> None:
    assert [len(line) <= 1 for line in staged(1, 1, mixed())] == [True]
    assert staged(30, 1, mixed()) == ["  sum of 5 tor   83.0K    105K"]


# Lines.


def test_each_state_has_its_word() -> None:
    fleet = mixed()
    lines = {line[2:8].strip(): line for line in staged(120, 35, fleet)[2:8]}
    assert " connecting " in lines["9054"]
    assert " up 2 h " in lines["anna"]
    assert " down 20 s " in lines["bert"]
    assert " late " in lines["carl"]
    assert " 2 down " in lines["sum of"]


def test_sum_is_down_only_if_all_tors_are() -> None:
    fleet = many(2)
    assert " up " in staged(120, 10, fleet)[4]
    for which in (0, 1):
        tell(fleet, which, LOST)
    assert " down " in staged(120, 10, fleet)[4]


def test_heading_names_the_span_of_the_average() -> None:
    heading = staged(120, 10, mixed(), View(subject=ALL_TORS, resolution=60))[1]
    assert heading.count("avg 1 h") == 2


def test_current_rate_is_of_the_newest_second_at_each_resolution() -> None:
    for resolution in RESOLUTIONS:
        line = staged(120, 10, mixed(), View(subject=ALL_TORS, resolution=resolution))[3]
        assert "80.0K" in line
        assert "100K" in line


def test_scrolled_table_does_not_move() -> None:
    fleet, view = mixed(), View(subject=ALL_TORS, end=1080)
    before = staged(80, 24, fleet, view)[3][28:38]
    assert before == staged(80, 24, fleet, view, after(20.0))[3][28:38]
    assert before != staged(80, 24, fleet)[3][28:38]
    assert "paused" in staged(80, 24, fleet, view)[0]


# Order.


def test_sorting_by_name_ignores_case() -> None:
    fleet = watched("beta", "Alpha", "gamma")
    assert titles(fleet, table_screen.sorted_tors(fleet, TABLE, NEWEST)) == [
        "Alpha",
        "beta",
        "gamma",
    ]


def test_sorting_by_traffic_is_stable_with_the_busiest_first() -> None:
    fleet = many(4)
    view = View(subject=ALL_TORS, by_traffic=True)
    found = titles(fleet, table_screen.sorted_tors(fleet, view, NEWEST))
    assert found == ["tor03", "tor02", "tor01", "tor00"]
    idle = watched("c", "a", "b")
    assert table_screen.sorted_tors(idle, view, NEWEST) == (0, 1, 2)


def test_one_busy_second_does_not_change_the_order() -> None:
    fleet = many(3)
    tell(fleet, 0, Sample(NEWEST + 1.0, 9 * KIB, 0, 1.0))
    found = titles(
        fleet,
        table_screen.sorted_tors(fleet, View(subject=ALL_TORS, by_traffic=True), NEWEST + 1.1),
    )
    assert found == ["tor02", "tor01", "tor00"]


def test_header_names_the_sort_key() -> None:
    assert "all 5 tors, by name" in staged(80, 24, mixed())[0]
    assert (
        "all 5 tors, by traffic"
        in staged(80, 24, mixed(), View(subject=ALL_TORS, by_traffic=True))[0]
    )


# More tors than lines.


@pytest.mark.parametrize("selected", [*range(20), SUM])
def test_selected_line_and_sum_are_always_shown(selected: int) -> None:
    fleet = many(20)
    for rows in range(2, 26):
        screen = staged(80, rows, fleet, View(subject=ALL_TORS, selected=selected))
        assert len(screen) == rows
        marked = [line for line in screen if line.startswith("> ")]
        if rows > 3 or selected == SUM:
            expected = "sum of 20 tors" if selected == SUM else f"tor{selected:02}"
            assert [line.split("  ")[0][2 : 2 + len(expected)] for line in marked] == [expected]
        assert any("sum of 20" in line for line in screen)


def test_table_scrolls_only_as_far_as_needed() -> None:
    fleet = many(20)
    first = staged(80, 12, fleet, View(subject=ALL_TORS, selected=0))
    last = staged(80, 12, fleet, View(subject=ALL_TORS, selected=19))
    assert [line[2:7] for line in first[2:-2]] == [f"tor{i:02}" for i in range(8)]
    assert [line[2:7] for line in last[2:-2]] == [f"tor{i:02}" for i in range(12, 20)]


def test_ended_tor_is_not_down() -> None:
    fleet = Fleet([Instance("a"), Instance("b")])
    for which, name in enumerate(("a", "b")):
        tell(fleet, which, news(name), *steady(90, 100, 5), Ended("the recording ends here"))
    lines = staged(80, 24, fleet, View(subject=ALL_TORS))
    assert [" ended " in line for line in lines[2:5]] == [True] * 3
    assert "down" not in "".join(lines[2:5])


# Any names and histories.


def test_hostile_names_are_harmless() -> None:
    fleet = Fleet([Instance(HOSTILE), Instance("9052", label=HOSTILE * 9), Instance("")])
    tell(fleet, 0, news(HOSTILE), *steady(90, 100, 5))
    tell(fleet, 1, Lost(NEWEST, HOSTILE, NEWEST))
    for size in ((120, 35), (80, 24), (40, 10), (20, 5)):
        for subject in (ALL_TORS, SUM, 0, 1, 2):
            for line in staged(*size, fleet, View(subject=subject), notice=HOSTILE):
                assert line.isprintable()
                assert len(line) <= size[0]


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Draw a few tors with any names and histories."""
    names = draw(st.lists(st.text(max_size=30), min_size=1, max_size=6))
    fleet = Fleet([Instance(name) for name in names])
    for which, name in enumerate(names):
        state = draw(st.sampled_from(["unconnected", "up", "silent", "lost", "back"]))
        if state == "unconnected":
            continue
        read = draw(st.integers(0, 1 << 45))
        tell(fleet, which, news(name), *steady(draw(st.integers(60, 99)), 95, read, read // 3))
        if state in {"lost", "back"}:
            tell(fleet, which, Lost(NEWEST - 5, draw(st.text(max_size=9)), NEWEST))
        if state in {"up", "back"}:
            tell(fleet, which, *steady(95, 100, read // 2, read))
    return fleet


VIEWS = st.builds(
    View()._replace,
    glyphs=st.sampled_from(list(GLYPH_SETS.values())),
    units=st.sampled_from(list(UNITS.values())),
    key_line=st.booleans(),
    resolution=st.sampled_from(RESOLUTIONS),
    end=st.none() | st.integers(900, 1200),
    cursor=st.none() | st.integers(1000, 1100),
    help=st.booleans(),
    subject=st.integers(ALL_TORS, 9),
    selected=st.none() | st.integers(SUM, 9),
    by_traffic=st.booleans(),
)


@settings(PROPERTY, max_examples=150)
@given(
    fleets(),
    VIEWS,
    st.builds(Size, st.integers(1, 200), st.integers(1, 50)),
    st.floats(0.0, 90.0),
    st.text(max_size=20),
)
def test_any_fleet_fits_any_screen_in_any_view(
    fleet: Fleet, view: View, size: Size, age: float, notice: str
) -> None:
    moment = after(age)
    frame = compose(fleet, view, size, moment, notice)
    assert len(frame.lines) <= size.rows
    for line in frame.text():
        assert len(line) <= size.columns
        assert line.isprintable()
    shown = survey(fleet, view, size, moment).shown
    is_table = view.subject == ALL_TORS and fleet.sum is not None
    assert shown.tor_count == len(fleet.instances)
    assert sorted(shown.tor_order) == (list(range(len(fleet.instances))) if is_table else [])
    assert shown.end <= shown.newest
    if view.subject == ALL_TORS and fleet.sum is not None and not view.help and size.rows > 1:
        assert len(frame.lines) == size.rows
        assert any("sum"[: max(size.columns - 2, 0)] in line for line in frame.text())


def test_table_fits_its_space() -> None:
    fleet = many(9)
    for rows in range(12):
        order = table_screen.sorted_tors(fleet, TABLE, NEWEST)
        assert len(table_screen.table_lines(fleet, TABLE, order, Size(80, rows), MOMENT)) == min(
            rows, 11
        )
