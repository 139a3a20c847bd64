"""As ``test_fuzz.py``, with examples that nobody has tried yet, for as long as one likes.

    python tests/benchmarks/fuzz.py [SECONDS] [SEED]

Prints how many were tried. The first that fails is made as small as can be and printed, with the
seed to try the same ones again, and ends it with 1.
"""

import random
import sys
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from anything import Example, check, examples

ROUND = 500
"Examples of one seed."


def round_of(number: int) -> None:
    """Try those of one seed."""

    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples)
    def any_of_them(example: Example) -> None:
        check(example)

    any_of_them()


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    number = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    end, tried = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        try:
            round_of(number)
        except Exception:  # noqa: BLE001 - whatever it is, it has been found
            traceback.print_exc()
            print(f"to try it again: python tests/benchmarks/fuzz.py 1 {number}")
            return 1
        tried, number = tried + ROUND, number + 1
        print(f"{tried} examples, all well; next seed {number}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
