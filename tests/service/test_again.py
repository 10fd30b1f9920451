"""Changes that meet in the database run again: nobody notices, and nothing happens twice."""

import threading

import pytest
from sqlalchemy import text

from cerberus.errors import Conflict, Unavailable
from cerberus.service import SYSTEM, Cerberus
from cerberus.service.again import ATTEMPTS, again, run_again
from cerberus.store import audit
from cerberus.store.database import Deadlocked


class Meeting:
    """A use case that locks two rows in the order that it is told; the first time it waits for the other thread."""

    def __init__(self, cerberus):
        self.database = cerberus._database
        self.barrier = threading.Barrier(2)
        self.tries = []

    def add(self, first, second):
        """Counts both rows up, in one transaction."""
        self.tries.append(first)
        with self.database.writing() as session:
            session.execute(text(f"UPDATE sign_in_failures SET count = count + 1 WHERE who = '{first}'"))
            if self.tries.count(first) == 1:
                self.barrier.wait(10)
            session.execute(text(f"UPDATE sign_in_failures SET count = count + 1 WHERE who = '{second}'"))
        return first


@pytest.fixture
def on_mysql(migrated_mysql):
    """The service on MySQL, with a row for `a` and one for `b`."""
    opened = Cerberus(migrated_mysql, password_rounds=4)
    with opened._database.writing() as session:
        session.execute(text("DELETE FROM sign_in_failures"))
        for who in ("a", "b"):
            session.execute(text(f"INSERT INTO sign_in_failures VALUES ('{who}', 0, NOW())"))
    yield opened
    opened.close()


def in_two_threads(deed):
    """What the deed answered for each order, or how it failed."""
    results = {}

    def do(first, second):
        try:
            results[first] = deed(first, second)
        except Exception as error:
            results[first] = error

    threads = [threading.Thread(target=do, args=order) for order in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.services
def test_the_loser_of_a_deadlock_runs_again(on_mysql):
    """MySQL undoes one of two transactions that wait for each other; both have happened in the end, once each."""
    meeting = Meeting(on_mysql)
    run_again(meeting)
    assert in_two_threads(meeting.add) == {"a": "a", "b": "b"}
    assert len(meeting.tries) == 3
    with on_mysql._database.reading() as session:
        assert session.execute(text("SELECT count FROM sign_in_failures")).scalars().all() == [2, 2]


@pytest.mark.services
def test_a_deadlock_is_told_from_a_fault(on_mysql):
    """Without running again it would be this error."""
    meeting = Meeting(on_mysql)
    results = in_two_threads(meeting.add)
    assert sorted(type(result).__name__ for result in results.values()) == ["Deadlocked", "str"]


@pytest.mark.services
def test_a_lock_that_does_not_come_is_no_fault_of_the_database_either(on_mysql):
    """A change that takes long lets the others run again until it is done."""
    holding, done = threading.Event(), threading.Event()

    def hold():
        with on_mysql._database.writing_at_length() as session:
            audit.lock(session)
            holding.set()
            done.wait(1.6)  # longer than a lock is waited for

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    on_mysql.groups.create(SYSTEM, "patient")
    thread.join()
    assert on_mysql.audit.search(SYSTEM, action="group.create", target="group:patient")


def failing(times, error):
    """A use case that fails so often before it answers."""
    tries = []

    def use_case():
        tries.append(1)
        if len(tries) <= times:
            raise error
        return len(tries)

    return use_case


def test_a_use_case_runs_up_to_five_times():
    assert again(failing(ATTEMPTS - 1, Deadlocked("x")))() == ATTEMPTS
    with pytest.raises(Unavailable) as raised:
        again(failing(ATTEMPTS, Deadlocked("Others.", hint="Nothing was changed.")))()
    assert not isinstance(raised.value, Deadlocked)
    assert (raised.value.message, raised.value.hint) == ("Others.", "Nothing was changed.")


def test_a_use_case_inside_another_is_left_to_that():
    """Its transaction may be the other's."""
    inner = failing(1, Deadlocked("x"))
    calls = []

    def outer():
        calls.append(1)
        return again(inner)()

    assert again(outer)() == 2
    assert len(calls) == 2


@pytest.mark.parametrize("error", [Unavailable("away"), Conflict("taken"), RuntimeError()])
def test_nothing_else_runs_again(error):
    with pytest.raises(type(error)):
        again(failing(1, error))()


def test_every_use_case_of_the_service_runs_again(cast, cerberus, monkeypatch):
    """One line, one step of the version, although two attempts were undone."""
    version, real, failures = cerberus.version(), audit.lock, [Deadlocked("x"), Deadlocked("x")]

    def lock(session):
        if failures:
            raise failures.pop()
        return real(session)

    monkeypatch.setattr(audit, "lock", lock)
    cerberus.projects.archive(cast.alice, "fraud")
    assert cerberus.version() == version + 1
    assert len(cerberus.audit.search(SYSTEM, action="project.archive")) == 1


def test_what_is_written_later_runs_again_too(cast, cerberus, monkeypatch):
    real, failures = audit.append_loose, [Deadlocked("x")]

    def append(session, line, at):
        if failures:
            raise failures.pop()
        real(session, line, at)

    monkeypatch.setattr(audit, "append_loose", append)
    cerberus._context.looked(cast.admin, "people.search", "people")
    cerberus.settle()
    assert [line.who for line in cerberus.audit.search(SYSTEM, action="people.search")] == ["admin"]
