"""What a policy file may say: its shape, read strictly, with errors that name the place; and its JSON schema."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from cerberus.errors import Invalid
from cerberus.policy import ANY, RUN_DATA_KINDS, Level, PlatformRole
from cerberus.service import parse
from cerberus.service.letters import spelled

FORMAT: Final = "1"
if TYPE_CHECKING:  # a type checker cannot read the catalogue
    RunDataKind = str
    KindOfRole = str
else:
    RunDataKind = Literal[tuple(map(str, RUN_DATA_KINDS))]
    KindOfRole = Literal[RunDataKind, ANY]


def _as_parsed(read: Callable[[str], str]) -> AfterValidator:
    def check(value: str) -> str:
        try:
            return read(value)
        except Invalid as error:
            raise PydanticCustomError("refused", "{why}", {"why": error.message}) from None

    return AfterValidator(check)


def _one_spelling(value: str) -> str:
    name = parse.user_name(value)
    if name != value:
        raise Invalid(f"write it {name}: a name has one spelling")
    return name


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if len(value) == len("2027-01-01"):
            moment = moment.replace(tzinfo=UTC)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        why = "write a day (2027-01-01) or a moment with its time zone (2027-01-01T12:00:00Z)"
        raise PydanticCustomError("moment", "{why}", {"why": why}) from None


def _empty_as(value: Any) -> Any:
    return {} if value is None else value


Nothing: Final = BeforeValidator(_empty_as)
"""A name with nothing behind it has only defaults."""

SubjectName = Annotated[str, StringConstraints(min_length=1, max_length=64), _as_parsed(_one_spelling)]
Slug = Annotated[str, StringConstraints(min_length=2, max_length=63), _as_parsed(parse.slug)]
ShownName = Annotated[str, StringConstraints(max_length=200), _as_parsed(lambda v: parse.line(v, "it", longest=200))]
Remark = Annotated[str, StringConstraints(max_length=500), _as_parsed(lambda v: parse.text(v, "it", longest=500))]
About = Annotated[str, StringConstraints(max_length=2000), _as_parsed(lambda v: parse.text(v, "it", longest=2000))]
ResourceId = Annotated[str, StringConstraints(min_length=1, max_length=256), _as_parsed(parse.resource_id)]
Until = Annotated[
    datetime | None,
    BeforeValidator(lambda value: None if value is None else _moment(value), json_schema_input_type=str | None),
    Field(description="A day (its beginning, in UTC) or a moment with its time zone; without one it has no end."),
]


class Part(BaseModel):
    """A part of the file: a field that nobody knows is refused by name."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PersonPart(Part):
    """A user. Passwords and accounts for single sign-on are not in the file."""

    display_name: ShownName = ""
    disabled: StrictBool = False
    platform_roles: list[PlatformRole] = []


class GroupPart(Part):
    """A group with its direct members: users, service accounts and groups."""

    display_name: ShownName = ""
    members: list[SubjectName] = []


class RolePart(Part):
    """A custom role: a level for each kind (`*` = every other kind)."""

    description: Remark = ""
    levels: dict[KindOfRole, Level] = {}
    manages_project: StrictBool = False


class AccountPart(Part):
    """A service account."""

    display_name: ShownName = ""
    disabled: StrictBool = False


class MemberPart(Part):
    """A member's role, until when, and why. Just the role's name will do, too."""

    role: str
    until: Until = None
    reason: Remark = ""


class GrantPart(Part):
    """A level on one resource; without an id on every one of the kind."""

    subject: SubjectName
    kind: RunDataKind
    id: ResourceId = ANY
    level: Level
    until: Until = None
    reason: Remark = ""


def _long_form(value: Any) -> Any:
    return {"role": value} if isinstance(value, str) else value


Member = Annotated[MemberPart, BeforeValidator(_long_form, json_schema_input_type=str | MemberPart)]


class ProjectPart(Part):
    """A project. What it leaves out is not there: no members, no grants."""

    name: ShownName = ""
    description: About = ""
    askable: StrictBool = False
    archived: StrictBool = False
    service_accounts: Annotated[dict[SubjectName, Annotated[AccountPart, Nothing]], Nothing] = {}
    roles: Annotated[dict[SubjectName, Annotated[RolePart, Nothing]], Nothing] = {}
    members: Annotated[dict[SubjectName, Member], Nothing] = {}
    grants: list[GrantPart] = []


class PolicyFile(Part):
    """
    The whole policy; with `partial`, only what it names: other people, groups, roles and projects stay as they are.
    """

    version: Annotated[Literal["1"], BeforeValidator(str, json_schema_input_type=Literal[1])] = "1"
    partial: StrictBool = False
    people: Annotated[dict[SubjectName, Annotated[PersonPart, Nothing]], Nothing] = {}
    groups: Annotated[dict[SubjectName, Annotated[GroupPart, Nothing]], Nothing] = {}
    roles: Annotated[dict[SubjectName, Annotated[RolePart, Nothing]], Nothing] = {}
    projects: Annotated[dict[Slug, Annotated[ProjectPart, Nothing]], Nothing] = {}


def parsed(values: dict[str, Any]) -> PolicyFile:
    """
    The file's values, once each of them is right. Invalid names the first place that is not.
    """
    try:
        return PolicyFile.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")
        place = spelled(place)[:300]
        message = "nothing of this name belongs here" if first["type"] == "extra_forbidden" else first["msg"]
        raise Invalid(f"{place or 'The file'}: {message}", field=place or "file") from None


def schema() -> dict[str, Any]:
    """
    The JSON schema of a policy file: editors complete and check with it.
    """
    found = PolicyFile.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Cerberus policy"}
