"""The Prometheus exporter: its metrics, its server, and the program with ``--prometheus``."""

import json
import re
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import pytest
from event_recorder import wait_until
from fleets import news, steady, tell, watched
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from properties import PROPERTY
from pty_driver import Program, bwgraph_argv, environment
from scenes import NEWEST
from tor_process import Control, RealTor, free_port, has_ipv6, needs_tor

from bwgraph.cli import main
from bwgraph.model import statistics
from bwgraph.model.events import CounterBase, Event, Lost, Problem, Sample, Wrapped
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.output import prometheus
from bwgraph.output.prometheus import Exporter, FleetCollector
from bwgraph.system import stdio
from bwgraph.tor.endpoint import ControlPort

LOOPBACK = ControlPort("127.0.0.1", 0)

Values = dict[tuple[str, str], float]
"The values of a page by metric and tor."


def values(page: str) -> Values:
    """Return the values of a page, read by the parser of prometheus_client."""
    return {
        (sample.name.removeprefix("bwgraph_"), sample.labels["tor"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def collected(fleet: Fleet) -> str:
    registry = CollectorRegistry()
    registry.register(FleetCollector(fleet))
    return generate_latest(registry).decode()


def fetched(port: int, host: str = "127.0.0.1") -> str:
    with urlopen(f"http://{host}:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return str(answer.read().decode())


@pytest.fixture
def at_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "now", lambda: NEWEST + 0.25)


@pytest.mark.usefixtures("at_newest")
def test_each_tor_has_its_metrics_without_unavailable_values() -> None:
    fleet = watched("anna", "bert", "carl")
    tell(fleet, 0, news("anna"), *steady(90, 100, 1000, 300), Wrapped(Sample(NEWEST, 5, 1, 1.0)))
    tell(fleet, 1, news("bert"), *steady(80, 90, 7), Lost(NEWEST - 10, "it ended", NEWEST + 1))
    assert values(collected(fleet)) == {
        ("read_bytes_total", "anna"): 10_005,
        ("written_bytes_total", "anna"): 3001,
        ("connection_losses_total", "anna"): 0,
        ("read_bytes_per_second", "anna"): 1005,
        ("written_bytes_per_second", "anna"): 301,
        ("up", "anna"): 1,
        ("last_event_age_seconds", "anna"): 0.25,
        ("read_bytes_total", "bert"): 70,
        ("written_bytes_total", "bert"): 0,
        ("connection_losses_total", "bert"): 1,
        ("up", "bert"): 0,
        ("last_event_age_seconds", "bert"): 10.25,
        ("read_bytes_total", "carl"): 0,
        ("written_bytes_total", "carl"): 0,
        ("connection_losses_total", "carl"): 0,
        ("up", "carl"): 0,
    }


def test_failed_reconnections_count_as_one_loss() -> None:
    fleet = watched("anna")
    lost = Lost(1000.0, "refused", 1001.0)
    for events, losses in (
        ((lost, lost), 0),  # never connected, so nothing was lost
        ((news("anna"), lost, lost, lost), 1),
        ((steady(0, 1, 1)[0], lost), 2),  # silent once more, after one sample
        ((news("anna"),), 2),
    ):
        tell(fleet, 0, *events)
        assert values(collected(fleet))["connection_losses_total", "anna"] == losses


bytes_moved = st.integers(0, 1 << 33)
any_event = st.one_of(
    st.builds(Sample, st.floats(1000, 2000), bytes_moved, bytes_moved, st.floats(0.1, 9)),
    st.builds(CounterBase, bytes_moved, bytes_moved),
    st.builds(Lost, st.floats(1000, 2000), st.just("why"), st.just(0.0)),
    st.builds(
        lambda when, uptime, process: news("anna", when, process, uptime),
        st.floats(1000, 2000),
        st.floats(0, 999),
        st.sampled_from("ab"),
    ),
    st.builds(Problem, st.just(0.0), st.just("what")),
)


@PROPERTY
@given(st.lists(any_event, max_size=30))
def test_counters_never_decrease(events: list[Event]) -> None:
    fleet = watched("anna")
    before: Values = {}
    for event in events:
        tell(fleet, 0, event)
        after = {key: value for key, value in values(collected(fleet)).items() if "total" in key[0]}
        assert all(after[key] >= value for key, value in before.items())
        before = after


def test_labels_are_printable_and_unique() -> None:
    hostile = 'a"\n} 1\\\x1b[2J\ud800'
    fleet = watched(hostile, hostile, "x", "x", "x (2)")
    page = collected(fleet)
    assert "\x1b" not in page
    labels = [tor for metric, tor in values(page) if metric == "up"]
    assert labels == [
        'a"?} 1\\?[2J?',
        'a"?} 1\\?[2J? (2)',
        "x",
        "x (2)",
        "x (2) (2)",
    ]


def test_exporter_answers_during_samples_and_stops_at_once() -> None:
    tors = [Instance(name, history=History(threading.Lock())) for name in ("anna", "bert")]
    fleet = Fleet(tors, threading.Lock)
    stop = threading.Event()

    def feed() -> None:
        for second in count():
            if stop.is_set():
                return
            tell(fleet, 0, *steady(second, second + 1, 10, 1))

    def read() -> float:
        return values(fetched(served.port))["read_bytes_total", "anna"]

    feeder = threading.Thread(target=feed)
    with Exporter(fleet, *LOOPBACK) as served:
        tell(fleet, 0, news("anna"))
        feeder.start()
        try:
            wait_until(read, "some bytes")
            readings = [read() for _ in range(20)]
        finally:
            stop.set()
            feeder.join()
    assert readings == sorted(readings)
    assert readings[-1] > readings[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port))


def test_bad_clients_and_errors_write_nothing_to_the_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Exporter(watched("anna"), *LOOPBACK) as served:
        place = ("127.0.0.1", served.port)
        with socket.create_connection(place) as idle:
            with socket.create_connection(place, timeout=10) as other:
                other.sendall(b"\x16\x03\x01 what\r\n\r\n")
                while other.recv(4096):
                    pass
            with socket.create_connection(place) as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                gone.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            monkeypatch.setattr(statistics, "current_rates", None)
            client = HTTPConnection(*place, timeout=10)
            client.request("GET", "/metrics")
            assert client.getresponse().status == 500
            client.close()
            idle.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_exporter_listens_on_its_address_alone() -> None:
    with Exporter(watched("anna"), "::1", 0) as served:
        assert values(fetched(served.port, "[::1]"))["up", "anna"] == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port))


def test_address_that_cannot_be_used_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for way in (["--json"], ["--once"]):
            assert main.main(["--demo", "--prometheus", str(port), *way]) == stdio.EXIT_FAILURE
            words = f"bwgraph: --prometheus 127.0.0.1:{port}: another program has that port\n"
            assert capsys.readouterr() == ("", words)
    assert main.main(["--demo", "--json", "--prometheus", "256.1.1.1:80"]) == stdio.EXIT_FAILURE
    assert capsys.readouterr().err.startswith("bwgraph: --prometheus 256.1.1.1:80: ")


def test_missing_prometheus_client_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "bwgraph.output.prometheus")
    monkeypatch.delattr("bwgraph.output.prometheus")
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert main.main(["--demo", "--json", "--prometheus", "9752"]) == stdio.EXIT_FAILURE
    assert "  to install it: pip install 'bwgraph[prometheus]'\n" in capsys.readouterr().err


def test_exporter_runs_beside_a_screen() -> None:
    port = free_port()
    with Program("--demo", "--prometheus", str(port)) as program:
        program.wait_for("demo: no tor")
        program.wait_for(re.compile(r"download +[\d.]+ "))
        page = values(fetched(port))
        assert page["up", "demo"] == 1
        assert page["read_bytes_total", "demo"] > 0
        program.send("q")
        assert program.wait_exit() == 0
    with (
        socket.create_server(("127.0.0.1", port)),
        Program("--demo", "--prometheus", str(port)) as program,
    ):
        assert program.wait_exit() == stdio.EXIT_FAILURE
        assert "another program has that port" in program.text()


class TestRealTor:
    """Tests with a real tor."""

    pytestmark = needs_tor

    def test_counters_are_exact_across_a_loss(self, tmp_path: Path) -> None:
        port = free_port()
        with RealTor(tmp_path) as tor:
            program = subprocess.Popen(
                bwgraph_argv(f"--port=relay={tor.port}", "--json", f"--prometheus={port}"),
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert program.stdout is not None
            try:
                lines = [json.loads(program.stdout.readline())]
                with Control(tor) as control:
                    control.let_read(100_000)
                    while lines[-1]["read"] < 100_000:
                        lines.append(json.loads(program.stdout.readline()))
                page = values(fetched(port))
                assert page["up", "relay"] == 1
                # One more sample may have arrived since the last line.
                more = page["read_bytes_total", "relay"] - sum(line["read"] for line in lines)
                assert 0 <= more < 1000
                tor.terminate()
                wait_until(lambda: values(fetched(port))["up", "relay"] == 0, "tor is lost")
                gone = values(fetched(port))
                assert gone["connection_losses_total", "relay"] == 1
                assert gone["read_bytes_total", "relay"] >= page["read_bytes_total", "relay"]
            finally:
                program.terminate()
                program.communicate()
