"""bwgraph as a program with a store, as the tests start it."""

import sys

RUN = "import sys\nfrom bwgraph.__main__ import main\nsys.exit(main())"


OFTEN = """
from bwgraph.store.recorder import Recorder
Recorder.__init__.__kwdefaults__['interval'] = 0.05
"""
"In place of every five seconds."


NO_TOR = (
    "from bwgraph.tor import endpoint\nendpoint.DEFAULT_SOCKETS = endpoint.DEFAULT_PORTS = ()\n"
)
"Whatever runs on this machine: it is looked for at a place where nobody is."


def program(*arguments: str, code: str = "") -> list[str]:
    return [sys.executable, "-c", f"{code}{RUN}", *arguments]
