"""The title screen in a real terminal, while the program is loaded."""

import re
import signal
from pathlib import Path

import pytest
from demo_program import DEMO, is_raw, patched_argv
from pty_driver import SMCUP, Program

# While it is loaded.


def loading(path: Path, *arguments: str) -> list[str]:
    """How to run bwgraph so that it takes for ever to load, until there is such a file."""
    code = f"""
import sys, time
from pathlib import Path
class Slow:
    @staticmethod
    def find_spec(name, *_):
        while name == "bwgraph.cli.main" and not Path({str(path)!r}).exists():
            time.sleep(0.01)
sys.meta_path.insert(0, Slow)
"""
    return patched_argv(code, *arguments)


def title(program: Program) -> None:
    """Wait for it; the rest of the screen is blank."""
    program.wait_for(re.compile(r"\Abwgraph\s*\Z"))
    assert is_raw(program)


def test_there_is_a_title_until_there_is_a_graph(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.resize(60, 20)
        (tmp_path / "go").touch()
        program.wait_for(DEMO)
        program.wait_until(lambda: len(program.display()[0]) == 60, "the whole width")
        assert program.display()[0].startswith("bwgraph  demo: ")  # and so it stays where it was
        assert program.raw.count(SMCUP) == 1
        assert program.fits()
        assert program.tells_of_mouse()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_a_key_that_was_too_early_counts(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.send("?q")
        (tmp_path / "go").touch()
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_c_at_the_title_ends_it_as_at_the_graph(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.send("\x03")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_at_the_title_ends_it_once_the_terminal_is_restored(
    number: int, tmp_path: Path
) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.signal(number)
        assert program.wait_exit() == -number
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_ctrl_z_at_the_title_stops_it_with_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo")) as program:
        title(program)
        program.send("\x1a")
        assert program.wait_stopped() == signal.SIGTSTP
        assert program.on_normal_screen()
        program.fg()
        (tmp_path / "go").touch()
        program.wait_for(DEMO)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (7, 1), (5, 3)])
def test_the_title_has_room_in_the_smallest_of_windows(
    size: tuple[int, int], tmp_path: Path
) -> None:
    with Program(argv=loading(tmp_path / "go", "--demo"), size=size) as program:
        program.wait_for(re.compile(rf"\A{'bwgraph'[: size[0]]}\s*\Z"))
        assert program.fits()
        program.signal(signal.SIGTERM)
        assert program.wait_exit() == -signal.SIGTERM
        assert program.on_normal_screen()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "usage: bwgraph [-h]"),
        (["--port", "70000"], "error: argument -p/--port: '70000' is not [HOST:]PORT"),
        (["--wait", "stray"], "error: unrecognized arguments: stray"),
        (["--demo", "--port", "9051"], "bwgraph: --demo needs no tor, and --port"),
    ],
)
def test_what_is_found_wrong_at_the_title_is_said_after_it(arguments: list[str], said: str) -> None:
    with Program(*arguments, size=(200, 40)) as program:
        assert program.wait_exit() == 2
        assert SMCUP in program.raw
        assert program.on_normal_screen()
        assert said in program.after_graph()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--no-such"], ["-p", "1", "-x"]])
def test_what_asks_for_no_graph_leaves_the_terminal_alone(arguments: list[str]) -> None:
    with Program(*arguments, size=(200, 40)) as program:
        program.wait_exit()
        assert b"\x1b[?" not in program.raw
        assert "bwgraph" in program.text()


def test_an_exception_at_the_title_shows_on_the_terminal_as_it_was() -> None:
    code = "import sys\nsys.modules['bwgraph.cli.main'] = None"
    with Program(argv=patched_argv(code, "--demo")) as program:
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        assert "Traceback" in program.after_graph()
