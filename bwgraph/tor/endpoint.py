"""Where a tor's control port may be.

Owns the endpoints, how they are parsed, and the order in which they are tried. Pure. Must not know
which of them exist.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
"The host of a port that is given without one."
DEFAULT_PORT = 9051
"Tor's own default port."

DEFAULT_SOCKETS = ("/run/tor/control", "/var/run/tor/control")
"Where Debian's tor package puts the control socket."
INSTANCE_SOCKETS_GLOB = "run/tor-instances/*/control"
"Where Debian's tor-instance-create puts the control socket of each tor, relative to the root."
DEFAULT_PORTS = (DEFAULT_PORT, 9151)
"The default ports of tor and of Tor Browser."


class ControlPort(NamedTuple):
    """A control port on TCP."""

    host: str
    "An IPv4 or IPv6 address, or a host name."
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class ControlSocket(NamedTuple):
    """A control socket in the file system."""

    path: str

    def __str__(self) -> str:
        return self.path


class DemoEndpoint(NamedTuple):
    """A control port inside bwgraph itself."""

    name: str

    def __str__(self) -> str:
        return self.name


Endpoint = ControlPort | ControlSocket | DemoEndpoint


class NamedEndpoint(NamedTuple):
    """An endpoint with the user's name for the tor there."""

    name: str
    "Empty if the user gave none."
    endpoint: Endpoint


_NAME = re.compile(r"(?P<name>[^\s/=:]{1,40})=(?P<rest>.+)", re.DOTALL)

_PORT = re.compile(
    r"""
    (?: (?: \[ (?P<six> [0-9A-Fa-f:.]+ (?: % [\w.-]+ )? ) \] | (?P<host> [\w.-]+ ) ) : )?
    (?P<port> [0-9]{1,5} )
    """,
    re.VERBOSE,
)


def parse_port(text: str) -> ControlPort:
    """Parse ``[HOST:]PORT``. Raises ValueError if the text is anything else.

    >>> parse_port("9051"), str(parse_port("[::1]:9051")), parse_port("tor.example:9151").host
    (ControlPort(host='127.0.0.1', port=9051), '[::1]:9051', 'tor.example')
    >>> parse_port("::1:9051")
    Traceback (most recent call last):
        ...
    ValueError: '::1:9051' is not [HOST:]PORT, such as 9051, 127.0.0.1:9051 or [::1]:9051
    """
    match = _PORT.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        message = f"{text!r} is not [HOST:]PORT, such as 9051, 127.0.0.1:9051 or [::1]:9051"
        raise ValueError(message)
    return ControlPort(match["six"] or match["host"] or LOOPBACK, int(match["port"]))


def parse_named_port(text: str) -> NamedEndpoint:
    """Parse ``[NAME=][HOST:]PORT``. Raises ValueError if the text is anything else.

    >>> parse_named_port("exit=9051")
    NamedEndpoint(name='exit', endpoint=ControlPort(host='127.0.0.1', port=9051))
    """
    name, rest = _split_name(text)
    return NamedEndpoint(name, parse_port(rest))


def parse_named_socket(text: str) -> NamedEndpoint:
    """Parse ``[NAME=]PATH``. A path that begins like a name is written as ``./NAME=...``.

    >>> parse_named_socket("exit=/run/tor/control").name, parse_named_socket("./a=b").name
    ('exit', '')
    """
    name, rest = _split_name(text)
    return NamedEndpoint(name, ControlSocket(rest))


def _split_name(text: str) -> tuple[str, str]:
    match = _NAME.fullmatch(text)
    return (match["name"], match["rest"]) if match else ("", text)


def from_environment(environ: Mapping[str, str]) -> list[Endpoint]:
    """Return the endpoints in the environment variables that Tor Browser also uses.

    Raises ValueError if their host and port are not valid.

    >>> from_environment({"TOR_CONTROL_HOST": "::1", "TOR_CONTROL_PORT": "9151"})
    [ControlPort(host='::1', port=9151)]
    """
    endpoints: list[Endpoint] = []
    if path := environ.get("TOR_CONTROL_IPC_PATH"):
        endpoints.append(ControlSocket(path))
    host = environ.get("TOR_CONTROL_HOST") or LOOPBACK
    port = environ.get("TOR_CONTROL_PORT") or str(DEFAULT_PORT)
    if environ.get("TOR_CONTROL_HOST") or environ.get("TOR_CONTROL_PORT"):
        bare = host.strip("[]")
        try:
            endpoints.append(parse_port(f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"))
        except ValueError as error:
            message = f"TOR_CONTROL_HOST and TOR_CONTROL_PORT: {error}"
            raise ValueError(message) from None
    return endpoints


def candidates(environ: Mapping[str, str], instance_sockets: Iterable[str]) -> list[Endpoint]:
    """Return the endpoints to try if the user gives none, in this order and without duplicates.

    ``instance_sockets`` are the paths that match ``INSTANCE_SOCKETS_GLOB``. Raises ValueError if
    the environment is not valid.

    >>> [str(endpoint) for endpoint in candidates({"TOR_CONTROL_PORT": "9051"}, [])]
    ['127.0.0.1:9051', '/run/tor/control', '/var/run/tor/control', '127.0.0.1:9151']
    """
    endpoints: list[Endpoint] = from_environment(environ)
    endpoints += [ControlSocket(path) for path in (*DEFAULT_SOCKETS, *sorted(instance_sockets))]
    endpoints += [ControlPort(LOOPBACK, port) for port in DEFAULT_PORTS]
    return list(dict.fromkeys(endpoints))
