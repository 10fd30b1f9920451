"""The columns that a table of runs can show and sort by: `attributes.status`, `params.model`, `metrics.accuracy`."""

from dataclasses import dataclass
from enum import StrEnum

from cerberus.errors import Invalid


class Part(StrEnum):
    """What a column belongs to, spelled as in MLflow's filters."""

    ATTRIBUTES = "attributes"
    PARAMS = "params"
    METRICS = "metrics"
    TAGS = "tags"


SORTABLE_ATTRIBUTES = ("start_time", "end_time", "duration", "run_name", "status", "user_id", "experiment")


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column; `str()` of it is its name and `parse` reads that name back.
    """

    part: Part
    key: str

    def __str__(self) -> str:
        return f"{self.part}.{self.key}"

    @classmethod
    def parse(cls, name: str) -> "Column":
        """
        The column of that name; Invalid, with the valid ones, for anything else.
        """
        part, _, key = name.partition(".")
        if part not in set(Part) or not key or "\x00" in key:
            raise Invalid(
                f"There is no column {name!r}.",
                field="sort",
                hint="Columns are named like metrics.accuracy, params.model, tags.team or attributes.start_time.",
            )
        column = cls(Part(part), key)
        if column.part is Part.ATTRIBUTES and key not in SORTABLE_ATTRIBUTES:
            raise Invalid(
                f"Runs have no attribute {key!r} to sort by.",
                field="sort",
                hint=f"Attributes are {', '.join(SORTABLE_ATTRIBUTES)}.",
            )
        return column


@dataclass(frozen=True, slots=True)
class Sort:
    """
    The order of a table of runs; runs without a value come last either way.
    """

    column: Column = Column(Part.ATTRIBUTES, "start_time")
    descending: bool = True
