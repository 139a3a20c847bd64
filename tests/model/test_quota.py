"""A tor's quota: what each accounting rule counts, and when the quota is used up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.quota import Quota, Rule

NOW = datetime(2026, 11, 25, 3, 42, 24, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
INTERVAL_S = (END - NOW).total_seconds()
RULES: tuple[Rule, ...] = ("max", "sum", "in", "out")


def quota_after(rule: Rule, limit: int, read: int, written: int) -> Quota:
    """The quota of a tor that has moved these bytes (hibernate.c, getinfo_helper_accounting)."""
    match rule:
        case "sum":
            remaining = (max(limit - read - written, 0),) * 2
        case "in":
            remaining = max(limit - read, 0), limit
        case "out":
            remaining = limit, max(limit - written, 0)
        case "max":
            remaining = max(limit - read, 0), max(limit - written, 0)
    return Quota(rule, (read, written), remaining, START, END)


@pytest.mark.parametrize(
    ("rule", "used", "left"),
    [("max", 300, 700), ("sum", 500, 500), ("in", 200, 800), ("out", 300, 700)],
)
def test_each_rule_counts_its_own_bytes(rule: Rule, used: int, left: int) -> None:
    quota = quota_after(rule, 1000, 200, 300)
    assert (quota.rule, quota.used, quota.left) == (rule, used, left)


@PROPERTY
@given(
    rule=st.sampled_from(RULES),
    limit=st.integers(1, 1 << 50),
    read=st.integers(0, 1 << 50),
    written=st.integers(0, 1 << 50),
)
def test_used_and_left_add_up_to_the_limit(rule: Rule, limit: int, read: int, written: int) -> None:
    quota = quota_after(rule, limit, read, written)
    assert quota.used is not None
    assert quota.left == max(limit - quota.used, 0)


@pytest.mark.parametrize(
    ("rule", "seconds"), [("max", 70.0), ("sum", 500 / 30), ("in", 80.0), ("out", 700 / 20)]
)
def test_forecast_uses_the_budget_that_ends_first(rule: Rule, seconds: float) -> None:
    quota = quota_after(rule, 1000, 200, 300)
    pace = (10.0, 10.0) if rule == "max" else (10.0, 20.0)
    assert quota.seconds_left(pace, NOW) == pytest.approx(seconds)


def test_direction_with_more_left_may_end_first() -> None:
    quota = quota_after("max", 1000, 200, 300)
    assert quota.seconds_left((100.0, 1.0), NOW) == 8.0


@pytest.mark.parametrize(("pace", "lasts"), [(1.001, False), (0.999, True), (0.0, True)])
def test_no_forecast_if_the_quota_lasts_until_the_end(pace: float, *, lasts: bool) -> None:
    quota = Quota("in", (0, 0), (int(INTERVAL_S), 0), START, END)
    assert (quota.seconds_left((pace, 1e9), NOW) is None) == lasts


def test_used_up_quota_is_used_up_at_any_pace() -> None:
    for rule in RULES:
        quota = quota_after(rule, 1000, 2000, 2000)
        assert quota.left == quota.seconds_left((0.0, 0.0), NOW) == 0


def test_without_a_rule_nothing_counts() -> None:
    quota = quota_after("sum", 1000, 200, 300)._replace(rule=None)
    assert (quota.used, quota.left) == (None, None)
    assert quota.seconds_left((1e12, 1e12), NOW) is None
