"""Tells Cerberus of every experiment, model, prompt and scorer that MLflow makes, deletes or renames for a request.

MLflow's session is watched, not its routes: it knows what was written, under which id, and when it is kept. A deed is
noted in Cerberus when all of MLflow's statements have gone through and only its commit is left to do, and its second
half is done right after the commit. docs/adr/two-databases.md says what happens when the process dies in between.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel
from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlScorer
from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, object_session

from cerberus.policy import Kind, Resource
from cerberus.service import Deed, Did
from cerberus_mlflow.context import Call, cerberus, current_call, require_call, unavailable
from cerberus_mlflow.store import CerberusStore, fails_closed

_logger = logging.getLogger(__name__)

WRITTEN = "cerberus.written"
BEGUN = "cerberus.begun"
LONGEST_ID = 256


@dataclass(frozen=True, slots=True)
class Thing:
    """
    What permission is given on, as a row of MLflow's: its kind, its id, and what tells it from all others of that id.
    """

    kind: Callable[[Any], Kind]
    id: Callable[[Any], str]
    mark: Callable[[Any], object]


def _model_or_prompt(model: Any) -> Kind:
    values = [tag.value for tag in model.registered_model_tags if tag.key == IS_PROMPT_TAG_KEY]
    return Kind.PROMPT if any((value or "").lower() == "true" for value in values) else Kind.REGISTERED_MODEL


THINGS: dict[Any, Thing] = {
    SqlExperiment: Thing(lambda _: Kind.EXPERIMENT, lambda row: str(row.experiment_id), lambda row: row.creation_time),
    SqlRegisteredModel: Thing(_model_or_prompt, lambda row: row.name, lambda row: row.creation_time),
    SqlScorer: Thing(
        lambda _: Kind.SCORER,
        lambda row: CerberusStore._scorer_pattern(row.experiment_id, row.scorer_name),
        lambda row: row.scorer_id,
    ),
}


@dataclass(frozen=True, slots=True)
class Written:
    """
    A row that MLflow has written; `id` is what its thing was called before.
    """

    did: Did
    row: Any
    id: str


def watch() -> None:
    """
    From now on, and for every session of this process.
    """
    if event.contains(Session, "before_commit", _begin):
        return
    for table in THINGS:
        event.listen(table, "after_insert", _made)
        event.listen(table, "after_delete", _gone)
    event.listen(SqlRegisteredModel, "after_update", _changed)
    event.listen(Session, "before_commit", _begin)
    event.listen(Session, "after_commit", _finish)
    event.listen(Session, "after_rollback", _forget)


def _made(_mapper: object, _connection: object, row: Any) -> None:
    _write(row, Did.CREATE)


def _gone(_mapper: object, _connection: object, row: Any) -> None:
    _write(row, Did.DELETE)


def _changed(_mapper: object, _connection: object, model: Any) -> None:
    before = inspect(model).attrs.name.history.deleted
    if before:
        _write(model, Did.RENAME, before[0])


def _write(row: Any, did: Did, before: str | None = None) -> None:
    session = object_session(row)
    if current_call() is None or session is None:
        return
    if session.in_nested_transaction():
        raise MlflowException("This is made in a way that Cerberus' plugin does not know.")
    session.info.setdefault(WRITTEN, []).append(Written(did, row, before or THINGS[type(row)].id(row)))


def _begin(session: Session) -> None:
    if current_call() is None or session.in_nested_transaction():
        return
    session.flush()  # which the commit would do only now
    written: list[Written] = session.info.pop(WRITTEN, [])
    if written:
        call = require_call()
        session.info[BEGUN] = _begun(call, [_deed(call, each) for each in written])


def _deed(call: Call, written: Written) -> Deed:
    thing, row = THINGS[type(written.row)], written.row
    if call.project is None or getattr(row, "workspace", call.project) != call.project:
        raise unavailable()
    new_id = thing.id(row) if written.did is Did.RENAME else ""
    if max(len(written.id), len(new_id)) > LONGEST_ID:
        raise MlflowException.invalid_parameter_value(f"The name is too long: {LONGEST_ID} characters at most.")
    resource = Resource(call.project, thing.kind(row), written.id)
    return Deed(written.did, resource, mark=str(thing.mark(row)), new_id=new_id)


@fails_closed
def _begun(call: Call, deeds: Sequence[Deed]) -> list[int]:
    return cerberus().deeds.begin(call.actor, deeds)


def _finish(session: Session) -> None:
    """
    MLflow has kept it, so nothing may fail any more: what cannot be done now is settled within seconds.
    """
    begun: list[int] = session.info.pop(BEGUN, [])
    if not begun:
        return
    try:
        cerberus().deeds.finish(begun)
    except Exception as error:
        _logger.warning("MLflow has made or changed something; Cerberus will note it a little later: %s", error)


def _forget(session: Session) -> None:
    session.info.pop(WRITTEN, None)
    session.info.pop(BEGUN, None)
