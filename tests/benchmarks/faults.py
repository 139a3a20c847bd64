"""Code to run before bwgraph that breaks it, to check that a soak finds the fault."""

BANDWIDTH = """
from bwgraph.tor.connection import Connection
original, seen = Connection._on_bandwidth, []
def changed(self, read, written):
    seen.append(0)
    {}
Connection._on_bandwidth = changed
"""

FAULTS = {
    "lost": BANDWIDTH.format("if len(seen) % 40: original(self, read, written)"),
    "twice": BANDWIDTH.format(
        "for _ in range(1 + (len(seen) % 40 == 0)): original(self, read, written)"
    ),
    "memory": BANDWIDTH.format("seen.append(b'x' * 100_000); original(self, read, written)"),
    "descriptor": "import os\n"
    + BANDWIDTH.format("len(seen) % 40 or os.dup(1); original(self, read, written)"),
    "thread": "import threading\n"
    + BANDWIDTH.format(
        "len(seen) % 40 or threading.Thread(target=threading.Event().wait, daemon=True).start();"
        " original(self, read, written)"
    ),
    "error": BANDWIDTH.format("original(self, read, written); len(seen) % 40 or 1 / 0"),
    "terminal": "import curses\ncurses.endwin = lambda: None\n",
}
"The code by the name of the fault."
