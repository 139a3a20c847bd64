"""The advice for a user who may not open one of tor's files or sockets."""

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


def set_mode(path: Path, mode: int) -> None:
    """Set a mode, and a group that is not root's, which the advice never names."""
    if os.geteuid() == 0:
        os.chown(path, -1, 1)
    path.chmod(mode)


@pytest.mark.parametrize("mode", [0o040, 0o640, 0o660])
def test_file_for_its_group_advises_to_join_it(mode: int) -> None:
    with open_directory() as directory:
        cookie = directory / "cookie"
        cookie.write_bytes(b"")
        set_mode(cookie, mode)
        with nobody():
            advice = permission_advice(str(cookie))
        group = cookie.group()
    assert advice == f"{JOIN} {group} $USER, then log in again"


@pytest.mark.parametrize("mode", [0o000, 0o600, 0o610, 0o620])
def test_file_for_its_owner_advises_to_become_the_owner_or_open_it(mode: int) -> None:
    with open_directory() as directory:
        cookie = directory / "cookie"
        cookie.write_bytes(b"")
        set_mode(cookie, mode)
        with nobody():
            advice = permission_advice(str(cookie))
        owner = cookie.owner()
    assert advice.startswith(f"{cookie} is for {owner} alone")
    assert f"sudo -u {owner} bwgraph" in advice
    assert "CookieAuthFileGroupReadable 1" in advice


@pytest.mark.parametrize(("mode", "joins"), [(0o660, True), (0o620, True), (0o640, False)])
def test_socket_is_for_its_group_if_it_may_write(mode: int, *, joins: bool) -> None:
    # Connecting needs write permission.
    with open_directory() as directory, socket.socket(socket.AF_UNIX) as control:
        path = directory / "control"
        control.bind(str(path))
        set_mode(path, mode)
        with nobody():
            advice = permission_advice(str(path))
    assert advice.startswith(JOIN) == joins
    assert ("ControlSocketsGroupWritable 1" in advice) != joins


@pytest.mark.parametrize(("mode", "joins"), [(0o710, True), (0o750, True), (0o740, False)])
def test_closed_directory_is_examined_instead_of_its_content(mode: int, *, joins: bool) -> None:
    if os.geteuid() != 0:
        # The owner's bits would let this user in, but the group's bits are to be examined.
        mode &= 0o077
    with open_directory() as directory:
        closed = directory / "tor"
        closed.mkdir()
        cookie = closed / "cookie"
        cookie.write_bytes(b"")
        cookie.chmod(0o644)
        set_mode(closed, mode)
        with nobody():
            advice = permission_advice(str(cookie))
        owner, group = closed.owner(), closed.group()
        closed.chmod(0o700)
    if joins:
        assert advice == f"{JOIN} {group} $USER, then log in again"
    else:
        assert advice.startswith(f"{closed} is for {owner} alone")


def test_innermost_visible_directory_is_examined() -> None:
    with open_directory() as directory:
        outer = directory / "outer"
        inner = outer / "inner"
        inner.mkdir(parents=True)
        outer.chmod(0o000)
        with nobody():
            advice = permission_advice(str(inner / "cookie"))
        outer.chmod(0o700)
    assert advice.startswith(f"{outer} is for ")


def test_missing_file_is_examined_by_its_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert permission_advice(str(tmp_path / "gone")).startswith(f"{tmp_path} is for ")


def set_status(monkeypatch: pytest.MonkeyPatch, status: os.stat_result | OSError) -> None:
    """Replace the status of every path."""

    class FixedPath(PosixPath):
        def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002 - Path's
            if isinstance(status, OSError):
                raise status
            return status

    monkeypatch.setattr(failures, "Path", FixedPath)


def file_of(mode: int, uid: int, gid: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))


def test_no_advice_if_nothing_is_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_status(monkeypatch, PermissionError())
    assert permission_advice("/run/tor/control") == ""


def test_advice_is_never_to_join_the_group_of_root(monkeypatch: pytest.MonkeyPatch) -> None:
    set_status(monkeypatch, file_of(0o640, 0, 0))
    root = pwd.getpwuid(0).pw_name
    assert permission_advice("/var/lib/tor/cookie").startswith(
        f"/var/lib/tor/cookie is for {root} alone"
    )


def test_users_and_groups_without_a_name_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a container whose files belong to a user of the host.
    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(grp, "getgrgid", unknown)
    set_status(monkeypatch, file_of(0o640, 12345, 54321))
    assert "usermod -aG 54321 $USER" in permission_advice("/cookie")
    set_status(monkeypatch, file_of(0o600, 12345, 54321))
    # sudo needs a number in this form, which a shell takes as a comment if it is not quoted.
    command = permission_advice("/cookie").partition("(")[2].partition(")")[0]
    assert shlex.split(command, comments=True) == ["sudo", "-u", "#12345", "bwgraph"]


def test_no_advice_on_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(failures, "sys", SimpleNamespace(platform="win32"))
    assert permission_advice(str(tmp_path)) == ""
