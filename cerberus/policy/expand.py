"""Turns a binding (subject has role in project) into the rules that the policy function reads."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from cerberus.policy.catalog import ANY, Kind, Level, Role, SubjectKind
from cerberus.policy.model import Rule, Source


def rules_of_binding(
    role: Role,
    *,
    binding_id: int,
    project: str,
    subject_id: int,
    subject_name: str,
    subject_kind: SubjectKind,
    expires_at: datetime | None,
) -> tuple[Rule, ...]:
    """
    One rule for each kind that the role names, and one for the project itself: READ for members, MANAGE for managers.
    """
    levels = {**role.levels, Kind.PROJECT: Level.MANAGE if role.manages_project else Level.READ}
    return tuple(
        Rule(
            subject_id=subject_id,
            subject_name=subject_name,
            subject_kind=subject_kind,
            project=project,
            kind=kind,
            resource_id=ANY,
            level=level,
            source=Source.BINDING,
            id=binding_id,
            role=role.name,
            expires_at=expires_at,
        )
        for kind, level in levels.items()
    )


def tells_of_the_project(rule: Rule) -> bool:
    """
    Whether who has this grant may know that the project exists: a DENY tells nothing, ownership alone gives nothing.
    """
    return rule.level is not Level.DENY and rule.kind is not Kind.PROJECT and rule.source is Source.GRANT


def rules_of_grant(rule: Rule) -> tuple[Rule, ...]:
    """
    The grant's own rule, and READ on the project itself: who is given something there may know that the project exists.
    """
    if not tells_of_the_project(rule):
        return (rule,)
    return rule, replace(rule, kind=Kind.PROJECT, resource_id=ANY, level=Level.READ)


def rules_of_grants(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """
    The same for many grants, with one READ on a project for each subject: the one that lasts longest.

    Ten thousand grants in a project would otherwise be ten thousand rules on the project.
    """
    found = tuple(rules)
    lasting: dict[tuple[int, str], Rule] = {}
    for rule in found:
        if tells_of_the_project(rule):
            best = lasting.setdefault((rule.subject_id, rule.project), rule)
            if best.expires_at is not None and (rule.expires_at is None or rule.expires_at > best.expires_at):
                lasting[rule.subject_id, rule.project] = rule
    return found + tuple(rules_of_grant(rule)[1] for rule in lasting.values())
