"""Custom roles in the tables, on SQLite and on MySQL: what a binding to one gives, and who manages by one."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from cerberus.policy import ANY, Kind, Level, Resource, Source, SubjectKind, Verb, decide
from cerberus.store import grants, maintainers, principals, projects, roles, subjects
from cerberus.store.database import Database
from cerberus.store.tables import MembershipRow

pytestmark = pytest.mark.on_each_database
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
MOST_STATEMENTS = 4


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


@contextmanager
def statements_of(session):
    """The statements that the block sends."""
    sent = []

    def note(connection, cursor, statement, *rest):
        sent.extend([statement] * statement.lstrip("(").startswith(("SELECT", "WITH")))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def project(session, slug):
    return projects.insert(session, slug=slug, name=slug, description="", at=NOW)


def bind(session, where, who, role, **values):
    return projects.bind(session, where, who, role=role, expires_at=None, reason="", at=NOW, by="x", **values)


def make_role(session, name, home, levels, *, manages_project=False):
    return roles.insert(
        session, name, home=home, description="", levels=levels, manages_project=manages_project, at=NOW
    )


def test_a_principal_with_everything_takes_at_most_six_statements(database):
    """Groups in groups, bindings to built-in and custom roles, grants, and a platform role or none."""
    with database.writing() as session:
        alice = subjects.insert(session, "alice", SubjectKind.USER, display_name="", at=NOW)
        outer, inner = (subjects.insert(session, n, SubjectKind.GROUP, display_name="", at=NOW) for n in ("a", "b"))
        session.add_all([MembershipRow(group_id=inner.id, member_id=alice.id)])
        session.add_all([MembershipRow(group_id=outer.id, member_id=inner.id)])
        make_role(session, "stager", "", {ANY: Level.USE})
        for number in range(5):
            where = project(session, f"p{number}")
            make_role(session, "own", where.slug, {Kind.PROMPT: Level.DENY})
            for who, role in ((alice, "own"), (inner, "stager"), (outer, "viewer")):
                bind(session, where, who, role)
            at = Resource(where.slug, Kind.EXPERIMENT, "1")
            for source in Source.GRANT, Source.OWNERSHIP:
                grants.insert(
                    session, where, at, subject_id=alice.id, level=Level.EDIT, source=source,
                    expires_at=None, reason="", at=NOW, by="x",
                )  # fmt: skip
        alice_id = alice.id
    with database.reading() as session, statements_of(session) as sent:
        loaded = principals.load(session, alice_id)
    assert len(sent) <= MOST_STATEMENTS, sent
    assert loaded is not None
    assert {rule.role for rule in loaded.rules["p3"]} == {"own", "stager", "viewer", None}
    with database.writing() as session:
        subjects.set_platform_role(session, alice_id, "admin")
    with database.reading() as session, statements_of(session) as sent:
        principals.load(session, alice_id)
    assert len(sent) <= MOST_STATEMENTS, sent


def test_a_role_means_what_its_own_project_says(database):
    """`stager` of another project gives nothing here, nor does a role that nobody made, nor one in another spelling."""
    with database.writing() as session:
        here, there = project(session, "here"), project(session, "there")
        make_role(session, "stager", "there", {ANY: Level.MANAGE})
        people = {}
        for name, role in (("a", "stager"), ("b", "no-such"), ("c", "Viewer")):
            people[name] = subjects.insert(session, name, SubjectKind.USER, display_name="", at=NOW)
            bind(session, here, people[name], role)
        bind(session, there, people["b"], "stager")
    with database.reading() as session:
        for name in "ac":
            assert principals.load(session, people[name].id).rules == {}
        assert set(principals.load(session, people["b"].id).rules) == {"there"}


def test_a_built_in_name_means_the_built_in_role_whatever_the_table_holds(database):
    """A row that says otherwise came from nobody's use case."""
    with database.writing() as session:
        here = project(session, "here")
        make_role(session, "viewer", "here", {ANY: Level.MANAGE}, manages_project=True)
        alice = subjects.insert(session, "alice", SubjectKind.USER, display_name="", at=NOW)
        bind(session, here, alice, "viewer")
    with database.reading() as session:
        loaded = principals.load(session, alice.id)
        what = Resource("here", Kind.EXPERIMENT, "1")
        allowed = [verb for verb in Verb if decide(loaded.principal, verb, what, loaded.rules["here"], now=NOW)]
    assert allowed == [Verb.READ]


@pytest.mark.parametrize(
    ("home", "manages", "counts"),
    [("here", True, True), ("", True, True), ("there", True, False), ("here", False, False)],
)
def test_who_holds_a_managing_role_maintains_the_project(database, home, manages, counts):
    """Of this project or of every one; a role of the same name elsewhere does not count."""
    with database.writing() as session:
        here = project(session, "here")
        make_role(session, "steward", home, {Kind.PROMPT: Level.READ}, manages_project=manages)
        alice = subjects.insert(session, "alice", SubjectKind.USER, display_name="", at=NOW)
        bind(session, here, alice, "steward")
        assert maintainers.maintained(session, ["here"]) == ({"here"} if counts else set())
        assert maintainers.managed_by(session, [alice.id], now=NOW) == ({"here"} if counts else set())


def test_a_managing_role_that_has_ended_manages_nothing(database):
    """Nor does one that will end make a maintainer for good."""
    with database.writing() as session:
        here = project(session, "here")
        alice = subjects.insert(session, "alice", SubjectKind.USER, display_name="", at=NOW)
        binding = bind(session, here, alice, "maintainer")
        binding.expires_at = NOW
        session.flush()
        assert maintainers.maintained(session, ["here"]) == set()
        assert maintainers.managed_by(session, [alice.id], now=NOW) == set()
        assert len(maintainers.managed_by(session, [alice.id], now=NOW - timedelta(seconds=1))) == 1


def test_a_deleted_project_is_nowhere(database):
    """Neither in what a member or an admin has, nor under its slug."""
    with database.writing() as session:
        gone = project(session, "gone")
        alice = subjects.insert(session, "alice", SubjectKind.USER, display_name="", at=NOW)
        root = subjects.insert(session, "root", SubjectKind.USER, display_name="", at=NOW)
        subjects.set_platform_role(session, root.id, "admin")
        bind(session, gone, alice, "maintainer")
        gone.deleted_at = NOW
    with database.reading() as session:
        for who in (alice, root):
            loaded = principals.load(session, who.id)
            assert (loaded.rules, loaded.projects) == ({}, {})
        assert projects.project_row(session, "gone") is None
        assert projects.every(session) == []
        assert maintainers.managed_by(session, [alice.id], now=NOW) == set()
        assert projects.was_deleted(session, "gone")
