"""Roles of people's making: for one project by those who manage it, for every project by an admin."""

from collections.abc import Mapping
from typing import Any, Final

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import ANY, BUILT_IN_ROLES, RUN_DATA_KINDS, Level, PlatformRole, Role, Verb
from cerberus.policy.catalog import AnyKind
from cerberus.service import parse
from cerberus.service.actors import Actor
from cerberus.service.change import Change, View
from cerberus.service.context import Context
from cerberus.service.subjects import maintainers_stay
from cerberus.store import roles
from cerberus.store.records import RoleInfo
from cerberus.store.tables import RoleRow

FOUNDER: Final = roles.MANAGING[0]
"""The role of whoever a new project is made for."""

TAKEN: Final = frozenset(BUILT_IN_ROLES) | frozenset(PlatformRole)


class Roles:
    """Makes, changes and deletes roles. `project` None stands for every project."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(
        self,
        actor: Actor,
        project: str | None,
        *,
        name: object,
        levels: object,
        description: str = "",
        manages_project: bool = False,
    ) -> RoleInfo:
        """
        A new role. Conflict when its name means something in the project, or in any one for a role of all.
        """
        wanted = parse.user_name(name)
        given = levels_of(levels)
        about = parse.text(description, "description", longest=500)
        manages = _flag(manages_project)
        with self._context.change(actor) as change:
            home = _home(change, project)
            _require_free(change, wanted, home)
            row = roles.insert(
                change.session,
                wanted,
                home=home,
                description=about,
                levels=given,
                manages_project=manages,
                at=change.now,
            )
            change.record("role.create", f"role:{wanted}", project=project, after=_shown(row))
            return roles.role_info(row)

    def change(
        self,
        actor: Actor,
        project: str | None,
        *,
        name: object,
        levels: object = None,
        description: str | None = None,
        manages_project: bool | None = None,
    ) -> RoleInfo:
        """
        Changes what is given; it counts at once for everybody who has the role. Conflict when that left a project
        without a maintainer.
        """
        given = None if levels is None else levels_of(levels)
        about = None if description is None else parse.text(description, "description", longest=500)
        manages = None if manages_project is None else _flag(manages_project)
        with self._context.change(actor) as change:
            row = _own_role(change, project, name)
            before = _shown(row)
            with maintainers_stay(change, roles.projects_with(change.session, row) if manages is False else ()):
                row.levels = row.levels if given is None else roles.levels_text(given)
                row.description = row.description if about is None else about
                row.manages_project = row.manages_project if manages is None else manages
            if _shown(row) != before:
                change.record("role.change", f"role:{row.name}", project=project, before=before, after=_shown(row))
            return roles.role_info(row)

    def delete(self, actor: Actor, project: str | None, *, name: object) -> None:
        """
        Deletes a role that nobody has. Conflict otherwise, saying how many have it.
        """
        with self._context.change(actor) as change:
            row = _own_role(change, project, name)
            count = roles.bound(change.session, row, change.now)
            if count:
                who = "1 member has" if count == 1 else f"{count} members have"
                raise Conflict(f"{who} the role {row.name}.", hint="Give them another role first.")
            change.session.delete(row)
            change.record("role.delete", f"role:{row.name}", project=project, before=_shown(row))

    def list(self, actor: Actor, project: str | None) -> list[RoleInfo]:
        """
        The roles that can be given in the project, built-in ones first, then by name. For everybody in the project;
        those of every project for everybody.
        """
        with self._context.view(actor) as view:
            if project is None:
                rows = roles.at_home(view.session, roles.EVERYWHERE)
            else:
                view.require_project(project, Verb.READ)
                rows = roles.in_project(view.session, project)
            return [*roles.BUILT_IN, *(roles.role_info(row) for row in rows)]

    def show(self, actor: Actor, project: str | None, *, name: str) -> RoleInfo:
        """
        One of those that `list` names; NotFound otherwise.
        """
        found = next((role for role in self.list(actor, project) if role.name == name), None)
        if found is None:
            raise NotFound("There is no such role.")
        return found


def require_role(view: View, project: str, name: object) -> Role:
    """
    What the name means in the project; Invalid naming the roles that there are, to those who may see them.
    """
    found = roles.find(view.session, project, name) if isinstance(name, str) else None
    if found is None:
        raise Invalid(f"A role is one of {', '.join(_names_seen(view, project))}.", field="role")
    return found


def _names_seen(view: View, project: str) -> list[str]:
    custom = roles.in_project(view.session, project) if view.knows(project) else []
    return [*BUILT_IN_ROLES, *(row.name for row in custom)]


def levels_of(value: object, field: str = "levels") -> dict[AnyKind, Level]:
    """
    A level for each kind that is named, or for `*`. The project itself is no kind here: `manages_project` says that.
    """
    if not isinstance(value, Mapping):
        raise Invalid("levels gives a level for each kind, or for '*'.", field=field)
    known: dict[str, AnyKind] = {ANY: ANY, **{str(kind): kind for kind in RUN_DATA_KINDS}}
    unknown = [kind for kind in value if str(kind) not in known]
    if unknown:
        raise Invalid(f"A kind is one of {', '.join(known)}.", field=field)
    return {known[str(kind)]: parse.member_of(Level, level, f"{field}.{kind}") for kind, level in value.items()}


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("manages_project is true or false.", field="manages_project")
    return value


def _home(change: Change, project: str | None) -> str:
    if project is None:
        change.require_admin()
        return roles.EVERYWHERE
    return change.require_project(project).slug


def _require_free(change: Change, name: str, home: str) -> None:
    if name in TAKEN:
        raise Conflict(f"{name} is a built-in role.", hint="Choose another name.")
    homes = {row.home for row in roles.named(change.session, name)}
    if home in homes:
        raise Conflict(f"There is a role {name} already.", hint="Change it instead.")
    if roles.EVERYWHERE in homes:
        raise Conflict(f"Every project has a role {name} already.", hint="Choose another name.")
    if homes and home == roles.EVERYWHERE:
        raise Conflict(f"A project has a role {name} of its own.", hint="A name means one thing in a project.")


def _own_role(change: Change, project: str | None, name: object) -> RoleRow:
    home = _home(change, project)
    if name in BUILT_IN_ROLES:
        raise Forbidden(f"{name} is a built-in role: it stays as it is.", hint="Make a role of your own.")
    found = {row.home: row for row in roles.named(change.session, str(name))}
    if home in found:
        return found[home]
    if roles.EVERYWHERE in found:
        raise Forbidden(f"Every project has the role {name}: only an admin may change it.", hint="Ask an admin.")
    raise NotFound(f"There is no role {str(name)[:64]}.")


def _shown(row: RoleRow) -> dict[str, Any]:
    levels = {str(kind): str(level) for kind, level in roles.levels_of(row.levels).items()}
    return {"description": row.description, "levels": levels, "manages_project": row.manages_project}
