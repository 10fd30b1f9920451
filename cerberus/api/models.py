"""What is asked and answered about sign-in, tokens, projects, members, checks and users; the rest is with its noun."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from cerberus.api.parsing import Identifier, Line, Moment, Name, Password, Remark, Text
from cerberus.api.shapes import Answer, Page, Query, Request
from cerberus.policy import Kind, PlatformRole, Scope, SubjectKind, Verb


class PeopleQuery(Page):
    """People and groups with a word in name or display name that begins with each word of `text`."""

    text: Line = ""


class Health(Answer):
    """The process answers, or is ready to work."""

    status: str


class SignIn(Request):
    """A name and its password."""

    confidential: ClassVar[bool] = True

    name: Name
    password: Password


class SignedIn(Answer):
    """A token that works until `expires_at`, sign-out, a password change, or until the account is disabled."""

    confidential: ClassVar[bool] = True

    token: str
    expires_at: datetime
    name: str


class PasswordChange(Request):
    """The present password and the new one."""

    confidential: ClassVar[bool] = True

    current: Password
    new: Password


class Membership(Answer):
    """A project and what the caller is there."""

    slug: str
    name: str
    description: str
    archived: bool
    askable: bool
    roles: tuple[str, ...]


class Me(Answer):
    """Who the token belongs to and what it may be used for."""

    name: str
    display_name: str
    kind: SubjectKind
    groups: tuple[str, ...]
    platform_roles: tuple[PlatformRole, ...]
    scopes: tuple[Scope, ...]
    token_project: str | None
    projects: tuple[Membership, ...]


class TokenCreate(Request):
    """A token to be made. `owner` names a service account of a project that the caller manages."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = (Scope.READ, Scope.WRITE)
    project: Name | None = None
    days: Annotated[int, Field(ge=1, le=365)] = 90
    owner: Name | None = None


class TokenShown(Answer):
    """A token without its secret."""

    id: str
    name: str
    owner: str
    scopes: tuple[Scope, ...]
    project: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokenCreated(TokenShown):
    """A new token; `secret` is shown this once."""

    confidential: ClassVar[bool] = True

    secret: str


class TokensQuery(Page):
    """Whose tokens: one's own, or those of a service account that one manages."""

    owner: Name | None = None


class Tokens(Answer):
    """Tokens, newest first."""

    items: tuple[TokenShown, ...]
    next: str | None = None


class ProjectCreate(Request):
    """A project to be made: `slug` is its name in addresses and its MLflow workspace. `maintainer`: you by default."""

    slug: Name
    name: Line = ""
    description: Text = ""
    maintainer: Name | None = None


class ProjectChange(Request):
    """What is to be different about a project. `askable`: anybody may see its name and ask for a role in it."""

    name: Annotated[Line, Field(min_length=1)] | None = None
    description: Text | None = None
    askable: bool | None = None


class ProjectEnd(Query):
    """Which project takes the service accounts of one that is deleted."""

    move_to: Name | None = None


class ProjectShown(Answer):
    """A project. Archived, it can only be read; askable, anybody may ask for a role in it."""

    slug: str
    name: str
    description: str
    archived: bool
    askable: bool


class Projects(Answer):
    """The projects that the caller may see, by name."""

    items: tuple[ProjectShown, ...]
    next: str | None = None


class MemberPut(Request):
    """The role that somebody is to have, until when, and why."""

    role: Name
    expires_at: Moment | None = None
    reason: Remark = ""


class MemberShown(Answer):
    """Who has which role in a project."""

    subject: str
    kind: SubjectKind
    display_name: str
    role: str
    disabled: bool
    expires_at: datetime | None
    reason: str
    added_at: datetime
    added_by: str | None


class Members(Answer):
    """The members of a project."""

    items: tuple[MemberShown, ...]
    next: str | None = None


class Removed(Answer):
    """What was taken away: roles, and grants on single resources."""

    bindings: int
    grants: int


class Check(Request):
    """May the caller do this? Without `id`: to the kind as a whole, e.g. to create one."""

    verb: Verb
    kind: Kind
    project: Identifier
    id: Identifier = "*"


class Checks(Request):
    """Up to 100 questions, answered under one state of the policy."""

    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=100)]


class Checked(Answer):
    """The answer, and why: `reason` for programs, `detail` for people."""

    allowed: bool
    visible: bool
    reason: str
    detail: str


class ManyChecked(Answer):
    """The answers in the order of the questions; `version` is the state of the policy that gave them."""

    items: tuple[Checked, ...]
    version: int


class UserCreate(Request):
    """A person. Without a password one cannot sign in until an admin sets one."""

    confidential: ClassVar[bool] = True

    name: Name
    display_name: Line = ""
    password: Password | None = None
    admin: bool = False


class UserShown(Answer):
    """A person, group or service account; `project` is the one that a service account belongs to."""

    name: str
    kind: SubjectKind
    display_name: str
    disabled: bool
    platform_roles: tuple[PlatformRole, ...]
    project: str | None
    created_at: datetime


class Users(Answer):
    """People by name; `next` is the `after` of the following page."""

    items: tuple[UserShown, ...]
    next: str | None = None


class NewPassword(Answer):
    """A password that was made by chance, shown this once."""

    confidential: ClassVar[bool] = True

    password: str
