"""What pages change on runs, through MLflow, which decides whether the person may."""

from cerberus.errors import Invalid
from studio.tracking.records import NOTE
from studio.tracking.rest import Rest

MAX_NAME, MAX_TEXT, MAX_KEY = 250, 8_000, 250
RUNS = "/api/2.0/mlflow/runs"


class Writer:
    """
    Changes as the person whose token it holds.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def rename(self, run_id: str, name: str) -> None:
        """
        The run has this name.
        """
        wanted = _checked(name.strip(), "name", longest=MAX_NAME)
        if not wanted:
            raise Invalid("A run needs a name.", field="name", hint="Type at least one character.")
        self._rest.post(f"{RUNS}/update", {"run_id": run_id, "run_name": wanted})

    def note(self, run_id: str, text: str) -> None:
        """
        The run's description; an empty one removes it.
        """
        wanted = _checked(text, "note", longest=MAX_TEXT)
        self._rest.post(f"{RUNS}/set-tag", {"run_id": run_id, "key": NOTE, "value": wanted})

    def tag(self, run_id: str, key: str, *, value: str) -> None:
        """
        The run has this tag. MLflow's own tags are not for people to set.
        """
        wanted = _own(key)
        text = _checked(value, "value", longest=MAX_TEXT)
        self._rest.post(f"{RUNS}/set-tag", {"run_id": run_id, "key": wanted, "value": text})

    def untag(self, run_id: str, key: str) -> None:
        """
        The run has no such tag.
        """
        self._rest.post(f"{RUNS}/delete-tag", {"run_id": run_id, "key": _own(key)})


def _own(key: str) -> str:
    wanted = _checked(key.strip(), "key", longest=MAX_KEY)
    if not wanted:
        raise Invalid("A tag needs a name.", field="key", hint="Type a short name such as `team`.")
    if wanted.startswith("mlflow."):
        raise Invalid("Tags that begin with mlflow. are MLflow's own.", field="key", hint="Choose another name.")
    return wanted


def _checked(text: str, field: str, *, longest: int) -> str:
    if len(text) > longest:
        raise Invalid(f"This {field} is longer than {longest} characters.", field=field, hint="Make it shorter.")
    if "\x00" in text:
        raise Invalid(f"This {field} has a character in it that cannot be stored.", field=field, hint="Type it anew.")
    return text
