"""Access tokens, sessions and failed sign-ins."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Scope
from cerberus.store.reached import chunks
from cerberus.store.records import Credential, Session, Token, moment_and_name
from cerberus.store.tables import FailureRow, ProjectRow, SessionRow, SubjectRow, TokenRow

SWEPT_AT_ONCE: Final = 100


def scopes_of(text: str) -> frozenset[Scope]:
    """
    The scopes that a column holds.
    """
    return frozenset(Scope(part) for part in text.split(",") if part)


def scopes_text(scopes: Iterable[Scope]) -> str:
    """
    The scopes as the column holds them.
    """
    return ",".join(sorted(scopes))


def credential(session: OrmSession, token_id: str) -> Credential | None:
    """
    What the check of an access token needs; None when there is no such token.
    """
    found = session.execute(
        select(TokenRow, SessionRow, ProjectRow.slug)
        .outerjoin(SessionRow, SessionRow.id == TokenRow.session_id)
        .outerjoin(ProjectRow, ProjectRow.id == TokenRow.project_id)
        .where(TokenRow.id == token_id)
    ).first()
    if found is None:
        return None
    token, signed_in, slug = found
    return Credential(
        id=token.id,
        secret_hash=token.secret_hash,
        subject_id=token.subject_id,
        scopes=scopes_of(token.scopes),
        project=slug,
        expires_at=token.expires_at,
        ended=token.revoked_at is not None or (signed_in is not None and signed_in.ended_at is not None),
        last_used_at=token.last_used_at,
    )


def token(row: TokenRow, owner: str, project: str | None) -> Token:
    """
    The row as a value.
    """
    return Token(
        id=row.id,
        name=row.name,
        owner=owner,
        scopes=scopes_of(row.scopes),
        project=project,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def insert_token(
    session: OrmSession,
    token_id: str,
    *,
    secret_hash: str,
    subject_id: int,
    name: str,
    scopes: Iterable[Scope],
    at: datetime,
    expires_at: datetime,
    project_id: int | None = None,
    session_id: int | None = None,
) -> TokenRow:
    """
    A new token. With `session_id` it lives no longer than that session, and is not listed.
    """
    if session_id is not None:
        # Whoever ends somebody's sessions holds the person before the session: in another order the two would deadlock.
        session.scalar(select(SubjectRow.id).where(SubjectRow.id == subject_id).with_for_update(read=True))
    row = TokenRow(
        id=token_id,
        secret_hash=secret_hash,
        subject_id=subject_id,
        project_id=project_id,
        session_id=session_id,
        name=name,
        scopes=scopes_text(scopes),
        created_at=at,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    session.add(row)
    session.flush()
    return row


def tokens_of(
    session: OrmSession,
    subject_id: int,
    *,
    project: str | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[Token]:
    """
    The subject's tokens, with `project` those bound to it, newest first; those that belong to a session are not listed.
    Those after the `position` `after`; ValueError when it is none.
    """
    query = (
        select(TokenRow, SubjectRow.name, ProjectRow.slug)
        .join(SubjectRow, SubjectRow.id == TokenRow.subject_id)
        .outerjoin(ProjectRow, ProjectRow.id == TokenRow.project_id)
        .where(TokenRow.subject_id == subject_id, TokenRow.session_id.is_(None))
        .order_by(TokenRow.created_at.desc(), TokenRow.id.desc())
        .limit(limit)
    )
    if project is not None:
        query = query.where(ProjectRow.slug == project)
    if after is not None:
        at, token_id = moment_and_name(after)
        query = query.where((TokenRow.created_at < at) | ((TokenRow.created_at == at) & (TokenRow.id < token_id)))
    return [token(row, name, slug) for row, name, slug in session.execute(query)]


def living_tokens(session: OrmSession, subject_id: int, now: datetime) -> int:
    """
    How many of the subject's tokens work at that moment, but for those that belong to a session.
    """
    mine = (TokenRow.subject_id == subject_id, TokenRow.session_id.is_(None))
    living = (TokenRow.revoked_at.is_(None), TokenRow.expires_at > now)
    return session.scalar(select(func.count()).select_from(TokenRow).where(*mine, *living)) or 0


def token_row(session: OrmSession, token_id: str) -> tuple[TokenRow, SubjectRow] | None:
    """
    The token and its owner; None when there is none, or it belongs to a session.
    """
    row = session.get(TokenRow, token_id)
    if row is None or row.session_id is not None:
        return None
    return row, session.get_one(SubjectRow, row.subject_id)


def session_of_token(session: OrmSession, token_id: str) -> int | None:
    """
    The id of the session that the token belongs to; None when it belongs to none.
    """
    return session.scalar(select(TokenRow.session_id).where(TokenRow.id == token_id))


def used(session: OrmSession, token_id: str, at: datetime) -> None:
    """
    Notes the use of a token.
    """
    session.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used_at=at))


def signed_in(session: OrmSession, cookie_hash: str) -> Session | None:
    """
    The session of that cookie, ended or not; None when there is none.
    """
    found = session.execute(
        select(SessionRow, SubjectRow.name)
        .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
        .where(SessionRow.cookie_hash == cookie_hash)
    ).first()
    return None if found is None else session_value(*found)


def session_value(row: SessionRow, name: str) -> Session:
    """
    The row as a value.
    """
    return Session(
        id=row.id,
        subject_id=row.subject_id,
        name=name,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        address=row.address,
        client=row.client,
    )


def sessions_of(session: OrmSession, subject_id: int, now: datetime, *, seen_after: datetime) -> list[Session]:
    """
    The subject's living sessions, last seen first.
    """
    found = session.execute(
        select(SessionRow, SubjectRow.name)
        .join(SubjectRow, SubjectRow.id == SessionRow.subject_id)
        .where(
            SessionRow.subject_id == subject_id,
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > now,
            SessionRow.last_seen_at > seen_after,
        )
        .order_by(SessionRow.last_seen_at.desc())
    )
    return [session_value(row, name) for row, name in found]


def seen(session: OrmSession, session_id: int, at: datetime) -> None:
    """
    Notes that the session was used.
    """
    session.execute(update(SessionRow).where(SessionRow.id == session_id).values(last_seen_at=at))


def end_sessions(session: OrmSession, at: datetime, *, subject_id: int, session_id: int | None = None) -> int:
    """
    Ends the subject's sessions (all, or that one); how many were alive.
    """
    query = update(SessionRow).where(SessionRow.subject_id == subject_id, SessionRow.ended_at.is_(None))
    if session_id is not None:
        query = query.where(SessionRow.id == session_id)
    return int(session.execute(query.values(ended_at=at)).rowcount)  # type: ignore[attr-defined]


def end_sessions_of(session: OrmSession, at: datetime, *, subject_ids: Iterable[int]) -> None:
    """
    Ends all sessions of these subjects, in lots.
    """
    for lot in chunks(subject_ids):
        mine = (SessionRow.subject_id.in_(lot), SessionRow.ended_at.is_(None))
        session.execute(update(SessionRow).where(*mine).values(ended_at=at))


def sweep(session: OrmSession, subject_id: int, *, before: datetime) -> None:
    """
    Deletes the subject's sessions, and tokens of sessions, that were over before then.
    """
    session.execute(
        delete(SessionRow).where(
            SessionRow.subject_id == subject_id, or_(SessionRow.ended_at < before, SessionRow.expires_at < before)
        )
    )


def failures(session: OrmSession, who: str, *, since: datetime) -> FailureRow | None:
    """
    The failures counted for an account or address in a window that began after `since`; None without any.
    """
    return session.scalar(select(FailureRow).where(FailureRow.who == who, FailureRow.since > since))


def count_failure(session: OrmSession, who: str, at: datetime, *, since: datetime) -> int:
    """
    Counts one more failure, in a new window when the old one began before `since`; how many there are now.
    """
    row = session.get(FailureRow, who, with_for_update=True)  # a success elsewhere may be about to forget it
    if row is None:
        row = FailureRow(who=who, count=0, since=at)
        session.add(row)
    if row.since <= since:
        row.count, row.since = 0, at
    row.count += 1
    session.flush()
    return row.count


def forgive_failure(session: OrmSession, who: str) -> None:
    """
    Takes back one counted attempt that turned out not to be a failure.
    """
    session.execute(update(FailureRow).where(FailureRow.who == who).values(count=FailureRow.count - 1))


def forget_failures(session: OrmSession, who: str) -> None:
    """
    A successful sign-in starts the count anew.
    """
    session.execute(delete(FailureRow).where(FailureRow.who == who))


def sweep_failures(session: OrmSession, *, since: datetime) -> None:
    """
    Deletes windows that are over, the oldest hundred at a time.
    """
    over = select(FailureRow.who).where(FailureRow.since <= since).order_by(FailureRow.since).limit(SWEPT_AT_ONCE)
    # One by one by their key: deleted by their time, they would be locked in another order than sign-ins lock them.
    for who in sorted(session.scalars(over)):
        session.execute(delete(FailureRow).where(FailureRow.who == who, FailureRow.since <= since))
