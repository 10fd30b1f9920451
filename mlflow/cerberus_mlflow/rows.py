"""Cerberus' levels as MLflow's grant rows, and the fold that gives them Cerberus' precedence."""

from collections.abc import Collection, Iterator, Sequence

from cerberus.policy import ANY, LEVEL_VERBS, RUN_DATA_KINDS, Kind, Level, Verb
from cerberus.service import Access
from mlflow.server.auth.permissions import (
    DENY,
    NO_PERMISSIONS,
    RESOURCE_TYPE_SCORER,
    RESOURCE_TYPE_WORKSPACE,
    USE,
    GrantLoadKey,
    Permission,
)
from mlflow.server.auth.requirements import fold_grants_for_key as mlflow_fold
from mlflow.server.auth.sqlalchemy_store import RoleGrantRow

KINDS = frozenset(kind.value for kind in RUN_DATA_KINDS)


def rows_for(access: Access, project: str, types: Collection[str]) -> list[RoleGrantRow]:
    """
    What the principal may do with each of `types` in the project, as rows for `fold`.

    There is a row for each kind even where nothing is allowed: MLflow's listings take silence for the workspace's own
    row, which would show everything to whoever may create something.
    """
    rows = [row for kind in sorted(KINDS & set(types)) for row in _rows_of(access, Kind(kind), project)]
    if may_create_something(access, project):
        rows.append(RoleGrantRow(RESOURCE_TYPE_WORKSPACE, ANY, USE.name))
    return rows


def may_create_something(access: Access, project: str) -> bool:
    """
    Whether MLflow's first question before a create is to be answered yes; `takeover.py` asks the second, of what kind.
    """
    levels = [access.levels(kind, project).default for kind in RUN_DATA_KINDS]
    return any(level is not None and Verb.CREATE in LEVEL_VERBS[level] for level in levels)


def fold(grants: Sequence[RoleGrantRow], key: GrantLoadKey) -> Permission | None:
    """
    MLflow's fold over the rows that name the resource if there are any, otherwise over those for its kind.

    Asked for all scorers, it is silent unless they are denied: MLflow asks that only before it deletes an experiment
    with its scorers, and then the experiment's own permission decides.
    """
    of_type = [row for row in grants if row.resource_type == key.resource_type]
    named = [row for row in of_type if row.resource_pattern == key.resource_id]
    permission = mlflow_fold(named or of_type, key)
    if key == GrantLoadKey(RESOURCE_TYPE_SCORER, ANY) and permission is not None and permission.name != DENY.name:
        return None
    return permission


def _rows_of(access: Access, kind: Kind, project: str) -> Iterator[RoleGrantRow]:
    levels = access.levels(kind, project)
    for resource_id, level in levels.named.items():
        yield RoleGrantRow(kind.value, resource_id, _name(level))
    yield RoleGrantRow(kind.value, ANY, _name(levels.default))


def _name(level: Level | None) -> str:
    return NO_PERMISSIONS.name if level is None else level.value
