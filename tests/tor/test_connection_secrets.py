"""The password of a connection is in no text and no log."""

import logging
import traceback
from collections.abc import Iterator

import pytest
from connections import SECRET, connected, open_error
from event_recorder import EventRecorder
from fake_tor import (
    HANG_UP,
    FakeTor,
    TorBehavior,
)

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    Problem,
)
from bwgraph.tor import transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.timing import Timing


class AllRecords(logging.Handler):
    """Stores every record of every level."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def all_records() -> Iterator[AllRecords]:
    """Log everything that other code in this process could log."""
    handler = AllRecords()
    loggers = [logging.getLogger(), logging.getLogger("stem")]
    level = loggers[0].level
    loggers[0].setLevel(logging.NOTSET)
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
    loggers[0].setLevel(level)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes and contexts, including suppressed ones."""
    yield error
    for previous in (error.__cause__, error.__context__):
        if previous is not None:
            yield from chain(previous)


ECHO = b'515 Authentication failed: no such thing as AUTHENTICATE "%s"\r\n' % SECRET


@pytest.mark.parametrize(
    "manners",
    [
        TorBehavior(methods="HASHEDPASSWORD", password=b"another"),
        TorBehavior(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": ECHO}),
        TorBehavior(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": b"551 Internal error\r\n"}),
        TorBehavior(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": b"what?\r\n"}),
        TorBehavior(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": HANG_UP}),
    ],
    ids=["refused", "echoed", "other error", "garbage", "hung up"],
)
def test_password_is_in_no_text_after_a_failure(
    manners: TorBehavior, all_records: AllRecords
) -> None:
    with FakeTor(manners) as server:
        credentials = Credentials(SECRET)
        failure = open_error(server.endpoint, credentials)
        # It was sent, so it could be in a text.
        assert SECRET.replace(b"\\", b"\\\\").replace(b'"', b'\\"') in server.lines[1]
    texts = [repr(credentials), failure.cause, failure.remedy, failure.needs_password_at]
    texts += [f"{error} {error!r}" for error in chain(failure) if isinstance(error, ExplainedError)]
    texts += traceback.format_exception(failure)
    texts += [record.getMessage() for record in all_records.records]
    assert not [text for text in texts if "s3cret" in text]


def test_password_is_in_no_text_after_success(all_records: AllRecords) -> None:
    recorder = EventRecorder()
    manners = TorBehavior(methods="HASHEDPASSWORD", password=SECRET)
    with FakeTor(manners) as server, connected(server, recorder, Credentials(SECRET)) as connection:
        texts = [
            repr(connection),
            *map(repr, vars(connection).values()),
            *map(repr, recorder.events),
        ]
        server.send(b"650 BW nonsense 1\r\n")
        recorder.wait_for(Problem)
    texts += [record.getMessage() for record in all_records.records]
    assert all_records.records, "the warning was logged where it could be seen"
    assert not [text for text in texts if "s3cret" in text]


def test_stem_logs_only_warnings_and_only_to_us(all_records: AllRecords) -> None:
    with FakeTor() as server, connected(server, EventRecorder()):
        logger = logging.getLogger("stem")
        assert not logger.propagate
        logger.info("below")
        logger.warning("a warning")
        # Once: from the handler of stem's own logger, not from the one of the root logger.
        assert [record.getMessage() for record in all_records.records] == ["a warning"]


def test_log_handler_is_removed_on_close() -> None:
    before = list(logging.getLogger("stem").handlers)
    with FakeTor() as server, connected(server, EventRecorder()):
        assert len(logging.getLogger("stem").handlers) == len(before) + 1
    assert logging.getLogger("stem").handlers == before


def test_log_handler_is_not_added_if_the_attempt_was_abandoned() -> None:
    # Such as when the look-up of a host name takes longer than an attempt may.
    before = list(logging.getLogger("stem").handlers)
    with FakeTor() as server:

        def connect_late(endpoint: Endpoint, timing: Timing) -> transport.Transport:
            connection.close()
            return transport.connect(endpoint, timing)

        connection = Connection(server.endpoint, connect_late, EventRecorder(), lambda _: None)
        with pytest.raises(ExplainedError):
            connection.open(Credentials())
        assert logging.getLogger("stem").handlers == before
