"""The whole program writing lines to a pipe, and replaying a recording on a terminal."""

import csv
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pty_driver import Program, bwgraph_argv, environment
from tor_process import TOR, Control, RealTor

from bwgraph.system.threads import run_with_timeout

TIMEOUT_S = 20.0


class Streaming:
    """A bwgraph process whose output is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def line(self) -> str:
        assert self.process.stdout is not None
        line = run_with_timeout(TIMEOUT_S, self.process.stdout.readline, "a line")
        assert line, "the process has ended"
        self.lines.append(line)
        return line

    def entry(self) -> dict[str, Any]:
        entry = json.loads(self.line())
        assert isinstance(entry, dict)
        return entry

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal; return the exit code, and the rest of standard output and error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        self.lines += out.splitlines(keepends=True)
        return self.process.returncode, out, err


@contextmanager
def streaming(*arguments: str) -> Iterator[Streaming]:
    with subprocess.Popen(
        bwgraph_argv(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd="/",
    ) as process:
        try:
            yield Streaming(process)
        finally:
            process.kill()


def in_shell(redirection: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Run a program in a shell; return its exit code, and the shell's output and errors."""
    ended = subprocess.run(
        ["/bin/sh", "-c", f'{{ "$@"; echo "$?" >code; }} {redirection}', "sh", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        cwd=cwd,
        timeout=TIMEOUT_S,
        check=False,
    )
    return int((cwd / "code").read_text()), ended.stdout, ended.stderr


def test_closed_pipe_ends_it_as_it_ends_cat(tmp_path: Path) -> None:
    # Longer than a pipe's buffer, so that cat fails to write.
    (tmp_path / "long").write_text("a line\n" * 100_000)
    cat_code, _, _ = in_shell("| head -1", "cat", "long", cwd=tmp_path)
    code, out, err = in_shell("| head -1", *bwgraph_argv("--demo", "--json"), cwd=tmp_path)
    assert (code, err) == (cat_code, "")
    assert code == 128 + signal.SIGPIPE
    assert json.loads(out)["tor"] == "demo"


def test_sigterm_ends_a_stream_with_code_0_after_a_whole_line() -> None:
    with streaming("--demo", "--csv") as stream:
        header, _ = stream.line(), stream.line()
        assert stream.end(signal.SIGTERM)[::2] == (0, "")
    assert header == "time,tor,read,written,seconds\n"
    assert stream.lines[-1].endswith("\n")
    for row in csv.DictReader(stream.lines):
        assert datetime.fromisoformat(row["time"]).tzinfo is not None
        assert (row["tor"], int(row["read"]) > 0) == ("demo", True)
        assert float(row["seconds"]) == pytest.approx(1.0, abs=0.5)


def test_stream_ends_after_its_duration_with_an_unfinished_interval(tmp_path: Path) -> None:
    arguments = bwgraph_argv("--demo", "--json", "-i", "1d", "--duration", "1s")
    code, out, err = in_shell("", *arguments, cwd=tmp_path)
    assert (code, err) == (0, "")
    assert sum(json.loads(line)["seconds"] for line in out.splitlines()) >= 0.9


@pytest.mark.tor
@pytest.mark.skipif(TOR is None, reason="there is no tor on PATH")
def test_every_byte_of_a_real_tor_is_in_a_line_and_its_absence_is_a_gap(tmp_path: Path) -> None:
    with (
        RealTor(tmp_path) as tor,
        streaming("--json", "-p", f"relay={tor.port}") as stream,
    ):
        first = stream.entry()
        assert first["tor"] == "relay"
        with Control(tor) as control:
            control.let_read(100_000)
            read = written = 0
            while read < 100_000:
                entry = stream.entry()
                read += entry["read"]
                written += entry["written"]
        assert 100_000 <= read < 102_000
        assert 0 < written < 2000
        tor.terminate()
        time.sleep(1.0)  # a shorter absence leaves no gap
        tor.start()
        entries = [stream.entry() for _ in range(4)]
        (gap,) = [each for each in entries if each["read"] is None]
        assert (gap["written"], gap["tor"]) == (None, "relay")
        assert 1.0 < gap["seconds"] < TIMEOUT_S
        code, _, err = stream.end(signal.SIGTERM)
        assert code == 0
        lost, reconnected = err.splitlines()
        assert re.fullmatch("bwgraph: no tor: .*; trying again", lost)
        assert reconnected == "bwgraph: connected again"
        # The lines cover all of the time, and none of it twice.
        ends = [datetime.fromisoformat(json.loads(line)["time"]) for line in stream.lines]
        seconds = [json.loads(line)["seconds"] for line in stream.lines]
        elapsed = (ends[-1] - ends[0]).total_seconds()
        assert elapsed == pytest.approx(sum(seconds[1:]), abs=0.1)


# Replay.

HOSTILE = r"\u001b]0;owned\u0007\u202eevil"


def record(directory: Path, seconds: int, *tors: str) -> Path:
    """Write a recording that begins at noon, with a gap in its middle and two invalid lines."""
    path = directory / "recording"
    with path.open("w") as file:
        for second in range(seconds):
            for tor in tors:
                time = f"2026-01-02T12:{second // 60:02}:{second % 60:02}.250Z"
                traffic = f'"read": {1024 * second}, "written": 2048'
                if seconds // 2 <= second < seconds // 2 + 20:
                    traffic = '"read": null, "written": null'
                file.write(f'{{"time": "{time}", "tor": "{tor}", {traffic}, "seconds": 1.0}}\n')
        file.write("\x1b]0;owned\x07\n")
        file.write('{"time": "2026')
    return path


def test_replay_of_several_tors_is_shown_as_live_traffic_is(tmp_path: Path) -> None:
    path = record(tmp_path, 1200, "exit", HOSTILE)
    with Program(
        "--replay", str(path), "--speed", "3600", environ=environment(TZ="UTC"), size=(110, 24)
    ) as program:
        program.wait_for("all 2 tors")
        program.wait_for("the recording ends here; 2 lines are skipped: line 2401 (")
        program.wait_for("12:19:59")
        program.wait_for("?]0;owned??evil")
        program.send("\r")  # show the selected tor
        program.wait_for(re.compile(r"▼ download +1\.2 MiB/s"))
        program.send("-")
        program.wait_for("5 s/column")
        program.send("\x1bOD")
        program.wait_for(re.compile(r" \d+ (s|min) back  "))
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        program.wait_for("bwgraph: problem during the run: ")
        assert b"owned\x07" not in program.raw
        assert b"\x1b]0;owned" not in program.raw


def test_replay_from_standard_input_takes_keys_from_the_terminal(tmp_path: Path) -> None:
    path = record(tmp_path, 60, "exit")
    argv = ["/bin/sh", "-c", 'cat "$0" | exec "$@"', str(path), *bwgraph_argv("--replay", "-")]
    with Program(argv=argv, environ=environment(TZ="UTC")) as program:
        program.wait_for("exit: a recording")
        program.wait_for("12:00:01")
        program.send(" ")
        program.wait_for("paused")
        program.send("q")
        assert program.wait_exit() == 0


def test_replay_without_a_terminal_is_a_usage_error(tmp_path: Path) -> None:
    path = record(tmp_path, 60, "exit")
    with path.open() as file:
        ended = subprocess.run(
            bwgraph_argv("--replay", "-"),
            stdin=file,
            capture_output=True,
            text=True,
            env=environment(),
            start_new_session=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "\nbwgraph: error: there is no terminal to take keys from: /dev/tty: " in ended.stderr
