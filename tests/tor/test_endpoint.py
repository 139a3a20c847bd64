"""Where a tor's control port may be: endpoints, their parsing and their order."""

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
def test_a_port_is_read_with_or_without_its_host(text: str, host: str, port: int) -> None:
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
def test_what_is_no_port_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="is not \\[HOST:\\]PORT, such as 9051") as refusal:
        parse_port(text)
    assert repr(text) in str(refusal.value)


@PROPERTY
@given(HOSTS, PORTS)
def test_what_an_endpoint_is_called_is_how_it_is_asked_for(host: str, port: int) -> None:
    place = ControlPort(host, port)
    assert parse_port(str(place)) == place


@PROPERTY
@given(st.ip_addresses(v=6), PORTS)
def test_ipv6_is_shown_in_brackets(host: IPv6Address, port: int) -> None:
    assert str(ControlPort(str(host), port)) == f"[{host}]:{port}"


@PROPERTY
@given(st.text() | st.text("[]:%.-a019"))
def test_any_text_is_a_port_or_a_value_error(text: str) -> None:
    try:
        place = parse_port(text)
    except ValueError:
        return
    assert 0 < place.port < 65536
    assert place.host


NAMES = st.text(st.characters(exclude_characters="/=:"), min_size=1, max_size=40).filter(
    lambda text: not any(map(str.isspace, text))
)


@PROPERTY
@given(NAMES, HOSTS, PORTS)
def test_any_name_may_stand_before_any_port(name: str, host: str, port: int) -> None:
    place = ControlPort(host, port)
    assert parse_named_port(f"{name}={place}") == NamedEndpoint(name, place)
    assert parse_named_port(str(place)) == NamedEndpoint("", place)


@PROPERTY
@given(NAMES, st.text(min_size=1))
def test_any_name_may_stand_before_any_path(name: str, path: str) -> None:
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
def test_what_is_a_name_before_a_path(text: str, name: str, path: str) -> None:
    assert parse_named_socket(text) == NamedEndpoint(name, ControlSocket(path))


@pytest.mark.parametrize("text", ["=9051", "exit=", "exit=tor", "a b=9051", "a:b=9051", "a=b=1"])
def test_what_is_no_named_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not \\[HOST:\\]PORT, such as 9051"):
        parse_named_port(text)


def test_sockets_and_embedded_ones_are_called_by_their_names() -> None:
    assert str(ControlSocket("/run/tor/control")) == "/run/tor/control"
    assert str(DemoEndpoint("demo")) == "demo"


@pytest.mark.parametrize(
    ("environ", "places"),
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
        # Set and empty is not set.
        (dict.fromkeys(("TOR_CONTROL_HOST", "TOR_CONTROL_PORT", "TOR_CONTROL_IPC_PATH"), ""), []),
        ({"TOR_CONTROL_HOST": "", "TOR_CONTROL_PORT": "1"}, [ControlPort("127.0.0.1", 1)]),
        # What it says of other things is not a place.
        ({"TOR_CONTROL_PASSWD": "x", "TOR_SOCKS_PORT": "9050"}, []),
    ],
)
def test_the_environment_names_places(
    environ: dict[str, str], places: list[ControlPort | ControlSocket]
) -> None:
    assert from_environment(environ) == places


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
def test_an_environment_that_makes_no_sense_is_named_in_the_message(
    environ: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match=r"^TOR_CONTROL_HOST and TOR_CONTROL_PORT: "):
        from_environment(environ)


def test_candidates_come_in_the_order_in_which_they_are_tried() -> None:
    environ = {"TOR_CONTROL_IPC_PATH": "/tmp/c", "TOR_CONTROL_HOST": "::1"}
    assert [str(place) for place in candidates(environ, ["/run/b", "/run/a"])] == [
        "/tmp/c",
        "[::1]:9051",
        "/run/tor/control",
        "/var/run/tor/control",
        "/run/a",
        "/run/b",
        "127.0.0.1:9051",
        "127.0.0.1:9151",
    ]


def test_a_candidate_that_is_named_twice_is_tried_once_and_first() -> None:
    environ = {"TOR_CONTROL_IPC_PATH": "/var/run/tor/control", "TOR_CONTROL_PORT": "9151"}
    assert [str(place) for place in candidates(environ, ["/run/tor/control"])] == [
        "/var/run/tor/control",
        "127.0.0.1:9151",
        "/run/tor/control",
        "127.0.0.1:9051",
    ]


def test_the_pattern_of_instance_sockets_is_relative_for_a_glob_from_the_root() -> None:
    assert not INSTANCE_SOCKETS_GLOB.startswith("/")
    assert INSTANCE_SOCKETS_GLOB.count("*") == 1
