"""docs/first_run.ipynb runs, cell by cell, against a real ML Studio."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "first_run.ipynb"


@pytest.fixture(scope="module")
def team(ml_studio):
    """Tokens for a project of their own: one that may log, one that may only read."""
    admin = ml_studio.sign_in()
    ml_studio.ask("POST", "projects", admin, slug="notebooks", name="Notebooks")
    for name, role in (("nora", "contributor"), ("ron", "viewer")):
        ml_studio.ask("POST", "users", admin, name=name, password="four greenish cats")
        ml_studio.ask("PUT", f"projects/notebooks/members/{name}", admin, role=role)
    tokens = {}
    for name in ("nora", "ron"):
        ml_studio_token = sign_in(ml_studio, name)
        made = ml_studio.ask("POST", "tokens", ml_studio_token, name="notebook", project="notebooks")
        tokens[name] = made["secret"]
    return tokens


def sign_in(ml_studio, name: str) -> str:
    """
    A token of somebody whom the launcher's file does not know.
    """
    import requests

    body = {"name": name, "password": "four greenish cats"}
    return requests.post(f"{ml_studio.cerberus}/api/v1/sign-in", json=body, timeout=20).json()["token"]


def execute(ml_studio, token: str, monkeypatch) -> str:
    """
    What the notebook printed, run with that token.
    """
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ml_studio.mlflow)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    monkeypatch.setenv("CERBERUS_URL", ml_studio.cerberus)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")


def test_a_contributor_logs_reads_back_and_asks_what_is_allowed(ml_studio, team, monkeypatch):
    printed = execute(ml_studio, team["nora"], monkeypatch)
    assert "I am nora; this token works in notebooks." in printed
    assert "confusion_matrix.png" in printed
    assert "read     True" in printed
    assert "update   True" in printed


def test_a_viewer_is_told_so_when_the_notebook_logs(ml_studio, team, monkeypatch):
    with pytest.raises(CellExecutionError, match=r"PERMISSION_DENIED|403"):
        execute(ml_studio, team["ron"], monkeypatch)
