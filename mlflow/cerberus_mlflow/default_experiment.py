"""Experiment 0, which MLflow's clients name for a script that names none, is in each project its own one, `Default`.

MLflow has one experiment 0 for all workspaces. A request that names it is changed, before any check, into one that
names the project's: everything else then judges and does what it would if the client had said so.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from google.protobuf.descriptor import Descriptor
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE, ErrorCode
from mlflow.utils.workspace_context import ServerWorkspaceContext

from cerberus.policy import Kind, Resource, Verb
from cerberus_mlflow.answers import Refused
from cerberus_mlflow.context import Call
from cerberus_mlflow.host import handlers
from cerberus_mlflow.messages import any_below, field_of, nested, plain_names

ZERO = "0"
FIELDS = frozenset({"experiment_id", "experiment_ids"})
MAKING = frozenset(
    {"CreateRun", "CreateLoggedModel", "StartTrace", "StartTraceV3", "CreateDataset", "RegisterScorer"}
)
"""What a script without an experiment begins with: it makes the project's, if the caller may."""

Put = Callable[[str], None]


def own_experiment(call: Call, *, making: bool) -> str | None:
    """
    The id of the experiment that 0 stands for, made if it is not there yet, is wanted and allowed; otherwise None.
    """
    if call.project is None:
        return None
    with ServerWorkspaceContext(call.project):  # MLflow's other one is for the whole process
        try:
            store = handlers._get_tracking_store()
            return _found(store) or (_made(store, call) if making else None)
        except MlflowException:  # as when the database is away: the request itself will say it
            return None


def _found(store: Any) -> str | None:
    try:
        return str(store.get_experiment(ZERO).experiment_id)  # in a project that was adopted with it
    except MlflowException:
        experiment = store.get_experiment_by_name(Experiment.DEFAULT_EXPERIMENT_NAME)
        return str(experiment.experiment_id) if experiment else None


def _made(store: Any, call: Call) -> str | None:
    if call.project is None or not call.can(Verb.CREATE, Resource(call.project, Kind.EXPERIMENT)):
        return None
    try:
        return str(store.create_experiment(Experiment.DEFAULT_EXPERIMENT_NAME))  # whose it is: deeds.py
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(TEMPORARILY_UNAVAILABLE):
            raise Refused(503, str(error.message)) from None
        return _found(store)  # another request has made it meanwhile, or it is hidden from this caller


def name_in_body(message: Any, body: Any, call: Call) -> bool:
    """
    Puts the project's experiment wherever the body names 0; whether it changed the body.
    """
    if message is None or not isinstance(body, dict):
        return False
    spots = list(_spots(message.DESCRIPTOR, body))
    own = own_experiment(call, making=message.DESCRIPTOR.name in MAKING) if spots else None
    if own is None or own == ZERO:
        return False
    for put in spots:
        put(own)
    return True


def _spots(descriptor: Descriptor, body: dict[str, Any]) -> Iterator[Put]:
    """
    Each place of the body that names experiment 0, to be named anew.
    """
    for message, value in nested(descriptor, body, among=names_experiments):
        for key, inner in value.items():
            field = field_of(message, key)
            if field is None or field.name not in FIELDS:
                continue
            if inner == ZERO:
                yield lambda own, at=value, key=key: at.__setitem__(key, own)  # type: ignore[misc]
            elif isinstance(inner, list) and ZERO in inner:
                yield lambda own, ids=inner: ids.__setitem__(ids.index(ZERO), own)  # type: ignore[misc]


@lru_cache(1024)
def names_experiments(descriptor: Descriptor) -> bool:
    """
    Whether an experiment can be named in such a message, however deep.
    """
    return any_below(descriptor, lambda each: bool(FIELDS & plain_names(each)))


def name_in_query(environ: dict[str, Any], query: Mapping[str, list[str]], call: Call) -> None:
    """
    Puts the project's experiment wherever the query names 0.
    """
    if not any(ZERO in query.get(name, ()) for name in FIELDS):
        return
    own = own_experiment(call, making=False)
    if own is not None:
        pairs = parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)
        named = [(key, own if key in FIELDS and value == ZERO else value) for key, value in pairs]
        environ["QUERY_STRING"] = urlencode(named)
