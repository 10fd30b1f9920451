"""What a plan of a thousand changes costs in a big organisation. Nothing of it is kept."""

import time
from typing import Any

from cerberus.service import SYSTEM, Cerberus
from cerberus.service.policies import Plan
from cerberus.service.policy_text import as_yaml

CHANGES = 1_000
PROJECTS = 100
OTHER_ROLE = {"viewer": "contributor", "contributor": "viewer"}


def changed_file(cerberus: Cerberus) -> str:
    """
    A policy file of a hundred projects in which a thousand members have another role than in the database.
    """
    slugs = [project.slug for project in cerberus.projects.list(SYSTEM)][: 2 * PROJECTS]
    values = cerberus.policies.export(SYSTEM, projects=slugs)
    left = CHANGES
    kept: dict[str, Any] = {}
    for slug, project in values["projects"].items():
        members = project.get("members", {})
        ready = [name for name, member in members.items() if member in OTHER_ROLE]
        for name in ready[: min(left, -(-CHANGES // PROJECTS))]:
            members[name] = OTHER_ROLE[members[name]]
            left -= 1
        kept[slug] = project
        if not left:
            break
    return as_yaml({**values, "projects": kept})


def plan_of_1000_changes(cerberus: Cerberus) -> float:
    """
    Seconds that a plan of (at most) a thousand changes takes, from the file's text to words and effects; best of three.
    """
    text = changed_file(cerberus)
    return min(_timed(cerberus, text)[0] for _ in range(3))


def _timed(cerberus: Cerberus, text: str) -> tuple[float, Plan]:
    begun = time.perf_counter()
    plan = cerberus.policies.plan(SYSTEM, text)
    return time.perf_counter() - begun, plan
