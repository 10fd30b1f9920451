"""
What a notebook can ask. The server is real; the client is the one that people install.
"""

from datetime import UTC, datetime, timedelta

import pytest

from cerberus.client import Client, Question
from cerberus.errors import Forbidden, Invalid, NotFound, NotSignedIn, Unavailable
from cerberus.policy import ALL_SCOPES, Kind, Scope, Verb


def test_me_tells_who_i_am_and_where_i_am_a_member(client_of):
    me = client_of("bob", project="fraud").me()
    assert (me.name, me.kind, me.groups, me.token_project) == ("bob", "user", ("readers",), "fraud")
    assert [(project.slug, project.roles) for project in me.projects] == [("fraud", ("viewer",))]


def test_projects_are_those_that_one_may_see(client_of):
    assert [project.slug for project in client_of("alice").projects()] == ["fraud"]
    assert client_of("charlie").projects() == []
    assert client_of("alice").project("fraud").archived is False


def test_members_are_listed_with_their_roles(client_of):
    roles = {member.subject: member.role for member in client_of("bob").members("fraud")}
    assert roles == {"alice": "maintainer", "dana": "contributor", "readers": "viewer"}


def test_a_hidden_project_is_not_found(client_of):
    with pytest.raises(NotFound):
        client_of("alice").members("churn")


def test_a_maintainer_lets_somebody_in_until_a_day_and_out_again(client_of):
    alice, charlie = client_of("alice", scopes=ALL_SCOPES), client_of("charlie")
    until = datetime.now(UTC) + timedelta(days=3)
    member = alice.set_member("fraud", "charlie", role="viewer", expires_at=until, reason="audit")
    assert (member.role, member.expires_at, member.reason, member.added_by) == ("viewer", until, "audit", "alice")
    assert charlie.can("read", "experiment", "fraud")
    alice.remove_member("fraud", "charlie")
    assert not charlie.can("read", "experiment", "fraud")


def test_a_viewer_cannot_change_members(client_of):
    with pytest.raises(Forbidden) as refusal:
        client_of("bob").set_member("fraud", "charlie", role="viewer")
    assert refusal.value.hint


def test_can_takes_words_and_the_names_of_the_catalogue(client_of):
    dana = client_of("dana")
    assert dana.can("create", "experiment", "fraud")
    assert dana.can(Verb.CREATE, Kind.EXPERIMENT, "fraud")
    assert not dana.can(Verb.DELETE, Kind.EXPERIMENT, "fraud", "1")


def test_check_says_why(client_of):
    bob = client_of("bob")
    answer = bob.check("update", "experiment", "fraud", "1")
    assert not answer
    assert (answer.visible, answer.reason) == (True, "too_low")
    hidden = bob.check("read", "experiment", "churn", "1")
    assert (hidden.visible, hidden.reason) == (False, "not_found")


def test_many_questions_come_back_in_order(client_of):
    answers = client_of("dana").check_many(
        [Question("read", "experiment", "fraud"), Question("manage", "project", "fraud", "fraud")]
    )
    assert [answer.allowed for answer in answers] == [True, False]


def test_a_token_is_made_used_and_revoked(client_of, url):
    alice = client_of("alice", scopes=ALL_SCOPES)
    made = alice.create_token("nightly", scopes=[Scope.READ], project="fraud", days=7)
    assert made.project == "fraud"
    assert made.id in {token.id for token in alice.tokens()}
    with Client(url, made.secret) as nightly:
        assert nightly.me().scopes == ("read",)
        alice.revoke_token(made.id)
        with pytest.raises(NotSignedIn):
            nightly.me()


def test_a_service_account_gets_its_token_from_who_manages_its_project(client_of, cast, url):
    cast.cerberus.service_accounts.create(cast.alice, "fraud", name="trainer")
    with client_of("alice", scopes=tuple(Scope)) as alice, client_of("dana", scopes=tuple(Scope)) as dana:
        made = alice.create_token("nightly", project="fraud", owner="trainer")
        assert [token.id for token in alice.tokens(owner="trainer")] == [made.id]
        assert made.id not in [token.id for token in alice.tokens()]
        with Client(url, made.secret) as trainer:
            assert trainer.me().name == "trainer"
        with pytest.raises(NotFound):
            dana.create_token("mine", owner="trainer")


def test_every_token_is_listed_also_those_of_later_pages(client_of, cast):
    made = {cast.cerberus.tokens.create(cast.bob, f"token {number}").token.id for number in range(55)}
    assert made < {token.id for token in client_of("bob").tokens()}


def test_signing_in_with_a_password_gives_a_working_client_until_sign_out(url, cast):
    with Client(url, token="") as client:
        client.sign_in("alice", cast.password)
        assert client.me().name == "alice"
        client.sign_out()
        with pytest.raises(NotSignedIn):
            client.me()


def test_a_wrong_value_names_its_field(client_of):
    with pytest.raises(Invalid) as refusal:
        client_of("alice").check("fly", "experiment", "fraud")
    assert refusal.value.field == "verb"


def test_address_and_token_come_from_the_environment(monkeypatch, url, cast):
    monkeypatch.setenv("CERBERUS_URL", url + "/")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", cast.token("dana"))
    with Client() as client:
        assert client.me().name == "dana"


def test_a_netrc_does_not_replace_the_token(monkeypatch, tmp_path, url, cast):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Client(url, cast.token("dana")) as client:
        assert client.me().name == "dana"


def test_without_a_server_the_error_says_which_address(free_port):
    with Client(f"http://127.0.0.1:{free_port}", "mls_x", retries=1) as client, pytest.raises(Unavailable) as fault:
        client.me()
    assert str(free_port) in fault.value.message
    assert "CERBERUS_URL" in fault.value.hint


def test_an_address_that_is_none_is_said_to_be(cast):
    with Client("localhost:5000", cast.token("dana")) as client:
        for ask in (client.me, lambda: list(client.audit.export())):
            with pytest.raises(Invalid) as refusal:
                ask()
            assert refusal.value.field == "url"


def test_a_representation_shows_no_secret(url, cast):
    token = cast.token("dana")
    assert token not in repr(Client(url, token))
