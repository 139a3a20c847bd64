"""The numbers that stand for a window of history."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.history import LATE, History, Window
from bwgraph.sample import Sample
from bwgraph.summary import Summary, rates, summarise

NOTHING = Summary(None, None, None)

SECONDS = st.lists(st.none() | st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40)))
"Bytes read and written in one second after another; None where tor was away."


def window_of(
    *seconds: tuple[int, int] | None, columns: int | None = None, age: float = 0.25
) -> Window:
    """The window over these seconds, so long after the last of them."""
    history = History()
    for i, moved in enumerate(seconds, start=1):
        if moved is not None:
            history.push(Sample(1000.0 + i, *moved, seconds=1.0))
    return history.window(1000.0 + len(seconds) + age, columns or len(seconds))


def test_current_is_the_newest_seconds_rate() -> None:
    traffic = summarise(window_of((100, 1), (200, 2), (50, 3)))
    assert (traffic.read.current, traffic.written.current) == (50, 3)


def test_average_is_bytes_over_the_seconds_that_are_covered() -> None:
    # Not over the window's: nobody knows what was moved while tor was away.
    traffic = summarise(window_of((100, 10), None, None, (300, 20)))
    assert (traffic.read.average, traffic.written.average) == (200, 15)
    assert traffic.covered == 2


def test_average_of_a_late_sample_is_over_all_the_time_that_it_covers() -> None:
    history = History()
    history.push(Sample(1001.0, 100, 10, seconds=1.0))
    history.push(Sample(1005.0, 800, 90, seconds=4.0))
    traffic = summarise(history.window(1005.2, 10))
    assert traffic.read.average == pytest.approx(900 / 5)
    assert traffic.written.average == pytest.approx(100 / 5)
    assert traffic.covered == pytest.approx(5)
    assert traffic.read.peak == pytest.approx(200)


def test_peak_is_each_directions_own() -> None:
    traffic = summarise(window_of((100, 9), (300, 2), (200, 5)))
    assert (traffic.read.peak, traffic.written.peak) == (300, 9)


def test_zeros_are_known_and_count() -> None:
    traffic = summarise(window_of((0, 0), (0, 0), (300, 30)))
    assert traffic.read == Summary(current=300, average=100, peak=300)
    assert summarise(window_of((0, 0))).written == Summary(0, 0, 0)


def test_only_what_is_in_the_window_counts() -> None:
    traffic = summarise(window_of((9000, 9000), (100, 10), (200, 20), columns=2))
    assert traffic.read == Summary(current=200, average=150, peak=200)
    assert traffic.covered == 2


@pytest.mark.parametrize("columns", [1, 5])
def test_of_no_samples_nothing_is_known(columns: int) -> None:
    traffic = summarise(History().window(50.0, columns))
    assert (traffic.read, traffic.written, traffic.covered) == (NOTHING, NOTHING, 0)


def test_of_a_window_of_gaps_nothing_is_known() -> None:
    traffic = summarise(window_of((5, 5), columns=3, age=60.0))
    assert (traffic.read, traffic.written, traffic.covered) == (NOTHING, NOTHING, 0)


def test_of_no_columns_nothing_is_known() -> None:
    traffic = summarise(window_of((5, 5)).last(0))
    assert (traffic.read, traffic.written, traffic.covered) == (NOTHING, NOTHING, 0)


@pytest.mark.parametrize(("age", "known"), [(0.0, True), (LATE - 0.1, True), (LATE + 0.1, False)])
def test_current_is_not_known_once_tor_is_late(age: float, known: bool) -> None:
    traffic = summarise(window_of((100, 10), (200, 20), columns=20, age=age))
    assert traffic.read.current == (200 if known else None)
    assert traffic.written.current == (20 if known else None)
    # The past stays what it was.
    assert (traffic.read.average, traffic.read.peak) == (150, 200)


def test_current_is_not_known_either_where_late_is_all_that_is_said() -> None:
    # A window that was cut or made elsewhere may have no empty column to show for it.
    late = replace(window_of((100, 10)), age=LATE + 0.1)
    assert summarise(late).read == Summary(current=None, average=100, peak=100)


@PROPERTY
@given(SECONDS, st.floats(0, 5))
def test_average_is_never_above_the_peak_nor_current(
    seconds: list[tuple[int, int] | None], age: float
) -> None:
    traffic = summarise(window_of(*seconds, columns=len(seconds) + 3, age=age))
    for one in (traffic.read, traffic.written):
        if one.average is None or one.peak is None:
            assert one == NOTHING
            assert not any(seconds)
            continue
        assert 0 <= one.average <= one.peak * (1 + 1e-12)
        assert one.current is None or one.current <= one.peak


@PROPERTY
@given(SECONDS)
def test_average_times_covered_time_is_every_byte(seconds: list[tuple[int, int] | None]) -> None:
    traffic = summarise(window_of(*seconds, columns=len(seconds) + 3))
    known = [moved for moved in seconds if moved is not None]
    assert traffic.covered == pytest.approx(len(known))
    if known:
        assert traffic.read.average is not None
        assert traffic.written.average is not None
        assert traffic.read.average * traffic.covered == pytest.approx(sum(r for r, _ in known))
        assert traffic.written.average * traffic.covered == pytest.approx(sum(w for _, w in known))


@PROPERTY
@given(SECONDS)
def test_rates_are_the_columns_in_their_order(seconds: list[tuple[int, int] | None]) -> None:
    read, written = rates(window_of(*seconds, columns=len(seconds) + 3, age=0.0))
    known = [moved for moved in seconds if moved is not None]
    assert [rate for rate in read if rate is not None] == [r for r, _ in known]
    assert [rate for rate in written if rate is not None] == [w for _, w in known]
    assert len(read) == len(written) == len(seconds) + 3
    assert gaps(read) == gaps(written) == gaps(seconds)


def gaps(values: Sequence[object]) -> str:
    """Where nothing is known between the first and the last that is."""
    return "".join("-" if value is None else "#" for value in values).strip("-")
