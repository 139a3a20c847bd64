"""Pictures as files: their names, whose they are, and what is never written over."""

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
    """An empty directory to be in, at a moment that does not pass."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Then":
            return cls(2026, 3, 4, 5, 6, 7, tzinfo=tz)

    monkeypatch.setattr(svg_file, "datetime", Then)
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    yield tmp_path
    os.umask(before)


def there() -> list[str]:
    """The names of the files in the directory."""
    return sorted(path.name for path in Path().iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# By a name of its own.


def test_a_picture_is_named_for_the_second_and_is_whole() -> None:
    assert svg_file.save_new(FRAME) == NAME
    assert Path(NAME).read_text("utf-8") == svg.draw_svg(FRAME)
    ET.parse(NAME)
    assert there() == [NAME]


def test_its_name_is_the_local_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_file, "datetime", datetime)
    before = datetime.now()  # noqa: DTZ005 - the wall clock's, as in the name
    name = svg_file.save_new(FRAME)
    after = datetime.now()  # noqa: DTZ005
    when = datetime.strptime(name, "bwgraph-%Y-%m-%d-%H%M%S.svg")  # noqa: DTZ007
    assert before.replace(microsecond=0) <= when <= after


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_picture_is_nobody_elses_business(umask: int) -> None:
    os.umask(umask)
    assert mode(Path(svg_file.save_new(FRAME))) == 0o600
    svg_file.write(FRAME, "mine.svg")
    assert mode(Path("mine.svg")) == 0o600


def test_pictures_of_one_second_have_names_of_their_own() -> None:
    names = [svg_file.save_new(frame) for frame in (FRAME, OTHER, FRAME)]
    assert names == [NAME, NAME.replace(".svg", "-2.svg"), NAME.replace(".svg", "-3.svg")]
    kept = [Path(name).read_text("utf-8") for name in names]
    assert kept == [svg.draw_svg(frame) for frame in (FRAME, OTHER, FRAME)]


def test_it_never_takes_the_place_of_another_whatever_that_is(directory: Path) -> None:
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


def test_when_all_names_are_taken_it_says_so() -> None:
    names = [svg_file.save_new(FRAME) for _ in range(99)]
    assert len({*names}) == 99
    with pytest.raises(FileExistsError, match=re.escape(NAME)):
        svg_file.save_new(FRAME)
    assert len(there()) == 99


def test_where_nothing_may_be_written_it_is_an_error_that_says_why() -> None:
    with open_directory() as place:
        place.chmod(0o555)
        os.chdir(place)
        with nobody(), pytest.raises(PermissionError) as caught:
            svg_file.save_new(FRAME)
        assert caught.value.strerror == "Permission denied"
        assert list(place.iterdir()) == []


def test_a_directory_that_is_gone_is_an_error(directory: Path) -> None:
    gone = directory / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError):
        svg_file.save_new(FRAME)


# By the user's.


def test_the_file_that_was_named_is_written_whatever_was_in_it() -> None:
    path = Path("mine.svg")
    path.write_text("x" * 1_000_000)
    svg_file.write(FRAME, str(path))
    assert path.read_text("utf-8") == svg.draw_svg(FRAME)
    svg_file.write(OTHER, str(path))
    assert path.read_text("utf-8") == svg.draw_svg(OTHER)
    assert there() == ["mine.svg"]


def test_a_file_that_was_there_stays_whose_it_was() -> None:
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
def test_a_name_of_no_use_is_an_error(name: str, error: type[OSError]) -> None:
    with pytest.raises(error):
        svg_file.write(FRAME, name)


def test_a_full_disk_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space left"):
        svg_file.write(FRAME, "/dev/full")


@pytest.mark.parametrize("named", [True, False])
def test_a_picture_that_cannot_be_drawn_costs_no_file(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Frame) -> str:
        raise ZeroDivisionError

    Path("mine.svg").write_text("the one before")
    monkeypatch.setattr(svg, "draw_svg", fail)
    with pytest.raises(ZeroDivisionError):
        svg_file.write(FRAME, "mine.svg") if named else svg_file.save_new(FRAME)
    assert there() == ["mine.svg"]
    assert Path("mine.svg").read_text() == "the one before"


def test_half_a_picture_is_not_left_behind() -> None:
    # As on a full disk.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            svg_file.save_new(FRAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert there() == []
