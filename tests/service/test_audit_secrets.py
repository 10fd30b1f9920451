"""No audit line holds a secret, whatever is done: every use case that takes or makes one, with known secrets."""

import pytest

from cerberus.errors import CerberusError
from cerberus.service import SYSTEM, Actor, Origin
from cerberus.service.secrets import read_token

HERE = Origin("192.0.2.1", "tests", "req-1")
A_JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJodHRwczovL3Nzby5leGFtcGxlIn0." + "Zm9yZ2Vk" * 11


def attempt(deed):
    """What is refused is noted, too."""
    try:
        return deed()
    except CerberusError:
        return None


@pytest.fixture
def secrets(cast, cerberus):
    """Every secret that was given or made, after all of it has happened."""
    given = ["violet walrus 77", "amber giraffe 88", "wrong wombat 99", "crimson otter 11", "magenta-mongoose-5"]
    cerberus.people.create_user(cast.admin, "eve", password=given[0])
    session = cerberus.sessions.sign_in("eve", given[0], HERE)
    begun = cerberus.sessions.sign_in_for_token("eve", given[0], HERE)
    studio = cerberus.sessions.credential(session.cookie)
    eve = cast.actor("eve")
    made = [cerberus.tokens.create(eve, "mine", days=1).secret]
    cerberus.service_accounts.create(cast.alice, "fraud", name="bot")
    made.append(cerberus.tokens.create(cast.alice, "bot's", owner="bot").secret)
    cerberus.people.change_password(eve, current=given[0], new=given[1])
    made.append(cerberus.people.reset_password(cast.admin, "eve"))
    cerberus.people.reset_password(cast.admin, "eve", new=given[3])
    again = cerberus.sessions.sign_in("eve", given[3], HERE)
    for deed in (
        lambda: cerberus.sessions.sign_in("eve", given[2], HERE),
        lambda: cerberus.sessions.sign_in(given[2], given[2], HERE),
        lambda: cerberus.sessions.sign_in(given[4], given[4], HERE),  # the password in the field of the name
        lambda: cerberus.people.change_password(eve, current=given[2], new=given[1]),
        lambda: cerberus.people.reset_password(cast.bob, "eve", new=given[2]),
        lambda: cerberus.people.create_user(cast.bob, "mallory", password=given[2]),
        lambda: cerberus.sessions.end_with_token(eve, made[0]),
        lambda: cerberus.sessions.end_with_token(eve, begun.secret),
        lambda: cerberus.tokens.revoke(eve, read_token(made[0]).id),
        lambda: cerberus.tokens.revoke(cast.bob, read_token(made[1]).id),
        lambda: cerberus.sessions.end(again.cookie, HERE),
        lambda: cerberus.policies.export(cast.admin),
    ):
        attempt(deed)
    cerberus.settle()
    return [*given, *made, session.cookie, again.cookie, begun.secret, studio]


def test_no_line_holds_a_secret_or_its_hash(cerberus, secrets):
    """Neither the whole of it, nor its secret part, nor a hash from the tables of tokens, sessions and users."""
    from sqlalchemy import text

    with cerberus._database.reading() as session:
        everything = repr(session.execute(text("SELECT * FROM audit_lines")).all())
        stored = [
            *session.scalars(text("SELECT secret_hash FROM tokens")),
            *session.scalars(text("SELECT cookie_hash FROM sessions")),
            *session.scalars(text("SELECT password_hash FROM subjects WHERE password_hash IS NOT NULL")),
        ]
    parts = [secret.partition("_")[2][14:] for secret in secrets if secret.startswith("mls_")]
    assert len(stored) > 6
    assert len(parts) == 4
    assert [secret for secret in (*secrets, *parts, *stored) if secret in everything] == []


@pytest.mark.usefixtures("secrets")
def test_everything_of_that_left_a_line(cerberus):
    """The test above looks at lines that are there."""
    actions = {line.action for line in cerberus.audit.search(SYSTEM, limit=1000)}
    assert actions >= {
        "user.create", "session.begin", "session.end", "token.create", "token.revoke", "user.change_password",
        "user.reset_password", "service_account.create", "platform.manage", "policy.export",
    }  # fmt: skip


@pytest.mark.parametrize("sort", ["token", "JWT"])
def test_a_credential_in_the_wrong_place_is_blotted_out(cast, cerberus, sort):
    """In what a client says it is, in its request's id, in a reason; the chain holds over what is written."""
    token = cast.token("alice") if sort == "token" else A_JWT
    careless = Actor(cast.alice.principal, Origin("192.0.2.1", f"curl {token}", token))
    cerberus.projects.set_member(careless, "fraud", subject="charlie", role="viewer", reason=f"as {token} said")
    cerberus.projects.remove_member(careless, "fraud", subject="charlie")
    (line,) = cerberus.audit.search(SYSTEM, action="member.add", client="curl")
    assert (line.client, line.request_id) == ("curl ***", "***")
    assert token not in repr(cerberus.audit.search(SYSTEM, limit=1000))
    assert cerberus.audit.verify() is None
