"""Every route of the pinned MLflow and what guards it, frozen in `inventory.json`.

`python -m cerberus_mlflow.inventory` writes it anew from the MLflow that is installed; `--check` only compares. A line
that changes is a question to answer by reading MLflow's change.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

FROZEN = Path(__file__).with_name("inventory.json")


def frozen() -> dict[str, str]:
    """
    Route to guard, as it was when somebody looked last.
    """
    known: dict[str, str] = json.loads(FROZEN.read_text("utf-8"))
    return known


def problems(found: Iterable[tuple[str, str | None]], known: Mapping[str, str] | None = None) -> list[str]:
    """
    A sentence for each route that nothing guards, that is new or gone, or that something else guards than was frozen.
    """
    known = frozen() if known is None else known
    running = dict(found)
    sentences = []
    for route, guard in running.items():
        if guard is None:
            sentences.append(f"Nothing guards the route {route}.")
        elif route not in known:
            sentences.append(f"The route {route} is not in the inventory.")
        elif known[route] != guard:
            sentences.append(f"The route {route} is guarded by {guard!r}, in the inventory by {known[route]!r}.")
    return [*sentences, *(f"The route {route} of the inventory is gone." for route in known if route not in running)]


def families(known: Mapping[str, str]) -> dict[str, int]:
    """
    How many routes are guarded in which way: `asks`, `closed`, ...
    """
    kinds = [guard.partition(" ")[0].rstrip(":") for guard in known.values()]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def text(found: Mapping[str, str]) -> str:
    """
    The file: one route a line, by path.
    """
    in_order = dict(sorted(found.items(), key=lambda item: (item[0].split(" ")[1], item[0])))
    return json.dumps(in_order, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """
    Writes or compares the file; 1 where something is not guarded or, with `--check`, not as it was.
    """
    from cerberus_mlflow.app import assembled  # needs MLflow's settings, mlflow/server.env
    from cerberus_mlflow.routes import guards

    found = dict(guards(*assembled()))
    guarded = {route: guard for route, guard in found.items() if guard is not None}
    wrong = problems(found.items(), None if "--check" in arguments else guarded)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if "--check" not in arguments:
        FROZEN.write_text(text(guarded), "utf-8")
    print(f"{len(found)} routes: {', '.join(f'{count} {kind}' for kind, count in families(guarded).items())}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
