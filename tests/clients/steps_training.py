"""Autologging of three libraries, Optuna's callback, and a move to another project."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import numpy as np
import optuna
import xgboost
from mlflow import MlflowClient
from optuna_integration.mlflow import MLflowCallback
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from steps import own, person, step

DATA = load_iris(return_X_y=True, as_frame=True)


def _trained(flavor: Any, name: str, fit: Any) -> None:
    """Fits under autologging, and holds what `models:/` and `runs:/` give back against what was fitted."""
    own(name)
    flavor.autolog(registered_model_name=name, log_input_examples=True)
    try:
        with mlflow.start_run() as run:
            predict = fit()
    finally:
        flavor.autolog(disable=True)
    version = MlflowClient().search_model_versions(f"name = '{name}'")[0]
    assert version.run_id == run.info.run_id, version
    expected, data = predict(), DATA[0]
    for uri in (f"models:/{name}/{version.version}", f"runs:/{run.info.run_id}/model"):
        loaded = mlflow.pyfunc.load_model(uri)
        assert np.allclose(loaded.predict(data), expected), uri
    logged = mlflow.get_run(run.info.run_id)
    assert logged.data.params, logged
    assert logged.inputs.dataset_inputs, logged


@step("autologging of scikit-learn, registered, loaded by `models:/` and `runs:/`")
def scikit_learn() -> None:
    """A forest."""

    def fit() -> Any:
        model = RandomForestClassifier(n_estimators=5, random_state=1).fit(*DATA)
        return lambda: model.predict(DATA[0])

    _trained(mlflow.sklearn, "forest", fit)


@step("autologging of a grid search")
def grid_search() -> None:
    """Its best runs are children."""
    experiment_id = own("grid")
    mlflow.sklearn.autolog(log_models=False, max_tuning_runs=3)
    try:
        with mlflow.start_run() as run:
            GridSearchCV(RandomForestClassifier(random_state=1), {"n_estimators": [2, 3, 4, 5]}, cv=2).fit(*DATA)
    finally:
        mlflow.sklearn.autolog(disable=True)
    children = mlflow.search_runs([experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert len(children) == 3, children


@step("autologging of XGBoost, registered, loaded by `models:/` and `runs:/`")
def with_xgboost() -> None:
    """A booster."""

    def fit() -> Any:
        matrix = xgboost.DMatrix(DATA[0], label=DATA[1])
        booster = xgboost.train({"max_depth": 2}, matrix, num_boost_round=4, evals=[(matrix, "train")])
        return lambda: booster.predict(matrix)

    _trained(mlflow.xgboost, "xgboost", fit)


@step("autologging of LightGBM, registered, loaded by `models:/` and `runs:/`")
def with_lightgbm() -> None:
    """A booster."""

    def fit() -> Any:
        data = lightgbm.Dataset(DATA[0], label=DATA[1])
        booster = lightgbm.train({"max_depth": 2, "verbose": -1}, data, num_boost_round=4)
        return lambda: booster.predict(DATA[0])

    _trained(mlflow.lightgbm, "lightgbm", fit)


@step("Optuna's MLflow callback")
def with_optuna() -> None:
    """A run for each trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    callback = MLflowCallback(tracking_uri=mlflow.get_tracking_uri(), metric_name="loss")
    study = optuna.create_study(study_name="study")
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=4, callbacks=[callback])
    found = mlflow.search_runs(experiment_names=["study"])
    assert len(found) == 4, found
    assert found["metrics.loss"].min() == study.best_value, found


def _program(name: str, *arguments: str, token: str = "") -> None:
    """A command of mlflow-export-import, for whoever has the token."""
    environment = {**os.environ, **({"MLFLOW_TRACKING_TOKEN": token} if token else {})}
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {(done.stdout + done.stderr)[-600:]}"


@step("`mlflow-export-import`: an experiment into another project")
def moved() -> None:
    """A parent with two children, metrics and files, and the same in the other project afterwards."""
    own("to move")
    with mlflow.start_run(run_name="parent"):
        mlflow.log_text("kept", "note.txt")
        for each in range(2):
            with mlflow.start_run(run_name=f"child {each}", nested=True):
                mlflow.log_metric("m", each)
                mlflow.log_param("p", each)
    second = person("second").token
    with tempfile.TemporaryDirectory() as place:
        _program("export-experiment", "--experiment", "to move", "--output-dir", place)
        _program("import-experiment", "--experiment-name", "moved", "--input-dir", place, token=second)
    before, os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ["MLFLOW_TRACKING_TOKEN"], second
    try:
        found = mlflow.search_runs(experiment_names=["moved"])
        names = sorted(found["tags.mlflow.runName"])
        assert names == ["child 0", "child 1", "parent"], names
        parent = found[found["tags.mlflow.runName"] == "parent"].iloc[0]["run_id"]
        assert mlflow.artifacts.load_text(f"runs:/{parent}/note.txt") == "kept"
        assert not mlflow.search_runs(experiment_names=["to move"], search_all_experiments=False).size
    finally:
        os.environ["MLFLOW_TRACKING_TOKEN"] = before
