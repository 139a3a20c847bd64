"""The demo fills a window of any size."""

import random
import re
import time
from pathlib import Path

import pytest
from demo_program import (
    BAR,
    DEMO,
    KEYS,
    LAST_WORDS,
    altered,
    clicked,
    with_history,
)
from pty_driver import Program

# What there is to see.


def test_demo_says_that_it_is_one_and_fills_the_window_with_graphs_and_rates() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(DEMO)
        rate = r"\d\.\d MiB/s"
        terse = r"\d\.\dM"
        said = (
            rf"{rate}  last 1 s: avg {terse} p95 {terse} peak {terse}"
            r"  \d\d % of BandwidthRate 20\.0 MiB/s$"
        )
        program.wait_for(re.compile(rf"^▼ download +{said}", re.MULTILINE))
        program.wait_for(re.compile(rf"^▲ upload +{said}", re.MULTILINE))
        lines = program.display()
        assert lines[0].startswith("bwgraph")
        assert len(lines[0]) == 100
        assert lines[-1].startswith("q quit")
        # To the right edge, where a time's tick may be.
        grounds = [line for line in lines if re.fullmatch(r" +0 └[─┬ ]+", line)]
        assert [len(line) for line in grounds] == [100, 100]
        assert program.fits()


def test_newest_second_is_a_bar_at_the_right_edge_and_moves_on() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(re.compile(r"0 └"))
        assert not BAR.search(program.text())
        program.wait_for(BAR)
        for bars in (1, 2):
            # Directly above the ground: as many full cells as seconds, at the right edge.
            program.wait_for(re.compile(rf"│[ ·]*█{{{bars}}}\n +0 └"))
            above = next(i for i, line in enumerate(program.display()) if " 0 └" in line) - 1
            assert len(program.display()[above]) == 100


def test_sample_is_shown_when_it_comes_whatever_was_drawn_just_before(tmp_path: Path) -> None:
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
    with Program(argv=altered(code, "--demo")) as program:
        lags = []
        for second in (1, 2):
            program.wait_for(f"last {second} s:")
            sent = float(log.read_text().split()[second])
            lags.append(time.monotonic() - sent)
            program.watch(sent + 0.8 - time.monotonic())
            program.send("\x0c")
        assert max(lags) < 0.4, lags


def test_ctrl_l_draws_over_what_others_wrote() -> None:
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
    """Whether these lines show both directions, as far as there is room for them."""
    if rows == 1:
        rate = r"\d+(\.\d)?( [KMG]iB/s|[KMG])" if columns >= 5 else ""
        both = rf"▼ ?{rate} +▲ ?{rate}" if columns >= 13 else rf"▼?{rate}( {rate})?"
        return bool(re.fullmatch(both, lines[0]))
    # Side by side they are in one line.
    parts = [part for line in lines for part in re.split(r"(?=▲)", line) if line[:1] in "▼▲"]
    headings = [part for part in parts if part.startswith(("▼", "▲"))]
    if columns >= 6:
        headings = [line for line in headings if re.match(r"[▼▲] ?[a-z]* *\d", line)]
    header = not lines[0].startswith("bwgraph") or re.search(r"\d\d:\d\d:\d\d$", lines[0])
    return bool(len(headings) == 2 and header and (columns < 100 or rows < 24 or lines[-1]))


def test_resized_through_odd_sizes_it_lives_and_the_picture_fits() -> None:
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


def test_resized_faster_than_it_can_draw_it_ends_in_the_last_size() -> None:
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

WAYS_TO_LOOK: dict[str, tuple[str, str | re.Pattern[str]]] = {
    "help": ("?", LAST_WORDS),
    "paused": (" ", re.compile("paused|back")),
    "scrolled": ("\x1b[5~", "back"),
    "read": ("<", "mean"),
    "mirrored": ("mm", "├"),
    "side by side": ("m", re.compile("▼ download .* ▲ upload")),
    "braille": ("g", re.compile("[\u2801-\u28ff]")),
    "ascii": ("gg", "v download"),
    "log, pinned, shared, in bits, by the minute": ("l[eu---", "pinned"),
    "saved": ("s", "saved"),
}


@pytest.mark.parametrize("name", WAYS_TO_LOOK)
def test_resized_whatever_is_looked_at_it_fits_and_is_there_again(
    name: str, tmp_path: Path
) -> None:
    keys, there = WAYS_TO_LOOK[name]
    with Program(argv=with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        program.send(keys)
        program.wait_for(there)
        for columns, rows in (*SHRINKING, *SHRINKING[-2::-1]):
            program.resize(columns, rows)
            # What was on its way to the other size when that changed may not have fitted.
            program.wait_until(
                lambda: program.display()[0] and program.fits(),
                f"a picture that fits {columns}x{rows}",
            )
        if name != "saved":  # that goes away by itself
            program.resize(110, 32)
            program.wait_for(there)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 3), (20, 6)], ids=str)
def test_no_key_ends_it_in_the_smallest_of_windows(size: tuple[int, int], tmp_path: Path) -> None:
    with Program(argv=with_history(), size=size, cwd=tmp_path) as program:
        program.wait_until(lambda: program.display()[0], "a first line")
        for _, sent, _, _ in KEYS:
            program.send(sent)
        program.send(clicked(0, 0, "xterm"))
        program.send("u")
        # The notice of the picture, and the help, are left behind.
        program.resize(110, 32)
        program.wait_for("bit/s")
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


@pytest.mark.parametrize("size", [(1, 1), (300, 100)])
def test_started_in_a_window_of_any_size_it_draws(size: tuple[int, int]) -> None:
    with Program("--demo", size=size) as program:
        program.wait_until(
            lambda: program.display()[0].startswith("▼" if size == (1, 1) else "bwgraph"),
            "a first line",
        )
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
