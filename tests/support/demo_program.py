"""Run the demo with changes that a test needs, press keys, and find text on its screen."""

import re
import sys
import termios

from pty_driver import Program

from bwgraph.screen.keymap import BINDINGS

DEMO = "demo: no tor"
"A text on the demo's screen."

BAR = re.compile(r"[▁▂▃▄▅▆▇█]")


def patched_argv(code: str, *arguments: str) -> list[str]:
    """Return a command that executes ``code`` and then runs bwgraph."""
    run = "import sys\nfrom bwgraph.__main__ import main\nsys.exit(main())"
    return [sys.executable, "-c", f"{code}\n{run}", *arguments]


def demo_with_history(*arguments: str) -> list[str]:
    """Return a command that runs the demo with 20 minutes of samples before its start.

    The rate rises a little every second, with a spike in the last minute.
    """
    code = """
from bwgraph.system.clock import now
from bwgraph.model.events import Sample
from bwgraph.model.events import Connected
from bwgraph.tor.targets import Targets
original = Targets._create_instance
def instance(*arguments):
    made = original(*arguments)
    moment = now()
    made.handle(Connected(moment, "demo"))
    for second in range(1, 1201):
        read = (300 << 20) if second == 1160 else (2 << 20) + second
        made.handle(Sample(moment - 1200.5 + second, read, 1 << 20, 1.0))
    return made
Targets._create_instance = instance
"""
    return patched_argv(code, "--demo", *arguments)


def is_raw(program: Program) -> bool:
    """Return whether the terminal passes keys on at once and does not echo them."""
    return not program.modes()[3] & (termios.ICANON | termios.ECHO)


HEADER = r"\Abwgraph .*"
LAST_HELP_TEXT = BINDINGS[-1].help
"The last line of the help screen."


def readout(unit: str = "MiB") -> re.Pattern[str]:
    """Return a pattern for the line that describes the selected bucket."""
    return re.compile(rf"^\d\d:\d\d:\d\d   ▼ [\d.]+ {unit}, mean [\d.]+ {unit}/s ", re.MULTILINE)


def mode_of(*words: str) -> re.Pattern[str]:
    """Return a pattern for the first heading with these words about the scale at its right."""
    return re.compile(rf"^▼ download .*  {' '.join(words)}$", re.MULTILINE)


KEYS: list[tuple[str, str, str | re.Pattern[str], str | re.Pattern[str]]] = [
    # The key, the bytes that the terminal sends, what appears on the screen, what disappears.
    ("?", "?", LAST_HELP_TEXT, "▼ download"),
    ("h", "h", "▼ download", LAST_HELP_TEXT),
    ("?", "?", LAST_HELP_TEXT, "▼ download"),
    ("esc", "\x1b", "▼ download", LAST_HELP_TEXT),
    ("space", " ", re.compile(HEADER + "  (paused|1 s back)  "), "nothing"),
    ("p", "p", "1 s/column", re.compile(HEADER + "  (paused|\\d+ s back)  ")),
    ("-", "-", "5 s/column", "1 s/column"),
    ("wheel-down", "\x1b[<65;50;10M", "15 s/column", re.compile(HEADER + " 5 s/column")),
    ("+", "+", re.compile(HEADER + " 5 s/column"), "15 s/column"),
    ("=", "=", re.compile(HEADER + " 1 s/column"), "5 s/column"),
    ("-", "-", "5 s/column", "1 s/column"),
    ("wheel-up", "\x1b[<64;50;10M", re.compile(HEADER + " 1 s/column"), "5 s/column"),
    ("left", "\x1bOD", re.compile(HEADER + r"  1[2-4] s back  "), "nothing"),
    ("pgup", "\x1b[5~", re.compile(HEADER + r"  9[7-9] s back  |10[0-2] s back"), "nothing"),
    ("right", "\x1bOC", re.compile(HEADER + r"  (8[4-9]|90) s back  "), "nothing"),
    ("pgdn", "\x1b[6~", re.compile(HEADER + r" 1 s/column  "), " back  "),
    ("home", "\x1bOH", re.compile(HEADER + r"  18 min \d+ s back  "), "nothing"),
    ("end", "\x1bOF", re.compile(HEADER + r" 1 s/column  "), " back  "),
    ("<", "<", readout(), "q quit"),
    (",", ",", readout(), "q quit"),
    (">", ">", readout(), "q quit"),
    (".", ".", readout(), "q quit"),
    ("esc", "\x1b", "q quit", readout()),
    ("m", "m", re.compile(r"^▼ download .* ▲ upload", re.MULTILINE), "nothing"),
    ("m", "m", re.compile(r"^ +0 ├", re.MULTILINE), re.compile("▼ download .* ▲ upload")),
    ("m", "m", re.compile(r"^ +0 └(.|\n)*^ +0 └", re.MULTILINE), "├"),
    ("u", "u", re.compile(r"^▼ download .* [\d.]+ Mbit/s", re.MULTILINE), "MiB/s"),
    ("u", "u", re.compile(r"^▼ download .* [\d.]+ MiB/s", re.MULTILINE), "Mbit/s"),
    ("g", "g", re.compile("[\u2801-\u28ff]"), BAR),
    ("g", "g", re.compile("^v download(.|\\n)*##", re.MULTILINE), "▼"),
    ("g", "g", BAR, "##"),
    ("l", "l", mode_of("log"), "nothing"),
    ("e", "e", mode_of("log", "shared"), "nothing"),
    ("l", "l", mode_of("shared"), "log "),
    ("e", "e", "▼ download", mode_of(".*shared")),
    ("[", "[", mode_of("pinned"), "500 MiB/s ┤"),
    ("]", "]", re.compile("^ *500 MiB/s ┤", re.MULTILINE), "nothing"),
    ("b", "b", mode_of("cut at p99"), "500 MiB/s ┤"),
    ("a", "a", re.compile("^ *500 MiB/s ┤", re.MULTILINE), "cut at p99"),
    ("s", "s", re.compile(r"^saved bwgraph-[\d-]+\.svg$", re.MULTILINE), "q quit"),
    # These have no visible effect here; other tests cover them.
    *(
        (key, sent, "▼ download", "nothing")
        for key, sent in (
            *(("r", "r"), ("tab", "\t"), ("shift-tab", "\x1b[Z"), ("enter", "\r"), ("o", "o")),
            *(("up", "\x1bOA"), ("down", "\x1bOB"), ("k", "k"), ("j", "j")),
            *((digit, digit) for digit in "0123456789"),
        )
    ),
    ("^L", "\x0c", "▼ download", "nothing"),
]


def clicked(x: int, y: int, term: str) -> bytes:
    """Return the bytes that a terminal sends for a click of the first button on a cell."""
    if term.startswith("xterm"):  # SGR mouse mode
        return b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (x + 1, y + 1, x + 1, y + 1)
    there = bytes((33 + x, 33 + y))
    return b"\x1b[M " + there + b"\x1b[M#" + there
