"""Finishes what a worker left half done when it died, or when Cerberus' database was away: looks into MLflow's database
whether the deed happened. Every worker does so every few seconds; that two do it at once does no harm.
"""

import logging
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModel
from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlScorer

from cerberus.errors import Unavailable
from cerberus.policy import Kind
from cerberus.service import Deed, UnderWay
from cerberus_mlflow.context import cerberus
from cerberus_mlflow.deeds import THINGS
from cerberus_mlflow.host import handlers

_logger = logging.getLogger(__name__)

EVERY = 3.0
"""Seconds."""

LEFT_ALONE = timedelta(seconds=2)
"""Who began it is most likely about to finish it."""

GIVEN_UP = timedelta(minutes=10)
"""No commit of MLflow's takes as long: what has not happened by now never will."""


def begin() -> None:
    """
    Starts the thread.
    """
    threading.Thread(target=_for_ever, name="cerberus-settling", daemon=True).start()


def _for_ever() -> None:
    pause, failing = threading.Event(), False
    while not pause.wait(EVERY * random.uniform(0.7, 1.3)):  # noqa: S311 - so that the workers take turns
        try:
            settle()
            failing = False
        except Exception as error:
            if not failing:  # a database that is away is no news every three seconds
                _logger.warning("cannot settle what may have been left half done", exc_info=not _is_away(error))
            failing = True


def _is_away(error: Exception) -> bool:
    """
    Whether a database is just not there.
    """
    return isinstance(error, Unavailable | MlflowException)


def settle() -> None:
    """
    Does the second half of each deed that happened, and forgets those that did not.
    """
    for each in cerberus().deeds.under_way(for_longer_than=LEFT_ALONE):
        if each.deed.happened(each.deed.ends_at, mark(each.deed)):
            cerberus().deeds.finish([each.id])
            _logger.warning("finished what was left half done: %s", _said(each))
        elif datetime.now(UTC) - each.at > GIVEN_UP:
            cerberus().deeds.drop([each.id])
            _logger.warning("forgot what did not happen: %s", _said(each))


def mark(deed: Deed) -> str | None:
    """
    The mark of what MLflow has under the deed's last id; None for nothing.
    """
    of_registry = deed.resource.kind in (Kind.REGISTERED_MODEL, Kind.PROMPT)
    store = handlers._get_model_registry_store() if of_registry else handlers._get_tracking_store()
    with store.ManagedSessionMaker(read_only=False) as session:  # a replica may be behind
        return next((str(THINGS[type(row)].mark(row)) for row in QUERIES[deed.resource.kind](session, deed)), None)


def _model(session: Any, deed: Deed) -> Any:
    return session.query(SqlRegisteredModel).filter_by(workspace=deed.resource.project, name=deed.ends_at)


def _experiment(session: Any, deed: Deed) -> Any:
    ours = session.query(SqlExperiment).filter_by(workspace=deed.resource.project)
    return ours.filter_by(experiment_id=int(deed.ends_at))


def _scorer(session: Any, deed: Deed) -> Any:
    experiment_id, _, name = deed.ends_at.partition("/")
    ours = session.query(SqlScorer).join(SqlExperiment).filter(SqlExperiment.workspace == deed.resource.project)
    return ours.filter(SqlScorer.experiment_id == int(experiment_id), SqlScorer.scorer_name == unquote(name))


QUERIES: dict[Kind, Callable[[Any, Deed], Any]] = {
    Kind.EXPERIMENT: _experiment,
    Kind.REGISTERED_MODEL: _model,
    Kind.PROMPT: _model,
    Kind.SCORER: _scorer,
}


def _said(each: UnderWay) -> str:
    return f"{each.deed.did} {each.deed.resource.kind} {each.deed.resource.id} in {each.deed.resource.project}"
