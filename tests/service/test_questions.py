"""explain, who_can and visible, as each of the cast may ask them, on SQLite and on MySQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from cerberus.errors import Forbidden, Invalid, NotFound
from cerberus.policy import Kind, Level, Outcome, Reason, Resource, Scope, Verb
from cerberus.service import SYSTEM, Actor
from cerberus.store.tables import GrantRow

pytestmark = pytest.mark.on_each_database
SEVEN = Resource("fraud", Kind.EXPERIMENT, "7")
KIND = Resource("fraud", Kind.EXPERIMENT)
CHURN = Resource("churn", Kind.EXPERIMENT, "1")


def names(cerberus, actor, verb, resource=SEVEN, **page):
    return [each.name for each in cerberus.questions.who_can(actor, verb, resource, **page).items]


def limited(actor, **limits):
    from dataclasses import replace

    return Actor(replace(actor.principal, **limits), actor.origin)


def test_who_can_names_everybody_with_the_reason(cerberus, cast):
    """Members, a group's people, admins; by name, and each with the rule that decided."""
    found = {each.name: each.decision for each in cerberus.questions.who_can(cast.alice, Verb.READ, SEVEN).items}
    assert list(found) == ["admin", "alice", "bob", "dana"]
    assert found["admin"].reason is Reason.ADMIN
    [judged] = found["bob"].judged
    assert (judged.rule.subject_name, judged.rule.role, judged.outcome) == ("readers", "viewer", Outcome.WON)
    assert names(cerberus, cast.alice, Verb.UPDATE) == ["admin", "alice", "dana"]
    assert names(cerberus, cast.alice, Verb.MANAGE) == ["admin", "alice"]


def test_who_can_goes_down_through_groups_in_groups_even_in_a_circle(cerberus, cast):
    cerberus.groups.create(SYSTEM, "all", display_name="")
    cerberus.groups.add_member(SYSTEM, "readers", member="all")
    cerberus.groups.add_member(SYSTEM, "all", member="charlie")
    assert "charlie" in names(cerberus, cast.alice, Verb.READ)
    assert names(cerberus, cast.alice, Verb.UPDATE) == ["admin", "alice", "dana"]


def test_who_can_leaves_out_the_disabled_the_denied_and_what_has_ended(cerberus, cast):
    cerberus.grants.give(cast.alice, SEVEN, subject="charlie", level=Level.EDIT)
    cerberus.grants.give(cast.alice, SEVEN, subject="readers", level=Level.DENY)
    assert names(cerberus, cast.alice, Verb.READ) == ["admin", "alice", "charlie", "dana"]
    cerberus.people.disable(SYSTEM, "charlie")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    given = cerberus.grants.give(cast.alice, SEVEN, subject="erin", level=Level.READ, expires_at=tomorrow)
    assert names(cerberus, cast.alice, Verb.READ) == ["admin", "alice", "dana", "erin"]
    with cerberus._database.writing() as session:
        session.get_one(GrantRow, given.id).expires_at = datetime.now(UTC)
    assert names(cerberus, cast.alice, Verb.READ) == ["admin", "alice", "dana"]


def test_who_can_honours_the_archive(cerberus, cast):
    cerberus.projects.archive(cast.admin, "fraud")
    assert names(cerberus, cast.alice, Verb.UPDATE) == []
    assert names(cerberus, cast.alice, Verb.READ) == ["admin", "alice", "bob", "dana"]
    assert names(cerberus, cast.alice, Verb.MANAGE, Resource("fraud", Kind.PROJECT, "fraud")) == ["admin", "alice"]


def test_who_can_comes_in_pages(cerberus, cast):
    """Even where most whom a rule reaches may not: the page is full all the same."""
    for number in range(20):
        cerberus.people.create_user(SYSTEM, f"p{number:02}", display_name="", password=None)
        cerberus.groups.add_member(SYSTEM, "readers", member=f"p{number:02}")
        if number % 7:
            cerberus.grants.give(cast.alice, SEVEN, subject=f"p{number:02}", level=Level.DENY)
    whole = names(cerberus, cast.alice, Verb.READ, limit=1000)
    assert whole == ["admin", "alice", "bob", "dana", "p00", "p07", "p14"]
    pages, after = [], None
    while True:
        page = cerberus.questions.who_can(cast.alice, Verb.READ, SEVEN, limit=2, after=after)
        pages.append([each.name for each in page.items])
        if (after := page.next) is None:
            break
    assert pages == [whole[:2], whole[2:4], whole[4:6], whole[6:]]


@pytest.mark.parametrize("limit", [0, 1001, -1])
def test_a_page_has_a_sane_size(cerberus, cast, limit):
    with pytest.raises(Invalid) as raised:
        cerberus.questions.who_can(cast.alice, Verb.READ, SEVEN, limit=limit)
    assert raised.value.field == "limit"


@pytest.mark.parametrize(
    ("who", "resource", "refused"),
    [
        ("dana", SEVEN, Forbidden),
        ("bob", SEVEN, Forbidden),
        ("charlie", SEVEN, NotFound),
        ("alice", CHURN, NotFound),
        ("admin", Resource("nowhere", Kind.EXPERIMENT, "1"), NotFound),
    ],
)
def test_only_who_manages_it_or_oversees_may_ask_about_others(cerberus, cast, who, resource, refused):
    """Who may not see it learns nothing, not even that it is there."""
    actor = cast.actor(who)
    for ask in (
        lambda: cerberus.questions.who_can(actor, Verb.READ, resource),
        lambda: cerberus.questions.explain(actor, Verb.READ, resource, subject="erin"),
        lambda: cerberus.questions.visible(actor, resource.kind, resource.project, subject="erin"),
    ):
        with pytest.raises(refused):
            ask()


def test_an_auditor_may_ask_about_everybody_but_sees_no_runs(cerberus, cast):
    from cerberus.policy import PlatformRole
    from cerberus.store import subjects

    with cerberus._database.writing() as session:
        subjects.set_platform_role(session, subjects.by_name(session, "charlie").id, PlatformRole.AUDITOR)
    assert names(cerberus, cast.charlie, Verb.READ) == ["admin", "alice", "bob", "dana"]
    assert cerberus.questions.explain(cast.charlie, Verb.READ, SEVEN, subject="bob").decision.allowed
    assert cerberus.questions.explain(cast.charlie, Verb.READ, SEVEN).hidden


def test_explain_says_what_became_of_each_rule_and_what_would_be_needed(cerberus, cast):
    cerberus.grants.give(cast.alice, SEVEN, subject="readers", level=Level.USE)
    told = cerberus.questions.explain(cast.alice, Verb.UPDATE, SEVEN, subject="bob")
    assert told.subject == "bob"
    assert told.decision.reason is Reason.TOO_LOW
    assert {judged.rule.level: judged.outcome for judged in told.decision.judged} == {
        Level.READ: Outcome.WIDER,
        Level.USE: Outcome.WON,
    }
    assert told.needed.level is Level.EDIT
    assert told.needed.roles == ()  # a role is wider than the group's grant on this experiment


def test_explain_names_the_roles_that_would_do(cerberus, cast):
    cerberus.roles.create(cast.alice, "fraud", name="editor", levels={"experiment": "EDIT"})
    told = cerberus.questions.explain(cast.bob, Verb.UPDATE, SEVEN)
    assert told.needed.roles == ("contributor", "maintainer", "editor")
    assert cerberus.questions.explain(cast.bob, Verb.READ, SEVEN).needed.roles == ()


def test_explain_names_the_deny_that_stands_in_the_way(cerberus, cast):
    cerberus.grants.give(cast.alice, SEVEN, subject="dana", level=Level.DENY)
    told = cerberus.questions.explain(cast.alice, Verb.READ, SEVEN, subject="dana")
    assert (told.decision.reason, told.needed.roles) == (Reason.DENIED, ())
    [deny] = told.needed.denies
    assert (deny.subject_name, deny.level) == ("dana", Level.DENY)
    assert told.needed.level is Level.READ  # it would take the DENY's place: both are grants of dana's on it
    cerberus.grants.give(cast.alice, SEVEN, subject="readers", level=Level.DENY)
    told = cerberus.questions.explain(cast.alice, Verb.READ, SEVEN, subject="bob")
    assert told.needed.level is None  # at the same place the group's DENY beats it


def test_explain_names_every_limit_at_once(cerberus, cast):
    """The scope that lacks, and the project that is archived."""
    cerberus.projects.archive(cast.admin, "fraud")
    reader = limited(cast.dana, scopes=frozenset({Scope.READ}))
    told = cerberus.questions.explain(reader, Verb.UPDATE, SEVEN)
    assert told.needed.limits == (Reason.SCOPE, Reason.ARCHIVED)
    assert (told.needed.level, told.needed.roles) == (None, ())
    cerberus.people.disable(SYSTEM, "dana")
    told = cerberus.questions.explain(cast.alice, Verb.UPDATE, SEVEN, subject="dana")
    assert told.needed.limits == (Reason.DISABLED, Reason.ARCHIVED)


@pytest.mark.parametrize("resource", [SEVEN, CHURN, Resource("nowhere", Kind.EXPERIMENT, "1")])
def test_what_one_may_not_see_is_explained_as_absent(cerberus, cast, resource):
    """A DENY on it, a project of others and one that never was: three times the same words."""
    cerberus.grants.give(cast.alice, SEVEN, subject="dana", level=Level.DENY)
    told = cerberus.questions.explain(cast.dana, Verb.READ, resource)
    assert told.hidden
    assert (told.decision.reason, told.decision.judged, told.decision.level) == (Reason.NO_RULE, (), None)
    assert told.needed == cerberus.questions.explain(cast.charlie, Verb.READ, resource).needed


def test_a_token_bound_elsewhere_hears_of_its_binding_and_nothing_of_the_thing(cerberus, cast):
    bound = limited(cast.dana, project="churn")
    told = cerberus.questions.explain(bound, Verb.READ, SEVEN)
    assert told.decision.reason is Reason.OTHER_PROJECT
    assert (told.decision.judged, told.needed.limits) == ((), (Reason.OTHER_PROJECT,))


def test_an_admin_hears_that_a_project_is_not_there(cerberus, cast):
    assert cerberus.questions.explain(cast.admin, Verb.READ, Resource("nowhere", Kind.EXPERIMENT, "1")).hidden


@pytest.mark.parametrize("subject", ["nobody", "readers"])
def test_only_a_person_or_service_account_can_be_asked_about(cerberus, cast, subject):
    with pytest.raises(NotFound):
        cerberus.questions.explain(cast.alice, Verb.READ, SEVEN, subject=subject)


def test_the_command_line_must_say_about_whom(cerberus, cast):
    with pytest.raises(Invalid) as raised:
        cerberus.questions.explain(SYSTEM, Verb.READ, SEVEN)
    assert raised.value.field == "subject"


def test_visible_is_a_default_and_its_exceptions(cerberus, cast):
    cerberus.grants.give(cast.alice, SEVEN, subject="readers", level=Level.DENY)
    cerberus.grants.give(cast.alice, SEVEN, subject="charlie", level=Level.READ)
    mine = cerberus.questions.visible(cast.bob, Kind.EXPERIMENT, "fraud").visible
    assert (mine.default, mine.exceptions) == (True, {"7"})
    theirs = cerberus.questions.visible(cast.alice, Kind.EXPERIMENT, "fraud", subject="charlie")
    assert (theirs.subject, theirs.visible.default, theirs.visible.exceptions) == ("charlie", False, {"7"})
    with pytest.raises(NotFound):
        cerberus.questions.visible(cast.erin, Kind.EXPERIMENT, "fraud")


def test_looking_at_others_is_audited_and_at_oneself_is_not(cerberus, cast):
    cerberus.questions.explain(cast.bob, Verb.READ, SEVEN)
    cerberus.questions.who_can(cast.alice, Verb.READ, SEVEN)
    cerberus.questions.explain(cast.alice, Verb.READ, SEVEN, subject="bob")
    cerberus.settle()
    found = [line for line in cerberus.audit.search(cast.admin) if line.action.startswith("decisions.")]
    assert {(line.who, line.action, line.target) for line in found} == {
        ("alice", "decisions.who_can", "experiment:7"),
        ("alice", "decisions.explain", "experiment:7"),
    }


def statements(cerberus, work):
    """How many statements the work sends, but for the one that finds out whether the connection lives."""
    sent = []
    engine = cerberus._database.engine

    def note(connection, cursor, statement, *rest):
        sent.extend(
            [statement] * ("SELECT 1" not in statement and statement.lstrip("(").startswith(("SELECT", "WITH")))
        )

    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(sent)


def test_who_can_takes_the_same_few_statements_however_many_it_finds(cerberus, cast):
    alice = cast.alice
    cerberus.questions.who_can(alice, Verb.READ, SEVEN)
    few = statements(cerberus, lambda: cerberus.questions.who_can(alice, Verb.READ, SEVEN))
    for number in range(30):
        cerberus.people.create_user(SYSTEM, f"p{number:02}", display_name="", password=None)
        cerberus.groups.add_member(SYSTEM, "readers", member=f"p{number:02}")
    assert len(names(cerberus, alice, Verb.READ, limit=1000)) == 34
    many = statements(cerberus, lambda: cerberus.questions.who_can(alice, Verb.READ, SEVEN, limit=1000))
    assert few == many <= 6


def test_a_cold_principal_takes_at_most_six_statements(cerberus, cast):
    """An admin's too, however many projects there are; each project that an admin asks about is looked up once."""
    for who in ("bob", "admin"):
        subject = cast.actor(who).principal.id
        cerberus.grants.give(cast.alice, SEVEN, subject="charlie", level=Level.READ)  # all that was kept is forgotten
        assert statements(cerberus, lambda subject=subject: cerberus.decisions.access_of(subject)) <= 5
    access = cerberus.decisions.access_of(subject)
    assert statements(cerberus, lambda: [access.check(Verb.READ, SEVEN) for _ in range(9)]) == 1
    assert statements(cerberus, lambda: [access.projects for _ in range(9)]) == 1
