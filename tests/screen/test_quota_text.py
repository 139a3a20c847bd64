"""What is said of a tor's quota, from the longest words to the shortest."""

from datetime import UTC, datetime, timedelta, timezone

from bwgraph.model.quota import Quota
from bwgraph.screen.quota_text import quota_lines

GIB = 1 << 30
NOW = datetime(2026, 11, 25, 3, 42, 24, tzinfo=UTC)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def said_of(
    quota: Quota, pace: tuple[float, float] | None = (0.0, 0.0), hours: int = 0
) -> tuple[str, ...]:
    zone = timezone(timedelta(hours=hours))
    lines = quota_lines(quota, pace, NOW, lambda when: when.astimezone(zone))
    lengths = [len(line) for line in lines]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lines)) == len(lines)
    return lines


MONTH = Quota(
    "sum", (8 * GIB, 4 * GIB), (38 * GIB, 38 * GIB), START, END, START, hibernating="awake"
)


def test_a_quota_that_lasts() -> None:
    assert said_of(MONTH) == (
        "quota (sum): 12.0 GiB used, 38.0 GiB left, resets 1 Dec 00:00, lasts till then",
        "quota (sum): 38.0 GiB left, resets 1 Dec 00:00, lasts",
        "quota: 38.0 GiB left, lasts",
        "quota: 38.0 GiB left",
        "38.0 GiB left",
    )


def test_a_quota_that_does_not_last() -> None:
    pace = 38 * GIB / (51 * 3600 + 60)
    assert said_of(MONTH, (pace / 2, pace / 2)) == (
        (
            "quota (sum): 12.0 GiB used, 38.0 GiB left, resets 1 Dec 00:00, "
            "used up in 2 d 3 h at this pace"
        ),
        "quota (sum): 38.0 GiB left, resets 1 Dec 00:00, used up in 2 d 3 h",
        "quota: 38.0 GiB left, used up in 2 d 3 h",
        "quota: 38.0 GiB left",
        "38.0 GiB left",
    )


def test_without_a_pace_there_is_no_forecast() -> None:
    longest = "quota (sum): 12.0 GiB used, 38.0 GiB left, resets 1 Dec 00:00"
    assert said_of(MONTH, None)[0] == longest


def test_the_time_is_the_one_on_the_wall() -> None:
    assert "resets 30 Nov 19:00," in said_of(MONTH, hours=-5)[0]
    assert "resets 1 Dec 09:00," in said_of(MONTH, hours=9)[0]


def test_a_tor_that_has_used_it_up_hibernates_until_the_next_interval_or_longer() -> None:
    # Tor 0.4.9.11, its limit passed: 'hard', and it woke at the start of the interval.
    spent = Quota("max", (301236, 300315), (0, 0), START, END, START, "hard")
    assert said_of(spent) == (
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


def test_a_tor_that_is_about_to_takes_no_new_connections() -> None:
    soft = Quota("sum", (500, 499), (1, 1), START, END, START, "soft")
    assert said_of(soft)[1:3] == (
        "hibernating (soft: no new connections) until 1 Dec 00:00 or later",
        "hibernating (soft) until 1 Dec 00:00 or later",
    )


def test_a_tor_that_has_not_begun_yet_wakes_in_this_interval() -> None:
    wake = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
    early = Quota("sum", (0, 0), (5, 5), START, END, wake, "hard")
    assert said_of(early)[2] == "hibernating (hard) until 27 Nov 06:30"


def test_what_is_used_up_and_still_awake_says_so() -> None:
    spent = Quota("in", (9, 9), (0, 9), START, END, START, "awake")
    assert said_of(spent, None)[0].endswith("resets 1 Dec 00:00, used up")


def test_what_is_not_known_is_not_said() -> None:
    assert said_of(Quota()) == ()
    assert said_of(Quota("sum", hibernating="awake")) == ()
    assert said_of(Quota(end=END)) == ("quota: resets 1 Dec 00:00", "resets 1 Dec 00:00")
    assert said_of(Quota("in", (5, 0)))[0] == "quota (in): 5 B used"
    assert said_of(Quota("in", remaining=(5, 9))) == (
        "quota (in): 5 B left",
        "quota: 5 B left",
        "5 B left",
    )
    assert said_of(Quota(hibernating="soft"))[0] == "hibernating (soft: no new connections)"
