"""MLflow fills a project with examples for anybody who is signed in: here, for nobody."""

from typing import Any

import pytest


@pytest.mark.parametrize("what", ["generate", "delete"])
@pytest.mark.parametrize("who", ["bob", "alice", "admin"])
def test_nobody_makes_or_deletes_mlflows_examples(server: Any, who: str, what: str) -> None:
    """Bob only reads: the experiment, its traces, prompts and judges would be made all the same."""
    answer = server.post(who, f"/ajax-api/3.0/mlflow/demo/{what}", {"features": ["traces"]}, project="fraud")
    assert answer.status_code == 404, answer.text
    found = server.ask(
        "alice", "GET", "experiments/search", params={"max_results": 1000, "filter": "name = 'MLflow Demo'"}
    )
    assert found.json() == {}
