"""The law of core and shell: which room may know what, read off the imports of each."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bwgraph

PACKAGE = Path(bwgraph.__file__).parent

CORE = frozenset(
    {
        "__init__",
        "cli",
        "model",
        "model.binning",
        "model.events",
        "model.fleet",
        "model.history",
        "model.instance",
        "model.moment",
        "model.quota",
        "model.ring",
        "model.rollups",
        "model.sample",
        "model.statistics",
        "model.sum_history",
        "model.totals",
        "output",
        "output.document",
        "recording",
        "recording.format",
        "recording.intervals",
        "recording.reader",
        "screen",
        "screen.captions",
        "screen.compose",
        "screen.frame",
        "screen.graph_screen",
        "screen.help",
        "screen.layout",
        "screen.marks",
        "screen.plot",
        "screen.scale",
        "screen.svg",
        "screen.table_screen",
        "screen.time_axis",
        "screen.units",
        "screen.view",
        "store",
        "store.restore",
        "store.schema",
        "system",
        "terminal",
        "tor",
        "tor.counters",
        "tor.demo_traffic",
        "tor.description",
        "tor.endpoint",
    }
)
"Pure: no terminal, no tor, no threads, no clock."

SHELL = frozenset(
    {
        "__main__",
        "cli.arguments",
        "cli.config_file",
        "cli.headless",
        "cli.initial_view",
        "cli.main",
        "cli.resources",
        "cli.services",
        "output.event_queue",
        "output.lines",
        "output.once",
        "output.prometheus",
        "output.svg_file",
        "recording.replay",
        "store.attach",
        "store.database",
        "store.owner",
        "store.recorder",
        "system.clock",
        "system.signals",
        "system.stdio",
        "system.stray",
        "system.threads",
        "system.wakeup",
        "terminal.curses_terminal",
        "terminal.loop",
        "terminal.splash",
        "terminal.tty",
        "tor.connection",
        "tor.credentials",
        "tor.demo",
        "tor.failures",
        "tor.permissions",
        "tor.stem_adapter",
        "tor.supervisor",
        "tor.targets",
        "tor.transport",
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
        "sqlite3",
        "stem",
        "subprocess",
        "sys",
        "termios",
        "threading",
        "time",
    }
)
"What no core module may import."

ONLY_IN = {
    "stem": "tor.connection tor.stem_adapter",
    "curses": "terminal.curses_terminal terminal.tty",
    "_curses": "terminal.curses_terminal terminal.tty",
    "sqlite3": "store.database",
    "prometheus_client": "output.prometheus",
}
"What one module imports, or two, and no other."

QUEUE_ALONE = frozenset({"_thread", "threading", "concurrent", "curses", "os", "stem"})

WITHOUT = {
    "output.lines": QUEUE_ALONE,
    "output.once": QUEUE_ALONE,
    "cli.config_file": frozenset(
        {"_thread", "threading", "os", "socket", "curses", "stem", "time"}
    ),
    "output.svg_file": frozenset({"_thread", "threading", "socket", "curses", "stem"}),
    "store.database": frozenset({"_thread", "threading", "socket", "curses", "stem"}),
}
"""What a room of the shell may not import either. The stream and the one look wait for what others
tell, and have nothing but a queue for it: no threads, no terminal, no tor. Settings read a file and
an album writes one, and that is all."""

SLOW = {"dataclasses", "inspect", "shutil", "sqlite3", "stem", "unicodedata"}
"What takes long to load. So values are named tuples: a dataclass takes ten times as long to make."

BEFORE_A_TITLE = {
    "bwgraph",
    "bwgraph.__main__",
    "bwgraph.system.signals",
    "bwgraph.terminal.splash",
    "bwgraph.system",
    "bwgraph.terminal",
    "bwgraph.terminal.tty",
}
"What of bwgraph's own is loaded by then, and no more."

SLOW_TOO = {"argparse", "bisect", "datetime", "locale", "pathlib", "socket", "threading", "typing"}
"What takes a title's time to load, and is for later."

LOCAL = "aAbBcpxXZ"
"What of strftime's speaks another language elsewhere."

MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)


def text_of(module: str) -> str:
    path = PACKAGE.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


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
    """The ways by which a source text reads a clock, or what is like one: the place it runs in.

    That is the zone and the language of whoever looks, files, and imports without a statement.
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
            alone = not node.args and not node.keywords
            if alone and node.func.attr in {"astimezone", "tzlocal"}:
                found.add(ast.unparse(node))
            if node.func.attr == "fromtimestamp" and len(node.args) + len(node.keywords) < 2:
                found.add(ast.unparse(node))
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            codes = re.findall(r"%[-#]?(.)", ast.unparse(node.format_spec))
            found.update(f"%{code}" for code in codes if code in LOCAL)
    return found


def offences(module: str, source: str) -> list[str]:
    """What a module of this name and source does against the law."""
    found: list[str] = []
    for name in sorted(imports(source)):
        top, _, rest = name.partition(".")
        room = rest if rest in SHELL else rest.rpartition(".")[0]
        if module in CORE and top in WORLD:
            found.append(f"the core module {module} imports {name}")
        if module in CORE and top == "bwgraph" and room in SHELL:
            found.append(f"the core module {module} imports the shell's {room}")
        if top in WITHOUT.get(module, ()):
            found.append(f"{module} imports {name}, and is to do without")
        if module not in ONLY_IN.get(top, module).split():
            found.append(f"{module} imports {name}, which is for {ONLY_IN[top]} alone")
    if module in CORE:
        found += [f"the core module {module} uses {name}" for name in sorted(clocks(source))]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_module_keeps_the_law(module: str) -> None:
    assert offences(module, text_of(module)) == []


def test_every_module_is_either_core_or_shell() -> None:
    # A new module is put into one of the two lists above: that is the decision to take.
    assert not CORE & SHELL
    assert set(MODULES) == CORE | SHELL


@pytest.mark.parametrize("module", MODULES)
def test_module_says_what_it_is_for(module: str) -> None:
    tree = ast.parse(text_of(module))
    assert ast.get_docstring(tree)


@pytest.mark.parametrize(
    ("room", "user"),
    [
        (room, user)
        for room, users in ONLY_IN.items()
        if room != "_curses"  # of which curses is made
        for user in users.split()
    ],
)
def test_the_one_room_for_it_does_import_it(room: str, user: str) -> None:
    # Else the rule that nobody else does would hold for lack of anything to hold.
    source = text_of(user)
    assert room in {name.partition(".")[0] for name in imports(source)}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("screen.plot", "import curses"),
        ("screen.plot", "import os.path as paths"),
        ("screen.plot", "from time import monotonic"),
        ("screen.plot", "def f():\n    import threading"),
        ("screen.plot", "if TYPE_CHECKING:\n    from socket import socket"),
        ("screen.plot", "import math, sys"),
        ("screen.plot", "try:\n    import select\nexcept ImportError:\n    pass"),
        ("screen.plot", "import bwgraph.terminal.curses_terminal"),
        ("screen.plot", "from bwgraph.tor import connection"),
        ("screen.plot", "from bwgraph.tor.supervisor import TorLink"),
        ("screen.plot", "from bwgraph.terminal import loop"),
        ("screen.plot", "from bwgraph.system.clock import now"),
        ("screen.plot", "socket = __import__('socket')"),
        ("model.history", "from queue import SimpleQueue"),
        ("model.totals", "from pathlib import Path"),
        ("model.binning", "from bwgraph.system.clock import now"),
        ("model.ring", "from bwgraph.output import lines"),
        ("output.lines", "import threading"),
        ("output.lines", "from bwgraph.model.events import Event\nfrom threading import Lock"),
        ("screen.graph_screen", "clock = datetime.now().astimezone()"),
        ("screen.graph_screen", "clock = datetime.datetime.utcnow()"),
        ("screen.graph_screen", "day = date.today()"),
        ("model.moment", "local = when.astimezone()"),
        ("model.moment", "local = datetime.fromtimestamp(5)"),
        ("screen.time_axis", "words = f'{time.day} {time:%b}'"),
        ("screen.time_axis", "from bwgraph.system.clock import Clocks"),
        ("screen.svg", "from bwgraph.output import svg_file"),
        ("screen.svg", "open('x.svg', 'w').write('')"),
        ("screen.help", "from bwgraph.cli.config_file import read"),
        ("screen.layout", "import os"),
        ("screen.scale", "from bwgraph.output.once import watch"),
        ("tor.supervisor", "from stem.control import Controller"),
        ("terminal.loop", "def f():\n    import curses"),
        ("terminal.curses_terminal", "import stem"),
        ("tor.connection", "from curses import ascii"),
        ("store.recorder", "import sqlite3"),
        ("store.restore", "from bwgraph.store.database import Store"),
        ("cli.main", "from prometheus_client import Gauge"),
    ],
)
def test_checker_sees_an_offence(module: str, source: str) -> None:
    assert len(offences(module, source)) >= 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "screen.plot",
            "import math\nfrom datetime import datetime\nfrom bwgraph.screen import units",
        ),
        ("screen.plot", "import timeit_like_name, oscillate"),
        ("screen.graph_screen", "left = moment.now"),
        (
            "model.moment",
            "local = when.astimezone(self.clock.tzinfo)\nwords = f'{when:%H:%M} {3:.1f}'",
        ),
        ("screen.svg", "from html import escape\nfrom bwgraph.screen.frame import Frame"),
        ("output.svg_file", "import os\nfrom pathlib import Path\nfrom bwgraph.screen import svg"),
        (
            "terminal.loop",
            "import os, threading\nfrom bwgraph.terminal.curses_terminal import Terminal",
        ),
        ("tor.connection", "import stem.control"),
        ("terminal.curses_terminal", "import curses"),
        (
            "output.lines",
            "import queue\nfrom datetime import UTC, datetime\nnow = datetime.now(UTC)",
        ),
    ],
)
def test_checker_lets_the_lawful_pass(module: str, source: str) -> None:
    assert offences(module, source) == []


@pytest.mark.parametrize("module", ["bwgraph", "bwgraph.cli.main"])
def test_importing_loads_nothing_of_the_outside(module: str) -> None:
    program = f"import sys, {module}; print(sorted({set(ONLY_IN)!r} & {{*sys.modules}}))"
    assert _fresh(program) == "[]"


def test_next_to_nothing_is_loaded_before_the_title() -> None:
    # But what Python itself has loaded by then.
    program = (
        "import sys; had = {*sys.modules}; from bwgraph import __main__;"
        "from bwgraph.terminal import tty;"
        "print(sorted({*sys.modules} - had))"
    )
    loaded = set(ast.literal_eval(_fresh(program)))
    assert {name for name in loaded if name.startswith("bwgraph")} == BEFORE_A_TITLE
    assert loaded & (SLOW | SLOW_TOO) == set()


def test_nothing_that_takes_long_is_loaded_before_the_first_graph() -> None:
    program = (
        "import sys; from bwgraph.cli import arguments, main; from bwgraph.output import svg_file;"
        "from bwgraph.terminal import curses_terminal, loop;"
        f"arguments.parser().parse_args([]); print(sorted({SLOW!r} & {{*sys.modules}}))"
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
