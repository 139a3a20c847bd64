"""Saved pictures, and the notice about them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loop_world import World, installed_world

from bwgraph.output import svg_file
from bwgraph.screen.frame import Size, Style
from bwgraph.terminal.loop import NOTICE_SHOWN_S, LoopEnd


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with installed_world(monkeypatch) as world:
        yield world


def test_s_saves_the_screen_and_shows_the_file_name(world: World) -> None:
    world.fill(300)
    world.press(0.1, "m", "g", "s")
    world.press(0.2, "u", "s")
    world.run(0.5)
    first, second = world.saved
    assert first.size == Size(80, 24)
    # The notice is not in the picture, nor in the next one.
    assert "saved" not in "\n".join([*first.text(), *second.text()])
    assert first.text()[:20] == world.terminal.frames[1].text()[:20]
    assert "bit/s" in "\n".join(second.text())
    assert world.terminal.frames[1].text()[-1] == "saved picture-1.svg"
    assert world.terminal.frames[2].text()[-1] == "saved picture-2.svg"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(13, "Permission denied", "x.svg"), "no picture: Permission denied"),
        (OSError(28, "No space left on device"), "no picture: No space left on device"),
        (FileExistsError("x.svg and more are there"), "no picture: x.svg and more are there"),
    ],
    ids=str,
)
def test_failure_to_save_a_picture_is_shown_and_does_not_end_the_loop(
    world: World, error: OSError, text: str
) -> None:
    world.fill(300)
    world.save_error = error
    world.press(0.1, "s")
    assert world.run(0.5) == LoopEnd()
    assert world.terminal.frames[-1].text()[-1] == text


def test_notice_disappears_by_itself(world: World) -> None:
    world.fill(300)
    world.press(0.5, "s")
    for number in range(1, 13):
        world.at(number, world.sample)
    world.run(12.5)
    shown = [
        when
        for when, frame in zip(world.drawn, world.terminal.frames, strict=True)
        if "saved" in "\n".join(frame.text())
    ]
    assert shown == [0.5, 1, 2, 3, 4, 5, 6, 7, 8]
    assert 0.5 + NOTICE_SHOWN_S < 9
    # The key line is back in its place.
    assert world.terminal.frames[-1].text()[-1].startswith("q quit")


def test_notice_disappears_without_events_from_tor(world: World) -> None:
    world.press(0.5, "s")
    world.run(12.5)
    assert "saved" in world.text(1)
    assert "saved" not in world.text()


def test_control_characters_in_a_notice_are_harmless(world: World) -> None:
    world.fill(300)
    world.save_error = OSError(5, "\x1b[2J")
    world.press(0.1, "s")
    world.run(0.5)
    assert "no picture: ?[2J" in world.text()


def test_help_page_can_be_saved(world: World) -> None:
    world.fill(300)
    world.press(0.1, "?", "s")
    world.run(0.5)
    [frame] = world.saved
    assert frame.text() == world.terminal.frames[-1].text()


def test_picture_is_saved_in_the_current_directory(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(world, "save", svg_file.save_new)
    world.fill(300)
    world.press(0.1, "s")
    world.run(0.5)
    [path] = tmp_path.iterdir()
    assert path.read_text("utf-8").startswith("<svg ")
    last = world.terminal.frames[-1].lines[-1]
    assert [(span.text, span.style) for span in last] == [(f"saved {path.name}", Style.BOLD)]
