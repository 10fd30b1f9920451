"""JWTs of the OpenID provider at MLflow's door."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from evil_provider import AUDIENCE, OTHER_KEY, EvilProvider, evil_provider

from cerberus.service import SYSTEM, Cerberus
from cerberus_mlflow.identity import _for_mlflow

SEARCH = ("POST", "experiments/search")
BODY: dict[str, Any] = {"json": {"max_results": 1}}
HOUR = 3600


@pytest.fixture(scope="module")
def provider() -> Iterator[EvilProvider]:
    with evil_provider() as found:
        yield found


@pytest.fixture(scope="module")
def trusting(
    populated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
    cast_of: Any,
    start_server: Callable[..., Any],
    stop_server: Callable[[Any], None],
    provider: EvilProvider,
) -> Iterator[Any]:
    """An MLflow that takes the provider's JWTs; Dana's account there is `d-1`, Charlie's `c-1`."""
    data = tmp_path_factory.mktemp("trusting")
    (data / "cerberus.db").write_bytes(populated_sqlite.read_bytes())
    url = f"sqlite:///{data}/cerberus.db"
    cerberus = Cerberus(url, password_rounds=4)
    for name, subject in (("dana", "d-1"), ("charlie", "c-1")):
        cerberus.sign_on.link(SYSTEM, name, issuer=provider.issuer, external_id=subject)
    extra = {"CERBERUS_OIDC_ISSUER": provider.issuer, "CERBERUS_JWT_AUDIENCE": AUDIENCE}
    running = start_server(
        data=data,
        backend=f"sqlite:///{data}/mlflow.db",
        cerberus_url=url,
        cast=cast_of(cerberus),
        workers=1,
        extra=extra,
    )
    yield running
    stop_server(running)
    cerberus.close()


def well_behaved(provider: EvilProvider) -> None:
    provider.claims, provider.header, provider.sign, provider.away = {}, {}, provider.signed, False
    provider.key = provider.published[0]


def test_a_jwt_works_as_its_owner_does(trusting: Any, provider: EvilProvider) -> None:
    well_behaved(provider)
    token = provider.bearer("d-1")
    assert trusting.ask(None, *SEARCH, token=token, **BODY).status_code == 200
    made = trusting.ask(None, "POST", "experiments/create", token=token, json={"name": "by a jwt"})
    assert made.status_code == 200
    as_password = "Basic " + base64.b64encode(f"dana:{token}".encode()).decode()
    assert trusting.ask(None, *SEARCH, headers={"Authorization": as_password}, **BODY).status_code == 200


def test_somebody_without_a_project_has_none_with_a_jwt_either(trusting: Any, provider: EvilProvider) -> None:
    well_behaved(provider)
    assert trusting.ask(None, *SEARCH, token=provider.bearer("c-1"), **BODY).status_code == 403


REFUSED: dict[str, Callable[[EvilProvider], Any]] = {
    "wrong audience": lambda p: p.claims.update(aud="another"),
    "wrong issuer": lambda p: p.claims.update(iss="https://evil.example"),
    "expired": lambda p: p.claims.update(exp=int(time.time()) - HOUR),
    "not yet valid": lambda p: p.claims.update(nbf=int(time.time()) + HOUR),
    "algorithm none": lambda p: setattr(p, "sign", p.unsigned),
    "HS256 with the public key": lambda p: setattr(p, "sign", p.confused),
    "unknown kid": lambda p: p.header.update(kid="nobody-knows"),
    "signature of another key": lambda p: (setattr(p, "key", OTHER_KEY), p.header.update(kid="first")),
    "nobody's": lambda p: p.claims.update(sub="x-1"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_jwt_that_is_not_good_is_a_401_that_says_why(trusting: Any, provider: EvilProvider, how: str) -> None:
    well_behaved(provider)
    REFUSED[how](provider)
    answer = trusting.ask(None, *SEARCH, token=provider.bearer("d-1"), **BODY)
    assert answer.status_code == 401
    assert "account page" in answer.json()["message"]


def test_a_disabled_owner_is_refused_at_once(trusting: Any, provider: EvilProvider) -> None:
    well_behaved(provider)
    token, people, admin = provider.bearer("d-1"), trusting.cast.cerberus.people, trusting.cast.admin
    assert trusting.ask(None, *SEARCH, token=token, **BODY).status_code == 200
    people.disable(admin, "dana")
    assert trusting.ask(None, *SEARCH, token=token, **BODY).status_code == 401
    people.enable(admin, "dana")
    assert trusting.ask(None, *SEARCH, token=token, **BODY).status_code == 200


JWT = b"Bearer eyJh.eyJh.sig"
HEADERS = {
    "our token": ([(b"authorization", b"Bearer mls_x")], b"authorization", []),
    "a jwt": ([(b"authorization", JWT)], b"authorization", []),
    "a jwt in the gateway's header": ([(b"x-mlflow-authorization", JWT)], b"x-mlflow-authorization", []),
    "somebody else's jwt beside ours": (
        [(b"x-mlflow-authorization", JWT), (b"Authorization", b"Bearer eyJx.eyJx.of-another-service")],
        b"x-mlflow-authorization",
        [(b"Authorization", b"Bearer eyJx.eyJx.of-another-service")],
    ),
    "our token beside a jwt": (
        [(b"x-mlflow-authorization", JWT), (b"authorization", b"Bearer mls_x")],
        b"x-mlflow-authorization",
        [],
    ),
}


@pytest.mark.parametrize("what", HEADERS)
def test_no_credential_for_us_goes_on_to_mlflow(what: str) -> None:
    """A gateway would pass it on to somebody else's service."""
    sent, shown_in, kept = HEADERS[what]
    assert _for_mlflow(sent, None, request_id=b"r", shown_in=shown_in) == [*kept, (b"x-request-id", b"r")]
