"""What happened, from a notebook: `client.audit`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cerberus.client.answers import read
from cerberus.client.connection import Connection
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One thing that happened; `before` and `after` are what changed. `hash` is None for lines outside the chain."""

    id: int
    at: datetime
    who: str
    on_behalf_of: str
    action: str
    target: str
    project: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    outcome: str
    address: str
    client: str
    request_id: str
    previous_hash: str | None
    hash: str | None


class Audit:
    """Searches the audit: all of it for admins and auditors, a project's for who manages it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        who: str | None = None,
        on_behalf_of: str | None = None,
        action: str | None = None,
        target: str | None = None,
        project: str | None = None,
        outcome: str | None = None,
        address: str | None = None,
        client: str | None = None,
        request_id: str | None = None,
    ) -> Iterator[AuditLine]:
        """
        Lines that have all the given values, newest first; read page by page, as far as one looks.

        An `action` that ends with a dot means all that begin with it, a `client` is how it begins.
        """
        asked = {name: value for name, value in locals().items() if name != "self" and value is not None}
        words = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asked.items()}
        return (read(AuditLine, item) for item in items_of(self._connection, "/audit", **words))

    def export(
        self, *, format: str = "jsonl", since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[bytes]:
        """
        The file of that time, piece by piece: `file.writelines(client.audit.export())`. For admins and auditors.
        """
        times = {"since": since, "until": until}
        words = {name: value.isoformat() for name, value in times.items() if value is not None}
        return self._connection.pieces(f"/audit/export?{urlencode({'format': format, **words})}")
