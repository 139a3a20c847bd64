"""Numbers as people read them."""

import re
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph import units

KIB = 1024
MIB = 1024**2

AMOUNTS = st.floats(min_value=0, max_value=999 * 1024.0**6) | st.integers(0, 999 * 1024**6)
"Everything that a unit is known for."

STEPS = st.sampled_from(units.STEPS)

EVERY_SCALE = [(step, rows) for step in units.STEPS for rows in range(1, 61)]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B/s"),
        (0.4, "0 B/s"),
        (1, "1 B/s"),
        (999.4, "999 B/s"),
        # Four digits never stand where three and the next unit would do.
        (999.5, "1.0 KiB/s"),
        (1000, "1.0 KiB/s"),
        (1024, "1.0 KiB/s"),
        (99.94 * KIB, "99.9 KiB/s"),
        (99.95 * KIB, "100 KiB/s"),
        (999.4 * KIB, "999 KiB/s"),
        (999.5 * KIB, "1.0 MiB/s"),
        (12.4 * MIB, "12.4 MiB/s"),
        (3 * 1024 * MIB, "3.0 GiB/s"),
        (1024**6, "1.0 EiB/s"),
        (None, "-"),
    ],
)
def test_rate_is_a_short_number_and_a_binary_unit(amount: float | None, text: str) -> None:
    assert units.rate(amount) == text


@PROPERTY
@given(AMOUNTS)
def test_a_rate_has_at_most_four_characters_of_number(amount: float) -> None:
    assert re.fullmatch(r"([0-9]{1,3}|[0-9]{1,2}\.[0-9]) ([KMGTPE]i)?B/s", units.rate(amount))


@PROPERTY
@given(AMOUNTS)
def test_a_rate_is_no_further_off_than_half_of_what_it_shows_last(amount: float) -> None:
    number, unit = units.quantity(amount).number, units.quantity(amount).unit
    size = size_of(unit)
    last = Fraction(1, 10) if "." in number else Fraction(1)
    # The second term is what floats lose on the way.
    allowed = last * size / 2 + Fraction(amount) / 10**12
    assert abs(Fraction(number) * size - Fraction(amount)) <= allowed


@PROPERTY
@given(AMOUNTS, AMOUNTS)
def test_the_larger_of_two_rates_never_reads_as_the_smaller(one: float, other: float) -> None:
    def read(amount: float) -> Fraction:
        shown = units.quantity(amount)
        return Fraction(shown.number) * size_of(shown.unit)

    less, more = sorted((one, other))
    assert read(less) <= read(more)


@PROPERTY
@given(AMOUNTS)
def test_a_terse_rate_fits_five_cells(amount: float) -> None:
    terse = units.terse_rate(amount)
    assert len(terse) <= 5
    assert re.fullmatch(r"[0-9.]+[BKMGTPE]", terse)


def test_a_terse_rate_that_nobody_knows_is_no_number() -> None:
    assert units.terse_rate(None) == units.UNKNOWN == units.rate(None)


def test_amounts_beyond_the_last_unit_are_still_shown_in_it() -> None:
    assert units.rate(5000 * 1024**6) == "5000 EiB/s"


def test_steps_are_1_2_5_and_rising() -> None:
    assert all(2 <= Fraction(upper, under) <= 2.5 for under, upper in pairwise(units.STEPS))
    assert units.STEPS[:10] == tuple(n * KIB for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1024))


@PROPERTY
@given(st.floats(min_value=0, max_value=float(units.STEPS[-1])))
def test_an_amount_is_rounded_up_to_the_first_step_that_holds_it(amount: float) -> None:
    step = units.round_up(amount)
    assert step in units.STEPS
    assert step >= amount
    assert all(other < amount for other in units.STEPS if other < step)


@pytest.mark.parametrize("amount", [1024.0**7, 1e300, float("inf")])
def test_an_amount_above_all_steps_gets_the_last(amount: float) -> None:
    assert units.round_up(amount) == units.STEPS[-1]


@PROPERTY
@given(STEPS, st.integers(0, 80))
def test_lower_goes_down_so_many_steps_and_stays_at_the_lowest(step: int, times: int) -> None:
    position = units.STEPS.index(step)
    assert units.lower(step, times) == units.STEPS[max(position - times, 0)]


def test_every_mark_stands_at_exactly_its_height() -> None:
    for step, rows in EVERY_SCALE:
        marks = units.ticks(step, rows)
        number, unit = marks[rows].split(" ")
        scale = size_of(unit.removesuffix("/s"))
        assert Fraction(number) * scale == step
        for height, mark in marks.items():
            assert 1 <= height <= rows
            assert Fraction(mark.split(" ")[0]) * scale == Fraction(step * height, rows)


def test_marks_are_two_rows_apart_or_more() -> None:
    for step, rows in EVERY_SCALE:
        heights = sorted(units.ticks(step, rows))
        assert all(upper - under >= 2 for under, upper in pairwise(heights))


def test_no_mark_is_longer_than_the_longest_that_the_screen_keeps_room_for() -> None:
    longest = max((mark for scale in EVERY_SCALE for mark in units.ticks(*scale).values()), key=len)
    assert len(longest) == len("500 KiB/s")


def test_the_unit_stands_at_the_topmost_mark_only() -> None:
    for step, rows in EVERY_SCALE:
        named = [height for height, mark in units.ticks(step, rows).items() if "/s" in mark]
        assert named == [rows]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.99, "0 s"),
        (59.9, "59 s"),
        (60, "60 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (121, "2 min 1 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
        (400 * 86_400, "400 d"),
    ],
)
def test_span_is_told_in_its_largest_units(seconds: float, text: str) -> None:
    assert units.span(seconds) == text


@PROPERTY
@given(st.integers(0, 10**10))
def test_a_span_is_cut_and_never_rounded_up(seconds: int) -> None:
    sizes = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
    words = units.span(seconds).split()
    told = sum(int(n) * sizes[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert told <= seconds < told + sizes[words[-1]] * 60


def size_of(unit: str) -> int:
    """How many bytes it stands for."""
    return int(1024 ** units.UNITS.index(unit))
