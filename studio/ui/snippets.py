"""The lines that a person copies into a notebook, with the addresses that work from where she sits."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from studio.settings import settings

TOKEN = "mls_..."  # noqa: S105 - what stands for a token until there is one
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def tracking_lines(project: str, *, token: str = TOKEN) -> str:
    """What logs a first run into `project` from a notebook."""
    return f'''\
import os

os.environ["MLFLOW_TRACKING_URI"] = "{address(settings().mlflow_public_url)}"
os.environ["MLFLOW_TRACKING_TOKEN"] = "{token}"
os.environ["MLFLOW_WORKSPACE"] = "{project}"

import mlflow

mlflow.set_experiment("first-steps")
with mlflow.start_run():
    mlflow.log_param("depth", 3)
    mlflow.log_metric("accuracy", 0.93)
'''


def permission_lines(project: str) -> str:
    """What asks Cerberus whether one may do something."""
    return f'''\
import os, requests

answer = requests.post(
    "{address(settings().cerberus_public_url)}/api/v1/check",
    headers={{"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]}},
    json={{"verb": "create", "project": "{project}", "kind": "experiment"}},
)
print(answer.json())
'''


def address(configured: str) -> str:
    """`configured`, with the reader's own name for this host where the configured one is only this machine's."""
    parts, here = urlsplit(configured), urlsplit(st.context.url or "").hostname
    if parts.hostname not in LOCAL or not here or here in LOCAL:
        return configured
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{f'[{here}]' if ':' in here else here}{port}"))
