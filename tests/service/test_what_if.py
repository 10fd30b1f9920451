"""Trying a change: it says what the change would do, and does nothing."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from cerberus.errors import CerberusError, Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import Kind, Level, PlatformRole, Resource, Scope, Verb
from cerberus.service import SYSTEM, Actor
from cerberus.service.effects import in_words
from cerberus.service.what_if import TRIALS

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")


def stored(cerberus):
    """Every row of every table."""
    from cerberus.store.tables import Base

    with cerberus._database.engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(table.select()))) for name, table in Base.metadata.tables.items()
        }


@pytest.mark.on_each_database
def test_it_says_who_gains_and_who_loses_what(cast, cerberus):
    tried = cerberus.what_if.rehearse(
        cast.alice, "member.set", {"project": "fraud", "subject": "readers", "role": "contributor"}
    )
    assert tried.changes
    assert tried.people == ("bob",)
    assert in_words(tried.effects) == ["bob in fraud: gains use, create, update on everything: READ -> EDIT"]
    tried = cerberus.what_if.rehearse(cast.alice, "member.remove", {"project": "fraud", "subject": "dana"})
    assert in_words(tried.effects) == [
        "dana in fraud: loses read, use, create, update on everything: EDIT -> nothing",
        "dana in fraud: loses read on the project itself: READ -> nothing",
    ]


@pytest.mark.on_each_database
def test_nothing_stays_of_what_was_tried(cast, cerberus):
    """No row, no audit line, no step of the version; and what is kept in memory is still right."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    access = cerberus.decisions.access_of_name("bob")
    cerberus.settle()
    before = stored(cerberus)
    for change, values in (
        ("member.set", {"project": "fraud", "subject": "charlie", "role": "maintainer"}),
        ("member.remove", {"project": "fraud", "subject": "dana"}),
        ("grant.give", {"project": "fraud", "kind": "experiment", "id": "7", "subject": "bob", "level": "DENY"}),
        ("group.delete", {"name": "readers"}),
        ("user.disable", {"name": "dana"}),
        ("project.archive", {"project": "fraud"}),
        ("platform_role.give", {"name": "bob", "platform_role": "admin"}),
    ):
        assert cerberus.what_if.rehearse(cast.admin, change, values).changes
    cerberus.settle()
    assert stored(cerberus) == before
    assert cerberus.decisions.access_of_name("bob").check(Verb.READ, EXPERIMENT) == access.check(Verb.READ, EXPERIMENT)
    cerberus.people.disable(cast.admin, "dana")  # and one can change things afterwards


def test_what_changes_nothing_has_no_effect(cast, cerberus):
    tried = cerberus.what_if.rehearse(
        cast.alice, "member.set", {"project": "fraud", "subject": "dana", "role": "contributor"}
    )
    assert (tried.changes, tried.effects) == (False, ())


def test_a_grant_on_one_resource_is_an_effect_on_that_resource(cast, cerberus):
    """A DENY takes what the role gives, there only."""
    values = {"project": "fraud", "kind": "experiment", "id": "7", "subject": "bob", "level": "DENY"}
    (effect,) = cerberus.what_if.rehearse(cast.alice, "grant.give", values).effects
    assert (effect.person, effect.kind, effect.resource_id) == ("bob", Kind.EXPERIMENT, "7")
    assert (effect.before, effect.after, effect.gained, effect.lost) == (Level.READ, None, (), (Verb.READ,))
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="bob", level=Level.DENY)
    (grant,) = cerberus.grants.on(cast.alice, EXPERIMENT)
    (effect,) = cerberus.what_if.rehearse(cast.alice, "grant.revoke", {"grant_id": grant.id}).effects
    assert (effect.person, effect.gained) == ("bob", (Verb.READ,))


def test_what_one_created_wakes_with_the_role_that_lets_one_create(cast, cerberus):
    cerberus.grants.own(cast.dana, EXPERIMENT)
    values = {"project": "fraud", "subject": "dana", "role": "viewer"}
    words = in_words(cerberus.what_if.rehearse(cast.alice, "member.set", values).effects)
    assert "dana in fraud: loses use, create, update, delete, manage on experiment 7: MANAGE -> READ" in words


def test_groups_in_groups_are_followed(cast, cerberus):
    cerberus.groups.create(cast.admin, "everybody")
    cerberus.groups.add_member(cast.admin, "everybody", member="charlie")
    tried = cerberus.what_if.rehearse(cast.admin, "group.add_member", {"group": "readers", "member": "everybody"})
    assert tried.people == ("charlie",)
    assert in_words(cerberus.what_if.rehearse(cast.admin, "group.delete", {"name": "readers"}).effects) == [
        "bob in fraud: loses read on everything, the project itself: READ -> nothing"
    ]


def test_an_archived_project_can_only_be_read(cast, cerberus):
    """By admins too; the project itself stays with its maintainer."""
    tried = cerberus.what_if.rehearse(cast.alice, "project.archive", {"project": "fraud"})
    assert tried.people == ("admin", "alice", "dana")
    assert {effect.after for effect in tried.effects} == {Level.READ}
    assert Kind.PROJECT not in {effect.kind for effect in tried.effects}


def test_a_new_admin_may_do_everything_everywhere(cast, cerberus):
    tried = cerberus.what_if.rehearse(cast.admin, "platform_role.give", {"name": "bob", "platform_role": "admin"})
    assert {effect.project for effect in tried.effects} == {"fraud", "*"}
    assert all(effect.after is Level.MANAGE for effect in tried.effects)


def test_a_custom_role_that_gives_less_is_felt_by_everybody_who_has_it(cast, cerberus):
    cerberus.roles.create(cast.alice, "fraud", name="releaser", levels={"registered_model": "MANAGE"})
    cerberus.projects.set_member(cast.alice, "fraud", subject="charlie", role="releaser")
    tried = cerberus.what_if.rehearse(
        cast.alice, "role.change", {"project": "fraud", "name": "releaser", "levels": {"registered_model": "READ"}}
    )
    assert in_words(tried.effects) == [
        "charlie in fraud: loses use, create, update, delete, manage on every registered model: MANAGE -> READ"
    ]


def test_a_disabled_person_loses_everything(cast, cerberus):
    lost = cerberus.what_if.rehearse(cast.admin, "user.disable", {"name": "dana"})
    cerberus.people.disable(cast.admin, "dana")
    back = cerberus.what_if.rehearse(cast.admin, "user.enable", {"name": "dana"})
    assert [effect.lost for effect in lost.effects] == [effect.gained for effect in back.effects]
    assert lost.people == back.people == ("dana",)


@pytest.mark.parametrize(
    ("who", "change", "values", "error"),
    [
        ("bob", "member.set", {"project": "fraud", "subject": "charlie", "role": "viewer"}, Forbidden),
        ("charlie", "member.set", {"project": "fraud", "subject": "charlie", "role": "viewer"}, NotFound),
        ("alice", "member.set", {"project": "churn", "subject": "charlie", "role": "viewer"}, NotFound),
        ("alice", "member.set", {"project": "fraud", "subject": "alice", "role": "viewer"}, Conflict),
        ("alice", "user.disable", {"name": "bob"}, Forbidden),
        ("admin", "user.disable", {"name": "admin"}, Conflict),
        ("admin", "user.disable", {"name": "nobody"}, NotFound),
        ("admin", "group.add_member", {"group": "readers", "member": "readers"}, Invalid),
        ("admin", "user.paint", {}, Invalid),
        ("admin", "user.disable", {}, Invalid),
        ("admin", "user.disable", {"name": "bob", "colour": "red"}, Invalid),
        ("alice", "grant.revoke", {"grant_id": 12345}, NotFound),
    ],
)
def test_whoever_may_not_do_it_may_not_try_it_either(cast, cerberus, who, change, values, error):
    """With the very error that the change itself would raise."""
    with pytest.raises(error):
        cerberus.what_if.rehearse(cast.actor(who), change, values)


def test_a_token_for_reading_tries_nothing(cast, cerberus):
    access = cerberus.decisions.access_of_token(cast.token("alice", scopes=[Scope.READ]))
    with pytest.raises(Forbidden):
        cerberus.what_if.rehearse(
            Actor(access.principal), "member.set", {"project": "fraud", "subject": "bob", "role": "viewer"}
        )


def test_a_refused_try_is_in_the_audit(cast, cerberus):
    with pytest.raises(Forbidden):
        cerberus.what_if.rehearse(cast.bob, "project.archive", {"project": "fraud"})
    cerberus.settle()
    assert [(line.who, line.action) for line in cerberus.audit.search(SYSTEM, outcome="denied")] == [
        ("bob", "project.manage")
    ]


def test_one_sees_effects_only_where_one_manages(cast, cerberus):
    """Alice's service account works in Erin's project, too: what it loses there is none of her business."""
    cerberus.service_accounts.create(cast.alice, "fraud", name="robot")
    for slug in ("fraud", "churn"):
        cerberus.projects.set_member(SYSTEM, slug, subject="robot", role="viewer")
    robot = {"project": "fraud", "name": "robot"}
    seen = {
        who: {effect.project for effect in cerberus.what_if.rehearse(actor, "service_account.disable", robot).effects}
        for who, actor in (("alice", cast.alice), ("admin", cast.admin), ("system", SYSTEM))
    }
    assert seen == {"alice": {"fraud"}, "admin": {"fraud", "churn"}, "system": {"fraud", "churn"}}


def test_whoever_manages_one_resource_sees_the_effects_on_it(cast, cerberus):
    cerberus.grants.own(cast.dana, EXPERIMENT)
    values = {"project": "fraud", "kind": "experiment", "id": "7", "subject": "bob", "level": "EDIT"}
    assert cerberus.what_if.rehearse(cast.dana, "grant.give", values).people == ("bob",)


def test_what_concerns_too_many_is_said_to_do_so(cast, cerberus, monkeypatch):
    """Rather than to hold everybody else up; groups stand for their people first."""
    change = ("member.set", {"project": "fraud", "subject": "readers", "role": "contributor"})
    monkeypatch.setattr("cerberus.service.what_if.MOST_REACHED", 0)
    tried = cerberus.what_if.rehearse(cast.alice, *change)
    assert (tried.changes, tried.effects, tried.people) == (True, None, ())
    assert cerberus.projects.member(cast.alice, "fraud", subject="readers").role == "viewer"


def test_every_row_names_a_use_case_that_takes_its_fields(cerberus):
    """Read from the use cases themselves."""
    from inspect import Parameter, signature

    for name, trial in TRIALS.items():
        parameters = signature(getattr(getattr(cerberus, trial.noun), trial.use_case)).parameters.values()
        by_place = [each for each in parameters if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
        by_name = {each.name: each for each in parameters if each.kind is Parameter.KEYWORD_ONLY}
        assert len(by_place) == len(trial.of) + 1, name
        assert {key for key, each in by_name.items() if each.default is Parameter.empty} == set(trial.needs), name
        assert set(trial.takes) <= set(by_name) - set(trial.needs), name


# On random worlds the effects are what `check` says before and after the change was really made.

PEOPLE = ("admin", "alice", "bob", "charlie", "dana", "erin", "robot")
KINDS = (Kind.EXPERIMENT, Kind.REGISTERED_MODEL, Kind.PROJECT)


def furnish(cast, cerberus, chance):
    """A random world on top of the cast."""
    cerberus.service_accounts.create(SYSTEM, "fraud", name="robot")
    for group in ("team-a", "team-b"):
        cerberus.groups.create(SYSTEM, group)
    cerberus.roles.create(SYSTEM, None, name="keeper", levels={"registered_model": "MANAGE", "*": "READ"})
    subjects = [*PEOPLE, "readers", "team-a", "team-b"]
    for _ in range(4):
        thing = Resource(chance.choice(("fraud", "churn")), Kind.EXPERIMENT, chance.choice(("1", "2")))
        cerberus.grants.own(cast.actor("dana"), thing)
    for _ in range(25):
        attempt(cerberus, SYSTEM, *change(chance, subjects))


def change(chance, subjects):
    project, subject = chance.choice(("fraud", "churn")), chance.choice(subjects)
    kind, thing = chance.choice(("experiment", "registered_model")), chance.choice(("1", "2", "*"))
    ends = chance.choice((None, None, datetime.now(UTC) + timedelta(days=1)))
    resource = {"project": project, "kind": kind, "id": thing}
    group, name = chance.choice(("readers", "team-a", "team-b")), chance.choice(PEOPLE)
    role = chance.choice(("viewer", "contributor", "maintainer", "keeper"))
    return chance.choice(
        [
            ("member.set", {"project": project, "subject": subject, "role": role, "expires_at": ends}),
            ("member.set", {"project": project, "subject": subject, "role": role}),
            ("member.remove", {"project": project, "subject": subject}),
            ("grant.give", {**resource, "subject": subject, "level": chance.choice(tuple(Level)), "expires_at": ends}),
            ("grant.give", {**resource, "subject": subject, "level": chance.choice(tuple(Level))}),
            ("grant.revoke", {"grant_id": chance.randrange(1, 20)}),
            ("group.add_member", {"group": group, "member": subject}),
            ("group.remove_member", {"group": group, "member": subject}),
            ("user.disable", {"name": name}),
            ("user.enable", {"name": name}),
            ("platform_role.give", {"name": name, "platform_role": chance.choice(tuple(PlatformRole))}),
            ("platform_role.take", {"name": name, "platform_role": chance.choice(tuple(PlatformRole))}),
            ("role.change", {"name": "keeper", "levels": {"*": chance.choice(tuple(Level))}}),
            ("project.archive", {"project": project}),
            ("project.restore", {"project": project}),
            ("group.delete", {"name": group}),
            ("service_account.disable", {"project": "fraud", "name": "robot"}),
            ("service_account.enable", {"project": "fraud", "name": "robot"}),
            ("ownership.hand_over", {"project": project, "kind": "experiment", "id": "1", "owner": name}),
            ("user.delete", {"name": chance.choice(("bob", "charlie")), "hand_over_to": "erin"}),
        ]
    )


def attempt(cerberus, actor, name, values):
    """Really makes the change; what was refused."""
    from cerberus.service.what_if import _named, _positional

    trial = TRIALS[name]
    try:
        use_case = getattr(getattr(cerberus, trial.noun), trial.use_case)
        use_case(actor, *_positional(trial, values), **_named(trial, values))
    except CerberusError as error:
        return type(error)
    return None


def tried_or_refused(cerberus, name, values):
    """What a rehearsal says, or the kind of its refusal."""
    try:
        return cerberus.what_if.rehearse(SYSTEM, name, values)
    except CerberusError as error:
        return type(error)


def abilities(cerberus):
    """What everybody may do, asked one by one."""
    found = {}
    for name in PEOPLE:
        try:
            access = cerberus.decisions.access_of_name(name)
        except CerberusError:
            access = None
        for project, kind, thing in product(("fraud", "churn"), KINDS, ("1", "2", "*")):
            named = project if kind is Kind.PROJECT else thing
            resource = Resource(project, kind, named)
            verbs = frozenset(verb for verb in Verb if access is not None and access.can(verb, resource))
            found[name, project, kind, "*" if kind is Kind.PROJECT else thing] = verbs
    return found


@pytest.mark.on_each_database
def test_the_effects_are_what_the_change_then_does(cast, cerberus):
    """On random worlds and changes, asked of `check` before and after."""
    chance = random.Random(20261122)
    furnish(cast, cerberus, chance)
    felt = 0
    for _ in range(90):
        name, values = change(chance, [*PEOPLE, "readers", "team-a", "team-b"])
        before = abilities(cerberus)
        tried = tried_or_refused(cerberus, name, values)
        if isinstance(tried, type):
            assert attempt(cerberus, SYSTEM, name, values) is tried, (name, values)
            continue
        version = cerberus.version()
        assert attempt(cerberus, SYSTEM, name, values) is None
        assert tried.changes == (cerberus.version() != version)
        after = abilities(cerberus)
        said = {(e.person, e.project, e.kind, e.resource_id): (set(e.gained), set(e.lost)) for e in tried.effects}
        places = {each[:2] for each in said}
        for (person, project, kind, thing), had in before.items():
            has = after[person, project, kind, thing]
            named = {each[3] for each in said if each[:3] == (person, project, kind)}
            if (person, "*") in places and (person, project) not in places:
                gained, lost = said[person, "*", kind, "*"]  # an admin's other projects are summed up
                assert has - had <= gained, (name, values, person, project, kind, thing)
                assert had - has <= lost, (name, values, person, project, kind, thing)
                continue
            wide = said.get((person, project, kind, "*"), (set(), set()))
            gained, lost = said[person, project, kind, thing] if thing in named else wide
            if thing != "*" and thing not in named and (has == had):
                continue  # named by a rule on both sides, which the change leaves alone
            assert (has - had, had - has) == (gained, lost), (name, values, person, project, kind, thing)
            felt += has != had
    assert felt > 100
