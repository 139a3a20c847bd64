"""The password on its way from the user: every byte of it, and no trace elsewhere."""

import getpass
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nobody import nobody, open_directory

from bwgraph.model.errors import ExplainedError
from bwgraph.tor.credentials import Credentials, read_credentials

one_line = st.binary(max_size=60).filter(lambda raw: b"\n" not in raw and b"\r" not in raw)


def from_file(tmp_path: Path, content: bytes) -> bytes | None:
    path = tmp_path / "password"
    path.write_bytes(content)
    return read_credentials(str(path), {}).password


def test_without_a_password_there_is_none() -> None:
    assert read_credentials(None, {}) == Credentials()
    assert Credentials().password is None


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b"secret\r\n", b"secret"),
        (b" two words \n", b" two words "),
        ("h\u00e9llo \u4e1c\n".encode(), "h\u00e9llo \u4e1c".encode()),
        (b"\xff\xfe\x80\n", b"\xff\xfe\x80"),
        (b'back\\slash "quote"\n', b'back\\slash "quote"'),
        (b"", b""),
        (b"\n", b""),
    ],
)
def test_a_password_is_the_one_line_of_its_file(
    tmp_path: Path, content: bytes, password: bytes
) -> None:
    assert from_file(tmp_path, content) == password


@pytest.mark.parametrize("content", [b"one\ntwo", b"one\n\n", b"one\ntwo\n", b"a\rb", b"\n\r\n"])
def test_a_file_of_several_lines_is_refused(tmp_path: Path, content: bytes) -> None:
    # Nothing of it may become a command of its own to tor.
    with pytest.raises(ExplainedError) as caught:
        from_file(tmp_path, content)
    assert caught.value.cause == f"password file {tmp_path / 'password'}: more than one line"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExplainedError) as caught:
        read_credentials(str(tmp_path / "nowhere"), {})
    assert "nowhere: No such file or directory" in caught.value.cause
    assert caught.value.remedy


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExplainedError, match="directory"):
        read_credentials(str(tmp_path), {})


def test_a_file_that_may_not_be_read_is_refused() -> None:
    with open_directory() as directory:
        path = directory / "password"
        path.write_bytes(b"secret")
        path.chmod(0o000)
        with nobody(), pytest.raises(ExplainedError) as caught:
            read_credentials(str(path), {})
    assert "Permission denied" in caught.value.cause


def test_a_missing_file_is_not_made_up_for_by_the_environment(tmp_path: Path) -> None:
    with pytest.raises(ExplainedError):
        read_credentials(str(tmp_path / "nowhere"), {"TOR_CONTROL_PASSWD": "secret"})


@given(one_line)
def test_any_password_comes_through_the_environment_byte_for_byte(raw: bytes) -> None:
    # The bytes of the environment reach Python as text, and back.
    environ = {"TOR_CONTROL_PASSWD": os.fsdecode(raw)}
    assert read_credentials(None, environ).password == raw


def test_an_empty_password_is_one() -> None:
    assert read_credentials(None, {"TOR_CONTROL_PASSWD": ""}).password == b""


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\nSIGNAL HALT"])
def test_a_newline_in_the_environment_is_refused(ending: str) -> None:
    with pytest.raises(ExplainedError) as caught:
        read_credentials(None, {"TOR_CONTROL_PASSWD": "s3cret" + ending})
    assert caught.value.cause == "TOR_CONTROL_PASSWD: more than one line"
    assert "s3cret" not in repr(caught.value)


def test_the_file_goes_before_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"of the file")
    environ = {"TOR_CONTROL_PASSWD": "of the environment"}
    assert read_credentials(str(path), environ).password == b"of the file"


def test_the_cookies_place_comes_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"secret")
    environ = {"TOR_CONTROL_COOKIE_AUTH_FILE": "/run/tor/cookie", "TOR_CONTROL_PASSWD": "x"}
    assert read_credentials(None, environ).cookie == "/run/tor/cookie"
    assert read_credentials(str(path), environ).cookie == "/run/tor/cookie"
    del environ["TOR_CONTROL_PASSWD"]
    assert read_credentials(None, environ) == Credentials(cookie="/run/tor/cookie")
    assert read_credentials(None, {"TOR_CONTROL_COOKIE_AUTH_FILE": ""}).cookie is None


def test_a_password_does_not_show() -> None:
    shown = repr(Credentials(b"s3cret", "/cookie")) + str(Credentials(b"s3cret"))
    assert "s3cret" not in shown
    assert "/cookie" in shown


@given(one_line)
def test_any_typed_password_is_taken_byte_for_byte(raw: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        prompts: list[str] = []

        def typed(prompt: str) -> str:
            prompts.append(prompt)
            return os.fsdecode(raw)

        patch.setattr(getpass, "getpass", typed)
        known = Credentials(cookie="/cookie").ask_password("127.0.0.1:9051")
        assert known == Credentials(raw, "/cookie")
        assert len(prompts) == 1
        assert "127.0.0.1:9051" in prompts[0]


def test_nobody_at_the_prompt_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def hung_up(_: str) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", hung_up)
    with pytest.raises(EOFError):
        Credentials().ask_password("here")


def test_what_the_locale_cannot_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_: str) -> str:
        return b"s3cret\xff".decode("utf-8")

    monkeypatch.setattr(getpass, "getpass", unreadable)
    with pytest.raises(ExplainedError) as caught:
        Credentials().ask_password("here")
    assert "--password-file" in caught.value.remedy
    assert caught.value.__suppress_context__, "the error behind it holds the password"


def test_a_typed_carriage_return_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "a\rb")
    with pytest.raises(ExplainedError, match="the password: more than one line"):
        Credentials().ask_password("here")
