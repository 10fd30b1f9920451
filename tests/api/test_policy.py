"""Policy as code over HTTP."""

import json

import jsonschema
import pytest
import yaml

from cerberus.policy import PlatformRole, Scope


def text_of(response):
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_data(as_text=True)


def test_it_is_exported_as_yaml_or_as_json(api):
    admin = api.as_("admin")
    as_yaml = admin.get("/policy")
    assert as_yaml.content_type == "application/yaml; charset=utf-8"
    assert 'filename="policy.yaml"' in as_yaml.headers["Content-Disposition"]
    as_json = admin.get("/policy", headers={"Accept": "application/json"})
    assert as_json.content_type.startswith("application/json")
    assert yaml.safe_load(text_of(as_yaml)) == json.loads(text_of(as_json))
    part = yaml.safe_load(text_of(admin.get("/policy?project=fraud")))
    assert (part["partial"], list(part["projects"])) == (True, ["fraud"])


def test_an_auditor_exports_but_does_not_plan(api, cast, cerberus):
    cerberus.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    charlie = api.as_("charlie")
    text = text_of(charlie.get("/policy"))
    assert charlie.post("/policy/plan", json={"file": text}).status_code == 403


def test_what_is_exported_fits_the_schema(api):
    admin = api.as_("admin")
    schema = admin.get("/policy/schema").get_json()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(text_of(admin.get("/policy"))), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"people": {"bob": {"password": "x"}}}, schema)


def test_one_plans_looks_and_applies(api):
    admin = api.as_("admin")
    text = text_of(admin.get("/policy")).replace("dana: contributor", "dana: viewer")
    plan = admin.post("/policy/plan", json={"file": text}).get_json()
    assert plan["steps"] == ["dana: contributor -> viewer in fraud"]
    assert plan["effects"]["summary"] == ["dana in fraud: loses use, create, update on everything: EDIT -> READ"]
    seen = {"file": text, "version": plan["version"], "digest": plan["digest"]}
    done = admin.post("/policy/apply", json=seen).get_json()
    assert (done["changes"], done["steps"]) == (True, plan["steps"])
    assert admin.post("/policy/apply", json={"file": text}).get_json()["changes"] is False


def test_a_plan_that_is_out_of_date_is_a_conflict_that_names_who_was_faster(api, is_problem):
    admin = api.as_("admin")
    text = text_of(admin.get("/policy")).replace("dana: contributor", "dana: viewer")
    plan = admin.post("/policy/plan", json={"file": text}).get_json()
    api.as_("alice").put("/projects/fraud/members/charlie", json={"role": "viewer"})
    seen = {"file": text, "version": plan["version"], "digest": plan["digest"]}
    assert "by alice" in is_problem(admin.post("/policy/apply", json=seen), 409)["detail"]


def test_an_error_names_the_place_in_the_file(api, is_problem):
    body = {"file": "projects:\n  fraud:\n    members:\n      dana: king\n"}
    for use in ("plan", "apply"):
        problem = is_problem(api.as_("admin").post(f"/policy/{use}", json=body), 422)
        assert problem["field"] == "projects.fraud.members.dana"


def test_a_token_without_the_scope_to_administer_plans_nothing(api, is_problem):
    writer = api.as_("admin", scopes=frozenset({Scope.READ, Scope.WRITE}))
    for use in ("plan", "apply"):
        is_problem(writer.post(f"/policy/{use}", json={"file": "partial: true"}), 403)


def test_a_file_of_megabytes_is_taken(api):
    people = "".join(
        f"  user{number}: {{display_name: Somebody with a name of some length {number}}}\n" for number in range(2_000)
    )
    body = {"file": f"partial: true\npeople:\n{people}"}
    plan = api.as_("admin").post("/policy/plan", json=body).get_json()
    assert len(plan["steps"]) == 2_000
