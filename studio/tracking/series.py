"""Histories of metrics, thinned in the database: a line keeps its ends and the extremes of every bucket."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select

from studio.tracking.database import Ask
from studio.tracking.records import measured, moment
from studio.tracking.schema import metrics as history

MAX_POINTS = 300
BUCKETS = MAX_POINTS // 2 - 1


class Axis(StrEnum):
    """What a history runs over, and so what its buckets divide."""

    STEP = "step"
    TIME = "time"


@dataclass(slots=True)
class Line:
    """One metric of one run. `logged` is how many values there are, of which the line may hold fewer."""

    run_id: str
    metric: str
    logged: int = 0
    nans: int = 0
    steps: list[int] = field(default_factory=list)
    times: list[datetime | None] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    def thinned(self) -> bool:
        """Whether some values were left out."""
        return len(self.values) < self.logged


def read_lines(ask: Ask, run_ids: Sequence[str], *, metrics: Sequence[str], axis: Axis = Axis.STEP) -> tuple[Line, ...]:
    """
    The lines of runs that one may see, ordered by metric, then by run; what was never logged is left out.
    """
    names = [name for name in dict.fromkeys(metrics) if "\x00" not in name]
    if not run_ids or not names:
        return ()
    x = history.c.step if axis is Axis.STEP else history.c.timestamp
    spans = {(row.key, row.run_uuid): row for row in ask(_spans(run_ids, names, x))}
    short = [pair for pair, row in spans.items() if row.logged <= MAX_POINTS]
    points = _short(ask, short, x)
    for pair, row in spans.items():
        if row.logged > MAX_POINTS:
            points[pair] = list(ask(_thinned(pair, x, low=row.low, high=row.high)))
    order = [(name, run_id) for name in names for run_id in run_ids if (name, run_id) in spans]
    return tuple(_line(pair, spans[pair], points[pair]) for pair in order)


def _of(run_ids: Sequence[str], names: Sequence[str]) -> ColumnElement[bool]:
    return and_(history.c.run_uuid.in_(run_ids), history.c.key.in_(names))


def _spans(run_ids: Sequence[str], names: Sequence[str], x: ColumnElement[int]) -> Select[Any]:
    return (
        select(
            history.c.run_uuid,
            history.c.key,
            func.count().label("logged"),
            func.sum(case((history.c.is_nan, 1), else_=0)).label("nans"),
            func.min(x).label("low"),
            func.max(x).label("high"),
        )
        .where(_of(run_ids, names))
        .group_by(history.c.run_uuid, history.c.key)
    )


def _short(ask: Ask, pairs: Sequence[tuple[str, str]], x: ColumnElement[int]) -> dict[tuple[str, str], list[Row[Any]]]:
    found: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    if not pairs:
        return found
    names, run_ids = sorted({name for name, _ in pairs}), sorted({run_id for _, run_id in pairs})
    asked = set(pairs)
    by_name = [(name, [run_id for run_id in run_ids if (name, run_id) in asked]) for name in names]
    wanted = or_(*(_of(of_name, [name]) for name, of_name in by_name))
    for row in ask(select(history).where(history.c.run_uuid.in_(run_ids), wanted).order_by(x, history.c.timestamp)):
        found[row.key, row.run_uuid].append(row)
    return found


def _thinned(pair: tuple[str, str], x: ColumnElement[int], *, low: int, high: int) -> Select[Any]:
    """
    The lowest and the highest value of each bucket, NaN apart; the ends of the line are buckets of their own.
    """
    name, run_id = pair
    width = max(1, -(-(high - low + 1) // BUCKETS))
    bucket = case((x == low, -1), (x == high, BUCKETS), else_=(x - low) // width)
    mine = _of([run_id], [name])
    extremes = (
        select(
            bucket.label("bucket"),
            history.c.is_nan,
            func.min(history.c.value).label("least"),
            func.max(history.c.value).label("most"),
        )
        .where(mine)
        .group_by(bucket, history.c.is_nan)
        .subquery()
    )
    kept = and_(
        extremes.c.bucket == bucket,
        extremes.c.is_nan == history.c.is_nan,
        or_(history.c.value == extremes.c.least, history.c.value == extremes.c.most),
    )
    return (
        select(
            history.c.value,
            history.c.is_nan,
            func.min(history.c.step).label("step"),
            func.min(history.c.timestamp).label("timestamp"),
        )
        .join(extremes, kept)
        .where(mine)
        .group_by(extremes.c.bucket, history.c.is_nan, history.c.value)
        .order_by(func.min(x), func.min(history.c.timestamp))
    )


def _line(pair: tuple[str, str], span: Row[Any], points: Sequence[Row[Any]]) -> Line:
    name, run_id = pair
    return Line(
        run_id,
        name,
        logged=span.logged,
        nans=int(span.nans),
        steps=[row.step for row in points],
        times=[moment(row.timestamp) for row in points],
        values=[measured(row.value, row.is_nan) for row in points],
    )
