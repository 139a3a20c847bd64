"""What Prometheus is told: each tor's counters and gauges, as a page that it fetches.

Owns the names of the metrics and the server that answers for them; the only room that knows
``prometheus_client``, which is an extra. It takes no part in what the sources tell: as a screen
does, it reads a fleet whenever it is asked, from a thread of its own. Must not know who tells.
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
"Seconds that somebody who asks may take over it."

LABELS = ("tor",)


class FleetCollector(Collector):
    """A fleet as metrics, by tor, as it is at the moment of asking.

    The sum is left out: Prometheus adds up by itself. What is not known is not there, so that no
    zero stands for it.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def collect(self) -> Iterator[Metric]:
        """Each metric, with a value for each tor; from any thread."""
        moment = now()
        read = CounterMetricFamily(
            "bwgraph_read_bytes", "Bytes that tor reported as read (download).", labels=LABELS
        )
        written = CounterMetricFamily(
            "bwgraph_written_bytes", "Bytes that tor reported as written (upload).", labels=LABELS
        )
        losses = CounterMetricFamily(
            "bwgraph_connection_losses", "Times that tor went away or fell silent.", labels=LABELS
        )
        read_rate = GaugeMetricFamily(
            "bwgraph_read_bytes_per_second", "Bytes read in the latest second.", labels=LABELS
        )
        written_rate = GaugeMetricFamily(
            "bwgraph_written_bytes_per_second", "Bytes written in the latest second.", labels=LABELS
        )
        up = GaugeMetricFamily(
            "bwgraph_up", "Whether tor is there and sends events.", labels=LABELS
        )
        age = GaugeMetricFamily(
            "bwgraph_last_event_age_seconds", "Seconds since tor's latest event.", labels=LABELS
        )
        for label, tor in _labelled(self._fleet.instances):
            moved = tor.totals.sample_bytes()
            rates = statistics.current_rates(tor.history.window(moment, 1))
            newest = tor.history.newest_at
            read.add_metric(label, moved[0])
            written.add_metric(label, moved[1])
            losses.add_metric(label, tor.loss_count)
            up.add_metric(label, isinstance(tor.state, Connected))
            for gauge, rate in zip((read_rate, written_rate), rates, strict=True):
                if rate is not None:
                    gauge.add_metric(label, rate)
            if newest is not None:
                age.add_metric(label, max(moment - newest, 0.0))
        yield from (read, written, losses, read_rate, written_rate, up, age)


def _labelled(tors: tuple[Instance, ...]) -> Iterator[tuple[tuple[str], Instance]]:
    """Each with a label of its own: Prometheus refuses a page that has two of the same."""
    taken: set[str] = set()
    for tor in tors:
        label, number = printable(tor.location), 1
        while label in taken:
            number += 1
            label = f"{printable(tor.location)} ({number})"
        taken.add(label)
        yield (label,), tor


class Exporter:
    """A context in which whoever asks is told of a fleet, on an address of this machine.

    OSError if it cannot be had.
    """

    def __init__(self, fleet: Fleet, host: str, port: int) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(FleetCollector(fleet))
        self._server = _Server(host, port)
        self._server.set_app(make_wsgi_app(registry))
        # Instead of asking itself twice a second whether it is over, as serve_forever does.
        self._over, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="bwgraph exporter", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
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
        self._end.close()
        self._thread.join()
        self._over.close()
        self._server.server_close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._server.fileno(), self._over.fileno()], [], [])
            if self._over.fileno() in ready:
                return
            self._server.handle_request()


class _QuietHandler(WSGIRequestHandler):
    """Answers, and says nothing of it: the terminal is the screen's."""

    timeout = REQUEST_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - so the base has it
        """Keep it to oneself."""

    def get_stderr(self) -> TextIO:
        """Whoever asked learns of a failure from the answer, a 500."""
        return io.StringIO()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each that asks, so that none waits for another."""

    daemon_threads = True
    timeout = 0

    def __init__(self, host: str, port: int) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.address_family, _, _, _, address = found[0]
        super().__init__(address[:2], _QuietHandler)  # type: ignore[arg-type] # a host and a port

    def server_bind(self) -> None:
        """As any server; HTTPServer's would ask the name service for the name of the address."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let go of one who went away before the answer."""
