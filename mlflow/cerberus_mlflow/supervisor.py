"""uvicorn's supervisor of the server's workers, with two things changed; `mlflow server` starts it in uvicorn's place.

Workers are forked from a process that has imported MLflow once, where uvicorn lets each import it anew: one that died
is replaced within a second, and they share most of their memory. And a worker that dies while the supervisor waits for
its answer is noticed then, where uvicorn waits until the time is up, and looks after none of the others meanwhile.
"""

import importlib
import multiprocessing
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

ITSELF = "cerberus_mlflow.supervisor"
IMPORTED_ONCE = "cerberus_mlflow.app"
FORKS_SAFELY = ("linux",)
"""Elsewhere libraries of the system may not survive a fork."""

Command = Callable[..., list[str]]


def stand_in() -> None:
    """
    From now on MLflow starts this module where it would start uvicorn.
    """
    host: Any = importlib.import_module("mlflow.server")  # which the supervisor itself can do without
    if not hasattr(host._build_uvicorn_command, "__wrapped__"):
        host._build_uvicorn_command = _with_this_one(host._build_uvicorn_command)


def _with_this_one(build: Command) -> Command:
    @wraps(build)
    def command(*given: Any, **named: Any) -> list[str]:
        built = build(*given, **named)
        built[built.index("uvicorn")] = ITSELF
        return built

    return command


def main() -> None:
    """
    uvicorn's command line.
    """
    import uvicorn._subprocess
    import uvicorn.main
    from uvicorn.supervisors.multiprocess import Process

    if sys.platform in FORKS_SAFELY:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([IMPORTED_ONCE])
        uvicorn._subprocess.spawn = context
    Process.start = _and_let_go(Process.start)  # type: ignore[method-assign,assignment]
    uvicorn.main.main()


def _and_let_go(start: Callable[[Any], None]) -> Callable[[Any], None]:
    """
    The worker's end of the pipe for pings stays open in the worker only, so that the pipe ends with it.
    """

    @wraps(start)
    def started(process: Any) -> None:
        start(process)
        process.child_conn.close()

    return started


if __name__ == "__main__":
    main()
