"""Which tors are watched: the named ones, or those found; and the credentials for each."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_tor import FakeTor

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Refused
from bwgraph.tor import demo, endpoint, targets, transport
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint, NamedEndpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.targets import Secrets, Targets, find_targets

PORT, BROWSER = ControlPort("127.0.0.1", 9051), ControlPort("127.0.0.1", 9151)
GIVEN = Credentials(b"given")


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[Endpoint]:
    """Return the set of endpoints that are listening. The file system begins at ``tmp_path``."""
    answering: set[Endpoint] = set()
    monkeypatch.setattr(transport, "is_listening", answering.__contains__)
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", (str(tmp_path / "control"),))
    monkeypatch.setattr(targets, "Path", lambda _: tmp_path)
    return answering


def named_endpoints(found: Targets) -> list[Endpoint]:
    return [named.endpoint for named in found.named]


# Named endpoints


def test_only_named_endpoints_are_watched(listening: set[Endpoint]) -> None:
    listening |= {PORT, BROWSER}
    named = [NamedEndpoint("exit", ControlSocket("/x")), NamedEndpoint("", ControlPort("::1", 1))]
    assert find_targets(named, None, {"TOR_CONTROL_PORT": "9151"}) == Targets(tuple(named))


def test_endpoint_named_twice_is_watched_once(listening: set[Endpoint]) -> None:
    assert named_endpoints(
        find_targets(
            [NamedEndpoint("", PORT), NamedEndpoint("", BROWSER), NamedEndpoint("", PORT)], None, {}
        )
    ) == [
        PORT,
        BROWSER,
    ]
    assert listening == set()


def test_named_endpoint_is_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(_: Endpoint) -> bool:
        raise AssertionError("probed")

    monkeypatch.setattr(transport, "is_listening", probe)
    assert find_targets([NamedEndpoint("", PORT)], None, {}) == Targets((NamedEndpoint("", PORT),))
    assert find_targets([], 1, {}).demo_speed == 1


def test_demo_cannot_be_combined_with_an_endpoint() -> None:
    assert find_targets([], 60, {"TOR_CONTROL_PORT": "1"}) == Targets(
        (NamedEndpoint("", demo.ENDPOINT),), demo_speed=60
    )
    with pytest.raises(ValueError, match="--demo cannot be combined with --port or --socket"):
        find_targets([NamedEndpoint("", PORT)], 1, {})


# Endpoints that are found


def test_all_listening_candidates_are_watched(listening: set[Endpoint], tmp_path: Path) -> None:
    sockets = []
    for name in ("b", "a", "dead"):
        directory = tmp_path / "run" / "tor-instances" / name
        directory.mkdir(parents=True)
        (directory / "control").touch()
        sockets.append(ControlSocket(str(directory / "control")))
    first = ControlSocket(str(tmp_path / "control"))
    listening |= {PORT, first, *sockets[:2]}
    found = find_targets([], None, {})
    assert found.found
    assert found.candidates == ()
    assert named_endpoints(found) == [first, sockets[1], sockets[0], PORT]


@pytest.mark.parametrize("answering", [[], [PORT], [BROWSER]], ids=str)
def test_fewer_than_two_listening_endpoints_leave_all_candidates(
    listening: set[Endpoint], answering: list[Endpoint], tmp_path: Path
) -> None:
    listening |= {*answering}
    first = ControlSocket(str(tmp_path / "control"))
    assert find_targets([], None, {}) == Targets(candidates=(first, PORT, BROWSER))


def test_endpoints_of_the_environment_are_watched(listening: set[Endpoint]) -> None:
    there, other = ControlSocket("/c"), ControlPort("::1", 7)
    environ = {"TOR_CONTROL_IPC_PATH": "/c", "TOR_CONTROL_HOST": "::1", "TOR_CONTROL_PORT": "7"}
    listening |= {PORT, BROWSER, there, other}
    assert named_endpoints(find_targets([], None, environ)) == [there, other]


def test_one_listening_endpoint_of_the_environment_is_the_first_candidate(
    listening: set[Endpoint], tmp_path: Path
) -> None:
    # It is the first candidate.
    listening |= {PORT, BROWSER, ControlPort("127.0.0.1", 7)}
    found = find_targets([], None, {"TOR_CONTROL_PORT": "7"})
    first = ControlSocket(str(tmp_path / "control"))
    assert found == Targets(candidates=(ControlPort("127.0.0.1", 7), first, PORT, BROWSER))


def test_other_listening_endpoints_replace_that_of_the_environment(
    listening: set[Endpoint],
) -> None:
    listening |= {PORT, BROWSER}
    found = find_targets([], None, {"TOR_CONTROL_PORT": "7"})
    assert named_endpoints(found) == [PORT, BROWSER]
    assert found.found


def test_invalid_environment_is_an_error(listening: set[Endpoint]) -> None:
    assert listening == set()
    with pytest.raises(ValueError, match="TOR_CONTROL_HOST and TOR_CONTROL_PORT: "):
        find_targets([], None, {"TOR_CONTROL_PORT": "ninety"})


def test_socket_with_two_paths_is_watched_once(
    listening: set[Endpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with /var/run on most machines.
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "control").touch()
    (tmp_path / "link").symlink_to("real")
    names = (str(tmp_path / "real" / "control"), str(tmp_path / "link" / "control"))
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", names)
    listening |= {PORT, *map(ControlSocket, names)}
    assert named_endpoints(find_targets([], None, {})) == [ControlSocket(names[0]), PORT]
    # The same if the environment contains either path.
    listening.add(BROWSER)
    environ = {"TOR_CONTROL_IPC_PATH": names[1], "TOR_CONTROL_PORT": "9051"}
    assert named_endpoints(find_targets([], None, environ)) == [ControlSocket(names[1]), PORT]


def test_each_candidate_is_probed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    probed: list[Endpoint] = []
    monkeypatch.setattr(transport, "is_listening", probed.append)
    monkeypatch.setattr(targets, "Path", lambda _: tmp_path)
    find_targets([], None, {"TOR_CONTROL_PORT": "9051"})
    assert len(probed) == len(set(probed))
    assert probed[0] == PORT


def test_two_endpoints_of_one_process_become_one_instance(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """This is known only after both have connected."""
    monkeypatch.setattr(targets, "Path", lambda _: tmp_path)
    with FakeTor() as one, FakeTor(path=tmp_path / "c") as two:
        assert isinstance(one.endpoint, ControlPort)
        environ = {
            "TOR_CONTROL_PORT": str(one.endpoint.port),
            "TOR_CONTROL_IPC_PATH": str(two.endpoint),
        }
        found = find_targets([], None, environ)
    assert named_endpoints(found) == [two.endpoint, one.endpoint]
    fleet, _ = found.create_fleet(Secrets(Credentials()), wait_forever=False)
    for instance in fleet.instances:
        fleet.handle(instance, Connected(9.0, instance.name, uptime=5.0, process="4711"))
    assert [each.name for each in fleet.instances] == [str(two.endpoint)]
    assert fleet.sum is None


def test_two_named_endpoints_of_one_process_stay_two_instances() -> None:
    found = find_targets([NamedEndpoint("a", PORT), NamedEndpoint("b", BROWSER)], None, {})
    fleet, _ = found.create_fleet(Secrets(Credentials()), wait_forever=False)
    for instance in fleet.instances:
        fleet.handle(instance, Connected(9.0, instance.name, uptime=5.0, process="4711"))
    assert len(fleet.instances) == 2


# Sources


def tor_sources(watched: Targets, secrets: Secrets, *, patient: bool = False) -> list[TorSource]:
    _, sources = watched.create_fleet(secrets, wait_forever=patient)
    return [source for source in sources.values() if isinstance(source, TorSource)]


def test_each_of_several_tors_has_an_instance_and_a_waiting_source() -> None:
    named = (NamedEndpoint("exit", PORT), NamedEndpoint("", BROWSER))
    fleet, sources = Targets(named).create_fleet(Secrets(GIVEN), wait_forever=False)
    assert tuple(sources) == fleet.instances
    assert [(each.name, each.label, each.note) for each in fleet.instances] == [
        ("127.0.0.1:9051", "exit", ""),
        ("127.0.0.1:9151", "", ""),
    ]
    assert [each.title for each in fleet.instances] == ["exit", "127.0.0.1:9151"]
    sources_of_each = tor_sources(Targets(named), Secrets(GIVEN))
    assert [source._endpoints for source in sources_of_each] == [(PORT,), (BROWSER,)]
    assert [source._credentials for source in sources_of_each] == [GIVEN, GIVEN]
    assert all(source._wait_forever for source in sources_of_each)
    # Each source waits, but all of them together may be refused.
    for instance in fleet.instances:
        assert fleet.final_error is None
        fleet.handle(instance, Refused(ExplainedError("no")))
    assert fleet.final_error is not None


@pytest.mark.parametrize("patient", [False, True])
@pytest.mark.parametrize(
    "watched", [Targets((NamedEndpoint("", PORT),)), Targets(candidates=(PORT, BROWSER))], ids=str
)
def test_single_source_waits_only_if_asked_to(watched: Targets, *, patient: bool) -> None:
    [source] = tor_sources(watched, Secrets(GIVEN), patient=patient)
    assert source._wait_forever is patient
    assert source._credentials == GIVEN
    fleet, _ = watched.create_fleet(Secrets(GIVEN), wait_forever=patient)
    assert fleet.sum is None


def test_demo_instance_has_a_note() -> None:
    [source] = tor_sources(
        Targets((NamedEndpoint("", demo.ENDPOINT),), demo_speed=60), Secrets(GIVEN)
    )
    assert isinstance(source._connect.__self__, demo.DemoTor)  # type: ignore[attr-defined]
    fleet, _ = Targets((NamedEndpoint("", demo.ENDPOINT),), demo_speed=60).create_fleet(
        Secrets(GIVEN), wait_forever=False
    )
    assert fleet.instances[0].note == targets.DEMO_NOTE


# Secrets


def test_password_for_one_endpoint_is_used_for_no_other() -> None:
    secrets = Secrets(Credentials(), {}).with_password(str(PORT), GIVEN)
    sources_of_each = tor_sources(
        Targets((NamedEndpoint("", PORT), NamedEndpoint("", BROWSER))), secrets
    )
    assert [source._credentials for source in sources_of_each] == [GIVEN, Credentials()]


def test_password_for_a_candidate_is_used_for_the_candidates() -> None:
    secrets = Secrets(Credentials()).with_password(str(BROWSER), GIVEN)
    [source] = tor_sources(Targets(candidates=(PORT, BROWSER)), secrets)
    assert source._credentials == GIVEN


CHANGES: list[tuple[Callable[[Secrets], Secrets], bool]] = [
    (lambda secrets: secrets, True),
    (lambda secrets: secrets.with_password("here", GIVEN), False),
    (lambda secrets: secrets.with_password("there", GIVEN), True),
    (lambda secrets: secrets.with_declined("here"), False),
    (lambda secrets: secrets.with_declined("there"), True),
    (lambda secrets: Secrets(secrets.default, cannot_ask=True), False),
    (lambda _: Secrets(GIVEN), False),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_user_is_asked_if_there_is_no_password_and_it_was_not_declined(
    change: Callable[[Secrets], Secrets], *, expected: bool
) -> None:
    secrets = change(Secrets(Credentials(cookie="/cookie")))
    assert secrets.should_ask("here") is expected
    assert not secrets.should_ask("")


def test_secrets_are_not_in_their_repr() -> None:
    secrets = Secrets(Credentials(b"s3cret"), {"here": Credentials(b"s3cret")})
    assert "s3cret" not in repr(secrets)
    assert "s3cret" not in str(secrets)


def test_pattern_of_instance_sockets_is_relative_to_the_root() -> None:
    assert os.path.isabs(str(Path("/") / endpoint.INSTANCE_SOCKETS_GLOB))  # noqa: PTH117 - no file
