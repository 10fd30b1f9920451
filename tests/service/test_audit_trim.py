"""Removing old audit lines, so that the rest can still be verified."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from cerberus.errors import Conflict, Forbidden, Invalid
from cerberus.service import SYSTEM
from cerberus.service.access import utc_now
from cerberus.store import retention
from cerberus.store.chain import EDITED, NO_TRIM

pytestmark = pytest.mark.on_each_database


@pytest.fixture
def aged(cast, cerberus):
    """The cast's lines as they are after ten days, some of them denials; the moment before which they are old."""
    for _ in range(3):
        with pytest.raises(Forbidden):
            cerberus.groups.create(cast.bob, "mine")
    cerberus.settle()
    with cerberus._database.writing() as session:
        session.execute(text("DELETE FROM audit_lines"))
        session.execute(text(f"UPDATE policy_state SET chain_head = '{'0' * 64}'"))
    return utc_now() - timedelta(days=1)


def grow(cerberus, monkeypatch, *, days_ago, count=5):
    """Lines of that age: changes and denials."""
    then = utc_now() - timedelta(days=days_ago)
    monkeypatch.setattr(cerberus._context, "now", lambda: then)
    for number in range(count):
        cerberus.groups.create(SYSTEM, f"g{days_ago}-{number}")
        cerberus._context.note_later({"who": "bob", "action": "a.b", "target": "t", "outcome": "denied"}, what="x")
    cerberus.settle()
    monkeypatch.undo()


def ids(cerberus):
    return sorted(line.id for line in cerberus.audit.search(SYSTEM, limit=1000))


def test_old_lines_go_and_the_chain_holds(aged, cerberus, monkeypatch):
    """Chained ones and others; one line says what went, and how far back the audit reaches is known."""
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    grow(cerberus, monkeypatch, days_ago=10)
    grow(cerberus, monkeypatch, days_ago=0)
    everything = ids(cerberus)
    old = [line for line in cerberus.audit.search(SYSTEM, limit=1000) if line.at < aged]
    assert cerberus.audit.trim(SYSTEM, before=aged) == len(old) == 10
    (said,) = cerberus.audit.search(SYSTEM, action="audit.trim")
    assert ids(cerberus) == [*everything[10:], said.id]
    last_hash = max((line for line in old if line.hash), key=lambda line: line.id).hash
    assert (said.who, said.after["count"], said.after["hash"]) == ("system", 10, last_hash)
    assert (said.after["first"], said.after["last"]) == (everything[0], everything[9])
    seen = cerberus.audit.examine()
    assert (seen.broken, seen.lines) == (None, 6)
    assert seen.since > aged
    assert seen.trimmed_at == said.at


def test_trimming_again_removes_nothing_and_says_nothing(aged, cerberus, monkeypatch):
    grow(cerberus, monkeypatch, days_ago=10)
    cerberus.audit.trim(SYSTEM, before=aged)
    lines = ids(cerberus)
    assert cerberus.audit.trim(SYSTEM, before=aged) == 0
    assert ids(cerberus) == lines


def test_a_removal_that_was_interrupted_is_finished_by_the_next(aged, cerberus, monkeypatch):
    """The lines that are still there do no harm meanwhile."""
    grow(cerberus, monkeypatch, days_ago=10)
    monkeypatch.setattr(cerberus.audit, "_remove_some", lambda: 0)
    assert cerberus.audit.trim(SYSTEM, before=aged) == 10
    assert cerberus.audit.verify() is None
    assert len(ids(cerberus)) == 11
    monkeypatch.undo()
    assert cerberus.audit.trim(SYSTEM, before=aged) == 0
    assert len(ids(cerberus)) == 1
    assert cerberus.audit.verify() is None


def test_a_start_that_no_line_explains_is_found_and_not_trimmed(aged, cerberus, monkeypatch):
    grow(cerberus, monkeypatch, days_ago=10)
    first, second = (line for line in reversed(cerberus.audit.search(SYSTEM, action="group.create")[-2:]))
    with cerberus._database.writing() as session:
        session.execute(text(f"DELETE FROM audit_lines WHERE id = {first.id}"))
        session.execute(text(f"UPDATE policy_state SET chain_start = '{second.previous_hash}'"))
    assert cerberus.audit.verify().problem == NO_TRIM
    with pytest.raises(Conflict):
        cerberus.audit.trim(SYSTEM, before=aged)


def test_a_trim_line_that_was_edited_is_found(aged, cerberus, monkeypatch):
    grow(cerberus, monkeypatch, days_ago=10)
    cerberus.audit.trim(SYSTEM, before=aged)
    (said,) = cerberus.audit.search(SYSTEM, action="audit.trim")
    with cerberus._database.writing() as session:
        session.execute(text(f"UPDATE audit_lines SET who = 'nobody' WHERE id = {said.id}"))
    assert (cerberus.audit.verify().id, cerberus.audit.verify().problem) == (said.id, EDITED)


def test_only_an_admin_trims_and_only_the_past(aged, cast, cerberus):
    with pytest.raises(Forbidden):
        cerberus.audit.trim(cast.alice, before=aged)
    with pytest.raises(Invalid, match="future"):
        cerberus.audit.trim(cast.admin, before=utc_now() + timedelta(days=1))
