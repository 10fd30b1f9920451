"""A project's service accounts, for those who manage the project."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.pages import first
from cerberus.api.parsing import Line, Name
from cerberus.api.shapes import Answer, Page, Request
from cerberus.api.users import Heir, Renaming
from cerberus.errors import Conflict, Forbidden, NotFound

service_accounts = noun("service accounts")


class ServiceAccountCreate(Request):
    """A service account to be made; it has no role until it gets one as a member."""

    name: Name
    display_name: Line = ""


class ServiceAccountShown(Answer):
    """A service account."""

    name: str
    display_name: str
    disabled: bool
    project: str


class ServiceAccountsShown(Answer):
    """The service accounts of a project, by name."""

    items: tuple[ServiceAccountShown, ...]
    next: str | None = None


@service_accounts.route(
    "GET",
    "/projects/<project>/service-accounts",
    summary="List the service accounts that a project owns",
    query=Page,
    answer=ServiceAccountsShown,
    raises=(NotFound, Forbidden),
)
def list_service_accounts(caller: Caller, query: Page, project: str) -> ServiceAccountsShown:
    accounts = caller.cerberus.service_accounts
    found = accounts.list(caller.actor, project, limit=query.limit + 1, after=query.after)
    shown, following = first(found, query, lambda account: account.name)
    return ServiceAccountsShown(items=tuple(ServiceAccountShown.of(account) for account in shown), next=following)


@service_accounts.route(
    "POST",
    "/projects/<project>/service-accounts",
    summary="Make a service account",
    body=ServiceAccountCreate,
    answer=ServiceAccountShown,
    status=HTTPStatus.CREATED,
    raises=(NotFound, Forbidden, Conflict),
)
def create_service_account(caller: Caller, body: ServiceAccountCreate, project: str) -> ServiceAccountShown:
    accounts = caller.cerberus.service_accounts
    made = accounts.create(caller.actor, project, name=body.name, display_name=body.display_name)
    return ServiceAccountShown.of(made)


@service_accounts.route(
    "GET",
    "/projects/<project>/service-accounts/<account>",
    summary="Show a service account",
    answer=ServiceAccountShown,
    raises=(NotFound, Forbidden),
)
def show_service_account(caller: Caller, project: str, account: str) -> ServiceAccountShown:
    return ServiceAccountShown.of(caller.cerberus.service_accounts.show(caller.actor, project, name=account))


@service_accounts.route(
    "PATCH",
    "/projects/<project>/service-accounts/<account>",
    summary="Change a service account's display name",
    body=Renaming,
    answer=ServiceAccountShown,
    raises=(NotFound, Forbidden, Conflict),
)
def rename_service_account(caller: Caller, body: Renaming, project: str, account: str) -> ServiceAccountShown:
    accounts = caller.cerberus.service_accounts
    return ServiceAccountShown.of(accounts.rename(caller.actor, project, name=account, display_name=body.display_name))


@service_accounts.route(
    "POST",
    "/projects/<project>/service-accounts/<account>/disable",
    summary="Disable a service account: its tokens stop working at once",
    raises=(NotFound, Forbidden, Conflict),
)
def disable_service_account(caller: Caller, project: str, account: str) -> None:
    caller.cerberus.service_accounts.disable(caller.actor, project, name=account)


@service_accounts.route(
    "POST",
    "/projects/<project>/service-accounts/<account>/enable",
    summary="Enable a service account again",
    raises=(NotFound, Forbidden, Conflict),
)
def enable_service_account(caller: Caller, project: str, account: str) -> None:
    caller.cerberus.service_accounts.enable(caller.actor, project, name=account)


@service_accounts.route(
    "DELETE",
    "/projects/<project>/service-accounts/<account>",
    summary="Delete a service account: hand_over_to takes over what it owns, everything else goes",
    query=Heir,
    raises=(NotFound, Forbidden, Conflict),
)
def delete_service_account(caller: Caller, query: Heir, project: str, account: str) -> None:
    accounts = caller.cerberus.service_accounts
    accounts.delete(caller.actor, project, name=account, hand_over_to=query.hand_over_to)
