"""Loads who somebody is and every rule that concerns them, in a handful of statements however large the database is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as OrmSession

from cerberus.bounded import Bounded
from cerberus.policy import PlatformRole, Principal, Rule, Rulebook, SubjectKind
from cerberus.store import projects, rules
from cerberus.store.records import ProjectInfo
from cerberus.store.rules import Holder, Holders
from cerberus.store.tables import MembershipRow, PlatformRoleRow, SubjectRow

MOST_ASKED = 20_000
"""How many answers about single projects an admin's principal keeps."""

Opening = Callable[[], AbstractContextManager[OrmSession]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A principal, its rules by project, and the projects that they are in (for an admin, every project)."""

    principal: Principal
    rules: Mapping[str, tuple[Rule, ...]]
    projects: Mapping[str, ProjectInfo]


class EveryProject(Mapping[str, ProjectInfo]):
    """
    All projects, each looked up when it is first asked about: an admin asks about few of very many.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._asked: dict[str, ProjectInfo | None] = Bounded(MOST_ASKED)
        self._all: dict[str, ProjectInfo] | None = None

    def __getitem__(self, slug: str) -> ProjectInfo:
        found = self._all.get(slug) if self._all is not None else self._one(slug)
        if found is None:
            raise KeyError(slug)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._every())

    def __len__(self) -> int:
        return len(self._every())

    def _one(self, slug: str) -> ProjectInfo | None:
        try:
            return self._asked[slug]
        except KeyError:
            with self._opening() as session:
                row = projects.project_row(session, slug)
            found = self._asked[slug] = None if row is None else projects.project_info(row)
            return found

    def _every(self) -> dict[str, ProjectInfo]:
        if self._all is None:
            with self._opening() as session:
                self._all = {info.slug: info for info in projects.every(session)}
        return self._all


def groups_of(session: OrmSession, subject_id: int) -> frozenset[int]:
    """
    The groups that the subject is in, through other groups too. A circle of groups does no harm.
    """
    mine = select(MembershipRow.group_id).where(MembershipRow.member_id == subject_id).cte("mine", recursive=True)
    above = select(MembershipRow.group_id).join(mine, MembershipRow.member_id == mine.c.group_id)
    return frozenset(session.scalars(select(mine.union(above).c.group_id)))


def load(session: OrmSession, subject_id: int, *, opening: Opening | None = None) -> Loaded | None:
    """
    The principal with all scopes; None when there is no such user or service account. Three statements, and one for
    projects in which they have nothing but grants.

    `opening` opens a transaction for what is looked up later, the projects of an admin; without it this one serves.
    """
    principal, holders = _principal(session, subject_id)
    if principal is None:
        return None
    bound, infos = rules.of_bindings_to(session, holders)
    found = rules.ByProject(bound, rules.of_grants_to(session, holders))
    book = Rulebook(found)
    if principal.is_admin:
        return Loaded(principal, book, EveryProject(opening or (lambda: nullcontext(session))))
    if others := found.keys() - infos:
        infos |= {info.slug: info for info in projects.among(session, others)}
    return Loaded(principal, book, infos)


def _principal(session: OrmSession, subject_id: int) -> tuple[Principal | None, Holders]:
    """
    The user or service account, and everybody whose rules are theirs: itself, and each group that it is in.
    """
    found = session.execute(_with_groups(subject_id)).all()
    own = [row for row in found if row.id == subject_id and row.kind != SubjectKind.GROUP]
    if not own:
        return None, {}
    holders = {row.id: Holder(row.id, row.name, SubjectKind(row.kind)) for row in found}
    principal = Principal(
        id=subject_id,
        name=own[0].name,
        kind=SubjectKind(own[0].kind),
        display_name=own[0].display_name,
        groups=frozenset(holders) - {subject_id},
        platform_roles=frozenset(PlatformRole(row.role) for row in own if row.role is not None),
        disabled=own[0].disabled,
    )
    return principal, holders


def _with_groups(subject_id: int) -> Select[Any]:
    mine = select(SubjectRow.id).where(SubjectRow.id == subject_id).cte("mine", recursive=True)
    above = select(MembershipRow.group_id).join(mine, MembershipRow.member_id == mine.c.id)
    every = mine.union(above)
    role_of = (PlatformRoleRow.subject_id == SubjectRow.id) & (SubjectRow.id == subject_id)
    who: tuple[Any, ...] = (SubjectRow.id, SubjectRow.name, SubjectRow.kind, SubjectRow.display_name)
    return (
        select(*who, SubjectRow.disabled, PlatformRoleRow.role)
        .join(every, every.c.id == SubjectRow.id)
        .outerjoin(PlatformRoleRow, role_of)
    )
