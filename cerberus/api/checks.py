"""May I? The answers that MLflow and Studio enforce, for scripts that want to know before they try."""

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import Check, Checked, Checks, ManyChecked
from cerberus.policy import Decision, Reason, Resource
from cerberus.service import Access

checks = noun("checks")

ABOUT_THE_CREDENTIAL = frozenset({Reason.DISABLED, Reason.SCOPE, Reason.OTHER_PROJECT})


def shown(decision: Decision) -> Checked:
    """
    The decision as its subject may know it: what one cannot see looks like what does not exist.
    """
    hidden = not decision.visible and not decision.allowed and decision.reason not in ABOUT_THE_CREDENTIAL
    return Checked(
        allowed=decision.allowed,
        visible=decision.visible,
        reason="not_found" if hidden else decision.reason.name.lower(),
        detail="it does not exist, or you may not see it" if hidden else decision.reason.value,
    )


def answer(access: Access, question: Check) -> Checked:
    resource = Resource(question.project, question.kind, question.id)
    return shown(access.check(question.verb, resource))


@checks.route("POST", "/check", summary="Ask whether you may do something", body=Check, answer=Checked, reads=True)
def check(caller: Caller, body: Check) -> Checked:
    return answer(caller.access, body)


@checks.route(
    "POST",
    "/checks",
    summary="Ask up to 100 questions at once",
    body=Checks,
    answer=ManyChecked,
    reads=True,
)
def check_many(caller: Caller, body: Checks) -> ManyChecked:
    items = tuple(answer(caller.access, question) for question in body.checks)
    return ManyChecked(items=items, version=caller.access.version)
