"""A single frame as text and SVG without a terminal, write errors, and the configuration file."""

import re
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from demo_program import BAR, DEMO
from pty_driver import SMCUP, Program, bwgraph_argv, environment


def piped(
    *arguments: str, cwd: Path | str = "/", **changes: str | None
) -> subprocess.CompletedProcess[bytes]:
    """Run bwgraph to its end with pipes instead of a terminal."""
    return subprocess.run(
        bwgraph_argv(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(**changes),
        cwd=cwd,
        timeout=30,
        check=False,
    )


def test_once_prints_a_frame_as_plain_text() -> None:
    ended = piped("--demo", "--once", TERM=None)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"\x1b" not in ended.stdout
    lines = ended.stdout.decode().splitlines()
    assert lines[0].startswith(f"bwgraph  {DEMO}")
    assert re.match(r"▼ download +[\d.]+ MiB/s  last 1 s: ", lines[1])
    assert any(re.match(r"▲ upload +[\d.]+ MiB/s  last 1 s: ", line) for line in lines)
    assert BAR.search(ended.stdout.decode())
    assert len(lines) <= 24
    assert max(map(len, lines)) == 80


def test_once_prints_ascii_in_the_c_locale() -> None:
    ended = piped("--demo", "--once", LC_ALL="C", COLUMNS="40", LINES="12")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.isascii()
    lines = ended.stdout.decode().splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 40


def test_once_and_svg_are_the_same_frame(tmp_path: Path) -> None:
    ended = piped("--demo", "--once", "--svg", "a.svg", cwd=tmp_path, COLUMNS="60", LINES="20")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
    text = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    for line in ended.stdout.decode().splitlines()[:2]:
        for word in re.findall("[a-zA-Z]{4,}", line):
            assert word in text


@pytest.mark.parametrize(
    ("arguments", "redirection", "code", "message"),
    [
        (("--once",), "| exec true", 128 + signal.SIGPIPE, ""),
        (("--once",), ">/dev/full", 1, "bwgraph: standard output: No space left on device\n"),
        (("--json",), ">/dev/full", 1, "bwgraph: standard output: No space left on device\n"),
        (("--svg", "/dev/full"), "", 1, "bwgraph: /dev/full: No space left on device\n"),
        (("--once",), ">&-", 0, ""),
    ],
    ids=str,
)
def test_write_error_is_reported_in_one_line(
    arguments: tuple[str, ...], redirection: str, code: int, message: str, tmp_path: Path
) -> None:
    run = f'{{ "$@"; echo "$?" >code; }} {redirection}'
    ended = subprocess.run(
        ["/bin/sh", "-c", run, "sh", *bwgraph_argv("--demo", *arguments)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert ended.stderr.decode() == message
    assert (tmp_path / "code").read_text() == f"{code}\n"


def test_error_in_the_configuration_file_leaves_the_screen_alone(
    tmp_path: Path,
) -> None:
    config = tmp_path / "bwgraph" / "config.toml"
    config.parent.mkdir()
    config.write_text('units = "bits"\nglyphs = "runes"\n')
    environ = environment(XDG_CONFIG_HOME=str(tmp_path))
    with Program("--demo", environ=environ, size=(300, 24)) as program:
        assert program.wait_exit() == 2
        assert f"bwgraph: error: {config}, line 2: " in program.text()
        assert SMCUP not in program.raw
    config.write_text('units = "bits"\n')
    with Program("--demo", environ=environ) as program:
        program.wait_for(re.compile(r"▼ download +[\d.]+ Mbit/s"))
