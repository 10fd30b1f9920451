"""
Cerberus' database is stopped while people work: MLflow's server, with four workers, refuses every request with 503 and
in time, lets nobody in, and works again by itself once the database is back.

Broken on purpose, and seen to fail here: a policy version that stays what it was while nobody can be asked.
"""

import signal
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass

import pytest
import requests
from databases import postgresql
from ownership import everything_has_its_owner
from patience import wait_until
from real_mlflow import start, stop

from cerberus.service import Cerberus

pytestmark = pytest.mark.services
IN_TIME = 2.0
HEALED_WITHIN = 10.0
AWAY = 5.0


@dataclass(frozen=True)
class Asked:
    """One request, and how it went; status 0 where there was no answer."""

    what: str
    began: float
    ended: float
    status: int


class Client(threading.Thread):
    """Asks one kind of question over and over, as one person."""

    def __init__(self, server, who, what, question, stopped):
        super().__init__()
        self.server, self.what, self.question, self.stopped = server, f"{who} {what}", question, stopped
        self.headers, self.asked = {"Authorization": f"Bearer {server.token(who)}"}, []
        self.session = requests.Session()

    def run(self):
        while not self.stopped.is_set():
            method, path, options = self.question()
            began = time.monotonic()
            try:
                url = self.server.url + path
                status = self.session.request(method, url, headers=self.headers, timeout=30, **options).status_code
            except requests.RequestException:
                status = 0
            self.asked.append(Asked(self.what, began, time.monotonic(), status))
            if status == 503:
                time.sleep(0.05)  # a client that does not wait at all would only measure how busy it is itself


@pytest.fixture
def at_work(mysql, tmp_path, populated):
    """Four workers, MLflow on PostgreSQL, and Cerberus on a MySQL that can be stopped."""
    cerberus = Cerberus(mysql.url, password_rounds=4)
    cerberus.migrate()
    cast = populated(cerberus)
    with postgresql("away") as backend:
        server = start(data=tmp_path, backend=backend, cerberus_url=mysql.url, cast=cast, workers=4)
        yield server, backend
        stop(server)
    cerberus.close()


def clients_of(server, stopped):
    """Who may and who may not, by Flask and by FastAPI, reading and writing."""
    experiment_id = server.experiment("dana", "dana.work")
    run_id = server.run("dana", experiment_id)
    artifact = f"/api/2.0/mlflow-artifacts/artifacts/workspaces/fraud/{experiment_id}/{run_id}/artifacts/note.txt"
    assert server.ask("dana", "PUT", artifact, data=b"secret").ok
    api, metric = "/api/2.0/mlflow", {"run_id": run_id, "key": "m", "value": 1, "timestamp": 1}
    get = ("GET", f"{api}/experiments/get", {"params": {"experiment_id": experiment_id}})
    questions = {
        "reads": lambda: get,
        "searches": lambda: ("POST", f"{api}/runs/search", {"json": {"experiment_ids": [experiment_id]}}),
        "logs": lambda: ("POST", f"{api}/runs/log-metric", {"json": metric}),
        "makes": lambda: ("POST", f"{api}/experiments/create", {"json": {"name": f"dana.{uuid.uuid4().hex}"}}),
        "downloads": lambda: ("GET", artifact, {}),
    }
    mine = [Client(server, "dana", what, question, stopped) for what, question in questions.items()]
    others = [Client(server, "bob", "logs", questions["logs"], stopped)]
    others += [Client(server, "charlie", what, questions[what], stopped) for what in ("reads", "downloads")]
    return mine, others


def stopped_for_a_while(mysql, number):
    """Stops the database by a signal, and starts it again; when it was gone, and when it began to come back."""
    mysql.process.send_signal(number)
    mysql.process.wait(60)
    gone = time.monotonic()
    time.sleep(AWAY)
    back = time.monotonic()
    mysql.start()
    return gone, back


def served_anew(clients, since):
    """Whether each of them was served in a request that began after that moment."""
    return all(any(each.status == 200 and each.began > since for each in client.asked[-20:]) for client in clients)


@pytest.mark.timeout(900)
def test_without_its_database_every_request_is_refused_in_time_and_heals(at_work, mysql):
    server, backend = at_work
    stopped, away = threading.Event(), []
    mine, others = clients_of(server, stopped)
    for client in (*mine, *others):
        client.start()
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            wait_until(lambda: served_anew(mine, time.monotonic() - 5), seconds=60)
            away.append(stopped_for_a_while(mysql, number))
            wait_until(mysql.answers_now, seconds=60)
            came = time.monotonic()
            wait_until(lambda came=came: served_anew(mine, came), seconds=HEALED_WITHIN)
    finally:
        stopped.set()
        for client in (*mine, *others):
            client.join()
    asked = [each for client in (*mine, *others) for each in client.asked]
    for gone, back in away:
        refused_in_time([each for each in asked if gone < each.ended and each.began < back], gone, back)
    assert {each.status for client in mine for each in client.asked} == {200, 503}
    assert not [each for client in others for each in client.asked if each.status == 200]
    assert everything_has_its_owner(server.cast.cerberus, backend) > 5
    assert server.cast.cerberus.audit.verify() is None


def refused_in_time(asked, gone, back):
    """All that was asked while the database was away; at least once by every client."""
    wholly = [each for each in asked if gone < each.began and each.ended < back]
    assert {each.status for each in wholly} == {503}, Counter((each.what, each.status) for each in wholly)
    assert len({each.what for each in wholly}) == 8
    assert max(each.ended - max(each.began, gone) for each in asked if each.ended < back) < IN_TIME
