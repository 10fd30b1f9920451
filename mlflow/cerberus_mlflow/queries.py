"""The plugin's own questions to MLflow's database, each one statement, where its stores would load much more.

This module knows SQLAlchemy.
"""

from collections.abc import Iterable
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel, SqlRegisteredModelTag
from mlflow.store.tracking.dbmodels.models import SqlAssessments, SqlTraceInfo
from sqlalchemy import and_, select
from sqlalchemy.exc import SQLAlchemyError


def is_prompt(store: Any, name: str) -> bool | None:
    """
    Whether this project's model of that name is a prompt; None when there is no such name, or it is hidden.
    """
    model, tag = SqlRegisteredModel, SqlRegisteredModelTag
    marked = and_(tag.workspace == model.workspace, tag.name == model.name, tag.key == IS_PROMPT_TAG_KEY)
    with store.ManagedSessionMaker() as session:
        found = store._get_query(session, model).outerjoin(tag, marked).filter(model.name == name)
        rows = found.with_entities(model.name, tag.value).all()
    # a database may find a name by another spelling of it, about which no grant says anything
    values = [value for known, value in rows if known == name]
    return None if not values else (values[0] or "").lower() == "true"


def experiments_of_traces(store: Any, trace_ids: Iterable[str]) -> set[str]:
    """
    The experiments, in any project, in which there are such traces.
    """
    return _in_any_project(store, SqlTraceInfo.experiment_id, SqlTraceInfo.request_id, trace_ids)


def traces_of_assessments(store: Any, assessment_ids: Iterable[str]) -> set[str]:
    """
    The traces, in any project, to which such assessments belong.
    """
    return _in_any_project(store, SqlAssessments.trace_id, SqlAssessments.assessment_id, assessment_ids)


def _in_any_project(store: Any, wanted: Any, key: Any, values: Iterable[str]) -> set[str]:
    """
    Past the session that `sight` watches, and without a transaction: every trace waits for it.
    """
    try:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            found = connection.execute(select(wanted).where(key.in_(set(values))))
            return {str(value) for (value,) in found}
    except SQLAlchemyError as error:
        message = "MLflow's database cannot be read. Try again shortly."
        raise MlflowException(message, error_code=TEMPORARILY_UNAVAILABLE) from error
