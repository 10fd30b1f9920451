"""Projects, as far as the caller may see them."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import Page, ProjectCreate, Projects, ProjectShown, Roles, RoleShown
from cerberus.api.pages import cut
from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.service import ProjectInfo

projects = noun("projects")


def by_name(project: ProjectInfo) -> str:
    """
    The place of a project in a list: equal names are told apart by their slugs.
    """
    return f"{project.name.casefold()}\x00{project.slug}"


@projects.route("GET", "/projects", summary="List the projects that you may see", query=Page, answer=Projects)
def list_projects(caller: Caller, query: Page) -> Projects:
    shown, rest = cut(caller.access.projects, query, by_name)
    return Projects(items=tuple(ProjectShown.of(project) for project in shown), next=rest)


@projects.route(
    "POST",
    "/projects",
    summary="Make a project; you become its maintainer",
    body=ProjectCreate,
    answer=ProjectShown,
    status=HTTPStatus.CREATED,
    raises=(Forbidden, Conflict),
)
def create_project(caller: Caller, body: ProjectCreate) -> ProjectShown:
    made = caller.cerberus.projects.create(
        caller.actor, body.slug, name=body.name or body.slug, description=body.description
    )
    return ProjectShown.of(made)


@projects.route("GET", "/projects/<project>", summary="Show a project", answer=ProjectShown, raises=(NotFound,))
def show_project(caller: Caller, project: str) -> ProjectShown:
    return ProjectShown.of(caller.access.project(project))


@projects.route(
    "GET",
    "/projects/<project>/roles",
    summary="List the roles that one can have in a project",
    answer=Roles,
    raises=(NotFound,),
)
def list_roles(caller: Caller, project: str) -> Roles:
    slug = caller.access.project(project).slug
    return Roles(items=tuple(RoleShown.of(role) for role in caller.cerberus.projects.roles(slug)))
