"""The start of the program in a real terminal, until the first graph."""

from pathlib import Path

import pytest
from demo_program import patched_argv
from event_recorder import wait_until
from pty_driver import SMCUP, Program


def loading(directory: Path, *arguments: str) -> list[str]:
    """Return how to run bwgraph so that it waits in its imports until ``go`` exists.

    It makes ``here`` when it waits.
    """
    code = f"""
import sys, time
from pathlib import Path
class Slow:
    @staticmethod
    def find_spec(name, *_):
        if name == "bwgraph.cli.main":
            Path({str(directory / "here")!r}).touch()
            while not Path({str(directory / "go")!r}).exists():
                time.sleep(0.01)
sys.meta_path.insert(0, Slow)
"""
    return patched_argv(code, *arguments)


def test_a_key_typed_during_the_imports_counts(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path, "--demo")) as program:
        wait_until((tmp_path / "here").exists, "the imports")
        program.send("?q")
        (tmp_path / "go").touch()
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_c_during_the_imports_ends_without_a_traceback(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path, "--demo")) as program:
        wait_until((tmp_path / "here").exists, "the imports")
        program.send("\x03")
        assert program.wait_exit() == 0
        assert SMCUP not in program.raw
        assert program.text().strip() in {"", "^C"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "usage: bwgraph [OPTION]..."),
        (["--port", "70000"], "error: argument -p/--port: '70000' is not [HOST:]PORT"),
        (["--wait", "stray"], "error: unrecognized arguments: stray"),
        (["--demo", "--port", "9051"], "error: --demo cannot be combined with --port or --socket"),
    ],
)
def test_usage_errors_leave_the_terminal_alone(arguments: list[str], message: str) -> None:
    with Program(*arguments, size=(200, 40)) as program:
        assert program.wait_exit() == 2
        assert b"\x1b[?" not in program.raw
        assert message in program.text()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--no-such"], ["-p", "1", "-x"]])
def test_options_without_a_graph_leave_the_terminal_alone(arguments: list[str]) -> None:
    with Program(*arguments, size=(200, 40)) as program:
        program.wait_exit()
        assert b"\x1b[?" not in program.raw
        assert "bwgraph" in program.text()
