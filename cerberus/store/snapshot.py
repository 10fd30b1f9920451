"""What many people hold, loaded in a bounded number of statements: the two sides of a what-if."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import (
    BUILT_IN_ROLES,
    Level,
    PlatformRole,
    Role,
    Rule,
    Source,
    SubjectKind,
    rules_of_binding,
    rules_of_grant,
)
from cerberus.store import roles
from cerberus.store.tables import BindingRow, GrantRow, MembershipRow, PlatformRoleRow, ProjectRow, RoleRow, SubjectRow

AT_ONCE = 5_000
"""How many ids one statement names."""


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
    def people(self) -> set[int]:
        """
        Everybody who is reached anywhere.
        """
        return self.everywhere.union(*self.within.values())


@dataclass(frozen=True, slots=True)
class Holder:
    """
    A person as one side of the comparison has them, or a group for all its people (at most `people`); `held` are the
    ids whose rules are theirs.
    """

    id: int
    name: str
    kind: SubjectKind
    disabled: bool
    admin: bool
    held: frozenset[int]
    people: int = 1


@dataclass(slots=True)
class Facts:
    """People, the projects that are there (and whether archived), and rules in force by project and subject."""

    people: dict[int, Holder] = field(default_factory=dict)
    archived: dict[str, bool] = field(default_factory=dict)
    rules: dict[str, dict[int, list[Rule]]] = field(default_factory=dict)


def reached(session: OrmSession, reach: Reach, *, most: int) -> Reached:
    """
    The people whom the reach names now, directly or through groups. Where groups have more than `most` people
    together, the largest stand for theirs.
    """
    named = reach.everywhere.union(*reach.within.values())
    ids = dict(_rows(session, select(SubjectRow.name, SubjectRow.id), SubjectRow.name, named))
    within = {project: {ids[name] for name in subjects if name in ids} for project, subjects in reach.within.items()}
    for project, subject_id in _everybody_of(session, reach.whole):
        within.setdefault(project, set()).add(subject_id)
    everywhere = {ids[name] for name in reach.everywhere if name in ids}
    opened = Opened.of(session, [everywhere, *within.values()], most=most)
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
        groups_only = _GROUPS.where(SubjectRow.kind == SubjectKind.GROUP)
        roots = {key for (key,) in _rows(session, groups_only, SubjectRow.id, set().union(*places))}
        inside = groups_inside(session, roots)
        counted = select(MembershipRow.group_id, func.count()).group_by(MembershipRow.group_id)
        counts = dict(_rows(session, counted, MembershipRow.group_id, set().union(*inside.values())))
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
        for group, person in _rows(session, people, MembershipRow.group_id, open_groups):
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
    return {group: _closure({group}, below) for group in groups}


def facts(session: OrmSession, found: Reached, now: datetime) -> Facts:
    """
    What the people hold at that moment, where they are reached.
    """
    result = Facts()
    people = found.people
    above = _edges(session, people)
    admins = {subject_id for (subject_id,) in _rows(session, _ADMINS, PlatformRoleRow.subject_id, people)}
    for key, name, kind, disabled in _rows(session, _PEOPLE, SubjectRow.id, people):
        if kind != SubjectKind.GROUP or key in found.groups:
            held = frozenset(_closure({key}, above))
            size = found.groups.get(key, 1)
            result.people[key] = Holder(key, name, SubjectKind(kind), disabled, key in admins, held, size)
    _add_rules(session, result, _closure(found.everywhere, above), None, now)
    in_projects = set().union(*found.within.values()) - found.everywhere
    _add_rules(session, result, _closure(in_projects, above), set(found.within), now)
    slugs = {*found.within, *result.rules}
    for slug, archived_at in _rows(session, _PROJECTS, ProjectRow.slug, slugs):
        result.archived[slug] = archived_at is not None
    return result


def with_groups(session: OrmSession, names: Iterable[str]) -> Iterator[tuple[int, ...]]:
    """
    The ids of the subjects and of the groups that they are in, in lots that one statement can name.
    """
    ids = {key for (key,) in _rows(session, select(SubjectRow.id), SubjectRow.name, names)}
    yield from chunks(_closure(ids, _edges(session, ids)))


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


_GROUPS = select(SubjectRow.id)
_PEOPLE = select(SubjectRow.id, SubjectRow.name, SubjectRow.kind, SubjectRow.disabled)
_ADMINS = select(PlatformRoleRow.subject_id).where(PlatformRoleRow.role == PlatformRole.ADMIN)
_PROJECTS = select(ProjectRow.slug, ProjectRow.archived_at).where(ProjectRow.deleted_at.is_(None))


def chunks(values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """
    The values in lots that one statement can name.
    """
    rest = iter(sorted(values))
    while lot := tuple(islice(rest, AT_ONCE)):
        yield lot


def _rows(session: OrmSession, query: Any, column: Any, values: Iterable[Any]) -> Iterator[Any]:
    for lot in chunks(values):
        yield from session.execute(query.where(column.in_(lot)))


def _everybody_of(session: OrmSession, slugs: set[str]) -> Iterator[tuple[str, int]]:
    # Admins are in every project without a row that says so.
    for row_of in (BindingRow, GrantRow):
        query = select(ProjectRow.slug, row_of.subject_id).join(ProjectRow, ProjectRow.id == row_of.project_id)
        yield from _rows(session, query.distinct(), ProjectRow.slug, slugs)
    if slugs:
        for admin in session.scalars(_ADMINS).all():
            yield from ((slug, admin) for slug in slugs)


def _edges(session: OrmSession, start: Iterable[int]) -> dict[int, list[int]]:
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
        for one, other in _rows(session, query, here, frontier):
            edges.setdefault(one, []).append(other)
            following.add(other)
        frontier = following - seen
    return edges


def _closure(start: Iterable[int], edges: Mapping[int, list[int]]) -> set[int]:
    found = set(start)
    waiting = [each for each in found if each in edges]
    while waiting:
        for other in edges[waiting.pop()]:
            if other not in found:
                found.add(other)
                if other in edges:
                    waiting.append(other)
    return found


def _add_rules(
    session: OrmSession, result: Facts, subjects: set[int], projects: set[str] | None, now: datetime
) -> None:
    for make, query, column, expires_at in (
        (_of_binding, _BINDINGS, BindingRow.subject_id, BindingRow.expires_at),
        (_of_grant, _GRANTS, GrantRow.subject_id, GrantRow.expires_at),
    ):
        living = query.where(or_(expires_at.is_(None), expires_at > now))
        for lot in chunks(projects) if projects is not None else [None]:
            chosen = living if lot is None else living.where(ProjectRow.slug.in_(lot))
            for row in _rows(session, chosen, column, subjects):
                of_project = result.rules.setdefault(row.slug, {})
                of_project.setdefault(row.subject_id, []).extend(make(row))


_BINDINGS = (
    select(
        BindingRow.id,
        BindingRow.subject_id,
        BindingRow.role,
        ProjectRow.slug,
        RoleRow.levels,
        RoleRow.manages_project,
    )
    .join(ProjectRow, ProjectRow.id == BindingRow.project_id)
    .outerjoin(RoleRow, roles.in_reach())
    .where(ProjectRow.deleted_at.is_(None))
)
_GRANTS = (
    select(
        GrantRow.id,
        GrantRow.subject_id,
        GrantRow.kind,
        GrantRow.resource_id,
        GrantRow.level,
        GrantRow.source,
        ProjectRow.slug,
    )
    .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
    .where(ProjectRow.deleted_at.is_(None))
)


def _of_binding(row: Any) -> tuple[Rule, ...]:
    role = BUILT_IN_ROLES.get(row.role)
    if role is None:
        if row.levels is None:
            return ()
        role = Role(row.role, "", roles.levels_of(row.levels), row.manages_project)
    return rules_of_binding(
        role,
        binding_id=row.id,
        project=row.slug,
        subject_id=row.subject_id,
        subject_name="",
        subject_kind=SubjectKind.USER,
        expires_at=None,
    )


def _of_grant(row: Any) -> tuple[Rule, ...]:
    return rules_of_grant(
        Rule(
            subject_id=row.subject_id,
            subject_name="",
            subject_kind=SubjectKind.USER,
            project=row.slug,
            kind=roles.as_kind(row.kind),
            resource_id=row.resource_id,
            level=Level(row.level),
            source=Source(row.source),
            id=row.id,
        )
    )
