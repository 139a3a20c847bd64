"""Run the check of ``test_fuzz.py`` with new examples, for any time.

    python tests/benchmarks/fuzz.py [SECONDS] [SEED]

Prints the number of examples checked. If one fails, prints it after shrinking it, with the seed to
repeat it, and exits with 1.
"""

import random
import sys
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fuzz_examples import Example, check, examples

EXAMPLES_PER_SEED = 500


def check_examples(number: int) -> None:
    """Check the examples of one seed."""

    @seed(number)
    @settings(
        max_examples=EXAMPLES_PER_SEED,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples)
    def check_any(example: Example) -> None:
        check(example)

    check_any()


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    number = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    end, checked = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        try:
            check_examples(number)
        except Exception:  # noqa: BLE001 - any exception is a finding
            traceback.print_exc()
            print(f"to repeat it: python tests/benchmarks/fuzz.py 1 {number}")
            return 1
        checked, number = checked + EXAMPLES_PER_SEED, number + 1
        print(f"{checked} examples passed; next seed {number}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
