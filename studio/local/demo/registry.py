"""Aliases and descriptions for the models that the demo registered."""

import os
from collections.abc import Mapping

import mlflow
from mlflow.tracking import MlflowClient

from studio.local.demo.plan import Run, plan
from studio.local.demo.training import registered_name


def name_champions(address: str, tokens: Mapping[str, str]) -> None:
    """
    In each project the newest version is the champion, and the one before it the challenger, unless aliases are set.
    """
    mlflow.set_tracking_uri(address)
    for run in _one_per_model():
        os.environ["MLFLOW_TRACKING_TOKEN"] = tokens[f"{run.project}/{run.who}"]
        _name(MlflowClient(), registered_name(run))


def _one_per_model() -> list[Run]:
    runs = [run for study in plan() for run in study.runs if run.logs_model]
    return list({registered_name(run): run for run in reversed(runs)}.values())


def _name(client: MlflowClient, name: str) -> None:
    model = client.get_registered_model(name)
    if model.aliases:
        return
    versions = sorted(int(version.version) for version in client.search_model_versions(f"name = '{name}'"))
    for alias, version in zip(("champion", "challenger"), reversed(versions), strict=False):
        client.set_registered_model_alias(name, alias, str(version))
    client.update_registered_model(name, f"Trained by the demo; version {versions[-1]} is in use.")
