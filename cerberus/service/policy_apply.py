"""Makes the differences of a plan true, and says what stands in their way."""

from collections.abc import Callable, Iterator, Sequence

from cerberus.service.change import Change
from cerberus.service.departure import things
from cerberus.store import maintainers, policy_guard, reached, subjects
from cerberus.store.database import Transaction
from cerberus.store.policy_writes import Writer
from cerberus.store.reached import Reach
from cerberus.store.world import KIND_OF, Step


def perform(change: Change, steps: Sequence[Step]) -> list[str]:
    """
    Writes every difference in the change's transaction; a sentence for each thing that must not be so.
    """
    session = change.session
    obstacles = list(_orphans(session, steps))
    at_stake = _projects_at_stake(change, steps)
    had_admin = bool(subjects.enabled_admins(session))
    maintained = maintainers.maintained(session, at_stake)
    Writer(session, steps, at=change.now, by=change.actor.principal.name).write()
    if had_admin and not subjects.enabled_admins(session):
        obstacles.append("That would leave no active admin: make somebody admin in the file.")
    gone = {step.key for step in steps if step.section == "projects" and step.after is None}
    alone = sorted(maintained - gone - maintainers.maintained(session, maintained - gone))
    if alone:
        obstacles.append(
            f"That would leave {', '.join(alone[:20])} without a maintainer: name one in the file, without an end."
        )
    return obstacles


def _orphans(session: Transaction, steps: Sequence[Step]) -> Iterator[str]:
    gone = [step.key for step in steps if step.section in ("people", "accounts") and step.after is None]
    for name, slug, count in policy_guard.owned(session, gone):
        yield f"{name} owns {things(count)} in {slug}: hand them over, or keep {name} in the file (disabled)."
    ended = [step.key for step in steps if step.section == "projects" and step.after is None]
    for slug, count in policy_guard.created_in(session, ended):
        yield f"{slug} still holds {things(count)} in MLflow: delete them there, or keep it in the file (archived)."


def _projects_at_stake(change: Change, steps: Sequence[Step]) -> set[str]:
    found: set[str] = set()
    touched: set[str] = set()
    for step in steps:
        if step.section == "members":
            found.add(step.key[0])
        elif step.section == "roles":
            found.update(slug for slug, _ in reached.bound_to(change.session, *step.key))
        elif step.section == "memberships":
            touched.add(step.key[1])
        elif step.section in KIND_OF:
            touched.add(step.key)
    return found | maintainers.managed_through(change.session, touched, now=change.now)


def reach_of(session: Transaction, steps: Sequence[Step]) -> Callable[[], Reach]:
    """
    Whom the differences can touch, and where; to be asked before they are made and after.
    """

    def reach() -> Reach:
        found = Reach()
        for step in steps:
            _add(session, found, step)
        return found

    return reach


def _add(session: Transaction, found: Reach, step: Step) -> None:
    if step.section in ("members", "grants"):
        found.add(step.key[-1], step.key[0])
    elif step.section == "memberships":
        found.everywhere.add(step.key[1])
    elif step.section == "roles":
        for slug, subject in reached.bound_to(session, *step.key):
            found.add(subject, slug)
    elif step.section == "projects":
        if step.before is None or step.after is None or step.before.archived != step.after.archived:
            found.whole.add(step.key)
    elif step.before is None or step.after is None or _can_more(step):
        found.everywhere.add(step.key)


def _can_more(step: Step) -> bool:
    if step.section == "groups":
        return False
    old, new = step.before, step.after
    roles_differ = step.section == "people" and old.platform_roles != new.platform_roles
    return bool(old.disabled != new.disabled or roles_differ)
