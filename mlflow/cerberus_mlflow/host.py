"""The parts of MLflow whose private names the plugin uses. Untyped on purpose: `checks.py` is what notices a change."""

from typing import Any

import mlflow.server.auth
import mlflow.server.handlers
import mlflow.store.tracking.sqlalchemy_store

auth: Any = mlflow.server.auth
handlers: Any = mlflow.server.handlers
sql_store: Any = mlflow.store.tracking.sqlalchemy_store
