"""`make demo`: people in Cerberus, then runs in MLflow, trained by two processes and logged as those people."""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cerberus.errors import CerberusError
from cerberus.service import Cerberus
from studio.local.demo.people import DemoTokens, ensure_people
from studio.local.demo.plan import Study, plan
from studio.local.demo.progress import Progress
from studio.local.health import answers
from studio.local.layout import Layout
from studio.local.problem import Problem
from studio.local.run import settings

if TYPE_CHECKING:
    from cerberus.settings import Settings as CerberusSettings

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # the processes share the cores already


def demo() -> int:
    """
    The demo's people, projects, runs and models exist afterwards; what was there already stays.
    """
    cerberus_settings, studio = settings()
    layout = Layout(cerberus_settings.data)
    if not answers(f"{studio.mlflow_url}/health"):
        raise Problem(f"MLflow does not answer at {studio.mlflow_url}: start ML Studio with `make run` first.")
    studies = plan()
    begun = time.monotonic()
    with _opened(cerberus_settings) as cerberus:
        ensure_people(cerberus, layout)
        tokens = DemoTokens.create(cerberus, {(run.project, run.who) for study in studies for run in study.runs})
        try:
            _log_all(studies, studio.mlflow_url, tokens.secrets)
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


def _log_all(studies: tuple[Study, ...], address: str, tokens: dict[str, str]) -> None:
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    progress = Progress(sum(study.size for study in studies), sys.stdout)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(3, os.cpu_count() or 1), context, _be_quiet) as pool:
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


def _be_quiet() -> None:
    """
    In each worker: MLflow's hints and progress bars would tear the demo's own bar apart.
    """
    import logging

    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    logging.getLogger("mlflow").setLevel(logging.ERROR)


def _log(study: Study, address: str, tokens: dict[str, str]) -> int:
    from studio.local.demo.training import log_study

    return log_study(study, address, tokens)


def _name_champions(address: str, tokens: dict[str, str]) -> None:
    from studio.local.demo.registry import name_champions

    name_champions(address, tokens)
