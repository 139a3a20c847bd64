"""Endpoints: how they are parsed, and the order in which they are tried."""

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.tor.endpoint import (
    INSTANCE_SOCKETS_GLOB,
    ControlPort,
    ControlSocket,
    DemoEndpoint,
    NamedEndpoint,
    candidates,
    from_environment,
    parse_named_port,
    parse_named_socket,
    parse_port,
)

PORTS = st.integers(1, 65535)
HOSTS = (
    st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(str)
    | st.text("abcxyz019.-", min_size=1, max_size=30)
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9051", "127.0.0.1", 9051),
        ("1", "127.0.0.1", 1),
        ("65535", "127.0.0.1", 65535),
        ("127.0.0.1:9051", "127.0.0.1", 9051),
        ("localhost:9051", "localhost", 9051),
        ("tor-1.example:9151", "tor-1.example", 9151),
        ("[::1]:9051", "::1", 9051),
        ("[fe80::1%eth0]:9051", "fe80::1%eth0", 9051),
        ("[::ffff:127.0.0.1]:9051", "::ffff:127.0.0.1", 9051),
    ],
)
def test_port_is_parsed_with_or_without_a_host(text: str, host: str, port: int) -> None:
    assert parse_port(text) == ControlPort(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "65536",
        "99999",
        "100000",
        "-1",
        "+1",
        "9051 ",
        "9051\n",
        "9_051",
        "0x235b",
        "\u0669\u0660\u0665\u0661",
        "tor",
        ":9051",
        "localhost:",
        "localhost:tor",
        "localhost:0",
        "::1:9051",
        "[::1]",
        "[::1]:",
        "[]:9051",
        "[localhost]:9051",
        "[::1:9051",
        "a b:9051",
        "/run/tor/control",
        "unix:/run/tor/control",
        "http://localhost:9051",
        "user@host:9051",
    ],
)
def test_invalid_port_is_an_error_that_quotes_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not \\[HOST:\\]PORT, such as 9051") as refusal:
        parse_port(text)
    assert repr(text) in str(refusal.value)


@PROPERTY
@given(HOSTS, PORTS)
def test_text_of_an_endpoint_is_parsed_to_the_same_endpoint(host: str, port: int) -> None:
    endpoint = ControlPort(host, port)
    assert parse_port(str(endpoint)) == endpoint


@PROPERTY
@given(st.ip_addresses(v=6), PORTS)
def test_ipv6_is_shown_in_brackets(host: IPv6Address, port: int) -> None:
    assert str(ControlPort(str(host), port)) == f"[{host}]:{port}"


@PROPERTY
@given(st.text() | st.text("[]:%.-a019"))
def test_any_text_is_a_port_or_a_value_error(text: str) -> None:
    try:
        endpoint = parse_port(text)
    except ValueError:
        return
    assert 0 < endpoint.port < 65536
    assert endpoint.host


NAMES = st.text(st.characters(exclude_characters="/=:"), min_size=1, max_size=40).filter(
    lambda text: not any(map(str.isspace, text))
)


@PROPERTY
@given(NAMES, HOSTS, PORTS)
def test_any_name_may_precede_any_port(name: str, host: str, port: int) -> None:
    endpoint = ControlPort(host, port)
    assert parse_named_port(f"{name}={endpoint}") == NamedEndpoint(name, endpoint)
    assert parse_named_port(str(endpoint)) == NamedEndpoint("", endpoint)


@PROPERTY
@given(NAMES, st.text(min_size=1))
def test_any_name_may_precede_any_path(name: str, path: str) -> None:
    assert parse_named_socket(f"{name}={path}") == NamedEndpoint(name, ControlSocket(path))
    assert parse_named_socket(f"./{path}") == NamedEndpoint("", ControlSocket(f"./{path}"))


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("/run/tor/control", "", "/run/tor/control"),
        ("exit=/run/tor/control", "exit", "/run/tor/control"),
        ("exit=control", "exit", "control"),
        ("a=b=c", "a", "b=c"),
        ("/a=b", "", "/a=b"),
        ("./a=b", "", "./a=b"),
        ("x/a=b", "", "x/a=b"),
        ("=b", "", "=b"),
        ("a=", "", "a="),
        ("a b=c", "", "a b=c"),
        ("a:b=c", "", "a:b=c"),
        ("", "", ""),
        ("x" * 41 + "=c", "", "x" * 41 + "=c"),
        ("ü🧅=/a\nb", "ü🧅", "/a\nb"),
    ],
)
def test_name_is_separated_from_a_path(text: str, name: str, path: str) -> None:
    assert parse_named_socket(text) == NamedEndpoint(name, ControlSocket(path))


@pytest.mark.parametrize("text", ["=9051", "exit=", "exit=tor", "a b=9051", "a:b=9051", "a=b=1"])
def test_invalid_named_port_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not \\[HOST:\\]PORT, such as 9051"):
        parse_named_port(text)


def test_text_of_sockets_and_demos_is_their_name() -> None:
    assert str(ControlSocket("/run/tor/control")) == "/run/tor/control"
    assert str(DemoEndpoint("demo")) == "demo"


@pytest.mark.parametrize(
    ("environ", "endpoints"),
    [
        ({}, []),
        ({"TOR_CONTROL_PORT": "9151"}, [ControlPort("127.0.0.1", 9151)]),
        ({"TOR_CONTROL_HOST": "10.0.0.7"}, [ControlPort("10.0.0.7", 9051)]),
        ({"TOR_CONTROL_HOST": "tor", "TOR_CONTROL_PORT": "1"}, [ControlPort("tor", 1)]),
        ({"TOR_CONTROL_HOST": "::1", "TOR_CONTROL_PORT": "1"}, [ControlPort("::1", 1)]),
        ({"TOR_CONTROL_HOST": "[::1]"}, [ControlPort("::1", 9051)]),
        ({"TOR_CONTROL_IPC_PATH": "/tmp/c"}, [ControlSocket("/tmp/c")]),
        (
            {"TOR_CONTROL_PORT": "9151", "TOR_CONTROL_IPC_PATH": "/tmp/c"},
            [ControlSocket("/tmp/c"), ControlPort("127.0.0.1", 9151)],
        ),
        # Empty variables count as not set.
        (dict.fromkeys(("TOR_CONTROL_HOST", "TOR_CONTROL_PORT", "TOR_CONTROL_IPC_PATH"), ""), []),
        ({"TOR_CONTROL_HOST": "", "TOR_CONTROL_PORT": "1"}, [ControlPort("127.0.0.1", 1)]),
        # Other variables are ignored.
        ({"TOR_CONTROL_PASSWD": "x", "TOR_SOCKS_PORT": "9050"}, []),
    ],
)
def test_endpoints_are_read_from_the_environment(
    environ: dict[str, str], endpoints: list[ControlPort | ControlSocket]
) -> None:
    assert from_environment(environ) == endpoints


@pytest.mark.parametrize(
    "environ",
    [
        {"TOR_CONTROL_PORT": "none"},
        {"TOR_CONTROL_PORT": "0"},
        {"TOR_CONTROL_PORT": "localhost:9051"},
        {"TOR_CONTROL_HOST": "a b"},
        {"TOR_CONTROL_HOST": ":::x"},
    ],
)
def test_error_names_the_variables_of_the_environment(
    environ: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match=r"^TOR_CONTROL_HOST and TOR_CONTROL_PORT: "):
        from_environment(environ)


def test_candidates_are_in_order() -> None:
    environ = {"TOR_CONTROL_IPC_PATH": "/tmp/c", "TOR_CONTROL_HOST": "::1"}
    assert [str(endpoint) for endpoint in candidates(environ, ["/run/b", "/run/a"])] == [
        "/tmp/c",
        "[::1]:9051",
        "/run/tor/control",
        "/var/run/tor/control",
        "/run/a",
        "/run/b",
        "127.0.0.1:9051",
        "127.0.0.1:9151",
    ]


def test_duplicate_candidate_is_tried_once_and_first() -> None:
    environ = {"TOR_CONTROL_IPC_PATH": "/var/run/tor/control", "TOR_CONTROL_PORT": "9151"}
    assert [str(endpoint) for endpoint in candidates(environ, ["/run/tor/control"])] == [
        "/var/run/tor/control",
        "127.0.0.1:9151",
        "/run/tor/control",
        "127.0.0.1:9051",
    ]


def test_pattern_of_instance_sockets_is_relative() -> None:
    assert not INSTANCE_SOCKETS_GLOB.startswith("/")
    assert INSTANCE_SOCKETS_GLOB.count("*") == 1
