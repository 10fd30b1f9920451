"""Finds users, groups and service accounts by name, and keeps an admin and the maintainers in office."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cerberus.errors import Conflict, NotFound
from cerberus.policy import SubjectKind
from cerberus.service import parse
from cerberus.service.change import Change, View
from cerberus.store import credentials, maintainers, principals, subjects
from cerberus.store.tables import SubjectRow


def find_anybody(view: View, name: object) -> SubjectRow:
    """
    The row of the user, group or service account of that name; NotFound when there is none.
    """
    row = subjects.by_name(view.session, parse.user_name(name, "subject"))
    if row is None:
        raise NotFound(f"There is no user, group or service account {name}.")
    return row


def find_subject(view: View, name: object, kind: SubjectKind) -> SubjectRow:
    """
    The row of that name and kind; NotFound when there is none.
    """
    row = subjects.by_name(view.session, parse.user_name(name))
    if row is None or row.kind != kind:
        raise NotFound(f"There is no {kind.replace('_', ' ')} {name}.")
    return row


def require_free(change: Change, name: str) -> None:
    """
    Conflict when any subject has the name.
    """
    if subjects.by_name(change.session, name) is not None:
        raise Conflict(f"The name {name} is taken.", hint="Users, groups and service accounts share their names.")


def require_admin_left(change: Change) -> None:
    """
    Conflict when no enabled user is admin any more.
    """
    if not subjects.enabled_admins(change.session):
        raise Conflict("That is the last admin.", hint="Make somebody else admin first.")


@contextmanager
def maintainers_stay(change: Change, projects: Iterable[str]) -> Iterator[None]:
    """
    Conflict, naming them, when the block takes the last maintainer from some of the projects.

    One that has none to begin with is in nobody's way.
    """
    kept = maintainers.maintained(change.session, projects)
    yield
    change.session.flush()
    alone = sorted(kept - maintainers.maintained(change.session, kept))
    if alone:
        raise Conflict(
            f"That would leave {', '.join(alone)} without a maintainer.", hint="Make somebody else maintainer first."
        )


def managed_with(view: View, row: SubjectRow) -> set[str]:
    """
    The projects that the subject, or a group that it is in, manages now.
    """
    ids = (row.id, *principals.groups_of(view.session, row.id))
    return maintainers.managed_by(view.session, ids, now=view.now)


def disable(change: Change, row: SubjectRow, *, project: str | None = None) -> None:
    """
    Ends the account's sessions and refuses its tokens from now on. Conflict for the last admin or maintainer.
    """
    if row.disabled:
        return
    with maintainers_stay(change, managed_with(change, row)):
        row.disabled = True
    require_admin_left(change)
    credentials.end_sessions(change.session, change.now, subject_id=row.id)
    change.record(f"{row.kind}.disable", f"{row.kind}:{row.name}", project=project)


def enable(change: Change, row: SubjectRow, *, project: str | None = None) -> None:
    """
    Lets the account in again; its tokens work again too.
    """
    if row.disabled:
        row.disabled = False
        change.session.flush()
        change.record(f"{row.kind}.enable", f"{row.kind}:{row.name}", project=project)


def rename(change: Change, row: SubjectRow, display_name: str, *, project: str | None = None) -> None:
    """
    Another display name; the name itself stays.
    """
    if row.display_name == display_name:
        return
    before = {"display_name": row.display_name}
    subjects.rename(change.session, row, display_name)
    target = f"{row.kind}:{row.name}"
    change.record(f"{row.kind}.rename", target, project=project, before=before, after={"display_name": display_name})
