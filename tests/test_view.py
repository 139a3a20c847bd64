"""The one table of keys."""

from bwgraph.graph import BLOCK
from bwgraph.view import ACTIONS, BINDINGS, Action, View


def test_no_key_and_no_name_is_bound_twice() -> None:
    assert len({binding.key for binding in BINDINGS}) == len(BINDINGS)
    assert len({binding.name for binding in BINDINGS}) == len(BINDINGS)


def test_every_action_has_a_key() -> None:
    assert {binding.action for binding in BINDINGS} == set(Action)


def test_keys_are_looked_up_in_the_table_that_explains_them() -> None:
    assert {binding.key: binding.action for binding in BINDINGS} == ACTIONS


def test_every_key_has_a_name_and_a_help_that_any_terminal_can_show() -> None:
    for binding in BINDINGS:
        assert binding.name
        assert binding.help
        assert (binding.name + binding.help).isascii()
        assert (binding.name + binding.help).isprintable()


def test_a_key_is_named_as_it_is_typed() -> None:
    for binding in BINDINGS:
        if binding.key < 0x20:
            assert binding.name == f"^{chr(binding.key + 0x40)}"
        else:
            assert binding.name == chr(binding.key)


def test_q_quits() -> None:
    assert ACTIONS[ord("q")] is Action.QUIT


def test_a_view_is_drawn_in_blocks_unless_told_otherwise() -> None:
    assert View().glyphs is BLOCK
