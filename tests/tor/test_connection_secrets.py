"""The password of a connection is in no text and no log."""

import logging
import traceback
from collections.abc import Iterator

import pytest
from connections import SECRET, connected, open_error
from ear import Ear
from fake_tor import (
    HANG_UP,
    FakeTor,
    Manners,
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

# Keeping the secret


class Everything(logging.Handler):
    """Keeps all that is logged, and asks for more."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@pytest.fixture
def everything() -> Iterator[Everything]:
    """What loggers keep if somebody else in the process wants to know it all."""
    handler = Everything()
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
    """An exception and those behind it, the suppressed ones as well."""
    yield error
    for behind in (error.__cause__, error.__context__):
        if behind is not None:
            yield from chain(behind)


ECHO = b'515 Authentication failed: no such thing as AUTHENTICATE "%s"\r\n' % SECRET


@pytest.mark.parametrize(
    "manners",
    [
        Manners(methods="HASHEDPASSWORD", password=b"another"),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": ECHO}),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": b"551 Internal error\r\n"}),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": b"what?\r\n"}),
        Manners(methods="HASHEDPASSWORD", replies={"AUTHENTICATE": HANG_UP}),
    ],
    ids=["refused", "echoed", "other error", "garbage", "hung up"],
)
def test_the_password_is_in_no_text(manners: Manners, everything: Everything) -> None:
    with FakeTor(manners) as server:
        credentials = Credentials(SECRET)
        failure = open_error(server.endpoint, credentials)
        # It did go over the wire, so there was something to be kept.
        assert SECRET.replace(b"\\", b"\\\\").replace(b'"', b'\\"') in server.lines[1]
    texts = [repr(credentials), failure.cause, failure.remedy, failure.needs_password_at]
    texts += [f"{error} {error!r}" for error in chain(failure) if isinstance(error, ExplainedError)]
    texts += traceback.format_exception(failure)
    texts += [record.getMessage() for record in everything.kept]
    assert not [text for text in texts if "s3cret" in text]


def test_a_good_password_is_in_no_text_either(everything: Everything) -> None:
    ear = Ear()
    manners = Manners(methods="HASHEDPASSWORD", password=SECRET)
    with FakeTor(manners) as server, connected(server, ear, Credentials(SECRET)) as connection:
        texts = [repr(connection), *map(repr, vars(connection).values()), *map(repr, ear.heard)]
        server.send(b"650 BW nonsense 1\r\n")
        ear.wait_for(Problem)
    texts += [record.getMessage() for record in everything.kept]
    assert everything.kept, "the warning was logged where it could be seen"
    assert not [text for text in texts if "s3cret" in text]


def test_stem_logs_warnings_and_nothing_below_to_us_alone(everything: Everything) -> None:
    with FakeTor() as server, connected(server, Ear()):
        logger = logging.getLogger("stem")
        assert not logger.propagate
        logger.info("below")
        logger.warning("a warning")
        # Once: from the handler at stem's own logger, not from the one at the root.
        assert [record.getMessage() for record in everything.kept] == ["a warning"]


def test_nothing_listens_to_stem_any_more_when_closed() -> None:
    before = list(logging.getLogger("stem").handlers)
    with FakeTor() as server, connected(server, Ear()):
        assert len(logging.getLogger("stem").handlers) == len(before) + 1
    assert logging.getLogger("stem").handlers == before


def test_nothing_listens_to_stem_when_the_connection_came_after_all_was_given_up() -> None:
    # A name that takes longer to look up than an attempt may take.
    before = list(logging.getLogger("stem").handlers)
    with FakeTor() as server:

        def dial_late(endpoint: Endpoint, timing: Timing) -> transport.Transport:
            connection.close()
            return transport.connect(endpoint, timing)

        connection = Connection(server.endpoint, dial_late, Ear(), lambda _: None)
        with pytest.raises(ExplainedError):
            connection.open(Credentials())
        assert logging.getLogger("stem").handlers == before
