"""The whole policy as one file: to take away, to plan with, to apply."""

from typing import Annotated, Any, Final

from flask import request
from pydantic import RootModel, StringConstraints

from cerberus.api.auth import Caller
from cerberus.api.effects import Effects
from cerberus.api.endpoint import Document, noun
from cerberus.api.parsing import Name
from cerberus.api.shapes import Answer, Query, Request
from cerberus.errors import Conflict, Forbidden
from cerberus.service.policies import Plan
from cerberus.service.policy_text import as_json, as_yaml

policy = noun("policy")

LARGEST: Final = 8 * 2**20
YAML, JSON = "application/yaml", "application/json"

PolicyText = Annotated[str, StringConstraints(max_length=LARGEST)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{64}$")]


class PolicyQuery(Query):
    """Which project; without one the whole policy."""

    project: Name | None = None


class PolicyPlan(Request):
    """A policy file as text, YAML or JSON. With `keep_people` users who are not in it stay."""

    file: PolicyText
    keep_people: bool = False


class PolicyApply(PolicyPlan):
    """The same, with the version and the digest of the plan that somebody has seen."""

    version: int | None = None
    digest: Digest | None = None


class PolicySchema(RootModel[dict[str, Any]]):
    """A JSON schema."""


class PlanShown(Answer):
    """
    What a policy file changes: `steps` in words, `effects` (null: too many differences to say) and `obstacles`, which
    must be gone before it can be applied.
    """

    version: int
    digest: str
    file: str
    changes: bool
    steps: tuple[str, ...]
    effects: Effects | None
    obstacles: tuple[str, ...]

    @classmethod
    def shown(cls, plan: Plan) -> "PlanShown":
        """
        The answer that shows this plan.
        """
        return cls(
            version=plan.version,
            digest=plan.digest,
            file=plan.file,
            changes=plan.changes,
            steps=plan.steps,
            effects=None if plan.effects is None else Effects.shown(plan.effects),
            obstacles=plan.obstacles,
        )


@policy.route(
    "GET",
    "/policy",
    summary="Take the policy away as a file: YAML, or JSON for who accepts only that",
    query=PolicyQuery,
    raises=(Forbidden,),
    produces=(YAML, JSON),
)
def export_policy(caller: Caller, query: PolicyQuery) -> Document:
    projects = () if query.project is None else (query.project,)
    values = caller.cerberus.policies.export(caller.actor, projects=projects)
    if request.accept_mimetypes.best_match((YAML, JSON), default=YAML) == JSON:
        return Document(as_json(values), JSON, file_name="policy.json")
    return Document(as_yaml(values), YAML, file_name="policy.yaml")


@policy.route("GET", "/policy/schema", summary="Show the JSON schema of a policy file", answer=PolicySchema)
def policy_schema(caller: Caller) -> PolicySchema:
    return PolicySchema(caller.cerberus.policies.schema())


@policy.route(
    "POST",
    "/policy/plan",
    summary="Say what a policy file would change, without changing anything",
    body=PolicyPlan,
    answer=PlanShown,
    raises=(Forbidden,),
    reads=True,
    body_limit=LARGEST,
)
def plan_policy(caller: Caller, body: PolicyPlan) -> PlanShown:
    return PlanShown.shown(caller.cerberus.policies.plan(caller.actor, body.file, keep_people=body.keep_people))


@policy.route(
    "POST",
    "/policy/apply",
    summary="Make true what a policy file says: all of it, or nothing",
    body=PolicyApply,
    answer=PlanShown,
    raises=(Forbidden, Conflict),
    body_limit=LARGEST,
)
def apply_policy(caller: Caller, body: PolicyApply) -> PlanShown:
    done = caller.cerberus.policies.apply(
        caller.actor, body.file, keep_people=body.keep_people, version=body.version, digest=body.digest
    )
    return PlanShown.shown(done)
