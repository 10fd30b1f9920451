"""Signing in does the same work whoever is named, so that neither time nor words tell who exists."""

import bcrypt
import pytest
from sqlalchemy import event

from cerberus.errors import NotSignedIn, Throttled
from cerberus.service import SYSTEM, Cerberus, Origin

HERE = Origin("192.0.2.7", "a browser", "req-7")
NAMES = ("dana", "nobody", "disabled", "without", "fraud-bot", "readers", "Not A Name", "x" * 300, None)


@pytest.fixture
def people(cast, cerberus):
    cerberus.people.create_user(SYSTEM, "without")
    cerberus.people.create_user(SYSTEM, "disabled", password=cast.password)
    cerberus.people.disable(SYSTEM, "disabled")
    cerberus.service_accounts.create(SYSTEM, "fraud", name="fraud-bot")
    return cerberus


@pytest.fixture
def hashed(monkeypatch):
    """The cost of each hash that was made, and of each password that was compared with one."""
    costs = []
    make, compare = bcrypt.hashpw, bcrypt.checkpw

    def made(password, salt):
        costs.append((len(password), salt[:7]))
        return make(password, salt)

    def compared(password, stored):
        costs.append((len(password), stored[:7]))
        return compare(password, stored)

    monkeypatch.setattr(bcrypt, "hashpw", made)
    monkeypatch.setattr(bcrypt, "checkpw", compared)
    return costs


@pytest.mark.parametrize("password", ["wrong password", "", "x" * 500, "é" * 40, "nul\x00nul", "\ud800", None, 7])
@pytest.mark.parametrize("name", NAMES)
def test_exactly_one_hash_of_the_same_cost_is_made(people, hashed, name, password):
    """For somebody, nobody, somebody disabled, without a password, a service account, a group, and no name at all."""
    with pytest.raises(NotSignedIn, match=r"^The name or the password is wrong\.$"):
        people.sessions.sign_in(name, password, HERE)
    typed = password if isinstance(password, str) else ""
    assert hashed == [(len(typed.encode("utf-8", "replace")[:72]), b"$2b$04$")]


@pytest.mark.on_each_database
def test_the_database_is_asked_the_same(people):
    """Statement by statement, but for the values."""
    asked = []
    event.listen(people._database.engine, "before_cursor_execute", lambda *args: asked[-1].append(args[2]))
    for name in NAMES[:6]:
        asked.append([])
        with pytest.raises(NotSignedIn):
            people.sessions.sign_in(name, "wrong password", Origin())
        people.settle()
    assert all(each == asked[0] for each in asked)


@pytest.mark.on_each_database
def test_names_that_nobody_has_are_throttled_as_others_are(people):
    """Otherwise the eleventh answer would tell."""
    for name in ("dana", "nobody"):
        for _ in range(10):
            with pytest.raises(NotSignedIn):
                people.sessions.sign_in(name, "wrong", Origin())
        with pytest.raises(Throttled):
            people.sessions.sign_in(name, "wrong", Origin())


@pytest.mark.on_each_database
def test_the_counts_of_account_and_address_survive_a_restart(people, cast):
    """They are in the database: another process, or this one started anew, knows them."""
    for number in range(100):
        with pytest.raises(NotSignedIn):
            people.sessions.sign_in(f"guess{number}", "wrong", HERE)
    for _ in range(10):
        with pytest.raises(NotSignedIn):
            people.sessions.sign_in("dana", "wrong", Origin("198.51.100.1"))
    restarted = Cerberus(people._database.url, password_rounds=4)
    for name, origin in (("alice", HERE), ("dana", Origin("198.51.100.2"))):
        with pytest.raises(Throttled):
            restarted.sessions.sign_in(name, cast.password, origin)
    assert restarted.sessions.sign_in("alice", cast.password, Origin("198.51.100.2"))
    restarted.close()


def test_who_is_disabled_is_told_so_only_with_the_right_password(people, cast):
    """It is their account."""
    with pytest.raises(NotSignedIn, match="disabled"):
        people.sessions.sign_in("disabled", cast.password, HERE)
