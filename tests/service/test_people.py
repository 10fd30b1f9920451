"""Users, service accounts, passwords and sign-in."""

import pytest
from sqlalchemy import event

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Throttled
from cerberus.policy import PlatformRole, Scope, Verb
from cerberus.service import SYSTEM, Actor, Origin, project_resource, proofs, sessions

HERE = Origin("192.0.2.7", "a browser", "req-7")
NEW = "a quite different secret"

WATCHERS = ("alice", "erin", "admin")


def test_signing_in_begins_a_session_that_resumes(cast, cerberus):
    """The cookie is the only way in, and the person's rights come with it."""
    begun = cerberus.sessions.sign_in("  Alice ", cast.password, HERE)
    resumed = cerberus.sessions.resume(begun.cookie)
    assert resumed.access.principal.name == "alice"
    assert resumed.access.can(Verb.MANAGE, project_resource("fraud"))
    assert [session.address for session in cerberus.sessions.list(cast.alice)] == ["192.0.2.7"]


@pytest.mark.parametrize("cookie", ["", "x" * 43, "é" * 43, "x" * 5000, None, b"bytes"])
def test_a_made_up_cookie_is_refused(cerberus, cookie):
    """Whatever it looks like."""
    with pytest.raises(NotSignedIn):
        cerberus.sessions.resume(cookie)


def leave(cerberus, cast, cookie):
    cerberus.sessions.end(cookie, HERE)


def change_password(cerberus, cast, cookie):
    cerberus.people.change_password(cast.alice, current=cast.password, new=NEW)


def reset_password(cerberus, cast, cookie):
    cerberus.people.reset_password(cast.admin, "alice")


def disable(cerberus, cast, cookie):
    cerberus.projects.add_member(cast.admin, "fraud", subject="admin", role="maintainer")
    cerberus.people.disable(cast.admin, "alice")


def end_it_elsewhere(cerberus, cast, cookie):
    cerberus.sessions.end_other(cast.alice, cerberus.sessions.resume(cookie).session.id)


@pytest.mark.parametrize("ending", [leave, change_password, reset_password, disable, end_it_elsewhere])
def test_a_copied_cookie_does_not_outlive_its_session(cast, cerberus, ending):
    """Nor does the credential that Studio used on the person's behalf."""
    cookie = cerberus.sessions.sign_in("alice", cast.password, HERE).cookie
    credential = cerberus.sessions.credential(cookie)
    assert cerberus.decisions.access_of_token(credential).principal.name == "alice"
    ending(cerberus, cast, cookie)
    with pytest.raises(NotSignedIn):
        cerberus.sessions.resume(cookie)
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(credential)
    with pytest.raises(NotSignedIn):
        cerberus.sessions.credential(cookie)


@pytest.mark.parametrize("days", [0.6, 8])
def test_a_session_ends_by_itself(cast, cerberus, monkeypatch, days):
    """After 12 hours without use, or 7 days."""
    cookie = cerberus.sessions.sign_in("alice", cast.password, HERE).cookie
    now = cerberus._context.now()
    monkeypatch.setattr(cerberus._context, "now", lambda: now + proofs.timedelta(days=days))
    with pytest.raises(NotSignedIn):
        cerberus.sessions.resume(cookie)


def test_studios_credential_does_not_outlive_an_idle_session(cast, cerberus, monkeypatch):
    """Nobody may be there to end the session; while it is used, the credential is renewed in time."""
    cookie = cerberus.sessions.sign_in("alice", cast.password, HERE).cookie
    credential = cerberus.sessions.credential(cookie)
    now = cerberus._context.now()
    monkeypatch.setattr(cerberus._context, "now", lambda: now + sessions.IDLE * 0.6)
    assert cerberus.sessions.credential(cookie) != credential
    monkeypatch.setattr(cerberus._context, "now", lambda: now + sessions.IDLE)
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(credential)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "wrong password"),
        ("nobody", "wrong password"),
        ("readers", "x"),
        ("al ice", ""),
        (None, None),
        ("alice", 5),
    ],
)
def test_a_wrong_name_or_password_is_refused_in_the_same_words(cast, cerberus, name, password):
    """Nothing tells whether the name exists."""
    with pytest.raises(NotSignedIn, match=r"^The name or the password is wrong\.$"):
        cerberus.sessions.sign_in(name, password, HERE)


def test_ten_failures_throttle_the_account_even_with_the_right_password(cast, cerberus):
    """The count is in the database: another process, or this one restarted, knows it."""
    from cerberus.service import Cerberus

    for number in range(10):
        with pytest.raises(NotSignedIn):
            cerberus.sessions.sign_in("alice", "wrong", Origin(f"192.0.2.{number}"))
    restarted = Cerberus(cerberus._database.url, password_rounds=4)
    with pytest.raises(Throttled) as raised:
        restarted.sessions.sign_in("alice", cast.password, HERE)
    restarted.close()
    assert 0 < raised.value.retry_after <= 15 * 60
    assert cerberus.sessions.sign_in("bob", cast.password, HERE)


def test_failures_throttle_an_address_but_successes_do_not(cast, cerberus, monkeypatch):
    """An office behind one address can sign in all day."""
    monkeypatch.setattr(proofs, "MOST_FAILURES_OF_AN_ADDRESS", 5)
    for _ in range(12):
        cerberus.sessions.sign_in("alice", cast.password, HERE)
    for number in range(5):
        with pytest.raises(NotSignedIn):
            cerberus.sessions.sign_in(f"guess{number}", "wrong", HERE)
    with pytest.raises(Throttled):
        cerberus.sessions.sign_in("alice", cast.password, HERE)
    assert cerberus.sessions.sign_in("alice", cast.password, Origin("198.51.100.1"))


def test_the_throttle_ends_with_its_window(cast, cerberus, monkeypatch):
    """Fifteen minutes later the right password works."""
    for _ in range(10):
        with pytest.raises(NotSignedIn):
            cerberus.sessions.sign_in("alice", "wrong", HERE)
    now = cerberus._context.now()
    monkeypatch.setattr(cerberus._context, "now", lambda: now + proofs.WINDOW)
    assert cerberus.sessions.sign_in("alice", cast.password, HERE)


def test_an_unknown_name_costs_a_hash_too(cast, cerberus, monkeypatch):
    """Otherwise time tells who exists."""
    import bcrypt

    hashed = []
    original = bcrypt.hashpw
    monkeypatch.setattr(bcrypt, "hashpw", lambda *args: hashed.append(args[1]) or original(*args))
    with pytest.raises(NotSignedIn):
        cerberus.sessions.sign_in("nobody", "wrong", HERE)
    assert hashed[0].startswith(b"$2b$04$")


def test_a_disabled_person_cannot_sign_in_and_an_enabled_one_can_again(cast, cerberus):
    """Their tokens sleep as long."""
    token = cast.token("dana")
    cerberus.people.disable(cast.admin, "dana")
    with pytest.raises(NotSignedIn):
        cerberus.sessions.sign_in("dana", cast.password, HERE)
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(token)
    cerberus.people.enable(cast.admin, "dana")
    assert cerberus.sessions.sign_in("dana", cast.password, HERE)
    assert cerberus.decisions.access_of_token(token)


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 73, "é" * 37, "aaaaaaaaaa", "dana-dana-dana", "nul\x00nul\x00nul", None, 12345678, "\ud800abcdefg"],
)
def test_a_password_that_is_too_short_long_or_guessable_is_refused(cast, cerberus, password):
    """Bytes count, not characters: bcrypt reads no more than 72."""
    with pytest.raises(Invalid) as raised:
        cerberus.people.change_password(cast.dana, current=cast.password, new=password)
    assert raised.value.field == "new"


def test_changing_a_password_needs_the_current_one(cast, cerberus):
    """And the old one is of no use afterwards."""
    with pytest.raises(Invalid) as raised:
        cerberus.people.change_password(cast.dana, current="wrong", new=NEW)
    assert raised.value.field == "current"
    cerberus.people.change_password(cast.dana, current=cast.password, new=NEW)
    with pytest.raises(NotSignedIn):
        cerberus.sessions.sign_in("dana", cast.password, HERE)
    assert cerberus.sessions.sign_in("dana", NEW, HERE)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 65,
        "-alice",
        "alice-",
        "al ice",
        "älice",
        "ali/ce",
        "alice\n",
        "\u0430lice",
        "system",
        "a\x00b",
        None,
        7,
        "\ud800",
    ],
)
def test_a_name_that_could_be_taken_for_another_is_refused(cast, cerberus, name):
    """Only plain letters, digits and . _ @ -; a Cyrillic a is not one."""
    if name == "alice\n":  # trimmed, so it is Alice's own name
        with pytest.raises(Conflict):
            cerberus.people.create_user(cast.admin, name)
        return
    with pytest.raises(Invalid) as raised:
        cerberus.people.create_user(cast.admin, name)
    assert raised.value.field == "name"


@pytest.mark.parametrize("name", ["ALICE", "\uff44\uff41\uff4e\uff41", "readers", " bob "])
def test_a_name_that_means_somebody_already_is_taken(cast, cerberus, name):
    """Names are normalised before they are compared; groups share them."""
    with pytest.raises(Conflict):
        cerberus.people.create_user(cast.admin, name)


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_only_an_admin_makes_disables_and_resets(cast, cerberus, who):
    """A maintainer is no admin."""
    actor = cast.actor(who)
    for refused in (
        lambda: cerberus.people.create_user(actor, "eve"),
        lambda: cerberus.people.disable(actor, "dana"),
        lambda: cerberus.people.reset_password(actor, "dana"),
        lambda: cerberus.people.set_platform_role(actor, who, PlatformRole.ADMIN),
        lambda: cerberus.groups.create(actor, "mine"),
        lambda: cerberus.groups.add_member(actor, "readers", member=who),
        lambda: cerberus.projects.create(actor, "mine"),
    ):
        with pytest.raises(Forbidden):
            refused()


@pytest.mark.parametrize("limits", [{"scopes": [Scope.READ, Scope.WRITE]}, {"scopes": list(Scope), "project": "fraud"}])
def test_an_admins_narrow_token_administers_nothing(cast, cerberus, limits):
    """The token takes away."""
    narrow = Actor(cerberus.decisions.access_of_token(cast.token("admin", **limits)).principal)
    with pytest.raises(Forbidden):
        cerberus.people.create_user(narrow, "eve")


def test_a_stale_actor_can_do_no_more_than_the_person_now(cast, cerberus):
    """What the caller believed is looked up afresh."""
    was_admin = cast.admin
    cerberus.people.set_platform_role(SYSTEM, "alice", PlatformRole.ADMIN)
    cerberus.people.unset_platform_role(SYSTEM, "admin", PlatformRole.ADMIN)
    with pytest.raises(Forbidden):
        cerberus.people.create_user(was_admin, "eve")


def test_the_last_admin_stays(cast, cerberus):
    """Neither demoted nor disabled; with a second one, yes."""
    for refused in (
        lambda: cerberus.people.unset_platform_role(cast.admin, "admin", PlatformRole.ADMIN),
        lambda: cerberus.people.disable(cast.admin, "admin"),
    ):
        with pytest.raises(Conflict, match="last admin"):
            refused()
    cerberus.people.set_platform_role(cast.admin, "erin", PlatformRole.ADMIN)
    cerberus.people.disable(cast.erin, "admin")
    with pytest.raises(Conflict, match="last admin"):
        cerberus.people.unset_platform_role(cast.erin, "erin", PlatformRole.ADMIN)


def test_an_admin_is_found_by_one_statement_and_is_one_who_can_act(cast, cerberus):
    """Neither disabled, nor an auditor; however many people there are."""
    assert cerberus.people.an_admin() == "admin"
    cerberus.people.set_platform_role(cast.admin, "bob", PlatformRole.AUDITOR)
    cerberus.people.set_platform_role(cast.admin, "dana", PlatformRole.ADMIN)
    cerberus.people.disable(cast.dana, "admin")
    sent = []
    event.listen(cerberus._database.engine, "before_cursor_execute", lambda *about: sent.append(about[2]))
    assert cerberus.people.an_admin() == "dana"
    assert [statement for statement in sent if statement not in ("BEGIN", "SELECT 1")] == sent[-1:]


def test_who_maintains_many_projects_is_disabled_in_as_few_statements_as_who_maintains_one(cast, cerberus):
    """Whether each of them keeps a maintainer is asked for all at once."""
    sent = []

    def note(connection, cursor, statement, *rest):
        sent.append(statement)

    def disabled(name):
        sent.clear()
        cerberus.people.disable(cast.admin, name)
        return len(sent)

    for name in ("one", "many"):
        cerberus.people.create_user(SYSTEM, name)
    for number in range(12):
        cerberus.projects.create(SYSTEM, f"p{number}", maintainer="many" if number else "one")
        cerberus.projects.add_member(SYSTEM, f"p{number}", subject="readers", role="maintainer")
    event.listen(cerberus._database.engine, "before_cursor_execute", note)
    assert disabled("one") == disabled("many")


def test_the_last_maintainer_cannot_be_disabled(cast, cerberus):
    """The message names the projects."""
    with pytest.raises(Conflict, match="fraud"):
        cerberus.people.disable(cast.admin, "alice")
    cerberus.projects.add_member(cast.alice, "fraud", subject="erin", role="maintainer")
    assert cerberus.people.disable(cast.admin, "alice").disabled


def test_people_are_searched_by_those_who_may(cast, cerberus):
    """Admins and auditors everybody; maintainers by at least two characters; others not at all."""
    assert [person.name for person in cerberus.people.search(cast.admin, "ERI")] == ["erin"]
    assert len(cerberus.people.search(cast.admin)) == 7
    assert [person.name for person in cerberus.people.search(cast.alice, "da")] == ["dana"]
    with pytest.raises(Invalid):
        cerberus.people.search(cast.alice, "d")
    for nobody in (cast.bob, cast.charlie):
        with pytest.raises(Forbidden):
            cerberus.people.search(nobody, "dana")
    assert cerberus.people.search(cast.admin, "%") == []


def test_a_search_does_not_tell_of_hidden_projects(cast, cerberus):
    """A maintainer elsewhere finds a service account, but not whose it is."""
    cerberus.service_accounts.create(cast.erin, "churn", name="night-bot")
    cerberus.service_accounts.create(cast.alice, "fraud", name="night-watch")
    found = {who: [person.project for person in cerberus.people.search(cast.actor(who), "night")] for who in WATCHERS}
    assert found == {"alice": [None, "fraud"], "erin": ["churn", None], "admin": ["churn", "fraud"]}


def test_a_service_account_belongs_to_its_project(cast, cerberus):
    """Its maintainers make it, give it tokens and disable it; it cannot sign in with a password."""
    made = cerberus.service_accounts.create(cast.alice, "fraud", name="fraud-bot")
    cerberus.projects.add_member(cast.alice, "fraud", subject="fraud-bot", role="contributor")
    secret = cerberus.tokens.create(cast.alice, "nightly", owner="fraud-bot", project="fraud").secret
    assert made.project == "fraud"
    assert cerberus.decisions.access_of_token(secret).principal.name == "fraud-bot"
    with pytest.raises(NotSignedIn):
        cerberus.sessions.sign_in("fraud-bot", "", HERE)
    for other, error in ((cast.erin, NotFound), (cast.bob, NotFound)):
        with pytest.raises(error):
            cerberus.tokens.create(other, "mine", owner="fraud-bot")
    with pytest.raises(Forbidden):
        cerberus.service_accounts.create(cast.bob, "fraud", name="bobs-bot")
    with pytest.raises(NotFound):
        cerberus.service_accounts.create(cast.charlie, "fraud", name="charlies-bot")
    cerberus.people.disable(cast.alice, "fraud-bot")
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(secret)
