"""Command lines that run bwgraph with a store."""

import sys

_RUN = "import sys\nfrom bwgraph.__main__ import main\nsys.exit(main())"


WRITE_OFTEN = """
from bwgraph.store.recorder import Recorder
Recorder.__init__.__kwdefaults__['interval'] = 0.05
"""
"Code that makes the recorder write 20 times a second."


NO_TOR = (
    "from bwgraph.tor import endpoint\nendpoint.DEFAULT_SOCKETS = endpoint.DEFAULT_PORTS = ()\n"
)
"Code that disables the default endpoints, where a tor of this machine may be."


def program(*arguments: str, code: str = "") -> list[str]:
    """Return a command line that runs ``code`` and then bwgraph."""
    return [sys.executable, "-c", f"{code}{_RUN}", *arguments]
