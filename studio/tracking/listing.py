"""Statements that find runs: what may be seen first, then the filter, then the order, then one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, exists, func, select

from cerberus.policy import Visible
from studio.tracking.columns import Column, Part, Sort
from studio.tracking.database import number
from studio.tracking.schema import (
    ACTIVE,
    experiments,
    latest_metrics,
    params,
    registered_model_tags,
    registered_models,
    runs,
    tags,
)
from studio.tracking.search import LARGEST_INTEGER

PROMPT = "mlflow.prompt.is_prompt"
ORDERS = {
    "run_name": runs.c.name,
    "status": runs.c.status,
    "user_id": runs.c.user_id,
    "end_time": runs.c.end_time,
    "duration": runs.c.end_time - runs.c.start_time,
    "experiment": experiments.c.name,
}


def experiment_number(text: str) -> int:
    """
    The key of an experiment's id; -1, which no experiment has, for what is no id.
    """
    return int(text) if text.isascii() and text.isdigit() and int(text) <= LARGEST_INTEGER >> 32 else -1


def seen_experiments(project: str, visible: Visible) -> tuple[ColumnElement[bool], ...]:
    """
    The conditions on `experiments` that leave those of a project which one may see.
    """
    among = experiments.c.experiment_id.in_(sorted(experiment_number(each) for each in visible.exceptions))
    return (
        experiments.c.workspace == project,
        experiments.c.lifecycle_stage == ACTIVE,
        ~among if visible.default else among,
    )


def seen_runs(project: str, visible: Visible, chosen: Sequence[str] | None = None) -> tuple[ColumnElement[bool], ...]:
    """
    The conditions on `runs` for the runs that one may see, of the chosen experiments if any are named.
    """
    seen = select(experiments.c.experiment_id).where(*seen_experiments(project, visible))
    if chosen is not None and len(chosen) == 1:
        only = experiment_number(chosen[0])
        may = exists().where(experiments.c.experiment_id == only, *seen_experiments(project, visible))
        return runs.c.lifecycle_stage == ACTIVE, runs.c.experiment_id == only, may
    if chosen is not None:
        seen = seen.where(experiments.c.experiment_id.in_([experiment_number(each) for each in chosen]))
    return runs.c.lifecycle_stage == ACTIVE, runs.c.experiment_id.in_(seen)


def seen_models(project: str, visible: Visible) -> tuple[ColumnElement[bool], ...]:
    """
    The conditions on `registered_models` for those that one may see and that are no prompts.
    """
    prompt = exists().where(
        registered_model_tags.c.workspace == registered_models.c.workspace,
        registered_model_tags.c.name == registered_models.c.name,
        registered_model_tags.c.key == PROMPT,
    )
    among = registered_models.c.name.in_(sorted(visible.exceptions))
    return registered_models.c.workspace == project, ~among if visible.default else among, ~prompt


@dataclass(frozen=True, slots=True)
class Listing:
    """
    An order over the fitting runs, in one or two parts that follow each other: with a metric to sort by, the runs that
    have a number (read along the index) come before those that have none.
    """

    fitting: tuple[ColumnElement[bool], ...]
    sort: Sort

    def count(self) -> Select[Any]:
        """
        How many runs fit.
        """
        return select(func.count()).select_from(runs).where(*self.fitting)

    def count_first(self) -> Select[Any] | None:
        """
        How many of them are in the first part, None when there is one part only.
        """
        if self.sort.column.part is not Part.METRICS:
            return None
        return select(func.count()).select_from(runs.join(latest_metrics, self._has_number())).where(*self.fitting)

    def first(self) -> Select[Any]:
        """
        The ids in order; with a metric, of the runs that have a number.
        """
        column = self.sort.column
        if column.part is Part.METRICS:
            value = latest_metrics.c.value
            order = value.desc() if self.sort.descending else value.asc()
            last = latest_metrics.c.run_uuid if self.sort.descending else latest_metrics.c.run_uuid.desc()
            joined = select(runs.c.run_uuid).join(latest_metrics, self._has_number())
            return joined.where(*self.fitting).order_by(order, last)
        chosen = select(runs.c.run_uuid).where(*self.fitting)
        if column.part is Part.ATTRIBUTES:
            return self._by_attribute(chosen)
        table = params if column.part is Part.PARAMS else tags
        held = and_(table.c.run_uuid == runs.c.run_uuid, table.c.key == column.key)
        as_number = number(table.c.value)
        return chosen.outerjoin(table, held).order_by(
            self._directed(as_number), self._directed(table.c.value), *self._newest()
        )

    def second(self) -> Select[Any]:
        """
        The ids of the runs without a number: first those with NaN, then those without the metric.
        """
        held = and_(latest_metrics.c.run_uuid == runs.c.run_uuid, latest_metrics.c.key == self.sort.column.key)
        return (
            select(runs.c.run_uuid)
            .outerjoin(latest_metrics, held)
            .where(*self.fitting, func.coalesce(latest_metrics.c.is_nan, cast(True, latest_metrics.c.is_nan.type)))
            .order_by(latest_metrics.c.run_uuid.is_(None), *self._newest())
        )

    def _has_number(self) -> ColumnElement[bool]:
        return and_(
            latest_metrics.c.run_uuid == runs.c.run_uuid,
            latest_metrics.c.key == self.sort.column.key,
            ~latest_metrics.c.is_nan,
        )

    def _by_attribute(self, chosen: Select[Any]) -> Select[Any]:
        key = self.sort.column.key
        if key == "start_time":
            oldest = (runs.c.start_time, runs.c.run_uuid.desc())
            return chosen.order_by(*(self._newest() if self.sort.descending else oldest))
        if key == "experiment":
            chosen = chosen.join(experiments, experiments.c.experiment_id == runs.c.experiment_id)
        return chosen.order_by(self._directed(ORDERS[key]), *self._newest())

    def _directed(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return (column.desc() if self.sort.descending else column.asc()).nulls_last()

    @staticmethod
    def _newest() -> tuple[ColumnElement[Any], ...]:
        return runs.c.start_time.desc(), runs.c.run_uuid


def newest(fitting: tuple[ColumnElement[bool], ...], limit: int) -> Select[Any]:
    """
    The ids of the runs that started last.
    """
    ordered = Listing(fitting, Sort(Column(Part.ATTRIBUTES, "start_time"))).first()
    return ordered.limit(limit)
