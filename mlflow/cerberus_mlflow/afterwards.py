"""What MLflow does with an answer before it goes out, left out where there is nothing to do.

MLflow parses each answer again to take out what its reader may not see: references to runs and logged models, which
MLflow can deny as a whole and Cerberus only with their experiment; and, in listings, what somebody who sees all of the
project may see anyhow. (For everybody else the filters find nothing more to take out, since `sight.py` keeps it out of
the statements; they stay as a second wall.) And it notes from an answer who made what, which `deeds.py` knows already.
"""

from collections.abc import Callable
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from cerberus.policy import Kind
from cerberus_mlflow.context import current_call
from cerberus_mlflow.host import auth
from cerberus_mlflow.sight import sees_all

Handler = Callable[[Any], None]
DONE_AT_THE_COMMIT: frozenset[Handler] = frozenset(
    {
        auth.set_can_manage_experiment_permission,
        auth.set_can_manage_registered_model_permission,
        auth.delete_can_manage_registered_model_permission,
        auth.set_can_manage_scorer_permission,
        auth.delete_scorer_permissions_cascade,
    }
)
"""Who owns what was made, and what goes with what was deleted: `deeds.py` knows both, and earlier."""

MODELS = (Kind.REGISTERED_MODEL, Kind.PROMPT)

ASKS_FOR_TIERS_THAT_CERBERUS_HAS_NOT: frozenset[Handler] = frozenset(
    {
        auth.redact_get_run_model_links,
        auth.redact_search_runs_model_links,
        auth.redact_metric_history_model_ids,
        auth.redact_model_version_siblings,
        auth.redact_model_version_by_alias_siblings,
        auth.redact_latest_versions_siblings,
        auth.redact_created_model_version_siblings,
        auth.redact_updated_model_version_siblings,
        auth.redact_transitioned_model_version_siblings,
        auth.redact_get_logged_model_run_ids,
        auth.redact_created_logged_model_run_ids,
        auth.redact_finalize_logged_model_run_ids,
        auth.redact_set_logged_model_tags_run_ids,
    }
)
FILTERS: dict[Handler, tuple[Kind, ...]] = {
    auth.filter_search_experiments: (Kind.EXPERIMENT,),
    auth.filter_search_logged_models: (Kind.EXPERIMENT,),
    auth.filter_search_registered_models: MODELS,
    auth.filter_search_model_versions: MODELS,
}


def after_request(answer: Response) -> Any:
    """
    MLflow's own, unless it would leave the answer as it is.
    """
    handler = auth.AFTER_REQUEST_HANDLERS.get((request.path, request.method))
    return answer if handler is not None and is_needless(handler) else auth._after_request(answer)


def is_needless(handler: Handler) -> bool:
    """
    Whether the handler has nothing to take out of an answer to the caller, and nothing to note.
    """
    if handler in ASKS_FOR_TIERS_THAT_CERBERUS_HAS_NOT or handler in DONE_AT_THE_COMMIT:
        return True
    call, kinds = current_call(), FILTERS.get(handler, ())
    if call is None or call.project is None or not kinds:
        return False
    return all(sees_all(call.access.visible(kind, call.project)) for kind in kinds)
