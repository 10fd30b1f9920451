"""The commands about projects and their members."""

import argparse

from cerberus.cli.call import Call, Commands, Done, moment
from cerberus.cli.lists import table
from cerberus.policy import BUILT_IN_ROLES
from cerberus.service import Member, ProjectInfo


def add(commands: Commands) -> None:
    """
    The commands about projects.
    """
    project = commands.add("create-project", create_project)
    project.add_argument("slug", help="its name in addresses and its MLflow workspace")
    project.add_argument("--title", default="", metavar="TEXT")
    project.add_argument("--description", default="", metavar="TEXT")
    project.add_argument("--maintainer", metavar="NAME", help="who is to manage it")
    commands.add("projects", list_projects)
    changed = commands.add("change-project", change_project)
    changed.add_argument("project")
    changed.add_argument("--title", metavar="TEXT")
    changed.add_argument("--description", metavar="TEXT")
    changed.add_argument(
        "--askable", action=argparse.BooleanOptionalAction, help="whether anybody may ask for a role in it"
    )
    for name, command in (("archive-project", archive_project), ("restore-project", restore_project)):
        commands.add(name, command).add_argument("project")
    deleted = commands.add("delete-project", delete_project)
    deleted.add_argument("project")
    deleted.add_argument("--move-to", metavar="PROJECT", help="which project takes its service accounts")
    add_members(commands)


def add_members(commands: Commands) -> None:
    """
    The commands about the members of a project.
    """
    commands.add("members", list_members).add_argument("project")
    for name, command in (("add-member", add_member), ("set-member", set_member)):
        parser = commands.add(name, command)
        parser.add_argument("project")
        parser.add_argument("subject", help="a user, a group or a service account")
        parser.add_argument("role", help="for example " + ", ".join(BUILT_IN_ROLES))
        add_end(parser)
    removed = commands.add("remove-member", remove_member)
    removed.add_argument("project")
    removed.add_argument("subject")


def add_end(parser: argparse.ArgumentParser) -> None:
    """
    The options of what can end: until when, and why at all.
    """
    parser.add_argument(
        "--until", type=moment, metavar="DATE", help="when it ends, e.g. 2030-12-31 or 2030-12-31T08:00"
    )
    parser.add_argument("--reason", default="", metavar="TEXT")


def create_project(call: Call) -> Done:
    """Make a project, with a maintainer who is a user already."""
    options = call.options
    project = call.cerberus.projects.create(
        call.actor,
        options.slug,
        name=options.title or options.slug,
        description=options.description,
        maintainer=options.maintainer,
    )
    return Done(f"Project {project.slug} was made.", {"slug": project.slug, "name": project.name})


def list_projects(call: Call) -> Done:
    """List projects by name."""
    return table([project_values(each) for each in call.cerberus.projects.list(call.actor)], ("slug", "name", "state"))


def change_project(call: Call) -> Done:
    """Change what a project is called, or whether anybody may ask for a role in it."""
    options = call.options
    changed = call.cerberus.projects.change(
        call.actor, options.project, name=options.title, description=options.description, askable=options.askable
    )
    return Done(f"Project {changed.slug} was changed.", project_values(changed))


def archive_project(call: Call) -> Done:
    """Make a project read only for everybody."""
    project = call.cerberus.projects.archive(call.actor, call.options.project)
    return Done(f"Project {project.slug} is archived.", project_values(project))


def restore_project(call: Call) -> Done:
    """End a project's archive."""
    project = call.cerberus.projects.restore(call.actor, call.options.project)
    return Done(f"Project {project.slug} is restored.", project_values(project))


def delete_project(call: Call) -> Done:
    """Delete an empty project for good; its short name is not given out again."""
    slug = call.options.project
    call.cerberus.projects.delete(call.actor, slug, move_to=call.options.move_to)
    return Done(f"Project {slug} was deleted.", {"slug": slug})


def list_members(call: Call) -> Done:
    """List who has which role in a project."""
    found = call.cerberus.projects.members(call.actor, call.options.project)
    return table([member_values(member) for member in found], ("subject", "kind", "role", "until", "reason"))


def add_member(call: Call) -> Done:
    """Give a user, group or service account a role in a project."""
    options = call.options
    member = call.cerberus.projects.add_member(
        call.actor,
        options.project,
        subject=options.subject,
        role=options.role,
        expires_at=options.until,
        reason=options.reason,
    )
    return now_is(call, member)


def set_member(call: Call) -> Done:
    """Give somebody this role in a project, in place of the one they have."""
    options = call.options
    member = call.cerberus.projects.set_member(
        call.actor,
        options.project,
        subject=options.subject,
        role=options.role,
        expires_at=options.until,
        reason=options.reason,
    )
    return now_is(call, member)


def remove_member(call: Call) -> Done:
    """Take somebody's role and grants in a project away."""
    options = call.options
    gone = call.cerberus.projects.remove_member(call.actor, options.project, subject=options.subject)
    values = {"project": options.project, "subject": options.subject, "bindings": gone.bindings, "grants": gone.grants}
    return Done(f"{options.subject} has nothing of their own in {options.project} any more.", values)


def now_is(call: Call, member: Member) -> Done:
    """
    The end of a command that gave a role.
    """
    text = f"{member.subject} is {member.role} in {call.options.project}."
    return Done(text, {"project": call.options.project, **member_values(member)})


def member_values(member: Member) -> dict[str, str]:
    """
    A member as JSON values.
    """
    return {
        "subject": member.subject,
        "kind": str(member.kind),
        "role": member.role,
        "until": member.expires_at.isoformat() if member.expires_at else "",
        "reason": member.reason,
    }


def project_values(project: ProjectInfo) -> dict[str, str | bool]:
    """
    A project as JSON values.
    """
    states = {"archived": project.archived, "askable": project.askable}
    return {
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        **states,
        "state": ", ".join(name for name, is_so in states.items() if is_so),
    }
