"""Rates, amounts and lengths of time are formatted and parsed."""

import re
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.screen import units
from bwgraph.screen.units import BITS, BYTES, UNITS, Units

KIB = 1024
MIB = 1024**2

AMOUNTS = st.floats(min_value=0, max_value=999 * 1000.0**6 / 8) | st.integers(0, 999 * 1000**6 // 8)
"Amounts of bytes that both families of units have a unit for."

EITHER = st.sampled_from([BYTES, BITS])
STEPS = EITHER.flatmap(lambda each: st.tuples(st.just(each), st.sampled_from(each.steps)))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B/s"),
        (0.4, "0 B/s"),
        (1, "1 B/s"),
        (999.4, "999 B/s"),
        # Three digits of the next unit instead of four of this one.
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
def test_rate_in_bytes_has_a_binary_unit(amount: float | None, text: str) -> None:
    assert BYTES.format_rate(amount) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 bit/s"),
        (0.05, "0 bit/s"),
        (1, "8 bit/s"),
        (124.9, "999 bit/s"),
        (125, "1.0 kbit/s"),
        (128, "1.0 kbit/s"),
        (99_940 / 8, "99.9 kbit/s"),
        (99_950 / 8, "100 kbit/s"),
        (MIB, "8.4 Mbit/s"),
        (12_500_000, "100 Mbit/s"),
        (125_000_000, "1.0 Gbit/s"),
        (1000**6 / 8, "1.0 Ebit/s"),
        (None, "-"),
    ],
)
def test_rate_in_bits_has_a_decimal_unit(amount: float | None, text: str) -> None:
    assert BITS.format_rate(amount) == text


def test_units_are_listed_by_name() -> None:
    assert UNITS == {"bytes": BYTES, "bits": BITS}


@PROPERTY
@given(AMOUNTS)
def test_number_of_any_rate_has_at_most_four_characters(amount: float) -> None:
    number = r"([0-9]{1,3}|[0-9]{1,2}\.[0-9])"
    assert re.fullmatch(number + r" ([KMGTPE]i)?B/s", BYTES.format_rate(amount))
    assert re.fullmatch(number + r" [kMGTPE]?bit/s", BITS.format_rate(amount))


@PROPERTY
@given(AMOUNTS, EITHER)
def test_any_rate_is_rounded_to_its_last_digit(amount: float, each: Units) -> None:
    number, _, unit = each.format_rate(amount).partition(" ")
    last_digit = Fraction(1, 10) if "." in number else Fraction(1)
    # The second term allows for float arithmetic.
    allowed = last_digit * size_of(unit) / 2 + Fraction(amount) / 10**12
    assert abs(Fraction(number) * size_of(unit) - Fraction(amount)) <= allowed


@PROPERTY
@given(AMOUNTS, AMOUNTS, EITHER)
def test_larger_rate_is_never_shown_as_smaller(one: float, other: float, each: Units) -> None:
    less, more = sorted((one, other))
    assert parse(each.format_rate(less)) <= parse(each.format_rate(more))


@PROPERTY
@given(AMOUNTS, EITHER)
def test_terse_rate_has_the_same_number_in_at_most_five_characters(
    amount: float, each: Units
) -> None:
    terse = each.format_short_rate(amount)
    assert len(terse) <= 5
    assert re.fullmatch(r"[0-9.]+[BKMGTPEbk]", terse)
    number, _, unit = each.format_rate(amount).partition(" ")
    assert terse == number + unit[0]


@pytest.mark.parametrize("each", UNITS.values(), ids=UNITS)
def test_unknown_rate_has_no_number(each: Units) -> None:
    assert each.format_short_rate(None) == each.format_rate(None) == units.UNKNOWN_TEXT


def test_amounts_above_the_largest_unit_are_shown_in_it() -> None:
    assert BYTES.format_rate(5000 * 1024**6) == "5000 EiB/s"
    assert BITS.format_rate(1000 * 1000**6) == "8000 Ebit/s"


@PROPERTY
@given(AMOUNTS)
def test_amount_is_shown_as_a_rate_in_bytes_is(amount: float) -> None:
    assert units.format_size(amount) == BYTES.format_rate(amount).removesuffix("/s")
    assert units.format_bytes(amount).short == BYTES.format_short_rate(amount)


# Steps and labels of a scale.


@pytest.mark.parametrize("each", UNITS.values(), ids=UNITS)
def test_steps_are_1_2_5_and_so_on(each: Units) -> None:
    assert all(2 <= Fraction(upper, under) <= 2.5 for under, upper in pairwise(each.steps))
    kilo = each.base // each.per_byte
    assert each.steps[:10] == tuple(
        n * each.base // each.per_byte for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, each.base)
    )
    assert each.steps[0] == kilo


@PROPERTY
@given(st.floats(min_value=0, max_value=float(BITS.steps[-1])), EITHER)
def test_rate_is_rounded_up_to_the_lowest_step_not_below_it(amount: float, each: Units) -> None:
    step = each.round_up(amount)
    assert step in each.steps
    assert step >= amount
    assert all(other < amount for other in each.steps if other < step)


@pytest.mark.parametrize("amount", [1024.0**7, 1e300, float("inf")])
def test_rate_above_all_steps_is_rounded_to_the_highest(amount: float) -> None:
    assert BYTES.round_up(amount) == BYTES.steps[-1]
    assert BITS.round_up(amount) == BITS.steps[-1]


@PROPERTY
@given(STEPS, st.integers(-80, 80))
def test_lower_moves_by_steps_and_stops_at_the_ends(
    unit_and_step: tuple[Units, int], times: int
) -> None:
    each, step = unit_and_step
    index = each.steps.index(step) - times
    assert each.lower(step, times) == each.steps[min(max(index, 0), len(each.steps) - 1)]


@pytest.mark.parametrize(("times", "kib"), [(1, 10), (2, 5), (-1, 20), (-2, 50), (0, 20)])
def test_rate_between_two_steps_is_one_step_from_each(times: int, kib: int) -> None:
    assert BYTES.lower(17 * KIB, times) == kib * KIB


@pytest.mark.parametrize("each", UNITS.values(), ids=UNITS)
def test_labels_of_divisions_state_their_rate_in_the_unit_of_the_first(each: Units) -> None:
    for step in each.steps:
        round_counts = 0
        for count in (1, 2, 4, 5):
            divisions = each.divisions(step, count)
            if not divisions:
                continue
            round_counts += count > 2
            assert len(divisions) == count
            unit = divisions[0][1].partition(" ")[2]
            assert unit in each.names
            for i, (rate, label) in enumerate(divisions):
                assert ("/s" in label) is (i == 0)
                number = label.partition(" ")[0]
                assert len(number) <= len("500")
                assert Fraction(number) * size_of(unit) == Fraction(step * (count - i), count)
                assert rate == pytest.approx(step * (count - i) / count)
        # Either four or five parts are round; one and two parts always are.
        assert round_counts == 1
        assert each.divisions(step, 1)
        assert each.divisions(step, 2)


@pytest.mark.parametrize(
    ("each", "step", "floor", "labels"),
    [
        (BYTES, 10 * KIB, 10.0, ["10 KiB/s", "1 KiB/s", "100 B/s", "10 B/s"]),
        (BYTES, KIB, 1.024, ["1 KiB/s", "100 B/s", "10 B/s"]),
        (BITS, 12_500, 12.5, ["100 kbit/s", "10 kbit/s", "1 kbit/s", "100 bit/s"]),
        (BYTES, 3 * KIB, 1024, ["3 KiB/s", "1 KiB/s"]),
        (BYTES, 17_500, 1024, ["17.1 KiB/s", "10 KiB/s", "1 KiB/s"]),
    ],
)
def test_decades_are_the_powers_of_ten_from_step_to_floor(
    each: Units, step: int, floor: float, labels: list[str]
) -> None:
    assert [label for _, label in each.decades(step, floor)] == labels


@PROPERTY
@given(st.floats(min_value=1, max_value=1e15), EITHER)
def test_any_decades_descend_and_their_labels_state_their_rates(amount: float, each: Units) -> None:
    step = each.round_up(amount)
    decades = each.decades(step, step / 1000)
    assert all(below < above for (above, _), (below, _) in pairwise(decades))
    assert all(step / 1000 <= rate <= step for rate, _ in decades)
    for rate, label in decades:
        assert float(parse(label)) == pytest.approx(rate)


# Parsing.


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1", 1),
        ("500B", 500),
        ("20MiB", 20 * MIB),
        (" 20 mib/s ", 20 * MIB),
        ("20M", 20 * MIB),
        ("20MB", 20_000_000),
        ("1.5KiB/s", 1536),
        ("1.5kB/s", 1500),
        ("100Mbit", 12_500_000),
        ("100 Mbit/s", 12_500_000),
        ("100Mbps", 12_500_000),
        ("100MBps", 100_000_000),
        ("100Mbits", 12_500_000),
        ("8bit", 1),
        ("1T", 1024**4),
        ("999999999999999T", BYTES.steps[-1]),
    ],
)
def test_rate_is_parsed(text: str, rate: int) -> None:
    assert units.parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        *("", "plenty", "-1", "+1", "1e3", "0x10", "1.", ".5", "1 2", "1Mi", "1 MiB/min"),
        *("inf", "nan", "٣", "1" * 16, "1.0000001"),
    ],
)
def test_text_that_is_not_a_rate_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate, such as"):
        units.parse_rate(text)


@pytest.mark.parametrize("text", ["0", "0.0MiB", "0.4B", "3bit"])
def test_rate_below_one_byte_a_second_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=f"^must be at least 1 B/s, not '{text}'$"):
        units.parse_rate(text)


@PROPERTY
@given(STEPS)
def test_formatted_step_is_parsed_as_itself(unit_and_step: tuple[Units, int]) -> None:
    each, step = unit_and_step
    if step * each.per_byte < each.base**5:  # parse_rate knows no prefix above tera
        assert units.parse_rate(each.divisions(step, 1)[0][1]) == step


@PROPERTY
@given(st.text(max_size=12))
def test_any_text_is_a_rate_or_raises_value_error(text: str) -> None:
    try:
        rate = units.parse_rate(text)
    except ValueError:
        return
    assert 1 <= rate <= BYTES.steps[-1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("15 min", 900),
        ("15m", 900),
        ("6h", 21_600),
        ("1d ", 86_400),
    ],
)
def test_length_of_time_is_parsed(text: str, seconds: int) -> None:
    assert units.parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-1", "1.5h", "1w", "1 h 5 min", "1" * 10, "1S", "٣"])
def test_text_that_is_not_a_length_of_time_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time, such as"):
        units.parse_span(text)


# Lengths of time.


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
def test_span_is_formatted_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert units.format_span(seconds) == text


LENGTHS = {"d": 86_400, "h": 3600, "min": 60, "s": 1}


@PROPERTY
@given(st.integers(0, 10**10))
def test_any_span_is_rounded_down(seconds: int) -> None:
    words = units.format_span(seconds).split()
    shown = sum(int(n) * LENGTHS[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert shown <= seconds < shown + LENGTHS[words[-1]] * 60


@PROPERTY
@given(st.integers(1, 10**7) | st.integers(1, 1000).map(lambda n: n * 60))
def test_any_exact_span_is_not_rounded_and_is_parsed_as_itself(seconds: int) -> None:
    text = units.format_exact_span(seconds)
    number, unit = text.split(" ")
    assert int(number) * LENGTHS[unit] == seconds
    assert units.parse_span(text) == seconds


def parse(text: str) -> Fraction:
    """Return a formatted rate in bytes a second."""
    number, unit = text.split(" ")
    return Fraction(number) * size_of(unit)


def size_of(unit: str) -> Fraction:
    """Return a unit of rates in bytes a second."""
    each = BITS if "bit" in unit else BYTES
    return Fraction(each.base ** each.names.index(unit), each.per_byte)
