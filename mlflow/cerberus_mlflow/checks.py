"""Refuses to serve on an MLflow, or with settings, that the plugin does not know.

`python -m cerberus_mlflow.checks` prints what `relied_on.py` must hold for the MLflow that is installed.
"""

import functools
import hashlib
import importlib
import inspect
import linecache
import os
import re
import textwrap
from collections.abc import Iterable
from typing import Any

import mlflow.environment_variables
from mlflow.version import VERSION

from cerberus.errors import CerberusError
from cerberus_mlflow.context import cerberus
from cerberus_mlflow.relied_on import MLFLOW_VERSION, SOURCES

environment: Any = mlflow.environment_variables


class WillNotStart(SystemExit):
    """
    Ends the process with one sentence a problem.
    """


def refuse_to_start_if(problems: Iterable[str]) -> None:
    """
    Raises WillNotStart if there are any.
    """
    found = list(problems)
    if found:
        raise WillNotStart("Cerberus' plugin does not start MLflow:\n" + textwrap.indent("\n".join(found), "  - "))


@functools.cache
def before_start() -> tuple[str, ...]:
    """
    What can be seen before a worker runs: the version, the code that the plugin relies on, the settings.

    Looked at once a process: afterwards some of that code is the plugin's own.
    """
    return (*wrong_version(), *changed_code(), *wrong_settings(), *what_cerberus_refuses())


def in_worker() -> list[str]:
    """
    What only a worker knows: which server runs it.
    """
    if environment._MLFLOW_SGI_NAME.get() == "uvicorn":
        return []
    return ["Run it with uvicorn (MLflow's default): the other servers skip the layer that checks tokens."]


def wrong_version() -> list[str]:
    if VERSION == MLFLOW_VERSION:
        return []
    return [f"MLflow is {VERSION}, the plugin is made for {MLFLOW_VERSION}: see docs/mlflow.md, 'Another MLflow'."]


def changed_code() -> list[str]:
    """
    Each name that is gone, or whose code is not what the plugin was tried with.
    """
    return [
        f"{name} is {'gone' if found is None else 'not the code that the plugin was tried with'}."
        for name, known in SOURCES.items()
        if (found := fingerprint(name)) != known
    ]


def wrong_settings() -> list[str]:
    """
    Each setting that would open a hole; mlflow/server.env has the right ones.
    """
    wanted = (
        (
            environment.MLFLOW_BASIC_AUTH_FAIL_CLOSED.get(),
            "MLFLOW_BASIC_AUTH_FAIL_CLOSED must be true: unknown routes are refused.",
        ),
        (
            environment.MLFLOW_ENABLE_WORKSPACES.get(),
            "MLFLOW_ENABLE_WORKSPACES must be true: a project is a workspace.",
        ),
        (environment.MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH.get(), "MLFLOW_SERVER_ENABLE_GRAPHQL_AUTH must be true."),
        (
            not environment.MLFLOW_SERVER_ENABLE_JOB_EXECUTION.get(),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION must be false: jobs run as nobody that Cerberus knows.",
        ),
        (
            not environment.MLFLOW_WORKSPACE.get(),
            "MLFLOW_WORKSPACE must not be set on the server: it would be for all.",
        ),
        (
            os.environ.get("MLFLOW_WORKSPACE_STORE_URI", "cerberus://").startswith("cerberus://"),
            "MLFLOW_WORKSPACE_STORE_URI must be cerberus://: projects come from Cerberus.",
        ),
    )
    return [sentence for right, sentence in wanted if not right]


def what_cerberus_refuses() -> list[str]:
    """
    What is wrong with Cerberus' own settings. Its database is not asked: it may come later.
    """
    try:
        cerberus()
    except CerberusError as error:
        return [error.message]
    return []


def fingerprint(name: str) -> str | None:
    """
    A hash of the source of `module:attribute.path`, without its comments' and blank lines' share; None if it is gone.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for attribute in path.split("."):
            found = inspect.getattr_static(found, attribute)
        found = inspect.unwrap(found.__func__ if isinstance(found, staticmethod | classmethod) else found)
        source = _source_of_class(found) if inspect.isclass(found) else inspect.getsource(found)
    except (ImportError, AttributeError, OSError, TypeError, StopIteration):
        return None
    lines = [line.strip() for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _source_of_class(found: type) -> str:
    """
    What `inspect.getsource` finds for a class of a module. That parses the whole module each time, which takes a
    starting worker half a second, in which it answers nobody.
    """
    lines = linecache.getlines(inspect.getsourcefile(found) or "")
    first = next(at for at, line in enumerate(lines) if re.match(rf"class {found.__name__}\b", line))
    while first and lines[first - 1].startswith("@"):
        first -= 1
    return "".join(inspect.getblock(lines[first:]))


if __name__ == "__main__":
    print(f'MLFLOW_VERSION = "{VERSION}"')
    for each in SOURCES:
        print(f'    "{each}": "{fingerprint(each)}",')
