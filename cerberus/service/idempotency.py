"""A request that carries a key happens once, however often it is sent, and is answered the same for a day."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cerberus.errors import CerberusError, Conflict, InProgress, Invalid
from cerberus.service.context import Context
from cerberus.store import idempotency
from cerberus.store.database import Transaction
from cerberus.store.tables import IdempotencyRow

KEPT_FOR: Final = timedelta(hours=24)
ABANDONED_AFTER: Final = timedelta(seconds=60)
"""A worker that was killed never ends what it began. Should it live after all, it finds its key gone, and stops."""

SWEEP_SECONDS: Final = 60.0
FIELD: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Given:
    """What the first request with this key was answered."""

    status: int
    answer: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do what the key stands for: nobody else does it meanwhile."""

    context: Context
    subject_id: int
    key: str
    at: datetime
    status: int

    def done(self, session: Transaction) -> None:
        """
        To be called in the transaction of the deed: deed and note are committed together, or neither is.
        """
        if not idempotency.mark_done(session, self.subject_id, self.key, at=self.at, status=self.status):
            raise InProgress("Another request with this key has taken over.")

    def keep(self, answer: str) -> None:
        """
        Keeps the answer for whoever asks again. When that fails, those are told that it was done but not how it ended.
        """
        try:
            with self.context.database.writing() as session:
                idempotency.keep_answer(
                    session, self.subject_id, self.key, at=self.at, status=self.status, answer=answer
                )
        except CerberusError:
            return

    def release(self) -> None:
        """
        Gives the key back after a failure, so that it can be tried again; what was done stays done.
        """
        try:
            with self.context.database.writing() as session:
                idempotency.release(session, self.subject_id, self.key, at=self.at)
        except CerberusError:
            return


class Idempotency:
    """Who holds which key."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._swept = time.monotonic()

    def claim(self, subject_id: int, key: str, *, request_hash: str, status: int) -> Claim | Given:
        """
        The right to do it, or what it was answered. Invalid when the key stands for another request, InProgress while
        the first one is under way, Conflict when it was done but its answer was lost.
        """
        self._sweep_now_and_then()
        now = self._context.now()
        claim = Claim(self._context, subject_id, key, now, status)
        row = None
        try:
            with self._context.database.writing() as session:
                row = idempotency.row_of(session, subject_id, key)
                if row is not None and not _forgotten(row, now):
                    return _given(row, request_hash, now)
                if row is not None:
                    idempotency.remove(session, row)
                idempotency.insert(session, subject_id, key, request_hash=request_hash, at=now)
        except (InProgress, Invalid):
            raise
        except Conflict:
            if row is not None:
                raise
            raise InProgress("Another request with this key is under way.") from None
        return claim

    def _sweep_now_and_then(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            before = self._context.now() - KEPT_FOR
            self._context.later(lambda session: idempotency.sweep(session, before), what="sweeping old keys")


def _forgotten(row: IdempotencyRow, now: datetime) -> bool:
    age = now - row.created_at
    return age > KEPT_FOR or (row.status is None and age > ABANDONED_AFTER)


def _given(row: IdempotencyRow, request_hash: str, now: datetime) -> Given:
    if row.request_hash != request_hash:
        raise Invalid(f"{FIELD}: was used for another request", field=FIELD, hint="Make a new key for each deed.")
    done_just_now = row.answer is None and now - row.created_at <= ABANDONED_AFTER  # the answer is kept after the deed
    if row.status is None or done_just_now:
        raise InProgress("Another request with this key is under way.")
    if row.answer is None:
        raise Conflict("This was done already, but its answer is lost.", hint="Look at what is there.")
    return Given(row.status, row.answer)
