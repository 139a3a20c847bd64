"""What a tor is asked of itself now and then: its name as a relay, its limits, its accounting.

Owns which keys, in which order, and how often one is asked for again that tor has refused. Must
not know how a key is asked for, nor what its answer means.
"""

from collections.abc import Callable

NAME = "GETINFO fingerprint"
"Asked for until it is known: as long as it lives a tor keeps it."

ALWAYS = (
    "GETCONF BandwidthRate",
    "GETCONF RelayBandwidthRate",
    "GETINFO accounting/enabled",
)
"A command for each key: a filter refuses a whole line for one that it does not grant."

ACCOUNTING = (
    "GETCONF AccountingRule",
    "GETINFO accounting/hibernating",
    "GETINFO accounting/bytes",
    "GETINFO accounting/bytes-left",
    "GETINFO accounting/interval-start",
    "GETINFO accounting/interval-end",
    "GETINFO accounting/interval-wake",
)
"Asked for only where accounting is on."

RARELY = 10
"Rounds from one refusal of a key to the next try: a filter writes each one into its log."

Ask = Callable[[str], str | None]
"Gives the value; empty if there is none, None if tor or a filter refused the command."


class Inquiry:
    """Rounds of questions, on one connection.

    >>> answers = {"GETCONF BandwidthRate": "5242880"}
    >>> Inquiry().round(answers.get)
    {'BandwidthRate': '5242880'}
    """

    def __init__(self) -> None:
        self._rounds = 0
        self._name: dict[str, str] = {}  # by key, as in an answer
        self._refused: dict[str, int] = {}  # by command: in which round

    def round(self, ask: Ask) -> dict[str, str]:
        """Ask for everything once; the answers by key, without those that did not come."""
        if not self._name:
            self._ask((NAME,), ask, self._name)
        told = dict(self._name)
        self._ask(ALWAYS, ask, told)
        if told.get("accounting/enabled") == "1":
            self._ask(ACCOUNTING, ask, told)
        self._rounds += 1
        return told

    def _ask(self, commands: tuple[str, ...], ask: Ask, told: dict[str, str]) -> None:
        for command in commands:
            refused = self._refused.get(command)
            if refused is not None and self._rounds - refused < RARELY:
                continue
            answer = ask(command)
            if answer is None:
                self._refused[command] = self._rounds
            else:
                self._refused.pop(command, None)
            if answer:
                told[command.partition(" ")[2]] = answer
