"""
Schemathesis reads the description and sends what it allows and what it forbids, with every check that it has: as an
admin, as a maintainer, as somebody without a project, and without credentials.
"""

import os
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from cerberus.policy import ALL_SCOPES

EXAMPLES = int(os.environ.get("MLSTUDIO_TEST_EXAMPLES", "4"))
RULES_BEYOND_SCHEMAS = {"expected-statuses": ["2xx", "304", "401", "403", "404", "409", "412", "422", "429"]}
"""What well-formed requests may answer: JSON Schema cannot say what makes a good password or a name that is free."""

KNOWN = {
    "project": "fraud",
    "user": "dana",
    "subject": "dana",
    "member": "bob",
    "group": "readers",
    "account": "robot",
    "role": "stager",
}
"""What there is, so that a request that the description allows also finds something, every second time."""

CONFIG = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": RULES_BEYOND_SCHEMAS}})
load_all_checks()


def of_what_there_is(context, path_parameters):
    """
    Names of the cast in place of invented ones, in half of the cases.
    """
    if path_parameters and sum(map(len, map(str, path_parameters.values()))) % 2:
        return {name: KNOWN.get(name, value) for name, value in path_parameters.items()}
    return path_parameters


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
@pytest.mark.parametrize("who", ["admin", "alice", "charlie", None])
def test_every_answer_is_one_that_the_description_names(app, cast, who, mode):
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=CONFIG)
    if mode is GenerationMode.POSITIVE:
        schema.hook("map_path_parameters")(of_what_there_is)
    headers = {} if who is None else {"Authorization": f"Bearer {cast.token(who, scopes=ALL_SCOPES)}"}
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def try_out(case):
            case.call_and_validate(headers=headers, checks=CHECKS.get_all())
            tried.add(case.operation.label)

        with suppress(Unsatisfiable):  # what takes no input cannot be given wrong input
            try_out()
    assert len(tried) > 8
