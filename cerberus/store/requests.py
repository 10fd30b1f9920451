"""Requests for access, and the projects that one can ask for."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from cerberus.store.projects import project_info
from cerberus.store.records import AccessRequest, ProjectInfo, RequestState
from cerberus.store.tables import AccessRequestRow, ProjectRow, SubjectRow


def access_request(row: AccessRequestRow, subject: SubjectRow, project: str) -> AccessRequest:
    """
    The row as a value.
    """
    return AccessRequest(
        id=row.id,
        project=project,
        subject_id=subject.id,
        subject=subject.name,
        display_name=subject.display_name,
        role=row.role,
        reason=row.reason,
        state=RequestState(row.state),
        asked_at=row.asked_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        answer=row.answer,
        expires_at=row.expires_at,
    )


def open_key(project_id: int, subject_id: int) -> str:
    """
    What only one open request can hold.
    """
    return f"{project_id}/{subject_id}"


def insert(
    session: OrmSession, project: ProjectRow, subject_id: int, *, role: str, reason: str, at: datetime
) -> AccessRequestRow:
    """
    A new, open request. IntegrityError when the subject has one there.
    """
    row = AccessRequestRow(
        project_id=project.id,
        subject_id=subject_id,
        role=role,
        reason=reason,
        state=RequestState.OPEN,
        open_key=open_key(project.id, subject_id),
        asked_at=at,
        decided_at=None,
        decided_by=None,
        answer="",
        expires_at=None,
    )
    session.add(row)
    session.flush()
    return row


def close(row: AccessRequestRow, state: RequestState, *, at: datetime, by: str, answer: str) -> None:
    """
    Answers an open request.
    """
    row.state, row.open_key = state, None
    row.decided_at, row.decided_by, row.answer = at, by, answer


def is_open(session: OrmSession, project_id: int, subject_id: int) -> bool:
    """
    Whether the subject waits for an answer there.
    """
    query = select(AccessRequestRow.id).where(AccessRequestRow.open_key == open_key(project_id, subject_id))
    return session.scalar(query) is not None


def get(session: OrmSession, request_id: int) -> tuple[AccessRequestRow, SubjectRow, ProjectRow] | None:
    """
    The request, who asks, and the project (deleted or not); None when there is no such request.
    """
    row = session.get(AccessRequestRow, request_id)
    if row is None:
        return None
    return row, session.get_one(SubjectRow, row.subject_id), session.get_one(ProjectRow, row.project_id)


def page(
    session: OrmSession,
    *,
    project: str | None = None,
    subject_id: int | None = None,
    state: RequestState | None,
    limit: int,
    before: int | None,
) -> list[AccessRequest]:
    """
    Requests that have all the given values, newest first, those older than the id `before`.
    """
    query = (
        select(AccessRequestRow, SubjectRow, ProjectRow.slug)
        .join(SubjectRow, SubjectRow.id == AccessRequestRow.subject_id)
        .join(ProjectRow, ProjectRow.id == AccessRequestRow.project_id)
        .order_by(AccessRequestRow.id.desc())
        .limit(limit)
    )
    wanted = {
        ProjectRow.slug: project,
        AccessRequestRow.subject_id: subject_id,
        AccessRequestRow.state: state,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(AccessRequestRow.id < before)
    return [access_request(row, subject, slug) for row, subject, slug in session.execute(query)]


def askable(session: OrmSession, *, only: str | None, limit: int, after: str | None) -> list[ProjectInfo]:
    """
    The projects that one can ask for, by slug, those after the slug `after`; `only` that one, if given.
    """
    alive = (ProjectRow.askable, ProjectRow.archived_at.is_(None), ProjectRow.deleted_at.is_(None))
    query = select(ProjectRow).where(*alive).order_by(ProjectRow.slug).limit(limit)
    if only is not None:
        query = query.where(ProjectRow.slug == only)
    if after is not None:
        query = query.where(ProjectRow.slug > after)
    return [project_info(row) for row in session.scalars(query)]
