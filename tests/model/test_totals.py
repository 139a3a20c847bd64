"""Totals: of one tor process, never of two, and to the byte where tor answers."""

from bwgraph.model.events import Connected, CounterBase, Sample
from bwgraph.model.totals import MAX_REMEMBERED, Total, Totals, Unseen


def connected(
    when: float, read: int, written: int = 0, *, uptime: float | None = None, process: str = ""
) -> Connected:
    return Connected(
        when, "9051", counters=CounterBase(read, written), uptime=uptime, process=process
    )


def test_nothing_is_known_before_the_first_connection() -> None:
    assert Totals().total() is None


def test_the_total_is_what_tor_counted_and_the_samples_since() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 424_182, 9, uptime=40.0), None)
    ledger.add(Sample(101.0, 13, 1, 1.0))
    ledger.add(Sample(102.0, 26, 2, 1.0))
    assert ledger.total() == Total(424_182 + 39, 12, 60.0, since_tor_started=True)


def test_a_later_answer_only_ever_lowers_what_was_before() -> None:
    # Tor counts on between its events, so the first answer was 7 bytes too much.
    ledger = Totals()
    ledger.connected(connected(100.0, 1007, 50, uptime=1.0), None)
    ledger.add(Sample(101.0, 10, 1, 1.0))
    ledger.update_base(CounterBase(1000, 60))
    total = ledger.total()
    assert total is not None
    assert (total.read, total.written) == (1010, 51)


def test_the_same_tor_after_a_gap_keeps_its_total_and_what_nobody_saw() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 1000, uptime=50.0, process="7"), None)
    ledger.add(Sample(101.0, 10, 1, 1.0))
    ledger.connected(connected(161.0, 6010, 301, uptime=111.0, process="7"), 101.0)
    ledger.add(Sample(162.0, 5, 0, 1.0))
    assert ledger.total() == Total(6015, 301, 50.0, since_tor_started=True)
    assert list(ledger.unseen) == [Unseen(101.0, 161.0, 5000, 300)]
    assert not ledger.restarts


def test_a_restarted_tor_starts_new_totals_and_is_marked_when_it_started() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 1000, uptime=50.0), None)
    ledger.add(Sample(101.0, 10, 1, 1.0))
    ledger.connected(connected(161.0, 70, uptime=3.0), 101.0)
    ledger.add(Sample(162.0, 5, 0, 1.0))
    assert ledger.total() == Total(75, 0, 158.0, since_tor_started=True)
    assert list(ledger.restarts) == [158.0]
    assert not ledger.unseen


def test_a_restart_is_found_by_the_process_alone() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 10, process="7"), None)
    ledger.connected(connected(102.0, 5000, process="8"), 101.0)
    assert list(ledger.restarts) == [102.0]
    total = ledger.total()
    assert total is not None
    assert total.read == 5000


def test_a_restart_is_found_by_the_counters_alone() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 1 << 30), None)
    ledger.connected(connected(102.0, 1 << 20), 101.0)
    assert list(ledger.restarts) == [102.0]


def test_a_first_answer_that_was_a_little_too_much_is_no_restart() -> None:
    # What tor had moved since its last event was in the answer, and is in the next sample too.
    ledger = Totals()
    ledger.connected(connected(100.0, 1000, uptime=50.0, process="7"), None)
    ledger.add(Sample(101.0, 300, 0, 1.0))
    ledger.connected(connected(103.0, 1000, uptime=53.0, process="7"), 102.0)
    assert not ledger.restarts


def test_a_tor_that_slept_with_its_machine_is_the_same_though_its_uptime_lags() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 1000, uptime=50.0, process="7"), None)
    ledger.connected(connected(3700.0, 2000, uptime=60.0, process="7"), 110.0)
    assert not ledger.restarts
    total = ledger.total()
    assert total is not None
    assert total.read == 2000


def test_processes_of_the_same_number_in_two_containers_are_told_apart() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 1000, uptime=50.0, process="1"), None)
    ledger.connected(connected(110.0, 2000, uptime=2.0, process="1"), 105.0)
    assert list(ledger.restarts) == [108.0]


def test_a_better_answer_lowers_what_was_unseen_before_too() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 1000, uptime=50.0), None)
    ledger.connected(connected(110.0, 6000, 60, uptime=60.0), 105.0)
    ledger.update_base(CounterBase(5900, 60))
    assert ledger.unseen == (Unseen(105.0, 110.0, 4900, 60),)
    ledger.update_base(CounterBase(5950, 55))
    assert ledger.unseen == (Unseen(105.0, 110.0, 4900, 55),)


def test_what_is_remembered_is_bounded() -> None:
    ledger = Totals()
    for i in range(3 * MAX_REMEMBERED):
        ledger.connected(connected(100.0 * i, 10, process=str(i)), 100.0 * i - 50)
    assert len(ledger.restarts) == MAX_REMEMBERED


def test_a_restart_is_found_by_the_uptime_alone_where_nothing_else_is_told() -> None:
    ledger = Totals()
    ledger.connected(Connected(100.0, "9051", uptime=500.0), None)
    ledger.add(Sample(101.0, 10, 1, 1.0))
    ledger.connected(Connected(200.0, "9051", uptime=20.0), 101.0)
    ledger.add(Sample(201.0, 3, 0, 1.0))
    assert list(ledger.restarts) == [180.0]
    total = ledger.total()
    assert total is not None
    assert total.read == 3  # never of two processes


def test_an_uptime_in_whole_seconds_is_no_restart() -> None:
    ledger = Totals()
    ledger.connected(connected(100.0, 10, uptime=0.0), None)
    ledger.connected(connected(160.9, 10, uptime=59.0), 101.0)
    assert not ledger.restarts


def test_where_tor_does_not_answer_the_total_is_since_we_connected() -> None:
    ledger = Totals()
    ledger.connected(Connected(100.0, "9051"), None)
    ledger.add(Sample(101.0, 10, 1, 1.0))
    ledger.connected(Connected(160.0, "9051"), 101.0)
    ledger.add(Sample(161.0, 10, 1, 1.0))
    assert ledger.total() == Total(20, 2, 100.0, since_tor_started=False)


def test_a_total_since_we_connected_is_not_mixed_with_tors_own() -> None:
    ledger = Totals()
    ledger.connected(Connected(100.0, "9051"), None)
    ledger.add(Sample(101.0, 10, 1, 1.0))
    ledger.connected(connected(160.0, 700, 70, uptime=300.0), 101.0)
    assert ledger.total() == Total(700, 70, -140.0, since_tor_started=True)
    assert not ledger.unseen  # what was before is not known, so neither is the difference
