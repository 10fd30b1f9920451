"""Accounts at the OpenID provider, sign-ins that have begun there, and what sign-in gave by itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import PlatformRole, SubjectKind
from cerberus.store.tables import IdentityRow, MembershipRow, PlatformRoleRow, SignOnRow, SubjectRow

BY_SIGN_ON = "oidc"
"""The `source` of memberships and platform roles that the provider's claims gave."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody's account at a provider."""

    issuer: str
    external_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SignOnBegun:
    """A sign-in at the provider that has begun."""

    browser_hash: str
    nonce: str
    verifier: str
    next: str
    created_at: datetime


def put_sign_on(session: OrmSession, state_hash: str, begun: SignOnBegun) -> None:
    """
    Remembers a sign-in that begins.
    """
    session.add(
        SignOnRow(
            state_hash=state_hash,
            browser_hash=begun.browser_hash,
            nonce=begun.nonce,
            verifier=begun.verifier,
            next=begun.next,
            created_at=begun.created_at,
        )
    )
    session.flush()


def take_sign_on(session: OrmSession, state_hash: str) -> SignOnBegun | None:
    """
    The sign-in that began with this state, which is then forgotten: of two that ask at once, one gets it.
    """
    row = session.get(SignOnRow, state_hash)
    if row is None:
        return None
    begun = SignOnBegun(row.browser_hash, row.nonce, row.verifier, row.next, row.created_at)
    taken = session.execute(delete(SignOnRow).where(SignOnRow.state_hash == state_hash))
    return begun if taken.rowcount else None  # type: ignore[attr-defined]


def sweep_sign_ons(session: OrmSession, *, before: datetime) -> None:
    """
    Forgets sign-ins that began before then.
    """
    session.execute(delete(SignOnRow).where(SignOnRow.created_at < before))


def owner(session: OrmSession, issuer: str, external_id: str) -> SubjectRow | None:
    """
    Whose account at the provider this is; None when it is nobody's.
    """
    return session.scalar(
        select(SubjectRow)
        .join(IdentityRow, IdentityRow.subject_id == SubjectRow.id)
        .where(IdentityRow.issuer == issuer, IdentityRow.external_id == external_id)
    )


def link(session: OrmSession, subject_id: int, issuer: str, *, external_id: str, at: datetime) -> None:
    """
    Makes the account the subject's. IntegrityError when it is somebody's already.
    """
    session.add(IdentityRow(issuer=issuer, external_id=external_id, subject_id=subject_id, created_at=at))
    session.flush()


def unlink(session: OrmSession, subject_id: int, issuer: str, *, external_id: str) -> bool:
    """
    Takes the account from the subject; False when it was not theirs.
    """
    found = session.execute(
        delete(IdentityRow).where(
            IdentityRow.subject_id == subject_id, IdentityRow.issuer == issuer, IdentityRow.external_id == external_id
        )
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]


def identities_of(session: OrmSession, subject_id: int) -> list[Identity]:
    """
    The subject's accounts at providers, oldest first.
    """
    rows = session.scalars(select(IdentityRow).where(IdentityRow.subject_id == subject_id).order_by(IdentityRow.id))
    return [Identity(row.issuer, row.external_id, row.created_at) for row in rows]


def groups_named(session: OrmSession, names: Iterable[str]) -> dict[str, int]:
    """
    The ids of the groups of these names; names that no group has are left out.
    """
    query = select(SubjectRow.name, SubjectRow.id).where(
        SubjectRow.name.in_(tuple(names)), SubjectRow.kind == SubjectKind.GROUP
    )
    return {row.name: row.id for row in session.execute(query)}


def memberships(session: OrmSession, member_id: int) -> dict[int, str]:
    """
    The groups that the member is in directly, each with what put it there.
    """
    query = select(MembershipRow.group_id, MembershipRow.source).where(MembershipRow.member_id == member_id)
    return {row.group_id: row.source for row in session.execute(query)}


def join(session: OrmSession, group_id: int, member_id: int) -> None:
    """
    Puts the member into the group, as something that sign-in did.
    """
    session.add(MembershipRow(group_id=group_id, member_id=member_id, source=BY_SIGN_ON))
    session.flush()


def leave(session: OrmSession, group_id: int, member_id: int) -> None:
    """
    Ends a membership that sign-in made.
    """
    session.execute(
        delete(MembershipRow).where(
            MembershipRow.group_id == group_id,
            MembershipRow.member_id == member_id,
            MembershipRow.source == BY_SIGN_ON,
        )
    )


def platform_roles(session: OrmSession, subject_id: int) -> dict[PlatformRole, str]:
    """
    The subject's platform roles, each with what gave it.
    """
    query = select(PlatformRoleRow.role, PlatformRoleRow.source).where(PlatformRoleRow.subject_id == subject_id)
    return {PlatformRole(role): source for role, source in session.execute(query)}


def give_role(session: OrmSession, subject_id: int, role: PlatformRole) -> None:
    """
    Gives a platform role, as something that sign-in did.
    """
    session.add(PlatformRoleRow(subject_id=subject_id, role=role, source=BY_SIGN_ON))
    session.flush()


def take_role(session: OrmSession, subject_id: int, role: PlatformRole) -> None:
    """
    Takes a platform role that sign-in gave.
    """
    session.execute(
        delete(PlatformRoleRow).where(
            PlatformRoleRow.subject_id == subject_id,
            PlatformRoleRow.role == role,
            PlatformRoleRow.source == BY_SIGN_ON,
        )
    )
