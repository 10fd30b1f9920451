"""Keeps a document of the provider for an hour, and asks for it seldom, whatever callers do."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cerberus.errors import Unavailable
from cerberus.sso.web import AWAY, AWAY_HINT

Value = TypeVar("Value")

LIFE = 3600.0
NEWER_AFTER = 60.0
AGAIN_AFTER_FAULT = 5.0
MOST_WAITING = 8
"""Callers that wait for one fetch. More would take the threads that serve those who do not need the provider."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Value]):
    value: Value
    at: float


class Remembered(Generic[Value]):
    """
    One document. Thread-safe; one fetch at a time, and none for 5 seconds after one that failed.
    """

    def __init__(self, fetch: Callable[[], Value], clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            fetch: Gets the document, or raises Unavailable.
        """
        self._fetch = fetch
        self._clock = clock
        self._kept: _Kept[Value] | None = None
        self._tried_at = float("-inf")
        self._failed_at = float("-inf")
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def value(self) -> Value:
        """
        The document, at most an hour old; Unavailable when it cannot be had.
        """
        kept = self._kept
        if kept is not None and self._clock() - kept.at < LIFE:
            return kept.value
        return self._fetched(newer_than=self._clock() - LIFE)

    def newer(self) -> Value:
        """
        The document, fetched again unless that was tried within a minute. Unavailable when the last try failed.
        """
        kept, now = self._kept, self._clock()
        if kept is not None and self._failed_at < kept.at and now - self._tried_at < NEWER_AFTER:
            return kept.value
        return self._fetched(newer_than=now - NEWER_AFTER)

    def _fetched(self, *, newer_than: float) -> Value:
        if not self._places.acquire(blocking=False):
            raise Unavailable(AWAY, hint=AWAY_HINT)
        try:
            with self._lock:
                if self._kept is not None and self._kept.at > newer_than:
                    return self._kept.value  # somebody else fetched it while this caller waited
                if self._clock() - self._failed_at < AGAIN_AFTER_FAULT:
                    raise Unavailable(AWAY, hint=AWAY_HINT)
                return self._fetched_now()
        finally:
            self._places.release()

    def _fetched_now(self) -> Value:
        self._tried_at = self._clock()
        try:
            value = self._fetch()
        except Unavailable:
            self._failed_at = self._clock()
            raise
        self._kept = _Kept(value, self._clock())
        return value
