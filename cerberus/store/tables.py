"""Cerberus' tables. Rows go no further than `cerberus.service`, whose callers get `cerberus.store.records`."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, MetaData, String, UniqueConstraint, or_
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cerberus.store.types import UtcDateTime, key, long_text

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


NEVER_REUSED = {"sqlite_autoincrement": True}
"""SQLite would give the id of a deleted row to the next one; whoever still holds that id would mean another thing."""


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can find it on each database."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime()}


class PolicyStateRow(Base):
    """The one row that every change of policy or identity raises, and the newest hash of the audit chain."""

    __tablename__ = "policy_state"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    chain_head: Mapped[str] = mapped_column(key(64))
    chain_start: Mapped[str] = mapped_column(key(64))
    """The hash of the last line that retention removed: the first line that is kept names it as its predecessor."""


class ProjectRow(Base):
    """A project; its slug is the name of the MLflow workspace."""

    __tablename__ = "projects"
    __table_args__ = NEVER_REUSED
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(key(63), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    askable: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None]
    """A deleted project keeps its slug: MLflow's workspace of that name may still hold something."""


class SubjectRow(Base):
    """A user, a group or a service account: whom a rule can name. One name space, so that a name means one thing."""

    __tablename__ = "subjects"
    __table_args__ = (Index("ix_subjects_kind_name", "kind", "name"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(key(20))
    name: Mapped[str] = mapped_column(key(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(key(100))
    disabled: Mapped[bool]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"), index=True)
    created_at: Mapped[datetime]


class PlatformRoleRow(Base):
    """A subject's role over the whole platform."""

    __tablename__ = "platform_roles"
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(key(20), primary_key=True, index=True)
    source: Mapped[str] = mapped_column(key(20), default="")


class MembershipRow(Base):
    """A member of a group; members can be groups. `source` is empty, or `oidc` for one that sign-in put there."""

    __tablename__ = "memberships"
    group_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True, index=True)
    source: Mapped[str] = mapped_column(key(20), default="")


class SubjectWordRow(Base):
    """A word of a subject's name or display name, in lower case: people are found by the beginning of one."""

    __tablename__ = "subject_words"
    word: Mapped[str] = mapped_column(key(64), primary_key=True)
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True, index=True)


class IdentityRow(Base):
    """An account at an OpenID provider that signs in as a user of ours."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "external_id"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(key(255))
    external_id: Mapped[str] = mapped_column(key(255))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class SignOnRow(Base):
    """A sign-in at an OpenID provider that has begun; what comes back must fit it, once."""

    __tablename__ = "sign_ons"
    state_hash: Mapped[str] = mapped_column(key(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(key(64))
    nonce: Mapped[str] = mapped_column(key(64))
    verifier: Mapped[str] = mapped_column(key(128))
    next: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(index=True)


class RoleRow(Base):
    """
    A role of somebody's making. `home` is the slug of the project that it belongs to, empty for every project.

    `levels` is JSON: a level for each kind that the role names, or for `*`.
    """

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("home", "name"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    home: Mapped[str] = mapped_column(key(63))
    name: Mapped[str] = mapped_column(key(64), index=True)
    description: Mapped[str] = mapped_column(String(500))
    levels: Mapped[str] = mapped_column(long_text())
    manages_project: Mapped[bool]
    created_at: Mapped[datetime]


class BindingRow(Base):
    """A subject has a role in a project."""

    __tablename__ = "bindings"
    __table_args__ = (UniqueConstraint("project_id", "subject_id"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(key(64), index=True)
    expires_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500))
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(key(64))


class GrantRow(Base):
    """A subject has a level on one resource (`resource_id` = `*`: on the whole kind) of a project."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("project_id", "kind", "resource_id", "subject_id", "source"),
        Index("ix_grants_subject_id_project_id", "subject_id", "project_id"),
        NEVER_REUSED,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(key(40))
    resource_id: Mapped[str] = mapped_column(key(256))
    level: Mapped[str] = mapped_column(key(10))
    source: Mapped[str] = mapped_column(key(20))
    expires_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500))
    added_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(key(64))


def in_force(row: type[BindingRow] | type[GrantRow], now: datetime) -> ColumnElement[bool]:
    """
    Whether a binding or grant has not come to its end at that moment.
    """
    return or_(row.expires_at.is_(None), row.expires_at > now)


class IntentRow(Base):
    """What MLflow is doing to a thing, until Cerberus has done its share. `mark` tells the thing from its namesakes."""

    __tablename__ = "intents"
    __table_args__ = (Index("ix_intents_project_kind_resource_id", "project", "kind", "resource_id"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    deed: Mapped[str] = mapped_column(key(10))
    project: Mapped[str] = mapped_column(key(63))
    kind: Mapped[str] = mapped_column(key(40))
    resource_id: Mapped[str] = mapped_column(key(256))
    new_id: Mapped[str] = mapped_column(key(256))
    mark: Mapped[str] = mapped_column(key(64))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id"))
    line: Mapped[str] = mapped_column(long_text())
    at: Mapped[datetime] = mapped_column(index=True)


class AccessRequestRow(Base):
    """
    Somebody asks for a role in a project. `open_key` is set while nobody has answered: one open request each.
    """

    __tablename__ = "access_requests"
    __table_args__ = (Index("ix_access_requests_project_id_state", "project_id", "state"), NEVER_REUSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(key(64))
    reason: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(key(20))
    open_key: Mapped[str | None] = mapped_column(key(64), unique=True)
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(key(64))
    answer: Mapped[str] = mapped_column(String(500))
    expires_at: Mapped[datetime | None]


class IdempotencyRow(Base):
    """What a create answered, kept for a day under the key that its client chose: asked again it answers the same."""

    __tablename__ = "idempotency_keys"
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(key(100), primary_key=True)
    request_hash: Mapped[str] = mapped_column(key(64))
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(long_text())
    created_at: Mapped[datetime] = mapped_column(index=True)


class SessionRow(Base):
    """A signed-in browser; the cookie itself is not stored."""

    __tablename__ = "sessions"
    __table_args__ = NEVER_REUSED
    id: Mapped[int] = mapped_column(primary_key=True)
    cookie_hash: Mapped[str] = mapped_column(key(64), unique=True)
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(64))
    client: Mapped[str] = mapped_column(String(200))


class TokenRow(Base):
    """An access token; the secret itself is not stored. With `session_id` it lives as long as that session."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(key(16), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(key(64))
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str] = mapped_column(key(40))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class FailureRow(Base):
    """Failed sign-ins of one account or one address since the start of a window."""

    __tablename__ = "sign_in_failures"
    who: Mapped[str] = mapped_column(key(80), primary_key=True)
    count: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)


SEARCHED = ("who", "on_behalf_of", "action", "target", "project", "outcome", "address", "client")


class AuditRow(Base):
    """What happened. Lines with a hash are chained: each covers the one before."""

    __tablename__ = "audit_lines"
    __table_args__ = (
        *(Index(f"ix_audit_lines_{column}_at", column, "at") for column in SEARCHED),
        NEVER_REUSED,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[str] = mapped_column(key(64))
    on_behalf_of: Mapped[str] = mapped_column(key(64))
    action: Mapped[str] = mapped_column(key(60))
    target: Mapped[str] = mapped_column(key(400))
    project: Mapped[str | None] = mapped_column(key(63))
    before: Mapped[str | None] = mapped_column(long_text())
    after: Mapped[str | None] = mapped_column(long_text())
    outcome: Mapped[str] = mapped_column(key(20))
    address: Mapped[str] = mapped_column(key(64))
    client: Mapped[str] = mapped_column(key(200))
    request_id: Mapped[str] = mapped_column(key(64), index=True)
    previous_hash: Mapped[str | None] = mapped_column(key(64))
    hash: Mapped[str | None] = mapped_column(key(64))
