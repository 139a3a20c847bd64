"""What we show tor so that it lets us in. Owns the password on its way from the user to tor.

A password is bytes from end to end: whatever the user's file, environment or keyboard gave. It is
kept out of every text: ``Credentials`` doesn't show it, and no message here repeats it.
"""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bwgraph.model.errors import ExplainedError

FILE_REMEDY = "put it into a file and name that with --password-file"


class Credentials(NamedTuple):
    """A password, if there is one, and where the cookie is if tor's own word is not to be taken."""

    password: bytes | None = None
    cookie: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(cookie={self.cookie!r})"

    def ask_password(self, where: str) -> "Credentials":
        """Ask the user for the password, on the terminal and unseen; EOFError if there is none."""
        try:
            typed = getpass.getpass(f"Password of the tor at {where}: ")
        except UnicodeDecodeError:
            raise ExplainedError(
                "the password cannot be read in this locale", FILE_REMEDY
            ) from None
        return self._replace(password=_one_line(os.fsencode(typed), "the password"))


def read_credentials(password_file: str | None, environ: Mapping[str, str]) -> Credentials:
    """From the file, else from the environment; a ExplainedError if the file is of no use."""
    cookie = environ.get("TOR_CONTROL_COOKIE_AUTH_FILE") or None
    if password_file is not None:
        return Credentials(_from_file(password_file), cookie)
    if (password := environ.get("TOR_CONTROL_PASSWD")) is not None:
        return Credentials(_one_line(os.fsencode(password), "TOR_CONTROL_PASSWD"), cookie)
    return Credentials(cookie=cookie)


def _from_file(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        cause = f"password file {path}: {error.strerror}"
        raise ExplainedError(cause, "name a file that you may read") from None
    return _one_line(content.removesuffix(b"\n").removesuffix(b"\r"), f"password file {path}")


def _one_line(password: bytes, where: str) -> bytes:
    # A newline would end tor's command early, and what follows would be a command of its own.
    if b"\n" in password or b"\r" in password:
        raise ExplainedError(f"{where}: more than one line", "a password is one line")
    return password
