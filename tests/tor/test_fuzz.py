"""Anything at all from a control port, for some ten seconds; ``benchmarks/fuzz.py`` goes on."""

from anything import Example, check, examples
from hypothesis import given, settings
from properties import PROPERTY


@settings(PROPERTY, max_examples=800)
@given(examples)
def test_whatever_comes_is_read_placed_and_drawn(example: Example) -> None:
    check(example)
