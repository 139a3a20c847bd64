"""Where a tor's control port may be. Owns the endpoints, their parsing and their order.

Must not touch any of them: what exists and what answers is for others to find out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 9051

DEFAULT_SOCKETS = ("/run/tor/control", "/var/run/tor/control")
INSTANCE_SOCKETS_GLOB = "run/tor-instances/*/control"
"Below the root: where Debian's tor-instance-create puts each tor's control socket."
DEFAULT_PORTS = (DEFAULT_PORT, 9151)
"tor's own default, and Tor Browser's."


class ControlPort(NamedTuple):
    """A control port on TCP: an address of either family, or a host name."""

    host: str
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
    """A control port inside of this very program."""

    name: str

    def __str__(self) -> str:
        return self.name


Endpoint = ControlPort | ControlSocket | DemoEndpoint


class NamedEndpoint(NamedTuple):
    """An endpoint, and what the user calls the tor there; empty if nothing."""

    name: str
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
    """Read ``[HOST:]PORT``; a ValueError says what is wrong.

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
    """Read ``[NAME=][HOST:]PORT``; a ValueError says what is wrong.

    >>> parse_named_port("exit=9051")
    NamedEndpoint(name='exit', endpoint=ControlPort(host='127.0.0.1', port=9051))
    """
    name, rest = _named(text)
    return NamedEndpoint(name, parse_port(rest))


def parse_named_socket(text: str) -> NamedEndpoint:
    """Read ``[NAME=]PATH``. A path with such a beginning is written as ``./NAME=...``.

    >>> parse_named_socket("exit=/run/tor/control").name, parse_named_socket("./a=b").name
    ('exit', '')
    """
    name, rest = _named(text)
    return NamedEndpoint(name, ControlSocket(rest))


def _named(text: str) -> tuple[str, str]:
    match = _NAME.fullmatch(text)
    return (match["name"], match["rest"]) if match else ("", text)


def from_environment(environ: Mapping[str, str]) -> list[Endpoint]:
    """The endpoints that the environment names, by the variables that Tor Browser knows too.

    >>> from_environment({"TOR_CONTROL_HOST": "::1", "TOR_CONTROL_PORT": "9151"})
    [ControlPort(host='::1', port=9151)]
    """
    found: list[Endpoint] = []
    if path := environ.get("TOR_CONTROL_IPC_PATH"):
        found.append(ControlSocket(path))
    host = environ.get("TOR_CONTROL_HOST") or LOOPBACK
    port = environ.get("TOR_CONTROL_PORT") or str(DEFAULT_PORT)
    if environ.get("TOR_CONTROL_HOST") or environ.get("TOR_CONTROL_PORT"):
        bare = host.strip("[]")
        try:
            found.append(parse_port(f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"))
        except ValueError as error:
            message = f"TOR_CONTROL_HOST and TOR_CONTROL_PORT: {error}"
            raise ValueError(message) from None
    return found


def candidates(environ: Mapping[str, str], instance_sockets: Iterable[str]) -> list[Endpoint]:
    """Where to look when nobody said where, in order and each once.

    ``instance_sockets`` are the paths that match ``INSTANCE_SOCKETS_GLOB``.

    >>> [str(place) for place in candidates({"TOR_CONTROL_PORT": "9051"}, [])]
    ['127.0.0.1:9051', '/run/tor/control', '/var/run/tor/control', '127.0.0.1:9151']
    """
    places: list[Endpoint] = from_environment(environ)
    places += [ControlSocket(path) for path in (*DEFAULT_SOCKETS, *sorted(instance_sockets))]
    places += [ControlPort(LOOPBACK, port) for port in DEFAULT_PORTS]
    return list(dict.fromkeys(places))
