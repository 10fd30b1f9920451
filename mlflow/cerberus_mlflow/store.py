"""The object that MLflow's route validators ask: it answers from Cerberus, for the request being served only."""

import functools
import logging
from collections.abc import Callable, Collection
from typing import Any, NoReturn, ParamSpec, TypeVar
from urllib.parse import quote

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST
from mlflow.server.auth.sqlalchemy_store import RoleGrantRow

from cerberus.errors import CerberusError, NotFound
from cerberus.policy import ALL_SCOPES
from cerberus_mlflow.context import Call, cerberus, require_call, unavailable
from cerberus_mlflow.host import auth
from cerberus_mlflow.rows import rows_of, types_among

_logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


def fails_closed(question: Callable[P, T]) -> Callable[P, T]:
    """
    Lets nothing but an MlflowException out. MLflow's run search skips its filter on some others.
    """

    @functools.wraps(question)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return question(*args, **kwargs)
        except MlflowException:
            raise
        except CerberusError as error:
            _logger.warning("%s: %s", question.__name__, error.code)
            raise unavailable() from None
        except Exception:
            _logger.exception("%s failed; refusing", question.__name__)
            raise unavailable() from None

    return asked


def is_unlimited_admin(call: Call) -> bool:
    """
    Whether MLflow may skip its checks: an admin, a credential without limits, and a project that can be written.
    """
    principal = call.access.principal
    unlimited = principal.project is None and principal.scopes == ALL_SCOPES
    return principal.is_admin and unlimited and not principal.disabled and not call.archived


class CerberusStore:
    """
    Takes the place of `mlflow.server.auth.store`. A method that is not here refuses: nothing is allowed by accident.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_args: object, **_kwargs: object) -> NoReturn:
            raise MlflowException(
                f"Users, roles and permissions are Cerberus' business ({name}).", error_code=PERMISSION_DENIED
            )

        return refuse

    @fails_closed
    def get_user(self, username: str) -> Any:
        """
        The caller. Nobody else is known here.
        """
        call = require_call()
        if username != call.name:
            raise MlflowException(f"No user {username!r} here.", error_code=RESOURCE_DOES_NOT_EXIST)
        return auth.User(call.access.principal.id, call.name, "", is_unlimited_admin(call))

    @fails_closed
    def list_grants(self, user_id: int, workspace: str, resource_types: Collection[str]) -> list[RoleGrantRow]:
        """
        The caller's rows in the project; none for anybody else.
        """
        call = require_call()
        if user_id != call.access.principal.id:
            return []
        found: list[RoleGrantRow] = []
        for resource_type in types_among(resource_types):
            key = (workspace, resource_type)
            if key not in call.kept:
                call.kept[key] = rows_of(call.access, workspace, resource_type)
            found += call.kept[key]
        return found

    @fails_closed
    def list_accessible_workspace_names(self, username: str | None) -> set[str]:
        """
        The slugs of the caller's projects; none for anybody else.
        """
        call = require_call()
        return {project.slug for project in call.access.projects} if username == call.name else set()

    @fails_closed
    def has_user(self, username: str, **_: object) -> bool:
        """
        Whether there is such an account: a review queue must not be called like one.
        """
        try:
            cerberus().people.get(username)
        except NotFound:
            return False
        return True

    @fails_closed
    def list_users(self) -> list[Any]:
        """
        The caller alone. Nobody learns here who else has an account.
        """
        call = require_call()
        return [auth.User(call.access.principal.id, call.name, "", False)]

    @staticmethod
    def _scorer_pattern(experiment_id: str, scorer_name: str) -> str:
        return f"{experiment_id}/{quote(scorer_name, safe='')}"

    def rename_grants_for_resource(self, resource_type: str, old_id: str, new_id: str, **_: object) -> None:
        """
        Nothing to do: the grants moved when MLflow committed the new name (`deeds.py`).
        """

    def delete_workspace_permissions_for_workspace(self, workspace_name: str) -> None:
        """
        Nothing to do: projects are archived in Cerberus, and never deleted through MLflow.
        """

    def delete_roles_for_workspace(self, workspace_name: str) -> None:
        """
        Nothing to do, as above.
        """

    def is_workspace_admin(self, *_: object) -> bool:
        return False

    def user_has_any_role_in_workspace(self, *_: object) -> bool:
        return False

    def is_workspace_admin_of_any_of_users_workspaces(self, *_: object) -> bool:
        return False

    def list_workspace_admin_workspaces(self, *_: object) -> set[str]:
        return set()

    def list_user_present_workspaces(self, *_: object) -> set[str]:
        return set()
