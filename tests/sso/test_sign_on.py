"""Signing in at the provider: what lets somebody in, and everything that must not."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from evil_provider import CLIENT, CURVE_KEY, FIRST_KEY, OTHER_KEY, EvilProvider
from joserfc.jwk import RSAKey

from cerberus.errors import CerberusError, Conflict, NotFound, NotSignedIn, Unavailable
from cerberus.service import SYSTEM, Cerberus
from cerberus.service.sign_on import local_path

HOUR = 3600


def test_who_is_linked_gets_a_session_and_the_page_they_asked_for(linked: Cerberus, person: Callable[..., Any]) -> None:
    entered = person(linked).sign_in("/members?project=fraud")
    assert entered.next == "/members?project=fraud"
    assert linked.sessions.resume(entered.new.cookie).access.principal.name == "charlie"


def test_the_browser_is_sent_with_pkce_a_nonce_and_no_secret(linked: Cerberus, person: Callable[..., Any]) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(person(linked).begin()).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid"
    assert len(asked["state"]) >= 40
    assert len(asked["nonce"]) >= 40
    assert set(asked) == {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
                          "code_challenge_method"}


@pytest.mark.parametrize(("key", "algorithm"), [(CURVE_KEY, "ES256"), (OTHER_KEY, "PS256"), (OTHER_KEY, "RS512")])
def test_every_common_algorithm_is_understood(
    linked: Cerberus, person: Callable[..., Any], provider: EvilProvider, key: Any, algorithm: str
) -> None:
    provider.published, provider.key, provider.header = [FIRST_KEY, OTHER_KEY, CURVE_KEY], key, {"alg": algorithm}
    assert person(linked).sign_in().new.cookie


FORGED: dict[str, tuple[Callable[[EvilProvider], Any], str]] = {
    "wrong nonce": (lambda p: p.claims.update(nonce="another"), "its nonce"),
    "no nonce": (lambda p: p.claims.update(nonce=None), "its nonce"),
    "wrong issuer": (lambda p: p.claims.update(iss="https://evil.example"), "another issuer"),
    "no issuer": (lambda p: p.claims.update(iss=None), "another issuer"),
    "wrong audience": (lambda p: p.claims.update(aud="another-client"), "its claim aud"),
    "no audience": (lambda p: p.claims.update(aud=None), "its claim aud"),
    "several audiences without azp": (lambda p: p.claims.update(aud=[CLIENT, "other"]), "its claim azp"),
    "made for another client": (lambda p: p.claims.update(aud=[CLIENT, "other"], azp="other"), "for another client"),
    "expired": (lambda p: p.claims.update(exp=int(time.time()) - HOUR), "it has expired"),
    "no expiry": (lambda p: p.claims.update(exp=None), "its claim exp"),
    "expiry that is no number": (lambda p: p.claims.update(exp="never"), "its claim exp"),
    "not yet valid": (lambda p: p.claims.update(nbf=int(time.time()) + HOUR), "its claim nbf"),
    "issued in the future": (lambda p: p.claims.update(iat=int(time.time()) + HOUR), "its claim iat"),
    "no time of issue": (lambda p: p.claims.update(iat=None), "is missing or wrong"),
    "no subject": (lambda p: p.claims.update(sub=None), "is missing or wrong"),
    "empty subject": (lambda p: p.claims.update(sub=""), "its claim sub"),
    "subject with a line break": (lambda p: p.claims.update(sub="c-1\n"), "its claim sub"),
    "subject that is a list": (lambda p: p.claims.update(sub=["c-1"]), "its claim sub"),
    "notice of a sign-out": (lambda p: p.claims.update(events={"x": {}}), "another type"),
    "algorithm none": (lambda p: setattr(p, "sign", p.unsigned), "its algorithm"),
    "HS256 with the public key": (lambda p: setattr(p, "sign", p.confused), "its algorithm"),
    "unknown kid": (lambda p: p.header.update(kid="nobody-knows"), "its key"),
    "signature of another key": (lambda p: (setattr(p, "key", OTHER_KEY), p.header.update(kid="first")), "signature"),
    "key that it brings along": (
        lambda p: (setattr(p, "key", OTHER_KEY), p.header.update(jwk=OTHER_KEY.as_dict(private=False))), "its key"),
    "token of another type": (lambda p: p.header.update(typ="at+jwt"), "another type"),
    "header that must be understood": (lambda p: p.header.update(b64=True), "its header"),
    "too long": (lambda p: p.claims.update(groups=["x" * 100_000]), "longer than"),
    "no token at all": (lambda p: setattr(p, "sign", lambda _: None), "it is no JWT"),
    "nonsense": (lambda p: setattr(p, "sign", lambda _: "ey.ey.ey"), "its form"),
    "not even text": (lambda p: setattr(p, "sign", lambda _: {"a": 1}), "it is no JWT"),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_id_token_is_refused(
    linked: Cerberus, person: Callable[..., Any], provider: EvilProvider, how: str
) -> None:
    change, why = FORGED[how]
    change(provider)
    with pytest.raises(NotSignedIn, match=why):
        person(linked).sign_in()


def test_an_id_token_may_name_hundreds_of_groups(linked: Cerberus, person: Callable[..., Any]) -> None:
    assert person(linked).sign_in(groups=[f"a group of the organisation, number {n}" for n in range(500)]).new.cookie


def test_a_kid_is_needed_where_there_are_several_keys(
    linked: Cerberus, person: Callable[..., Any], provider: EvilProvider
) -> None:
    provider.header["kid"] = None
    assert person(linked).sign_in().new.cookie
    provider.published = [FIRST_KEY, OTHER_KEY]
    linked.sign_on._provider._keys._kept = None
    with pytest.raises(NotSignedIn, match="its key"):
        person(linked).sign_in()


def test_a_weak_key_is_no_key(linked: Cerberus, person: Callable[..., Any], provider: EvilProvider) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    weak = RSAKey.import_key(rsa.generate_private_key(65537, 1024), {"kid": "weak"})  # noqa: S505
    provider.published, provider.key = [FIRST_KEY, weak], weak
    with pytest.raises(NotSignedIn, match="its key"):
        person(linked).sign_in()


def test_a_new_key_is_fetched_once_a_minute_at_most(
    linked: Cerberus, person: Callable[..., Any], provider: EvilProvider
) -> None:
    charlie = person(linked)
    charlie.sign_in()
    provider.published, provider.key = [OTHER_KEY], OTHER_KEY
    keys = linked.sign_on._provider._keys
    with pytest.raises(NotSignedIn, match="its key"):
        charlie.sign_in()
    assert provider.asked["/keys"] == 1
    keys._tried_at -= 61
    keys._kept = type(keys._kept)(keys._kept.value, keys._kept.at - 61)
    assert charlie.sign_in().new.cookie
    for _ in range(3):
        provider.header["kid"] = "nobody-knows"
        with pytest.raises(NotSignedIn, match="its key"):
            charlie.sign_in()
    assert provider.asked["/keys"] == 2


def test_a_state_that_nobody_gave_out_is_refused(linked: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    with pytest.raises(NotSignedIn, match="unknown"):
        charlie.finish(answer | {"state": "x" * 43})
    with pytest.raises(NotSignedIn, match="unknown"):
        charlie.finish({"code": answer["code"]})
    assert charlie.provider.asked["/token"] == 0


@pytest.mark.parametrize("browser", ["another browser", ""])
def test_the_state_of_another_browser_is_refused_and_used_up(
    linked: Cerberus, person: Callable[..., Any], browser: str
) -> None:
    """Else Mallory could make Charlie's browser sign in as Mallory."""
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    with pytest.raises(NotSignedIn, match="another browser"):
        charlie.finish(answer, browser=browser)
    with pytest.raises(NotSignedIn, match="used already"):
        charlie.finish(answer)


def test_an_answer_works_once(linked: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    charlie.finish(answer)
    with pytest.raises(NotSignedIn, match="used already"):
        charlie.finish(answer)


@pytest.mark.on_each_database
def test_of_many_that_bring_the_same_answer_one_gets_in(linked: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    assert sorted(at_once(8, lambda: charlie.finish(answer))) == ["Entered", *["NotSignedIn"] * 7]


@pytest.mark.on_each_database
def test_a_newcomer_who_signs_in_in_many_windows_at_once_is_one_user(
    opened: Callable[..., Cerberus], person: Callable[..., Any]
) -> None:
    cerberus = opened(new_users="create")
    frank = person(cerberus, "f-1")
    assert at_once(8, lambda: frank.sign_in(preferred_username="frank")) == ["Entered"] * 8
    assert len(cerberus.sign_on.identities(SYSTEM, "frank")) == 1


def at_once(number: int, task: Callable[[], Any]) -> list[str]:
    """What kind of thing each of so many threads got or raised."""

    def run(_: int) -> str:
        try:
            return type(task()).__name__
        except CerberusError as error:
            return type(error).__name__

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_a_code_works_once_even_with_a_fresh_state(linked: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(linked)
    first = charlie.provider.signs_in(charlie.begin(), "c-1")
    charlie.finish(first)
    fresh = charlie.provider.signs_in(charlie.begin(), "c-1")
    with pytest.raises(NotSignedIn, match="did not accept"):
        charlie.finish({"code": first["code"], "state": fresh["state"]})


def test_a_code_of_another_sign_in_fails_at_pkce(linked: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(linked)
    stolen = charlie.provider.signs_in(charlie.begin(browser="of the victim"), "a-1")["code"]
    mine = charlie.provider.signs_in(charlie.begin(), "c-1")
    with pytest.raises(NotSignedIn, match="did not accept"):
        charlie.finish({"code": stolen, "state": mine["state"]})


def test_a_sign_in_takes_ten_minutes_at_most(
    linked: Cerberus, person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    now = linked._context.now() + timedelta(minutes=10)
    monkeypatch.setattr(linked._context, "now", lambda: now)
    with pytest.raises(NotSignedIn, match="too long"):
        charlie.finish(answer)


def test_old_sign_ins_are_swept(linked: Cerberus, person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    now = linked._context.now() + timedelta(minutes=11)
    monkeypatch.setattr(linked._context, "now", lambda: now)
    charlie.begin()
    with pytest.raises(NotSignedIn, match="unknown"):
        charlie.finish(answer)


@pytest.mark.parametrize(
    ("error", "kind", "why"),
    [
        ("access_denied", NotSignedIn, "cancelled"),
        ("temporarily_unavailable", Unavailable, "does not work"),
        ("<script>alert(1)</script>", NotSignedIn, "^Example Inc refused the sign-in.$"),
    ],
)
def test_a_refusal_of_the_provider_is_told_in_our_words(
    linked: Cerberus, person: Callable[..., Any], error: str, kind: type[CerberusError], why: str
) -> None:
    charlie = person(linked)
    state = charlie.provider.signs_in(charlie.begin(), "c-1")["state"]
    with pytest.raises(kind, match=why):
        charlie.finish({"error": error, "error_description": "<b>", "state": state})


@pytest.mark.parametrize("said", ["https://evil.example", None])
def test_an_answer_that_names_another_issuer_is_refused(
    linked: Cerberus, person: Callable[..., Any], provider: EvilProvider, said: str | None
) -> None:
    """Which a provider may promise to send (RFC 9207): then it must be there."""
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1") | ({"iss": said} if said else {})
    with pytest.raises(NotSignedIn, match="another provider"):
        charlie.finish(answer)
    assert charlie.finish(charlie.provider.signs_in(charlie.begin(), "c-1") | {"iss": provider.issuer}).new


def test_a_provider_that_goes_away_half_way_lets_nobody_in(
    linked: Cerberus, person: Callable[..., Any], provider: EvilProvider
) -> None:
    charlie = person(linked)
    answer = provider.signs_in(charlie.begin(), "c-1")
    provider.away = True
    with pytest.raises(Unavailable):
        charlie.finish(answer)


def test_a_wrong_secret_of_the_client_lets_nobody_in(
    opened: Callable[..., Cerberus], person: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotSignedIn, match="did not accept"):
        person(opened(client_secret="not the secret")).sign_in()
    assert "invalid_client" in caplog.text
    assert "not the secret" not in caplog.text


def test_a_disabled_user_stays_out(linked: Cerberus, person: Callable[..., Any], cast: Any) -> None:
    linked.people.disable(cast.admin, "charlie")
    with pytest.raises(NotSignedIn, match="disabled"):
        person(linked).sign_in()


def test_a_service_account_does_not_sign_in(
    linked: Cerberus, person: Callable[..., Any], cast: Any, provider: EvilProvider
) -> None:
    linked.service_accounts.create(cast.alice, "fraud", name="robot")
    linked.sign_on.link(SYSTEM, "robot", issuer=provider.issuer, external_id="r-1")
    with pytest.raises(NotSignedIn, match="no user"):
        person(linked, "r-1").sign_in()


def test_a_stranger_is_told_what_to_ask_for(sso: Cerberus, person: Callable[..., Any], provider: EvilProvider) -> None:
    with pytest.raises(NotSignedIn, match="no account here") as refused:
        person(sso, "x-9").sign_in(preferred_username="charlie", email="charlie@example.org")
    assert refused.value.hint.endswith(f"cerberus link-identity NAME {provider.issuer} x-9")


def test_the_same_subject_of_another_issuer_is_somebody_else(sso: Cerberus, person: Callable[..., Any]) -> None:
    sso.sign_on.link(SYSTEM, "charlie", issuer="https://other.example", external_id="c-1")
    with pytest.raises(NotSignedIn, match="no account here"):
        person(sso).sign_in()


def test_a_newcomer_is_made_where_that_is_allowed(opened: Callable[..., Cerberus], person: Callable[..., Any]) -> None:
    cerberus = opened(new_users="create")
    made = person(cerberus, "f-1").sign_in(preferred_username="Frank.Miller", name="Frank Miller")
    principal = cerberus.sessions.resume(made.new.cookie).access.principal
    assert (principal.name, principal.display_name) == ("frank.miller", "Frank Miller")
    again = person(cerberus, "f-1").sign_in(preferred_username="a-new-name-there")
    assert cerberus.sessions.resume(again.new.cookie).access.principal.id == principal.id


def test_a_taken_name_is_refused_and_never_taken_over(
    opened: Callable[..., Cerberus], person: Callable[..., Any]
) -> None:
    cerberus = opened(new_users="create")
    before = cerberus.version()
    with pytest.raises(Conflict, match="The name alice is taken"):
        person(cerberus, "evil-1").sign_in(preferred_username="Alice", email="alice@example.org")
    assert cerberus.version() == before


@pytest.mark.parametrize("name", [None, "", "system", "not a name", "\u202ealice", 7, ["alice"]])
def test_a_newcomer_without_a_usable_name_is_refused(
    opened: Callable[..., Cerberus], person: Callable[..., Any], name: Any
) -> None:
    with pytest.raises(NotSignedIn, match="claim preferred_username holds no name"):
        person(opened(new_users="create"), "f-1").sign_in(preferred_username=name)


def test_an_account_is_linked_to_one_user_and_can_be_unlinked(linked: Cerberus, person: Callable[..., Any]) -> None:
    issuer = person(linked).provider.issuer
    with pytest.raises(Conflict, match="belongs to charlie"):
        linked.sign_on.link(SYSTEM, "dana", issuer=issuer, external_id="c-1")
    cookie = person(linked).sign_in().new.cookie
    linked.sign_on.unlink(SYSTEM, "charlie", issuer=issuer, external_id="c-1")
    with pytest.raises(NotSignedIn):
        linked.sessions.resume(cookie)
    with pytest.raises(NotFound):
        linked.sign_on.unlink(SYSTEM, "charlie", issuer=issuer, external_id="c-1")
    with pytest.raises(NotSignedIn, match="no account here"):
        person(linked).sign_in()


def test_refusals_are_audited_without_a_secret(linked: Cerberus, person: Callable[..., Any], cast: Any) -> None:
    linked.people.disable(cast.admin, "charlie")
    charlie = person(linked)
    answer = charlie.provider.signs_in(charlie.begin(), "c-1")
    with pytest.raises(NotSignedIn):
        charlie.finish(answer)
    linked.settle()
    line = denied(linked)[0]
    assert (line.who, line.action, line.address, line.request_id) == ("?", "session.begin", "192.0.2.9", "req-sso")
    assert line.after["reason"] == "This account is disabled."
    assert answer["code"] not in str(line)


def denied(cerberus: Cerberus) -> list[Any]:
    return [line for line in audit_lines(cerberus) if line.outcome == "denied"]


def audit_lines(cerberus: Cerberus) -> list[Any]:
    """Newest first, whatever page type the search answers."""
    found = cerberus.audit.search(SYSTEM)
    return list(getattr(found, "items", found))


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "",
               "/a b", "/a\r\nSet-Cookie: x=1", "runs", "/" + "a" * 500, None, "/\u00e4", "/a\\b"])
def test_nobody_is_sent_elsewhere_afterwards(wanted: Any) -> None:
    assert local_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/runs?project=fraud&filter=metrics.a%20%3E%201", "/a//b"])
def test_a_page_of_ours_is_kept(wanted: str) -> None:
    assert local_path(wanted) == wanted


def test_without_a_provider_there_is_no_sign_on(cerberus: Cerberus, cast: Any) -> None:
    assert cerberus.sign_on.info.name is None
    with pytest.raises(NotFound):
        cerberus.sign_on.begin(browser="b", next="/", redirect_uri="http://localhost/")
    with pytest.raises(NotFound):
        cerberus.sign_on.finish({"state": "x" * 43}, browser="b", redirect_uri="", origin=SYSTEM.origin)
