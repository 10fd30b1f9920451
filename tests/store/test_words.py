"""People and groups are found by the beginning of a word, at a cost that does not grow with how many there are."""

import importlib
import string
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, insert, select, text

from cerberus.errors import Invalid
from cerberus.policy import SubjectKind
from cerberus.store import subjects, words
from cerberus.store.database import Database
from cerberus.store.tables import SubjectRow, SubjectWordRow

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
PEOPLE = {
    "alice": "Alice Ahlers",
    "bob.bauer": "Bob",
    "dana": "Dana-Marie O'Neill",
    "fraud-bot": "",
    "jose": "José Ángel",
    "u1": "\uff21\uff4e\uff4e\uff41 Straße",
    "u2": "Ahlers, Anna",
    "long": "x" * 80,
}


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


def user(session, name, shown, kind=SubjectKind.USER):
    return subjects.insert(session, name, kind, display_name=shown, at=NOW)


@pytest.mark.on_each_database
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ali", ["alice"]),
        ("ALICE", ["alice"]),
        ("lice", []),
        ("ahl", ["alice", "u2"]),
        ("ahlers ali", ["alice"]),
        ("ann", ["u1", "u2"]),
        ("bau", ["bob.bauer"]),
        ("bob.b", ["bob.bauer"]),
        ("neill", ["dana"]),
        ("dana m", ["dana"]),
        ("fraud-b", ["fraud-bot"]),
        ("jose", ["jose"]),
        ("jose\u0301", ["jose"]),
        ("ang", []),
        ("áng", ["jose"]),
        ("STRASSE", ["u1"]),
        ("x" * 90, ["long"]),
        ("%", []),
        ("_", []),
        ("a%", ["alice", "u1", "u2"]),
        ("'", []),
        ("\U0010ffff", []),
        ("", sorted(PEOPLE)),
    ],
)
def test_a_person_is_found_by_the_beginning_of_each_word(database, asked, found):
    """Of name or display name, in any case; nothing in the text is a pattern."""
    with database.writing() as session:
        for name, shown in PEOPLE.items():
            user(session, name, shown)
        hits = subjects.search(session, asked, limit=50, after=None)
    assert sorted(person.name for person in hits) == found


@pytest.mark.on_each_database
def test_pages_hold_everybody_once_whatever_their_size(database):
    """Those with several words that fit, too."""
    with database.writing() as session:
        for first in string.ascii_lowercase[:6]:
            for last in ("anna", "annabel", "b"):
                user(session, f"{first}{last}", f"Ann Anna {last} Annika")
        for text_, count in (("ann", 18), ("an anna", 18), ("ann b", 8), ("", 18)):
            for limit in (1, 4, 7, 50):
                seen, after = [], None
                while page := subjects.search(session, text_, limit=limit, after=after):
                    seen += [person.name for person in page]
                    after = seen[-1]
                assert (len(seen), len(set(seen))) == (count, count), (text_, limit)


def test_whoever_ended_a_page_and_is_gone_is_said_to_be(database):
    """Better than to leave somebody out in silence."""
    with database.writing() as session:
        user(session, "anna", "")
        with pytest.raises(Invalid) as raised:
            subjects.search(session, "an", limit=5, after="andrea")
    assert raised.value.field == "after"


@pytest.mark.on_each_database
def test_words_follow_the_name(database):
    """A former display name finds nobody, and nothing is left of who is gone."""
    with database.writing() as session:
        row = user(session, "anna", "Anna Ahlers")
        subjects.rename(session, row, "Anna Bauer")
        assert subjects.search(session, "ahl", limit=5, after=None) == []
        assert [person.name for person in subjects.search(session, "bau", limit=5, after=None)] == ["anna"]
        subjects.remove(session, row)
        assert session.scalars(select(SubjectWordRow)).all() == []


@pytest.mark.parametrize(("name", "shown"), [*PEOPLE.items(), ("a" * 64, "İı ﬁ \u202e\x00 _x_"), ("n", "हिन्दी 漢字")])
def test_the_migration_made_the_same_words(name, shown):
    """It cannot use our function, which may change."""
    migration = importlib.import_module("cerberus.store.migrations.versions.0002_complete")
    assert migration._words_of(name, shown) == words.words_of(name, shown)


@pytest.mark.on_each_database
def test_a_page_of_people_takes_a_handful_of_statements(database):
    """However many people, roles and projects are in it."""
    with database.writing() as session:
        for number in range(60):
            subjects.set_platform_role(session, user(session, f"anna{number}", "Anna").id, "auditor")
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    with database.reading() as session:
        found = subjects.search(session, "anna", limit=50, after=None)
    assert {role for person in found for role in person.platform_roles} == {"auditor"}
    assert len([each for each in asked if each.lstrip().upper().startswith("SELECT") and "FROM" in each]) <= 3


def crowd(session, count):
    """People of whom 1 in 26 is called like another one; inserted at once."""
    session.execute(
        insert(SubjectRow),
        [
            {
                "id": number,
                "name": f"{string.ascii_lowercase[number % 26]}{number:06d}",
                "display_name": "Sam Same",
                "kind": "user" if number % 20 else "group",
                "disabled": False,
                "created_at": NOW,
            }
            for number in range(1, count + 1)
        ],
    )
    rows = session.execute(select(SubjectRow.id, SubjectRow.name, SubjectRow.display_name)).all()
    every = [{"word": w, "subject_id": row.id} for row in rows for w in words.words_of(row.name, row.display_name)]
    session.execute(insert(SubjectWordRow), every)


def steps(database, ask):
    """How many instructions SQLite's machine went through."""
    with database.reading() as session:
        ask(session)  # the statement is compiled and the file read
        raw = session.connection().connection.driver_connection
        count = 0

        def count_one():
            nonlocal count
            count += 1

        raw.set_progress_handler(count_one, 10)
        ask(session)
        raw.set_progress_handler(None, 0)
    return count


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ("s", None),
        ("same sam", None),
        ("same a0000", None),
        ("sam nobody", None),
        ("a000", None),
        ("a000026", None),
        ("", None),
        ("", SubjectKind.GROUP),
    ],
)
def test_the_cost_does_not_grow_with_how_many_there_are(tmp_path, migrated_sqlite, asked, kind):
    """Ten times as many people, the same work, far down the list too: counted in the database's own instructions."""
    after = "m000012" if asked in ("", "s") else None
    cost = []
    for count in (2_000, 20_000):
        path = tmp_path / f"{count}.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        database = Database(f"sqlite:///{path}")
        with database.writing() as session:
            crowd(session, count)
            session.execute(text("ANALYZE"))
        cost.append(steps(database, lambda session: subjects.search(session, asked, limit=20, after=after, kind=kind)))
        database.close()
    assert cost[1] <= cost[0] * 1.5 + 150  # looking whether a word finds few takes up to a thousand entries of an index
