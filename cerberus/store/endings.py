"""What a project owns and what hangs on it, to be counted, moved and ended."""

from datetime import datetime

from sqlalchemy import CursorResult, Delete, Update, delete, func, select, union, update
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import ANY, Kind, SubjectKind
from cerberus.store.records import Did, RequestState
from cerberus.store.tables import (
    AccessRequestRow,
    BindingRow,
    GrantRow,
    IntentRow,
    ProjectRow,
    RoleRow,
    SubjectRow,
    TokenRow,
)


def named_things(session: OrmSession, project_id: int) -> dict[Kind, int]:
    """
    How many single things of each kind grants or ownership name in the project, or are being made there.
    """
    named = select(GrantRow.kind, GrantRow.resource_id).where(
        GrantRow.project_id == project_id, GrantRow.resource_id != ANY
    )
    being_made = (
        select(IntentRow.kind, IntentRow.resource_id)
        .join(ProjectRow, ProjectRow.slug == IntentRow.project)
        .where(ProjectRow.id == project_id, IntentRow.deed == Did.CREATE)
    )
    things = union(named, being_made).subquery()
    found = session.execute(select(things.c.kind, func.count()).group_by(things.c.kind))
    return {Kind(kind): count for kind, count in found}


def service_accounts(session: OrmSession, project_id: int) -> list[str]:
    """
    The names of the service accounts that the project owns, sorted.
    """
    query = select(SubjectRow.name).where(
        SubjectRow.project_id == project_id, SubjectRow.kind == SubjectKind.SERVICE_ACCOUNT
    )
    return list(session.scalars(query.order_by(SubjectRow.name)))


def move_accounts(session: OrmSession, project_id: int, target_id: int) -> None:
    """
    Gives the project's service accounts to another project.
    """
    _count(session, update(SubjectRow).where(SubjectRow.project_id == project_id).values(project_id=target_id))


def end_everything(session: OrmSession, project: ProjectRow, at: datetime) -> dict[str, int]:
    """
    Deletes bindings, grants and roles of the project, revokes its tokens, closes its requests; how many of each.
    """
    mine = TokenRow.project_id == project.id
    waiting = (AccessRequestRow.project_id == project.id, AccessRequestRow.open_key.is_not(None))
    closed = {"state": RequestState.ENDED, "open_key": None, "decided_at": at}
    return {
        "bindings": _count(session, delete(BindingRow).where(BindingRow.project_id == project.id)),
        "grants": _count(session, delete(GrantRow).where(GrantRow.project_id == project.id)),
        "roles": _count(session, delete(RoleRow).where(RoleRow.home == project.slug)),
        "tokens": _count(session, update(TokenRow).where(mine, TokenRow.revoked_at.is_(None)).values(revoked_at=at)),
        "requests": _count(session, update(AccessRequestRow).where(*waiting).values(**closed)),
    }


def _count(session: OrmSession, statement: Delete | Update) -> int:
    found = session.execute(statement)
    assert isinstance(found, CursorResult)
    return int(found.rowcount)
