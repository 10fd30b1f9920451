"""Leaves out, of every row that MLflow's stores read for a request, what its caller may not see.

Hidden is then the same as absent everywhere: in pages and their tokens, in counts, in names that are looked up and in
references, wherever MLflow follows them. Callers who may see all of a project, as nearly everybody, pay nothing.

This module knows SQLAlchemy: the condition has to be in MLflow's own statements, before LIMIT.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mlflow.entities.entity_type import EntityAssociationType
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.store.model_registry.dbmodels import models as registry
from mlflow.store.tracking.dbmodels import models as tracking
from sqlalchemy import ColumnElement, String, and_, cast, event, exists, false, func, not_, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from cerberus.policy import Kind, Visible
from cerberus_mlflow.context import Call, current_call

OURS = "cerberus."
_EVERYTHING: ContextVar[bool] = ContextVar("cerberus_sees_everything", default=False)


def watch() -> None:
    """
    From now on, and for every session of this process.
    """
    if not event.contains(Session, "do_orm_execute", _leave_out):
        event.listen(Session, "do_orm_execute", _leave_out)


@contextmanager
def everything() -> Iterator[None]:
    """
    For the plugin's own questions, whose answers the caller does not get to see.
    """
    token = _EVERYTHING.set(True)
    try:
        yield
    finally:
        _EVERYTHING.reset(token)


def hides(resource_id: str, *kinds: Kind) -> bool:
    """
    Whether the rows of a thing, of one of these kinds, are left out for the current caller.
    """
    call = current_call()
    if call is None or call.project is None or _EVERYTHING.get():
        return False
    return not all(call.access.visible(kind, call.project).includes(resource_id) for kind in kinds)


def _leave_out(state: ORMExecuteState) -> None:
    call = current_call()
    if call is None or call.project is None or _EVERYTHING.get():
        return
    if not state.is_orm_statement or state.is_column_load or state.is_relationship_load or state.is_insert:
        return
    project = call.project
    conditions = call.access.remember("conditions", project, lambda _: _conditions(call, project))
    if conditions and not any(mapper.class_.__module__.startswith(OURS) for mapper in state.all_mappers):
        state.statement = state.statement.options(*conditions)


def _conditions(call: Call, project: str) -> tuple[Any, ...]:
    """
    What to add to each statement; nothing where the caller sees all of the project.
    """
    experiments, models, prompts = (
        call.access.visible(kind, project) for kind in (Kind.EXPERIMENT, Kind.REGISTERED_MODEL, Kind.PROMPT)
    )
    found: list[tuple[Any, ColumnElement[bool]]] = []
    if not sees_all(experiments):
        found += [(each, _in_sight(each, experiments)) for each in BY_EXPERIMENT]
        found.append((tracking.SqlEvaluationDataset, _dataset_in_sight(experiments)))
    if not (sees_all(models) and sees_all(prompts)):
        found += [(each, _model_in_sight(each, models, prompts)) for each in BY_MODEL]
    return tuple(with_loader_criteria(table, condition, include_aliases=True) for table, condition in found)


def sees_all(visible: Visible) -> bool:
    """
    Whether nothing of a kind is hidden.
    """
    return visible.default and not visible.exceptions


def _by_experiment() -> tuple[Any, ...]:
    """
    Every table of MLflow's whose rows say in which experiment they are, also those of versions to come.
    """
    mappers = tracking.SqlExperiment.registry.mappers
    return tuple(
        sorted(
            (each.class_ for each in mappers if "experiment_id" in each.columns and each.class_ is not tracking.SqlJob),
            key=lambda each: each.__name__,
        )
    )


BY_EXPERIMENT = _by_experiment()
BY_MODEL = (
    registry.SqlRegisteredModel,
    registry.SqlModelVersion,
    registry.SqlRegisteredModelTag,
    registry.SqlModelVersionTag,
    registry.SqlRegisteredModelAlias,
)


def _numbers(visible: Visible) -> list[int]:
    return sorted(int(each) for each in visible.exceptions if each.isascii() and each.isdigit())


def _among(column: Any, visible: Visible, values: list[Any]) -> ColumnElement[bool]:
    """
    Whether the column names something visible.
    """
    among: ColumnElement[bool] = column.in_(values) if values else false()
    return not_(among) if visible.default else among


def _in_sight(table: Any, experiments: Visible) -> ColumnElement[bool]:
    seen = _among(table.experiment_id, experiments, _numbers(experiments))
    return or_(table.experiment_id.is_(None), seen) if table.__table__.c.experiment_id.nullable else seen


def _dataset_in_sight(experiments: Visible) -> ColumnElement[bool]:
    """
    A dataset is hidden with any hidden experiment that it belongs to, and where it belongs to none.
    """
    links = tracking.SqlEntityAssociation.__table__.alias()
    texts = [str(number) for number in _numbers(experiments)]
    belongs = and_(
        links.c.source_type == EntityAssociationType.EVALUATION_DATASET,
        links.c.source_id == tracking.SqlEvaluationDataset.dataset_id,
        links.c.destination_type == EntityAssociationType.EXPERIMENT,
    )
    hidden = and_(belongs, not_(_among(cast(links.c.destination_id, String), experiments, texts)))
    link = select(1).select_from(links)
    return and_(exists(link.where(belongs)), not_(exists(link.where(hidden))))


def _model_in_sight(table: Any, models: Visible, prompts: Visible) -> ColumnElement[bool]:
    """
    Models and prompts share a table and its names; a tag tells which a name is.
    """
    as_model, as_prompt = (_among(table.name, seen, sorted(seen.exceptions)) for seen in (models, prompts))
    tags = registry.SqlRegisteredModelTag.__table__.alias()
    marked = and_(
        tags.c.workspace == table.workspace,
        tags.c.name == table.name,
        tags.c.key == IS_PROMPT_TAG_KEY,
        func.lower(tags.c.value) == "true",
    )
    is_prompt = exists(select(1).select_from(tags).where(marked))
    return or_(and_(is_prompt, as_prompt), and_(not_(is_prompt), as_model))
