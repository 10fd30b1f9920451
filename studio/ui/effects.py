"""Who gains and who loses what, in a sentence or two instead of a table of kinds."""

from __future__ import annotations

from collections.abc import Iterable

from cerberus.policy import ANY, RUN_DATA_KINDS, Kind, Verb
from cerberus.service import Effect
from studio.ui.text import plain

Change = tuple[str, str, tuple[Verb, ...], tuple[Verb, ...]]


def sentences(effects: Iterable[Effect]) -> list[str]:
    """One Markdown line for each person, project and change; kinds with the same change share one."""
    changes: dict[Change, list[Effect]] = {}
    for effect in effects:
        changes.setdefault((effect.person, effect.project, effect.gained, effect.lost), []).append(effect)
    return [_sentence(change, of_it) for change, of_it in changes.items()]


def _sentence(change: Change, effects: list[Effect]) -> str:
    person, project, gained, lost = change
    verbs = [f"{word} *{', '.join(some)}*" for word, some in (("gains", gained), ("loses", lost)) if some]
    *most, last = _things(effects)
    things = f"{', '.join(most)} and {last}" if most else last
    return f"**{plain(person)}** {' and '.join(verbs)} on {things} in **{plain(project)}**"


def _things(effects: list[Effect]) -> list[str]:
    whole = [effect.kind for effect in effects if effect.resource_id == ANY]
    named = [f"the {_word(effect.kind)} {plain(effect.resource_id)}" for effect in effects if effect.resource_id != ANY]
    everything = ["everything"] if set(whole) >= set(RUN_DATA_KINDS) else []
    kinds = [kind for kind in whole if not everything or kind not in RUN_DATA_KINDS]
    each = ["the project itself" if kind is Kind.PROJECT else f"each {_word(kind)}" for kind in kinds]
    return [*everything, *each, *named]


def _word(kind: Kind) -> str:
    return kind.replace("_", " ")
