"""What an operator sets: wrong settings are one sentence at start, and a password can be for admins only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evil_provider import EvilProvider

from cerberus.cli import main
from cerberus.errors import Invalid, NotSignedIn, Throttled
from cerberus.service import Cerberus, Origin
from cerberus.settings import Settings, configured

ROOT = Path(__file__).parents[2]
ISSUER = "https://sso.example.org/realm"

WRONG = {
    "issuer without https": ({"CERBERUS_OIDC_ISSUER": "http://sso.example.org"}, "CERBERUS_OIDC_ISSUER is wrong"),
    "issuer that is no address": ({"CERBERUS_OIDC_ISSUER": "sso"}, "CERBERUS_OIDC_ISSUER is wrong"),
    "issuer with a query": ({"CERBERUS_OIDC_ISSUER": f"{ISSUER}?a=b"}, "CERBERUS_OIDC_ISSUER is wrong"),
    "issuer with a password": ({"CERBERUS_OIDC_ISSUER": "https://a:b@sso.example"}, "CERBERUS_OIDC_ISSUER is wrong"),
    "issuer for nothing": ({"CERBERUS_OIDC_ISSUER": ISSUER}, "needs CERBERUS_OIDC_CLIENT_ID or CERBERUS_JWT_AUDIENCE"),
    "client of nobody": ({"CERBERUS_OIDC_CLIENT_ID": "studio"}, "need CERBERUS_OIDC_ISSUER"),
    "audience of nobody": ({"CERBERUS_JWT_AUDIENCE": "api"}, "need CERBERUS_OIDC_ISSUER"),
    "no openid": (
        {"CERBERUS_OIDC_ISSUER": ISSUER, "CERBERUS_OIDC_CLIENT_ID": "x", "CERBERUS_OIDC_SCOPES": "email"},
        "CERBERUS_OIDC_SCOPES must name openid",
    ),
    "unknown scope": ({"CERBERUS_JWT_SCOPES": "read god"}, "CERBERUS_JWT_SCOPES is wrong"),
    "no scope": ({"CERBERUS_JWT_SCOPES": " "}, "CERBERUS_JWT_SCOPES is wrong"),
    "nobody could sign in": ({"CERBERUS_LOCAL_SIGN_IN": "admins"}, "needs single sign-on"),
    "unknown choice": ({"CERBERUS_LOCAL_SIGN_IN": "nobody"}, "CERBERUS_LOCAL_SIGN_IN is wrong"),
    "unknown choice for newcomers": ({"CERBERUS_OIDC_NEW_USERS": "maybe"}, "CERBERUS_OIDC_NEW_USERS is wrong"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    values, why = WRONG[what]
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Invalid) as refused:
        configured()
    assert why in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("issuer", [ISSUER, "http://localhost:9400", "http://127.0.0.1:9400", "http://[::1]:9400"])
def test_an_issuer_is_https_or_on_this_machine(issuer: str) -> None:
    assert Settings(cerberus_oidc_issuer=issuer, cerberus_oidc_client_id="x").single_sign_on.signs_in


def test_the_clients_secret_is_in_no_text() -> None:
    settings = Settings(cerberus_oidc_issuer=ISSUER, cerberus_oidc_client_id="x", cerberus_oidc_client_secret="hush")
    assert settings.single_sign_on.client_secret == "hush"
    assert "hush" not in repr(settings) + repr(settings.single_sign_on)


def test_with_nothing_set_there_is_no_single_sign_on() -> None:
    options = Settings().single_sign_on
    assert not options.signs_in
    assert not options.takes_jwts


PROGRAMS = {
    "the API": ["-c", "import cerberus.api; cerberus.api.create_app()"],
    "the command line": ["-m", "cerberus.cli", "identities", "alice"],
    "make run": ["-m", "studio.local", "prepare"],
    "Studio": ["-c", "import studio.app"],
    "MLflow's plugin": ["-c", "from cerberus_mlflow import checks; checks.refuse_to_start_if(checks.before_start())"],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_rules_keep_every_program_from_starting(tmp_path: Path, program: str) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rule]]\nclaim = 'groups'\n")
    lines = (ROOT / "mlflow" / "server.env").read_text().splitlines()
    server = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    environment = {**os.environ, **server, "CERBERUS_OIDC_RULES": str(rules), "MLSTUDIO_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program]], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f"sign-on in {rules} are not understood: rule 1: contains: Field required." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def admins_only(opened: Callable[..., Cerberus]) -> Cerberus:
    return opened(local_sign_in="admins")


def test_an_admin_still_signs_in_with_a_password(admins_only: Cerberus, cast: Any) -> None:
    assert admins_only.sessions.sign_in("admin", cast.password, Origin()).session.name == "admin"


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", None), ("alice", "wrong password"), ("admin", "wrong password"), ("nobody-at-all", "wrong password")],
)
def test_everybody_else_hears_the_same_words_whether_they_exist_or_not(
    admins_only: Cerberus, cast: Any, name: str, password: str | None
) -> None:
    with pytest.raises(NotSignedIn) as refused:
        admins_only.sessions.sign_in(name, password or cast.password, Origin("192.0.2.1"))
    assert refused.value.message == "Only admins sign in with a password here, and the right one."
    assert refused.value.hint == "Use single sign-on."


def test_the_right_password_of_somebody_else_is_counted_as_a_wrong_one(admins_only: Cerberus, cast: Any) -> None:
    """Else counting would tell whose password it is."""
    for _ in range(10):
        with pytest.raises(NotSignedIn):
            admins_only.sessions.sign_in("alice", cast.password, Origin("192.0.2.1"))
    with pytest.raises(Throttled):
        admins_only.sessions.sign_in("alice", cast.password, Origin("192.0.2.1"))


def test_scripts_get_no_token_for_a_password_either(admins_only: Cerberus, cast: Any) -> None:
    with pytest.raises(NotSignedIn, match="Only admins"):
        admins_only.sessions.sign_in_for_token("alice", cast.password, Origin())


def test_somebody_signed_in_may_still_change_a_password(admins_only: Cerberus, cast: Any) -> None:
    admins_only.people.change_password(cast.alice, current=cast.password, new="another good one 7")


def test_identities_on_the_command_line(
    cast: Any, database_url: str, provider: EvilProvider, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("CERBERUS_DATABASE_URL", database_url)
    monkeypatch.setenv("CERBERUS_OIDC_ISSUER", provider.issuer)
    monkeypatch.setenv("CERBERUS_OIDC_CLIENT_ID", "studio")
    assert main(["link-identity", "charlie", provider.issuer, "c-1"]) == 0
    assert main(["link-identity", "charlie", "https://typo.example", "c-1"]) == 0
    assert "not the issuer that is set up" in capsys.readouterr().out
    assert main(["identities", "charlie", "--json"]) == 0
    assert '"subject": "c-1"' in capsys.readouterr().out
    assert main(["link-identity", "dana", provider.issuer, "c-1"]) == 1
    assert "belongs to charlie" in capsys.readouterr().err
    assert main(["unlink-identity", "charlie", provider.issuer, "c-1"]) == 0
    assert main(["unlink-identity", "charlie", provider.issuer, "c-1"]) == 1
    assert main(["link-identity", "charlie", provider.issuer, "a\nb"]) == 2
