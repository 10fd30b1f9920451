"""Brings an MLflow database whose things all lie in the default workspace under Cerberus."""
