"""Cerberus' levels as MLflow's grant rows, and the fold that gives them Cerberus' precedence."""

import re
from collections.abc import Collection, Sequence

from mlflow.server.auth.permissions import (
    DENY,
    NO_PERMISSIONS,
    RESOURCE_TYPE_EXPERIMENT,
    RESOURCE_TYPE_SCORER,
    RESOURCE_TYPE_WORKSPACE,
    USE,
    GrantLoadKey,
    Permission,
)
from mlflow.server.auth.requirements import fold_grants_for_key as mlflow_fold
from mlflow.server.auth.sqlalchemy_store import RoleGrantRow

from cerberus.policy import ANY, LEVEL_VERBS, RUN_DATA_KINDS, Kind, Verb
from cerberus.service import Access

KINDS = frozenset(kind.value for kind in RUN_DATA_KINDS)
EXPERIMENT_ID = r"(?:0|[1-9][0-9]*)"
IN_ONE_SPELLING = {
    RESOURCE_TYPE_EXPERIMENT: re.compile(rf"\*|{EXPERIMENT_ID}"),
    RESOURCE_TYPE_SCORER: re.compile(rf"\*|{EXPERIMENT_ID}(?:/[^/]*)?"),
}
"""MLflow's store takes `01`, ` 1` or `\uff11` for experiment 1, but the rules that name it say `1`."""


def is_experiment_id(text: str) -> bool:
    """
    Whether the text is how rules spell an experiment's id.
    """
    return re.fullmatch(EXPERIMENT_ID, text) is not None


def types_among(types: Collection[str]) -> list[str]:
    """
    The types that there are rows of. MLflow always wants the workspace's as well.
    """
    return [*sorted(KINDS & set(types)), RESOURCE_TYPE_WORKSPACE]


def rows_of(access: Access, project: str, resource_type: str) -> list[RoleGrantRow]:
    """
    What the principal may do with things of one type in the project, as rows for `fold`.

    There is a row for each kind even where nothing is allowed: MLflow's listings take silence for the workspace's own
    row, which would show everything to whoever may create something.
    """
    return access.remember(("rows", resource_type), project, lambda _: _rows(access, project, resource_type))


def _rows(access: Access, project: str, resource_type: str) -> list[RoleGrantRow]:
    if resource_type == RESOURCE_TYPE_WORKSPACE:
        return [RoleGrantRow(RESOURCE_TYPE_WORKSPACE, ANY, USE.name)] if may_create_something(access, project) else []
    levels = access.levels(Kind(resource_type), project)
    named = [RoleGrantRow(resource_type, resource_id, level.value) for resource_id, level in levels.named.items()]
    return [*named, RoleGrantRow(resource_type, ANY, levels.default.value if levels.default else NO_PERMISSIONS.name)]


def may_create_something(access: Access, project: str) -> bool:
    """
    Whether MLflow's first question before a create is to be answered yes; `takeover.py` asks the second, of what kind.
    """
    levels = [access.levels(kind, project).default for kind in RUN_DATA_KINDS]
    return any(level is not None and Verb.CREATE in LEVEL_VERBS[level] for level in levels)


def fold(grants: Sequence[RoleGrantRow], key: GrantLoadKey) -> Permission | None:
    """
    MLflow's fold over the rows that name the resource if there are any, otherwise over those for its kind.

    An experiment's id in another spelling than its own is denied: the rules that name it would be passed by.

    Asked for all scorers, it is silent unless they are denied: MLflow asks that only before it deletes an experiment
    with its scorers, and then the experiment's own permission decides.
    """
    spelling = IN_ONE_SPELLING.get(key.resource_type)
    if spelling is not None and not (isinstance(key.resource_id, str) and spelling.fullmatch(key.resource_id)):
        return DENY
    of_type = [row for row in grants if row.resource_type == key.resource_type]
    named = [row for row in of_type if row.resource_pattern == key.resource_id]
    permission = mlflow_fold(named or of_type, key)
    if key == GrantLoadKey(RESOURCE_TYPE_SCORER, ANY) and permission is not None and permission.name != DENY.name:
        return None
    return permission
