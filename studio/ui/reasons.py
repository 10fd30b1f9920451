"""Decisions in words: what each rule gives and what became of it, and what a no would take to become a yes."""

from __future__ import annotations

from cerberus.policy import ANY, Decision, Kind, Needed, Outcome, Resource, Rule, Source, SubjectKind
from studio.ui.text import plain
from studio.ui.when import minute

HEADS = ("Who has it", "What it gives", "On", "Until", "What became of it")
NO_END = "no end date"


def thing(resource: Resource) -> str:
    """What a question is about, to stand behind a verb."""
    word = resource.kind.replace("_", " ")
    if resource.kind is Kind.PROJECT:
        return f"the project {resource.project}"
    return f"{word}s" if resource.id == ANY else f"the {word} {resource.id}"


def rows(decision: Decision) -> list[tuple[str, ...]]:
    """A row of the table for each rule that took part, under `HEADS`; what decided comes first."""
    judged = sorted(decision.judged, key=lambda each: each.outcome is not Outcome.WON)
    return [
        (
            holder(each.rule),
            gift(each.rule),
            _place(each.rule),
            minute(each.rule.expires_at) if each.rule.expires_at else NO_END,
            each.outcome.value,
        )
        for each in judged
    ]


def holder(rule: Rule) -> str:
    """Whose rule it is."""
    return f"the group {rule.subject_name}" if rule.subject_kind is SubjectKind.GROUP else rule.subject_name


def gift(rule: Rule) -> str:
    """What a rule gives."""
    if rule.source is Source.OWNERSHIP:
        return "ownership"
    return f"{rule.level} by the role {rule.role}" if rule.role else f"{rule.level} by a grant"


def because(decision: Decision) -> str:
    """Why somebody may, in a few words: the rules that decided, or what stands above rules."""
    won = [each.rule for each in decision.judged if each.outcome is Outcome.WON]
    return "; ".join(f"{gift(rule)}, {holder(rule)}" for rule in won) or decision.reason.value


def lacking(needed: Needed, resource: Resource) -> list[str]:
    """What would have to change for a no to become a yes, a Markdown line each; empty for a yes."""
    lines = [f"This has to end first: {plain(reason.value)}." for reason in needed.limits]
    lines += [f"The DENY of {plain(holder(rule))} decides, on {plain(_place(rule))}." for rule in needed.denies]
    ways = [f"the role *{plain(role)}*" for role in needed.roles]
    if needed.level is not None:
        ways.insert(0, f"a grant of *{needed.level}* on {plain(thing(resource))}")
    if ways:
        lines.append(f"{'Any of these' if len(ways) > 1 else 'This'} would do: {', '.join(ways)}.")
    return lines


def _place(rule: Rule) -> str:
    if rule.resource_id != ANY:
        return f"the {rule.kind.replace('_', ' ')} {rule.resource_id}"
    return "everything" if rule.kind == ANY else f"{rule.kind.replace('_', ' ')}s"
