"""The walls between the packages, what pure modules may use, and when modules are loaded."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import bwgraph

PACKAGE = Path(bwgraph.__file__).parent
PROJECT = Path(__file__).parents[1] / "pyproject.toml"

CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}

MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)

PURE = [
    module
    for module in MODULES
    if any(
        module == source or module.startswith(f"{source}.")
        for source in CONTRACTS["pure"]["source_modules"]
    )
]

SLOW = {"dataclasses", "inspect", "shutil", "sqlite3", "stem", "unicodedata"}
"Modules that load slowly. Values are named tuples, since a dataclass takes ten times as long."

LOCALIZED = "aAbBcpxXZ"
"The strftime codes whose text depends on the locale."


# The contracts of import-linter


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of the contracts, for planting imports."""
    shutil.copytree(PACKAGE, tmp_path / "bwgraph", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT, tmp_path)
    return tmp_path


def lint(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package below ``root``."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *options],
        cwd=root,
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def plant(root: Path, module: str, statement: str) -> None:
    """Add a statement to a module, which is made if it does not exist."""
    with root.joinpath("bwgraph", *module.split(".")).with_suffix(".py").open("a") as file:
        file.write(f"\n{statement}\n")


def test_contracts_are_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


PLANTED = [
    ("layers", "model.history", "import bwgraph.screen.units"),
    ("layers", "model.new_module", "from bwgraph.system import clock"),
    ("layers", "screen.units", "from bwgraph.system.clock import now"),
    ("layers", "output.lines", "from bwgraph.terminal import loop"),
    ("layers", "store.owner", "def f():\n    from bwgraph.recording.format import parse"),
    ("layers", "terminal.tty", "from bwgraph.cli.arguments import parser"),
    ("layers", "terminal.tty", "import bwgraph.__main__"),
    ("no-screen", "tor.demo", "from bwgraph.screen import units"),
    ("no-screen", "store.new_module", "from bwgraph.screen.view import View"),
    ("no-tor", "output.once", "from bwgraph.tor.supervisor import TorSource"),
    ("no-tor", "terminal.new_module", "from bwgraph.store.schema import VERSION"),
    ("pure", "model.new_module", "import os.path as paths"),
    ("pure", "screen.plot", "from time import monotonic"),
    ("pure", "screen.plot", "def f():\n    import threading"),
    ("pure", "screen.plot", "try:\n    import select\nexcept ImportError:\n    pass"),
    ("pure", "screen.layout", "import math, sys"),
    ("pure", "model.history", "from queue import SimpleQueue"),
    ("pure", "model.totals", "from pathlib import Path"),
    ("pure", "store.restore", "from bwgraph.store.database import Store"),
    ("pure", "tor.counters", "from bwgraph.tor.transport import answers"),
    ("pure", "recording.reader", "from bwgraph.system.clock import now"),
    ("pure", "output.document", "import socket"),
    ("stem", "tor.supervisor", "from stem.control import Controller"),
    ("stem", "terminal.curses_terminal", "import stem"),
    ("curses", "terminal.loop", "def f():\n    import curses"),
    ("curses", "tor.connection", "from curses import ascii"),
    ("curses", "system.wakeup", "import _curses"),
    ("sqlite3", "store.recorder", "import sqlite3"),
    ("prometheus_client", "cli.main", "from prometheus_client import Gauge"),
    ("subprocess", "tor.transport", "import subprocess"),
    ("queue-alone", "output.lines", "import threading"),
    ("queue-alone", "output.once", "from threading import Lock"),
    ("config-file", "cli.config_file", "import time"),
    ("files", "output.svg_file", "import threading"),
    ("files", "store.database", "import socket"),
]


def test_every_contract_has_a_planted_import() -> None:
    assert {contract for contract, _, _ in PLANTED} == CONTRACTS.keys()


@pytest.mark.parametrize("contract", CONTRACTS)
def test_contract_is_broken_by_wrong_imports(copy: Path, contract: str) -> None:
    wrong = [planted[1:] for planted in PLANTED if planted[0] == contract]
    for module, statement in wrong:
        plant(copy, module, statement)
    done = lint(copy, "--contract", contract)
    assert done.returncode == 1, done.stdout
    for module, _ in wrong:
        assert f"bwgraph.{module} -> " in done.stdout


RIGHT = [
    ("screen.plot", "import math\nfrom datetime import datetime\nfrom bwgraph.screen import units"),
    ("model.history", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import socket"),
    ("output.svg_file", "import os\nfrom pathlib import Path\nfrom bwgraph.screen import svg"),
    ("terminal.loop", "import os, threading\nfrom bwgraph.terminal import curses_terminal"),
    ("tor.connection", "import stem.control"),
    ("output.lines", "import queue\nfrom datetime import UTC, datetime"),
]


def test_contracts_allow_right_imports(copy: Path) -> None:
    for module, statement in RIGHT:
        plant(copy, module, statement)
    done = lint(copy)
    assert done.returncode == 0, done.stdout


def test_contracts_see_an_unknown_package(copy: Path) -> None:
    # An exhaustive list of layers: a new package has to be given its place.
    package = copy / "bwgraph" / "unknown"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    done = lint(copy, "--contract", "layers")
    assert done.returncode == 1
    assert "bwgraph.unknown" in done.stdout


# Docstrings


@pytest.mark.parametrize("module", MODULES)
def test_module_has_a_docstring(module: str) -> None:
    assert ast.get_docstring(ast.parse(source_of(module)))


# The clock and the place, which pure modules are told


def source_of(module: str) -> str:
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


def ambient_reads(source: str) -> set[str]:
    """Return the calls by which a source text reads a clock, the time zone, the locale or a file.

    No import gives these away.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"now", "utcnow", "today"}
            and ast.unparse(node.value).split(".")[-1] in {"datetime", "date"}
        ) or (isinstance(node, ast.Name) and node.id in {"__import__", "open", "input", "print"}):
            found.add(ast.unparse(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            no_arguments = not node.args and not node.keywords
            if no_arguments and node.func.attr in {"astimezone", "tzlocal"}:
                found.add(ast.unparse(node))
            if node.func.attr == "fromtimestamp" and len(node.args) + len(node.keywords) < 2:
                found.add(ast.unparse(node))
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            codes = re.findall(r"%[-#]?(.)", ast.unparse(node.format_spec))
            found.update(f"%{code}" for code in codes if code in LOCALIZED)
    return found


@pytest.mark.parametrize("module", PURE)
def test_pure_module_reads_neither_clock_nor_locale(module: str) -> None:
    assert ambient_reads(source_of(module)) == set()


@pytest.mark.parametrize(
    "source",
    [
        "clock = datetime.now().astimezone()",
        "clock = datetime.datetime.utcnow()",
        "day = date.today()",
        "local = when.astimezone()",
        "local = datetime.fromtimestamp(5)",
        "words = f'{time.day} {time:%b}'",
        "open('x.svg', 'w').write('')",
        "socket = __import__('socket')",
    ],
)
def test_ambient_read_is_found(source: str) -> None:
    assert ambient_reads(source)


@pytest.mark.parametrize(
    "source",
    [
        "left = moment.now",
        "local = when.astimezone(self.clock.tzinfo)\nwords = f'{when:%H:%M} {3:.1f}'",
    ],
)
def test_time_that_is_an_argument_is_no_ambient_read(source: str) -> None:
    assert ambient_reads(source) == set()


# When modules are loaded


@pytest.mark.parametrize("module", ["bwgraph", "bwgraph.cli.main", "bwgraph.cli.options"])
def test_importing_loads_no_restricted_package(module: str) -> None:
    restricted = {"stem", "curses", "_curses", "sqlite3", "prometheus_client"}
    program = f"import sys, {module}; print(sorted({restricted!r} & {{*sys.modules}}))"
    assert fresh(program) == "[]"


def test_no_slow_module_is_loaded_before_the_first_graph() -> None:
    program = (
        "import sys; from bwgraph.cli import live, main, options;"
        "options.read([], {}, 'linux', frozenset());"
        f"print(sorted({SLOW!r} & {{*sys.modules}}))"
    )
    assert fresh(program) == "[]"


def test_importing_the_package_loads_none_of_its_modules() -> None:
    program = "import sys, bwgraph; print([m for m in sys.modules if m.startswith('bwgraph.')])"
    assert fresh(program) == "[]"


def fresh(program: str) -> str:
    """Return what a program prints in an interpreter that has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PACKAGE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()
