"""One use case, one audit line, one step of the version; refusals too."""

import pytest

from cerberus.errors import CerberusError, Forbidden
from cerberus.policy import Kind, Level, PlatformRole, Resource, Verb
from cerberus.service import SYSTEM, Actor, Origin

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")
CHANGES = {
    "user.create": lambda c, cast: c.people.create_user(cast.admin, "eve"),
    "user.disable": lambda c, cast: c.people.disable(cast.admin, "dana"),
    "platform_role.give": lambda c, cast: c.people.set_platform_role(cast.admin, "dana", PlatformRole.AUDITOR),
    "user.change_password": lambda c, cast: c.people.change_password(
        cast.dana, current=cast.password, new="other horses 2"
    ),
    "user.reset_password": lambda c, cast: c.people.reset_password(cast.admin, "dana"),
    "service_account.create": lambda c, cast: c.service_accounts.create(cast.alice, "fraud", name="bot"),
    "group.create": lambda c, cast: c.groups.create(cast.admin, "writers"),
    "group.add_member": lambda c, cast: c.groups.add_member(cast.admin, "readers", member="charlie"),
    "group.remove_member": lambda c, cast: c.groups.remove_member(cast.admin, "readers", member="bob"),
    "group.delete": lambda c, cast: c.groups.delete(cast.admin, "readers"),
    "project.create": lambda c, cast: c.projects.create(cast.admin, "vision"),
    "project.archive": lambda c, cast: c.projects.archive(cast.alice, "fraud"),
    "member.add": lambda c, cast: c.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer"),
    "member.change": lambda c, cast: c.projects.change_role(cast.alice, "fraud", subject="dana", role="viewer"),
    "member.remove": lambda c, cast: c.projects.remove_member(cast.alice, "fraud", subject="dana"),
    "grant.give": lambda c, cast: c.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ),
    "experiment.create": lambda c, cast: c.grants.own(cast.dana, EXPERIMENT),
}


@pytest.mark.parametrize("action", CHANGES)
def test_every_change_is_one_line_and_one_step(cast, cerberus, action):
    """The line names the change, carries request and address where there are any, and continues the chain."""
    before, lines = cerberus.version(), len(cerberus.audit.search(SYSTEM, limit=1000))
    CHANGES[action](cerberus, cast)
    written = cerberus.audit.search(SYSTEM, limit=1000)
    assert cerberus.version() == before + 1
    assert len(written) == lines + 1
    assert written[0].action == action
    assert (written[0].address, written[0].request_id) == ("192.0.2.1", "req-1")
    assert cerberus.audit.verify() is None


def test_no_line_holds_a_secret(cast, cerberus):
    """Neither password nor token nor cookie."""
    token = cast.token("dana")
    cookie = cerberus.sessions.sign_in("dana", cast.password, Origin()).cookie
    new = cerberus.people.reset_password(cast.admin, "dana")
    text = repr(cerberus.audit.search(SYSTEM, limit=1000))
    for secret in (token, token[14:46], cookie, cast.password, new):
        assert secret not in text


def test_a_refused_change_is_a_line_without_a_step(cast, cerberus):
    """Who tried what, where, and why not."""
    before = cerberus.version()
    for actor in (cast.bob, cast.charlie):
        with pytest.raises(CerberusError):
            cerberus.projects.add_member(actor, "fraud", subject="charlie", role="maintainer")
    cerberus.settle()
    denied = cerberus.audit.search(SYSTEM, outcome="denied")
    assert [(line.who, line.action, line.project) for line in denied] == [
        ("charlie", "project.manage", "fraud"),
        ("bob", "project.manage", "fraud"),
    ]
    assert cerberus.version() == before


def test_a_failed_sign_in_is_a_line(cast, cerberus):
    """With the name that was tried and the address."""
    with pytest.raises(CerberusError):
        cerberus.sessions.sign_in("alice", "wrong", Origin("203.0.113.9", "curl", "r"))
    cerberus.settle()
    line = cerberus.audit.search(SYSTEM, outcome="denied")[0]
    assert (line.who, line.action, line.address) == ("alice", "session.begin", "203.0.113.9")


def test_an_edge_notes_what_it_refused(cast, cerberus):
    """The MLflow plugin refuses without changing anything, and says so here."""
    access = cerberus.decisions.access_of_name("bob")
    cerberus.audit.record_denial(access.principal, access.check(Verb.DELETE, EXPERIMENT), Origin("192.0.2.3"))
    cerberus.settle()
    line = cerberus.audit.search(SYSTEM, outcome="denied")[0]
    assert (line.who, line.action, line.target) == ("bob", "experiment.delete", "experiment:7")


@pytest.mark.on_each_database
@pytest.mark.parametrize("project", ["x" * 200, "mls_" + "a1b2c3d4" * 6])
def test_a_refusal_is_a_line_whatever_was_asked_about(cast, cerberus, project):
    """A name longer than any project's is cut, and a token in its place is not repeated: MySQL cuts nothing itself."""
    with pytest.raises(CerberusError):
        cerberus.projects.members(cast.charlie, project)
    cerberus.settle()
    (line,) = cerberus.audit.search(SYSTEM, outcome="denied")
    assert (line.who, line.action) == ("charlie", "project.read")
    assert line.project == {"x": "x" * 63, "m": "***"}[project[0]]


def test_whatever_keeps_a_line_from_being_written_is_said(cerberus, caplog):
    """In the log, without the words of the error, and in the count of drops."""
    dropped = []
    cerberus.count_drops(lambda: dropped.append(1))
    cerberus._context.later(lambda _: {}["secret"], what="a line")
    cerberus.settle()
    assert caplog.messages == ["not written: a line: KeyError"]
    assert dropped == [1]


def test_who_may_read_the_audit(cast, cerberus):
    """Admins and auditors all of it, maintainers their project's, others nothing."""
    cerberus.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    everything = cerberus.audit.search(SYSTEM, limit=1000)
    assert cerberus.audit.search(cast.charlie, limit=1000) == everything
    assert {line.project for line in cerberus.audit.search(cast.alice, project="fraud")} == {"fraud"}
    for refused in (
        lambda: cerberus.audit.search(cast.alice),
        lambda: cerberus.audit.search(cast.bob),
        lambda: cerberus.audit.search(cast.dana, project="fraud"),
    ):
        with pytest.raises(Forbidden):
            refused()
    with pytest.raises(CerberusError):
        cerberus.audit.search(cast.alice, project="churn")


def test_what_follows_from_a_deed_in_mlflow_is_put_down_to_who_did_it(cast, cerberus):
    """Not to the system: Alice renamed the model and deleted it."""
    model = Resource("fraud", Kind.REGISTERED_MODEL, "champion")
    cerberus.grants.own(cast.dana, model)
    cerberus.grants.rename(cast.alice, model, new_id="retired")
    cerberus.grants.forget(cast.alice, Resource("fraud", Kind.REGISTERED_MODEL, "retired"))
    lines = cerberus.audit.search(SYSTEM, project="fraud", limit=3)
    assert [(line.who, line.action, line.request_id) for line in lines] == [
        ("alice", "grant.forget", "req-1"),
        ("alice", "grant.rename", "req-1"),
        ("dana", "registered_model.create", "req-1"),
    ]


def test_an_admins_bound_token_oversees_nothing_but_its_project(cast, cerberus):
    """Neither the audit of the others nor the list of people."""
    token = cast.token("admin", scopes=["read", "admin"], project="fraud")
    bound = Actor(cerberus.decisions.access_of_token(token).principal)
    assert {line.project for line in cerberus.audit.search(bound, project="fraud")} == {"fraud"}
    for refused in (
        lambda: cerberus.audit.search(bound),
        lambda: cerberus.audit.search(bound, project="churn"),
        lambda: cerberus.people.search(bound),
    ):
        with pytest.raises(CerberusError):
            refused()


def test_lines_are_found_by_page(cast, cerberus):
    """Newest first; `after` goes on."""
    everything = [line.id for line in cerberus.audit.search(SYSTEM, limit=1000)]
    first = cerberus.audit.search(SYSTEM, limit=3)
    second = cerberus.audit.search(SYSTEM, limit=3, after=first[-1].position)
    assert [line.id for line in first + second] == everything[:6] == sorted(everything, reverse=True)[:6]
