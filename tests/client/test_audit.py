"""
The audit from a notebook.
"""

import json
from dataclasses import fields
from datetime import UTC, datetime
from inspect import signature

import pytest

from cerberus.api.audit import AuditLineShown, AuditQuery
from cerberus.api.shapes import Page
from cerberus.cli.audit import FIELDS
from cerberus.client import pages
from cerberus.client.audit import Audit, AuditLine
from cerberus.errors import Forbidden, Invalid
from cerberus.service import SYSTEM
from cerberus.store import records
from cerberus.store.audit import HASHED
from cerberus.store.tables import Base


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


def test_a_line_has_the_same_fields_wherever_it_is_told():
    """In the database, in the service, in the API, in a notebook. Each is a promise of its own, so each is written."""
    names = [each.name for each in fields(records.AuditLine)]
    assert [each.name for each in fields(AuditLine)] == names
    assert list(AuditLineShown.model_fields) == names
    assert [column.name for column in Base.metadata.tables["audit_lines"].columns] == names
    assert {"id", *HASHED, "previous_hash", "hash"} == set(names)


def test_the_audit_is_searched_by_the_same_fields_wherever_one_asks():
    """In the service, in the API, in a notebook and on the command line."""
    names = list(records.AuditSearch.__annotations__)
    assert [name for name in AuditQuery.model_fields if name not in Page.model_fields] == names
    assert list(signature(Audit.search).parameters) == ["self", *names]
    assert ["since", "until", *(name.replace("-", "_") for name in FIELDS)] == names
