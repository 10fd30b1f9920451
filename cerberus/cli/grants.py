"""The commands about grants on single things and on kinds, and about who owns what."""

import argparse
from typing import Any

from cerberus.cli.call import Call, Commands, Done
from cerberus.cli.lists import MOST, table
from cerberus.cli.projects import add_end
from cerberus.policy import RUN_DATA_KINDS, Kind, Level, Resource, Source
from cerberus.service import Grant


def add(commands: Commands) -> None:
    """
    The commands about grants.
    """
    listed = commands.add("grants", list_grants)
    listed.add_argument("project")
    listed.add_argument("--kind", choices=[str(kind) for kind in RUN_DATA_KINDS])
    listed.add_argument("--id", help="the id of one thing; '*' for the kind as a whole")
    listed.add_argument("--subject", metavar="NAME")
    listed.add_argument("--owned", action="store_true", help="show ownership only")
    listed.add_argument("--after", type=int, default=0, metavar="N", help=f"go on after this one: {MOST} at once")
    given = commands.add("give-grant", give_grant)
    add_thing(given)
    given.add_argument("subject", help="a user, a group or a service account")
    given.add_argument("level", choices=[str(level) for level in Level])
    add_end(given)
    commands.add("revoke-grant", revoke_grant).add_argument("grant", type=int, help="its number in the list of grants")
    add_thing(commands.add("owner", show_owner))
    handed = commands.add("hand-over", hand_over)
    add_thing(handed)
    handed.add_argument("owner", help="a user or service account that may read the project")


def add_thing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project")
    parser.add_argument("kind", choices=[str(kind) for kind in RUN_DATA_KINDS])
    parser.add_argument("id", help="the id of one thing, or '*' for the kind as a whole")


def thing(call: Call) -> Resource:
    """
    What the options name.
    """
    return Resource(call.options.project, Kind(call.options.kind), call.options.id)


def list_grants(call: Call) -> Done:
    """List grants and ownership in a project, those that have ended, too."""
    options = call.options
    found = call.cerberus.grants.page(
        call.actor,
        options.project,
        kind=None if options.kind is None else Kind(options.kind),
        resource_id=options.id,
        subject=options.subject,
        source=Source.OWNERSHIP if options.owned else None,
        limit=MOST,
        after=options.after,
    )
    columns = ("grant", "kind", "id", "subject", "level", "source", "until", "reason")
    return table([values_of(grant) for grant in found], columns)


def give_grant(call: Call) -> Done:
    """Give somebody a level on one thing or a whole kind, in place of the one they have there."""
    options = call.options
    given = call.cerberus.grants.give(
        call.actor,
        thing(call),
        subject=options.subject,
        level=Level(options.level),
        expires_at=options.until,
        reason=options.reason,
    )
    text = f"{given.subject} has {given.level} on {given.kind} {given.resource_id} in {given.project}."
    return Done(text, values_of(given))


def revoke_grant(call: Call) -> Done:
    """Take a grant away."""
    call.cerberus.grants.revoke(call.actor, call.options.grant)
    return Done(f"Grant {call.options.grant} was revoked.", {"grant": call.options.grant})


def show_owner(call: Call) -> Done:
    """Show who owns a thing."""
    owner = call.cerberus.grants.owner(call.actor, thing(call))
    return Done(owner.subject, values_of(owner))


def hand_over(call: Call) -> Done:
    """Make somebody else the owner of a thing."""
    owner = call.cerberus.grants.hand_over(call.actor, thing(call), owner=call.options.owner)
    return Done(f"{owner.subject} owns {owner.kind} {owner.resource_id} in {owner.project}.", values_of(owner))


def values_of(grant: Grant) -> dict[str, Any]:
    """
    A grant as JSON values.
    """
    return {
        "grant": grant.id,
        "project": grant.project,
        "kind": str(grant.kind),
        "id": grant.resource_id,
        "subject": grant.subject,
        "level": str(grant.level),
        "source": str(grant.source),
        "until": grant.expires_at.isoformat() if grant.expires_at else "",
        "reason": grant.reason,
    }
