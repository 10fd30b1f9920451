"""JWTs of the provider in place of a token: what is taken, what is refused, and what happens when nobody can tell."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from evil_provider import AUDIENCE, CLIENT, FIRST_KEY, OTHER_KEY, EvilProvider
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from cerberus.api import create_app
from cerberus.client import Client
from cerberus.errors import NotSignedIn, Unavailable
from cerberus.policy import Scope
from cerberus.service import SYSTEM, Cerberus

HOUR = 3600


@pytest.fixture
def ask(linked: Cerberus) -> Callable[..., TestResponse]:
    """GET /me, or another request, with a bearer."""
    client = create_app(cerberus=linked).test_client()

    def ask_with(bearer: str, method: str = "GET", path: str = "/me", **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {bearer}"}
        return client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    return ask_with


def test_a_jwt_is_its_owners_access_with_the_scopes_that_are_set(
    ask: Callable[..., TestResponse], provider: EvilProvider
) -> None:
    answer = ask(provider.bearer("c-1"))
    assert answer.status_code == 200
    assert answer.get_json()["name"] == "charlie"
    assert sorted(answer.get_json()["scopes"]) == ["read", "write"]


def test_scopes_can_be_narrowed(opened: Callable[..., Cerberus], provider: EvilProvider) -> None:
    cerberus = opened(jwt_scopes=frozenset({Scope.READ}))
    cerberus.sign_on.link(SYSTEM, "admin", issuer=provider.issuer, external_id="a-1")
    assert cerberus.decisions.access_of_token(provider.bearer("a-1")).principal.scopes == {Scope.READ}


def test_an_admins_jwt_does_not_administer(
    linked: Cerberus, ask: Callable[..., TestResponse], provider: EvilProvider
) -> None:
    linked.sign_on.link(SYSTEM, "admin", issuer=provider.issuer, external_id="a-1")
    assert ask(provider.bearer("a-1"), "POST", "/users", json={"name": "frank"}).status_code == 403


def test_a_service_account_may_show_one(
    linked: Cerberus, ask: Callable[..., TestResponse], provider: EvilProvider, cast: Any
) -> None:
    linked.service_accounts.create(cast.alice, "fraud", name="robot")
    linked.sign_on.link(SYSTEM, "robot", issuer=provider.issuer, external_id="r-1")
    assert ask(provider.bearer("r-1")).get_json()["name"] == "robot"


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", "application/at+jwt"])
def test_the_usual_types_are_taken(ask: Callable[..., TestResponse], provider: EvilProvider, typ: str | None) -> None:
    provider.header["typ"] = typ
    assert ask(provider.bearer("c-1")).status_code == 200


REFUSED: dict[str, tuple[Callable[[EvilProvider], Any], str]] = {
    "wrong issuer": (lambda p: p.claims.update(iss="https://evil.example"), "another issuer"),
    "wrong audience": (lambda p: p.claims.update(aud=CLIENT), "its claim aud"),
    "no audience": (lambda p: p.claims.update(aud=None), "its claim aud"),
    "expired": (lambda p: p.claims.update(exp=int(time.time()) - HOUR), "it has expired"),
    "no expiry": (lambda p: p.claims.update(exp=None), "its claim exp"),
    "endless": (lambda p: p.claims.update(exp=float("inf")), "its claim exp"),
    "not yet valid": (lambda p: p.claims.update(nbf=int(time.time()) + HOUR), "its claim nbf"),
    "algorithm none": (lambda p: setattr(p, "sign", p.unsigned), "its algorithm"),
    "HS256 with the public key": (lambda p: setattr(p, "sign", p.confused), "its algorithm"),
    "unknown kid": (lambda p: p.header.update(kid="nobody-knows"), "its key"),
    "kid that is a path": (lambda p: p.header.update(kid="../../dev/null"), "its key"),
    "signature of another key": (lambda p: (setattr(p, "key", OTHER_KEY), p.header.update(kid="first")), "signature"),
    "token of another type": (lambda p: p.header.update(typ="logout+jwt"), "another type"),
    "bound to a key": (lambda p: p.claims.update(cnf={"jkt": "x"}), "another type"),
    "too long": (lambda p: p.claims.update(groups=["x" * 20_000]), "longer than"),
    "nonsense": (lambda p: setattr(p, "sign", lambda _: "eyJh.eyJh.eyJh"), "its form"),
    "nobody's": (lambda p: p.claims.update(sub="somebody-else"), "has no user here"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_jwt_that_is_not_good_is_a_401_with_a_hint(
    ask: Callable[..., TestResponse], provider: EvilProvider, how: str
) -> None:
    change, why = REFUSED[how]
    change(provider)
    token = provider.bearer("c-1")
    answer = ask(token)
    assert answer.status_code == 401
    assert why in answer.get_json(force=True)["detail"]
    assert answer.get_json(force=True)["hint"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert token not in answer.text


@pytest.mark.parametrize("change", ["payload", "header", "signature"])
def test_an_edited_jwt_is_refused(ask: Callable[..., TestResponse], provider: EvilProvider, change: str) -> None:
    from evil_provider import segment

    header, payload, signature = provider.bearer("c-1").split(".")
    edited = {
        "payload": f"{header}.{segment(provider.good_claims('c-1', aud=AUDIENCE, extra=1))}.{signature}",
        "header": f"{segment({'alg': 'RS256', 'kid': 'first', 'x': 1})}.{payload}.{signature}",
        "signature": f"{header}.{payload}.{signature[:-6]}AAAAAA",
    }
    assert ask(edited[change]).status_code == 401


def test_a_disabled_owner_is_refused_at_the_next_request(
    linked: Cerberus, ask: Callable[..., TestResponse], provider: EvilProvider, cast: Any
) -> None:
    token = provider.bearer("c-1")
    assert ask(token).status_code == 200
    linked.people.disable(cast.admin, "charlie")
    assert ask(token).status_code == 401


def test_an_unlinked_account_is_refused_at_the_next_request(
    linked: Cerberus, ask: Callable[..., TestResponse], provider: EvilProvider
) -> None:
    token = provider.bearer("c-1")
    assert ask(token).status_code == 200
    linked.sign_on.unlink(SYSTEM, "charlie", issuer=provider.issuer, external_id="c-1")
    assert ask(token).status_code == 401


def test_a_known_token_is_not_judged_again_until_it_ends(
    linked: Cerberus, provider: EvilProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    bearers, judged = linked.decisions._bearers, []
    real = bearers._provider.bearer
    monkeypatch.setattr(bearers._provider, "bearer", lambda raw: judged.append(raw) or real(raw))
    token = provider.bearer("c-1")
    for _ in range(3):
        linked.decisions.access_of_token(token)
    assert len(judged) == 1
    later = time.time() + 301 + 60
    monkeypatch.setattr("time.time", lambda: later)
    with pytest.raises(NotSignedIn, match="has expired"):
        linked.decisions.access_of_token(token)


def test_groups_are_not_mapped_on_requests(
    opened: Callable[..., Cerberus], rules: Callable[..., Any], provider: EvilProvider
) -> None:
    cerberus = opened(rules=rules('[[rule]]\nclaim = "groups"\ncontains = "ml"\ngroup = "readers"\n'))
    cerberus.sign_on.link(SYSTEM, "charlie", issuer=provider.issuer, external_id="c-1")
    before = cerberus.version()
    assert cerberus.decisions.access_of_token(provider.bearer("c-1", groups=["ml"])).projects == ()
    assert cerberus.version() == before


def test_with_the_provider_away_jwts_are_a_503_and_local_tokens_work(
    ask: Callable[..., TestResponse], provider: EvilProvider, cast: Any
) -> None:
    provider.away = True
    answer = ask(provider.bearer("c-1"))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert ask(cast.token("charlie")).status_code == 200


def test_with_the_provider_away_known_keys_still_tell(
    ask: Callable[..., TestResponse], provider: EvilProvider
) -> None:
    assert ask(provider.bearer("c-1")).status_code == 200
    provider.away = True
    assert ask(provider.bearer("c-1", jti="another")).status_code == 200
    assert ask(provider.bearer("c-1", aud="elsewhere")).status_code == 401


def test_a_provider_that_is_away_is_not_asked_at_every_request(
    linked: Cerberus, provider: EvilProvider
) -> None:
    provider.away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            linked.decisions.access_of_token(provider.bearer("c-1"))
    assert provider.asked.total() == 1


def test_nothing_is_asked_for_a_token_that_cannot_be_good(linked: Cerberus, provider: EvilProvider) -> None:
    provider.claims["iss"] = "https://evil.example"
    for sign in (provider.signed, provider.unsigned, provider.confused):
        provider.sign = sign
        with pytest.raises(NotSignedIn):
            linked.decisions.access_of_token(provider.bearer("c-1"))
    assert provider.asked.total() == 0


def test_without_an_audience_no_jwt_is_taken(opened: Callable[..., Cerberus], provider: EvilProvider) -> None:
    cerberus = opened(jwt_audience="")
    with pytest.raises(NotSignedIn, match="That is not an access token"):
        cerberus.decisions.access_of_token(provider.bearer("c-1"))


ODD_METADATA = {
    "another issuer": {"issuer": "https://evil.example"},
    "keys without https": {"jwks_uri": "http://evil.example/keys"},
    "no keys": {"jwks_uri": None},
    "token endpoint of another kind": {"token_endpoint": "file:///etc/passwd"},
    "a password in the address": {"jwks_uri": "https://me:secret@evil.example/"},
}


@pytest.mark.parametrize("odd", ODD_METADATA)
def test_a_discovery_document_that_is_odd_is_not_believed(linked: Cerberus, provider: EvilProvider, odd: str) -> None:
    provider.metadata = ODD_METADATA[odd]
    with pytest.raises(Unavailable):
        linked.decisions.access_of_token(provider.bearer("c-1"))


def _good(handler: Any, status: int = 200, *, padding: int = 0) -> bool:
    """The right document, with a wrong status or too long."""
    port = handler.server.server_address[1]
    here = f"http://127.0.0.1:{port}"
    named = {"authorization_endpoint": f"{here}/a", "token_endpoint": f"{here}/t", "jwks_uri": f"{here}/keys"}
    document = json.dumps({"issuer": here, **named, "keys": [FIRST_KEY.as_dict(private=False)]}).encode()
    handler.send_response(status)
    handler.send_header("Location", f"{here}/elsewhere")
    handler.send_header("Content-Length", str(len(document) + padding))
    handler.end_headers()
    handler.wfile.write(b" " * padding + document)
    return True


def _endless(handler: Any) -> bool:
    return _good(handler, padding=600_000)


def _redirect(handler: Any) -> bool:
    return _good(handler, 302)


def _fault(handler: Any) -> bool:
    return _good(handler, 500)


def _no_json(handler: Any) -> bool:
    handler.respond(200, ["a list"])
    return True


def test_a_good_answer_of_that_kind_would_be_taken(linked: Cerberus, provider: EvilProvider) -> None:
    """What the next test refuses, it refuses for the reason that it names."""
    provider.answer = _good
    assert linked.decisions.access_of_token(provider.bearer("c-1")).principal.name == "charlie"


@pytest.mark.parametrize("answer", [_redirect, _fault, _endless, _no_json])
def test_an_answer_that_is_odd_is_no_answer(linked: Cerberus, provider: EvilProvider, answer: Any) -> None:
    def answered(handler: Any) -> bool:
        try:
            return bool(answer(handler))
        except OSError:  # hung up on, as it should be
            return True

    provider.answer = answered
    with pytest.raises(Unavailable):
        linked.decisions.access_of_token(provider.bearer("c-1"))


def test_an_answer_that_trickles_is_given_up_after_five_seconds(linked: Cerberus, provider: EvilProvider) -> None:
    def trickle(handler: Any) -> bool:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass
        return True

    provider.answer = trickle
    began = time.monotonic()
    with pytest.raises(Unavailable):
        linked.decisions.access_of_token(provider.bearer("c-1"))
    assert time.monotonic() - began < 6


def test_many_that_wait_for_the_provider_do_not_hold_up_more_than_a_few_threads(
    linked: Cerberus, provider: EvilProvider
) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    asked, go_on = Event(), Event()

    def wait(handler: Any) -> bool:
        asked.set()
        go_on.wait(4)
        return False

    provider.answer = wait

    def ask() -> str:
        try:
            return linked.decisions.access_of_token(provider.bearer("c-1")).principal.name
        except Unavailable:
            return "unavailable"

    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(ask)
        assert asked.wait(4)
        others = [pool.submit(ask) for _ in range(11)]
        while sum(each.done() for each in others) < 4:
            time.sleep(0.01)
        go_on.set()
        answers = [first.result(), *(each.result() for each in others)]
    assert answers.count("charlie") == 8
    assert answers.count("unavailable") == 4


def test_how_one_signs_in_is_public_and_holds_no_secret(linked: Cerberus, provider: EvilProvider) -> None:
    answer = create_app(cerberus=linked).test_client().get("/api/v1/sign-on")
    assert answer.get_json() == {
        "provider": "Example Inc", "issuer": provider.issuer, "jwt_audience": AUDIENCE, "local_sign_in": "everybody",
    }
    assert FIRST_KEY.kid not in answer.text


def test_a_notebook_can_ask_how_one_signs_in_and_show_a_jwt(linked: Cerberus, provider: EvilProvider) -> None:
    server = make_server("127.0.0.1", 0, create_app(cerberus=linked), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with Client(f"http://127.0.0.1:{server.server_port}", provider.bearer("c-1")) as client:
            assert client.me().name == "charlie"
            assert client.sign_on.show().jwt_audience == AUDIENCE
    finally:
        server.shutdown()
        thread.join()
