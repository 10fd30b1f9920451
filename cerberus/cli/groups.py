"""The commands about groups."""

from cerberus.cli.call import Call, Commands, Done
from cerberus.cli.lists import MOST, table, values_of


def add(commands: Commands) -> None:
    """
    The commands about groups.
    """
    made = commands.add("create-group", create_group)
    made.add_argument("name")
    made.add_argument("--display-name", default="", metavar="TEXT")
    made.add_argument("--member", action="append", default=[], metavar="NAME", help="may be given several times")
    listed = commands.add("groups", list_groups)
    listed.add_argument("--after", metavar="NAME", help=f"go on after this one: {MOST} are shown at once")
    members = commands.add("group-members", list_members)
    members.add_argument("group")
    members.add_argument("--after", metavar="NAME", help=f"go on after this one: {MOST} are shown at once")
    for name, command in (("add-to-group", add_to_group), ("remove-from-group", remove_from_group)):
        parser = commands.add(name, command)
        parser.add_argument("group")
        parser.add_argument("member", help="a user, a group or a service account")
    commands.add("delete-group", delete_group).add_argument("name")


def create_group(call: Call) -> Done:
    """Make a group, with its first members by --member."""
    options = call.options
    group = call.cerberus.groups.create(
        call.actor, options.name, display_name=options.display_name, members=options.member
    )
    return Done(f"Group {group.name} was made.", {"name": group.name, "members": list(options.member)})


def list_groups(call: Call) -> Done:
    """List groups by name."""
    found = call.cerberus.groups.list(call.actor, limit=MOST, after=call.options.after)
    return table([values_of(group) for group in found], ("name", "display_name"))


def list_members(call: Call) -> Done:
    """List who is directly in a group."""
    found = call.cerberus.groups.members(call.actor, call.options.group, limit=MOST, after=call.options.after)
    return table([values_of(member) for member in found], ("name", "kind", "display_name", "state"))


def add_to_group(call: Call) -> Done:
    """Put a user, group or service account into a group."""
    group, member = call.options.group, call.options.member
    call.cerberus.groups.add_member(call.actor, group, member=member)
    return Done(f"{member} is in {group}.", {"group": group, "member": member})


def remove_from_group(call: Call) -> Done:
    """Take somebody out of a group."""
    group, member = call.options.group, call.options.member
    call.cerberus.groups.remove_member(call.actor, group, member=member)
    return Done(f"{member} is not in {group} any more.", {"group": group, "member": member})


def delete_group(call: Call) -> Done:
    """Delete a group with its roles and grants; its members stay."""
    call.cerberus.groups.delete(call.actor, call.options.name)
    return Done(f"Group {call.options.name} was deleted.", {"name": call.options.name})
