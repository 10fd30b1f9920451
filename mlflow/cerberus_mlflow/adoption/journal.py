"""The journal of an adoption: the whole plan before the first change, and what has come of it."""

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cerberus.errors import Invalid
from cerberus_mlflow.adoption.plan import Move, Sort


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal file."""

    path: Path
    name: str
    database: str
    moves: tuple[Move, ...]
    states: tuple[str, ...] = ()

    def add(self, state: str) -> "Journal":
        """
        Writes what has come of it: `adopted`, `undone`. On the disk when this returns.
        """
        _append(self.path, {"state": state})
        return Journal(self.path, self.name, self.database, self.moves, (*self.states, state))


def begin(path: Path, *, database: str, moves: Sequence[Move]) -> Journal:
    """
    A new journal, whole on the disk before anything is changed.
    """
    name = uuid.uuid4().hex[:12]
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    _append(part, {"adoption": name, "database": database, "moves": [asdict(move) for move in moves]})
    part.rename(path)
    return Journal(path, name, database, tuple(moves))


def read(path: Path) -> Journal:
    """
    The journal in that file; Invalid when it is none.
    """
    try:
        head, *rest = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
        moves = tuple(Move(**{**each, "sort": Sort(each["sort"])}) for each in head["moves"])
        return Journal(path, head["adoption"], head["database"], moves, tuple(each["state"] for each in rest))
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid(f"{path} cannot be read as an adoption's journal.", field="journal") from None


def _append(path: Path, line: object) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
