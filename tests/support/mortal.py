"""
MLflow's server as it is run, whose workers can be told to die at a chosen moment: `python mortal.py server ...` is
`mlflow server ...`.

A file in the data directory is the order: `before-the-commit` (MLflow is about to commit, and Cerberus knows) or
`after-the-commit` (MLflow has committed, and Cerberus knows no more). Whoever comes there first takes it, and kills
itself as the kernel would: no handler runs, no connection is closed.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any


def create_app() -> Any:
    """What each worker runs: the plugin's own application."""
    from cerberus_mlflow import app
    from cerberus_mlflow.context import cerberus

    deeds = cerberus().deeds
    deeds.begin = _and_then_die(deeds.begin)  # type: ignore[method-assign]
    deeds.finish = _or_die(deeds.finish)  # type: ignore[method-assign]
    return app.create_app()


def _and_then_die(begin: Callable[..., Any]) -> Callable[..., Any]:
    def begin_and_die(*given: Any) -> Any:
        begun = begin(*given)
        _die_if_told("before-the-commit")
        return begun

    return begin_and_die


def _or_die(finish: Callable[..., Any]) -> Callable[..., Any]:
    def die_or_finish(*given: Any) -> Any:
        _die_if_told("after-the-commit")
        return finish(*given)

    return die_or_finish


def _die_if_told(moment: str) -> None:
    try:
        (Path(os.environ["MLSTUDIO_DATA"]) / moment).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    import mlflow.cli
    import mlflow.server

    mlflow.server._find_app = lambda _: "mortal:create_app"
    mlflow.cli.cli()
