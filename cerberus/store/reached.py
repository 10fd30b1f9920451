"""Whom a change reaches: names become people, groups are looked into, in a bounded number of statements."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import PlatformRole, SubjectKind
from cerberus.store import roles
from cerberus.store.tables import BindingRow, GrantRow, MembershipRow, PlatformRoleRow, ProjectRow, SubjectRow

AT_ONCE = 5_000
"""How many ids one statement names."""

PROJECTS_OF_MANY = 10
"""Whoever is reached everywhere is counted so often."""


@dataclass(slots=True)
class Reach:
    """
    Whom a change can touch, and where: subjects everywhere, subjects within one project, everybody of a project.
    """

    everywhere: set[str] = field(default_factory=set)
    within: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def add(self, subject: str, project: str) -> None:
        """
        The subject within the project.
        """
        self.within.setdefault(project, set()).add(subject)


@dataclass(slots=True)
class Reached:
    """
    The same as ids of people: groups are resolved to those in them, but for those in `groups`, which stand for all
    their people: how many at most is their value.
    """

    everywhere: set[int] = field(default_factory=set)
    within: dict[str, set[int]] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)

    def merge(self, other: "Reached") -> None:
        """
        Adds what the other one reaches.
        """
        self.everywhere |= other.everywhere
        for project, people in other.within.items():
            self.within.setdefault(project, set()).update(people)
        self.groups |= other.groups

    @property
    def size(self) -> int:
        """
        How many people, each counted in every project.
        """
        return len(self.everywhere) * PROJECTS_OF_MANY + sum(map(len, self.within.values()))

    @property
    def people(self) -> set[int]:
        """
        Everybody who is reached anywhere.
        """
        return self.everywhere.union(*self.within.values())


def reached(session: OrmSession, reach: Reach, *, most: int) -> Reached:
    """
    The people whom the reach names now, directly or through groups. Where groups have more than `most` people
    together, the largest stand for theirs.
    """
    named = reach.everywhere.union(*reach.within.values())
    ids = dict(rows_in(session, select(SubjectRow.name, SubjectRow.id), SubjectRow.name, named))
    within = {project: {ids[name] for name in subjects if name in ids} for project, subjects in reach.within.items()}
    for project, subject_id in _everybody_of(session, reach.whole):
        within.setdefault(project, set()).add(subject_id)
    everywhere = {ids[name] for name in reach.everywhere if name in ids}
    opened = Opened.of(session, [everywhere] * PROJECTS_OF_MANY + [*within.values()], most=most)
    return Reached(
        opened.people(everywhere),
        {project: opened.people(subjects) for project, subjects in within.items()},
        opened.closed,
    )


@dataclass(slots=True)
class Opened:
    """Groups whose people are known one by one, and those that stay closed because they have too many."""

    inside: dict[int, set[int]]
    members: dict[int, list[int]]
    closed: dict[int, int]

    @classmethod
    def of(cls, session: OrmSession, places: list[set[int]], *, most: int) -> "Opened":
        """
        Opens the groups of all places, the smallest first, as long as they have no more than `most` people together.
        """
        roots = {key for (key,) in rows_in(session, GROUPS, SubjectRow.id, set().union(*places))}
        inside = groups_inside(session, roots)
        counted = select(MembershipRow.group_id, func.count()).group_by(MembershipRow.group_id)
        counts = dict(rows_in(session, counted, MembershipRow.group_id, set().union(*inside.values())))
        sizes = {root: sum(counts.get(group, 0) for group in groups) for root, groups in inside.items()}
        closed: dict[int, int] = {}
        for root in sorted(roots, key=lambda root: (sizes[root], root)):
            most -= sizes[root] * sum(root in place for place in places)
            if most < 0:
                closed[root] = sizes[root]
        open_groups = set().union(*(groups for root, groups in inside.items() if root not in closed))
        members: dict[int, list[int]] = {}
        people = (
            select(MembershipRow.group_id, MembershipRow.member_id)
            .join(SubjectRow, SubjectRow.id == MembershipRow.member_id)
            .where(SubjectRow.kind != SubjectKind.GROUP)
        )
        for group, person in rows_in(session, people, MembershipRow.group_id, open_groups):
            members.setdefault(group, []).append(person)
        return cls(inside, members, closed)

    def people(self, subjects: set[int]) -> set[int]:
        """
        The subjects, with open groups resolved to those in them.
        """
        found: set[int] = set()
        for subject in subjects:
            if subject in self.closed or subject not in self.inside:
                found.add(subject)
            else:
                found.update(person for group in self.inside[subject] for person in self.members.get(group, ()))
        return found


def groups_inside(session: OrmSession, groups: Iterable[int]) -> dict[int, set[int]]:
    """
    Each of the groups with the groups that are in it, at any depth, itself among them.
    """
    below = _groups_below(session, groups)
    return {group: closure({group}, below) for group in groups}


def with_groups(session: OrmSession, names: Iterable[str]) -> Iterator[tuple[int, ...]]:
    """
    The ids of the subjects and of the groups that they are in, in lots that one statement can name.
    """
    ids = {key for (key,) in rows_in(session, select(SubjectRow.id), SubjectRow.name, names)}
    yield from chunks(closure(ids, groups_above(session, ids)))


def bound_to(session: OrmSession, home: str, role: str) -> Iterator[tuple[str, str]]:
    """
    The project and the name of each subject that has the role of that home.
    """
    query = (
        select(ProjectRow.slug, SubjectRow.name)
        .join(BindingRow, BindingRow.project_id == ProjectRow.id)
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .where(BindingRow.role == role)
    )
    if home != roles.EVERYWHERE:
        query = query.where(ProjectRow.slug == home)
    for found in session.execute(query):
        yield found.slug, found.name


GROUPS = select(SubjectRow.id).where(SubjectRow.kind == SubjectKind.GROUP)
ADMINS = select(PlatformRoleRow.subject_id).where(PlatformRoleRow.role == PlatformRole.ADMIN)


def chunks(values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """
    The values in lots that one statement can name.
    """
    rest = iter(sorted(values))
    while lot := tuple(islice(rest, AT_ONCE)):
        yield lot


def rows_in(session: OrmSession, query: Any, column: Any, values: Iterable[Any]) -> Iterator[Any]:
    """
    The rows of the query whose column is one of the values, however many those are.
    """
    for lot in chunks(values):
        yield from session.execute(query.where(column.in_(lot)))


def _everybody_of(session: OrmSession, slugs: set[str]) -> Iterator[tuple[str, int]]:
    # Admins are in every project without a row that says so.
    for row_of in (BindingRow, GrantRow):
        query = select(ProjectRow.slug, row_of.subject_id).join(ProjectRow, ProjectRow.id == row_of.project_id)
        yield from rows_in(session, query.distinct(), ProjectRow.slug, slugs)
    if slugs:
        for admin in session.scalars(ADMINS).all():
            yield from ((slug, admin) for slug in slugs)


def groups_above(session: OrmSession, start: Iterable[int]) -> dict[int, list[int]]:
    """
    From each subject to the groups that it is directly in, for all that can be reached: one statement a storey.
    """
    up = select(MembershipRow.member_id, MembershipRow.group_id)
    return _walk(session, up, MembershipRow.member_id, start)


def _groups_below(session: OrmSession, start: Iterable[int]) -> dict[int, list[int]]:
    """
    From each group to the groups that are directly in it.
    """
    down = (
        select(MembershipRow.group_id, MembershipRow.member_id)
        .join(SubjectRow, SubjectRow.id == MembershipRow.member_id)
        .where(SubjectRow.kind == SubjectKind.GROUP)
    )
    return _walk(session, down, MembershipRow.group_id, start)


def _walk(session: OrmSession, query: Any, here: Any, start: Iterable[int]) -> dict[int, list[int]]:
    edges: dict[int, list[int]] = {}
    seen: set[int] = set()
    frontier = set(start)
    while frontier:
        seen |= frontier
        following: set[int] = set()
        for one, other in rows_in(session, query, here, frontier):
            edges.setdefault(one, []).append(other)
            following.add(other)
        frontier = following - seen
    return edges


def closure(start: Iterable[int], edges: Mapping[int, list[int]]) -> set[int]:
    """
    Everything that the edges lead to from the start, which is in it.
    """
    found = set(start)
    waiting = [each for each in found if each in edges]
    while waiting:
        for other in edges[waiting.pop()]:
            if other not in found:
                found.add(other)
                if other in edges:
                    waiting.append(other)
    return found
