"""People, for admins."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import NewPassword, PeopleQuery, UserCreate, Users, UserShown
from cerberus.errors import Conflict, Forbidden, NotFound

users = noun("users")


@users.route("GET", "/users", summary="Search people by name", query=PeopleQuery, answer=Users, raises=(Forbidden,))
def list_users(caller: Caller, query: PeopleQuery) -> Users:
    found = caller.cerberus.people.search(caller.actor, query.text, limit=query.limit + 1, after=query.after)
    shown = tuple(UserShown.of(person) for person in found[: query.limit])
    return Users(items=shown, next=shown[-1].name if len(found) > query.limit else None)


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
