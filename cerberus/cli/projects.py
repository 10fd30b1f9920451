"""The commands about projects and their members."""

from cerberus.cli.call import Call, Commands, Done
from cerberus.policy import BUILT_IN_ROLES


def add(commands: Commands) -> None:
    """
    The commands about projects.
    """
    project = commands.add("create-project", create_project)
    project.add_argument("slug", help="its name in addresses and its MLflow workspace")
    project.add_argument("--title", default="", metavar="TEXT")
    project.add_argument("--description", default="", metavar="TEXT")
    project.add_argument("--maintainer", metavar="NAME", help="who is to manage it")
    member = commands.add("add-member", add_member)
    member.add_argument("project")
    member.add_argument("subject", help="a user, a group or a service account")
    member.add_argument("role", help="for example " + ", ".join(BUILT_IN_ROLES))
    member.add_argument("--reason", default="", metavar="TEXT")


def create_project(call: Call) -> Done:
    """Make a project, with a maintainer who is a user already."""
    options = call.options
    project = call.cerberus.projects.create(
        call.actor, options.slug, name=options.title or options.slug, description=options.description
    )
    if options.maintainer:
        call.cerberus.projects.add_member(call.actor, project.slug, subject=options.maintainer, role="maintainer")
    return Done(f"Project {project.slug} was made.", {"slug": project.slug, "name": project.name})


def add_member(call: Call) -> Done:
    """Give a user, group or service account a role in a project."""
    options = call.options
    member = call.cerberus.projects.add_member(
        call.actor, options.project, subject=options.subject, role=options.role, reason=options.reason
    )
    return Done(
        f"{member.subject} is {member.role} in {options.project}.",
        {"project": options.project, "subject": member.subject, "role": member.role},
    )
