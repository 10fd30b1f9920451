"""The caller: identity, groups, projects, and what the token may be used for."""

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import Me, Membership, PasswordChange, ProjectShown
from cerberus.errors import Forbidden, Throttled

me = noun("me")


@me.route("GET", "/me", summary="Show who you are and where you are a member", answer=Me)
def show_me(caller: Caller) -> Me:
    access = caller.access
    principal = access.principal
    projects = tuple(
        Membership(roles=access.roles(project.slug), **ProjectShown.of(project).model_dump())
        for project in access.projects
    )
    return Me(
        name=principal.name,
        display_name=principal.display_name,
        kind=principal.kind,
        groups=caller.cerberus.groups.names_of(principal),
        platform_roles=tuple(sorted(principal.platform_roles)),
        scopes=tuple(sorted(principal.scopes)),
        token_project=principal.project,
        projects=projects,
    )


@me.route(
    "POST",
    "/me/password",
    summary="Change your password; you are signed out everywhere",
    body=PasswordChange,
    raises=(Forbidden, Throttled),
)
def change_password(caller: Caller, body: PasswordChange) -> None:
    caller.cerberus.people.change_password(caller.actor, current=body.current, new=body.new)
