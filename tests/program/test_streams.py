"""The whole program without a screen, and with a recording on it; as a user has it."""

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
from real_tor import TOR, Control, RealTor

from bwgraph.system.threads import run_with_timeout

ENOUGH = 20.0
"Seconds after which a line is not going to come."


class Streaming:
    """A stream of bwgraph's that is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def line(self) -> str:
        assert self.process.stdout is not None
        line = run_with_timeout(ENOUGH, self.process.stdout.readline, "a line")
        assert line, "it has ended"
        self.lines.append(line)
        return line

    def entry(self) -> dict[str, Any]:
        found = json.loads(self.line())
        assert isinstance(found, dict)
        return found

    def end(self, number: int) -> tuple[int, str, str]:
        """Exit code after a signal, and the rest of both streams."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=ENOUGH)
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


def in_shell(run: str, *arguments: str, place: Path) -> tuple[int, str, str]:
    """Exit code of bwgraph in a command of the shell, and what that command wrote."""
    ended = subprocess.run(
        ["/bin/sh", "-c", f'{{ "$@"; echo "$?" >code; }} {run}', "sh", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        cwd=place,
        timeout=ENOUGH,
        check=False,
    )
    return int((place / "code").read_text()), ended.stdout, ended.stderr


def test_when_its_reader_has_seen_enough_it_ends_as_cat_does(tmp_path: Path) -> None:
    # More than a pipe holds, so that cat notices.
    (tmp_path / "long").write_text("a line\n" * 100_000)
    cat, _, _ = in_shell("| head -1", "cat", "long", place=tmp_path)
    code, out, err = in_shell("| head -1", *bwgraph_argv("--demo", "--json"), place=tmp_path)
    assert (code, err) == (cat, "")
    assert code == 128 + signal.SIGPIPE
    assert json.loads(out)["tor"] == "demo"


def test_sigterm_ends_what_would_go_on_for_ever_with_0_and_whole_lines() -> None:
    with streaming("--demo", "--csv") as stream:
        header, _ = stream.line(), stream.line()
        assert stream.end(signal.SIGTERM)[::2] == (0, "")
    assert header == "time,tor,read,written,seconds\n"
    assert stream.lines[-1].endswith("\n")
    for row in csv.DictReader(stream.lines):
        assert datetime.fromisoformat(row["time"]).tzinfo is not None
        assert (row["tor"], int(row["read"]) > 0) == ("demo", True)
        assert float(row["seconds"]) == pytest.approx(1.0, abs=0.5)


def test_after_its_duration_it_ends_with_0_and_what_it_had_summed_up(tmp_path: Path) -> None:
    arguments = bwgraph_argv("--demo", "--json", "-i", "1d", "--duration", "1s")
    code, out, err = in_shell("", *arguments, place=tmp_path)
    assert (code, err) == (0, "")
    assert sum(json.loads(line)["seconds"] for line in out.splitlines()) >= 0.9


@pytest.mark.tor
@pytest.mark.skipif(TOR is None, reason="there is no tor on PATH")
def test_of_a_real_tor_each_byte_is_written_and_its_absence_is_a_gap(tmp_path: Path) -> None:
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
        time.sleep(1.0)  # what is gone for a moment only leaves no gap
        tor.start()
        entries = [stream.entry() for _ in range(4)]
        (gap,) = [each for each in entries if each["read"] is None]
        assert (gap["written"], gap["tor"]) == (None, "relay")
        assert 1.0 < gap["seconds"] < ENOUGH
        code, _, err = stream.end(signal.SIGTERM)
        assert code == 0
        lost, again = err.splitlines()
        assert re.fullmatch("bwgraph: no tor: .*; trying again", lost)
        assert again == "bwgraph: connected again"
        # One after another: there is no second that is told of twice or not at all.
        ends = [datetime.fromisoformat(json.loads(line)["time"]) for line in stream.lines]
        spans = [json.loads(line)["seconds"] for line in stream.lines]
        passed = (ends[-1] - ends[0]).total_seconds()
        assert passed == pytest.approx(sum(spans[1:]), abs=0.1)


# A recording on the screen.

HOSTILE = r"\u001b]0;owned\u0007\u202eevil"


def recorded(place: Path, seconds: int, *tors: str) -> Path:
    """A recording from noon on, with a gap in its middle, and lines that are none."""
    path = place / "tape"
    with path.open("w") as file:
        for second in range(seconds):
            for tor in tors:
                time = f"2026-01-02T12:{second // 60:02}:{second % 60:02}.250Z"
                told = f'"read": {1024 * second}, "written": 2048'
                if seconds // 2 <= second < seconds // 2 + 20:
                    told = '"read": null, "written": null'
                file.write(f'{{"time": "{time}", "tor": "{tor}", {told}, "seconds": 1.0}}\n')
        file.write("\x1b]0;owned\x07\n")
        file.write('{"time": "2026')
    return path


def test_a_recording_of_several_is_played_and_looked_at_as_live(tmp_path: Path) -> None:
    path = recorded(tmp_path, 1200, "exit", HOSTILE)
    with Program(
        "--replay", str(path), "--speed", "3600", environ=environment(TZ="UTC"), size=(110, 24)
    ) as program:
        program.wait_for("all 2 tors")
        program.wait_for("the recording ends here; 2 lines are skipped: line 2401 (")
        program.wait_for("12:19:59")
        program.wait_for("?]0;owned??evil")
        program.send("\r")  # the one under the cursor, from all of them
        program.wait_for(re.compile(r"▼ download +1\.2 MiB/s"))
        program.send("-")
        program.wait_for("5 s/column")
        program.send("\x1bOD")
        program.wait_for(re.compile(r" \d+ (s|min) back  "))
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        program.wait_for("bwgraph: while it ran: ")
        assert b"owned\x07" not in program.raw
        assert b"\x1b]0;owned" not in program.raw


def test_a_recording_from_standard_input_leaves_the_keys_to_the_terminal(tmp_path: Path) -> None:
    path = recorded(tmp_path, 60, "exit")
    argv = ["/bin/sh", "-c", 'cat "$0" | exec "$@"', str(path), *bwgraph_argv("--replay", "-")]
    with Program(argv=argv, environ=environment(TZ="UTC")) as program:
        program.wait_for("exit: a recording")
        program.wait_for("12:00:01")
        program.send(" ")
        program.wait_for("paused")
        program.send("q")
        assert program.wait_exit() == 0


def test_without_a_terminal_nobody_could_press_a_key(tmp_path: Path) -> None:
    path = recorded(tmp_path, 60, "exit")
    with path.open() as file:
        ended = subprocess.run(
            bwgraph_argv("--replay", "-"),
            stdin=file,
            capture_output=True,
            text=True,
            env=environment(),
            start_new_session=True,
            timeout=ENOUGH,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("bwgraph: there is no terminal to take keys from: /dev/tty: ")
