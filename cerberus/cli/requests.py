"""The commands about requests for access: whoever operates the server can answer them."""

from typing import Any

from cerberus.cli.call import Call, Commands, Done, moment
from cerberus.cli.lists import MOST, table
from cerberus.service import AccessRequest, RequestState


def add(commands: Commands) -> None:
    """
    The commands about requests.
    """
    listed = commands.add("requests", list_requests)
    listed.add_argument("project")
    listed.add_argument("--state", choices=[str(state) for state in RequestState])
    listed.add_argument("--before", type=int, metavar="N", help=f"go on below this one: {MOST} are shown at once")
    for name, command in (("approve-request", approve_request), ("refuse-request", refuse_request)):
        parser = commands.add(name, command)
        parser.add_argument("request", type=int, help="its number in the list of requests")
        parser.add_argument("--answer", default="", metavar="TEXT", help="a remark for the asker")
        if command is approve_request:
            parser.add_argument("--until", type=moment, metavar="DATE", help="when the role ends, e.g. 2030-12-31")


def list_requests(call: Call) -> Done:
    """List who has asked for which role in a project, newest first."""
    options = call.options
    state = None if options.state is None else RequestState(options.state)
    found = call.cerberus.requests.of_project(
        call.actor, options.project, state=state, limit=MOST, before=options.before
    )
    return table([values_of(each) for each in found], ("request", "subject", "role", "state", "asked_at", "reason"))


def approve_request(call: Call) -> Done:
    """Give the role that was asked for."""
    options = call.options
    done = call.cerberus.requests.approve(call.actor, options.request, expires_at=options.until, answer=options.answer)
    return Done(f"{done.subject} is {done.role} in {done.project}.", values_of(done))


def refuse_request(call: Call) -> Done:
    """Say no to a request."""
    done = call.cerberus.requests.refuse(call.actor, call.options.request, answer=call.options.answer)
    return Done(f"Request {done.id} of {done.subject} was refused.", values_of(done))


def values_of(request: AccessRequest) -> dict[str, Any]:
    """
    A request as JSON values.
    """
    return {
        "request": request.id,
        "project": request.project,
        "subject": request.subject,
        "role": request.role,
        "reason": request.reason,
        "state": str(request.state),
        "asked_at": request.asked_at.isoformat(timespec="seconds"),
        "decided_by": request.decided_by,
        "answer": request.answer,
        "until": request.expires_at.isoformat() if request.expires_at else "",
    }
