"""What stands in the way when much changes at once: things that somebody owns. And the newest change there was."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Source
from cerberus.store.policy_facts import rows
from cerberus.store.records import Did
from cerberus.store.tables import AuditRow, GrantRow, IntentRow, ProjectRow, SubjectRow


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


def newest_change(session: OrmSession) -> AuditRow | None:
    """
    The newest audit line of a change.
    """
    query = select(AuditRow).where(AuditRow.hash.is_not(None), AuditRow.outcome == "ok")
    return session.scalar(query.order_by(AuditRow.id.desc()).limit(1))
