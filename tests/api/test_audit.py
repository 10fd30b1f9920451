"""
The audit over HTTP: who finds what, page by page, and what an export is.
"""

import csv
import io
import json
import re

import pytest

from cerberus.policy import PlatformRole
from cerberus.service import SYSTEM


def items(response):
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()["items"]


@pytest.fixture
def busy(cerberus, cast):
    """Members come and go, somebody is refused."""
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer")
    cerberus.projects.remove_member(cast.alice, "fraud", subject="charlie")
    cerberus.groups.create(cast.admin, "writers", display_name="=cmd|' /C calc'!A0")
    cerberus.settle()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("asked", "actions"),
    [
        ("action=member.&who=alice", ["member.remove", "member.add"]),
        ("action=member.add&who=alice", ["member.add"]),
        ("target=group:writers", ["group.create"]),
        ("project=fraud&who=alice", ["member.remove", "member.add"]),
        (
            "address=192.0.2.1&request_id=req-1&client=tes",
            ["token.create", "group.create", "member.remove", "member.add"],
        ),
        ("client=ests", []),
        ("outcome=denied", []),
        ("on_behalf_of=root", []),
        ("until=2020-01-01T00:00:00Z", []),
        ("since=2020-01-01T00:00:00Z&who=alice&action=member.remove", ["member.remove"]),
    ],
)
def test_every_field_narrows_the_search(api, asked, actions):
    found = items(api.as_("admin").get(f"/audit?{asked}"))
    assert [line["action"] for line in found] == actions


@pytest.mark.usefixtures("busy")
def test_a_line_says_everything(api):
    (line,) = items(api.as_("admin").get("/audit?action=member.remove"))
    assert (line["who"], line["target"], line["project"], line["outcome"]) == ("alice", "user:charlie", "fraud", "ok")
    assert (line["address"], line["client"], line["request_id"]) == ("192.0.2.1", "tests", "req-1")
    assert line["before"]["role"] == "viewer"
    assert line["at"].endswith("Z")
    assert len(line["hash"]) == len(line["previous_hash"]) == 64


@pytest.mark.parametrize(
    "asked",
    [
        "since=yesterday", "since=2026-01-01T00:00:00", "until=1", "until=-1.5",
        "since=0001-01-01T00:00:00%2B14:00", "until=9999-12-31T23:59:59-01:00", "action=Member.",
        "action=member.*", "limit=0", "limit=201", "who=a%00b", "outcome=%E2%80%AE", "before=3", "after=3",
        f"client={'x' * 201}", "since=9999-12-31T23:59:59-12:00", "until=0001-01-01T00:00:00%2B14:00",
    ],
)  # fmt: skip
def test_what_is_odd_is_refused_by_name(api, is_problem, asked):
    assert is_problem(api.as_("admin").get(f"/audit?{asked}"), 422)["field"] == asked.partition("=")[0]


@pytest.mark.usefixtures("busy")
def test_pages_hold_every_line_once(api, cerberus):
    admin, seen, after = api.as_("admin"), [], ""
    everything = [line.id for line in cerberus.audit.search(SYSTEM, limit=1000, until=cerberus._context.now())]
    while after is not None:
        page = admin.get(f"/audit?limit=3{after and f'&after={after}'}").get_json()
        seen += [line["id"] for line in page["items"]]
        after = page["next"]
    assert seen[-len(everything) :] == everything
    assert len(set(seen)) == len(seen)


def test_an_auditor_sees_all_and_a_maintainer_the_project(api, cerberus, cast):
    cerberus.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    assert items(api.as_("charlie").get("/audit?project=churn"))
    assert {line["project"] for line in items(api.as_("alice").get("/audit?project=fraud"))} == {"fraud"}
    assert api.as_("alice").get("/audit/export").status_code == 403
    assert api.as_("charlie").get("/audit/export").status_code == 200


@pytest.mark.usefixtures("busy")
def test_an_export_holds_the_lines_in_the_order_in_which_they_were_written(api, cerberus):
    answer = api.as_("admin").get("/audit/export")
    assert answer.mimetype == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.jsonl"'
    lines = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    known = sorted(cerberus.audit.search(SYSTEM, limit=1000), key=lambda line: line.id)
    assert [line["id"] for line in lines] == [line.id for line in known][: len(lines)]
    assert lines[-1]["hash"] == known[len(lines) - 1].hash


@pytest.mark.usefixtures("busy")
def test_a_cell_of_a_csv_export_is_no_formula(api, cerberus):
    cerberus._context.note_later({"who": "?", "action": "x.y", "target": "t", "client": '=HYPERLINK("x")'}, what="x")
    cerberus.settle()
    answer = api.as_("admin").get("/audit/export?format=csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))
    (row,) = (row for row in rows if row["action"] == "x.y")
    assert row["client"] == '\'=HYPERLINK("x")'
    assert all(cell[:1] not in "=+-@\t\r" for row in rows for cell in row.values() if cell)
    assert json.loads(rows[0]["after"])


@pytest.mark.parametrize(
    ("client", "cell"),
    [
        ("=1", "'=1"),
        ("'x", "''x"),
        ("  @x", "'  @x"),
        ("a;=1;b", "a;'=1;b"),
        ("a; +1", "a;' +1"),
        ("a;'=1", "a;''=1"),
        ("a=1, -b", "a=1, -b"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"),
    ],
)
def test_nor_is_what_follows_a_semicolon(api, cerberus, client, cell):
    """There begins a cell for spreadsheets of countries that write 1,5. Undone it is what it was."""
    api.as_(None).post("/sign-in", json={"name": "alice", "password": "x"}, headers={"User-Agent": client})
    cerberus.settle()
    text = api.as_("admin").get("/audit/export?format=csv").get_data(as_text=True)
    (row,) = (row for row in csv.DictReader(io.StringIO(text, newline="")) if row["outcome"] == "denied")
    assert row["client"] == cell
    assert re.sub(r"(^|;)'", r"\1", cell) == client


def test_an_export_of_a_time_without_lines_is_empty(api):
    assert api.as_("admin").get("/audit/export?until=2020-01-01T00:00:00Z").get_data() == b""
    assert api.as_("admin").get("/audit/export?format=csv&until=2020-01-01T00:00:00Z").get_data().count(b"\n") == 1


def test_who_looks_is_seen(api, cerberus):
    """A search and an export leave a line each, the second page of a search does not."""
    admin = api.as_("admin")
    page = admin.get("/audit?limit=1&who=system").get_json()
    admin.get(f"/audit?limit=1&who=system&after={page['next']}")
    admin.get("/audit/export?since=2020-01-01T00:00:00Z").get_data()
    cerberus.settle()
    looks = [(line.action, line.who, line.after, line.hash) for line in cerberus.audit.search(SYSTEM, action="audit.")]
    assert looks == [
        ("audit.export", "admin", {"since": "2020-01-01T00:00:00+00:00"}, None),
        ("audit.search", "admin", {"who": "system"}, None),
    ]
