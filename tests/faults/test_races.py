"""
Twenty clients at the same moment, against gunicorn with four workers, on SQLite and on MySQL.
"""

from collections import Counter

import pytest
from sqlalchemy import text

from cerberus.policy import ALL_SCOPES, PlatformRole
from cerberus.service import SYSTEM, Cerberus

TWENTY = 20
ADMINS = "SELECT COUNT(*) FROM platform_roles JOIN subjects ON id = subject_id WHERE role = 'admin' AND NOT disabled"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("mysql", marks=pytest.mark.services)])
def cerberus(request, tmp_path_factory):
    """A service on a database of this module's own; its people are in it."""
    if request.param == "mysql":
        url = request.getfixturevalue("migrated_mysql")
        request.getfixturevalue("emptied")(url)
    else:
        path = tmp_path_factory.mktemp("races") / "cerberus.db"
        path.write_bytes(request.getfixturevalue("migrated_sqlite").read_bytes())
        url = f"sqlite:///{path}"
    opened = Cerberus(url, password_rounds=4)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def api(serving, cerberus, populated):
    cast = populated(cerberus)
    cerberus.people.set_platform_role(SYSTEM, "erin", PlatformRole.ADMIN)
    with serving(cerberus._database.url, cast) as served:
        for who in ("admin", "alice", "erin"):
            served.tokens[who] = cast.token(who, scopes=tuple(ALL_SCOPES))
        yield served


@pytest.fixture(autouse=True)
def _two_admins(cerberus, api):
    for name in ("admin", "erin"):
        cerberus.people.enable(SYSTEM, name)
        cerberus.people.set_platform_role(SYSTEM, name, PlatformRole.ADMIN)


def rows(cerberus, query):
    with cerberus._database.reading() as session:
        return session.execute(text(query)).scalar()


def lines(cerberus, action):
    return len(cerberus.audit.search(SYSTEM, action=action, limit=1000))


def must_hold(cerberus, version, steps):
    assert cerberus.version() == version + steps
    assert cerberus.audit.verify() is None


def test_the_same_grant_by_twenty_is_one_row(api, cerberus):
    """Each is told that it is there; nobody sees an error."""
    version, before = cerberus.version(), rows(cerberus, "SELECT COUNT(*) FROM grants")
    grant = {"kind": "experiment", "id": "7", "subject": "charlie", "level": "EDIT"}
    statuses = Counter(api.at_once([("alice", "PUT", "/projects/fraud/grants", grant)] * TWENTY))
    assert set(statuses) <= {200, 201}, statuses
    assert rows(cerberus, "SELECT COUNT(*) FROM grants") == before + 1
    must_hold(cerberus, version, lines(cerberus, "grant."))


def test_the_same_member_by_twenty_is_one_row(api, cerberus):
    version, added = cerberus.version(), lines(cerberus, "member.")
    before = rows(cerberus, "SELECT COUNT(*) FROM bindings")
    body = {"role": "viewer"}
    statuses = Counter(api.at_once([("alice", "PUT", "/projects/fraud/members/charlie", body)] * TWENTY))
    assert set(statuses) <= {200, 201}, statuses
    assert rows(cerberus, "SELECT COUNT(*) FROM bindings") == before + 1
    must_hold(cerberus, version, lines(cerberus, "member.") - added)


def test_the_same_user_by_twenty_is_one_user(api, cerberus):
    """One is told that it was made, the others that it is there."""
    version = cerberus.version()
    statuses = Counter(api.at_once([("admin", "POST", "/users", {"name": "frank"})] * TWENTY))
    assert statuses == {201: 1, 409: TWENTY - 1}
    assert rows(cerberus, "SELECT COUNT(*) FROM subjects WHERE name = 'frank'") == 1
    must_hold(cerberus, version, 1)


def test_of_the_last_two_admins_one_stays(api, cerberus):
    """Whichever of the two is faster."""
    version = cerberus.version()
    calls = [("admin", "POST", "/users/erin/disable"), ("erin", "POST", "/users/admin/disable")] * (TWENTY // 2)
    statuses = Counter(api.at_once(calls))
    assert set(statuses) <= {204, 401, 403, 409}, statuses
    assert statuses[204] >= 1
    assert rows(cerberus, ADMINS) == 1
    must_hold(cerberus, version, 1)


def test_of_the_last_two_admins_one_keeps_the_role(api, cerberus):
    """Taking the role away instead of the account."""
    version = cerberus.version()
    calls = [
        ("admin", "DELETE", "/users/erin/platform-roles/admin"),
        ("erin", "DELETE", "/users/admin/platform-roles/admin"),
    ] * (TWENTY // 2)
    statuses = Counter(api.at_once(calls))
    assert set(statuses) <= {200, 204, 401, 403, 409}, statuses
    assert rows(cerberus, ADMINS) == 1
    must_hold(cerberus, version, 1)


def test_sign_ins_and_ends_of_sessions_do_not_meet(api, cerberus):
    """Sign-in, use, sign-out and a change of somebody's password from all sides: each is answered as it should."""
    version = cerberus.version()
    calls = [("admin", "POST", "/users/dana/reset-password"), ("alice", "GET", "/me"), ("erin", "GET", "/me")] * 4
    signing = [
        ("alice", "POST", "/sign-in", {"name": name, "password": api.cast.password}) for name in ("bob", "alice")
    ]
    statuses = Counter(api.at_once([*calls, *signing * 4]))
    assert statuses == {200: 12, 201: 8}, statuses
    must_hold(cerberus, version, 4)
