"""The values of given runs. The ids come from statements that asked who may see them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select

from studio.tracking.columns import Part
from studio.tracking.database import Ask
from studio.tracking.records import (
    NOTE,
    PARENT,
    SOURCE_COMMIT,
    SOURCE_NAME,
    USER,
    LastMetric,
    Run,
    RunRow,
    UsedDataset,
    measured,
    moment,
)
from studio.tracking.schema import (
    ACTIVE,
    datasets,
    experiment_tags,
    experiments,
    input_tags,
    inputs,
    latest_metrics,
    params,
    runs,
    tags,
)

SHOWN_TAGS = (USER, PARENT, SOURCE_NAME, SOURCE_COMMIT)


def experiments_with_activity(found: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """
    The found experiments with their count of runs, the start of the last one, and their note; the latest first.
    """
    of_it = (runs.c.experiment_id == experiments.c.experiment_id) & (runs.c.lifecycle_stage == ACTIVE)
    started = select(func.max(runs.c.start_time)).where(of_it).scalar_subquery()
    note = select(experiment_tags.c.value).where(
        experiment_tags.c.experiment_id == experiments.c.experiment_id, experiment_tags.c.key == NOTE
    )
    return (
        select(
            experiments,
            select(func.count()).select_from(runs).where(of_it).scalar_subquery().label("runs"),
            started.label("started"),
            note.scalar_subquery().label("note"),
        )
        .where(*found)
        .order_by(func.coalesce(started, experiments.c.creation_time).desc(), experiments.c.experiment_id.desc())
    )


def rows_of(ask: Ask, ids: Sequence[str], wanted: Mapping[Part, Sequence[str]]) -> tuple[RunRow, ...]:
    """
    The runs in the order of their ids, with the wanted params, metrics and tags.
    """
    if not ids:
        return ()
    tagged = _texts(ask, tags, ids, (*SHOWN_TAGS, *wanted[Part.TAGS]))
    given = _texts(ask, params, ids, wanted[Part.PARAMS])
    last = _last(ask, ids, wanted[Part.METRICS])
    return tuple(
        RunRow(
            **_common(row, tagged[row.run_uuid]),
            params=given[row.run_uuid],
            metrics={key: metric.value for key, metric in last[row.run_uuid].items()},
            tags={key: value for key, value in tagged[row.run_uuid].items() if key in wanted[Part.TAGS]},
        )
        for row in _base(ask, ids)
    )


def in_full(ask: Ask, ids: Sequence[str]) -> tuple[Run, ...]:
    """
    The runs in the order of their ids, with everything that was logged but the histories.
    """
    if not ids:
        return ()
    tagged, given, last = _texts(ask, tags, ids, None), _texts(ask, params, ids, None), _last(ask, ids, None)
    used = _datasets(ask, ids)
    return tuple(
        Run(
            **_common(row, tagged[row.run_uuid]),
            params=given[row.run_uuid],
            metrics={key: metric.value for key, metric in last[row.run_uuid].items()},
            tags=tagged[row.run_uuid],
            last=last[row.run_uuid],
            datasets=tuple(used[row.run_uuid]),
            artifact_uri=row.artifact_uri or "",
        )
        for row in _base(ask, ids)
    )


def _base(ask: Ask, ids: Sequence[str]) -> list[Row[Any]]:
    statement = (
        select(runs, experiments.c.name.label("experiment"))
        .join(experiments, experiments.c.experiment_id == runs.c.experiment_id)
        .where(runs.c.run_uuid.in_(ids))
    )
    found = {row.run_uuid: row for row in ask(statement)}
    return [found[each] for each in ids if each in found]


def _common(row: Row[Any], tagged: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": row.run_uuid,
        "name": row.name or tagged.get("mlflow.runName") or row.run_uuid[:8],
        "experiment_id": str(row.experiment_id),
        "experiment": row.experiment,
        "status": row.status or "",
        "user": tagged.get(USER) or row.user_id or "",
        "started": moment(row.start_time),
        "ended": moment(row.end_time),
        "source": tagged.get(SOURCE_NAME) or row.source_name or "",
        "version": tagged.get(SOURCE_COMMIT) or row.source_version or "",
        "parent": tagged.get(PARENT),
    }


def _texts(ask: Ask, table: Any, ids: Sequence[str], keys: Sequence[str] | None) -> dict[str, dict[str, str]]:
    """
    The params or tags of runs; those named, or all with None.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if keys is not None and not keys:
        return found
    statement = select(table.c.run_uuid, table.c.key, table.c.value).where(table.c.run_uuid.in_(ids))
    if keys is not None:
        statement = statement.where(table.c.key.in_(keys))
    for row in ask(statement.order_by(table.c.key)):
        found[row.run_uuid][row.key] = row.value or ""
    return found


def _last(ask: Ask, ids: Sequence[str], keys: Sequence[str] | None) -> dict[str, dict[str, LastMetric]]:
    found: dict[str, dict[str, LastMetric]] = defaultdict(dict)
    if keys is not None and not keys:
        return found
    statement = select(latest_metrics).where(latest_metrics.c.run_uuid.in_(ids))
    if keys is not None:
        statement = statement.where(latest_metrics.c.key.in_(keys))
    for row in ask(statement.order_by(latest_metrics.c.key)):
        found[row.run_uuid][row.key] = LastMetric(measured(row.value, row.is_nan), row.step, moment(row.timestamp))
    return found


def _datasets(ask: Ask, ids: Sequence[str]) -> dict[str, list[UsedDataset]]:
    tagged = and_(input_tags.c.input_uuid == inputs.c.input_uuid, input_tags.c.name == "mlflow.data.context")
    statement = (
        select(inputs.c.destination_id, datasets.c.name, datasets.c.digest, input_tags.c.value)
        .join(datasets, datasets.c.dataset_uuid == inputs.c.source_id)
        .outerjoin(input_tags, tagged)
        .where(inputs.c.destination_type == "RUN", inputs.c.source_type == "DATASET")
        .where(inputs.c.destination_id.in_(ids))
        .order_by(datasets.c.name, datasets.c.digest)
    )
    found: dict[str, list[UsedDataset]] = defaultdict(list)
    for row in ask(statement):
        found[row.destination_id].append(UsedDataset(row.name, row.digest, row.value or ""))
    return found
