"""Projects, as far as the caller may see them."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import ProjectCreate, Projects, ProjectShown, Roles, RoleShown
from cerberus.errors import Conflict, Forbidden, NotFound

projects = noun("projects")


@projects.route("GET", "/projects", summary="List the projects that you may see", answer=Projects)
def list_projects(caller: Caller) -> Projects:
    return Projects(items=tuple(ProjectShown.of(project) for project in caller.access.projects))


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
