"""MLflow's server with Cerberus' access control: one project is one workspace, every route asks Cerberus.

Loaded by `mlflow server --app-name cerberus`. What it relies on in MLflow is listed in `relied_on.py` and compared at
start (`checks.py`); docs/mlflow.md says how to move to another version of MLflow.
"""
