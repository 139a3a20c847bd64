"""Stand-ins for what the command line starts: the graph, one-shot output, and lines."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Self

import pytest

from bwgraph.cli import main
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Problem, Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output import svg_file
from bwgraph.output.event_queue import EventQueue
from bwgraph.recording.format import Entry
from bwgraph.screen.view import View
from bwgraph.system.clock import Clock, now
from bwgraph.terminal.loop import LoopEnd
from bwgraph.tor.supervisor import TorSource

Captured = pytest.CaptureFixture[str]

VARIABLES = (
    "TOR_CONTROL_IPC_PATH",
    "TOR_CONTROL_HOST",
    "TOR_CONTROL_PORT",
    "TOR_CONTROL_PASSWD",
    "TOR_CONTROL_COOKIE_AUTH_FILE",
    "NO_COLOR",
)
"The environment variables that bwgraph reads."

USAGE = "usage: bwgraph [OPTION]... | bwgraph print WHAT\n"
"The line before each usage error."


def run_main(words: list[str], capsys: Captured) -> tuple[int, str, str]:
    """Run bwgraph and return its exit code, standard output and standard error."""
    try:
        code = main.main(words)
    except SystemExit as error:
        code = int(str(error.code))
    out, err = capsys.readouterr()
    return code, out, err


class FakeScreen:
    """A terminal that is entered and left."""

    entered = 0
    options: tuple[bool, bool] = (False, False)

    def __init__(self, *, utf8: bool, color: bool) -> None:
        type(self).options = (utf8, color)

    def __enter__(self) -> Self:
        type(self).entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        type(self).entered -= 1


class Runs:
    """A stand-in for ``loop.run`` that records its arguments and ends as the test says."""

    def __init__(self) -> None:
        self.endings: list[LoopEnd] = []
        self.fleets: list[Fleet] = []
        self.instances: list[Instance] = []
        "The first tor of each run."
        self.sources: list[TorSource] = []
        "The source of the first tor of each run."
        self.all_sources: list[list[TorSource]] = []
        self.views: list[View] = []
        self.clocks: list[Clock] = []
        self.problem: Problem | None = None

    def __call__(
        self,
        fleet: Fleet,
        sources: Mapping[Instance, Source],
        view: View,
        screen: FakeScreen,
        _: object,
        *,
        save_picture: object,
        clock: Clock,
    ) -> LoopEnd:
        assert screen.entered == 1
        self.clocks.append(clock)
        assert save_picture is svg_file.save_new
        assert tuple(sources) == fleet.instances
        tor_sources = [source for source in sources.values() if isinstance(source, TorSource)]
        self.fleets.append(fleet)
        self.instances.append(fleet.instances[0])
        self.sources += tor_sources[:1]
        self.all_sources.append(tor_sources)
        self.views.append(view)
        if self.problem is not None:
            fleet.handle(fleet.instances[0], self.problem)
        return self.endings.pop(0)

    @property
    def passwords(self) -> list[bytes | None]:
        """The password of the first tor in each run."""
        return [source._credentials.password for source in self.sources]

    @property
    def all_passwords(self) -> list[list[bytes | None]]:
        """The passwords of all tors in each run."""
        return [[source._credentials.password for source in run] for run in self.all_sources]


def first_view(runs: Runs, *words: str) -> View:
    """Show the graph and return the view that it started with."""
    runs.endings = [LoopEnd()]
    assert main.main(words) == 0
    return runs.views.pop()


class OneShot:
    """A stand-in for ``once.watch`` that adds two samples, or fails as the test says."""

    def __init__(self) -> None:
        self.durations: list[float | None] = []
        self.sources: list[TorSource] = []
        self.failure: ExplainedError | None = None
        self.address = "127.0.0.1:9051"
        self.connected_count: int | None = None
        "How many of several tors are connected; None: all."

    def __call__(
        self, sources: Mapping[Instance, Source], fleet: Fleet, seconds: float | None
    ) -> ExplainedError | None:
        self.sources += [source for source in sources.values() if isinstance(source, TorSource)]
        self.durations.append(seconds)
        if self.failure is None:
            moment = now()
            for instance in fleet.instances[: self.connected_count]:
                address = self.address if len(fleet.instances) == 1 else instance.name
                fleet.handle(instance, Connected(moment - 2, address, "0.4.9.11", "fake"))
                for ago in (1.5, 0.5):
                    fleet.handle(instance, Sample(moment - ago, 3 << 20, 1 << 20, 1.0))
        return self.failure


class Lines:
    """A stand-in for ``lines.write_lines`` that writes two entries and records its arguments."""

    def __init__(self) -> None:
        self.calls: list[dict[str, float | None]] = []
        self.meanwhile: Callable[[EventQueue], None] = lambda _: None

    def __call__(
        self,
        queue: EventQueue,
        _: Fleet,
        write: Callable[[Entry], object],
        __: object,
        **arguments: float | None,
    ) -> ExplainedError | None:
        self.calls.append(arguments)
        self.meanwhile(queue)
        write(Entry(datetime(2026, 1, 2, tzinfo=UTC), "a", 7, 3, 1.0))
        write(Entry(datetime(2026, 1, 2, tzinfo=UTC), "a", None, None, 5.0))
        return None


JSON = """\
{"time": "2026-01-02T00:00:00.000Z", "tor": "a", "read": 7, "written": 3, "seconds": 1.0}
{"time": "2026-01-02T00:00:00.000Z", "tor": "a", "read": null, "written": null, "seconds": 5.0}
"""
"What ``Lines`` writes with --json."

CSV = """\
time,tor,read,written,seconds
2026-01-02T00:00:00.000Z,a,7,3,1.0
2026-01-02T00:00:00.000Z,a,,,5.0
"""
