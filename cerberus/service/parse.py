"""Turns what people typed into values, or refuses it with `Invalid` naming the field."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from cerberus.errors import Invalid
from cerberus.policy import ANY, Kind, Scope
from cerberus.service.letters import controls, hides, hides_in_lines

USER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?")
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])")
RESERVED_SLUGS = frozenset({"default", "workspaces", "api", "ajax-api", "static-files"})  # MLflow's own
RESERVED_NAMES = frozenset({"system", "anonymous", "token"})
Member = TypeVar("Member", bound=StrEnum)


def user_name(value: Any, field: str = "name") -> str:
    """
    The name in its one spelling (NFKC, lower case): 1 to 64 of a-z, 0-9 and . _ @ -, first and last a letter or digit.
    """
    name = unicodedata.normalize("NFKC", value).strip().lower() if isinstance(value, str) else ""
    if not USER_NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise Invalid(
            "A name has 1 to 64 of the characters a-z, 0-9, '.', '_', '@' and '-', starts and ends with a letter or "
            "digit, and is not one that the platform uses itself.",
            field=field,
        )
    return name


def slug(value: Any, field: str = "slug") -> str:
    """
    A project's slug: 2 to 63 of a-z, 0-9 and -, neither first nor last a dash, and not a name that MLflow keeps.
    """
    if not isinstance(value, str) or not SLUG.fullmatch(value) or value in RESERVED_SLUGS:
        raise Invalid(
            "A project's short name has 2 to 63 of the characters a-z, 0-9 and '-', does not start or end with '-', "
            f"and is none of {', '.join(sorted(RESERVED_SLUGS))}.",
            field=field,
        )
    return value


def text(value: Any, field: str, *, longest: int, shortest: int = 0) -> str:
    """
    Text for people, trimmed, with line breaks and tabs but nothing else that one cannot see.
    """
    trimmed = _trimmed(value, field, longest=longest, shortest=shortest)
    if hides_in_lines(trimmed):
        raise Invalid(f"{field} holds characters that cannot be shown.", field=field)
    return trimmed


def line(value: Any, field: str, *, longest: int, shortest: int = 0) -> str:
    """
    The same in one line.
    """
    trimmed = _trimmed(value, field, longest=longest, shortest=shortest)
    if hides(trimmed):
        raise Invalid(f"{field} holds characters that cannot be shown, or more than one line.", field=field)
    return trimmed


def _trimmed(value: Any, field: str, *, longest: int, shortest: int) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{field} must be text.", field=field)
    trimmed = value.strip()
    if not shortest <= len(trimmed) <= longest:
        raise Invalid(f"{field} must have {shortest} to {longest} characters.", field=field)
    return trimmed


def resource_id(value: Any, field: str = "resource_id") -> str:
    """
    The id of a resource (or `*`): 1 to 256 characters, none of them a control character.
    """
    if not isinstance(value, str) or not 1 <= len(value) <= 256:
        raise Invalid("A resource's id has 1 to 256 characters.", field=field)
    if controls(value):
        raise Invalid("A resource's id holds no control characters.", field=field)
    return value


def id_of(kind: Kind, value: Any, field: str = "resource_id") -> str:
    """
    The id of a resource of that kind (or `*`) in the one spelling that MLflow's guard compares.

    MLflow takes `07` for experiment 7, and a DENY on `07` would deny nothing. Scorers are named `7/name`, all those of
    an experiment `7`.
    """
    name = resource_id(value, field)
    experiment = {Kind.EXPERIMENT: name, Kind.SCORER: name.partition("/")[0]}.get(kind, ANY)
    if experiment != ANY and not re.fullmatch(r"0|[1-9][0-9]*", experiment):
        raise Invalid("An experiment's id is a whole number, written plainly.", field=field)
    return name


def member_of(kind: type[Member], value: Any, field: str) -> Member:
    """
    A member of an enumeration of texts.
    """
    try:
        return kind(value)
    except ValueError:
        raise Invalid(f"{field} is one of {', '.join(kind)}.", field=field) from None


def scopes(values: Iterable[Any], field: str = "scopes") -> frozenset[Scope]:
    """
    At least one scope.
    """
    found = frozenset(member_of(Scope, value, field) for value in values)
    if not found:
        raise Invalid("At least one scope is needed.", field=field)
    return found


def moment(value: Any, field: str) -> datetime:
    """
    A moment in UTC.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Invalid(f"{field} must be a moment with a time zone.", field=field)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{field} must lie in the years 1 to 9999, in UTC.", field=field) from None


def end(value: datetime | None, now: datetime, field: str = "expires_at") -> datetime | None:
    """
    A moment to come, in UTC, or None for no end.
    """
    if value is None:
        return None
    ends = moment(value, field)
    if ends <= now:
        raise Invalid(f"{field} must lie in the future.", field=field)
    return ends


def position(value: str | None, read: Callable[[str], object]) -> None:
    """
    Where a list is to go on, if that is said: Invalid unless `read`, as the list itself will, can make sense of it.
    """
    try:
        if value is not None:
            read(value)
    except ValueError:
        raise Invalid("after: is no place in this list", field="after") from None
