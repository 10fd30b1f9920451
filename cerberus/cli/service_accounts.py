"""The commands about service accounts. Those about users rename, disable and enable them, too."""

from cerberus.cli.call import Call, Commands, Done
from cerberus.cli.lists import MOST, table, values_of


def add(commands: Commands) -> None:
    """
    The commands about service accounts.
    """
    listed = commands.add("service-accounts", list_accounts)
    listed.add_argument("project")
    listed.add_argument("--after", metavar="NAME", help=f"go on after this one: {MOST} are shown at once")
    made = commands.add("create-service-account", create_account)
    made.add_argument("project", help="its maintainers look after the account")
    made.add_argument("name")
    made.add_argument("--display-name", default="", metavar="TEXT")
    deleted = commands.add("delete-service-account", delete_account)
    deleted.add_argument("project")
    deleted.add_argument("name")
    deleted.add_argument("--hand-over-to", metavar="NAME", help="who takes over what the account owns")


def list_accounts(call: Call) -> Done:
    """List the service accounts that a project owns."""
    options = call.options
    found = call.cerberus.service_accounts.list(call.actor, options.project, limit=MOST, after=options.after)
    return table([values_of(account) for account in found], ("name", "display_name", "state"))


def create_account(call: Call) -> Done:
    """Make a service account, without a role yet."""
    options = call.options
    accounts = call.cerberus.service_accounts
    made = accounts.create(call.actor, options.project, name=options.name, display_name=options.display_name)
    return Done(f"Service account {made.name} was made.", values_of(made))


def delete_account(call: Call) -> Done:
    """Delete a service account; --hand-over-to takes over what it owns, everything else goes."""
    options = call.options
    accounts = call.cerberus.service_accounts
    accounts.delete(call.actor, options.project, name=options.name, hand_over_to=options.hand_over_to)
    values = {"name": options.name, "hand_over_to": options.hand_over_to}
    return Done(f"Service account {options.name} was deleted.", values)
