"""What many people hold, loaded in a bounded number of statements: the two sides of a what-if."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Level, Rule, Source, SubjectKind, rules_of_binding, rules_of_grant
from cerberus.store import roles
from cerberus.store.reached import ADMINS, Reached, chunks, closure, groups_above, rows_in
from cerberus.store.tables import BindingRow, GrantRow, PlatformRoleRow, ProjectRow, RoleRow, SubjectRow, in_force


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


def facts(session: OrmSession, found: Reached, now: datetime) -> Facts:
    """
    What the people hold at that moment, where they are reached.
    """
    result = Facts()
    people = found.people
    above = groups_above(session, people)
    admins = {subject_id for (subject_id,) in rows_in(session, ADMINS, PlatformRoleRow.subject_id, people)}
    for key, name, kind, disabled in rows_in(session, _PEOPLE, SubjectRow.id, people):
        if kind != SubjectKind.GROUP or key in found.groups:
            held = frozenset(closure({key}, above))
            size = found.groups.get(key, 1)
            result.people[key] = Holder(key, name, SubjectKind(kind), disabled, key in admins, held, size)
    _add_rules(session, result, closure(found.everywhere, above), None, now)
    in_projects = set().union(*found.within.values()) - found.everywhere
    _add_rules(session, result, closure(in_projects, above), set(found.within), now)
    slugs = {*found.within, *result.rules}
    for slug, archived_at in rows_in(session, _PROJECTS, ProjectRow.slug, slugs):
        result.archived[slug] = archived_at is not None
    return result


_PEOPLE = select(SubjectRow.id, SubjectRow.name, SubjectRow.kind, SubjectRow.disabled)
_PROJECTS = select(ProjectRow.slug, ProjectRow.archived_at).where(ProjectRow.deleted_at.is_(None))


def _add_rules(
    session: OrmSession, result: Facts, subjects: set[int], projects: set[str] | None, now: datetime
) -> None:
    kinds: tuple[tuple[Any, Any, type[BindingRow] | type[GrantRow]], ...] = (
        (_of_binding, _BINDINGS, BindingRow),
        (_of_grant, _GRANTS, GrantRow),
    )
    for make, query, table in kinds:
        living = query.where(in_force(table, now))
        for lot in chunks(projects) if projects is not None else [None]:
            chosen = living if lot is None else living.where(ProjectRow.slug.in_(lot))
            for row in rows_in(session, chosen, table.subject_id, subjects):
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
    role = roles.meant(row.role, row.levels, manages_project=row.manages_project)
    if role is None:
        return ()
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
