"""Puts Cerberus in the place of MLflow's own users and permissions.

Private names of MLflow are changed here, and in `as_absent`, `faults`, `locations` (traces), `parsing` and
`whole_project` only.
"""

import logging
import re
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS
from mlflow.server.auth.config import AuthConfig
from mlflow.server.auth.permissions import NO_PERMISSIONS
from mlflow.server.auth.requirements import ACTION_NOT_DENIED, Requirement

from cerberus.policy import Kind, Resource, Verb
from cerberus_mlflow import deeds, sight
from cerberus_mlflow.adopted import where_it_lies
from cerberus_mlflow.as_absent import GraphQLChecks, as_absent
from cerberus_mlflow.context import current_call, require_call
from cerberus_mlflow.host import auth, handlers, sql_store
from cerberus_mlflow.rows import EXPERIMENT_ID, KINDS, fold
from cerberus_mlflow.store import CerberusStore, fails_closed
from cerberus_mlflow.whereabouts import VisibleWhereabouts, model_or_prompt, run_requirement

_logger = logging.getLogger(__name__)

ARTIFACT = re.compile(rf"(?:workspaces/[^/]+/)?{EXPERIMENT_ID}(?:/(?!\.{{0,2}}(?:/|$))[^/\\]+)*/?")
"""An artifact's path in its one spelling; it starts with the experiment that decides."""
CONFIG = AuthConfig(
    default_permission=NO_PERMISSIONS.name,
    database_uri="",
    admin_username=None,
    admin_password=None,
    authorization_function="cerberus_mlflow.identity:flask_authorization",
    grant_default_workspace_access=False,
    workspace_cache_max_size=1,
    workspace_cache_ttl_seconds=0,
    auth_cache_max_size=1,
    auth_cache_ttl_seconds=0,
)


def take_over() -> None:
    """
    Replaces what MLflow's route validators ask. They themselves stay as they are.
    """
    sight.watch()
    deeds.watch()
    auth.store = CerberusStore()
    auth.auth_config = CONFIG
    auth._USER_AUTH_CACHE = None
    auth._RESOURCE_WORKSPACE_CACHE = VisibleWhereabouts()
    auth._auth_initialized = True
    auth.fold_grants_for_key = fold
    auth.filter_experiment_ids = readable_experiments
    auth._run_requirement = run_requirement
    auth._registered_model_or_prompt_target = model_or_prompt
    auth._create_not_denied = may_create(auth._create_not_denied)
    auth._artifact_proxy_child = in_an_experiment(auth._artifact_proxy_child)
    scoped = handlers._get_workspace_scoped_repo_path_if_enabled
    handlers._get_workspace_scoped_repo_path_if_enabled = where_it_lies(scoped)
    handlers._get_graphql_auth_middleware = graphql_middleware
    tracking = sql_store.SqlAlchemyStore
    tracking._ensure_default_label_schema = for_writers(tracking._ensure_default_label_schema)


@fails_closed
def readable_experiments(experiment_ids: list[str]) -> list[str]:
    """
    Those that the caller may read. MLflow's own returns all of them after certain errors.
    """
    if auth.sender_is_admin():
        return experiment_ids
    not_denied = [Requirement(auth.RESOURCE_TYPE_RUN, "*", ACTION_NOT_DENIED)]
    readable = auth._role_based_read_predicate(require_call().name, "experiment", also_require=not_denied)
    return [experiment_id for experiment_id in as_absent(experiment_ids) if readable(experiment_id)]


def in_an_experiment(child: Any) -> Any:
    """
    MLflow's reading of an artifact's path, denied where the path names no experiment or names it oddly: MLflow would
    ask for the project alone, and the file system finds `fraud//1` and `fraud/./1` like `fraud/1`.
    """

    def of(artifact_path: str | None, action: str) -> Any:
        canonical = auth._canonical_artifact_proxy_path(artifact_path) if artifact_path else None
        if canonical is None or ARTIFACT.fullmatch(canonical) is None:
            return auth._ARTIFACT_PROXY_UNPARSABLE
        return child(artifact_path, action)

    return of


def graphql_middleware() -> list[Any]:
    """
    MLflow's own would return none after any error, which checks nothing.
    """
    return [GraphQLChecks()]


def for_writers(ensure: Any) -> Any:
    """
    MLflow's making of an experiment's first label schema, which it does when somebody reads, for who may write only.
    """

    def ensure_default(store: Any, session: Any, experiment_id: Any) -> None:
        call = current_call()
        if call is None or call.project is None:
            return
        if call.can(Verb.UPDATE, Resource(call.project, Kind.EXPERIMENT, str(experiment_id))):
            ensure(store, session, experiment_id)

    return ensure_default


def may_create(not_denied: Any) -> Any:
    """
    MLflow's check before a create, and whether the caller may create this kind of thing.
    """

    @fails_closed
    def allowed(username: str, created_type: str, resource_id: str = "*") -> bool:
        call = require_call()
        if call.project is None or created_type not in KINDS:
            return False
        kind = Resource(call.project, Kind(created_type))
        if not (not_denied(username, created_type) and call.can(Verb.CREATE, kind)):
            return False
        if resource_id != kind.id and not call.can(Verb.READ, Resource(kind.project, kind.kind, resource_id)):
            raise MlflowException(f"The name {resource_id!r} is taken.", error_code=RESOURCE_ALREADY_EXISTS)
        return True

    return allowed


def may_register_scorer(experiment_id: str, name: str) -> bool:
    """
    Whether the caller may create a scorer of that name, or change it where it exists. MLflow asks for the experiment.
    """
    call = current_call()
    if call is None or call.project is None:
        return False
    known = Resource(call.project, Kind.SCORER, CerberusStore._scorer_pattern(experiment_id, name))
    return call.can(Verb.CREATE, Resource(call.project, Kind.SCORER)) or call.can(Verb.UPDATE, known)
