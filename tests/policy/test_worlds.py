"""One definition of the truth, asked in three ways: on random worlds `visible` and `effective_levels` say what
`decide` says, and a brute-force reading of the precedence says so too."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cerberus.policy import (
    ANY,
    LEVEL_VERBS,
    Kind,
    Level,
    PlatformRole,
    Principal,
    Resource,
    Rule,
    Rulebook,
    Scope,
    Source,
    SubjectKind,
    Verb,
    decide,
    effective_levels,
    limits,
    visible,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORLDS = 4_000
KINDS = (Kind.EXPERIMENT, Kind.REGISTERED_MODEL)
IDS = ("1", "2", ANY)
ENDS = (None, None, None, NOW - timedelta(1), NOW + timedelta(1))


def world(seed: int) -> tuple[Principal, list[Rule]]:
    chance = random.Random(seed)
    principal = Principal(
        id=1,
        name="alice",
        groups=frozenset(group for group in (10, 11) if chance.random() < 0.5),
        platform_roles=frozenset({PlatformRole.ADMIN}) if chance.random() < 0.05 else frozenset(),
        disabled=chance.random() < 0.03,
        scopes=frozenset(scope for scope in Scope if chance.random() < 0.8),
        project=chance.choice((None, None, None, "fraud", "churn")),
    )
    rules = []
    for number in range(chance.randrange(7)):
        kind = chance.choice((*KINDS, ANY))
        resource_id = ANY if kind == ANY else chance.choice(IDS)
        owned = resource_id != ANY and chance.random() < 0.3
        rules.append(
            Rule(
                subject_id=chance.choice((1, 1, 10, 11, 2)),
                subject_name="x",
                subject_kind=SubjectKind.USER,
                project=chance.choice(("fraud", "fraud", "churn")),
                kind=kind,
                resource_id=resource_id,
                level=Level.MANAGE if owned else chance.choice(tuple(Level)),
                source=Source.OWNERSHIP if owned else Source.GRANT,
                id=number,
                expires_at=chance.choice(ENDS),
            )
        )
    return principal, rules


def by_the_book(principal: Principal, verb: Verb, resource: Resource, rules: list[Rule], archived: bool) -> bool:
    """`policy.md`'s precedence, read aloud; shares no code with the policy function."""
    if principal.disabled or (principal.project and principal.project != resource.project):
        return False
    given = {
        Scope.READ: {"read"},
        Scope.WRITE: {"read", "use", "create", "update", "delete"},
        Scope.ADMIN: {"read", "use", "create", "update", "delete", "manage"},
    }
    if not any(verb in given[scope] for scope in principal.scopes) or (archived and verb != "read"):
        return False
    if PlatformRole.ADMIN in principal.platform_roles:
        return True
    mine = [
        rule
        for rule in rules
        if rule.project == resource.project
        and (rule.subject_id == principal.id or rule.subject_id in principal.groups)
        and not (rule.expires_at and rule.expires_at <= NOW)
    ]
    kind = [rule.level for rule in mine if rule.kind == resource.kind and rule.resource_id == ANY]
    any_kind = [rule.level for rule in mine if rule.kind == ANY]
    wide = kind or any_kind
    creates = "DENY" not in wide and ("EDIT" in wide or "MANAGE" in wide)
    exact = [
        rule.level
        for rule in mine
        if rule.kind == resource.kind
        and rule.resource_id == resource.id != ANY
        and (creates or rule.source != Source.OWNERSHIP)
    ]
    deciding = exact or kind or any_kind
    return "DENY" not in deciding and any(verb in LEVEL_VERBS[level] for level in deciding)


def test_decide_reads_the_precedence_by_the_book() -> None:
    """On 4,000 worlds, for every verb and resource, archived or not."""
    allowed = refused = 0
    for seed in range(WORLDS):
        principal, rules = world(seed)
        archived = seed % 7 == 0
        for kind in KINDS:
            for resource_id in IDS:
                resource = Resource("fraud", kind, resource_id)
                for verb in (Verb.READ, Verb.CREATE, Verb.DELETE, Verb.MANAGE):
                    answer = decide(principal, verb, resource, rules, now=NOW, archived=archived).allowed
                    assert answer == by_the_book(principal, verb, resource, rules, archived), (seed, verb, resource)
                    allowed, refused = allowed + answer, refused + (not answer)
    assert min(allowed, refused) > WORLDS  # the worlds are neither all open nor all shut


def test_visible_and_levels_answer_for_all_ids_at_once_what_decide_answers_for_one() -> None:
    """An id that no rule names stands for all the others."""
    for seed in range(WORLDS):
        principal, rules = world(seed)
        for kind in KINDS:
            seen = visible(principal, kind, "fraud", rules, now=NOW)
            levels = effective_levels(principal, kind, "fraud", rules, now=NOW)
            for resource_id in ("1", "2", "named by no rule"):
                resource = Resource("fraud", kind, resource_id)
                reads = decide(principal, Verb.READ, resource, rules, now=NOW).allowed
                assert seen.includes(resource_id) == reads, (seed, resource)
                whole = Principal(id=1, name="alice", groups=principal.groups, platform_roles=principal.platform_roles)
                level = levels.of(resource_id)
                for verb in Verb:
                    expected = decide(whole, verb, resource, rules, now=NOW).allowed
                    assert (level is not None and verb in LEVEL_VERBS[level]) == expected, (seed, verb, resource)


def test_a_rulebook_leaves_out_only_what_decide_passes_over() -> None:
    """The decision is the same to the last rule and its order, and so are the answers for all ids at once."""
    for seed in range(WORLDS):
        principal, rules = world(seed)
        mixed = [*rules, *(replace(rule, kind=Kind.PROJECT, resource_id=ANY) for rule in rules[::3])]
        random.Random(seed).shuffle(mixed)
        by_project = {slug: tuple(rule for rule in mixed if rule.project == slug) for slug in ("fraud", "churn")}
        book = Rulebook(by_project)
        assert book == by_project
        for kind in (*KINDS, Kind.PROJECT, Kind.PROMPT):
            for resource_id in (*IDS, "fraud"):
                resource = Resource("fraud", kind, resource_id)
                whole = decide(principal, Verb.UPDATE, resource, mixed, now=NOW)
                assert decide(principal, Verb.UPDATE, resource, book.about(resource), now=NOW) == whole, (
                    seed,
                    resource,
                )
                assert len(book.about(resource)) <= len(mixed)
            some = book.of_kind(kind, "fraud")
            levels = effective_levels(principal, kind, "fraud", mixed, now=NOW)
            assert effective_levels(principal, kind, "fraud", some, now=NOW) == levels, (seed, kind)


def test_a_check_looks_only_at_rules_that_can_speak_of_the_resource() -> None:
    """Ten thousand grants on other things are not looked at."""
    grants = [rule for seed in range(20_000) for rule in world(seed)[1] if rule.project == "fraud"][:10_000]
    named = [replace(rule, kind=Kind.EXPERIMENT, resource_id=f"e{place}") for place, rule in enumerate(grants)]
    book = Rulebook({"fraud": (*grants[:2], *named)})
    assert len(book.about(Resource("fraud", Kind.EXPERIMENT, "e7"))) <= 3
    assert len(book.about(Resource("fraud", Kind.EXPERIMENT, "another"))) <= 2
    assert book.about(Resource("churn", Kind.EXPERIMENT, "e7")) == ()


def test_a_decision_names_everything_that_limits_it_and_only_that() -> None:
    """The first limit is the reason; what is not limited names none."""
    for seed in range(WORLDS):
        principal, rules = world(seed)
        resource = Resource("fraud", Kind.EXPERIMENT, "1")
        decision = decide(principal, Verb.DELETE, resource, rules, now=NOW, archived=seed % 3 == 0)
        assert decision.limits == limits(principal, Verb.DELETE, resource, seed % 3 == 0)
        assert not decision.limits or (not decision.allowed and decision.reason is decision.limits[0])
