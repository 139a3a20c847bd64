"""Standard output and standard error, outside of the screen.

Owns the exit codes, and what happens when nobody reads the output any more. Must not know what the
text means. It makes control characters in error messages harmless.
"""

import os
import sys
from textwrap import indent
from typing import TextIO

from bwgraph.model.printable import printable
from bwgraph.system import signals

EXIT_OK, EXIT_FAILURE, EXIT_USAGE = 0, 1, 2
"Exit codes."


def write_error(cause: str, remedy: str = "", code: int = EXIT_FAILURE) -> int:
    """Write a message to standard error; return ``code``, the exit code that goes with it."""
    text = f"bwgraph: {cause}" + (f"\n{indent(remedy, '  ')}" if remedy else "")
    try:
        for line in text.splitlines():
            print(printable(line), file=sys.stderr)  # noqa: T201 - this is where messages go
        if sys.stderr is not None:  # None if it was closed before the program started
            sys.stderr.flush()
    except OSError:
        _redirect_to_null(sys.stderr)
    return code


def write(text: str) -> int:
    """Write to standard output; return the exit code that goes with it."""
    try:
        print(text, flush=True)  # noqa: T201 - this is the program's output
    except OSError as error:
        return handle_write_error(error)
    return EXIT_OK


def handle_write_error(error: OSError) -> int:
    """Report that standard output could not be written; return the exit code.

    If its reader has gone, end the program by SIGPIPE, without a message.
    """
    _redirect_to_null(sys.stdout)
    if isinstance(error, BrokenPipeError):
        signals.end_by_broken_pipe()
        return EXIT_OK
    return write_error(f"standard output: {error.strerror or error}")


def _redirect_to_null(stream: TextIO) -> None:
    """Redirect the stream to the null device, so that the flush at exit does not fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
