"""The ordinary `mlflow` client with a token, as in a notebook."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

NOTEBOOK = """
import json, os
import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

tokens = json.loads(os.environ["TOKENS"])
os.environ["MLFLOW_TRACKING_TOKEN"] = tokens["dana"]
mlflow.set_experiment("notebook")
mlflow.sklearn.autolog(registered_model_name="iris")
with mlflow.start_run() as run:
    features, kinds = load_iris(return_X_y=True)
    LogisticRegression(max_iter=300).fit(features, kinds)
    mlflow.log_text("hello", "note.txt")
with mlflow.start_span("asked") as span:
    span.set_inputs({"question": 1})
mlflow.flush_trace_async_logging()
trace_id = mlflow.get_last_active_trace_id()
prompt = mlflow.genai.register_prompt("greeting", "Hello {{name}}")
client = MlflowClient()
logged = client.get_run(run.info.run_id)
told = {
    "user": logged.data.tags["mlflow.user"],
    "metrics": len(logged.data.metrics),
    "artifacts": sorted(each.path for each in client.list_artifacts(run.info.run_id)),
    "version": client.get_model_version("iris", "1").status,
    "predicts": len(mlflow.sklearn.load_model("models:/iris/1").predict(features)),
    "trace": client.get_trace(trace_id).info.trace_id == trace_id,
    "prompt": mlflow.genai.load_prompt("prompts:/greeting/1").template,
    "workspaces": [each.name for each in mlflow.list_workspaces()],
}
note = run.info.artifact_uri + "/note.txt"
questions = {
    "run": lambda: client.get_run(run.info.run_id),
    "metric": lambda: client.log_metric(run.info.run_id, "m", 1.0) or "done",
    "experiment": lambda: client.get_experiment(run.info.experiment_id),
    "new experiment": lambda: client.create_experiment("another"),
    "model": lambda: client.get_registered_model("iris"),
    "new model": lambda: client.create_registered_model("another"),
    "note": lambda: mlflow.artifacts.load_text(note),
    "upload": lambda: client.log_text(run.info.run_id, "x", "x.txt") or "done",
    "trace": lambda: client.get_trace(trace_id),
    "prompt": lambda: mlflow.genai.load_prompt("prompts:/greeting/1", cache_ttl_seconds=0),
    "by name": lambda: client.get_experiment_by_name("notebook"),
}


def answer(question):
    try:
        return "404" if question() is None else "yes"
    except Exception as error:
        for word, status in (("404", "404"), ("DOES_NOT_EXIST", "404"), ("403", "403"), ("DENIED", "403")):
            if word in str(error):
                return status
        return repr(error)


for who, workspace in (("bob", None), ("erin", None), ("erin", "fraud")):
    os.environ["MLFLOW_TRACKING_TOKEN"] = tokens[who]
    mlflow.set_workspace(workspace)
    told[f"{who} in {workspace}"] = {name: answer(question) for name, question in questions.items()}
    if workspace is None:
        told[f"{who} finds"] = len(client.search_runs([run.info.experiment_id]))
print("TOLD" + json.dumps(told))
"""

READS = ("run", "experiment", "model", "note", "trace", "prompt", "by name")
WRITES = ("metric", "new experiment", "new model", "upload")


def test_a_notebook_logs_a_reader_reads_and_a_stranger_finds_nothing(server: Any, tmp_path: Path) -> None:
    tokens = {name: server.token(name) for name in ("dana", "bob", "erin")}
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "CERBERUS"))}
    env.update(
        MLFLOW_TRACKING_URI=server.url,
        TOKENS=json.dumps(tokens),
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
        HOME=str(tmp_path),
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTEBOOK],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout.partition("TOLD")[2])
    assert (told["user"], told["version"], told["predicts"], told["trace"]) == ("dana", "READY", 150, True)
    assert told["metrics"] >= 5
    assert "note.txt" in told["artifacts"]
    assert (told["prompt"], told["workspaces"]) == ("Hello {{name}}", ["fraud"])
    bob, erin, named = told["bob in None"], told["erin in None"], told["erin in fraud"]
    assert {name: bob[name] for name in READS} == dict.fromkeys(READS, "yes")
    assert {name: bob[name] for name in WRITES} == dict.fromkeys(WRITES, "403")
    assert (told["bob finds"], told["erin finds"]) == (1, 0)
    nothing = dict.fromkeys((*READS, *WRITES), "404")
    assert erin == {**nothing, "new experiment": "yes", "new model": "yes"}
    assert named == nothing
