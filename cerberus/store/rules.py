"""Bindings and grants as the rules that the policy function reads. Columns, not objects: there may be many."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Level, Rule, Source, SubjectKind, rules_of_binding, rules_of_grants
from cerberus.store import roles
from cerberus.store.tables import BindingRow, GrantRow, ProjectRow, RoleRow, SubjectRow


def of_bindings(session: OrmSession, which: ColumnElement[bool]) -> list[Rule]:
    """
    The rules of these bindings, but for deleted projects. One statement.
    """
    found = session.execute(
        select(
            BindingRow.id,
            BindingRow.subject_id,
            BindingRow.role,
            BindingRow.expires_at,
            ProjectRow.slug,
            SubjectRow.name,
            SubjectRow.kind,
            RoleRow.levels,
            RoleRow.manages_project,
        )
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .join(ProjectRow, ProjectRow.id == BindingRow.project_id)
        .outerjoin(RoleRow, roles.in_reach())
        .where(which, ProjectRow.deleted_at.is_(None))
    )
    return [
        rule
        for binding in found
        if (role := roles.meant(binding.role, binding.levels, manages_project=binding.manages_project)) is not None
        for rule in rules_of_binding(
            role,
            binding_id=binding.id,
            project=binding.slug,
            subject_id=binding.subject_id,
            subject_name=binding.name,
            subject_kind=SubjectKind(binding.kind),
            expires_at=binding.expires_at,
        )
    ]


def of_grants(session: OrmSession, which: ColumnElement[bool]) -> tuple[Rule, ...]:
    """
    The rules of these grants, but for deleted projects. One statement.
    """
    found = session.execute(
        select(
            GrantRow.id,
            GrantRow.subject_id,
            GrantRow.kind.label("resource_kind"),
            GrantRow.resource_id,
            GrantRow.level,
            GrantRow.source,
            GrantRow.expires_at,
            ProjectRow.slug,
            SubjectRow.name,
            SubjectRow.kind,
        )
        .join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
        .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
        .where(which, ProjectRow.deleted_at.is_(None))
    )
    return rules_of_grants(
        Rule(
            subject_id=grant.subject_id,
            subject_name=grant.name,
            subject_kind=SubjectKind(grant.kind),
            project=grant.slug,
            kind=roles.as_kind(grant.resource_kind),
            resource_id=grant.resource_id,
            level=Level(grant.level),
            source=Source(grant.source),
            id=grant.id,
            expires_at=grant.expires_at,
        )
        for grant in found
    )
