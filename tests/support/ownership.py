"""Whether everything in MLflow's database has its one owner in Cerberus, and every owner something."""

from typing import Any

from patience import eventually
from sqlalchemy import create_engine, text

from cerberus.policy import Kind
from cerberus.service import SYSTEM, Cerberus

WITHIN = 15


def rows(backend: str, statement: str) -> set[tuple[Any, ...]]:
    """What a database answers."""
    engine = create_engine(backend)
    with engine.connect() as connection:
        found = {tuple(row) for row in connection.execute(text(statement))}
    engine.dispose()
    return found


def every_grant(cerberus: Cerberus) -> list[Any]:
    """All of the project, page by page."""
    found = cerberus.grants.page(SYSTEM, "fraud", limit=500)
    while page := cerberus.grants.page(SYSTEM, "fraud", limit=500, after=found[-1].id if found else 0):
        found += page
    return found


def everything_has_its_owner(cerberus: Cerberus, backend: str) -> int:
    """Each thing has one, with whose name its own begins, and there is no other grant; how many things."""
    experiments = rows(backend, "SELECT CAST(experiment_id AS TEXT), name FROM experiments WHERE workspace = 'fraud'")
    models = rows(backend, "SELECT name, name FROM registered_models WHERE workspace = 'fraud'")
    wanted = sorted(
        (kind, each, called.partition(".")[0])
        for kind, found in ((Kind.EXPERIMENT, experiments), (Kind.REGISTERED_MODEL, models))
        for each, called in found
    )
    eventually(
        lambda: sorted((g.kind, g.resource_id, g.subject) for g in every_grant(cerberus)), wanted, seconds=WITHIN
    )
    return len(wanted)
