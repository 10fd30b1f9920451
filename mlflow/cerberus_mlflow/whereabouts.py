"""Where things are, remembered: a run's experiment and a thing's project never change.

MLflow's checks load a whole run, with its metrics, parameters and tags, to learn in which experiment it is.
"""

from mlflow.server.auth.permissions import RESOURCE_TYPE_EXPERIMENT, RESOURCE_TYPE_RUN
from mlflow.server.auth.requirements import Requirement
from mlflow.store.tracking.dbmodels.models import SqlRun
from mlflow.utils import workspace_context

from cerberus_mlflow.host import handlers

REMEMBERED = 10_000


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


_EXPERIMENT_OF_RUN = Whereabouts()


def experiment_of_run(run_id: str) -> str | None:
    """
    The id of the experiment that the run is in; None when this project has no such run. One small query, once a run.
    """
    key = f"{workspace_context.get_request_workspace()}:{run_id}"
    if key not in _EXPERIMENT_OF_RUN:
        store = handlers._get_tracking_store()
        with store.ManagedSessionMaker() as session:
            found = store._get_query(session, SqlRun).filter(SqlRun.run_uuid == run_id)
            ids = found.with_entities(SqlRun.experiment_id).all()
        _EXPERIMENT_OF_RUN[key] = str(ids[0][0]) if ids else None
    return _EXPERIMENT_OF_RUN.get(key)


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
