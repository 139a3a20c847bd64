"""The password from the user: every byte arrives, and no text contains it."""

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


def test_no_password_is_none() -> None:
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
def test_password_is_the_line_of_its_file(tmp_path: Path, content: bytes, password: bytes) -> None:
    assert from_file(tmp_path, content) == password


@pytest.mark.parametrize("content", [b"one\ntwo", b"one\n\n", b"one\ntwo\n", b"a\rb", b"\n\r\n"])
def test_file_of_several_lines_is_an_error(tmp_path: Path, content: bytes) -> None:
    # tor would take another line as a command.
    with pytest.raises(ExplainedError) as caught:
        from_file(tmp_path, content)
    assert caught.value.cause == f"password file {tmp_path / 'password'}: more than one line"


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExplainedError) as caught:
        read_credentials(str(tmp_path / "nowhere"), {})
    assert "nowhere: No such file or directory" in caught.value.cause
    assert caught.value.remedy


def test_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExplainedError, match="directory"):
        read_credentials(str(tmp_path), {})


def test_unreadable_file_is_an_error() -> None:
    with open_directory() as directory:
        path = directory / "password"
        path.write_bytes(b"secret")
        path.chmod(0o000)
        with nobody(), pytest.raises(ExplainedError) as caught:
            read_credentials(str(path), {})
    assert "Permission denied" in caught.value.cause


def test_environment_does_not_replace_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ExplainedError):
        read_credentials(str(tmp_path / "nowhere"), {"TOR_CONTROL_PASSWD": "secret"})


@given(one_line)
def test_any_password_in_the_environment_is_read_byte_for_byte(raw: bytes) -> None:
    # Python decodes the environment, and the result must encode to the same bytes.
    environ = {"TOR_CONTROL_PASSWD": os.fsdecode(raw)}
    assert read_credentials(None, environ).password == raw


def test_empty_password_is_a_password() -> None:
    assert read_credentials(None, {"TOR_CONTROL_PASSWD": ""}).password == b""


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\nSIGNAL HALT"])
def test_newline_in_the_environment_is_an_error(ending: str) -> None:
    with pytest.raises(ExplainedError) as caught:
        read_credentials(None, {"TOR_CONTROL_PASSWD": "s3cret" + ending})
    assert caught.value.cause == "TOR_CONTROL_PASSWD: more than one line"
    assert "s3cret" not in repr(caught.value)


def test_file_takes_precedence_over_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"of the file")
    environ = {"TOR_CONTROL_PASSWD": "of the environment"}
    assert read_credentials(str(path), environ).password == b"of the file"


def test_cookie_path_is_read_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"secret")
    environ = {"TOR_CONTROL_COOKIE_AUTH_FILE": "/run/tor/cookie", "TOR_CONTROL_PASSWD": "x"}
    assert read_credentials(None, environ).cookie == "/run/tor/cookie"
    assert read_credentials(str(path), environ).cookie == "/run/tor/cookie"
    del environ["TOR_CONTROL_PASSWD"]
    assert read_credentials(None, environ) == Credentials(cookie="/run/tor/cookie")
    assert read_credentials(None, {"TOR_CONTROL_COOKIE_AUTH_FILE": ""}).cookie is None


def test_password_is_not_in_the_repr() -> None:
    shown = repr(Credentials(b"s3cret", "/cookie")) + str(Credentials(b"s3cret"))
    assert "s3cret" not in shown
    assert "/cookie" in shown


@given(one_line)
def test_any_typed_password_is_used_byte_for_byte(raw: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        prompts: list[str] = []

        def typed(prompt: str) -> str:
            prompts.append(prompt)
            return os.fsdecode(raw)

        patch.setattr(getpass, "getpass", typed)
        credentials = Credentials(cookie="/cookie").ask_password("127.0.0.1:9051")
        assert credentials == Credentials(raw, "/cookie")
        assert len(prompts) == 1
        assert "127.0.0.1:9051" in prompts[0]


def test_end_of_input_at_the_prompt_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def hung_up(_: str) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", hung_up)
    with pytest.raises(EOFError):
        Credentials().ask_password("here")


def test_password_that_the_locale_cannot_decode_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(_: str) -> str:
        return b"s3cret\xff".decode("utf-8")

    monkeypatch.setattr(getpass, "getpass", unreadable)
    with pytest.raises(ExplainedError) as caught:
        Credentials().ask_password("here")
    assert "--password-file" in caught.value.remedy
    assert caught.value.__suppress_context__, "the suppressed error contains the password"


def test_typed_carriage_return_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "a\rb")
    with pytest.raises(ExplainedError, match="the password: more than one line"):
        Credentials().ask_password("here")
