"""Logs demo runs as anybody would: with the ordinary `mlflow` client and the access token of who trains."""

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

os.environ.setdefault("MPLBACKEND", "agg")

import matplotlib.pyplot as plt
import mlflow
import pandas as pd
import plotly.graph_objects as go
from mlflow.entities import Metric, Param
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.metrics import ConfusionMatrixDisplay

from studio.local.demo.models import Split, Trained, load, train
from studio.local.demo.plan import Run, Study

KEY = "demo.key"
FINAL = ("FINISHED", "FAILED")


def log_study(study: Study, address: str, tokens: Mapping[str, str]) -> int:
    """
    Every run of the study exists afterwards, once; the answer is how many were there or made.
    """
    mlflow.set_tracking_uri(address)
    first = study.runs[0]
    _act_as(first, tokens)
    # Given to each run: where two processes make an experiment at once, MLflow's client leaves another one active.
    experiment = mlflow.set_experiment(first.experiment).experiment_id
    if not study.name:
        _log_once(first, experiment, None)
        return 1
    parent_key = f"{first.experiment}/{study.name}"
    parent = _existing(experiment, parent_key)
    if parent is None:
        parent = mlflow.start_run(experiment_id=experiment, run_name=study.name, tags={KEY: parent_key}).info.run_id
        for run in study.runs:
            _log_once(run, experiment, parent)
        _summarise(study, experiment, parent)
        mlflow.end_run()
    return study.size


def _act_as(run: Run, tokens: Mapping[str, str]) -> None:
    """
    The token is bound to the project, which so becomes the client's default workspace.
    """
    os.environ["MLFLOW_TRACKING_TOKEN"] = tokens[f"{run.project}/{run.who}"]


def _existing(experiment: str, key: str) -> str | None:
    """
    The run that an earlier demo finished under this key; what it left half-made is deleted.
    """
    client, found = MlflowClient(), None
    for run in client.search_runs([experiment], f"tags.`{KEY}` = '{key}'"):
        if run.info.status in FINAL:
            found = str(run.info.run_id)
        else:
            client.delete_run(run.info.run_id)
    return found


def _log_once(run: Run, experiment: str, parent: str | None) -> None:
    if _existing(experiment, run.key) is not None:
        return
    tags = {KEY: run.key, "model": run.model}
    nested = {"nested": True, "parent_run_id": parent} if parent else {}
    try:
        with mlflow.start_run(experiment_id=experiment, run_name=run.name, tags=tags, **nested) as active:
            _train_and_log(run, active.info.run_id)
    except ValueError as error:
        if not run.fails:
            raise
        MlflowClient().set_tag(active.info.run_id, "error", str(error).splitlines()[0])


def _train_and_log(run: Run, run_id: str) -> None:
    split = load(run.dataset, run.seed)
    parameters = {"model": run.model, "dataset": run.dataset, "seed": run.seed, **run.parameters}
    MlflowClient().log_batch(run_id, params=[Param(name, str(value)) for name, value in parameters.items()])
    frame = split.train.assign(target=split.train_target)
    _log_dataset(frame, run.dataset)
    trained = train(run, split)
    _log_metrics(run_id, trained)
    _log_files(run, split, trained)
    if run.logs_model:
        _register(run, split, trained)


def _log_dataset(frame: pd.DataFrame, name: str) -> None:
    mlflow.log_input(mlflow.data.from_pandas(frame, name=name, targets="target"), context="training")


def _log_metrics(run_id: str, trained: Trained) -> None:
    now = mlflow.active_run().info.start_time  # type: ignore[union-attr]
    batch = [
        Metric(name, value, now + 1000 * step, step)
        for step, values in enumerate(trained.curve)
        for name, value in values.items()
    ]
    batch += [Metric(name, value, now, 0) for name, value in trained.metrics.items()]
    MlflowClient().log_batch(run_id, metrics=batch)


def _log_files(run: Run, split: Split, trained: Trained) -> None:
    table = pd.DataFrame({"actual": split.test_target, "predicted": trained.predicted})
    mlflow.log_text(table.to_csv(index_label="row"), "predictions.csv")
    if trained.classifies:
        figure, axes = plt.subplots(figsize=(5, 4.4), layout="constrained")
        ConfusionMatrixDisplay.from_predictions(
            split.test_target, trained.predicted, display_labels=split.labels, ax=axes, cmap="Blues", colorbar=False
        )
        axes.set_title(run.name)
        mlflow.log_figure(figure, "confusion_matrix.png")
        plt.close(figure)
    if trained.curve:
        mlflow.log_text(_curves(run, trained), "curves.plotly.json")


def _curves(run: Run, trained: Trained) -> str:
    figure = go.Figure(layout={"title": run.name, "xaxis": {"title": "step"}, "yaxis": {"title": "value"}})
    for name in trained.curve[0]:
        figure.add_scatter(y=[values[name] for values in trained.curve], name=name, mode="lines")
    drawing: dict[str, Any] = json.loads(figure.to_json() or "{}")
    drawing["layout"].pop("template", None)
    return json.dumps(drawing)


def _register(run: Run, split: Split, trained: Trained) -> None:
    mlflow.sklearn.log_model(
        trained.model,
        name="model",
        signature=infer_signature(split.test, trained.predicted),
        registered_model_name=registered_name(run),
        pip_requirements=[f"scikit-learn=={version('scikit-learn')}"],  # given, or MLflow would load it to find out
        await_registration_for=None,
    )


def registered_name(run: Run) -> str:
    """
    The model that this run's project serves.
    """
    return {"fraud": "fraud-detector", "churn": "churn-risk", "vision": "digit-reader"}[run.project]


def _summarise(study: Study, experiment: str, parent: str) -> None:
    children = MlflowClient().search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    name = "r2" if "r2" in children[0].data.metrics else "accuracy"
    best = max(children, key=lambda run: run.data.metrics.get(name, float("-inf")))
    client = MlflowClient()
    client.log_param(parent, "children", len(study.runs))
    client.log_metric(parent, f"best_{name}", best.data.metrics[name])
    client.set_tag(parent, "best_run", best.info.run_name)
