"""Who gains and who loses what, as commands print it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from cerberus.service.effects import Effect, in_words

MOST_LINES: Final = 50


def lines_of(effects: Sequence[Effect]) -> Iterator[str]:
    """
    One line for each person, project and way in which permissions change there; at most fifty.
    """
    words = in_words(effects)
    yield from words[:MOST_LINES]
    if len(words) > MOST_LINES:
        yield f"... and {len(words) - MOST_LINES} more (--json has all)"


def values_of(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """
    The same for programs.
    """
    return [asdict(effect) for effect in effects]
