"""What every part of one request needs: who asks, in which project, and Cerberus itself."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE, UNAUTHENTICATED

from cerberus.policy import Resource, Verb
from cerberus.service import Access, Actor, Cerberus, Origin
from cerberus.settings import configured


@dataclass(frozen=True, slots=True)
class Call:
    """
    One authenticated request. `project` is the slug that it works in; None where it needs none. `kept` holds what was
    worked out for this request and must not outlive it.
    """

    access: Access
    project: str | None
    origin: Origin
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.access.principal.name

    @property
    def actor(self) -> Actor:
        """
        The caller as Cerberus' audit names them.
        """
        return Actor(self.access.principal, self.origin)

    @property
    def archived(self) -> bool:
        """
        Whether the project can only be read.
        """
        return self.project is not None and self.access.project(self.project).archived

    def can(self, verb: Verb, resource: Resource) -> bool:
        return self.access.can(verb, resource)


_CALL: ContextVar[Call | None] = ContextVar("cerberus_call", default=None)


@functools.cache
def cerberus() -> Cerberus:
    """
    This process' Cerberus. Opening connects to nothing, so a server starts while the database is away.
    """
    return Cerberus.open(configured())


@contextmanager
def calling(call: Call) -> Iterator[None]:
    """
    Makes `call` the current one, here and in every thread or task that is started from here.
    """
    token = _CALL.set(call)
    try:
        yield
    finally:
        _CALL.reset(token)


def current_call() -> Call | None:
    """
    The request being served; None outside of one (start-up, background work).
    """
    return _CALL.get()


def require_call() -> Call:
    """
    The request being served. Raises where there is none, which refuses.
    """
    call = _CALL.get()
    if call is None:
        raise MlflowException("Nobody is signed in.", error_code=UNAUTHENTICATED)
    return call


def unavailable() -> MlflowException:
    """
    What MLflow's code is told when Cerberus failed: 503, and nothing about why.
    """
    return MlflowException(
        "Permissions cannot be checked at the moment, so nothing is allowed. Try again shortly.",
        error_code=TEMPORARILY_UNAVAILABLE,
    )
