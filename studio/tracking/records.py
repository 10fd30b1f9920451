"""What the reader hands out: frozen values, times in UTC, metrics as the floats that were logged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
USER = "mlflow.user"
SOURCE_NAME = "mlflow.source.name"
SOURCE_COMMIT = "mlflow.source.git.commit"
SOURCE_BRANCH = "mlflow.source.git.branch"
INFINITY = 1.7976931348623157e308  # MLflow stores infinities as the largest float


def moment(milliseconds: int | None) -> datetime | None:
    """
    MLflow's milliseconds as a time; None for none, or for a number that no calendar has.
    """
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def measured(value: float, is_nan: bool) -> float:
    """
    A stored metric as it was logged: NaN and infinities come back.
    """
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) >= INFINITY else value


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment with how many runs it has and when the last one started."""

    id: str
    name: str
    runs: int
    created: datetime | None
    last_run: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    """A page of experiments and how many there are in all."""

    rows: tuple[Experiment, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as tables show it: the columns that were asked for, and no others."""

    id: str
    name: str
    experiment_id: str
    experiment: str
    status: str
    user: str
    started: datetime | None
    ended: datetime | None
    source: str = ""
    version: str = ""
    parent: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it runs."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of runs and how many fit in all."""

    rows: tuple[RunRow, ...]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, math.ceil(self.total / self.size))


@dataclass(frozen=True, slots=True)
class LastMetric:
    """The last value of a metric and where it was logged."""

    value: float
    step: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class UsedDataset:
    """A dataset that a run logged as its input."""

    name: str
    digest: str
    context: str


@dataclass(frozen=True, slots=True)
class Run(RunRow):
    """One run in full."""

    last: Mapping[str, LastMetric] = field(default_factory=dict)
    datasets: tuple[UsedDataset, ...] = ()
    artifact_uri: str = ""

    @property
    def note(self) -> str:
        """What somebody wrote about it."""
        return self.tags.get(NOTE, "")


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of params, metrics and tags that recent runs have, for choosing columns."""

    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is in a project, as far as one may see it."""

    experiments: int = 0
    runs: int = 0
    running: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A registered model with how many versions it has."""

    name: str
    versions: int
    latest: int | None
    updated: datetime | None
