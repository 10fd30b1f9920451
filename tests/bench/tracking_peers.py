"""The peers: MLflow's own access control, and mlflow-oidc-auth, each as its own documentation sets it up.

mlflow-oidc-auth is installed beside ours (`peer_venv.py`). Its people sign in with its access tokens, as its users do
from a notebook, or with a provider's JWT, which it checks without asking its database for a token.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey
from peer_venv import ROOT, installed
from requests.auth import _basic_auth_str
from tracking_data import Content, database
from tracking_servers import PASSWORD, PEOPLE, Given, Headers, TrackingServer, running

AUDIENCE = "mlflow"
BASIC_AUTH = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{users}
admin_username = admin
admin_password = {password}
auth_cache_ttl_seconds = {seconds}
"""


@contextmanager
def basic_auth(directory: Path, template: str, _: Content) -> Iterator[Sequence[TrackingServer]]:
    """
    MLflow's own access control: a server that hashes the password of every request, as it does by itself, and one with
    its cache of checked passwords, on the same databases.
    """
    with database(f"mlstudio_bench_basic_{os.getpid()}", template) as url, ExitStack() as stack:
        servers = []
        for name, seconds in (("basic-auth cached", 3600), ("basic-auth", 0)):
            settings = _basic_settings(directory, seconds)
            server = running(name, directory, url, ["--app-name", "basic-auth"], settings, artifacts="basic-auth")
            address, process = stack.enter_context(server)
            headers = {person: {"Authorization": _basic_auth_str(person, PASSWORD)} for person in PEOPLE}

            def give(given: Sequence[Given], settings: Mapping[str, str] = settings) -> None:
                seed("basic", sys.executable, settings, {"given": [_plainly(each) for each in given]})

            servers.append(TrackingServer(name, address, process, url, headers, give))
        seed("basic", sys.executable, settings, {"people": dict.fromkeys(PEOPLE, PASSWORD)})
        yield servers


def _basic_settings(directory: Path, seconds: int) -> dict[str, str]:
    config = directory / f"basic-auth-{seconds}.ini"
    config.write_text(BASIC_AUTH.format(users=directory / "basic-auth.db", password=PASSWORD, seconds=seconds))
    return {"MLFLOW_AUTH_CONFIG_PATH": str(config)}


@contextmanager
def oidc_auth(directory: Path, template: str, _: Content) -> Iterator[Sequence[TrackingServer]]:
    """
    mlflow-oidc-auth with a provider that is nothing but its two documents. LeftOut where it cannot be installed.
    """
    peer = installed()
    python = str(peer.python)
    emails = {person: f"{person}@example.org" for person in PEOPLE}
    with _provider() as (issuer, key), database(f"mlstudio_bench_oidc_{os.getpid()}", template) as url:
        settings = {
            "OIDC_DISCOVERY_URL": f"{issuer}/.well-known/openid-configuration",
            "OIDC_CLIENT_ID": AUDIENCE,
            "OIDC_CLIENT_SECRET": "not used",
            "OIDC_AUDIENCE": AUDIENCE,
            "OIDC_ISSUER": issuer,
            "OIDC_USERS_DB_URI": f"sqlite:///{directory / 'oidc-auth.db'}",
            "SECRET_KEY": "bench",
        }
        made = seed("oidc", python, settings, {"people": emails})
        tokens = {person: {"Authorization": _basic_auth_str(emails[person], token)} for person, token in made.items()}
        ways = {"oidc-auth token": tokens, "oidc-auth JWT": _jwts(issuer, key, emails)}

        def give(given: Sequence[Given]) -> None:
            seed("oidc", python, settings, {"given": [_plainly(each, emails) for each in given]})

        arguments = ["--app-name", "oidc-auth"]
        with running("oidc-auth", directory, url, arguments, settings, python=python) as (address, process):
            yield [
                TrackingServer(name, address, process, url, headers, give, about=peer.about)
                for name, headers in ways.items()
            ]


def seed(peer: str, python: str, settings: Mapping[str, str], wish: dict[str, Any]) -> dict[str, str]:
    """
    People and permissions through the peer's own store, in its own Python.
    """
    script = Path(__file__).with_name("peer_store.py")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "OIDC_", "PYTHONPATH"))}
    done = subprocess.run(
        [python, str(script), peer],
        input=json.dumps(wish),
        env={**kept, **settings, "MLFLOW_FLASK_SERVER_SECRET_KEY": "bench"},
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{peer}: people and permissions could not be made:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _plainly(given: Given, names: Mapping[str, str] | None = None) -> list[str | bool]:
    who = names[given.person] if names else given.person
    return [who, str(given.kind), given.id, not given.denied]


def _jwts(issuer: str, key: RSAKey, emails: Mapping[str, str]) -> dict[str, Headers]:
    now = int(time.time())
    found = {}
    for person, email in emails.items():
        claims = {"iss": issuer, "aud": AUDIENCE, "sub": person, "email": email, "iat": now, "exp": now + 6 * 3600}
        token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
        found[person] = {"Authorization": f"Bearer {token}"}
    return found


@contextmanager
def _provider() -> Iterator[tuple[str, RSAKey]]:
    """
    An OpenID provider's discovery document and keys, and the key that signs.
    """
    key = RSAKey.generate_key(2048, auto_kid=True)
    documents: dict[str, Any] = {"/keys": {"keys": [key.as_dict(private=False)]}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(documents.get(self.path, {})).encode()
            self.send_response(200 if self.path in documents else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = f"http://127.0.0.1:{server.server_address[1]}"
    documents["/.well-known/openid-configuration"] = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/keys",
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
    }
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer, key
    finally:
        server.shutdown()
        server.server_close()
