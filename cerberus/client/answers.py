"""What the API's answers are in Python: values that `cerberus.client` returns. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `roles` are the caller's own and only filled in by `me()`."""

    slug: str
    name: str
    description: str
    archived: bool
    askable: bool = False
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Me:
    """Who the token belongs to and what it may be used for."""

    name: str
    display_name: str
    kind: str
    groups: tuple[str, ...]
    platform_roles: tuple[str, ...]
    scopes: tuple[str, ...]
    token_project: str | None
    projects: tuple[Project, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Who has which role in a project."""

    subject: str
    kind: str
    display_name: str
    role: str
    disabled: bool
    expires_at: datetime | None
    reason: str
    added_at: datetime
    added_by: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `secret` is filled in only when it was just made."""

    id: str
    name: str
    owner: str
    scopes: tuple[str, ...]
    project: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """May I? True or False, and why."""

    allowed: bool
    visible: bool
    reason: str
    detail: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask `check_many`; without an id it is about the kind as a whole."""

    verb: str
    kind: str
    project: str
    id: str = "*"


Value = TypeVar("Value", bound="DataclassInstance")


def _value(name: str, value: Any) -> Any:
    if (name == "at" or name.endswith("_at")) and value is not None:
        return datetime.fromisoformat(value)
    if name == "projects":
        return tuple(read(Project, item) for item in value)
    return tuple(value) if isinstance(value, list) else value


def read(kind: type[Value], values: Mapping[str, Any]) -> Value:
    """
    The answer as a value. What a newer server adds is passed over.
    """
    known = {each.name for each in fields(kind)}
    return kind(**{name: _value(name, value) for name, value in values.items() if name in known})
