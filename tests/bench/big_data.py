"""A big organisation, loaded in bulk: 100,000 people, 5,000 nested groups, 10,000 projects, a million rules."""

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine

AT_ONCE = 20_000
MANY_GROUPS = 50
NOW = datetime.now(UTC).replace(tzinfo=None)
FIRST = ("ada", "boris", "chen", "dana", "emeka", "freya", "goran", "hana", "ines", "jonas", "kiran", "lena")
LAST = ("archer", "brandt", "costa", "dubois", "evans", "fischer", "garcia", "huang", "ito", "jansen", "kovac", "lund")
KINDS = ("experiment", "registered_model", "prompt")
ROLES = ("viewer", "viewer", "contributor", "maintainer", "release-manager")
LEVELS = ("READ", "READ", "USE", "EDIT", "MANAGE", "DENY")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    people: int = 100_000
    groups: int = 5_000
    projects: int = 10_000
    rules: int = 1_000_000

    @property
    def bindings(self) -> int:
        return self.rules * 3 // 10

    @property
    def grants(self) -> int:
        return self.rules - self.bindings


@dataclass(frozen=True, slots=True)
class Ids:
    """Where those stand of whom the bench asks. Projects and subjects are counted from 1."""

    target: int
    admin: int
    ordinary: int
    in_many_groups: int
    with_many_grants: int


def load(engine: Engine, size: Size) -> Ids:
    """
    Fills a migrated, empty database; says what it loaded and how fast.
    """
    begun = time.perf_counter()
    dice = random.Random(1)
    people = range(1, size.people + 1)
    groups = range(size.people + 1, size.people + size.groups + 1)
    ids = Ids(size.projects, people[-1], people[7], people[77], people[777])
    with engine.begin() as connection:
        bulk = Bulk(connection)
        bulk.insert("projects", "id slug name description created_at archived_at askable", _projects(size, dice))
        bulk.insert("subjects", "id kind name display_name disabled created_at", _subjects(people, groups, ids, dice))
        bulk.insert("subject_words", "word subject_id", _words(people, groups))
        bulk.insert("platform_roles", "subject_id role source", [(ids.admin, "admin", "")])
        bulk.insert("roles", "id home name description levels manages_project created_at", [
            (1, "", "release-manager", "", '{"experiment": "READ", "registered_model": "MANAGE"}', 0, NOW)
        ])  # fmt: skip
        bulk.insert("memberships", "group_id member_id source", _memberships(people, groups, ids, dice))
        columns = "project_id subject_id role expires_at reason added_at added_by"
        bulk.insert("bindings", columns, _bindings(size, people, groups, ids, dice))
        columns = "project_id subject_id kind resource_id level source expires_at reason added_at added_by"
        bulk.insert("grants", columns, _grants(size, people, ids, dice))
        bulk.end()
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            for table in bulk.rows:
                connection.exec_driver_sql(f"ANALYZE TABLE {table}")
    print(f"loaded {', '.join(f'{rows:,} {table}' for table, rows in bulk.rows.items())}")
    print(f"in {time.perf_counter() - begun:.0f} s\n")
    return ids


class Bulk:
    """Inserts many rows with few statements."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows: dict[str, int] = {}
        self.sqlite = connection.dialect.name == "sqlite"
        if not self.sqlite:
            connection.exec_driver_sql("SET unique_checks = 0, foreign_key_checks = 0")

    def insert(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """
        All rows into the table.
        """
        names = columns.split()
        marks = ", ".join(["?" if self.sqlite else "%s"] * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        waiting = iter(rows)
        while batch := list(islice(waiting, AT_ONCE)):
            self.connection.exec_driver_sql(statement, batch)
            self.rows[table] = self.rows.get(table, 0) + len(batch)

    def end(self) -> None:
        """
        Constraints are checked again.
        """
        if not self.sqlite:
            self.connection.exec_driver_sql("SET unique_checks = 1, foreign_key_checks = 1")


def _projects(size: Size, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    for id in range(1, size.projects + 1):
        yield id, f"p{id:05}", f"Project {id}", "", NOW, NOW if dice.random() < 0.01 and id < size.projects else None, 0


def _names(id: int) -> tuple[str, str]:
    return FIRST[id % len(FIRST)], LAST[id // len(FIRST) % len(LAST)]


def _subjects(people: range, groups: range, ids: Ids, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    asked = {ids.admin, ids.ordinary, ids.in_many_groups, ids.with_many_grants}
    for id in people:
        first, last = _names(id)
        disabled = dice.random() < 0.02 and id not in asked
        yield id, "user", f"u{id:06}", f"{first.title()} {last.title()}", disabled, NOW
    for id in groups:
        yield id, "group", f"g{id:06}", f"Group {id}", False, NOW


def _words(people: range, groups: range) -> Iterator[tuple[str, int]]:
    for id in people:
        for word in (f"u{id:06}", *_names(id)):
            yield word, id
    for id in groups:
        yield f"g{id:06}", id
        yield "group", id
        yield str(id), id


def _memberships(people: range, groups: range, ids: Ids, dice: random.Random) -> Iterator[tuple[int, int, str]]:
    """Three groups for everybody, groups in groups four deep, and the last group with a thousand below it."""
    top = groups[-1]
    for place in range(10, len(groups) - 4):
        yield groups[place // 8], groups[place], ""
    for id in people:
        mine = MANY_GROUPS if id == ids.in_many_groups else 3
        for group in {dice.choice(groups[:-4]) for _ in range(mine)}:
            yield group, id, ""
    for below in groups[-4:-1]:
        yield top, below, ""
    for place, id in enumerate(people[1000:2000]):
        yield groups[-4 + place % 4], id, ""


def _bindings(size: Size, people: range, groups: range, ids: Ids, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    yield ids.target, groups[-1], "viewer", None, "", NOW, "x"
    seen = {(ids.target, groups[-1])}
    while len(seen) < size.bindings:
        subject = dice.choice(groups[:-4]) if dice.random() < 0.1 else dice.choice(people)
        key = (dice.randrange(1, size.projects), subject)
        if key not in seen:
            seen.add(key)
            yield *key, dice.choice(ROLES), None, "", NOW, "x"


def _grants(size: Size, people: range, ids: Ids, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    """Ten thousand for one person, a few that deny or raise on the target's experiment, the rest anywhere."""
    for number in range(10_000):
        yield ids.target - 1, ids.with_many_grants, "experiment", str(number + 1), "READ", "grant", None, "", NOW, "x"
    for place, id in enumerate(people[1000:1040]):
        level = ("DENY", "EDIT")[place % 2]
        yield ids.target, id, "experiment", "7", level, "grant", None, "", NOW, "x"
    for number in range(size.grants - 10_040):
        owned = number % 4 == 0
        yield (
            dice.randrange(1, size.projects - 1),
            dice.choice(people),
            dice.choice(KINDS),
            str(number),
            "MANAGE" if owned else dice.choice(LEVELS),
            "ownership" if owned else "grant",
            None,
            "",
            NOW,
            "x",
        )
