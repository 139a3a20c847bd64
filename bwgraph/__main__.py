"""``python -m bwgraph``: the same program as the ``bwgraph`` command."""

import sys

from bwgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
