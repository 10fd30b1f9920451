"""Artifacts of adopted experiments, which lie where a server without workspaces put them.

Such an experiment's location is `mlflow-artifacts:/<id>`, while MLflow looks below `workspaces/<project>` for all that
a project asks for. The path stays as it is for an experiment of the caller's project with such a location, and for no
other: whether the caller may read that experiment is checked before, as for every artifact.
"""

import re
from typing import Any

from mlflow.store.tracking.dbmodels.models import SqlExperiment
from mlflow.utils import workspace_context

from cerberus_mlflow.host import handlers
from cerberus_mlflow.sight import everything
from cerberus_mlflow.whereabouts import Whereabouts

FIRST = re.compile(r"/*([0-9]{1,18})(?:/.*)?", re.DOTALL)
LOCATION = re.compile(r"mlflow-artifacts:(?://[^/]*)?/*([0-9]+)/?")
_LOCATION_OF = Whereabouts()


def is_adopted(experiment_id: str, project: str) -> bool:
    """
    Whether the experiment is in the project, and its artifacts lie outside of the project's folder.
    """
    key = f"{project}:{experiment_id}"
    if key not in _LOCATION_OF:
        store = handlers._get_tracking_store()
        with everything(), store.ManagedSessionMaker() as session:
            found = session.query(SqlExperiment.artifact_location).filter(SqlExperiment.workspace == project)
            locations = found.filter(SqlExperiment.experiment_id == int(experiment_id)).all()
        _LOCATION_OF[key] = locations[0][0] if locations else None
    location = LOCATION.fullmatch(_LOCATION_OF.get(key) or "")
    return location is not None and location[1] == experiment_id


def names_adopted(path: str, project: str) -> bool:
    """
    Whether the path below the artifacts' root is in the folder of an adopted experiment of the project.
    """
    first = FIRST.fullmatch(path)
    return first is not None and is_adopted(first[1], project)


def where_it_lies(scoped: Any) -> Any:
    """
    MLflow's placing of a path below the project's folder, left out for adopted experiments.
    """

    def of(artifact_path: str | None) -> Any:
        project = workspace_context.get_request_workspace()
        stays = artifact_path and project and names_adopted(artifact_path, project)
        return artifact_path if stays else scoped(artifact_path)

    return of
