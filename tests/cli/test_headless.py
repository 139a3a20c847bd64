"""Output without a screen, with stand-ins for the sources."""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import CSV, JSON, Captured, Lines, OneShot, run_main

from bwgraph.cli import main
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Refused
from bwgraph.model.fleet import Fleet
from bwgraph.output import lines as lines_module
from bwgraph.output import once
from bwgraph.output.event_queue import EventQueue
from bwgraph.recording import replay
from bwgraph.recording.format import Entry
from bwgraph.system import signals
from bwgraph.system.threads import run_with_timeout
from bwgraph.terminal import curses_terminal
from bwgraph.tor.endpoint import ControlPort
from bwgraph.tor.supervisor import TorSource

pytest_plugins = ["cli_fixtures"]
pytestmark = pytest.mark.usefixtures("plain_environment")


# One-shot output


def test_once_prints_one_frame(one_shot: OneShot, capsys: Captured) -> None:
    code, out, err = run_main(["--once", "--port", "9051"], capsys)
    rows = out.splitlines()
    assert (code, err) == (0, "")
    assert out.endswith("\n")
    # The default size.
    assert 20 <= len(rows) <= 24
    assert max(map(len, rows)) == 80
    assert rows[0].startswith("bwgraph  127.0.0.1:9051  fake  tor 0.4.9.11")
    assert rows[1].startswith("▼ download  3.0 MiB/s")
    assert any(line.startswith("▲ upload    1.0 MiB/s") for line in rows)
    assert not any(line.endswith(" ") for line in rows)
    assert "\x1b" not in out
    assert one_shot.durations == [None]
    assert one_shot.sources[0]._endpoints == (ControlPort("127.0.0.1", 9051),)


def test_once_needs_neither_a_terminal_nor_term(
    one_shot: OneShot, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    assert run_main(["--once"], capsys)[0] == 0
    assert len(one_shot.durations) == 1


@pytest.mark.parametrize("connected_count", [1, 3])
def test_once_shows_all_tors(one_shot: OneShot, connected_count: int, capsys: Captured) -> None:
    one_shot.connected_count = connected_count
    code, out, err = run_main(["--once", "-p", "1", "-p", "exit=2", "-s", "/x"], capsys)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("bwgraph  all 3 tors, by name")
    rows = [line[2:].split() for line in lines[2:6]]
    states = {row[0]: row[1] for row in rows[:3]}
    # Two tors are named "fake": one of them is overwritten here.
    assert states.keys() == ({"fake", "exit"} if connected_count == 3 else {"fake", "exit", "/x"})
    assert sum(state == "up" for state in states.values()) == (2 if connected_count == 3 else 1)
    assert rows[3][:4] == ["sum", "of", "3", "tors"]
    assert f"{3 * connected_count}.0M" in lines[5]
    assert not any(line.startswith("q quit") for line in lines)
    assert one_shot.durations == [None]


def test_svg_shows_all_tors(one_shot: OneShot, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "picture.svg"
    assert run_main(["--svg", str(path), "-p", "a=1", "-p", "b=2"], capsys) == (0, "", "")
    assert "sum of 2 tors" in path.read_text("utf-8")
    assert len(one_shot.sources) == 2


@pytest.mark.parametrize("output", ["--once", "--json"])
def test_without_a_screen_no_password_is_asked_for(
    output: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def watch(_: object, fleet: Fleet, *__: object, **___: object) -> ExplainedError | None:
        error = ExplainedError("it requires a password", needs_password_at="127.0.0.1:1")
        fleet.handle(fleet.instances[0], Refused(error))
        assert fleet.final_error is None
        return None

    monkeypatch.setattr(once, "watch", watch)
    monkeypatch.setattr(lines_module, "write_lines", watch)
    monkeypatch.setattr(TorSource, "start", lambda *_: None)
    assert run_main([output, "-p", "1", "-p", "2"], capsys)[0] == 0


@pytest.mark.parametrize(("columns", "rows"), [(120, 35), (40, 12), (8, 3), (1, 1)])
def test_once_has_the_size_that_the_environment_names(
    one_shot: OneShot, columns: int, rows: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(rows))
    lines = run_main(["--once"], capsys)[1].splitlines()
    assert rows - 1 <= len(lines) <= rows
    assert max(map(len, lines)) <= columns
    assert len(one_shot.durations) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--units", "bits"], "25.2 Mbit/s"),
        (["--glyphs", "braille"], "⣿"),
        (["--glyphs", "ascii"], "v download"),
        (["--layout", "mirrored"], "├"),
        (["--scale", "log"], "log"),
        (["--ceiling", "50MiB"], "50 MiB/s ┤"),
        (["--interval", "15"], "15 s/column"),
    ],
)
def test_flags_set_the_appearance_of_once(
    one_shot: OneShot, words: list[str], expected: str, capsys: Captured
) -> None:
    code, out, _ = run_main(["--once", *words], capsys)
    assert code == 0
    assert expected in out
    assert one_shot.durations == [None]


def test_once_is_ascii_without_utf8(
    one_shot: OneShot, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: False)
    one_shot.address = "/tmp/tör/control"
    for glyphs in ("auto", "block", "braille", "ascii"):
        code, out, _ = run_main(["--once", "--glyphs", glyphs], capsys)
        assert code == 0
        assert out.isascii()
        assert "/tmp/t?r/control" in out


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("2m", 120), ("0", 0)])
def test_duration_is_passed_on(
    one_shot: OneShot, text: str, seconds: int, capsys: Captured
) -> None:
    assert run_main(["--once", "--duration", text], capsys)[0] == 0
    assert one_shot.durations == [seconds]


def test_svg_writes_a_picture_and_prints_nothing(
    one_shot: OneShot, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "picture.svg"
    assert run_main(["--svg", str(path), "--duration", "1m"], capsys) == (0, "", "")
    assert one_shot.durations == [60]
    picture = path.read_text("utf-8")
    assert picture.startswith("<svg ")
    assert "download" in picture
    assert path.stat().st_mode & 0o777 == 0o600


def test_svg_has_all_glyphs_in_any_locale(
    one_shot: OneShot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    picture = tmp_path / "picture.svg"
    run_main(["--svg", str(picture)], capsys)
    first = len(picture.read_bytes())
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: False)
    run_main(["--svg", str(picture)], capsys)
    assert "v download" not in picture.read_text("utf-8")
    assert abs(len(picture.read_bytes()) - first) < first / 4
    assert len(one_shot.durations) == 2


def test_svg_and_once_watch_once(one_shot: OneShot, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "picture.svg"
    code, out, _ = run_main(["--svg", str(path), "--once"], capsys)
    assert code == 0
    assert "▼ download" in out
    assert path.exists()
    assert one_shot.durations == [None]


@pytest.mark.parametrize(
    ("name", "reason"), [("nowhere/x.svg", "No such file or directory"), (".", "Is a directory")]
)
def test_svg_that_cannot_be_written_is_1_with_the_reason(
    one_shot: OneShot, name: str, reason: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / name
    assert run_main(["--svg", str(path)], capsys) == (1, "", f"bwgraph: {path}: {reason}\n")
    assert len(one_shot.durations) == 1


@pytest.mark.parametrize("output", [["--once"], ["--svg", "x.svg"]])
def test_a_look_without_a_tor_is_1_with_the_reason(
    one_shot: OneShot,
    output: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    one_shot.failure = ExplainedError("no tor\x1b[2J", "start one")
    assert run_main(output, capsys) == (1, "", "bwgraph: no tor?[2J\n  start one\n")
    assert not (tmp_path / "x.svg").exists()


def test_interrupting_a_look_is_0(
    one_shot: OneShot, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(once, "watch", interrupt)
    assert run_main(["--once"], capsys) == (0, "", "")
    assert one_shot.durations == []


def test_once_json_has_each_tor_and_their_sum(one_shot: OneShot, capsys: Captured) -> None:
    code, out, err = run_main(["--once", "--json", "-p", "exit=1", "-p", "2"], capsys)
    assert (code, err, out.count("\n")) == (0, "", 1)
    document = json.loads(out)
    assert [each["name"] for each in document["tors"]] == ["exit", "fake"]
    assert [each["read"]["current"] for each in document["tors"]] == [3 << 20, 3 << 20]
    assert document["sum"]["read"]["current"] == 6 << 20
    assert one_shot.durations == [None]


def test_once_json_and_svg_watch_once(one_shot: OneShot, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "picture.svg"
    code, out, _ = run_main(["--svg", str(path), "--once", "--json"], capsys)
    assert (code, path.exists()) == (0, True)
    assert json.loads(out)["tors"][0]["state"] == "connected"
    assert one_shot.durations == [None]


def test_once_shows_a_whole_recording(one_shot: OneShot, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "tape"
    path.write_text(f"{JSON}\x1b[2J\n{JSON.replace('00:00:00', '00:01:00')}")
    skipped = f"bwgraph: {path}: a line is skipped: line 3 (cut off, or neither JSON nor CSV)\n"
    code, out, err = run_main(["--once", "--replay", str(path)], capsys)
    assert (code, err) == (0, skipped)
    lines = out.splitlines()
    assert lines[0].startswith("bwgraph  a: a recording")
    assert any("the recording ends here" in line for line in lines)
    code, out, err = run_main(["--once", "--json", "--replay", str(path)], capsys)
    document = json.loads(out)
    assert (code, err, document["time"]) == (0, skipped, "2026-01-02T00:01:00.000Z")
    assert (document["tors"][0]["state"], document["tors"][0]["seconds"]) == (
        "ended",
        2.0,
    )
    assert one_shot.durations == []


def test_interrupting_the_reading_of_a_recording_is_0(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replay, "read", interrupt)
    assert run_main(["--replay", "-"], capsys) == (0, "", "")


# Lines


@pytest.mark.parametrize(
    ("flag", "expected"), [("--json", JSON), ("--csv", CSV), ("--headless", "")]
)
def test_entries_are_written_in_the_chosen_format(
    lines: Lines,
    flag: str,
    expected: str,
    tmp_path: Path,
    capsys: Captured,
) -> None:
    assert run_main([flag, "--wait", "--store", str(tmp_path / "store")], capsys) == (
        0,
        expected,
        "",
    )
    assert lines.calls == [{"every": None, "duration": None}]


def test_interval_and_duration_are_passed_on(lines: Lines, config: Path, capsys: Captured) -> None:
    assert run_main(["--json", "-i", "5m", "--duration", "6h"], capsys)[0] == 0
    config.write_text('interval = "1m"')
    assert run_main(["--csv"], capsys)[0] == 0
    assert lines.calls == [
        {"every": 300, "duration": 21_600},
        {"every": 60, "duration": None},
    ]


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("duration", [[], ["--duration", "1h"]], ids=["endless", "an hour"])
def test_a_signal_ends_lines_and_is_a_failure_only_with_duration(
    lines: Lines,
    number: int,
    duration: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    died: list[int] = []
    stopped: list[bool] = []

    def send_signal(queue: EventQueue) -> None:
        os.kill(os.getpid(), number)
        stopped.append(run_with_timeout(10.0, queue.next, "queue") is None)

    monkeypatch.setattr(signals, "end_by_signal", died.append)
    lines.meanwhile = send_signal
    before = [signal.getsignal(each) for each in SIGNALS]
    # What was collected is written in any case.
    assert run_main(["--json", *duration], capsys) == (0, JSON, "")
    assert stopped == [True]
    assert died == ([number] if duration else [])
    assert [signal.getsignal(each) for each in SIGNALS] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# Standard output that cannot be written


class Unwritable:
    """A standard output whose writes fail."""

    encoding = "utf-8"

    def __init__(self, error: OSError, fd: int) -> None:
        self.error = error
        self.fd = fd

    def write(self, _: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def fileno(self) -> int:
        return self.fd


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BrokenPipeError(32, "Broken pipe"), signal.SIGPIPE, ""),
        (OSError(28, "No space left on device"), 1, "bwgraph: standard output: No space left"),
    ],
    ids=["the reader has exited", "the disk is full"],
)
@pytest.mark.parametrize(
    "output", [["--once"], ["--once", "--json"], ["--json"], ["--csv"]], ids=str
)
def test_output_errors_end_the_program_without_a_traceback(
    one_shot: OneShot,
    output: list[str],
    error: OSError,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
    tmp_path: Path,
) -> None:
    def run(
        _: object, __: object, write: Callable[[Entry], None], *___: object, **____: object
    ) -> None:
        write(Entry(datetime(2026, 1, 2, tzinfo=UTC), "a", 1, 1, 1.0))

    died: list[int] = []
    monkeypatch.setattr(lines_module, "write_lines", run)
    monkeypatch.setattr(signals, "end_by_signal", died.append)
    monkeypatch.setattr(TorSource, "start", lambda *_: None)
    with (tmp_path / "output").open("w") as file:
        monkeypatch.setattr(sys, "stdout", Unwritable(error, file.fileno()))
        got = main.main(output)
    assert died == ([signal.SIGPIPE] if code == signal.SIGPIPE else [])
    assert died or got == code
    err = capsys.readouterr().err
    assert err.startswith(message)
    assert err.count("\n") == (1 if message else 0)
    assert one_shot.durations == ([None] if "--once" in output else [])
