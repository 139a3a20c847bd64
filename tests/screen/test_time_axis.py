"""Time labels are round, stay with their time, and are right when summer time begins or ends."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.screen.pane import label_row
from bwgraph.screen.plot import GLYPH_SETS
from bwgraph.screen.time_axis import DAY, HOUR, LABEL_GAP_CELLS, SPACINGS_S, labels

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
"When summer time ends in Berlin; ``SPRING`` is when it begins."

ZONES = st.sampled_from(
    [
        UTC,
        BERLIN,
        ZoneInfo("America/New_York"),
        ZoneInfo("America/Santiago"),  # summer time begins at midnight, which is skipped
        ZoneInfo("America/Havana"),  # summer time ends so that midnight is repeated
        ZoneInfo("Australia/Lord_Howe"),  # summer time is half an hour
        ZoneInfo("Asia/Kathmandu"),
    ]
)
PER_CELL = sorted(
    {r * glyphs.buckets_per_cell for r in RESOLUTIONS for glyphs in GLYPH_SETS.values()}
)
"The seconds that a cell may cover."

CHANGES = st.sampled_from(
    [
        SPRING,
        AUTUMN,
        datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2026, 4, 5, 3, tzinfo=UTC),  # Santiago
        datetime(2026, 9, 6, 4, tzinfo=UTC),
        datetime(2026, 3, 8, 5, tzinfo=UTC),  # Havana
        datetime(2026, 11, 1, 5, tzinfo=UTC),
    ]
)
ENDS = st.integers(946_684_800, 2_208_988_800).map(
    lambda epoch: datetime.fromtimestamp(epoch, UTC)
) | st.builds(
    lambda change, after: change + timedelta(seconds=after),
    CHANGES,
    st.integers(-3, 3)
    | st.integers(-4 * HOUR, 4 * HOUR)
    | st.integers(-9, 9).map(lambda n: n * 900)
    | st.integers(-40 * DAY, 40 * DAY),
)


def axis_text(end: datetime, seconds: int, cells: int) -> str:
    """Return the row of labels."""
    return label_row(labels(end, seconds, cells), " " * cells)


@pytest.mark.parametrize(
    ("seconds", "row"),
    [
        (1, "     03:03:15       03:03:30       03:03:45       03:04:00  "),
        (5, "        03:00       03:01       03:02       03:03           "),
        (15, " 02:50               02:55               03:00              "),
        (60, "   02:10     02:20     02:30     02:40     02:50     03:00  "),
        (300, "         23:00       2 Jan       01:00       02:00          "),
        (900, "         15:00       18:00       21:00       2 Jan          "),
        (3600, "     31 Dec       12:00       1 Jan       12:00       2 Jan "),
        (21_600, "            22 Dec                      29 Dec              "),
        (86_400, "                          Dec                           2026"),
    ],
)
def test_labels_are_round_times_for_each_resolution(seconds: int, row: str) -> None:
    end = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert axis_text(end, seconds, 60) == row


def test_label_is_at_the_cell_that_ends_at_its_time() -> None:
    end = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
    assert labels(end, 1, 5) == {4: "03:04:00"}
    assert labels(end + timedelta(seconds=4), 1, 5) == {0: "03:04:00"}
    assert labels(end + timedelta(seconds=5), 1, 5) == {}
    assert labels(end - timedelta(seconds=1), 1, 5) == {}


def test_no_cells_have_no_labels() -> None:
    assert labels(SPRING, 1, 0) == {}


def test_year_replaces_january() -> None:
    end = datetime(2026, 3, 20, tzinfo=UTC)
    assert list(labels(end, DAY, 140).values()) == ["Mar", "Feb", "2026", "Dec", "Nov"]


@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=str)
def test_weeks_begin_on_mondays_at_local_midnight(zone: ZoneInfo) -> None:
    end = datetime(2026, 1, 16, 3, tzinfo=zone)
    found = labels(end, 43_200, 60)
    assert list(found.values()) == ["12 Jan", "5 Jan", "29 Dec", "22 Dec"]
    assert datetime(2026, 1, 12).weekday() == 0  # noqa: DTZ001 - a date
    assert [59 - cell for cell in found] == [8, 22, 36, 50]


# Summer time.


def test_skipped_hour_has_no_labels() -> None:
    end = (SPRING + timedelta(minutes=30)).astimezone(BERLIN)
    assert list(labels(end, 60, 60).items()) == [
        (59, "03:30"),
        (49, "03:20"),
        (39, "03:10"),
        (29, "03:00"),
        (19, "01:50"),
        (9, "01:40"),
    ]


def test_repeated_hour_is_labelled_twice() -> None:
    end = (AUTUMN + timedelta(minutes=10)).astimezone(BERLIN)
    assert end.fold == 1
    assert sorted(labels(end, 60, 60).items(), reverse=True) == [
        (59, "02:10"),
        (49, "02:00"),
        (39, "02:50"),
        (29, "02:40"),
        (19, "02:30"),
        (9, "02:20"),
    ]
    # Where labels are more than an hour apart, the second two o'clock would be too close.
    assert axis_text(end, 600, 60) == "  18:00       20:00       22:00      25 Oct       02:00     "


def test_day_without_midnight_is_labelled_where_it_begins() -> None:
    end = datetime(2026, 9, 6, 5, tzinfo=UTC).astimezone(ZoneInfo("America/Santiago"))
    assert (end.hour, end.fold) == (2, 0)
    assert labels(end, 300, 40) == {39: "02:00", 27: "6 Sep", 15: "23:00", 3: "22:00"}


@PROPERTY
@given(ENDS, ZONES, st.sampled_from(PER_CELL), st.integers(0, 300))
def test_any_labels_have_a_cell_between_them(
    end: datetime, zone: ZoneInfo, seconds: int, cells: int
) -> None:
    spans = sorted(
        (cell - len(text) // 2, cell - len(text) // 2 + len(text))
        for cell, text in labels(end.astimezone(zone), seconds, cells).items()
    )
    assert all(begin - end >= 1 for (_, end), (begin, _) in pairwise(spans))


@PROPERTY
@given(ENDS, st.sampled_from(PER_CELL), st.integers(0, 300))
def test_labels_in_a_zone_without_summer_time_have_the_full_gap(
    end: datetime, seconds: int, cells: int
) -> None:
    found = sorted(labels(end, seconds, cells).items())
    # Each label is centred on its cell, so half of each is between the two cells.
    assert all(
        right - left - len(one) / 2 - len(other) / 2 >= LABEL_GAP_CELLS - 1
        for (left, one), (right, other) in pairwise(found)
    )


@PROPERTY
@given(ENDS, ZONES, st.sampled_from(PER_CELL), st.integers(1, 300))
@example(AUTUMN - timedelta(seconds=1), BERLIN, 1, 120)
@example(AUTUMN - timedelta(seconds=1), BERLIN, 60, 120)
@example(AUTUMN + timedelta(hours=1, seconds=-1), BERLIN, 60, 120)
@example(SPRING - timedelta(seconds=1), BERLIN, 60, 120)
@example(SPRING + timedelta(minutes=119, seconds=59), BERLIN, 60, 120)
def test_label_moves_by_at_most_a_cell_a_second_and_disappears_only_at_the_left(
    end: datetime, zone: ZoneInfo, seconds: int, cells: int
) -> None:
    before = labels(end.astimezone(zone), seconds, cells)
    after = labels((end + timedelta(seconds=1)).astimezone(zone), seconds, cells)
    for cell, text in before.items():
        assert text in {after.get(cell), after.get(cell - 1)} or cell == 0
    # A label appears only at the right.
    for cell, text in after.items():
        assert text in {before.get(cell), before.get(cell + 1)} or cell == cells - 1


@PROPERTY
@given(ENDS, ZONES, st.sampled_from(PER_CELL), st.integers(1, 120), st.integers(1, 120))
def test_labels_move_left_by_a_cell_in_the_time_of_a_cell(
    end: datetime, zone: ZoneInfo, seconds: int, cells: int, moved: int
) -> None:
    before = labels(end.astimezone(zone), seconds, cells)
    after = labels((end + timedelta(seconds=seconds * moved)).astimezone(zone), seconds, cells)
    assert {cell - moved: text for cell, text in before.items() if cell >= moved} == {
        cell: text for cell, text in after.items() if cell < cells - moved
    }


@PROPERTY
@given(ENDS, ZONES, st.sampled_from(PER_CELL), st.integers(1, 300), st.integers(0, 100))
def test_labels_do_not_depend_on_the_width(
    end: datetime, zone: ZoneInfo, seconds: int, cells: int, more: int
) -> None:
    local = end.astimezone(zone)
    wide = labels(local, seconds, cells + more)
    assert labels(local, seconds, cells) == {
        cell - more: text for cell, text in wide.items() if cell >= more
    }


@PROPERTY
@given(ENDS, ZONES, st.sampled_from(PER_CELL))
def test_any_label_is_the_local_time_in_its_cell(
    end: datetime, zone: ZoneInfo, seconds: int
) -> None:
    cells = 200
    for cell, text in labels(end.astimezone(zone), seconds, cells).items():
        if ":" not in text:
            continue
        cell_end = end - timedelta(seconds=seconds * (cells - 1 - cell))
        time = [int(part) for part in text.split(":")]
        # The label's time is less than a cell before the cell's end.
        local = cell_end.astimezone(zone)
        after = (local.hour - time[0]) % 24 * HOUR + (local.minute - time[1]) * 60 + local.second
        after -= time[2] if len(time) > 2 else 0
        # The clock may have changed in between.
        elapsed = [after + change for change in (0, HOUR, -HOUR, 1800, -1800)]
        assert any(0 <= each < seconds + 1 for each in elapsed)


def test_a_narrow_screen_has_a_label_at_every_resolution() -> None:
    end = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for seconds in PER_CELL:
        assert labels(end, seconds, 40)
    assert list(SPACINGS_S) == sorted(set(SPACINGS_S))
