"""
The audit from a notebook.
"""

import json
from datetime import UTC, datetime

import pytest

from cerberus.client import pages
from cerberus.errors import Forbidden, Invalid
from cerberus.service import SYSTEM


def test_a_search_reads_page_by_page(client_of, cerberus, monkeypatch):
    monkeypatch.setattr(pages, "AT_ONCE", 3)
    admin = client_of("admin")
    known = [line.id for line in cerberus.audit.search(SYSTEM, who="system", limit=1000)]
    assert [line.id for line in admin.audit.search(who="system")] == known
    assert len(known) > 9


def test_a_line_is_a_value(client_of):
    (line,) = client_of("admin").audit.search(
        action="member.", target="user:dana", until=datetime(2999, 1, 1, tzinfo=UTC)
    )
    assert (line.who, line.project, line.before, line.at.tzinfo) == ("system", "fraud", None, UTC)
    assert line.after["role"] == "contributor"


def test_an_export_comes_in_pieces(client_of, cerberus):
    text = b"".join(client_of("admin").audit.export())
    assert [json.loads(line)["id"] for line in text.splitlines()][:3] == [1, 2, 3]
    assert b"".join(client_of("admin").audit.export(format="csv")).startswith(b"id,at,who,")


def test_refusals_are_errors(client_of):
    alice = client_of("alice")
    assert {line.project for line in alice.audit.search(project="fraud")} == {"fraud"}
    with pytest.raises(Forbidden):
        next(alice.audit.search())
    with pytest.raises(Forbidden):
        next(alice.audit.export())
    with pytest.raises(Invalid, match="action"):
        next(client_of("admin").audit.search(action="No Action"))
