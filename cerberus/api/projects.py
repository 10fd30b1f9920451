"""Projects, as far as the caller may see them."""

from http import HTTPStatus
from itertools import islice

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.models import ProjectChange, ProjectCreate, ProjectEnd, Projects, ProjectShown
from cerberus.api.pages import first
from cerberus.api.shapes import Page
from cerberus.errors import Conflict, Forbidden, NotFound

projects = noun("projects")


@projects.route("GET", "/projects", summary="List the projects that you may see", query=Page, answer=Projects)
def list_projects(caller: Caller, query: Page) -> Projects:
    found = tuple(islice(caller.access.projects_after(query.after or ""), query.limit + 1))
    shown, rest = first(found, query, lambda project: project.place)
    return Projects(items=tuple(ProjectShown.of(project) for project in shown), next=rest)


@projects.route(
    "POST",
    "/projects",
    summary="Make a project; you become its maintainer unless you name another one",
    body=ProjectCreate,
    answer=ProjectShown,
    status=HTTPStatus.CREATED,
    raises=(NotFound, Forbidden, Conflict),
)
def create_project(caller: Caller, body: ProjectCreate) -> ProjectShown:
    made = caller.cerberus.projects.create(
        caller.actor,
        body.slug,
        name=body.name or body.slug,
        description=body.description,
        maintainer=body.maintainer,
    )
    return ProjectShown.of(made)


@projects.route("GET", "/projects/<project>", summary="Show a project", answer=ProjectShown, raises=(NotFound,))
def show_project(caller: Caller, project: str) -> ProjectShown:
    return ProjectShown.of(caller.access.project(project))


@projects.route(
    "PATCH",
    "/projects/<project>",
    summary="Change a project's name or description, or whether one may ask for a role in it",
    body=ProjectChange,
    answer=ProjectShown,
    raises=(NotFound, Forbidden, Conflict),
)
def change_project(caller: Caller, body: ProjectChange, project: str) -> ProjectShown:
    return ProjectShown.of(caller.cerberus.projects.change(caller.actor, project, **dict(body)))


@projects.route(
    "DELETE",
    "/projects/<project>",
    summary="Delete an empty project for good",
    query=ProjectEnd,
    raises=(NotFound, Forbidden, Conflict),
)
def delete_project(caller: Caller, query: ProjectEnd, project: str) -> None:
    caller.cerberus.projects.delete(caller.actor, project, move_to=query.move_to)


@projects.route(
    "POST",
    "/projects/<project>/archive",
    summary="Make a project read only for everybody",
    answer=ProjectShown,
    raises=(NotFound, Forbidden, Conflict),
)
def archive_project(caller: Caller, project: str) -> ProjectShown:
    return ProjectShown.of(caller.cerberus.projects.archive(caller.actor, project))


@projects.route(
    "POST",
    "/projects/<project>/restore",
    summary="End a project's archive",
    answer=ProjectShown,
    raises=(NotFound, Forbidden, Conflict),
)
def restore_project(caller: Caller, project: str) -> ProjectShown:
    return ProjectShown.of(caller.cerberus.projects.restore(caller.actor, project))
