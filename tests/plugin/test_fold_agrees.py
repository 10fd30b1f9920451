"""`decide` and MLflow's own fold, fed by our rows, give one answer in every world.

Verified by breaking one line at a time, each of which makes a test here fail: `named or` gone from `rows.fold`; the
DENY rule gone from `policy.decide.fold`; two tiers swapped in `policy.decide.NARROWEST_FIRST`; ownership that never
sleeps; no scopes in `Access.levels`; MLflow's `max_permission` turned round; MLflow's `matches` without the wildcard.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from mlflow.server import auth
from mlflow.server.auth.permissions import GrantLoadKey, Permission
from mlflow.server.auth.requirements import Requirement, action_met
from mlflow.server.auth.requirements import fold_grants_for_key as mlflow_fold
from mlflow.server.auth.sqlalchemy_store import RoleGrantRow
from mlflow.utils import workspace_context

from cerberus.policy import (
    ALL_SCOPES,
    ANY,
    BUILT_IN_ROLES,
    RUN_DATA_KINDS,
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
from cerberus.service import Access, Origin, ProjectInfo
from cerberus_mlflow.context import Call, calling
from cerberus_mlflow.rows import fold
from cerberus_mlflow.store import CerberusStore
from cerberus_mlflow.takeover import CONFIG, may_create

WORLDS = 10_000
ME, MY_GROUP, SOMEBODY = 1, 2, 3
PROJECT, OTHER = "fraud", "churn"
IDS = ("1", "2", "3")
NOW = datetime.now(UTC)
SCOPES = (frozenset({Scope.READ}), frozenset({Scope.READ, Scope.WRITE}), ALL_SCOPES, frozenset({Scope.WRITE}))
ACTIONS = {verb: verb.value for verb in Verb if verb is not Verb.CREATE}


@dataclass(frozen=True)
class World:
    access: Access
    rules: tuple[Rule, ...]
    archived: bool

    def decides(self, verb: Verb, kind: Kind, resource_id: str = ANY) -> bool:
        resource = Resource(PROJECT, kind, resource_id)
        return bool(decide(self.access.principal, verb, resource, self.rules, now=NOW, archived=self.archived))

    @property
    def verbs(self) -> list[Verb]:
        """MLflow has no credential that may delete but not manage: nothing but its own grants asks for `manage`."""
        managing = Scope.ADMIN in self.access.principal.scopes
        return [verb for verb in ACTIONS if verb is not Verb.MANAGE or managing]


ENDS = (None, None, None, NOW + timedelta(days=1), NOW - timedelta(days=1))


def role(dice: random.Random) -> Role:
    """A built-in role, or one of somebody's making: a level, DENY among them, on any kinds or on none."""
    if dice.random() < 0.3:
        return dice.choice(tuple(BUILT_IN_ROLES.values()))
    kinds = dice.sample((ANY, *RUN_DATA_KINDS[:3], Kind.SCORER), dice.randint(0, 3))
    return Role("own", "", {kind: dice.choice(tuple(Level)) for kind in kinds}, dice.random() < 0.2)


def rules(dice: random.Random, number: int) -> tuple[Rule, ...]:
    """The rules of one binding, grant or ownership, as the database's rows are read."""
    source = dice.choices((Source.BINDING, Source.GRANT, Source.OWNERSHIP), (3, 5, 2))[0]
    subject = dice.choice((ME, ME, MY_GROUP, SOMEBODY))
    project = dice.choice((PROJECT, PROJECT, PROJECT, OTHER))
    if source is Source.BINDING:
        return rules_of_binding(
            role(dice),
            binding_id=number,
            project=project,
            subject_id=subject,
            subject_name="x",
            subject_kind=SubjectKind.USER,
            expires_at=dice.choice(ENDS),
        )
    narrow = source is Source.OWNERSHIP or dice.random() < 0.7
    return rules_of_grant(
        Rule(
            subject_id=subject,
            subject_name="x",
            subject_kind=SubjectKind.USER,
            project=project,
            kind=dice.choice((*RUN_DATA_KINDS[:3], Kind.SCORER)),
            resource_id=dice.choice(IDS) if narrow else ANY,
            level=Level.MANAGE if source is Source.OWNERSHIP else dice.choice(tuple(Level)),
            source=source,
            id=number,
            expires_at=dice.choice(ENDS),
        )
    )


def worlds(seed: int, number: int) -> Iterator[World]:
    dice = random.Random(seed)
    for _ in range(number):
        all_rules = tuple(each for row in range(dice.randint(0, 6)) for each in rules(dice, row))
        principal = Principal(
            ME,
            "me",
            groups=frozenset({MY_GROUP}),
            platform_roles=frozenset({PlatformRole.ADMIN}) if dice.random() < 0.05 else frozenset(),
            disabled=dice.random() < 0.03,
            scopes=dice.choice(SCOPES),
            project=dice.choice((None, None, None, PROJECT, OTHER)),
        )
        archived = dice.random() < 0.1
        projects = {slug: ProjectInfo(slug, slug, "", archived) for slug in (PROJECT, OTHER)}
        by_project = {slug: tuple(each for each in all_rules if each.project == slug) for slug in (PROJECT, OTHER)}
        yield World(Access(1, principal, by_project, projects), all_rules, archived)


@pytest.fixture
def mlflow_asks_cerberus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow's permission code in this process, as the server has it."""
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    monkeypatch.setattr(auth, "store", CerberusStore())
    monkeypatch.setattr(auth, "auth_config", CONFIG)
    monkeypatch.setattr(auth, "fold_grants_for_key", fold)
    monkeypatch.setattr(auth, "_create_not_denied", may_create(auth._create_not_denied))
    workspace_context.set_server_request_workspace(PROJECT)
    yield
    workspace_context.clear_server_request_workspace()


def mlflow_says(world: World, kind: Kind, resource_id: str) -> Permission | None:
    """
    What MLflow makes of the rules themselves, one row each: nothing of ours has folded them before.
    """
    mine = [each for each in world.rules if each.subject_id in (ME, MY_GROUP) and each.project == PROJECT]
    mine = [each for each in mine if each.expires_at is None or each.expires_at > NOW]
    of_kind = [each for each in mine if each.kind == kind and each.resource_id == ANY]
    wide = [RoleGrantRow(kind, ANY, each.level) for each in of_kind or [each for each in mine if each.kind == ANY]]
    whole = mlflow_fold(wide, GrantLoadKey(kind, ANY))
    creates = whole is not None and whole.can_update
    named = [
        RoleGrantRow(kind, resource_id, each.level)
        for each in mine
        if each.kind == kind and each.resource_id == resource_id and (creates or each.source is not Source.OWNERSHIP)
    ]
    return fold([*wide, *named], GrantLoadKey(kind, resource_id))


def test_decide_agrees_with_mlflows_fold_of_the_bare_rules_in_every_world() -> None:
    """Every id and verb in 10,000 worlds, for a person without limits: this compares the two precedences."""
    for number, world in enumerate(worlds(5, WORLDS)):
        kind = RUN_DATA_KINDS[number % 3]
        for resource_id in IDS:
            permission = mlflow_says(world, kind, resource_id)
            for verb, action in ACTIONS.items():
                theirs = permission is not None and action_met(action, permission)
                ours = decide(
                    Principal(ME, "me", groups=frozenset({MY_GROUP})),
                    verb,
                    Resource(PROJECT, kind, resource_id),
                    world.rules,
                    now=NOW,
                )
                assert theirs == bool(ours), (verb, kind, resource_id, world)


@pytest.mark.usefixtures("mlflow_asks_cerberus")
def test_decide_agrees_with_mlflows_fold_in_every_world() -> None:
    """Every id and every verb of a kind that the world's rules speak of, in 10,000 worlds."""
    allowed = refused = 0
    for number, world in enumerate(worlds(1, WORLDS)):
        kind = (*RUN_DATA_KINDS[:3], Kind.SCORER)[number % 4]
        keys = [GrantLoadKey(kind.value, each) for each in IDS]
        with calling(Call(world.access, PROJECT, Origin())):
            permissions = auth.resolve_permissions("me", PROJECT, keys)
        for resource_id, permission in zip(IDS, permissions, strict=True):
            for verb in world.verbs:
                theirs = permission is not None and action_met(ACTIONS[verb], permission)
                ours = world.decides(verb, kind, resource_id)
                assert theirs == ours, (verb, kind, resource_id, world)
                allowed, refused = allowed + ours, refused + (not ours)
    assert allowed > WORLDS
    assert refused > WORLDS


@pytest.mark.usefixtures("mlflow_asks_cerberus")
def test_mlflows_listings_and_creates_agree_with_decide() -> None:
    """What MLflow lists is what may be read one by one, and what may be created is what `decide` lets create."""
    for number, world in enumerate(worlds(2, WORLDS // 4)):
        kind = RUN_DATA_KINDS[number % 3]
        with calling(Call(world.access, PROJECT, Origin())):
            listed = auth._role_based_read_predicate("me", kind.value)
            for resource_id in IDS:
                assert listed(resource_id) == world.decides(Verb.READ, kind, resource_id), (kind, resource_id, world)
                need = [Requirement(kind.value, resource_id, "update")]
                theirs = auth.authorize("me", ("workspace", "*"), need)
                assert theirs == world.decides(Verb.UPDATE, kind, resource_id), (kind, resource_id, world)
            creates = auth._can_create_in_workspace("me") and auth._create_not_denied("me", kind.value)
            assert creates == world.decides(Verb.CREATE, kind), (kind, world)


@pytest.mark.usefixtures("mlflow_asks_cerberus")
@pytest.mark.parametrize("source", [Source.BINDING, Source.GRANT])
def test_what_has_ended_gives_nothing_at_mlflows_next_question(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same Access, no write in between: a role of one's own making, or a grant, to its very end and no longer."""
    ends = NOW + timedelta(hours=1)
    mine = {"subject_id": ME, "subject_name": "me", "subject_kind": SubjectKind.USER, "project": PROJECT}
    bound = rules_of_binding(
        Role("own", "", {Kind.EXPERIMENT: Level.EDIT}),
        binding_id=1,
        expires_at=ends,
        **mine,  # type: ignore[arg-type]
    )
    level = {"kind": Kind.EXPERIMENT, "resource_id": "1", "level": Level.EDIT, "source": source, "id": 1}
    given = bound if source is Source.BINDING else rules_of_grant(Rule(**mine, **level, expires_at=ends))  # type: ignore[arg-type]
    here = ProjectInfo(PROJECT, PROJECT, "", False)
    access = Access(1, Principal(ME, "me"), {PROJECT: given}, {PROJECT: here})
    for now, allowed in ((ends - timedelta(microseconds=1), True), (ends, False)):
        monkeypatch.setattr("cerberus.service.access.utc_now", lambda now=now: now)
        with calling(Call(access, PROJECT, Origin())):
            (permission,) = auth.resolve_permissions("me", PROJECT, [GrantLoadKey("experiment", "1")])
            assert CerberusStore().list_accessible_workspace_names("me") == ({PROJECT} if allowed else set())
        assert (permission is not None and action_met("update", permission)) is allowed
        assert (permission is not None and action_met("read", permission)) is allowed


@pytest.mark.usefixtures("mlflow_asks_cerberus")
def test_nobody_ever_gets_mlflows_own_workspace_administration() -> None:
    """("workspace", "*", "MANAGE") would hand out MLflow's users and roles, and override every DENY."""
    for world in worlds(3, 500):
        with calling(Call(world.access, PROJECT, Origin())):
            rows = CerberusStore().list_grants(ME, PROJECT, [kind.value for kind in RUN_DATA_KINDS])
        assert {row.permission for row in rows if row.resource_type == "workspace"} <= {"USE"}


def test_outside_of_a_request_nobody_is_anybody() -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="Nobody is signed in"):
        CerberusStore().get_user("me")


def test_a_fault_in_cerberus_becomes_503_and_never_an_open_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's run search skips its filter on RuntimeError and AttributeError."""
    from mlflow.exceptions import MlflowException

    world = next(worlds(4, 1))

    def broken(*_: object) -> None:
        raise AttributeError("a bug")

    monkeypatch.setattr(Access, "levels", broken)
    with calling(Call(world.access, PROJECT, Origin())), pytest.raises(MlflowException) as raised:
        CerberusStore().list_grants(ME, PROJECT, ["experiment"])
    assert raised.value.get_http_status_code() == 503


def test_a_store_method_that_is_not_known_refuses() -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="Cerberus' business") as raised:
        CerberusStore().create_role("x")
    assert raised.value.get_http_status_code() == 403
