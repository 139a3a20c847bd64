"""The law of core and shell: which room may know what, read off the imports of each."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bwgraph

PACKAGE = Path(bwgraph.__file__).parent

CORE = frozenset(
    {
        "__init__",
        "diurnal",
        "endpoint",
        "frame",
        "graph",
        "history",
        "instance",
        "captions",
        "ledger",
        "marks",
        "placement",
        "ring",
        "sample",
        "screen",
        "source",
        "summary",
        "tally",
        "units",
        "view",
    }
)
"Pure: no terminal, no tor, no threads, no clock."

SHELL = frozenset(
    {
        "__main__",
        "app",
        "bounded",
        "cli",
        "clock",
        "credentials",
        "demo",
        "diagnosis",
        "link",
        "permissions",
        "stream",
        "terminal",
        "tor",
        "wakeup",
        "wire",
    }
)
"Thin: what touches the world."

WORLD = frozenset(
    {
        "_curses",
        "_socket",
        "_thread",
        "asyncio",
        "concurrent",
        "curses",
        "importlib",
        "multiprocessing",
        "os",
        "pathlib",
        "queue",
        "select",
        "selectors",
        "signal",
        "socket",
        "stem",
        "subprocess",
        "sys",
        "termios",
        "threading",
        "time",
    }
)
"What no core module may import."

ONLY_IN = {"stem": "tor", "curses": "terminal", "_curses": "terminal"}
"What one module imports, and no other."

WITHOUT = {"stream": frozenset({"_thread", "threading", "concurrent", "curses", "os", "stem"})}
"""What a room of the shell may not import either. The stream waits for what others tell, and has
nothing but a queue for it: no threads, no terminal, no tor."""

MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def imports(source: str, package: str = "bwgraph") -> set[str]:
    """Every name that a source text imports, wherever in it, dotted and in full."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = [package] if node.level else []
            parts += [node.module] if node.module else []
            found.add(".".join(parts))
            # What is imported may be a module or a name in one: as a module it counts too.
            found.update(".".join([*parts, alias.name]) for alias in node.names)
    return found


def clocks(source: str) -> set[str]:
    """The ways by which a source text reads a clock, or imports without an import statement."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"now", "utcnow", "today"}
            and ast.unparse(node.value).split(".")[-1] in {"datetime", "date"}
        ) or (isinstance(node, ast.Name) and node.id == "__import__"):
            found.add(ast.unparse(node))
    return found


def offences(module: str, source: str) -> list[str]:
    """What a module of this name and source does against the law."""
    found: list[str] = []
    for name in sorted(imports(source)):
        top, _, rest = name.partition(".")
        room = rest.partition(".")[0]
        if module in CORE and top in WORLD:
            found.append(f"the core module {module} imports {name}")
        if module in CORE and top == "bwgraph" and room in SHELL:
            found.append(f"the core module {module} imports the shell's {room}")
        if top in WITHOUT.get(module, ()):
            found.append(f"{module} imports {name}, and is to do without")
        if ONLY_IN.get(top, module) != module:
            found.append(f"{module} imports {name}, which is for {ONLY_IN[top]} alone")
    if module in CORE:
        found += [f"the core module {module} uses {name}" for name in sorted(clocks(source))]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_module_keeps_the_law(module: str) -> None:
    assert offences(module, (PACKAGE / f"{module}.py").read_text(encoding="utf-8")) == []


def test_every_module_is_either_core_or_shell() -> None:
    # A new module is put into one of the two lists above: that is the decision to take.
    assert not CORE & SHELL
    assert set(MODULES) == CORE | SHELL
    assert [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()] == []


@pytest.mark.parametrize("module", MODULES)
def test_module_says_what_it_is_for(module: str) -> None:
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)


@pytest.mark.parametrize(
    ("room", "user"), [("stem", "tor"), ("curses", "terminal")], ids=["stem", "curses"]
)
def test_the_one_room_for_it_does_import_it(room: str, user: str) -> None:
    # Else the rule that nobody else does would hold for lack of anything to hold.
    source = (PACKAGE / f"{user}.py").read_text(encoding="utf-8")
    assert room in {name.partition(".")[0] for name in imports(source)}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("graph", "import curses"),
        ("graph", "import os.path as paths"),
        ("graph", "from time import monotonic"),
        ("graph", "def f():\n    import threading"),
        ("graph", "if TYPE_CHECKING:\n    from socket import socket"),
        ("graph", "import math, sys"),
        ("graph", "try:\n    import select\nexcept ImportError:\n    pass"),
        ("graph", "import bwgraph.terminal"),
        ("graph", "from bwgraph import units, tor"),
        ("graph", "from bwgraph.link import TorLink"),
        ("graph", "from . import app"),
        ("graph", "from .clock import now"),
        ("graph", "socket = __import__('socket')"),
        ("history", "from queue import SimpleQueue"),
        ("ledger", "from pathlib import Path"),
        ("placement", "from bwgraph.clock import now"),
        ("ring", "from bwgraph import stream"),
        ("stream", "import threading"),
        ("stream", "from bwgraph.source import Event\nfrom threading import Lock"),
        ("screen", "clock = datetime.now().astimezone()"),
        ("screen", "clock = datetime.datetime.utcnow()"),
        ("screen", "day = date.today()"),
        ("link", "from stem.control import Controller"),
        ("app", "def f():\n    import curses"),
        ("terminal", "import stem"),
        ("tor", "from curses import ascii"),
    ],
)
def test_checker_sees_an_offence(module: str, source: str) -> None:
    assert len(offences(module, source)) >= 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("graph", "import math\nfrom datetime import datetime\nfrom bwgraph import units"),
        ("graph", "import timeit_like_name, oscillate"),
        ("screen", "left = moment.now"),
        ("app", "import os, threading\nfrom bwgraph.terminal import Terminal"),
        ("tor", "import stem.control"),
        ("terminal", "import curses"),
        ("stream", "import queue\nfrom datetime import UTC, datetime\nnow = datetime.now(UTC)"),
    ],
)
def test_checker_lets_the_lawful_pass(module: str, source: str) -> None:
    assert offences(module, source) == []


@pytest.mark.parametrize("module", ["bwgraph", "bwgraph.cli"])
def test_importing_loads_neither_stem_nor_curses(module: str) -> None:
    program = (
        f"import sys, {module}; print(sorted({{'stem', 'curses', '_curses'}} & {{*sys.modules}}))"
    )
    assert _fresh(program) == "[]"


def test_importing_the_package_loads_none_of_its_rooms() -> None:
    program = "import sys, bwgraph; print([m for m in sys.modules if m.startswith('bwgraph.')])"
    assert _fresh(program) == "[]"


def _fresh(program: str) -> str:
    """What a program prints in an interpreter that has imported nothing yet."""
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
