"""Try a change without making it. Every row of the service's table can be tried; the bodies are made from it."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import Field, RootModel, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from cerberus.api.auth import Caller
from cerberus.api.effects import Effects
from cerberus.api.endpoint import noun
from cerberus.api.parsing import Identifier, Moment, Name, Remark, Text
from cerberus.api.shapes import Answer, Request
from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.policy import AnyKind, Kind, Level, PlatformRole
from cerberus.service.what_if import TRIALS, Trial

what_if = noun("what-if")

Number = Annotated[int, Field(ge=1, le=10**18)]
FIELDS: Final[dict[str, Any]] = {
    "answer": Remark,
    "description": Text,
    "expires_at": Moment,
    "grant_id": Number,
    "group": Name,
    "hand_over_to": Name,
    "id": Identifier,
    "kind": Kind,
    "level": Level,
    "levels": dict[AnyKind, Level],
    "manages_project": bool,
    "member": Name,
    "move_to": Name,
    "name": Name,
    "owner": Name,
    "platform_role": PlatformRole,
    "project": Name,
    "reason": Remark,
    "request_id": Number,
    "role": Name,
    "subject": Name,
}


def body_for(change: str, trial: Trial) -> type[Request]:
    """
    The body that tries this change: exactly its fields.
    """
    fields: dict[str, Any] = {"change": (Literal[change], ...)}
    fields |= {name: (FIELDS[name], ...) for name in trial.required}
    fields |= {name: (FIELDS[name] | None, None) for name in trial.optional}
    name = "".join(part.title() for part in change.replace(".", "_").split("_"))
    made: type[Request] = create_model(f"Try{name}", __base__=Request, __doc__=f"Tries `{change}`.", **fields)
    return made


BODIES: Final = {change: body_for(change, trial) for change, trial in TRIALS.items()}
AnyBody: Any = Annotated[reduce(or_, BODIES.values()), Field(discriminator="change")]


class Tried(RootModel[AnyBody]):
    """The change that is to be tried, with the fields that the change itself has."""

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """
        The body; what is wrong is named as the fields of the change are, without the name of the change before it.
        """
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            raise ValidationError.from_exception_data(cls.__name__, [_renamed(each) for each in found]) from None


def _renamed(error: Any) -> InitErrorDetails:
    place = tuple(part for part in error["loc"] if part not in BODIES) or ("change",)
    why = error["msg"] if not error["type"].startswith("union_tag") else f"must be one of {', '.join(BODIES)}"
    kind = PydanticCustomError(error["type"], "{why}", {"why": why})
    return InitErrorDetails(type=kind, loc=place, input=None)


class Rehearsed(Answer):
    """
    What the change would do: whether it changes anything, and who gains and who loses what by it (null: it concerns
    too many to say).
    """

    change: str
    changes: bool
    effects: Effects | None


@what_if.route(
    "POST",
    "/what-if",
    summary="Say what a change would do, without making it",
    body=cast(type[Request], Tried),  # pydantic's root models cannot have our base
    answer=Rehearsed,
    raises=(NotFound, Forbidden, Conflict),
    reads=True,
)
def try_change(caller: Caller, body: Tried) -> Rehearsed:
    wanted: Any = body.root
    values = {name: getattr(wanted, name) for name in wanted.model_fields_set - {"change"}}
    found = caller.cerberus.what_if.rehearse(caller.actor, wanted.change, values)
    effects = None if found.effects is None else Effects.shown(found.effects)
    return Rehearsed(change=found.change, changes=found.changes, effects=effects)
