"""A use case that met another one in the database runs again, from its beginning."""

import functools
import inspect
import random
import threading
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from cerberus.errors import Unavailable
from cerberus.store.database import Deadlocked

ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 0.05

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
_here = threading.local()


def again(use_case: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """
    The same, run up to five times: a deadlock undid everything, so nothing happens twice. `Unavailable` after that.

    A use case that is part of another one is left to that: in a rehearsal the deadlock undid what came before, too.
    """

    @functools.wraps(use_case)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        if getattr(_here, "running", False):
            return use_case(*args, **kwargs)
        _here.running = True
        try:
            return _run(lambda: use_case(*args, **kwargs))
        finally:
            _here.running = False

    return run


def _run(use_case: Callable[[], Answer]) -> Answer:
    for attempt in range(ATTEMPTS - 1):
        try:
            return use_case()
        except Deadlocked:
            # Not all at the same moment: they would only meet again.
            time.sleep(random.uniform(0, FIRST_PAUSE * 2**attempt))  # noqa: S311 - no secret
    try:
        return use_case()
    except Deadlocked as error:
        raise Unavailable(error.message, hint=error.hint) from error


def run_again(use_cases: object) -> None:
    """
    Makes every public method of the object one that runs `again`.
    """
    for name, _ in inspect.getmembers_static(type(use_cases), inspect.isfunction):
        if not name.startswith("_"):
            setattr(use_cases, name, again(getattr(use_cases, name)))
