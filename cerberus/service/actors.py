"""Who calls a use case, and from where."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from cerberus.policy import Decision, Principal
from cerberus.service.access import SYSTEM_PRINCIPAL
from cerberus.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from, for the audit."""

    address: str = ""
    client: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who changes something, and from where. The use case looks up afresh what they may do.

    `before_commit` is called at the end of each change's transaction: when it raises, nothing is changed.
    """

    principal: Principal
    origin: Origin = field(default_factory=Origin)
    before_commit: Callable[[Transaction], None] | None = field(default=None, repr=False, compare=False)
    on_behalf_of: str = ""
    """Who had the principal do it, where that is somebody else: the operator at the command line, for `system`."""


SYSTEM = Actor(SYSTEM_PRINCIPAL)
"""The command line on the server: whoever can run it can edit the database anyway."""


def line_of_origin(actor: Actor) -> dict[str, Any]:
    """
    The part of an audit line that says who and from where.
    """
    return {"who": actor.principal.name, "on_behalf_of": actor.on_behalf_of, **asdict(actor.origin)}


def line_of_failed_sign_in(who: str, origin: Origin) -> dict[str, Any]:
    """
    The audit line of a sign-in that was refused; `who` is `?` where that is not known.
    """
    return {"who": who, "action": "session.begin", "target": "session", "outcome": "denied", **asdict(origin)}


def line_of_denial(actor: Actor, decision: Decision) -> dict[str, Any]:
    """
    The audit line of a decision that said no.
    """
    resource = decision.resource
    return {
        **line_of_origin(actor),
        "action": f"{resource.kind}.{decision.verb}",
        "target": f"{resource.kind}:{resource.id}",
        "project": resource.project,
        "outcome": "denied",
        "after": {"reason": decision.reason},
    }
