"""Users, groups and service accounts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import PlatformRole, SubjectKind
from cerberus.store import words
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
    return people(session, [row])[0]


def people(session: OrmSession, rows: Sequence[SubjectRow]) -> list[Person]:
    """
    The rows as values in their order. Two statements more, however many there are.
    """
    users = [row.id for row in rows if row.kind == SubjectKind.USER]
    roles: dict[int, set[PlatformRole]] = {}
    for held in session.scalars(select(PlatformRoleRow).where(PlatformRoleRow.subject_id.in_(users))) if users else ():
        roles.setdefault(held.subject_id, set()).add(PlatformRole(held.role))
    homes = {row.project_id for row in rows if row.project_id is not None}
    found = session.execute(select(ProjectRow.id, ProjectRow.slug).where(ProjectRow.id.in_(homes))) if homes else ()
    slugs = {project.id: project.slug for project in found}
    return [
        Person(
            id=row.id,
            name=row.name,
            kind=SubjectKind(row.kind),
            display_name=row.display_name,
            disabled=row.disabled,
            platform_roles=frozenset(roles.get(row.id, ())),
            project=None if row.project_id is None else slugs[row.project_id],
            created_at=row.created_at,
        )
        for row in rows
    ]


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
    words.write(session, row)
    return row


def rename(session: OrmSession, row: SubjectRow, display_name: str) -> None:
    """
    Another display name, by which the subject is found from now on.
    """
    row.display_name = display_name
    session.flush()
    words.write(session, row)


def longest_word(text: str) -> int:
    """
    How long the longest word of a text is by which people are searched.
    """
    return max(map(len, words.split(text)), default=0)


def search(
    session: OrmSession, text: str, *, limit: int, after: str | None, kind: SubjectKind | None = None
) -> list[Person]:
    """
    Subjects with a word in name or display name that begins with each word of `text`, by those words; without a text
    everybody by name. Those after the subject of the name `after`. The cost does not grow with how many there are.
    """
    if text:
        return people(session, words.matching(session, text, limit=limit, after=after, kind=kind))
    query = select(SubjectRow).order_by(SubjectRow.name).limit(limit)
    if after is not None:
        query = query.where(SubjectRow.name > after)
    if kind is not None:
        query = query.where(SubjectRow.kind == kind)
    return people(session, session.scalars(query).all())


def service_accounts(session: OrmSession, project_id: int, *, limit: int, after: str | None) -> list[Person]:
    """
    The service accounts that the project owns, by name, those after the name `after`.
    """
    mine = (SubjectRow.project_id == project_id, SubjectRow.kind == SubjectKind.SERVICE_ACCOUNT)
    query = select(SubjectRow).where(*mine).order_by(SubjectRow.name).limit(limit)
    if after is not None:
        query = query.where(SubjectRow.name > after)
    return people(session, session.scalars(query).all())


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
    return session.scalar(_of_enabled_admins(func.count())) or 0


def an_enabled_admin(session: OrmSession) -> str | None:
    """
    The name of the first of them; None when there is none.
    """
    name: str | None = session.scalar(_of_enabled_admins(SubjectRow.name).order_by(SubjectRow.name).limit(1))
    return name


def _of_enabled_admins(what: Any) -> Select[Any]:
    return (
        select(what)
        .select_from(PlatformRoleRow)
        .join(SubjectRow, SubjectRow.id == PlatformRoleRow.subject_id)
        .where(
            PlatformRoleRow.role == PlatformRole.ADMIN,
            SubjectRow.kind == SubjectKind.USER,
            SubjectRow.disabled.is_(False),
        )
    )


def group_members(session: OrmSession, group_id: int, *, limit: int, after: str | None) -> list[Person]:
    """
    The direct members of a group, by name, those after the name `after`.
    """
    query = (
        select(SubjectRow)
        .join(MembershipRow, MembershipRow.member_id == SubjectRow.id)
        .where(MembershipRow.group_id == group_id)
        .order_by(SubjectRow.name)
        .limit(limit)
    )
    if after is not None:
        query = query.where(SubjectRow.name > after)
    return people(session, session.scalars(query).all())


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
