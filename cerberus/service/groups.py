"""Groups of people; a group can hold groups."""

from collections.abc import Iterable

from cerberus.errors import Invalid, NotFound
from cerberus.policy import Principal, SubjectKind
from cerberus.service import departure, parse
from cerberus.service.actors import Actor
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.subjects import find_subject, maintainers_stay, managed_with, rename, require_free
from cerberus.store import principals, subjects
from cerberus.store.records import Person
from cerberus.store.tables import SubjectRow

MOST_NAMED = 1000
"""How many members the audit line of a group's end names."""


class Groups:
    """Creates groups and moves people in and out, which admins do; auditors look on."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(
        self, actor: Actor, name: object, *, display_name: str = "", members: Iterable[object] = ()
    ) -> Person:
        """
        A new group with these members: users, service accounts and groups.
        """
        wanted = parse.user_name(name)
        shown = parse.line(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            change.require_admin()
            require_free(change, wanted)
            row = subjects.insert(change.session, wanted, SubjectKind.GROUP, display_name=shown, at=change.now)
            joining = [_member(change, member) for member in members]
            named = [each.name for each in joining if _put_into(change, row, each)]
            after = {"display_name": shown} | ({"members": named} if named else {})
            change.record("group.create", f"group:{wanted}", after=after)
            return subjects.person(change.session, row)

    def show(self, actor: Actor, name: object) -> Person:
        """
        The group of that name. For admins and auditors.
        """
        with self._context.view(actor) as view:
            view.require_oversight()
            group = subjects.person(view.session, find_subject(view, name, SubjectKind.GROUP))
        self._context.looked(actor, "group.show", f"group:{group.name}")
        return group

    def rename(self, actor: Actor, name: object, *, display_name: str) -> Person:
        """
        Another display name; the name itself stays.
        """
        shown = parse.line(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.GROUP)
            rename(change, row, shown)
            return subjects.person(change.session, row)

    def delete(self, actor: Actor, name: object) -> None:
        """
        Deletes the group with its roles and grants; its members keep what they have otherwise. Conflict when that
        left a project without a maintainer.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.GROUP)
            members = subjects.group_members(change.session, row.id, limit=MOST_NAMED, after=None)
            departure.delete(change, row, members=[member.name for member in members])

    def add_member(self, actor: Actor, group: object, *, member: object) -> Person:
        """
        Puts a user, service account or group into the group, once; the member. Invalid when that made a circle.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, group, SubjectKind.GROUP)
            joining = _member(change, member)
            if _put_into(change, row, joining):
                change.record("group.add_member", f"group:{row.name}", after={"member": joining.name})
            return subjects.person(change.session, joining)

    def remove_member(self, actor: Actor, group: object, *, member: object) -> None:
        """
        Takes a member out of the group. NotFound when it is not in it, Conflict when that left a project without a
        maintainer.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, group, SubjectKind.GROUP)
            leaving = _member(change, member)
            with maintainers_stay(change, managed_with(change, row)):
                gone = subjects.leave(change.session, row.id, leaving.id)
            if not gone:
                raise NotFound(f"{leaving.name} is not in {row.name}.")
            change.record("group.remove_member", f"group:{row.name}", before={"member": leaving.name})

    def names_of(self, principal: Principal) -> tuple[str, ...]:
        """
        The groups that the principal is in, also through other groups, sorted.
        """
        if not principal.groups:
            return ()
        with self._context.database.reading() as session:
            return subjects.names(session, principal.groups)

    def members(self, actor: Actor, group: object, *, limit: int = 200, after: str | None = None) -> list[Person]:
        """
        The direct members by name, those after the name `after`. For admins and auditors.
        """
        with self._context.view(actor) as view:
            view.require_oversight()
            row = find_subject(view, group, SubjectKind.GROUP)
            found = subjects.group_members(view.session, row.id, limit=limit, after=after)
        self._context.looked(actor, "group.members", f"group:{row.name}")
        return found

    def list(self, actor: Actor, *, limit: int = 200, after: str | None = None) -> list[Person]:
        """
        Groups by name, those after the name `after`. For admins and auditors.
        """
        with self._context.view(actor) as view:
            view.require_oversight()
            return subjects.search(view.session, "", limit=limit, after=after, kind=SubjectKind.GROUP)


def _member(change: Change, name: object) -> SubjectRow:
    row = subjects.by_name(change.session, parse.user_name(name, "member"))
    if row is None:
        raise NotFound(f"There is nobody called {name}.")
    return row


def _put_into(change: Change, group: SubjectRow, joining: SubjectRow) -> bool:
    if joining.id == group.id or joining.id in principals.groups_of(change.session, group.id):
        raise Invalid(f"{group.name} is in {joining.name}: groups cannot go in a circle.", field="member")
    return subjects.join(change.session, group.id, joining.id)
