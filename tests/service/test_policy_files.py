"""Policy as code: export, plan, apply, drift."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
import yaml

from cerberus.errors import CerberusError, Conflict, Forbidden, Invalid
from cerberus.policy import Kind, Level, PlatformRole, Resource, Verb
from cerberus.service import SYSTEM, Cerberus
from cerberus.service.effects import in_words
from cerberus.service.policy_text import as_json, as_yaml

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")
GRANT = "{subject: bob, kind: experiment, level: READ"
A_SCORERS = GRANT.replace("experiment", "scorer")
NEXT_YEAR = datetime(2099, 1, 1, tzinfo=UTC)


def exported(cerberus, *projects):
    return as_yaml(cerberus.policies.export(SYSTEM, projects=projects))


def changed(cerberus, *changes, projects=()):
    """The exported file with each (old, new) replaced."""
    text = exported(cerberus, *projects)
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new, 1)
    return text


def test_the_file_reads_like_this(cast, cerberus):
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="bob", level=Level.EDIT, reason="trial", expires_at=NEXT_YEAR)
    cerberus.grants.own(cast.dana, EXPERIMENT)  # a fact, not policy: not in the file
    cerberus.roles.create(cast.admin, None, name="keeper", levels={"registered_model": "MANAGE", "*": "READ"})
    cerberus.service_accounts.create(cast.alice, "fraud", name="robot")
    cerberus.projects.set_member(cast.alice, "fraud", subject="charlie", role="keeper", expires_at=NEXT_YEAR)
    cerberus.people.disable(cast.admin, "charlie")
    assert (
        exported(cerberus)
        == """\
version: 1
people:
  admin: {display_name: Admin, platform_roles: [admin]}
  alice: {display_name: Alice}
  bob: {display_name: Bob}
  charlie: {display_name: Charlie, disabled: true}
  dana: {display_name: Dana}
  erin: {display_name: Erin}
groups:
  readers:
    display_name: Bob's team
    members:
    - bob
roles:
  keeper:
    levels: {'*': READ, registered_model: MANAGE}
projects:
  churn:
    name: Churn
    members:
      erin: maintainer
  fraud:
    name: Fraud
    service_accounts:
      robot: {}
    members:
      alice: maintainer
      charlie: {role: keeper, until: '2099-01-01T00:00:00Z'}
      dana: contributor
      readers: viewer
    grants:
    - {subject: bob, kind: experiment, id: '7', level: EDIT, until: '2099-01-01T00:00:00Z', reason: trial}
"""
    )


@pytest.mark.on_each_database
def test_a_plan_says_the_difference_in_words_and_in_effect(cast, cerberus):
    text = changed(
        cerberus,
        ("      readers: viewer\n", "      readers: {role: contributor, until: 2099-01-01}\n"),
        ("      dana: contributor\n", ""),
        ("charlie: {display_name: Charlie}", "charlie: {display_name: Charles, disabled: true}"),
    )
    before = cerberus.version()
    plan = cerberus.policies.plan(cast.admin, text)
    assert plan.steps == (
        "user charlie: display name 'Charlie' -> 'Charles', disabled no -> yes",
        "dana: contributor -> nothing in fraud",
        "readers: viewer -> contributor in fraud until 2099-01-01 (was without end)",
    )
    assert in_words(plan.effects) == [
        "bob in fraud: gains use, create, update on everything: READ -> EDIT",
        "dana in fraud: loses read, use, create, update on everything: EDIT -> nothing",
        "dana in fraud: loses read on the project itself: READ -> nothing",
    ]
    assert plan.obstacles == ()
    assert plan.version == before == cerberus.version()
    assert "dana: contributor" in exported(cerberus)


@pytest.mark.on_each_database
def test_applying_is_one_line_and_one_step_and_twice_is_nothing(cast, cerberus):
    text = changed(cerberus, ("      dana: contributor\n", "      dana: viewer\n"))
    plan = cerberus.policies.plan(cast.admin, text)
    version, lines = cerberus.version(), len(cerberus.audit.search(SYSTEM))
    done = cerberus.policies.apply(cast.admin, text, version=plan.version, digest=plan.digest)
    assert done.steps == plan.steps == ("dana: contributor -> viewer in fraud",)
    assert (cerberus.version(), len(cerberus.audit.search(SYSTEM))) == (version + 1, lines + 1)
    newest = cerberus.audit.search(SYSTEM)[0]
    assert (newest.who, newest.action, newest.after["file"]) == ("admin", "policy.apply", plan.file)
    assert newest.after["steps"] == list(plan.steps)
    assert not cerberus.decisions.access_of_name("dana").can(Verb.CREATE, Resource("fraud", Kind.EXPERIMENT))
    assert not cerberus.policies.apply(cast.admin, text).changes
    assert not cerberus.policies.plan(cast.admin, text).changes
    assert (cerberus.version(), len(cerberus.audit.search(SYSTEM))) == (version + 1, lines + 1)
    assert cerberus.audit.verify() is None


def test_json_is_read_like_yaml(cast, cerberus):
    text = as_json(cerberus.policies.export(SYSTEM))
    assert not cerberus.policies.plan(cast.admin, text).changes


@pytest.mark.parametrize(
    "name", ["Fraud \U0001f600\U0001f680", "Zo\u00eb", "C:\\users", "\\ud83d\\ude00", "\\\U0001f600"]
)
def test_json_may_be_written_in_ascii(cast, cerberus, name):
    """As most programs write it: letters beyond the first 65,536 in two halves."""
    cerberus.projects.change(cast.alice, "fraud", name=name)
    text = json.dumps(cerberus.policies.export(SYSTEM))
    assert text.isascii()
    assert cerberus.policies.plan(cast.admin, text).steps == ()


def test_a_plan_that_is_out_of_date_is_refused_and_says_who_was_faster(cast, cerberus):
    text = changed(cerberus, ("      dana: contributor\n", "      dana: viewer\n"))
    plan = cerberus.policies.plan(cast.admin, text)
    cerberus.projects.set_member(cast.alice, "fraud", subject="charlie", role="viewer")
    with pytest.raises(
        Conflict, match=r"moved on since the plan: the newest change is member.add user:charlie by alice"
    ):
        cerberus.policies.apply(cast.admin, text, version=plan.version, digest=plan.digest)
    assert "dana: contributor" in exported(cerberus)


def test_the_same_differences_with_another_effect_are_refused_too(cast, cerberus):
    """The part of a policy says nothing of the group; but whoever joined it meanwhile would now gain something."""
    text = changed(cerberus, ("      readers: viewer\n", "      readers: contributor\n"), projects=("fraud",))
    plan = cerberus.policies.plan(cast.admin, text)
    cerberus.groups.add_member(cast.admin, "readers", member="charlie")
    with pytest.raises(Conflict, match="moved on"):
        cerberus.policies.apply(cast.admin, text, version=plan.version, digest=plan.digest)


def test_work_that_goes_on_meanwhile_does_not_spoil_a_plan(cast, cerberus):
    """Somebody made an experiment: the version has moved, but the plan still does exactly what it said."""
    text = changed(cerberus, ("      dana: contributor\n", "      dana: viewer\n"))
    plan = cerberus.policies.plan(cast.admin, text)
    cerberus.grants.own(cast.alice, EXPERIMENT)
    assert cerberus.version() > plan.version
    assert cerberus.policies.apply(cast.admin, text, version=plan.version, digest=plan.digest).changes


def test_somebody_who_is_faster_between_reading_and_locking_is_seen(cast, cerberus, monkeypatch):
    """What is read ahead of the lock is read again; nothing that depends on the change happens twice."""
    read_ahead, followed = cerberus.policies._read_ahead, []

    def overtaken(actor, file):
        found = read_ahead(actor, file)
        cerberus.grants.own(cast.alice, Resource("fraud", Kind.EXPERIMENT, str(cerberus.version())))
        return found

    monkeypatch.setattr(cerberus.policies, "_read_ahead", overtaken)
    text = changed(cerberus, ("      dana: contributor\n", "      dana: viewer\n"))
    assert cerberus.policies.plan(cast.admin, text).steps == ("dana: contributor -> viewer in fraud",)
    done = cerberus.policies.apply(replace(cast.admin, before_commit=followed.append), text)
    assert (done.changes, len(followed)) == (True, 1)


def test_another_file_than_the_planned_one_is_refused(cast, cerberus):
    plan = cerberus.policies.plan(cast.admin, exported(cerberus))
    text = changed(cerberus, ("      dana: contributor\n", "      dana: maintainer\n"))
    with pytest.raises(Conflict, match="not the plan of this file"):
        cerberus.policies.apply(cast.admin, text, version=plan.version, digest=plan.digest)


def test_whoever_owns_something_is_not_deleted(cast, cerberus):
    """The plan says who must hand over; keeping the people leaves them alone."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    text = changed(cerberus, ("  dana: {display_name: Dana}\n", ""), ("      dana: contributor\n", ""))
    plan = cerberus.policies.plan(cast.admin, text)
    assert plan.obstacles == ("dana owns 1 thing in fraud: hand them over, or keep dana in the file (disabled).",)
    with pytest.raises(Conflict, match="dana owns 1 thing in fraud"):
        cerberus.policies.apply(cast.admin, text)
    assert cerberus.people.get("dana")
    kept = cerberus.policies.apply(cast.admin, text, keep_people=True)
    assert kept.steps == ("dana: contributor -> nothing in fraud",)
    assert cerberus.people.get("dana")


def test_who_is_missing_is_deleted(cast, cerberus):
    text = changed(cerberus, ("  charlie: {display_name: Charlie}\n", ""))
    assert cerberus.policies.apply(cast.admin, text).steps == ("user charlie: is DELETED",)
    with pytest.raises(CerberusError):
        cerberus.people.get("charlie")


def test_who_is_new_has_no_password_and_is_found_by_their_words(cast, cerberus):
    text = changed(cerberus, ("people:\n", "people:\n  zoe: {display_name: Zoe Zebra}\n"))
    cerberus.policies.apply(cast.admin, text)
    assert [person.name for person in cerberus.people.search(cast.admin, "zebra")] == ["zoe"]
    with pytest.raises(CerberusError):
        cerberus.sessions.sign_in("zoe", "", cast.admin.origin)


def test_a_disabled_person_is_signed_out(cast, cerberus):
    session = cerberus.sessions.sign_in("dana", cast.password, cast.admin.origin)
    text = changed(cerberus, ("dana: {display_name: Dana}", "dana: {display_name: Dana, disabled: true}"))
    cerberus.policies.apply(cast.admin, text)
    with pytest.raises(CerberusError):
        cerberus.sessions.resume(session.cookie)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("platform_roles: [admin]", "platform_roles: []"), "no active admin"),
        (("      alice: maintainer\n", ""), "leave fraud without a maintainer"),
        (("      alice: maintainer\n", "      alice: {role: maintainer, until: 2099-01-01}\n"), "without a maintainer"),
        (("alice: {display_name: Alice}", "alice: {disabled: true}"), "without a maintainer"),
    ],
)
def test_the_last_admin_and_the_last_maintainer_stay(cast, cerberus, change, why):
    text = changed(cerberus, change)
    assert why in " ".join(cerberus.policies.plan(cast.admin, text).obstacles)
    before = exported(cerberus)
    with pytest.raises(Conflict, match=why):
        cerberus.policies.apply(cast.admin, text)
    assert exported(cerberus) == before


def test_a_project_that_is_missing_is_deleted_unless_it_holds_something(cast, cerberus):
    text = exported(cerberus)
    whole = text[: text.index("  churn:")] + text[text.index("  fraud:") :]
    thing = Resource("churn", Kind.EXPERIMENT, "1")
    cerberus.grants.own(cast.erin, thing)
    assert "churn still holds 1 thing in MLflow" in cerberus.policies.plan(cast.admin, whole).obstacles[0]
    cerberus.grants.forget(cast.erin, thing)
    done = cerberus.policies.apply(cast.admin, whole)
    assert done.steps == ("project churn: is DELETED", "erin: maintainer -> nothing in churn")
    assert [info.slug for info in cerberus.projects.list(SYSTEM)] == ["fraud"]
    with pytest.raises(Invalid, match=r"projects\.churn: a project of this name was deleted"):
        cerberus.policies.plan(cast.admin, text)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("version: 1", "version: 2"), "version"),
        (("version: 1", "version: 1\ncolour: red"), "colour"),
        (("  alice: {", "  Alice: {"), "people.Alice"),
        (("  alice: {", "  a lice: {"), "people.a lice"),
        (("  alice: {", "  alice: {password: secret, "), "people.alice.password"),
        (("alice: {display_name: Alice}", "alice: {disabled: 'yes'}"), "people.alice.disabled"),
        (("platform_roles: [admin]", "platform_roles: [king]"), "people.admin.platform_roles.0"),
        (("    - bob\n", "    - nobody\n"), "groups.readers.members"),
        (("    - bob\n", "    - readers\n"), "groups.readers.members"),
        (("    - bob\n", "    - bob\n    - bob\n"), "groups.readers.members.1"),
        (("  readers:\n", "  alice:\n"), "people.alice"),
        (("      dana: contributor", "      nobody: contributor"), "fraud.members.nobody"),
        (("      dana: contributor", "      dana: king"), "fraud.members.dana.role"),
        (("      dana: contributor", "      dana: {role: viewer, until: tomorrow}"), "fraud.members.dana.until"),
        (("      dana: contributor", "      dana: {until: 2099-01-01}"), "fraud.members.dana.role"),
        (("      dana: contributor", "      dana: contributor\n      dana: viewer"), "fraud.members"),
        (("      dana: contributor", "      dana: *x"), "fraud.members.dana"),
        (("      dana: contributor", "      dana: &x contributor"), "fraud.members.dana"),
        (("    name: Fraud", "    name: !!str Fraud"), "fraud.name"),
        (("    name: Fraud", "    name: \"a\\u202eb\""), "fraud.name"),
        (("    name: Fraud", "    archived: maybe"), "fraud.archived"),
        (("    name: Fraud", "    roles: {viewer: {}}"), "fraud.roles.viewer"),
        (("    name: Fraud", "    roles: {keeper: {levels: {project: READ}}}"), "fraud.roles.keeper.levels.project"),
        (("    name: Fraud", "    service_accounts: {alice: {}}"), "people.alice"),
        (("    name: Fraud", f"    grants: [{GRANT}, id: '07'}}]"), "fraud.grants.0.id"),
        (("    name: Fraud", f"    grants: [{A_SCORERS}, id: 07/x}}]"), "fraud.grants.0.id"),
        (("    name: Fraud", f"    grants: [{GRANT.replace('experiment', 'project')}}}]"), "fraud.grants.0.kind"),
        (("  fraud:\n", "  default:\n"), "projects.default"),
        (("projects:\n", "projects: [\n"), "file"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_say_is_refused_with_its_place(cast, cerberus, change, field):
    text = changed(cerberus, change)
    for use_case in (cerberus.policies.plan, cerberus.policies.apply):
        with pytest.raises(Invalid) as refusal:
            use_case(cast.admin, text)
        assert refusal.value.field in (field, f"projects.{field}"), refusal.value.message


@pytest.mark.parametrize(
    "text", ["", "- a", "[" * 10_000, "a: " + "[" * 5_000, "\x00", "a: \ud800", "a: b: c", "---\n---\na: b"]
)
def test_what_is_no_policy_file_is_refused(cast, cerberus, text):
    with pytest.raises(Invalid):
        cerberus.policies.plan(cast.admin, text)


@pytest.mark.parametrize(
    "change",
    [
        ("  alice: {", '  "a\\e[2Jb": {'),
        ("  alice: {", '  "a\\e[2Jb": &x {'),
        ("  alice: {", '  "a\\e[2Jb": {}\n  "a\\e[2Jb": {'),
        ("      dana: contributor", '      dana: "a\\e[2Jb"'),
    ],
)
def test_a_refusal_says_nothing_that_a_terminal_obeys(cast, cerberus, change):
    with pytest.raises(Invalid) as refusal:
        cerberus.policies.plan(cast.admin, changed(cerberus, change))
    assert "a\\x1b[2Jb" in refusal.value.message
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_only_admins_plan_and_apply(cast, cerberus, who):
    text = exported(cerberus)
    for attempt in (
        lambda actor: cerberus.policies.plan(actor, text),
        lambda actor: cerberus.policies.apply(actor, text),
        lambda actor: cerberus.policies.export(actor),
    ):
        with pytest.raises(Forbidden):
            attempt(cast.actor(who))


def test_an_auditor_exports_and_that_is_noted(cast, cerberus):
    cerberus.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    assert cerberus.policies.export(cast.charlie)["people"]["charlie"]["platform_roles"] == ["auditor"]
    cerberus.settle()
    assert ("charlie", "policy.export") in [(line.who, line.action) for line in cerberus.audit.search(SYSTEM)]
    with pytest.raises(Forbidden):
        cerberus.policies.plan(cast.charlie, exported(cerberus))


def test_a_part_of_a_policy_leaves_the_rest_alone(cast, cerberus):
    """A project that is named is what the file says; nobody else and nothing else is touched."""
    text = exported(cerberus, "fraud")
    assert text.startswith("version: 1\npartial: true\nprojects:\n  fraud:\n")
    assert not cerberus.policies.plan(cast.admin, text).changes
    members = "{alice: maintainer, frank: viewer}"
    part = f"partial: true\npeople: {{frank: {{}}}}\nprojects: {{fraud: {{name: Fraud, members: {members}}}}}"
    assert cerberus.policies.apply(cast.admin, part).steps == (
        "user frank: is made",
        "dana: contributor -> nothing in fraud",
        "frank: nothing -> viewer in fraud",
        "readers: viewer -> nothing in fraud",
    )
    assert {"churn", "fraud"} == {info.slug for info in cerberus.projects.list(SYSTEM)}
    assert cerberus.people.get("charlie")


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("members: {alice: maintainer, robot: viewer}", "projects.fraud.members.robot"),
        ("members: {alice: maintainer}, grants: [{subject: robot, kind: prompt, level: USE}]", "projects.fraud.grants"),
        ("members: {alice: maintainer, robot: viewer}, service_accounts: {robot: {}}", None),
    ],
)
@pytest.mark.parametrize("role", [None, "viewer"])
def test_a_part_gives_nothing_to_a_service_account_that_it_deletes(cast, cerberus, part, field, role):
    """It names the project and not the account, so the account goes."""
    cerberus.service_accounts.create(cast.alice, "fraud", name="robot")
    if role is not None:
        cerberus.projects.add_member(cast.alice, "fraud", subject="robot", role=role)
    text = f"partial: true\nprojects: {{fraud: {{name: Fraud, {part}}}}}"
    if field is None:
        assert "robot: is DELETED" not in " ".join(cerberus.policies.plan(cast.admin, text).steps)
        return
    with pytest.raises(Invalid, match="there is no user, group or service account robot") as refusal:
        cerberus.policies.plan(cast.admin, text)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("groups: {alice: {}}", "groups.alice"),
        ("groups: {alice: {display_name: Alices}}", "groups.alice"),
        ("people: {readers: {}}", "people.readers"),
        ("roles: {lead: {levels: {'*': READ}}}", "roles.lead"),
        ("projects: {churn: {roles: {owl: {}}, members: {erin: maintainer}}}", "projects.churn.roles.owl"),
    ],
)
def test_a_part_takes_no_name_that_means_something_outside_it(cast, cerberus, part, field):
    """The place of the name is said, as for a whole file."""
    cerberus.roles.create(cast.alice, "fraud", name="lead", levels={"*": "MANAGE"})
    cerberus.roles.create(cast.admin, None, name="owl", levels={})
    with pytest.raises(Invalid) as refused:
        cerberus.policies.plan(cast.admin, f"version: 1\npartial: true\n{part}\n")
    assert refused.value.field == field


def test_what_sign_in_put_into_a_group_is_no_policy(cast, cerberus):
    """It is neither exported nor taken away; the file can make it policy."""
    from sqlalchemy import text as sql

    readers, charlie = (cerberus.people.get(name).id for name in ("readers", "charlie"))
    with cerberus._database.writing() as session:
        values = {"g": readers, "m": charlie}
        session.execute(sql("INSERT INTO memberships (group_id, member_id, source) VALUES (:g, :m, 'oidc')"), values)
        session.execute(sql("UPDATE policy_state SET version = version + 1"))
    text = exported(cerberus)
    assert "- charlie" not in text
    assert not cerberus.policies.apply(cast.admin, text).changes
    assert cerberus.decisions.access_of_name("charlie").can(Verb.READ, EXPERIMENT)
    plan = cerberus.policies.apply(cast.admin, text.replace("    - bob\n", "    - bob\n    - charlie\n"))
    assert plan.steps == ("charlie: joins group readers",)
    assert "- charlie" in exported(cerberus)


def test_what_has_ended_is_in_no_file_and_in_no_ones_way(cast, cerberus):
    """A binding that has ended does not come back, is no difference, and a new one takes its place."""
    from sqlalchemy import text as sql

    cerberus.projects.set_member(cast.alice, "fraud", subject="charlie", role="viewer", expires_at=NEXT_YEAR)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.EDIT, expires_at=NEXT_YEAR)
    with cerberus._database.writing() as session:
        for table in ("bindings", "grants"):
            session.execute(sql(f"UPDATE {table} SET expires_at = '2020-01-01 00:00:00' WHERE expires_at IS NOT NULL"))
        session.execute(sql("UPDATE policy_state SET version = version + 1"))
    text = exported(cerberus)
    assert "charlie: {role" not in text
    past = text.replace(
        "      dana: contributor", "      charlie: {role: viewer, until: 2020-01-01}\n      dana: contributor"
    )
    assert not cerberus.policies.plan(cast.admin, past).changes
    grants = "    grants: [{subject: charlie, kind: experiment, id: '7', level: READ}]\n    members:"
    again = past.replace("until: 2020-01-01", "until: 2099-01-01").replace(
        "    members:\n      alice", grants + "\n      alice"
    )
    assert len(cerberus.policies.apply(cast.admin, again).steps) == 2
    assert not cerberus.policies.apply(cast.admin, again).changes


def test_a_group_stands_for_its_people_where_they_are_too_many(cast, cerberus, monkeypatch):
    """Everybody who is named is said one by one; and the plan can still be applied."""
    monkeypatch.setattr("cerberus.service.policies.MOST_PEOPLE", 0)
    text = changed(
        cerberus,
        ("      readers: viewer\n", "      readers: contributor\n"),
        ("      dana: contributor\n", "      dana: viewer\n"),
    )
    plan = cerberus.policies.plan(cast.admin, text)
    assert in_words(plan.effects) == [
        "dana in fraud: loses use, create, update on everything: EDIT -> READ",
        "group readers (at most 1 person) in fraud: gains use, create, update on everything: READ -> EDIT",
    ]
    assert cerberus.policies.apply(cast.admin, text, version=plan.version, digest=plan.digest).changes


def test_the_number_of_statements_does_not_grow_with_the_number_of_changes(cerberus):
    """Neither those of a plan nor those of applying it."""
    from sqlalchemy import event

    cerberus.people.create_user(SYSTEM, "root", admin=True)
    counted = []
    event.listen(cerberus._database._patient, "before_cursor_execute", lambda *about: counted.append(about[2]))

    def statements(use_case, people):
        lines = "".join(f"  {name}: {{}}\n" for name in people)
        members = "".join(f"      {name}: {{role: viewer, reason: test}}\n" for name in people)
        grants = "".join(f"    - {{subject: {name}, kind: prompt, level: DENY}}\n" for name in people)
        text = (
            f"partial: true\npeople:\n{lines}groups: {{team-{people[0]}: {{members: [{', '.join(people)}]}}}}\n"
            f"projects:\n  {people[0]}:\n    members:\n      team-{people[0]}: maintainer\n{members}"
            f"    grants:\n{grants}"
        )
        counted.clear()
        assert use_case(SYSTEM, text).changes
        return len(counted)

    few, many = ([f"{letter}{number}" for number in range(count)] for letter, count in (("few", 2), ("many", 40)))
    assert statements(cerberus.policies.plan, few) == statements(cerberus.policies.plan, many)
    assert statements(cerberus.policies.apply, few) == statements(cerberus.policies.apply, many)


# Random worlds, with names and texts that YAML likes to misread.


def furnish(cerberus, chance):
    """A random policy, made by the use cases themselves; what they refuse is left out."""
    odd = [
        "",
        "Zoë O'Neil",
        "no",
        "a: b # c",
        "ends with:",
        "two\nlines",
        "- x",
        "'quoted'",
        "日本",
        "null",
        "1e5",
        "~",
        "| x",
    ]
    users = ["no", "null", "true", "1", "1.5", "x@y.z", *(f"user{n}" for n in range(6))]
    groups, projects = ["on", "team-a", "team-b"], ["p0", "123", "null", "empty"]

    def attempt(use_case, *args, **kwargs):
        try:
            use_case(SYSTEM, *args, **kwargs)
        except CerberusError:
            return

    for name in users:
        attempt(cerberus.people.create_user, name, display_name=chance.choice(odd).replace("\n", " "))
    attempt(cerberus.people.set_platform_role, chance.choice(users), PlatformRole.ADMIN)
    for name in groups:
        attempt(cerberus.groups.create, name, display_name=chance.choice(odd).replace("\n", " "))
    for slug in projects:
        attempt(
            cerberus.projects.create, slug, name=chance.choice(odd).replace("\n", " "), description=chance.choice(odd)
        )
        attempt(cerberus.service_accounts.create, slug, name=f"bot-{slug}")
        attempt(cerberus.roles.create, slug, name=f"role-{slug}", levels={"*": chance.choice(["READ", "EDIT", "DENY"])})
    attempt(cerberus.roles.create, None, name="keeper", levels={}, manages_project=chance.random() < 0.5)
    subjects = [*users, *groups, *(f"bot-{slug}" for slug in projects)]
    for _ in range(60):
        slug, subject = chance.choice(projects[:3]), chance.choice(subjects)
        ends = chance.choice([None, None, datetime.now(UTC) + timedelta(days=chance.randrange(1, 900), microseconds=7)])
        role = chance.choice(["viewer", "contributor", "maintainer", "maintainer", "keeper", f"role-{slug}"])
        reason = chance.choice(odd)
        kind = chance.choice([kind for kind in Kind if kind is not Kind.PROJECT])
        thing = Resource(slug, kind, chance.choice(["*", "7", "0", "a model: v1", "é", "x/y", "true"]))
        match chance.randrange(6):
            case 0 | 1:
                attempt(cerberus.projects.set_member, slug, subject=subject, role=role, expires_at=ends, reason=reason)
            case 2 | 3:
                attempt(
                    cerberus.grants.give,
                    thing,
                    subject=subject,
                    level=chance.choice(list(Level)),
                    expires_at=ends,
                    reason=reason,
                )
            case 4:
                attempt(cerberus.groups.add_member, chance.choice(groups), member=subject)
            case 5:
                attempt(
                    chance.choice([cerberus.people.disable, cerberus.projects.archive, cerberus.people.enable]),
                    chance.choice([slug, subject]),
                )
    return subjects


@pytest.fixture
def another(tmp_path, migrated_sqlite):
    """Makes other empty databases."""
    opened = []

    def make():
        path = tmp_path / f"other{len(opened)}.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        opened.append(Cerberus(f"sqlite:///{path}", password_rounds=4))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.mark.on_each_database
@pytest.mark.parametrize("seed", range(4))
def test_exported_applied_elsewhere_and_exported_again_is_identical(cerberus, another, seed):
    """From either database to an empty one, and back over another world."""
    furnish(cerberus, random.Random(seed))
    text = exported(cerberus)
    assert "grants:" in text
    assert "members:" in text
    jsonschema.validate(yaml.safe_load(text), cerberus.policies.schema())
    empty = another()
    assert empty.policies.apply(SYSTEM, text).changes
    assert exported(empty) == text
    assert not empty.policies.plan(SYSTEM, text).changes
    assert empty.policies.apply(SYSTEM, as_json(cerberus.policies.export(SYSTEM))).steps == ()
    other = another()
    furnish(other, random.Random(seed + 100))
    theirs = exported(other)
    plan = cerberus.policies.plan(SYSTEM, theirs)
    if plan.obstacles:
        with pytest.raises(Conflict):
            cerberus.policies.apply(SYSTEM, theirs)
        assert exported(cerberus) == text
        return
    cerberus.policies.apply(SYSTEM, theirs, version=plan.version, digest=plan.digest)
    assert exported(cerberus) == theirs
    assert cerberus.audit.verify() is None


def able(cerberus, names):
    """What each of them may do, asked one by one."""
    found = {}
    slugs = ("p0", "123", "null")
    for name in names:
        try:
            access = cerberus.decisions.access_of_name(name)
        except CerberusError:
            continue
        for slug in slugs:
            for kind in Kind:
                for thing in [slug] if kind is Kind.PROJECT else ["*", "7", "a model: v1"]:
                    verbs = {verb for verb in Verb if access.can(verb, Resource(slug, kind, thing))}
                    if verbs:
                        found[name, slug, kind, thing] = verbs
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_effects_of_a_plan_are_what_applying_it_does(cerberus, another, seed):
    names = furnish(cerberus, random.Random(seed))
    other = another()
    furnish(other, random.Random(seed + 50))
    text = exported(other)
    plan = cerberus.policies.plan(SYSTEM, text)
    before = able(cerberus, names)
    if plan.obstacles:
        return
    cerberus.policies.apply(SYSTEM, text)
    after = able(cerberus, names)
    said = {(e.person, e.project, e.kind, e.resource_id): (set(e.gained), set(e.lost)) for e in plan.effects}
    felt = 0
    for key in {*before, *after}:
        had, has = before.get(key, set()), after.get(key, set())
        name, slug, kind, _ = key
        if had != has:
            wide = said.get((name, slug, kind, "*")) or said.get((name, "*", kind, "*"))
            assert said.get(key, wide) == (has - had, had - has), key
            felt += 1
    assert felt
