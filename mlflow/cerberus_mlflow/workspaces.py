"""Cerberus' projects as MLflow's workspaces: read only, and only those that the caller of this request may see."""

from collections.abc import Iterable
from typing import NoReturn

from mlflow.entities import Workspace
from mlflow.entities.workspace import WorkspaceDeletionMode
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST
from mlflow.store.workspace.abstract_store import AbstractStore

from cerberus.errors import CerberusError
from cerberus.service import ProjectInfo
from cerberus_mlflow import checks, supervisor
from cerberus_mlflow.context import current_call, require_call, unavailable


def no_such_workspace(name: str) -> MlflowException:
    """
    The one answer for a project that does not exist and for one that the caller may not know.
    """
    return MlflowException(f"No project {name!r}, or you are not a member of it.", error_code=RESOURCE_DOES_NOT_EXIST)


class WorkspaceProvider(AbstractStore):
    """
    Loaded by `--workspace-store-uri cerberus://`.

    MLflow makes one before it starts its workers, so this is where a wrong version or setting stops the start, and
    where the workers get their supervisor.
    """

    def __init__(self, workspace_uri: str) -> None:
        checks.refuse_to_start_if(checks.before_start())
        supervisor.stand_in()
        self.workspace_uri = workspace_uri

    def list_workspaces(self) -> Iterable[Workspace]:
        """
        The caller's projects; none outside of a request, where MLflow only asks for background work.
        """
        call = current_call()
        return [] if call is None else [_workspace(project) for project in call.access.projects]

    def get_workspace(self, workspace_name: str) -> Workspace:
        """
        One of the caller's projects.
        """
        try:
            return _workspace(require_call().access.project(workspace_name))
        except CerberusError as error:
            raise (no_such_workspace(workspace_name) if error.code == "not_found" else unavailable()) from None

    def get_default_workspace(self) -> Workspace:
        """
        None in general: the middleware names the project in each request that needs one.
        """
        raise NotImplementedError

    def create_workspace(self, workspace: Workspace) -> Workspace:  # noqa: ARG002
        _refuse("created")

    def update_workspace(self, workspace: Workspace) -> Workspace:  # noqa: ARG002
        _refuse("changed")

    def delete_workspace(
        self,
        workspace_name: str,  # noqa: ARG002
        mode: WorkspaceDeletionMode = WorkspaceDeletionMode.RESTRICT,  # noqa: ARG002
    ) -> None:
        _refuse("archived")


def _workspace(project: ProjectInfo) -> Workspace:
    return Workspace(name=project.slug, description=project.description or project.name)


def _refuse(what: str) -> NoReturn:
    raise MlflowException(f"Projects are {what} in Cerberus, not in MLflow.", error_code=PERMISSION_DENIED)
