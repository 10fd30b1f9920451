"""explain, who-can and visible on the command line."""

import json

import pytest


def test_explain_says_why_not_and_what_would_do(server):
    done = server("explain", "bob", "update", "experiment", "fraud", "7")
    assert done.code == 1
    assert done.out.splitlines() == [
        "no: update experiment 7 in fraud: the deciding rules give less",
        "  bob: viewer on * *: decided",
        "  would do: a grant of EDIT on experiment 7",
        "  would do: the role contributor or maintainer",
    ]


def test_explain_as_json(server):
    values = server("explain", "bob", "update", "experiment", "fraud", "7", "--json").json
    assert (values["allowed"], values["reason"], values["level"]) == (False, "too_low", "READ")
    [rule] = values["rules"]
    assert (rule["subject"], rule["role"], rule["outcome"]) == ("bob", "viewer", "won")
    assert values["needed"] == {"limits": [], "denies": [], "level": "EDIT", "roles": ["contributor", "maintainer"]}


def test_explain_ends_with_0_where_the_answer_is_yes(server):
    assert server("explain", "alice", "update", "experiment", "fraud").code == 0


def test_who_can_names_everybody_and_why(server):
    done = server("who-can", "read", "experiment", "fraud", "7")
    assert done.out.splitlines() == [
        "admin: an admin may do everything",
        "alice: alice: maintainer on * *",
        "bob: bob: viewer on * *",
    ]
    items = server("who-can", "update", "experiment", "fraud", "--json").json["items"]
    assert [(item["name"], item["reason"]) for item in items] == [("admin", "admin"), ("alice", "granted")]


def test_visible_names_the_default(server):
    assert server("visible", "bob", "experiment", "fraud").out == "experiment in fraud: every one\n"
    assert server("visible", "bob", "experiment", "fraud", "--json").json == {"default": True, "exceptions": []}


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "nobody", "read", "experiment", "fraud"),
        ("explain", "bob", "fly", "experiment", "fraud"),
        ("visible", "nobody", "experiment", "fraud"),
    ],
)
def test_what_is_not_understood_ends_with_2(server, words):
    assert server(*words).code == 2


def test_a_project_that_is_not_there_ends_with_1(server):
    done = server("who-can", "read", "experiment", "nowhere", "--json")
    assert (done.code, json.loads(done.err)["error"]) == (1, "not_found")


@pytest.mark.parametrize("command", ["check", "explain"])
def test_who_is_disabled_may_nothing_and_that_is_no_fault(server, command):
    assert server("disable", "bob").code == 0
    done = server(command, "bob", "read", "experiment", "fraud")
    assert done.code == 1
    assert "disabled" in done.out + done.err
