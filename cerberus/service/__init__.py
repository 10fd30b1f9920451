"""Cerberus' use cases, one module a noun."""

from cerberus.service.access import Access, project_resource
from cerberus.service.actors import SYSTEM, Actor, Origin
from cerberus.service.audit_files import FileFormat, written
from cerberus.service.cerberus import Cerberus
from cerberus.service.effects import Effect
from cerberus.service.projects import Removal
from cerberus.service.reach import Reaching
from cerberus.service.sessions import NewSession, Resumed
from cerberus.service.sign_on import Entered, SignOnInfo
from cerberus.service.tokens import NewToken
from cerberus.sso.options import LocalSignIn
from cerberus.store.records import (
    AccessRequest,
    AuditLine,
    Deed,
    Did,
    Grant,
    Member,
    Person,
    ProjectInfo,
    RequestState,
    RoleInfo,
    Session,
    Token,
    UnderWay,
)

__all__ = [
    "SYSTEM",
    "Access",
    "AccessRequest",
    "Actor",
    "AuditLine",
    "Cerberus",
    "Deed",
    "Did",
    "Effect",
    "Entered",
    "FileFormat",
    "Grant",
    "LocalSignIn",
    "Member",
    "NewSession",
    "NewToken",
    "Origin",
    "Person",
    "ProjectInfo",
    "Reaching",
    "Removal",
    "RequestState",
    "Resumed",
    "RoleInfo",
    "Session",
    "SignOnInfo",
    "Token",
    "UnderWay",
    "project_resource",
    "written",
]
