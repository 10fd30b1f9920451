"""
ETags: news is noticed, and a change that was meant for another state is refused, however many come at once.
"""

import threading
from collections import Counter

import pytest

from cerberus.api import create_app
from cerberus.api.endpoint import SHOWN
from cerberus.api.endpoint import noun as new_noun
from cerberus.api.shapes import Answer, Request
from cerberus.errors import NotFound
from cerberus.policy import ALL_SCOPES
from cerberus.store.projects import project_row

things = new_noun("things")


class Thing(Answer):
    """A project's description."""

    text: str


class ThingPut(Request):
    """Another description."""

    text: str


@things.route("GET", "/things/<slug>", summary="Show it", answer=Thing, raises=(NotFound,))
def show_thing(caller, slug):
    return Thing(text=caller.cerberus.projects.get(caller.actor, slug).description)


@things.route("PUT", "/things/<slug>", summary="Change it", body=ThingPut, answer=Thing, raises=(NotFound,))
def put_thing(caller, body, slug):
    with caller.cerberus._context.change(caller.actor) as change:
        row = change.require_project(slug)
        row.description = body.text
        change.record("project.change", f"project:{slug}", project=slug)
    return Thing(text=body.text)


@things.route("DELETE", "/things/<slug>", summary="Do it without asking", raises=(NotFound,))
def careless(caller, slug):
    with caller.cerberus._database.writing() as session:
        project_row(session, slug).description = ""


@pytest.fixture
def app(cerberus):
    app = create_app(cerberus=cerberus)
    app.register_blueprint(things.blueprint)
    app.extensions[SHOWN]["/api/v1/things/<slug>"] = app.view_functions["things.show_thing"]
    return app


def test_what_one_sees_has_an_etag_that_changes_with_it(api):
    alice = api.as_("alice")
    first = alice.get("/things/fraud").headers["ETag"]
    assert first == alice.get("/things/fraud").headers["ETag"]
    assert first.startswith('"')
    alice.put("/things/fraud", {"text": "new"})
    assert alice.get("/things/fraud").headers["ETag"] != first


@pytest.mark.parametrize("form", ["{0}", "W/{0}", '"x", {0}', "*"])
def test_who_has_it_already_is_told_so(api, form):
    bob = api.as_("bob")
    etag = bob.get("/projects/fraud").headers["ETag"]
    answer = bob.get("/projects/fraud", headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
    assert bob.get("/projects/fraud", headers={"If-None-Match": '"other"'}).status_code == 200


def test_who_may_not_see_it_learns_nothing_from_an_etag(api, is_problem):
    etag = api.as_("bob").get("/projects/fraud").headers["ETag"]
    is_problem(api.as_("charlie").get("/projects/fraud", headers={"If-None-Match": etag}), 404)


def test_a_change_is_made_while_the_thing_is_as_one_saw_it(api, is_problem):
    alice = api.as_("alice")
    etag = alice.get("/things/fraud").headers["ETag"]
    assert alice.put("/things/fraud", {"text": "one"}, headers={"If-Match": etag}).status_code == 200
    problem = is_problem(alice.put("/things/fraud", {"text": "two"}, headers={"If-Match": etag}), 412)
    assert problem["code"] == "stale"
    assert alice.get("/things/fraud").get_json() == {"text": "one"}
    assert alice.put("/things/fraud", {"text": "three"}, headers={"If-Match": "*"}).status_code == 200
    assert alice.put("/things/fraud", {"text": "four"}).status_code == 200


def test_a_refused_change_leaves_no_audit_line(api, cerberus):
    version = cerberus.version()
    api.as_("alice").put("/things/fraud", {"text": "two"}, headers={"If-Match": '"x"'})
    assert cerberus.version() == version


def test_who_may_not_change_it_is_told_that_first(api, is_problem):
    is_problem(api.as_("bob").put("/things/fraud", {"text": "x"}, headers={"If-Match": '"x"'}), 403)
    is_problem(api.as_("charlie").put("/things/fraud", {"text": "x"}, headers={"If-Match": '"x"'}), 404)


def test_a_weak_etag_allows_no_change(api, is_problem):
    alice = api.as_("alice")
    etag = alice.get("/things/fraud").headers["ETag"]
    is_problem(alice.put("/things/fraud", {"text": "x"}, headers={"If-Match": f"W/{etag}"}), 412)


@pytest.mark.parametrize("sent", ["", "x", '"a" "b"', '"a",', "*, *", '"' + "x" * 1000 + '"', '"é"'])
def test_a_malformed_condition_is_named(api, is_problem, sent):
    alice = api.as_("alice")
    assert is_problem(alice.put("/things/fraud", {"text": "x"}, headers={"If-Match": sent}), 422)["field"] == "If-Match"
    assert is_problem(alice.get("/things/fraud", headers={"If-None-Match": sent}), 422)["field"] == "If-None-Match"


def test_a_condition_where_there_is_no_etag_is_refused(api, is_problem):
    alice = api.as_("alice", scopes=ALL_SCOPES)
    is_problem(alice.delete("/tokens/nosuchtoken", headers={"If-Match": "*"}), 412)
    assert is_problem(alice.post("/tokens", {"name": "x"}, headers={"If-Match": "*"}), 422)["field"] == "If-Match"


def test_a_change_that_does_not_ask_is_a_fault_that_shows(api, app):
    app.testing = False
    answer = app.test_client().delete("/api/v1/things/fraud", headers={**api.as_("alice").headers, "If-Match": "*"})
    assert answer.status_code == 500


@pytest.mark.parametrize(
    ("method", "address", "field"),
    [("PUT", "/api/v1/things/fraud", "text"), ("PATCH", "/api/v1/projects/fraud", "name")],
)
@pytest.mark.on_each_database
def test_of_twenty_changes_from_one_state_one_is_made(cerberus, cast, app, method, address, field):
    token = cast.token("alice", scopes=ALL_SCOPES)
    headers = {"Authorization": f"Bearer {token}"}
    headers["If-Match"] = app.test_client().get(address, headers=headers).headers["ETag"]
    answers, start = [], threading.Barrier(20)

    def ask(number):
        start.wait()
        changed = {field: f"by {number}"}
        answers.append(app.test_client().open(address, method=method, json=changed, headers=headers).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(answers)
    assert set(counted) <= {200, 412, 503}, counted
    assert counted[200] == 1
    assert counted[412] >= 1
