"""Keys of requests that must happen once, and what they were answered."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import CursorResult, Update, delete, select, update
from sqlalchemy.orm import Session as OrmSession

from cerberus.store.tables import IdempotencyRow

AT_ONCE: Final = 1000


def row_of(session: OrmSession, subject_id: int, key: str) -> IdempotencyRow | None:
    """
    What is known of somebody's key.
    """
    return session.get(IdempotencyRow, (subject_id, key))


def insert(session: OrmSession, subject_id: int, key: str, *, request_hash: str, at: datetime) -> None:
    """
    Takes the key. Of two who do so at once, one fails.
    """
    row = IdempotencyRow(
        subject_id=subject_id, idempotency_key=key, request_hash=request_hash, status=None, answer=None, created_at=at
    )
    session.add(row)
    session.flush()


def remove(session: OrmSession, row: IdempotencyRow) -> None:
    """
    Forgets the key.
    """
    session.delete(row)
    session.flush()


def release(session: OrmSession, subject_id: int, key: str, *, at: datetime) -> None:
    """
    Forgets the key that was taken at that moment, unless its deed was done.
    """
    session.execute(
        delete(IdempotencyRow).where(
            IdempotencyRow.subject_id == subject_id,
            IdempotencyRow.idempotency_key == key,
            IdempotencyRow.created_at == at,
            IdempotencyRow.status.is_(None),
        )
    )


def mark_done(session: OrmSession, subject_id: int, key: str, *, at: datetime, status: int) -> bool:
    """
    Notes that the deed is done; False when the key is no longer the one that was taken at that moment.
    """
    result: CursorResult[Any] = session.execute(_of(subject_id, key, at).values(status=status))  # type: ignore[assignment]
    return result.rowcount == 1


def keep_answer(session: OrmSession, subject_id: int, key: str, *, at: datetime, status: int, answer: str) -> None:
    """
    Keeps what the deed was answered.
    """
    session.execute(_of(subject_id, key, at).values(status=status, answer=answer))


def sweep(session: OrmSession, before: datetime) -> None:
    """
    Forgets keys that were taken before that moment, many at a time.
    """
    old = select(IdempotencyRow.subject_id, IdempotencyRow.idempotency_key).where(IdempotencyRow.created_at < before)
    # One by one by their key: deleted by their time, they would be locked in another order than requests lock them.
    for subject_id, key in session.execute(old.limit(AT_ONCE)).all():
        session.execute(
            delete(IdempotencyRow).where(
                IdempotencyRow.subject_id == subject_id,
                IdempotencyRow.idempotency_key == key,
                IdempotencyRow.created_at < before,
            )
        )


def _of(subject_id: int, key: str, at: datetime) -> Update:
    return update(IdempotencyRow).where(
        IdempotencyRow.subject_id == subject_id, IdempotencyRow.idempotency_key == key, IdempotencyRow.created_at == at
    )
