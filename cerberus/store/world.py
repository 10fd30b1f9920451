"""The policy as plain values that can be compared: what a policy file says, or what the database holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cerberus.policy import SubjectKind


class Someone(NamedTuple):
    """A user."""

    display_name: str
    disabled: bool
    platform_roles: tuple[str, ...]


class Account(NamedTuple):
    """A service account and the project that owns it."""

    project: str
    display_name: str
    disabled: bool


class RoleFacts(NamedTuple):
    """A custom role; `levels` are sorted by kind."""

    description: str
    levels: tuple[tuple[str, str], ...]
    manages_project: bool


class ProjectFacts(NamedTuple):
    """A project's settings."""

    name: str
    description: str
    askable: bool
    archived: bool


class Terms(NamedTuple):
    """What a binding or grant gives (a role, a level), until when, and why."""

    given: str
    until: datetime | None
    reason: str


@dataclass(slots=True)
class World:
    """
    A whole policy, or the part of one that a file names. What has ended is not in it. KEYS says what the keys are.
    """

    people: dict[str, Someone] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    roles: dict[tuple[str, str], RoleFacts] = field(default_factory=dict)
    projects: dict[str, ProjectFacts] = field(default_factory=dict)
    memberships: dict[tuple[str, str], bool] = field(default_factory=dict)
    members: dict[tuple[str, str], Terms] = field(default_factory=dict)
    grants: dict[tuple[str, str, str, str], Terms] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[Any, Any]:
        """
        One of the above by its name.
        """
        found: Mapping[Any, Any] = getattr(self, name)
        return found


KIND_OF = {"people": SubjectKind.USER, "groups": SubjectKind.GROUP, "accounts": SubjectKind.SERVICE_ACCOUNT}
"""The sections whose keys are names of subjects, which share their names."""

KEYS = {
    "projects": ("project",),
    "roles": ("home", "role"),
    **dict.fromkeys(KIND_OF, ("subject",)),
    "memberships": ("subject", "subject"),
    "members": ("project", "subject"),
    "grants": ("project", "kind", "id", "subject"),
}
"""What the keys of each section name, a group before its member; in the order in which differences are told."""


class Step(NamedTuple):
    """One difference: what is there, and what is to be. None stands for nothing at all."""

    section: str
    key: Any
    before: Any
    after: Any

    def named(self, part: str) -> list[str]:
        """
        The names in the key that are of this part, as KEYS has them.
        """
        key = self.key if isinstance(self.key, tuple) else (self.key,)
        return [name for name, what in zip(key, KEYS[self.section], strict=True) if what == part]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file speaks of, by name; None of them stands for everything there is."""

    people: frozenset[str]
    groups: frozenset[str]
    roles: frozenset[str]
    projects: frozenset[str]


def steps_between(before: World, after: World) -> list[Step]:
    """
    Everything that differs, section by section, by name.
    """
    found = []
    for section in KEYS:
        old, new = before.section(section), after.section(section)
        for key in sorted(key for key in {*old, *new} if old.get(key) != new.get(key)):
            found.append(Step(section, key, old.get(key), new.get(key)))
    return found
