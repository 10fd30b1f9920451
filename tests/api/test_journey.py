"""
A script's day, over HTTP, on each database: from a password to a token, a project, a member, an answer, and out again.
"""

import pytest

from cerberus.errors import NotFound
from cerberus.policy import Kind, Level, Resource, Scope
from cerberus.service import SYSTEM

pytestmark = pytest.mark.on_each_database


@pytest.fixture
def signed_in(api, cast):
    """
    Signs somebody in; their token.
    """

    def sign_in(who):
        response = api.as_(None).post("/sign-in", {"name": who, "password": cast.password})
        assert response.status_code == 201, response.get_data(as_text=True)
        return response.get_json()["token"]

    return sign_in


def test_from_a_password_to_a_project_with_members_and_back(api, signed_in, is_problem):
    admin = api.with_token(signed_in("admin"))
    made = admin.post("/projects", {"slug": "credit", "name": "Crédit 信用", "description": "a\nb"})
    assert made.status_code == 201
    assert made.get_json()["name"] == "Crédit 信用"
    is_problem(admin.post("/projects", {"slug": "credit"}), 409)

    charlie = api.with_token(signed_in("charlie"))
    question = {"verb": "create", "kind": "experiment", "project": "credit"}
    assert charlie.post("/check", question).get_json()["reason"] == "not_found"
    put = admin.put("/projects/credit/members/charlie", {"role": "contributor", "reason": "new here"})
    assert (put.status_code, put.get_json()["role"]) == (200, "contributor")
    assert charlie.post("/check", question).get_json()["allowed"] is True
    assert [project["slug"] for project in charlie.get("/projects").get_json()["items"]] == ["credit"]

    assert admin.delete("/projects/credit/members/charlie").get_json() == {"bindings": 1, "grants": 0}
    assert charlie.post("/check", question).get_json()["allowed"] is False
    is_problem(charlie.get("/projects/credit"), 404)
    assert charlie.post("/sign-out").status_code == 204
    is_problem(charlie.get("/me"), 401)


def test_putting_the_same_member_twice_changes_nothing(api, cerberus, cast):
    alice = api.with_token(cast.token("alice", scopes=tuple(Scope)))
    first = alice.put("/projects/fraud/members/charlie", {"role": "viewer"}).get_json()
    before = cerberus.version()
    assert alice.put("/projects/fraud/members/charlie", {"role": "viewer"}).get_json() == first
    assert cerberus.version() == before


def test_a_put_replaces_role_end_and_reason(api):
    alice = api.as_("alice")
    until = "2999-01-01T00:00:00Z"
    alice.put("/projects/fraud/members/charlie", {"role": "viewer", "expires_at": until, "reason": "for now"})
    after = alice.put("/projects/fraud/members/charlie", {"role": "contributor"}).get_json()
    assert (after["role"], after["expires_at"], after["reason"]) == ("contributor", None, "")


def test_a_project_keeps_a_maintainer(api, is_problem):
    alice = api.as_("alice")
    is_problem(alice.put("/projects/fraud/members/alice", {"role": "viewer"}), 409)
    is_problem(
        alice.put("/projects/fraud/members/alice", {"role": "maintainer", "expires_at": "2999-01-01T00:00:00Z"}), 409
    )
    is_problem(alice.delete("/projects/fraud/members/alice"), 409)
    assert alice.get("/projects/fraud/members").status_code == 200


def test_a_token_is_shown_once_and_revoked_at_once(api, is_problem):
    alice = api.as_("alice")
    made = alice.post("/tokens", {"name": "nightly", "scopes": ["read"], "project": "fraud", "days": 1}).get_json()
    nightly = api.with_token(made["secret"])
    assert nightly.get("/me").get_json()["token_project"] == "fraud"
    listed = alice.get("/tokens")
    assert made["secret"] not in listed.get_data(as_text=True)
    assert made["id"] in {token["id"] for token in listed.get_json()["items"]}
    is_problem(api.as_("bob").delete(f"/tokens/{made['id']}"), 404)
    assert alice.delete(f"/tokens/{made['id']}").status_code == 204
    is_problem(nightly.get("/me"), 401)


def test_a_token_cannot_make_a_wider_one(api, is_problem):
    bound = api.as_("alice", project="fraud")
    is_problem(bound.post("/tokens", {"name": "x"}), 403)
    narrow = api.as_("alice", scopes=frozenset({Scope.READ, Scope.WRITE}))
    is_problem(narrow.post("/tokens", {"name": "x", "scopes": ["admin"]}), 403)


def test_a_token_bound_to_a_project_sees_no_other(api, cast):
    cast.cerberus.projects.add_member(SYSTEM, "churn", subject="alice", role="maintainer")
    bound = api.as_("alice", project="fraud")
    assert [project["slug"] for project in bound.get("/projects").get_json()["items"]] == ["fraud"]
    assert bound.get("/projects/churn").status_code == 404
    assert bound.put("/projects/churn/members/bob", {"role": "viewer"}).status_code == 404


def test_a_new_password_ends_what_the_old_one_began(api, cast, signed_in, is_problem):
    token = signed_in("dana")
    response = api.with_token(token).post("/me/password", {"current": cast.password, "new": "quite another 7 words"})
    assert response.status_code == 204
    is_problem(api.with_token(token).get("/me"), 401)
    is_problem(api.as_(None).post("/sign-in", {"name": "dana", "password": cast.password}), 401)


def test_a_disabled_person_is_out_at_the_next_request(api, signed_in, is_problem):
    dana, own = api.with_token(signed_in("dana")), api.as_("dana")
    admin = api.as_("admin")
    assert admin.post("/users/dana/disable").status_code == 204
    is_problem(dana.get("/me"), 401)
    is_problem(own.get("/me"), 401)
    assert admin.post("/users/dana/enable").status_code == 204
    assert own.get("/me").status_code == 200
    is_problem(dana.get("/me"), 401)


def test_the_last_admin_cannot_be_disabled(api, is_problem):
    is_problem(api.as_("admin").post("/users/admin/disable"), 409)


def test_people_come_in_pages(api):
    admin = api.as_("admin")
    names, after = [], ""
    while True:
        page = admin.get(f"/users?limit=2{after}").get_json()
        names += [person["name"] for person in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert names == ["admin", "alice", "bob", "charlie", "dana", "erin", "readers"]


def test_what_one_may_not_see_looks_like_what_does_not_exist(api):
    charlie = api.as_("charlie")
    hidden, absent = (
        charlie.post("/check", {"verb": "read", "kind": "project", "project": slug, "id": slug}).get_json()
        for slug in ("fraud", "nowhere")
    )
    assert hidden == absent
    hidden, absent = (charlie.get(f"/projects/{slug}").get_json() for slug in ("fraud", "nowhere"))
    assert hidden["detail"].replace("fraud", "nowhere") == absent["detail"]


def test_changes_are_audited_with_address_and_request_id(api, cerberus):
    api.as_("alice").put(
        "/projects/fraud/members/charlie", {"role": "viewer"}, headers={"X-Request-ID": "r-1", "User-Agent": "script/1"}
    )
    line = cerberus.audit.search(SYSTEM, action="member.add")[0]
    assert (line.who, line.request_id, line.client, line.address) == ("alice", "r-1", "script/1", "127.0.0.1")


def test_a_refusal_is_audited(api, cerberus):
    api.as_("bob").put("/projects/fraud/members/charlie", {"role": "viewer"}, headers={"X-Request-ID": "r-2"})
    cerberus.settle()
    line = cerberus.audit.search(SYSTEM, outcome="denied")[0]
    assert (line.who, line.project, line.request_id) == ("bob", "fraud", "r-2")


def test_an_attempt_to_administer_is_audited(api, cerberus):
    assert api.as_("dana").post("/projects", {"slug": "mine"}).status_code == 403
    cerberus.settle()
    line = cerberus.audit.search(SYSTEM, outcome="denied")[0]
    assert (line.who, line.action) == ("dana", "platform.manage")


def test_a_stolen_session_is_no_way_to_guess_the_password(api, signed_in, is_problem):
    dana = api.with_token(signed_in("dana"))
    for number in range(10):
        body = {"current": f"guess {number}", "new": "quite another 7 words"}
        assert is_problem(dana.post("/me/password", body), 422)["field"] == "current"
    is_problem(dana.post("/me/password", {"current": "guess 11", "new": "quite another 7 words"}), 429)


def test_a_grant_of_a_hidden_project_looks_like_none(cerberus, cast):
    hidden = cerberus.grants.give(cast.erin, Resource("churn", Kind.EXPERIMENT, "1"), subject="erin", level=Level.READ)
    told = []
    for number in (hidden.id, hidden.id + 1):
        with pytest.raises(NotFound) as refusal:
            cerberus.grants.revoke(cast.alice, number)
        told.append(refusal.value.message)
    assert told[0] == told[1]
