"""Service accounts: each belongs to a project, whose maintainers look after it."""

from cerberus.errors import NotFound
from cerberus.policy import SubjectKind
from cerberus.service import departure, parse
from cerberus.service.access import project_resource
from cerberus.service.actors import Actor
from cerberus.service.change import Change, View
from cerberus.service.context import Context
from cerberus.service.subjects import disable, enable, find_subject, rename, require_free
from cerberus.store import subjects
from cerberus.store.records import Person
from cerberus.store.tables import ProjectRow, SubjectRow


class ServiceAccounts:
    """Makes and ends the service accounts of a project. For those who manage the project."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(self, actor: Actor, project: str, *, name: object, display_name: str = "") -> Person:
        """
        A new service account owned by the project, without a role yet.
        """
        wanted = parse.user_name(name)
        shown = parse.line(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            owner = change.require_project(project)
            require_free(change, wanted)
            row = subjects.insert(
                change.session,
                wanted,
                SubjectKind.SERVICE_ACCOUNT,
                display_name=shown,
                at=change.now,
                project_id=owner.id,
            )
            after = {"display_name": shown}
            change.record("service_account.create", f"service_account:{wanted}", project=project, after=after)
            return subjects.person(change.session, row)

    def list(self, actor: Actor, project: str, *, limit: int = 200, after: str | None = None) -> list[Person]:
        """
        The project's service accounts by name, those after the name `after`. For auditors, too.
        """
        with self._context.view(actor) as view:
            owner = view.require_sight(project_resource(project))
            return subjects.service_accounts(view.session, owner.id, limit=limit, after=after)

    def show(self, actor: Actor, project: str, *, name: object) -> Person:
        """
        The project's service account of that name; NotFound when the project owns none of that name.
        """
        with self._context.view(actor) as view:
            owner = view.require_sight(project_resource(project))
            return subjects.person(view.session, _owned(view, owner, name))

    def rename(self, actor: Actor, project: str, *, name: object, display_name: str) -> Person:
        """
        Another display name; the name itself stays.
        """
        shown = parse.line(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            row = _find(change, project, name)
            rename(change, row, shown, project=project)
            return subjects.person(change.session, row)

    def disable(self, actor: Actor, project: str, *, name: object) -> Person:
        """
        Refuses its tokens from now on.
        """
        with self._context.change(actor) as change:
            row = _find(change, project, name)
            disable(change, row, project=project)
            return subjects.person(change.session, row)

    def enable(self, actor: Actor, project: str, *, name: object) -> Person:
        """
        Lets it in again; its tokens work again too.
        """
        with self._context.change(actor) as change:
            row = _find(change, project, name)
            enable(change, row, project=project)
            return subjects.person(change.session, row)

    def delete(self, actor: Actor, project: str, *, name: object, hand_over_to: object = None) -> None:
        """
        Deletes it with everything that hangs on it; `hand_over_to` becomes the owner of what it owns. Conflict, with
        nothing done, when somebody must take over and cannot.
        """
        with self._context.change(actor) as change:
            departure.delete(change, _find(change, project, name), hand_over_to=hand_over_to, project=project)


def _find(change: Change, project: str, name: object) -> SubjectRow:
    return _owned(change, change.require_project(project), name)


def _owned(view: View, owner: ProjectRow, name: object) -> SubjectRow:
    row = find_subject(view, name, SubjectKind.SERVICE_ACCOUNT)
    if row.project_id != owner.id:
        raise NotFound(f"There is no service account {name}.")
    return row
