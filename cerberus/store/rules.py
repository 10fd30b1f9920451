"""Bindings and grants as the rules that the policy function reads. Columns, not objects: there may be many."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Level, Rule, Source, SubjectKind, rules_of_binding, rules_of_grants
from cerberus.store import projects, roles
from cerberus.store.records import ProjectInfo
from cerberus.store.tables import BindingRow, GrantRow, ProjectRow, RoleRow, SubjectRow


class Holder(NamedTuple):
    """Whom a rule names."""

    id: int
    name: str
    kind: SubjectKind


Holders = Mapping[int, Holder]


def of_bindings(session: OrmSession, which: ColumnElement[bool]) -> list[Rule]:
    """
    The rules of these bindings, but for deleted projects. One statement.
    """
    query = _bindings(which, *WHOM).join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
    rows = session.execute(query)
    return [rule for *binding, id, name, kind in rows for rule in _of_binding(_holder(id, name, kind), *binding)]


def of_grants(session: OrmSession, which: ColumnElement[bool]) -> tuple[Rule, ...]:
    """
    The rules of these grants, but for deleted projects. One statement.
    """
    query = _grants(which, *WHOM).join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
    rows = session.execute(query)
    return rules_of_grants(_of_grant(_holder(id, name, kind), *grant) for *grant, id, name, kind in rows)


def of_bindings_to(session: OrmSession, holders: Holders) -> tuple[list[Rule], dict[str, ProjectInfo]]:
    """
    The rules of all bindings to these holders, and the projects that they are in. One statement.
    """
    query = _bindings(BindingRow.subject_id.in_(holders), BindingRow.subject_id, *projects.SHOWN)
    found: list[Rule] = []
    infos: dict[str, ProjectInfo] = {}
    for id, role, expires_at, levels, manages_project, slug, subject_id, *shown in session.execute(query):
        given = _of_binding(holders[subject_id], id, role, expires_at, levels, manages_project, slug)
        found += given
        if given and slug not in infos:
            infos[slug] = ProjectInfo(slug, *shown)
    return found, infos


def of_grants_to(session: OrmSession, holders: Holders) -> tuple[Rule, ...]:
    """
    The rules of all grants to these holders, and of what they own. One statement.
    """
    rows = session.execute(_grants(GrantRow.subject_id.in_(holders), GrantRow.subject_id))
    return rules_of_grants(_of_grant(holders[subject_id], *grant) for *grant, subject_id in rows)


WHOM: Final = (SubjectRow.id, SubjectRow.name, SubjectRow.kind)


def _holder(id: int, name: str, kind: str) -> Holder:
    return Holder(id, name, SubjectKind(kind))


def _bindings(which: ColumnElement[bool], *more: Any) -> Select[Any]:
    made_from = (BindingRow.id, BindingRow.role, BindingRow.expires_at)
    return (
        select(*made_from, RoleRow.levels, RoleRow.manages_project, ProjectRow.slug, *more)
        .join(ProjectRow, ProjectRow.id == BindingRow.project_id)
        .outerjoin(RoleRow, roles.in_reach())
        .where(which, ProjectRow.deleted_at.is_(None))
    )


def _of_binding(
    holder: Holder,
    id: int,
    role: str,
    expires_at: datetime | None,
    levels: str | None,
    manages_project: bool,
    project: str,
) -> tuple[Rule, ...]:
    meant = roles.meant(role, levels, manages_project=manages_project)
    if meant is None:
        return ()
    return rules_of_binding(
        meant,
        binding_id=id,
        project=project,
        subject_id=holder.id,
        subject_name=holder.name,
        subject_kind=holder.kind,
        expires_at=expires_at,
    )


def _grants(which: ColumnElement[bool], *more: Any) -> Select[Any]:
    made_from = (GrantRow.id, GrantRow.kind, GrantRow.resource_id, GrantRow.level, GrantRow.source, GrantRow.expires_at)
    return (
        select(*made_from, ProjectRow.slug, *more)
        .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
        .where(which, ProjectRow.deleted_at.is_(None))
    )


def _of_grant(
    holder: Holder,
    id: int,
    kind: str,
    resource_id: str,
    level: str,
    source: str,
    expires_at: datetime | None,
    project: str,
) -> Rule:
    return Rule(
        subject_id=holder.id,
        subject_name=holder.name,
        subject_kind=holder.kind,
        project=project,
        kind=roles.as_kind(kind),
        resource_id=resource_id,
        level=Level(level),
        source=Source(source),
        id=id,
        expires_at=expires_at,
    )
