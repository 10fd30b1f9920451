"""The precedence of rules, as tables. Everything here is pure: no database."""

from datetime import UTC, datetime, timedelta

import pytest

from cerberus.policy import (
    ANY,
    BUILT_IN_ROLES,
    LEVEL_VERBS,
    Kind,
    Level,
    Outcome,
    PlatformRole,
    Principal,
    Reason,
    Resource,
    Rule,
    Scope,
    Source,
    SubjectKind,
    Verb,
    decide,
    effective_levels,
    rules_of_binding,
    rules_of_grant,
    rules_of_grants,
    visible,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE, READERS, CHARLIE = 1, 20, 3
EXPERIMENT_7 = Resource("fraud", Kind.EXPERIMENT, "7")
alice = Principal(id=ALICE, name="alice", groups=frozenset({READERS}))


def rule(
    level: Level,
    *,
    kind: Kind | str = ANY,
    id: str = ANY,
    subject: int = ALICE,
    project: str = "fraud",
    source: Source = Source.GRANT,
    expires_at: datetime | None = None,
) -> Rule:
    return Rule(
        subject_id=subject,
        subject_name="someone",
        subject_kind=SubjectKind.USER,
        project=project,
        kind=kind,
        resource_id=id,
        level=level,
        source=source,
        id=0,
        expires_at=expires_at,
    )


def allowed(rules: list[Rule], principal: Principal = alice, resource: Resource = EXPERIMENT_7) -> set[Verb]:
    return {verb for verb in Verb if decide(principal, verb, resource, rules, now=NOW)}


KIND = Kind.EXPERIMENT
TABLE = [
    ("silence means no", [], None),
    ("a rule for every kind gives", [rule(Level.EDIT)], Level.EDIT),
    ("a rule for another project gives nothing", [rule(Level.MANAGE, project="churn")], None),
    ("a rule for somebody else gives nothing", [rule(Level.MANAGE, subject=CHARLIE)], None),
    ("a rule for one's group gives", [rule(Level.READ, subject=READERS)], Level.READ),
    ("a rule for another kind gives nothing", [rule(Level.MANAGE, kind=Kind.PROMPT)], None),
    ("a rule for another resource gives nothing", [rule(Level.MANAGE, kind=KIND, id="8")], None),
    ("the kind overrides every kind, upward", [rule(Level.READ), rule(Level.MANAGE, kind=KIND)], Level.MANAGE),
    ("the kind overrides every kind, downward", [rule(Level.MANAGE), rule(Level.READ, kind=KIND)], Level.READ),
    (
        "the resource overrides its kind, upward",
        [rule(Level.READ, kind=KIND), rule(Level.EDIT, kind=KIND, id="7")],
        Level.EDIT,
    ),
    (
        "the resource overrides its kind, downward",
        [rule(Level.MANAGE, kind=KIND), rule(Level.READ, kind=KIND, id="7")],
        Level.READ,
    ),
    ("within a tier the highest counts", [rule(Level.READ), rule(Level.EDIT, subject=READERS)], Level.EDIT),
    ("within a tier DENY beats everything", [rule(Level.MANAGE), rule(Level.DENY, subject=READERS)], Level.DENY),
    (
        "a wide DENY is overridden by a narrow level",
        [rule(Level.DENY), rule(Level.READ, kind=KIND, id="7")],
        Level.READ,
    ),
    ("a narrow DENY overrides a wide level", [rule(Level.MANAGE), rule(Level.DENY, kind=KIND, id="7")], Level.DENY),
    ("what has ended does not exist", [rule(Level.READ), rule(Level.DENY, expires_at=NOW)], Level.READ),
    ("what ends later exists", [rule(Level.EDIT, expires_at=NOW + timedelta(seconds=1))], Level.EDIT),
    (
        "ownership raises who may create",
        [rule(Level.EDIT), rule(Level.MANAGE, kind=KIND, id="7", source=Source.OWNERSHIP)],
        Level.MANAGE,
    ),
    ("ownership alone gives nothing", [rule(Level.MANAGE, kind=KIND, id="7", source=Source.OWNERSHIP)], None),
    (
        "ownership waits while one only reads",
        [rule(Level.READ), rule(Level.MANAGE, kind=KIND, id="7", source=Source.OWNERSHIP)],
        Level.READ,
    ),
    (
        "a DENY on the resource beats ownership",
        [
            rule(Level.EDIT),
            rule(Level.MANAGE, kind=KIND, id="7", source=Source.OWNERSHIP),
            rule(Level.DENY, kind=KIND, id="7"),
        ],
        Level.DENY,
    ),
]


@pytest.mark.parametrize(("rules", "level"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_precedence(rules: list[Rule], level: Level | None) -> None:
    """`decide` allows exactly the verbs of the level that the table names, in any order of the rules."""
    expected = set(LEVEL_VERBS[level]) if level else set()
    assert allowed(rules) == expected
    assert allowed(rules[::-1]) == expected


@pytest.mark.parametrize(("rules", "level"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_levels_and_visible_say_the_same(rules: list[Rule], level: Level | None) -> None:
    """The answers for all ids at once agree with the answer for one."""
    assert effective_levels(alice, KIND, "fraud", rules, now=NOW).of("7") == level
    assert visible(alice, KIND, "fraud", rules, now=NOW).includes("7") == (Verb.READ in allowed(rules))


ROLE_TABLE = {
    "viewer": {Kind.EXPERIMENT: Level.READ, Kind.REGISTERED_MODEL: Level.READ, Kind.PROJECT: Level.READ},
    "contributor": {Kind.EXPERIMENT: Level.EDIT, Kind.PROMPT: Level.EDIT, Kind.PROJECT: Level.READ},
    "maintainer": {Kind.EXPERIMENT: Level.MANAGE, Kind.SCORER: Level.MANAGE, Kind.PROJECT: Level.MANAGE},
}


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_what_each_role_gives(role: str) -> None:
    """A binding gives its role's level on every kind, and on the project itself READ or, to maintainers, MANAGE."""
    rules = list(
        rules_of_binding(
            BUILT_IN_ROLES[role],
            binding_id=1,
            project="fraud",
            subject_id=ALICE,
            subject_name="alice",
            subject_kind=SubjectKind.USER,
            expires_at=None,
        )
    )
    for kind, level in ROLE_TABLE[role].items():
        assert allowed(rules, resource=Resource("fraud", kind, "x")) == set(LEVEL_VERBS[level])


def test_a_grant_lets_its_holder_know_of_the_project_but_a_deny_does_not() -> None:
    """Who is given one experiment may know that the project exists; who is denied one learns nothing from that."""
    project = Resource("fraud", Kind.PROJECT, "fraud")
    given = list(rules_of_grant(rule(Level.READ, kind=KIND, id="7")))
    denied = list(rules_of_grant(rule(Level.DENY, kind=KIND, id="7")))
    owned = list(rules_of_grant(rule(Level.MANAGE, kind=KIND, id="7", source=Source.OWNERSHIP)))
    assert allowed(given, resource=project) == {Verb.READ}
    assert allowed(denied, resource=project) == allowed(owned, resource=project) == set()


MAINTAINS = [rule(Level.MANAGE), rule(Level.MANAGE, kind=Kind.PROJECT)]
LIMITS = [
    ({"disabled": True}, False, set(), Reason.DISABLED),
    ({"project": "churn"}, False, set(), Reason.OTHER_PROJECT),
    ({"project": "fraud"}, False, set(Verb), Reason.GRANTED),
    ({"scopes": frozenset({Scope.READ})}, False, {Verb.READ}, Reason.SCOPE),
    ({"scopes": frozenset({Scope.WRITE})}, False, set(Verb) - {Verb.MANAGE}, Reason.SCOPE),
    ({"scopes": frozenset()}, False, set(), Reason.SCOPE),
    ({}, True, {Verb.READ}, Reason.ARCHIVED),
]


@pytest.mark.parametrize(("limits", "archived", "verbs", "reason"), LIMITS)
@pytest.mark.parametrize("admin", [False, True])
def test_limits_only_take_away_from_admins_too(
    limits: dict, archived: bool, verbs: set[Verb], reason: Reason, admin: bool
) -> None:
    """Disabled accounts, bound or narrow credentials and archived projects take away whatever rules or role give."""
    roles = frozenset({PlatformRole.ADMIN}) if admin else frozenset()
    who = Principal(id=ALICE, name="alice", platform_roles=roles, **limits)
    answers = {verb: decide(who, verb, EXPERIMENT_7, MAINTAINS, now=NOW, archived=archived) for verb in Verb}
    assert {verb for verb, answer in answers.items() if answer} == verbs
    assert {answer.reason for answer in answers.values() if not answer} <= {reason}
    unlimited = decide(who, Verb.MANAGE, EXPERIMENT_7, MAINTAINS, now=NOW, archived=archived)
    if unlimited:
        assert unlimited.reason is (Reason.ADMIN if admin else Reason.GRANTED)


def test_an_archived_project_can_still_be_managed() -> None:
    """Otherwise nobody could restore it."""
    project = Resource("fraud", Kind.PROJECT, "fraud")
    assert decide(alice, Verb.MANAGE, project, MAINTAINS, now=NOW, archived=True)


def test_an_admin_needs_no_rule_and_an_auditor_gets_none() -> None:
    """Admins may do everything; auditors read policy, not run data."""
    admin = Principal(id=9, name="root", platform_roles=frozenset({PlatformRole.ADMIN}))
    auditor = Principal(id=9, name="eve", platform_roles=frozenset({PlatformRole.AUDITOR}))
    assert allowed([], admin) == set(Verb)
    assert allowed([], auditor) == set()


@pytest.mark.parametrize(
    ("rules", "visible_to"),
    [([], False), ([rule(Level.READ)], True), ([rule(Level.DENY)], False), ([rule(Level.EDIT)], True)],
)
def test_a_refusal_says_whether_the_thing_may_be_seen(rules: list[Rule], visible_to: bool) -> None:
    """Who may not read it is to be told that it does not exist."""
    refused = decide(alice, Verb.DELETE, EXPERIMENT_7, rules, now=NOW)
    assert not refused.allowed
    assert refused.visible is visible_to


def test_a_decision_says_what_became_of_each_rule() -> None:
    """Every rule that speaks of the resource is there, with the reason why it won or lost; others are not."""
    won = rule(Level.EDIT, kind=KIND, id="7")
    outranked = rule(Level.READ, kind=KIND, id="7", subject=READERS)
    wider = rule(Level.MANAGE)
    ended = rule(Level.MANAGE, kind=KIND, id="7", expires_at=NOW - timedelta(days=1))
    others = [rule(Level.MANAGE, subject=CHARLIE), rule(Level.MANAGE, project="churn")]
    decision = decide(alice, Verb.UPDATE, EXPERIMENT_7, [*others, wider, ended, outranked, won], now=NOW)
    assert decision.reason is Reason.GRANTED
    assert {item.rule: item.outcome for item in decision.judged} == {
        won: Outcome.WON,
        outranked: Outcome.OUTRANKED,
        wider: Outcome.WIDER,
        ended: Outcome.EXPIRED,
    }
    dormant = rule(Level.MANAGE, kind=KIND, id="7", source=Source.OWNERSHIP)
    assert decide(alice, Verb.READ, EXPERIMENT_7, [dormant], now=NOW).judged[0].outcome is Outcome.DORMANT


def test_a_rule_for_every_kind_does_not_reach_the_project_itself() -> None:
    """Else every contributor could change who is in it."""
    assert allowed([rule(Level.MANAGE)], resource=Resource("fraud", Kind.PROJECT, "fraud")) == set()


SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=2)


@pytest.mark.parametrize("ends", [(SOON, LATER), (LATER, SOON), (SOON, None), (None, SOON), (SOON, SOON, LATER)])
def test_many_grants_let_know_of_the_project_as_long_as_the_longest_of_them(ends: tuple[datetime | None, ...]) -> None:
    """Ten thousand grants are not ten thousand rules on the project: one for each subject is enough."""
    grants = [rule(Level.READ, kind=KIND, id=str(place), expires_at=end) for place, end in enumerate(ends)]
    project = Resource("fraud", Kind.PROJECT, "fraud")
    told = [each for each in rules_of_grants(grants) if each.kind is Kind.PROJECT]
    assert [each.expires_at for each in told] == [None if None in ends else LATER]
    everybody = [*grants, rule(Level.READ, kind=KIND, id="7", subject=READERS), rule(Level.DENY, kind=KIND, id="8")]
    found = rules_of_grants(everybody)
    assert set(everybody) <= set(found)
    assert {each.subject_id for each in found if each.kind is Kind.PROJECT} == {ALICE, READERS}
    one_by_one = [each for grant in everybody for each in rules_of_grant(grant)]
    for moment in (NOW, SOON, LATER):
        for verb in Verb:
            whole = decide(alice, verb, project, found, now=moment).allowed
            assert whole == decide(alice, verb, project, one_by_one, now=moment).allowed
