"""Pictures as files: their names and modes, and what is never overwritten."""

import os
import re
import resource
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from nobody import nobody, open_directory

from bwgraph.output import svg_file
from bwgraph.screen import svg
from bwgraph.screen.frame import Frame, Size, Span, Style

FRAME = Frame.fit([(Span("download"), Span("▁▂█", Style.DOWNLOAD))], Size(20, 2))
OTHER = Frame.fit([(Span("upload"),)], Size(20, 2))

NAME = "bwgraph-2026-03-04-050607.svg"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to an empty directory, at a fixed time."""

    class FixedTime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "FixedTime":
            return cls(2026, 3, 4, 5, 6, 7, tzinfo=tz)

    monkeypatch.setattr(svg_file, "datetime", FixedTime)
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    yield tmp_path
    os.umask(before)


def file_names() -> list[str]:
    """Return the names of the files in the current directory."""
    return sorted(path.name for path in Path().iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# New files


def test_picture_is_named_by_the_second() -> None:
    assert svg_file.save_new(FRAME) == NAME
    assert Path(NAME).read_text("utf-8") == svg.draw_svg(FRAME)
    ET.parse(NAME)
    assert file_names() == [NAME]


def test_name_has_the_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_file, "datetime", datetime)
    before = datetime.now()  # noqa: DTZ005 - the wall clock's, as in the name
    name = svg_file.save_new(FRAME)
    after = datetime.now()  # noqa: DTZ005 - as above
    when = datetime.strptime(name, "bwgraph-%Y-%m-%d-%H%M%S.svg")  # noqa: DTZ007 - as above
    assert before.replace(microsecond=0) <= when <= after


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_picture_is_private_whatever_the_umask(umask: int) -> None:
    os.umask(umask)
    assert mode(Path(svg_file.save_new(FRAME))) == 0o600
    svg_file.write(FRAME, "mine.svg")
    assert mode(Path("mine.svg")) == 0o600


def test_pictures_of_one_second_are_numbered() -> None:
    names = [svg_file.save_new(frame) for frame in (FRAME, OTHER, FRAME)]
    assert names == [NAME, NAME.replace(".svg", "-2.svg"), NAME.replace(".svg", "-3.svg")]
    contents = [Path(name).read_text("utf-8") for name in names]
    assert contents == [svg.draw_svg(frame) for frame in (FRAME, OTHER, FRAME)]


def test_new_picture_never_replaces_anything(directory: Path) -> None:
    stem = NAME.removesuffix(".svg")
    Path(NAME).write_text("mine")
    Path(f"{stem}-2.svg").mkdir()
    Path(f"{stem}-3.svg").symlink_to("nowhere")
    victim = directory / "victim"
    victim.write_text("precious")
    Path(f"{stem}-4.svg").symlink_to(victim)
    assert svg_file.save_new(FRAME) == f"{stem}-5.svg"
    assert Path(NAME).read_text() == "mine"
    assert victim.read_text() == "precious"
    assert not Path("nowhere").exists()


def test_error_when_all_names_are_in_use() -> None:
    names = [svg_file.save_new(FRAME) for _ in range(99)]
    assert len({*names}) == 99
    with pytest.raises(FileExistsError, match=re.escape(NAME)):
        svg_file.save_new(FRAME)
    assert len(file_names()) == 99


def test_directory_without_permission_is_an_error() -> None:
    with open_directory() as place:
        place.chmod(0o555)
        os.chdir(place)
        with nobody(), pytest.raises(PermissionError) as caught:
            svg_file.save_new(FRAME)
        assert caught.value.strerror == "Permission denied"
        assert list(place.iterdir()) == []


def test_removed_directory_is_an_error(directory: Path) -> None:
    gone = directory / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError):
        svg_file.save_new(FRAME)


# Named files


def test_named_file_is_overwritten() -> None:
    path = Path("mine.svg")
    path.write_text("x" * 1_000_000)
    svg_file.write(FRAME, str(path))
    assert path.read_text("utf-8") == svg.draw_svg(FRAME)
    svg_file.write(OTHER, str(path))
    assert path.read_text("utf-8") == svg.draw_svg(OTHER)
    assert file_names() == ["mine.svg"]


def test_existing_file_keeps_its_mode() -> None:
    path = Path("mine.svg")
    path.write_text("")
    path.chmod(0o644)
    svg_file.write(FRAME, str(path))
    assert mode(path) == 0o644


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nowhere/x.svg", FileNotFoundError),
        (".", IsADirectoryError),
        ("", OSError),
        ("a" * 300, OSError),
    ],
)
def test_unusable_name_is_an_error(name: str, error: type[OSError]) -> None:
    with pytest.raises(error):
        svg_file.write(FRAME, name)


def test_full_disk_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space left"):
        svg_file.write(FRAME, "/dev/full")


@pytest.mark.parametrize("named", [True, False])
def test_error_in_drawing_leaves_the_file_alone(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Frame) -> str:
        raise ZeroDivisionError

    Path("mine.svg").write_text("the previous picture")
    monkeypatch.setattr(svg, "draw_svg", fail)
    with pytest.raises(ZeroDivisionError):
        svg_file.write(FRAME, "mine.svg") if named else svg_file.save_new(FRAME)
    assert file_names() == ["mine.svg"]
    assert Path("mine.svg").read_text() == "the previous picture"


def test_incomplete_new_picture_is_removed() -> None:
    # A file size limit, in place of a full disk.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            svg_file.save_new(FRAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file_names() == []
