"""What a body says in the terms of MLflow's messages: tags wherever they are, and no field in two spellings."""

from copy import deepcopy

import pytest
from mlflow.protos.service_pb2 import CreateRun, LogBatch, LogParam, SetTag, StartTraceV3

from cerberus_mlflow.answers import Refused
from cerberus_mlflow.messages import holds_tags, refuse_two_spellings, tags_in

PAIR = {"key": "mlflow.user", "value": "alice"}


@pytest.mark.parametrize(
    ("message", "body", "tags"),
    [
        (SetTag, PAIR, 1),
        (CreateRun, {"tags": [PAIR, PAIR]}, 2),
        (LogBatch, {"tags": [PAIR], "params": [PAIR], "metrics": [{"key": "mlflow.user", "value": 1}]}, 1),
        (LogParam, PAIR, 0),
        (StartTraceV3, {"trace": {"trace_info": {"tags": {"mlflow.user": "alice"}}}}, 1),
        (StartTraceV3, {"trace": {"traceInfo": {"traceMetadata": {"mlflow.user": "alice"}}}}, 1),
    ],
)
def test_tags_are_found_wherever_they_are_and_values_are_no_tags(message, body, tags):
    body = deepcopy(body)
    found = list(tags_in(message.DESCRIPTOR, body))
    assert [tag.key for tag in found] == ["mlflow.user"] * tags
    for tag in found:
        tag.put("dana")
    assert ("dana" in str(body)) is bool(tags)


def test_messages_without_tags_are_passed_by():
    inner = {field.name: holds_tags(field.message_type) for field in LogBatch.DESCRIPTOR.fields if field.message_type}
    assert inner == {"metrics": False, "params": False, "tags": True}


@pytest.mark.parametrize(
    "body",
    [
        {"run_id": "a", "runId": "b"},
        {"metrics": [{"key": "m", "run_id": "a", "runId": "b"}]},
        {"metrics": [{"key": "m", "value": 1}, {"model_id": "a", "modelId": "b"}]},
    ],
)
def test_a_field_in_two_spellings_is_refused_however_deep(body):
    with pytest.raises(Refused):
        refuse_two_spellings(LogBatch.DESCRIPTOR, body)


def test_one_spelling_of_each_field_is_fine():
    refuse_two_spellings(LogBatch.DESCRIPTOR, {"runId": "a", "metrics": [{"key": "m", "modelId": "b"}], "more": 1})
