"""
The database is killed, or hangs, under load: 503 within two seconds, nothing allowed wrongly, no change half made, and
everything works again by itself.
"""

import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import requests
from sqlalchemy import text

from cerberus.policy import ALL_SCOPES
from cerberus.service import SYSTEM, Cerberus

pytestmark = pytest.mark.services
IN_TIME = 2.0
CLIENTS = 8
CHECK = {"verb": "delete", "kind": "experiment", "project": "fraud"}


@dataclass
class Seen:
    """What the clients were answered."""

    calls: list = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)
    made: set = field(default_factory=set)
    tried: set = field(default_factory=set)


class Load:
    """Clients that read, ask and change, over and over, until told to stop."""

    def __init__(self, api):
        self.api, self.seen, self.stopped = api, Seen(), threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *raised):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def work(self, number):
        count = 0
        while not self.stopped.is_set():
            count += 1
            if number % 2:
                self.change(f"g{number}-{count}")
            else:
                self.read()

    def call(self, *asked):
        began = time.monotonic()
        response = self.api.ask(*asked)
        self.seen.calls.append((began, time.monotonic(), response.status_code))
        self.seen.statuses[response.status_code] += 1
        if response.status_code == 503:
            time.sleep(0.05)  # a client that does not wait at all would only measure how busy it is itself
        return response

    def read(self):
        allowed = self.call("bob", "POST", "/check", CHECK)
        if allowed.status_code == 200 and allowed.json()["allowed"]:
            self.seen.wrong.append(allowed.json())
        if self.call("charlie", "GET", "/projects/fraud").status_code == 200:
            self.seen.wrong.append("charlie")

    def change(self, name):
        self.seen.tried.add(name)
        if self.call("admin", "POST", "/groups", {"name": name}).status_code == 201:
            self.seen.made.add(name)


@pytest.fixture
def cerberus(mysql):
    opened = Cerberus(mysql.url, password_rounds=4)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def api(serving, cerberus, mysql, populated):
    cast = populated(cerberus)
    with serving(mysql.url, cast) as served:
        for who in ("admin", "bob", "charlie"):
            served.tokens[who] = cast.token(who, scopes=tuple(ALL_SCOPES))
        yield served


def slowest(seen, away):
    """
    How long an answer took at most that came while the database was away, or said so, counted from when it went.
    """
    gone, back = away
    return max(
        ended - max(began, gone)
        for began, ended, status in seen.calls
        if began < back and gone < ended and (ended <= back or status == 503)
    )


def worked(load, *, more):
    """Waits until the clients have had that many more answers that are no 503."""
    enough = sum(load.seen.statuses.values()) - load.seen.statuses[503] + more
    until = time.monotonic() + 60
    while sum(load.seen.statuses.values()) - load.seen.statuses[503] < enough:
        assert time.monotonic() < until, load.seen
        time.sleep(0.02)


def healed(api, *, within):
    """Waits until the API is ready again."""
    began = time.monotonic()
    while True:
        with suppress(requests.RequestException):
            if requests.get(f"{api.url}/readyz", timeout=5).ok:
                return time.monotonic() - began
        assert time.monotonic() < began + within, "not healed"
        time.sleep(0.05)


def must_be_whole(cerberus, version, seen):
    """Each change is there with its line and its step, or not at all; what was answered as made is there."""
    lines = cerberus.audit.search(SYSTEM, action="group.create", limit=1000)
    noted = {line.target.removeprefix("group:") for line in lines} & seen.tried
    with cerberus._database.reading() as session:
        there = set(session.scalars(text("SELECT name FROM subjects WHERE kind = 'group'"))) & seen.tried
    assert noted == there
    assert seen.made <= there
    assert cerberus.version() == version + len(there)
    assert cerberus.audit.verify() is None


@pytest.mark.timeout(600)
def test_a_database_that_is_killed_is_told_in_time_and_nothing_is_half_made(api, mysql, cerberus):
    version = cerberus.version()
    with Load(api) as load:
        worked(load, more=40)
        times = []
        for _ in range(2):
            gone = time.monotonic()
            mysql.send(signal.SIGKILL)
            time.sleep(1)  # it is away for as long as that
            assert requests.get(f"{api.url}/readyz", timeout=5).status_code == 503
            times.append((gone, time.monotonic()))
            mysql.start()
            healed(api, within=30)
            worked(load, more=40)
    seen = load.seen
    assert set(seen.statuses) <= {200, 201, 404, 503}, seen.statuses
    assert seen.statuses[503] > 0
    assert seen.wrong == []
    assert max(slowest(seen, away) for away in times) < IN_TIME
    must_be_whole(cerberus, version, seen)


@pytest.mark.timeout(600)
def test_a_database_that_hangs_is_told_in_time_and_nothing_is_half_made(api, mysql, cerberus):
    """It takes packets, and says nothing."""
    version = cerberus.version()
    with Load(api) as load:
        worked(load, more=40)
        mysql.send(signal.SIGSTOP)
        gone = time.monotonic()
        while time.monotonic() < gone + 6:
            answers = [load.call("bob", "POST", "/check", CHECK), load.call("charlie", "GET", "/projects/fraud")]
            assert [answer.status_code for answer in answers] == [503, 503]
            assert requests.get(f"{api.url}/readyz", timeout=10).status_code == 503
        back = time.monotonic()
        mysql.send(signal.SIGCONT)
        healed(api, within=5)
        worked(load, more=40)
    seen = load.seen
    assert set(seen.statuses) <= {200, 201, 404, 503}, seen.statuses
    assert seen.wrong == []
    assert slowest(seen, (gone, back)) < IN_TIME
    must_be_whole(cerberus, version, seen)
