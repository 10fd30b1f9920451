"""The chain of audit lines: whether it holds, and if not, where and how it was broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.errors import Unavailable
from cerberus.store import audit
from cerberus.store.audit import FIRST_HASH, chained_hash
from cerberus.store.tables import AuditRow, PolicyStateRow

TRIM: Final = "audit.trim"
AT_ONCE: Final = 1000
EDITED: Final = "was edited"
INSERTED: Final = "was inserted"
OUT_OF_ORDER: Final = "is out of order: what it follows comes later"
MISSING: Final = "does not follow the line before it: lines between them are missing, or were replaced"
FIRST_MISSING: Final = "is not where the audit begins: lines before it are missing, or were replaced"
END_MISSING: Final = "is the last one, but was not: lines after it are missing, or it was replaced"
NO_TRIM: Final = "is said to be the first that was kept, but no line says what was removed before it"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line (by id, 0 when none is left) that is not as it was written, and what is wrong with it."""

    id: int
    problem: str

    def __str__(self) -> str:
        return f"Line {self.id} {self.problem}."


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination of the chain saw: `broken` is None when it holds, `since` how far back it reaches."""

    lines: int
    since: datetime | None
    trimmed_at: datetime | None
    head: str
    broken: Broken | None


@dataclass(frozen=True, slots=True)
class Start:
    """Where the chain begins: after the line of this hash and id; `at` is when the lines up to there were removed."""

    hash: str
    id: int = 0
    at: datetime | None = None


def start_of(session: OrmSession, chain_start: str) -> Start | None:
    """
    The place where the chain begins; None when no line says that the lines before it were removed.
    """
    trims = select(*audit.ALL).where(AuditRow.action == TRIM, AuditRow.hash.is_not(None)).order_by(AuditRow.id.desc())
    for row in session.execute(trims):
        said = audit.line_of(row).after or {}
        last = said.get("last")
        if said.get("hash") == chain_start and isinstance(last, int) and row.id > last:
            return Start(chain_start, last, row.at)
    return Start(FIRST_HASH) if chain_start == FIRST_HASH else None


def examine(session: OrmSession) -> Examined:
    """
    Walks the chain from its start to its head, some lines at a time. The transaction must see one state throughout.
    """
    state = session.execute(select(PolicyStateRow.chain_head, PolicyStateRow.chain_start)).first()
    if state is None:
        raise Unavailable("Cerberus' database is empty.", hint="Run `cerberus migrate`.")
    start = start_of(session, state.chain_start)
    if start is None:
        first = session.scalar(select(func.min(AuditRow.id))) or 0
        return Examined(0, None, None, state.chain_head, Broken(first, NO_TRIM))
    lines, last, head_id, since = 0, None, None, None
    previous, broken = start.hash, None
    for row in _chained(session, start.id):
        since = since or row.at
        if row.previous_hash != previous or row.hash != chained_hash(row):
            broken = _why(session, row, previous, is_first=last is None)
            break
        lines, last, previous = lines + 1, row.id, row.hash
        head_id = row.id if row.hash == state.chain_head else head_id
    if broken is None and previous != state.chain_head:
        broken = Broken(last or 0, END_MISSING) if head_id is None else Broken(_next(session, head_id), INSERTED)
    return Examined(lines, since, start.at, state.chain_head, broken)


def _chained(session: OrmSession, line_id: int) -> Iterator[Row[Any]]:
    end = session.scalar(select(func.max(AuditRow.id))) or 0
    while rows := audit.rows_after(session, line_id, until=end, limit=AT_ONCE):
        yield from (row for row in rows if row.hash is not None)
        line_id = rows[-1].id


def _why(session: OrmSession, row: Row[Any], previous: str, *, is_first: bool) -> Broken:
    # Each look at the whole table takes seconds in a long audit: it is done for one line only.
    intact = row.hash == chained_hash(row)
    later = AuditRow.id > row.id
    if row.previous_hash != previous and _first(session, AuditRow.hash == row.previous_hash, later):
        return Broken(row.id, OUT_OF_ORDER)
    if _first(session, AuditRow.previous_hash == previous, AuditRow.hash.is_not(None), later):
        return Broken(row.id, INSERTED)
    if row.previous_hash == previous or not intact:
        return Broken(row.id, EDITED)
    follows = _first(session, AuditRow.hash == row.previous_hash, AuditRow.id < row.id)
    if follows:
        return Broken(_next(session, follows), INSERTED)
    return Broken(row.id, FIRST_MISSING if is_first else MISSING)


def _first(session: OrmSession, *conditions: ColumnElement[bool]) -> int | None:
    return session.scalar(select(AuditRow.id).where(*conditions).order_by(AuditRow.id).limit(1))


def _next(session: OrmSession, line_id: int) -> int:
    return _first(session, AuditRow.id > line_id, AuditRow.hash.is_not(None)) or line_id
