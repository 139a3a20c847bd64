"""What a connection asks tor: its counters, its description, its event cache."""

import threading

import pytest
from connections import ALL_COMMANDS, ManualClock, connected, connecting
from ear import Ear, eventually
from fake_tor import (
    FILTER,
    HANG_UP,
    FakeTor,
    Manners,
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

# What tor's own counters say


def test_what_is_counted_is_what_tor_moved_before_the_first_sample() -> None:
    ear = Ear()
    with FakeTor() as server, connecting(server.endpoint, ear) as connection:
        server.count(1_000_000, 1000)  # in its life
        news = connection.open(Credentials())
        assert news.counters == CounterBase(1_424_182, 1013)
        connection.release_samples()
        server.emit(70, 7)
        ear.wait_for(Sample)
        assert connection.check_counters() == CounterBase(1_424_182, 1013)
        server.count(5, 6)  # since the event, and in the next
        assert connection.check_counters() == CounterBase(1_424_187, 1019)
        server.moved = (server.moved[0] - 5, server.moved[1] - 6)
        server.emit(5, 6)
        ear.wait_for(Sample)
        assert connection.check_counters() == CounterBase(1_424_182, 1013)


def test_samples_that_are_held_back_are_not_counted_as_before_them() -> None:
    with FakeTor() as server, connecting(server.endpoint, Ear()) as connection:
        connection.open(Credentials())
        server.emit(70, 7)
        eventually(lambda: connection._counter_check.sample_bytes == (70, 7), "it has come")
        assert connection.check_counters() == CounterBase(424_182, 13)


def test_an_event_that_wrapped_is_found_out() -> None:
    ear = Ear()
    with FakeTor() as server, connected(server, ear) as connection:
        server.emit(1, 1)
        ear.wait_for(Sample)
        eventually(lambda: connection.check_counters() == CounterBase(424_182, 13), "all is well")
        server.count(1 << 32, 0)
        server.emit(5, 6)
        sample = ear.wait_for(Sample)
        assert connection.check_counters() == Wrapped(
            Sample(sample.ends_at, 1 << 32, 0, sample.seconds)
        )
        assert connection.check_counters() == CounterBase(424_182, 13), "it is found out once"


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
def test_nonsense_is_as_good_as_no_answer(key: str, answer: bytes) -> None:
    ear = Ear()
    with (
        FakeTor(Manners(info={key: answer})) as server,
        connecting(server.endpoint, ear) as connection,
    ):
        news = connection.open(Credentials())
        connection.release_samples()
        if key.startswith("traffic"):
            assert news.counters is None
            assert connection.check_counters() is None
        if key == "uptime":
            assert news.uptime is None
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
    assert len(repr(news)) < 6000


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
def test_no_answer_is_not_the_end(reply: bytes) -> None:
    ear = Ear()
    with (
        FakeTor(Manners(replies={"GETINFO": reply})) as server,
        connecting(server.endpoint, ear) as connection,
    ):
        news = connection.open(Credentials())
        assert (news.counters, news.uptime, news.process, news.recent) == (None, None, "", ())
        connection.release_samples()
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert connection.check_counters() is None


# What it tells of itself


def told(connection: Connection) -> dict[str, str]:
    """Its answers of one round."""
    return connection._questions.ask_all(connection._ask)


def test_a_client_without_accounting_tells_of_its_rates() -> None:
    with FakeTor() as server, connected(server, Ear()) as connection:
        assert told(connection) == {
            "BandwidthRate": "1073741824",
            "RelayBandwidthRate": "0",
            "accounting/enabled": "0",
        }
        assert server.commands == [*ALL_COMMANDS, FINGERPRINT_COMMAND, *LIMIT_COMMANDS]


def test_what_has_changed_is_told_anew_and_not_from_stems_cache() -> None:
    info = {"fingerprint": b"A" * 40, "accounting/enabled": b"1", "accounting/bytes": b"1 2"}
    conf = {"bandwidthrate": "1000"}
    with (
        FakeTor(Manners(info=info, conf=conf)) as server,
        connected(server, Ear()) as connection,
    ):
        assert told(connection) == {
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
        assert told(connection) == {
            "fingerprint": "A" * 40,
            "BandwidthRate": "2000",
            "RelayBandwidthRate": "0",
            "accounting/enabled": "0",
        }


def test_a_filter_that_refuses_all_of_it_does_no_harm_and_is_asked_rarely() -> None:
    ear = Ear()
    with FakeTor(FILTER) as server, connected(server, ear) as connection:
        for _ in range(2 * ROUNDS_AFTER_REFUSAL):
            assert told(connection) == {}
        assert {
            server.commands.count(command) for command in (FINGERPRINT_COMMAND, *LIMIT_COMMANDS)
        } == {2}
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        assert ear.troubles == []


@pytest.mark.parametrize(
    "reply",
    [b"250 OK\r\n", b"250-x=5\r\n250 OK\r\n", b"garbage\r\n", b"251 =\r\n", b"250 \xff\r\n"],
)
def test_an_answer_that_is_none_is_left_out(reply: bytes) -> None:
    ear = Ear()
    manners = Manners(replies={"GETINFO": reply, "GETCONF": reply})
    with FakeTor(manners) as server, connected(server, ear) as connection:
        assert told(connection) == {}
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5


def test_a_connection_that_ends_meanwhile_tells_nothing() -> None:
    # An answer without anything in it would say that tor has no limits any more.
    with (
        FakeTor(Manners(replies={"GETCONF": HANG_UP})) as server,
        connecting(server.endpoint, Ear()) as connection,
    ):
        assert connection.describe() is None  # nor does one that is not open
        with pytest.raises(ExplainedError):
            connection.open(Credentials())
        assert connection.describe() is None


@pytest.mark.parametrize("refused", [line for line in ALL_COMMANDS if line.startswith("GETINFO")])
def test_a_key_that_is_refused_costs_no_other(refused: str) -> None:
    manners = Manners(allowed=frozenset({*ALL_COMMANDS} - {refused}))
    with FakeTor(manners) as server, connecting(server.endpoint, Ear()) as connection:
        news = connection.open(Credentials())
        assert (news.counters is None) == ("traffic" in refused)
        assert (news.uptime is None) == ("uptime" in refused)
        assert (news.process == "") == ("pid" in refused)
        assert server.commands == ALL_COMMANDS


def test_a_connection_that_dies_of_the_questions_is_lost() -> None:
    lost = threading.Event()
    with FakeTor(Manners(replies={"GETINFO": HANG_UP})) as server:
        connection = Connection(server.endpoint, transport.connect, Ear(), lambda _: lost.set())
        assert connection.open(Credentials()).counters is None
        assert lost.wait(10)
        assert connection.check_counters() is None
        connection.close()


# What tor remembers

SEVEN = [(900, 9), (100, 10), (101, 11), (102, 12), (103, 13), (104, 14), (105, 15)]
"Entries of a tor's cache; the first of fewer than 300 is somebody's first event."


def opened_late(server: FakeTor, late: float, monkeypatch: pytest.MonkeyPatch) -> Connected:
    """What is told when the first event comes so many seconds after the answers."""
    clock = ManualClock()
    monkeypatch.setattr(connection_module, "now", clock)

    class Overdue(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            # The link waits for the first event: all that was asked has been answered.
            clock.time += late
            server.emit(*SEVEN[-1])
            return super().wait(timeout)

    with connecting(server.endpoint, Ear()) as connection:
        connection._first_event = Overdue()
        return connection.open(Credentials())


def test_the_cache_is_taken_when_somebody_else_keeps_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeTor(Manners(spike=None)) as server:
        server.cache.extend(SEVEN[:-1])
        news = opened_late(server, 0.4, monkeypatch)
        assert server.commands == [*ALL_COMMANDS, "GETINFO bw-event-cache"]
    assert [(sample.read, sample.written) for sample in news.recent] == SEVEN[1:]
    assert news.recent[-1].ends_at == 1000.4


def test_the_cache_is_not_asked_for_when_the_first_event_comes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It may be days old: tor only writes it while somebody is subscribed.
    with FakeTor(Manners(spike=None)) as server:
        server.cache.extend(SEVEN[:-1])
        news = opened_late(server, DEFAULT_TIMING.prompt_event_s / 2, monkeypatch)
        assert server.commands == ALL_COMMANDS
    assert news.recent == ()


def test_nor_when_it_comes_with_the_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "now", ManualClock())
    with FakeTor() as server, connecting(server.endpoint, Ear()) as connection:
        server.cache.extend(SEVEN)
        assert connection.open(Credentials()).recent == ()
        assert server.commands == ALL_COMMANDS


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", b"1,2,3 , 4 5,x \xff", b"9" * 30 + b",1 1,1", b"\x1b[2J"]
)
def test_nonsense_in_the_cache_is_nothing(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTor(Manners(spike=None, info={"bw-event-cache": answer})) as server:
        assert opened_late(server, 0.4, monkeypatch).recent == ()


def test_a_cache_that_is_refused_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeTor(Manners(spike=None, allowed=frozenset(ALL_COMMANDS))) as server:
        news = opened_late(server, 0.4, monkeypatch)
    assert news.recent == ()
    assert news.uptime == 3600
