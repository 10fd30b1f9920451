"""Asking for access, and answering, from a notebook: `client.requests`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cerberus.client.answers import read
from cerberus.client.connection import Connection, part
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class AskableProject:
    """A project that anybody may ask for a role in."""

    slug: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asked for which role; `state` is one of `open approved refused withdrawn ended`."""

    id: int
    project: str
    subject: str
    display_name: str
    role: str
    reason: str
    state: str
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    answer: str
    expires_at: datetime | None


class Requests:
    """Asks for roles in projects that take requests, and answers those of projects that one manages."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def askable(self) -> list[AskableProject]:
        """
        The projects that anybody may ask for a role in.
        """
        return [read(AskableProject, item) for item in items_of(self._connection, "/askable-projects")]

    def ask(self, project: str, *, role: str, reason: str = "") -> AccessRequest:
        """
        Asks for a role.
        """
        body = {"role": role, "reason": reason}
        return read(AccessRequest, self._connection.call("POST", f"/projects/{part(project)}/requests", body))

    def mine(self, *, state: str | None = None) -> Iterator[AccessRequest]:
        """
        What one has asked for, newest first; read page by page.
        """
        return (read(AccessRequest, item) for item in items_of(self._connection, "/requests", state=state))

    def of_project(self, project: str, *, state: str | None = "open") -> Iterator[AccessRequest]:
        """
        Who has asked for what in a project that one manages, newest first; read page by page.
        """
        found = items_of(self._connection, f"/projects/{part(project)}/requests", state=state)
        return (read(AccessRequest, item) for item in found)

    def show(self, request_id: int) -> AccessRequest:
        """
        One request: one's own, or one for a project that one manages.
        """
        return read(AccessRequest, self._connection.call("GET", f"/requests/{request_id}"))

    def approve(self, request_id: int, *, expires_at: datetime | None = None, answer: str = "") -> AccessRequest:
        """
        Gives the role that was asked for, until then if an end is given.
        """
        body = {"expires_at": expires_at.isoformat() if expires_at else None, "answer": answer}
        return read(AccessRequest, self._connection.call("POST", f"/requests/{request_id}/approve", body))

    def refuse(self, request_id: int, *, answer: str = "") -> AccessRequest:
        """
        Says no, with a remark.
        """
        return read(AccessRequest, self._connection.call("POST", f"/requests/{request_id}/refuse", {"answer": answer}))

    def withdraw(self, request_id: int) -> AccessRequest:
        """
        Takes one's own request back.
        """
        return read(AccessRequest, self._connection.call("POST", f"/requests/{request_id}/withdraw"))
