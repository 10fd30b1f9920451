"""The server refuses to start where something is not as the plugin knows it."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from cerberus_mlflow import checks, host, relied_on

ROOT = Path(__file__).parents[2]


@pytest.fixture
def right(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of mlflow/server.env in this process."""
    for line in (ROOT / "mlflow" / "server.env").read_text().splitlines():
        if line and not line.startswith("#"):
            monkeypatch.setenv(*line.split("=", 1))
    return monkeypatch


def test_mlflow_is_the_package_and_not_the_repositorys_folder() -> None:
    assert "site-packages" in Path(mlflow.__file__).parts
    assert not list((ROOT / "mlflow").glob("__init__.py"))
    assert not [path for path in (ROOT / "tests").rglob("mlflow") if path.is_dir()]


def test_everything_is_as_it_was_tried(right: pytest.MonkeyPatch) -> None:
    assert checks.wrong_version() == []
    assert checks.wrong_settings() == []
    unknown = {name for name in relied_on.SOURCES if checks.fingerprint(name) is None}
    assert unknown == set()


def test_every_private_function_that_the_plugin_uses_has_a_fingerprint() -> None:
    code = "".join(path.read_text() for path in (ROOT / "mlflow" / "cerberus_mlflow").glob("*.py"))
    known = {name.partition(":")[2] for name in relied_on.SOURCES}
    for short, module in (("auth", host.auth), ("handlers", host.handlers)):
        used = {name for name in re.findall(rf"\b{short}\.(_\w+)", code) if inspect.isfunction(getattr(module, name))}
        assert used - known == set()
        assert len(used) > 5


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("MLFLOW_BASIC_AUTH_FAIL_CLOSED", "false"),
        ("MLFLOW_ENABLE_WORKSPACES", "false"),
        ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "true"),
        ("MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH", "false"),
        ("MLFLOW_WORKSPACE_STORE_URI", "sqlite:///x.db"),
        ("MLFLOW_WORKSPACE", "fraud"),
    ],
)
def test_a_setting_that_opens_a_hole_is_named(right: pytest.MonkeyPatch, setting: str, value: str) -> None:
    right.setenv(setting, value)
    (problem,) = checks.wrong_settings()
    assert setting in problem


def test_another_version_of_mlflow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "VERSION", "3.18.0")
    (problem,) = checks.wrong_version()
    assert "3.18.0" in problem
    assert "docs/mlflow.md" in problem


def test_a_private_name_that_is_gone_or_has_changed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.server import auth

    monkeypatch.delattr(auth, "_find_validator")
    monkeypatch.setattr(auth, "authorize", lambda *_: True)
    problems = checks.changed_code()
    assert "mlflow.server.auth:_find_validator is gone." in problems
    assert any(problem.startswith("mlflow.server.auth:authorize is not the code") for problem in problems)


def test_problems_end_the_process_with_a_sentence_each() -> None:
    with pytest.raises(SystemExit, match=r"(?s)one thing.*\n.*another"):
        checks.refuse_to_start_if(["one thing", "another"])
    checks.refuse_to_start_if([])


def test_a_server_with_a_wrong_setting_ends_at_once_and_says_why(right: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right.setenv("MLFLOW_BASIC_AUTH_FAIL_CLOSED", "false")
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "cerberus", "--port", "1", "--workers", "4"]
    ran = subprocess.run(
        [*command, "--backend-store-uri", f"sqlite:///{tmp_path}/m.db"],
        env={**os.environ, "PYTHONWARNINGS": "ignore", "MLSTUDIO_DATA": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode != 0
    assert "MLFLOW_BASIC_AUTH_FAIL_CLOSED must be true" in ran.stderr


def test_the_settings_file_says_why_for_each() -> None:
    lines = (ROOT / "mlflow" / "server.env").read_text().splitlines()
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            assert lines[number - 1].startswith("# "), line
