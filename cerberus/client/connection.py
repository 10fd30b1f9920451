"""One connection to Cerberus' API: sends a request, tries again what a busy server could not do, raises its errors."""

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import requests

from cerberus.errors import (
    CerberusError,
    Conflict,
    Forbidden,
    InProgress,
    Invalid,
    NotFound,
    NotSignedIn,
    Stale,
    Throttled,
    Unavailable,
)

DEFAULT_URL: Final = "http://localhost:5000"
REPEATABLE: Final = frozenset({"GET", "PUT", "PATCH", "DELETE"})
"""What leaves the same behind when it is done twice."""

WITHOUT_A_KEY: Final = frozenset({"/sign-in", "/sign-out"})
KEY: Final = "Idempotency-Key"
BY_STATUS: Final[Mapping[int, type[CerberusError]]] = {
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Stale,
    503: Unavailable,
}
BROKEN: Final = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""Nothing came, or not all of it: it may the next time."""

SECONDS: Final = 10.0
RETRIES: Final = 4
FIRST_PAUSE: Final = 0.2
SUCCESS: Final = 2
THROTTLED: Final = 429
BUSY_STATUS: Final = 503
BUSY: Final = "Cerberus, or what stands before it, is busy."


class Connection:
    """
    Sends requests with one token. Every call raises an error of `cerberus.errors` when it is refused.
    """

    def __init__(self, url: str | None, token: str | None, *, timeout: float, retries: int) -> None:
        self.url = (url or os.environ.get("CERBERUS_URL") or DEFAULT_URL).rstrip("/")
        self.timeout = timeout
        self.retries = retries
        self.token = token if token is not None else os.environ.get("MLFLOW_TRACKING_TOKEN", "")
        self._session = requests.Session()
        self._session.auth = self._authorize  # a header would be replaced by what a ~/.netrc has for this host

    def close(self) -> None:
        """
        Closes the connections.
        """
        self._session.close()

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def call(self, method: str, path: str, body: object = None, *, repeatable: bool = False) -> Any:
        """
        The JSON that the API answers to one request below `/api/v1`; None for an empty answer.

        What cannot be done for the moment is tried again. A POST gets a key, so that it is done once even then; it
        needs none when it is `repeatable`: when it changes nothing, or leaves the same behind when done twice.
        """
        repeatable = repeatable or method in REPEATABLE
        headers = {} if repeatable or path in WITHOUT_A_KEY else {KEY: str(uuid.uuid4())}
        for attempt in range(self.retries if repeatable or headers else 0):
            try:
                return self._call_once(method, path, body, headers)
            except (Unavailable, InProgress):
                time.sleep(FIRST_PAUSE * 2**attempt)
        return self._call_once(method, path, body, headers)

    def pieces(self, path: str) -> Iterator[bytes]:
        """
        What GET of an address below `/api/v1` answers, piece by piece. `Unavailable` when it ends before its end.
        """
        with (
            self._faults_translated(),
            self._session.get(
                f"{self.url}/api/v1{path}", timeout=self.timeout, allow_redirects=False, stream=True
            ) as response,
        ):
            if response.status_code // 100 != SUCCESS:
                raise _error(response)
            yield from response.iter_content(chunk_size=65_536)

    def _call_once(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> Any:
        with self._faults_translated():
            response = self._session.request(
                method,
                f"{self.url}/api/v1{path}",
                json=body,
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            )
        if response.status_code // 100 != SUCCESS:
            raise _error(response)
        return _json(response) if response.content else None

    @contextmanager
    def _faults_translated(self) -> Iterator[None]:
        try:
            yield
        except BROKEN as error:
            raise _unreachable(self.url, error) from error
        except requests.RequestException as error:
            raise Invalid(f"{self.url} is not an address that one can call: {error}", field="url") from error


def part(name: str) -> str:
    """
    A name as one part of a path.
    """
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
    if problem.get("code") == InProgress.code:
        return InProgress(message, hint=hint)
    if kind := BY_STATUS.get(response.status_code):
        return kind(message, hint=hint)
    if response.status_code < 500:
        return Invalid(message, field=field, hint=hint)
    return CerberusError(message, hint=hint)
