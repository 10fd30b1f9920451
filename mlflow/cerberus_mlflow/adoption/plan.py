"""Which thing goes to which project, and what speaks against it. Knows no database."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from cerberus.errors import Invalid


class Sort(StrEnum):
    """What is moved as one."""

    EXPERIMENT = "experiment"
    MODEL = "registered_model"
    PROMPT = "prompt"
    DATASET = "dataset"


TABLES: Final = {
    "experiments": (Sort.EXPERIMENT,),
    "models": (Sort.MODEL, Sort.PROMPT),
    "datasets": (Sort.DATASET,),
}
KEYS: Final = {"rest", "rule", "owners", *TABLES}


@dataclass(frozen=True, slots=True)
class Thing:
    """One experiment, model, prompt or dataset as it is now, with what its runs say."""

    sort: Sort
    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    experiments: frozenset[str] = frozenset()
    """The experiments that it comes from: a version's runs and logged models, a dataset's experiments."""
    users: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Sends what matches to a project."""

    project: str
    name: str = "*"
    tag: str = ""
    kind: str = ""

    def matches(self, thing: Thing) -> bool:
        key, _, value = self.tag.partition("=")
        tagged = not self.tag or (key in thing.tags and fnmatchcase(thing.tags[key], value or "*"))
        return tagged and fnmatchcase(thing.name, self.name) and self.kind in ("", thing.sort)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules file."""

    rules: tuple[Rule, ...]
    named: Mapping[tuple[Sort, str], str]
    rest: str
    owners: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Move:
    """One thing's way to its project, and who is to own it there."""

    sort: Sort
    id: str
    name: str
    project: str
    owner: str = ""


def read_rules(content: str) -> Rules:
    """
    The rules; Invalid, naming the field, for a file that is not understood.
    """
    try:
        found = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The rules are not TOML: {error}.", field="rules") from None
    if unknown := sorted(found.keys() - KEYS):
        raise Invalid(f"The rules have unknown keys: {', '.join(unknown)}.", field="rules")
    named = {
        (sort, name): project
        for table, sorts in TABLES.items()
        for name, project in _texts(found, table).items()
        for sort in sorts
    }
    rest = found.get("rest", "")
    if not isinstance(rest, str):
        raise Invalid("rest is the name of a project.", field="rest")
    rules = found.get("rule", [])
    if not isinstance(rules, list):
        raise Invalid("Each rule is a table [[rule]].", field="rule")
    return Rules(tuple(_rule(each) for each in rules), named, rest, _texts(found, "owners"))


def _texts(found: Mapping[str, Any], key: str) -> dict[str, str]:
    table = found.get(key, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise Invalid(f"[{key}] is a table of texts.", field=key)
    return table


def _rule(values: Any) -> Rule:
    usable = isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
    if not usable or not {"project"} < values.keys() <= {"project", "name", "tag", "kind"}:
        raise Invalid("A rule has a project, and at least one of name, tag and kind, all texts.", field="rule")
    if values.get("kind", Sort.MODEL) not in set(Sort):
        raise Invalid(f"A rule's kind is one of {', '.join(Sort)}.", field="rule.kind")
    return Rule(**values)


def assign(things: Iterable[Thing], rules: Rules, *, users: Mapping[str, str]) -> tuple[list[Move], list[Thing]]:
    """
    Every thing's move, and what no rule names. By name, then the first rule that matches, then to where everything
    that it comes from goes, then the rest. `users` says who owns what which of MLflow's users made.
    """
    moves: list[Move] = []
    homeless: list[Thing] = []
    projects: dict[str, str] = {}
    for thing in sorted(things, key=lambda each: (each.sort is not Sort.EXPERIMENT, each.sort, each.id)):
        origins = {projects[each] for each in thing.experiments if each in projects}
        matching = (rule.project for rule in rules.rules if rule.matches(thing))
        project = rules.named.get((thing.sort, thing.name)) or next(matching, "")
        project = project or (origins.pop() if len(origins) == 1 else rules.rest)
        if not project:
            homeless.append(thing)
            continue
        if thing.sort is Sort.EXPERIMENT:
            projects[thing.id] = project
        owners = {users.get(user, "") for user in thing.users}
        owner = owners.pop() if len(owners) == 1 and thing.sort is not Sort.DATASET else ""
        moves.append(Move(thing.sort, thing.id, thing.name, project, owner))
    return moves, homeless


def crossings(things: Iterable[Thing], moves: Iterable[Move]) -> list[str]:
    """
    A sentence for each thing that would be in another project than what it comes from.
    """
    target = {(move.sort, move.id): move.project for move in moves}
    found = []
    for thing in things:
        mine = target.get((thing.sort, thing.id))
        for origin in sorted(thing.experiments):
            theirs = target.get((Sort.EXPERIMENT, origin), mine)
            if mine is not None and theirs != mine:
                found.append(
                    f"{thing.sort} {thing.name!r} would go to {mine}, but comes from experiment {origin}, "
                    f"which would go to {theirs}."
                )
    return found
