"""Format and parse rates, amounts and lengths of time.

Owns the units and the round rates at which a scale may end. Must not know what the numbers measure.

Amounts are in bytes, with binary units as in torrc: 1 KiB is 1024 bytes. Rates are shown in bytes
with binary units or in bits with decimal units. In the code all rates are in bytes a second.
"""

import re
from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import NamedTuple

SIZE_NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
"The units of amounts, each 1024 times the one before."

UNKNOWN_TEXT = "-"
"The text for an unknown number."

MANTISSAS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"The round rates of each unit."


class Quantity(NamedTuple):
    """A number as text, with its unit."""

    number: str
    unit: str

    @property
    def short(self) -> str:
        """The number and the first letter of the unit.

        >>> format_bytes(13_002_342).short, format_bytes(0).short
        ('12.4M', '0B')
        """
        return self.number + self.unit[0]

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"


def _quantity(amount: float, base: int, names: tuple[str, ...]) -> Quantity:
    """Return an amount with two or three significant digits, in the unit that suits it."""
    power = 0
    while round(amount) >= 1000 and power < len(names) - 1:
        amount /= base
        power += 1
    number = f"{amount:.0f}" if power == 0 or amount >= 99.95 else f"{amount:.1f}"
    return Quantity(number, names[power])


class Units(NamedTuple):
    """A family of units to show rates in. All arguments and results are in bytes a second."""

    name: str
    "The name by which the user chooses them."
    base: int
    "The ratio of one unit to the next smaller."
    per_byte: int
    "The smallest units that make a byte: 1 or 8."
    names: tuple[str, ...]
    "The units, the smallest first."

    def format_rate(self, amount: float | None) -> str:
        """Format a rate with its unit.

        >>> [BYTES.format_rate(rate) for rate in (13_002_342, 17, None)]
        ['12.4 MiB/s', '17 B/s', '-']
        >>> BITS.format_rate(13_002_342)
        '104 Mbit/s'
        """
        if amount is None:
            return UNKNOWN_TEXT
        return str(_quantity(amount * self.per_byte, self.base, self.names))

    def format_short_rate(self, amount: float | None) -> str:
        """Format a rate in at most five characters.

        >>> BYTES.format_short_rate(13_002_342), BYTES.format_short_rate(None)
        ('12.4M', '-')
        >>> BITS.format_short_rate(125)
        '1.0k'
        """
        if amount is None:
            return UNKNOWN_TEXT
        return _quantity(amount * self.per_byte, self.base, self.names).short

    @property
    def steps(self) -> tuple[int, ...]:
        """The round rates at which a scale may end: 1, 2, 5, 10, ... from 1 KiB/s or 1 kbit/s up.

        >>> BYTES.steps[:4], BITS.steps[:4]
        ((1024, 2048, 5120, 10240), (125, 250, 625, 1250))
        """
        return _steps(self)

    def round_up(self, amount: float) -> int:
        """Return the lowest step that is not below a rate, or the highest step if there is none.

        >>> BYTES.round_up(0), BYTES.round_up(1025), BYTES.round_up(1e30) == BYTES.steps[-1]
        (1024, 2048, True)
        """
        steps = _steps(self)
        return steps[min(bisect_left(steps, amount), len(steps) - 1)]

    def lower(self, step: int, times: int) -> int:
        """Return the step that is ``times`` steps below this rate, or above it if negative.

        The result is limited to the lowest and the highest step.

        >>> BYTES.lower(5120, 1), BYTES.lower(5120, 9), BYTES.lower(5120, -1)
        (2048, 1024, 10240)
        """
        steps = _steps(self)
        # From a rate between two steps, the nearest step in either direction is one step away.
        index = bisect_left(steps, step) if times >= 0 else bisect_right(steps, step) - 1
        return steps[min(max(index - times, 0), len(steps) - 1)]

    def divisions(self, step: int, count: int) -> list[tuple[float, str]]:
        """Divide a step into ``count`` equal parts: return the rate and the label at each.

        The highest comes first, and its label alone has the unit, which is the unit of all. Return
        an empty list if the labels would not be round numbers.

        >>> BYTES.divisions(20 * 1024, 4)
        [(20480.0, '20 KiB/s'), (15360.0, '15'), (10240.0, '10'), (5120.0, '5')]
        >>> [label for _, label in BITS.divisions(625_000, 5)], BYTES.divisions(50 * 1024, 4)
        (['5 Mbit/s', '4', '3', '2', '1'], [])
        """
        shown = step * self.per_byte
        power = max((p for p in range(len(self.names)) if shown >= self.base**p), default=0)
        number = shown / self.base**power
        if (count == 4) is not f"{number:g}".startswith(("2", "4")) and count > 2:
            return []
        parts = [(step * i / count, f"{number * i / count:g}") for i in range(count, 0, -1)]
        return [
            (rate, f"{label} {self.names[power]}" if rate == step else label)
            for rate, label in parts
        ]

    def decades(self, step: int, floor: float) -> list[tuple[float, str]]:
        """Return the rates and labels of a logarithmic scale, from ``step`` down to ``floor``.

        >>> [label for _, label in BYTES.decades(2 * 1024**2, 1024)]
        ['2 MiB/s', '1 MiB/s', '100 KiB/s', '10 KiB/s', '1 KiB/s']
        """
        decades = [
            rate / self.per_byte
            for power in range(len(self.names) - 1, -1, -1)
            for rate in (100 * self.base**power, 10 * self.base**power, self.base**power)
        ]
        rates = [step, *(rate for rate in decades if floor <= rate < step)]
        return [(rate, self.format_round(rate)) for rate in rates]

    def format_round(self, amount: float) -> str:
        """Format a rate without trailing zeros."""
        shown = _quantity(amount * self.per_byte, self.base, self.names)
        return f"{float(shown.number):g} {shown.unit}"


@lru_cache
def _steps(units: Units) -> tuple[int, ...]:
    return tuple(
        mantissa * units.base**power // units.per_byte
        for power in range(1, len(units.names))
        for mantissa in MANTISSAS
    )


BYTES = Units("bytes", 1024, 1, tuple(f"{name}/s" for name in SIZE_NAMES))
BITS = Units("bits", 1000, 8, ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s", "Ebit/s"))

UNITS = {units.name: units for units in (BYTES, BITS)}
"The units that the user can choose from, by name."


def format_bytes(amount: float) -> Quantity:
    """Return an amount of bytes with two or three significant digits and a binary unit.

    >>> [str(format_bytes(n)) for n in (0, 999, 1023.7, 1536, 1_048_524, 10**13)]
    ['0 B', '999 B', '1.0 KiB', '1.5 KiB', '1.0 MiB', '9.1 TiB']
    """
    return _quantity(amount, 1024, SIZE_NAMES)


def format_size(amount: float) -> str:
    """Format an amount of bytes with its unit.

    >>> format_size(1_363_148_800)
    '1.3 GiB'
    """
    return str(format_bytes(amount))


_RATE = re.compile(
    r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,6})?)\s*(?P<prefix>[kmgt]?)(?P<unit>ib|b|bits?|)(?P<per>/s|ps)?",
    re.IGNORECASE,
)


def parse_rate(text: str) -> int:
    """Return the rate that a text states, in bytes a second.

    ``B`` and no unit mean bytes, ``bit`` and ``bps`` mean bits. ``KiB``, ``MiB`` and bare ``K``,
    ``M`` are binary; ``kB``, ``MB`` and all prefixes of bits are decimal. A rate above the highest
    step is lowered to it. Raises ValueError if the text is not a rate or the rate is below 1 B/s.

    >>> parse_rate("20MiB/s") == parse_rate("20 M") == 20 * 1024**2, parse_rate("1.5 Mbit/s")
    (True, 187500)
    >>> parse_rate("plenty")
    Traceback (most recent call last):
        ...
    ValueError: 'plenty' is not a rate, such as 20MiB, 500KiB or 100Mbit
    """
    match = _RATE.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a rate, such as 20MiB, 500KiB or 100Mbit"
        raise ValueError(message)
    unit = "bit" if match["unit"] + (match["per"] or "") == "bps" else match["unit"].lower()
    base = 1024 if unit in {"ib", ""} else 1000
    power = " kmgt".index(match["prefix"].lower() or " ")
    rate: float = float(match["number"]) * base**power
    whole = round(rate / 8 if unit.startswith("bit") else rate)
    if whole < 1:
        message = f"must be at least 1 B/s, not {text!r}"
        raise ValueError(message)
    return min(whole, BYTES.steps[-1])


def format_span(seconds: float) -> str:
    """Format a length of time in its two largest units, or in seconds below two minutes.

    >>> [format_span(s) for s in (0.4, 72, 150, 3600, 266_400)]
    ['0 s', '72 s', '2 min 30 s', '1 h', '3 d 2 h']
    """
    rest = int(seconds)
    if rest < 120:
        return f"{rest} s"
    parts: list[str] = []
    for name, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def format_exact_span(seconds: int) -> str:
    """Format a length of time in the largest unit that divides it.

    >>> [format_exact_span(s) for s in (1, 90, 60, 900, 21_600, 86_400)]
    ['1 s', '90 s', '1 min', '15 min', '6 h', '1 d']
    """
    for name, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {name}"
    return f"{seconds} s"


_SPAN = re.compile(r"(?P<number>[0-9]{1,9})\s*(?P<unit>s|m|min|h|d|)")
_LENGTHS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def parse_span(text: str) -> int:
    """Return the length of time that a text states, in seconds.

    Raises ValueError if the text is not a length of time.

    >>> parse_span("90"), parse_span("15 min"), parse_span("1h")
    (90, 900, 3600)
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a length of time, such as 90s, 15m, 6h or 1d"
        raise ValueError(message)
    return int(match["number"]) * _LENGTHS[match["unit"]]
