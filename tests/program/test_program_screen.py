"""The demo shows its graphs in a window of any size, and new samples at once."""

import random
import re
import time
from pathlib import Path

import pytest
from demo_program import (
    BAR,
    DEMO,
    KEYS,
    LAST_HELP_TEXT,
    clicked,
    demo_with_history,
    patched_argv,
)
from pty_driver import Program

# The screen.


def test_demo_fills_the_window_with_graphs_and_rates() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(DEMO)
        rate = r"\d\.\d MiB/s"
        terse = r"\d\.\dM"
        statistics = (
            rf"{rate}  last 1 s: avg {terse} p95 {terse} peak {terse}"
            r"  \d\d % of BandwidthRate 20\.0 MiB/s$"
        )
        program.wait_for(re.compile(rf"^▼ download +{statistics}", re.MULTILINE))
        program.wait_for(re.compile(rf"^▲ upload +{statistics}", re.MULTILINE))
        lines = program.display()
        assert lines[0].startswith("bwgraph")
        assert len(lines[0]) == 100
        assert lines[-1].startswith("q quit")
        # The axes reach the right edge, where the tick of a label may be.
        axes = [line for line in lines if re.fullmatch(r" +0 └[─┬ ]+", line)]
        assert [len(line) for line in axes] == [100, 100]
        assert program.fits()


def test_newest_second_is_at_the_right_edge_and_moves_left() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(re.compile(r"0 └"))
        assert not BAR.search(program.text())
        program.wait_for(BAR)
        for bars in (1, 2):
            # In the row above the axis: as many full cells as seconds, at the right edge.
            program.wait_for(re.compile(rf"│[ ·]*█{{{bars}}}\n +0 └"))
            above = next(i for i, line in enumerate(program.display()) if " 0 └" in line) - 1
            assert len(program.display()[above]) == 100


def test_sample_is_shown_at_once_even_shortly_after_another_redraw(tmp_path: Path) -> None:
    log = tmp_path / "sent"
    code = f"""
import time
from bwgraph.tor import demo
def traffic(second):
    with open({str(log)!r}, "a") as log:
        log.write(f"{{time.monotonic()}}\\n")
    return 1000, 1000
demo.demo_traffic.traffic = traffic
"""
    with Program(argv=patched_argv(code, "--demo")) as program:
        lags = []
        for second in (1, 2):
            program.wait_for(f"last {second} s:")
            sent = float(log.read_text().split()[second])
            lags.append(time.monotonic() - sent)
            program.watch(sent + 0.8 - time.monotonic())
            program.send("\x0c")
        assert max(lags) < 0.4, lags


def test_ctrl_l_redraws_the_whole_screen() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.scribble()
        program.send("\x0c")
        program.wait_for(DEMO)
        program.wait_gone("EE")


# Sizes.

SIZES = (
    *((300, 100), (100, 24), (80, 24), (37, 11), (36, 10), (35, 9), (21, 7), (13, 4), (9, 3)),
    *((5, 2), (4, 1), (1, 1), (2, 1), (1, 2), (1, 40), (3, 3), (300, 1), (40, 1), (2, 100)),
    *((13, 1), (100, 2), (7, 5), (80, 24), (300, 100)),
)


def is_whole_picture(lines: list[str], columns: int, rows: int) -> bool:
    """Return whether these lines show both directions as completely as the size allows."""
    if rows == 1:
        rate = r"\d+(\.\d)?( [KMG]iB/s|[KMG])" if columns >= 5 else ""
        both = rf"▼ ?{rate} +▲ ?{rate}" if columns >= 13 else rf"▼?{rate}( {rate})?"
        return bool(re.fullmatch(both, lines[0]))
    # In the side-by-side arrangement both headings are in one line.
    parts = [part for line in lines for part in re.split(r"(?=▲)", line) if line[:1] in "▼▲"]
    headings = [part for part in parts if part.startswith(("▼", "▲"))]
    if columns >= 6:
        headings = [line for line in headings if re.match(r"[▼▲] ?[a-z]* *\d", line)]
    header = not lines[0].startswith("bwgraph") or re.search(r"\d\d:\d\d:\d\d$", lines[0])
    return bool(len(headings) == 2 and header and (columns < 100 or rows < 24 or lines[-1]))


def test_screen_fits_each_size_after_a_resize() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        for columns, rows in SIZES:
            program.resize(columns, rows)
            program.wait_until(
                lambda c=columns, r=rows: is_whole_picture(program.display(), c, r),  # type: ignore[misc]
                f"a picture that fills {columns}x{rows}",
            )
            assert program.fits(), f"{columns}x{rows}"
        assert len(program.display()[0]) == 300
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_fast_resizes_end_in_the_last_size() -> None:
    sizes = random.Random(1)
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        for _ in range(60):
            program.resize(sizes.randint(1, 300), sizes.randint(1, 100))
            program.watch(sizes.choice((0.0, 0.0, 0.005)))
        program.resize(91, 23)
        program.wait_until(
            lambda: len(program.display()[0]) == 91 and is_whole_picture(program.display(), 91, 23),
            "a picture that fills 91x23",
        )
        assert program.fits()


SHRINKING = ((300, 100), (110, 32), (80, 24), (40, 12), (20, 6), (8, 3), (5, 2), (1, 1), (1, 9))

VIEWS: dict[str, tuple[str, str | re.Pattern[str]]] = {
    # The keys that lead to each view, and a text on its screen.
    "help": ("?", LAST_HELP_TEXT),
    "paused": (" ", re.compile("paused|back")),
    "scrolled": ("\x1b[5~", "back"),
    "bucket selected": ("<", "mean"),
    "mirrored": ("mm", "├"),
    "side by side": ("m", re.compile("▼ download .* ▲ upload")),
    "braille": ("g", re.compile("[\u2801-\u28ff]")),
    "ascii": ("gg", "v download"),
    "log, pinned, shared, in bits, by the minute": ("l[eu---", "pinned"),
    "saved": ("s", "saved"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_any_view_fits_after_a_resize_and_is_shown_again(name: str, tmp_path: Path) -> None:
    keys, there = VIEWS[name]
    with Program(argv=demo_with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        program.send(keys)
        program.wait_for(there)
        for columns, rows in (*SHRINKING, *SHRINKING[-2::-1]):
            program.resize(columns, rows)
            # A frame drawn for the size before may not fit, so wait for one that does.
            program.wait_until(
                lambda: program.display()[0] and program.fits(),
                f"a picture that fits {columns}x{rows}",
            )
        if name != "saved":  # this message disappears after a while
            program.resize(110, 32)
            program.wait_for(there)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 3), (20, 6)], ids=str)
def test_no_key_fails_in_a_tiny_window(size: tuple[int, int], tmp_path: Path) -> None:
    with Program(argv=demo_with_history(), size=size, cwd=tmp_path) as program:
        program.wait_until(lambda: program.display()[0], "a first line")
        for _, sent, _, _ in KEYS:
            program.send(sent)
        program.send(clicked(0, 0, "xterm"))
        program.send("u")
        # The help is closed again, and the message about the picture disappears.
        program.resize(110, 32)
        program.wait_for("bit/s")
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (300, 100)])
def test_program_starts_in_the_smallest_and_the_largest_window(size: tuple[int, int]) -> None:
    with Program("--demo", size=size) as program:
        program.wait_until(
            lambda: program.display()[0].startswith("▼" if size == (1, 1) else "bwgraph"),
            "a first line",
        )
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
