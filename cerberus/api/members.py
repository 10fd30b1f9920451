"""Who has which role in a project. Members see it, maintainers change it."""

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import MemberPut, Members, MemberShown, Removed
from cerberus.api.pages import first
from cerberus.api.shapes import Page
from cerberus.errors import Conflict, Forbidden, NotFound

members = noun("members")


@members.route(
    "GET",
    "/projects/<project>/members",
    summary="List members",
    query=Page,
    answer=Members,
    raises=(NotFound, Forbidden),
)
def list_members(caller: Caller, query: Page, project: str) -> Members:
    found = caller.cerberus.projects.members(caller.actor, project, limit=query.limit + 1, after=query.after)
    shown, rest = first(found, query, lambda member: member.subject)
    return Members(items=tuple(MemberShown.of(member) for member in shown), next=rest)


@members.route(
    "GET",
    "/projects/<project>/members/<subject>",
    summary="Show a member",
    answer=MemberShown,
    raises=(NotFound, Forbidden),
)
def show_member(caller: Caller, project: str, subject: str) -> MemberShown:
    return MemberShown.of(caller.cerberus.projects.member(caller.actor, project, subject=subject))


@members.route(
    "PUT",
    "/projects/<project>/members/<subject>",
    summary="Give somebody this role in the project, in place of the one they have",
    body=MemberPut,
    answer=MemberShown,
    raises=(NotFound, Forbidden, Conflict),
)
def put_member(caller: Caller, body: MemberPut, project: str, subject: str) -> MemberShown:
    member = caller.cerberus.projects.set_member(
        caller.actor, project, subject=subject, role=body.role, expires_at=body.expires_at, reason=body.reason
    )
    return MemberShown.of(member)


@members.route(
    "DELETE",
    "/projects/<project>/members/<subject>",
    summary="Take somebody's roles and grants in the project away",
    answer=Removed,
    raises=(NotFound, Forbidden, Conflict),
)
def remove_member(caller: Caller, project: str, subject: str) -> Removed:
    return Removed.of(caller.cerberus.projects.remove_member(caller.actor, project, subject=subject))
