"""
Workers of MLflow's server are killed under load, on the databases that it is run on: nothing acknowledged is lost,
everything has its one owner, no grant is left of what is gone, and everybody is answered again.
"""

import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import requests
from databases import mysql, postgresql
from ownership import everything_has_its_owner, rows
from patience import wait_until
from real_mlflow import start, stop

from cerberus.service import SYSTEM, Cerberus

ANSWERED_WITHIN = 15.0
KILLS = 3
CLIENTS = 6


def name():
    return uuid.uuid4().hex[:12]


@dataclass
class Promised:
    """What was acknowledged to one client, and how long it waited for an answer at most."""

    experiments: dict = field(default_factory=dict)
    models: set = field(default_factory=set)
    gone: set = field(default_factory=set)
    metrics: set = field(default_factory=set)
    params: set = field(default_factory=set)
    statuses: Counter = field(default_factory=Counter)
    longest: float = 0.0


class Client(threading.Thread):
    """Makes experiments, runs and models under names that say whose they are; renames and deletes some models."""

    def __init__(self, server, who, stopped):
        super().__init__()
        self.server, self.who, self.stopped, self.got = server, who, stopped, Promised()
        self.token, self.session, self.answered = server.token(who), requests.Session(), time.monotonic()

    def ask(self, method, path, body):
        """The answer's JSON; None when there was none, or another than 200."""
        try:
            answer = self.session.request(
                method,
                f"{self.server.url}/api/2.0/mlflow/{path}",
                json=body,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=60,
            )
        except requests.RequestException:
            self.got.statuses["none"] += 1
            self.session = requests.Session()
            return None
        self.got.longest = max(self.got.longest, time.monotonic() - self.answered)
        self.answered = time.monotonic()
        self.got.statuses[answer.status_code] += 1
        return answer.json() if answer.status_code == 200 else None

    def run(self):
        while not self.stopped.is_set():
            self.experiment(f"{self.who}.{name()}")
            self.model(f"{self.who}.{name()}")

    def experiment(self, called):
        made = self.ask("POST", "experiments/create", {"name": called})
        if made is None:
            return
        self.got.experiments[made["experiment_id"]] = called
        run = self.ask("POST", "runs/create", {"experiment_id": made["experiment_id"]})
        if run is None:
            return
        run_id = run["run"]["info"]["run_id"]
        for step in range(3):
            metric = {"run_id": run_id, "key": "loss", "value": step / 4, "timestamp": 1, "step": step}
            if self.ask("POST", "runs/log-metric", metric) is not None:
                self.got.metrics.add((run_id, "loss", step, step / 4))
        if self.ask("POST", "runs/log-parameter", {"run_id": run_id, "key": "p", "value": called}) is not None:
            self.got.params.add((run_id, "p", called))

    def model(self, called):
        if self.ask("POST", "registered-models/create", {"name": called}) is None:
            return
        self.got.models.add(called)
        what = random.random()
        if what < 0.3:
            self.got.models.discard(called)  # whatever comes of it
            if self.ask("DELETE", "registered-models/delete", {"name": called}) is not None:
                self.got.gone.add(called)
        elif what < 0.6:
            self.got.models.discard(called)
            new = f"{called}-new"
            if self.ask("POST", "registered-models/rename", {"name": called, "new_name": new}) is not None:
                self.got.models.add(new)
                self.got.gone.add(called)


@pytest.fixture
def at_work(tmp_path, populated):
    """Four workers, MLflow on PostgreSQL and Cerberus on MySQL, and people who may all create in `fraud`."""
    with postgresql("workers") as backend, mysql("workers") as url:
        cerberus = Cerberus(url, password_rounds=4)
        cerberus.migrate()
        cast = populated(cerberus)
        for number in range(CLIENTS):
            cerberus.people.create_user(SYSTEM, f"maker{number}", password=cast.password)
            cerberus.projects.add_member(SYSTEM, "fraud", subject=f"maker{number}", role="contributor")
        server = start(data=tmp_path, backend=backend, cerberus_url=url, cast=cast, workers=4)
        yield server, backend
        stop(server)
        cerberus.close()


def kill_one(server, clients):
    """Kills a worker while something is being made, and waits until every client was answered after that."""
    wait_for_answers(clients, [client.got.statuses[200] + 15 for client in clients])
    wait_until(lambda: len(server.cast.cerberus.deeds.under_way(for_longer_than=timedelta(0))) > 0, seconds=60)
    os.kill(random.choice(server.ready()).pid, signal.SIGKILL)
    wait_for_answers(clients, [client.got.statuses[200] + 1 for client in clients])


def wait_for_answers(clients, enough):
    until = time.monotonic() + 120
    while any(client.got.statuses[200] < wanted for client, wanted in zip(clients, enough, strict=True)):
        assert time.monotonic() < until, [client.got.statuses for client in clients]
        time.sleep(0.02)


def nothing_promised_is_lost(clients, backend):
    experiments = rows(backend, "SELECT CAST(experiment_id AS TEXT), name FROM experiments")
    models = {name for (name,) in rows(backend, "SELECT name FROM registered_models")}
    metrics = rows(backend, "SELECT run_uuid, key, step, value FROM metrics")
    params = rows(backend, "SELECT run_uuid, key, value FROM params")
    for client in clients:
        assert set(client.got.experiments.items()) <= experiments
        assert client.got.models <= models
        assert not client.got.gone & models
        assert client.got.metrics <= metrics
        assert client.got.params <= params


@pytest.mark.services
@pytest.mark.timeout(900)
def test_workers_killed_under_load_lose_nothing_and_leave_nothing_without_its_owner(at_work):
    server, backend = at_work
    stopped = threading.Event()
    clients = [Client(server, f"maker{number}", stopped) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for _ in range(KILLS):
            kill_one(server, clients)
    finally:
        stopped.set()
        for client in clients:
            client.join()
    statuses = sum((client.got.statuses for client in clients), Counter())
    assert set(statuses) <= {200, 400, 404, "none"}, statuses
    assert max(client.got.longest for client in clients) < ANSWERED_WITHIN
    nothing_promised_is_lost(clients, backend)
    assert everything_has_its_owner(server.cast.cerberus, backend) > CLIENTS * 10
    assert server.cast.cerberus.audit.verify() is None
    noticed(server)


def noticed(server):
    """All that died are noticed, and replaced by others that are not ended for being slow."""
    wait_until(lambda: server.started() == 4 + KILLS, seconds=300)
    assert server.log.read_text().count("died") == KILLS
    assert len(server.ready()) == 4
