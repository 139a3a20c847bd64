"""The Prometheus exporter: a web server with the counters and gauges of each tor.

Owns the names of the metrics and the server; the only module that imports ``prometheus_client``,
which is an optional dependency. Like the screen it reads a fleet when it is asked, from threads of
its own. Must not know where samples come from.
"""

import io
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TextIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bwgraph.model import statistics
from bwgraph.model.events import Connected
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.printable import printable
from bwgraph.system.clock import now

REQUEST_TIMEOUT_S = 5.0
"Seconds without data after which a request is dropped."

LABELS = ("tor",)
"The labels of every metric."


class FleetCollector(Collector):
    """The metrics of a fleet at the time of a request, by tor.

    The sum is left out, since Prometheus can compute it. A value that is not available is left out
    instead of being zero.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its values; may be called from any thread."""
        time_now = now()
        read = CounterMetricFamily(
            "bwgraph_read_bytes", "Bytes that tor reported as read (download).", labels=LABELS
        )
        written = CounterMetricFamily(
            "bwgraph_written_bytes", "Bytes that tor reported as written (upload).", labels=LABELS
        )
        losses = CounterMetricFamily(
            "bwgraph_connection_losses",
            "Number of lost connections, including silent ones.",
            labels=LABELS,
        )
        read_rate = GaugeMetricFamily(
            "bwgraph_read_bytes_per_second", "Bytes read in the latest second.", labels=LABELS
        )
        written_rate = GaugeMetricFamily(
            "bwgraph_written_bytes_per_second", "Bytes written in the latest second.", labels=LABELS
        )
        up = GaugeMetricFamily(
            "bwgraph_up", "1 if tor is connected and sends events, else 0.", labels=LABELS
        )
        age = GaugeMetricFamily(
            "bwgraph_last_event_age_seconds", "Seconds since tor's latest event.", labels=LABELS
        )
        for label, tor in _labelled(self._fleet.instances):
            read_bytes, written_bytes = tor.totals.sample_bytes()
            rates = statistics.current_rates(tor.history.window(time_now, 1))
            newest = tor.history.newest_at
            read.add_metric(label, read_bytes)
            written.add_metric(label, written_bytes)
            losses.add_metric(label, tor.loss_count)
            up.add_metric(label, isinstance(tor.state, Connected))
            for gauge, rate in zip((read_rate, written_rate), rates, strict=True):
                if rate is not None:
                    gauge.add_metric(label, rate)
            if newest is not None:
                age.add_metric(label, max(time_now - newest, 0.0))
        yield from (read, written, losses, read_rate, written_rate, up, age)


def _labelled(tors: tuple[Instance, ...]) -> Iterator[tuple[tuple[str], Instance]]:
    """Yield each tor with a unique label: Prometheus rejects a page with two equal ones."""
    taken: set[str] = set()
    for tor in tors:
        label, number = printable(tor.location), 1
        while label in taken:
            number += 1
            label = f"{printable(tor.location)} ({number})"
        taken.add(label)
        yield (label,), tor


class Exporter:
    """A context in which an address of this machine serves the metrics of a fleet.

    Raises OSError if the address cannot be used.
    """

    def __init__(self, fleet: Fleet, host: str, port: int) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(FleetCollector(fleet))
        self._server = _Server(host, port)
        self._server.set_app(make_wsgi_app(registry))
        # Closing one wakes the thread; serve_forever would poll twice a second instead.
        self._wakeup, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="bwgraph exporter", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on, for tests with port 0."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.close()
        self._thread.join()
        self._wakeup.close()
        self._server.server_close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._server.fileno(), self._wakeup.fileno()], [], [])
            if self._wakeup.fileno() in ready:
                return
            self._server.handle_request()


class _QuietHandler(WSGIRequestHandler):
    """Answers without writing to the terminal, which belongs to the screen."""

    timeout = REQUEST_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
        """Discard the message."""

    def get_stderr(self) -> TextIO:
        """Discard tracebacks; the client sees a failure as status 500."""
        return io.StringIO()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Serves each client in a thread of its own, so that none waits for another."""

    daemon_threads = True
    timeout = 0

    def __init__(self, host: str, port: int) -> None:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.address_family, _, _, _, address = addresses[0]
        super().__init__(address[:2], _QuietHandler)  # type: ignore[arg-type] # a host and a port

    def server_bind(self) -> None:
        """Bind as any TCP server does; HTTPServer would look the address up in the DNS."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that disconnected before the answer."""
