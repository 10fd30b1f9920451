"""What must not be lost when much changes at once: owners of things, maintainers of projects. In few statements."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Source, SubjectKind
from cerberus.store import projects
from cerberus.store.policy_facts import rows
from cerberus.store.reached import groups_inside, with_groups
from cerberus.store.records import Did
from cerberus.store.roles import manages
from cerberus.store.tables import AuditRow, BindingRow, GrantRow, IntentRow, MembershipRow, ProjectRow, SubjectRow


def owned(session: OrmSession, names: Iterable[str]) -> list[tuple[str, str, int]]:
    """
    Who of these owns how many things in which project.
    """
    query = (
        select(SubjectRow.name, ProjectRow.slug, func.count())
        .join(GrantRow, GrantRow.subject_id == SubjectRow.id)
        .join(ProjectRow, ProjectRow.id == GrantRow.project_id)
        .where(GrantRow.source == Source.OWNERSHIP, ProjectRow.deleted_at.is_(None))
        .group_by(SubjectRow.name, ProjectRow.slug)
        .order_by(SubjectRow.name, ProjectRow.slug)
    )
    return [(name, slug, count) for name, slug, count in rows(session, query, SubjectRow.name, names)]


def created_in(session: OrmSession, slugs: Iterable[str]) -> list[tuple[str, int]]:
    """
    Which of these projects hold how many things that somebody owns, or is making there.
    """
    slugs = list(slugs)
    owned = (
        select(ProjectRow.slug, func.count())
        .join(GrantRow, GrantRow.project_id == ProjectRow.id)
        .where(GrantRow.source == Source.OWNERSHIP)
        .group_by(ProjectRow.slug)
    )
    being_made = select(IntentRow.project, func.count()).where(IntentRow.deed == Did.CREATE).group_by(IntentRow.project)
    found: Counter[str] = Counter()
    for query, column in ((owned, ProjectRow.slug), (being_made, IntentRow.project)):
        for slug, count in rows(session, query, column, slugs):
            found[slug] += count
    return sorted(found.items())


def managed_through(session: OrmSession, names: Iterable[str], now: datetime) -> set[str]:
    """
    The projects that one of these subjects manages, itself or through groups.
    """
    found: set[str] = set()
    for ids in with_groups(session, names):
        found.update(row.slug for row in projects.managed_by(session, ids, now=now))
    return found


def maintained(session: OrmSession, slugs: Iterable[str]) -> set[str]:
    """
    Those of the projects that an enabled user manages for good, directly or through groups.
    """
    query = (
        select(ProjectRow.slug, SubjectRow.id, SubjectRow.kind, SubjectRow.disabled)
        .join(BindingRow, BindingRow.project_id == ProjectRow.id)
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .where(ProjectRow.deleted_at.is_(None), BindingRow.expires_at.is_(None), manages())
    )
    sure: set[str] = set()
    through: dict[str, set[int]] = {}
    for slug, key, kind, disabled in rows(session, query, ProjectRow.slug, slugs):
        if kind == SubjectKind.USER and not disabled:
            sure.add(slug)
        elif kind == SubjectKind.GROUP:
            through.setdefault(slug, set()).add(key)
    unsure = {slug: groups for slug, groups in through.items() if slug not in sure}
    peopled = _with_enabled_users(session, set().union(*unsure.values()))
    return sure | {slug for slug, groups in unsure.items() if groups & peopled}


def _with_enabled_users(session: OrmSession, groups: set[int]) -> set[int]:
    inside = groups_inside(session, groups)
    query = (
        select(MembershipRow.group_id)
        .join(SubjectRow, SubjectRow.id == MembershipRow.member_id)
        .where(SubjectRow.kind == SubjectKind.USER, SubjectRow.disabled.is_(False))
        .distinct()
    )
    peopled = {key for (key,) in rows(session, query, MembershipRow.group_id, set().union(*inside.values()))}
    return {group for group, parts in inside.items() if parts & peopled}


def newest_change(session: OrmSession) -> AuditRow | None:
    """
    The newest audit line of a change.
    """
    query = select(AuditRow).where(AuditRow.hash.is_not(None), AuditRow.outcome == "ok")
    return session.scalar(query.order_by(AuditRow.id.desc()).limit(1))
