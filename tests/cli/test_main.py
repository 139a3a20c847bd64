"""Verbs, messages and exit codes that need no terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import USAGE, Captured, run_main

import bwgraph
from bwgraph.cli import resources
from bwgraph.system import stdio
from bwgraph.terminal import tty

pytest_plugins = ["cli_fixtures"]
pytestmark = pytest.mark.usefixtures("plain_environment")


def test_version_is_printed(capsys: Captured) -> None:
    assert run_main(["--version"], capsys) == (0, f"bwgraph {bwgraph.__version__}\n", "")


# Verbs


@pytest.mark.parametrize("what", resources.FILES)
def test_print_writes_the_file(what: str, capsys: Captured) -> None:
    assert run_main(["print", what], capsys) == (0, resources.text(what), "")


def test_print_has_its_own_help(capsys: Captured) -> None:
    code, out, err = run_main(["print", "--help"], capsys)
    assert (code, err) == (0, "")
    assert out.startswith("usage: bwgraph print [-h] WHAT\n")
    for what in resources.FILES:
        assert what in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nothing"], "argument WHAT: invalid choice: 'nothing' (choose from "),
        (["completion"], "argument WHAT: invalid choice: 'completion' (choose from "),
        (["\x1b[2J"], r"argument WHAT: invalid choice: '\x1b[2J' (choose from "),
        ([], "the following arguments are required: WHAT"),
        (["man", "systemd"], "unrecognized arguments: systemd"),
        (["man", "\x1b[2J"], "unrecognized arguments: ?[2J"),
        (["man", "--demo"], "unrecognized arguments: --demo"),
    ],
)
def test_print_rejects_wrong_words(words: list[str], problem: str, capsys: Captured) -> None:
    code, out, err = run_main(["print", *words], capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: bwgraph print [-h] WHAT\nbwgraph: error: {problem}")
    assert err.count("\n") == 2


def test_print_lists_the_choices_for_an_unknown_file(capsys: Captured) -> None:
    _, _, err = run_main(["print", "nothing"], capsys)
    for what in resources.FILES:
        assert what in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--port", "9051", "print", "man"], "print must come first: bwgraph print man"),
        (["-u", "bits", "print"], "print must come first: bwgraph print"),
        (["--demo", "print", "man"], "print must come first: bwgraph print man"),
        (["pri", "man"], "unrecognized arguments: pri man"),
        (["Print", "man"], "unrecognized arguments: Print man"),
        (["--print", "man"], "unrecognized arguments: --print man"),
    ],
)
def test_a_verb_is_the_whole_first_word(words: list[str], problem: str, capsys: Captured) -> None:
    assert run_main(words, capsys) == (2, "", f"{USAGE}bwgraph: error: {problem}\n")


def test_a_verb_may_be_the_value_of_a_flag(capsys: Captured) -> None:
    # A file of this name: what is missing is the terminal.
    _, _, err = run_main(["--password-file", "print"], capsys)
    assert err == f"{USAGE}bwgraph: error: standard input is not a terminal\n"


def test_a_verb_runs_without_curses_and_stem() -> None:
    program = (
        "import sys; from bwgraph.cli.main import main; main(['print', 'man']);"
        "heavy = {'curses', 'stem', 'bwgraph.cli.options', 'bwgraph.tor.targets'};"
        "print(sorted(heavy & {*sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"


# Errors


@pytest.mark.parametrize("words", [[], ["--demo"], ["--port", "9051"], ["--socket", "/x"]])
def test_without_a_terminal_the_exit_code_is_2(words: list[str], capsys: Captured) -> None:
    # Under pytest, standard input is not a terminal.
    code, out, err = run_main(words, capsys)
    assert (code, out) == (2, "")
    assert err == f"{USAGE}bwgraph: error: standard input is not a terminal\n"


def test_an_invalid_endpoint_in_the_environment_is_wrong_use(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("TOR_CONTROL_PORT", "\x1b[31mninety")
    code, _, err = run_main([], capsys)
    assert code == 2
    assert err.startswith(f"{USAGE}bwgraph: error: TOR_CONTROL_HOST and TOR_CONTROL_PORT: ")
    assert "\x1b" not in err


def test_a_missing_password_file_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(tty, "check", lambda _: None)
    path = tmp_path / "nowhere"
    code, out, err = run_main(["--password-file", str(path)], capsys)
    assert (code, out) == (1, "")
    assert err == (
        f"bwgraph: password file {path}: No such file or directory\n"
        "  name a file that you may read\n"
    )


def test_a_file_that_is_no_store_is_wrong_use(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "text"
    path.write_text("This is no database.")
    code, out, err = run_main(["--store", str(path), "--json"], capsys)
    assert (code, out) == (2, "")
    assert err.startswith(f"{USAGE}bwgraph: error: {path}: ")
    assert path.read_text() == "This is no database."


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bwgraph", "--demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr == f"{USAGE}bwgraph: error: standard input is not a terminal\n".encode()


def test_wrong_use_without_any_stream_is_2() -> None:
    # Like a daemon that was started without streams.
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m bwgraph --demo <&- >&- 2>&-', sys.executable],
        timeout=30,
        check=False,
    )
    assert done.returncode == 2


@pytest.mark.parametrize("words", ["--demo --port 1", "--nonsense"])
def test_a_usage_error_is_not_written_to_standard_output(words: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m bwgraph {words} 2>&-', sys.executable],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")


# Messages


def message(capsys: Captured, cause: str, remedy: str = "") -> str:
    """Return what ``write_error`` writes."""
    stdio.write_error(cause, remedy)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_message_has_a_cause_and_a_remedy(capsys: Captured) -> None:
    assert message(capsys, "no tor", "start one\nor two") == (
        "bwgraph: no tor\n  start one\n  or two\n"
    )


def test_message_without_a_remedy_is_one_line(capsys: Captured) -> None:
    assert message(capsys, "no tor") == "bwgraph: no tor\n"


@pytest.mark.parametrize("cause", ["\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\u202egnp", "a\x00b\rc"])
def test_message_has_no_control_characters(capsys: Captured, cause: str) -> None:
    text = message(capsys, f"it says {cause!s}", cause)
    assert text.startswith("bwgraph: it says ")
    assert not set(text) & set("\x1b\x07\x9b\u202e\x00\r")
    assert all(char.isprintable() for line in text.splitlines() for char in line)


def test_message_to_a_closed_pipe_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert stdio.write_error("no tor", code=1) == 1
