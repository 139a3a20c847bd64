"""The entry point of the ``bwgraph`` command and of ``python -m bwgraph``.

Imports the package inside main(), so that ^C during the imports ends without a traceback.
"""

import sys


def main() -> int:
    """Run bwgraph and return its exit code."""
    try:
        from bwgraph.cli import main as main_module  # noqa: PLC0415 - see the module's docstring

        return main_module.main()
    except KeyboardInterrupt:  # during the imports
        return 0


if __name__ == "__main__":
    sys.exit(main())
