"""The store's contract, held on SQLite and on MySQL."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from cerberus.errors import Conflict, Unavailable
from cerberus.policy import ANY, Kind, Level, Resource, Source, SubjectKind
from cerberus.store import audit, chain, credentials, grants, idempotency, principals, projects, schema, subjects
from cerberus.store.database import Database, Deadlocked
from cerberus.store.records import ProjectInfo
from cerberus.store.tables import Base, SessionRow

pytestmark = pytest.mark.on_each_database
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


def user(session, name, kind=SubjectKind.USER):
    return subjects.insert(session, name, kind, display_name=name.title(), at=NOW)


def test_the_migrations_make_the_tables_that_the_code_knows(database):
    """Autogenerate finds nothing left to do."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrating_twice_changes_nothing(database):
    """The version stays, and the check is content."""
    before = database.version()
    schema.migrate(database)
    schema.check(database)
    assert database.version() == before


def test_a_database_of_another_version_is_refused_in_one_sentence(database):
    """Neither the check nor a migration touches it."""
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from-tomorrow'"))
    try:
        for ask in (schema.check, schema.migrate):
            with pytest.raises(Unavailable, match="another, probably newer, version"):
                ask(database)
    finally:
        with database.writing() as session:
            session.execute(text(f"UPDATE alembic_version SET version_num = '{schema.head()}'"))


def test_moments_keep_their_zone_and_microseconds(database):
    """What goes in comes out."""
    with database.writing() as session:
        user(session, "alice")
    with database.reading() as session:
        assert subjects.by_name(session, "alice").created_at == NOW


def test_names_are_compared_byte_by_byte(database):
    """`Alice` is not `alice`, and `é` is not `e`: MySQL's own comparison would say otherwise."""
    with database.writing() as session:
        user(session, "alice")
        user(session, "Alice")
        user(session, "jose")
        user(session, "josé")
        assert subjects.by_name(session, "ALICE") is None
    with database.reading() as session:
        assert subjects.by_name(session, "Alice").id != subjects.by_name(session, "alice").id


def test_a_block_that_raises_changes_nothing(database):
    """Neither the row nor the version moves."""
    before = database.version()

    def half_done():
        with database.writing() as session:
            audit.lock(session).version += 1
            user(session, "alice")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with database.reading() as session:
        assert subjects.by_name(session, "alice") is None
    assert database.version() == before


def test_the_loser_of_a_race_gets_a_conflict(database):
    """A constraint that refuses is no fault."""
    with database.writing() as session:
        user(session, "alice")
    with pytest.raises(Conflict), database.writing() as session:
        user(session, "alice")


def test_changes_happen_one_after_another(database):
    """Fifty changes from five threads are fifty steps of the version, and one unbroken chain."""
    before = database.version()
    failures = []

    def change():
        try:
            for _ in range(10):
                with database.writing() as session:
                    state = audit.lock(session)
                    state.version += 1
                    audit.append(session, state, {"who": "alice", "action": "x", "target": "y"}, NOW)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=change) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.version() == before + 50
    with database.reading_at_length() as session:
        assert chain.examine(session).broken is None


def test_groups_in_a_circle_do_no_harm(database):
    """Membership is followed upward through groups, each once."""
    with database.writing() as session:
        alice = user(session, "alice")
        ids = [user(session, f"g{n}", SubjectKind.GROUP).id for n in range(3)]
        subjects.join(session, ids[0], alice.id)
        for n in range(3):
            subjects.join(session, ids[(n + 1) % 3], ids[n])
        assert principals.groups_of(session, alice.id) == frozenset(ids)


def test_a_principal_is_loaded_in_at_most_six_statements(database):
    """However many groups, bindings and grants they have."""
    with database.writing() as session:
        alice = user(session, "alice")
        for n in range(20):
            group = user(session, f"g{n}", SubjectKind.GROUP)
            subjects.join(session, group.id, alice.id)
            project = projects.insert(session, slug=f"p{n}", name="p", description="", at=NOW)
            projects.bind(session, project, group, role="viewer", expires_at=None, reason="", at=NOW, by="x")
            give(session, project, alice.id, Resource(f"p{n}", Kind.EXPERIMENT, "7"), Level.EDIT)
        alice_id = alice.id
    statements = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with database.reading() as session:
        loaded = principals.load(session, alice_id)
    assert len(loaded.projects) == 20
    assert len([text for text in statements if text.lstrip().upper().startswith(("SELECT", "WITH"))]) <= 4


def test_what_a_principal_holds_is_told_with_its_projects_and_with_whose_it_is(database):
    """Whether a rule is their own or a group's; a project that only a grant leads to is there, too."""
    with database.writing() as session:
        alice, readers = user(session, "alice"), user(session, "readers", SubjectKind.GROUP)
        subjects.join(session, readers.id, alice.id)
        fraud, churn, other = (
            projects.insert(session, slug=slug, name=slug.title(), description="about", at=NOW)
            for slug in ("fraud", "churn", "other")
        )
        churn.archived_at, fraud.askable = NOW, True
        projects.bind(session, fraud, readers, role="viewer", expires_at=NOW, reason="", at=NOW, by="x")
        projects.bind(session, other, alice, role="no-such", expires_at=None, reason="", at=NOW, by="x")
        give(session, churn, alice.id, Resource("churn", Kind.EXPERIMENT, "7"), Level.EDIT)
        alice_id = alice.id
    with database.reading() as session:
        loaded = principals.load(session, alice_id)
    assert {(rule.subject_name, rule.subject_kind, rule.expires_at) for rule in loaded.rules["fraud"]} == {
        ("readers", SubjectKind.GROUP, NOW)
    }
    assert {(rule.subject_name, rule.subject_kind) for rule in loaded.rules["churn"]} == {("alice", SubjectKind.USER)}
    assert loaded.projects == {
        "fraud": ProjectInfo("fraud", "Fraud", "about", False, True),
        "churn": ProjectInfo("churn", "Churn", "about", True, False),
    }
    assert {type(info.archived) for info in loaded.projects.values()} == {bool}


def give(session, project, subject_id, resource, level, source=Source.GRANT):
    return grants.insert(
        session,
        project,
        resource,
        subject_id=subject_id,
        level=level,
        source=source,
        expires_at=None,
        reason="",
        at=NOW,
        by="x",
    )


def test_grants_are_renamed_and_forgotten_by_exact_name(database):
    """A model called `a%` or `A` is not the model `a`."""
    with database.writing() as session:
        alice = user(session, "alice")
        project = projects.insert(session, slug="fraud", name="f", description="", at=NOW)
        for name in ("a", "A", "a%", "a_"):
            give(session, project, alice.id, Resource("fraud", Kind.REGISTERED_MODEL, name), Level.EDIT)
        assert grants.rename(session, project, Resource("fraud", Kind.REGISTERED_MODEL, "a"), "b") == 1
        assert grants.forget(session, project, Resource("fraud", Kind.REGISTERED_MODEL, "a%")) == 1
        left = {
            name: len(grants.on(session, project, Resource("fraud", Kind.REGISTERED_MODEL, name)))
            for name in ("a", "b", "A", "a%", "a_", ANY)
        }
    assert left == {"a": 0, "b": 1, "A": 1, "a%": 0, "a_": 1, ANY: 0}


def test_removing_a_subject_takes_everything_of_it(database):
    """No binding, grant or membership is left that a later subject could inherit."""
    with database.writing() as session:
        alice, group = user(session, "alice"), user(session, "readers", SubjectKind.GROUP)
        project = projects.insert(session, slug="fraud", name="f", description="", at=NOW)
        projects.bind(session, project, group, role="viewer", expires_at=None, reason="", at=NOW, by="x")
        give(session, project, group.id, Resource("fraud", Kind.EXPERIMENT, "7"), Level.EDIT)
        subjects.join(session, group.id, alice.id)
        subjects.remove(session, group)
    with database.reading() as session:
        loaded = principals.load(session, subjects.by_name(session, "alice").id)
    assert not loaded.rules
    assert not loaded.principal.groups


def test_old_keys_are_forgotten_each_by_its_key_and_new_ones_stay(database):
    """Found without a lock, and locked one by one as requests lock them."""
    with database.writing() as session:
        alice = user(session, "alice")
        for number in range(5):
            at = NOW - timedelta(days=number)
            idempotency.insert(session, alice.id, f"key-{number}", request_hash="", at=at)
    sent = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
    with database.writing() as session:
        idempotency.sweep(session, NOW - timedelta(days=1))
        about = [statement for statement in sent if "idempotency_keys" in statement]
        assert [statement.split()[0] for statement in about] == ["SELECT", *["DELETE"] * 3]
        assert all("idempotency_key = " in statement for statement in about[1:])
        kept = session.scalars(text("SELECT idempotency_key FROM idempotency_keys ORDER BY 1")).all()
        idempotency.sweep(session, NOW - timedelta(days=1))
    assert kept == ["key-0", "key-1"]


def test_sessions_of_many_are_ended_at_once(database):
    """Nobody else's, and none that had ended before."""
    with database.writing() as session:
        people = [user(session, name) for name in ("alice", "bob", "carl")]
        for number, person in enumerate(people):
            session.add(
                SessionRow(
                    cookie_hash=str(number), subject_id=person.id, created_at=NOW, last_seen_at=NOW, ended_at=None,
                    expires_at=NOW + timedelta(days=1), address="", client="",
                )
            )  # fmt: skip
        credentials.end_sessions_of(session, NOW, subject_ids=[person.id for person in people[:2]])
        left = [credentials.sessions_of(session, person.id, NOW, seen_after=NOW - timedelta(1)) for person in people]
    assert [len(found) for found in left] == [0, 0, 1]


def test_failures_are_counted_within_a_window(database):
    """A new window starts the count anew."""
    minute = timedelta(minutes=1)
    with database.writing() as session:
        counts = [credentials.count_failure(session, "account:x", NOW, since=NOW - minute) for _ in range(3)]
        later = NOW + 2 * minute
        counts.append(credentials.count_failure(session, "account:x", later, since=later - minute))
    assert counts == [1, 2, 3, 1]


def test_a_role_that_the_code_does_not_know_gives_nothing(database):
    """Silence means no."""
    with database.writing() as session:
        alice = user(session, "alice")
        project = projects.insert(session, slug="fraud", name="f", description="", at=NOW)
        projects.bind(session, project, alice, role="emperor", expires_at=None, reason="", at=NOW, by="x")
        loaded = principals.load(session, alice.id)
    assert not loaded.rules


def test_a_database_that_is_away_is_unavailable(database_url):
    """Not an answer, and not the driver's error."""
    from sqlalchemy import make_url

    url = make_url(database_url)
    gone = url.set(database="/nowhere/at/all.db") if url.get_backend_name() == "sqlite" else url.set(port=1)
    with pytest.raises(Unavailable) as raised:
        Database(gone.render_as_string(hide_password=False)).version()
    assert "/nowhere" not in raised.value.message


def test_a_connection_that_the_server_closed_is_replaced(database):
    """The pool heals by itself: no caller sees the fault."""
    if database.engine.dialect.name == "sqlite":
        assert database.version() == database.version()  # a file has no server that could close anything
        return
    database.version()
    killer = Database(database.url)
    with killer.engine.connect() as connection:
        others = connection.exec_driver_sql(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        ).scalars()
        killed = [connection.exec_driver_sql(f"KILL {number}") for number in others]
    killer.close()
    assert killed
    assert database.version()
    with database.reading() as session:
        assert subjects.by_name(session, "nobody") is None


def test_the_connection_that_asks_for_the_version_is_kept_for_a_while(database, monkeypatch):
    """Then the pool has it back, which replaces it before the server, or something on the way, gives it up."""
    moves = []
    for move in ("checkout", "checkin"):
        event.listen(database._asking, move, lambda *_, move=move: moves.append(move))
    for _ in range(3):
        database.version()
    assert moves == ["checkout"]
    monkeypatch.setattr(database._straight, "_until", 0.0)
    database.version()
    assert moves == ["checkout", "checkin", "checkout"]
    database.close()
    assert moves[3:] == ["checkin"]


def test_the_url_with_its_password_is_nowhere_in_sight(database):
    """A logged object must not tell."""
    opened = Database("mysql+pymysql://cerberus:hunter2@127.0.0.1/x")
    assert "hunter2" not in repr(opened)


def test_what_was_removed_before_it_was_written_is_a_collision(database):
    """Somebody else was faster: the transaction is undone and may run again."""
    with database.writing() as session:
        credentials.count_failure(session, "account:x", NOW, since=NOW - timedelta(minutes=1))

    def count_a_row_that_is_gone():
        with database.writing() as session:
            row = credentials.failures(session, "account:x", since=NOW - timedelta(minutes=1))
            session.execute(text("DELETE FROM sign_in_failures"))
            row.count += 1

    with pytest.raises(Deadlocked):
        count_a_row_that_is_gone()
