"""What bwgraph says outside of its screen: on standard output and on standard error.

Owns the exit codes, and what is done where nobody reads any more. Must not know what is said, but
that it may hold what others have written, which is made harmless here.
"""

import os
import sys
from textwrap import indent
from typing import TextIO

from bwgraph.model.printable import printable
from bwgraph.system import signals

FINE, COULD_NOT, WRONG_USE = 0, 1, 2
"Exit codes."


def write_error(cause: str, remedy: str = "", code: int = COULD_NOT) -> int:
    """Tell the user on standard error; returns the exit code to go with it."""
    text = f"bwgraph: {cause}" + (f"\n{indent(remedy, '  ')}" if remedy else "")
    try:
        for line in text.splitlines():
            print(printable(line), file=sys.stderr)  # noqa: T201 - this is where messages go
        if sys.stderr is not None:  # as it is when it was closed before the program began
            sys.stderr.flush()
    except OSError:
        _redirect_to_null(sys.stderr)
    return code


def write(text: str) -> int:
    """Write to standard output what is to be all; returns the exit code to go with it."""
    try:
        print(text, flush=True)  # noqa: T201 - this is what was asked for
    except OSError as error:
        return handle_write_error(error)
    return FINE


def handle_write_error(error: OSError) -> int:
    """End where standard output takes no more; where its reader has gone, as ``cat`` would."""
    _redirect_to_null(sys.stdout)
    if isinstance(error, BrokenPipeError):
        signals.end_by_broken_pipe()
        return FINE
    return write_error(f"standard output: {error.strerror or error}")


def _redirect_to_null(stream: TextIO) -> None:
    """Nobody is left to read this stream: Python must not find out once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
