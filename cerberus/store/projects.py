"""Projects and who has which role in them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import SubjectKind
from cerberus.store.records import Member, ProjectInfo
from cerberus.store.tables import BindingRow, GrantRow, ProjectRow, SubjectRow

SHOWN: Final = (ProjectRow.name, ProjectRow.description, ProjectRow.archived_at.is_not(None), ProjectRow.askable)
"""What a ProjectInfo is made from, after the slug."""


def project_info(row: ProjectRow) -> ProjectInfo:
    """
    The row as a value.
    """
    return ProjectInfo(row.slug, row.name, row.description, row.archived_at is not None, row.askable)


def project_row(session: OrmSession, slug: str) -> ProjectRow | None:
    """
    The project's row; None when there is none, or it was deleted.
    """
    return session.scalar(select(ProjectRow).where(ProjectRow.slug == slug, ProjectRow.deleted_at.is_(None)))


def slug_of(session: OrmSession, project_id: int | None) -> str | None:
    """
    The slug of the project of that id; None for no id.
    """
    return None if project_id is None else session.get_one(ProjectRow, project_id).slug


def was_deleted(session: OrmSession, slug: str) -> bool:
    """
    Whether there was a project of that slug once: MLflow's workspace of that name may still hold its runs.
    """
    query = select(ProjectRow.id).where(ProjectRow.slug == slug, ProjectRow.deleted_at.is_not(None))
    return session.scalar(query) is not None


def insert(session: OrmSession, *, slug: str, name: str, description: str, at: datetime) -> ProjectRow:
    """
    A new project. IntegrityError when the slug is taken.
    """
    row = ProjectRow(
        slug=slug, name=name, description=description, created_at=at, archived_at=None, askable=False, deleted_at=None
    )
    session.add(row)
    session.flush()
    return row


def every(session: OrmSession) -> list[ProjectInfo]:
    """
    All projects by name.
    """
    return _infos(session, ProjectRow.deleted_at.is_(None))


def among(session: OrmSession, slugs: Iterable[str]) -> list[ProjectInfo]:
    """
    The projects of these slugs, by name.
    """
    return _infos(session, ProjectRow.slug.in_(tuple(slugs)) & ProjectRow.deleted_at.is_(None))


def _infos(session: OrmSession, which: ColumnElement[bool]) -> list[ProjectInfo]:
    # Columns, not objects: an admin's projects can be ten thousand.
    query = select(ProjectRow.slug, *SHOWN).where(which).order_by(ProjectRow.name, ProjectRow.slug)
    return [ProjectInfo(*row) for row in session.execute(query)]


def member(binding: BindingRow, subject: SubjectRow) -> Member:
    """
    The binding as the list of members shows it.
    """
    return Member(
        subject_id=subject.id,
        subject=subject.name,
        kind=SubjectKind(subject.kind),
        display_name=subject.display_name,
        disabled=subject.disabled,
        role=binding.role,
        expires_at=binding.expires_at,
        reason=binding.reason,
        added_at=binding.added_at,
        added_by=binding.added_by,
    )


def members(
    session: OrmSession, project_id: int, *, limit: int | None = None, after: str | None = None
) -> list[Member]:
    """
    Everybody who has a role in the project, by name, those after the name `after`.
    """
    query = (
        select(BindingRow, SubjectRow)
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .where(BindingRow.project_id == project_id)
        .order_by(SubjectRow.name)
        .limit(limit)
    )
    if after is not None:
        query = query.where(SubjectRow.name > after)
    return [member(binding, subject) for binding, subject in session.execute(query)]


def binding_row(session: OrmSession, project_id: int, subject_id: int) -> BindingRow | None:
    """
    The subject's binding in the project, or None.
    """
    return session.scalar(
        select(BindingRow).where(BindingRow.project_id == project_id, BindingRow.subject_id == subject_id)
    )


def bind(
    session: OrmSession,
    project: ProjectRow,
    subject: SubjectRow,
    *,
    role: str,
    expires_at: datetime | None,
    reason: str,
    at: datetime,
    by: str,
) -> BindingRow:
    """
    A new binding. IntegrityError when the subject has a role there already.
    """
    row = BindingRow(
        project_id=project.id,
        subject_id=subject.id,
        role=role,
        expires_at=expires_at,
        reason=reason,
        added_at=at,
        added_by=by,
    )
    session.add(row)
    session.flush()
    return row


def take_away(session: OrmSession, project_id: int, subject_id: int) -> tuple[int, int]:
    """
    Deletes the subject's binding and grants in the project; how many of each.
    """
    bindings = session.execute(
        delete(BindingRow).where(BindingRow.project_id == project_id, BindingRow.subject_id == subject_id)
    )
    grants = session.execute(
        delete(GrantRow).where(GrantRow.project_id == project_id, GrantRow.subject_id == subject_id)
    )
    return bindings.rowcount, grants.rowcount  # type: ignore[attr-defined]
