"""What use cases answer with: frozen values, moments in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypedDict

from cerberus.policy import AnyKind, Level, PlatformRole, Resource, Scope, Source, SubjectKind


def position_of(moment: datetime, name: object) -> str:
    """
    Where something that has a moment stands in a list in time's order: `name` tells those of one moment apart.
    """
    return f"{moment.isoformat(timespec='microseconds')} {name}"


def moment_and_name(position: str) -> tuple[datetime, str]:
    """
    The two parts of a position; ValueError when it is none.
    """
    moment, _, name = position.partition(" ")
    return datetime.fromisoformat(moment).astimezone(UTC), name


@dataclass(frozen=True, slots=True)
class Person:
    """A user, a group or a service account. `project` is the slug of the project that owns a service account."""

    id: int
    name: str
    kind: SubjectKind
    display_name: str
    disabled: bool
    platform_roles: frozenset[PlatformRole]
    project: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project; `archived` projects can only be read. Anybody may ask for a role in one that is `askable`."""

    slug: str
    name: str
    description: str
    archived: bool
    askable: bool = False

    @property
    def place(self) -> str:
        """
        Where the project stands in a list by name: equal names are told apart by their slugs.
        """
        return f"{self.name.casefold()}\x00{self.slug}"


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role that can be given in a project; `project` is None for one that every project has."""

    name: str
    description: str
    levels: Mapping[AnyKind, Level]
    manages_project: bool
    project: str | None
    built_in: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A binding, as the list of members shows it."""

    subject_id: int
    subject: str
    kind: SubjectKind
    display_name: str
    disabled: bool
    role: str
    expires_at: datetime | None
    reason: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A subject's level on one resource (`resource_id` = `*`: on the whole kind)."""

    id: int
    project: str
    subject_id: int
    subject: str
    subject_kind: SubjectKind
    kind: AnyKind
    resource_id: str
    level: Level
    source: Source
    expires_at: datetime | None
    reason: str
    added_at: datetime
    added_by: str


class Did(StrEnum):
    """What is done to a thing in MLflow that Cerberus has a share in."""

    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"


@dataclass(frozen=True, slots=True)
class Deed:
    """
    What is done to one thing in MLflow. `mark` tells the thing from all others that had its id before or get it later;
    `new_id` is what a rename makes of the id.
    """

    did: Did
    resource: Resource
    mark: str
    new_id: str = ""

    @property
    def ends_at(self) -> str:
        """
        The id under which to look whether it happened.
        """
        return self.new_id or self.resource.id

    @property
    def before(self) -> dict[str, str | None]:
        """
        What its ids stood for before it: a mark, or None for nothing.
        """
        if self.did is Did.CREATE:
            return {self.resource.id: None}
        return {self.resource.id: self.mark, **({self.new_id: None} if self.did is Did.RENAME else {})}

    def happened(self, at: str, found: str | None) -> bool:
        """
        Whether it did, where one of its ids now stands for what is marked so (None: for nothing).
        """
        there = self.did is Did.CREATE or (self.did is Did.RENAME and at == self.new_id)
        return (found == self.mark) is there


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A deed whose rest is still to be done, if it happened."""

    id: int
    deed: Deed
    at: datetime


class RequestState(StrEnum):
    """What became of a request for access."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    """The project was deleted before anybody answered."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody asks for a role in a project. `expires_at` is the end of the role that was given."""

    id: int
    project: str
    subject_id: int
    subject: str
    display_name: str
    role: str
    reason: str
    state: RequestState
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    answer: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token without its secret."""

    id: str
    name: str
    owner: str
    scopes: frozenset[Scope]
    project: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def position(self) -> str:
        """
        Where the token stands among its owner's: what a list goes on after.
        """
        return position_of(self.created_at, self.id)


@dataclass(frozen=True, slots=True)
class Credential:
    """What the check of an access token needs to know of it."""

    id: str
    secret_hash: str
    subject_id: int
    scopes: frozenset[Scope]
    project: str | None
    expires_at: datetime
    ended: bool
    last_used_at: datetime | None

    def used(self, at: datetime) -> "Credential":
        """The same, last used then."""
        return replace(self, last_used_at=at)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    id: int
    subject_id: int
    name: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    address: str
    client: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One thing that happened; `before` and `after` are what changed. `hash` is None for lines outside the chain."""

    id: int
    at: datetime
    who: str
    on_behalf_of: str
    action: str
    target: str
    project: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    outcome: str
    address: str
    client: str
    request_id: str
    previous_hash: str | None
    hash: str | None

    @property
    def position(self) -> str:
        """
        Where the line stands among all: what a search goes on after.
        """
        return position_of(self.at, self.id)

    @staticmethod
    def moment_and_id(position: str) -> tuple[datetime, int]:
        """
        The two parts of a position; ValueError when it is none.
        """
        moment, line_id = moment_and_name(position)
        return moment, int(line_id)


class AuditSearch(TypedDict, total=False):
    """
    What lines are wanted: all that is given must be so. `since` is included, `until` is not.

    An `action` that ends with a dot means all that begin with it; a `client` is how it begins.
    """

    since: datetime | None
    until: datetime | None
    who: str | None
    on_behalf_of: str | None
    action: str | None
    target: str | None
    project: str | None
    outcome: str | None
    address: str | None
    client: str | None
    request_id: str | None
