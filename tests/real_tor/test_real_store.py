"""A store of a real tor's traffic: exact to the byte, across a kill, named by its endpoint."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pty_driver import Program, environment
from store_programs import NO_TOR, WRITE_OFTEN, program
from tor_process import Control, RealTor, needs_tor

from bwgraph.store.database import Store
from bwgraph.store.restore import SeriesKey
from bwgraph.system.clock import now

pytestmark = needs_tor


@pytest.fixture(scope="module")
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealTor]:
    with RealTor(tmp_path_factory.mktemp("tor")) as tor:
        yield tor


def stored(path: Path, tor: RealTor) -> tuple[int, float]:
    """Return the stored bytes read and covered seconds of a tor."""
    with closing(Store(str(path), read_only=True)) as store:
        entries = store.read(SeriesKey(f"127.0.0.1:{tor.port}"), now())
    hours = [entry.portion for entry in entries if entry.resolution == 3600]
    return sum(portion.read for portion in hours), sum(portion.seconds for portion in hours)


def test_each_byte_is_stored_and_the_next_run_continues(tor: RealTor, tmp_path: Path) -> None:
    path = tmp_path / "past.db"
    environ = environment(TOR_CONTROL_PORT=str(tor.port))
    reported = 0
    with (
        Control(tor) as control,
        subprocess.Popen(
            program("--json", "--store", str(path), code=WRITE_OFTEN + NO_TOR),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as recorder,
    ):
        assert recorder.stdout is not None
        for count in (0, 50_000, 50_000, 0):
            if count:
                control.let_read(count)
            # The last second may not be stored yet; next to nothing is read in it.
            reported += json.loads(recorder.stdout.readline())["read"]
        recorder.kill()
    read, seconds = stored(path, tor)
    assert reported - 100 < read <= reported
    assert read >= 100_000
    argv = program("--store", str(path), code=WRITE_OFTEN + NO_TOR)
    with Program(argv=argv, environ=environ) as graph:
        graph.wait_for("1 min/column")
        graph.wait_until(lambda: stored(path, tor)[1] > seconds, "more in the store")
        graph.wait_for(re.compile(r"[▁▂▃▄▅▆▇█]$", re.MULTILINE))
        graph.send("q")
        assert graph.wait_exit() == 0
    assert read <= stored(path, tor)[0] < read + 1000
