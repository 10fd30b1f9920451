"""Roles, grants, projects and requests over HTTP, where the ritual's empty database does not reach."""

import threading

import pytest

from cerberus.policy import Kind, Resource

GRANT = {"kind": "experiment", "id": "7", "subject": "charlie", "level": "READ"}
MEMBER = {"project": "fraud", "subject": "dana", "role": "viewer"}
TOO_LATE = "9999-12-31T23:59:59-01:00"
RACERS = 20


def race(calls):
    """The status that each call got, all begun at one moment."""
    start, statuses = threading.Barrier(len(calls)), []

    def run(call):
        start.wait()
        statuses.append(call().status_code)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


@pytest.mark.on_each_database
def test_twenty_clients_racing_to_make_the_same_grant_make_one(api):
    """Each is answered 200."""
    callers = [api.as_("alice") for _ in range(RACERS)]
    assert (
        race([lambda caller=caller: caller.put("/projects/fraud/grants", GRANT) for caller in callers])
        == [200] * RACERS
    )
    assert len(api.as_("alice").get("/projects/fraud/grants").get_json()["items"]) == 1


@pytest.mark.on_each_database
@pytest.mark.parametrize(
    ("method", "path", "body", "won"),
    [
        ("POST", "/projects/fraud/roles", {"name": "stager", "levels": {"*": "USE"}}, 201),
        ("POST", "/roles", {"name": "stager", "levels": {"*": "USE"}}, 201),
        ("POST", "/projects", {"slug": "vision"}, 201),
    ],
)
def test_twenty_clients_racing_to_make_one_thing_make_one(api, method, path, body, won):
    """One makes it, the others are told that it is there."""
    callers = [api.as_("admin") for _ in range(RACERS)]
    statuses = race([lambda caller=caller: caller.call(method, path, json=body) for caller in callers])
    assert statuses == [won, *[409] * (RACERS - 1)]


@pytest.mark.on_each_database
def test_two_who_answer_one_request_at_once_make_one_decision(api):
    """The other gets 409, and so do those who delete the project's last trace of it."""
    api.as_("alice").call("PATCH", "/projects/fraud", json={"askable": True})
    asked = api.as_("charlie").post("/projects/fraud/requests", {"role": "viewer"}).get_json()["id"]
    callers = [(api.as_(who), verb) for who in ("alice", "admin") for verb in ("approve", "refuse")] * 3
    calls = [lambda c=c, verb=verb: c.post(f"/requests/{asked}/{verb}", {"answer": "x"}) for c, verb in callers]
    assert race(calls) == [200, *[409] * (len(callers) - 1)]


@pytest.mark.parametrize(
    ("who", "status"), [("admin", 200), ("alice", 200), ("dana", 404), ("bob", 404), ("charlie", 200)]
)
def test_a_grant_is_shown_to_whom_it_names_and_who_manages(api, who, status):
    """To others it does not exist; only who manages takes it away."""
    made = api.as_("alice").put("/projects/fraud/grants", GRANT).get_json()
    assert api.as_(who).get(f"/grants/{made['grant_id']}").status_code == status
    taken = {"admin": 204, "alice": 204, "charlie": 403}.get(who, 404 if who == "erin" else 403)
    assert api.as_(who).delete(f"/grants/{made['grant_id']}").status_code == taken


@pytest.mark.parametrize(
    ("who", "shown", "answered", "withdrawn"),
    [("admin", 200, 200, 403), ("alice", 200, 200, 403), ("dana", 404, 404, 404), ("bob", 404, 404, 404),
     ("erin", 404, 404, 404), ("charlie", 200, 403, 200)],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["approve", "refuse"])
def test_each_of_the_cast_before_charlies_request(api, who, shown, answered, withdrawn, verb):
    """The asker and those who manage the project see it; these answer it, and only the asker takes it back."""
    api.as_("alice").call("PATCH", "/projects/fraud", json={"askable": True})
    charlie = api.as_("charlie")
    asked = charlie.post("/projects/fraud/requests", {"role": "viewer"}).get_json()["id"]
    caller = api.as_(who)
    assert caller.get(f"/requests/{asked}").status_code == shown
    assert caller.post(f"/requests/{asked}/{verb}", {"answer": "x"}).status_code == answered
    if answered == 200:
        asked = charlie.post("/projects/fraud/requests", {"role": "contributor"}).get_json()["id"]
    assert caller.post(f"/requests/{asked}/withdraw").status_code == withdrawn


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/projects/fraud/roles", {"name": "x y", "levels": {}}, "name"),
        ("POST", "/projects/fraud/roles", {"name": "x", "levels": {"cheese": "READ"}}, "levels"),
        ("POST", "/projects/fraud/roles", {"name": "x", "levels": {"project": "READ"}}, "levels"),
        ("POST", "/projects/fraud/roles", {"name": "x", "levels": {"*": "ALL"}}, "levels"),
        ("POST", "/projects/fraud/roles", {"name": "x", "levels": {}, "manages_project": 1}, "manages_project"),
        ("POST", "/projects/fraud/roles", {"name": "x", "levels": {}, "description": "\u202e"}, "description"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "level": "OWN"}, "level"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "kind": "project"}, "kind"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "id": "07"}, "resource_id"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "expires_at": TOO_LATE}, "expires_at"),
        ("PUT", "/projects/fraud/members/dana", {"role": "viewer", "expires_at": "4102444800"}, "expires_at"),
        ("POST", "/what-if", {"change": "member.set", **MEMBER, "expires_at": TOO_LATE}, "expires_at"),
        ("PUT", "/projects/fraud/grants", {**GRANT, "reason": "x" * 501}, "reason"),
        ("PATCH", "/projects/fraud", {"name": ""}, "name"),
        ("PATCH", "/projects/fraud", {"askable": "true"}, "askable"),
        ("PUT", "/projects/fraud/members/dana", {"role": "emperor"}, "role"),
        ("GET", "/projects/fraud/grants?id=7", None, "kind"),
        ("GET", "/projects/fraud/grants?source=binding", None, "source"),
        ("GET", "/projects/fraud/owner?kind=experiment", None, "id"),
        ("GET", "/requests?state=lost", None, "state"),
        ("DELETE", "/projects/fraud?move_to=fraud", None, "move_to"),
    ],
)
def test_odd_input_is_refused_by_name(api, is_problem, method, path, body, field):
    """422, and the field that is wrong."""
    response = api.as_("alice").call(method, path, **({"json": body} if body else {}))
    assert is_problem(response, 422)["field"].startswith(field)


def test_an_end_in_any_time_zone_is_answered_in_utc(api):
    """For a role, a grant, an approval and a change that is only tried."""
    alice, ends = api.as_("alice"), {"expires_at": "2099-01-01T12:00:00.5+14:00"}
    alice.call("PATCH", "/projects/fraud", json={"askable": True})
    asked = api.as_("charlie").post("/projects/fraud/requests", {"role": "viewer"}).get_json()
    for response in (
        alice.put("/projects/fraud/members/dana", {"role": "viewer", **ends}),
        alice.put("/projects/fraud/grants", {**GRANT, **ends}),
        alice.post(f"/requests/{asked['id']}/approve", ends),
    ):
        assert response.get_json()["expires_at"] == "2098-12-31T22:00:00.500000Z"
    tried = alice.post("/what-if", {"change": "member.set", **MEMBER, "role": "contributor", **ends})
    assert tried.get_json()["changes"]


def test_a_grant_is_changed_only_while_it_is_as_one_saw_it(api):
    """With If-Match; a role, a member and a project likewise."""
    alice = api.as_("alice")
    made = alice.put("/projects/fraud/grants", GRANT).get_json()
    seen = alice.get(f"/grants/{made['grant_id']}").headers["ETag"]
    alice.put("/projects/fraud/grants", {**GRANT, "level": "EDIT"})
    assert alice.delete(f"/grants/{made['grant_id']}", headers={"If-Match": seen}).status_code == 412
    alice.post("/projects/fraud/roles", {"name": "stager", "levels": {"*": "USE"}})
    changes = {
        "/projects/fraud": ("PATCH", {"name": "F"}),
        "/projects/fraud/roles/stager": ("PATCH", {"levels": {"*": "READ"}}),
        "/projects/fraud/members/dana": ("PUT", {"role": "viewer"}),
    }
    for path, (method, body) in changes.items():
        seen = alice.get(path).headers["ETag"]
        assert alice.call(method, path, json=body, headers={"If-Match": seen}).status_code == 200, path
        again = alice.call(method, path, json=body, headers={"If-Match": seen})
        assert again.status_code == 412, path


def test_lists_come_in_pages_with_cursors(api):
    """Grants, requests and roles; a cursor of another question is refused."""
    alice = api.as_("alice")
    for number in range(3):
        alice.put("/projects/fraud/grants", {**GRANT, "id": str(number)})
    first = alice.get("/projects/fraud/grants?limit=2").get_json()
    rest = alice.get(f"/projects/fraud/grants?limit=2&after={first['next']}").get_json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ["0", "1", "2"]
    assert rest["next"] is None
    assert alice.get(f"/projects/fraud/requests?limit=2&after={first['next']}").status_code == 422


def test_a_deleted_project_answers_like_one_that_never_was(api, cast, cerberus):
    """For everybody, at every address; what it still holds is named before."""
    cerberus.grants.own(cast.dana, Resource("fraud", Kind.EXPERIMENT, "7"))
    refusal = api.as_("alice").delete("/projects/fraud")
    assert refusal.status_code == 409
    assert "1 experiment in MLflow" in refusal.get_json()["detail"]
    cerberus.grants.forget(cast.dana, Resource("fraud", Kind.EXPERIMENT, "7"))
    assert api.as_("alice").delete("/projects/fraud").status_code == 204
    for who in ("admin", "alice", "bob"):
        for path in ("", "/members", "/roles", "/grants", "/requests"):
            gone, never = (api.as_(who).get(f"/projects/{slug}{path}") for slug in ("fraud", "nowhere"))
            assert gone.status_code == never.status_code == 404
            assert gone.get_json()["detail"].replace("fraud", "X") == never.get_json()["detail"].replace("nowhere", "X")
    made = api.as_("admin").post("/projects", {"slug": "fraud"})
    assert made.status_code == 409
    assert "once" in made.get_json()["detail"]
