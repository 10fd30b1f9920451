"""Users and service accounts, once it is sure that the actor may see or change them."""

from cerberus.errors import Forbidden, NotFound
from cerberus.policy import SubjectKind
from cerberus.service import parse
from cerberus.service.access import project_resource
from cerberus.service.change import Change, View
from cerberus.store import projects, subjects
from cerberus.store.tables import SubjectRow


def home(view: View, row: SubjectRow) -> str | None:
    """
    The slug of the project that owns a service account; None for a user.
    """
    return projects.slug_of(view.session, row.project_id)


def account(change: Change, name: object) -> SubjectRow:
    """
    The user or service account of that name, once the actor may change it: an admin, or for a service account whoever
    manages its project. Nobody else learns that there is one, or of which project.
    """
    row = subjects.by_name(change.session, parse.user_name(name))
    try:
        if row is not None and row.kind == SubjectKind.SERVICE_ACCOUNT:
            change.require_project(str(home(change, row)))
            return row
    except (NotFound, Forbidden):
        pass
    change.require_admin()
    return _present(row, name)


def seen_account(view: View, name: object) -> SubjectRow:
    """
    The user or service account of that name, once the actor may see all about it: an admin, an auditor, or for a
    service account whoever may see who has what in its project.
    """
    row = subjects.by_name(view.session, parse.user_name(name))
    slug = None if row is None else home(view, row)
    if slug is None or not view.sees_policy_on(project_resource(slug)):
        view.require_oversight()
    return _present(row, name)


def _present(row: SubjectRow | None, name: object) -> SubjectRow:
    if row is None or row.kind == SubjectKind.GROUP:
        raise NotFound(f"There is no user {name}.")
    return row
