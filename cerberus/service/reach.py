"""Everybody who may do something: the rules on the resource, and `decide` for each whom they can reach."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cerberus.policy import (
    Decision,
    PlatformRole,
    Principal,
    Resource,
    Rule,
    SubjectKind,
    Verb,
    decide,
)
from cerberus.store import candidates
from cerberus.store.candidates import Candidate
from cerberus.store.database import Transaction
from cerberus.store.tables import ProjectRow

MOST_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Reaching:
    """A person or service account that may, with the decision that says why."""

    name: str
    kind: SubjectKind
    display_name: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the rules that can speak of it."""

    verb: Verb
    resource: Resource
    archived: bool
    now: datetime
    rules: dict[int, list[tuple[int, Rule]]]
    """By subject, each rule with its place: the places keep the order in which all of them were loaded."""

    @classmethod
    def of(cls, verb: Verb, resource: Resource, rules: Iterable[Rule], *, archived: bool, now: datetime) -> "Question":
        """
        The question with its rules arranged by subject.
        """
        by_subject: dict[int, list[tuple[int, Rule]]] = {}
        for place, rule in enumerate(rules):
            by_subject.setdefault(rule.subject_id, []).append((place, rule))
        return cls(verb, resource, archived, now, by_subject)

    @property
    def groups(self) -> list[int]:
        """
        The groups that a rule names.
        """
        return [id for id, found in self.rules.items() if found[0][1].subject_kind is SubjectKind.GROUP]

    def answer(self, principal: Principal) -> Decision:
        """
        The decision for one person, under the rules that concern them.
        """
        ids = (principal.id, *principal.groups)
        mine = sorted(numbered for id in ids for numbered in self.rules.get(id, ()))
        rules = [rule for _, rule in mine]
        return decide(principal, self.verb, self.resource, rules, now=self.now, archived=self.archived)

    def possible(self) -> bool:
        """
        Whether anybody may at all: what an admin may not do, nobody may.
        """
        somebody = Principal(id=0, name="", platform_roles=frozenset({PlatformRole.ADMIN}))
        return self.answer(somebody).allowed


def those_who_can(
    session: Transaction,
    project: ProjectRow,
    verb: Verb,
    resource: Resource,
    *,
    now: datetime,
    after: str,
    limit: int,
) -> list[Reaching]:
    """
    The first `limit` people, by name after `after`, who may `verb` the resource. Five statements, and three for each
    further batch where many whom a rule reaches may not after all.
    """
    rules = candidates.rules_about(session, project, resource)
    question = Question.of(verb, resource, rules, archived=project.archived_at is not None, now=now)
    found: list[Reaching] = []
    batch = limit
    while question.possible() and len(found) < limit:
        people = candidates.reached(session, project, resource, now=now, after=after, limit=batch)
        found += _allowed(session, question, people)
        if len(people) < batch:
            break
        after, batch = people[-1].name, min(2 * batch, MOST_AT_ONCE)
    return found[:limit]


def _allowed(session: Transaction, question: Question, people: Sequence[Candidate]) -> list[Reaching]:
    ids = [person.id for person in people]
    groups = candidates.groups_of_each(session, ids, among=question.groups)
    admins = candidates.admins_among(session, ids)
    found = []
    for person in people:
        principal = Principal(
            id=person.id,
            name=person.name,
            kind=person.kind,
            groups=frozenset(groups.get(person.id, ())),
            platform_roles=frozenset({PlatformRole.ADMIN}) if person.id in admins else frozenset(),
        )
        decision = question.answer(principal)
        if decision.allowed:
            found.append(Reaching(person.name, person.kind, person.display_name, decision))
    return found
