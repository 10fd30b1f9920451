"""Where things are, remembered: a run's experiment and a thing's project never change.

MLflow's checks load a whole run, with its metrics, parameters and tags, to learn in which experiment it is.
"""

from mlflow.server.auth.permissions import (
    RESOURCE_TYPE_EXPERIMENT,
    RESOURCE_TYPE_PROMPT,
    RESOURCE_TYPE_REGISTERED_MODEL,
    RESOURCE_TYPE_RUN,
)
from mlflow.server.auth.requirements import Requirement
from mlflow.store.tracking.dbmodels.models import SqlRun
from mlflow.utils import workspace_context
from mlflow.utils.validation import _validate_model_name

from cerberus.policy import Kind
from cerberus_mlflow.context import current_call
from cerberus_mlflow.host import auth, handlers
from cerberus_mlflow.queries import is_prompt
from cerberus_mlflow.rows import is_experiment_id
from cerberus_mlflow.sight import hides

REMEMBERED = 10_000
EXPERIMENT = "experiment"


class Whereabouts(dict[str, str | None]):
    """
    What never changes once it is there, so absence is not remembered: MLflow would refuse for an hour what somebody
    has made meanwhile.
    """

    def __setitem__(self, key: str, value: str | None) -> None:
        if value is None:
            return
        if len(self) >= REMEMBERED:
            self.clear()
        super().__setitem__(key, value)


class VisibleWhereabouts(Whereabouts):
    """
    What MLflow's checks remember, under `label:workspace:id`. Who may not see a thing does not profit from who may: its
    answer would come sooner than one about what is not there.
    """

    def __contains__(self, key: object) -> bool:
        label, _, rest = str(key).partition(":")
        name = rest.partition(":")[2]
        if label == EXPERIMENT:
            return super().__contains__(key) and is_experiment_id(name) and not hides(name, Kind.EXPERIMENT)
        return super().__contains__(key) and not hides(name, Kind.REGISTERED_MODEL, Kind.PROMPT)

    def __setitem__(self, key: str, value: str | None) -> None:
        if value is None:
            _note_missing(key)
        super().__setitem__(key, value)


_EXPERIMENT_OF_RUN = Whereabouts()


def experiment_of_run(run_id: str) -> str | None:
    """
    The id of the experiment that the run is in; None when this project has no such run, or it is hidden. One small
    query, once a run.
    """
    key = f"{workspace_context.get_request_workspace()}:{run_id}"
    known = _EXPERIMENT_OF_RUN.get(key)
    if known is not None and not hides(known, Kind.EXPERIMENT):
        return known
    if _is_missing(key):
        return None
    store = handlers._get_tracking_store()
    with store.ManagedSessionMaker() as session:
        found = store._get_query(session, SqlRun).filter(SqlRun.run_uuid == run_id)
        ids = found.with_entities(SqlRun.experiment_id).all()
    if not ids:
        _note_missing(key)
        return None
    experiment_id = str(ids[0][0])
    _EXPERIMENT_OF_RUN[key] = experiment_id
    return experiment_id


def has_experiment(experiment_id: str) -> bool:
    """
    Whether this project has such an experiment, and it is not hidden. Only its own spelling is an experiment's id.
    """
    if not is_experiment_id(experiment_id):
        return False
    if _is_missing(f"{EXPERIMENT}:{workspace_context.get_request_workspace()}:{experiment_id}"):
        return False
    get = handlers._get_tracking_store().get_experiment
    return auth._get_resource_workspace(experiment_id, get, EXPERIMENT, silent=True) is not None


def _note_missing(key: str) -> None:
    """
    What a request has looked for in vain, as MLflow's check does, it need not look for once more to be refused.
    """
    call = current_call()
    if call is not None:
        call.kept[(_note_missing, key)] = None


def _is_missing(key: str) -> bool:
    call = current_call()
    return call is not None and (_note_missing, key) in call.kept


def run_requirement(run_id: str, action: str) -> tuple[tuple[str, str], list[Requirement]] | None:
    """
    What MLflow's check of a run asks for, in the words of `mlflow.server.auth._run_requirement`.
    """
    experiment_id = experiment_of_run(run_id)
    if experiment_id is None:
        return None
    experiment = (RESOURCE_TYPE_EXPERIMENT, experiment_id)
    return experiment, [
        Requirement(RESOURCE_TYPE_EXPERIMENT, experiment_id, "read"),
        Requirement(RESOURCE_TYPE_RUN, "*", action, fallback_if_no_grant=(experiment,)),
    ]


def model_or_prompt() -> tuple[str, str] | None:
    """
    Whether the request's `name` is a model's or a prompt's, in the words of `mlflow.server.auth.
    _registered_model_or_prompt_target`, which loads it with everything that hangs on it; None when this project has no
    such name, or it is hidden. Not remembered: a name can be deleted, and made again as the other.
    """
    name = auth._get_request_param("name")
    _validate_model_name(name)
    prompt = is_prompt(handlers._get_model_registry_store(), name)
    if prompt is None:
        return None
    return (RESOURCE_TYPE_PROMPT if prompt else RESOURCE_TYPE_REGISTERED_MODEL), name
