"""Loads who somebody is and every rule that concerns them, in a handful of statements however large the database is."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import (
    BUILT_IN_ROLES,
    Level,
    PlatformRole,
    Principal,
    Role,
    Rule,
    Source,
    SubjectKind,
    rules_of_binding,
    rules_of_grant,
)
from cerberus.store import roles
from cerberus.store.projects import project_info
from cerberus.store.records import ProjectInfo
from cerberus.store.tables import BindingRow, GrantRow, MembershipRow, PlatformRoleRow, ProjectRow, RoleRow, SubjectRow


@dataclass(frozen=True, slots=True)
class Loaded:
    """A principal, its rules by project, and the projects that they are in (for an admin, every project)."""

    principal: Principal
    rules: Mapping[str, tuple[Rule, ...]]
    projects: Mapping[str, ProjectInfo]


def groups_of(session: OrmSession, subject_id: int) -> frozenset[int]:
    """
    The groups that the subject is in, through other groups too. A circle of groups does no harm.
    """
    mine = select(MembershipRow.group_id).where(MembershipRow.member_id == subject_id).cte("mine", recursive=True)
    above = select(MembershipRow.group_id).join(mine, MembershipRow.member_id == mine.c.group_id)
    return frozenset(session.scalars(select(mine.union(above).c.group_id)))


def load(session: OrmSession, subject_id: int) -> Loaded | None:
    """
    The principal with all scopes; None when there is no such user or service account. At most six statements.
    """
    row = session.get(SubjectRow, subject_id)
    if row is None or row.kind == SubjectKind.GROUP:
        return None
    roles = session.scalars(select(PlatformRoleRow.role).where(PlatformRoleRow.subject_id == subject_id))
    principal = Principal(
        id=row.id,
        name=row.name,
        kind=SubjectKind(row.kind),
        display_name=row.display_name,
        groups=groups_of(session, subject_id),
        platform_roles=frozenset(PlatformRole(role) for role in roles),
        disabled=row.disabled,
    )
    rules: dict[str, list[Rule]] = {}
    projects: dict[str, ProjectInfo] = {}
    if principal.is_admin:
        alive = select(ProjectRow).where(ProjectRow.deleted_at.is_(None))
        projects = {project.slug: project_info(project) for project in session.scalars(alive)}
    ids = (principal.id, *principal.groups)
    for project, rule in (*_bindings(session, ids), *_grants(session, ids)):
        projects[project.slug] = project_info(project)
        rules.setdefault(project.slug, []).append(rule)
    return Loaded(principal, {slug: tuple(found) for slug, found in rules.items()}, projects)


def _bindings(session: OrmSession, ids: tuple[int, ...]) -> list[tuple[ProjectRow, Rule]]:
    found = session.execute(
        select(BindingRow, SubjectRow, ProjectRow, RoleRow)
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .join(ProjectRow, ProjectRow.id == BindingRow.project_id)
        .outerjoin(RoleRow, roles.in_reach())
        .where(BindingRow.subject_id.in_(ids), ProjectRow.deleted_at.is_(None))
    )
    return [
        (project, rule)
        for binding, subject, project, custom in found
        if (role := _role(binding.role, custom)) is not None
        for rule in rules_of_binding(
            role,
            binding_id=binding.id,
            project=project.slug,
            subject_id=subject.id,
            subject_name=subject.name,
            subject_kind=SubjectKind(subject.kind),
            expires_at=binding.expires_at,
        )
    ]


def _role(name: str, custom: RoleRow | None) -> Role | None:
    # A built-in name means the built-in role, whatever somebody wrote into the table; one that is gone gives nothing.
    return BUILT_IN_ROLES.get(name) or (None if custom is None else roles.role(custom))


def _grants(session: OrmSession, ids: tuple[int, ...]) -> list[tuple[ProjectRow, Rule]]:
    found = session.execute(
        select(GrantRow, SubjectRow, ProjectRow)
        .join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
        .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
        .where(GrantRow.subject_id.in_(ids), ProjectRow.deleted_at.is_(None))
    )
    return [
        (project, rule) for grant, subject, project in found for rule in rules_of_grant(_rule(grant, subject, project))
    ]


def _rule(grant: GrantRow, subject: SubjectRow, project: ProjectRow) -> Rule:
    return Rule(
        subject_id=subject.id,
        subject_name=subject.name,
        subject_kind=SubjectKind(subject.kind),
        project=project.slug,
        kind=roles.as_kind(grant.kind),
        resource_id=grant.resource_id,
        level=Level(grant.level),
        source=Source(grant.source),
        id=grant.id,
        expires_at=grant.expires_at,
    )
