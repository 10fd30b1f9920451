"""Refusals written into the audit after their answers have gone out: no request waits for that, and none is delayed by
more for something hidden than for something that is not there."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from mlflow.utils.workspace_context import ServerWorkspaceContext

from cerberus.policy import Kind, Resource, Verb
from cerberus_mlflow.context import Call, calling, cerberus
from cerberus_mlflow.named import Named
from cerberus_mlflow.sight import everything

_logger = logging.getLogger(__name__)
Item = TypeVar("Item")

MOST_WAITING = 1_000
PAUSE = 0.5
"""Seconds from the first of some refusals to the work on all of them: who has been refused, and asks the next thing at
once, does not find the process busy with that."""


@dataclass(frozen=True, slots=True)
class Denial:
    """
    A refusal, as it was when it was given. It is `certain` where MLflow's check said no; where something was just not
    found, it is a refusal only if it is there.
    """

    call: Call
    verb: Verb
    named: tuple[Named, ...]
    certain: bool
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Hindsight(Generic[Item]):
    """
    A thread that does something with each of what it is given, a while later; what is too much is dropped and counted.
    """

    def __init__(self, do: Callable[[Item], None], *, what: str) -> None:
        self._do = do
        self._what = what
        self._waiting: queue.Queue[Item] = queue.Queue(MOST_WAITING)
        self._hurry = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def soon(self, item: Item) -> None:
        """
        Returns at once.
        """
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            self.dropped += 1
            _logger.warning("dropped: %s (%d so far)", self._what, self.dropped)
        if self._thread is None:
            self._start()

    def settle(self, seconds: float) -> None:
        """
        Has everything done now, and waits for that, at most so long.
        """
        self._hurry.set()
        until = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)
        self._hurry.clear()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:  # in the process that serves, not in one that it was forked from
                self._thread = threading.Thread(target=self._work, name="cerberus-hindsight", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            self._hurry.wait(PAUSE)
            batch += [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
            for item in batch:
                try:
                    self._do(item)
                except Exception:
                    _logger.exception("not written: %s", self._what)
                finally:
                    self._waiting.task_done()


def record(denial: Denial) -> None:
    """
    Notes a denial, about what the caller may not see of what the request names, else about what they may not change.
    """
    call = replace(denial.call, kept={})
    if call.project is None:
        return
    with ServerWorkspaceContext(call.project), calling(call), everything():
        found = [each.found(call) for each in denial.named]
    there = [each for each in found if each is not None]
    if not denial.certain and all(call.can(Verb.READ, each) for each in there):
        return
    why = sorted(there, key=lambda each: (call.can(Verb.READ, each), call.can(denial.verb, each)))
    decision = call.access.check(denial.verb, why[0] if why else Resource(call.project, Kind.EXPERIMENT))
    # MLflow's rules for a route can ask for more than the one verb, and its word counts.
    cerberus().audit.record_denial(call.access.principal, replace(decision, allowed=False), call.origin, at=denial.at)


_denials = Hindsight(record, what="the audit line of a denial")
soon, settle = _denials.soon, _denials.settle
