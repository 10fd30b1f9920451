"""
Cursors: a list read in pages shows everything once, whatever is added meanwhile, and takes no made-up place.
"""

import pytest

from cerberus.api.endpoint import Endpoint
from cerberus.policy import ALL_SCOPES
from cerberus.service import SYSTEM, Access


def walk(caller, path, *, meanwhile=lambda: None):
    """Every item of a list, read one by one."""
    found, after = [], ""
    while True:
        page = caller.get(f"{path}?limit=1{after}").get_json()
        found += page["items"]
        if page["next"] is None:
            return found
        meanwhile()
        after = f"&after={page['next']}"


@pytest.mark.parametrize(
    ("path", "name"), [("/users", "name"), ("/projects", "slug"), ("/projects/fraud/members", "subject")]
)
def test_pages_show_what_the_whole_list_shows(api, path, name):
    admin = api.as_("admin")
    whole = [item[name] for item in admin.get(f"{path}?limit=200").get_json()["items"]]
    assert len(whole) > 1
    assert [item[name] for item in walk(admin, path)] == whole


def test_newest_first_is_read_on_too(api):
    alice = api.as_("alice", scopes=ALL_SCOPES)
    for number in range(3):
        alice.post("/tokens", {"name": f"t{number}"})
    assert [token["name"] for token in walk(alice, "/tokens")] == ["t2", "t1", "t0", "test"]


def test_what_is_added_meanwhile_shows_nothing_twice(api):
    admin = api.as_("admin")
    slugs = iter(("aaa", "bbb", "zzz"))
    found = walk(admin, "/projects", meanwhile=lambda: admin.post("/projects", {"slug": next(slugs, "aaa")}))
    seen = [project["slug"] for project in found]
    assert len(seen) == len(set(seen))
    assert {"churn", "fraud"} <= set(seen)


def test_a_cursor_says_nothing_and_takes_no_change(api, is_problem):
    admin = api.as_("admin")
    cursor = admin.get("/users?limit=1").get_json()["next"]
    for odd in (cursor[:-2], cursor + "AA", cursor[::-1], "admin", "A", "A" * 2000):
        assert is_problem(admin.get(f"/users?after={odd}"), 422)["field"] == "after"


def test_a_cursor_is_for_its_own_question(api, is_problem):
    admin = api.as_("admin")
    cursor = admin.get("/users?limit=1").get_json()["next"]
    assert admin.get(f"/users?limit=7&after={cursor}").status_code == 200
    for path in (f"/users?text=al&after={cursor}", f"/projects?after={cursor}", f"/groups?after={cursor}"):
        assert is_problem(admin.get(path), 422)["field"] == "after"


def test_a_cursor_is_for_who_was_given_it(api, is_problem):
    cursor = api.as_("alice").get("/projects/fraud/members?limit=1").get_json()["next"]
    is_problem(api.as_("bob").get(f"/projects/fraud/members?after={cursor}"), 422)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "x", ""])
def test_a_page_has_1_to_200(api, is_problem, limit):
    assert is_problem(api.as_("admin").get(f"/users?limit={limit}"), 422)["field"] == "limit"


def test_every_list_has_pages(app):
    for view in app.view_functions.values():
        if isinstance(view, Endpoint) and view.method == "GET" and view.answer is not None:
            assert view.listing == ("items" in view.answer.model_fields), view.view.__name__


def test_a_page_of_projects_is_decided_about_no_further_than_it_goes(api, cerberus, monkeypatch):
    """An admin of ten thousand projects reads one page without a question about each of them."""
    for number in range(20):
        cerberus.projects.create(SYSTEM, f"p{number:02}", name="Same name")
    admin, asked = api.as_("admin"), []
    can = Access.can
    monkeypatch.setattr(Access, "can", lambda self, verb, what: asked.append(what) or can(self, verb, what))
    page = admin.get("/projects?limit=3").get_json()
    assert [project["slug"] for project in page["items"]] == ["churn", "fraud", "p00"]
    assert len(asked) == 4
    following = admin.get(f"/projects?limit=3&after={page['next']}").get_json()
    assert [project["slug"] for project in following["items"]] == ["p01", "p02", "p03"]
