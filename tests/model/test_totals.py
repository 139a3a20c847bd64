"""Totals: of one tor process, never of two, and exact to the byte if tor answers."""

from bwgraph.model.events import Connected, CounterBase, Sample
from bwgraph.model.totals import MAX_REMEMBERED_EVENTS, Total, Totals, Unseen


def connected_at(
    when: float, read: int, written: int = 0, *, uptime: float | None = None, process: str = ""
) -> Connected:
    return Connected(
        when, "9051", counters=CounterBase(read, written), uptime=uptime, process=process
    )


def test_no_total_before_the_first_connection() -> None:
    assert Totals().total() is None


def test_total_is_tors_counters_plus_the_samples() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 424_182, 9, uptime=40.0), None)
    totals.add(Sample(101.0, 13, 1, 1.0))
    totals.add(Sample(102.0, 26, 2, 1.0))
    assert totals.total() == Total(424_182 + 39, 12, 60.0, since_tor_started=True)


def test_later_answer_can_only_lower_the_base() -> None:
    # Tor counts between its events, too: the first answer was 7 bytes too large.
    totals = Totals()
    totals.connected(connected_at(100.0, 1007, 50, uptime=1.0), None)
    totals.add(Sample(101.0, 10, 1, 1.0))
    totals.update_base(CounterBase(1000, 60))
    total = totals.total()
    assert total is not None
    assert (total.read, total.written) == (1010, 51)


def test_same_tor_after_a_gap_keeps_its_total_and_has_unseen_bytes() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 1000, uptime=50.0, process="7"), None)
    totals.add(Sample(101.0, 10, 1, 1.0))
    totals.connected(connected_at(161.0, 6010, 301, uptime=111.0, process="7"), 101.0)
    totals.add(Sample(162.0, 5, 0, 1.0))
    assert totals.total() == Total(6015, 301, 50.0, since_tor_started=True)
    assert list(totals.unseen) == [Unseen(101.0, 161.0, 5000, 300)]
    assert not totals.restarts


def test_restarted_tor_has_new_totals_and_a_restart_at_its_start() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 1000, uptime=50.0), None)
    totals.add(Sample(101.0, 10, 1, 1.0))
    totals.connected(connected_at(161.0, 70, uptime=3.0), 101.0)
    totals.add(Sample(162.0, 5, 0, 1.0))
    assert totals.total() == Total(75, 0, 158.0, since_tor_started=True)
    assert list(totals.restarts) == [158.0]
    assert not totals.unseen


def test_restart_is_detected_by_process_alone() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 10, process="7"), None)
    totals.connected(connected_at(102.0, 5000, process="8"), 101.0)
    assert list(totals.restarts) == [102.0]
    total = totals.total()
    assert total is not None
    assert total.read == 5000


def test_restart_is_detected_by_counters_alone() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 1 << 30), None)
    totals.connected(connected_at(102.0, 1 << 20), 101.0)
    assert list(totals.restarts) == [102.0]


def test_first_answer_that_was_slightly_too_large_is_no_restart() -> None:
    # Bytes since tor's last event are both in the answer and in the next sample.
    totals = Totals()
    totals.connected(connected_at(100.0, 1000, uptime=50.0, process="7"), None)
    totals.add(Sample(101.0, 300, 0, 1.0))
    totals.connected(connected_at(103.0, 1000, uptime=53.0, process="7"), 102.0)
    assert not totals.restarts


def test_tor_of_a_suspended_machine_is_the_same_although_its_uptime_lags() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 1000, uptime=50.0, process="7"), None)
    totals.connected(connected_at(3700.0, 2000, uptime=60.0, process="7"), 110.0)
    assert not totals.restarts
    total = totals.total()
    assert total is not None
    assert total.read == 2000


def test_processes_with_the_same_number_in_two_containers_are_distinguished() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 1000, uptime=50.0, process="1"), None)
    totals.connected(connected_at(110.0, 2000, uptime=2.0, process="1"), 105.0)
    assert list(totals.restarts) == [108.0]


def test_lower_answer_lowers_unseen_bytes_too() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 1000, uptime=50.0), None)
    totals.connected(connected_at(110.0, 6000, 60, uptime=60.0), 105.0)
    totals.update_base(CounterBase(5900, 60))
    assert totals.unseen == (Unseen(105.0, 110.0, 4900, 60),)
    totals.update_base(CounterBase(5950, 55))
    assert totals.unseen == (Unseen(105.0, 110.0, 4900, 55),)


def test_number_of_restarts_is_bounded() -> None:
    totals = Totals()
    for i in range(3 * MAX_REMEMBERED_EVENTS):
        totals.connected(connected_at(100.0 * i, 10, process=str(i)), 100.0 * i - 50)
    assert len(totals.restarts) == MAX_REMEMBERED_EVENTS


def test_restart_is_detected_by_uptime_alone() -> None:
    totals = Totals()
    totals.connected(Connected(100.0, "9051", uptime=500.0), None)
    totals.add(Sample(101.0, 10, 1, 1.0))
    totals.connected(Connected(200.0, "9051", uptime=20.0), 101.0)
    totals.add(Sample(201.0, 3, 0, 1.0))
    assert list(totals.restarts) == [180.0]
    total = totals.total()
    assert total is not None
    assert total.read == 3  # never of two processes


def test_rounded_uptime_is_no_restart() -> None:
    totals = Totals()
    totals.connected(connected_at(100.0, 10, uptime=0.0), None)
    totals.connected(connected_at(160.9, 10, uptime=59.0), 101.0)
    assert not totals.restarts


def test_total_without_counters_is_since_the_connection() -> None:
    totals = Totals()
    totals.connected(Connected(100.0, "9051"), None)
    totals.add(Sample(101.0, 10, 1, 1.0))
    totals.connected(Connected(160.0, "9051"), 101.0)
    totals.add(Sample(161.0, 10, 1, 1.0))
    assert totals.total() == Total(20, 2, 100.0, since_tor_started=False)


def test_total_since_the_connection_is_not_mixed_with_counters() -> None:
    totals = Totals()
    totals.connected(Connected(100.0, "9051"), None)
    totals.add(Sample(101.0, 10, 1, 1.0))
    totals.connected(connected_at(160.0, 700, 70, uptime=300.0), 101.0)
    assert totals.total() == Total(700, 70, -140.0, since_tor_started=True)
    assert not totals.unseen  # the counters of the first connection are unknown
