"""No route that a permission decides about is left out of the table that the attacks go through."""

import re
from collections.abc import Iterator

from operation import Operation
from operations import LISTS, READS, endings, writes

from cerberus_mlflow import inventory

OPERATIONS = (*READS, *LISTS, *writes(), *endings())
ALIKE_FOR_ALL = ("closed", "public", "any token", "refused")
"""Beginnings of guards that ask no permission."""

ELSEWHERE = {
    "MOUNT / _EfficientWSGIMiddleware": "is Flask, whose routes are here one by one",
    "GET /api/3.0/mlflow/workspaces": "tests/plugin/test_credentials.py",
    "POST /api/3.0/mlflow/workspaces": "tests/plugin/test_credentials.py",
    "GET /api/3.0/mlflow/workspaces/<workspace_name>": "tests/plugin/test_credentials.py",
    "PATCH /api/3.0/mlflow/workspaces/<workspace_name>": "tests/plugin/test_credentials.py",
    "DELETE /api/3.0/mlflow/workspaces/<workspace_name>": "tests/plugin/test_credentials.py",
}
"""Routes that name nothing on a shelf, and where they are attacked."""


def guarded() -> Iterator[tuple[str, str, str]]:
    """Method, rule and guard of each route that asks a permission, in the spelling that notebooks use."""
    for route, guard in inventory.frozen().items():
        if not guard.startswith(ALIKE_FOR_ALL):
            method, _, rest = route.partition(" ")
            yield method, rest.rpartition(" (")[0].replace("/ajax-api/", "/api/"), guard


def matches(rule: str, path: str) -> bool:
    """Whether a path of the table is one of the rule's, whichever application it is of."""
    parts = re.split(r"(<[^>]+>|\{[^}]+\})", rule)
    found = [(".+" if "path:" in part or ":path" in part else "[^/]+") if at % 2 else re.escape(part)
             for at, part in enumerate(parts)]  # fmt: skip
    return re.fullmatch("".join(found), path) is not None


def is_attacked(method: str, rule: str, operations: tuple[Operation, ...] = OPERATIONS) -> bool:
    paths = [each.path.replace("/ajax-api/", "/api/") for each in operations if each.method == method]
    return any(matches(rule, path) for path in paths)


def test_every_route_that_asks_a_permission_is_attacked() -> None:
    left_out = {f"{method} {rule}" for method, rule, _ in guarded() if not is_attacked(method, rule)}
    assert left_out == set(ELSEWHERE)


def test_both_spellings_of_a_route_have_one_guard() -> None:
    """So that it is enough to attack one of the two."""
    guards: dict[tuple[str, str], set[str]] = {}
    for method, rule, guard in guarded():
        guards.setdefault((method, rule), set()).add(guard)
    assert {route: found for route, found in guards.items() if len(found) > 1} == {}
    assert len(guards) > 100
