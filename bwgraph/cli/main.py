"""The start of the program: verbs, options, error messages and exit codes.

Owns the table of verbs, and which code runs for which options. Exit codes: 0 success, 1 failure,
2 wrong use. After SIGTERM or SIGHUP the terminal is restored, and then the signal ends the program.
--json, --csv and --headless without --duration exit with 0 instead. If the reader of standard
output exits, SIGPIPE ends the program. Must not load what only some runs need.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from bwgraph.cli import arguments, resources
from bwgraph.cli.arguments import UsageError
from bwgraph.model.errors import ExplainedError
from bwgraph.system import stdio
from bwgraph.system.stdio import EXIT_OK, write_error


def main(words: Sequence[str] | None = None) -> int:
    """Run bwgraph with the words of a command line, and return its exit code.

    ``words`` are those after the program's name; None: those of this process. Raises SystemExit
    after a usage error, and for ``--help`` and ``--version``.
    """
    words = sys.argv[1:] if words is None else words
    try:
        verb = VERBS.get(words[0]) if words else None
        return _run(words) if verb is None else verb(words[1:])
    except UsageError as error:
        arguments.parser().error(str(error))
    except ExplainedError as error:
        return write_error(error.cause, error.remedy)
    except KeyboardInterrupt:  # outside the screen, which reads ^C as a key
        return EXIT_OK


def _print(words: Sequence[str]) -> int:
    return stdio.write(resources.text(arguments.parse_print(words)).removesuffix("\n"))


VERBS: dict[str, Callable[[Sequence[str]], int]] = {"print": _print}
"The functions that run for a first word that is a verb. They get the words after it."


def _run(words: Sequence[str]) -> int:
    """Show the graph, or write one-shot output or lines, as the options say."""
    from bwgraph.cli import options as options_module  # noqa: PLC0415 - a verb does without these
    from bwgraph.cli import services  # noqa: PLC0415 - as above
    from bwgraph.tor import credentials as credentials_module  # noqa: PLC0415 - as above
    from bwgraph.tor.credentials import Credentials  # noqa: PLC0415 - as above

    credentials = Credentials()
    with ExitStack() as stack:
        try:
            options = options_module.read(words, os.environ, sys.platform, VERBS.keys())
            targets = services.find_targets(options, os.environ)
            store = stack.enter_context(services.store_for_run(options))
            if options.is_one_shot or options.runs_without_screen:
                from bwgraph.cli import headless  # noqa: PLC0415 - the graph does without

                one_shot = options.is_one_shot
                run = headless.print_once if one_shot else headless.run_without_screen
            else:
                from bwgraph.cli import live  # noqa: PLC0415 - needs curses

                live.check_terminal(options, os.environ)
                run = live.show
            if options.replay is None:
                credentials = credentials_module.read_credentials(options.password_file, os.environ)
        except ValueError as error:
            raise UsageError(str(error)) from None
        return run(options, targets, credentials, store)
