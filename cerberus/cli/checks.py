"""The commands that ask who may do what."""

import argparse
from datetime import datetime
from typing import Any

from cerberus.cli.call import Call, Commands, Done, Exit
from cerberus.errors import Invalid, NotFound
from cerberus.policy import Decision, Judged, Kind, Needed, Outcome, Resource, Rule, Verb
from cerberus.service.reach import Reaching

AT_ONCE = 1_000


def add(commands: Commands) -> None:
    """
    The commands about decisions.
    """
    for name, command in (("check", check), ("explain", explain)):
        parser = commands.add(name, command)
        parser.add_argument("name")
        _add_question(parser)
    _add_question(commands.add("who-can", who_can))
    parser = commands.add("visible", visible)
    parser.add_argument("name")
    parser.add_argument("kind", choices=[kind.value for kind in Kind])
    parser.add_argument("project")


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=[verb.value for verb in Verb])
    parser.add_argument("kind", choices=[kind.value for kind in Kind])
    parser.add_argument("project")
    parser.add_argument("id", nargs="?", default="")


def check(call: Call) -> Done:
    """Say whether somebody may do something, and why. Exit code 0 means yes, 1 no."""
    try:
        access = call.cerberus.decisions.access_of_name(call.options.name)
    except NotFound as error:
        raise Invalid(error.message, field="name", hint=error.hint) from None
    decision = access.check(Verb(call.options.verb), _resource(call))
    rules = [_rule(judged) for judged in decision.judged]
    return _answered(decision, [decision.text, *rules], {**_values(decision), "rules": rules})


def explain(call: Call) -> Done:
    """Say why somebody may or may not do something, and what would be needed. Exit code 0 means yes, 1 no."""
    try:
        told = call.cerberus.questions.explain(
            call.actor, Verb(call.options.verb), _resource(call), subject=call.options.name
        )
    except NotFound as error:
        raise Invalid(error.message, field="name", hint=error.hint) from None
    decision = told.decision
    lines = [decision.text, *(_rule(judged) for judged in decision.judged), *_lacking(told.needed, decision)]
    values = {
        **_values(decision),
        "level": decision.level,
        "rules": [{**_rule_values(each.rule), "outcome": each.outcome.code} for each in decision.judged],
        "needed": {
            "limits": [reason.code for reason in told.needed.limits],
            "denies": [_rule_values(rule) for rule in told.needed.denies],
            "level": told.needed.level,
            "roles": list(told.needed.roles),
        },
    }
    return _answered(decision, lines, values)


def who_can(call: Call) -> Done:
    """List everybody who may do something, each with the reason."""
    found: list[Reaching] = []
    after: str | None = ""
    while after is not None:
        page = call.cerberus.questions.who_can(
            call.actor, Verb(call.options.verb), _resource(call), after=after, limit=AT_ONCE
        )
        found += page.items
        after = page.next
    lines = [f"{each.name}: {_because(each.decision)}" for each in found]
    items = [
        {
            "name": each.name,
            "kind": each.kind,
            "display_name": each.display_name,
            "reason": each.decision.reason.code,
            "rules": [_rule_values(rule) for rule in _winners(each.decision)],
        }
        for each in found
    ]
    return Done("\n".join(lines) or "Nobody.", {"items": items})


def visible(call: Call) -> Done:
    """Say which things of a kind somebody may see."""
    kind, project = Kind(call.options.kind), call.options.project
    try:
        seen = call.cerberus.questions.visible(call.actor, kind, project, subject=call.options.name).visible
    except NotFound as error:
        raise Invalid(error.message, hint=error.hint) from None
    ids = sorted(seen.exceptions)
    words = "every one" if seen.default else "none"
    text = f"{words} but {', '.join(ids)}" if ids else words
    return Done(f"{kind} in {project}: {text}", {"default": seen.default, "exceptions": ids})


def _resource(call: Call) -> Resource:
    options = call.options
    kind = Kind(options.kind)
    return Resource(options.project, kind, options.id or (options.project if kind is Kind.PROJECT else "*"))


def _answered(decision: Decision, lines: list[str], values: dict[str, Any]) -> Done:
    return Done("\n  ".join(lines), values, Exit.YES if decision.allowed else Exit.NO)


def _values(decision: Decision) -> dict[str, Any]:
    return {
        "allowed": decision.allowed,
        "visible": decision.visible,
        "reason": decision.reason.code,
        "detail": decision.reason.value,
    }


def _rule(judged: Judged) -> str:
    return f"{_named(judged.rule)}: {judged.outcome.value}"


def _named(rule: Rule) -> str:
    return f"{rule.subject_name}: {rule.role or rule.level} on {rule.kind} {rule.resource_id}"


def _rule_values(rule: Rule) -> dict[str, Any]:
    ends: datetime | None = rule.expires_at
    return {
        "subject": rule.subject_name,
        "source": rule.source,
        "role": rule.role,
        "kind": rule.kind,
        "id": rule.resource_id,
        "level": rule.level,
        "expires_at": None if ends is None else ends.isoformat(),
    }


def _winners(decision: Decision) -> list[Rule]:
    return [judged.rule for judged in decision.judged if judged.outcome is Outcome.WON]


def _because(decision: Decision) -> str:
    return "; ".join(_named(rule) for rule in _winners(decision)) or decision.reason.value


def _lacking(needed: Needed, decision: Decision) -> list[str]:
    resource = decision.resource
    lines = [f"in the way: {reason.value}" for reason in needed.limits]
    lines += [f"in the way: {_named(rule)}" for rule in needed.denies]
    if needed.level is not None:
        lines.append(f"would do: a grant of {needed.level} on {resource.kind} {resource.id}")
    if needed.roles:
        lines.append(f"would do: the role {' or '.join(needed.roles)}")
    return lines
