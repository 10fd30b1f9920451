"""MLflow's assistant trusts whoever is local to the server, as everybody is behind a proxy on the same host."""

from typing import Any

import pytest

ASSISTANT = "/ajax-api/3.0/mlflow/assistant"


@pytest.mark.parametrize("who", ["bob", "alice", "admin"])
def test_nobody_reaches_mlflows_assistant(server: Any, who: str) -> None:
    for method, path in (("GET", "config"), ("PUT", "config"), ("POST", "message"), ("POST", "skills/install")):
        answer = server.ask(who, method, f"{ASSISTANT}/{path}", json={"message": "hi"}, project="fraud")
        assert answer.status_code == 404, (path, answer.text)
    assert server.ask(None, "GET", f"{ASSISTANT}/config").status_code == 401
