"""From the sign-in form to the cookie: a code that lives for seconds, works once, and only in the browser it is for.

The form is drawn over a websocket, which cannot set a cookie. The page gets a code instead and posts it to a route
that can. The secret of the session itself never leaves the server but in the Set-Cookie header.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

LIFE_SECONDS = 30.0
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session that waits for its browser."""

    cookie: str
    session_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Waiting:
    ticket: Ticket
    browser: bytes
    until: float


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode(errors="surrogatepass")).digest()


class HandOver:
    """Codes of this process. A proxy in front of several processes must keep a browser at one of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[bytes, _Waiting] = {}
        self._lock = threading.Lock()

    def put(self, ticket: Ticket, *, browser: str) -> str:
        """A code for `ticket` that only the browser with this cookie can use."""
        if not browser:
            raise ValueError("a hand-over needs a browser to go to")
        code, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._waiting = {key: each for key, each in self._waiting.items() if each.until > now}
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[_digest(code)] = _Waiting(ticket, _digest(browser), now + LIFE_SECONDS)
        return code

    def take(self, code: str, *, browser: str) -> Ticket | None:
        """The ticket, once; None when the code is unknown, used, too old or another browser's."""
        with self._lock:
            waiting = self._waiting.pop(_digest(code), None)
        if waiting is None or waiting.until <= self._clock():
            return None
        return waiting.ticket if hmac.compare_digest(waiting.browser, _digest(browser)) else None


handover = HandOver()
