"""Who gains and who loses what, as answers show it."""

from typing import Final

from cerberus.api.shapes import Answer
from cerberus.policy import Kind, Level, SubjectKind, Verb
from cerberus.service.effects import Effect, in_words, people_in

MOST_SHOWN: Final = 1_000


class EffectShown(Answer):
    """
    What changes for one person on one resource; `resource_id` `*` is every other one of the kind, `project` `*` every
    other project. `before` and `after` are null for nothing at all. A group as the person stands for all its people,
    at most `people`, where they are too many to be named.
    """

    person: str
    person_kind: SubjectKind
    project: str
    kind: Kind
    resource_id: str
    before: Level | None
    after: Level | None
    gained: tuple[Verb, ...]
    lost: tuple[Verb, ...]
    people: int


class Effects(Answer):
    """
    All effects in words, and the first thousand for programs; `total` is how many there are, `people` for how many at
    most.
    """

    people: int
    total: int
    summary: tuple[str, ...]
    items: tuple[EffectShown, ...]

    @classmethod
    def shown(cls, effects: tuple[Effect, ...]) -> "Effects":
        """
        The answer that shows these.
        """
        return cls(
            people=people_in(effects),
            total=len(effects),
            summary=tuple(in_words(effects)[:MOST_SHOWN]),
            items=tuple(EffectShown.of(effect) for effect in effects[:MOST_SHOWN]),
        )
