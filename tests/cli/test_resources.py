"""The files that go with bwgraph: each is right, and those made from the parser are up to date.

Completions and manual are made by shtab and argparse-manpage. After a change of the command line:

    python tests/cli/test_resources.py --write
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import shtab
import yaml
from argparse_manpage.manpage import Manpage
from ear import eventually
from fake_tor import FakeTor, Manners
from pty_driver import PATIENCE, Program, bwgraph_argv, environment

import bwgraph
from bwgraph.cli import arguments, resources
from bwgraph.tor import description

SHARE = Path(bwgraph.__file__).parent / "share"
UNITS = ("systemd", "systemd-user")
SHELLS = {"completion-bash": "bash", "completion-zsh": "zsh", "completion-fish": "fish"}
"By what is printed: the shell that it is for."


@contextmanager
def parser() -> Iterator[argparse.ArgumentParser]:
    """The parser as it is for everybody, wherever it is made."""
    with patch.dict(os.environ, {"HOME": "~", "COLUMNS": "80"}):
        os.environ.pop("XDG_CONFIG_HOME", None)
        yield arguments.parser()


def completion(shell: str) -> str:
    with parser() as whole:
        for action in whole._actions:
            if str(action.metavar).endswith(("FILE", "PATH")):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        return str(shtab.complete(whole, shell)).rstrip() + "\n"


def manual() -> str:
    with parser() as whole:
        data = {
            "description": "the bandwidth graph for Tor",
            "version": bwgraph.__version__,
            "manual_title": "User Commands",
            "date": " ",  # or it would be the day on which it is made
        }
        return str(Manpage(whole, data))


MADE: dict[str, Callable[[], str]] = {
    **{what: partial(completion, shell) for what, shell in SHELLS.items()},
    "man": manual,
}

ALWAYS_LET_THROUGH = {"PROTOCOLINFO", "AUTHENTICATE", "SETEVENTS"}
"Commands that onion-grater answers by itself; of events it has a table."


@pytest.mark.parametrize("what", MADE)
def test_what_is_made_from_the_parser_is_up_to_date(what: str) -> None:
    committed = (SHARE / resources.FILES[what]).read_text(encoding="utf-8")
    assert committed == MADE[what](), "python tests/cli/test_resources.py --write makes it anew"


def test_there_is_nothing_else_and_each_is_printed_as_it_is() -> None:
    assert {path.name for path in SHARE.iterdir()} == set(resources.FILES.values())
    for what, name in resources.FILES.items():
        printed = subprocess.run(
            bwgraph_argv("--print", what), env=environment(), capture_output=True, check=True
        )
        assert printed.stderr == b""
        same = re.sub(
            rb"^(ExecStart=).* -P -m (bwgraph )", rb"\1\2", printed.stdout, flags=re.MULTILINE
        )
        assert same == (SHARE / name).read_bytes()


@pytest.mark.parametrize(
    ("shell", "begin"),
    [
        (["bash", "--noprofile", "--norc"], "source {share}/bwgraph.bash"),
        (["zsh", "-f"], "fpath=({share} $fpath); autoload -U compinit; compinit -u -D"),
        (["fish", "--no-config"], "source {share}/bwgraph.fish"),
    ],
    ids=["bash", "zsh", "fish"],
)
def test_a_shell_completes(shell: list[str], begin: str, tmp_path: Path) -> None:
    program = shutil.which(shell[0])
    if program is None:
        pytest.skip(f"{shell[0]} is not on PATH")
    (tmp_path / "only.file").touch()
    environ = environment(HOME=str(tmp_path), PS1="> ")
    argv = [program, *shell[1:], "-i"]
    with Program(argv=argv, environ=environ, cwd=tmp_path, size=(120, 24)) as terminal:
        terminal.send(f"{begin.format(share=SHARE)}; echo rea''dy\n")
        terminal.wait_for(re.compile("^ready", re.MULTILINE))
        terminal.send("bwgraph ")
        typed = "bwgraph"
        for piece, whole in (
            ("--lay", "--layout"),
            ("mir", "mirrored"),
            ("--pri", "--print"),
            ("completion-f", "completion-fish"),
            ("--sv", "--svg"),
            ("onl", "only.file"),
        ):
            terminal.send(f"{piece}\t")
            typed += f" {whole}"
            terminal.wait_for(typed)


def systemd_analyze(*arguments: str, place: Path) -> str:
    """What it says; skips where there is none, or one that cannot do that."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on PATH")
    done = subprocess.run(
        [program, "--man=no", *arguments],
        env=environment(XDG_RUNTIME_DIR=str(place)),
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze is too old for it")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize(("what", "manager"), [("systemd", "--system"), ("systemd-user", "--user")])
def test_systemd_finds_no_fault_with_a_unit(what: str, manager: str, tmp_path: Path) -> None:
    (tmp_path / "bwgraph.service").write_text(resources.text(what))
    assert systemd_analyze(manager, "verify", "./bwgraph.service", place=tmp_path) == ""


def test_the_system_unit_is_walled_off(tmp_path: Path) -> None:
    unit = resources.text("systemd")
    for line in (
        "DynamicUser=yes",
        "SupplementaryGroups=debian-tor",
        "StateDirectory=bwgraph",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "ProtectSystem=strict",
    ):
        assert f"\n{line}\n" in unit
    (tmp_path / "bwgraph.service").write_text(unit)
    # Of ten: the network of this machine, and a group, are what it cannot do without.
    security = ("security", "--offline=yes", "--threshold=15", "./bwgraph.service")
    systemd_analyze(*security, place=tmp_path)


@pytest.mark.parametrize("what", UNITS)
def test_a_unit_runs_the_python_that_prints_it(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/5% off/python")
    command = next(
        line for line in resources.text(what).splitlines() if line.startswith("ExecStart=")
    )
    assert command.startswith('ExecStart="/opt/5%% off/python" -P -m bwgraph --')


FLAGS = {name for action in arguments.parser()._actions for name in action.option_strings}


@pytest.mark.skipif(not {"--headless", "--store"} <= FLAGS, reason="those flags are yet to come")
@pytest.mark.parametrize("what", UNITS)
def test_the_command_line_knows_the_flags_of_a_unit(what: str) -> None:
    unit = (SHARE / resources.FILES[what]).read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=bwgraph (.*)$", unit, re.MULTILINE)
    options = vars(arguments.parser().parse_args(shlex.split(command)))
    assert options == {"headless": True, "wait": True, "store": "%S/bwgraph/history.db"}


def granted() -> tuple[set[str], set[str]]:
    """The commands and the events that the profile lets through."""
    (profile,) = yaml.safe_load(resources.text("onion-grater"))
    commands = {
        f"{command} {argument}"
        for command, allowed in profile["commands"].items()
        for argument in allowed
    }
    return commands, set(profile["events"])


def test_the_profile_grants_what_bwgraph_sends_and_no_more() -> None:
    commands, events = granted()
    asked = set(
        re.findall(r'_info\("([^"]+)"\)', (SHARE.parent / "tor" / "connection.py").read_text())
    )
    known = {
        description.FINGERPRINT_COMMAND,
        *description.LIMIT_COMMANDS,
        *description.ACCOUNTING_COMMANDS,
        *(f"GETINFO {key}" for key in asked),
    }
    assert commands - known == {"GETCONF __owningcontrollerprocess", "GETCONF nickname"}
    assert commands >= known
    assert events == {"BW"}


def test_the_profile_lets_through_all_that_is_on_the_wire() -> None:
    commands, events = granted()
    with FakeTor(Manners(info={"accounting/enabled": b"1"})) as server:
        program = subprocess.Popen(
            bwgraph_argv(f"--port={server.endpoint}", "--json"),
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        try:
            last = description.ACCOUNTING_COMMANDS[-1]
            eventually(lambda: last in server.commands, "everything has been asked")
        finally:
            program.terminate()
            program.wait(PATIENCE)
        sent = {line for line in server.commands if line.split()[0] not in ALWAYS_LET_THROUGH}
        subscribed = {line for line in server.commands if line.startswith("SETEVENTS")}
    assert sent <= commands
    assert subscribed == {f"SETEVENTS {' '.join(events)}"}


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for what, make in MADE.items():
        (SHARE / resources.FILES[what]).write_text(make(), encoding="utf-8")
