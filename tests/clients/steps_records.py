"""Runs, searches, artifacts, datasets, models: what every client's script does."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from steps import own, since, step

matplotlib.use("Agg")
from matplotlib import pyplot

client = MlflowClient


@step("parameters, metrics, tags, `log_batch`, nested runs")
def runs() -> None:
    """What was logged is there, and children know their parent."""
    own("runs")
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_params({"depth": 3, "empty": ""})
        for each in range(3):
            mlflow.log_metric("loss", 1.0 / (each + 1), step=each)
        mlflow.set_tags({"team": "a", "lines": "one\ntwo"})
        now = int(time.time() * 1000)
        client().log_batch(
            parent.info.run_id,
            metrics=[Metric("batched", each, now, each) for each in range(1000)],
            params=[Param(f"p{each}", str(each)) for each in range(100)],
            tags=[RunTag("batched", "yes")],
        )
        for each in range(3):
            with mlflow.start_run(run_name=f"child {each}", nested=True):
                mlflow.log_metric("child", each)
    found = mlflow.get_run(parent.info.run_id).data
    assert (found.params["depth"], found.params["empty"], found.params["p99"]) == ("3", "", "99"), found.params
    assert (found.tags["lines"], found.tags["batched"]) == ("one\ntwo", "yes"), found.tags
    assert len(client().get_metric_history(parent.info.run_id, "batched")) == 1000
    assert [each.step for each in client().get_metric_history(parent.info.run_id, "loss")] == [0, 1, 2]
    children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert len(children) == 3, children


@step("asynchronous logging")
def asynchronous() -> None:
    """What was logged in the background is there once it is waited for."""
    own("asynchronous")
    with mlflow.start_run() as run:
        waited = [mlflow.log_metric("m", each, step=each, synchronous=False) for each in range(50)]
        waited.append(mlflow.log_params({"a": 1}, synchronous=False))
        for each in waited:
            each.wait()
    assert len(client().get_metric_history(run.info.run_id, "m")) == 50
    assert mlflow.get_run(run.info.run_id).data.params == {"a": "1"}


@step("searches of experiments, runs and models, page by page")
def searches() -> None:
    """Pages are full, and together all that there is."""
    experiment_id = own("searches")
    for each in range(7):
        client().create_experiment(f"paged {each}")
        client().create_registered_model(f"paged {each}")
        client().log_metric(client().create_run(experiment_id).info.run_id, "m", each)
    looks: tuple[Callable[..., Any], ...] = (
        partial(client().search_runs, [experiment_id], "", order_by=["metrics.m"]),
        partial(client().search_experiments, filter_string="name LIKE 'paged%'"),
        partial(client().search_registered_models, "name LIKE 'paged%'"),
    )
    for look in looks:
        sizes, token = [], None
        while token or not sizes:
            page = look(max_results=3, page_token=token)
            sizes.append(len(page))
            token = page.token
        assert sizes == [3, 3, 1], (look, sizes)
    assert len(mlflow.search_runs([experiment_id], "metrics.m > 2")) == 4


@step("artifacts: file, folder, dict, text, figure, table; listed, downloaded, read back")
def artifacts() -> None:
    """Each comes back as it went."""
    own("artifacts")
    with tempfile.TemporaryDirectory() as place, mlflow.start_run() as run:
        folder = Path(place) / "folder"
        (folder / "deep").mkdir(parents=True)
        (folder / "a.txt").write_text("a")
        (folder / "deep" / "ü b.bin").write_bytes(bytes(range(256)) * 4096)
        mlflow.log_artifact(str(folder / "a.txt"))
        mlflow.log_artifacts(str(folder), "all")
        mlflow.log_dict({"a": [1, 2]}, "said/as.json")
        mlflow.log_text("text", "said/as.txt")
        figure, axes = pyplot.subplots()
        axes.plot([1, 2, 3])
        mlflow.log_figure(figure, "plots/line.png")
        pyplot.close(figure)
        mlflow.log_table({"question": ["a", "b"], "answer": ["c", "d"]}, "table.json")
        uri = f"runs:/{run.info.run_id}"
        at = Path(mlflow.artifacts.download_artifacts(f"{uri}/all", dst_path=place))
        assert (at / "deep" / "ü b.bin").read_bytes() == bytes(range(256)) * 4096
    assert mlflow.artifacts.load_dict(f"{uri}/said/as.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_text(f"{uri}/said/as.txt") == "text"
    assert mlflow.artifacts.load_image(f"{uri}/plots/line.png").size[0] > 100
    assert len(mlflow.load_table("table.json", run_ids=[run.info.run_id])) == 2
    listed = {each.path: each.is_dir for each in client().list_artifacts(run.info.run_id)}
    assert listed == {"a.txt": False, "all": True, "plots": True, "said": True, "table.json": False}, listed


@step("datasets as inputs")
def datasets() -> None:
    """A run's input, found again by its name."""
    experiment_id = own("datasets")
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    with mlflow.start_run() as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, name="wine", targets="y"), context="training")
    inputs = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(each.dataset.name, each.tags[0].value) for each in inputs] == [("wine", "training")], inputs
    assert len(mlflow.search_runs([experiment_id], "dataset.name = 'wine'")) == 1


@step("delete, restore and rename; experiment `Default`")
def lifecycle() -> None:
    """As its owner one may; and who names no experiment logs into the project's own."""
    experiment_id = client().create_experiment("to rename")
    client().rename_experiment(experiment_id, "renamed")
    run_id = client().create_run(experiment_id).info.run_id
    client().delete_run(run_id)
    assert not mlflow.search_runs([experiment_id]).size
    client().restore_run(run_id)
    client().delete_experiment(experiment_id)
    client().restore_experiment(experiment_id)
    assert client().get_experiment_by_name("renamed").lifecycle_stage == "active"
    by_default = client().create_run("0").info.experiment_id
    assert client().get_experiment(by_default).name == "Default"


@step("registry: register, alias, tag, stage, copy, rename, delete")
def registry() -> None:
    """One model's life, without its files."""
    experiment_id = own("registry")
    run_id = client().create_run(experiment_id).info.run_id
    client().log_text(run_id, "weights", "model/weights.txt")
    client().create_registered_model("m", tags={"a": "b"}, description="first")
    for _ in range(2):
        version = client().create_model_version("m", f"runs:/{run_id}/model", run_id)
    client().set_registered_model_alias("m", "champion", version.version)
    client().set_model_version_tag("m", version.version, "checked", "yes")
    client().transition_model_version_stage("m", version.version, "Staging")
    found = client().get_model_version_by_alias("m", "champion")
    assert (found.version, found.tags, found.current_stage) == (version.version, {"checked": "yes"}, "Staging"), found
    assert [each.version for each in client().get_latest_versions("m", ["Staging"])] == [version.version]
    client().copy_model_version("models:/m@champion", "copied")
    client().rename_registered_model("copied", "kept")
    assert len(client().search_model_versions("name = 'kept'")) == 1
    client().delete_registered_model_alias("m", "champion")
    client().delete_model_version("m", "1")
    client().delete_registered_model("m")
    assert [each.name for each in client().search_registered_models("name = 'm'")] == []


@step("logged models, a model's metrics")
def logged_models() -> None:
    """3.x's models of their own."""
    since(3)
    experiment_id = own("logged models")
    made = mlflow.initialize_logged_model(name="net", tags={"a": "b"}, params={"depth": "3"})
    with mlflow.start_run():
        mlflow.log_metric("accuracy", 0.9, model_id=made.model_id)
    mlflow.finalize_logged_model(made.model_id, "READY")
    found = mlflow.search_logged_models([experiment_id], filter_string="metrics.accuracy > 0.5", output_format="list")
    assert [each.model_id for each in found] == [made.model_id], found
    assert mlflow.get_logged_model(made.model_id).params == {"depth": "3"}
