"""Users, groups and service accounts."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import PlatformRole, SubjectKind
from cerberus.store.records import Person
from cerberus.store.tables import MembershipRow, PlatformRoleRow, ProjectRow, SubjectRow


def by_name(session: OrmSession, name: str) -> SubjectRow | None:
    """
    The subject of that (normalised) name, or None.
    """
    return session.scalar(select(SubjectRow).where(SubjectRow.name == name))


def names(session: OrmSession, ids: Iterable[int]) -> tuple[str, ...]:
    """
    The names of these subjects, sorted.
    """
    query = select(SubjectRow.name).where(SubjectRow.id.in_(tuple(ids))).order_by(SubjectRow.name)
    return tuple(session.scalars(query))


def person(session: OrmSession, row: SubjectRow) -> Person:
    """
    The row as a value, with its platform roles and owning project.
    """
    roles = session.scalars(select(PlatformRoleRow.role).where(PlatformRoleRow.subject_id == row.id))
    project = None if row.project_id is None else session.get_one(ProjectRow, row.project_id).slug
    return Person(
        id=row.id,
        name=row.name,
        kind=SubjectKind(row.kind),
        display_name=row.display_name,
        disabled=row.disabled,
        platform_roles=frozenset(PlatformRole(role) for role in roles),
        project=project,
        created_at=row.created_at,
    )


def insert(
    session: OrmSession,
    name: str,
    kind: SubjectKind,
    *,
    display_name: str,
    at: datetime,
    password_hash: str | None = None,
    project_id: int | None = None,
) -> SubjectRow:
    """
    A new subject. IntegrityError when the name is taken.
    """
    row = SubjectRow(
        kind=kind,
        name=name,
        display_name=display_name,
        password_hash=password_hash,
        disabled=False,
        project_id=project_id,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row


def search(
    session: OrmSession, text: str, *, limit: int, after: str | None, kind: SubjectKind | None = None
) -> list[Person]:
    """
    Subjects whose name or display name holds `text` in any case, by name, those after the name `after`.
    """
    query = select(SubjectRow).order_by(SubjectRow.name).limit(limit)
    if text:
        query = query.where(
            or_(
                SubjectRow.name.icontains(text, autoescape=True),
                SubjectRow.display_name.icontains(text, autoescape=True),
            )
        )
    if after is not None:
        query = query.where(SubjectRow.name > after)
    if kind is not None:
        query = query.where(SubjectRow.kind == kind)
    return [person(session, row) for row in session.scalars(query)]


def set_platform_role(session: OrmSession, subject_id: int, role: PlatformRole) -> bool:
    """
    Gives the role; False when the subject has it already.
    """
    found = session.get(PlatformRoleRow, (subject_id, role))
    if found is not None:
        by_hand, found.source = not found.source, ""  # what sign-in gave stays from now on
        return not by_hand
    session.add(PlatformRoleRow(subject_id=subject_id, role=role))
    session.flush()
    return True


def unset_platform_role(session: OrmSession, subject_id: int, role: PlatformRole) -> bool:
    """
    Takes the role away; False when the subject does not have it.
    """
    row = session.get(PlatformRoleRow, (subject_id, role))
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def enabled_admins(session: OrmSession) -> int:
    """
    How many enabled users are admins.
    """
    query = (
        select(func.count())
        .select_from(PlatformRoleRow)
        .join(SubjectRow, SubjectRow.id == PlatformRoleRow.subject_id)
        .where(
            PlatformRoleRow.role == PlatformRole.ADMIN,
            SubjectRow.kind == SubjectKind.USER,
            SubjectRow.disabled.is_(False),
        )
    )
    return session.scalar(query) or 0


def group_members(session: OrmSession, group_id: int) -> list[Person]:
    """
    The direct members of a group, by name.
    """
    query = (
        select(SubjectRow)
        .join(MembershipRow, MembershipRow.member_id == SubjectRow.id)
        .where(MembershipRow.group_id == group_id)
        .order_by(SubjectRow.name)
    )
    return [person(session, row) for row in session.scalars(query)]


def join(session: OrmSession, group_id: int, member_id: int) -> bool:
    """
    Puts the member into the group; False when it is in it already.
    """
    found = session.get(MembershipRow, (group_id, member_id))
    if found is not None:
        by_hand, found.source = not found.source, ""  # what sign-in gave stays from now on
        return not by_hand
    session.add(MembershipRow(group_id=group_id, member_id=member_id))
    session.flush()
    return True


def leave(session: OrmSession, group_id: int, member_id: int) -> bool:
    """
    Takes the member out of the group; False when it is not in it.
    """
    found = session.execute(
        delete(MembershipRow).where(MembershipRow.group_id == group_id, MembershipRow.member_id == member_id)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]


def remove(session: OrmSession, subject: SubjectRow) -> None:
    """
    Deletes the subject with everything that hangs on it (bindings, grants, memberships, tokens, sessions).
    """
    session.execute(delete(SubjectRow).where(SubjectRow.id == subject.id))
