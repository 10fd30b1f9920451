"""The commands that ask who may do what."""

from cerberus.cli.call import Call, Commands, Done, Exit
from cerberus.errors import Invalid, NotFound
from cerberus.policy import Kind, Resource, Verb


def add(commands: Commands) -> None:
    """
    The commands about decisions.
    """
    parser = commands.add("check", check)
    parser.add_argument("name")
    parser.add_argument("verb", choices=[verb.value for verb in Verb])
    parser.add_argument("kind", choices=[kind.value for kind in Kind])
    parser.add_argument("project")
    parser.add_argument("id", nargs="?", default="")


def check(call: Call) -> Done:
    """Say whether somebody may do something, and why. Exit code 0 means yes, 1 no."""
    options = call.options
    kind = Kind(options.kind)
    try:
        access = call.cerberus.decisions.access_of_name(options.name)
    except NotFound as error:
        raise Invalid(error.message, field="name", hint=error.hint) from None
    thing = options.id or (options.project if kind is Kind.PROJECT else "*")
    decision = access.check(Verb(options.verb), Resource(options.project, kind, thing))
    rules = [
        f"{item.rule.subject_name}: {item.rule.role or item.rule.level} on {item.rule.kind} "
        f"{item.rule.resource_id}: {item.outcome.value}"
        for item in decision.judged
    ]
    values = {
        "allowed": decision.allowed,
        "visible": decision.visible,
        "reason": decision.reason.name.lower(),
        "detail": decision.reason.value,
        "rules": rules,
    }
    text = "\n  ".join([decision.text, *rules])
    return Done(text, values, Exit.YES if decision.allowed else Exit.NO)
