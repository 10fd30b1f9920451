"""Who asks, for what, under which rules, and the answer. Frozen values; nothing here knows a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache

from cerberus.policy.catalog import (
    ALL_SCOPES,
    ANY,
    SCOPE_VERBS,
    AnyKind,
    Kind,
    Level,
    PlatformRole,
    Scope,
    SubjectKind,
    Verb,
)


@cache
def verbs_of(scopes: frozenset[Scope]) -> frozenset[Verb]:
    """
    What a credential with these scopes may be used for.
    """
    return frozenset().union(*(SCOPE_VERBS[scope] for scope in scopes))


@dataclass(frozen=True, slots=True)
class Principal:
    """
    Who asks: a person or a service account with its groups, and the limits of the credential that was shown.
    """

    id: int
    name: str
    kind: SubjectKind = SubjectKind.USER
    display_name: str = ""
    groups: frozenset[int] = frozenset()
    platform_roles: frozenset[PlatformRole] = frozenset()
    disabled: bool = False
    scopes: frozenset[Scope] = ALL_SCOPES
    project: str | None = None

    @property
    def is_admin(self) -> bool:
        """
        Whether the person is an admin, whatever the credential may be used for.
        """
        return PlatformRole.ADMIN in self.platform_roles

    @property
    def verbs(self) -> frozenset[Verb]:
        """
        What the credential may be used for.
        """
        return verbs_of(self.scopes)

    def holds(self, subject_id: int) -> bool:
        """
        Whether a rule for this subject is a rule for this principal.
        """
        return subject_id == self.id or subject_id in self.groups


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One thing in a project, or with id `*` the kind as a whole (for creating). The project itself has its slug as id.
    """

    project: str
    kind: Kind
    id: str = ANY


class Source(StrEnum):
    """Where a rule comes from."""

    BINDING = "binding"
    GRANT = "grant"
    OWNERSHIP = "ownership"


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One subject has one level on one resource, one kind (`resource_id` = `*`) or every kind of a project.

    `id` is the row of the binding or grant that it comes from; `role` the role of a binding.
    """

    subject_id: int
    subject_name: str
    subject_kind: SubjectKind
    project: str
    kind: AnyKind
    resource_id: str
    level: Level
    source: Source
    id: int
    role: str | None = None
    expires_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """
        Whether the rule exists at `now`.
        """
        return self.expires_at is None or now < self.expires_at


class Reason(StrEnum):
    """Why a decision came out as it did; the value is a sentence's end, after 'yes/no: '."""

    GRANTED = "the deciding rules give it"
    ADMIN = "an admin may do everything"
    DISABLED = "the account is disabled"
    SCOPE = "the credential's scopes do not cover it"
    OTHER_PROJECT = "the credential is bound to another project"
    ARCHIVED = "the project is archived and can only be read"
    NO_RULE = "no binding or grant names it"
    DENIED = "a DENY decides"
    TOO_LOW = "the deciding rules give less"

    @property
    def code(self) -> str:
        """
        The reason for programs.
        """
        return self.name.lower()


class Outcome(StrEnum):
    """What became of a rule in a decision."""

    WON = "decided"
    OUTRANKED = "lost to a rule that gives more, or to a DENY"
    WIDER = "lost to a narrower rule"
    EXPIRED = "has ended"
    DORMANT = "waits: its owner may not create such things at present"

    @property
    def code(self) -> str:
        """
        The outcome for programs.
        """
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule and what became of it."""

    rule: Rule
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Decision:
    """
    The answer, the reason, and each rule that took part. `visible` tells NotFound (False) from Forbidden (True).

    `limits` is everything that takes the permission away whatever the rules give; the first of them is the reason.
    """

    allowed: bool
    verb: Verb
    resource: Resource
    reason: Reason
    visible: bool
    level: Level | None = None
    judged: tuple[Judged, ...] = ()
    limits: tuple[Reason, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def text(self) -> str:
        """
        The decision in one line.
        """
        what = self.resource.kind if self.resource.id == ANY else f"{self.resource.kind} {self.resource.id}"
        return f"{'yes' if self.allowed else 'no'}: {self.verb} {what} in {self.resource.project}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Visible:
    """
    A set of ids: all but `exceptions` (default True), or none but them.
    """

    default: bool
    exceptions: frozenset[str] = frozenset()

    def includes(self, resource_id: str) -> bool:
        """
        Whether the id is in the set.
        """
        return self.default != (resource_id in self.exceptions)

    @property
    def nothing(self) -> bool:
        """
        Whether no id at all is in the set.
        """
        return not self.default and not self.exceptions


@dataclass(frozen=True, slots=True)
class Levels:
    """
    The level that decides for each resource that is named by a rule, and the one for every other.
    """

    default: Level | None
    named: Mapping[str, Level] = field(default_factory=dict)

    def of(self, resource_id: str) -> Level | None:
        """
        The level on this resource; None when no rule speaks.
        """
        return self.named.get(resource_id, self.default)
