"""What changes would do, and the whole policy as a file, from a notebook: `client.what_if(...)`, `client.policy`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cerberus.client.answers import read
from cerberus.client.connection import Connection


@dataclass(frozen=True, slots=True)
class Effect:
    """
    What changes for one person on one resource. `resource_id` `*` is every other one of the kind, `project` `*` every
    other project; `before` and `after` are None for nothing at all. A group as the person stands for all its people,
    at most `people`, where they are too many to be named.
    """

    person: str
    person_kind: str
    project: str
    kind: str
    resource_id: str
    before: str | None
    after: str | None
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects in words (`summary`) and the first thousand as values (`items`); `total` is how many there are."""

    people: int
    total: int
    summary: tuple[str, ...]
    items: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a change would do; `changes` says whether it would do anything at all. Effects are None for too many."""

    change: str
    changes: bool
    effects: Effects | None

    def __str__(self) -> str:
        if self.effects is None:
            return "that concerns too many people in too many projects to say who gains and who loses"
        return "\n".join(self.effects.summary) or ("nobody gains or loses" if self.changes else "nothing changes")


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a policy file changes: in words, in effect (None: too much to say), and what stands in its way.
    """

    version: int
    digest: str
    file: str
    changes: bool
    steps: tuple[str, ...]
    effects: Effects | None
    obstacles: tuple[str, ...]

    def __str__(self) -> str:
        effects = () if self.effects is None else self.effects.summary
        return "\n".join((*self.steps, *effects, *self.obstacles)) or "the file and the database say the same"


class Policy:
    """Exports, plans and applies the whole policy as a file. For admins; auditors export, too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def export(self, *, project: str | None = None) -> str:
        """
        The policy as YAML: all of it, or of one project.
        """
        query = "" if project is None else f"?{urlencode({'project': project})}"
        return b"".join(self._connection.pieces(f"/policy{query}")).decode()

    def schema(self) -> Mapping[str, Any]:
        """
        The JSON schema of a policy file.
        """
        found: Mapping[str, Any] = self._connection.call("GET", "/policy/schema")
        return found

    def plan(self, file: str, *, keep_people: bool = False) -> Plan:
        """
        What the file (its text) would change. Nothing is changed.
        """
        body = {"file": file, "keep_people": keep_people}
        return _plan(self._connection.call("POST", "/policy/plan", body, repeatable=True))

    def apply(self, file: str, *, plan: Plan | None = None, keep_people: bool = False) -> Plan:
        """
        Makes the file true, all of it or nothing. With the plan that somebody has seen: Conflict when it has moved on.
        """
        seen = {} if plan is None else {"version": plan.version, "digest": plan.digest}
        return _plan(self._connection.call("POST", "/policy/apply", {"file": file, "keep_people": keep_people, **seen}))


def rehearse(connection: Connection, change: str, given: Mapping[str, Any]) -> Rehearsal:
    """
    What the API says of a change.
    """
    body = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}
    found = connection.call("POST", "/what-if", {**body, "change": change}, repeatable=True)
    return replace(read(Rehearsal, found), effects=_effects(found["effects"]))


def _plan(found: Mapping[str, Any]) -> Plan:
    return replace(read(Plan, found), effects=_effects(found["effects"]))


def _effects(found: Mapping[str, Any] | None) -> Effects | None:
    if found is None:
        return None
    return replace(read(Effects, found), items=tuple(read(Effect, item) for item in found["items"]))
