"""The commands about users and tokens."""

from cerberus.cli.call import ONCE, Call, Commands, Done, add_password_file, password_from, shown_once, up_to
from cerberus.cli.lists import MOST, table, values_of
from cerberus.policy import PlatformRole, Scope, SubjectKind
from cerberus.service.secrets import new_password


def add(commands: Commands) -> None:
    """
    The commands about people.
    """
    for name, command in (("create-admin", create_admin), ("create-user", create_user)):
        parser = commands.add(name, command)
        parser.add_argument("name")
        parser.add_argument("--display-name", default="", metavar="TEXT")
        add_password_file(parser)
    reset = commands.add("reset-password", reset_password)
    reset.add_argument("name")
    add_password_file(reset)
    found = commands.add("people", list_people)
    found.add_argument("text", nargs="?", default="", help="the beginning of a word of the name or display name")
    found.add_argument("--limit", type=up_to(MOST), default=50, metavar="N", help=f"at most {MOST} (default 50)")
    found.add_argument("--after", metavar="NAME", help="go on after this one")
    commands.add("show-user", show_user).add_argument("name")
    renamed = commands.add("rename", rename)
    renamed.add_argument("name", help="a user, a group or a service account")
    renamed.add_argument("display_name", metavar="TEXT")
    for name, command in (("disable", disable), ("enable", enable), ("end-sessions", end_sessions)):
        commands.add(name, command).add_argument("name")
    deleted = commands.add("delete-user", delete_user)
    deleted.add_argument("name")
    deleted.add_argument("--hand-over-to", metavar="NAME", help="who takes over what the user owns")
    for name, command in (("give-platform-role", give_platform_role), ("take-platform-role", take_platform_role)):
        parser = commands.add(name, command)
        parser.add_argument("name")
        parser.add_argument("role", choices=[role.value for role in PlatformRole])
    add_tokens(commands)


def add_tokens(commands: Commands) -> None:
    """
    The command that makes tokens.
    """
    token = commands.add("create-token", create_token)
    token.add_argument("owner", help="the user or service account that the token is for")
    token.add_argument("--label", default="command line", metavar="TEXT", help="what the token is for")
    token.add_argument("--scope", action="append", default=[], choices=[scope.value for scope in Scope])
    token.add_argument("--project", help="let the token work in this project only")
    token.add_argument("--days", type=int, default=90)


def create_user(call: Call) -> Done:
    """Make a user."""
    return make_user(call, admin=False)


def create_admin(call: Call) -> Done:
    """Make a user who may do everything."""
    return make_user(call, admin=True)


def make_user(call: Call, *, admin: bool) -> Done:
    """
    A user with a given or a random password.
    """
    given = password_from(call.options.password_file)
    password = given or new_password()
    person = call.cerberus.people.create_user(
        call.actor, call.options.name, display_name=call.options.display_name, password=password, admin=admin
    )
    what = "Admin" if admin else "User"
    return shown_once(f"{what} {person.name} was made.", {"name": person.name, "admin": admin}, given, password)


def reset_password(call: Call) -> Done:
    """Give somebody a new password; their sessions end."""
    given = password_from(call.options.password_file)
    password = call.cerberus.people.reset_password(call.actor, call.options.name, new=given)
    name = call.options.name
    return shown_once(f"{name} has a new password, and is signed out everywhere.", {"name": name}, given, password)


def list_people(call: Call) -> Done:
    """List users, groups and service accounts, or those whom a text finds."""
    options = call.options
    found = call.cerberus.people.search(call.actor, options.text, limit=options.limit, after=options.after)
    return table([values_of(person) for person in found], ("name", "kind", "display_name", "state"))


def show_user(call: Call) -> Done:
    """Show a user or service account: groups, roles, and how many things they own."""
    found = call.cerberus.people.show(call.actor, call.options.name)
    person = values_of(found.person)
    values = {**person, "groups": list(found.groups), "roles": dict(found.roles), "owns": dict(found.owns)}
    lines = [
        f"{person['name']}: {person['kind']} {person['display_name']} {person['state']}".rstrip(),
        f"groups: {', '.join(found.groups) or 'none'}",
        f"roles: {', '.join(f'{role} in {slug}' for slug, role in found.roles.items()) or 'none'}",
        f"owns: {', '.join(f'{count} in {slug}' for slug, count in found.owns.items()) or 'nothing'}",
    ]
    return Done("\n".join(lines), values)


def rename(call: Call) -> Done:
    """Give a user, group or service account another display name."""
    name, shown = call.options.name, call.options.display_name
    nouns = call.cerberus.groups if call.cerberus.people.get(name).kind is SubjectKind.GROUP else call.cerberus.people
    person = nouns.rename(call.actor, name, display_name=shown)
    return Done(f"{person.name} is shown as {person.display_name}.", values_of(person))


def disable(call: Call) -> Done:
    """Refuse somebody's sessions and tokens at once."""
    person = call.cerberus.people.disable(call.actor, call.options.name)
    return Done(f"{person.name} is disabled.", values_of(person))


def enable(call: Call) -> Done:
    """Let somebody in again."""
    person = call.cerberus.people.enable(call.actor, call.options.name)
    return Done(f"{person.name} is enabled.", values_of(person))


def end_sessions(call: Call) -> Done:
    """Sign a user out everywhere."""
    call.cerberus.people.end_sessions(call.actor, call.options.name)
    return Done(f"{call.options.name} is signed out everywhere.", {"name": call.options.name})


def delete_user(call: Call) -> Done:
    """Delete a user; --hand-over-to takes over what they own, everything else goes."""
    name, heir = call.options.name, call.options.hand_over_to
    call.cerberus.people.delete(call.actor, name, hand_over_to=heir)
    return Done(f"User {name} was deleted.", {"name": name, "hand_over_to": heir})


def give_platform_role(call: Call) -> Done:
    """Make a user admin or auditor of the whole platform."""
    role = PlatformRole(call.options.role)
    person = call.cerberus.people.set_platform_role(call.actor, call.options.name, role)
    return Done(f"{person.name} is {role}.", values_of(person))


def take_platform_role(call: Call) -> Done:
    """Take such a role away."""
    role = PlatformRole(call.options.role)
    person = call.cerberus.people.unset_platform_role(call.actor, call.options.name, role)
    return Done(f"{person.name} is not {role}.", values_of(person))


def create_token(call: Call) -> Done:
    """Make an access token for somebody."""
    options = call.options
    scopes = tuple(Scope(scope) for scope in options.scope) or (Scope.READ, Scope.WRITE)
    made = call.cerberus.tokens.create(
        call.actor, options.label, scopes=scopes, project=options.project, days=options.days, owner=options.owner
    )
    values = {"id": made.token.id, "owner": made.token.owner, "secret": made.secret}
    return Done(f"Token: {made.secret}\n{ONCE}", values)
