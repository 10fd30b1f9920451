"""Bindings and grants as the rules that the policy function reads. Columns, not objects: there may be many."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Level, Role, Rule, Source, SubjectKind, rules_of_binding, rules_of_grants
from cerberus.store import projects, roles
from cerberus.store.records import ProjectInfo
from cerberus.store.tables import BindingRow, GrantRow, ProjectRow, RoleRow, SubjectRow


class Holder(NamedTuple):
    """Whom a rule names."""

    id: int
    name: str
    kind: SubjectKind


Holders = Mapping[int, Holder]


class Binding(NamedTuple):
    """Who has which role, until when."""

    holder: Holder
    id: int
    role: Role
    expires_at: datetime | None

    def rules(self, project: str) -> tuple[Rule, ...]:
        """
        What it means in the project.
        """
        return rules_of_binding(
            self.role,
            binding_id=self.id,
            project=project,
            subject_id=self.holder.id,
            subject_name=self.holder.name,
            subject_kind=self.holder.kind,
            expires_at=self.expires_at,
        )


def of_bindings(session: OrmSession, which: ColumnElement[bool]) -> list[Rule]:
    """
    The rules of these bindings, but for deleted projects. One statement.
    """
    query = _bindings(which, *WHOM).join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
    found: list[Rule] = []
    for id, role, expires_at, levels, manages_project, slug, *whom in session.execute(query):
        meant = roles.meant(role, levels, manages_project=manages_project)
        if meant is not None:
            found += Binding(_holder(*whom), id, meant, expires_at).rules(slug)
    return found


def of_grants(session: OrmSession, which: ColumnElement[bool]) -> tuple[Rule, ...]:
    """
    The rules of these grants, but for deleted projects. One statement.
    """
    query = _grants(which, *WHOM).join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
    rows = session.execute(query)
    return rules_of_grants(_of_grant(_holder(id, name, kind), *grant) for *grant, id, name, kind in rows)


def of_bindings_to(session: OrmSession, holders: Holders) -> tuple[dict[str, list[Binding]], dict[str, ProjectInfo]]:
    """
    All bindings to these holders by project, and those projects. One statement.
    """
    query = _bindings(BindingRow.subject_id.in_(holders), BindingRow.subject_id, *projects.SHOWN)
    found: dict[str, list[Binding]] = {}
    infos: dict[str, ProjectInfo] = {}
    for id, role, expires_at, levels, manages_project, slug, subject_id, *shown in session.execute(query):
        meant = roles.meant(role, levels, manages_project=manages_project)
        if meant is None:
            continue
        if slug not in infos:
            infos[slug] = ProjectInfo(slug, *shown)
            found[slug] = []
        found[slug].append(Binding(holders[subject_id], id, meant, expires_at))
    return found, infos


class ByProject(Mapping[str, tuple[Rule, ...]]):
    """
    Rules by project, those of bindings before others, made for each project when it is first asked about: somebody in
    many groups is in very many projects, and asks about few.
    """

    def __init__(self, bindings: Mapping[str, Sequence[Binding]], others: Iterable[Rule]) -> None:
        self._bindings = bindings
        self._others: dict[str, list[Rule]] = {}
        for rule in others:
            self._others.setdefault(rule.project, []).append(rule)
        self._slugs = dict.fromkeys((*bindings, *self._others))
        self._made: dict[str, tuple[Rule, ...]] = {}

    def __getitem__(self, slug: str) -> tuple[Rule, ...]:
        made = self._made.get(slug)
        if made is None:
            if slug not in self._slugs:
                raise KeyError(slug)
            bound = (rule for binding in self._bindings.get(slug, ()) for rule in binding.rules(slug))
            made = self._made[slug] = (*bound, *self._others.get(slug, ()))
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._slugs)

    def __len__(self) -> int:
        return len(self._slugs)


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
