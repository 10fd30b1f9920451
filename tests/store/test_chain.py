"""The chain of audit lines: whatever is done to it with SQL is found, on SQLite and on MySQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text, update

from cerberus.store import audit, chain, retention
from cerberus.store.chain import EDITED, END_MISSING, FIRST_MISSING, INSERTED, MISSING, NO_TRIM, OUT_OF_ORDER
from cerberus.store.database import Database
from cerberus.store.tables import AuditRow, PolicyStateRow

pytestmark = pytest.mark.on_each_database
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def ids(database):
    """Six chained lines, a minute apart, with a loose one in their midst; the ids of the chained ones."""
    with database.writing() as session:
        state = audit.lock(session)
        for number in range(6):
            line = {"who": "alice", "action": "x", "target": str(number), "before": {"level": "READ"}}
            audit.append(session, state, line, NOW + timedelta(minutes=number))
            if number == 2:
                audit.append_loose(session, {"who": "bob", "action": "y", "target": "z"}, NOW + timedelta(minutes=2))
    with database.reading() as session:
        return session.scalars(select(AuditRow.id).where(AuditRow.hash.is_not(None)).order_by(AuditRow.id)).all()


def values_of(session, line_id):
    row = session.execute(select(*audit.ALL).where(AuditRow.id == line_id)).one()
    return {name: value for name, value in row._mapping.items() if name != "id"}


def change(session, line_id, **values):
    session.execute(update(AuditRow).where(AuditRow.id == line_id).values(**values))


def remove(session, *line_ids):
    for line_id in line_ids:
        session.execute(text(f"DELETE FROM audit_lines WHERE id = {line_id}"))


def rehashed(values):
    """The values with the hash that fits them."""
    return {**values, "hash": audit.chained_hash(AuditRow(**values))}


def swap(session, one, other):
    first, second = values_of(session, one), values_of(session, other)
    change(session, one, **second)
    change(session, other, **first)


def insert_after(session, ids, place):
    """A line with a hash that fits it, between two others: every later one makes room."""
    forged = {**values_of(session, ids[place]), "previous_hash": values_of(session, ids[place])["hash"], "who": "eve"}
    for line_id in reversed(ids[place + 1 :]):
        session.execute(text(f"UPDATE audit_lines SET id = {line_id + 100} WHERE id = {line_id}"))
    session.execute(insert(AuditRow).values(id=ids[place] + 50, **rehashed(forged)))
    return ids[place] + 50


def append_forged(session, ids):
    forged = rehashed({**values_of(session, ids[5]), "previous_hash": values_of(session, ids[5])["hash"]})
    return session.execute(insert(AuditRow).values(**forged)).inserted_primary_key[0]


TAMPERING = {
    "a name edited": lambda s, i: (change(s, i[1], who="mallory"), (i[1], EDITED))[1],
    "what was before edited": lambda s, i: (change(s, i[2], before='{"level":"MANAGE"}'), (i[2], EDITED))[1],
    "a moment edited": lambda s, i: (change(s, i[3], at=NOW), (i[3], EDITED))[1],
    "a line that is no JSON any more": lambda s, i: (change(s, i[3], before="?"), (i[3], EDITED))[1],
    "a hash edited": lambda s, i: (change(s, i[1], hash="f" * 64), (i[1], EDITED))[1],
    "the last line edited": lambda s, i: (change(s, i[5], target="9"), (i[5], EDITED))[1],
    "edited and hashed anew": lambda s, i: (
        change(s, i[2], **rehashed({**values_of(s, i[2]), "who": "mallory"})), (i[3], MISSING)
    )[1],
    "the last edited and hashed anew": lambda s, i: (
        change(s, i[5], **rehashed({**values_of(s, i[5]), "who": "mallory"})), (i[5], END_MISSING)
    )[1],
    "one missing at the beginning": lambda s, i: (remove(s, i[0]), (i[1], FIRST_MISSING))[1],
    "one missing in the middle": lambda s, i: (remove(s, i[2]), (i[3], MISSING))[1],
    "two missing in the middle": lambda s, i: (remove(s, i[2], i[3]), (i[4], MISSING))[1],
    "one missing at the end": lambda s, i: (remove(s, i[5]), (i[4], END_MISSING))[1],
    "all missing": lambda s, i: (remove(s, *i), (0, END_MISSING))[1],
    "one taken out of the chain": lambda s, i: (change(s, i[2], hash=None), (i[3], MISSING))[1],
    "two neighbours swapped": lambda s, i: (swap(s, i[2], i[3]), (i[2], OUT_OF_ORDER))[1],
    "two far apart swapped": lambda s, i: (swap(s, i[1], i[4]), (i[1], OUT_OF_ORDER))[1],
    "one inserted in the middle": lambda s, i: (insert_after(s, i, 2), INSERTED),
    "one inserted at the end": lambda s, i: (append_forged(s, i), INSERTED),
    "a start that no line explains": lambda s, i: (
        remove(s, i[0]),
        s.execute(update(PolicyStateRow).values(chain_start=values_of(s, i[1])["previous_hash"])),
        (i[1], NO_TRIM),
    )[2],
}  # fmt: skip


@pytest.mark.parametrize("deed", TAMPERING)
def test_tampering_is_found_with_its_place_and_its_kind(database, ids, deed):
    with database.writing() as session:
        line_id, problem = TAMPERING[deed](session, ids)
    with database.reading_at_length() as session:
        found = chain.examine(session).broken
    assert (found.id, found.problem) == (line_id, problem)


def test_an_untouched_chain_holds(database, ids):
    with database.reading_at_length() as session:
        seen = chain.examine(session)
    assert (seen.lines, seen.since, seen.broken) == (6, NOW, None)


def test_the_walk_takes_some_lines_at_a_time(database, ids, monkeypatch):
    """Whatever the batch, the same is seen; and what is written meanwhile does not disturb."""
    monkeypatch.setattr(chain, "AT_ONCE", 2)
    written = []
    real = audit.rows_after

    def meanwhile(session, line_id, **limits):
        rows = real(session, line_id, **limits)
        if not written and rows:
            with database.writing() as other:
                audit.append(other, audit.lock(other), {"who": "dana", "action": "x", "target": "new"}, NOW)
            written.append(True)
        return rows

    monkeypatch.setattr(audit, "rows_after", meanwhile)
    with database.reading_at_length() as session:
        seen = chain.examine(session)
    assert (seen.lines, seen.broken, written) == (6, None, [True])


def trim(database, before):
    with database.writing() as session:
        state = audit.lock(session)
        cut = retention.cut_at(session, state, retention.last_before(session, before))
        if cut is not None:
            line = {"who": "root", "action": chain.TRIM, "target": "audit", "after": cut.as_said}
            audit.append(session, state, line, NOW)
            state.chain_start = cut.hash
    return cut


def test_a_trimmed_chain_holds_from_where_it_begins(database, ids):
    """Also before the lines are gone, when the removal was interrupted; and after a second trim."""
    cut = trim(database, NOW + timedelta(minutes=2, seconds=30))
    assert (cut.count, cut.first) == (4, ids[0])
    for _ in range(2):
        with database.reading_at_length() as session:
            seen = chain.examine(session)
        assert (seen.lines, seen.since, seen.broken) == (4, NOW + timedelta(minutes=3), None)
        with database.writing() as session:
            while retention.remove_some(session):
                pass
    with database.reading() as session:
        assert session.scalar(select(AuditRow.id).order_by(AuditRow.id).limit(1)) == ids[3]
    assert trim(database, NOW + timedelta(minutes=2, seconds=30)) is None
    assert trim(database, NOW + timedelta(minutes=4, seconds=30)).count == 2
    with database.reading_at_length() as session:
        assert chain.examine(session).broken is None


def test_a_trim_never_takes_a_line_that_is_not_old(database, ids):
    """A line whose clock was wrong takes nothing newer with it."""
    with database.writing() as session:
        audit.append(session, audit.lock(session), {"who": "a", "action": "x", "target": "t"}, NOW - timedelta(days=9))
    with database.reading() as session:
        assert retention.last_before(session, NOW + timedelta(minutes=1, seconds=30)) == ids[1]
        assert retention.last_before(session, NOW - timedelta(days=1)) == 0


def test_the_lines_kept_after_a_trim_are_guarded_too(database, ids):
    trim(database, NOW + timedelta(minutes=2, seconds=30))
    with database.writing() as session:
        remove(session, ids[3])
    with database.reading_at_length() as session:
        found = chain.examine(session).broken
    assert (found.id, found.problem) == (ids[4], FIRST_MISSING)
