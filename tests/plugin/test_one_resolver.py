"""
One resolver, asked in seven ways, on random worlds that are stored in a database: `check`, `explain`, `who_can`,
`visible`, `levels`, MLflow's fold and its listing say the same on SQLite and on MySQL, and they say what `decide` makes
of the bare facts.

Each world has nested groups (circles among them), custom roles, DENY, end dates, disabled people, admins, an archived
project now and then, token scopes and token projects. The facts are put together here without the store.

Broken on purpose, one line at a time, and seen to fail here:
- check: a rulebook that forgets the rules on one resource, or those for every kind; only direct groups in
  `principals.groups_of`; `disabled` not loaded; the end of a grant, or of a binding, not loaded; `Access.levels`
  without limits; ownership that never sleeps.
- who_can: without admins; without the groups above a group; not going down into groups; with the disabled; without
  grants on a whole kind; pages that overlap; without the archive; admins taken for ordinary people.
- explain: without the archive; nothing hidden; a grant or a role beside the present one instead of in its place.
- MLflow: a fold of all rows at once instead of the narrowest.
What the facts share with the service, `decide` itself, is held to the book in tests/policy/test_worlds.py: there fail
a DENY that no longer beats, and a rule for a kind that counts as one for every kind.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.server import auth
from mlflow.server.auth.permissions import GrantLoadKey
from mlflow.server.auth.requirements import action_met
from mlflow.utils import workspace_context
from sqlalchemy import create_engine, make_url

from cerberus.errors import NotSignedIn
from cerberus.policy import (
    ALL_SCOPES,
    ANY,
    BUILT_IN_ROLES,
    LEVEL_VERBS,
    Decision,
    Kind,
    Level,
    PlatformRole,
    Principal,
    Resource,
    Role,
    Rule,
    Scope,
    Source,
    SubjectKind,
    Verb,
    decide,
    rules_of_binding,
    rules_of_grant,
)
from cerberus.service import SYSTEM, Access, Actor, Cerberus, Origin
from cerberus.store import grants, projects, roles, subjects
from cerberus_mlflow.context import Call, calling
from cerberus_mlflow.rows import fold
from cerberus_mlflow.store import CerberusStore
from cerberus_mlflow.takeover import CONFIG, may_create

WORLDS = 300
NOW = datetime.now(UTC)
KINDS = (Kind.EXPERIMENT, Kind.REGISTERED_MODEL)
IDS = ("1", "2", ANY)
ENDS = (None, None, None, NOW - timedelta(days=1), NOW + timedelta(days=1))
SCOPES = (ALL_SCOPES, ALL_SCOPES, frozenset({Scope.READ}), frozenset({Scope.READ, Scope.WRITE}))
MYSQL = os.environ.get("MLSTUDIO_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306")
FACTS = {"at": NOW, "by": "x", "reason": ""}


@dataclass
class Somebody:
    """A subject as the facts have it."""

    id: int
    name: str
    kind: SubjectKind
    disabled: bool = False
    admin: bool = False


@dataclass
class World:
    """The facts of one world, kept beside what was stored."""

    here: str
    there: str
    archived: bool
    subjects: dict[int, Somebody] = field(default_factory=dict)
    members: set[tuple[int, int]] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)

    @property
    def people(self) -> list[Somebody]:
        return [each for each in self.subjects.values() if each.kind is not SubjectKind.GROUP]

    def groups(self, who: int) -> frozenset[int]:
        """The groups that somebody is in, found step by step until nothing is new."""
        found: set[int] = set()
        while new := {group for group, member in self.members if member in {who, *found}} - found:
            found |= new
        return frozenset(found)

    def principal(self, who: Somebody, scopes: Any = ALL_SCOPES, project: str | None = None) -> Principal:
        admin = frozenset({PlatformRole.ADMIN}) if who.admin else frozenset()
        return Principal(
            who.id, who.name, who.kind, groups=self.groups(who.id), platform_roles=admin, disabled=who.disabled,
            scopes=scopes, project=project,
        )  # fmt: skip

    def decides(self, principal: Principal, verb: Verb, resource: Resource) -> Decision:
        """What `decide` makes of the facts."""
        archived = self.archived and resource.project == self.here
        return decide(principal, verb, resource, self.rules, now=NOW, archived=archived)


def build(session: Any, number: int) -> World:
    """
    One random world, stored through the store, its facts kept.
    """
    dice = random.Random(number)
    made: dict[str, Any] = {}
    for slug in (f"w{number}-here", f"w{number}-there"):
        made[slug] = projects.insert(session, slug=slug, name=slug, description="", at=NOW)
    here, there = made
    world = World(here, there, archived=dice.random() < 0.15)
    made[here].archived_at = NOW if world.archived else None
    rows = _people(session, dice, world, number)
    known = _roles(session, dice, world)
    for row in rows:
        for slug in (here, there):
            if dice.random() < 0.35:
                _bind(session, dice, world, made[slug], row, dice.choice(known[slug]))
    for _ in range(dice.randint(0, 7)):
        _grant(session, dice, world, made[dice.choice((here, here, there))], dice.choice(rows))
    session.flush()
    return world


def _people(session: Any, dice: random.Random, world: World, number: int) -> list[Any]:
    kinds = [SubjectKind.USER] * 3 + [SubjectKind.SERVICE_ACCOUNT] + [SubjectKind.GROUP] * 3
    rows = []
    for place, kind in enumerate(kinds):
        row = subjects.insert(session, f"w{number}-{kind[0]}{place}", kind, display_name="", at=NOW)
        one = Somebody(row.id, row.name, kind)
        if kind is not SubjectKind.GROUP:
            one.disabled = row.disabled = dice.random() < 0.15
        if kind is SubjectKind.USER and dice.random() < 0.01:
            one.admin = subjects.set_platform_role(session, row.id, PlatformRole.ADMIN)
        world.subjects[row.id] = one
        rows.append(row)
    for group in rows[4:]:
        for member in rows:
            if member is not group and dice.random() < 0.3:
                subjects.join(session, group.id, member.id)
                world.members.add((group.id, member.id))
    return rows


def _roles(session: Any, dice: random.Random, world: World) -> dict[str, list[Role | str]]:
    known: dict[str, list[Role | str]] = {
        slug: [*BUILT_IN_ROLES.values(), "gone"] for slug in (world.here, world.there)
    }
    for place in range(dice.randint(0, 2)):
        kinds = dice.sample([ANY, *KINDS], dice.randint(1, 3))
        role = Role(f"own{place}", "", {kind: dice.choice(tuple(Level)) for kind in kinds}, dice.random() < 0.2)
        roles.insert(
            session, role.name, home=world.here, description="", levels=role.levels,
            manages_project=role.manages_project, at=NOW,
        )  # fmt: skip
        known[world.here] += [role, role]
        known[world.there].append(role.name)  # there it means nothing
        world.roles.append(role)
    return known


def _bind(session: Any, dice: random.Random, world: World, project: Any, subject: Any, role: Role | str) -> None:
    ends = dice.choice(ENDS)
    name = role if isinstance(role, str) else role.name
    row = projects.bind(session, project, subject, role=name, expires_at=ends, **FACTS)
    if isinstance(role, Role):
        world.rules += rules_of_binding(
            role, binding_id=row.id, project=project.slug, subject_id=subject.id, subject_name=subject.name,
            subject_kind=SubjectKind(subject.kind), expires_at=ends,
        )  # fmt: skip


def _grant(session: Any, dice: random.Random, world: World, project: Any, subject: Any) -> None:
    source = dice.choice((Source.GRANT, Source.GRANT, Source.OWNERSHIP))
    resource = Resource(project.slug, dice.choice(KINDS), dice.choice(IDS[:2] if source is Source.OWNERSHIP else IDS))
    if grants.find(session, project, resource, subject.id, source) is not None:
        return
    level = Level.MANAGE if source is Source.OWNERSHIP else dice.choice(tuple(Level))
    ends = dice.choice(ENDS)
    row = grants.insert(
        session, project, resource, subject_id=subject.id, level=level, source=source, expires_at=ends, **FACTS
    )
    rule = Rule(
        subject.id, subject.name, SubjectKind(subject.kind), project.slug, resource.kind, resource.id, level, source,
        row.id, expires_at=ends,
    )  # fmt: skip
    world.rules += rules_of_grant(rule)


@dataclass
class Park:
    """Many worlds in one database."""

    cerberus: Cerberus
    worlds: list[World]

    def __post_init__(self) -> None:
        self.admins = [each for world in self.worlds for each in world.people if each.admin and not each.disabled]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("mysql", marks=pytest.mark.services)])
def park(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    """Several hundred worlds in a database of their own."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("worlds") / "cerberus.db"
        yield from _filled(f"sqlite:///{path}")
        return
    name = f"mlstudio_worlds_{os.getpid()}"
    server = create_engine(MYSQL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield from _filled(make_url(MYSQL).set(database=name).render_as_string(hide_password=False))
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


def _filled(url: str) -> Iterator[Park]:
    cerberus = Cerberus(url)
    cerberus.migrate()
    with cerberus._database.writing() as session:
        worlds = [build(session, number) for number in range(WORLDS)]
    yield Park(cerberus, worlds)
    cerberus.close()


def questions(world: World) -> list[tuple[Verb, Resource]]:
    return [(verb, Resource(world.here, kind, id)) for kind in KINDS for id in IDS for verb in Verb]


def judged(decision: Decision) -> set[Any]:
    """What became of each rule, without the READ on a project that grants bring along: the store keeps one of many."""
    return {
        (each.rule, each.outcome)
        for each in decision.judged
        if not (each.rule.kind is Kind.PROJECT and each.rule.source is Source.GRANT)
    }


def test_check_visible_and_levels_say_what_the_facts_say(park: Park) -> None:
    """For everybody, with all kinds of credentials, about everything: to the last rule and what became of it."""
    allowed = refused = 0
    for number, world in enumerate(park.worlds):
        dice = random.Random(number)
        for who in world.people:
            scopes, bound = dice.choice(SCOPES), dice.choice((None, None, None, world.here, world.there))
            me = world.principal(who, scopes, bound)
            if who.disabled:
                with pytest.raises(NotSignedIn):
                    park.cerberus.decisions.access_of(who.id)
                continue
            access = park.cerberus.decisions.access_of(who.id, scopes=scopes, project=bound)
            assert access.principal == me
            asked = [*questions(world), (dice.choice(list(Verb)), Resource(world.here, Kind.PROJECT, world.here))]
            for verb, resource in asked:
                expected = world.decides(me, verb, resource)
                found = access.check(verb, resource)
                assert found.allowed == expected.allowed, (number, who, verb, resource)
                if world.here in access.known_projects:  # others hear nothing of a project, not even of its archive
                    assert (found.reason, found.level, found.visible, found.limits) == (
                        expected.reason, expected.level, expected.visible, expected.limits,
                    ), (number, who, verb, resource)  # fmt: skip
                assert judged(found) == judged(expected), (number, who, verb, resource)
                allowed, refused = allowed + found.allowed, refused + (not found.allowed)
            _all_at_once(world, access, me)
    assert min(allowed, refused) > WORLDS * 10


def _all_at_once(world: World, access: Access, me: Principal) -> None:
    for kind in KINDS:
        seen, levels = access.visible(kind, world.here), access.levels(kind, world.here)
        for id in ("1", "2", "named by no rule"):
            resource = Resource(world.here, kind, id)
            assert seen.includes(id) == world.decides(me, Verb.READ, resource).allowed, (world, me, resource)
            level = levels.of(id)
            for verb in me.verbs:
                expected = world.decides(me, verb, resource).allowed
                assert (level is not None and verb in LEVEL_VERBS[level]) == expected, (world, me, verb, resource)
    if not access.can(Verb.READ, Resource(world.here, Kind.PROJECT, world.here)):
        assert access.visible(Kind.EXPERIMENT, world.here).nothing


def test_explain_says_what_the_facts_say_and_what_is_needed_would_do(park: Park) -> None:
    """About anybody, the disabled too; each level and role that it names turns the no into a yes, and no lower one."""
    helped = 0
    for number, world in enumerate(park.worlds):
        dice = random.Random(number)
        who = dice.choice(world.people)
        me = world.principal(who)
        for verb, resource in dice.sample(questions(world), 3):
            told = park.cerberus.questions.explain(SYSTEM, verb, resource, subject=who.name)
            expected = world.decides(me, verb, resource)
            assert (told.decision.allowed, told.decision.reason) == (expected.allowed, expected.reason)
            assert judged(told.decision) == judged(expected)
            assert told.needed.limits == (() if expected.allowed else expected.limits)
            helped += _what_is_needed_would_do(world, me, verb, resource, told.needed)
        mine = told.decision.allowed
        if not who.disabled:
            by_oneself = park.cerberus.questions.explain(Actor(me), verb, resource)
            assert by_oneself.decision.allowed == mine
            assert by_oneself.hidden == (not expected.allowed and not expected.visible)
    assert helped > WORLDS


def _what_is_needed_would_do(world: World, me: Principal, verb: Verb, resource: Resource, needed: Any) -> int:
    free = replace(me, disabled=False)
    if decide(free, verb, resource, world.rules, now=NOW).allowed:
        assert (needed.level, needed.roles, needed.denies) == (None, (), ())
        return 0
    enough = []
    for level in (Level.READ, Level.USE, Level.EDIT, Level.MANAGE):
        given = Rule(me.id, "", me.kind, resource.project, resource.kind, resource.id, level, Source.GRANT, 0)
        mine = (me.id, resource.project, resource.kind, resource.id, Source.GRANT)
        rest = [r for r in world.rules if (r.subject_id, r.project, r.kind, r.resource_id, r.source) != mine]
        enough += [level] * decide(free, verb, resource, [*rest, given], now=NOW).allowed
    assert needed.level == (enough[0] if enough else None)
    rest = [rule for rule in world.rules if rule.subject_id != me.id or rule.source is not Source.BINDING]
    for role in (*BUILT_IN_ROLES.values(), *world.roles):
        given = rules_of_binding(
            role, binding_id=0, project=world.here, subject_id=me.id, subject_name="", subject_kind=me.kind,
            expires_at=None,
        )  # fmt: skip
        would = decide(free, verb, resource, [*rest, *given], now=NOW).allowed
        assert (role.name in needed.roles) == would, (world, me, verb, resource, role)
    return 1


def test_who_can_names_those_and_only_those_who_may(park: Park) -> None:
    """The people of the world and every admin of the platform, each with the decision that the facts give."""
    reached = 0
    for number, world in enumerate(park.worlds):
        dice = random.Random(number)
        asked = [
            *dice.sample(questions(world), 4),
            (dice.choice(list(Verb)), Resource(world.here, Kind.PROJECT, world.here)),
        ]
        others = [admin for admin in park.admins if admin.id not in world.subjects]
        for verb, resource in asked:
            found = park.cerberus.questions.who_can(SYSTEM, verb, resource, limit=dice.choice((3, 1000)))
            names = [each.name for each in found.items]
            while found.next:
                found = park.cerberus.questions.who_can(SYSTEM, verb, resource, limit=1000, after=found.next)
                names += [each.name for each in found.items]
            principals = [world.principal(each) for each in (*world.people, *others)]
            expected = {each.name: world.decides(each, verb, resource) for each in principals}
            assert names == sorted(name for name, decision in expected.items() if decision.allowed), (
                number,
                verb,
                resource,
            )
            for each in found.items:
                assert judged(each.decision) == judged(expected[each.name])
                assert each.decision.reason is expected[each.name].reason
            reached += len(names)
    assert reached > WORLDS


@pytest.fixture
def mlflow_asks_cerberus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow's permission code in this process, as the server has it."""
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    monkeypatch.setattr(auth, "store", CerberusStore())
    monkeypatch.setattr(auth, "auth_config", CONFIG)
    monkeypatch.setattr(auth, "fold_grants_for_key", fold)
    monkeypatch.setattr(auth, "_create_not_denied", may_create(auth._create_not_denied))
    yield
    workspace_context.clear_server_request_workspace()


@pytest.mark.usefixtures("mlflow_asks_cerberus")
def test_mlflows_fold_and_listing_say_what_the_facts_say(park: Park) -> None:
    """In every project that the caller may enter; the plugin lets nobody into another."""
    allowed = refused = 0
    for number, world in enumerate(park.worlds):
        dice = random.Random(number)
        who = dice.choice([each for each in world.people if not each.disabled] or [None])
        if who is None:
            continue
        scopes = dice.choice(SCOPES)
        me = world.principal(who, scopes)
        access = park.cerberus.decisions.access_of(who.id, scopes=scopes)
        if not access.can(Verb.READ, Resource(world.here, Kind.PROJECT, world.here)):
            assert not any(world.decides(me, verb, resource) for verb, resource in questions(world))
            continue
        workspace_context.set_server_request_workspace(world.here)
        for kind in KINDS:
            keys = [GrantLoadKey(kind.value, id) for id in IDS[:2]]
            with calling(Call(access, world.here, Origin())):
                permissions = auth.resolve_permissions(who.name, world.here, keys)
                listed = auth._role_based_read_predicate(who.name, kind.value)
                creates = auth._can_create_in_workspace(who.name) and auth._create_not_denied(who.name, kind.value)
            assert creates == world.decides(me, Verb.CREATE, Resource(world.here, kind)).allowed, (number, who, kind)
            for id, permission in zip(IDS, permissions, strict=False):
                resource = Resource(world.here, kind, id)
                assert listed(id) == world.decides(me, Verb.READ, resource).allowed, (number, who, resource)
                for verb in set(Verb) - {Verb.CREATE} - (set() if Scope.ADMIN in scopes else {Verb.MANAGE}):
                    theirs = permission is not None and action_met(verb.value, permission)
                    assert theirs == world.decides(me, verb, resource).allowed, (number, who, verb, resource)
                    allowed, refused = allowed + theirs, refused + (not theirs)
    assert min(allowed, refused) > WORLDS
