"""`make bench`, first half: Cerberus with a big organisation in its database, on MySQL where there is one.

Prints what it measured beside what was wanted. Times are the best of several; `own CPU` is what this process worked, as
the machine may have other work.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from big_data import MANY_GROUPS, Ids, Size, load
from policy_plan import plan_of_1000_changes
from sqlalchemy import create_engine, event, exc, make_url
from statements import full_scans
from throughput import compare

from cerberus.policy import Kind, Resource, Rulebook, Verb, visible
from cerberus.service import SYSTEM, Actor, Cerberus, Origin
from cerberus.service.context import Kept

MYSQL = os.environ.get("MLSTUDIO_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306")
SMALL = Size(people=1_000, groups=60, projects=100, rules=20_000)
PUBLISHED = (
    "Published, other hardware: SpiceDB (AuthZed Dedicated on CockroachDB, many machines): 5.76 ms at the 95th "
    "percentile\nof CheckPermission at 1,000,000 requests a second over 100,000,000,000 relationships "
    "(authzed.com/blog/google-scale-authorization, 2023)."
)


def main() -> None:
    """
    Loads, measures, prints, and takes the database away again.
    """
    size = SMALL if "--small" in sys.argv else Size()
    with _database() as url:
        cerberus = Cerberus(url)
        cerberus.migrate()
        ids = load(create_engine(url), size)
        try:
            Bench(cerberus, url, ids).run()
        finally:
            cerberus.close()


@contextmanager
def _database() -> Iterator[str]:
    """
    The URL of an empty database that goes at the end.
    """
    name = f"mlstudio_bench_{os.getpid()}"
    server = create_engine(MYSQL, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            version = connection.exec_driver_sql("SELECT version()").scalar()
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    except exc.SQLAlchemyError:
        print("No MySQL at MLSTUDIO_TEST_MYSQL: measured on SQLite, which is no measure of a server.")
        with tempfile.TemporaryDirectory() as directory:
            yield f"sqlite:///{Path(directory) / 'cerberus.db'}"
        return
    print(f"Database server {version}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {datetime.now(UTC):%F}")
    try:
        yield make_url(MYSQL).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


def shown(seconds: float) -> str:
    """
    A duration for people.
    """
    return f"{seconds * 1e6:,.1f} us" if seconds < 0.001 else f"{seconds * 1e3:,.1f} ms"


class Bench:
    """The measurements, on one database."""

    def __init__(self, cerberus: Cerberus, url: str, ids: Ids) -> None:
        self.cerberus, self.url, self.ids = cerberus, url, ids
        self.project = f"p{ids.target:05}"
        self.resource = Resource(self.project, Kind.EXPERIMENT, "7")
        self.sent: list[tuple[str, object]] = []
        event.listen(cerberus._database.engine, "before_cursor_execute", self._note)
        self.admin = Actor(cerberus.decisions.access_of(ids.admin).principal, Origin())

    def _note(self, _connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.lstrip("(").startswith(("SELECT", "WITH")):
            self.sent.append((statement, parameters))

    def run(self) -> None:
        """
        Everything, a line each.
        """
        print(f"{'what':<58}{'clock':>12}{'own CPU':>12}{'wanted':>10}  statements")
        self.warm()
        self.cold()
        self.lists()
        self.api()
        seconds = plan_of_1000_changes(self.cerberus)
        print(f"{'a plan of 1,000 changes (policy as code)':<58}{seconds:>10.1f} s{'':>12}{'3 s':>10}")
        print(f"\n{PUBLISHED}\n")
        scans = full_scans(self.cerberus._database.engine, self.sent)
        print(f"Of {len({statement for statement, _ in self.sent})} statements these look at a whole large table:")
        print("\n".join(scans) or "none")

    def row(self, what: str, work: Callable[[], object], wanted: str, *, times: int = 20, at_once: int = 1) -> None:
        """
        One line: the best of several runs, and the statements that one run sends.
        """
        before = len(self.sent)
        work()
        statements = len(self.sent) - before
        runs = [self._seconds(work, at_once) for _ in range(times)]
        best, own = min(wall for wall, _ in runs), min(cpu for _, cpu in runs)
        print(f"{what:<58}{shown(best):>12}{shown(own):>12}{wanted:>10}  {statements or ''}", flush=True)

    @staticmethod
    def _seconds(work: Callable[[], object], at_once: int) -> tuple[float, float]:
        """
        By the clock, and of this process' own work: only the second does not grow with the load of the machine.
        """
        begun, own = time.perf_counter(), time.thread_time()
        for _ in range(at_once):
            work()
        return (time.perf_counter() - begun) / at_once, (time.thread_time() - own) / at_once

    def warm(self) -> None:
        """
        Checks whose principal is in memory.
        """
        decisions, seven = self.cerberus.decisions, self.resource
        many = decisions.access_of(self.ids.with_many_grants)
        ordinary = decisions.access_of(self.ids.ordinary)
        mine = next(iter(ordinary.rules))
        one = Resource(mine, Kind.EXPERIMENT, "7")
        theirs = Resource(f"p{self.ids.target - 1:05}", Kind.EXPERIMENT, "77")
        owner = Actor(ordinary.principal, Origin())
        token = self.cerberus.tokens.create(owner, "bench").secret
        decisions.access_of_token(token)
        self.row("warm check", lambda: ordinary.check(Verb.READ, one), "20 us", at_once=2000)
        self.row("warm check with 10,000 grants", lambda: many.check(Verb.READ, theirs), "20 us", at_once=2000)
        self.row("warm check of an admin", lambda: self._admin().check(Verb.READ, seven), "")
        whole = lambda: decisions.access_of_token(token).check(Verb.READ, one)  # noqa: E731
        self.row("warm token, version read, check", whole, "1 ms", at_once=100)

    def _admin(self):
        return self.cerberus.decisions.access_of(self.ids.admin)

    def _anew(self, subject_id: int) -> Callable[[], object]:
        def load_it() -> object:
            self.cerberus._context._kept = Kept(-1)
            return self.cerberus.decisions.access_of(subject_id)

        return load_it

    def cold(self) -> None:
        """
        Principals that nobody has asked about under this version.
        """
        self.row("cold: an ordinary person", self._anew(self.ids.ordinary), "20 ms")
        self.row(
            f"cold: a person in {MANY_GROUPS} groups and those above", self._anew(self.ids.in_many_groups), "20 ms"
        )
        self.row("cold: a person with 10,000 grants", self._anew(self.ids.with_many_grants), "")
        self.row("cold: an admin of 10,000 projects", self._anew(self.ids.admin), "20 ms")
        first = lambda: self._anew(self.ids.admin)().check(Verb.READ, self.resource)  # type: ignore[attr-defined]  # noqa: E731
        self.row("cold: an admin, and the first check", first, "20 ms")
        every = lambda: self._anew(self.ids.admin)().projects  # type: ignore[attr-defined]  # noqa: E731
        self.row("cold: an admin, and a list of all projects", every, "", times=3)

    def lists(self) -> None:
        """
        Questions about many.
        """
        ask = self.cerberus.questions
        found = len(ask.who_can(self.admin, Verb.READ, self.resource, limit=1000).items)
        all_of_them = lambda: ask.who_can(self.admin, Verb.READ, self.resource, limit=1000)  # noqa: E731
        self.row(f"who_can: all {found:,} who reach a resource", all_of_them, "300 ms", times=10)
        page = lambda: ask.who_can(self.admin, Verb.READ, self.resource, limit=50)  # noqa: E731
        self.row("who_can: the first 50 of them", page, "300 ms", times=10)
        other = Resource("p00007", Kind.EXPERIMENT, "7")
        self.row(
            "who_can: another project", lambda: ask.who_can(self.admin, Verb.READ, other, limit=1000), "", times=10
        )
        name = self.cerberus.decisions.access_of(self.ids.ordinary).principal.name
        why = lambda: ask.explain(SYSTEM, Verb.UPDATE, self.resource, subject=name)  # noqa: E731
        self.row("explain: why somebody may not", why, "")
        people = self.cerberus.people
        self.row("people search: 'fisch'", lambda: people.search(self.admin, "fisch"), "", times=10)
        self.row("people search: 'hana fischer'", lambda: people.search(self.admin, "hana fischer"), "", times=10)
        theirs = f"p{self.ids.target - 1:05}"
        many = self.cerberus.decisions.access_of(self.ids.with_many_grants)

        def visible_anew() -> object:
            rules = Rulebook(dict(many.rules)).of_kind(Kind.EXPERIMENT, theirs)
            return visible(many.principal, Kind.EXPERIMENT, theirs, rules, now=datetime.now(UTC))

        self.row("visible: 10,000 ids, the first time", visible_anew, "", times=5)
        self.row("visible: 10,000 ids, afterwards", lambda: many.visible(Kind.EXPERIMENT, theirs), "", times=5)
        members = self.cerberus.projects
        self.row("members of a project", lambda: members.members(self.admin, self.project), "", times=5)

    def api(self) -> None:
        """
        The API against an empty route.
        """
        owner = Actor(self.cerberus.decisions.access_of(self.ids.in_many_groups).principal, Origin())
        token = self.cerberus.tokens.create(owner, "bench").secret
        ours, empty = compare(self.url, token, self.project)
        print(f"{'API: POST /check':<58}{ours:>10,.0f}/s{'':>12}{empty / 2:>8,.0f}/s")
        print(
            f"{'  an empty Flask route, same gunicorn':<58}{empty:>10,.0f}/s{'':>12}{'':>10}  ratio {ours / empty:.2f}"
        )


if __name__ == "__main__":
    main()
