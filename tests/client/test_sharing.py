"""
Roles, grants, projects and requests from a notebook, against a real server.
"""

from datetime import UTC, datetime, timedelta

import pytest

from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.policy import ALL_SCOPES, Kind, Level


@pytest.fixture
def manager_of(client_of):
    """
    A client that may administer, as that person.
    """
    return lambda who: client_of(who, scopes=ALL_SCOPES)


def test_a_role_is_made_given_changed_and_deleted(client_of, manager_of):
    alice, charlie = manager_of("alice"), client_of("charlie")
    levels = {Kind.EXPERIMENT: Level.READ, "registered_model": "MANAGE"}
    made = alice.roles.create("release-manager", project="fraud", levels=levels, description="ships models")
    assert made.levels == {"experiment": "READ", "registered_model": "MANAGE"}
    assert (made.project, made.built_in, made.manages_project) == ("fraud", False, False)
    alice.set_member("fraud", "charlie", role="release-manager")
    assert charlie.can("delete", "registered_model", "fraud", "x")
    alice.roles.change("release-manager", project="fraud", levels={"*": "READ"})
    assert not charlie.can("delete", "registered_model", "fraud", "x")
    with pytest.raises(Conflict, match="1 member has"):
        alice.roles.delete("release-manager", project="fraud")
    alice.remove_member("fraud", "charlie")
    alice.roles.delete("release-manager", project="fraud")
    assert {role.name for role in alice.roles.list("fraud")} == {"viewer", "contributor", "maintainer"}


def test_a_role_of_every_project_is_for_admins(client_of, manager_of):
    with pytest.raises(Forbidden):
        manager_of("alice").roles.create("labeller", project=None, levels={"prompt": "EDIT"})
    manager_of("admin").roles.create("labeller", project=None, levels={"prompt": "EDIT"})
    assert "labeller" in [role.name for role in client_of("charlie").roles.list()]
    manager_of("admin").roles.change("labeller", project=None, description="labels prompts")
    manager_of("admin").roles.delete("labeller", project=None)


def test_one_thing_is_shared_until_a_day_and_taken_back(client_of, manager_of):
    alice, charlie = manager_of("alice"), client_of("charlie")
    until = datetime.now(UTC) + timedelta(days=2)
    given = alice.grants.give(
        "fraud", kind="experiment", id="7", subject="charlie", level="READ", expires_at=until, reason="audit"
    )
    assert (given.kind, given.id, given.level, given.expires_at, given.source) == (
        "experiment", "7", "READ", until, "grant",
    )  # fmt: skip
    assert charlie.can("read", "experiment", "fraud", "7")
    assert [grant.grant_id for grant in charlie.grants.list("fraud", subject="charlie")] == [given.grant_id]
    assert [grant.subject for grant in alice.grants.list("fraud", kind="experiment", id="7")] == ["charlie"]
    alice.grants.revoke(given.grant_id)
    assert not charlie.can("read", "experiment", "fraud", "7")


def test_a_list_longer_than_a_page_is_read_whole(manager_of, monkeypatch):
    monkeypatch.setattr("cerberus.client.pages.AT_ONCE", 2)
    alice = manager_of("alice")
    for number in range(5):
        alice.grants.give("fraud", kind="prompt", id=str(number), subject="dana", level="READ")
    assert [grant.id for grant in alice.grants.list("fraud")] == list("01234")
    assert len(alice.members("fraud")) == 3
    assert len(alice.roles.list("fraud")) == 3


def test_what_one_made_is_handed_over(cast, cerberus, client_of, manager_of):
    from cerberus.policy import Resource

    cerberus.grants.own(cast.dana, Resource("fraud", Kind.EXPERIMENT, "7"))
    dana = manager_of("dana")
    assert client_of("bob").grants.owner("fraud", kind="experiment", id="7") == "dana"
    assert [grant.id for grant in dana.grants.owned("fraud", "dana")] == ["7"]
    assert dana.grants.hand_over("fraud", kind="experiment", id="7", owner="alice").subject == "alice"
    assert list(dana.grants.owned("fraud", "dana")) == []
    with pytest.raises(NotFound):
        dana.grants.owner("fraud", kind="prompt", id="p")


def test_a_project_is_changed_archived_restored_and_deleted(manager_of):
    admin, alice = manager_of("admin"), manager_of("alice")
    assert admin.create_project("vision", name="Vision", maintainer="charlie").slug == "vision"
    assert [(member.subject, member.role) for member in admin.members("vision")] == [("charlie", "maintainer")]
    with pytest.raises(NotFound, match="nobody-here"):
        admin.create_project("sound", maintainer="nobody-here")
    changed = alice.change_project("fraud", description="Who cheats?", askable=True)
    assert (changed.description, changed.askable, changed.name) == ("Who cheats?", True, "Fraud")
    assert alice.archive_project("fraud").archived
    assert not alice.restore_project("fraud").archived
    alice.delete_project("fraud")
    with pytest.raises(NotFound):
        alice.project("fraud")
    with pytest.raises(Conflict, match="once"):
        admin.create_project("fraud")


def test_somebody_asks_and_is_answered(client_of, manager_of):
    alice, charlie = manager_of("alice"), client_of("charlie")
    assert charlie.requests.askable() == []
    with pytest.raises(NotFound):
        charlie.requests.ask("fraud", role="viewer")
    alice.change_project("fraud", askable=True)
    assert [project.slug for project in charlie.requests.askable()] == ["fraud"]
    first = charlie.requests.ask("fraud", role="contributor", reason="to help")
    assert charlie.requests.withdraw(first.id).state == "withdrawn"
    second = charlie.requests.ask("fraud", role="contributor")
    assert alice.requests.refuse(second.id, answer="read first").state == "refused"
    third = charlie.requests.ask("fraud", role="viewer")
    assert [each.id for each in alice.requests.of_project("fraud")] == [third.id]
    until = datetime.now(UTC) + timedelta(days=2)
    assert alice.requests.approve(third.id, expires_at=until, answer="welcome").expires_at == until
    states = [(each.role, each.state, each.answer) for each in charlie.requests.mine()]
    assert states == [("viewer", "approved", "welcome"), ("contributor", "refused", "read first"), ("contributor", "withdrawn", "")]  # fmt: skip  # noqa: E501
    assert charlie.can("read", "experiment", "fraud")
