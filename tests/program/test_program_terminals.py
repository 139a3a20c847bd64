"""The program adapts to the terminal, its locale and its colours, or says why it cannot."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from demo_program import (
    BAR,
    KEYS,
    demo_with_history,
)
from pty_driver import Program, bwgraph_argv, environment

# Streams and terminal types.


def assert_usage_error(code: int, output: str, reason: str) -> None:
    assert code == 2
    assert output.startswith("usage: bwgraph ")
    assert reason in output.partition("\nbwgraph: error: ")[2]
    assert output.count("\n") == 2
    assert "\x1b" not in output


@pytest.mark.parametrize("stream", ["input", "output"])
def test_stream_that_is_not_a_terminal_is_a_usage_error(stream: str) -> None:
    master, slave = os.openpty()
    try:
        ended = subprocess.run(
            bwgraph_argv("--demo"),
            stdin=subprocess.DEVNULL if stream == "input" else slave,
            stdout=subprocess.PIPE if stream == "output" else slave,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
            timeout=20,
            check=False,
        )
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    assert not ended.stdout
    assert_usage_error(ended.returncode, ended.stderr.decode(), f"standard {stream} is not")


@pytest.mark.parametrize(("redirection", "stream"), [("<&-", "input"), (">&-", "output")])
def test_closed_stream_is_a_usage_error(redirection: str, stream: str) -> None:
    argv = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *bwgraph_argv("--demo")]
    with Program(argv=argv) as program:
        code = program.wait_exit()
        written = program.raw.decode().replace("\r", "")
        assert_usage_error(code, written, f"standard {stream} is not a terminal")


@pytest.mark.parametrize("term", [None, "", "dumb", "never-heard-of"])
def test_terminal_without_cursor_addressing_is_a_usage_error(term: str | None) -> None:
    with Program("--demo", environ=environment(TERM=term)) as program:
        code = program.wait_exit()
        assert_usage_error(code, program.raw.decode().replace("\r", ""), "TERM is")
        assert (term or "not set") in program.text()
        assert program.on_normal_screen()


# Locales.


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": None}, {"LC_ALL": None, "LANG": "C"}, {"LC_ALL": "POSIX"}],
    ids=["C", "none", "LANG=C", "POSIX"],
)
def test_output_is_ascii_if_the_locale_is_not_utf8(locale: dict[str, str | None]) -> None:
    with Program("--demo", environ=environment(**locale)) as program:
        program.wait_for("v download")
        if locale.get("LC_ALL") == "C":  # in one case only, since it takes a second
            program.wait_for(re.compile(r"#\n +0 \+"))
        program.send("q")
        assert program.wait_exit() == 0
        assert program.raw.isascii()
        assert b"\x0e" not in program.raw, "it changed to the line drawing character set"


def test_output_is_ascii_in_the_c_locale_after_any_key(tmp_path: Path) -> None:
    with Program(
        argv=demo_with_history(), environ=environment(LC_ALL="C"), size=(110, 32), cwd=tmp_path
    ) as program:
        program.wait_for("v download")
        for key, sent, _, _ in KEYS:
            if key != "esc":  # it is ambiguous if another key follows at once
                program.send(sent)
        program.wait_for("blocks, braille, ASCII")
        program.send("?")
        for arrangement in ("|", "^ upload", "v download"):
            program.send("m<g")
            program.wait_for(arrangement)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.raw.isascii()
        assert b"\x0e" not in program.raw, "it changed to the line drawing character set"


# Colours.

COLOUR = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:3\d|4\d|9[0-7]|10[0-7])(?:[;:][\d;:]*)?m")


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [((), {"NO_COLOR": "1"}), (("--color", "never"), {}), (("--color=auto",), {"NO_COLOR": "1"})],
    ids=["NO_COLOR", "never", "NO_COLOR and auto"],
)
def test_output_has_no_colour_if_none_is_wanted(
    arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    argv = demo_with_history(*arguments)
    with Program(argv=argv, environ=environment(**environ), size=(110, 32)) as program:
        program.wait_for("BandwidthRate")
        program.send("l")
        program.wait_for("limit")
        for keys, there in (("mm", "├"), ("g", "⣿"), ("<", "mean"), ("?", "keys;")):
            program.send(keys)
            program.wait_for(there)
        program.send("q")
        assert program.wait_exit() == 0
        assert COLOUR.search(program.raw) is None


def test_colours_are_on_the_terminals_background() -> None:
    background = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:4[0-8]|10[0-7])(?:[;:][\d;:]*)?m")
    with Program("--demo", environ=environment(NO_COLOR="")) as program:
        program.wait_for(BAR)
        program.wait_until(lambda: COLOUR.search(program.raw), "a colour")
        assert background.search(program.raw) is None


@pytest.mark.parametrize(
    ("term", "sequences"),
    [
        ("xterm-256color", [b"38;5;33", b"38;5;166"]),
        ("xterm", [b"36", b"35"]),
        ("vt100", []),
    ],
)
def test_colours_suit_the_terminal_type(term: str, sequences: list[bytes]) -> None:
    with Program(
        argv=demo_with_history(), environ=environment(TERM=term), size=(110, 32)
    ) as program:
        program.wait_for("▲ upload")
        program.wait_for("q quit")
        for sequence in sequences:
            assert re.search(rb"\x1b\[(?:[\d;]*;)?" + sequence + rb"m", program.raw), sequence
        if not sequences:
            assert COLOUR.search(program.raw) is None
        program.send("q")
        assert program.wait_exit() == 0
        assert not program.reports_mouse()
