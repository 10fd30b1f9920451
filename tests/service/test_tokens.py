"""Access tokens: what they look like, what they may do, and when they stop."""

import re
from datetime import timedelta

import pytest
from statements_sent import statements_sent

from cerberus.errors import Forbidden, Invalid, NotFound, NotSignedIn, Unavailable
from cerberus.policy import Kind, Resource, Scope, Verb
from cerberus.service import SYSTEM, Actor, Cerberus, tokens
from cerberus.service.secrets import new_token, read_token

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")


def verbs(cerberus, token):
    access = cerberus.decisions.access_of_token(token)
    return {verb for verb in Verb if access.can(verb, EXPERIMENT)}


def test_a_token_is_shown_once_and_stored_as_a_hash(cast, cerberus):
    """It is recognisable, long, and nowhere in the database."""
    made = cerberus.tokens.create(cast.dana, "notebook")
    assert re.fullmatch(r"mls_[a-z0-9]{49}", made.secret)
    assert made.secret not in repr(made)
    with cerberus._database.engine.connect() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM tokens").all())
    assert made.secret[14:46] not in stored
    assert [token.name for token in cerberus.tokens.list(cast.dana)] == ["notebook"]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ((Scope.READ,), {Verb.READ}),
        ((Scope.READ, Scope.WRITE), {Verb.READ, Verb.USE, Verb.CREATE, Verb.UPDATE, Verb.DELETE}),
        (tuple(Scope), set(Verb)),
    ],
)
def test_scopes_only_take_away(cast, cerberus, scopes, expected):
    """Of what the maintainer may; the reader gets no more by any scope."""
    assert verbs(cerberus, cast.token("alice", scopes=scopes)) == expected
    assert verbs(cerberus, cast.token("bob", scopes=scopes)) == {Verb.READ}
    assert verbs(cerberus, cast.token("charlie", scopes=scopes)) == set()


def test_a_token_bound_to_a_project_works_there_only(cast, cerberus):
    """Not even the existence of the others shows."""
    cerberus.projects.add_member(cast.erin, "churn", subject="alice", role="viewer")
    access = cerberus.decisions.access_of_token(cast.token("alice", project="churn"))
    assert [info.slug for info in access.projects] == ["churn"]
    assert access.visible(Kind.EXPERIMENT, "fraud").nothing
    with pytest.raises(NotFound):
        access.project("fraud")
    with pytest.raises(NotFound):
        cast.token("dana", project="churn")


def another_letter(token):
    return token[:-1] + ("a" if token[-1] != "a" else "b")


MISTYPED = [another_letter, str.upper, lambda t: t + "x", lambda t: t[:-1], str.encode, lambda t: t.replace("_", "é")]


@pytest.mark.parametrize("change", [*MISTYPED, lambda _: "", lambda _: None])
def test_a_mistyped_token_is_refused_without_asking_the_database(change):
    """The checksum tells; a database that is away is not even needed."""
    token = change(new_token().text)
    away = Cerberus("mysql+pymysql://root@127.0.0.1:1/none")
    with pytest.raises(NotSignedIn):
        away.decisions.access_of_token(token)


def test_a_token_with_another_secret_is_refused(cast, cerberus):
    """The id alone is no way in, even with a good checksum."""
    from cerberus.service import secrets

    token = read_token(cast.token("dana"))
    body = token.text[:14] + "a" * 32
    forged = body + secrets._checksum(body)
    assert read_token(forged).id == token.id
    with pytest.raises(NotSignedIn):
        cerberus.decisions.access_of_token(forged)


def test_a_revoked_token_is_refused_by_every_process_at_once(cast, cerberus):
    """Each keeps it in memory, and none serves it again."""
    token = cast.token("dana")
    others = [Cerberus(cerberus._database.url) for _ in range(3)]
    for process in (cerberus, *others):
        assert process.decisions.access_of_token(token)
    cerberus.tokens.revoke(cast.dana, read_token(token).id)
    for process in (cerberus, *others):
        with pytest.raises(NotSignedIn):
            process.decisions.access_of_token(token)
    for process in others:
        process.close()


def test_a_removed_membership_counts_in_every_process_at_once(cast, cerberus):
    """No time to live, no stale answer."""
    token = cast.token("dana")
    other = Cerberus(cerberus._database.url)
    assert verbs(other, token)
    cerberus.projects.remove_member(cast.alice, "fraud", subject="dana")
    assert verbs(other, token) == set()
    other.close()


def test_a_token_ends(cast, cerberus, monkeypatch):
    """At its end, to the second."""
    token = cast.token("dana", days=1)
    end = cerberus.tokens.list(cast.dana)[0].expires_at
    monkeypatch.setattr(cerberus._context, "now", lambda: end - timedelta(seconds=1))
    assert cerberus.decisions.access_of_token(token)
    monkeypatch.setattr(cerberus._context, "now", lambda: end)
    with pytest.raises(NotSignedIn, match="expired"):
        cerberus.decisions.access_of_token(token)


@pytest.mark.parametrize("days", [0, -1, 366, 1.5, "90", True, None])
def test_a_token_lasts_a_day_to_a_year(cast, cerberus, days):
    """The field is named."""
    with pytest.raises(Invalid) as raised:
        cerberus.tokens.create(cast.dana, "x", days=days)
    assert raised.value.field == "days"


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", None]])
def test_scopes_are_known_ones(cast, cerberus, scopes):
    """At least one."""
    with pytest.raises(Invalid) as raised:
        cerberus.tokens.create(cast.dana, "x", scopes=scopes)
    assert raised.value.field == "scopes"


def narrowed(cerberus, token):
    return Actor(cerberus.decisions.access_of_token(token).principal)


def test_a_token_cannot_make_a_wider_one(cast, cerberus):
    """Nor one for another project, nor revoke or change anything without the scope admin."""
    reads = narrowed(cerberus, cast.token("alice", scopes=[Scope.READ, Scope.WRITE]))
    bound = narrowed(cerberus, cast.token("alice", scopes=list(Scope), project="fraud"))
    cerberus.service_accounts.create(cast.alice, "fraud", name="fraud-bot")
    for refused in (
        lambda: cerberus.tokens.create(reads, "x", scopes=[Scope.READ]),
        lambda: cerberus.tokens.create(bound, "x", scopes=[Scope.READ]),
        lambda: cerberus.tokens.create(bound, "x", scopes=[Scope.READ], owner="fraud-bot"),
        lambda: cerberus.tokens.revoke(reads, cerberus.tokens.list(cast.alice)[0].id),
        lambda: cerberus.people.change_password(reads, current=cast.password, new="a quite different one"),
        lambda: cerberus.projects.add_member(reads, "fraud", subject="charlie", role="viewer"),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert cerberus.tokens.create(bound, "x", scopes=[Scope.READ], project="fraud")
    assert cerberus.tokens.create(bound, "x", scopes=[Scope.READ], project="fraud", owner="fraud-bot")


def test_nobody_revokes_or_makes_another_persons_token(cast, cerberus):
    """An admin revokes anybody's, but makes none to act as them."""
    token = read_token(cast.token("dana")).id
    for other in (cast.alice, cast.charlie):
        with pytest.raises(NotFound):
            cerberus.tokens.revoke(other, token)
        with pytest.raises(NotFound):
            cerberus.tokens.create(other, "x", owner="dana")
        with pytest.raises(NotFound):
            cerberus.tokens.list(other, owner="dana")
    with pytest.raises(NotFound):
        cerberus.tokens.create(cast.admin, "x", owner="dana")
    bound = narrowed(cerberus, cast.token("admin", scopes=list(Scope), project="fraud"))
    with pytest.raises(NotFound):
        cerberus.tokens.revoke(bound, token)
    cerberus.tokens.revoke(cast.admin, token)
    assert cerberus.tokens.list(cast.dana)[0].revoked_at


def test_studios_own_credential_is_neither_listed_nor_revocable(cast, cerberus):
    """It belongs to the session."""
    from cerberus.service import Origin

    cookie = cerberus.sessions.sign_in("dana", cast.password, Origin()).cookie
    credential = cerberus.sessions.credential(cookie)
    assert cerberus.sessions.credential(cookie) == credential
    assert cerberus.tokens.list(cast.dana) == []
    with pytest.raises(NotFound):
        cerberus.tokens.revoke(cast.dana, read_token(credential).id)


def test_last_use_is_noted_at_most_once_a_minute(cast, cerberus, monkeypatch):
    """In the background."""
    token = cast.token("dana")
    cerberus.decisions.access_of_token(token)
    cerberus.settle()
    first = cerberus.tokens.list(cast.dana)[0].last_used_at
    cerberus.decisions.access_of_token(token)
    cerberus.settle()
    assert cerberus.tokens.list(cast.dana)[0].last_used_at == first is not None
    monkeypatch.setattr(cerberus._context, "now", lambda: first + timedelta(seconds=61))
    cerberus.decisions.access_of_token(token)
    cerberus.settle()
    assert cerberus.tokens.list(cast.dana)[0].last_used_at > first


def test_a_warm_check_of_a_token_asks_the_database_once(cast, cerberus):
    """For the policy version, and nothing else."""
    token = cast.token("dana")
    cerberus.decisions.access_of_token(token)
    cerberus.settle()
    sent = statements_sent(cerberus._database)
    cerberus.decisions.access_of_token(token)
    assert len(sent) == 1
    assert "policy_state" in sent[0]


def test_with_the_database_away_nobody_is_let_in(cast, cerberus, tmp_path):
    """Not even who was known a moment ago; and it heals by itself."""
    token = cast.token("dana")
    assert cerberus.decisions.access_of_token(token)
    aside = tmp_path / "aside"
    aside.mkdir()

    def move(source, target):
        cerberus._database.close()
        for path in source.glob("cerberus.db*"):
            path.rename(target / path.name)

    move(tmp_path, aside)
    with pytest.raises(Unavailable):
        cerberus.decisions.access_of_token(token)
    (tmp_path / "empty").mkdir()
    move(tmp_path, tmp_path / "empty")
    move(aside, tmp_path)
    assert cerberus.decisions.access_of_token(token)


def test_the_command_line_makes_tokens_for_anybody(cast, cerberus):
    """Whoever can run it can edit the database anyway; it is audited."""
    assert cerberus.tokens.create(SYSTEM, "x", owner="dana").token.owner == "dana"
    assert cerberus.audit.search(SYSTEM, action="token.create")[0].who == "system"


def test_a_token_of_one_project_reaches_no_further_into_its_owners_account(cast, cerberus):
    free = cerberus.tokens.create(cast.alice, "free").token
    inside = cerberus.tokens.create(cast.alice, "inside", project="fraud", scopes=tuple(Scope))
    bound = Actor(cerberus.decisions.access_of_token(inside.secret).principal)
    assert [token.id for token in cerberus.tokens.list(bound)] == [inside.token.id]
    with pytest.raises(NotFound):
        cerberus.tokens.revoke(bound, free.id)
    with pytest.raises(Forbidden, match="one project"):
        cerberus.people.change_password(bound, current=cast.password, new="four green-ish zebras")
    session = cerberus.sessions.sign_in("alice", cast.password, cast.alice.origin).session
    with pytest.raises(Forbidden, match="one project"):
        cerberus.sessions.end_other(bound, session.id)
    cerberus.tokens.revoke(bound, inside.token.id)
    assert len(cerberus.tokens.list(cast.alice)) == 2


@pytest.mark.on_each_database
def test_tokens_are_read_on_in_the_database(cast, cerberus, monkeypatch):
    """Newest first, those of one moment by their ids; a page is no longer than asked, wherever it begins."""
    moment = cerberus._context.now()
    monkeypatch.setattr(cerberus._context, "now", lambda: moment)
    for number in range(5):
        cerberus.tokens.create(cast.dana, f"t{number}")
    whole = cerberus.tokens.list(cast.dana)
    found, after = [], None
    while page := cerberus.tokens.list(cast.dana, limit=2, after=after):
        assert len(page) <= 2
        found, after = found + page, page[-1].position
    assert found == whole == sorted(whole, key=lambda token: token.id, reverse=True)
    with pytest.raises(Invalid) as raised:
        cerberus.tokens.list(cast.dana, after="here")
    assert raised.value.field == "after"


def test_only_so_many_tokens_live_at_once(cast, cerberus, monkeypatch):
    """Revoked ones and ended ones leave room."""
    monkeypatch.setattr(tokens, "MOST_ALIVE", 2)
    first = cerberus.tokens.create(cast.dana, "a").token
    cerberus.tokens.create(cast.dana, "b", days=1)
    with pytest.raises(Invalid, match="2 living tokens"):
        cerberus.tokens.create(cast.dana, "c")
    cerberus.tokens.revoke(SYSTEM, first.id)
    cerberus.tokens.create(cast.dana, "d")
    later = cerberus._context.now() + timedelta(days=2)
    monkeypatch.setattr(cerberus._context, "now", lambda: later)
    assert cerberus.tokens.create(cast.dana, "e")
