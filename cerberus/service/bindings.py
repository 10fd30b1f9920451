"""Gives and changes roles within a change that is under way: what members, requests and new projects have in common."""

from datetime import datetime

from cerberus.service.change import Change
from cerberus.service.subjects import maintainers_stay
from cerberus.store import projects
from cerberus.store.records import Member
from cerberus.store.tables import BindingRow, ProjectRow, SubjectRow


def bind(
    change: Change, project: ProjectRow, subject: SubjectRow, *, role: str, expires_at: datetime | None, reason: str
) -> Member:
    """
    A role for a subject that has none in the project.
    """
    binding = projects.bind(
        change.session,
        project,
        subject,
        role=role,
        expires_at=expires_at,
        reason=reason,
        at=change.now,
        by=change.actor.principal.name,
    )
    return projects.member(binding, subject)


def rebind(
    change: Change,
    project: ProjectRow,
    subject: SubjectRow,
    binding: BindingRow,
    *,
    role: str,
    expires_at: datetime | None,
    reason: str,
) -> Member:
    """
    Another role, end or reason for a member. Conflict when that left the project without a maintainer.
    """
    with maintainers_stay(change, [project.slug]):
        binding.role, binding.expires_at, binding.reason = role, expires_at, reason
    return projects.member(binding, subject)


def shown(member: Member) -> dict[str, str | None]:
    """
    The member as an audit line shows it.
    """
    ends = None if member.expires_at is None else member.expires_at.isoformat()
    return {"role": member.role, "expires_at": ends, "reason": member.reason}
