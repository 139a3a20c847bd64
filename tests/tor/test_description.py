"""What a tor is asked of itself, and how often it is asked again for what it refused."""

from bwgraph.tor.description import (
    ACCOUNTING_COMMANDS,
    FINGERPRINT_COMMAND,
    LIMIT_COMMANDS,
    ROUNDS_AFTER_REFUSAL,
    Questions,
)


class Tor:
    """Described each command with its own last word, but for what a test says."""

    def __init__(self, **answers: str | None) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: str) -> str | None:
        self.asked.append(command)
        key = command.split()[1]
        return self.answers.get(key.replace("/", "_").replace("-", "_"), key)


def test_each_key_is_asked_for_in_a_command_of_its_own() -> None:
    tor = Tor(accounting_enabled="1")
    told = Questions().ask_all(tor)
    assert tor.asked == [FINGERPRINT_COMMAND, *LIMIT_COMMANDS, *ACCOUNTING_COMMANDS]
    assert all(len(command.split()) == 2 for command in tor.asked)
    assert told["accounting/bytes-left"] == "accounting/bytes-left"
    assert len(told) == len(tor.asked)


def test_of_accounting_that_is_off_nothing_more_is_asked() -> None:
    for enabled in ("0", "", None):
        tor = Tor(accounting_enabled=enabled)
        Questions().ask_all(tor)
        assert tor.asked == [FINGERPRINT_COMMAND, *LIMIT_COMMANDS]


def test_a_key_that_was_refused_is_asked_for_rarely_and_the_others_always() -> None:
    tor, questions = Tor(accounting_enabled="0", fingerprint=None), Questions()
    for _ in range(2 * ROUNDS_AFTER_REFUSAL + 1):
        assert "fingerprint" not in questions.ask_all(tor)
    assert tor.asked.count("GETINFO fingerprint") == 3
    assert tor.asked.count("GETCONF BandwidthRate") == 2 * ROUNDS_AFTER_REFUSAL + 1


def test_a_name_that_is_granted_in_the_end_is_told_always() -> None:
    tor, questions = Tor(accounting_enabled="0", fingerprint=None), Questions()
    questions.ask_all(tor)
    del tor.answers["fingerprint"]
    found = [questions.ask_all(tor).get("fingerprint") for _ in range(ROUNDS_AFTER_REFUSAL + 1)]
    assert found == [*[None] * (ROUNDS_AFTER_REFUSAL - 1), "fingerprint", "fingerprint"]
    assert tor.asked.count(FINGERPRINT_COMMAND) == 2, "once it is known it is not asked for"


def test_a_key_that_only_failed_is_asked_for_again() -> None:
    tor, questions = Tor(accounting_enabled="0", fingerprint=""), Questions()
    for _ in range(3):
        assert "fingerprint" not in questions.ask_all(tor)
    assert tor.asked.count("GETINFO fingerprint") == 3
