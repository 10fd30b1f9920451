"""What a project is called, whether one may ask for it, and its end."""

import pytest

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from cerberus.policy import Kind, Level, Resource, Verb
from cerberus.service import SYSTEM, project_resource

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")


def emptied(cerberus, cast):
    """`fraud` with members, roles, a grant on a kind, a bound token and an open request, but holding nothing."""
    cerberus.roles.create(cast.alice, "fraud", name="stager", levels={"*": "USE"})
    cerberus.grants.give(cast.alice, Resource("fraud", Kind.PROMPT), subject="dana", level=Level.DENY)
    cerberus.projects.change(cast.alice, "fraud", askable=True)
    return cast.token("dana", project="fraud"), cerberus.requests.ask(cast.charlie, "fraud", role="viewer")


def test_a_maintainer_changes_what_a_project_is_called(cast, cerberus):
    """What is not given stays; one line says what was and what is; saying the same again says nothing."""
    changed = cerberus.projects.change(cast.alice, "fraud", name="Fraud detection", askable=True)
    assert (changed.name, changed.description, changed.askable) == ("Fraud detection", "", True)
    assert cerberus.decisions.access_of_name("bob").project("fraud") == changed
    line = cerberus.audit.search(SYSTEM, action="project.change")[0]
    assert (line.before["name"], line.after["name"]) == ("Fraud", "Fraud detection")
    version = cerberus.version()
    cerberus.projects.change(cast.alice, "fraud", name="Fraud detection", askable=True)
    assert cerberus.version() == version


@pytest.mark.parametrize(
    ("values", "field"),
    [({"name": " "}, "name"), ({"name": "x" * 201}, "name"), ({"description": "\x00"}, "description"),
     ({"askable": "yes"}, "askable")],
)  # fmt: skip
def test_odd_settings_are_refused(cast, cerberus, values, field):
    """The field is named."""
    with pytest.raises(Invalid) as raised:
        cerberus.projects.change(cast.alice, "fraud", **values)
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("who", "error"), [("dana", Forbidden), ("bob", Forbidden), ("charlie", NotFound), ("erin", NotFound)]
)
def test_only_who_manages_a_project_changes_or_deletes_it(cast, cerberus, who, error):
    """Members are told no; to strangers it does not exist."""
    for refused in (
        lambda: cerberus.projects.change(cast.actor(who), "fraud", name="x"),
        lambda: cerberus.projects.delete(cast.actor(who), "fraud"),
    ):
        with pytest.raises(error):
            refused()


@pytest.mark.on_each_database
def test_a_deleted_project_is_as_if_it_had_never_been(cast, cerberus):
    """For members, admins and strangers; tokens, requests and roles in it end; other projects notice nothing."""
    token, asked = emptied(cerberus, cast)
    cerberus.projects.delete(cast.alice, "fraud")
    for who in ("alice", "dana", "bob", "charlie", "admin"):
        actor = cast.actor(who)
        assert "fraud" not in [info.slug for info in cerberus.projects.list(actor)]
        assert not cerberus.decisions.access_of_name(who).rules.get("fraud")
        for missing in (
            lambda actor=actor: cerberus.projects.get(actor, "fraud"),
            lambda actor=actor: cerberus.projects.members(actor, "fraud"),
            lambda actor=actor: cerberus.roles.list(actor, "fraud"),
            lambda actor=actor: cerberus.grants.page(actor, "fraud"),
            lambda actor=actor: cerberus.requests.of_project(actor, "fraud"),
            lambda actor=actor: cerberus.requests.ask(actor, "fraud", role="viewer"),
            lambda actor=actor: cerberus.projects.restore(actor, "fraud"),
            lambda actor=actor: cerberus.grants.give(actor, EXPERIMENT, subject=actor, level=Level.READ),
            lambda actor=actor: cerberus.service_accounts.create(actor, "fraud", name="bot"),
            lambda actor=actor: cerberus.tokens.create(actor, "x", project="fraud"),
            lambda actor=actor: cerberus.grants.own(actor, EXPERIMENT),
        ):
            with pytest.raises(NotFound):
                missing()
    assert [info.slug for info in cerberus.projects.list(SYSTEM)] == ["churn"]
    assert cerberus.requests.askable(cast.charlie) == []
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(token)
    assert [(each.id, each.state) for each in cerberus.requests.mine(cast.charlie)] == [(asked.id, "ended")]
    cerberus.roles.create(cast.admin, None, name="stager", levels={"*": "READ"})
    line = cerberus.audit.search(SYSTEM, action="project.delete")[0]
    assert line.after == {"bindings": 3, "grants": 1, "roles": 1, "tokens": 1, "requests": 1}
    assert cerberus.decisions.access_of_name("erin").can(Verb.MANAGE, project_resource("churn"))


def test_a_slug_is_never_given_out_again(cast, cerberus):
    """MLflow's workspace of that name may still hold another team's runs; the refusal says so."""
    cerberus.projects.delete(cast.alice, "fraud")
    with pytest.raises(Conflict, match="once") as raised:
        cerberus.projects.create(cast.admin, "fraud")
    assert "MLflow" in raised.value.hint


@pytest.mark.on_each_database
def test_a_project_that_still_holds_something_is_not_deleted(cast, cerberus):
    """What it is, is said; once it is gone from MLflow the project goes."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ)
    cerberus.grants.own(cast.dana, Resource("fraud", Kind.PROMPT, "a"))
    cerberus.grants.own(cast.dana, Resource("fraud", Kind.PROMPT, "b"))
    with pytest.raises(Conflict, match="1 experiment, 2 prompts in MLflow"):
        cerberus.projects.delete(cast.alice, "fraud")
    for kind, thing in ((Kind.EXPERIMENT, "7"), (Kind.PROMPT, "a"), (Kind.PROMPT, "b")):
        cerberus.grants.forget(cast.dana, Resource("fraud", kind, thing))
    cerberus.projects.delete(cast.alice, "fraud")


@pytest.mark.on_each_database
def test_service_accounts_move_to_another_project_of_the_same_manager(cast, cerberus):
    """Their role in the old one ends, their free tokens stay, and the new project's maintainers manage them."""
    cerberus.service_accounts.create(cast.alice, "fraud", name="nightly")
    cerberus.projects.add_member(cast.alice, "fraud", subject="nightly", role="contributor")
    free = cerberus.tokens.create(cast.alice, "free", owner="nightly").secret
    bound = cerberus.tokens.create(cast.alice, "bound", owner="nightly", project="fraud").secret
    with pytest.raises(Conflict, match="1 service account") as raised:
        cerberus.projects.delete(cast.alice, "fraud")
    assert "nightly" in raised.value.message
    assert "move_to" in raised.value.hint
    for where, error in (("churn", NotFound), ("nowhere", NotFound), ("fraud", Invalid)):
        with pytest.raises(error):
            cerberus.projects.delete(cast.alice, "fraud", move_to=where)
    cerberus.projects.add_member(cast.erin, "churn", subject="alice", role="maintainer")
    cerberus.projects.delete(cast.alice, "fraud", move_to="churn")
    assert cerberus.people.get("nightly").project == "churn"
    assert cerberus.decisions.access_of_token(free).projects == ()
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(bound)
    assert cerberus.tokens.create(cast.erin, "new", owner="nightly", project="churn")
    line = cerberus.audit.search(SYSTEM, action="project.delete")[0]
    assert (line.after["moved_to"], line.after["service_accounts"]) == ("churn", ["nightly"])


def test_a_project_is_made_for_its_maintainer_in_one_go(cast, cerberus):
    """A name that nobody has leaves no project behind; the admin who makes it for another is no member."""
    with pytest.raises(NotFound):
        cerberus.projects.create(cast.admin, "vision", maintainer="nobody-here")
    cerberus.projects.create(cast.admin, "vision", maintainer="charlie")
    assert [(m.subject, m.role) for m in cerberus.projects.members(cast.admin, "vision")] == [("charlie", "maintainer")]
