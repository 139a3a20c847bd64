"""One connection over a real socket: opening it, its samples, and its end."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from connections import ALL_COMMANDS, SECRET, ManualClock, connected, connecting
from ear import Ear, eventually
from fake_tor import (
    COOKIE,
    FILTER,
    FakeTor,
    Manners,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bwgraph.model.events import (
    MAX_SAMPLE_BYTES,
    Connected,
    CounterBase,
    Problem,
    Sample,
)
from bwgraph.tor import connection as connection_module
from bwgraph.tor import transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

# Letting in


def test_a_connection_says_whom_it_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "now", ManualClock())
    with FakeTor() as server, connecting(server.endpoint, Ear()) as connection:
        news = connection.open(Credentials())
        assert news == Connected(
            1000.0,
            str(server.endpoint),
            "0.4.9.11",
            "fake",
            CounterBase(424_182, 13),
            3600.0,
            "4711",
        )


def test_nothing_is_asked_for_but_what_is_needed() -> None:
    with FakeTor() as server, connected(server, Ear()):
        assert server.commands == ALL_COMMANDS


def test_a_unix_socket_does_as_well(tmp_path: Path) -> None:
    with FakeTor(path=tmp_path / "control") as server, connected(server, Ear()):
        assert server.commands == ALL_COMMANDS


@pytest.mark.parametrize("unix", [False, True])
def test_a_tor_that_names_us_its_owner_is_not_taken_over(tmp_path: Path, *, unix: bool) -> None:
    # A real tor answers like this when it was started with our process as its owner, or with one
    # whose number is now ours. TAKEOWNERSHIP would end it together with bwgraph.
    ours = Manners(conf={"__owningcontrollerprocess": str(os.getpid())})
    path = tmp_path / "control" if unix else None
    with FakeTor(ours, path) as server, connected(server, Ear()):
        assert server.commands == ALL_COMMANDS


def test_a_filter_that_grants_bw_alone_is_enough() -> None:
    ear = Ear()
    with FakeTor(FILTER) as server, connecting(server.endpoint, ear) as connection:
        news = connection.open(Credentials())
        assert (news.nickname, news.counters, news.uptime) == ("", None, None)
        assert (news.process, news.recent) == ("", ())
        assert connection.check_counters() is None
        connection.release_samples()
        server.emit(1, 2)
        assert ear.wait_for(Sample).written == 2
        assert server.commands[: len(ALL_COMMANDS)] == ALL_COMMANDS


def test_without_a_nickname_there_is_none() -> None:
    with (
        FakeTor(Manners(conf={})) as server,
        connecting(server.endpoint, Ear()) as connection,
    ):
        assert connection.open(Credentials()).nickname == ""


@pytest.mark.parametrize("methods", ["COOKIE", "SAFECOOKIE", "COOKIE,SAFECOOKIE"])
def test_a_cookie_lets_in(tmp_path: Path, methods: str) -> None:
    cookie = tmp_path / 'a\\b "cookie" \u00e9'
    cookie.write_bytes(COOKIE)
    manners = Manners(methods=methods, cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server, connected(server, Ear()):
        # The safe way never shows the cookie itself.
        assert (server.shown == [COOKIE]) == (methods == "COOKIE")
        assert "TAKEOWNERSHIP" not in server.commands


def test_the_cookie_is_where_the_user_says(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    manners = Manners(methods="COOKIE", cookie_path=b"/nowhere/at/all")
    with FakeTor(manners) as server, connected(server, Ear(), Credentials(cookie=str(cookie))):
        assert server.shown == [COOKIE]


def test_the_cookie_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    # Each start of tor writes another.
    cookie = tmp_path / "cookie"
    for content in (COOKIE, COOKIE[::-1]):
        cookie.write_bytes(content)
        manners = Manners(methods="COOKIE", cookie=content, cookie_path=os.fsencode(cookie))
        with FakeTor(manners) as server, connected(server, Ear()):
            assert server.shown == [content]


def test_a_password_is_tried_before_the_cookie() -> None:
    manners = Manners(
        methods="COOKIE,SAFECOOKIE,HASHEDPASSWORD", password=SECRET, cookie_path=b"/nowhere"
    )
    with FakeTor(manners) as server, connected(server, Ear(), Credentials(SECRET)):
        assert server.shown == [SECRET]


def test_a_password_that_nobody_asks_for_is_not_shown() -> None:
    with FakeTor() as server, connected(server, Ear(), Credentials(SECRET)):
        assert server.shown == [b""]


@pytest.fixture(scope="module")
def locked() -> Iterator[FakeTor]:
    with FakeTor(Manners(methods="HASHEDPASSWORD", password=SECRET)) as server:
        yield server


@settings(max_examples=60)
@given(st.binary(min_size=0, max_size=64).filter(lambda raw: not set(raw) & set(b"\r\n\0")))
@example(b"")
@example(SECRET)
@example(b'"')
@example(b"\\")
@example(b'\\"')
@example(b"ends in \\")
@example(b" spaces  within ")
@example("\u00e9\u4e1c".encode())
@example(bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b""))
def test_any_password_arrives_byte_for_byte(locked: FakeTor, password: bytes) -> None:
    locked.behaviour = Manners(methods="HASHEDPASSWORD", password=password)
    with connected(locked, Ear(), Credentials(password)):
        assert locked.shown[-1] == password


# Samples


def test_the_first_event_of_a_subscription_is_not_a_sample() -> None:
    ear = Ear()
    with FakeTor(Manners(spike=(4_000_000_000, 1))) as server, connected(server, ear):
        server.emit(100, 200)
        ear.wait_for(Sample)
        assert [(sample.read, sample.written) for sample in ear.samples] == [(100, 200)]


def test_a_sample_covers_the_time_since_the_event_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ear = ManualClock(), Ear()
    monkeypatch.setattr(connection_module, "now", clock)
    monkeypatch.setattr(connection_module, "awake", clock)
    with FakeTor() as server, connected(server, ear) as connection:
        for when in (1001.0, 1006.25):
            clock.time = when
            server.emit(7, 8)
            ear.wait_for(Sample)
            assert connection.last_heard == when
    assert ear.samples == [Sample(1001.0, 7, 8, 1.0), Sample(1006.25, 7, 8, 5.25)]


def test_the_time_for_which_the_machine_slept_is_in_no_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, waking, ear = ManualClock(), ManualClock(), Ear()
    monkeypatch.setattr(connection_module, "now", clock)
    monkeypatch.setattr(connection_module, "awake", waking)
    with FakeTor() as server, connected(server, ear):
        clock.time += 3600.0
        waking.time += 1.5
        server.emit(7, 8)
        assert ear.wait_for(Sample) == Sample(4600.0, 7, 8, 1.5)


def test_two_events_in_one_tick_of_the_clock_cover_some_time_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear = Ear()
    monkeypatch.setattr(connection_module, "awake", ManualClock())
    with FakeTor() as server, connected(server, ear):
        server.emit(7, 8)
        assert ear.wait_for(Sample).seconds == connection_module.MIN_SPAN_S


def test_each_subscription_has_a_first_event_of_its_own() -> None:
    ear = Ear()
    with FakeTor() as server:
        for number in (1, 2):
            with connected(server, ear):
                server.emit(number, 0)
                ear.wait_for(Sample)
    assert [sample.read for sample in ear.samples] == [1, 2]


def test_a_burst_loses_nothing() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"".join(b"650 BW %d 0\r\n" % n for n in range(2000)))
        eventually(lambda: len(ear.samples) == 2000, "all events are samples")
    assert [sample.read for sample in ear.samples] == list(range(2000))


def test_an_absurd_number_is_cut_down() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.emit(10**4000, (1 << 32) - 1)
        sample = ear.wait_for(Sample)
    assert (sample.read, sample.written) == (MAX_SAMPLE_BYTES, (1 << 32) - 1)


def test_more_fields_in_an_event_are_left_alone() -> None:
    # The control-spec allows for them.
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 BW 5 6 DIRREQ=1 CIRC=4\r\n")
        sample = ear.wait_for(Sample)
    assert (sample.read, sample.written) == (5, 6)


@pytest.mark.parametrize(
    "malformed",
    [
        b"650 BW\r\n",
        b"650 BW 5\r\n",
        b"650 BW -5 6\r\n",
        b"650 BW 5 6.0\r\n",
        b"650 BW 0x5 6\r\n",
        b"650 BW \x1b[2J \xff\r\n",
        b"650 \r\n",
    ],
)
def test_a_malformed_event_is_trouble_and_the_next_one_a_sample(malformed: bytes) -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(malformed)
        assert "malformed event" in ear.wait_for(Problem).text
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert len(ear.samples) == 1


@pytest.mark.parametrize("garbage", [b"garbage\r\n", b"\r\n", b"650\r\n", b"250 OK\n", b"\xff\r\n"])
def test_garbage_between_events_costs_none_of_them(garbage: bytes) -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(garbage)
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5


def test_other_events_are_not_samples() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 STREAM_BW 1 2 3\r\n650 SIGNAL RELOAD\r\n650 UNHEARD_OF 1 2\r\n")
        server.emit(5, 6)
        ear.wait_for(Sample)
    assert len(ear.samples) == 1


@pytest.mark.parametrize(
    "number", [b"9" * 4301, "²".encode()], ids=["too many digits", "a superscript"]
)
def test_a_number_that_stems_parser_raises_at_is_trouble_and_the_next_event_a_sample(
    number: bytes,
) -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear):
        server.send(b"650 BW 1 %s\r\n" % number)
        assert "an event was lost: ValueError: " in ear.wait_for(Problem).text
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert len(ear.samples) == 1


# Losing it


def test_the_end_is_told_once_and_why() -> None:
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, Ear(), lost.append)
        connection.open(Credentials())
        server.hang_up()
        eventually(lambda: lost, "the loss is told")
        assert connection.loss_reason() == "it closed the connection"
        connection.close()
    assert lost == [connection]


def test_a_connection_gone_silent_is_lost() -> None:
    timing = Timing(silence_s=0.6, give_up_after_s=0.7)
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(
            server.endpoint, transport.connect, Ear(), lost.append, timing=timing
        )
        connection.open(Credentials())
        eventually(lambda: lost, "the loss is told")
        assert "silent for 1 s" in connection.loss_reason()
        connection.close()


def test_a_connection_that_floods_is_lost() -> None:
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, Ear(), lost.append)
        connection.open(Credentials())
        server.send(b"x" * (DEFAULT_TIMING.max_line_bytes + 100_000))
        eventually(lambda: lost, "the loss is told")
        assert connection.loss_reason() == "it sent a line without an end"
        connection.close()


# Holding samples back


def test_no_sample_comes_before_the_connection_is_told() -> None:
    ear = Ear()
    with FakeTor() as server, connecting(server.endpoint, ear) as connection:
        connection.open(Credentials())
        for number in (1, 2, 3):
            server.emit(number, 0)
        eventually(lambda: connection._counter_check.sample_bytes == (6, 0), "all three have come")
        assert ear.heard == []
        connection.release_samples()
        server.emit(4, 0)
        eventually(lambda: len(ear.samples) == 4, "they are told with the next")
    assert [sample.read for sample in ear.samples] == [1, 2, 3, 4]


def test_samples_that_come_together_with_the_release_are_told_once() -> None:
    ear = Ear()
    with FakeTor() as server, connecting(server.endpoint, ear) as connection:
        connection.open(Credentials())
        server.send(b"".join(b"650 BW %d 0\r\n" % n for n in range(2000)))
        eventually(lambda: connection._counter_check.sample_bytes[0] > 100, "they are coming")
        connection.release_samples()
        server.send(b"650 BW 2000 0\r\n")
        eventually(lambda: len(ear.samples) > 2000, "all events are samples")
    assert [sample.read for sample in ear.samples] == list(range(2001))


def test_what_came_before_the_end_is_told_when_it_is_released_after_it() -> None:
    ear, lost = Ear(), threading.Event()
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, ear, lambda _: lost.set())
        connection.open(Credentials())
        for number in (1, 2, 3):
            server.emit(number, 0)
        server.hang_up()
        assert lost.wait(10)
        eventually(
            lambda: connection._counter_check.sample_bytes == (6, 0), "what was sent has been read"
        )
        assert ear.heard == []
        connection.release_samples()
        connection.close()
    assert [sample.read for sample in ear.samples] == [1, 2, 3]
