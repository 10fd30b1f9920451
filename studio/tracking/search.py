"""MLflow's filter language, read by MLflow's own parser, as conditions on the table of runs."""

from typing import Any

from sqlalchemy import ColumnElement, String, and_, false, or_, select, true

from cerberus.errors import Invalid
from studio.tracking.schema import datasets, input_tags, inputs, latest_metrics, params, runs, tags

EXAMPLE = "metrics.accuracy > 0.9 and params.model = 'rf'"
MAX_LENGTH = 4_000
LARGEST_INTEGER = 2**63 - 1
ATTRIBUTES = {
    "run_id": runs.c.run_uuid,
    "run_name": runs.c.name,
    "user_id": runs.c.user_id,
    "status": runs.c.status,
    "artifact_uri": runs.c.artifact_uri,
    "start_time": runs.c.start_time,
    "end_time": runs.c.end_time,
}
NUMBERS = ("=", "!=", ">", ">=", "<", "<=")
TEXTS = ("=", "!=", "LIKE", "ILIKE")
ABSENCE = ("IS NULL", "IS NOT NULL")
LISTS = ("IN", "NOT IN")
HELP = f"""Conditions joined with `and`, in MLflow's language, for example `{EXAMPLE}`.

- `metrics.accuracy > 0.9`: numbers, with {" ".join(f"`{operator}`" for operator in NUMBERS)}
- `params.model = 'rf'`, `tags.team LIKE '%vision%'`: text in quotes, with `=` `!=` `LIKE` `ILIKE` `IS NULL`
- `attributes.status = 'FINISHED'`, `attributes.run_name ILIKE 'base%'`, `attributes.start_time > 1767225600000`
- odd names go in backticks: ``params.`learning rate` = '0.1'``"""


def conditions(text: str) -> list[ColumnElement[bool]]:
    """
    What a run has to fulfil, all together. Invalid, saying what to write instead, when the text is no filter.
    """
    if not text.strip():
        return []
    found = _parsed(text)
    if not found:
        raise _invalid("The filter has no condition.")
    return [_condition(part) for part in found]


def _invalid(message: str, *, hint: str = "") -> Invalid:
    return Invalid(message, field="filter", hint=hint or f"Write it like: {EXAMPLE}")


def _parsed(text: str) -> list[dict[str, Any]]:
    if len(text) > MAX_LENGTH:
        raise _invalid(f"The filter is longer than {MAX_LENGTH} characters.", hint="Use fewer conditions.")
    if not text.isprintable() and any(ord(character) < 32 and character not in "\t\r\n" for character in text):
        raise _invalid("The filter has a control character in it.", hint="Type it anew.")
    from mlflow.exceptions import MlflowException  # here, because importing MLflow takes seconds
    from mlflow.utils.search_utils import SearchUtils

    language: Any = SearchUtils  # untyped
    try:
        parsed: list[dict[str, Any]] = language.parse_search_filter(text.strip())
    except MlflowException as error:
        raise _explained(text, error.message) from error
    except Exception as error:  # whatever the parser stumbles over is the text's fault
        raise _invalid("The filter cannot be read.") from error
    for part in parsed:
        part["key"] = language.translate_key_alias(part["key"])
        part["comparator"] = part["comparator"].upper()
    return parsed


def _explained(text: str, message: str) -> Invalid:
    """
    MLflow's complaint in words that say what to write.
    """
    if "entity type" in message:
        return _invalid(
            "A condition begins with something that runs do not have.",
            hint="Begin with metrics., params., tags., attributes. or datasets., for example metrics.accuracy > 0.9",
        )
    if "attribute key" in message:
        return _invalid("Runs have no such attribute.", hint=f"Attributes are {', '.join(ATTRIBUTES)}.")
    if "numeric value" in message:
        found = message.rpartition("Found ")[2]
        return _invalid(
            f"{found} is not a number.", hint="Metrics and times compare with plain numbers: 0.9, not '0.9'."
        )
    if "not quoted" in message or "quoted string" in message:
        return _invalid("Text has to stand in quotes.", hint="For example params.model = 'rf'")
    if " or " in f" {text.lower()} " and "'or'" in message.lower():
        return _invalid("Conditions can be joined with `and` only.", hint="Search twice instead of using `or`.")
    if "multiple expression" in message:
        return _invalid("The filter has a semicolon in it.", hint="Join conditions with `and`.")
    if message.startswith("Invalid clause"):
        clause = message.partition(": ")[2]
        return _invalid(f"This part of the filter is not a condition: {clause[:200]}")
    return _invalid(message.rstrip(".")[:300] + ".")


def _condition(part: dict[str, Any]) -> ColumnElement[bool]:
    kind, key, comparator, value = part["type"], part["key"], part["comparator"], part["value"]
    if kind == "attribute":
        return _attribute(key, comparator, value)
    if kind == "metric":
        return _metric(key, comparator, value)
    if kind == "dataset":
        return _dataset(key, comparator, value)
    table = params if kind == "parameter" else tags
    _allow(f"{kind}s", comparator, (*TEXTS, *ABSENCE))
    holders = select(table.c.run_uuid).where(table.c.key == key)
    if comparator == "IS NULL":
        return runs.c.run_uuid.not_in(holders)
    if comparator == "IS NOT NULL":
        return runs.c.run_uuid.in_(holders)
    return runs.c.run_uuid.in_(holders.where(_compared(table.c.value, comparator, value)))


def _allow(what: str, comparator: str, valid: tuple[str, ...]) -> None:
    if comparator not in valid:
        raise _invalid(f"{what.capitalize()} cannot be compared with {comparator}.", hint=f"Use {', '.join(valid)}.")


def _attribute(key: str, comparator: str, value: Any) -> ColumnElement[bool]:
    column = ATTRIBUTES[key]
    if isinstance(column.type, String):
        _allow(f"attribute {key}", comparator, (*TEXTS, *LISTS) if key == "run_id" else TEXTS)
        if key == "status" and comparator in ("=", "!="):
            value = str(value).upper()
    else:
        _allow(f"attribute {key}", comparator, NUMBERS)
        if abs(value) > LARGEST_INTEGER:
            raise _invalid(f"{value} is not a time.", hint="Times are milliseconds since 1970: 1767225600000.")
    return _compared(column, comparator, value)


def _metric(key: str, comparator: str, value: str) -> ColumnElement[bool]:
    """
    NaN is unequal to everything and fulfils nothing else; MLflow stores it as 0 with a mark.
    """
    _allow("metrics", comparator, NUMBERS)
    is_nan = latest_metrics.c.is_nan
    fits = _compared(latest_metrics.c.value, comparator, float(value))
    wanted = or_(is_nan, fits) if comparator == "!=" else and_(~is_nan, fits)
    return runs.c.run_uuid.in_(select(latest_metrics.c.run_uuid).where(latest_metrics.c.key == key, wanted))


def _dataset(key: str, comparator: str, value: Any) -> ColumnElement[bool]:
    _allow("datasets", comparator, (*TEXTS, *LISTS))
    used = (
        select(inputs.c.destination_id)
        .join(datasets, datasets.c.dataset_uuid == inputs.c.source_id)
        .where(inputs.c.destination_type == "RUN", inputs.c.source_type == "DATASET")
    )
    if key == "context":
        tagged = and_(input_tags.c.input_uuid == inputs.c.input_uuid, input_tags.c.name == "mlflow.data.context")
        used = used.join(input_tags, tagged).where(_compared(input_tags.c.value, comparator, value))
    else:
        used = used.where(_compared(datasets.c[key], comparator, value))
    return runs.c.run_uuid.in_(used)


def _compared(column: ColumnElement[Any], comparator: str, value: Any) -> ColumnElement[bool]:
    if comparator in LISTS:
        values = list(value) if isinstance(value, tuple | list) else [value]
        within = column.in_(values) if values else false()
        return within if comparator == "IN" else ~within if values else true()
    if comparator == "LIKE":
        return column.like(value)
    if comparator == "ILIKE":
        return column.ilike(value)
    return column.bool_op(comparator)(value)
