"""Turns a binding (subject has role in project) into the rules that the policy function reads."""

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


def rules_of_grant(rule: Rule) -> tuple[Rule, ...]:
    """
    The grant's own rule, and READ on the project itself: who is given something there may know that the project exists.
    """
    if rule.level is Level.DENY or rule.kind is Kind.PROJECT or rule.source is not Source.GRANT:
        return (rule,)
    return rule, replace(rule, kind=Kind.PROJECT, resource_id=ANY, level=Level.READ)
