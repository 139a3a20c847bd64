"""One connection over a real socket: opening it, its samples, and its end."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from connections import ALL_COMMANDS, SECRET, ManualClock, connected, connecting
from event_recorder import EventRecorder, wait_until
from fake_tor import (
    COOKIE,
    FILTER,
    FakeTor,
    TorBehavior,
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

# Opening


def test_open_returns_what_it_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "now", ManualClock())
    with FakeTor() as server, connecting(server.endpoint, EventRecorder()) as connection:
        connected_event = connection.open(Credentials())
        assert connected_event == Connected(
            1000.0,
            str(server.endpoint),
            "0.4.9.11",
            "fake",
            CounterBase(424_182, 13),
            3600.0,
            "4711",
        )


def test_open_sends_only_the_needed_commands() -> None:
    with FakeTor() as server, connected(server, EventRecorder()):
        assert server.commands == ALL_COMMANDS


def test_open_sends_the_same_commands_over_a_unix_socket(tmp_path: Path) -> None:
    with FakeTor(path=tmp_path / "control") as server, connected(server, EventRecorder()):
        assert server.commands == ALL_COMMANDS


@pytest.mark.parametrize("unix", [False, True])
def test_open_does_not_take_ownership_of_a_tor_that_names_us_its_owner(
    tmp_path: Path, *, unix: bool
) -> None:
    # A real tor answers like this if it was started with a process id as its owner that is ours
    # now. After TAKEOWNERSHIP it would end together with bwgraph.
    manners = TorBehavior(conf={"__owningcontrollerprocess": str(os.getpid())})
    path = tmp_path / "control" if unix else None
    with FakeTor(manners, path) as server, connected(server, EventRecorder()):
        assert server.commands == ALL_COMMANDS


def test_open_succeeds_behind_a_filter_that_allows_only_bw() -> None:
    recorder = EventRecorder()
    with FakeTor(FILTER) as server, connecting(server.endpoint, recorder) as connection:
        connected_event = connection.open(Credentials())
        assert (connected_event.nickname, connected_event.counters, connected_event.uptime) == (
            "",
            None,
            None,
        )
        assert (connected_event.process, connected_event.recent) == ("", ())
        assert connection.check_counters() is None
        connection.release_samples()
        server.emit(1, 2)
        assert recorder.wait_for(Sample).written == 2
        assert server.commands[: len(ALL_COMMANDS)] == ALL_COMMANDS


def test_nickname_is_empty_if_tor_has_none() -> None:
    with (
        FakeTor(TorBehavior(conf={})) as server,
        connecting(server.endpoint, EventRecorder()) as connection,
    ):
        assert connection.open(Credentials()).nickname == ""


@pytest.mark.parametrize("methods", ["COOKIE", "SAFECOOKIE", "COOKIE,SAFECOOKIE"])
def test_open_authenticates_with_a_cookie(tmp_path: Path, methods: str) -> None:
    cookie = tmp_path / 'a\\b "cookie" \u00e9'
    cookie.write_bytes(COOKIE)
    manners = TorBehavior(methods=methods, cookie_path=os.fsencode(cookie))
    with FakeTor(manners) as server, connected(server, EventRecorder()):
        # SAFECOOKIE never sends the cookie itself.
        assert (server.received_secrets == [COOKIE]) == (methods == "COOKIE")
        assert "TAKEOWNERSHIP" not in server.commands


def test_cookie_path_of_the_user_replaces_that_of_tor(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(COOKIE)
    manners = TorBehavior(methods="COOKIE", cookie_path=b"/nowhere/at/all")
    with (
        FakeTor(manners) as server,
        connected(server, EventRecorder(), Credentials(cookie=str(cookie))),
    ):
        assert server.received_secrets == [COOKIE]


def test_cookie_is_read_for_each_connection(tmp_path: Path) -> None:
    # Each start of tor writes a new one.
    cookie = tmp_path / "cookie"
    for content in (COOKIE, COOKIE[::-1]):
        cookie.write_bytes(content)
        manners = TorBehavior(methods="COOKIE", cookie=content, cookie_path=os.fsencode(cookie))
        with FakeTor(manners) as server, connected(server, EventRecorder()):
            assert server.received_secrets == [content]


def test_password_is_used_before_the_cookie() -> None:
    manners = TorBehavior(
        methods="COOKIE,SAFECOOKIE,HASHEDPASSWORD", password=SECRET, cookie_path=b"/nowhere"
    )
    with FakeTor(manners) as server, connected(server, EventRecorder(), Credentials(SECRET)):
        assert server.received_secrets == [SECRET]


def test_password_is_not_sent_if_tor_does_not_ask_for_one() -> None:
    with FakeTor() as server, connected(server, EventRecorder(), Credentials(SECRET)):
        assert server.received_secrets == [b""]


@pytest.fixture(scope="module")
def locked() -> Iterator[FakeTor]:
    with FakeTor(TorBehavior(methods="HASHEDPASSWORD", password=SECRET)) as server:
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
    locked.behaviour = TorBehavior(methods="HASHEDPASSWORD", password=password)
    with connected(locked, EventRecorder(), Credentials(password)):
        assert locked.received_secrets[-1] == password


# Samples


def test_first_event_of_a_subscription_is_not_a_sample() -> None:
    recorder = EventRecorder()
    with FakeTor(TorBehavior(spike=(4_000_000_000, 1))) as server, connected(server, recorder):
        server.emit(100, 200)
        recorder.wait_for(Sample)
        assert [(sample.read, sample.written) for sample in recorder.samples] == [(100, 200)]


def test_sample_covers_the_time_since_the_previous_event(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, recorder = ManualClock(), EventRecorder()
    monkeypatch.setattr(connection_module, "now", clock)
    monkeypatch.setattr(connection_module, "awake_seconds", clock)
    with FakeTor() as server, connected(server, recorder) as connection:
        for when in (1001.0, 1006.25):
            clock.time = when
            server.emit(7, 8)
            recorder.wait_for(Sample)
            assert connection.last_heard == when
    assert recorder.samples == [Sample(1001.0, 7, 8, 1.0), Sample(1006.25, 7, 8, 5.25)]


def test_sample_does_not_cover_the_time_of_a_machine_asleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, awake_clock, recorder = ManualClock(), ManualClock(), EventRecorder()
    monkeypatch.setattr(connection_module, "now", clock)
    monkeypatch.setattr(connection_module, "awake_seconds", awake_clock)
    with FakeTor() as server, connected(server, recorder):
        clock.time += 3600.0
        awake_clock.time += 1.5
        server.emit(7, 8)
        assert recorder.wait_for(Sample) == Sample(4600.0, 7, 8, 1.5)


def test_events_in_one_clock_tick_have_a_shortest_span(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = EventRecorder()
    monkeypatch.setattr(connection_module, "awake_seconds", ManualClock())
    with FakeTor() as server, connected(server, recorder):
        server.emit(7, 8)
        assert recorder.wait_for(Sample).seconds == connection_module.MIN_SPAN_S


def test_each_subscription_has_its_own_first_event() -> None:
    recorder = EventRecorder()
    with FakeTor() as server:
        for number in (1, 2):
            with connected(server, recorder):
                server.emit(number, 0)
                recorder.wait_for(Sample)
    assert [sample.read for sample in recorder.samples] == [1, 2]


def test_burst_of_events_is_complete() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"".join(b"650 BW %d 0\r\n" % n for n in range(2000)))
        wait_until(lambda: len(recorder.samples) == 2000, "all events are samples")
    assert [sample.read for sample in recorder.samples] == list(range(2000))


def test_huge_number_is_limited() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.emit(10**4000, (1 << 32) - 1)
        sample = recorder.wait_for(Sample)
    assert (sample.read, sample.written) == (MAX_SAMPLE_BYTES, (1 << 32) - 1)


def test_additional_fields_of_an_event_are_ignored() -> None:
    # The control-spec allows them.
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"650 BW 5 6 DIRREQ=1 CIRC=4\r\n")
        sample = recorder.wait_for(Sample)
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
def test_malformed_event_is_reported_and_the_next_is_a_sample(malformed: bytes) -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(malformed)
        assert "malformed event" in recorder.wait_for(Problem).text
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
        assert len(recorder.samples) == 1


@pytest.mark.parametrize("garbage", [b"garbage\r\n", b"\r\n", b"650\r\n", b"250 OK\n", b"\xff\r\n"])
def test_garbage_between_events_loses_no_event(garbage: bytes) -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(garbage)
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5


def test_other_events_are_not_samples() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"650 STREAM_BW 1 2 3\r\n650 SIGNAL RELOAD\r\n650 UNHEARD_OF 1 2\r\n")
        server.emit(5, 6)
        recorder.wait_for(Sample)
    assert len(recorder.samples) == 1


@pytest.mark.parametrize(
    "number", [b"9" * 4301, "²".encode()], ids=["too many digits", "a superscript"]
)
def test_exception_in_stems_parser_is_reported_and_the_next_event_is_a_sample(
    number: bytes,
) -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder):
        server.send(b"650 BW 1 %s\r\n" % number)
        assert "an event was lost: ValueError: " in recorder.wait_for(Problem).text
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
        assert len(recorder.samples) == 1


# The end


def test_end_is_reported_once_with_its_reason() -> None:
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, EventRecorder(), lost.append)
        connection.open(Credentials())
        server.hang_up()
        wait_until(lambda: lost, "the loss is reported")
        assert connection.loss_reason() == "it closed the connection"
        connection.close()
    assert lost == [connection]


def test_silent_connection_is_lost() -> None:
    timing = Timing(silence_s=0.6, give_up_after_s=0.7)
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(
            server.endpoint, transport.connect, EventRecorder(), lost.append, timing=timing
        )
        connection.open(Credentials())
        wait_until(lambda: lost, "the loss is reported")
        assert "silent for 1 s" in connection.loss_reason()
        connection.close()


def test_connection_with_an_endless_line_is_lost() -> None:
    lost: list[Connection] = []
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, EventRecorder(), lost.append)
        connection.open(Credentials())
        server.send(b"x" * (DEFAULT_TIMING.max_line_bytes + 100_000))
        wait_until(lambda: lost, "the loss is reported")
        assert connection.loss_reason() == "it sent a line without an end"
        connection.close()


# Holding samples


def test_samples_are_held_until_they_are_released() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connecting(server.endpoint, recorder) as connection:
        connection.open(Credentials())
        for number in (1, 2, 3):
            server.emit(number, 0)
        wait_until(
            lambda: connection._counter_check.sample_bytes == (6, 0), "all three have arrived"
        )
        assert recorder.events == []
        connection.release_samples()
        server.emit(4, 0)
        wait_until(lambda: len(recorder.samples) == 4, "they are reported with the next")
    assert [sample.read for sample in recorder.samples] == [1, 2, 3, 4]


def test_samples_during_the_release_are_reported_once() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connecting(server.endpoint, recorder) as connection:
        connection.open(Credentials())
        server.send(b"".join(b"650 BW %d 0\r\n" % n for n in range(2000)))
        wait_until(lambda: connection._counter_check.sample_bytes[0] > 100, "some have arrived")
        connection.release_samples()
        server.send(b"650 BW 2000 0\r\n")
        wait_until(lambda: len(recorder.samples) > 2000, "all events are samples")
    assert [sample.read for sample in recorder.samples] == list(range(2001))


def test_samples_before_the_end_are_reported_if_released_after_it() -> None:
    recorder, lost = EventRecorder(), threading.Event()
    with FakeTor() as server:
        connection = Connection(server.endpoint, transport.connect, recorder, lambda _: lost.set())
        connection.open(Credentials())
        for number in (1, 2, 3):
            server.emit(number, 0)
        server.hang_up()
        assert lost.wait(10)
        wait_until(
            lambda: connection._counter_check.sample_bytes == (6, 0), "all events have been read"
        )
        assert recorder.events == []
        connection.release_samples()
        connection.close()
    assert [sample.read for sample in recorder.samples] == [1, 2, 3]
