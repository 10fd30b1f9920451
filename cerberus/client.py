"""Cerberus from a notebook or a script: who am I, what may I, who is in my project.

    from cerberus.client import Client

    cerberus = Client()                      # CERBERUS_URL and MLFLOW_TRACKING_TOKEN, or Client(url, token)
    cerberus.me().name
    cerberus.can("update", "experiment", "fraud")

Needs `requests` only. Errors are those of `cerberus.errors`.
"""

import os
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import requests

from cerberus.answers import Answer, Me, Member, Project, Question, Token, read
from cerberus.errors import (
    CerberusError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    Throttled,
    Unavailable,
)

__all__ = ["Answer", "Client", "Me", "Member", "Project", "Question", "Token"]

DEFAULT_URL: Final = "http://localhost:5000"
REPEATABLE: Final = frozenset({"GET", "PUT", "DELETE"})
BY_STATUS: Final[Mapping[int, type[CerberusError]]] = {
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    503: Unavailable,
}
SECONDS: Final = 10.0
RETRIES: Final = 4
FIRST_PAUSE: Final = 0.2
SUCCESS: Final = 2
THROTTLED: Final = 429
BUSY_STATUS: Final = 503
BUSY: Final = "Cerberus, or what stands before it, is busy."


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
            token: `mls_...`; without it MLFLOW_TRACKING_TOKEN, the variable that MLflow's client reads too.
            timeout: seconds that one request may take.
            retries: how often to repeat what the server could not do for the moment (503).
        """
        self.url = (url or os.environ.get("CERBERUS_URL") or DEFAULT_URL).rstrip("/")
        self.timeout = timeout
        self.retries = retries
        self._session = requests.Session()
        self._session.auth = self._authorize  # a header would be replaced by what a ~/.netrc has for this host
        self._token = token if token is not None else os.environ.get("MLFLOW_TRACKING_TOKEN", "")

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

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
        self._session.close()

    def sign_in(self, name: str, password: str) -> None:
        """
        Uses a token that lives as long as this session from here on: for scripts that have a password only.
        """
        found = self._call("POST", "/sign-in", {"name": name, "password": password})
        self._token = found["token"]

    def sign_out(self) -> None:
        """
        Ends what `sign_in` began.
        """
        self._call("POST", "/sign-out")
        self._token = ""

    def me(self) -> Me:
        """
        Who the token belongs to, with groups, projects and roles.
        """
        return read(Me, self._call("GET", "/me"))

    def projects(self) -> list[Project]:
        """
        The projects that one may see, by name.
        """
        return [read(Project, item) for item in self._call("GET", "/projects")["items"]]

    def project(self, slug: str) -> Project:
        """
        One project.
        """
        return read(Project, self._call("GET", f"/projects/{_part(slug)}"))

    def members(self, project: str) -> list[Member]:
        """
        Who is in the project.
        """
        return [read(Member, item) for item in self._call("GET", f"/projects/{_part(project)}/members")["items"]]

    def set_member(
        self, project: str, subject: str, *, role: str, expires_at: datetime | None = None, reason: str = ""
    ) -> Member:
        """
        Gives a user, group or service account this role in the project, in place of the one it has.
        """
        body = {"role": role, "reason": reason, "expires_at": expires_at.isoformat() if expires_at else None}
        return read(Member, self._call("PUT", f"/projects/{_part(project)}/members/{_part(subject)}", body))

    def remove_member(self, project: str, subject: str) -> None:
        """
        Takes away what somebody has in the project.
        """
        self._call("DELETE", f"/projects/{_part(project)}/members/{_part(subject)}")

    def check(self, verb: str, kind: str, project: str, id: str = "*") -> Answer:
        """
        Whether one may do this, and why. Without an id: to the kind as a whole, e.g. to create one.
        """
        body = {"verb": str(verb), "kind": str(kind), "project": project, "id": id}
        return read(Answer, self._call("POST", "/check", body, repeatable=True))

    def check_many(self, questions: Iterable[Question]) -> list[Answer]:
        """
        Up to 100 questions, answered at one moment.
        """
        checks = [
            {"verb": str(each.verb), "kind": str(each.kind), "project": each.project, "id": each.id}
            for each in questions
        ]
        found = self._call("POST", "/checks", {"checks": checks}, repeatable=True)
        return [read(Answer, item) for item in found["items"]]

    def can(self, verb: str, kind: str, project: str, id: str = "*") -> bool:
        """
        Whether one may do this.
        """
        return self.check(verb, kind, project, id).allowed

    def tokens(self) -> list[Token]:
        """
        One's access tokens.
        """
        return [read(Token, item) for item in self._call("GET", "/tokens")["items"]]

    def create_token(
        self, name: str, *, scopes: Iterable[str] = ("read", "write"), project: str | None = None, days: int = 90
    ) -> Token:
        """
        A new token with its secret.
        """
        body = {"name": name, "scopes": [str(scope) for scope in scopes], "project": project, "days": days}
        return read(Token, self._call("POST", "/tokens", body))

    def revoke_token(self, token_id: str) -> None:
        """
        Ends a token at once.
        """
        self._call("DELETE", f"/tokens/{_part(token_id)}")

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _call(self, method: str, path: str, body: object = None, *, repeatable: bool = False) -> Any:
        patience = self.retries if repeatable or method in REPEATABLE else 0
        for attempt in range(patience):
            try:
                return self._call_once(method, path, body)
            except Unavailable:
                time.sleep(FIRST_PAUSE * 2**attempt)
        return self._call_once(method, path, body)

    def _call_once(self, method: str, path: str, body: object) -> Any:
        try:
            response = self._session.request(
                method, f"{self.url}/api/v1{path}", json=body, timeout=self.timeout, allow_redirects=False
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _unreachable(self.url, error) from error
        except requests.RequestException as error:
            raise Invalid(f"{self.url} is not an address that one can call: {error}", field="url") from error
        if response.status_code // 100 != SUCCESS:
            raise _error(response)
        return _json(response) if response.content else None


def _part(name: str) -> str:
    return quote(name, safe="")


def _unreachable(url: str, error: requests.RequestException) -> Unavailable:
    return Unavailable(
        f"Cerberus at {url} does not answer ({type(error).__name__}).",
        hint="Is CERBERUS_URL right, and is Cerberus running?",
    )


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise _not_cerberus(response) from None


def _not_cerberus(response: requests.Response) -> CerberusError:
    return CerberusError(
        f"{response.url} answered {response.status_code}, but not as Cerberus does.",
        hint="Is CERBERUS_URL Cerberus' address?",
    )


def _error(response: requests.Response) -> CerberusError:
    try:
        problem = response.json()
        message, hint, field = str(problem["detail"]), str(problem.get("hint", "")), str(problem.get("field", ""))
    except (ValueError, KeyError, TypeError):
        return Unavailable(BUSY) if response.status_code == BUSY_STATUS else _not_cerberus(response)
    if response.status_code == THROTTLED:
        wait = response.headers.get("Retry-After", "")
        return Throttled(message, retry_after=int(wait) if wait.isdigit() else 60, hint=hint)
    if kind := BY_STATUS.get(response.status_code):
        return kind(message, hint=hint)
    if response.status_code < 500:
        return Invalid(message, field=field, hint=hint)
    return CerberusError(message, hint=hint)
