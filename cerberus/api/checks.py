"""Four questions: may I, why or why not, who may, what may one see. For scripts that want to know before they try."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from cerberus.api import metrics
from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import Check, Checked, Checks, ManyChecked
from cerberus.api.parsing import Identifier, Name
from cerberus.api.shapes import Answer, Page, Query
from cerberus.errors import Forbidden, NotFound
from cerberus.policy import (
    AnyKind,
    Decision,
    Judged,
    Kind,
    Level,
    Outcome,
    Reason,
    Resource,
    Rule,
    Source,
    SubjectKind,
    Verb,
)
from cerberus.service import Access
from cerberus.service.questions import ABOUT_THE_CREDENTIAL, Explanation
from cerberus.service.reach import Reaching

checks = noun("checks")

NOT_THERE = ("not_found", "it does not exist, or you may not see it")


class Explain(Check):
    """Why may the caller, or `subject`, do this or why not?"""

    subject: Name | None = None


class RuleShown(Answer):
    """A binding, grant or ownership, and what became of it: `outcome` for programs, `detail` for people."""

    subject: str
    subject_kind: SubjectKind
    source: Source
    role: str | None
    kind: AnyKind
    id: str
    level: Level
    expires_at: datetime | None
    outcome: str
    detail: str


class Limit(Answer):
    """What takes a permission away whatever the rules give."""

    reason: str
    detail: str


class NeededShown(Answer):
    """
    Each of `limits` has to go; then `level` on the very resource, or one of `roles` in place of the present one, would
    do. `denies` are the DENY rules that decide.
    """

    limits: tuple[Limit, ...]
    denies: tuple[RuleShown, ...]
    level: Level | None
    roles: tuple[str, ...]


class Explained(Checked):
    """The answer, each rule that took part, and what would be needed."""

    subject: str
    level: Level | None
    rules: tuple[RuleShown, ...]
    needed: NeededShown
    version: int


class WhoCanQuery(Page):
    """Who may do this? Without `id`: to the kind as a whole."""

    verb: Verb
    kind: Kind
    project: Identifier
    id: Identifier = "*"


class WhoCanItem(Answer):
    """Somebody who may, and why: the `rules` that decided, none for an admin."""

    name: str
    kind: SubjectKind
    display_name: str
    reason: str
    level: Level | None
    rules: tuple[RuleShown, ...]


class WhoCanShown(Answer):
    """People and service accounts by name; `version` is the state of the policy that gave the answer."""

    items: tuple[WhoCanItem, ...]
    next: str | None
    version: int


class VisibleQuery(Query):
    """Which things of a kind may the caller, or `subject`, see in a project?"""

    kind: Kind
    project: Identifier
    subject: Name | None = None


class VisibleShown(Answer):
    """All ids but `exceptions` where `default` is true, otherwise none but them."""

    subject: str
    default: bool
    exceptions: Annotated[tuple[str, ...], Field(description="Ids, sorted.")]
    version: int


def shown(decision: Decision, *, hidden: bool = False) -> Checked:
    """
    The decision as its subject may know it: what one cannot see looks like what does not exist.
    """
    unseen = not decision.visible and not decision.allowed and decision.reason not in ABOUT_THE_CREDENTIAL
    told = NOT_THERE if hidden or unseen else (decision.reason.code, decision.reason.value)
    return Checked(
        allowed=decision.allowed and not hidden,
        visible=decision.visible and not hidden,
        reason=told[0],
        detail=told[1],
    )


def answer(access: Access, question: Check) -> Checked:
    """
    What the caller may; an admin may everything, but not in a project that does not exist.
    """
    resource = Resource(question.project, question.kind, question.id)
    decision = access.check(question.verb, resource)
    metrics.count(decision.allowed)
    return shown(decision, hidden=decision.allowed and question.project not in access.known_projects)


def rule_shown(rule: Rule, outcome: Outcome) -> RuleShown:
    """
    A rule as an answer shows it, and what became of it.
    """
    return RuleShown(
        subject=rule.subject_name,
        subject_kind=rule.subject_kind,
        source=rule.source,
        role=rule.role,
        kind=rule.kind,
        id=rule.resource_id,
        level=rule.level,
        expires_at=rule.expires_at,
        outcome=outcome.code,
        detail=outcome.value,
    )


def judged_shown(judged: Judged) -> RuleShown:
    return rule_shown(judged.rule, judged.outcome)


def limit_shown(reason: Reason) -> Limit:
    return Limit(reason=reason.code, detail=reason.value)


def explained(told: Explanation) -> Explained:
    """
    The explanation as the caller may know it; about others nothing is hidden from who may ask.
    """
    decision, needed = told.decision, told.needed
    reason = NOT_THERE if told.hidden else (decision.reason.code, decision.reason.value)
    return Explained(
        subject=told.subject,
        allowed=decision.allowed,
        visible=decision.visible,
        reason=reason[0],
        detail=reason[1],
        level=decision.level,
        rules=tuple(judged_shown(judged) for judged in decision.judged),
        needed=NeededShown(
            limits=tuple(limit_shown(limit) for limit in needed.limits),
            denies=tuple(rule_shown(rule, Outcome.WON) for rule in needed.denies),
            level=needed.level,
            roles=needed.roles,
        ),
        version=told.version,
    )


def who_can_item(found: Reaching) -> WhoCanItem:
    decision = found.decision
    return WhoCanItem(
        name=found.name,
        kind=found.kind,
        display_name=found.display_name,
        reason=decision.reason.code,
        level=decision.level,
        rules=tuple(judged_shown(judged) for judged in decision.judged if judged.outcome is Outcome.WON),
    )


@checks.route(
    "POST",
    "/check",
    summary="Ask whether you may do something",
    body=Check,
    answer=Checked,
    reads=True,
    direct=True,
)
def check(caller: Caller, body: Check) -> Checked:
    return answer(caller.access, body)


@checks.route(
    "POST",
    "/checks",
    summary="Ask up to 100 questions at once",
    body=Checks,
    answer=ManyChecked,
    reads=True,
    direct=True,
)
def check_many(caller: Caller, body: Checks) -> ManyChecked:
    items = tuple(answer(caller.access, question) for question in body.checks)
    return ManyChecked(items=items, version=caller.access.version)


@checks.route(
    "POST",
    "/explain",
    summary="Say why you, or somebody else, may or may not do something, and what would be needed",
    body=Explain,
    answer=Explained,
    raises=(NotFound, Forbidden),
    reads=True,
)
def explain(caller: Caller, body: Explain) -> Explained:
    resource = Resource(body.project, body.kind, body.id)
    return explained(caller.cerberus.questions.explain(caller.actor, body.verb, resource, subject=body.subject))


@checks.route(
    "GET",
    "/who-can",
    summary="List everybody who may do something, each with the reason",
    query=WhoCanQuery,
    answer=WhoCanShown,
    raises=(NotFound, Forbidden),
)
def who_can(caller: Caller, query: WhoCanQuery) -> WhoCanShown:
    found = caller.cerberus.questions.who_can(
        caller.actor,
        query.verb,
        Resource(query.project, query.kind, query.id),
        after=query.after,
        limit=query.limit,
    )
    return WhoCanShown(items=tuple(who_can_item(each) for each in found.items), next=found.next, version=found.version)


@checks.route(
    "GET",
    "/visible",
    summary="Say which things of a kind you, or somebody else, may see",
    query=VisibleQuery,
    answer=VisibleShown,
    raises=(NotFound, Forbidden),
)
def visible(caller: Caller, query: VisibleQuery) -> VisibleShown:
    seen = caller.cerberus.questions.visible(caller.actor, query.kind, query.project, subject=query.subject)
    return VisibleShown(
        subject=seen.subject,
        default=seen.visible.default,
        exceptions=tuple(sorted(seen.visible.exceptions)),
        version=seen.version,
    )
