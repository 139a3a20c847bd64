"""Draw the README's picture anew: the screen of the demo, as a terminal holds it.

    python tests/picture.py [SECONDS]

Prints what is on the screen after so many seconds (80), and takes that long.
"""

import sys

from pty_driver import Program


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 80.0
    with Program("--demo", "20", size=(96, 24)) as program:
        program.watch(seconds)
        print("\n".join(f"    {line}".rstrip() for line in program.display()))


if __name__ == "__main__":
    main()
