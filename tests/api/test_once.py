"""
Idempotency keys: a request that is sent again is not done again.
"""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cerberus.api import create_app
from cerberus.api.endpoint import Endpoint
from cerberus.errors import Unavailable
from cerberus.policy import ALL_SCOPES
from cerberus.service import idempotency
from cerberus.store.tables import IdempotencyRow

KEY = {"Idempotency-Key": "3f0c"}
USER = {"name": "frank", "display_name": "Frank"}


def rows(cerberus):
    with cerberus._database.reading() as session:
        return list(session.scalars(select(IdempotencyRow)))


def age(cerberus, **by):
    """Makes every key older, and one that is under way where the test says so."""
    with cerberus._database.writing() as session:
        for row in session.scalars(select(IdempotencyRow)):
            session.execute(update(IdempotencyRow).values(created_at=row.created_at - timedelta(**by)))


def test_a_create_sent_again_is_answered_the_same_and_not_done_again(api, cerberus):
    admin = api.as_("admin")
    first, again = admin.post("/users", USER, headers=KEY), admin.post("/users", USER, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.content_type == "application/json"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_without_a_key_the_second_is_a_second(api, is_problem):
    admin = api.as_("admin")
    admin.post("/users", USER)
    is_problem(admin.post("/users", USER), 409)


def test_another_spelling_of_the_same_body_is_the_same(api):
    admin = api.as_("admin")
    admin.post("/projects", {"slug": "credit", "name": "Credit"}, headers=KEY)
    again = admin.post(
        "/projects", data=b'{"name":"Credit",  "slug":"credit"}', content_type="application/json", headers=KEY
    )
    assert again.status_code == 201


@pytest.mark.parametrize(("path", "body"), [("/users", {"name": "gina"}), ("/projects", {"slug": "credit"})])
def test_a_key_for_another_request_is_refused(api, is_problem, path, body):
    admin = api.as_("admin")
    admin.post("/users", USER, headers=KEY)
    assert is_problem(admin.post(path, body, headers=KEY), 422)["field"] == "Idempotency-Key"


def test_a_key_is_its_owners(api):
    admin, alice = api.as_("admin", scopes=ALL_SCOPES), api.as_("alice", scopes=ALL_SCOPES)
    ids = {caller.post("/tokens", {"name": "x"}, headers=KEY).get_json()["owner"] for caller in (admin, alice)}
    assert ids == {"admin", "alice"}


@pytest.mark.parametrize("key", ["", "x" * 101, "é", "a\tb", "\x7f"])
def test_a_malformed_key_is_named(api, is_problem, key):
    problem = is_problem(api.as_("admin").post("/users", USER, headers={"Idempotency-Key": key}), 422)
    assert problem["field"] == "Idempotency-Key"


@pytest.mark.parametrize("body", [{"name": "bob"}, {"name": "!"}])
def test_a_refusal_is_not_kept(api, cerberus, body):
    admin = api.as_("admin")
    assert admin.post("/users", body, headers=KEY).status_code in (409, 422)
    assert rows(cerberus) == []
    assert admin.post("/users", USER, headers=KEY).status_code == 201


def test_a_fault_is_not_kept(api, cerberus, monkeypatch):
    admin = api.as_("admin")

    def fault(*_, **__):
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(cerberus.people, "create_user", fault)
        assert admin.post("/users", USER, headers=KEY).status_code == 503
    assert admin.post("/users", USER, headers=KEY).status_code == 201


def test_when_the_answer_was_lost_it_is_not_done_again(api, cerberus, is_problem, monkeypatch):
    admin = api.as_("admin", scopes=ALL_SCOPES)
    monkeypatch.setattr(idempotency.Claim, "keep", lambda *_: None)
    assert admin.post("/tokens", {"name": "x"}, headers=KEY).status_code == 201
    waiting = is_problem(admin.post("/tokens", {"name": "x"}, headers=KEY), 409)
    assert waiting["code"] == "in_progress"  # it may be on its way still
    age(cerberus, minutes=2)
    problem = is_problem(admin.post("/tokens", {"name": "x"}, headers=KEY), 409)
    assert "already" in problem["detail"]
    assert len(cerberus.tokens.list(api.cast.admin)) == 2  # this one and the one that asked


def test_after_a_day_the_key_is_free(api, cerberus):
    admin = api.as_("admin", scopes=ALL_SCOPES)
    first = admin.post("/tokens", {"name": "x"}, headers=KEY).get_json()
    age(cerberus, hours=25)
    assert admin.post("/tokens", {"name": "x"}, headers=KEY).get_json()["id"] != first["id"]


def test_while_the_first_is_under_way_the_second_is_told_to_wait(api, cerberus, is_problem):
    admin = api.as_("admin")
    admin.post("/users", USER, headers=KEY)
    with cerberus._database.writing() as session:
        session.execute(update(IdempotencyRow).values(status=None, answer=None))
    refused = admin.post("/users", USER, headers=KEY)
    assert is_problem(refused, 409)["code"] == "in_progress"
    assert refused.headers["Retry-After"]


def test_what_a_killed_worker_left_under_way_is_done_by_the_next(api, cerberus):
    admin = api.as_("admin", scopes=ALL_SCOPES)
    admin.post("/tokens", {"name": "x"}, headers=KEY)
    with cerberus._database.writing() as session:
        session.execute(update(IdempotencyRow).values(status=None, answer=None))
    age(cerberus, minutes=2)
    assert admin.post("/tokens", {"name": "x"}, headers=KEY).status_code == 201


def test_who_lost_the_key_to_another_does_nothing(cerberus, cast):
    claim = cerberus.idempotency.claim(cast.admin.principal.id, "k", request_hash="h", status=201)
    age(cerberus, minutes=2)
    cerberus.idempotency.claim(cast.admin.principal.id, "k", request_hash="h", status=201)
    with pytest.raises(idempotency.InProgress), cerberus._database.writing() as session:
        claim.done(session)


def test_old_keys_are_swept(api, cerberus, monkeypatch):
    admin = api.as_("admin")
    admin.post("/users", USER, headers=KEY)
    age(cerberus, hours=25)
    monkeypatch.setattr(idempotency, "SWEEP_SECONDS", 0.0)
    admin.post("/users", {"name": "gina"}, headers={"Idempotency-Key": "other"})
    cerberus.settle()
    assert [row.idempotency_key for row in rows(cerberus)] == ["other"]


def test_a_secret_is_kept_sealed_and_shown_to_the_same_token_only(api, cerberus, is_problem):
    admin = api.as_("admin", scopes=ALL_SCOPES)
    first = admin.post("/tokens", {"name": "x"}, headers=KEY).get_json()
    assert admin.post("/tokens", {"name": "x"}, headers=KEY).get_json() == first
    (row,) = rows(cerberus)
    assert first["secret"] not in row.answer
    assert first["id"] not in row.answer
    other = api.with_token(api.cast.token("admin", scopes=ALL_SCOPES))
    is_problem(other.post("/tokens", {"name": "x"}, headers=KEY), 422)


def test_a_password_leaves_no_hash_that_could_be_guessed(api, cerberus):
    body = {**USER, "password": "three blue-ish horses"}
    (one, other) = (api.with_token(api.cast.token("admin", scopes=ALL_SCOPES)) for _ in range(2))
    one.post("/users", body, headers=KEY)
    other.post("/users", {**body, "name": "gina"}, headers={"Idempotency-Key": "other"})
    other.post("/users", {**body, "name": "frank"}, headers={"Idempotency-Key": "third"})
    assert len({row.request_hash for row in rows(cerberus)}) == 2


def test_models_with_secrets_say_so(app):
    """What is named like a secret is confidential, so that no new noun forgets it."""
    telling = {"password", "secret", "token", "current", "new"}
    for view in app.view_functions.values():
        if isinstance(view, Endpoint):
            for model in filter(None, (view.body, view.answer)):
                assert not telling & set(model.model_fields) or model.confidential, model


@pytest.mark.on_each_database
def test_of_twenty_at_once_one_does_it(cerberus, cast):
    app = create_app(cerberus=cerberus)
    token = cast.token("admin", scopes=ALL_SCOPES)
    headers = {"Authorization": f"Bearer {token}", **KEY}
    answers, start = [], threading.Barrier(20)

    def ask():
        start.wait()
        answers.append(app.test_client().post("/api/v1/tokens", json={"name": "raced"}, headers=headers))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) <= {201, 409, 503}, counted
    assert counted[201] >= 1
    assert len({answer.get_json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len([made for made in cerberus.tokens.list(cast.admin) if made.name == "raced"]) == 1
