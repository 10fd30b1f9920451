"""
`cerberus audit`: what operators and auditors do on the server.
"""

import csv
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from cerberus.service import SYSTEM, Cerberus
from cerberus.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"


@pytest.fixture
def cerberus(server):
    opened = Cerberus.open(Settings())
    yield opened
    opened.close()


def tamper(cerberus, statement):
    with cerberus._database.writing() as session:
        session.execute(text(statement))


@pytest.fixture
def written(cerberus):
    """How many lines there are before the test."""
    return len(cerberus.audit.search(SYSTEM, limit=1000))


def test_verify_says_that_the_chain_holds_and_how_far_back(server, written):
    done = server("audit", "verify")
    assert done.code == 0, done.err
    assert re.fullmatch(
        rf"The chain holds: {written} lines, back to 20[-\d: ]+\. Newest hash: [0-9a-f]{{64}}\n", done.out
    )
    assert server("audit", "verify", "--json").json["broken"] is None


def test_verify_names_the_line_and_what_is_wrong(server, cerberus):
    tamper(cerberus, "UPDATE audit_lines SET who = 'mallory' WHERE id = 2")
    done = server("audit", "verify")
    assert (done.code, done.out) == (1, "The chain is broken. Line 2 was edited.\n")
    assert server("audit", "verify", "--json").json["broken"] == {"id": 2, "problem": "was edited"}


def test_search_shows_lines_and_where_to_go_on(server):
    server("create-user", "charlie")
    first = server("audit", "search", "--action", "user.", "--limit", "2", "--json").json
    assert [line["target"] for line in first["items"]] == ["user:charlie", "user:bob"]
    rest = server("audit", "search", "--action", "user.", "--after", first["next"], "--json").json
    assert [line["target"] for line in rest["items"]] == ["user:alice", "user:admin"]
    assert rest["next"] is None
    assert re.search(r"system for \w+: user.create user:charlie\n", server("audit", "search", "--limit", "2").out)
    assert server("audit", "search", "--who", "nobody").out == "Nothing is found.\n"


def test_who_searches_at_the_command_line_is_seen(server, cerberus):
    server("audit", "search", "--who", "system")
    (line,) = cerberus.audit.search(SYSTEM, action="audit.search")
    assert (line.who, line.client) == ("system", f"command line of {line.on_behalf_of}")
    assert line.on_behalf_of


def test_an_export_can_be_verified_with_the_script_of_the_documents(server, cerberus, tmp_path, written):
    """And an edited, a missing and a moved line are found by it."""
    script, file = tmp_path / "verify.py", tmp_path / "audit.jsonl"
    script.write_text(re.search(r"```python\n(import hashlib.*?)```", DOCUMENT.read_text(), re.DOTALL)[1])
    cerberus._context.note_later({"who": "é", "action": "x.y", "target": "t"}, what="a loose line")
    cerberus.groups.create(SYSTEM, "later", display_name="\u2028 Größe \U0001f40e")
    cerberus.settle()
    assert server("audit", "export", "--output", file).code == 0

    def verify():
        return subprocess.run([sys.executable, script, file], capture_output=True, text=True, check=False)

    assert verify().stdout == f"{written + 1} lines hold, up to {server('audit', 'verify', '--json').json['head']}\n"
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == written + 2
    for wrong in (
        [lines[0].replace("admin", "eve"), *lines[1:]],
        [*lines[:2], *lines[3:]],
        [lines[0], lines[2], lines[1], *lines[3:]],
    ):
        file.write_text("".join(wrong))
        assert verify().returncode == 1


def test_the_script_of_the_documents_is_short():
    assert len(re.search(r"```python\n(import hashlib.*?)```", DOCUMENT.read_text(), re.DOTALL)[1].splitlines()) <= 22


def test_an_export_goes_to_standard_output_and_nothing_else_does(server, written):
    lines = server("audit", "export").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1, written + 1))
    rows = list(csv.DictReader(server("audit", "export", "--format", "csv").out.splitlines()))
    assert [row["id"] for row in rows] == [
        str(number) for number in range(1, written + 2)
    ]  # the last one is the first export
    assert server("audit", "export", "--until", "2020-01-01").out == ""


def test_a_file_that_is_there_is_not_overwritten(server, tmp_path):
    target = tmp_path / "audit.csv"
    target.write_text("mine")
    done = server("audit", "export", "--output", target)
    assert (done.code, target.read_text()) == (2, "mine")


def test_trim_removes_what_is_older_and_the_chain_holds(server, cerberus, monkeypatch):
    tamper(cerberus, "DELETE FROM audit_lines")
    tamper(cerberus, f"UPDATE policy_state SET chain_head = '{'0' * 64}'")
    with monkeypatch.context() as patch:
        patch.setattr(cerberus._context, "now", lambda: datetime(2020, 1, 2, tzinfo=UTC))
        for name in ("a1", "a2", "a3"):
            cerberus.groups.create(SYSTEM, name)
    server("create-user", "charlie")
    assert server("audit", "trim").code == 2
    assert server("audit", "trim", "--before", "2020-01-01", "--json").json["removed"] == 0
    monkeypatch.setenv("CERBERUS_AUDIT_DAYS", "30")
    assert server("audit", "trim", "--json").json["removed"] == 3
    done = server("audit", "verify")
    assert done.code == 0
    assert "Older lines were removed on" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("audit",), ("audit", "fly"), ("audit", "export", "--format", "pdf"), ("audit", "search", "--since", "soon"),
        ("audit", "search", "--after", "here"), ("audit", "trim", "--before", "2999-01-01"),
        ("audit", "export", "--since", "9999-12-31T23:59:59-12:00"),
        ("audit", "trim", "--before", "0001-01-01T00:00:00+14:00"),
    ],
)  # fmt: skip
def test_mistakes_are_wrong_usage(server, words):
    done = server(*words)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
