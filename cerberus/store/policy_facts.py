"""Reads the policy that the database holds: all of it, or what a file names, in one statement a section."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Source, SubjectKind
from cerberus.store.reached import rows_in
from cerberus.store.roles import EVERYWHERE, levels_of
from cerberus.store.tables import (
    Base,
    BindingRow,
    GrantRow,
    MembershipRow,
    PlatformRoleRow,
    PolicyStateRow,
    ProjectRow,
    RoleRow,
    SubjectRow,
    in_force,
)
from cerberus.store.world import Account, ProjectFacts, RoleFacts, Scope, Someone, Terms, World

SUBJECTS = Base.metadata.tables["subjects"]
OF_THE_POLICY = ""
"""The source of what somebody decided. What sign-in put there, and takes away again, is no policy."""


def load(session: OrmSession, scope: Scope | None, now: datetime) -> World:
    """
    What is in force at that moment, within the scope.
    """
    world = World()
    _load_people(session, world, None if scope is None else scope.people)
    _load_groups(session, world, None if scope is None else scope.groups)
    _load_roles(session, world, scope)
    projects = None if scope is None else scope.projects
    _load_projects(session, world, projects)
    _load_bindings(session, world, projects, now)
    _load_grants(session, world, projects, now)
    return world


def rows(session: OrmSession, query: Any, column: Any, names: Iterable[Any] | None) -> Iterator[Any]:
    """
    The rows of the query, those whose column is one of the names; with None all.
    """
    if names is None:
        yield from session.execute(query.execution_options(yield_per=10_000))
    else:
        yield from rows_in(session, query, column, names)


def _load_people(session: OrmSession, world: World, names: Iterable[str] | None) -> None:
    roles: dict[str, list[str]] = {}
    held = (
        select(SubjectRow.name, PlatformRoleRow.role)
        .join(PlatformRoleRow, PlatformRoleRow.subject_id == SubjectRow.id)
        .where(PlatformRoleRow.source == OF_THE_POLICY)
    )
    for name, role in rows(session, held, SubjectRow.name, names):
        roles.setdefault(name, []).append(role)
    users = select(SubjectRow.name, SubjectRow.display_name, SubjectRow.disabled).where(
        SubjectRow.kind == SubjectKind.USER
    )
    for name, display_name, disabled in rows(session, users, SubjectRow.name, names):
        world.people[name] = Someone(display_name, disabled, tuple(sorted(roles.get(name, ()))))


def _load_groups(session: OrmSession, world: World, names: Iterable[str] | None) -> None:
    groups = select(SubjectRow.name, SubjectRow.display_name).where(SubjectRow.kind == SubjectKind.GROUP)
    for name, display_name in rows(session, groups, SubjectRow.name, names):
        world.groups[name] = display_name
    group, member = SUBJECTS.alias("a_group"), SUBJECTS.alias("a_member")
    inside = (
        select(group.c.name, member.c.name)
        .select_from(MembershipRow)
        .join(group, group.c.id == MembershipRow.group_id)
        .join(member, member.c.id == MembershipRow.member_id)
        .where(MembershipRow.source == OF_THE_POLICY)
    )
    for one, other in rows(session, inside, group.c.name, names):
        world.memberships[one, other] = True


def _load_roles(session: OrmSession, world: World, scope: Scope | None) -> None:
    query = select(RoleRow.home, RoleRow.name, RoleRow.description, RoleRow.levels, RoleRow.manages_project)
    if scope is None:
        found = rows(session, query, RoleRow.home, None)
    else:
        everywhere = query.where(RoleRow.home == EVERYWHERE)
        found = iter(
            [
                *rows(session, everywhere, RoleRow.name, scope.roles),
                *rows(session, query, RoleRow.home, scope.projects),
            ]
        )
    for home, name, description, levels, manages in found:
        given = tuple(sorted((str(kind), str(level)) for kind, level in levels_of(levels).items()))
        world.roles[home, name] = RoleFacts(description, given, manages)


def _load_projects(session: OrmSession, world: World, slugs: Iterable[str] | None) -> None:
    query = select(
        ProjectRow.slug, ProjectRow.name, ProjectRow.description, ProjectRow.askable, ProjectRow.archived_at
    ).where(ProjectRow.deleted_at.is_(None))
    for slug, name, description, askable, archived_at in rows(session, query, ProjectRow.slug, slugs):
        world.projects[slug] = ProjectFacts(name, description, askable, archived_at is not None)
    accounts = (
        select(SubjectRow.name, ProjectRow.slug, SubjectRow.display_name, SubjectRow.disabled)
        .join(ProjectRow, ProjectRow.id == SubjectRow.project_id)
        .where(SubjectRow.kind == SubjectKind.SERVICE_ACCOUNT, ProjectRow.deleted_at.is_(None))
    )
    for name, slug, display_name, disabled in rows(session, accounts, ProjectRow.slug, slugs):
        world.accounts[name] = Account(slug, display_name, disabled)


def _load_bindings(session: OrmSession, world: World, slugs: Iterable[str] | None, now: datetime) -> None:
    query = (
        select(ProjectRow.slug, SubjectRow.name, BindingRow.role, BindingRow.expires_at, BindingRow.reason)
        .join(BindingRow, BindingRow.project_id == ProjectRow.id)
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .where(ProjectRow.deleted_at.is_(None), in_force(BindingRow, now))
    )
    for slug, name, role, until, reason in rows(session, query, ProjectRow.slug, slugs):
        world.members[slug, name] = Terms(role, until, reason)


def _load_grants(session: OrmSession, world: World, slugs: Iterable[str] | None, now: datetime) -> None:
    query = (
        select(
            ProjectRow.slug,
            GrantRow.kind,
            GrantRow.resource_id,
            SubjectRow.name,
            GrantRow.level,
            GrantRow.expires_at,
            GrantRow.reason,
        )
        .join(GrantRow, GrantRow.project_id == ProjectRow.id)
        .join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
        .where(
            ProjectRow.deleted_at.is_(None),
            GrantRow.source == Source.GRANT,
            in_force(GrantRow, now),
        )
    )
    for slug, kind, resource_id, name, level, until, reason in rows(session, query, ProjectRow.slug, slugs):
        world.grants[slug, kind, resource_id, name] = Terms(level, until, reason)


def kinds_of(session: OrmSession, names: Iterable[str]) -> dict[str, str]:
    """
    What each of these names belongs to; those that belong to nobody are left out.
    """
    return dict(rows(session, select(SubjectRow.name, SubjectRow.kind), SubjectRow.name, names))


def deleted_slugs(session: OrmSession, slugs: Iterable[str]) -> list[str]:
    """
    Those of the slugs that a deleted project keeps.
    """
    query = select(ProjectRow.slug).where(ProjectRow.deleted_at.is_not(None))
    return [slug for (slug,) in rows(session, query, ProjectRow.slug, slugs)]


def roles_of_every_project(session: OrmSession) -> set[str]:
    """
    The names of the custom roles that every project has.
    """
    return set(session.scalars(select(RoleRow.name).where(RoleRow.home == EVERYWHERE)))


def roles_of_projects(session: OrmSession, names: Iterable[str]) -> list[tuple[str, str]]:
    """
    Which projects have a custom role of their own by one of these names: project and name.
    """
    query = select(RoleRow.home, RoleRow.name).where(RoleRow.home != EVERYWHERE).order_by(RoleRow.home, RoleRow.name)
    return [(home, name) for home, name in rows(session, query, RoleRow.name, names)]


def groups_in_groups(session: OrmSession) -> list[tuple[str, str]]:
    """
    Each group with each group that is directly in it, whoever put it there.
    """
    group, member = SUBJECTS.alias("a_group"), SUBJECTS.alias("a_member")
    query = (
        select(group.c.name, member.c.name)
        .select_from(MembershipRow)
        .join(group, group.c.id == MembershipRow.group_id)
        .join(member, member.c.id == MembershipRow.member_id)
        .where(member.c.kind == SubjectKind.GROUP)
    )
    return [(one, other) for one, other in session.execute(query)]


def version(session: OrmSession) -> int:
    """
    The policy version that this transaction sees.
    """
    return session.scalar(select(PolicyStateRow.version).where(PolicyStateRow.id == 1)) or 0
