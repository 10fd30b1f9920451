"""Who gains and who loses which permission: the difference between two sides of a change. No database in here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cerberus.policy import (
    ANY,
    LEVEL_VERBS,
    RUN_DATA_KINDS,
    Kind,
    Level,
    Levels,
    PlatformRole,
    Principal,
    Rule,
    SubjectKind,
    Verb,
    levels_within_limits,
)
from cerberus.store.reached import Reached
from cerberus.store.snapshot import Facts, Holder

NOTHING = Levels(None)
NO_VERBS: frozenset[Verb] = frozenset()


@dataclass(frozen=True, slots=True, order=True)
class Effect:
    """
    What changes for one person on one resource. `resource_id` `*` is every other one of the kind; `project` `*` every
    other project (for an admin). `before` and `after` are what they may do in the end: None stands for nothing.

    A group as the person stands for all its people, at most `people`, where they are too many to be named.
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
    people: int = 1


@dataclass(slots=True)
class _Side:
    """One side of the comparison; remembers what equal sets of rules gave."""

    facts: Facts
    now: datetime
    known: dict[object, Mapping[Kind, Levels]] = field(default_factory=dict)

    def levels(self, person: int, project: str) -> Mapping[Kind, Levels]:
        """
        What the person may do in the project, by kind; empty for nothing at all.
        """
        holder = self.facts.people.get(person)
        archived = self.facts.archived.get(project)
        if holder is None or holder.disabled or archived is None:
            return {}
        rules = self._rules(holder, project)
        if not rules and not holder.admin:
            return {}
        key = (holder.admin, archived, frozenset((r.kind, r.resource_id, r.level, r.source) for r in rules))
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = dict(self._levels(holder, project, rules, archived))
        return found

    def _rules(self, holder: Holder, project: str) -> list[Rule]:
        by_subject = self.facts.rules.get(project)
        if not by_subject:
            return []
        held, other = holder.held, by_subject
        if len(other) < len(held):
            return [rule for subject, rules in other.items() if subject in held for rule in rules]
        return [rule for subject in held if subject in other for rule in other[subject]]

    def _levels(self, holder: Holder, project: str, rules: list[Rule], archived: bool) -> Iterator[tuple[Kind, Levels]]:
        principal = Principal(
            id=holder.id,
            name=holder.name,
            groups=holder.held,
            platform_roles=frozenset({PlatformRole.ADMIN}) if holder.admin else frozenset(),
        )
        for kind in Kind:
            yield kind, levels_within_limits(principal, kind, project, rules, now=self.now, archived=archived)


def effects_between(before: Facts, after: Facts, where: Reached, *, now: datetime) -> list[Effect]:
    """
    Every permission that somebody of `where` gains or loses, by person, project, kind and id.
    """
    old, new = _Side(before, now), _Side(after, now)
    found: list[Effect] = []
    for project, people in _pairs(before, after, where).items():
        for person in people:
            one, other = old.levels(person, project), new.levels(person, project)
            if one is not other and one != other:
                holder = after.people.get(person) or before.people[person]
                found += _compared(holder, project, one, other)
    for person in where.everywhere:
        found += _elsewhere(before.people.get(person), after.people.get(person))
    return sorted(found, key=_place)


def _pairs(before: Facts, after: Facts, where: Reached) -> dict[str, set[int]]:
    found = {project: set(people) for project, people in where.within.items()}
    of_subject: dict[int, set[str]] = {}
    for facts in (before, after):
        for project, rules in facts.rules.items():
            for subject in rules:
                of_subject.setdefault(subject, set()).add(project)
    for person in where.everywhere:
        for subject in _differently_held(before.people.get(person), after.people.get(person)):
            for project in of_subject.get(subject, ()):
                found.setdefault(project, set()).add(person)
    return found


def _differently_held(before: Holder | None, after: Holder | None) -> frozenset[int]:
    # Where somebody holds the same before and after, only the rules can differ: `within` names where they do.
    if before is None or after is None:
        holder = before or after
        return frozenset() if holder is None else holder.held
    if (before.disabled, before.admin) != (after.disabled, after.admin):
        return before.held | after.held
    return before.held ^ after.held


def _elsewhere(before: Holder | None, after: Holder | None) -> Iterator[Effect]:
    # An admin may do everything in projects without a rule for them, which nobody has loaded.
    ruled, rules = (side is not None and side.admin and not side.disabled for side in (before, after))
    holder = after or before
    if ruled != rules and holder is not None:
        everything = {kind: Levels(Level.MANAGE) for kind in Kind}
        yield from _compared(holder, ANY, everything if ruled else {}, everything if rules else {})


def _compared(
    holder: Holder, project: str, before: Mapping[Kind, Levels], after: Mapping[Kind, Levels]
) -> Iterator[Effect]:
    for kind in Kind:
        old, new = before.get(kind, NOTHING), after.get(kind, NOTHING)
        for resource_id in (ANY, *sorted({*old.named, *new.named})):
            one, other = (side.default if resource_id == ANY else side.of(resource_id) for side in (old, new))
            had, has = (LEVEL_VERBS[level] if level else NO_VERBS for level in (one, other))
            if had != has:
                yield Effect(
                    person=holder.name,
                    person_kind=holder.kind,
                    project=project,
                    kind=kind,
                    resource_id=resource_id,
                    before=one if had else None,
                    after=other if has else None,
                    gained=_in_order(has - had),
                    lost=_in_order(had - has),
                    people=holder.people,
                )


def _in_order(verbs: frozenset[Verb]) -> tuple[Verb, ...]:
    return tuple(verb for verb in Verb if verb in verbs)


def _place(effect: Effect) -> tuple[str, str, int, bool, str]:
    kinds = list(Kind)
    return effect.person, effect.project, kinds.index(effect.kind), effect.resource_id != ANY, effect.resource_id


def in_words(effects: Iterable[Effect]) -> list[str]:
    """
    One sentence for each person and project, and each way in which permissions change there.
    """
    folded: dict[tuple[str, str, Level | None, Level | None], list[Effect]] = {}
    for effect in effects:
        folded.setdefault((effect.person, effect.project, effect.before, effect.after), []).append(effect)
    return [
        f"{_who(found[0])} in {'every other project' if project == ANY else project}: {_changed(found[0])} on "
        f"{', '.join(_things(found))}: {_level(before)} -> {_level(after)}"
        for (_, project, before, after), found in folded.items()
    ]


def _who(effect: Effect) -> str:
    if effect.person_kind is not SubjectKind.GROUP:
        return effect.person
    return f"group {effect.person} (at most {effect.people:,} {'person' if effect.people == 1 else 'people'})"


def _changed(effect: Effect) -> str:
    gained, lost = (", ".join(verbs) for verbs in (effect.gained, effect.lost))
    return " and ".join(part for part in (gained and f"gains {gained}", lost and f"loses {lost}") if part)


def _things(effects: list[Effect]) -> Iterator[str]:
    whole = [effect.kind for effect in effects if effect.resource_id == ANY]
    if set(RUN_DATA_KINDS) <= set(whole):
        yield "everything"
        whole = [kind for kind in whole if kind is Kind.PROJECT]
    for kind in whole:
        yield "the project itself" if kind is Kind.PROJECT else f"every {_name(kind)}"
    for effect in effects:
        if effect.resource_id != ANY:
            yield f"{_name(effect.kind)} {effect.resource_id}"


def _name(kind: Kind) -> str:
    return kind.replace("_", " ")


def _level(level: Level | None) -> str:
    return level or "nothing"


def people_in(effects: Iterable[Effect]) -> int:
    """
    How many people the effects are about, at most.
    """
    return sum({(effect.person, effect.people): effect.people for effect in effects}.values())
