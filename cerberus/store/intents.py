"""What is being done to things in MLflow: noted before MLflow keeps it, gone once Cerberus has done its share."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.credential_forms import harmless
from cerberus.policy import Kind, Resource
from cerberus.store.audit import canonical
from cerberus.store.records import Deed, Did, UnderWay
from cerberus.store.tables import IntentRow


def insert(session: OrmSession, deed: Deed, *, subject_id: int, line: Mapping[str, Any], at: datetime) -> int:
    """
    A new intent's id. `line` is the part of the audit line that says who and from where.
    """
    row = IntentRow(
        deed=deed.did,
        project=deed.resource.project,
        kind=deed.resource.kind,
        resource_id=deed.resource.id,
        new_id=deed.new_id,
        mark=deed.mark,
        subject_id=subject_id,
        line=harmless(canonical(line)),
        at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def about(session: OrmSession, deed: Deed) -> list[int]:
    """
    The ids of what is under way with the same names, oldest first.
    """
    names = tuple(deed.before)
    return list(
        session.scalars(
            select(IntentRow.id)
            .where(IntentRow.project == deed.resource.project, IntentRow.kind == deed.resource.kind)
            .where(or_(IntentRow.resource_id.in_(names), IntentRow.new_id.in_(names)))
            .order_by(IntentRow.id)
        )
    )


def take(session: OrmSession, intent_id: int) -> tuple[Deed, int, dict[str, Any]] | None:
    """
    Removes an intent: the deed, whose it is, and their part of its audit line; None when it is gone already.
    """
    row = session.get(IntentRow, intent_id)
    if row is None:
        return None
    session.delete(row)
    session.flush()
    return _deed(row), row.subject_id, json.loads(row.line)


def waiting(session: OrmSession, *, before: datetime, limit: int) -> Sequence[UnderWay]:
    """
    What was noted before that moment, oldest first.
    """
    rows = session.scalars(select(IntentRow).where(IntentRow.at < before).order_by(IntentRow.at).limit(limit))
    return [UnderWay(row.id, _deed(row), row.at) for row in rows]


def _deed(row: IntentRow) -> Deed:
    return Deed(Did(row.deed), Resource(row.project, Kind(row.kind), row.resource_id), row.mark, row.new_id)
