"""Which tors are watched: those that are named, or those that are found; and what each is shown."""

import os
from collections.abc import Callable
from functools import partial
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
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[Endpoint]:
    """Where somebody answers; the root of all instances' sockets is the test's."""
    answering: set[Endpoint] = set()
    monkeypatch.setattr(transport, "is_listening", answering.__contains__)
    monkeypatch.setattr(targets, "Path", partial(Path, tmp_path))
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", (str(tmp_path / "control"),))
    # From the test's own root, as it would be from the machine's.
    monkeypatch.setattr(targets, "Path", lambda _: tmp_path)
    return answering


def places(found: Targets) -> list[Endpoint]:
    return [named.endpoint for named in found.named]


# Named


def test_what_the_user_names_is_watched_and_nothing_else(live: set[Endpoint]) -> None:
    live |= {PORT, BROWSER}
    named = [NamedEndpoint("exit", ControlSocket("/x")), NamedEndpoint("", ControlPort("::1", 1))]
    assert find_targets(named, None, {"TOR_CONTROL_PORT": "9151"}) == Targets(tuple(named))


def test_what_is_named_twice_is_watched_once(live: set[Endpoint]) -> None:
    assert places(
        find_targets(
            [NamedEndpoint("", PORT), NamedEndpoint("", BROWSER), NamedEndpoint("", PORT)], None, {}
        )
    ) == [
        PORT,
        BROWSER,
    ]
    assert live == set()


def test_nobody_is_looked_for_where_the_user_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(_: Endpoint) -> bool:
        raise AssertionError("looked")

    monkeypatch.setattr(transport, "is_listening", answers)
    assert find_targets([NamedEndpoint("", PORT)], None, {}) == Targets((NamedEndpoint("", PORT),))
    assert find_targets([], 1, {}).demo_speed == 1


def test_the_demo_is_one_and_goes_with_no_other() -> None:
    assert find_targets([], 60, {"TOR_CONTROL_PORT": "1"}) == Targets(
        (NamedEndpoint("", demo.ENDPOINT),), demo_speed=60
    )
    with pytest.raises(ValueError, match="--demo needs no tor, and --port and --socket name one"):
        find_targets([NamedEndpoint("", PORT)], 1, {})


# Found


def test_all_that_answer_are_watched(live: set[Endpoint], tmp_path: Path) -> None:
    sockets = []
    for name in ("b", "a", "dead"):
        directory = tmp_path / "run" / "tor-instances" / name
        directory.mkdir(parents=True)
        (directory / "control").touch()
        sockets.append(ControlSocket(str(directory / "control")))
    first = ControlSocket(str(tmp_path / "control"))
    live |= {PORT, first, *sockets[:2]}
    found = find_targets([], None, {})
    assert found.found
    assert found.candidates == ()
    assert places(found) == [first, sockets[1], sockets[0], PORT]


@pytest.mark.parametrize("answering", [[], [PORT], [BROWSER]], ids=str)
def test_none_or_one_that_answers_leaves_the_places_to_be_tried_in_order(
    live: set[Endpoint], answering: list[Endpoint], tmp_path: Path
) -> None:
    live |= {*answering}
    first = ControlSocket(str(tmp_path / "control"))
    assert find_targets([], None, {}) == Targets(candidates=(first, PORT, BROWSER))


def test_those_that_the_environment_names_are_the_ones(live: set[Endpoint]) -> None:
    there, other = ControlSocket("/c"), ControlPort("::1", 7)
    environ = {"TOR_CONTROL_IPC_PATH": "/c", "TOR_CONTROL_HOST": "::1", "TOR_CONTROL_PORT": "7"}
    live |= {PORT, BROWSER, there, other}
    assert places(find_targets([], None, environ)) == [there, other]


def test_the_one_that_the_environment_names_is_the_only_one(
    live: set[Endpoint], tmp_path: Path
) -> None:
    # And comes first among the candidates.
    live |= {PORT, BROWSER, ControlPort("127.0.0.1", 7)}
    found = find_targets([], None, {"TOR_CONTROL_PORT": "7"})
    first = ControlSocket(str(tmp_path / "control"))
    assert found == Targets(candidates=(ControlPort("127.0.0.1", 7), first, PORT, BROWSER))


def test_where_the_environments_does_not_answer_those_that_do_are_watched(
    live: set[Endpoint],
) -> None:
    live |= {PORT, BROWSER}
    found = find_targets([], None, {"TOR_CONTROL_PORT": "7"})
    assert places(found) == [PORT, BROWSER]
    assert found.found


def test_an_environment_that_makes_no_sense_is_said(live: set[Endpoint]) -> None:
    assert live == set()
    with pytest.raises(ValueError, match="TOR_CONTROL_HOST and TOR_CONTROL_PORT: "):
        find_targets([], None, {"TOR_CONTROL_PORT": "ninety"})


def test_a_socket_by_another_name_is_one(
    live: set[Endpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As /var/run is on most machines.
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "control").touch()
    (tmp_path / "link").symlink_to("real")
    names = (str(tmp_path / "real" / "control"), str(tmp_path / "link" / "control"))
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", names)
    live |= {PORT, *map(ControlSocket, names)}
    assert places(find_targets([], None, {})) == [ControlSocket(names[0]), PORT]
    # By whichever name the environment has for it.
    live.add(BROWSER)
    environ = {"TOR_CONTROL_IPC_PATH": names[1], "TOR_CONTROL_PORT": "9051"}
    assert places(find_targets([], None, environ)) == [ControlSocket(names[1]), PORT]


def test_each_is_knocked_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    knocks: list[Endpoint] = []
    monkeypatch.setattr(transport, "is_listening", knocks.append)
    monkeypatch.setattr(targets, "Path", lambda _: tmp_path)
    find_targets([], None, {"TOR_CONTROL_PORT": "9051"})
    assert len(knocks) == len(set(knocks))
    assert knocks[0] == PORT


def test_two_doors_of_one_real_process_are_found_and_one_leaves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which only shows once both have connected; here with control ports that answer."""
    monkeypatch.setattr(targets, "Path", lambda _: tmp_path)
    with FakeTor() as one, FakeTor(path=tmp_path / "c") as two:
        assert isinstance(one.endpoint, ControlPort)
        environ = {
            "TOR_CONTROL_PORT": str(one.endpoint.port),
            "TOR_CONTROL_IPC_PATH": str(two.endpoint),
        }
        found = find_targets([], None, environ)
    assert places(found) == [two.endpoint, one.endpoint]
    fleet, _ = found.create_fleet(Secrets(Credentials()), patient=False)
    for instance in fleet.instances:
        fleet.handle(instance, Connected(9.0, instance.name, uptime=5.0, process="4711"))
    assert [each.name for each in fleet.instances] == [str(two.endpoint)]
    assert fleet.sum is None


def test_two_names_for_what_the_user_named_are_two() -> None:
    found = find_targets([NamedEndpoint("a", PORT), NamedEndpoint("b", BROWSER)], None, {})
    fleet, _ = found.create_fleet(Secrets(Credentials()), patient=False)
    for instance in fleet.instances:
        fleet.handle(instance, Connected(9.0, instance.name, uptime=5.0, process="4711"))
    assert len(fleet.instances) == 2


# Watched


def links(watched: Targets, secrets: Secrets, *, patient: bool = False) -> list[TorSource]:
    _, sources = watched.create_fleet(secrets, patient=patient)
    return [link for link in sources.values() if isinstance(link, TorSource)]


def test_each_of_several_has_an_instance_and_a_patient_link_of_its_own() -> None:
    named = (NamedEndpoint("exit", PORT), NamedEndpoint("", BROWSER))
    fleet, sources = Targets(named).create_fleet(Secrets(GIVEN), patient=False)
    assert tuple(sources) == fleet.instances
    assert [(each.name, each.label, each.note) for each in fleet.instances] == [
        ("127.0.0.1:9051", "exit", ""),
        ("127.0.0.1:9151", "", ""),
    ]
    assert [each.title for each in fleet.instances] == ["exit", "127.0.0.1:9151"]
    watching = links(Targets(named), Secrets(GIVEN))
    assert [link._endpoints for link in watching] == [(PORT,), (BROWSER,)]
    assert [link._credentials for link in watching] == [GIVEN, GIVEN]
    assert all(link._wait_forever for link in watching)
    # Though each is waited for, all of them together may be refused.
    for instance in fleet.instances:
        assert fleet.final_error is None
        fleet.handle(instance, Refused(ExplainedError("no")))
    assert fleet.final_error is not None


@pytest.mark.parametrize("patient", [False, True])
@pytest.mark.parametrize(
    "watched", [Targets((NamedEndpoint("", PORT),)), Targets(candidates=(PORT, BROWSER))], ids=str
)
def test_one_alone_is_as_patient_as_is_asked_for(watched: Targets, *, patient: bool) -> None:
    [link] = links(watched, Secrets(GIVEN), patient=patient)
    assert link._wait_forever is patient
    assert link._credentials == GIVEN
    fleet, _ = watched.create_fleet(Secrets(GIVEN), patient=patient)
    assert fleet.sum is None


def test_the_demo_says_so() -> None:
    [link] = links(Targets((NamedEndpoint("", demo.ENDPOINT),), demo_speed=60), Secrets(GIVEN))
    assert isinstance(link._connect.__self__, demo.DemoTor)  # type: ignore[attr-defined]
    fleet, _ = Targets((NamedEndpoint("", demo.ENDPOINT),), demo_speed=60).create_fleet(
        Secrets(GIVEN), patient=False
    )
    assert fleet.instances[0].note == targets.DEMO_NOTE


# Secrets


def test_what_was_given_for_one_is_shown_to_that_one_alone() -> None:
    secrets = Secrets(Credentials(), {}).with_password(str(PORT), GIVEN)
    watching = links(Targets((NamedEndpoint("", PORT), NamedEndpoint("", BROWSER))), secrets)
    assert [link._credentials for link in watching] == [GIVEN, Credentials()]


def test_what_was_given_for_one_of_the_candidates_is_shown_when_they_are_tried_again() -> None:
    secrets = Secrets(Credentials()).with_password(str(BROWSER), GIVEN)
    [link] = links(Targets(candidates=(PORT, BROWSER)), secrets)
    assert link._credentials == GIVEN


WAYS: list[tuple[Callable[[Secrets], Secrets], bool]] = [
    (lambda secrets: secrets, True),
    (lambda secrets: secrets.with_password("here", GIVEN), False),
    (lambda secrets: secrets.with_password("there", GIVEN), True),
    (lambda secrets: secrets.with_declined("here"), False),
    (lambda secrets: secrets.with_declined("there"), True),
    (lambda secrets: Secrets(secrets.default, cannot_ask=True), False),
    (lambda _: Secrets(GIVEN), False),
]


@pytest.mark.parametrize(("way", "lacks"), WAYS)
def test_a_password_is_lacking_where_none_is_known_and_somebody_may_have_one(
    way: Callable[[Secrets], Secrets], *, lacks: bool
) -> None:
    secrets = way(Secrets(Credentials(cookie="/cookie")))
    assert secrets.should_ask("here") is lacks
    assert not secrets.should_ask("")


def test_secrets_are_not_in_their_text() -> None:
    secrets = Secrets(Credentials(b"s3cret"), {"here": Credentials(b"s3cret")})
    assert "s3cret" not in repr(secrets)
    assert "s3cret" not in str(secrets)


def test_the_pattern_of_instances_is_looked_for_from_the_root() -> None:
    assert os.path.isabs(str(Path("/") / endpoint.INSTANCE_SOCKETS_GLOB))  # noqa: PTH117 - no file
