"""What the adoption knows of MLflow's tables."""

from typing import Final

from cerberus_mlflow.adoption.plan import Sort

REVISION: Final = "dc11669786a5"
MLFLOW_VERSION: Final = "3.17.2"
"""The release whose schema that is: the one that the server runs."""
DEFAULT: Final = "default"
MODEL_TABLES: Final = (
    "registered_models",
    "model_versions",
    "registered_model_tags",
    "registered_model_aliases",
    "model_version_tags",
)
"""The parent first: where the database carries the change along by itself, the others have nothing left to do."""
BY_ID: Final = {Sort.EXPERIMENT: ("experiments", "experiment_id"), Sort.DATASET: ("evaluation_datasets", "dataset_id")}
MOVED: Final = (*MODEL_TABLES, *(table for table, _ in BY_ID.values()))
STAYS: Final = (
    "budget_policies",
    "endpoints",
    "guardrail_configs",
    "guardrails",
    "jobs",
    "mcp_access_endpoints",
    "mcp_server_aliases",
    "mcp_server_tags",
    "mcp_server_version_tags",
    "mcp_server_versions",
    "mcp_servers",
    "model_definitions",
    "secrets",
    "webhooks",
)
"""What the server does not offer under Cerberus: it stays in the default workspace, where nobody reaches it."""
USED_BY: Final = ("datasets", "issues", "logged_models", "review_queues", "runs", "scorers", "trace_info")
"""A row of these is somebody's work in an experiment. MLflow makes experiment 0 itself, and a label schema in it."""
