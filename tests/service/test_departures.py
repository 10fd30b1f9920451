"""Who leaves: what becomes of what they own, and who cannot go."""

import pytest
from sqlalchemy import event

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from cerberus.policy import Kind, Level, PlatformRole, Resource, Source, SubjectKind, Verb
from cerberus.service import SYSTEM, Origin, project_resource
from cerberus.store.tables import Base

pytestmark = pytest.mark.on_each_database
HERE = Origin("192.0.2.7", "a browser", "req-7")
NEW = "a quite different secret"


def experiment(number, project="fraud"):
    return Resource(project, Kind.EXPERIMENT, str(number))


def owners(cerberus, resource):
    found = cerberus.grants.on(SYSTEM, resource)
    return [grant.subject for grant in found if grant.source is Source.OWNERSHIP]


def test_what_somebody_owns_goes_to_who_is_named(cast, cerberus):
    """All of it, in each project; what the heir owns already is theirs once. Nothing else is handed over."""
    cerberus.projects.add_member(cast.erin, "churn", subject="dana", role="contributor")
    cerberus.projects.add_member(cast.erin, "churn", subject="bob", role="viewer")
    cerberus.projects.add_member(cast.alice, "fraud", subject="bob", role="contributor")
    for resource in (experiment(1), experiment(2), experiment(3, "churn")):
        cerberus.grants.own(cast.dana, resource)
    cerberus.grants.own(cast.bob, experiment(2))
    cerberus.grants.give(cast.alice, experiment(9), subject="dana", level=Level.MANAGE)
    cerberus.people.delete(cast.admin, "dana", hand_over_to="bob")
    assert [owners(cerberus, each) for each in (experiment(1), experiment(2), experiment(3, "churn"))] == [["bob"]] * 3
    assert cerberus.grants.on(SYSTEM, experiment(9)) == []
    access = cerberus.decisions.access_of_name("bob")
    assert access.can(Verb.DELETE, experiment(1))
    assert not access.can(Verb.DELETE, experiment(3, "churn"))  # ownership sleeps while one may not create such things


def test_without_an_heir_the_answer_says_what_they_own_and_where(cast, cerberus):
    """And nothing has changed."""
    cerberus.projects.add_member(cast.erin, "churn", subject="dana", role="contributor")
    for resource in (experiment(1), experiment(2), experiment(3, "churn")):
        cerberus.grants.own(cast.dana, resource)
    before = cerberus.version()
    with pytest.raises(Conflict, match=r"^dana owns 1 thing in churn, 2 things in fraud\.$"):
        cerberus.people.delete(cast.admin, "dana")
    assert cerberus.version() == before
    assert owners(cerberus, experiment(1)) == ["dana"]


def test_an_heir_must_be_able_to_read_each_of_the_projects(cast, cerberus):
    """The answer names those where they cannot."""
    cerberus.projects.add_member(cast.erin, "churn", subject="dana", role="contributor")
    for resource in (experiment(1), experiment(3, "churn")):
        cerberus.grants.own(cast.dana, resource)
    with pytest.raises(Conflict, match="bob may not read what is to be taken over: 1 thing in churn"):
        cerberus.people.delete(cast.admin, "dana", hand_over_to="bob")
    assert owners(cerberus, experiment(1)) == ["dana"]
    cerberus.people.delete(cast.admin, "dana", hand_over_to="admin")
    assert owners(cerberus, experiment(3, "churn")) == ["admin"]


@pytest.mark.parametrize("heir", ["nobody", "readers", "dana", "charlie", "No Name!", 7])
def test_an_heir_is_somebody_else_who_is_there(cast, cerberus, heir):
    """Neither a group, nor who is disabled."""
    cerberus.people.disable(cast.admin, "charlie")
    with pytest.raises(Invalid) as raised:
        cerberus.people.delete(cast.admin, "dana", hand_over_to=heir)
    assert raised.value.field == "hand_over_to"


def test_sessions_and_tokens_end_with_the_account(cast, cerberus):
    """At once, whatever is kept in memory."""
    cookie = cerberus.sessions.sign_in("dana", cast.password, HERE).cookie
    credential, token, dana = cerberus.sessions.credential(cookie), cast.token("dana"), cast.dana
    assert cerberus.decisions.access_of_token(token)
    cerberus.people.delete(cast.admin, "dana")
    for secret in (credential, token):
        with pytest.raises(NotSignedIn):
            cerberus.decisions.access_of_token(secret)
    for again in (
        lambda: cerberus.sessions.resume(cookie),
        lambda: cerberus.sessions.sign_in("dana", cast.password, HERE),
        lambda: cerberus.tokens.create(dana, "another"),
        lambda: cerberus.people.change_password(dana, current=cast.password, new=NEW),
    ):
        with pytest.raises((NotSignedIn, Invalid)):
            again()


def test_whoever_gets_the_name_again_inherits_nothing(cast, cerberus):
    """Neither roles, grants, groups, ownership, password, sessions, nor failed sign-ins."""
    cerberus.people.set_platform_role(cast.admin, "dana", PlatformRole.AUDITOR)
    cerberus.groups.add_member(cast.admin, "readers", member="dana")
    cerberus.grants.own(cast.dana, experiment(1))
    cerberus.grants.give(cast.alice, experiment(9), subject="dana", level=Level.MANAGE)
    cookie, token, before = cerberus.sessions.sign_in("dana", cast.password, HERE).cookie, cast.token("dana"), cast.dana
    for _ in range(9):
        with pytest.raises(NotSignedIn):
            cerberus.sessions.sign_in("dana", "wrong", HERE)
    cerberus.people.delete(cast.admin, "dana", hand_over_to="alice")
    made = cerberus.people.create_user(cast.admin, "dana", password=NEW)
    assert made.id != before.principal.id
    access = cerberus.decisions.access_of_name("dana")
    assert (access.rules, access.principal.groups, access.principal.platform_roles) == ({}, frozenset(), frozenset())
    assert not access.can(Verb.READ, project_resource("fraud"))
    assert (cerberus.sessions.list(cast.dana), cerberus.tokens.list(cast.dana)) == ([], [])
    for gone in (lambda: cerberus.sessions.resume(cookie), lambda: cerberus.decisions.access_of_token(token)):
        with pytest.raises(NotSignedIn):
            gone()
    for _ in range(9):
        with pytest.raises(NotSignedIn):
            cerberus.sessions.sign_in("dana", cast.password, HERE)
    assert cerberus.sessions.sign_in("dana", NEW, HERE)
    with pytest.raises(NotSignedIn):
        cerberus.people.create_user(before, "eve")  # somebody who acts with what they knew of the former one


def test_the_audit_keeps_what_went(cast, cerberus):
    """The account is gone; what it was and had is not forgotten."""
    cerberus.people.set_platform_role(cast.admin, "dana", PlatformRole.AUDITOR)
    cerberus.groups.add_member(cast.admin, "readers", member="dana")
    cerberus.grants.own(cast.dana, experiment(1))
    cerberus.grants.give(cast.alice, experiment(9), subject="dana", level=Level.MANAGE)
    cast.token("dana")
    cerberus.people.delete(cast.admin, "dana", hand_over_to="alice")
    line = next(line for line in cerberus.audit.search(SYSTEM, action="user.delete"))
    assert (line.who, line.target) == ("admin", "user:dana")
    assert line.before == {
        "display_name": "Dana",
        "owned": {"fraud": 1},
        "roles": {"fraud": "contributor"},
        "grants": {"fraud": 1},
        "groups": ["readers"],
        "platform_roles": ["auditor"],
        "tokens": 1,
    }
    assert line.after == {"hand_over_to": "alice"}


def test_nothing_of_a_deleted_account_is_left_in_any_table(cast, cerberus):
    """A table that a later version adds is looked at, too."""
    cerberus.groups.add_member(cast.admin, "readers", member="dana")
    cerberus.sessions.credential(cerberus.sessions.sign_in("dana", cast.password, HERE).cookie)
    cerberus.grants.give(cast.alice, experiment(9), subject="dana", level=Level.MANAGE)
    gone = cast.dana.principal.id
    cerberus.people.delete(cast.admin, "dana")
    pointing = [
        column
        for table in Base.metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name == "subjects" for key in column.foreign_keys)
    ]
    assert len(pointing) >= 10
    with cerberus._database.reading() as session:
        assert [str(column) for column in pointing if session.query(column).filter(column == gone).count()] == []


def test_the_last_admin_and_the_last_maintainer_stay(cast, cerberus):
    """Nobody can be deleted whom somebody needs; the answer names the projects."""
    with pytest.raises(Conflict, match="last admin"):
        cerberus.people.delete(cast.admin, "admin")
    with pytest.raises(Conflict, match="fraud"):
        cerberus.people.delete(cast.admin, "alice")
    cerberus.people.set_platform_role(cast.admin, "bob", PlatformRole.ADMIN)
    cerberus.people.delete(cast.admin, "admin")
    with pytest.raises(Conflict, match="last admin"):
        cerberus.people.delete(cast.bob, "bob")


def test_a_project_without_a_maintainer_keeps_nobody(cast, cerberus):
    """Whoever maintains one for a while only can go: it had nobody for good before."""
    from datetime import timedelta

    cerberus.projects.create(SYSTEM, "empty")
    soon = cerberus._context.now() + timedelta(days=1)
    cerberus.projects.add_member(SYSTEM, "empty", subject="charlie", role="maintainer", expires_at=soon)
    assert cerberus.people.disable(cast.admin, "charlie").disabled
    cerberus.people.delete(cast.admin, "charlie")


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_only_admins_delete_people_and_groups(cast, cerberus, who):
    """Oneself neither."""
    actor = cast.actor(who)
    for refused in (
        lambda: cerberus.people.delete(actor, who),
        lambda: cerberus.people.delete(actor, "nobody"),
        lambda: cerberus.people.rename(actor, who, display_name="x"),
        lambda: cerberus.groups.delete(actor, "readers"),
        lambda: cerberus.groups.rename(actor, "readers", display_name="x"),
        lambda: cerberus.people.end_sessions(actor, "dana"),
        lambda: cerberus.people.sessions(actor, "dana"),
        lambda: cerberus.people.show(actor, "dana"),
        lambda: cerberus.groups.list(actor),
        lambda: cerberus.groups.members(actor, "readers"),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_a_groups_last_path_to_a_maintainer_stays(cast, cerberus):
    """Neither the group, nor its only member, nor a group between them can go."""
    cerberus.groups.create(SYSTEM, "owners")
    cerberus.groups.create(SYSTEM, "bosses")
    cerberus.groups.add_member(SYSTEM, "owners", member="bosses")
    cerberus.groups.add_member(SYSTEM, "bosses", member="charlie")
    cerberus.projects.create(SYSTEM, "credit")
    cerberus.projects.add_member(SYSTEM, "credit", subject="owners", role="maintainer")
    for refused in (
        lambda: cerberus.groups.delete(cast.admin, "owners"),
        lambda: cerberus.groups.delete(cast.admin, "bosses"),
        lambda: cerberus.groups.remove_member(cast.admin, "owners", member="bosses"),
        lambda: cerberus.groups.remove_member(cast.admin, "bosses", member="charlie"),
        lambda: cerberus.people.delete(cast.admin, "charlie"),
        lambda: cerberus.people.disable(cast.admin, "charlie"),
    ):
        with pytest.raises(Conflict, match="credit"):
            refused()
    cerberus.groups.add_member(cast.admin, "owners", member="dana")
    cerberus.groups.delete(cast.admin, "bosses")
    line = next(line for line in cerberus.audit.search(SYSTEM, action="group.delete"))
    assert line.before == {"groups": ["owners"], "members": ["charlie"]}


def test_auditors_look_but_do_not_touch(cast, cerberus):
    """They see people, groups and sessions, and change none."""
    cerberus.people.set_platform_role(SYSTEM, "charlie", PlatformRole.AUDITOR)
    auditor = cast.charlie
    assert cerberus.people.show(auditor, "dana").roles == {"fraud": "contributor"}
    assert cerberus.people.sessions(auditor, "dana") == []
    assert [group.name for group in cerberus.groups.list(auditor)] == ["readers"]
    assert [member.name for member in cerberus.groups.members(auditor, "readers")] == ["bob"]
    assert cerberus.groups.show(auditor, "readers").display_name == "Bob's team"
    assert cerberus.service_accounts.list(auditor, "churn") == []
    for refused in (
        lambda: cerberus.people.rename(auditor, "dana", display_name="x"),
        lambda: cerberus.people.delete(auditor, "dana"),
        lambda: cerberus.people.end_sessions(auditor, "dana"),
        lambda: cerberus.groups.add_member(auditor, "readers", member="dana"),
        lambda: cerberus.groups.create(auditor, "mine"),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_a_service_account_leaves_what_it_made_to_its_project(cast, cerberus):
    """Its maintainers delete it; they do not learn of projects that they do not see."""
    cerberus.service_accounts.create(cast.alice, "fraud", name="fraud-bot")
    cerberus.projects.add_member(cast.alice, "fraud", subject="fraud-bot", role="contributor")
    cerberus.projects.add_member(cast.erin, "churn", subject="fraud-bot", role="contributor")
    bot = cast.actor("fraud-bot")
    for resource in (experiment(1), experiment(3, "churn")):
        cerberus.grants.own(bot, resource)
    with pytest.raises(Conflict, match=r"1 thing in fraud, 1 thing in projects that you do not see\.$"):
        cerberus.service_accounts.delete(cast.alice, "fraud", name="fraud-bot")
    assert cerberus.people.show(cast.alice, "fraud-bot").roles == {"fraud": "contributor"}
    for other, error in ((cast.bob, Forbidden), (cast.charlie, NotFound), (cast.erin, NotFound)):
        with pytest.raises(error):
            cerberus.service_accounts.delete(other, "fraud", name="fraud-bot", hand_over_to="alice")
    cerberus.projects.add_member(cast.erin, "churn", subject="dana", role="viewer")
    cerberus.service_accounts.delete(cast.alice, "fraud", name="fraud-bot", hand_over_to="dana")
    assert owners(cerberus, experiment(3, "churn")) == ["dana"]


@pytest.mark.parametrize("who", ["bob", "charlie", "erin"])
def test_nobody_else_learns_to_which_project_a_service_account_belongs(cast, cerberus, who):
    """Nor that there is one: the answer is that for any name."""
    cerberus.service_accounts.create(cast.alice, "fraud", name="fraud-bot")
    actor, told = cast.actor(who), []
    for name in ("fraud-bot", "no-bot", "dana"):
        for ask in (
            lambda n: cerberus.people.disable(actor, n),
            lambda n: cerberus.people.rename(actor, n, display_name="x"),
            lambda n: cerberus.people.show(actor, n),
        ):
            with pytest.raises(Forbidden) as raised:
                ask(name)
            told.append(raised.value.message)
    assert told[:3] == told[3:6] == told[6:]


def test_a_hand_over_takes_as_many_statements_for_much_as_for_little(cast, cerberus):
    """Whoever owns thousands of things holds nobody up for long."""
    counts = []
    for much in (3, 60):
        cerberus.people.create_user(SYSTEM, f"maker{much}")
        cerberus.projects.add_member(cast.alice, "fraud", subject=f"maker{much}", role="contributor")
        for number in range(much):
            cerberus.grants.own(cast.actor(f"maker{much}"), experiment(1000 * much + number))
        asked = []
        event.listen(cerberus._database.engine, "before_cursor_execute", lambda *args, to=asked: to.append(args[2]))
        cerberus.people.delete(cast.admin, f"maker{much}", hand_over_to="dana")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_display_name_changes_and_the_name_stays(cast, cerberus):
    """By user, group and service account; the audit has both."""
    cerberus.service_accounts.create(cast.alice, "fraud", name="fraud-bot")
    assert cerberus.people.rename(cast.admin, "dana", display_name="Dana Demir").display_name == "Dana Demir"
    assert cerberus.groups.rename(cast.admin, "readers", display_name="Readers").name == "readers"
    assert cerberus.people.rename(cast.alice, "fraud-bot", display_name="Bot").kind is SubjectKind.SERVICE_ACCOUNT
    line = next(line for line in cerberus.audit.search(SYSTEM, action="user.rename"))
    assert (line.before, line.after) == ({"display_name": "Dana"}, {"display_name": "Dana Demir"})
    before = cerberus.version()
    cerberus.people.rename(cast.admin, "dana", display_name="Dana Demir")
    assert cerberus.version() == before  # nothing to do: no line, no step
    with pytest.raises(Invalid) as raised:
        cerberus.people.rename(cast.admin, "dana", display_name="\u202eanaD")
    assert raised.value.field == "display_name"
