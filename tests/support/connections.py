"""Connections for the tests: opened, closed at the end, or refused; and a clock moved by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from event_recorder import EventRecorder
from fake_tor import FakeTor

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Report
from bwgraph.tor import transport
from bwgraph.tor.connection import Connection
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

SECRET = b'the s3cret "\\ \xff\xc3\xa9'
"A password with every kind of byte that a quoted string could damage."

ALL_COMMANDS = [
    "PROTOCOLINFO 1",
    "AUTHENTICATE",
    "SETEVENTS BW",
    "GETCONF __owningcontrollerprocess",
    "GETCONF nickname",
    "GETINFO traffic/read",
    "GETINFO traffic/written",
    "GETINFO uptime",
    "GETINFO process/pid",
]
"The commands of a new connection, if no other controller is subscribed. Each has one key."


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@contextmanager
def connecting(
    endpoint: Endpoint, report: Report, timing: Timing = DEFAULT_TIMING
) -> Iterator[Connection]:
    """Create a connection that is not open yet, and close it at the end."""
    connection = Connection(endpoint, transport.connect, report, lambda _: None, timing=timing)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def connected(
    server: FakeTor,
    report: Report,
    credentials: Credentials = Credentials(),  # noqa: B008 - frozen
    timing: Timing = DEFAULT_TIMING,
) -> Iterator[Connection]:
    """Open a connection that reports its samples, and close it at the end."""
    with connecting(server.endpoint, report, timing) as connection:
        connection.open(credentials)
        connection.release_samples()
        yield connection


def open_error(
    endpoint: Endpoint,
    credentials: Credentials = Credentials(),  # noqa: B008 - frozen
    timing: Timing = DEFAULT_TIMING,
) -> ExplainedError:
    """Return the error of a connection that cannot be opened."""
    with (
        connecting(endpoint, EventRecorder(), timing) as connection,
        pytest.raises(ExplainedError) as caught,
    ):
        connection.open(credentials)
    return caught.value
