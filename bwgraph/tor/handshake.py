"""How to authenticate with a tor, and what stem's errors mean.

Owns the choice of the one authentication method, and the translation of stem's errors into
``ExplainedError``. Must not know what follows the handshake.
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

PASSWORD_REMEDY = "give it with --password-file FILE or in TOR_CONTROL_PASSWD"  # noqa: S105 - no password


STEM_ERRORS = (
    stem.ControllerError,
    stem.connection.AuthenticationFailure,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
"""What stem raises: its own two base classes, and errors that its parsers do not catch, such as a
UnicodeDecodeError if tor's DataDirectory is not UTF-8."""


def quote_password(password: bytes | None) -> str | None:
    r"""Return a password in the form that makes stem send exactly these bytes.

    stem escapes quotes but not backslashes, and encodes in Latin-1.

    >>> quote_password(b"back\\slash"), quote_password(None)
    ('back\\\\slash', None)
    """
    return None if password is None else password.replace(b"\\", b"\\\\").decode("latin-1")


def choose_method(info: Any, credentials: Credentials, endpoint: Endpoint) -> Any:
    """Return the authentication method to use.

    It is the first of NONE, PASSWORD, SAFECOOKIE and COOKIE that tor offers and for which we have
    the secret. ``info`` is stem's answer to PROTOCOLINFO. Raises ExplainedError if there is no such
    method.
    """
    offered = info.auth_methods
    if AuthMethod.NONE in offered:
        return AuthMethod.NONE
    if AuthMethod.PASSWORD in offered and credentials.password is not None:
        return AuthMethod.PASSWORD
    cookie_problem = None
    for method in (AuthMethod.SAFECOOKIE, AuthMethod.COOKIE):
        if method in offered:
            cookie_problem = cookie_error(info.cookie_path)
            if cookie_problem is None:
                return method
    if AuthMethod.PASSWORD in offered:
        cause = "it asks for a password"
        if cookie_problem is not None:
            cause += f" (or for its cookie; {cookie_problem.cause})"
        raise ExplainedError(cause, PASSWORD_REMEDY, needs_password_at=str(endpoint))
    if cookie_problem is not None:
        raise cookie_problem
    unknown = ", ".join(info.unknown_auth_methods) or "none at all"
    raise ExplainedError(
        f"it offers no authentication method that bwgraph supports ({unknown})",
        "put CookieAuthentication 1 into torrc, then reload tor",
    )


_REJECTIONS: dict[type[Exception], tuple[str, str]] = {
    stem.connection.IncorrectPassword: ("tor did not accept the password", PASSWORD_REMEDY),
    stem.connection.IncorrectCookieValue: (
        "tor did not accept the cookie {error.cookie_path}",
        "it may be another tor's, or left from before a restart: see DataDirectory in torrc",
    ),
    stem.connection.AuthSecurityFailure: (
        "it does not know the content of the cookie {error.cookie_path}",
        "it may not be the tor that this cookie belongs to",
    ),
    stem.connection.OpenAuthRejected: (
        "tor refused access without a password",
        PASSWORD_REMEDY,
    ),
}
"Cause and remedy if tor, or bwgraph, rejects the authentication, by stem's exception."


def explain_stem_error(error: Exception, transport: Transport, *, alive: bool) -> ExplainedError:
    """Return why a handshake failed. ``alive`` tells whether the connection is still open."""
    for kind, (cause, remedy) in _REJECTIONS.items():
        if isinstance(error, kind):
            return ExplainedError(cause.format(error=error), remedy)
    if (not_tor := not_tor_error(transport)) is not None:
        return not_tor
    if isinstance(error, UnicodeError):
        return ExplainedError(
            "the path of its cookie is not UTF-8, which stem cannot read",
            "put HashedControlPassword or a CookieAuthFile with a plain name into its torrc",
        )
    # If the connection ends during the handshake, stem may raise any of its errors.
    if isinstance(error, stem.SocketError) or transport.failure is not None or not alive:
        return closed_error(transport)
    description = f"{type(error).__name__}: {error}"[:MAX_WARNING_CHARS]
    return ExplainedError(f"stem could not parse an answer ({description})")
