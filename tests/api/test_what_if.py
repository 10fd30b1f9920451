"""Trying changes over HTTP."""

import re
from pathlib import Path

import pytest

from cerberus.service.what_if import TRIALS

DOC = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
MEMBER = {"change": "member.set", "project": "fraud", "subject": "readers", "role": "contributor"}


def test_it_answers_in_words_and_for_programs(api):
    found = api.as_("alice").post("/what-if", json=MEMBER).get_json()
    assert (found["change"], found["changes"]) == ("member.set", True)
    effects = found["effects"]
    assert (effects["people"], effects["total"]) == (1, 8)
    assert effects["summary"] == ["bob in fraud: gains use, create, update on everything: READ -> EDIT"]
    assert effects["items"][0] == {
        "person": "bob",
        "person_kind": "user",
        "project": "fraud",
        "kind": "experiment",
        "resource_id": "*",
        "before": "READ",
        "after": "EDIT",
        "gained": ["use", "create", "update"],
        "lost": [],
        "people": 1,
    }
    roles = {
        item["subject"]: item["role"] for item in api.as_("alice").get("/projects/fraud/members").get_json()["items"]
    }
    assert roles["readers"] == "viewer"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "change"),
        ({"change": "user.paint"}, "change"),
        ({"change": 7}, "change"),
        ({"change": "user.disable"}, "name"),
        ({"change": "user.disable", "name": 7}, "name"),
        ({"change": "user.disable", "name": "x" * 300}, "name"),
        ({"change": "user.disable", "name": "bob", "project": "fraud"}, "project"),
        ({**MEMBER, "expires_at": "tomorrow"}, "expires_at"),
        ({**MEMBER, "role": "king"}, "role"),
        ({"change": "grant.revoke", "grant_id": 10**30}, "grant_id"),
        (
            {"change": "grant.give", "project": "fraud", "kind": "cake", "id": "1", "subject": "a", "level": "READ"},
            "kind",
        ),
    ],
)
def test_what_is_wrong_is_named_as_the_changes_own_field(api, is_problem, body, field):
    assert is_problem(api.as_("admin").post("/what-if", json=body), 422)["field"] == field


def test_a_change_that_breaks_a_rule_is_a_conflict(api, is_problem):
    assert (
        "maintainer"
        in is_problem(api.as_("alice").post("/what-if", json={**MEMBER, "subject": "alice"}), 409)["detail"]
    )


def test_every_change_and_each_of_its_fields_is_documented():
    documented = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.+) \|$", DOC, re.M))
    assert set(documented) == set(TRIALS)
    for name, trial in TRIALS.items():
        assert re.findall(r"(?<!\[)`(\w+)`", documented[name]) == list(trial.required)
        assert re.findall(r"\[`(\w+)`\]", documented[name]) == list(trial.optional)
