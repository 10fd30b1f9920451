"""Requests for access: anybody asks, those who manage the project answer."""

from datetime import datetime
from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.pages import first
from cerberus.api.parsing import Moment, Name, Remark, number_of
from cerberus.api.shapes import Answer, Page, Request
from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.service import AccessRequest, RequestState

requests = noun("requests")


class Askable(Answer):
    """A project that anybody may ask for a role in."""

    slug: str
    name: str
    description: str


class Askables(Answer):
    """The projects that anybody may ask for a role in, by slug."""

    items: tuple[Askable, ...]
    next: str | None = None


class Ask(Request):
    """The role that one asks for, and why."""

    role: Name
    reason: Remark = ""


class Approval(Request):
    """Until when the role is given (without an end if null), and a remark for the asker."""

    expires_at: Moment | None = None
    answer: Remark = ""


class Refusal(Request):
    """A remark for the asker."""

    answer: Remark = ""


class RequestShown(Answer):
    """Who asked for which role, and what became of it. `expires_at` is the end of the role that was given."""

    id: int
    project: str
    subject: str
    display_name: str
    role: str
    reason: str
    state: RequestState
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    answer: str
    expires_at: datetime | None


class RequestsQuery(Page):
    """Those in this state."""

    state: RequestState | None = None


class AccessRequests(Answer):
    """Requests, newest first."""

    items: tuple[RequestShown, ...]
    next: str | None = None


def page_of(found: list[AccessRequest], query: Page) -> AccessRequests:
    """
    One page of what was asked with a limit of one more.
    """
    shown, following = first(found, query, lambda each: str(each.id))
    return AccessRequests(items=tuple(RequestShown.of(each) for each in shown), next=following)


def before(query: Page) -> int | None:
    """
    The id that the page is to go on below.
    """
    return None if query.after is None else number_of(query.after)


@requests.route(
    "GET", "/askable-projects", summary="List the projects that anybody may ask for", query=Page, answer=Askables
)
def list_askable(caller: Caller, query: Page) -> Askables:
    found = caller.cerberus.requests.askable(caller.actor, limit=query.limit + 1, after=query.after)
    shown, following = first(found, query, lambda project: project.slug)
    return Askables(items=tuple(Askable.of(project) for project in shown), next=following)


@requests.route("GET", "/requests", summary="List what you have asked for", query=RequestsQuery, answer=AccessRequests)
def list_my_requests(caller: Caller, query: RequestsQuery) -> AccessRequests:
    found = caller.cerberus.requests.mine(caller.actor, state=query.state, limit=query.limit + 1, before=before(query))
    return page_of(found, query)


@requests.route(
    "GET",
    "/projects/<project>/requests",
    summary="List who has asked for what in a project",
    query=RequestsQuery,
    answer=AccessRequests,
    raises=(NotFound, Forbidden),
)
def list_requests(caller: Caller, query: RequestsQuery, project: str) -> AccessRequests:
    found = caller.cerberus.requests.of_project(
        caller.actor, project, state=query.state, limit=query.limit + 1, before=before(query)
    )
    return page_of(found, query)


@requests.route(
    "POST",
    "/projects/<project>/requests",
    summary="Ask for a role in a project",
    body=Ask,
    answer=RequestShown,
    status=HTTPStatus.CREATED,
    raises=(NotFound, Forbidden, Conflict),
)
def ask(caller: Caller, body: Ask, project: str) -> RequestShown:
    return RequestShown.of(caller.cerberus.requests.ask(caller.actor, project, role=body.role, reason=body.reason))


@requests.route("GET", "/requests/<request>", summary="Show a request", answer=RequestShown, raises=(NotFound,))
def show_request(caller: Caller, request: str) -> RequestShown:
    return RequestShown.of(caller.cerberus.requests.get(caller.actor, number_of(request)))


@requests.route(
    "POST",
    "/requests/<request>/approve",
    summary="Give the role that was asked for",
    body=Approval,
    answer=RequestShown,
    raises=(NotFound, Forbidden, Conflict),
)
def approve_request(caller: Caller, body: Approval, request: str) -> RequestShown:
    done = caller.cerberus.requests.approve(
        caller.actor, number_of(request), expires_at=body.expires_at, answer=body.answer
    )
    return RequestShown.of(done)


@requests.route(
    "POST",
    "/requests/<request>/refuse",
    summary="Say no, with a remark",
    body=Refusal,
    answer=RequestShown,
    raises=(NotFound, Forbidden, Conflict),
)
def refuse_request(caller: Caller, body: Refusal, request: str) -> RequestShown:
    return RequestShown.of(caller.cerberus.requests.refuse(caller.actor, number_of(request), answer=body.answer))


@requests.route(
    "POST",
    "/requests/<request>/withdraw",
    summary="Take your request back",
    answer=RequestShown,
    raises=(NotFound, Forbidden, Conflict),
)
def withdraw_request(caller: Caller, request: str) -> RequestShown:
    return RequestShown.of(caller.cerberus.requests.withdraw(caller.actor, number_of(request)))
