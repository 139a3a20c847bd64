"""Arbitrary data from a control port, for about ten seconds; ``benchmarks/fuzz.py`` runs longer."""

from fuzz_examples import Example, check, examples
from hypothesis import given, settings
from properties import PROPERTY


@settings(PROPERTY, max_examples=800)
@given(examples)
def test_any_data_is_read_stored_and_drawn(example: Example) -> None:
    check(example)
