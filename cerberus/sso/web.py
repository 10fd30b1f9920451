"""HTTP to the provider: little time, little memory, no redirects, and faults that name no secret."""

import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from cerberus.errors import Unavailable

log = logging.getLogger(__name__)

SECONDS = 5.0
SECONDS_TO_CONNECT = 2.0
SECONDS_OF_SILENCE = 3.0
LARGEST_ANSWER = 512 * 1024
AWAY = "The provider of single sign-on does not answer as it should."
AWAY_HINT = "Nothing that needs it is allowed until it does; try again in a moment."


class Careful(HTTPAdapter):
    """
    Reads a whole answer or gives up: after 5 seconds, or at 512 KiB, whatever the caller asked for.
    """

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """
        The answer, read. `requests.ConnectionError` when it is too slow or too large.
        """
        until = time.monotonic() + SECONDS
        del args
        options |= {"stream": True, "timeout": (SECONDS_TO_CONNECT, SECONDS_OF_SILENCE)}
        response = super().send(request, **options)
        try:
            # What follows is what `Response.content` does, but bounded.
            response._content = _read(response.raw, until)
            response._content_consumed = True  # type: ignore[attr-defined]
        finally:
            response.close()
        return response


def _read(raw: Any, until: float) -> bytes:
    read = bytearray()
    try:
        while piece := raw.read1(64 * 1024, decode_content=False):
            read += piece
            if len(read) > LARGEST_ANSWER or time.monotonic() > until:
                raise requests.ConnectionError("the answer is too large or too slow")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.ConnectionError("the answer broke off") from error
    return bytes(read)


def made_careful(session: requests.Session) -> requests.Session:
    """
    The session, from now on with those limits. Compressed answers are not asked for: they could grow when unpacked.
    """
    session.mount("https://", Careful())
    session.mount("http://", Careful())
    session.headers["Accept-Encoding"] = "identity"
    session.headers["User-Agent"] = "cerberus"
    return session


def _no_credential(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # without it, requests would look for one in ~/.netrc


def document(address: str) -> Mapping[str, Any]:
    """
    The JSON object at the address; Unavailable when it cannot be had.
    """
    with made_careful(requests.Session()) as session:
        try:
            answer = session.get(address, allow_redirects=False, auth=_no_credential)
        except requests.RequestException as error:
            raise away(address, type(error).__name__) from None
    if answer.status_code != 200:
        raise away(address, f"status {answer.status_code}")
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        raise away(address, "no JSON") from None
    if not isinstance(found, dict):
        raise away(address, "no JSON object")
    return found


def away(address: str, why: str) -> Unavailable:
    """
    The error for a provider that does not answer as it should. The log gets the host and the reason, no more.
    """
    log.warning("single sign-on: %s: %s", urlsplit(address).netloc, why)
    return Unavailable(AWAY, hint=AWAY_HINT)
