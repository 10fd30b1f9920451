"""The policy function. Pure: everything that it needs comes in, and what decided goes out with the answer.

Precedence: rules that name the resource decide, otherwise those that name its kind, otherwise those for every kind;
at the level that decides a DENY beats everything, otherwise the highest level counts; silence means no.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cerberus.policy.catalog import ANY, LEVEL_ORDER, LEVEL_VERBS, Kind, Level, Verb, capped
from cerberus.policy.model import Decision, Judged, Levels, Outcome, Principal, Reason, Resource, Rule, Source, Visible

RANK = {level: rank for rank, level in enumerate(LEVEL_ORDER)}
NARROWEST_FIRST = ("resource", "kind", "any")
EVERY_VERB = frozenset(Verb)
NO_VERB: frozenset[Verb] = frozenset()


def tier_of(rule: Rule, resource: Resource) -> str | None:
    """
    How narrowly the rule speaks of the resource, one of NARROWEST_FIRST; None when it does not.
    """
    if rule.project != resource.project:
        return None
    if rule.kind == resource.kind:
        if rule.resource_id == ANY:
            return "kind"
        return "resource" if rule.resource_id == resource.id else None
    if rule.kind == ANY and rule.resource_id == ANY and resource.kind is not Kind.PROJECT:
        return "any"
    return None


def fold(levels: Iterable[Level]) -> Level | None:
    """
    What several rules of one tier give together: DENY if any is, otherwise the highest; None for none.
    """
    found = list(levels)
    if Level.DENY in found:
        return Level.DENY
    return max(found, key=RANK.__getitem__, default=None)


def deciding_level(rules: Iterable[tuple[str, Rule]], tiers: Sequence[str] = NARROWEST_FIRST) -> Level | None:
    """
    The level of the narrowest tier that holds a rule; None when every tier is silent.
    """
    found = list(rules)
    for tier in tiers:
        level = fold(rule.level for rule_tier, rule in found if rule_tier == tier)
        if level is not None:
            return level
    return None


def may_create(rules: Iterable[tuple[str, Rule]]) -> bool:
    """
    Whether the rules above a single resource let their holder create such resources.
    """
    level = deciding_level(rules, NARROWEST_FIRST[1:])
    return level is not None and Verb.CREATE in LEVEL_VERBS[level]


def judge(principal: Principal, resource: Resource, rules: Iterable[Rule], now: datetime) -> tuple[Judged, ...]:
    """
    Every rule that speaks of the resource to this principal, each with what became of it.
    """
    mine = [(tier, rule) for rule in rules if principal.holds(rule.subject_id) and (tier := tier_of(rule, resource))]
    if not mine:
        return ()
    living = [(tier, rule) for tier, rule in mine if rule.in_force(now)]
    owned = any(rule.source is Source.OWNERSHIP for _, rule in living)
    dormant = Source.OWNERSHIP if owned and not may_create(living) else None
    if dormant:
        living = [(tier, rule) for tier, rule in living if rule.source is not dormant]
    deciding_tier = min((tier for tier, _ in living), key=NARROWEST_FIRST.index, default=None)
    level = fold(rule.level for tier, rule in living if tier == deciding_tier)

    def outcome(tier: str, rule: Rule) -> Outcome:
        if not rule.in_force(now):
            return Outcome.EXPIRED
        if rule.source is dormant:
            return Outcome.DORMANT
        if tier != deciding_tier:
            return Outcome.WIDER
        return Outcome.WON if rule.level is level else Outcome.OUTRANKED

    return tuple([Judged(rule, outcome(tier, rule)) for tier, rule in mine])


def limits(principal: Principal, verb: Verb, resource: Resource, archived: bool) -> tuple[Reason, ...]:
    """
    Everything that takes the permission away whatever the rules give, the weightiest first; empty when nothing does.
    """
    found = []
    if principal.disabled:
        found.append(Reason.DISABLED)
    if principal.project is not None and principal.project != resource.project:
        found.append(Reason.OTHER_PROJECT)
    if verb not in principal.verbs:
        found.append(Reason.SCOPE)
    if archived and verb is not Verb.READ and resource.kind is not Kind.PROJECT:
        found.append(Reason.ARCHIVED)
    return tuple(found)


def decide(
    principal: Principal,
    verb: Verb,
    resource: Resource,
    rules: Iterable[Rule],
    *,
    now: datetime,
    archived: bool = False,
) -> Decision:
    """
    Whether `principal` may `verb` the `resource` under `rules` (any rules: others' are passed over) at `now`.

    Total: never raises, and answers no where nothing speaks.
    """
    judged = judge(principal, resource, rules, now)
    level = next((item.rule.level for item in judged if item.outcome is Outcome.WON), None)
    given = EVERY_VERB if principal.is_admin else LEVEL_VERBS[level] if level else NO_VERB
    limited = limits(principal, verb, resource, archived)
    unseen = limited if verb is Verb.READ else limits(principal, Verb.READ, resource, archived)
    seen = Verb.READ in given and not unseen
    if limited:
        return Decision(False, verb, resource, limited[0], seen, level, judged, limited)
    if principal.is_admin:
        return Decision(True, verb, resource, Reason.ADMIN, seen, level, judged)
    if verb in given:
        return Decision(True, verb, resource, Reason.GRANTED, seen, level, judged)
    if level is None:
        return Decision(False, verb, resource, Reason.NO_RULE, seen, level, judged)
    return Decision(
        False, verb, resource, Reason.DENIED if level is Level.DENY else Reason.TOO_LOW, seen, level, judged
    )


def effective_levels(principal: Principal, kind: Kind, project: str, rules: Iterable[Rule], *, now: datetime) -> Levels:
    """
    The level that rules give on every resource of a kind at once, before what `limits` takes away.

    An admin has MANAGE everywhere.
    """
    if principal.is_admin:
        return Levels(Level.MANAGE)
    mine = [rule for rule in rules if principal.holds(rule.subject_id) and rule.in_force(now)]
    whole = Resource(project, kind)
    wide = [(tier, rule) for rule in mine if (tier := tier_of(rule, whole)) and rule.resource_id == ANY]
    owns = may_create(wide)
    by_id: dict[str, list[Level]] = {}
    for rule in mine:
        if rule.project != project or rule.kind != kind or rule.resource_id == ANY:
            continue
        if owns or rule.source is not Source.OWNERSHIP:
            by_id.setdefault(rule.resource_id, []).append(rule.level)
    named = {resource_id: level for resource_id, levels in by_id.items() if (level := fold(levels))}
    return Levels(deciding_level(wide), named)


def levels_within_limits(
    principal: Principal, kind: Kind, project: str, rules: Iterable[Rule], *, now: datetime, archived: bool
) -> Levels:
    """
    The same after what `limits` takes away: each level no higher than what may be done in the end.
    """
    whole = Resource(project, kind)
    verbs = frozenset(verb for verb in Verb if not limits(principal, verb, whole, archived))
    levels = effective_levels(principal, kind, project, rules, now=now)
    named = {name: within for name, level in levels.named.items() if (within := capped(level, verbs))}
    return Levels(capped(levels.default, verbs), named)


def visible(principal: Principal, kind: Kind, project: str, rules: Iterable[Rule], *, now: datetime) -> Visible:
    """
    Which resources of a kind the principal may read: the same answer as `decide` for READ, for all ids at once.
    """
    if limits(principal, Verb.READ, Resource(project, kind), archived=False):
        return Visible(False)
    levels = effective_levels(principal, kind, project, rules, now=now)

    def reads(level: Level | None) -> bool:
        return level is not None and Verb.READ in LEVEL_VERBS[level]

    default = reads(levels.default)
    return Visible(default, frozenset(name for name, level in levels.named.items() if reads(level) != default))
