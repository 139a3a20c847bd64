"""The way in, for the ``bwgraph`` command and ``python -m bwgraph``: the splash, then the rest."""

import os
import sys

from bwgraph.terminal.splash import Splash


def main() -> int:
    """Run bwgraph; returns its exit code."""
    splash = Splash(sys.argv[1:], os.environ)
    try:
        with splash:
            # The rest, which takes its time.
            from bwgraph.cli import main as main_module  # noqa: PLC0415 - as said

            return main_module.main(splash=splash)
    except KeyboardInterrupt:  # while it is loaded: before there is anybody else to take it
        return 0


if __name__ == "__main__":
    sys.exit(main())
