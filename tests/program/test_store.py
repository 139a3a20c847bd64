"""The program with a store: what it shows, its messages, and what it refuses."""

import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import tiny_servers
from pty_driver import Program, environment
from store_files import (
    damaged_store,
    files_in_directory,
    newer_store,
    other_database,
    text_file,
    version_1_store,
)
from store_programs import NO_TOR, WRITE_OFTEN, program

from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.rollups import RESOLUTIONS
from bwgraph.store.database import Store
from bwgraph.store.restore import SeriesKey
from bwgraph.system.clock import now


def environment_without_tor() -> dict[str, str]:
    return environment(TOR_CONTROL_PORT=str(tiny_servers.closed_port()), COLUMNS="200")


def run(
    *arguments: str, code: str = "", environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program(*arguments, code=code),
        env=environ or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def fill(path: Path, *names: str, minutes: int = 30, ago: int = 10) -> None:
    """Create a store in which each tor has ``minutes`` of traffic, until ``ago`` minutes ago."""
    moment = now()
    with closing(Store(str(path))) as store:
        for name in names:
            history = History()
            for second in range(60 * minutes):
                when = moment - 60 * (ago + minutes) + second
                history.push(Sample(when, 3 << 20, 2 << 20, 1.0))
            store.write({SeriesKey(name): history.changes(RESOLUTIONS[3:])[1]}, moment)


def covered(path: Path) -> float:
    """Return the covered seconds of the demo in a store."""
    with closing(Store(str(path), read_only=True)) as store:
        entries = store.read(SeriesKey("demo"), now())
    return sum(entry.portion.seconds for entry in entries if entry.resolution == 86_400)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "past.db"


def test_run_after_a_kill_shows_the_history_and_the_gap(path: Path) -> None:
    fill(path, "demo")
    store = ("--demo", "--store", str(path))
    with Program(argv=program(*store, code=WRITE_OFTEN)) as first:
        # Minutes, since the newest stored seconds would be off the screen.
        first.wait_for("1 min/column")
        first.wait_for(re.compile(r"█·{8,}[▁▂▃▄▅▆▇█]$", re.MULTILINE))
        # More than the half hour.
        first.wait_until(lambda: covered(path) > 30 * 60, "more in the store")
        first.signal(signal.SIGKILL)
        assert first.wait_exit() == -signal.SIGKILL
    assert covered(path) > 30 * 60
    with Program(argv=program(*store, "--interval", "5s")) as again:
        again.wait_for("5 s/column")  # as the user chose
        again.send("--")
        again.wait_for(re.compile(r"█·{8,}[▁▂▃▄▅▆▇█]$", re.MULTILINE))
        again.send("q")
        assert again.wait_exit() == 0
    assert list(files_in_directory(path)) == ["past.db"]


COUNTING = """
import sqlite3

connect = sqlite3.connect

def note(word):
    with open({log!r}, "a") as file:
        print(word, file=file)

class Counted(sqlite3.Connection):
    def execute(self, sql, *parameters):
        if "quick_check" in sql:
            note("check")
        return super().execute(sql, *parameters)

def count(name, **options):
    note(str(name).partition("?")[2])
    return connect(name, **options, factory=Counted)

sqlite3.connect = count
"""
"Notes each connection, by its mode, and each check."


@pytest.mark.parametrize(
    ("flags", "calls"),
    [
        ((), ["mode=ro&immutable=1", "check", "mode=rw"]),
        (("--json", "--duration", "1s"), ["mode=ro&immutable=1", "check", "mode=rw"]),
        (("--once",), ["mode=ro&immutable=1", "check"]),
    ],
    ids=["graph", "json", "once"],
)
def test_a_run_checks_the_store_once(path: Path, flags: Sequence[str], calls: list[str]) -> None:
    fill(path, "demo")
    log = path.with_name("log")
    argv = program("--demo", "--store", str(path), *flags, code=COUNTING.format(log=str(log)))
    with Program(argv=argv) as running:
        if not flags:
            running.wait_for("1 min/column")
            running.send("q")
        assert running.wait_exit() == 0
    assert log.read_text().split() == calls


def test_without_a_tor_the_stored_history_is_shown(path: Path) -> None:
    fill(path, "anna")
    argv = program("--store", str(path), code=NO_TOR)
    with Program(argv=argv, environ=environment_without_tor(), size=(200, 24)) as graph:
        graph.wait_for(f"no tor found: history stored in {path}")
        graph.wait_for("1 min/column")
        graph.wait_for(re.compile("(9|10|11) min back"))
        assert "anna" in graph.display()[0]
        assert re.search(r"█$", graph.text(), re.MULTILINE)
        graph.send("q")
        assert graph.wait_exit() == 0
        assert graph.after_graph().strip() == ""
    done = run("--store", str(path), "--once", code=NO_TOR, environ=environment_without_tor())
    assert (done.returncode, done.stderr) == (0, "")
    assert f"no tor found: history stored in {path}" in done.stdout
    assert "█" in done.stdout
    assert list(files_in_directory(path)) == ["past.db"]


def test_without_a_tor_all_stored_tors_are_in_the_table(path: Path) -> None:
    fill(path, "anna", "bert", minutes=5)
    done = run("--store", str(path), "--once", code=NO_TOR, environ=environment_without_tor())
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^. anna +stored", done.stdout, re.MULTILINE)
    assert re.search(r"^. bert +stored", done.stdout, re.MULTILINE)
    assert "connecting" not in done.stdout


def test_without_a_tor_and_stored_history_it_fails(path: Path) -> None:
    argv = program("--store", str(path), code=NO_TOR)
    with Program(argv=argv, environ=environment_without_tor()) as graph:
        assert graph.wait_exit() == 1
        assert "connection refused" in graph.after_graph()


def test_json_does_not_print_stored_history(path: Path) -> None:
    fill(path, "anna", minutes=1)
    done = run("--json", "--store", str(path), code=NO_TOR, environ=environment_without_tor())
    assert (done.returncode, done.stdout) == (1, "")
    assert "connection refused" in done.stderr


def test_tor_that_was_named_is_not_replaced_by_its_history(path: Path) -> None:
    port = str(tiny_servers.closed_port())
    fill(path, f"127.0.0.1:{port}", minutes=1)
    done = run("--port", port, "--store", str(path), "--once")
    assert done.returncode == 1
    assert "connection refused" in done.stderr


def test_once_shows_stored_history_and_stores_nothing(path: Path) -> None:
    fill(path, "demo")
    before = files_in_directory(path)
    done = run("--demo", "--once", "--store", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 min/column" in done.stdout
    assert re.search(r"█·{8,}", done.stdout)
    assert files_in_directory(path) == before


@pytest.mark.parametrize(
    "create", [text_file, other_database, newer_store, version_1_store, damaged_store]
)
@pytest.mark.parametrize("flags", [("--json",), ("--once",), ()], ids=["json", "once", "graph"])
def test_file_that_is_no_store_is_exit_2_and_left_untouched(
    path: Path, create: object, flags: Sequence[str]
) -> None:
    assert callable(create)
    create(path)
    before = files_in_directory(path)
    argv = program("--demo", "--store", str(path), *flags)
    with Program(argv=argv, size=(200, 24)) as running:
        assert running.wait_exit() == 2
        assert f"bwgraph: error: {path}: " in running.text()
        assert "it is left untouched" in running.text()
        assert "Traceback" not in running.text()
    assert files_in_directory(path) == before


def test_directory_that_does_not_exist_is_exit_1(path: Path) -> None:
    done = run("--demo", "--json", "--store", str(path / "nowhere" / "past.db"))
    assert done.returncode == 1
    assert done.stderr == f"bwgraph: {path}/nowhere/past.db: No such file or directory\n"


def test_second_recorder_without_a_screen_fails(path: Path) -> None:
    with subprocess.Popen(
        program("--demo", "--json", "--store", str(path), code=WRITE_OFTEN),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline()
        second = run("--demo", "--json", "--store", str(path))
        once = run("--demo", "--once", "--store", str(path))
        first.kill()
        first.communicate()
    words = f"bwgraph: {path}: another bwgraph (process {first.pid}) stores demo already\n"
    assert (second.returncode, second.stderr, second.stdout) == (1, words, "")
    assert (once.returncode, once.stderr) == (0, "")


def test_resolution_of_seconds_is_warned_about(path: Path) -> None:
    with Program("--demo", "--store", str(path), "--store-resolution", "1s") as graph:
        graph.wait_for("avg")
        graph.send("q")
        assert graph.wait_exit() == 0
        words = f"bwgraph: warning: {path} will contain the traffic per 1 s. "
        assert graph.raw.startswith(words.encode())
    once = run("--demo", "--once", "--store", str(path), "--store-resolution", "1s")
    assert (once.returncode, once.stderr) == (0, "")
    done = run("--demo", "--once", "--store", str(path), "--store-resolution", "2s")
    assert done.returncode == 2
    assert "'2s' is not one of 1s, 5s, 15s, 1m" in done.stderr
