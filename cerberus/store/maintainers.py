"""A project always has a maintainer: which ones have, and who manages which. In few statements, however many."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import SubjectKind
from cerberus.store.reached import groups_inside, rows_in, with_groups
from cerberus.store.roles import manages
from cerberus.store.tables import BindingRow, MembershipRow, ProjectRow, SubjectRow, in_force


def maintained(session: OrmSession, slugs: Iterable[str]) -> set[str]:
    """
    Those of the projects that an enabled user manages for good, directly or through groups.

    A binding with an end does not count: it would leave the project alone without anybody doing anything.
    """
    query = (
        select(ProjectRow.slug, SubjectRow.id, SubjectRow.kind, SubjectRow.disabled)
        .join(BindingRow, BindingRow.project_id == ProjectRow.id)
        .join(SubjectRow, SubjectRow.id == BindingRow.subject_id)
        .where(ProjectRow.deleted_at.is_(None), BindingRow.expires_at.is_(None), manages())
    )
    sure: set[str] = set()
    through: dict[str, set[int]] = {}
    for slug, key, kind, disabled in rows_in(session, query, ProjectRow.slug, slugs):
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
    peopled = {key for (key,) in rows_in(session, query, MembershipRow.group_id, set().union(*inside.values()))}
    return {group for group, parts in inside.items() if parts & peopled}


def managed_by(session: OrmSession, subject_ids: Iterable[int], *, now: datetime) -> set[str]:
    """
    The projects that one of the subjects itself manages at that moment.
    """
    query = (
        select(ProjectRow.slug)
        .join(BindingRow, BindingRow.project_id == ProjectRow.id)
        .where(in_force(BindingRow, now), ProjectRow.deleted_at.is_(None), manages())
        .distinct()
    )
    return {slug for (slug,) in rows_in(session, query, BindingRow.subject_id, subject_ids)}


def managed_through(session: OrmSession, names: Iterable[str], *, now: datetime) -> set[str]:
    """
    The projects that one of the subjects of these names manages at that moment, itself or through groups.
    """
    return set().union(*(managed_by(session, ids, now=now) for ids in with_groups(session, names)))
