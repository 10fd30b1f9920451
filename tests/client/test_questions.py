"""Why, who and what, from a notebook."""

import pytest

from cerberus.errors import Forbidden
from cerberus.policy import ALL_SCOPES, Kind, Level, Resource, Verb

SEVEN = Resource("fraud", Kind.EXPERIMENT, "7")


def test_explain_tells_why_not_and_what_would_be_needed(client_of):
    told = client_of("bob").questions.explain("update", "experiment", "fraud", "7")
    assert not told
    assert (told.subject, told.reason, told.level) == ("bob", "too_low", "READ")
    [rule] = told.rules
    assert (rule.subject, rule.role, rule.outcome) == ("readers", "viewer", "won")
    assert (told.needed.level, told.needed.roles) == ("EDIT", ("contributor", "maintainer"))
    assert client_of("alice").questions.explain(Verb.READ, Kind.EXPERIMENT, "fraud", subject="dana")


def test_who_can_reads_on_through_all_pages(client_of, cerberus, cast):
    from cerberus.service import SYSTEM

    for number in range(203):
        cerberus.people.create_user(SYSTEM, f"p{number:03}", display_name="", password=None)
        cerberus.groups.add_member(SYSTEM, "readers", member=f"p{number:03}")
    found = list(client_of("alice").questions.who_can("read", "experiment", "fraud"))
    assert [each.name for each in found][:4] == ["admin", "alice", "bob", "dana"]
    assert len(found) == 207
    with pytest.raises(Forbidden):
        next(client_of("bob").questions.who_can("read", "experiment", "fraud"))


def test_visible_takes_ids(client_of, cerberus, cast):
    cerberus.grants.give(cast.alice, SEVEN, subject="readers", level=Level.DENY)
    seen = client_of("bob").questions.visible("experiment", "fraud")
    assert ("8" in seen, "7" in seen) == (True, False)
    seen = client_of("alice", scopes=ALL_SCOPES).questions.visible("experiment", "fraud", subject="charlie")
    assert "8" not in seen
