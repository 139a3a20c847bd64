"""A scale converts rates to heights, rises at once, falls in steps, and has round labels."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.screen import scale
from bwgraph.screen.layout import GUTTER_CELLS
from bwgraph.screen.plot import UNKNOWN_BAR
from bwgraph.screen.scale import HOLD_S, MAX_FALLS, Scale
from bwgraph.screen.units import BITS, BYTES, UNITS, Units

KIB = 1024
MIB = 1024**2

EITHER = st.sampled_from([BYTES, BITS])
SECONDS = st.sampled_from([1, 5, 15, 60, 86_400])
LARGEST = float(BITS.steps[-1])
TRACE = 1e-9
"A rate far below any real one, in bytes a second."

ABOVE_ZERO = st.floats(min_value=TRACE, max_value=LARGEST)
RATES = st.just(0.0) | ABOVE_ZERO
CEILINGS = st.integers(1, BYTES.steps[-1]) | EITHER.flatmap(lambda u: st.sampled_from(u.steps))
SCALES = CEILINGS.flatmap(lambda top: st.sampled_from([Scale(top), Scale(top, scale.floor(top))]))


# Heights.


@PROPERTY
@given(SCALES, RATES, RATES, st.integers(1, 500))
def test_larger_rate_is_never_lower(each: Scale, one: float, other: float, top: int) -> None:
    less, more = sorted((one, other))
    assert 0 <= each.level(less, top) <= each.level(more, top) <= top


@PROPERTY
@given(SCALES, ABOVE_ZERO, st.integers(1, 500))
def test_only_a_rate_of_zero_has_no_height(each: Scale, value: float, top: int) -> None:
    assert each.level(value, top) >= 1
    assert each.level(0.0, top) == 0


@PROPERTY
@given(SCALES, st.integers(1, 500))
def test_ceiling_is_at_the_top(each: Scale, top: int) -> None:
    assert each.level(each.ceiling, top) == top


def test_each_decade_of_a_logarithmic_scale_has_the_same_height() -> None:
    each = Scale(1_000_000, 1000.0)
    assert [each.level(10**power, 300) for power in range(2, 8)] == [1, 1, 100, 200, 300, 300]
    assert [Scale(1_000_000).level(10**power, 300) for power in range(2, 7)] == [1, 1, 3, 30, 300]


def test_bars_have_means_and_peaks_and_clipped_peaks_exceed_the_top() -> None:
    assert Scale(100).bars(
        [None, 0.0, 0.0, 1e-9, 50.0, 100.0, 100.1, 20.0],
        [7.0, 0.0, 25.0, 1e-9, 75.0, 100.0, 100.1, 500.0],
        8,
    ) == [UNKNOWN_BAR, (0, 0), (0, 2), (1, 1), (4, 6), (8, 8), (8, 9), (2, 9)]


@PROPERTY
@given(SCALES, st.lists(st.none() | RATES, max_size=50), st.integers(1, 400))
def test_any_bar_is_at_most_one_step_above_the_top(
    each: Scale, means: list[float | None], top: int
) -> None:
    for mean, bar in zip(means, each.bars(means, means, top), strict=True):
        if mean is None:
            assert bar == UNKNOWN_BAR
        else:
            mean_height, peak_height = bar
            assert 0 <= mean_height <= top
            assert mean_height <= peak_height <= top + 1
            assert (peak_height == top + 1) is (mean > each.ceiling)


# How the ceiling falls.


@pytest.mark.parametrize(
    ("resolution", "ages"),
    [
        # The ceiling by the buckets since the spike was last visible: each step lasts ten seconds.
        (1, {0: 1024, 9: 1024, 10: 500, 19: 500, 20: 200, 30: 100, 40: 50, 50: 20, 60: 10, 70: 5}),
        (5, {0: 1024, 1: 1024, 2: 500, 3: 500, 4: 200, 6: 100, 8: 50, 10: 20, 12: 10, 14: 5}),
        (60, {0: 1024, 1: 500, 2: 200, 3: 100, 4: 50, 5: 20, 6: 10, 7: 5}),
    ],
)
def test_ceiling_falls_step_by_step_after_a_spike(resolution: int, ages: dict[int, int]) -> None:
    visible = 20
    quiet = [3000.0] * 200
    # It rises at once, and stays while the spike is visible.
    assert kib([*quiet, 900_000.0], visible, resolution) == 1024
    assert kib([*quiet, 900_000.0, *quiet[: visible - 1]], visible, resolution) == 1024
    after = {
        age: kib([*quiet, 900_000.0, *quiet[: visible + age]], visible, resolution)
        for age in range(max(ages) + 40)
    }
    assert {age: after[age] for age in ages} == ages
    # It stays at 5 KiB/s, the step above the quiet rate.
    assert {after[age] for age in after if age > max(ages)} == {5}
    lengths = [list(after.values()).count(step) for step in (1024, 500, 200, 100, 50, 20, 10)]
    assert {length * resolution for length in lengths} == {max(HOLD_S, resolution)}


def test_second_spike_raises_a_falling_ceiling_at_once() -> None:
    quiet = [3000.0] * 60
    falling = [900_000.0, *quiet[:45]]
    assert kib(falling, 20, 1) == 200
    assert kib([*falling, 400_000.0], 20, 1) == 500
    assert kib([*falling, 150_000.0], 20, 1) == 200


def test_ceiling_stays_if_a_spike_recurs_within_ten_seconds() -> None:
    rates = [90_000.0 if i % 9 == 0 else 3000.0 for i in range(300)]
    assert {kib(rates[:end], 1, 1) for end in range(20, 300)} == {100}


def test_ceiling_in_bits_falls_by_decimal_steps() -> None:
    spike = [900_000.0] + [100.0] * 25
    assert scale.ceiling(spike[:1], 5, 1, BITS) * 8 == 10_000_000
    assert scale.ceiling(spike[:16], 5, 1, BITS) * 8 == 5_000_000


@PROPERTY
@given(st.lists(RATES, max_size=200), st.integers(0, 150), SECONDS, EITHER)
def test_ceiling_is_a_step_and_not_below_a_visible_peak(
    peaks: list[float], visible: int, resolution: int, units: Units
) -> None:
    top = scale.ceiling(peaks, visible, resolution, units)
    assert top in units.steps
    assert top >= max(peaks[-visible:] if visible else [], default=0.0)


@PROPERTY
@given(st.lists(RATES, max_size=200), RATES, st.integers(1, 150), SECONDS, EITHER)
def test_ceiling_rises_at_once_to_the_step_above_a_new_peak(
    peaks: list[float], new: float, visible: int, resolution: int, units: Units
) -> None:
    before = scale.ceiling(peaks, visible, resolution, units)
    after = scale.ceiling([*peaks, new], visible, resolution, units)
    assert after >= new
    if after > before:
        assert after == units.round_up(new)


@PROPERTY
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=90), st.integers(1, 30), SECONDS, EITHER)
def test_ceiling_falls_one_step_at_a_time_and_holds_each(
    peaks: list[float], visible: int, resolution: int, units: Units
) -> None:
    # A peak further back is forgotten, by more than one step if need be.
    peaks = peaks[: visible + scale.lookback_buckets(resolution)]
    tops = [
        units.steps.index(scale.ceiling(peaks[:end], visible, resolution, units))
        for end in range(1, len(peaks) + 1)
    ]
    falls = [i for i, (old, new) in enumerate(pairwise(tops)) if new < old]
    assert all(tops[i] - tops[i + 1] == 1 for i in falls)
    assert all((later - earlier) * resolution >= HOLD_S for earlier, later in pairwise(falls))


@settings(PROPERTY, max_examples=40)
@given(st.lists(st.floats(0, 1e12), min_size=90, max_size=160), st.integers(1, 30), SECONDS)
def test_buckets_before_the_memory_do_not_affect_the_ceiling(
    peaks: list[float], visible: int, resolution: int
) -> None:
    needed = peaks[-visible - scale.lookback_buckets(resolution) :]
    assert scale.ceiling(peaks, visible, resolution, BYTES) == scale.ceiling(
        needed, visible, resolution, BYTES
    )


@PROPERTY
@given(st.lists(st.floats(0, 1e9), max_size=60), st.integers(1, 40), SECONDS)
def test_zeros_before_the_first_bucket_do_not_affect_the_ceiling(
    peaks: list[float], visible: int, resolution: int
) -> None:
    assert kib([0.0] * 7 + peaks, visible, resolution) == kib(peaks, visible, resolution)


@PROPERTY
@given(st.lists(RATES, max_size=200), st.integers(1, 40), st.integers(0, 40), SECONDS)
def test_ceiling_of_a_wider_window_is_not_lower(
    peaks: list[float], visible: int, more: int, resolution: int
) -> None:
    narrow = scale.ceiling(peaks, visible, resolution, BYTES)
    wide = scale.ceiling(peaks, visible + more, resolution, BYTES)
    assert narrow <= wide


def test_memory_covers_the_steps_of_a_fall() -> None:
    assert {scale.lookback_buckets(resolution) // MAX_FALLS for resolution in (15, 60, 86_400)} == {
        1
    }
    assert scale.lookback_buckets(1) == MAX_FALLS * HOLD_S


@pytest.mark.parametrize("peaks", [[], [0.0, 0.0]])
@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS)
def test_ceiling_without_traffic_is_the_lowest_step(peaks: list[float], units: Units) -> None:
    assert scale.ceiling(peaks, 10, 1, units) == scale.p99_ceiling(peaks, units) == units.steps[0]


# Ceilings at the 99th percentile, and logarithmic scales.


@pytest.mark.parametrize(
    ("count", "spikes", "ignored"),
    [(99, 1, False), (100, 1, True), (199, 2, False), (200, 2, True), (100, 0, True)],
)
def test_p99_ceiling_ignores_one_in_a_hundred(count: int, spikes: int, ignored: bool) -> None:
    peaks = [9e6] * spikes + [1000.0] * (count - spikes)
    assert (scale.p99_ceiling(peaks, BYTES) == KIB) is ignored


def test_p99_ceiling_does_not_count_seconds_without_traffic() -> None:
    # Otherwise all the traffic of a mostly idle tor would be clipped.
    assert scale.p99_ceiling([0.0] * 1000 + [9e6] * 5, BYTES) == 10 * MIB


@PROPERTY
@given(st.lists(RATES, max_size=300), EITHER)
def test_any_p99_ceiling_is_a_step_that_at_most_one_percent_exceed(
    peaks: list[float], units: Units
) -> None:
    top = scale.p99_ceiling(peaks, units)
    assert top in units.steps
    moved = [peak for peak in peaks if peak > 0]
    assert sum(peak > top for peak in moved) <= len(moved) / 100


@PROPERTY
@given(CEILINGS)
def test_logarithmic_scale_has_at_least_three_decades(top: int) -> None:
    floor = scale.floor(top)
    assert 0 < floor <= scale.MAX_LOG_FLOOR_BYTES
    assert top / floor >= scale.MIN_LOG_RANGE * (1 - 1e-9)


# Labels.


@pytest.mark.parametrize(
    ("top", "units", "height", "marks"),
    [
        (10 * KIB, BYTES, 13, {13: "10 KiB/s", 11: "8", 8: "6", 6: "4", 3: "2"}),
        (20 * KIB, BYTES, 13, {13: "20 KiB/s", 10: "15", 7: "10", 4: "5"}),
        (50 * KIB, BYTES, 13, {13: "50 KiB/s", 11: "40", 8: "30", 6: "20", 3: "10"}),
        (500 * KIB, BYTES, 4, {4: "500 KiB/s", 2: "250"}),
        (KIB, BYTES, 10, {10: "1 KiB/s", 8: "0.8", 6: "0.6", 4: "0.4", 2: "0.2"}),
        (12_500_000, BITS, 10, {10: "100 Mbit/s", 8: "80", 6: "60", 4: "40", 2: "20"}),
        (250_000, BITS, 8, {8: "2 Mbit/s", 6: "1.5", 4: "1", 2: "0.5"}),
        (10 * KIB, BYTES, 3, {3: "10 KiB/s"}),
        (10 * KIB, BYTES, 1, {1: "10 KiB/s"}),
        # Pinned, not at a round one: it has its value, and the round ones below have theirs.
        (300 * KIB, BYTES, 12, {12: "300 KiB/s", 8: "200 KiB/s", 6: "150", 4: "100", 2: "50"}),
        (1_560_000, BITS, 10, {10: "12.5 Mbit/s", 8: "10 Mbit/s", 4: "5"}),
        (30 * KIB, BYTES, 2, {2: "30 KiB/s"}),
        # The highest division is too close to the ceiling, so the next one has the unit.
        (11 * KIB, BYTES, 10, {10: "11 KiB/s", 8: "8 KiB/s", 6: "6", 4: "4", 2: "2"}),
        (25 * KIB, BYTES, 5, {5: "25 KiB/s", 2: "10 KiB/s"}),
        # Below the lowest step.
        (500, BYTES, 8, {8: "500 B/s"}),
        (100, BITS, 8, {8: "800 bit/s"}),
        # Round in bits, shown in bytes.
        (125_000, BYTES, 8, {8: "122 KiB/s", 4: "50 KiB/s"}),
    ],
)
def test_labels_are_round_and_evenly_spaced(
    top: int, units: Units, height: int, marks: dict[int, str]
) -> None:
    assert Scale(top).labels(height, units) == marks


@pytest.mark.parametrize(
    ("top", "units", "height", "marks"),
    [
        (MIB, BYTES, 13, {13: "1 MiB/s", 9: "100 KiB/s", 5: "10 KiB/s"}),
        # Its floor is half a KiB/s.
        (500 * KIB, BYTES, 13, {13: "500 KiB/s", 10: "100 KiB/s", 6: "10 KiB/s", 2: "1 KiB/s"}),
        (500 * KIB, BYTES, 4, {4: "500 KiB/s", 2: "10 KiB/s"}),
        (
            125_000_000,
            BITS,
            10,
            {10: "1 Gbit/s", 8: "100 Mbit/s", 5: "1 Mbit/s", 3: "100 kbit/s"},
        ),
        (1, BYTES, 5, {5: "1 B/s"}),
    ],
)
def test_labels_of_a_logarithmic_scale_are_decades(
    top: int, units: Units, height: int, marks: dict[int, str]
) -> None:
    assert Scale(top, scale.floor(top)).labels(height, units) == marks


@PROPERTY
@given(SCALES, EITHER, st.integers(1, 60))
def test_any_labels_are_spaced_and_in_the_row_where_a_bar_of_their_rate_ends(
    each: Scale, units: Units, height: int
) -> None:
    marks = each.labels(height, units)
    assert max(marks) == height
    assert all(above - below >= 2 for above, below in pairwise(sorted(marks, reverse=True)))
    # A ceiling that the user has set is no step, and may leave a label next to the axis.
    assert min(marks) >= min(2, height) or each.ceiling not in units.steps
    unit = ""
    for row, text in sorted(marks.items(), reverse=True):
        number, _, own_unit = text.partition(" ")
        unit = own_unit or unit
        rate = float(number) * units.base ** units.names.index(unit) / units.per_byte
        # The label of a ceiling that is not a step is rounded.
        bar = each.level(rate, 8 * height)
        slack = 0 if rate in units.steps or not own_unit else 1 + 8 * height * 0.06
        assert row * 8 - 8 - slack < bar <= row * 8 + slack


@PROPERTY
@given(CEILINGS, EITHER, st.integers(1, 60), st.booleans())
def test_labels_fit_the_gutter(top: int, units: Units, height: int, logarithmic: bool) -> None:
    each = Scale(top, scale.floor(top) if logarithmic else 0.0)
    set_by_user = top not in units.steps
    room = GUTTER_CELLS - 2 + (units is BITS) + set_by_user
    assert max(map(len, each.labels(height, units).values())) <= room


def kib(peaks: Sequence[float], visible: int, resolution: int) -> int:
    """Return the ceiling in KiB/s."""
    return scale.ceiling(peaks, visible, resolution, BYTES) // KIB
