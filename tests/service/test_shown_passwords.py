"""A password that is shown with every request: compared once, throttled as at sign-in, worthless when it is changed."""

import threading

import pytest
from statements_sent import statements_sent

from cerberus.errors import NotSignedIn, Throttled
from cerberus.policy import Kind, PlatformRole, Resource, Verb
from cerberus.service import SYSTEM, Cerberus, Origin, proofs
from cerberus.sso.options import LocalSignIn, Options

HERE = Origin("192.0.2.7", "a notebook", "req-7")
NEW = "seven green lanterns"


@pytest.fixture
def compared(monkeypatch):
    """How often a password was compared with a hash."""
    times = []
    match = proofs.secrets.password_matches
    monkeypatch.setattr(proofs.secrets, "password_matches", lambda *args, **how: times.append(1) or match(*args, **how))
    return times


@pytest.mark.on_each_database
def test_it_gives_what_its_owner_may(cast, cerberus):
    access = cerberus.shown_passwords.access("Dana", cast.password, HERE)
    assert access.principal.name == "dana"
    assert access.can(Verb.CREATE, Resource("fraud", Kind.EXPERIMENT))
    assert not access.can(Verb.READ, Resource("churn", Kind.EXPERIMENT))


@pytest.mark.on_each_database
def test_it_is_compared_once_whatever_changes_in_the_policy(cast, cerberus, compared):
    """Comparing takes a quarter of a second; MLflow's clients show it with each request."""
    for number in range(3):
        for _ in range(5):
            assert cerberus.shown_passwords.access("dana", cast.password, HERE)
        cerberus.groups.create(SYSTEM, f"group-{number}")
    assert len(compared) == 1


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("dana", "wrong"),
        ("dana", ""),
        ("dana", "x" * 5000),
        ("dana", "\ud800"),
        ("dana", None),
        ("nobody", "three blue-ish horses"),
        ("readers", "three blue-ish horses"),
        ("Not A Name", "three blue-ish horses"),
        ("", "three blue-ish horses"),
        (None, None),
    ],
)
def test_a_wrong_one_is_refused_in_the_same_words(cast, cerberus, name, password):
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    with pytest.raises(NotSignedIn, match=r"^The name or the password is wrong\.$"):
        cerberus.shown_passwords.access(name, password, HERE)


@pytest.mark.on_each_database
def test_a_changed_password_is_no_longer_known(cast, cerberus, compared):
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    cerberus.people.reset_password(SYSTEM, "dana", new=NEW)
    with pytest.raises(NotSignedIn):
        cerberus.shown_passwords.access("dana", cast.password, HERE)
    assert cerberus.shown_passwords.access("dana", NEW, HERE)
    cerberus.people.reset_password(SYSTEM, "dana", new=cast.password)  # the old one, with another salt
    before = len(compared)
    assert cerberus.shown_passwords.access("dana", cast.password, HERE)
    assert len(compared) == before + 1


def test_it_ends_with_the_account(cast, cerberus):
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    cerberus.people.disable(SYSTEM, "dana")
    with pytest.raises(NotSignedIn, match="disabled"):
        cerberus.shown_passwords.access("dana", cast.password, HERE)
    cerberus.people.delete(SYSTEM, "dana")
    with pytest.raises(NotSignedIn):
        cerberus.shown_passwords.access("dana", cast.password, HERE)


def test_guesses_are_throttled_together_with_those_at_sign_in(cast, cerberus):
    for number in range(proofs.MOST_FAILURES_OF_AN_ACCOUNT):
        ask = (cerberus.sessions.sign_in, cerberus.shown_passwords.access)[number % 2]
        with pytest.raises(NotSignedIn):
            ask("dana", f"wrong {number}", HERE)
    for ask in (cerberus.sessions.sign_in, cerberus.shown_passwords.access):
        with pytest.raises(Throttled):
            ask("dana", cast.password, HERE)


def test_somebody_elses_guesses_do_not_lock_out_who_is_known(cast, cerberus):
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    for number in range(proofs.MOST_FAILURES_OF_AN_ACCOUNT):
        with pytest.raises(NotSignedIn):
            cerberus.shown_passwords.access("dana", f"wrong {number}", Origin("198.51.100.9"))
    cerberus.groups.create(SYSTEM, "a-new-policy-version")
    assert cerberus.shown_passwords.access("dana", cast.password, HERE)


@pytest.mark.on_each_database
def test_twenty_requests_at_once_are_no_twenty_guesses(cast, cerberus, compared):
    """A client with many threads begins with many at once, before anything is known."""
    answers: list[object] = []

    def ask() -> None:
        try:
            answers.append(cerberus.shown_passwords.access("dana", cast.password, HERE).principal.name)
        except Exception as error:
            answers.append(error)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["dana"] * 20
    assert len(compared) == 1


def test_where_only_admins_sign_in_with_passwords_only_theirs_are_taken(cast, cerberus):
    strict = Cerberus(
        cerberus._database.url, password_rounds=4, single_sign_on=Options(local_sign_in=LocalSignIn.ADMINS)
    )
    try:
        with pytest.raises(NotSignedIn, match="Only admins"):
            strict.shown_passwords.access("dana", cast.password, HERE)
        assert strict.shown_passwords.access("admin", cast.password, HERE)
        strict.people.set_platform_role(SYSTEM, "alice", PlatformRole.ADMIN)
        assert strict.shown_passwords.access("alice", cast.password, HERE)
        strict.people.unset_platform_role(SYSTEM, "alice", PlatformRole.ADMIN)
        with pytest.raises(NotSignedIn, match="Only admins"):
            strict.shown_passwords.access("alice", cast.password, HERE)
    finally:
        strict.close()


def test_nothing_that_is_kept_gives_the_password_away(cast, cerberus):
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    known = repr((vars(cerberus.shown_passwords), cerberus._context.kept()))
    assert cast.password not in known
    assert "$2b$" not in known


def test_a_warm_one_costs_one_statement(cast, cerberus):
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    sent = statements_sent(cerberus._database)
    cerberus.shown_passwords.access("dana", cast.password, HERE)
    assert sent == ["SELECT version FROM policy_state WHERE id = 1"]
