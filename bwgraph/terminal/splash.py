"""The title that is on the screen until there is a graph.

Loading Python's own modules and ours takes most of the time to that. Owns when there is a title
meanwhile, and that the terminal is given back should there never be a graph. Must not load anything
that takes long itself: neither what reads the command line nor what draws.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import FrameType, TracebackType

from bwgraph.system import signals

TITLE = "bwgraph"

FLAGS = frozenset(
    {
        *("-p", "--port", "-s", "--socket", "--wait", "--demo"),
        *("-i", "--interval", "-u", "--units", "--layout", "--glyphs", "--scale", "--ceiling"),
        "--color",
    }
)
"""With no flags but these it is the graph that is asked for, and nothing is said or read before it:
a file may be a pipe from a program that asks for something itself."""


class Splash:
    """From the first ``with`` on the title is there, if it is to be at all.

    It stays for a ``Terminal`` to draw over. A ``with`` that ends gives the terminal back, if that
    has not been done by then, so that something can be said; there may be one within another.
    """

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self._wanted = wanted(words)
        self._environ = environ
        self._begun = ExitStack()

    def __enter__(self) -> None:
        if self._wanted:
            self._wanted = False
            try:
                self._begin()
            except BaseException:  # such as ^C: it goes on its way, but not with a title on
                self._begun.close()
                raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._begun.close()

    def _begin(self) -> None:
        from bwgraph.terminal import tty  # noqa: PLC0415 - who asks for no graph does without curses

        try:
            tty.check(self._environ)
        except tty.TerminalError:  # which is said later, where there are words for it
            return

        def end(number: int, _: FrameType | None) -> None:
            self._begun.close()
            signals.end_by_signal(number)

        def stop(_: int, __: FrameType | None) -> None:
            shown = tty.leave()
            signals.suspend()
            if shown:
                tty.show(TITLE)

        handlers = signals.unless_ignored(end, signals.FATAL_SIGNALS) | signals.unless_ignored(
            stop, signals.available("SIGTSTP")
        )
        # Before curses, which takes those that nobody has: for good, and to lose some that come
        # while it writes.
        self._begun.enter_context(signals.handled(handlers))
        self._begun.callback(tty.leave)
        tty.show(TITLE)


def wanted(words: Sequence[str]) -> bool:
    """Whether the words of a command line ask for a graph and for nothing before it.

    On Windows there is no title: it is not known whether its curses can begin twice.

    >>> wanted(["--port=9051", "-u", "bits"]), wanted(["--port", "9051", "--once"])
    (True, False)
    """
    flags = (word.partition("=")[0] for word in words if word.startswith("-"))
    return sys.platform != "win32" and all(flag in FLAGS for flag in flags)
