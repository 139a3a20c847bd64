"""A quota is described in one line, in several lengths."""

from datetime import UTC, datetime, timedelta, timezone

from bwgraph.model.quota import Quota
from bwgraph.screen.quota_text import quota_lines

GIB = 1 << 30
NOW = datetime(2026, 11, 25, 3, 42, 24, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def lines_of(
    quota: Quota, pace: tuple[float, float] | None = (0.0, 0.0), utc_offset_hours: int = 0
) -> tuple[str, ...]:
    """Return the lines of a quota, which must differ and be sorted by length."""
    zone = timezone(timedelta(hours=utc_offset_hours))
    lines = quota_lines(quota, pace, NOW, lambda when: when.astimezone(zone))
    lengths = [len(line) for line in lines]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lines)) == len(lines)
    return lines


MONTH = Quota(
    "sum", (8 * GIB, 4 * GIB), (38 * GIB, 38 * GIB), START, END, START, hibernating="awake"
)


def test_quota_that_lasts_until_it_resets() -> None:
    assert lines_of(MONTH) == (
        "quota (sum): 12.0 GiB used, 38.0 GiB left, resets 1 Dec 00:00, lasts until the reset",
        "quota (sum): 38.0 GiB left, resets 1 Dec 00:00, lasts",
        "quota: 38.0 GiB left, lasts",
        "quota: 38.0 GiB left",
        "38.0 GiB left",
    )


def test_quota_that_is_used_up_before_it_resets() -> None:
    pace = 38 * GIB / (51 * 3600 + 60)
    assert lines_of(MONTH, (pace / 2, pace / 2)) == (
        (
            "quota (sum): 12.0 GiB used, 38.0 GiB left, resets 1 Dec 00:00, "
            "used up in 2 d 3 h at this pace"
        ),
        "quota (sum): 38.0 GiB left, resets 1 Dec 00:00, used up in 2 d 3 h",
        "quota: 38.0 GiB left, used up in 2 d 3 h",
        "quota: 38.0 GiB left",
        "38.0 GiB left",
    )


def test_unknown_pace_gives_no_forecast() -> None:
    longest = "quota (sum): 12.0 GiB used, 38.0 GiB left, resets 1 Dec 00:00"
    assert lines_of(MONTH, None)[0] == longest


def test_times_are_local() -> None:
    assert "resets 30 Nov 19:00," in lines_of(MONTH, utc_offset_hours=-5)[0]
    assert "resets 1 Dec 09:00," in lines_of(MONTH, utc_offset_hours=9)[0]


def test_tor_whose_quota_is_used_up_hibernates_until_the_next_interval_or_later() -> None:
    # As tor 0.4.9.11 reports it: 'hard', and its wake time is the start of the interval.
    spent = Quota("max", (301236, 300315), (0, 0), START, END, START, "hard")
    assert lines_of(spent) == (
        (
            "hibernating (hard: no traffic at all) until 1 Dec 00:00 or later, "
            "quota (max): 294 KiB used, 0 B left"
        ),
        "hibernating (hard: no traffic at all) until 1 Dec 00:00 or later",
        "hibernating (hard) until 1 Dec 00:00 or later",
        "hibernating until 1 Dec 00:00 or later",
        "hibernating (hard)",
        "hibernating",
    )


def test_soft_hibernation_takes_no_new_connections() -> None:
    soft = Quota("sum", (500, 499), (1, 1), START, END, START, "soft")
    assert lines_of(soft)[1:3] == (
        "hibernating (soft: no new connections) until 1 Dec 00:00 or later",
        "hibernating (soft) until 1 Dec 00:00 or later",
    )


def test_tor_that_starts_late_in_the_interval_wakes_at_its_wake_time() -> None:
    wake = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
    early = Quota("sum", (0, 0), (5, 5), START, END, wake, "hard")
    assert lines_of(early)[2] == "hibernating (hard) until 27 Nov 06:30"


def test_quota_used_up_while_tor_is_awake() -> None:
    spent = Quota("in", (9, 9), (0, 9), START, END, START, "awake")
    assert lines_of(spent, None)[0].endswith("resets 1 Dec 00:00, used up")


def test_unknown_parts_are_left_out() -> None:
    assert lines_of(Quota()) == ()
    assert lines_of(Quota("sum", hibernating="awake")) == ()
    assert lines_of(Quota(end=END)) == ("quota: resets 1 Dec 00:00", "resets 1 Dec 00:00")
    assert lines_of(Quota("in", (5, 0)))[0] == "quota (in): 5 B used"
    assert lines_of(Quota("in", remaining=(5, 9))) == (
        "quota (in): 5 B left",
        "quota: 5 B left",
        "5 B left",
    )
    assert lines_of(Quota(hibernating="soft"))[0] == "hibernating (soft: no new connections)"
