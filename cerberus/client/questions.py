"""Why, who and what: `client.questions`. Standard library only, but for the connection."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cerberus.client.answers import Answer, read
from cerberus.client.connection import Connection
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class RuleJudged:
    """A binding, grant or ownership, and what became of it in a decision."""

    subject: str
    subject_kind: str
    source: str
    role: str | None
    kind: str
    id: str
    level: str
    expires_at: datetime | None
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Needed:
    """
    Each of `limits` has to go; then `level` on the very resource, or one of `roles`, would do. `denies` decide now.
    """

    limits: tuple[str, ...]
    denies: tuple[RuleJudged, ...]
    level: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation(Answer):
    """May they? True or False; each rule that took part, and what would be needed."""

    subject: str
    level: str | None
    rules: tuple[RuleJudged, ...]
    needed: Needed


@dataclass(frozen=True, slots=True)
class Reaching:
    """Somebody who may, and the rules that decided: none for an admin."""

    name: str
    kind: str
    display_name: str
    reason: str
    level: str | None
    rules: tuple[RuleJudged, ...]


@dataclass(frozen=True, slots=True)
class VisibleIds:
    """All ids but `exceptions` where `default` is true, otherwise none but them: `"7" in seen`."""

    default: bool
    exceptions: frozenset[str]

    def __contains__(self, id: object) -> bool:
        return self.default != (id in self.exceptions)


class Questions:
    """Asks about oneself, and about others where one may."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def explain(self, verb: str, kind: str, project: str, id: str = "*", *, subject: str | None = None) -> Explanation:
        """
        Why one, or `subject`, may or may not do this, and what would be needed.
        """
        body = {"verb": str(verb), "kind": str(kind), "project": project, "id": id, "subject": subject}
        found = self._connection.call("POST", "/explain", body, repeatable=True)
        needed = found["needed"]
        return Explanation(
            allowed=found["allowed"],
            visible=found["visible"],
            reason=found["reason"],
            detail=found["detail"],
            subject=found["subject"],
            level=found["level"],
            rules=_rules(found["rules"]),
            needed=Needed(
                limits=tuple(limit["reason"] for limit in needed["limits"]),
                denies=_rules(needed["denies"]),
                level=needed["level"],
                roles=tuple(needed["roles"]),
            ),
        )

    def who_can(self, verb: str, kind: str, project: str, id: str = "*") -> Iterator[Reaching]:
        """
        Everybody who may do this, by name; read page by page as they are needed.
        """
        found = items_of(self._connection, "/who-can", verb=verb, kind=kind, project=project, id=id)
        return (replace(read(Reaching, item), rules=_rules(item["rules"])) for item in found)

    def visible(self, kind: str, project: str, *, subject: str | None = None) -> VisibleIds:
        """
        Which things of the kind one, or `subject`, may see in the project.
        """
        asked = {"kind": str(kind), "project": project, **({"subject": subject} if subject is not None else {})}
        found = self._connection.call("GET", f"/visible?{urlencode(asked)}")
        return VisibleIds(found["default"], frozenset(found["exceptions"]))


def _rules(found: list[dict[str, Any]]) -> tuple[RuleJudged, ...]:
    return tuple(read(RuleJudged, rule) for rule in found)
