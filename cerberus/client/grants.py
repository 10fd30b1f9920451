"""Grants on single things and on kinds, and who owns what, from a notebook: `client.grants`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from cerberus.client.answers import read
from cerberus.client.connection import Connection, part
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class Grant:
    """A level on one thing, or with id `*` on a kind. `source` is `ownership` for what comes of having made it."""

    grant_id: int
    project: str
    kind: str
    id: str
    subject: str
    subject_kind: str
    level: str
    source: str
    expires_at: datetime | None
    reason: str
    added_at: datetime
    added_by: str


class Grants:
    """Shares single things, and kinds, with users, groups and service accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        project: str,
        *,
        kind: str | None = None,
        id: str | None = None,
        subject: str | None = None,
        source: str | None = None,
    ) -> Iterator[Grant]:
        """
        Grants and ownership that have all the given values, oldest first, those that have ended too; read page by page.
        """
        address = f"/projects/{part(project)}/grants"
        words = {"kind": kind, "id": id, "subject": subject, "source": source}
        return (read(Grant, item) for item in items_of(self._connection, address, **words))

    def owned(self, project: str, owner: str) -> Iterator[Grant]:
        """
        What somebody owns in the project.
        """
        return self.list(project, subject=owner, source="ownership")

    def give(
        self,
        project: str,
        *,
        kind: str,
        id: str,
        subject: str,
        level: str,
        expires_at: datetime | None = None,
        reason: str = "",
    ) -> Grant:
        """
        Gives a level on one thing (`id="*"`: on the kind), in place of the one that the subject has there.
        """
        body = {
            "kind": str(kind),
            "id": id,
            "subject": subject,
            "level": str(level),
            "expires_at": expires_at.isoformat() if expires_at else None,
            "reason": reason,
        }
        return read(Grant, self._connection.call("PUT", f"/projects/{part(project)}/grants", body))

    def show(self, grant_id: int) -> Grant:
        """
        One grant.
        """
        return read(Grant, self._connection.call("GET", f"/grants/{grant_id}"))

    def revoke(self, grant_id: int) -> None:
        """
        Takes a grant away.
        """
        self._connection.call("DELETE", f"/grants/{grant_id}")

    def owner(self, project: str, *, kind: str, id: str) -> str:
        """
        The name of who owns the thing; NotFound when nobody is known to.
        """
        words = urlencode({"kind": str(kind), "id": id})
        return read(Grant, self._connection.call("GET", f"/projects/{part(project)}/owner?{words}")).subject

    def hand_over(self, project: str, *, kind: str, id: str, owner: str) -> Grant:
        """
        Makes somebody else the owner.
        """
        body = {"kind": str(kind), "id": id, "owner": owner}
        return read(Grant, self._connection.call("POST", f"/projects/{part(project)}/hand-over", body))
