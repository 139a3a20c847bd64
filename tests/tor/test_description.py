"""A tor's answers about itself: which are asked for, how often, and how they are parsed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.quota import Context, Limit, Quota
from bwgraph.screen.quota_text import quota_lines
from bwgraph.tor.description import (
    ACCOUNTING_COMMANDS,
    FINGERPRINT_COMMAND,
    LIMIT_COMMANDS,
    ROUNDS_AFTER_REFUSAL,
    Questions,
    parse_context,
)

GIB = 1 << 30
NOW = datetime(2026, 11, 25, 3, 42, 24, tzinfo=UTC)
FINGERPRINT = "E6A164EC691FB3C4422B77D7785C88C0E7710683"

ANSWERS = {
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
"The answers of tor 0.4.9.11, as a client with AccountingMax 1 GBytes."

KEYS = [
    command.partition(" ")[2]
    for command in (FINGERPRINT_COMMAND, *LIMIT_COMMANDS, *ACCOUNTING_COMMANDS)
]


class Tor:
    """Answers each command with its own key, unless ``answers`` has another answer for it."""

    def __init__(self, **answers: str | None) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: str) -> str | None:
        self.asked.append(command)
        key = command.split()[1]
        return self.answers.get(key.replace("/", "_").replace("-", "_"), key)


def test_each_key_has_a_command_of_its_own() -> None:
    tor = Tor(accounting_enabled="1")
    answers = Questions().ask_all(tor)
    assert tor.asked == [FINGERPRINT_COMMAND, *LIMIT_COMMANDS, *ACCOUNTING_COMMANDS]
    assert all(len(command.split()) == 2 for command in tor.asked)
    assert answers["accounting/bytes-left"] == "accounting/bytes-left"
    assert len(answers) == len(tor.asked)


def test_no_accounting_keys_are_asked_for_if_accounting_is_disabled() -> None:
    for enabled in ("0", "", None):
        tor = Tor(accounting_enabled=enabled)
        Questions().ask_all(tor)
        assert tor.asked == [FINGERPRINT_COMMAND, *LIMIT_COMMANDS]


def test_refused_key_is_asked_for_rarely_and_the_others_each_round() -> None:
    tor, questions = Tor(accounting_enabled="0", fingerprint=None), Questions()
    for _ in range(2 * ROUNDS_AFTER_REFUSAL + 1):
        assert "fingerprint" not in questions.ask_all(tor)
    assert tor.asked.count("GETINFO fingerprint") == 3
    assert tor.asked.count("GETCONF BandwidthRate") == 2 * ROUNDS_AFTER_REFUSAL + 1


def test_fingerprint_is_asked_for_until_it_is_answered_and_then_remembered() -> None:
    tor, questions = Tor(accounting_enabled="0", fingerprint=None), Questions()
    questions.ask_all(tor)
    del tor.answers["fingerprint"]
    answers = [questions.ask_all(tor).get("fingerprint") for _ in range(ROUNDS_AFTER_REFUSAL + 1)]
    assert answers == [*[None] * (ROUNDS_AFTER_REFUSAL - 1), "fingerprint", "fingerprint"]
    assert tor.asked.count(FINGERPRINT_COMMAND) == 2, "the answer is remembered"


def test_key_without_a_value_is_asked_for_each_round() -> None:
    tor, questions = Tor(accounting_enabled="0", fingerprint=""), Questions()
    for _ in range(3):
        assert "fingerprint" not in questions.ask_all(tor)
    assert tor.asked.count("GETINFO fingerprint") == 3


# Parsing: limits.


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
def test_limit_is_the_lowest_rate_that_applies(
    bandwidth: str,
    relay: str,
    as_client: tuple[int, str] | None,
    as_relay: tuple[int, str] | None,
) -> None:
    answers = {"BandwidthRate": bandwidth, "RelayBandwidthRate": relay}
    assert parse_context(answers).limit == (Limit(*as_client) if as_client else None)
    answers["fingerprint"] = FINGERPRINT
    assert parse_context(answers).limit == (Limit(*as_relay) if as_relay else None)


def test_advertised_rate_is_no_limit() -> None:
    assert parse_context({"MaxAdvertisedBandwidth": "1000", "BandwidthBurst": "1000"}) == Context()


@pytest.mark.parametrize(
    "text", ["", "E6A1", FINGERPRINT.lower(), FINGERPRINT + "0", "\x1b[2J" * 10, "é" * 40]
)
def test_invalid_fingerprint_makes_no_relay(text: str) -> None:
    answers = {"fingerprint": text, "BandwidthRate": "900", "RelayBandwidthRate": "5"}
    assert parse_context(answers) == Context("", Limit(900, "BandwidthRate"))


# Parsing: accounting.


def quota_of(answers: Mapping[str, str]) -> Quota:
    """The quota in answers that have one."""
    quota = parse_context(answers).quota
    assert quota is not None
    return quota


def test_answers_of_a_real_tor_are_parsed() -> None:
    assert parse_context(ANSWERS) == Context(
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
    assert (quota_of(ANSWERS).used, quota_of(ANSWERS).left) == (379, GIB - 379)


@pytest.mark.parametrize("enabled", ["0", "", "yes"])
def test_without_accounting_there_is_no_quota(enabled: str) -> None:
    assert parse_context({**ANSWERS, "accounting/enabled": enabled}).quota is None


@pytest.mark.parametrize(
    ("rule", "bytes_left", "used", "left"),
    [
        ("max", "800 700", 300, 700),
        ("sum", "500 500", 500, 500),
        ("in", "800 1000", 200, 800),
        ("out", "1000 700", 300, 700),
    ],
)
def test_each_accounting_rule_is_parsed(rule: str, bytes_left: str, used: int, left: int) -> None:
    quota = quota_of(
        {
            **ANSWERS,
            "AccountingRule": rule,
            "accounting/bytes": "200 300",
            "accounting/bytes-left": bytes_left,
        }
    )
    assert (quota.rule, quota.used, quota.left) == (rule, used, left)


@pytest.mark.parametrize("text", ["", "half"])
def test_unknown_rule_makes_a_quota_without_one(text: str) -> None:
    quota = quota_of({**ANSWERS, "AccountingRule": text})
    assert (quota.used, quota.left, quota.rule) == (None, None, None)
    assert quota.seconds_left((1e12, 1e12), NOW) is None
    assert quota.end is not None


@PROPERTY
@given(
    texts=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, st.text())),
    valid=st.sets(st.sampled_from(sorted(ANSWERS))),
    odd=st.sampled_from(["0001-01-01 00:00:00", "9999-12-31 23:59:59", "9" * 20 + " 0", "² ²"]),
    odd_key=st.sampled_from(KEYS),
    pace=st.none() | st.tuples(st.floats(0, 1e300), st.floats(0, 1e300)),
    zone=st.integers(-23, 23),
)
def test_any_text_in_any_answer_is_harmless(
    texts: dict[str, str],
    valid: set[str],
    odd: str,
    odd_key: str,
    pace: tuple[float, float] | None,
    zone: int,
) -> None:
    answers = {**texts, odd_key: odd, **{key: ANSWERS[key] for key in valid}}
    context = parse_context(answers)
    # Valid answers are parsed, whatever the others are.
    if "BandwidthRate" in valid and not context.fingerprint:
        assert context.limit == Limit(5242880, "BandwidthRate")
    if context.quota is None:
        return
    if "accounting/bytes" in valid:
        assert context.quota.moved == (379, 0)
    place = timezone(timedelta(hours=zone))
    lines = quota_lines(context.quota, pace, NOW, lambda when: when.astimezone(place))
    assert all(line.isascii() and line.isprintable() for line in lines)
