"""Makes the differences between two policies true, in lots: some statements a section, not some a row."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session as OrmSession

from cerberus.policy import Source
from cerberus.store import endings
from cerberus.store import policy_subjects as subjects
from cerberus.store.policy_facts import OF_THE_POLICY, rows
from cerberus.store.policy_subjects import every
from cerberus.store.roles import levels_text
from cerberus.store.tables import Base, ProjectRow, SubjectRow
from cerberus.store.world import KIND_OF, Step

BINDINGS = Base.metadata.tables["bindings"]
GRANTS = Base.metadata.tables["grants"]
MEMBERSHIPS = Base.metadata.tables["memberships"]
PROJECTS = Base.metadata.tables["projects"]
ROLES = Base.metadata.tables["roles"]


class Writer:
    """One application of differences. What refers to something goes before it, and comes after it."""

    def __init__(self, session: OrmSession, steps: Sequence[Step], *, at: datetime, by: str) -> None:
        self._session = session
        self._at = at
        self._by = by
        self._steps: dict[str, list[Step]] = {}
        for step in steps:
            self._steps.setdefault(step.section, []).append(step)
        self._subjects: dict[str, int] = {}
        self._projects: dict[str, int] = {}

    def write(self) -> None:
        """
        Everything, in an order in which nothing is missing.
        """
        self._look_up()
        self._take_grants()
        self._take_members()
        self._take_memberships()
        subjects.remove(self._session, [self._subjects[step.key] for kind in KIND_OF for step in self._gone(kind)])
        self._write_roles()
        self._write_projects()
        subjects.write(self._session, self._steps, owners=self._projects, at=self._at)
        self._look_up()
        subjects.write_platform_roles(self._session, self._steps.get("people", ()), ids=self._subjects)
        self._give_memberships()
        self._give_members()
        self._give_grants()
        self._session.expire_all()

    def _gone(self, section: str) -> list[Step]:
        return [step for step in self._steps.get(section, ()) if step.after is None]

    def _new(self, section: str) -> list[Step]:
        return [step for step in self._steps.get(section, ()) if step.before is None]

    def _changed(self, section: str) -> list[Step]:
        return [step for step in self._steps.get(section, ()) if None not in (step.before, step.after)]

    def _every(self, statement: Any, values: list[dict[str, Any]]) -> None:
        every(self._session, statement, values)

    def _look_up(self) -> None:
        steps = list(chain.from_iterable(self._steps.values()))
        names = {name for step in steps for name in step.named("subject")}
        slugs = {slug for step in steps for slug in step.named("project")}
        for step in self._steps.get("accounts", ()):
            slugs.update(side.project for side in (step.before, step.after) if side is not None)
        found = select(SubjectRow.name, SubjectRow.id)
        self._subjects = dict(rows(self._session, found, SubjectRow.name, names))
        known = select(ProjectRow.slug, ProjectRow.id)
        self._projects = dict(rows(self._session, known, ProjectRow.slug, slugs))

    def _take_grants(self) -> None:
        table = GRANTS.c
        statement = delete(GRANTS).where(
            table.project_id == bindparam("p"),
            table.kind == bindparam("k"),
            table.resource_id == bindparam("r"),
            table.subject_id == bindparam("s"),
            table.source == Source.GRANT,
        )
        self._every(statement, [self._grant_key(step) for step in self._gone("grants") + self._new("grants")])

    def _grant_key(self, step: Step) -> dict[str, Any]:
        slug, kind, resource_id, subject = step.key
        # What is not there yet has no grant that could be in the way.
        return {"p": self._projects.get(slug, 0), "k": kind, "r": resource_id, "s": self._subjects.get(subject, 0)}

    def _take_members(self) -> None:
        table = BINDINGS.c
        statement = delete(BINDINGS).where(table.project_id == bindparam("p"), table.subject_id == bindparam("s"))
        steps = self._gone("members") + self._new("members")  # an ended binding may be in a new one's place
        self._every(statement, [self._member_key(step) for step in steps])

    def _member_key(self, step: Step) -> dict[str, Any]:
        slug, subject = step.key
        return {"p": self._projects.get(slug, 0), "s": self._subjects.get(subject, 0)}

    def _take_memberships(self) -> None:
        table = MEMBERSHIPS.c
        statement = delete(MEMBERSHIPS).where(table.group_id == bindparam("g"), table.member_id == bindparam("m"))
        steps = self._gone("memberships") + self._new("memberships")  # or one that sign-in made
        pairs = [(self._subjects.get(step.key[0], 0), self._subjects.get(step.key[1], 0)) for step in steps]
        self._every(statement, [{"g": group, "m": member} for group, member in pairs])

    def _write_roles(self) -> None:
        table = ROLES
        mine = (table.c.home == bindparam("h"), table.c.name == bindparam("n"))
        gone = [{"h": home, "n": name} for home, name in (step.key for step in self._gone("roles"))]
        self._every(delete(table).where(*mine), gone)
        self._every(
            update(table).where(*mine),
            [{"h": step.key[0], "n": step.key[1], **_role(step)} for step in self._changed("roles")],
        )
        self._every(
            insert(table),
            [
                {"home": step.key[0], "name": step.key[1], "created_at": self._at, **_role(step)}
                for step in self._new("roles")
            ],
        )

    def _write_projects(self) -> None:
        for step in self._gone("projects"):
            row = self._session.get_one(ProjectRow, self._projects[step.key])
            endings.end_everything(self._session, row, self._at)
            row.deleted_at = self._at
            self._session.flush()
        table = PROJECTS
        for step in self._changed("projects"):
            values = step.after._asdict()
            archived = values.pop("archived")
            if archived != step.before.archived:
                values["archived_at"] = self._at if archived else None
            self._session.connection().execute(update(table).where(table.c.slug == step.key).values(**values))
        new = []
        for step in self._new("projects"):
            values = step.after._asdict()
            archived_at = self._at if values.pop("archived") else None
            new.append({"slug": step.key, "created_at": self._at, "archived_at": archived_at, **values})
        self._every(insert(table), new)
        slugs = [step.key for step in self._new("projects")]
        known = select(ProjectRow.slug, ProjectRow.id)
        self._projects |= dict(rows(self._session, known, ProjectRow.slug, slugs))

    def _give_memberships(self) -> None:
        pairs = [(self._subjects[step.key[0]], self._subjects[step.key[1]]) for step in self._new("memberships")]
        values = [{"group_id": group, "member_id": member, "source": OF_THE_POLICY} for group, member in pairs]
        self._every(insert(MEMBERSHIPS), values)

    def _give_members(self) -> None:
        table = BINDINGS
        self._every(
            update(table).where(table.c.project_id == bindparam("p"), table.c.subject_id == bindparam("s")),
            [{**self._member_key(step), "role": step.after.given, **_terms(step)} for step in self._changed("members")],
        )
        new = []
        for step in self._new("members"):
            place = {"project_id": self._projects[step.key[0]], "subject_id": self._subjects[step.key[1]]}
            new.append({**place, "role": step.after.given, **_terms(step), "added_at": self._at, "added_by": self._by})
        self._every(insert(table), new)

    def _give_grants(self) -> None:
        table = GRANTS
        made = {"added_at": self._at, "added_by": self._by}
        self._every(
            update(table).where(
                table.c.project_id == bindparam("p"),
                table.c.kind == bindparam("k"),
                table.c.resource_id == bindparam("r"),
                table.c.subject_id == bindparam("s"),
                table.c.source == Source.GRANT,
            ),
            [
                {**self._grant_key(step), "level": step.after.given, **_terms(step), **made}
                for step in self._changed("grants")
            ],
        )
        new = []
        for step in self._new("grants"):
            slug, kind, resource_id, subject = step.key
            place = {"project_id": self._projects[slug], "subject_id": self._subjects[subject]}
            what = {"kind": kind, "resource_id": resource_id, "level": step.after.given, "source": Source.GRANT}
            new.append({**place, **what, **_terms(step), **made})
        self._every(insert(table), new)


def _terms(step: Step) -> dict[str, Any]:
    return {"expires_at": step.after.until, "reason": step.after.reason}


def _role(step: Step) -> dict[str, Any]:
    after = step.after
    return {
        "description": after.description,
        "levels": levels_text(dict(after.levels)),
        "manages_project": after.manages_project,
    }
