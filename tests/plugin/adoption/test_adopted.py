"""Whose adopted experiments lie outside of their project's folder."""

from typing import Any

import pytest
from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore

from cerberus_mlflow import adopted
from cerberus_mlflow.whereabouts import Whereabouts


@pytest.mark.parametrize(("project", "known"), [("fraud", True), ("churn", False), ("default", False)])
def test_an_adopted_experiment_is_its_own_projects_only(
    old: Any, monkeypatch: pytest.MonkeyPatch, project: str, known: bool
) -> None:
    """
    Another project's path with that number leads below that project's folder, where there is nothing of it.
    """
    assert old.adopt("--yes") == 0
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    store = WorkspaceAwareSqlAlchemyStore(old.url, "mlflow-artifacts:/")
    monkeypatch.setattr(adopted.handlers, "_get_tracking_store", lambda: store)
    monkeypatch.setattr(adopted, "_LOCATION_OF", Whereabouts())
    assert adopted.is_adopted(old.ids["fraud"], project) is known
    assert adopted.names_adopted(f"/{old.ids['fraud']}/run/artifacts", project) is known
    store.engine.dispose()
