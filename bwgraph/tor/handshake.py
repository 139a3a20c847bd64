"""How a tor lets us in: which way to authenticate, and what stem's errors mean.

Owns the choice of the one method that is tried, and turns whatever stem raises meanwhile into a
``ExplainedError`` in plain words. Must not know what follows a handshake.
"""

from typing import Any

import stem
import stem.connection
from stem.connection import AuthMethod

from bwgraph.model.errors import ExplainedError
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.failures import closed_error, cookie_error, not_tor_error
from bwgraph.tor.stem_adapter import MAX_WARNING_CHARS
from bwgraph.tor.transport import Transport

HOW_TO_GIVE_ONE = "give it with --password-file FILE or in TOR_CONTROL_PASSWD"


STEM_ERRORS = (
    stem.ControllerError,
    stem.connection.AuthenticationFailure,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What comes out of stem: its two families, and what its parsers let through raw. A tor whose
DataDirectory is not UTF-8 raises a UnicodeDecodeError, for one."""


def quote_password(password: bytes | None) -> str | None:
    r"""A password in such a form that what stem sends is a QuotedString of these very bytes.

    stem escapes the quotes, and not the backslashes, and encodes in Latin-1.

    >>> quote_password(b"back\\slash"), quote_password(None)
    ('back\\\\slash', None)
    """
    return None if password is None else password.replace(b"\\", b"\\\\").decode("latin-1")


def choose_method(info: Any, credentials: Credentials, endpoint: Endpoint) -> Any:
    """The one method to authenticate with: the first that tor offers and we have the means for."""
    offered = info.auth_methods
    if AuthMethod.NONE in offered:
        return AuthMethod.NONE
    if AuthMethod.PASSWORD in offered and credentials.password is not None:
        return AuthMethod.PASSWORD
    no_cookie = None
    for method in (AuthMethod.SAFECOOKIE, AuthMethod.COOKIE):
        if method in offered:
            no_cookie = cookie_error(info.cookie_path)
            if no_cookie is None:
                return method
    if AuthMethod.PASSWORD in offered:
        cause = "it asks for a password"
        if no_cookie is not None:
            cause += f" (or for its cookie; {no_cookie.cause})"
        raise ExplainedError(cause, HOW_TO_GIVE_ONE, needs_password_at=str(endpoint))
    if no_cookie is not None:
        raise no_cookie
    unknown = ", ".join(info.unknown_auth_methods) or "none at all"
    raise ExplainedError(
        f"it offers no way to authenticate that bwgraph knows ({unknown})",
        "put CookieAuthentication 1 into torrc, then reload tor",
    )


_REJECTIONS: dict[type[Exception], tuple[str, str]] = {
    stem.connection.IncorrectPassword: ("tor did not accept the password", HOW_TO_GIVE_ONE),
    stem.connection.IncorrectCookieValue: (
        "tor did not accept the cookie {error.cookie_path}",
        "it may be another tor's, or left from before a restart: see DataDirectory in torrc",
    ),
    stem.connection.AuthSecurityFailure: (
        "it does not know what is in the cookie {error.cookie_path}",
        "it may not be the tor that this cookie belongs to",
    ),
    stem.connection.OpenAuthRejected: (
        "tor did not let us in without a password",
        HOW_TO_GIVE_ONE,
    ),
}
"""Cause and cure where tor rejects what it was shown."""


def explain_stem_error(error: Exception, wire: Transport, *, alive: bool) -> ExplainedError:
    """Why the handshake failed."""
    for kind, (cause, cure) in _REJECTIONS.items():
        if isinstance(error, kind):
            return ExplainedError(cause.format(error=error), cure)
    if (said := not_tor_error(wire)) is not None:
        return said
    if isinstance(error, UnicodeError):
        return ExplainedError(
            "the path of its cookie is not UTF-8, which stem cannot read",
            "put HashedControlPassword or a CookieAuthFile with a plain name into its torrc",
        )
    # Where the connection ends in mid-handshake stem raises one thing or another.
    if isinstance(error, stem.SocketError) or wire.failure is not None or not alive:
        return closed_error(wire)
    what = f"{type(error).__name__}: {error}"[:MAX_WARNING_CHARS]
    return ExplainedError(f"an answer that stem did not understand ({what})")
