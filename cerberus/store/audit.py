"""Audit lines, and the step of the policy version that goes with each change."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from cerberus.errors import Unavailable
from cerberus.store.records import AuditLine
from cerberus.store.tables import AuditRow, PolicyStateRow

FIRST_HASH = "0" * 64
HASHED = (
    "at",
    "who",
    "on_behalf_of",
    "action",
    "target",
    "project",
    "before",
    "after",
    "outcome",
    "address",
    "client",
    "request_id",
)


def lock(session: OrmSession) -> PolicyStateRow:
    """
    The row of policy state, held until the transaction ends: changes happen one after another.
    """
    row = session.scalar(select(PolicyStateRow).where(PolicyStateRow.id == 1).with_for_update())
    if row is None:
        raise Unavailable("Cerberus' database is empty.", hint="Run `cerberus migrate`.")
    return row


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def chained_hash(row: AuditRow) -> str:
    """
    SHA-256 over the line's fields and the hash of the line before it, as lower-case hexadecimal digits.
    """
    fields = {name: getattr(row, name) for name in HASHED} | {"at": row.at.isoformat(timespec="microseconds")}
    text = json.dumps([row.previous_hash, fields], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def row_of(line: Mapping[str, Any], at: datetime) -> AuditRow:
    """
    A row from a line's fields; texts are cut to their columns' lengths.
    """
    return AuditRow(
        at=at,
        who=line["who"],
        on_behalf_of=line.get("on_behalf_of", "")[:64],
        action=line["action"],
        target=line["target"][:400],
        project=line.get("project"),
        before=_json(line.get("before")),
        after=_json(line.get("after")),
        outcome=line.get("outcome", "ok"),
        address=line.get("address", "")[:64],
        client=line.get("client", "")[:200],
        request_id=line.get("request_id", "")[:64],
    )


def append(session: OrmSession, state: PolicyStateRow, line: Mapping[str, Any], at: datetime) -> None:
    """
    Adds a chained line; `state` comes from `lock`.
    """
    row = row_of(line, at)
    row.previous_hash = state.chain_head
    row.hash = state.chain_head = chained_hash(row)
    session.add(row)
    session.flush()


def append_loose(session: OrmSession, line: Mapping[str, Any], at: datetime) -> None:
    """
    Adds a line outside the chain: denials, which must not wait for one another.
    """
    session.add(row_of(line, at))
    session.flush()


def line_of(row: AuditRow) -> AuditLine:
    """
    The row as a value.
    """
    return AuditLine(
        id=row.id,
        at=row.at,
        who=row.who,
        on_behalf_of=row.on_behalf_of,
        action=row.action,
        target=row.target,
        project=row.project,
        before=None if row.before is None else json.loads(row.before),
        after=None if row.after is None else json.loads(row.after),
        outcome=row.outcome,
        address=row.address,
        client=row.client,
        request_id=row.request_id,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def search(
    session: OrmSession,
    *,
    project: str | None,
    who: str | None,
    action: str | None,
    outcome: str | None,
    before: int | None,
    limit: int,
) -> list[AuditLine]:
    """
    Lines that have all the given values, newest first, those older than the id `before`.
    """
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    wanted = {AuditRow.project: project, AuditRow.who: who, AuditRow.action: action, AuditRow.outcome: outcome}
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return [line_of(row) for row in session.scalars(query)]


def first_broken_link(session: OrmSession) -> int | None:
    """
    The id of the first chained line that was edited, or whose predecessor is missing; None when the chain holds.

    0 stands for lines missing at the end.
    """
    previous = FIRST_HASH
    for row in session.scalars(select(AuditRow).where(AuditRow.hash.is_not(None)).order_by(AuditRow.id)).yield_per(500):
        if row.previous_hash != previous or row.hash != chained_hash(row):
            return row.id
        previous = row.hash
    return None if previous == lock(session).chain_head else 0
