"""The commands about accounts at the OpenID provider."""

from cerberus.cli.call import Call, Commands, Done


def add(commands: Commands) -> None:
    """
    The commands about single sign-on.
    """
    for name, command in (("link-identity", link_identity), ("unlink-identity", unlink_identity)):
        parser = commands.add(name, command)
        parser.add_argument("name", help="the user or service account here")
        parser.add_argument("issuer", help="the provider's address, as its tokens spell it")
        parser.add_argument("subject", help="the account there: the claim 'sub' of its tokens")
    listed = commands.add("identities", list_identities)
    listed.add_argument("name")


def link_identity(call: Call) -> Done:
    """Let an account at the OpenID provider sign in as a user, or show JWTs as a service account."""
    name, issuer, subject = call.options.name, call.options.issuer, call.options.subject
    call.cerberus.sign_on.link(call.actor, name, issuer=issuer, external_id=subject)
    values = {"name": name, "issuer": issuer, "subject": subject}
    if issuer != call.settings.cerberus_oidc_issuer:
        note = "\nNote: that is not the issuer that is set up (CERBERUS_OIDC_ISSUER)."
        return Done(f"{subject} at {issuer} is {name} here.{note}", {**values, "issuer_is_set_up": False})
    return Done(f"{subject} at {issuer} is {name} here.", {**values, "issuer_is_set_up": True})


def unlink_identity(call: Call) -> Done:
    """End that, and the sessions of the user."""
    name, issuer, subject = call.options.name, call.options.issuer, call.options.subject
    call.cerberus.sign_on.unlink(call.actor, name, issuer=issuer, external_id=subject)
    text = f"{subject} at {issuer} is nobody here any more, and {name} is signed out everywhere."
    return Done(text, {"name": name, "issuer": issuer, "subject": subject})


def list_identities(call: Call) -> Done:
    """Show the accounts at OpenID providers that sign in as a user."""
    found = call.cerberus.sign_on.identities(call.actor, call.options.name)
    lines = [f"{each.external_id} at {each.issuer}, since {each.created_at:%Y-%m-%d}" for each in found]
    items = [{"issuer": each.issuer, "subject": each.external_id, "since": str(each.created_at)} for each in found]
    return Done("\n".join(lines) or "None.", {"name": call.options.name, "identities": items})
