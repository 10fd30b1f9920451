"""Groups, for admins; auditors look on."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.pages import first
from cerberus.api.parsing import Line, Name
from cerberus.api.shapes import Answer, Page, Request
from cerberus.api.users import Renaming
from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.policy import SubjectKind

groups = noun("groups")


class GroupCreate(Request):
    """A group to be made, without members."""

    name: Name
    display_name: Line = ""


class GroupShown(Answer):
    """A group."""

    name: str
    display_name: str


class GroupsShown(Answer):
    """Groups by name."""

    items: tuple[GroupShown, ...]
    next: str | None = None


class GroupMember(Answer):
    """Somebody who is directly in a group, perhaps a group itself."""

    name: str
    kind: SubjectKind
    display_name: str
    disabled: bool


class GroupMembers(Answer):
    """The direct members of a group, by name."""

    items: tuple[GroupMember, ...]
    next: str | None = None


@groups.route("GET", "/groups", summary="List groups", query=Page, answer=GroupsShown, raises=(Forbidden,))
def list_groups(caller: Caller, query: Page) -> GroupsShown:
    found = caller.cerberus.groups.list(caller.actor, limit=query.limit + 1, after=query.after)
    shown, following = first(found, query, lambda group: group.name)
    return GroupsShown(items=tuple(GroupShown.of(group) for group in shown), next=following)


@groups.route(
    "POST",
    "/groups",
    summary="Make a group",
    body=GroupCreate,
    answer=GroupShown,
    status=HTTPStatus.CREATED,
    raises=(Forbidden, Conflict),
)
def create_group(caller: Caller, body: GroupCreate) -> GroupShown:
    return GroupShown.of(caller.cerberus.groups.create(caller.actor, body.name, display_name=body.display_name))


@groups.route("GET", "/groups/<group>", summary="Show a group", answer=GroupShown, raises=(NotFound, Forbidden))
def show_group(caller: Caller, group: str) -> GroupShown:
    return GroupShown.of(caller.cerberus.groups.show(caller.actor, group))


@groups.route(
    "PATCH",
    "/groups/<group>",
    summary="Change a group's display name",
    body=Renaming,
    answer=GroupShown,
    raises=(NotFound, Forbidden, Conflict),
)
def rename_group(caller: Caller, body: Renaming, group: str) -> GroupShown:
    return GroupShown.of(caller.cerberus.groups.rename(caller.actor, group, display_name=body.display_name))


@groups.route(
    "DELETE",
    "/groups/<group>",
    summary="Delete a group with its roles and grants; its members stay",
    raises=(NotFound, Forbidden, Conflict),
)
def delete_group(caller: Caller, group: str) -> None:
    caller.cerberus.groups.delete(caller.actor, group)


@groups.route(
    "GET",
    "/groups/<group>/members",
    summary="List who is directly in a group",
    query=Page,
    answer=GroupMembers,
    raises=(NotFound, Forbidden),
)
def list_group_members(caller: Caller, query: Page, group: str) -> GroupMembers:
    found = caller.cerberus.groups.members(caller.actor, group, limit=query.limit + 1, after=query.after)
    shown, following = first(found, query, lambda member: member.name)
    return GroupMembers(items=tuple(GroupMember.of(member) for member in shown), next=following)


@groups.route(
    "PUT",
    "/groups/<group>/members/<member>",
    summary="Put a user, service account or group into a group",
    answer=GroupMember,
    raises=(NotFound, Forbidden, Conflict),
)
def add_group_member(caller: Caller, group: str, member: str) -> GroupMember:
    return GroupMember.of(caller.cerberus.groups.add_member(caller.actor, group, member=member))


@groups.route(
    "DELETE",
    "/groups/<group>/members/<member>",
    summary="Take somebody out of a group",
    raises=(NotFound, Forbidden, Conflict),
)
def remove_group_member(caller: Caller, group: str, member: str) -> None:
    caller.cerberus.groups.remove_member(caller.actor, group, member=member)
