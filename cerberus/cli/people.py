"""The commands about users, groups and tokens."""

from cerberus.cli.call import ONCE, Call, Commands, Done, add_password_file, password_from, shown_once
from cerberus.policy import Scope
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
    group = commands.add("create-group", create_group)
    group.add_argument("name")
    group.add_argument("--display-name", default="", metavar="TEXT")
    group.add_argument("--member", action="append", default=[], metavar="NAME", help="may be given several times")
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


def create_group(call: Call) -> Done:
    """Make a group, with its first members by --member."""
    options = call.options
    group = call.cerberus.groups.create(call.actor, options.name, display_name=options.display_name)
    for member in options.member:
        call.cerberus.groups.add_member(call.actor, group.name, member=member)
    return Done(f"Group {group.name} was made.", {"name": group.name, "members": list(options.member)})


def create_token(call: Call) -> Done:
    """Make an access token for somebody."""
    options = call.options
    scopes = tuple(Scope(scope) for scope in options.scope) or (Scope.READ, Scope.WRITE)
    made = call.cerberus.tokens.create(
        call.actor, options.label, scopes=scopes, project=options.project, days=options.days, owner=options.owner
    )
    values = {"id": made.token.id, "owner": made.token.owner, "secret": made.secret}
    return Done(f"Token: {made.secret}\n{ONCE}", values)
