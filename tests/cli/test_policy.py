"""`cerberus policy` and `cerberus what-if`: what an operator does with them on the server."""

import json

import pytest


@pytest.fixture
def policy(server, tmp_path):
    """The exported file, to be edited."""
    path = tmp_path / "policy.yaml"
    assert server("policy", "export", "--output", path).code == 0
    return path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_exported_is_no_difference(server, policy):
    assert policy.read_text().startswith("version: 1\npeople:\n")
    for command in ("plan", "drift", "apply"):
        done = server("policy", command, policy)
        assert (done.code, done.out) == (0, "The file and the database say the same.\n")
    assert server("policy", "export").out == policy.read_text()
    assert server("policy", "export", "--json").json["projects"]["fraud"]["members"]["bob"] == "viewer"


def test_a_difference_is_planned_applied_and_gone(server, policy, tmp_path):
    edit(policy, "bob: viewer", "bob: contributor")
    done = server("policy", "plan", policy)
    assert done.code == 0
    assert "  bob: viewer -> contributor in fraud\n" in done.out
    assert "  bob in fraud: gains use, create, update on everything: READ -> EDIT\n" in done.out
    assert server("policy", "drift", policy).code == 1
    plan = tmp_path / "plan.json"
    plan.write_text(server("policy", "plan", policy, "--json").out)
    assert json.loads(plan.read_text())["steps"] == ["bob: viewer -> contributor in fraud"]
    assert server("policy", "apply", policy, "--plan", plan).code == 0
    assert server("check", "bob", "create", "experiment", "fraud").code == 0
    assert server("policy", "drift", policy).code == 0


def test_a_plan_that_is_out_of_date_is_refused(server, policy, tmp_path):
    edit(policy, "bob: viewer", "bob: contributor")
    plan = tmp_path / "plan.json"
    plan.write_text(server("policy", "plan", policy, "--json").out)
    assert server("create-user", "carol").code == 0
    done = server("policy", "apply", policy, "--plan", plan)
    assert done.code == 1
    assert "moved on since the plan" in done.err


def test_what_stands_in_the_way_is_said_and_nothing_is_done(server, policy):
    edit(policy, "{role: maintainer, reason: made the project}", "viewer")
    planned = server("policy", "plan", policy)
    assert planned.code == 1
    assert "In the way (1):\n  That would leave fraud without a maintainer" in planned.out
    assert server("policy", "apply", policy).code == 1
    assert server("check", "alice", "manage", "project", "fraud").code == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("people: {Bob: {}}", "people.Bob: write it bob"),
        ("- a", "A policy file is a mapping"),
        ("a: [", "not YAML"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_bad_file_is_wrong_usage(server, tmp_path, text, why):
    path = tmp_path / "bad.yaml"
    if text is not None:
        path.write_text(text)
    done = server("policy", "plan", path)
    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_a_plan_must_be_one(server, policy, tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    assert server("policy", "apply", policy, "--plan", tmp_path / "plan.json").code == 2


def test_the_schema_is_printed(server):
    assert server("policy", "schema").json["properties"]["people"]


def test_keep_people_leaves_users_alone(server, policy):
    assert server("create-user", "carol").code == 0
    assert "user carol: is DELETED" in server("policy", "plan", policy).out
    assert server("policy", "drift", policy, "--keep-people").code == 0


def test_what_if_says_who_gains_and_who_loses(server):
    done = server("what-if", "member.set", "project=fraud", "subject=bob", "role=maintainer")
    assert done.out.splitlines() == [
        "bob in fraud: gains use, create, update, delete, manage on everything, the project itself: READ -> MANAGE"
    ]
    told = server("what-if", "member.remove", "project=fraud", "subject=bob", "--json").json
    assert (told["changes"], told["people"]) == (True, ["bob"])
    nothing = server("what-if", "member.set", "project=fraud", "subject=bob", "role=viewer")
    assert (nothing.code, nothing.out) == (0, "That would change nothing.\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("user.paint",), 2),
        (("user.disable", "name"), 2),
        (("user.disable", "name=bob", "name=alice"), 2),
        (("user.disable", "colour=red", "name=bob"), 2),
        (("member.set", "project=fraud", "subject=bob", "role=viewer", "expires_at=tomorrow"), 2),
        (("grant.revoke", "grant_id=x"), 2),
        (("user.disable", "name=nobody"), 1),
        (("member.remove", "project=fraud", "subject=alice"), 1),
    ],
)
def test_what_cannot_be_tried_is_refused(server, words, code):
    done = server("what-if", *words)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("cerberus: ")
