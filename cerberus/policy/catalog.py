"""What exists: kinds, verbs, levels, roles and scopes. Data only: a new kind or role is a row here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal


class Verb(StrEnum):
    """What somebody wants to do."""

    READ = "read"
    USE = "use"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MANAGE = "manage"


class Level(StrEnum):
    """How much a rule gives; the names are MLflow's."""

    READ = "READ"
    USE = "USE"
    EDIT = "EDIT"
    MANAGE = "MANAGE"
    DENY = "DENY"


class Kind(StrEnum):
    """
    What permission is given on. The values are MLflow's resource types, and `project`, which is ours.

    Runs, traces, logged models, datasets and artifacts have their experiment's permission; versions and aliases
    their model's.
    """

    EXPERIMENT = "experiment"
    REGISTERED_MODEL = "registered_model"
    PROMPT = "prompt"
    SCORER = "scorer"
    GATEWAY_SECRET = "gateway_secret"  # noqa: S105 - the name of a kind
    GATEWAY_ENDPOINT = "gateway_endpoint"
    GATEWAY_MODEL_DEFINITION = "gateway_model_definition"
    MCP_SERVER = "mcp_server"
    PROJECT = "project"


ANY: Final = "*"
"""Every kind but `project`, or every id."""

AnyKind = Kind | Literal["*"]

RUN_DATA_KINDS: Final = tuple(kind for kind in Kind if kind is not Kind.PROJECT)

LEVEL_VERBS: Final[Mapping[Level, frozenset[Verb]]] = MappingProxyType(
    {
        Level.READ: frozenset({Verb.READ}),
        Level.USE: frozenset({Verb.READ, Verb.USE}),
        Level.EDIT: frozenset({Verb.READ, Verb.USE, Verb.CREATE, Verb.UPDATE}),
        Level.MANAGE: frozenset(Verb),
        Level.DENY: frozenset(),
    }
)

LEVEL_ORDER: Final = (Level.DENY, Level.READ, Level.USE, Level.EDIT, Level.MANAGE)


class SubjectKind(StrEnum):
    """Whom a rule can name, and who can ask."""

    USER = "user"
    GROUP = "group"
    SERVICE_ACCOUNT = "service_account"
    SYSTEM = "system"


class PlatformRole(StrEnum):
    """A role over the whole platform."""

    ADMIN = "admin"
    AUDITOR = "auditor"


class Scope(StrEnum):
    """What a credential may be used for; it only takes away."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


ALL_SCOPES: Final = frozenset(Scope)

SCOPE_VERBS: Final[Mapping[Scope, frozenset[Verb]]] = MappingProxyType(
    {
        Scope.READ: frozenset({Verb.READ}),
        Scope.WRITE: frozenset({Verb.READ, Verb.USE, Verb.CREATE, Verb.UPDATE, Verb.DELETE}),
        Scope.ADMIN: frozenset(Verb),
    }
)


@dataclass(frozen=True, slots=True)
class Role:
    """
    A named level for each kind (`*` = every kind that is not named), and whether it manages the project itself.
    """

    name: str
    description: str
    levels: Mapping[AnyKind, Level]
    manages_project: bool = False


BUILT_IN_ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        role.name: role
        for role in (
            Role("viewer", "sees everything in the project", {ANY: Level.READ}),
            Role("contributor", "creates and changes, and manages what they created", {ANY: Level.EDIT}),
            Role("maintainer", "manages everything in the project, and its members", {ANY: Level.MANAGE}, True),
        )
    }
)

PLATFORM_ROLE_DESCRIPTIONS: Final[Mapping[PlatformRole, str]] = MappingProxyType(
    {
        PlatformRole.ADMIN: "may do everything, always audited",
        PlatformRole.AUDITOR: "reads policy and audit everywhere, no run data",
    }
)


def capped(level: Level | None, verbs: frozenset[Verb]) -> Level | None:
    """
    The highest level within `level` whose verbs lie within `verbs`; None when even READ does not. DENY stays DENY.

    `manage` does not count: a `write` credential deletes with MANAGE, and managing is asked for by its own verb.
    """
    if level is None or level is Level.DENY:
        return level
    for candidate in reversed(LEVEL_ORDER[1 : LEVEL_ORDER.index(level) + 1]):
        if LEVEL_VERBS[candidate] - {Verb.MANAGE} <= verbs:
            return candidate
    return None
