"""Roles: the built-in ones, a project's own, and those that every project has."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.pages import cut
from cerberus.api.parsing import Name, Remark
from cerberus.api.shapes import Answer, Page, Request
from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.policy import AnyKind, Level
from cerberus.service import RoleInfo

roles = noun("roles")

LevelsByKind = dict[AnyKind, Level]


class RoleCreate(Request):
    """A role to be made: a level for each kind (`*` = every other kind), and whether it manages the project itself."""

    name: Name
    levels: LevelsByKind
    description: Remark = ""
    manages_project: bool = False


class RoleChange(Request):
    """What is to be different about a role; `levels` is given whole."""

    levels: LevelsByKind | None = None
    description: Remark | None = None
    manages_project: bool | None = None


class RoleShown(Answer):
    """A role: a level for each kind (`*` = every other kind). `project` is null for one that every project has."""

    name: str
    description: str
    levels: LevelsByKind
    manages_project: bool
    project: str | None
    built_in: bool


class Roles(Answer):
    """The roles that one can have, by name."""

    items: tuple[RoleShown, ...]
    next: str | None = None


def page_of(found: list[RoleInfo], query: Page) -> Roles:
    """
    One page of these roles.
    """
    shown, rest = cut(sorted(found, key=lambda role: role.name), query, lambda role: role.name)
    return Roles(items=tuple(RoleShown.of(role) for role in shown), next=rest)


@roles.route(
    "GET",
    "/projects/<project>/roles",
    summary="List the roles that one can have in a project",
    query=Page,
    answer=Roles,
    raises=(NotFound,),
)
def list_roles(caller: Caller, query: Page, project: str) -> Roles:
    return page_of(caller.cerberus.roles.list(caller.actor, project), query)


@roles.route(
    "POST",
    "/projects/<project>/roles",
    summary="Make a role for a project",
    body=RoleCreate,
    answer=RoleShown,
    status=HTTPStatus.CREATED,
    raises=(NotFound, Forbidden, Conflict),
)
def create_role(caller: Caller, body: RoleCreate, project: str) -> RoleShown:
    return RoleShown.of(caller.cerberus.roles.create(caller.actor, project, **dict(body)))


@roles.route(
    "GET",
    "/projects/<project>/roles/<role>",
    summary="Show a role that one can have in a project",
    answer=RoleShown,
    raises=(NotFound,),
)
def show_role(caller: Caller, project: str, role: str) -> RoleShown:
    return RoleShown.of(caller.cerberus.roles.show(caller.actor, project, name=role))


@roles.route(
    "PATCH",
    "/projects/<project>/roles/<role>",
    summary="Change a role of a project, at once for everybody who has it",
    body=RoleChange,
    answer=RoleShown,
    raises=(NotFound, Forbidden, Conflict),
)
def change_role(caller: Caller, body: RoleChange, project: str, role: str) -> RoleShown:
    return RoleShown.of(caller.cerberus.roles.change(caller.actor, project, name=role, **dict(body)))


@roles.route(
    "DELETE",
    "/projects/<project>/roles/<role>",
    summary="Delete a role of a project that nobody has",
    raises=(NotFound, Forbidden, Conflict),
)
def delete_role(caller: Caller, project: str, role: str) -> None:
    caller.cerberus.roles.delete(caller.actor, project, name=role)


@roles.route("GET", "/roles", summary="List the roles that every project has", query=Page, answer=Roles)
def list_common_roles(caller: Caller, query: Page) -> Roles:
    return page_of(caller.cerberus.roles.list(caller.actor, None), query)


@roles.route(
    "POST",
    "/roles",
    summary="Make a role for every project",
    body=RoleCreate,
    answer=RoleShown,
    status=HTTPStatus.CREATED,
    raises=(Forbidden, Conflict),
)
def create_common_role(caller: Caller, body: RoleCreate) -> RoleShown:
    return RoleShown.of(caller.cerberus.roles.create(caller.actor, None, **dict(body)))


@roles.route("GET", "/roles/<role>", summary="Show a role that every project has", answer=RoleShown, raises=(NotFound,))
def show_common_role(caller: Caller, role: str) -> RoleShown:
    return RoleShown.of(caller.cerberus.roles.show(caller.actor, None, name=role))


@roles.route(
    "PATCH",
    "/roles/<role>",
    summary="Change a role of every project, at once for everybody who has it",
    body=RoleChange,
    answer=RoleShown,
    raises=(NotFound, Forbidden, Conflict),
)
def change_common_role(caller: Caller, body: RoleChange, role: str) -> RoleShown:
    return RoleShown.of(caller.cerberus.roles.change(caller.actor, None, name=role, **dict(body)))


@roles.route(
    "DELETE",
    "/roles/<role>",
    summary="Delete a role of every project that nobody has",
    raises=(NotFound, Forbidden, Conflict),
)
def delete_common_role(caller: Caller, role: str) -> None:
    caller.cerberus.roles.delete(caller.actor, None, name=role)
