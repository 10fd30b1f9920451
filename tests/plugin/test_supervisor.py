"""Workers of MLflow's server that die are noticed at once and replaced by others that are quickly there."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from patience import wait_until
from real_mlflow import Server, start, stop

from cerberus.service import Cerberus

WORKERS = 3
NOTICED_WITHIN = 5.0
"""A second on a quiet machine; unnoticed it would be 15, after which a worker counts as hung."""
IMPORTING = 1.5
"""Seconds of a processor: MLflow takes more to be imported, and everything else that a worker does takes less."""


@pytest.fixture(scope="module")
def own_server(populated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, cast_of: Any) -> Iterator[Server]:
    """A server that these tests may hurt."""
    data = tmp_path_factory.mktemp("supervised")
    (data / "cerberus.db").write_bytes(populated_sqlite.read_bytes())
    url = f"sqlite:///{data}/cerberus.db"
    cerberus = Cerberus(url, password_rounds=4)
    backend = f"sqlite:///{data}/mlflow.db"
    running = start(data=data, backend=backend, cerberus_url=url, cast=cast_of(cerberus), workers=WORKERS)
    yield running
    stop(running)
    cerberus.close()


@pytest.fixture
def workers(own_server: Server) -> list[psutil.Process]:
    """All of them, once they answer."""
    wait_until(lambda: len(own_server.ready()) == WORKERS, seconds=300)
    return own_server.ready()


def noticed(server: Server) -> int:
    return server.log.read_text().count(" died")


def answers(server: Server) -> bool:
    return all(server.ask("dana", "GET", "/version").ok for _ in range(5))


def test_one_that_is_killed_is_noticed_and_replaced(own_server: Server, workers: list[psutil.Process]) -> None:
    before, ready = noticed(own_server), own_server.started()
    workers[0].kill()
    wait_until(lambda: noticed(own_server) > before, seconds=NOTICED_WITHIN)
    wait_until(lambda: own_server.started() > ready, seconds=300)
    assert len(own_server.ready()) == WORKERS
    assert answers(own_server)


def test_one_that_dies_while_it_is_asked_whether_it_lives_is_noticed(
    own_server: Server, workers: list[psutil.Process]
) -> None:
    """The supervisor is made to wait for its answer; uvicorn's own would wait until the time is up."""
    before = noticed(own_server)
    workers[0].send_signal(signal.SIGSTOP)
    time.sleep(2)  # it asks them all, one after another, twice a second
    workers[0].kill()
    wait_until(lambda: noticed(own_server) > before, seconds=NOTICED_WITHIN)


def supervisor_of(server: Server) -> psutil.Process:
    """The process that looks after the workers."""
    everybody = psutil.Process(server.process.pid).children(recursive=True)
    return next(each for each in everybody if "cerberus_mlflow.supervisor" in each.cmdline())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker imports MLflow anew")
def test_workers_import_nothing_anew_and_the_supervisor_imports_no_mlflow(
    own_server: Server, workers: list[psutil.Process]
) -> None:
    """In seconds of their own, which a busy machine does not stretch."""
    for worker in workers:
        times = worker.cpu_times()
        assert times.user + times.system < IMPORTING
    supervisor = supervisor_of(own_server)
    assert supervisor.memory_info().rss < min(worker.memory_info().rss for worker in workers) / 2
