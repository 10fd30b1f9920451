"""Removes old audit lines so that the rest can still be verified: the chain then begins after the last one removed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.store.chain import start_of
from cerberus.store.tables import AuditRow, PolicyStateRow

AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Cut:
    """What is to go: `count` lines with ids `first` to `last`. `hash` is that of the last chained one among them."""

    count: int
    first: int
    last: int
    hash: str

    @property
    def as_said(self) -> dict[str, Any]:
        """
        What the audit says of it.
        """
        return {"count": self.count, "first": self.first, "last": self.last, "hash": self.hash}


def last_before(session: OrmSession, before: datetime) -> int:
    """
    The id up to which every line is older than `before`; 0 when there is none.
    """
    kept = session.scalar(select(func.min(AuditRow.id)).where(AuditRow.at >= before))
    older = select(func.max(AuditRow.id)).where(AuditRow.at < before)
    return session.scalar(older if kept is None else older.where(AuditRow.id < kept)) or 0


def cut_at(session: OrmSession, state: PolicyStateRow, last: int) -> Cut | None:
    """
    What is removed when the lines up to the id `last` go; None when there are none that were not removed before.
    """
    start = start_of(session, state.chain_start)
    if start is None:
        return None
    gone = AuditRow.id > start.id, AuditRow.id <= last
    count, first = session.execute(select(func.count(), func.min(AuditRow.id)).where(*gone)).one()
    if not count:
        return None
    chained = select(AuditRow.hash).where(*gone, AuditRow.hash.is_not(None)).order_by(AuditRow.id.desc()).limit(1)
    return Cut(count, first, last, session.scalar(chained) or state.chain_start)


def remove_some(session: OrmSession) -> int:
    """
    Deletes some of the lines before the start of the chain; how many there were, 0 when none is left.
    """
    start = start_of(session, session.scalar(select(PolicyStateRow.chain_start)) or "")
    if start is None or not start.id:
        return 0
    ids = session.scalars(select(AuditRow.id).where(AuditRow.id <= start.id).order_by(AuditRow.id).limit(AT_ONCE)).all()
    if ids:
        session.execute(delete(AuditRow).where(AuditRow.id >= ids[0], AuditRow.id <= ids[-1]))
    return len(ids)
