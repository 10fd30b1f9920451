"""The differences between two policies in words."""

from datetime import datetime
from typing import Any

from cerberus.policy import ANY
from cerberus.store.world import Account, ProjectFacts, RoleFacts, Someone, Step, Terms


def in_words(step: Step) -> str:
    """
    One difference in one line.
    """
    return _TELL[step.section](step)


def _made_or_gone(what: str, step: Step, details: list[str]) -> str:
    if step.before is None:
        about = ", ".join(part for part in details if part)
        return f"{what}: is made{f' ({about})' if about else ''}"
    if step.after is None:
        return f"{what}: is DELETED"
    changes = (
        f"{name.replace('_', ' ')} {_plain(old)} -> {_plain(new)}"
        for name, old, new in zip(step.before._fields, step.before, step.after, strict=True)
        if old != new
    )
    return f"{what}: {', '.join(changes)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        parts = (" ".join(part) if isinstance(part, tuple) else str(part) for part in value)
        return ", ".join(parts) or "nothing"
    return f"'{value}'"


def _person(step: Step) -> str:
    new: Someone | None = step.after
    details = [] if new is None else [new.display_name, *new.platform_roles, "disabled" if new.disabled else ""]
    return _made_or_gone(f"user {step.key}", step, details)


def _account(step: Step) -> str:
    new: Account | None = step.after
    details = [] if new is None else [f"of {new.project}", new.display_name, "disabled" if new.disabled else ""]
    return _made_or_gone(f"service account {step.key}", step, details)


def _group(step: Step) -> str:
    if step.before is not None and step.after is not None:
        return f"group {step.key}: display name {_plain(step.before)} -> {_plain(step.after)}"
    return _made_or_gone(f"group {step.key}", step, [step.after or ""])


def _membership(step: Step) -> str:
    group, member = step.key
    return f"{member}: {'leaves' if step.after is None else 'joins'} group {group}"


def _role(step: Step) -> str:
    home, name = step.key
    new: RoleFacts | None = step.after
    details = [] if new is None else [_plain(new.levels), "manages the project" if new.manages_project else ""]
    return _made_or_gone(f"role {name} {f'in {home}' if home else 'of every project'}", step, details)


def _project(step: Step) -> str:
    new: ProjectFacts | None = step.after
    details = [] if new is None else [new.name, "askable" if new.askable else "", "archived" if new.archived else ""]
    return _made_or_gone(f"project {step.key}", step, details)


def _member(step: Step) -> str:
    project, subject = step.key
    return f"{subject}: {_terms(step.before, step.after)} in {project}{_ends(step)}"


def _grant(step: Step) -> str:
    project, kind, resource_id, subject = step.key
    thing = f"every {kind}" if resource_id == ANY else f"{kind} {resource_id}"
    return f"{subject}: {_terms(step.before, step.after)} on {thing.replace('_', ' ')} in {project}{_ends(step)}"


def _terms(before: Terms | None, after: Terms | None) -> str:
    old, new = ("nothing" if terms is None else terms.given for terms in (before, after))
    return new if old == new else f"{old} -> {new}"


def _ends(step: Step) -> str:
    old: Terms | None = step.before
    new: Terms | None = step.after
    if new is None:
        return ""
    told = f" until {_day(new.until)}" if new.until is not None else ""
    if old is not None and old.until != new.until:
        told = f"{told or ' without end'} (was {_day(old.until) if old.until else 'without end'})"
    if new.reason != (old.reason if old is not None else ""):
        told += f", reason {_plain(new.reason)}"
    return told


def _day(moment: datetime) -> str:
    whole = moment.isoformat().replace("+00:00", "Z")
    return whole.removesuffix("T00:00:00Z")


_TELL = {
    "people": _person,
    "groups": _group,
    "accounts": _account,
    "roles": _role,
    "projects": _project,
    "memberships": _membership,
    "members": _member,
    "grants": _grant,
}
