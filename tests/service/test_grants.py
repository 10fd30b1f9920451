"""Grants and ownership: who sees and gives them, what one says twice, what has ended."""

import threading
from datetime import timedelta

import pytest

from cerberus.errors import CerberusError, Forbidden, Invalid, NotFound
from cerberus.policy import ANY, Kind, Level, PlatformRole, Resource, Scope, Source, Verb
from cerberus.service import SYSTEM, access

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")
MODELS = Resource("fraud", Kind.REGISTERED_MODEL)
RACERS = 20


def can(cerberus, name, verb=Verb.READ, resource=EXPERIMENT):
    return cerberus.decisions.access_of_name(name).can(verb, resource)


@pytest.mark.on_each_database
def test_twenty_racing_to_make_the_same_grant_make_one(cast, cerberus):
    """All are told that it is there; there is one row and one audit line."""
    alice = cast.alice
    start, answers, failures = threading.Barrier(RACERS), [], []

    def race():
        start.wait()
        try:
            answers.append(cerberus.grants.give(alice, EXPERIMENT, subject="charlie", level=Level.EDIT).id)
        except CerberusError as error:
            failures.append(error)

    threads = [threading.Thread(target=race) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(answers) == RACERS
    assert len(set(answers)) == 1
    assert len(cerberus.grants.on(alice, EXPERIMENT)) == 1
    assert len(cerberus.audit.search(SYSTEM, action="grant.give")) == 1
    assert cerberus.audit.verify() is None


def test_saying_the_same_again_changes_nothing(cast, cerberus):
    """No line, no step; another end is a change, which is noted with what was."""
    ends = cerberus._context.now() + timedelta(days=3)
    first = cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ, reason="x")
    version = cerberus.version()
    again = cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ, reason="x")
    assert (again, cerberus.version()) == (first, version)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ, reason="x", expires_at=ends)
    line = cerberus.audit.search(SYSTEM, action="grant.give")[0]
    assert (line.before["expires_at"], line.after["expires_at"]) == (None, ends.isoformat())


@pytest.mark.on_each_database
def test_a_grant_that_has_ended_gives_nothing_at_the_next_check(cast, cerberus, monkeypatch):
    """Without a write: the very Access in hand says no at that moment, and a DENY that ends denies nothing more."""
    now = access.utc_now()
    soon = now + timedelta(hours=1)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.EDIT, expires_at=soon)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="dana", level=Level.DENY, expires_at=soon)
    charlie, dana = (cerberus.decisions.access_of_name(name) for name in ("charlie", "dana"))
    version = cerberus.version()
    assert (charlie.can(Verb.UPDATE, EXPERIMENT), dana.can(Verb.READ, EXPERIMENT)) == (True, False)
    monkeypatch.setattr(access, "utc_now", lambda: soon - timedelta(microseconds=1))
    assert charlie.can(Verb.UPDATE, EXPERIMENT)
    monkeypatch.setattr(access, "utc_now", lambda: soon)
    for mine in (charlie, cerberus.decisions.access_of_name("charlie")):
        assert not mine.can(Verb.READ, EXPERIMENT)
        assert mine.projects == ()
        assert mine.levels(Kind.EXPERIMENT, "fraud").named == {}
        assert not mine.visible(Kind.EXPERIMENT, "fraud").includes("7")
    assert dana.can(Verb.UPDATE, EXPERIMENT)
    assert cerberus.version() == version


def test_grants_are_listed_for_who_manages_what_is_asked_about(cast, cerberus):
    """A resource's, a kind's, or a subject's; with its owner; page by page."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ)
    cerberus.grants.give(cast.alice, MODELS, subject="charlie", level=Level.DENY)
    page = cerberus.grants.page
    asked = {"kind": Kind.EXPERIMENT, "resource_id": "7"}
    assert [(g.subject, g.source) for g in page(cast.alice, "fraud", **asked)] == [
        ("dana", Source.OWNERSHIP),
        ("charlie", Source.GRANT),
    ]
    assert page(cast.dana, "fraud", **asked) == page(cast.alice, "fraud", **asked)
    assert [g.resource_id for g in page(cast.alice, "fraud", subject="charlie")] == ["7", ANY]
    assert [g.kind for g in page(cast.alice, "fraud", kind=Kind.REGISTERED_MODEL)] == ["registered_model"]
    first = page(cast.alice, "fraud", limit=2)
    rest = page(cast.alice, "fraud", limit=2, after=first[-1].id)
    assert len(first) == 2
    assert [g.level for g in rest] == [Level.DENY]


@pytest.mark.parametrize(
    ("who", "error"), [("dana", Forbidden), ("bob", Forbidden), ("charlie", NotFound), ("erin", NotFound)]
)
def test_others_are_not_shown_who_has_what(cast, cerberus, who, error):
    """Members are told no, strangers that there is nothing; but everybody may see what they have themselves."""
    for asked in ({}, {"kind": Kind.EXPERIMENT}, {"kind": Kind.EXPERIMENT, "resource_id": "7"}, {"subject": "alice"}):
        with pytest.raises(error):
            cerberus.grants.page(cast.actor(who), "fraud", **asked)
    for subject in ("alice", "nobody-here"):
        with pytest.raises(error) as raised:
            cerberus.grants.page(cast.actor(who), "fraud", subject=subject)
        assert subject not in raised.value.message
    if error is Forbidden:
        cerberus.grants.give(cast.alice, EXPERIMENT, subject=who, level=Level.DENY)
        assert [g.level for g in cerberus.grants.page(cast.actor(who), "fraud", subject=who)] == [Level.DENY]


def test_an_auditor_sees_who_has_what_and_changes_nothing(cast, cerberus):
    """Nor does a token for reading keep a maintainer from seeing it, or an archived project."""
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="dana", level=Level.READ)
    cerberus.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    assert len(cerberus.grants.page(cast.charlie, "fraud")) == 1
    with pytest.raises(NotFound):
        cerberus.grants.give(cast.charlie, EXPERIMENT, subject="charlie", level=Level.READ)
    cerberus.projects.archive(cast.alice, "fraud")
    token = cast.token("alice", scopes=(Scope.READ,))
    reader = type(cast.alice)(cerberus.decisions.access_of_token(token).principal)
    assert len(cerberus.grants.page(reader, "fraud", kind=Kind.EXPERIMENT)) == 1
    elsewhere = cast.token("admin", scopes=(Scope.READ,), project="churn")
    bound = type(cast.alice)(cerberus.decisions.access_of_token(elsewhere).principal)
    with pytest.raises(NotFound):
        cerberus.grants.page(bound, "fraud")


@pytest.mark.parametrize("id_", ["07/toxicity", "\uff17/x", "x", "/x", ""])
def test_a_scorer_is_named_in_its_one_spelling(cast, cerberus, id_):
    """`07/x` would deny nothing on 7/x."""
    with pytest.raises(Invalid) as raised:
        cerberus.grants.give(cast.alice, Resource("fraud", Kind.SCORER, id_), subject="dana", level=Level.DENY)
    assert raised.value.field == "resource_id"


@pytest.mark.on_each_database
def test_an_owner_hands_over_what_they_made(cast, cerberus):
    """In one line; the old owner keeps nothing of it, the new one has it while they may create such things."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="contributor")
    lines = len(cerberus.audit.search(SYSTEM, limit=1000))
    handed = cerberus.grants.hand_over(cast.dana, EXPERIMENT, owner="charlie")
    assert (handed.subject, handed.source, handed.level) == ("charlie", Source.OWNERSHIP, Level.MANAGE)
    assert len(cerberus.audit.search(SYSTEM, limit=1000)) == lines + 1
    line = cerberus.audit.search(SYSTEM, action="ownership.hand_over")[0]
    assert (line.before, line.after, line.target) == ({"owner": "dana"}, {"owner": "charlie"}, "experiment:7")
    assert cerberus.grants.owner(cast.bob, EXPERIMENT).subject == "charlie"
    assert (can(cerberus, "charlie", Verb.DELETE), can(cerberus, "dana", Verb.DELETE)) == (True, False)
    version = cerberus.version()
    assert cerberus.grants.hand_over(cast.alice, EXPERIMENT, owner="charlie") == handed
    assert cerberus.version() == version
    with pytest.raises(Forbidden):
        cerberus.grants.hand_over(cast.dana, EXPERIMENT, owner="dana")


@pytest.mark.parametrize(
    ("owner", "match"),
    [("charlie", "not in fraud"), ("erin", "not in fraud"), ("readers", "enabled user"), ("dora", "enabled user")],
)
def test_who_could_not_use_it_is_no_new_owner(cast, cerberus, owner, match):
    """Strangers, groups and disabled accounts."""
    cerberus.people.create_user(SYSTEM, "dora")
    cerberus.projects.add_member(SYSTEM, "fraud", subject="dora", role="contributor")
    cerberus.people.disable(SYSTEM, "dora")
    with pytest.raises(Invalid, match=match) as raised:
        cerberus.grants.hand_over(cast.alice, EXPERIMENT, owner=owner)
    assert raised.value.field == "owner"


def test_only_the_owner_and_who_manages_hand_over(cast, cerberus):
    """An owner who became a viewer does not; a stranger is not told that there is such a thing."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.projects.change_role(cast.alice, "fraud", subject="dana", role="viewer")
    for who, error in (("dana", Forbidden), ("bob", Forbidden), ("charlie", NotFound)):
        with pytest.raises(error):
            cerberus.grants.hand_over(cast.actor(who), EXPERIMENT, owner=who)
    with pytest.raises(NotFound):
        cerberus.grants.owner(cast.charlie, EXPERIMENT)
    with pytest.raises(NotFound, match="no owner"):
        cerberus.grants.owner(cast.bob, Resource("fraud", Kind.PROMPT, "p"))


def test_what_somebody_owns_is_listed(cast, cerberus):
    """For themselves, and for who manages the project."""
    other = Resource("fraud", Kind.PROMPT, "hello")
    for resource in (EXPERIMENT, other):
        cerberus.grants.own(cast.dana, resource)
    cerberus.grants.give(cast.alice, MODELS, subject="dana", level=Level.READ)
    for who in (cast.dana, cast.alice):
        owned = cerberus.grants.page(who, "fraud", subject="dana", source=Source.OWNERSHIP)
        assert [(grant.kind, grant.resource_id) for grant in owned] == [("experiment", "7"), ("prompt", "hello")]


def test_who_manages_the_project_takes_away_what_denies_her_something_there(cast, cerberus):
    """Somebody else who manages its models must not lock the maintainer out for good."""
    cerberus.grants.give(SYSTEM, MODELS, subject="dana", level=Level.MANAGE)
    denied = cerberus.grants.give(cast.dana, MODELS, subject="alice", level=Level.DENY)
    assert not can(cerberus, "alice", resource=MODELS)
    with pytest.raises(NotFound):
        cerberus.grants.revoke(cast.charlie, denied.id)
    cerberus.grants.revoke(cast.alice, denied.id)
    assert can(cerberus, "alice", Verb.MANAGE, MODELS)
