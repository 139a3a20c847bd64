"""What a tor tells of itself besides its traffic: its name as a relay, its limits, its accounting.

Owns which keys are asked for, in which order, how often one is asked for again that tor has
refused, and what the answers mean. Must not know how a key is asked for. Whatever an answer holds,
what makes no sense of it is as good as not told.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from bwgraph.model.quota import UNLIMITED_RATE, BytePair, Context, Hibernation, Limit, Quota, Rule

FINGERPRINT_COMMAND = "GETINFO fingerprint"
"Asked for until it is known: as long as it lives a tor keeps it."

LIMIT_COMMANDS = (
    "GETCONF BandwidthRate",
    "GETCONF RelayBandwidthRate",
    "GETINFO accounting/enabled",
)
"A command for each key: a filter refuses a whole line for one that it does not grant."

ACCOUNTING_COMMANDS = (
    "GETCONF AccountingRule",
    "GETINFO accounting/hibernating",
    "GETINFO accounting/bytes",
    "GETINFO accounting/bytes-left",
    "GETINFO accounting/interval-start",
    "GETINFO accounting/interval-end",
    "GETINFO accounting/interval-wake",
)
"Asked for only where accounting is on."

ROUNDS_AFTER_REFUSAL = 10
"Rounds from one refusal of a key to the next try: a filter writes each one into its log."

Ask = Callable[[str], str | None]
"Gives the value; empty if there is none, None if tor or a filter refused the command."


class Questions:
    """Rounds of questions, on one connection.

    >>> answers = {"GETCONF BandwidthRate": "5242880"}
    >>> Questions().ask_all(answers.get)
    {'BandwidthRate': '5242880'}
    """

    def __init__(self) -> None:
        self._rounds = 0
        self._name: dict[str, str] = {}  # by key, as in an answer
        self._refused: dict[str, int] = {}  # by command: in which round

    def ask_all(self, ask: Ask) -> dict[str, str]:
        """Ask for everything once; the answers by key, without those that did not come."""
        if not self._name:
            self._ask((FINGERPRINT_COMMAND,), ask, self._name)
        told = dict(self._name)
        self._ask(LIMIT_COMMANDS, ask, told)
        if told.get("accounting/enabled") == "1":
            self._ask(ACCOUNTING_COMMANDS, ask, told)
        self._rounds += 1
        return told

    def _ask(self, commands: tuple[str, ...], ask: Ask, told: dict[str, str]) -> None:
        for command in commands:
            refused = self._refused.get(command)
            if refused is not None and self._rounds - refused < ROUNDS_AFTER_REFUSAL:
                continue
            answer = ask(command)
            if answer is None:
                self._refused[command] = self._rounds
            else:
                self._refused.pop(command, None)
            if answer:
                told[command.partition(" ")[2]] = answer


_RULES: Mapping[str, Rule] = {"max": "max", "sum": "sum", "in": "in", "out": "out"}


_HIBERNATIONS: Mapping[str, Hibernation] = {"awake": "awake", "soft": "soft", "hard": "hard"}


def parse_context(told: Mapping[str, str]) -> Context:
    """Make something of tor's answers, each under the key that it was asked for.

    >>> parse_context({"BandwidthRate": "5242880", "accounting/enabled": "0"})
    Context(fingerprint='', limit=Limit(rate=5242880, name='BandwidthRate'), quota=None)
    """
    fingerprint = told.get("fingerprint", "")
    if len(fingerprint) != 40 or not set(fingerprint) <= set("0123456789ABCDEF"):
        fingerprint = ""
    quota = _quota(told) if told.get("accounting/enabled") == "1" else None
    return Context(fingerprint, _limit(told, relay=bool(fingerprint)), quota)


def _limit(told: Mapping[str, str], *, relay: bool) -> Limit | None:
    """The lowest rate that really applies.

    BandwidthRate holds for all that tor moves, RelayBandwidthRate for what a relay passes on, and
    MaxAdvertisedBandwidth for nothing.
    """
    names = ("BandwidthRate", "RelayBandwidthRate") if relay else ("BandwidthRate",)
    rates = [(parse_number(told.get(name, "")) or UNLIMITED_RATE, name) for name in names]
    rate, name = min(rates, key=lambda known: known[0])
    return Limit(rate, name) if rate < UNLIMITED_RATE else None


def _quota(told: Mapping[str, str]) -> Quota:
    def told_of(key: str) -> str:
        return told.get(f"accounting/{key}", "")

    return Quota(
        rule=_RULES.get(told.get("AccountingRule", "").lower()),
        moved=_pair(told_of("bytes")),
        remaining=_pair(told_of("bytes-left")),
        start=_time(told_of("interval-start")),
        end=_time(told_of("interval-end")),
        wake=_time(told_of("interval-wake")),
        hibernating=_HIBERNATIONS.get(told_of("hibernating").lower()),
    )


def _pair(text: str) -> BytePair | None:
    """Two numbers of tor's.

    >>> _pair("379 0"), _pair("379"), _pair("a b")
    ((379, 0), None, None)
    """
    first, _, second = text.partition(" ")
    pair = parse_number(first), parse_number(second)
    return None if pair[0] is None or pair[1] is None else (pair[0], pair[1])


def _time(text: str) -> datetime | None:
    """A time of tor's, which is in UTC; None also for the epoch, with which it says 'never'.

    >>> str(_time("2026-11-25 00:00:00")), _time("1970-01-01 00:00:00"), _time("soon")
    ('2026-11-25 00:00:00+00:00', None, None)
    """
    try:
        when = datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return when if 1970 < when.year < 3000 else None  # in any time zone that there is


def parse_number(text: str) -> int | None:
    """A number of tor's; None if it is none.

    >>> parse_number("42"), parse_number("-1"), parse_number("")
    (42, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
