"""explain, who-can and visible as JSON. Who may ask what is in the ritual; what is answered in tests/service."""

import pytest

from cerberus.policy import Kind, Level, Resource, Scope

SEVEN = {"kind": "experiment", "project": "fraud", "id": "7"}
RESOURCE = Resource("fraud", Kind.EXPERIMENT, "7")
NOTHING = {"limits": [], "denies": [], "level": None, "roles": []}


def test_an_explanation_holds_the_rules_and_what_would_be_needed(api):
    told = api.as_("alice").post("/explain", {"verb": "update", **SEVEN, "subject": "bob"}).get_json()
    assert (told["subject"], told["allowed"], told["visible"], told["reason"]) == ("bob", False, True, "too_low")
    assert told["level"] == "READ"
    assert [{key: rule[key] for key in ("subject", "source", "role", "kind", "id", "level", "outcome")}
            for rule in told["rules"]] == [
        {"subject": "readers", "source": "binding", "role": "viewer", "kind": "*", "id": "*", "level": "READ",
         "outcome": "won"}
    ]  # fmt: skip
    assert told["needed"] == {**NOTHING, "level": "EDIT", "roles": ["contributor", "maintainer"]}


def test_an_explanation_names_the_scope_that_lacks_and_the_deny_in_the_way(api, cast, cerberus):
    reader = api.as_("dana", scopes=frozenset({Scope.READ}))
    told = reader.post("/explain", {"verb": "update", **SEVEN}).get_json()
    assert [limit["reason"] for limit in told["needed"]["limits"]] == ["scope"]
    cerberus.grants.give(cast.alice, RESOURCE, subject="dana", level=Level.DENY)
    told = api.as_("alice").post("/explain", {"verb": "update", **SEVEN, "subject": "dana"}).get_json()
    assert [(rule["subject"], rule["level"]) for rule in told["needed"]["denies"]] == [("dana", "DENY")]


@pytest.mark.parametrize("path", ["/check", "/explain"])
def test_what_one_may_not_see_and_what_is_not_there_look_alike(api, cast, cerberus, path):
    """Denied, in another project, in no project: for an admin, too, where there is none."""
    cerberus.grants.give(cast.alice, RESOURCE, subject="dana", level=Level.DENY)
    answers = [
        api.as_(who).post(path, {"verb": "read", **SEVEN, "project": project}).get_json()
        for who, project in (("dana", "fraud"), ("dana", "churn"), ("dana", "nowhere"), ("admin", "nowhere"))
    ]
    for answer in answers:
        answer.pop("subject", None)
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0]["allowed"], answers[0]["reason"]) == (False, "not_found")


def test_who_can_comes_in_pages_with_reasons(api):
    ask = "/who-can?verb=read&kind=experiment&project=fraud&id=7&limit=3"
    first = api.as_("alice").get(ask).get_json()
    assert [(item["name"], item["reason"], [rule["role"] for rule in item["rules"]]) for item in first["items"]] == [
        ("admin", "admin", []),
        ("alice", "granted", ["maintainer"]),
        ("bob", "granted", ["viewer"]),
    ]
    rest = api.as_("alice").get(f"{ask}&after={first['next']}").get_json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["dana"], None)


def test_visible_is_a_default_and_its_exceptions(api, cast, cerberus):
    cerberus.grants.give(cast.alice, RESOURCE, subject="readers", level=Level.DENY)
    seen = api.as_("bob").get("/visible?kind=experiment&project=fraud").get_json()
    assert (seen["subject"], seen["default"], seen["exceptions"]) == ("bob", True, ["7"])


@pytest.mark.parametrize("subject", ["no such", "nobody", "readers"])
def test_a_subject_that_is_nobody_is_refused(api, subject):
    status = 422 if " " in subject else 404
    assert api.as_("alice").post("/explain", {"verb": "read", **SEVEN, "subject": subject}).status_code == status
