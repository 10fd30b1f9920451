"""MLflow's REST API as the signed-in person: her token, her project, and its refusals as our errors."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from cerberus.errors import CerberusError, Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Throttled, Unavailable

WORKSPACE_HEADER = "X-MLFLOW-WORKSPACE"
CONNECT_SECONDS, READ_SECONDS = 3.05, 30
MAX_ANSWER = 20_000_000


class Rest:
    """
    A connection to MLflow for one person in one project. Cheap to make; keep none between people.
    """

    def __init__(self, url: str, token: str, *, project: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", WORKSPACE_HEADER: project}

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """
        The JSON that a GET answers.
        """
        with self._asked("GET", path, params=dict(query)) as answer:
            return _json(limited(answer, MAX_ANSWER))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """
        The JSON that a POST answers.
        """
        with self._asked("POST", path, json=dict(body)) as answer:
            return _json(limited(answer, MAX_ANSWER))

    def read(self, path: str, query: Mapping[str, str], *, limit: int) -> bytes:
        """
        The bytes that a GET answers; Invalid when there are more than `limit`, of which no more are fetched.
        """
        with self._asked("GET", path, params=dict(query)) as answer:
            return limited(answer, limit)

    @contextmanager
    def _asked(self, method: str, path: str, **options: Any) -> Iterator[requests.Response]:
        try:
            with requests.request(
                method,
                self._url + path,
                headers=self._headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=True,
                allow_redirects=False,
                **options,
            ) as answer:
                if answer.status_code >= 300:
                    raise refusal(answer)
                yield answer
        except requests.RequestException as error:
            raise Unavailable("MLflow does not answer.", hint="Nothing was changed. Try again in a moment.") from error


def limited(answer: requests.Response, limit: int) -> bytes:
    """
    The body, unless it is larger than `limit`.
    """
    parts, size = [], 0
    for part in answer.iter_content(64 * 1024):
        size += len(part)
        if size > limit:
            raise Invalid(f"This is larger than {limit // 1_000_000} MB.", hint="Fetch it with the mlflow client.")
        parts.append(part)
    return b"".join(parts)


def refusal(answer: requests.Response) -> CerberusError:
    """
    What an answer above 300 means.
    """
    status, said = answer.status_code, _said(answer)
    if status == 401:
        return NotSignedIn("Your session has ended.", hint="Sign in again.")
    if status == 403:
        return Forbidden("You may look at this but not do that.", hint="Ask a maintainer of the project.")
    if status == 404:
        return NotFound("There is no such thing that you can see.", hint="It may have been deleted or moved.")
    if status == 409:
        return Conflict(said or "This contradicts what is there.")
    if status == 429:
        wait = answer.headers.get("Retry-After", "")
        return Throttled("Too many requests.", retry_after=int(wait) if wait.isdigit() else 10)
    if 400 <= status < 500:
        return Invalid(said or "MLflow refuses this value.", hint="Change it and try again.")
    return Unavailable("MLflow could not do this.", hint="Nothing is lost. Try again; if it stays, tell an admin.")


def _said(answer: requests.Response) -> str:
    try:
        said = _json(limited(answer, 100_000))
    except (CerberusError, requests.RequestException):
        return ""
    message = said.get("message") if isinstance(said, dict) else None
    return message[:500] if isinstance(message, str) else ""


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise Unavailable(
            "Something else than MLflow answers at its address.", hint="Check STUDIO_MLFLOW_URL."
        ) from error
