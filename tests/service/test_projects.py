"""Projects, members, groups and grants."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import Kind, Level, Resource, Verb
from cerberus.service import SYSTEM, Removal, access, project_resource

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")


def can(cerberus, name, verb=Verb.READ, resource=EXPERIMENT):
    return cerberus.decisions.access_of_name(name).can(verb, resource)


@pytest.mark.parametrize(
    ("who", "projects"),
    [("alice", ["fraud"]), ("bob", ["fraud"]), ("charlie", []), ("erin", ["churn"]), ("admin", ["churn", "fraud"])],
)
def test_everybody_sees_their_own_projects(cast, cerberus, who, projects):
    """And no sign of the others."""
    assert [info.slug for info in cerberus.projects.list(cast.actor(who))] == projects
    for slug in {"fraud", "churn"} - set(projects):
        with pytest.raises(NotFound):
            cerberus.projects.get(cast.actor(who), slug)
        with pytest.raises(NotFound):
            cerberus.projects.members(cast.actor(who), slug)


@pytest.mark.parametrize(
    ("who", "error"), [("dana", Forbidden), ("bob", Forbidden), ("charlie", NotFound), ("erin", NotFound)]
)
def test_only_a_maintainer_changes_members(cast, cerberus, who, error):
    """Members are told no; to strangers the project does not exist."""
    actor = cast.actor(who)
    for refused in (
        lambda: cerberus.projects.add_member(actor, "fraud", subject="charlie", role="viewer"),
        lambda: cerberus.projects.change_role(actor, "fraud", subject="dana", role="maintainer"),
        lambda: cerberus.projects.remove_member(actor, "fraud", subject="dana"),
        lambda: cerberus.projects.archive(actor, "fraud"),
    ):
        with pytest.raises(error):
            refused()


def test_a_role_can_be_given_changed_and_taken(cast, cerberus):
    """Each counts from the very next question."""
    assert not can(cerberus, "charlie")
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer", reason="audit season")
    assert can(cerberus, "charlie")
    assert not can(cerberus, "charlie", Verb.UPDATE)
    cerberus.projects.change_role(cast.alice, "fraud", subject="charlie", role="contributor")
    assert can(cerberus, "charlie", Verb.UPDATE)
    assert cerberus.projects.remove_member(cast.alice, "fraud", subject="charlie") == Removal(1, 0)
    assert not can(cerberus, "charlie")
    with pytest.raises(NotFound):
        cerberus.projects.remove_member(cast.alice, "fraud", subject="charlie")


def test_a_membership_ends_at_its_end(cast, cerberus, monkeypatch):
    """Without anybody doing anything; an end in the past, or without a zone, is refused."""
    import cerberus.service.access as access_module

    now = access_module.utc_now()
    soon = now + timedelta(hours=1)
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer", expires_at=soon)
    assert can(cerberus, "charlie")
    monkeypatch.setattr(access_module, "utc_now", lambda: soon)
    assert not can(cerberus, "charlie")
    monkeypatch.undo()
    too_late = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))
    for wrong in (now - timedelta(hours=1), soon.replace(tzinfo=None), too_late):
        with pytest.raises(Invalid) as raised:
            cerberus.projects.add_member(cast.alice, "fraud", subject="erin", role="viewer", expires_at=wrong)
        assert raised.value.field == "expires_at"


def test_a_project_keeps_a_maintainer(cast, cerberus):
    """The last one cannot be removed or demoted, nor leave through a group; one with an end does not count."""
    with pytest.raises(Conflict, match="without a maintainer"):
        cerberus.projects.remove_member(cast.alice, "fraud", subject="alice")
    with pytest.raises(Conflict, match="without a maintainer"):
        cerberus.projects.change_role(cast.alice, "fraud", subject="alice", role="viewer")
    soon = cerberus._context.now() + timedelta(days=1)
    cerberus.projects.add_member(cast.alice, "fraud", subject="erin", role="maintainer", expires_at=soon)
    with pytest.raises(Conflict):
        cerberus.projects.remove_member(cast.alice, "fraud", subject="alice")
    cerberus.projects.change_role(cast.alice, "fraud", subject="readers", role="maintainer")
    cerberus.projects.remove_member(cast.alice, "fraud", subject="alice")
    for refused in (
        lambda: cerberus.groups.remove_member(cast.admin, "readers", member="bob"),
        lambda: cerberus.groups.delete(cast.admin, "readers"),
        lambda: cerberus.people.disable(cast.admin, "bob"),
    ):
        with pytest.raises(Conflict, match="fraud"):
            refused()
    assert can(cerberus, "bob", Verb.MANAGE, project_resource("fraud"))


def test_removing_a_member_takes_its_own_grants_there_too(cast, cerberus):
    """What it owned and what was shared with it, but nothing in other projects."""
    other = Resource("churn", Kind.EXPERIMENT, "9")
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.grants.give(cast.alice, Resource("fraud", Kind.PROMPT, "p"), subject="dana", level=Level.EDIT)
    cerberus.grants.give(cast.erin, other, subject="dana", level=Level.READ)
    assert cerberus.projects.remove_member(cast.alice, "fraud", subject="dana") == Removal(1, 2)
    assert not can(cerberus, "dana")
    assert not can(cerberus, "dana", Verb.READ, Resource("fraud", Kind.PROMPT, "p"))
    assert can(cerberus, "dana", Verb.READ, other)


@pytest.mark.parametrize("id_", ["07", " 7", "+7", "7.0", "0_7", "\uff17", "seven", ""])
def test_an_experiment_is_named_in_its_one_spelling(cast, cerberus, id_):
    """MLflow would take `07` for 7, and a DENY on `07` would deny nothing."""
    with pytest.raises(Invalid) as raised:
        cerberus.grants.give(cast.alice, Resource("fraud", Kind.EXPERIMENT, id_), subject="dana", level=Level.DENY)
    assert raised.value.field == "resource_id"


def test_who_creates_owns_while_they_may_create(cast, cerberus):
    """A contributor deletes their own; as a viewer they only read it, and as contributor again they delete it."""
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.grants.own(cast.dana, EXPERIMENT)
    assert can(cerberus, "dana", Verb.DELETE)
    assert not can(cerberus, "dana", Verb.DELETE, Resource("fraud", Kind.EXPERIMENT, "8"))
    cerberus.projects.change_role(cast.alice, "fraud", subject="dana", role="viewer")
    assert can(cerberus, "dana", Verb.READ)
    assert not can(cerberus, "dana", Verb.DELETE)
    cerberus.projects.change_role(cast.alice, "fraud", subject="dana", role="contributor")
    assert can(cerberus, "dana", Verb.DELETE)


def test_a_grant_shares_one_thing_with_a_stranger(cast, cerberus):
    """Charlie sees that experiment, knows of the project, and nothing more; then it is taken back."""
    grant = cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level=Level.READ)
    assert can(cerberus, "charlie")
    assert not can(cerberus, "charlie", Verb.READ, Resource("fraud", Kind.EXPERIMENT, "8"))
    assert [info.slug for info in cerberus.projects.list(cast.charlie)] == ["fraud"]
    cerberus.grants.revoke(cast.alice, grant.id)
    assert not can(cerberus, "charlie")
    assert cerberus.projects.list(cast.charlie) == []


def test_a_second_grant_replaces_the_first(cast, cerberus):
    """One subject has one grant on a resource."""
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="readers", level=Level.EDIT)
    assert can(cerberus, "bob", Verb.UPDATE)
    cerberus.grants.give(cast.alice, EXPERIMENT, subject="readers", level=Level.DENY)
    assert [grant.level for grant in cerberus.grants.on(cast.alice, EXPERIMENT)] == [Level.DENY]
    assert not can(cerberus, "bob")


@pytest.mark.parametrize(
    ("who", "error"), [("dana", Forbidden), ("bob", Forbidden), ("charlie", NotFound), ("erin", NotFound)]
)
def test_only_who_manages_a_resource_shares_it(cast, cerberus, who, error):
    """A contributor may share what they created, and only that."""
    grant = cerberus.grants.give(cast.alice, EXPERIMENT, subject="readers", level=Level.EDIT)
    for refused in (
        lambda: cerberus.grants.give(cast.actor(who), EXPERIMENT, subject=who, level=Level.MANAGE),
        lambda: cerberus.grants.revoke(cast.actor(who), grant.id),
        lambda: cerberus.grants.on(cast.actor(who), EXPERIMENT),
    ):
        with pytest.raises(error):
            refused()
    mine = Resource("fraud", Kind.EXPERIMENT, "8")
    cerberus.grants.own(cast.dana, mine)
    assert cerberus.grants.give(cast.dana, mine, subject="charlie", level=Level.READ)


def test_a_new_thing_of_an_old_name_inherits_nothing(cast, cerberus):
    """Grants go with a deleted model, and move with a renamed one."""
    model = Resource("fraud", Kind.REGISTERED_MODEL, "champion")
    renamed = Resource("fraud", Kind.REGISTERED_MODEL, "retired")
    cerberus.grants.give(cast.alice, model, subject="charlie", level=Level.READ)
    assert cerberus.grants.rename(cast.alice, model, new_id="retired") == 1
    assert not can(cerberus, "charlie", Verb.READ, model)
    assert can(cerberus, "charlie", Verb.READ, renamed)
    assert cerberus.grants.forget(cast.alice, renamed) == 1
    assert not can(cerberus, "charlie", Verb.READ, renamed)


@pytest.mark.parametrize(
    "slug", ["", "a", "A", "fraud_1", "-a", "a-", "a" * 64, "default", "workspaces", "api", "fräud", "a/b", None]
)
def test_a_slug_that_mlflow_could_not_use_is_refused(cast, cerberus, slug):
    """A project is a workspace of MLflow, which has rules of its own."""
    with pytest.raises(Invalid) as raised:
        cerberus.projects.create(cast.admin, slug)
    assert raised.value.field == "slug"


def test_a_project_is_made_by_an_admin_who_then_maintains_it(cast, cerberus):
    """A slug is taken once."""
    cerberus.projects.create(cast.admin, "vision", name="Vision")
    assert [(m.subject, m.role) for m in cerberus.projects.members(cast.admin, "vision")] == [("admin", "maintainer")]
    with pytest.raises(Conflict):
        cerberus.projects.create(cast.admin, "vision")


def test_an_archived_project_can_only_be_read_until_it_is_restored(cast, cerberus):
    """By everybody, admins and owners too."""
    cerberus.projects.archive(cast.alice, "fraud")
    for name in ("alice", "dana", "admin"):
        assert can(cerberus, name, Verb.READ)
        assert not can(cerberus, name, Verb.UPDATE)
    assert cerberus.decisions.access_of_name("dana").levels(Kind.EXPERIMENT, "fraud").default is Level.READ
    cerberus.projects.restore(cast.alice, "fraud")
    assert can(cerberus, "dana", Verb.UPDATE)


def test_a_group_in_a_group_passes_on_its_role(cast, cerberus):
    """And a circle of groups is refused."""
    cerberus.groups.create(SYSTEM, "interns")
    cerberus.groups.add_member(SYSTEM, "interns", member="charlie")
    cerberus.groups.add_member(SYSTEM, "readers", member="interns")
    assert can(cerberus, "charlie")
    for member in ("readers", "interns"):
        with pytest.raises(Invalid, match="circle"):
            cerberus.groups.add_member(SYSTEM, "interns", member=member)
    cerberus.groups.remove_member(SYSTEM, "readers", member="interns")
    assert not can(cerberus, "charlie")
    assert [person.name for person in cerberus.groups.members(cast.admin, "readers")] == ["bob"]


@pytest.mark.parametrize("reason", ["x" * 501, "nul\x00", "\ud800", "\u202eturned"])
def test_text_that_cannot_be_shown_is_refused(cast, cerberus, reason):
    """The field is named."""
    with pytest.raises(Invalid) as raised:
        cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer", reason=reason)
    assert raised.value.field == "reason"


def test_unknown_roles_levels_and_subjects_are_refused(cast, cerberus):
    """Each with its field or by name."""
    with pytest.raises(Invalid, match="viewer, contributor, maintainer"):
        cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="emperor")
    with pytest.raises(Invalid, match="READ, USE, EDIT, MANAGE, DENY"):
        cerberus.grants.give(cast.alice, EXPERIMENT, subject="charlie", level="OWN")
    with pytest.raises(NotFound, match="nobody-here"):
        cerberus.projects.add_member(cast.alice, "fraud", subject="nobody-here", role="viewer")
    with pytest.raises(Conflict, match="member already"):
        cerberus.projects.add_member(cast.alice, "fraud", subject="dana", role="viewer")


def test_a_role_is_named_until_it_ends(cast, cerberus, monkeypatch):
    """The list of members keeps it, so that somebody can see that it has ended."""
    ends = datetime.now(UTC) + timedelta(days=1)
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer", expires_at=ends)
    assert cerberus.decisions.access_of_name("charlie").roles("fraud") == ("viewer",)
    monkeypatch.setattr(access, "utc_now", lambda: ends)
    assert cerberus.decisions.access_of_name("charlie").roles("fraud") == ()


def test_a_member_learns_no_names_of_strangers(cast, cerberus):
    """Whoever is not in the project is answered like a name that nobody has."""
    said = []
    for name in ("charlie", "nobody-at-all"):
        with pytest.raises(NotFound) as refused:
            cerberus.projects.member(cast.dana, "fraud", subject=name)
        said.append(refused.value.message.replace(name, "?"))
    assert said[0] == said[1]
