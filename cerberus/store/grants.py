"""Grants on single resources and on kinds, ownership among them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy import insert as sql_insert
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Kind, Level, Resource, Source, SubjectKind
from cerberus.store.records import Grant
from cerberus.store.roles import as_kind
from cerberus.store.tables import GrantRow, ProjectRow, SubjectRow

AT_ONCE: Final = 500
"""Ids that one statement names."""


def grant(row: GrantRow, subject: SubjectRow, project: str) -> Grant:
    """
    The row as a value.
    """
    return Grant(
        id=row.id,
        project=project,
        subject_id=subject.id,
        subject=subject.name,
        subject_kind=SubjectKind(subject.kind),
        kind=as_kind(row.kind),
        resource_id=row.resource_id,
        level=Level(row.level),
        source=Source(row.source),
        expires_at=row.expires_at,
        reason=row.reason,
        added_at=row.added_at,
        added_by=row.added_by,
    )


def find(
    session: OrmSession, project: ProjectRow, resource: Resource, subject_id: int, source: Source
) -> GrantRow | None:
    """
    The subject's grant of that source on the resource, or None.
    """
    return session.scalar(
        select(GrantRow).where(
            GrantRow.project_id == project.id,
            GrantRow.kind == resource.kind,
            GrantRow.resource_id == resource.id,
            GrantRow.subject_id == subject_id,
            GrantRow.source == source,
        )
    )


def insert(
    session: OrmSession,
    project: ProjectRow,
    resource: Resource,
    *,
    subject_id: int,
    level: Level,
    source: Source,
    expires_at: datetime | None,
    reason: str,
    at: datetime,
    by: str,
) -> GrantRow:
    """
    A new grant. IntegrityError when the subject has one of that source there.
    """
    row = GrantRow(
        project_id=project.id,
        subject_id=subject_id,
        kind=resource.kind,
        resource_id=resource.id,
        level=level,
        source=source,
        expires_at=expires_at,
        reason=reason,
        added_at=at,
        added_by=by,
    )
    session.add(row)
    session.flush()
    return row


def get(session: OrmSession, grant_id: int) -> tuple[GrantRow, Grant] | None:
    """
    The grant of that id as row and value, or None.
    """
    row = session.get(GrantRow, grant_id)
    if row is None:
        return None
    project = session.get_one(ProjectRow, row.project_id)
    return row, grant(row, session.get_one(SubjectRow, row.subject_id), project.slug)


def on(session: OrmSession, project: ProjectRow, resource: Resource) -> list[Grant]:
    """
    Every grant that names exactly this resource (or, with id `*`, exactly this kind), by subject.
    """
    found = session.execute(
        select(GrantRow, SubjectRow)
        .join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
        .where(GrantRow.project_id == project.id, GrantRow.kind == resource.kind, GrantRow.resource_id == resource.id)
        .order_by(SubjectRow.name)
    )
    return [grant(row, subject, project.slug) for row, subject in found]


def owners(session: OrmSession, project: ProjectRow, resource: Resource) -> list[tuple[GrantRow, Grant]]:
    """
    The ownership of exactly this resource, as rows and values, oldest first.
    """
    found = session.execute(
        select(GrantRow, SubjectRow)
        .join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
        .where(
            GrantRow.project_id == project.id,
            GrantRow.kind == resource.kind,
            GrantRow.resource_id == resource.id,
            GrantRow.source == Source.OWNERSHIP,
        )
        .order_by(GrantRow.id)
    )
    return [(row, grant(row, subject, project.slug)) for row, subject in found]


def page(
    session: OrmSession,
    project: ProjectRow,
    *,
    kind: Kind | None,
    resource_id: str | None,
    subject_id: int | None,
    source: Source | None,
    limit: int,
    after: int,
) -> list[Grant]:
    """
    Grants and ownership in the project that have all the given values, by id, those after the id `after`.
    """
    query = (
        select(GrantRow, SubjectRow)
        .join(SubjectRow, SubjectRow.id == GrantRow.subject_id)
        .where(GrantRow.project_id == project.id, GrantRow.id > after)
        .order_by(GrantRow.id)
        .limit(limit)
    )
    wanted = {
        GrantRow.kind: kind,
        GrantRow.resource_id: resource_id,
        GrantRow.subject_id: subject_id,
        GrantRow.source: source,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    return [grant(row, subject, project.slug) for row, subject in session.execute(query)]


def forget(session: OrmSession, project: ProjectRow, resource: Resource) -> int:
    """
    Deletes every grant on the resource; how many.
    """
    found = session.execute(
        delete(GrantRow).where(
            GrantRow.project_id == project.id, GrantRow.kind == resource.kind, GrantRow.resource_id == resource.id
        )
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


def forget_all(session: OrmSession, project: ProjectRow, kind: Kind, ids: Iterable[str]) -> int:
    """
    Deletes every grant on these resources of one kind; how many.
    """
    gone = 0
    for some in _portions(ids):
        found = session.execute(delete(GrantRow).where(_named(project, kind, some)))
        gone += int(found.rowcount)  # type: ignore[attr-defined]
    return gone


def owned(session: OrmSession, project: ProjectRow, kind: Kind, ids: Iterable[str]) -> set[str]:
    """
    Those of these resources of one kind that somebody owns.
    """
    return {
        each
        for some in _portions(ids)
        for each in session.scalars(
            select(GrantRow.resource_id).where(_named(project, kind, some), GrantRow.source == Source.OWNERSHIP)
        )
    }


def own_all(
    session: OrmSession,
    project: ProjectRow,
    kind: Kind,
    owners: Mapping[str, int],
    *,
    reason: str,
    at: datetime,
    by: str,
) -> None:
    """
    Makes subjects, by their ids, owners of resources of one kind. IntegrityError when one is already.
    """
    same = {"project_id": project.id, "kind": kind, "level": Level.MANAGE, "source": Source.OWNERSHIP}
    noted = {"expires_at": None, "reason": reason, "added_at": at, "added_by": by}
    rows = [{**same, **noted, "resource_id": each, "subject_id": subject} for each, subject in owners.items()]
    if rows:
        session.execute(sql_insert(GrantRow), rows)


def _named(project: ProjectRow, kind: Kind, ids: list[str]) -> ColumnElement[bool]:
    return and_(GrantRow.project_id == project.id, GrantRow.kind == kind, GrantRow.resource_id.in_(ids))


def _portions(ids: Iterable[str]) -> Iterator[list[str]]:
    """
    As many at a time as a statement may name.
    """
    left = iter(ids)
    while some := list(islice(left, AT_ONCE)):
        yield some


def rename(session: OrmSession, project: ProjectRow, resource: Resource, new_id: str) -> int:
    """
    Moves every grant on the resource to another id; how many.
    """
    found = session.execute(
        update(GrantRow)
        .where(GrantRow.project_id == project.id, GrantRow.kind == resource.kind, GrantRow.resource_id == resource.id)
        .values(resource_id=new_id)
    )
    return int(found.rowcount)  # type: ignore[attr-defined]


def of_experiment(session: OrmSession, experiment: Resource) -> list[Resource]:
    """
    The experiment, if grants name it, and its scorers that grants name.
    """
    scorers = f"{experiment.id}/"
    named = (
        and_(GrantRow.kind == Kind.EXPERIMENT, GrantRow.resource_id == experiment.id),
        and_(GrantRow.kind == Kind.SCORER, GrantRow.resource_id == experiment.id),
        and_(GrantRow.kind == Kind.SCORER, GrantRow.resource_id.startswith(scorers, autoescape=True)),
    )
    found = session.execute(
        select(GrantRow.kind, GrantRow.resource_id)
        .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
        .where(ProjectRow.slug == experiment.project, or_(*named))
        .distinct()
    )
    return [Resource(experiment.project, Kind(kind), resource_id) for kind, resource_id in found]
