"""The rules that turn claims of the provider into groups and platform roles: a TOML file, read strictly at start."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cerberus.errors import Invalid
from cerberus.policy import PlatformRole
from cerberus.service import parse

SETTING = "CERBERUS_OIDC_RULES"
LARGEST_FILE = 256 * 1024


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    claim: str | list[str] = Field(min_length=1)
    contains: str = Field(min_length=1)
    group: str | None = None
    platform_role: str | None = None

    @model_validator(mode="after")
    def _gives_one_thing(self) -> "_Rule":
        if (self.group is None) == (self.platform_role is None):
            raise ValueError("name either a group or a platform_role")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rule: list[_Rule] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody is to have because of their claims."""

    groups: frozenset[str] = frozenset()
    roles: frozenset[PlatformRole] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Who has `contains` in the claim at `path` is to have what `given` says."""

    path: tuple[str, ...]
    contains: str
    given: Given

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """
        Whether the claim is this very text, or a list that holds it.
        """
        value: Any = claims
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return self.contains in value if isinstance(value, list) else value == self.contains


def given_by(rules: tuple[Rule, ...], claims: Mapping[str, Any]) -> Given:
    """
    All that the rules give for these claims.
    """
    held = [rule.given for rule in rules if rule.holds(claims)]
    return Given(frozenset().union(*(each.groups for each in held)), frozenset().union(*(each.roles for each in held)))


def read(path: Path | None) -> tuple[Rule, ...]:
    """
    The rules of the file, none without one. Invalid, with one sentence, when any of it is not understood.
    """
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise ValueError(f"it is larger than {LARGEST_FILE} bytes")
        values = _File.model_validate(tomllib.loads(text.decode()))
        return tuple(_rule(each, number) for number, each in enumerate(values.rule, start=1))
    except ValidationError as error:
        raise _wrong(path, _sentence(error)) from None
    except OSError as error:
        raise _wrong(path, error.strerror or type(error).__name__) from None
    except (ValueError, RecursionError) as error:
        raise _wrong(path, str(error)) from None


def _rule(rule: _Rule, number: int) -> Rule:
    claim = (rule.claim,) if isinstance(rule.claim, str) else tuple(rule.claim)
    if not all(claim):
        raise ValueError(f"rule {number}: claim: a name is empty")
    try:
        if rule.group is not None:
            return Rule(claim, rule.contains, Given(groups=frozenset({parse.user_name(rule.group, "group")})))
        role = parse.member_of(PlatformRole, rule.platform_role, "platform_role")
    except Invalid as error:
        raise ValueError(f"rule {number}: {error.field}: {error.message}") from None
    return Rule(claim, rule.contains, Given(roles=frozenset({role})))


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = [str(part + 1) if isinstance(part, int) else str(part) for part in first["loc"]]
    return f"{' '.join(where[:2])}{': ' + where[2] if len(where) > 2 else ''}: {first['msg']}"


def _wrong(path: Path, why: str) -> Invalid:
    one_line = " ".join(why.split()).rstrip(".")
    return Invalid(f"The rules of single sign-on in {path} are not understood: {one_line}.", field=SETTING)
