"""The client itself: one object, one token."""

from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Self

from cerberus.client.answers import Answer, Me, Member, Project, Question, Token, read
from cerberus.client.audit import Audit
from cerberus.client.connection import RETRIES, SECONDS, Connection, part
from cerberus.client.grants import Grants
from cerberus.client.groups import Groups
from cerberus.client.pages import items_of
from cerberus.client.people import People
from cerberus.client.policy import Policy, Rehearsal, rehearse
from cerberus.client.questions import Questions
from cerberus.client.requests import Requests
from cerberus.client.roles import Roles
from cerberus.client.service_accounts import ServiceAccounts
from cerberus.client.sign_on import SignOns


class Client:
    """
    Cerberus' API with one token. Every call raises an error of `cerberus.errors` when it is refused.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, timeout: float = SECONDS, retries: int = RETRIES
    ) -> None:
        """
        Args:
            url: Cerberus' address; without it CERBERUS_URL, or http://localhost:5000.
            token: `mls_...`, or a JWT where such are taken; without it MLFLOW_TRACKING_TOKEN, the variable that
                MLflow's client reads too.
            timeout: seconds that one request may take.
            retries: how often to repeat what the server could not do for the moment (503).
        """
        self.connection = Connection(url, token, timeout=timeout, retries=retries)
        self.audit = Audit(self.connection)
        self.questions = Questions(self.connection)
        self.people = People(self.connection)
        self.groups = Groups(self.connection)
        self.service_accounts = ServiceAccounts(self.connection)
        self.roles = Roles(self.connection)
        self.grants = Grants(self.connection)
        self.requests = Requests(self.connection)
        self.policy = Policy(self.connection)
        self.sign_on = SignOns(self.connection)

    def __repr__(self) -> str:
        return f"Client({self.connection.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """
        Closes the connections.
        """
        self.connection.close()

    def sign_in(self, name: str, password: str) -> None:
        """
        Uses a token that lives as long as this session from here on: for scripts that have a password only.
        """
        found = self.connection.call("POST", "/sign-in", {"name": name, "password": password})
        self.connection.token = found["token"]

    def sign_out(self) -> None:
        """
        Ends what `sign_in` began.
        """
        self.connection.call("POST", "/sign-out")
        self.connection.token = ""

    def change_password(self, current: str, new: str) -> None:
        """
        Changes one's password; one is signed out everywhere.
        """
        self.connection.call("POST", "/me/password", {"current": current, "new": new})

    def me(self) -> Me:
        """
        Who the token belongs to, with groups, projects and roles.
        """
        return read(Me, self.connection.call("GET", "/me"))

    def projects(self) -> list[Project]:
        """
        The projects that one may see, by name.
        """
        return [read(Project, item) for item in items_of(self.connection, "/projects")]

    def project(self, slug: str) -> Project:
        """
        One project.
        """
        return read(Project, self.connection.call("GET", f"/projects/{part(slug)}"))

    def create_project(
        self, slug: str, *, name: str = "", description: str = "", maintainer: str | None = None
    ) -> Project:
        """
        A new project that `maintainer`, or one oneself, manages; for admins.
        """
        body = {"slug": slug, "name": name, "description": description, "maintainer": maintainer}
        return read(Project, self.connection.call("POST", "/projects", body))

    def change_project(
        self, slug: str, *, name: str | None = None, description: str | None = None, askable: bool | None = None
    ) -> Project:
        """
        Changes what is given. `askable`: anybody may see the project's name and ask for a role in it.
        """
        body = {"name": name, "description": description, "askable": askable}
        return read(Project, self.connection.call("PATCH", f"/projects/{part(slug)}", body, repeatable=True))

    def archive_project(self, slug: str) -> Project:
        """
        Makes the project read only for everybody.
        """
        return read(Project, self.connection.call("POST", f"/projects/{part(slug)}/archive", repeatable=True))

    def restore_project(self, slug: str) -> Project:
        """
        Ends the archive.
        """
        return read(Project, self.connection.call("POST", f"/projects/{part(slug)}/restore", repeatable=True))

    def delete_project(self, slug: str, *, move_to: str | None = None) -> None:
        """
        Deletes an empty project for good; its service accounts go to the project `move_to`.
        """
        query = "" if move_to is None else f"?move_to={part(move_to)}"
        self.connection.call("DELETE", f"/projects/{part(slug)}{query}")

    def members(self, project: str) -> list[Member]:
        """
        Who is in the project.
        """
        return [read(Member, item) for item in items_of(self.connection, f"/projects/{part(project)}/members")]

    def member(self, project: str, subject: str) -> Member:
        """
        One member of the project.
        """
        return read(Member, self.connection.call("GET", f"/projects/{part(project)}/members/{part(subject)}"))

    def set_member(
        self, project: str, subject: str, *, role: str, expires_at: datetime | None = None, reason: str = ""
    ) -> Member:
        """
        Gives a user, group or service account this role in the project, in place of the one it has.
        """
        body = {"role": role, "reason": reason, "expires_at": expires_at.isoformat() if expires_at else None}
        return read(Member, self.connection.call("PUT", f"/projects/{part(project)}/members/{part(subject)}", body))

    def remove_member(self, project: str, subject: str) -> None:
        """
        Takes away what somebody has in the project.
        """
        self.connection.call("DELETE", f"/projects/{part(project)}/members/{part(subject)}")

    def check(self, verb: str, kind: str, project: str, id: str = "*") -> Answer:
        """
        Whether one may do this, and why. Without an id: to the kind as a whole, e.g. to create one.
        """
        body = {"verb": str(verb), "kind": str(kind), "project": project, "id": id}
        return read(Answer, self.connection.call("POST", "/check", body, repeatable=True))

    def check_many(self, questions: Iterable[Question]) -> list[Answer]:
        """
        Up to 100 questions, answered at one moment.
        """
        checks = [
            {"verb": str(each.verb), "kind": str(each.kind), "project": each.project, "id": each.id}
            for each in questions
        ]
        found = self.connection.call("POST", "/checks", {"checks": checks}, repeatable=True)
        return [read(Answer, item) for item in found["items"]]

    def what_if(self, change: str, **fields: object) -> Rehearsal:
        """
        What a change would do, e.g. `what_if("member.set", project="fraud", subject="bob", role="viewer")`. It is not
        made; whoever may not make it may not try it.
        """
        return rehearse(self.connection, change, fields)

    def can(self, verb: str, kind: str, project: str, id: str = "*") -> bool:
        """
        Whether one may do this.
        """
        return self.check(verb, kind, project, id).allowed

    def tokens(self, *, owner: str | None = None) -> list[Token]:
        """
        One's access tokens, or those of a service account of a project that one manages.
        """
        return [read(Token, item) for item in items_of(self.connection, "/tokens", owner=owner)]

    def create_token(
        self,
        name: str,
        *,
        scopes: Iterable[str] = ("read", "write"),
        project: str | None = None,
        days: int = 90,
        owner: str | None = None,
    ) -> Token:
        """
        A new token with its secret, for oneself or for a service account of a project that one manages.
        """
        body = {"name": name, "scopes": [str(scope) for scope in scopes], "project": project, "days": days}
        if owner is not None:
            body["owner"] = owner
        return read(Token, self.connection.call("POST", "/tokens", body))

    def revoke_token(self, token_id: str) -> None:
        """
        Ends a token at once.
        """
        self.connection.call("DELETE", f"/tokens/{part(token_id)}")
