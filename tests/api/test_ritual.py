"""
The ritual: for every endpoint what each of the cast is told. Alice maintains `fraud`, Dana contributes, Bob's group
reads, Charlie has nothing; nobody but an admin sees `churn`.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from cerberus.api.endpoint import Endpoint
from cerberus.policy import Scope

BESIDE = {"openapi", "docs", "docs_part", "metrics"}
PUBLIC = {*BESIDE, "health.livez", "health.readyz", "sign-in.open_session", "sign-on.show_sign_on"}
MEMBER = {"role": "viewer"}
STAGER = {"name": "stager", "levels": {"*": "USE"}}
GRANT = {"kind": "experiment", "id": "7", "subject": "charlie", "level": "READ"}
HAND_OVER = {"kind": "experiment", "id": "7", "owner": "dana"}
SHOWN_AS = {"display_name": "Another Name"}
CHECK = {"verb": "read", "kind": "experiment", "project": "fraud"}
DANA_IN_FRAUD = {"project": "fraud", "subject": "dana"}
ERIN_IN_CHURN = {"project": "churn", "subject": "erin"}


@dataclass(frozen=True)
class Row:
    """One endpoint and the status that each of the cast gets. `writes`: a token for reading is refused."""

    method: str
    path: str
    admin: int
    alice: int
    dana: int
    bob: int
    charlie: int
    body: Any = None
    writes: bool = True
    too_large: int = 70_000

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ROWS = [
    Row("POST", "/sign-out", 409, 409, 409, 409, 409, writes=False),
    Row("GET", "/me", 200, 200, 200, 200, 200, writes=False),
    Row("GET", "/tokens", 200, 200, 200, 200, 200, writes=False),
    Row("POST", "/tokens", 201, 201, 201, 201, 201, body={"name": "notebook"}),
    Row("DELETE", "/tokens/nosuchtoken", 404, 404, 404, 404, 404),
    Row("GET", "/projects", 200, 200, 200, 200, 200, writes=False),
    Row("POST", "/projects", 201, 403, 403, 403, 403, body={"slug": "credit"}),
    Row("GET", "/projects/fraud", 200, 200, 200, 200, 404, writes=False),
    Row("GET", "/projects/churn", 200, 404, 404, 404, 404, writes=False),
    Row("GET", "/projects/nowhere", 404, 404, 404, 404, 404, writes=False),
    Row("GET", "/projects/fraud/roles", 200, 200, 200, 200, 404, writes=False),
    Row("GET", "/projects/fraud/members", 200, 200, 200, 200, 404, writes=False),
    Row("GET", "/projects/churn/members", 200, 404, 404, 404, 404, writes=False),
    Row("PUT", "/projects/fraud/members/charlie", 200, 200, 403, 403, 404, body=MEMBER),
    Row("PUT", "/projects/fraud/members/dana", 200, 200, 403, 403, 404, body=MEMBER),
    Row("PUT", "/projects/churn/members/charlie", 200, 404, 404, 404, 404, body=MEMBER),
    Row("PUT", "/projects/fraud/members/nobody", 404, 404, 403, 403, 404, body=MEMBER),
    Row("DELETE", "/projects/fraud/members/dana", 200, 200, 403, 403, 404),
    Row("DELETE", "/projects/fraud/members/charlie", 404, 404, 403, 403, 404),
    Row("GET", "/projects/fraud/members/dana", 200, 200, 200, 200, 404, writes=False),
    Row("GET", "/projects/fraud/members/charlie", 404, 404, 404, 404, 404, writes=False),
    Row("PATCH", "/projects/fraud", 200, 200, 403, 403, 404, body={"name": "Fraud detection"}),
    Row("PATCH", "/projects/churn", 200, 404, 404, 404, 404, body={"askable": True}),
    Row("DELETE", "/projects/fraud", 204, 204, 403, 403, 404),
    Row("DELETE", "/projects/churn?move_to=fraud", 204, 404, 404, 404, 404),
    Row("POST", "/projects/fraud/archive", 200, 200, 403, 403, 404),
    Row("POST", "/projects/fraud/restore", 200, 200, 403, 403, 404),
    Row("POST", "/projects/fraud/roles", 201, 201, 403, 403, 404, body=STAGER),
    Row("POST", "/projects/churn/roles", 201, 404, 404, 404, 404, body=STAGER),
    Row("GET", "/projects/fraud/roles/viewer", 200, 200, 200, 200, 404, writes=False),
    Row("PATCH", "/projects/fraud/roles/viewer", 403, 403, 403, 403, 404, body={"levels": {"*": "MANAGE"}}),
    Row("PATCH", "/projects/fraud/roles/nosuch", 404, 404, 403, 403, 404, body={"description": "x"}),
    Row("DELETE", "/projects/fraud/roles/nosuch", 404, 404, 403, 403, 404),
    Row("GET", "/roles", 200, 200, 200, 200, 200, writes=False),
    Row("POST", "/roles", 201, 403, 403, 403, 403, body=STAGER),
    Row("GET", "/roles/viewer", 200, 200, 200, 200, 200, writes=False),
    Row("GET", "/roles/nosuch", 404, 404, 404, 404, 404, writes=False),
    Row("PATCH", "/roles/nosuch", 404, 403, 403, 403, 403, body={"description": "x"}),
    Row("DELETE", "/roles/nosuch", 404, 403, 403, 403, 403),
    Row("GET", "/projects/fraud/grants", 200, 200, 403, 403, 404, writes=False),
    Row("GET", "/projects/fraud/grants?kind=experiment&id=7", 200, 200, 403, 403, 404, writes=False),
    Row("GET", "/projects/churn/grants", 200, 404, 404, 404, 404, writes=False),
    Row("PUT", "/projects/fraud/grants", 200, 200, 403, 403, 404, body=GRANT),
    Row("PUT", "/projects/churn/grants", 200, 404, 404, 404, 404, body=GRANT),
    Row("GET", "/grants/1", 404, 404, 404, 404, 404, writes=False),
    Row("DELETE", "/grants/1", 404, 404, 404, 404, 404),
    Row("DELETE", "/grants/one", 404, 404, 404, 404, 404),
    Row("GET", "/projects/fraud/owner?kind=experiment&id=7", 404, 404, 404, 404, 404, writes=False),
    Row("POST", "/projects/fraud/hand-over", 200, 200, 403, 403, 404, body=HAND_OVER),
    Row("POST", "/projects/churn/hand-over", 422, 404, 404, 404, 404, body=HAND_OVER),
    Row("GET", "/askable-projects", 200, 200, 200, 200, 200, writes=False),
    Row("GET", "/requests", 200, 200, 200, 200, 200, writes=False),
    Row("GET", "/projects/fraud/requests", 200, 200, 403, 403, 404, writes=False),
    Row("GET", "/projects/churn/requests", 200, 404, 404, 404, 404, writes=False),
    Row("POST", "/projects/fraud/requests", 403, 403, 403, 403, 404, body=MEMBER),
    Row("POST", "/projects/churn/requests", 403, 404, 404, 404, 404, body=MEMBER),
    Row("GET", "/requests/1", 404, 404, 404, 404, 404, writes=False),
    Row("POST", "/requests/1/approve", 404, 404, 404, 404, 404, body={"answer": "yes"}),
    Row("POST", "/requests/1/refuse", 404, 404, 404, 404, 404, body={"answer": "no"}),
    Row("POST", "/requests/1/withdraw", 404, 404, 404, 404, 404),
    Row("POST", "/check", 200, 200, 200, 200, 200, body=CHECK, writes=False),
    Row("POST", "/checks", 200, 200, 200, 200, 200, body={"checks": [CHECK]}, writes=False),
    Row("POST", "/explain", 200, 200, 200, 200, 200, body=CHECK, writes=False),
    Row("POST", "/explain", 200, 200, 403, 403, 404, body={**CHECK, "subject": "erin"}, writes=False),
    Row(
        "POST", "/explain", 200, 404, 404, 404, 404, body={**CHECK, "project": "churn", "subject": "erin"}, writes=False
    ),
    Row("GET", "/who-can?verb=read&kind=experiment&project=fraud&id=7", 200, 200, 403, 403, 404, writes=False),
    Row("GET", "/who-can?verb=read&kind=experiment&project=churn", 200, 404, 404, 404, 404, writes=False),
    Row("GET", "/visible?kind=experiment&project=fraud", 200, 200, 200, 200, 404, writes=False),
    Row("GET", "/visible?kind=experiment&project=fraud&subject=erin", 200, 200, 403, 403, 404, writes=False),
    Row("POST", "/me/password", 422, 422, 422, 422, 422, body={"current": "not this one", "new": "a-better-one-4"}),
    Row("GET", "/users", 200, 422, 403, 403, 403, writes=False),
    Row("GET", "/users?text=da", 200, 200, 403, 403, 403, writes=False),
    Row("POST", "/users", 201, 403, 403, 403, 403, body={"name": "frank"}),
    Row("POST", "/users/dana/disable", 204, 403, 403, 403, 403),
    Row("POST", "/users/dana/enable", 204, 403, 403, 403, 403),
    Row("POST", "/users/nobody/disable", 404, 403, 403, 403, 403),
    Row("POST", "/users/dana/reset-password", 200, 403, 403, 403, 403),
    Row("GET", "/users/dana", 200, 403, 403, 403, 403, writes=False),
    Row("GET", "/users/nobody", 404, 403, 403, 403, 403, writes=False),
    Row("GET", "/users/readers", 404, 403, 403, 403, 403, writes=False),
    Row("PATCH", "/users/dana", 200, 403, 403, 403, 403, body=SHOWN_AS),
    Row("PATCH", "/users/nobody", 404, 403, 403, 403, 403, body=SHOWN_AS),
    Row("DELETE", "/users/dana", 204, 403, 403, 403, 403),
    Row("DELETE", "/users/dana?hand_over_to=erin", 204, 403, 403, 403, 403),
    Row("DELETE", "/users/dana?hand_over_to=nobody", 422, 403, 403, 403, 403),
    Row("DELETE", "/users/alice", 409, 403, 403, 403, 403),
    Row("DELETE", "/users/nobody", 404, 403, 403, 403, 403),
    Row("DELETE", "/users/readers", 404, 403, 403, 403, 403),
    Row("PUT", "/users/dana/platform-roles/auditor", 200, 403, 403, 403, 403),
    Row("PUT", "/users/nobody/platform-roles/auditor", 404, 403, 403, 403, 403),
    Row("PUT", "/users/dana/platform-roles/king", 404, 404, 404, 404, 404),
    Row("DELETE", "/users/dana/platform-roles/auditor", 200, 403, 403, 403, 403),
    Row("DELETE", "/users/admin/platform-roles/admin", 409, 403, 403, 403, 403),
    Row("GET", "/users/dana/sessions", 200, 403, 403, 403, 403, writes=False),
    Row("GET", "/users/nobody/sessions", 404, 403, 403, 403, 403, writes=False),
    Row("DELETE", "/users/dana/sessions", 204, 403, 403, 403, 403),
    Row("GET", "/groups", 200, 403, 403, 403, 403, writes=False),
    Row("POST", "/groups", 201, 403, 403, 403, 403, body={"name": "writers"}),
    Row("POST", "/groups", 409, 403, 403, 403, 403, body={"name": "alice"}),
    Row("GET", "/groups/readers", 200, 403, 403, 403, 403, writes=False),
    Row("GET", "/groups/alice", 404, 403, 403, 403, 403, writes=False),
    Row("PATCH", "/groups/readers", 200, 403, 403, 403, 403, body=SHOWN_AS),
    Row("DELETE", "/groups/readers", 204, 403, 403, 403, 403),
    Row("DELETE", "/groups/alice", 404, 403, 403, 403, 403),
    Row("GET", "/groups/readers/members", 200, 403, 403, 403, 403, writes=False),
    Row("PUT", "/groups/readers/members/charlie", 200, 403, 403, 403, 403),
    Row("PUT", "/groups/readers/members/readers", 422, 403, 403, 403, 403),
    Row("PUT", "/groups/readers/members/nobody", 404, 403, 403, 403, 403),
    Row("DELETE", "/groups/readers/members/bob", 204, 403, 403, 403, 403),
    Row("DELETE", "/groups/readers/members/charlie", 404, 403, 403, 403, 403),
    Row("GET", "/projects/fraud/service-accounts", 200, 200, 403, 403, 404, writes=False),
    Row("GET", "/projects/churn/service-accounts", 200, 404, 404, 404, 404, writes=False),
    Row("POST", "/projects/fraud/service-accounts", 201, 201, 403, 403, 404, body={"name": "fraud-bot"}),
    Row("POST", "/projects/churn/service-accounts", 201, 404, 404, 404, 404, body={"name": "churn-bot"}),
    Row("GET", "/projects/fraud/service-accounts/no-bot", 404, 404, 403, 403, 404, writes=False),
    Row("PATCH", "/projects/fraud/service-accounts/dana", 404, 404, 403, 403, 404, body=SHOWN_AS),
    Row("DELETE", "/projects/fraud/service-accounts/no-bot", 404, 404, 403, 403, 404),
    Row("POST", "/projects/fraud/service-accounts/no-bot/disable", 404, 404, 403, 403, 404),
    Row("POST", "/projects/fraud/service-accounts/no-bot/enable", 404, 404, 403, 403, 404),
    Row("GET", "/audit", 200, 403, 403, 403, 403, writes=False),
    Row("GET", "/audit?project=fraud", 200, 200, 403, 403, 404, writes=False),
    Row("GET", "/audit?project=churn", 200, 404, 404, 404, 404, writes=False),
    Row("GET", "/audit/export", 200, 403, 403, 403, 403, writes=False),
    Row("POST", "/what-if", 200, 200, 403, 403, 404, body={"change": "member.remove", **DANA_IN_FRAUD}),
    Row("POST", "/what-if", 200, 404, 404, 404, 404, body={"change": "project.archive", "project": "churn"}),
    Row("POST", "/what-if", 200, 403, 403, 403, 403, body={"change": "user.disable", "name": "dana"}),
    Row("GET", "/policy", 200, 403, 403, 403, 403, writes=False),
    Row("GET", "/policy?project=nowhere", 422, 403, 403, 403, 403, writes=False),
    Row("GET", "/policy/schema", 200, 200, 200, 200, 200, writes=False),
    Row("POST", "/policy/plan", 200, 403, 403, 403, 403, body={"file": "partial: true"}, too_large=9_000_000),
    Row("POST", "/policy/apply", 200, 403, 403, 403, 403, body={"file": "partial: true"}, too_large=9_000_000),
]
CAST = ("admin", "alice", "dana", "bob", "charlie")


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_of_the_cast_gets_what_they_may(api, row, who):
    response = api.as_(who).call(row.method, row.path, **({"json": row.body} if row.body else {}))
    assert response.status_code == getattr(row, who), response.get_data(as_text=True)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_without_a_token_nobody_gets_in(refusing, is_problem, row):
    response = refusing.as_(None).call(row.method, row.path, **({"json": row.body} if row.body else {}))
    is_problem(response, 401)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="cerberus"'


@pytest.mark.parametrize("row", [row for row in ROWS if row.writes], ids=str)
def test_a_token_for_reading_changes_nothing(refusing, is_problem, row):
    reader = refusing.as_("admin", scopes=frozenset({Scope.READ}))
    is_problem(reader.call(row.method, row.path, **({"json": row.body} if row.body else {})), 403)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.writes], ids=str)
def test_a_token_for_reading_reads(api, row):
    reader = api.as_("alice", scopes=frozenset({Scope.READ}))
    response = reader.call(row.method, row.path, **({"json": row.body} if row.body else {}))
    assert response.status_code == row.alice


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_another_method_is_refused_by_name(refusing, is_problem, row):
    response = refusing.as_("admin").call("LINK", row.path)
    is_problem(response, 405)
    assert row.method in response.headers["Allow"]


@pytest.mark.parametrize("row", [row for row in ROWS if row.body], ids=str)
def test_an_unknown_field_is_named(refusing, is_problem, row):
    response = refusing.as_("admin").call(row.method, row.path, json={**row.body, "colour": "red"})
    assert is_problem(response, 422)["field"] == "colour"


@pytest.mark.parametrize("row", [row for row in ROWS if row.body], ids=str)
def test_a_body_must_be_json(refusing, is_problem, row):
    admin = refusing.as_("admin")
    is_problem(admin.call(row.method, row.path, data=b"a=1"), 415)
    is_problem(admin.call(row.method, row.path, data=b"{", content_type="application/json"), 400)
    is_problem(admin.call(row.method, row.path, data=b"[]", content_type="application/json"), 422)
    is_problem(admin.call(row.method, row.path, data=b"x" * row.too_large, content_type="application/json"), 413)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_unknown_parameter_is_named(refusing, is_problem, row):
    address = f"{row.path}{'&' if '?' in row.path else '?'}colour=red"
    response = refusing.as_("admin").call(row.method, address, **({"json": row.body} if row.body else {}))
    assert is_problem(response, 422)["field"] == "colour"


def test_no_endpoint_is_missing_here(app):
    adapter = app.url_map.bind("localhost")
    seen = {adapter.match(f"/api/v1{row.path.partition('?')[0]}", method=row.method)[0] for row in ROWS}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - PUBLIC == seen


def test_what_is_public_is_public_on_purpose(app):
    public = {name for name, view in app.view_functions.items() if not isinstance(view, Endpoint) or view.public}
    assert public == PUBLIC
