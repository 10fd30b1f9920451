"""Several runs side by side: everything that is known of each, what differs, and by how much from a baseline."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import pandas as pd

from studio.tracking.records import SOURCE_BRANCH, Run

SECTION, NAME = "section", "name"
LOWER = re.compile(
    r"(^|[_./ -])(loss|logloss|error|err|rmse|mse|mae|mape|time|duration|seconds|latency|perplexity)\d*$"
)
HIGHER = re.compile(
    r"(^|[_./ -])(acc|accuracy|auc|f1|precision|recall|score|r2|map|ndcg|iou|dice|bleu|rouge|reward)"
    r"(_score|_macro|_micro|_weighted|\d)*$"
)


class Section(StrEnum):
    """The parts of a comparison, in the order in which they stand."""

    METRICS = "Metrics"
    PARAMS = "Parameters"
    DATA = "Data"
    CODE = "Code and status"
    TAGS = "Tags"


class Verdict(StrEnum):
    """What a difference from the baseline means."""

    BETTER = "better"
    WORSE = "worse"
    UNKNOWN = ""


def facts(runs: Sequence[Run]) -> pd.DataFrame:
    """
    One row for each thing known of any run, a column for each run's id; what a run does not have is None.
    """
    by_section: dict[Section, list[Mapping[str, Any]]] = {
        Section.METRICS: [run.metrics for run in runs],
        Section.PARAMS: [run.params for run in runs],
        Section.DATA: [_data(run) for run in runs],
        Section.CODE: [_code(run) for run in runs],
        Section.TAGS: [_tags(run) for run in runs],
    }
    rows = [
        {SECTION: section.value, NAME: name} | {run.id: known.get(name) for run, known in zip(runs, all_, strict=True)}
        for section, all_ in by_section.items()
        for name in _names(all_, in_order=section is Section.CODE)
    ]
    return pd.DataFrame(rows, columns=[SECTION, NAME, *(run.id for run in runs)], dtype=object)


def differing(table: pd.DataFrame) -> pd.DataFrame:
    """
    The rows of `facts` in which not every run has the same; NaN is the same as NaN, a missing value is not.
    """
    ids = [column for column in table.columns if column not in (SECTION, NAME)]
    kept = [len({_same(value) for value in row}) > 1 for row in table[ids].itertuples(index=False)]
    return table[kept].reset_index(drop=True)


def deltas(table: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """
    For the metrics of `facts`, each run's value less the baseline's; None where either is missing or no number.
    """
    ids = [column for column in table.columns if column not in (SECTION, NAME)]
    rows = [
        [_less(row[each], row[baseline]) if row[SECTION] == Section.METRICS else None for each in ids]
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=ids, index=table.index, dtype=object)


def verdict(metric: str, delta: float | None) -> Verdict:
    """
    Whether a change of a metric is for the better, as far as its name tells.
    """
    if not delta or math.isnan(delta):
        return Verdict.UNKNOWN
    name = metric.lower()
    if LOWER.search(name):
        return Verdict.BETTER if delta < 0 else Verdict.WORSE
    if HIGHER.search(name):
        return Verdict.BETTER if delta > 0 else Verdict.WORSE
    return Verdict.UNKNOWN


def _names(known: Iterable[Mapping[str, Any]], *, in_order: bool) -> list[str]:
    names = dict.fromkeys(name for each in known for name in each)
    return list(names) if in_order else sorted(names, key=str.lower)


def _same(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "NaN", float
    return value, type(value)


def _less(value: Any, base: Any) -> float | None:
    if not isinstance(value, float) or not isinstance(base, float):
        return None
    return value - base if math.isfinite(value) and math.isfinite(base) else None


def _data(run: Run) -> dict[str, str]:
    return {
        f"{used.name} ({used.context})" if used.context else used.name: f"digest {used.digest}" for used in run.datasets
    }


def _code(run: Run) -> dict[str, str]:
    known = {
        "status": run.status.lower(),
        "source": run.source,
        "commit": run.version,
        "branch": run.tags.get(SOURCE_BRANCH, ""),
        "user": run.user,
        "experiment": run.experiment,
    }
    return {name: value for name, value in known.items() if value}


def _tags(run: Run) -> dict[str, str]:
    """
    The tags that people set; MLflow's own say nothing that stands not elsewhere.
    """
    return {key: value for key, value in run.tags.items() if not key.startswith("mlflow.")}
