"""What a path says about a request. MLflow's addresses are named here and nowhere else."""

import re

HEALTH = "/health"
SPANS = "/v1/traces"
ARTIFACTS = re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts/(?P<artifact>.+)", re.DOTALL)
ARTIFACT_ROUTES = ("/api/2.0/mlflow-artifacts/artifacts/", "/ajax-api/2.0/mlflow-artifacts/artifacts/")
"""Beginnings of the two routes that FastAPI serves, without any prefix; with one, Flask serves them."""
ACCOUNTS = re.compile(
    r"/signup/?|/(?:ajax-)?api/\d+\.\d+/mlflow/(?:users|roles)(?:/.*)?"
    r"|/(?:ajax-)?api/\d+\.\d+/mlflow/[a-z-]+/permissions(?:/.*)?"
)
CURRENT_USER = re.compile(r"/(?:ajax-)?api/2\.0/mlflow/users/current")
WORKSPACE = re.compile(r"/(?:ajax-)?api/3\.0/mlflow/workspaces/[^/]+")
NEEDS_NO_PROJECT = re.compile(
    r"/|/version|/static-files/.*|/favicon\.ico|/(?:ajax-)?api/3\.0/mlflow/(?:server-info|workspaces|workspaces/[^/]+)"
    r"|/ajax-api/3\.0/mlflow/ui-telemetry|/(?:ajax-)?api/2\.0/mlflow/users/.*|/signup/?"
)


class Paths:
    """
    Questions about request paths, with or without the server's `--static-prefix`.
    """

    def __init__(self, static_prefix: str = "") -> None:
        self.prefix = static_prefix.rstrip("/")

    def without_prefix(self, path: str) -> str:
        return path.removeprefix(self.prefix) if self.prefix else path

    def is_health(self, path: str) -> bool:
        return self.without_prefix(path) == HEALTH

    def needs_no_project(self, path: str) -> bool:
        """
        Whether the request is about the server, the page or the list of projects.
        """
        return NEEDS_NO_PROJECT.fullmatch(self.without_prefix(path)) is not None

    def is_account_administration(self, path: str) -> bool:
        """
        Whether MLflow would manage its own users, roles or permissions there.
        """
        path = self.without_prefix(path)
        return ACCOUNTS.fullmatch(path) is not None and CURRENT_USER.fullmatch(path) is None

    def is_workspace(self, path: str) -> bool:
        """
        Whether the path is one project's, where the workspace provider decides: MLflow's check never finds it.
        """
        return WORKSPACE.fullmatch(self.without_prefix(path)) is not None

    def artifact(self, path: str) -> str | None:
        """
        The artifact that the path names, if it is the proxy's download or upload.
        """
        found = ARTIFACTS.fullmatch(self.without_prefix(path))
        return found["artifact"] if found else None

    def is_spans(self, path: str) -> bool:
        """
        Whether OpenTelemetry's spans are sent there, whose experiment stands in a header.
        """
        return self.without_prefix(path) == SPANS

    def is_artifact_route(self, path: str) -> bool:
        """
        Whether the path, artifact or not, is the proxy's as FastAPI serves it.
        """
        return path.startswith(ARTIFACT_ROUTES)

    def names_no_artifact(self, path: str) -> bool:
        """
        Whether it is that, and names none: MLflow would ask about the one in the query, and work on the whole project.
        """
        return path in ARTIFACT_ROUTES

    def is_upload(self, path: str) -> bool:
        return self.artifact(path) is not None
