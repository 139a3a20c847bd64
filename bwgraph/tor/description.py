"""What tor says about itself besides its traffic: its fingerprint, its limits, its accounting.

Owns which keys are asked for, in which order, how soon a refused key is asked for again, and how
the answers are parsed. Must not know how a key is asked for. An answer that cannot be parsed counts
as missing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from bwgraph.model.quota import UNLIMITED_RATE, BytePair, Context, Hibernation, Limit, Quota, Rule

FINGERPRINT_COMMAND = "GETINFO fingerprint"
"Sent until it is answered: the fingerprint of a tor process does not change."

LIMIT_COMMANDS = (
    "GETCONF BandwidthRate",
    "GETCONF RelayBandwidthRate",
    "GETINFO accounting/enabled",
)
"One command for each key: a filter refuses a whole command for one key that it does not allow."

ACCOUNTING_COMMANDS = (
    "GETCONF AccountingRule",
    "GETINFO accounting/hibernating",
    "GETINFO accounting/bytes",
    "GETINFO accounting/bytes-left",
    "GETINFO accounting/interval-start",
    "GETINFO accounting/interval-end",
    "GETINFO accounting/interval-wake",
)
"Sent only if accounting is enabled."

ROUNDS_AFTER_REFUSAL = 10
"Rounds from the refusal of a command to the next attempt: a filter logs each refusal."

Ask = Callable[[str], str | None]
"""A function that sends a command and returns the value of its key. The value is empty if there is
none, and None if tor or a filter refuses the command."""


class Questions:
    """The questions about one tor, asked in rounds on one connection.

    >>> answers = {"GETCONF BandwidthRate": "5242880"}
    >>> Questions().ask_all(answers.get)
    {'BandwidthRate': '5242880'}
    """

    def __init__(self) -> None:
        self._rounds = 0
        self._fingerprint: dict[str, str] = {}  # by key, as in an answer
        self._refused_in: dict[str, int] = {}  # by command: the round

    def ask_all(self, ask: Ask) -> dict[str, str]:
        """Ask for each key that is due. Returns the answers that are not empty, by key."""
        if not self._fingerprint:
            self._ask((FINGERPRINT_COMMAND,), ask, self._fingerprint)
        answers = dict(self._fingerprint)
        self._ask(LIMIT_COMMANDS, ask, answers)
        if answers.get("accounting/enabled") == "1":
            self._ask(ACCOUNTING_COMMANDS, ask, answers)
        self._rounds += 1
        return answers

    def _ask(self, commands: tuple[str, ...], ask: Ask, answers: dict[str, str]) -> None:
        for command in commands:
            refused_in = self._refused_in.get(command)
            if refused_in is not None and self._rounds - refused_in < ROUNDS_AFTER_REFUSAL:
                continue
            answer = ask(command)
            if answer is None:
                self._refused_in[command] = self._rounds
            else:
                self._refused_in.pop(command, None)
            if answer:
                answers[command.partition(" ")[2]] = answer


# For the type checker: text to Literal.
_RULES: Mapping[str, Rule] = {"max": "max", "sum": "sum", "in": "in", "out": "out"}
_HIBERNATIONS: Mapping[str, Hibernation] = {"awake": "awake", "soft": "soft", "hard": "hard"}


def parse_context(answers: Mapping[str, str]) -> Context:
    """Parse tor's answers, each under the key that was asked for.

    >>> parse_context({"BandwidthRate": "5242880", "accounting/enabled": "0"})
    Context(fingerprint='', limit=Limit(rate=5242880, name='BandwidthRate'), quota=None)
    """
    fingerprint = answers.get("fingerprint", "")
    if len(fingerprint) != 40 or not set(fingerprint) <= set("0123456789ABCDEF"):
        fingerprint = ""
    quota = _parse_quota(answers) if answers.get("accounting/enabled") == "1" else None
    return Context(fingerprint, _parse_limit(answers, relay=bool(fingerprint)), quota)


def _parse_limit(answers: Mapping[str, str], *, relay: bool) -> Limit | None:
    """Return the lowest rate that limits tor, or None.

    BandwidthRate limits all of tor's traffic, RelayBandwidthRate only that of a relay, and
    MaxAdvertisedBandwidth nothing.
    """
    names = ("BandwidthRate", "RelayBandwidthRate") if relay else ("BandwidthRate",)
    rates = [(parse_number(answers.get(name, "")) or UNLIMITED_RATE, name) for name in names]
    rate, name = min(rates, key=lambda pair: pair[0])
    return Limit(rate, name) if rate < UNLIMITED_RATE else None


def _parse_quota(answers: Mapping[str, str]) -> Quota:
    def accounting(key: str) -> str:
        return answers.get(f"accounting/{key}", "")

    return Quota(
        rule=_RULES.get(answers.get("AccountingRule", "").lower()),
        moved=parse_pair(accounting("bytes")),
        remaining=parse_pair(accounting("bytes-left")),
        start=_parse_time(accounting("interval-start")),
        end=_parse_time(accounting("interval-end")),
        wake=_parse_time(accounting("interval-wake")),
        hibernating=_HIBERNATIONS.get(accounting("hibernating").lower()),
    )


def parse_pair(text: str, separator: str = " ") -> BytePair | None:
    """Parse two numbers; return None if the text is anything else.

    >>> parse_pair("379 0"), parse_pair("379,0", ","), parse_pair("379"), parse_pair("a b")
    ((379, 0), (379, 0), None, None)
    """
    first, _, second = text.partition(separator)
    pair = parse_number(first), parse_number(second)
    return None if pair[0] is None or pair[1] is None else (pair[0], pair[1])


def _parse_time(text: str) -> datetime | None:
    """Parse a time in UTC; return None for other text, and for 1970, which means "never".

    >>> str(_parse_time("2026-11-25 00:00:00")), _parse_time("1970-01-01 00:00:00")
    ('2026-11-25 00:00:00+00:00', None)
    >>> _parse_time("soon")
    """
    try:
        when = datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return when if 1970 < when.year < 3000 else None  # valid in every time zone


def parse_number(text: str) -> int | None:
    """Parse a number of up to 20 digits; return None for any other text.

    >>> parse_number("42"), parse_number("-1"), parse_number("")
    (42, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
