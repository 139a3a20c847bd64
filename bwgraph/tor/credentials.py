"""The password and the cookie path that are presented to tor.

Owns the password from the user's input to the connection. A password is bytes, exactly as the file,
the environment or the keyboard gave them. It appears in no message: ``Credentials`` does not show
it, and no error message here contains it. Must not know how tor authenticates.
"""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bwgraph.model.errors import ExplainedError

FILE_REMEDY = "put it into a file and name that with --password-file"


class Credentials(NamedTuple):
    """A password and a cookie path."""

    password: bytes | None = None
    "The password; None if there is none."
    cookie: str | None = None
    "Path of the cookie file; None to use the path that tor gives."

    def __repr__(self) -> str:
        return f"Credentials(cookie={self.cookie!r})"

    def ask_password(self, where: str) -> "Credentials":
        """Ask for a password on the terminal, without echo, and return credentials with it.

        An empty line is an empty password. Raises EOFError at the end of input, and ExplainedError
        if the password cannot be decoded or has several lines.
        """
        try:
            typed = getpass.getpass(f"Password of the tor at {where}: ")
        except UnicodeDecodeError:
            raise ExplainedError(
                "the password cannot be read in this locale", FILE_REMEDY
            ) from None
        return self._replace(password=_check_one_line(os.fsencode(typed), "the password"))


def read_credentials(password_file: str | None, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials from the password file, or else from the environment.

    Raises ExplainedError if the file cannot be read, or if the password has several lines.
    """
    cookie = environ.get("TOR_CONTROL_COOKIE_AUTH_FILE") or None
    if password_file is not None:
        return Credentials(_read_password_file(password_file), cookie)
    if (password := environ.get("TOR_CONTROL_PASSWD")) is not None:
        return Credentials(_check_one_line(os.fsencode(password), "TOR_CONTROL_PASSWD"), cookie)
    return Credentials(cookie=cookie)


def _read_password_file(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        cause = f"password file {path}: {error.strerror}"
        raise ExplainedError(cause, "name a file that you may read") from None
    password = content.removesuffix(b"\n").removesuffix(b"\r")
    return _check_one_line(password, f"password file {path}")


def _check_one_line(password: bytes, where: str) -> bytes:
    """Return the password. Raises ExplainedError if it has several lines.

    tor would take a second line as another command.
    """
    if b"\n" in password or b"\r" in password:
        raise ExplainedError(f"{where}: more than one line", "a password is one line")
    return password
