"""What limits a tor: how each rule counts, when the quota ends, and what is said of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.quota import Context, Limit, Quota
from bwgraph.screen.quota_text import quota_lines
from bwgraph.tor import description
from bwgraph.tor.description import parse_context

GIB = 1 << 30
NOW = datetime(2026, 11, 25, 3, 42, 24, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
INTERVAL = (END - NOW).total_seconds()
FINGERPRINT = "E6A164EC691FB3C4422B77D7785C88C0E7710683"

REAL = {
    "BandwidthRate": "5242880",
    "RelayBandwidthRate": "0",
    "AccountingRule": "sum",
    "accounting/enabled": "1",
    "accounting/hibernating": "awake",
    "accounting/bytes": "379 0",
    "accounting/bytes-left": "1073741445 1073741445",
    "accounting/interval-start": "2026-11-25 00:00:00",
    "accounting/interval-end": "2026-11-26 00:00:00",
    "accounting/interval-wake": "2026-11-25 00:00:00",
}
"What tor 0.4.9.11 answered, as a client with AccountingMax 1 GBytes."

COMMANDS = (
    description.FINGERPRINT_COMMAND,
    *description.LIMIT_COMMANDS,
    *description.ACCOUNTING_COMMANDS,
)
KEYS = [command.partition(" ")[2] for command in COMMANDS]


def told_by_tor(rule: str, limit: int, read: int, written: int) -> dict[str, str]:
    """The answers of a tor that has moved so much (T hibernate.c, getinfo_helper_accounting)."""
    match rule:
        case "sum":
            left = [max(limit - read - written, 0)] * 2
        case "in":
            left = [max(limit - read, 0), limit]
        case "out":
            left = [limit, max(limit - written, 0)]
        case _:
            left = [max(limit - read, 0), max(limit - written, 0)]
    return {
        **REAL,
        "AccountingRule": rule,
        "accounting/bytes": f"{read} {written}",
        "accounting/bytes-left": f"{left[0]} {left[1]}",
    }


def quota_of(told: Mapping[str, str]) -> Quota:
    quota = parse_context(told).quota
    assert quota is not None
    return quota


# Limits.


@pytest.mark.parametrize(
    ("bandwidth", "relay", "as_client", "as_relay"),
    [
        ("5242880", "0", (5242880, "BandwidthRate"), (5242880, "BandwidthRate")),
        ("5242880", "2097152", (5242880, "BandwidthRate"), (2097152, "RelayBandwidthRate")),
        ("2097152", "5242880", (2097152, "BandwidthRate"), (2097152, "BandwidthRate")),
        ("1073741824", "0", None, None),
        ("1073741824", "2097152", None, (2097152, "RelayBandwidthRate")),
        ("2147483648", "9999999999", None, None),
        ("1073741823", "0", (1073741823, "BandwidthRate"), (1073741823, "BandwidthRate")),
        ("0", "0", None, None),
        ("", "2097152", None, (2097152, "RelayBandwidthRate")),
        ("5 MBytes", "", None, None),
    ],
)
def test_the_limit_is_the_lowest_rate_that_applies(
    bandwidth: str,
    relay: str,
    as_client: tuple[int, str] | None,
    as_relay: tuple[int, str] | None,
) -> None:
    told = {"BandwidthRate": bandwidth, "RelayBandwidthRate": relay}
    assert parse_context(told).limit == (Limit(*as_client) if as_client else None)
    told["fingerprint"] = FINGERPRINT
    assert parse_context(told).limit == (Limit(*as_relay) if as_relay else None)


def test_what_is_only_advertised_limits_nothing() -> None:
    assert parse_context({"MaxAdvertisedBandwidth": "1000", "BandwidthBurst": "1000"}) == Context()


@pytest.mark.parametrize(
    "text", ["", "E6A1", FINGERPRINT.lower(), FINGERPRINT + "0", "\x1b[2J" * 10, "é" * 40]
)
def test_what_is_no_fingerprint_makes_no_relay(text: str) -> None:
    told = {"fingerprint": text, "BandwidthRate": "900", "RelayBandwidthRate": "5"}
    assert parse_context(told) == Context("", Limit(900, "BandwidthRate"))


# Accounting.


def test_a_real_tors_answers() -> None:
    assert parse_context(REAL) == Context(
        "",
        Limit(5242880, "BandwidthRate"),
        Quota(
            "sum",
            (379, 0),
            (1073741445, 1073741445),
            datetime(2026, 11, 25, tzinfo=UTC),
            datetime(2026, 11, 26, tzinfo=UTC),
            datetime(2026, 11, 25, tzinfo=UTC),
            "awake",
        ),
    )
    assert (quota_of(REAL).used, quota_of(REAL).left) == (379, GIB - 379)


@pytest.mark.parametrize("enabled", ["0", "", "yes"])
def test_without_accounting_there_is_no_quota(enabled: str) -> None:
    assert parse_context({**REAL, "accounting/enabled": enabled}).quota is None


@pytest.mark.parametrize(
    ("rule", "used", "left"),
    [("max", 300, 700), ("sum", 500, 500), ("in", 200, 800), ("out", 300, 700)],
)
def test_each_rule_counts_what_is_its_own(rule: str, used: int, left: int) -> None:
    quota = quota_of(told_by_tor(rule, 1000, 200, 300))
    assert (quota.rule, quota.used, quota.left) == (rule, used, left)


@PROPERTY
@given(
    rule=st.sampled_from(["max", "sum", "in", "out"]),
    limit=st.integers(1, 1 << 50),
    read=st.integers(0, 1 << 50),
    written=st.integers(0, 1 << 50),
)
def test_used_and_left_are_the_whole_limit(rule: str, limit: int, read: int, written: int) -> None:
    quota = quota_of(told_by_tor(rule, limit, read, written))
    assert quota.used is not None
    assert quota.left == max(limit - quota.used, 0)


@pytest.mark.parametrize(
    ("rule", "seconds"), [("max", 70.0), ("sum", 500 / 30), ("in", 80.0), ("out", 700 / 20)]
)
def test_the_forecast_is_of_what_ends_first(rule: str, seconds: float) -> None:
    quota = quota_of(told_by_tor(rule, 1000, 200, 300))
    pace = (10.0, 10.0) if rule == "max" else (10.0, 20.0)
    assert quota.seconds_left(pace, NOW) == pytest.approx(seconds)


def test_of_two_directions_the_one_with_more_left_may_end_first() -> None:
    quota = quota_of(told_by_tor("max", 1000, 200, 300))
    assert quota.seconds_left((100.0, 1.0), NOW) == 8.0


@pytest.mark.parametrize(("pace", "lasts"), [(1.001, False), (0.999, True), (0.0, True)])
def test_what_outlasts_the_interval_has_no_end(pace: float, *, lasts: bool) -> None:
    quota = Quota("in", (0, 0), (int(INTERVAL), 0), START, END)
    assert (quota.seconds_left((pace, 1e9), NOW) is None) == lasts


def test_what_is_used_up_is_so_at_any_pace() -> None:
    for rule in ("max", "sum", "in", "out"):
        quota = quota_of(told_by_tor(rule, 1000, 2000, 2000))
        assert quota.left == quota.seconds_left((0.0, 0.0), NOW) == 0


def test_without_a_rule_nobody_knows_what_counts() -> None:
    for text in ("", "half"):
        quota = quota_of({**REAL, "AccountingRule": text})
        assert (quota.used, quota.left, quota.rule) == (None, None, None)
        assert quota.seconds_left((1e12, 1e12), NOW) is None
        assert quota.end is not None


@PROPERTY
@given(
    told=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, st.text())),
    real=st.sets(st.sampled_from(sorted(REAL))),
    odd=st.sampled_from(["0001-01-01 00:00:00", "9999-12-31 23:59:59", "9" * 20 + " 0", "² ²"]),
    odd_key=st.sampled_from(KEYS),
    pace=st.none() | st.tuples(st.floats(0, 1e300), st.floats(0, 1e300)),
    zone=st.integers(-23, 23),
)
def test_any_text_in_any_answer_does_no_harm(
    told: dict[str, str],
    real: set[str],
    odd: str,
    odd_key: str,
    pace: tuple[float, float] | None,
    zone: int,
) -> None:
    found = parse_context({**told, odd_key: odd, **{key: REAL[key] for key in real}})
    # What makes sense is understood, whatever stands beside it.
    if "BandwidthRate" in real and not found.fingerprint:
        assert found.limit == Limit(5242880, "BandwidthRate")
    if found.quota is None:
        return
    if "accounting/bytes" in real:
        assert found.quota.moved == (379, 0)
    place = timezone(timedelta(hours=zone))
    said = quota_lines(found.quota, pace, NOW, lambda when: when.astimezone(place))
    assert all(line.isascii() and line.isprintable() for line in said)
