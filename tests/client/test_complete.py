"""
Whatever the API can do, a notebook can: each operation has a method, and each method calls its address.
"""

import inspect
import json
import re
from operator import attrgetter
from typing import Any

import pytest

from cerberus.client import Client

METHODS = {
    "open_session": "sign_in",
    "end_session": "sign_out",
    "show_sign_on": "sign_on.show",
    "show_me": "me",
    "change_password": "change_password",
    "list_tokens": "tokens",
    "create_token": "create_token",
    "revoke_token": "revoke_token",
    "list_projects": "projects",
    "create_project": "create_project",
    "show_project": "project",
    "change_project": "change_project",
    "delete_project": "delete_project",
    "archive_project": "archive_project",
    "restore_project": "restore_project",
    "list_members": "members",
    "show_member": "member",
    "put_member": "set_member",
    "remove_member": "remove_member",
    "list_roles": "roles.list",
    "create_role": "roles.create",
    "show_role": "roles.show",
    "change_role": "roles.change",
    "delete_role": "roles.delete",
    "list_grants": "grants.list",
    "put_grant": "grants.give",
    "show_grant": "grants.show",
    "revoke_grant": "grants.revoke",
    "show_owner": "grants.owner",
    "hand_over": "grants.hand_over",
    "list_askable": "requests.askable",
    "list_my_requests": "requests.mine",
    "list_requests": "requests.of_project",
    "ask": "requests.ask",
    "show_request": "requests.show",
    "approve_request": "requests.approve",
    "refuse_request": "requests.refuse",
    "withdraw_request": "requests.withdraw",
    "check": "check",
    "check_many": "check_many",
    "explain": "questions.explain",
    "who_can": "questions.who_can",
    "visible": "questions.visible",
    "list_users": "people.search",
    "create_user": "people.create",
    "show_user": "people.show",
    "rename_user": "people.rename",
    "delete_user": "people.delete",
    "disable_user": "people.disable",
    "enable_user": "people.enable",
    "reset_password": "people.reset_password",
    "give_platform_role": "people.give_role",
    "take_platform_role": "people.take_role",
    "list_sessions": "people.sessions",
    "end_sessions": "people.end_sessions",
    "list_groups": "groups.list",
    "create_group": "groups.create",
    "show_group": "groups.show",
    "rename_group": "groups.rename",
    "delete_group": "groups.delete",
    "list_group_members": "groups.members",
    "add_group_member": "groups.add_member",
    "remove_group_member": "groups.remove_member",
    "list_service_accounts": "service_accounts.list",
    "create_service_account": "service_accounts.create",
    "show_service_account": "service_accounts.show",
    "rename_service_account": "service_accounts.rename",
    "disable_service_account": "service_accounts.disable",
    "enable_service_account": "service_accounts.enable",
    "delete_service_account": "service_accounts.delete",
    "search_audit": "audit.search",
    "export_audit": "audit.export",
    "try_change": "what_if",
    "export_policy": "policy.export",
    "policy_schema": "policy.schema",
    "plan_policy": "policy.plan",
    "apply_policy": "policy.apply",
}
OF_EVERY_PROJECT = {
    "list_common_roles": "roles.list",
    "create_common_role": "roles.create",
    "show_common_role": "roles.show",
    "change_common_role": "roles.change",
    "delete_common_role": "roles.delete",
}
"""The same methods with `project=None`."""

FOR_OPERATORS = {"livez", "readyz"}
"""What probes ask, not people."""


@pytest.fixture(scope="module")
def operations(tmp_path_factory) -> dict[str, tuple[str, str]]:
    from cerberus.api import create_app
    from cerberus.service import Cerberus

    cerberus = Cerberus(f"sqlite:///{tmp_path_factory.mktemp('described') / 'cerberus.db'}")
    described = create_app(cerberus=cerberus).test_client().get("/api/v1/openapi.json").get_json()
    cerberus.close()
    return {
        operation["operationId"]: (method.upper(), path.removeprefix("/api/v1"))
        for path, item in described["paths"].items()
        for method, operation in item.items()
    }


def test_every_operation_has_a_method(operations):
    assert set(operations) == METHODS.keys() | OF_EVERY_PROJECT.keys() | FOR_OPERATORS


class Asked(Exception):
    """What a client was about to send."""


class Recorder:
    """Stands in for the requests library: it notes the first request and sends nothing."""

    def request(self, method: str, url: str, **options: Any) -> None:
        raise Asked(method, url, options.get("json"))

    def get(self, url: str, **_: Any) -> None:
        raise Asked("GET", url, None)


def stand_ins(method: Any, *, project: str | None) -> dict[str, Any]:
    """
    Something for each argument that must be given.
    """
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(method).parameters.items():
        if name == "project" and (parameter.default is parameter.empty or project is not None):
            given[name] = project
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            text = str(parameter.annotation)
            given[name] = 7 if "int" in text else {} if "apping" in text or "dict" in text else "x"
            if "Iterable" in text:
                given[name] = []
    return given


def begin(method: Any, **given: Any) -> None:
    """Calls it as far as its first request: a list is asked for when one looks at it."""
    for _ in method(**given):
        return


def asked_by(name: str, *, project: str | None) -> tuple[str, str]:
    client = Client("http://cerberus", "mls_x", retries=0)
    client.connection._session = Recorder()
    method = attrgetter(name)(client)
    with pytest.raises(Asked) as asked:
        begin(method, **stand_ins(method, project=project))
    verb, url, body = asked.value.args
    json.dumps(body)
    return verb, url.removeprefix("http://cerberus/api/v1").partition("?")[0]


@pytest.mark.parametrize(("operation", "name"), [*METHODS.items(), *OF_EVERY_PROJECT.items()])
def test_each_method_calls_its_address(operations, operation, name):
    verb, path = operations[operation]
    project = None if operation in OF_EVERY_PROJECT else "p"
    asked = asked_by(name, project=project)
    assert asked[0] == verb
    assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), asked[1]), (asked, path)
