"""The end of a project: what must be gone before, and what goes with it."""

from typing import Any

from cerberus.errors import Conflict
from cerberus.policy import Kind
from cerberus.service.change import Change
from cerberus.store import endings
from cerberus.store.tables import ProjectRow

MOST_NAMED = 5


def require_empty(change: Change, project: ProjectRow) -> None:
    """
    Conflict while grants or ownership name things in the project: MLflow holds those, and Cerberus cannot move them.
    """
    held = endings.named_things(change.session, project.id)
    if held:
        raise Conflict(
            f"{project.slug} still holds {_counted(held)} in MLflow, which Cerberus cannot move.",
            hint="Delete them in MLflow, and revoke what still names them; or archive the project.",
        )


def end(change: Change, project: ProjectRow, target: ProjectRow | None) -> dict[str, Any]:
    """
    Ends everything in the project, and the project; what went, for the audit. Conflict for service accounts that have
    nowhere to go.
    """
    accounts = endings.service_accounts(change.session, project.id)
    if accounts and target is None:
        names = [*accounts[:MOST_NAMED], *(["..."] if len(accounts) > MOST_NAMED else [])]
        raise Conflict(
            f"{project.slug} still owns {len(accounts)} service accounts: {', '.join(names)}.",
            hint="Name the project that takes them in move_to, or delete them.",
        )
    if target is not None:
        endings.move_accounts(change.session, project.id, target.id)
    ended = endings.end_everything(change.session, project, change.now)
    project.deleted_at = change.now
    moved = {"moved_to": target.slug, "service_accounts": accounts} if target is not None and accounts else {}
    return {**ended, **moved}


def _counted(held: dict[Kind, int]) -> str:
    return ", ".join(
        f"{count} {kind.replace('_', ' ')}{'' if count == 1 else 's'}" for kind, count in sorted(held.items())
    )
