"""What happened: to search, and to take away as a file."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import StringConstraints

from cerberus.api.auth import Caller
from cerberus.api.endpoint import Document, noun
from cerberus.api.pages import first
from cerberus.api.parsing import Line, Moment
from cerberus.api.shapes import Answer, Page, Query
from cerberus.errors import Forbidden, NotFound
from cerberus.service.audit_files import FileFormat, written

audit = noun("audit")

Action = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]*)?$", max_length=60)]
MEDIA_TYPES: Final = {FileFormat.CSV: "text/csv", FileFormat.JSONL: "application/x-ndjson"}


class AuditQuery(Page):
    """
    What lines are wanted: all that is given must be so. An `action` that ends with a dot means all that begin with it,
    a `client` is how it begins; `since` is included, `until` is not.
    """

    since: Moment | None = None
    until: Moment | None = None
    who: Line | None = None
    on_behalf_of: Line | None = None
    action: Action | None = None
    target: Annotated[Line, StringConstraints(max_length=400)] | None = None
    project: Line | None = None
    outcome: Line | None = None
    address: Line | None = None
    client: Line | None = None
    request_id: Line | None = None


class ExportQuery(Query):
    """Which time, and in what format."""

    format: FileFormat = FileFormat.JSONL
    since: Moment | None = None
    until: Moment | None = None


class AuditLineShown(Answer):
    """One thing that happened. `hash` is null for a line outside the chain: a denial, a failed sign-in, a look."""

    id: int
    at: datetime
    who: str
    on_behalf_of: str
    action: str
    target: str
    project: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    outcome: str
    address: str
    client: str
    request_id: str
    previous_hash: str | None
    hash: str | None


class AuditLines(Answer):
    """A page of the audit, newest first."""

    items: tuple[AuditLineShown, ...]
    next: str | None


@audit.route(
    "GET",
    "/audit",
    summary="Search the audit, newest first",
    query=AuditQuery,
    answer=AuditLines,
    raises=(NotFound, Forbidden),
)
def search_audit(caller: Caller, query: AuditQuery) -> AuditLines:
    wanted = {name: getattr(query, name) for name in AuditQuery.model_fields if name not in Page.model_fields}
    found = caller.cerberus.audit.search(caller.actor, limit=query.limit + 1, after=query.after, **wanted)
    shown, following = first(found, query, lambda line: line.position)
    return AuditLines(items=tuple(AuditLineShown.of(line) for line in shown), next=following)


@audit.route(
    "GET",
    "/audit/export",
    summary="Take the audit of a time away as a file, oldest first",
    query=ExportQuery,
    raises=(Forbidden,),
    produces=tuple(MEDIA_TYPES.values()),
)
def export_audit(caller: Caller, query: ExportQuery) -> Document:
    lines = caller.cerberus.audit.export(caller.actor, since=query.since, until=query.until)
    return Document(written(lines, query.format), MEDIA_TYPES[query.format], file_name=f"audit.{query.format}")
