"""The end of an account: who takes over what it owns, and what goes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cerberus.errors import Conflict, Invalid
from cerberus.policy import SubjectKind, Verb
from cerberus.service import parse
from cerberus.service.access import Access, project_resource
from cerberus.service.change import Change
from cerberus.service.subjects import maintainers_stay, managed_with, require_admin_left
from cerberus.store import belongings, credentials, principals, subjects
from cerberus.store.tables import SubjectRow

FIELD = "hand_over_to"


def delete(
    change: Change,
    row: SubjectRow,
    *,
    hand_over_to: object = None,
    project: str | None = None,
    members: Sequence[str] = (),
) -> None:
    """
    Deletes a user, service account or group with its roles, grants, sessions and tokens, once `hand_over_to` owns what
    it owned. Conflict without an heir for what is owned, or with one who may not read it, and for the last admin or
    maintainer. The audit line keeps what went.
    """
    owned = belongings.owned(change.session, row.id)
    heir = None if hand_over_to is None else _heir(change, row, hand_over_to)
    if owned and heir is None:
        raise Conflict(f"{row.name} owns {_said(change, owned)}.", hint="Name in hand_over_to who takes them over.")
    if heir is not None:
        _require_readable(change, heir, owned)
        belongings.hand_over(change.session, row.id, heir.id)
    gone = _going(change, row) | {"owned": owned, "members": members}
    with maintainers_stay(change, managed_with(change, row)):
        subjects.remove(change.session, row)
    require_admin_left(change)
    credentials.forget_failures(change.session, f"account:{row.name}")
    change.record(
        f"{row.kind}.delete",
        f"{row.kind}:{row.name}",
        project=project,
        before={what: value for what, value in gone.items() if value},
        after=None if heir is None else {FIELD: heir.name},
    )


def _going(change: Change, row: SubjectRow) -> dict[str, Any]:
    own = {"display_name": row.display_name, "disabled": row.disabled}
    return own | asdict(belongings.of(change.session, row.id))


def _heir(change: Change, row: SubjectRow, name: object) -> SubjectRow:
    heir = subjects.by_name(change.session, parse.user_name(name, FIELD))
    if heir is None or heir.kind == SubjectKind.GROUP:
        raise Invalid(f"There is no user or service account {name}.", field=FIELD)
    if heir.id == row.id:
        raise Invalid(f"{heir.name} cannot take over from itself.", field=FIELD)
    if heir.disabled:
        raise Invalid(f"{heir.name} is disabled and cannot take anything over.", field=FIELD)
    return heir


def _require_readable(change: Change, heir: SubjectRow, owned: Mapping[str, int]) -> None:
    loaded = principals.load(change.session, heir.id)
    if loaded is None:
        raise Invalid(f"There is no user or service account {heir.name}.", field=FIELD)
    access = Access.of(loaded, change.state.version)
    closed = {slug: count for slug, count in owned.items() if not access.can(Verb.READ, project_resource(slug))}
    if closed:
        raise Conflict(
            f"{heir.name} may not read what is to be taken over: {_said(change, closed)}.",
            hint=f"Make {heir.name} a member there first, or name somebody else.",
        )


def _said(change: Change, owned: Mapping[str, int]) -> str:
    shown = {slug: count for slug, count in owned.items() if change.knows(slug)}
    parts = [f"{things(count)} in {slug}" for slug, count in shown.items()]
    if hidden := sum(owned.values()) - sum(shown.values()):
        parts.append(f"{things(hidden)} in projects that you do not see")
    return ", ".join(parts)


def things(count: int) -> str:
    """
    So many things, in words.
    """
    return "1 thing" if count == 1 else f"{count} things"
