"""Groups of people; a group can hold groups."""

from cerberus.errors import Invalid, NotFound
from cerberus.policy import Principal, SubjectKind
from cerberus.service import parse
from cerberus.service.actors import Actor
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.people import find_subject, require_free, require_maintainers
from cerberus.store import principals, projects, subjects
from cerberus.store.records import Person
from cerberus.store.tables import SubjectRow


class Groups:
    """Creates groups and moves people in and out. Admins only."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(self, actor: Actor, name: object, *, display_name: str = "") -> Person:
        """
        A new, empty group.
        """
        wanted = parse.user_name(name)
        shown = parse.text(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            change.require_admin()
            require_free(change, wanted)
            row = subjects.insert(change.session, wanted, SubjectKind.GROUP, display_name=shown, at=change.now)
            change.record("group.create", f"group:{wanted}", after={"display_name": shown})
            return subjects.person(change.session, row)

    def delete(self, actor: Actor, name: object) -> None:
        """
        Deletes the group with its roles and grants; its members keep what they have otherwise.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.GROUP)
            affected = self._projects_through(change, row)
            subjects.remove(change.session, row)
            change.session.flush()
            require_maintainers(change, affected)
            change.record("group.delete", f"group:{row.name}")

    def add_member(self, actor: Actor, group: object, *, member: object) -> list[Person]:
        """
        Puts a user, service account or group into the group; the members then. Invalid when that made a circle.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, group, SubjectKind.GROUP)
            joining = self._member(change, member)
            if joining.id == row.id or joining.id in principals.groups_of(change.session, row.id):
                raise Invalid(f"{row.name} is in {joining.name}: groups cannot go in a circle.", field="member")
            if subjects.join(change.session, row.id, joining.id):
                change.record("group.add_member", f"group:{row.name}", after={"member": joining.name})
            return subjects.group_members(change.session, row.id)

    def remove_member(self, actor: Actor, group: object, *, member: object) -> list[Person]:
        """
        Takes a member out of the group; the members then.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, group, SubjectKind.GROUP)
            leaving = self._member(change, member)
            if subjects.leave(change.session, row.id, leaving.id):
                require_maintainers(change, self._projects_through(change, row))
                change.record("group.remove_member", f"group:{row.name}", before={"member": leaving.name})
            return subjects.group_members(change.session, row.id)

    def names_of(self, principal: Principal) -> tuple[str, ...]:
        """
        The groups that the principal is in, also through other groups, sorted.
        """
        if not principal.groups:
            return ()
        with self._context.database.reading() as session:
            return subjects.names(session, principal.groups)

    def members(self, actor: Actor, group: object) -> list[Person]:
        """
        The direct members, by name.
        """
        with self._context.view(actor) as view:
            view.require_admin()
            return subjects.group_members(view.session, find_subject(view, group, SubjectKind.GROUP).id)

    @staticmethod
    def _member(change: Change, name: object) -> SubjectRow:
        row = subjects.by_name(change.session, parse.user_name(name, "member"))
        if row is None:
            raise NotFound(f"There is nobody called {name}.")
        return row

    @staticmethod
    def _projects_through(change: Change, group: SubjectRow) -> list[int]:
        ids = (group.id, *principals.groups_of(change.session, group.id))
        return [project.id for project in projects.managed_by(change.session, ids, now=change.now)]

    def list(self, actor: Actor, *, limit: int = 200, after: str | None = None) -> list[Person]:
        """
        Groups by name, those after the name `after`.
        """
        with self._context.view(actor) as view:
            view.require_admin()
            return subjects.search(view.session, "", limit=limit, after=after, kind=SubjectKind.GROUP)
