"""Audit lines, and the step of the policy version that goes with each change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, String, func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.credential_forms import harmless
from cerberus.errors import Unavailable
from cerberus.store.records import AuditLine, AuditSearch
from cerberus.store.tables import AuditRow, Base, PolicyStateRow

FIRST_HASH: Final = "0" * 64
HASHED: Final = (
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
ALL: Final = (AuditRow.id, *(getattr(AuditRow, name) for name in HASHED), AuditRow.previous_hash, AuditRow.hash)
EQUAL: Final = ("who", "on_behalf_of", "target", "project", "outcome", "address", "request_id")
LENGTHS: Final = {
    name: column.type.length
    for name, column in Base.metadata.tables[AuditRow.__tablename__].columns.items()
    if name in HASHED and isinstance(column.type, String) and column.type.length is not None
}
"""How many characters each text may have. What others typed stands in refusals: a longer one must not lose the line."""

AFTER_ANY_LETTER: Final = "\U0010ffff"


def lock(session: OrmSession) -> PolicyStateRow:
    """
    The row of policy state, held until the transaction ends: changes happen one after another.
    """
    row = session.scalar(select(PolicyStateRow).where(PolicyStateRow.id == 1).with_for_update())
    if row is None:
        raise Unavailable("Cerberus' database is empty.", hint="Run `cerberus migrate`.")
    return row


def canonical(value: object) -> str:
    """
    JSON in the one spelling that is hashed: keys in order, no spaces, ASCII only.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def chained_hash(row: AuditRow | Row[Any]) -> str:
    """
    SHA-256 over the line's fields and the hash of the line before it, as lower-case hexadecimal digits.
    """
    fields = {name: getattr(row, name) for name in HASHED} | {"at": row.at.isoformat(timespec="microseconds")}
    return hashlib.sha256(canonical([row.previous_hash, fields]).encode()).hexdigest()


def row_of(line: Mapping[str, Any], at: datetime) -> AuditRow:
    """
    A row from a line's fields; texts are cut to their columns' lengths, and hold no credential.
    """
    before, after = line.get("before"), line.get("after")
    given = {"outcome": "ok", "project": None, **line}
    return AuditRow(
        at=at,
        before=None if before is None else harmless(canonical(before)),
        after=None if after is None else harmless(canonical(after)),
        **{name: _fitting(name, given.get(name, "")) for name in LENGTHS},
    )


def _fitting(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    harmful = name != "who"  # that is a name from our own table, whatever it looks like
    return (harmless(text) if harmful else text)[: LENGTHS[name]]


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
    Adds a line outside the chain: denials and looks, which must not wait for one another.
    """
    session.add(row_of(line, at))
    session.flush()


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:  # somebody edited the line: it is to be shown all the same
        return {"unreadable": text}


def line_of(row: Row[Any]) -> AuditLine:
    """
    The row as a value.
    """
    return AuditLine(**{**row._mapping, "before": _value(row.before), "after": _value(row.after)})


def search(session: OrmSession, wanted: AuditSearch, *, limit: int, after: str | None = None) -> list[AuditLine]:
    """
    Lines that have all that is wanted, newest first; `after` is the `position` of the last one seen.
    """
    query = select(*ALL).order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(limit)
    query = query.where(*_conditions(session, wanted))
    if after is not None:
        at, line_id = AuditLine.moment_and_id(after)
        query = query.where(AuditRow.at <= at, (AuditRow.at < at) | (AuditRow.id < line_id))
    return [line_of(row) for row in session.execute(query)]


def _conditions(session: OrmSession, wanted: AuditSearch) -> list[ColumnElement[bool]]:
    columns: dict[str, Any] = {name: getattr(AuditRow, name) for name in EQUAL}
    given = {name: value for name, value in wanted.items() if value is not None}
    found: list[ColumnElement[bool]] = [columns[name] == given[name] for name in given.keys() & columns.keys()]
    if "since" in given:
        found.append(AuditRow.at >= given["since"])
    if "until" in given:
        found.append(AuditRow.at < given["until"])
    if "client" in given:
        start = str(given["client"])
        found += [AuditRow.client >= start, AuditRow.client < start + AFTER_ANY_LETTER]
    if "action" in given:
        found.append(_action(session, str(given["action"])))
    return found


def _action(session: OrmSession, action: str) -> ColumnElement[bool]:
    # `member.` means every action that begins so. There are few: named one by one, each has its place in the index.
    if not action.endswith("."):
        return AuditRow.action == action
    names: list[str] = []
    last = action
    while (name := session.scalar(_next_action(last, below=action + AFTER_ANY_LETTER))) is not None:
        names.append(name)
        last = name
    return AuditRow.action.in_(names)


def _next_action(last: str, *, below: str) -> Select[Any]:
    return select(func.min(AuditRow.action)).where(AuditRow.action > last, AuditRow.action < below)


def ids_between(session: OrmSession, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """
    The first and the last id of the lines of that time; (0, 0) when there are none.
    """
    query = select(func.min(AuditRow.id), func.max(AuditRow.id))
    first, last = session.execute(query.where(*_conditions(session, AuditSearch(since=since, until=until)))).one()
    return first or 0, last or 0


def rows_after(session: OrmSession, line_id: int, *, until: int, limit: int) -> Sequence[Row[Any]]:
    """
    The next lines in the order in which they were written, up to the id `until`.
    """
    query = select(*ALL).where(AuditRow.id > line_id, AuditRow.id <= until).order_by(AuditRow.id).limit(limit)
    return session.execute(query).all()
