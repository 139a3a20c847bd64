"""What a user is told who may not open something that tor keeps."""

import grp
import os
import pwd
import shlex
import socket
import stat
from pathlib import Path, PosixPath
from types import SimpleNamespace

import pytest
from nobody import nobody, open_directory

from bwgraph.tor import failures
from bwgraph.tor.failures import permission_advice

JOIN = "add yourself to its group: sudo usermod -aG"


def give(path: Path, mode: int) -> None:
    """Set a mode, and a group that is not root's: that one nobody is told to join."""
    if os.geteuid() == 0:
        os.chown(path, -1, 1)
    path.chmod(mode)


@pytest.mark.parametrize("mode", [0o040, 0o640, 0o660])
def test_a_file_for_its_group_says_join_it(mode: int) -> None:
    with open_directory() as directory:
        cookie = directory / "cookie"
        cookie.write_bytes(b"")
        give(cookie, mode)
        with nobody():
            said = permission_advice(str(cookie))
        group = cookie.group()
    assert said == f"{JOIN} {group} $USER, then log in again"


@pytest.mark.parametrize("mode", [0o000, 0o600, 0o610, 0o620])
def test_a_file_for_its_owner_says_how_to_become_one_or_open_it(mode: int) -> None:
    with open_directory() as directory:
        cookie = directory / "cookie"
        cookie.write_bytes(b"")
        give(cookie, mode)
        with nobody():
            said = permission_advice(str(cookie))
        owner = cookie.owner()
    assert said.startswith(f"{cookie} is for {owner} alone")
    assert f"sudo -u {owner} bwgraph" in said
    assert "CookieAuthFileGroupReadable 1" in said


@pytest.mark.parametrize(("mode", "joining"), [(0o660, True), (0o620, True), (0o640, False)])
def test_a_socket_is_for_its_group_if_they_may_write(mode: int, *, joining: bool) -> None:
    # Connecting is writing.
    with open_directory() as directory, socket.socket(socket.AF_UNIX) as control:
        path = directory / "control"
        control.bind(str(path))
        give(path, mode)
        with nobody():
            said = permission_advice(str(path))
    assert said.startswith(JOIN) == joining
    assert ("ControlSocketsGroupWritable 1" in said) != joining


@pytest.mark.parametrize(("mode", "joining"), [(0o710, True), (0o750, True), (0o740, False)])
def test_a_closed_directory_is_judged_in_place_of_what_is_in_it(
    mode: int, *, joining: bool
) -> None:
    if os.geteuid() != 0:
        # Its owner is let in by the bits that are his, and the group's must be what is judged.
        mode &= 0o077
    with open_directory() as directory:
        closed = directory / "tor"
        closed.mkdir()
        cookie = closed / "cookie"
        cookie.write_bytes(b"")
        cookie.chmod(0o644)
        give(closed, mode)
        with nobody():
            said = permission_advice(str(cookie))
        owner, group = closed.owner(), closed.group()
        closed.chmod(0o700)
    if joining:
        assert said == f"{JOIN} {group} $USER, then log in again"
    else:
        assert said.startswith(f"{closed} is for {owner} alone")


def test_the_innermost_directory_that_can_be_seen_is_judged() -> None:
    with open_directory() as directory:
        outer = directory / "outer"
        inner = outer / "inner"
        inner.mkdir(parents=True)
        outer.chmod(0o000)
        with nobody():
            said = permission_advice(str(inner / "cookie"))
        outer.chmod(0o700)
    assert said.startswith(f"{outer} is for ")


def test_what_is_gone_meanwhile_is_judged_by_where_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert permission_advice(str(tmp_path / "gone")).startswith(f"{tmp_path} is for ")


def see(monkeypatch: pytest.MonkeyPatch, status: os.stat_result | OSError) -> None:
    """Let whatever is looked at be this."""

    class Seen(PosixPath):
        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002
            if isinstance(status, OSError):
                raise status
            return status

    monkeypatch.setattr(failures, "Path", Seen)


def file_of(mode: int, uid: int, gid: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


def test_where_nothing_at_all_can_be_seen_there_is_no_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    see(monkeypatch, PermissionError())
    assert permission_advice("/run/tor/control") == ""


def test_nobody_is_told_to_join_roots_group(monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, file_of(0o640, 0, 0))
    root = pwd.getpwuid(0).pw_name
    assert permission_advice("/var/lib/tor/cookie").startswith(
        f"/var/lib/tor/cookie is for {root} alone"
    )


def test_those_without_a_name_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a container, where the files belong to a user of the host.
    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(grp, "getgrgid", unknown)
    see(monkeypatch, file_of(0o640, 12345, 54321))
    assert "usermod -aG 54321 $USER" in permission_advice("/cookie")
    see(monkeypatch, file_of(0o600, 12345, 54321))
    # sudo takes a number in this form, and a shell takes it for a comment unless it is quoted.
    command = permission_advice("/cookie").partition("(")[2].partition(")")[0]
    assert shlex.split(command, comments=True) == ["sudo", "-u", "#12345", "bwgraph"]


def test_windows_has_no_groups_to_join(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(failures, "sys", SimpleNamespace(platform="win32"))
    assert permission_advice(str(tmp_path)) == ""
