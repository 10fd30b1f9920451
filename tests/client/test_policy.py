"""Trying changes and applying policy files from a notebook."""

from datetime import UTC, datetime

import pytest

from cerberus.errors import Conflict, Forbidden, Invalid
from cerberus.policy import ALL_SCOPES, Scope


def test_a_maintainer_tries_a_change_first(client_of):
    alice = client_of("alice", scopes=ALL_SCOPES)
    until = datetime(2099, 1, 1, tzinfo=UTC)
    tried = alice.what_if("member.set", project="fraud", subject="charlie", role="viewer", expires_at=until)
    assert str(tried) == "charlie in fraud: gains read on everything, the project itself: nothing -> READ"
    assert {effect.gained for effect in tried.effects.items} == {("read",)}
    assert "charlie" not in {member.subject for member in alice.members("fraud")}
    with pytest.raises(Invalid) as refusal:
        alice.what_if("member.set", project="fraud")
    assert refusal.value.field == "subject"


def test_an_admin_exports_plans_and_applies(client_of):
    policy = client_of("admin", scopes=ALL_SCOPES).policy
    text = policy.export(project="fraud").replace("dana: contributor", "dana: viewer")
    plan = policy.plan(text)
    assert plan.steps == ("dana: contributor -> viewer in fraud",)
    assert str(plan).splitlines()[-1] == "dana in fraud: loses use, create, update on everything: EDIT -> READ"
    assert policy.apply(text, plan=plan).changes
    assert not policy.apply(text).changes
    with pytest.raises(Conflict):
        policy.apply(policy.export(), plan=plan)
    assert policy.schema()["title"] == "Cerberus policy"


def test_others_may_not(client_of):
    for who, scopes in (("alice", ALL_SCOPES), ("admin", (Scope.READ, Scope.WRITE))):
        with pytest.raises(Forbidden):
            client_of(who, scopes=scopes).policy.plan("partial: true")
