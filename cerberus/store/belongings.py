"""What hangs on a subject: what it owns, what it was given, where it is a member. Asked before it is deleted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from cerberus.policy import Source
from cerberus.store.tables import BindingRow, GrantRow, MembershipRow, PlatformRoleRow, ProjectRow, SubjectRow, TokenRow

MANY = 1000


@dataclass(frozen=True, slots=True)
class Belongings:
    """What goes with a subject: roles by project, how many grants by project, groups, platform roles, tokens."""

    roles: Mapping[str, str]
    grants: Mapping[str, int]
    groups: tuple[str, ...]
    platform_roles: tuple[str, ...]
    tokens: int


def owned(session: OrmSession, subject_id: int) -> dict[str, int]:
    """
    How many things the subject owns, by the slug of the project that they are in.
    """
    return _grants(session, subject_id, (Source.OWNERSHIP,))


def hand_over(session: OrmSession, subject_id: int, heir_id: int) -> None:
    """
    Makes the heir the owner of what the subject owns. What the heir owns already is theirs once.
    """
    mine, theirs = aliased(GrantRow), aliased(GrantRow)
    twice = session.scalars(
        select(mine.id)
        .join(
            theirs,
            (theirs.project_id == mine.project_id)
            & (theirs.kind == mine.kind)
            & (theirs.resource_id == mine.resource_id)
            & (theirs.source == mine.source),
        )
        .where(mine.subject_id == subject_id, mine.source == Source.OWNERSHIP, theirs.subject_id == heir_id)
    ).all()
    for first in range(0, len(twice), MANY):
        session.execute(delete(GrantRow).where(GrantRow.id.in_(twice[first : first + MANY])))
    session.execute(
        update(GrantRow)
        .where(GrantRow.subject_id == subject_id, GrantRow.source == Source.OWNERSHIP)
        .values(subject_id=heir_id)
    )


def of(session: OrmSession, subject_id: int) -> Belongings:
    """
    What would go with the subject.
    """
    roles = session.execute(
        select(ProjectRow.slug, BindingRow.role)
        .join(ProjectRow, ProjectRow.id == BindingRow.project_id)
        .where(BindingRow.subject_id == subject_id)
        .order_by(ProjectRow.slug)
    )
    groups = (
        select(SubjectRow.name)
        .join(MembershipRow, MembershipRow.group_id == SubjectRow.id)
        .where(MembershipRow.member_id == subject_id)
        .order_by(SubjectRow.name)
    )
    platform = select(PlatformRoleRow.role).where(PlatformRoleRow.subject_id == subject_id)
    tokens = select(func.count()).select_from(TokenRow).where(TokenRow.subject_id == subject_id)
    return Belongings(
        roles={row.slug: row.role for row in roles},
        grants=_grants(session, subject_id, (Source.GRANT,)),
        groups=tuple(session.scalars(groups)),
        platform_roles=tuple(session.scalars(platform.order_by(PlatformRoleRow.role))),
        tokens=session.scalar(tokens.where(TokenRow.revoked_at.is_(None), TokenRow.session_id.is_(None))) or 0,
    )


def _grants(session: OrmSession, subject_id: int, sources: Iterable[Source]) -> dict[str, int]:
    found = session.execute(
        select(ProjectRow.slug, func.count().label("things"))
        .select_from(GrantRow)
        .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
        .where(GrantRow.subject_id == subject_id, GrantRow.source.in_(tuple(sources)))
        .group_by(ProjectRow.slug)
        .order_by(ProjectRow.slug)
    )
    return {row.slug: row.things for row in found}
