"""Makes `mlflow.user` say who is signed in, whatever the client sends."""

from typing import Any

from mlflow.utils.mlflow_tags import MLFLOW_USER

from cerberus_mlflow.answers import Refused
from cerberus_mlflow.messages import field_of, tags_in

CLAIMS = ("created_by", "updated_by", "completed_by", "last_updated_by")
"""Fields that say who did it; MLflow believes the client."""


def stamp(message: Any, body: Any, *, name: str) -> bool:
    """
    Writes the caller's name over every author that the body claims, and into a run that is created; whether it
    changed the body.
    """
    if not isinstance(body, dict):
        return False
    if message is None:
        return False
    kind = message.DESCRIPTOR.name
    authors = [tag for tag in tags_in(message.DESCRIPTOR, body) if tag.key == MLFLOW_USER]
    if authors and kind.startswith("Delete"):
        raise Refused(400, f"The tag {MLFLOW_USER} is kept by the server.")
    for tag in authors:
        tag.put(name)
    claimed = [key for key in body if (field := field_of(message.DESCRIPTOR, key)) and field.name in CLAIMS]
    body.update(dict.fromkeys(claimed, name))
    return _stamp_run(body, name) if kind == "CreateRun" else bool(authors or claimed)


def _stamp_run(body: dict[str, Any], name: str) -> bool:
    tags = [tag for tag in body.get("tags") or [] if isinstance(tag, dict) and tag.get("key") != MLFLOW_USER]
    body.pop("userId", None)
    body.update({"user_id": name, "tags": [*tags, {"key": MLFLOW_USER, "value": name}]})
    return True
