"""
What an operator does with projects, roles, grants and requests in a script.
"""

import pytest

from cerberus.policy import Kind, Resource, Verb
from cerberus.service import Actor, Cerberus
from cerberus.settings import Settings


@pytest.fixture
def service(server):
    opened = Cerberus.open(Settings())
    yield opened
    opened.close()


def access(service, name):
    return service.decisions.access_of_name(name)


def test_a_project_from_its_beginning_to_its_end(server):
    assert server("create-project", "vision", "--maintainer", "nobody").code == 1
    assert [item["slug"] for item in server("projects", "--json").json["items"]] == ["fraud"]
    assert server("create-project", "vision", "--title", "Vision", "--maintainer", "bob").code == 0
    changed = server("change-project", "vision", "--title", "Computer vision", "--askable", "--json").json
    assert (changed["name"], changed["askable"], changed["description"]) == ("Computer vision", True, "")
    assert "archived" in server("archive-project", "vision").out
    assert "archived, askable" in server("projects").out
    assert server("restore-project", "vision").code == 0
    assert server("delete-project", "vision").code == 0
    again = server("create-project", "vision")
    assert (again.code, "once" in again.err) == (1, True)


def test_a_project_with_service_accounts_says_where_they_could_go(server, service):
    service.service_accounts.create(service_actor(service, "alice"), "fraud", name="bot")
    refused = server("delete-project", "fraud")
    assert (refused.code, "bot" in refused.err) == (1, True)
    server("create-project", "vision")
    assert server("delete-project", "fraud", "--move-to", "vision").code == 0
    assert service.people.get("bot").project == "vision"


def service_actor(service, name):
    return Actor(access(service, name).principal)


def test_members_come_change_and_go(server):
    assert server("set-member", "fraud", "bob", "contributor", "--until", "2099-01-01", "--reason", "x").code == 0
    (bob,) = [m for m in server("members", "fraud", "--json").json["items"] if m["subject"] == "bob"]
    assert (bob["role"], bob["until"], bob["reason"]) == ("contributor", "2099-01-01T00:00:00+00:00", "x")
    assert server("set-member", "fraud", "bob", "viewer", "--until", "9999-12-31T23:59:59-01:00").code == 2
    gone = server("remove-member", "fraud", "bob", "--json").json
    assert (gone["bindings"], gone["grants"]) == (1, 0)
    last = server("remove-member", "fraud", "alice")
    assert (last.code, "without a maintainer" in last.err) == (1, True)


def test_a_role_is_made_given_changed_and_deleted(server, service):
    words = ("create-role", "release-manager", "--project", "fraud", "--level", "experiment=READ")
    made = server(*words, "--level", "registered_model=MANAGE", "--json").json
    assert made["levels"] == {"experiment": "READ", "registered_model": "MANAGE"}
    assert server("set-member", "fraud", "bob", "release-manager").code == 0
    model = Resource("fraud", Kind.REGISTERED_MODEL, "x")
    assert access(service, "bob").can(Verb.DELETE, model)
    assert server("change-role", "release-manager", "--project", "fraud", "--level", "*=READ").code == 0
    assert not access(service, "bob").can(Verb.DELETE, model)
    refused = server("delete-role", "release-manager", "--project", "fraud")
    assert (refused.code, "1 member has" in refused.err) == (1, True)
    server("set-member", "fraud", "bob", "viewer")
    assert server("delete-role", "release-manager", "--project", "fraud").code == 0
    assert server("create-role", "steward", "--manages-project").code == 0
    assert "manages the project" in server("roles").out
    assert server("change-role", "steward", "--no-manages-project").code == 0


@pytest.mark.parametrize("levels", [("READ",), ("prompt=READ", "prompt=EDIT"), ("cheese=READ",), ("prompt=ALL",)])
def test_levels_that_mean_nothing_are_wrong_usage(server, levels):
    words = [word for level in levels for word in ("--level", level)]
    assert server("create-role", "x", *words).code == 2


def test_one_thing_is_shared_handed_over_and_taken_back(server, service):
    given = server("give-grant", "fraud", "experiment", "7", "bob", "EDIT", "--until", "2099-01-01", "--json").json
    assert access(service, "bob").can(Verb.UPDATE, Resource("fraud", Kind.EXPERIMENT, "7"))
    (listed,) = server("grants", "fraud", "--kind", "experiment", "--id", "7", "--json").json["items"]
    assert listed == given
    assert server("revoke-grant", given["grant"]).code == 0
    assert server("revoke-grant", given["grant"]).code == 1
    assert server("owner", "fraud", "experiment", "7").code == 1
    assert server("hand-over", "fraud", "experiment", "7", "alice").code == 0
    assert server("owner", "fraud", "experiment", "7").out.strip() == "alice"
    assert [item["id"] for item in server("grants", "fraud", "--owned", "--json").json["items"]] == ["7"]


def test_requests_are_answered(server, service):
    server("create-user", "carl")
    server("change-project", "fraud", "--askable")
    carl = service_actor(service, "carl")
    asked = service.requests.ask(carl, "fraud", role="viewer", reason="to learn")
    assert "to learn" in server("requests", "fraud", "--state", "open").out
    assert server("refuse-request", asked.id, "--answer", "not now").code == 0
    assert server("approve-request", asked.id).code == 1
    asked = service.requests.ask(carl, "fraud", role="viewer")
    done = server("approve-request", asked.id, "--until", "2099-01-01", "--json").json
    assert (done["state"], done["until"], done["decided_by"]) == ("approved", "2099-01-01T00:00:00+00:00", "system")
    assert access(service, "carl").roles("fraud") == ("viewer",)
