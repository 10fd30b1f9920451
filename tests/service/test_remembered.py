"""What somebody may do is worked out once under a policy version, and again when a rule comes to its end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cerberus.bounded import Bounded
from cerberus.policy import ANY, Kind, Level, Levels, Principal, Resource, Rule, Scope, Source, SubjectKind, Verb
from cerberus.service import Access, Origin, access, context
from cerberus.store.records import ProjectInfo

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DANA = Principal(7, "dana")
FRAUD = ProjectInfo("fraud", "Fraud", "", False)


def rule(level: Level, resource_id: str = ANY, *, until: datetime | None = None) -> Rule:
    return Rule(
        7, "dana", SubjectKind.USER, "fraud", Kind.EXPERIMENT, resource_id, level, Source.GRANT, 1, expires_at=until
    )


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands at noon until it is moved."""
    moments = [NOON]
    monkeypatch.setattr(access, "utc_now", lambda: moments[-1])
    return moments


def test_nothing_is_worked_out_twice_as_long_as_the_rules_give_the_same(clock):
    mine = Access(1, DANA, {"fraud": (rule(Level.READ),)}, {"fraud": FRAUD})
    assert mine.levels(Kind.EXPERIMENT, "fraud") is mine.levels(Kind.EXPERIMENT, "fraud")
    assert mine.visible(Kind.EXPERIMENT, "fraud") is mine.visible(Kind.EXPERIMENT, "fraud")


def test_a_rule_that_ends_gives_nothing_from_that_moment_on(clock):
    soon = NOON + timedelta(minutes=1)
    rules = (rule(Level.EDIT, "1", until=soon), rule(Level.READ))
    mine = Access(1, DANA, {"fraud": rules}, {"fraud": FRAUD})
    assert mine.levels(Kind.EXPERIMENT, "fraud") == Levels(Level.READ, {"1": Level.EDIT})
    clock.append(soon - timedelta(microseconds=1))
    assert mine.levels(Kind.EXPERIMENT, "fraud").of("1") is Level.EDIT
    clock.append(soon)
    assert mine.levels(Kind.EXPERIMENT, "fraud") == Levels(Level.READ)
    assert not mine.can(Verb.UPDATE, Resource("fraud", Kind.EXPERIMENT, "1"))


def test_a_second_end_is_noticed_after_the_first(clock):
    first, second = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)
    mine = Access(1, DANA, {"fraud": (rule(Level.READ, "1", until=first), rule(Level.READ, "2", until=second))}, {})
    seen = []
    for moment in (NOON, first, second):
        clock.append(moment)
        seen.append(mine.visible(Kind.EXPERIMENT, "fraud").exceptions)
    assert seen == [{"1", "2"}, {"2"}, set()]


@pytest.mark.parametrize("other", [{"scopes": frozenset({Scope.READ})}, {"project": "churn"}, {"disabled": True}])
def test_another_credential_with_the_same_rules_gets_an_answer_of_its_own(clock, other):
    full = Access(1, DANA, {"fraud": (rule(Level.MANAGE),)}, {"fraud": FRAUD})
    assert full.levels(Kind.EXPERIMENT, "fraud").default is Level.MANAGE
    limited = Access(1, replace(DANA, **other), full.book, {"fraud": FRAUD})
    assert limited.levels(Kind.EXPERIMENT, "fraud").default is not Level.MANAGE


def test_an_archived_project_with_the_same_rules_gets_an_answer_of_its_own(clock):
    open_one = Access(1, DANA, {"fraud": (rule(Level.MANAGE),)}, {"fraud": FRAUD})
    assert open_one.levels(Kind.EXPERIMENT, "fraud").default is Level.MANAGE
    archived = Access(1, DANA, open_one.book, {"fraud": replace(FRAUD, archived=True)})
    assert archived.levels(Kind.EXPERIMENT, "fraud").default is Level.READ


def test_what_is_kept_does_not_grow_without_end():
    """Full, it forgets everything for one thing more; what it holds already can be changed."""
    kept = Bounded(2)
    kept["a"], kept["b"] = 1, 2
    kept["a"] = 3
    assert kept == {"a": 3, "b": 2}
    kept["c"] = 4
    assert kept == {"c": 4}


def test_no_cache_of_credentials_grows_without_end(cast, cerberus, monkeypatch):
    """As many tokens as are shown under one version of the policy: each works, few are kept."""
    monkeypatch.setattr(context, "MOST_KEPT", 3)
    cerberus._context._kept = context.Kept(cerberus.version())
    for number in range(8):
        assert cerberus.decisions.access_of_token(cast.token("dana", days=number + 1)).principal.name == "dana"
    kept = cerberus._context.kept()
    assert 0 < len(kept.credentials) <= 3
    assert 0 < len(kept.accesses) <= 3


def test_a_cache_that_is_emptied_meanwhile_makes_no_answer_wrong(cast, cerberus):
    """Another thread may need the room just then."""

    class Emptied(dict):
        def __setitem__(self, key, value):
            """Set, and gone before anybody reads it."""

    kept = cerberus._context.kept()
    kept.passwords = Emptied()
    assert cerberus.shown_passwords.access("dana", cast.password, Origin()).principal.name == "dana"
    admin = cerberus.decisions.access_of_name("admin")
    admin.known_projects._asked = Emptied()
    assert admin.project("fraud").slug == "fraud"
