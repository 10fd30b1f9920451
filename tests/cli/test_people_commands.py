"""
The commands about users, groups and service accounts: what they do, what they print, how they end.
"""

import json

import pytest

from cerberus.policy import Kind, Resource
from cerberus.service import SYSTEM, Actor, Cerberus
from cerberus.settings import Settings


@pytest.fixture
def cerberus(data):
    opened = Cerberus.open(Settings())
    yield opened
    opened.close()


def owns(cerberus, name, number):
    actor = Actor(cerberus.decisions.access_of_name(name).principal)
    cerberus.grants.own(actor, Resource("fraud", Kind.EXPERIMENT, str(number)))


def test_people_are_found_shown_renamed_and_taken_out(server):
    assert server("rename", "bob", "Bob Bauer").code == 0
    assert server("people", "bau").out.split() == ["bob", "user", "Bob", "Bauer"]
    assert [person["name"] for person in server("people", "--json").json["items"]] == ["admin", "alice", "bob"]
    assert server("people", "nobody").out == "None.\n"
    assert server("show-user", "bob", "--json").json["roles"] == {"fraud": "viewer"}
    assert "roles: viewer in fraud" in server("show-user", "bob").out
    assert server("disable", "bob", "--json").json["disabled"] is True
    assert "disabled" in server("people", "bob").out
    assert server("enable", "bob").out == "bob is enabled.\n"
    assert server("end-sessions", "bob").code == 0


def test_a_user_who_owns_something_goes_with_an_heir_only(server, cerberus):
    owns(cerberus, "bob", 7)
    refused = server("delete-user", "bob", "--json")
    assert refused.code == 1
    assert json.loads(refused.err)["detail"] == "bob owns 1 thing in fraud."
    assert server("delete-user", "bob", "--hand-over-to", "alice").out == "User bob was deleted.\n"
    assert server("show-user", "alice", "--json").json["owns"] == {"fraud": 1}


def test_a_role_over_the_platform_is_given_and_taken(server):
    assert server("give-platform-role", "bob", "admin", "--json").json["platform_roles"] == ["admin"]
    assert server("take-platform-role", "bob", "admin").out == "bob is not admin.\n"
    assert server("take-platform-role", "admin", "admin").code == 1


def test_groups_are_made_filled_renamed_and_deleted(server):
    assert server("create-group", "readers", "--member", "bob").code == 0
    assert server("add-to-group", "readers", "alice").code == 0
    assert server("rename", "readers", "All readers").code == 0
    assert server("groups", "--json").json["items"][0]["display_name"] == "All readers"
    assert [line.split()[0] for line in server("group-members", "readers").out.splitlines()] == ["alice", "bob"]
    assert server("group-members", "readers", "--after", "alice", "--json").json["items"][0]["name"] == "bob"
    assert server("remove-from-group", "readers", "bob").code == 0
    assert server("delete-group", "readers").code == 0
    assert server("groups").out == "None.\n"


def test_a_group_is_made_with_all_its_members_or_not_at_all(server, cerberus):
    """A name that nobody has: exit code 1 promises that nothing is changed."""
    assert server("create-group", "readers", "--member", "bob", "--member", "nobody").code == 1
    assert server("groups").out == "None.\n"
    assert server("create-group", "readers", "--member", "readers").code == 2
    assert server("create-group", "readers", "--member", "bob", "--member", "alice", "--member", "bob").code == 0
    line = cerberus.audit.search(SYSTEM, action="group.create")[0]
    assert line.after == {"display_name": "", "members": ["bob", "alice"]}


@pytest.mark.parametrize("words", [("people", "--limit", "201"), ("audit", "search", "--limit", "1001")])
def test_more_than_can_be_shown_at_once_is_refused_instead_of_cut(server, words):
    done = server(*words)
    assert (done.code, done.out) == (2, "")
    assert "it is 1 to" in done.err


def test_people_are_read_on(server):
    assert server("people", "--limit", "1", "--after", "alice", "--json").json["items"][0]["name"] == "bob"


def test_service_accounts_come_and_go_with_their_project(server):
    assert server("create-service-account", "fraud", "fraud-bot", "--display-name", "Nightly").code == 0
    assert server("service-accounts", "fraud").out.split() == ["fraud-bot", "Nightly"]
    assert server("disable", "fraud-bot").code == 0
    assert server("service-accounts", "fraud", "--json").json["items"][0]["disabled"] is True
    assert server("delete-service-account", "fraud", "fraud-bot").code == 0
    assert server("service-accounts", "fraud").out == "None.\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show-user", "nobody"), 1),
        (("rename", "nobody", "x"), 1),
        (("disable", "admin"), 1),
        (("delete-user", "alice"), 1),
        (("delete-user", "bob", "--hand-over-to", "bob"), 2),
        (("give-platform-role", "bob", "king"), 2),
        (("add-to-group", "readers", "bob"), 1),
        (("group-members", "bob"), 1),
        (("service-accounts", "nowhere"), 1),
        (("delete-service-account", "fraud", "bob"), 1),
        (("create-service-account", "fraud", "bob"), 1),
    ],
)
def test_mistakes_end_with_a_code_and_one_line(server, words, code):
    done = server(*words)
    assert (done.code, done.out) == (code, "")
    assert "Traceback" not in done.err


def test_a_guessable_password_is_refused_with_advice(server, tmp_path):
    file = tmp_path / "secret"
    file.write_text("password1\n")
    done = server("create-user", "carl", "--password-file", file)
    assert done.code == 2
    assert "too easy to guess" in done.err
    assert "several words" in done.err
    assert "password1" not in done.err
