"""Roles of people's making, beside the built-in ones: for one project, or for every project."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import ANY, BUILT_IN_ROLES, Kind, Level, Role
from cerberus.policy.catalog import AnyKind
from cerberus.store.records import RoleInfo
from cerberus.store.tables import BindingRow, ProjectRow, RoleRow, in_force

EVERYWHERE = ""
"""The home of a role that every project has."""

MANAGING = tuple(role.name for role in BUILT_IN_ROLES.values() if role.manages_project)


def as_kind(value: str) -> AnyKind:
    """
    The kind that a column holds.
    """
    return ANY if value == ANY else Kind(value)


@lru_cache(maxsize=1024)
def levels_of(text: str) -> Mapping[AnyKind, Level]:
    """
    The levels that a column holds.
    """
    return MappingProxyType({as_kind(kind): Level(level) for kind, level in json.loads(text).items()})


def levels_text(levels: Mapping[AnyKind, Level]) -> str:
    """
    The levels as the column holds them.
    """
    return json.dumps({str(kind): str(level) for kind, level in levels.items()}, sort_keys=True)


def role(row: RoleRow) -> Role:
    """
    The row as the policy functions take it.
    """
    return Role(row.name, row.description, levels_of(row.levels), row.manages_project)


def meant(name: str, levels: str | None, *, manages_project: bool) -> Role | None:
    """
    What a binding's role gives, with the columns of the role's row, if it has one; None for a role that is gone.

    A built-in name means the built-in role, whatever somebody wrote into the table.
    """
    if name in BUILT_IN_ROLES:
        return BUILT_IN_ROLES[name]
    return None if levels is None else Role(name, "", levels_of(levels), manages_project)


def role_info(row: RoleRow) -> RoleInfo:
    """
    The row as a value.
    """
    return RoleInfo(row.name, row.description, levels_of(row.levels), row.manages_project, row.home or None, False)


BUILT_IN = tuple(
    RoleInfo(each.name, each.description, each.levels, each.manages_project, None, True)
    for each in BUILT_IN_ROLES.values()
)


def in_reach() -> ColumnElement[bool]:
    """
    Whether a RoleRow is the role that a BindingRow in a ProjectRow names, where the three are joined.
    """
    return (RoleRow.name == BindingRow.role) & RoleRow.home.in_((EVERYWHERE, ProjectRow.slug))


def manages() -> ColumnElement[bool]:
    """
    Whether the role of a BindingRow manages its ProjectRow, where the two are joined.
    """
    custom = select(RoleRow.id).where(in_reach(), RoleRow.manages_project).exists()
    return or_(BindingRow.role.in_(MANAGING), custom)


def in_project(session: OrmSession, slug: str) -> list[RoleRow]:
    """
    The roles that can be given in the project beside the built-in ones, by name.
    """
    return list(
        session.scalars(select(RoleRow).where(RoleRow.home.in_((EVERYWHERE, slug))).order_by(RoleRow.name, RoleRow.id))
    )


def named(session: OrmSession, name: str) -> list[RoleRow]:
    """
    The roles of that name, of whatever project.
    """
    return list(session.scalars(select(RoleRow).where(RoleRow.name == name)))


def find(session: OrmSession, slug: str, name: str) -> Role | None:
    """
    What the name means in the project: a built-in role or one that can be given there; None when nothing.
    """
    found = session.scalar(select(RoleRow).where(RoleRow.name == name, RoleRow.home.in_((EVERYWHERE, slug))))
    return BUILT_IN_ROLES.get(name) or (None if found is None else role(found))


def at_home(session: OrmSession, home: str) -> list[RoleRow]:
    """
    The roles of one home, by name.
    """
    return list(session.scalars(select(RoleRow).where(RoleRow.home == home).order_by(RoleRow.name)))


def insert(
    session: OrmSession,
    name: str,
    *,
    home: str,
    description: str,
    levels: Mapping[AnyKind, Level],
    manages_project: bool,
    at: datetime,
) -> RoleRow:
    """
    A new role. IntegrityError when its home has one of that name.
    """
    row = RoleRow(
        home=home,
        name=name,
        description=description,
        levels=levels_text(levels),
        manages_project=manages_project,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row


def bound(session: OrmSession, row: RoleRow, now: datetime) -> int:
    """
    How many bindings in force give the role.
    """
    query = (
        select(func.count())
        .select_from(BindingRow)
        .join(ProjectRow, ProjectRow.id == BindingRow.project_id)
        .where(BindingRow.role == row.name, in_force(BindingRow, now))
    )
    if row.home != EVERYWHERE:
        query = query.where(ProjectRow.slug == row.home)
    return session.scalar(query) or 0


def projects_with(session: OrmSession, row: RoleRow) -> list[str]:
    """
    The slugs of the projects in which somebody has the role.
    """
    query = (
        select(ProjectRow.slug)
        .join(BindingRow, BindingRow.project_id == ProjectRow.id)
        .where(BindingRow.role == row.name)
        .distinct()
    )
    if row.home != EVERYWHERE:
        query = query.where(ProjectRow.slug == row.home)
    return list(session.scalars(query))
