"""`make demo`: people in Cerberus, then runs in MLflow, trained by two processes and logged as those people."""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cerberus.errors import CerberusError
from cerberus.service import Cerberus
from studio.local.demo.people import DemoTokens, ensure_people
from studio.local.demo.plan import Study, plan
from studio.local.demo.progress import Progress
from studio.local.environment import settings
from studio.local.health import answers
from studio.local.layout import Layout, private
from studio.local.ports import ports_of
from studio.local.problem import Problem

if TYPE_CHECKING:
    from cerberus.settings import Settings as CerberusSettings

PROCESSES = 3  # on two cores: one of them usually waits for the server
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PYTHONWARNINGS": "ignore",
}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # the processes share the cores already


def demo() -> int:
    """
    The demo's people, projects, runs and models exist afterwards; what was there already stays.
    """
    cerberus_settings, studio = settings()
    layout = Layout(cerberus_settings.data)
    address = f"http://127.0.0.1:{ports_of(cerberus_settings, studio).mlflow}"
    if not answers(f"{address}/health"):
        raise Problem(f"MLflow does not answer at {address}: start ML Studio with `make run` first.")
    studies = plan()
    begun = time.monotonic()
    with _opened(cerberus_settings) as cerberus:
        ensure_people(cerberus, layout)
        tokens = DemoTokens.create(cerberus, {(run.project, run.who) for study in studies for run in study.runs})
        try:
            _log_all(studies, address, tokens.secrets, layout.logs / "demo.log")
        finally:
            tokens.end()
    layout.demo_done.touch(mode=0o600)
    runs = sum(study.size for study in studies)
    print(f"Demo data is there: {runs} runs in 3 projects, {time.monotonic() - begun:.0f} seconds.", flush=True)
    return 0


@contextmanager
def _opened(settings: "CerberusSettings") -> Iterator[Cerberus]:
    cerberus = Cerberus.open(settings)
    try:
        yield cerberus
    except CerberusError as error:
        raise Problem(f"The demo's people cannot be made: {error.message} {error.hint}".strip()) from error
    finally:
        cerberus.close()


def _log_all(studies: tuple[Study, ...], address: str, tokens: dict[str, str], log: Path) -> None:
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    os.environ.update(QUIET)
    progress = Progress(sum(study.size for study in studies), sys.stdout)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studio.local.demo.training"])  # loads the libraries once, for all workers
    with ProcessPoolExecutor(PROCESSES, context, _write_to, (log,)) as pool:
        waiting = {pool.submit(_log, study, address, tokens): study for study in studies}
        try:
            for done in as_completed(waiting):
                progress.advance(_result(done, waiting[done]))
            progress.advance(0)
            pool.submit(_name_champions, address, tokens).result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _result(done: Future[int], study: Study) -> int:
    error = done.exception()
    if error is not None:
        raise Problem(f"The demo run {study.runs[0].key} could not be logged: {error}") from error
    return done.result()


def _write_to(log: Path) -> None:
    """
    In each worker: what MLflow says would tear the progress bar apart, so it goes to a file.
    """
    sys.stdout = sys.stderr = open(log, "a", buffering=1, opener=private)  # noqa: SIM115 - until the worker ends


def _log(study: Study, address: str, tokens: dict[str, str]) -> int:
    from studio.local.demo.training import log_study

    return log_study(study, address, tokens)


def _name_champions(address: str, tokens: dict[str, str]) -> None:
    from studio.local.demo.registry import name_champions

    name_champions(address, tokens)
