"""What a connection asks tor: its counters, its description, its event cache."""

import threading

import pytest
from connections import ALL_COMMANDS, ManualClock, connected, connecting
from event_recorder import EventRecorder, wait_until
from fake_tor import (
    FILTER,
    HANG_UP,
    FakeTor,
    TorBehavior,
)

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    Connected,
    CounterBase,
    Sample,
    Wrapped,
)
from bwgraph.tor import connection as connection_module
from bwgraph.tor import transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.description import (
    ACCOUNTING_COMMANDS,
    FINGERPRINT_COMMAND,
    LIMIT_COMMANDS,
    ROUNDS_AFTER_REFUSAL,
)
from bwgraph.tor.timing import DEFAULT_TIMING

# Tor's counters


def test_counter_base_is_what_tor_moved_before_the_first_sample() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connecting(server.endpoint, recorder) as connection:
        server.add_traffic(1_000_000, 1000)  # since tor's start
        connected_event = connection.open(Credentials())
        assert connected_event.counters == CounterBase(1_424_182, 1013)
        connection.release_samples()
        server.emit(70, 7)
        recorder.wait_for(Sample)
        assert connection.check_counters() == CounterBase(1_424_182, 1013)
        server.add_traffic(5, 6)  # since the last event, so they are in the next
        assert connection.check_counters() == CounterBase(1_424_187, 1019)
        server.counters = (server.counters[0] - 5, server.counters[1] - 6)
        server.emit(5, 6)
        recorder.wait_for(Sample)
        assert connection.check_counters() == CounterBase(1_424_182, 1013)


def test_held_samples_are_not_part_of_the_counter_base() -> None:
    with FakeTor() as server, connecting(server.endpoint, EventRecorder()) as connection:
        connection.open(Credentials())
        server.emit(70, 7)
        wait_until(lambda: connection._counter_check.sample_bytes == (70, 7), "it has arrived")
        assert connection.check_counters() == CounterBase(424_182, 13)


def test_wrapped_event_is_found_once() -> None:
    recorder = EventRecorder()
    with FakeTor() as server, connected(server, recorder) as connection:
        server.emit(1, 1)
        recorder.wait_for(Sample)
        wait_until(
            lambda: connection.check_counters() == CounterBase(424_182, 13), "the counters agree"
        )
        server.add_traffic(1 << 32, 0)
        server.emit(5, 6)
        sample = recorder.wait_for(Sample)
        assert connection.check_counters() == Wrapped(
            Sample(sample.ends_at, 1 << 32, 0, sample.seconds)
        )
        assert connection.check_counters() == CounterBase(424_182, 13), "it is reported once"


@pytest.mark.parametrize("key", ["traffic/read", "traffic/written", "uptime", "process/pid"])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        b"-5",
        b"1e3",
        b"0x10",
        b"9" * 30,
        b"9" * 5000,
        "²".encode(),
        b"\xff\xfe",
        b"\x1b[2J",
        b"5 6",
        b" 5",
    ],
)
def test_invalid_value_counts_as_no_answer(key: str, answer: bytes) -> None:
    recorder = EventRecorder()
    with (
        FakeTor(TorBehavior(info={key: answer})) as server,
        connecting(server.endpoint, recorder) as connection,
    ):
        connected_event = connection.open(Credentials())
        connection.release_samples()
        if key.startswith("traffic"):
            assert connected_event.counters is None
            assert connection.check_counters() is None
        if key == "uptime":
            assert connected_event.uptime is None
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
    assert len(repr(connected_event)) < 6000


@pytest.mark.parametrize(
    "reply",
    [
        b"510 Command filtered\r\n",
        b'552 Unrecognized key "x"\r\n',
        b"250 OK\r\n",
        b"250-other=5\r\n250 OK\r\n",
        b"250+traffic/read=\r\n5\r\n.\r\n250 OK\r\n",
        b"garbage\r\n",
    ],
)
def test_refused_or_missing_answer_does_not_end_the_connection(reply: bytes) -> None:
    recorder = EventRecorder()
    with (
        FakeTor(TorBehavior(replies={"GETINFO": reply})) as server,
        connecting(server.endpoint, recorder) as connection,
    ):
        connected_event = connection.open(Credentials())
        assert (
            connected_event.counters,
            connected_event.uptime,
            connected_event.process,
            connected_event.recent,
        ) == (None, None, "", ())
        connection.release_samples()
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
        assert connection.check_counters() is None


# Tor's description


def ask_all(connection: Connection) -> dict[str, str]:
    """Return the answers of one round."""
    return connection._questions.ask_all(connection._ask)


def test_client_without_accounting_answers_its_rates() -> None:
    with FakeTor() as server, connected(server, EventRecorder()) as connection:
        assert ask_all(connection) == {
            "BandwidthRate": "1073741824",
            "RelayBandwidthRate": "0",
            "accounting/enabled": "0",
        }
        assert server.commands == [*ALL_COMMANDS, FINGERPRINT_COMMAND, *LIMIT_COMMANDS]


def test_changed_values_are_not_hidden_by_stems_cache() -> None:
    info = {"fingerprint": b"A" * 40, "accounting/enabled": b"1", "accounting/bytes": b"1 2"}
    conf = {"bandwidthrate": "1000"}
    with (
        FakeTor(TorBehavior(info=info, conf=conf)) as server,
        connected(server, EventRecorder()) as connection,
    ):
        assert ask_all(connection) == {
            "fingerprint": "A" * 40,
            "BandwidthRate": "1000",
            "RelayBandwidthRate": "0",
            "AccountingRule": "max",
            "accounting/enabled": "1",
            "accounting/bytes": "1 2",
        }
        assert server.commands[len(ALL_COMMANDS) :] == [
            FINGERPRINT_COMMAND,
            *LIMIT_COMMANDS,
            *ACCOUNTING_COMMANDS,
        ]
        info.update({"accounting/enabled": b"0"})
        conf["bandwidthrate"] = "2000"
        assert ask_all(connection) == {
            "fingerprint": "A" * 40,
            "BandwidthRate": "2000",
            "RelayBandwidthRate": "0",
            "accounting/enabled": "0",
        }


def test_refused_questions_are_asked_rarely() -> None:
    recorder = EventRecorder()
    with FakeTor(FILTER) as server, connected(server, recorder) as connection:
        for _ in range(2 * ROUNDS_AFTER_REFUSAL):
            assert ask_all(connection) == {}
        assert {
            server.commands.count(command) for command in (FINGERPRINT_COMMAND, *LIMIT_COMMANDS)
        } == {2}
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
        assert recorder.problem_texts == []


@pytest.mark.parametrize(
    "reply",
    [b"250 OK\r\n", b"250-x=5\r\n250 OK\r\n", b"garbage\r\n", b"251 =\r\n", b"250 \xff\r\n"],
)
def test_invalid_answer_is_left_out(reply: bytes) -> None:
    recorder = EventRecorder()
    manners = TorBehavior(replies={"GETINFO": reply, "GETCONF": reply})
    with FakeTor(manners) as server, connected(server, recorder) as connection:
        assert ask_all(connection) == {}
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5


def test_connection_that_is_not_open_has_no_description() -> None:
    # An empty description would mean that tor has no limits any more.
    with (
        FakeTor(TorBehavior(replies={"GETCONF": HANG_UP})) as server,
        connecting(server.endpoint, EventRecorder()) as connection,
    ):
        assert connection.describe() is None  # not open yet
        with pytest.raises(ExplainedError):
            connection.open(Credentials())
        assert connection.describe() is None


@pytest.mark.parametrize("refused", [line for line in ALL_COMMANDS if line.startswith("GETINFO")])
def test_refused_key_affects_no_other(refused: str) -> None:
    manners = TorBehavior(allowed=frozenset({*ALL_COMMANDS} - {refused}))
    with FakeTor(manners) as server, connecting(server.endpoint, EventRecorder()) as connection:
        connected_event = connection.open(Credentials())
        assert (connected_event.counters is None) == ("traffic" in refused)
        assert (connected_event.uptime is None) == ("uptime" in refused)
        assert (connected_event.process == "") == ("pid" in refused)
        assert server.commands == ALL_COMMANDS


def test_connection_that_ends_during_a_question_is_lost() -> None:
    lost = threading.Event()
    with FakeTor(TorBehavior(replies={"GETINFO": HANG_UP})) as server:
        connection = Connection(
            server.endpoint, transport.connect, EventRecorder(), lambda _: lost.set()
        )
        assert connection.open(Credentials()).counters is None
        assert lost.wait(10)
        assert connection.check_counters() is None
        connection.close()


# Tor's event cache

CACHE = [(900, 9), (100, 10), (101, 11), (102, 12), (103, 13), (104, 14), (105, 15)]
"Entries of an event cache. The first of fewer than 300 is a first event."


def open_with_late_event(
    server: FakeTor, delay: float, monkeypatch: pytest.MonkeyPatch
) -> Connected:
    """Open a connection whose first event arrives this many seconds after the answers."""
    clock = ManualClock()
    monkeypatch.setattr(connection_module, "now", clock)

    class LateEvent(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            # The connection waits for the first event, so all questions have been answered.
            clock.time += delay
            server.emit(*CACHE[-1])
            return super().wait(timeout)

    with connecting(server.endpoint, EventRecorder()) as connection:
        connection._first_event = LateEvent()
        return connection.open(Credentials())


def test_cache_is_used_if_another_controller_is_subscribed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeTor(TorBehavior(spike=None)) as server:
        server.cache.extend(CACHE[:-1])
        connected_event = open_with_late_event(server, 0.4, monkeypatch)
        assert server.commands == [*ALL_COMMANDS, "GETINFO bw-event-cache"]
    assert [(sample.read, sample.written) for sample in connected_event.recent] == CACHE[1:]
    assert connected_event.recent[-1].ends_at == 1000.4


def test_cache_is_not_used_if_the_first_event_is_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It may be days old: tor updates it only while a controller is subscribed.
    with FakeTor(TorBehavior(spike=None)) as server:
        server.cache.extend(CACHE[:-1])
        connected_event = open_with_late_event(
            server, DEFAULT_TIMING.prompt_event_s / 2, monkeypatch
        )
        assert server.commands == ALL_COMMANDS
    assert connected_event.recent == ()


def test_cache_is_not_used_if_the_first_event_arrives_with_the_subscription(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "now", ManualClock())
    with FakeTor() as server, connecting(server.endpoint, EventRecorder()) as connection:
        server.cache.extend(CACHE)
        assert connection.open(Credentials()).recent == ()
        assert server.commands == ALL_COMMANDS


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", b"1,2,3 , 4 5,x \xff", b"9" * 30 + b",1 1,1", b"\x1b[2J"]
)
def test_invalid_cache_has_no_samples(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTor(TorBehavior(spike=None, info={"bw-event-cache": answer})) as server:
        assert open_with_late_event(server, 0.4, monkeypatch).recent == ()


def test_refused_cache_has_no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTor(TorBehavior(spike=None, allowed=frozenset(ALL_COMMANDS))) as server:
        connected_event = open_with_late_event(server, 0.4, monkeypatch)
    assert connected_event.recent == ()
    assert connected_event.uptime == 3600
