"""Traces and prompts."""

import mlflow
from mlflow import MlflowClient
from steps import VERSION, own, since, step


@step("traces: spans, tags, search, delete")
def traces() -> None:
    """Two spans arrive whole, the outer with what went in and out."""
    experiment_id = own("traces")

    @mlflow.trace
    def inner(value: int) -> int:
        return value + 1

    with mlflow.start_span("outer") as span:
        span.set_inputs({"value": 1})
        span.set_outputs({"value": inner(1)})
    getattr(mlflow, "flush_trace_async_logging", lambda: None)()
    found = MlflowClient().search_traces(experiment_ids=[experiment_id])
    assert len(found) == 1, found
    trace_id = found[0].info.request_id
    MlflowClient().set_trace_tag(trace_id, "checked", "yes")
    whole = MlflowClient().get_trace(trace_id)
    assert [each.name for each in whole.data.spans] == ["outer", "inner"], whole.data
    assert whole.data.spans[0].outputs == {"value": 2}, whole.data.spans[0]
    assert whole.info.tags["checked"] == "yes", whole.info.tags
    named = "trace_ids" if VERSION >= (3, 0) else "request_ids"
    MlflowClient().delete_traces(experiment_id, **{named: [trace_id]})
    assert not MlflowClient().search_traces(experiment_ids=[experiment_id])


@step("assessments of a trace")
def assessments() -> None:
    """Feedback and an expectation. Clients before 3.2 log them to one vendor's server only, and say so."""
    since(3, 2)
    own("assessments")
    with mlflow.start_span("asked") as span:
        span.set_outputs("42")
    getattr(mlflow, "flush_trace_async_logging", lambda: None)()
    mlflow.log_feedback(trace_id=span.trace_id, name="good", value=True)
    mlflow.log_expectation(trace_id=span.trace_id, name="answer", value="42")
    found = mlflow.get_trace(span.trace_id).info.assessments
    assert sorted(each.name for each in found) == ["answer", "good"], found


@step("prompts: versions, alias, search, load")
def prompts() -> None:
    """Two versions, the newer by its alias."""
    since(3)
    genai = mlflow.genai if hasattr(mlflow.genai, "register_prompt") else mlflow
    genai.register_prompt(name="greeting", template="Hello {{name}}")
    second = genai.register_prompt(name="greeting", template="Good day {{name}}", commit_message="politer")
    genai.set_prompt_alias("greeting", alias="production", version=second.version)
    found = genai.load_prompt("prompts:/greeting@production")
    assert found.format(name="Ada") == "Good day Ada", found
    assert [each.name for each in genai.search_prompts()] == ["greeting"]
    genai.delete_prompt_alias("greeting", alias="production")
