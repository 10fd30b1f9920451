"""A policy as text: from a policy file to the values that are compared, and back."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cerberus.errors import Invalid
from cerberus.policy import ANY, Kind
from cerberus.service import parse, policy_yaml
from cerberus.service.policy_file import (
    FORMAT,
    AccountPart,
    GroupPart,
    PersonPart,
    PolicyFile,
    ProjectPart,
    RolePart,
    parsed,
)
from cerberus.service.policy_yaml import Line
from cerberus.store.world import Account, ProjectFacts, RoleFacts, Scope, Someone, Terms, World

LARGEST_FILE: Final = 256 * 2**20
Values = dict[str, Any]


def read(text: str, *, largest: int = LARGEST_FILE) -> PolicyFile:
    """
    The policy file; Invalid, naming the place in it, for whatever cannot be read.
    """
    return parsed(policy_yaml.read(text, largest=largest))


def digest_of(text: str) -> str:
    """
    SHA-256 of the file's text.
    """
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def scope_of(file: PolicyFile) -> Scope | None:
    """
    What the file speaks of; None for a whole policy.
    """
    if not file.partial:
        return None
    return Scope(frozenset(file.people), frozenset(file.groups), frozenset(file.roles), frozenset(file.projects))


def world_of(file: PolicyFile, now: datetime) -> World:
    """
    What the file says, without what has ended. Invalid for what it says twice.
    """
    world = World()
    for name, person in file.people.items():
        world.people[name] = Someone(person.display_name, person.disabled, tuple(sorted(set(person.platform_roles))))
    for name, group in file.groups.items():
        world.groups[name] = group.display_name
        for index, member in enumerate(group.members):
            _once((name, member), world.memberships, f"groups.{name}.members.{index}")
            world.memberships[name, member] = True
    for name, role in file.roles.items():
        world.roles["", name] = _role(role)
    for slug, project in file.projects.items():
        _add_project(world, slug, project, now)
    return world


def _role(role: RolePart) -> RoleFacts:
    levels = tuple(sorted((str(kind), str(level)) for kind, level in role.levels.items()))
    return RoleFacts(role.description, levels, role.manages_project)


def _add_project(world: World, slug: str, project: ProjectPart, now: datetime) -> None:
    world.projects[slug] = ProjectFacts(project.name or slug, project.description, project.askable, project.archived)
    for name, account in project.service_accounts.items():
        _once(name, world.accounts, f"projects.{slug}.service_accounts.{name}")
        world.accounts[name] = Account(slug, account.display_name, account.disabled)
    for name, role in project.roles.items():
        world.roles[slug, name] = _role(role)
    for subject, member in project.members.items():
        if member.until is None or member.until > now:
            world.members[slug, subject] = Terms(member.role, member.until, member.reason)
    for index, grant in enumerate(project.grants):
        place = f"projects.{slug}.grants.{index}"
        try:
            parse.id_of(Kind(grant.kind), grant.id)
        except Invalid as error:
            raise Invalid(f"{place}.id: {error.message}", field=f"{place}.id") from None
        key = (slug, str(grant.kind), grant.id, grant.subject)
        _once(key, world.grants, place)
        if grant.until is None or grant.until > now:
            world.grants[key] = Terms(str(grant.level), grant.until, grant.reason)


def _once(key: Any, known: Mapping[Any, Any], place: str) -> None:
    if key in known:
        raise Invalid(f"{place}: this stands in the file twice", field=place)


def values_of(world: World, *, partial: bool) -> Values:
    """
    What a policy file says of the world: sorted by name, without what is the default.
    """
    values: Values = {"version": int(FORMAT)}
    if partial:
        values["partial"] = True
    groups: dict[str, list[str]] = {}
    for group, member in sorted(world.memberships):
        groups.setdefault(group, []).append(member)
    sections = {
        "people": {name: _person(world.people[name]) for name in sorted(world.people)},
        "groups": {name: _group(world.groups[name], groups.get(name, [])) for name in sorted(world.groups)},
        "roles": {name: _role_values(facts) for (home, name), facts in sorted(world.roles.items()) if not home},
        "projects": _projects(world),
    }
    return values | {name: found for name, found in sections.items() if found}


def _person(person: Someone) -> Values:
    return _without_defaults(PersonPart, Line(person._asdict() | {"platform_roles": list(person.platform_roles)}))


def _group(display_name: str, members: list[str]) -> Values:
    return _without_defaults(GroupPart, {"display_name": display_name, "members": members})


def _role_values(role: RoleFacts) -> Values:
    return _without_defaults(RolePart, role._asdict() | {"levels": Line(role.levels)})


def _projects(world: World) -> Values:
    found: Values = {slug: _project(slug, world.projects[slug]) for slug in sorted(world.projects)}
    for name, account in sorted(world.accounts.items()):
        if account.project in found:
            shown = Line(display_name=account.display_name, disabled=account.disabled)
            _below(found[account.project], "service_accounts")[name] = _without_defaults(AccountPart, shown)
    for (home, name), role in sorted(world.roles.items()):
        if home in found:
            _below(found[home], "roles")[name] = _role_values(role)
    for (slug, subject), terms in sorted(world.members.items()):
        short = terms.until is None and not terms.reason
        _below(found[slug], "members")[subject] = terms.given if short else Line(role=terms.given, **_ends(terms))
    for (slug, kind, resource_id, subject), terms in sorted(world.grants.items()):
        which = {} if resource_id == ANY else {"id": resource_id}
        grant = Line(subject=subject, kind=kind, **which, level=terms.given, **_ends(terms))
        found[slug].setdefault("grants", []).append(grant)
    return found


def _project(slug: str, project: ProjectFacts) -> Values:
    shown = project._asdict() | {"name": "" if project.name == slug else project.name}
    return _without_defaults(ProjectPart, shown)


def _below(project: Values, section: str) -> Values:
    found: Values = project.setdefault(section, {})
    return found


def _ends(terms: Terms) -> Values:
    until = {} if terms.until is None else {"until": terms.until.isoformat().replace("+00:00", "Z")}
    return until | ({"reason": terms.reason} if terms.reason else {})


def _without_defaults(part: type[Any], values: Values) -> Values:
    kept = {name: value for name, value in values.items() if value != part.model_fields[name].default}
    return type(values)(kept)


def as_yaml(values: Values) -> str:
    """
    The file's values as YAML.
    """
    return policy_yaml.write(values)


def as_json(values: Values) -> str:
    """
    The same as JSON, which is read as well.
    """
    return json.dumps(values, ensure_ascii=False, indent=2) + "\n"
