"""Run by a peer's own Python: makes people and gives permissions through the peer's own store, as its server does.

python peer_store.py basic|oidc < {"people": {person: name or password}, "given": [[who, kind, id, may read]]}
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any


def basic(people: dict[str, str]) -> tuple[Any, dict[str, str]]:
    """
    MLflow's own: names with passwords, none of them an administrator.
    """
    from mlflow.server.auth import auth_config
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(auth_config.database_uri)
    for name, password in people.items():
        store.create_user(name, password, is_admin=False)
    return store, people


def oidc(people: dict[str, str]) -> tuple[Any, dict[str, str]]:
    """
    mlflow-oidc-auth: people as its provider would bring them, each with an access token.
    """
    from mlflow_oidc_auth.store import store

    tokens = {}
    for name, email in people.items():
        store.create_user(email, name, is_admin=False)
        end = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
        _, tokens[name] = store.create_user_token(email, "bench", end, email)
    return store, tokens


def main() -> None:
    """
    Carries out one wish, and prints what people sign in with.
    """
    wish = json.load(sys.stdin)
    make, nothing = {"basic": (basic, "DENY"), "oidc": (oidc, "NO_PERMISSIONS")}[sys.argv[1]]
    store, signs_in = make(wish.get("people", {}))
    for who, kind, each, may_read in wish.get("given", ()):
        level = "READ" if may_read else nothing
        if kind == "experiment":
            store.create_experiment_permission(each, who, level)
        else:
            store.create_registered_model_permission(each, who, level)
    print(json.dumps(signs_in))
    sys.stdout.flush()
    os._exit(0)  # the peers' modules may have threads of their own


if __name__ == "__main__":
    main()
