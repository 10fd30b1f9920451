"""People, for admins."""

from datetime import datetime
from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import NewPassword, PeopleQuery, UserCreate, Users, UserShown
from cerberus.api.pages import cut, first
from cerberus.api.parsing import Line, Name
from cerberus.api.shapes import Answer, Page, Query, Request
from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.policy import PlatformRole

users = noun("users")


class Renaming(Request):
    """Another display name; the name itself stays."""

    display_name: Line


class Heir(Query):
    """Who takes over what the deleted account owns; needed when it owns anything."""

    hand_over_to: Name | None = None


class UserProfile(UserShown):
    """Somebody, the groups they are directly in, their roles and how many things they own, by project."""

    groups: tuple[str, ...]
    roles: dict[str, str]
    owns: dict[str, int]


class SessionShown(Answer):
    """A signed-in browser or script."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    client: str


class SessionsShown(Answer):
    """Where somebody is signed in, the oldest first."""

    items: tuple[SessionShown, ...]
    next: str | None = None


@users.route("GET", "/users", summary="Search people by name", query=PeopleQuery, answer=Users, raises=(Forbidden,))
def list_users(caller: Caller, query: PeopleQuery) -> Users:
    found = caller.cerberus.people.search(caller.actor, query.text, limit=query.limit + 1, after=query.after)
    shown, following = first(found, query, lambda person: person.name)
    return Users(items=tuple(UserShown.of(person) for person in shown), next=following)


@users.route(
    "POST",
    "/users",
    summary="Make a user",
    body=UserCreate,
    answer=UserShown,
    status=HTTPStatus.CREATED,
    raises=(Forbidden, Conflict),
)
def create_user(caller: Caller, body: UserCreate) -> UserShown:
    made = caller.cerberus.people.create_user(
        caller.actor, body.name, display_name=body.display_name, password=body.password, admin=body.admin
    )
    return UserShown.of(made)


@users.route(
    "GET",
    "/users/<user>",
    summary="Show a user or service account, and what hangs on it",
    answer=UserProfile,
    raises=(NotFound, Forbidden),
)
def show_user(caller: Caller, user: str) -> UserProfile:
    found = caller.cerberus.people.show(caller.actor, user)
    shown = UserShown.of(found.person).model_dump()
    return UserProfile(groups=found.groups, roles=dict(found.roles), owns=dict(found.owns), **shown)


@users.route(
    "PATCH",
    "/users/<user>",
    summary="Change the display name",
    body=Renaming,
    answer=UserShown,
    raises=(NotFound, Forbidden, Conflict),
)
def rename_user(caller: Caller, body: Renaming, user: str) -> UserShown:
    return UserShown.of(caller.cerberus.people.rename(caller.actor, user, display_name=body.display_name))


@users.route(
    "DELETE",
    "/users/<user>",
    summary="Delete a user: hand_over_to takes over what they own, everything else goes",
    query=Heir,
    raises=(NotFound, Forbidden, Conflict),
)
def delete_user(caller: Caller, query: Heir, user: str) -> None:
    caller.cerberus.people.delete(caller.actor, user, hand_over_to=query.hand_over_to)


@users.route(
    "POST",
    "/users/<user>/disable",
    summary="Disable an account: its sessions and tokens stop working at once",
    raises=(NotFound, Forbidden, Conflict),
)
def disable_user(caller: Caller, user: str) -> None:
    caller.cerberus.people.disable(caller.actor, user)


@users.route("POST", "/users/<user>/enable", summary="Enable an account again", raises=(NotFound, Forbidden, Conflict))
def enable_user(caller: Caller, user: str) -> None:
    caller.cerberus.people.enable(caller.actor, user)


@users.route(
    "POST",
    "/users/<user>/reset-password",
    summary="Make a new random password; the user is signed out everywhere",
    answer=NewPassword,
    raises=(NotFound, Forbidden),
)
def reset_password(caller: Caller, user: str) -> NewPassword:
    return NewPassword(password=caller.cerberus.people.reset_password(caller.actor, user))


@users.route(
    "PUT",
    "/users/<user>/platform-roles/<role>",
    summary="Make a user admin or auditor of the whole platform",
    answer=UserShown,
    raises=(NotFound, Forbidden, Conflict),
)
def give_platform_role(caller: Caller, user: str, role: str) -> UserShown:
    return UserShown.of(caller.cerberus.people.set_platform_role(caller.actor, user, platform_role(role)))


@users.route(
    "DELETE",
    "/users/<user>/platform-roles/<role>",
    summary="Take a role over the whole platform away",
    answer=UserShown,
    raises=(NotFound, Forbidden, Conflict),
)
def take_platform_role(caller: Caller, user: str, role: str) -> UserShown:
    return UserShown.of(caller.cerberus.people.unset_platform_role(caller.actor, user, platform_role(role)))


@users.route(
    "GET",
    "/users/<user>/sessions",
    summary="List where somebody is signed in",
    query=Page,
    answer=SessionsShown,
    raises=(NotFound, Forbidden),
)
def list_sessions(caller: Caller, query: Page, user: str) -> SessionsShown:
    found = caller.cerberus.people.sessions(caller.actor, user)
    shown, following = cut(sorted(found, key=lambda session: session.id), query, lambda session: f"{session.id:020}")
    return SessionsShown(items=tuple(SessionShown.of(session) for session in shown), next=following)


@users.route(
    "DELETE",
    "/users/<user>/sessions",
    summary="Sign somebody out everywhere",
    raises=(NotFound, Forbidden, Conflict),
)
def end_sessions(caller: Caller, user: str) -> None:
    caller.cerberus.people.end_sessions(caller.actor, user)


def platform_role(name: str) -> PlatformRole:
    """
    The role of that name; NotFound when there is none, as for any address that leads nowhere.
    """
    try:
        return PlatformRole(name)
    except ValueError:
        raise NotFound("There is no such role.", hint=f"There is {', '.join(PlatformRole)}.") from None
