"""What a client does to a server, step by step, and how each step ended. Runs in the client's own environment."""

import json
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import mlflow

VERSION = tuple(int(each) for each in mlflow.__version__.split(".")[:2])

Step = Callable[[], None]
STEPS: dict[str, Step] = {}
"""Each step by what the table calls it."""


class NotInThisVersion(Exception):
    """This client has no such thing."""


def step(name: str) -> Callable[[Step], Step]:
    """Makes a function a step of that name."""

    def known(function: Step) -> Step:
        STEPS[name] = function
        return function

    return known


def since(major: int, minor: int = 0) -> None:
    """Ends a step that older clients do not know."""
    if (major, minor) > VERSION:
        raise NotInThisVersion


@dataclass(frozen=True)
class Person:
    """Somebody else than who the client signs in as."""

    token: str
    project: str = ""


def person(name: str) -> Person:
    """`viewer`, `stranger`, or `second`, the same person with a token of another project."""
    return Person(os.environ[f"CLIENTS_{name.upper()}_TOKEN"])


def own(name: str) -> str:
    """A fresh experiment, made the active one; its id."""
    return str(mlflow.set_experiment(name).experiment_id)


def run_all(modules: Sequence[ModuleType], results: Path) -> None:
    """Takes every step of the modules, whatever became of the one before, and writes a line of JSON about each."""
    order = [module.__name__ for module in modules]
    steps = sorted(STEPS.items(), key=lambda named: order.index(named[1].__module__))
    with results.open("w") as out:
        for name, function in steps:
            out.write(json.dumps({"step": name, **_outcome(function)}) + "\n")
            out.flush()


def _outcome(function: Step) -> dict[str, str]:
    try:
        function()
    except NotInThisVersion:
        return {"outcome": "not in this version"}
    except Exception as error:  # a table is wanted of everything that fails, in whatever way
        where = traceback.extract_tb(error.__traceback__)
        line = next((each.lineno for each in reversed(where) if "steps_" in each.filename), 0)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return {"outcome": "failed", "reason": f"line {line}: {reason[:400]}", "trace": traceback.format_exc()}
    finally:
        while mlflow.active_run():
            mlflow.end_run()
    return {"outcome": "ok"}
