"""What would turn a no into a yes: found by asking `decide` again with one thing changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cerberus.policy.catalog import ALL_SCOPES, LEVEL_ORDER, Kind, Level, Role
from cerberus.policy.decide import decide
from cerberus.policy.expand import rules_of_binding
from cerberus.policy.model import Decision, Outcome, Principal, Reason, Rule, Source


@dataclass(frozen=True, slots=True)
class Needed:
    """
    Each `limits` has to go, and one of the rest has to come: this level on the very resource, or one of these roles.

    `denies` are the DENY rules that decide: while one of them stands where no narrower rule can be, nothing helps.
    """

    limits: tuple[Reason, ...] = ()
    denies: tuple[Rule, ...] = ()
    level: Level | None = None
    roles: tuple[str, ...] = ()


NOTHING = Needed()


def needed(
    principal: Principal, decision: Decision, rules: Iterable[Rule], roles: Iterable[Role], *, now: datetime
) -> Needed:
    """
    What `principal` lacks for what `decision` refused under `rules`, in a project that has these `roles` to give.
    """
    if decision.allowed:
        return NOTHING
    resource = decision.resource
    person = replace(principal, disabled=False, scopes=ALL_SCOPES, project=None)
    present = tuple(rules)

    def helps(rules: Iterable[Rule]) -> bool:
        return decide(person, decision.verb, resource, rules, now=now).allowed

    if helps(present):
        return Needed(limits=decision.limits)
    deciding = [item.rule for item in decision.judged if item.outcome is Outcome.WON]
    return Needed(
        limits=decision.limits,
        denies=tuple(rule for rule in deciding if rule.level is Level.DENY),
        level=None if resource.kind is Kind.PROJECT else _lowest_level(person, decision, present, helps),
        roles=tuple(role.name for role in roles if helps(_with_role(person, decision, present, role))),
    )


Helps = Callable[[Iterable[Rule]], bool]


def _lowest_level(person: Principal, decision: Decision, present: tuple[Rule, ...], helps: Helps) -> Level | None:
    resource = decision.resource
    mine = (person.id, resource.project, resource.kind, resource.id, Source.GRANT)
    others = [
        rule for rule in present if (rule.subject_id, rule.project, rule.kind, rule.resource_id, rule.source) != mine
    ]  # a grant takes the place of the one that the person has there
    for level in LEVEL_ORDER[1:]:
        grant = Rule(
            subject_id=person.id,
            subject_name=person.name,
            subject_kind=person.kind,
            project=resource.project,
            kind=resource.kind,
            resource_id=resource.id,
            level=level,
            source=Source.GRANT,
            id=0,
        )
        if helps([*others, grant]):
            return level
    return None


def _with_role(person: Principal, decision: Decision, present: tuple[Rule, ...], role: Role) -> list[Rule]:
    # The role takes the place of the one that the person has in the project; what groups have there stays.
    others = [rule for rule in present if (rule.subject_id, rule.source) != (person.id, Source.BINDING)]
    given = rules_of_binding(
        role,
        binding_id=0,
        project=decision.resource.project,
        subject_id=person.id,
        subject_name=person.name,
        subject_kind=person.kind,
        expires_at=None,
    )
    return [*others, *given]
