"""Many threads with the same question to the database, and a database that may be away."""

import threading
from collections.abc import Callable
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


class Together(Generic[Answer]):
    """
    Asks a question once for all who want to know at about the same time.

    Nobody gets an answer to an asking that began before they came: what was true then may have changed since.
    """

    def __init__(self, question: Callable[[], Answer]) -> None:
        self._question = question
        self._news = threading.Condition()
        self._asking = False
        self._begun = 0
        self._answered, self._answer = 0, cast(Answer, None)
        self._failed, self._failure = -1, cast(Exception, None)

    def ask(self) -> Answer:
        """
        The answer of an asking that begins now or later; the question's error where it fails.
        """
        with self._news:
            came = self._begun
            while True:
                if came < self._answered:  # somebody asked while this thread waited
                    return self._answer
                if came <= self._failed:  # somebody has waited in vain, and this thread with them: once is enough
                    raise self._failure
                if not self._asking:
                    break
                self._news.wait()  # not for a turn: somebody else may take it, and wait in vain once more
            self._asking = True
            self._begun = number = self._begun + 1
        return self._ask(number)

    def _ask(self, number: int) -> Answer:
        try:
            answer = self._question()
        except Exception as error:
            with self._news:
                self._failed, self._failure = number, error
                self._begun += 1  # who comes from here on asks anew
            raise
        else:
            with self._news:
                self._answered, self._answer = number, answer
            return answer
        finally:
            with self._news:
                self._asking = False
                self._news.notify_all()
