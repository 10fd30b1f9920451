"""Whom the rules on one resource can reach: people found from the resource, never by looking at everybody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CTE, ColumnElement, or_, select, union
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import ANY, Kind, Level, PlatformRole, Resource, Rule, Source, SubjectKind
from cerberus.store import rules
from cerberus.store.tables import (
    BindingRow,
    GrantRow,
    MembershipRow,
    PlatformRoleRow,
    ProjectRow,
    SubjectRow,
    in_force,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enabled user or service account that some rule on the resource may reach."""

    id: int
    name: str
    kind: SubjectKind
    display_name: str


def _speaks(project_id: int, resource: Resource) -> ColumnElement[bool]:
    """
    Which grants can speak of the resource: those on it or its kind; of the project itself all that tell of it.
    """
    inside = GrantRow.project_id == project_id
    if resource.kind is Kind.PROJECT:
        return inside & (GrantRow.source == Source.GRANT) & (GrantRow.level != Level.DENY)
    named = (GrantRow.kind == resource.kind) & GrantRow.resource_id.in_({resource.id, ANY})
    return inside & or_(named, (GrantRow.kind == ANY) & (GrantRow.resource_id == ANY))


def rules_about(session: OrmSession, project: ProjectRow, resource: Resource) -> tuple[Rule, ...]:
    """
    Every rule of anybody that can speak of the resource. Two statements.
    """
    bound = rules.of_bindings(session, BindingRow.project_id == project.id)
    return (*bound, *rules.of_grants(session, _speaks(project.id, resource)))


def reached(
    session: OrmSession, project: ProjectRow, resource: Resource, *, now: datetime, after: str, limit: int
) -> list[Candidate]:
    """
    Whom a rule in force that gives anything can reach, through groups too, and every admin: by name, those after
    `after`. One statement.
    """
    given = _reached_ids(project, resource, now)
    found = session.execute(
        select(SubjectRow.id, SubjectRow.name, SubjectRow.kind, SubjectRow.display_name)
        .join(given, given.c.id == SubjectRow.id)
        .where(SubjectRow.kind != SubjectKind.GROUP, SubjectRow.disabled.is_(False), SubjectRow.name > after)
        .order_by(SubjectRow.name)
        .limit(limit)
    )
    return [Candidate(id, name, SubjectKind(kind), display_name) for id, name, kind, display_name in found]


def _reached_ids(project: ProjectRow, resource: Resource, now: datetime) -> CTE:
    bound = select(BindingRow.subject_id.label("id")).where(
        BindingRow.project_id == project.id, in_force(BindingRow, now)
    )
    granted = select(GrantRow.subject_id).where(
        _speaks(project.id, resource),
        GrantRow.level != Level.DENY,
        in_force(GrantRow, now),
    )
    admins = select(PlatformRoleRow.subject_id).where(PlatformRoleRow.role == PlatformRole.ADMIN)
    named = union(bound, granted, admins).cte("named")
    given = select(named.c.id).cte("given", recursive=True)
    return given.union(select(MembershipRow.member_id).join(given, MembershipRow.group_id == given.c.id))


def groups_of_each(session: OrmSession, ids: Iterable[int], *, among: Iterable[int]) -> dict[int, set[int]]:
    """
    Which of the groups `among` each of these subjects is in, through other groups too. One statement.
    """
    groups = tuple(among)
    if not groups:
        return {}
    mine = (
        select(MembershipRow.member_id.label("who"), MembershipRow.group_id.label("group_id"))
        .where(MembershipRow.member_id.in_(tuple(ids)))
        .cte("mine", recursive=True)
    )
    above = select(mine.c.who, MembershipRow.group_id).join(mine, MembershipRow.member_id == mine.c.group_id)
    every = mine.union(above)
    found: dict[int, set[int]] = {}
    for who, group_id in session.execute(select(every.c.who, every.c.group_id).where(every.c.group_id.in_(groups))):
        found.setdefault(who, set()).add(group_id)
    return found


def admins_among(session: OrmSession, ids: Iterable[int]) -> frozenset[int]:
    """
    Which of these subjects are admins. One statement.
    """
    query = select(PlatformRoleRow.subject_id).where(
        PlatformRoleRow.role == PlatformRole.ADMIN, PlatformRoleRow.subject_id.in_(tuple(ids))
    )
    return frozenset(session.scalars(query))
