"""Keys and clicks have their effect on the screen of the demo."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from demo_program import HEADER, KEYS, clicked, demo_with_history, mode_of, readout
from pty_driver import Program, environment

from bwgraph.screen.keymap import ACTIONS


def test_every_key_of_the_help_has_its_effect(tmp_path: Path) -> None:
    # The two keys that quit are tested in test_program_exit.py.
    assert {key for key, *_ in KEYS} == ACTIONS.keys() - {"q", "^C"}
    with Program(argv=demo_with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for(re.compile(r"^ *500 MiB/s ┤", re.MULTILINE))
        for key, sent, there, gone in KEYS:
            pattern = re.compile(re.escape(gone)) if isinstance(gone, str) else gone
            program.send(sent)
            program.wait_for(there)
            program.wait_until(
                lambda p=pattern: not p.search(program.text()),  # type: ignore[misc]
                f"{pattern.pattern!r} gone after {key}",
            )
            assert program.fits(), key
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


UNKNOWN = {
    "letters": "QxyzZ09;:",
    "up and down": "\x1bOA\x1bOB",
    "enter, tab, backspace": "\r\t\x7f\x1b[Z",
    "function keys": "\x1bOP\x1b[15~\x1b[24~\x1b[2~\x1b[3~",
    "with ctrl and shift": "\x1b[1;5D\x1b[1;2C\x1b[1;3H\x1b[5;5~",
    "not in terminfo": "\x1b[25~\x1b[57441u\x1b[I\x1b[O\x1b[200~\x1b[201~",
    "not ASCII": "äß東🧅",
    "controls": "\x01\x02\x0e\x17",
    "other buttons": "\x1b[<2;50;10M\x1b[<2;50;10m\x1b[<1;50;10M\x1b[<35;50;10M\x1b[<0;50;10m",
}


def test_unknown_keys_do_nothing(tmp_path: Path) -> None:
    with Program(argv=demo_with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        for name, keys in UNKNOWN.items():
            program.send(keys)
            # Keys are handled in order: when this one has its effect, those before were handled.
            program.send("u")
            program.wait_for("Mbit/s")
            text = program.text()
            program.send("u")
            program.wait_gone("Mbit/s")
            for word in ("pinned", "shared", "p99", "back", "paused", "mean ", "saved"):
                assert word not in text, (name, word)
            assert not mode_of("log").search(text), name
            assert "q quit" in text, name
            assert "1 s/column" in text, name
        assert list(tmp_path.iterdir()) == []
        program.send("q")
        assert program.wait_exit() == 0


@pytest.mark.parametrize("term", ["xterm-256color", "xterm", "screen-256color"])
def test_click_selects_the_bucket_under_it(term: str) -> None:
    with Program(
        argv=demo_with_history(), environ=environment(TERM=term), size=(110, 32)
    ) as program:
        program.wait_for("q quit")
        assert program.reports_mouse()
        program.send(" ")  # pause, so that the buckets do not move
        program.wait_for(re.compile(HEADER + " (paused|back)"))
        times: list[int] = []

        def selected_time() -> int | None:
            match = re.search(r"^(\d\d):(\d\d):(\d\d)   ▼", program.text(), re.MULTILINE)
            if match is None:
                return None
            hours, minutes, seconds = map(int, match.groups())
            return 3600 * hours + 60 * minutes + seconds

        for x in (109, 49):
            program.send(clicked(x, 5, term))
            cursor = re.compile(rf"^[^\n]{{{x}}}[┴┊]", re.MULTILINE)
            program.wait_for(cursor)
            program.wait_until(
                lambda: selected_time() not in {None, *times}, "another bucket selected"
            )
            times.append(selected_time() or 0)
        assert (times[0] - times[1]) % 86_400 == 60
        program.send("\x1b")
        program.wait_for("q quit")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_click_beyond_column_223_is_at_its_place() -> None:
    with Program(argv=demo_with_history(), size=(300, 40)) as program:
        program.wait_for("q quit")
        program.send(clicked(290, 3, "xterm"))
        program.wait_for(readout())
        program.wait_until(lambda: program.display()[5][285:292].strip("┈ ") != "", "a cursor")


def test_s_saves_a_picture_in_the_working_directory_and_shows_its_name(tmp_path: Path) -> None:
    with Program(argv=demo_with_history(), size=(110, 32), cwd=tmp_path) as program:
        program.wait_for("q quit")
        program.send("s")
        name = program.wait_for(re.compile(r"^saved (bwgraph-\S+\.svg)$", re.MULTILINE))[1]
        assert [path.name for path in tmp_path.iterdir()] == [name]
        picture = tmp_path / name
        assert picture.stat().st_mode & 0o777 == 0o600
        text = "".join(ET.parse(picture).getroot().itertext())
        assert "download" in text
        assert "saved" not in text


def test_picture_that_cannot_be_saved_is_an_error_message(tmp_path: Path) -> None:
    removed = tmp_path / "removed"
    removed.mkdir()
    with Program("--demo", cwd=removed) as program:
        program.wait_for("q quit")
        removed.rmdir()
        program.send("s")
        program.wait_for("no picture: No such file or directory")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
