"""What a policy file must not say, seen against the database: unknown names, taken names, circles of groups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cerberus.errors import Invalid
from cerberus.policy import BUILT_IN_ROLES, PlatformRole
from cerberus.service.letters import spelled
from cerberus.store import policy_facts
from cerberus.store.database import Transaction
from cerberus.store.world import KIND_OF, Scope, Step, World

BUILT_IN = frozenset(BUILT_IN_ROLES) | frozenset(PlatformRole)


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be (`after`), how it differs from what is, and what the file speaks of (None: of everything)."""

    after: World
    steps: list[Step]
    scope: Scope | None


def check(session: Transaction, planned: Planned) -> None:
    """
    Invalid, naming the place in the file, for the first thing that cannot be.
    """
    after = planned.after
    _one_meaning(after)
    _free_names(session, planned)
    _free_slugs(session, planned.steps)
    _known_subjects(session, planned)
    _known_roles(session, planned)
    _no_circles(session, after)


def _refuse(place: str, why: str, hint: str = "") -> None:
    raise Invalid(f"{place}: {why}", field=place, hint=hint)


def _place_of(world: World, name: str) -> str:
    if name in world.people:
        return f"people.{name}"
    if name in world.groups:
        return f"groups.{name}"
    return f"projects.{world.accounts[name].project}.service_accounts.{name}"


def _one_meaning(after: World) -> None:
    for name in {*after.people} & {*after.groups} | ({*after.people} | {*after.groups}) & {*after.accounts}:
        _refuse(_place_of(after, name), "users, groups and service accounts share their names: this one stands twice")
    for home, name in sorted(after.roles):
        place = f"projects.{home}.roles.{name}" if home else f"roles.{name}"
        if name in BUILT_IN:
            _refuse(place, "this is the name of a built-in role")
        if home and ("", name) in after.roles:
            _refuse(place, "every project has a role of this name already")


def _free_names(session: Transaction, planned: Planned) -> None:
    steps = [step for step in planned.steps if step.section in KIND_OF]
    new = [step for step in steps if step.before is None]
    gone = {step.key for step in steps if step.after is None}
    kinds = policy_facts.kinds_of(session, [step.key for step in new])
    for step in new:
        if step.key in kinds and step.key not in gone:
            what = kinds[step.key].replace("_", " ")
            _refuse(_place_of(planned.after, step.key), f"the name belongs to a {what} that is not in this file")


def _free_slugs(session: Transaction, steps: Iterable[Step]) -> None:
    new = [step.key for step in steps if step.section == "projects" and step.before is None]
    for slug in policy_facts.deleted_slugs(session, new):
        _refuse(f"projects.{slug}", "a project of this name was deleted, and its name is not given again")


def _known_subjects(session: Transaction, planned: Planned) -> None:
    after = planned.after
    named = {f"groups.{group}.members": member for group, member in after.memberships}
    places = {member: place for place, member in named.items()}
    places |= {subject: f"projects.{slug}.grants" for slug, _, _, subject in after.grants}
    places |= {subject: f"projects.{slug}.members.{subject}" for slug, subject in after.members}
    unknown = {*places} - {*after.people} - {*after.groups} - {*after.accounts}
    if planned.scope is not None:
        gone = {step.key for step in planned.steps if step.section == "accounts" and step.after is None}
        unknown -= {*policy_facts.kinds_of(session, unknown)} - gone
    for name in sorted(unknown):
        _refuse(places[name], f"there is no user, group or service account {name}")


def _known_roles(session: Transaction, planned: Planned) -> None:
    after = planned.after
    everywhere = {name for home, name in after.roles if not home}
    if planned.scope is not None:
        everywhere |= policy_facts.roles_of_every_project(session)
        for home, name in sorted(after.roles):
            if home and name in everywhere:
                _refuse(f"projects.{home}.roles.{name}", "every project has a role of this name already")
        for home, name in policy_facts.roles_of_projects(session, [name for home, name in after.roles if not home]):
            if home not in after.projects:
                _refuse(f"roles.{name}", f"the project {home}, which is not in this file, has a role of this name")
    for (slug, subject), terms in sorted(after.members.items()):
        role = terms.given
        if role not in BUILT_IN_ROLES and role not in everywhere and (slug, role) not in after.roles:
            _refuse(f"projects.{slug}.members.{subject}.role", f"there is no role {spelled(role[:64])} in this project")


def _no_circles(session: Transaction, after: World) -> None:
    inside: dict[str, set[str]] = {}
    for group, member in policy_facts.groups_in_groups(session):
        if group not in after.groups:
            inside.setdefault(group, set()).add(member)
    for group, member in after.memberships:
        inside.setdefault(group, set()).add(member)
    for group in sorted(after.groups):
        if _reaches(inside, group, group):
            _refuse(f"groups.{group}.members", "groups cannot go in a circle")


def _reaches(inside: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for member in inside.get(waiting.pop(), ()):
            if member == goal:
                return True
            if member not in seen and member in inside:
                seen.add(member)
                waiting.append(member)
    return False
