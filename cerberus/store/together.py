"""Many threads with the same question to the database, and a database that may be away."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from sqlalchemy import exc

from cerberus.errors import Unavailable

AWAY = "Cerberus' database cannot be reached."
AWAY_HINT = "Nothing was changed and nothing is allowed until it is back; try again in a moment."
Answer = TypeVar("Answer")


class Watch:
    """While the database is away, one thread at a time asks it; the others are told at once."""

    def __init__(self) -> None:
        self._away = False
        self._turn = threading.Lock()

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """
        What the question answers; `Unavailable` when another thread is waiting for a database that was away.
        """
        if not self._away:
            return self._heard(question)
        if not self._turn.acquire(blocking=False):
            raise Unavailable(AWAY, hint=AWAY_HINT)
        try:
            return self._heard(question)
        finally:
            self._turn.release()

    def _heard(self, question: Callable[[], Answer]) -> Answer:
        try:
            answer = question()
        except (exc.OperationalError, exc.InterfaceError, exc.InternalError):
            self._away = True
            raise
        self._away = False
        return answer


@dataclass(slots=True)
class _Round(Generic[Answer]):
    """One asking, and who waits for it."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    error: BaseException | None = None


class Together(Generic[Answer]):
    """
    Asks a question once for all who want to know at about the same time.

    Nobody gets an answer to an asking that began before they came: what was true then may have changed since.
    """

    def __init__(self, question: Callable[[], Answer]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._coming: _Round[Answer] | None = None
        self._failed: tuple[_Round[Answer] | None, Exception] | None = None

    def ask(self) -> Answer:
        """
        The answer of an asking that begins now or later; the question's error where it fails.
        """
        with self._lock:
            mine, leads = self._coming, self._coming is None
            if mine is None:
                mine = self._coming = _Round()
        if leads:
            self._lead(mine)
        else:
            mine.done.wait()
        if mine.error is not None:
            raise mine.error
        return cast(Answer, mine.answer)

    def _lead(self, mine: _Round[Answer]) -> None:
        with self._asking:
            with self._lock:
                self._coming = None  # who comes from here on waits for the next
                failed, self._failed = self._failed, None
            try:
                if failed is not None and failed[0] is mine:
                    raise failed[1]  # the one before has waited in vain, and these with it: once is enough
                mine.answer = self._question()
            except BaseException as error:
                mine.error = error
                with self._lock:
                    self._failed = (self._coming, error) if isinstance(error, Exception) else None
            finally:
                mine.done.set()
