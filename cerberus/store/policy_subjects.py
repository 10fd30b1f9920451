"""Makes users, groups and service accounts what a policy says, in lots."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session as OrmSession

from cerberus.store import credentials, words
from cerberus.store.policy_facts import OF_THE_POLICY, rows
from cerberus.store.tables import Base, SubjectRow
from cerberus.store.world import KIND_OF, Step

SUBJECTS = Base.metadata.tables["subjects"]
WORDS = Base.metadata.tables["subject_words"]
PLATFORM_ROLES = Base.metadata.tables["platform_roles"]


def every(session: OrmSession, statement: Any, values: list[dict[str, Any]]) -> None:
    """
    Runs the statement once for each of the values, on the connection: past the objects of the unit of work.
    """
    if values:
        session.connection().execute(statement, values)


def remove(session: OrmSession, ids: Iterable[int]) -> None:
    """
    Deletes subjects with everything that hangs on them.
    """
    every(session, delete(SUBJECTS).where(SUBJECTS.c.id == bindparam("key")), [{"key": each} for each in ids])


def write(session: OrmSession, steps: Mapping[str, Sequence[Step]], *, owners: Mapping[str, int], at: datetime) -> None:
    """
    Makes new subjects, without passwords, and changes others; `owners` are projects' ids by slug.
    """
    made, changed, disabled = [], [], []
    for section, kind in KIND_OF.items():
        for step in steps.get(section, ()):
            if step.after is None:
                continue
            values = _columns(section, step.after, owners)
            if step.before is None:
                made.append({"kind": kind, "name": step.key, "password_hash": None, "created_at": at, **values})
            else:
                changed.append({"n": step.key, **values})
                disabled += [step.key] if values["disabled"] else []
    every(session, update(SUBJECTS).where(SUBJECTS.c.name == bindparam("n")), changed)
    every(session, insert(SUBJECTS), made)
    ended = [key for (key,) in rows(session, select(SubjectRow.id), SubjectRow.name, disabled)]
    credentials.end_sessions_of(session, at, subject_ids=ended)
    _write_words(session, [values["name"] for values in made] + [values["n"] for values in changed])


def _columns(section: str, after: Any, owners: Mapping[str, int]) -> dict[str, Any]:
    if section == "groups":
        return {"display_name": after, "disabled": False, "project_id": None}
    owner = owners[after.project] if section == "accounts" else None
    return {"display_name": after.display_name, "disabled": after.disabled, "project_id": owner}


def _write_words(session: OrmSession, names: Iterable[str]) -> None:
    query = select(SubjectRow.id, SubjectRow.name, SubjectRow.display_name)
    found = list(rows(session, query, SubjectRow.name, names))
    every(session, delete(WORDS).where(WORDS.c.subject_id == bindparam("key")), [{"key": key} for key, _, _ in found])
    every(
        session,
        insert(WORDS),
        [
            {"word": word, "subject_id": key}
            for key, name, shown in found
            for word in sorted(words.words_of(name, shown))
        ],
    )


def write_platform_roles(session: OrmSession, steps: Iterable[Step], *, ids: Mapping[str, int]) -> None:
    """
    Gives and takes the platform roles of users; one that sign-in gave becomes one of the policy.
    """
    taken: list[dict[str, Any]] = []
    given: list[dict[str, Any]] = []
    for step in steps:
        if step.after is not None:
            had = set() if step.before is None else set(step.before.platform_roles)
            for role in sorted(had ^ set(step.after.platform_roles)):
                (taken if role in had else given).append({"s": ids[step.key], "r": role})
    mine = (PLATFORM_ROLES.c.subject_id == bindparam("s"), PLATFORM_ROLES.c.role == bindparam("r"))
    every(session, delete(PLATFORM_ROLES).where(*mine), taken + given)
    made = [{"subject_id": each["s"], "role": each["r"], "source": OF_THE_POLICY} for each in given]
    every(session, insert(PLATFORM_ROLES), made)
