"""
What holds for each command: it says what its exit codes mean, and it can speak JSON.
"""

import argparse
from collections.abc import Iterator

import pytest

from cerberus.cli.call import EXIT_CODES, MEANING, Exit
from cerberus.cli.main import build_parser


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every parser that ends in a command, however deep."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in inner:
        for each in action.choices.values():
            yield from commands(each)
    if not inner:
        yield parser


EVERY = list(commands(build_parser()))


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.prog)
def test_it_says_what_its_exit_codes_mean_and_speaks_json(command):
    text = " ".join(command.format_help().split())
    assert EXIT_CODES in text
    assert "--json" in text
    assert command.description


def test_every_exit_code_has_a_meaning():
    assert set(MEANING) == set(Exit)
    assert len(EVERY) > 20
