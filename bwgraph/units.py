"""Numbers as people read them: rates, spans of time, and the round steps of a scale.

Bytes are binary here, as in tor's own torrc: 1 KiB is 1024 bytes. Knows nothing of what the
numbers are about.
"""

from bisect import bisect_left
from dataclasses import dataclass

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

STEPS: tuple[int, ...] = tuple(
    mantissa * 1024**power
    for power in range(1, 7)
    for mantissa in (1, 2, 5, 10, 20, 50, 100, 200, 500)
)
"The round numbers that a scale may end at, in bytes a second: 1-2-5 from 1 KiB/s up."

UNKNOWN = "-"
"What stands for a number that nobody knows."


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of bytes in the unit that suits it."""

    number: str
    unit: str

    @property
    def terse(self) -> str:
        """As few characters as carry the meaning: ``12.4M``.

        >>> quantity(13_002_342).terse, quantity(0).terse
        ('12.4M', '0B')
        """
        return self.number + self.unit[0]


def quantity(amount: float) -> Quantity:
    """Two or three significant digits and a binary unit.

    >>> [f"{q.number} {q.unit}" for q in map(quantity, (0, 999, 1023.7, 1536, 1_048_524, 10**13))]
    ['0 B', '999 B', '1.0 KiB', '1.5 KiB', '1.0 MiB', '9.1 TiB']
    """
    power = 0
    while round(amount) >= 1000 and power < len(UNITS) - 1:
        amount /= 1024
        power += 1
    number = f"{amount:.0f}" if power == 0 or amount >= 99.95 else f"{amount:.1f}"
    return Quantity(number, UNITS[power])


def size(amount: float) -> str:
    """An amount of bytes, spelt out.

    >>> size(1_363_148_800)
    '1.3 GiB'
    """
    shown = quantity(amount)
    return f"{shown.number} {shown.unit}"


def rate(amount: float | None) -> str:
    """Bytes a second, spelt out.

    >>> rate(13_002_342), rate(17), rate(None)
    ('12.4 MiB/s', '17 B/s', '-')
    """
    if amount is None:
        return UNKNOWN
    return f"{size(amount)}/s"


def terse_rate(amount: float | None) -> str:
    """A rate where there is hardly room for one.

    >>> terse_rate(13_002_342), terse_rate(None)
    ('12.4M', '-')
    """
    return UNKNOWN if amount is None else quantity(amount).terse


def round_up(amount: float) -> int:
    """The first round step that an amount fits under.

    >>> round_up(0), round_up(1025), round_up(501 * 1024) == 1024**2, round_up(1e30) == STEPS[-1]
    (1024, 2048, True, True)
    """
    return STEPS[min(bisect_left(STEPS, amount), len(STEPS) - 1)]


def lower(step: int, times: int) -> int:
    """The step so many steps below this one, or the lowest there is.

    >>> lower(5120, 1), lower(5120, 9)
    (2048, 1024)
    """
    return STEPS[max(bisect_left(STEPS, step) - times, 0)]


def ticks(step: int, rows: int) -> dict[int, str]:
    """The round marks of a scale that ends at ``step``, by their height in rows from the ground.

    As many as stand exactly on a row's upper edge with two rows or more to each. The unit stands
    at the topmost only; the others are in the same.

    >>> ticks(20 * 1024, 8)
    {8: '20 KiB/s', 6: '15', 4: '10', 2: '5'}
    >>> ticks(50 * 1024, 7)
    {7: '50 KiB/s'}
    """
    power = len(UNITS) - 1
    while step < 1024**power:
        power -= 1
    whole = step // 1024**power
    divisions = (4, 2) if str(whole).startswith("2") else (5, 2)
    count = next((n for n in divisions if rows % n == 0 and rows // n >= 2), 1)
    marks = {rows * i // count: f"{whole * i / count:g}" for i in range(count, 0, -1)}
    marks[rows] += f" {UNITS[power]}/s"
    return marks


def span(seconds: float) -> str:
    """A length of time, in its two largest units; less than two minutes in seconds.

    >>> [span(s) for s in (0.4, 72, 150, 3600, 266_400)]
    ['0 s', '72 s', '2 min 30 s', '1 h', '3 d 2 h']
    """
    left = int(seconds)
    if left < 120:
        return f"{left} s"
    parts: list[str] = []
    for name, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])
