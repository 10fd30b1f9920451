"""The service as its users hold it: one object a process, one attribute a noun."""

import hashlib
from collections.abc import Callable
from typing import Protocol

from cerberus.service.adoption import Adoption
from cerberus.service.again import run_again
from cerberus.service.audit import Audit
from cerberus.service.bearers import Bearers
from cerberus.service.context import Context
from cerberus.service.decisions import Decisions
from cerberus.service.deeds import Deeds
from cerberus.service.grants import Grants
from cerberus.service.groups import Groups
from cerberus.service.idempotency import Idempotency
from cerberus.service.people import People
from cerberus.service.policies import Policies
from cerberus.service.projects import Projects
from cerberus.service.proofs import Proofs
from cerberus.service.questions import Questions
from cerberus.service.requests import Requests
from cerberus.service.roles import Roles
from cerberus.service.service_accounts import ServiceAccounts
from cerberus.service.sessions import Sessions
from cerberus.service.shown_passwords import ShownPasswords
from cerberus.service.sign_on import SignOn
from cerberus.service.tokens import Tokens
from cerberus.service.what_if import WhatIf
from cerberus.sso.options import Options
from cerberus.sso.provider import Provider
from cerberus.store import schema
from cerberus.store.database import Database

PASSWORD_ROUNDS = 12
NO_SIGN_ON = Options()


class HasDatabaseUrl(Protocol):
    """What `Cerberus.open` needs of the settings."""

    @property
    def database_url(self) -> str:
        """Where the database is, password included."""
        ...

    @property
    def single_sign_on(self) -> Options:
        """What is set about single sign-on."""
        ...


class Cerberus:
    """
    Users, groups, projects, roles, grants, tokens, sessions, decisions and audit of one database. Thread-safe.
    """

    def __init__(
        self, database_url: str, *, password_rounds: int = PASSWORD_ROUNDS, single_sign_on: Options = NO_SIGN_ON
    ) -> None:
        """
        Args:
            database_url: `sqlite:///...` or `mysql+pymysql://...`, password included.
            password_rounds: bcrypt's cost: 2 to that power; lower it in tests only.
            single_sign_on: The OpenID provider, if there is one, and who may sign in without it.

        Connects at the first use. Invalid for a database of another kind, and for rules of single sign-on that are
        not understood.
        """
        self._database = Database(database_url)
        context = self._context = Context(self._database, password_rounds=password_rounds)
        provider = Provider(single_sign_on)
        self.decisions = Decisions(context, Bearers(context, single_sign_on, provider))
        proofs = Proofs(context, single_sign_on.local_sign_in)
        self.sessions = Sessions(context, proofs)
        self.shown_passwords = ShownPasswords(context, proofs)
        self.sign_on = SignOn(context, single_sign_on, provider)
        self.people = People(context, proofs)
        self.groups = Groups(context)
        self.service_accounts = ServiceAccounts(context)
        self.projects = Projects(context)
        self.roles = Roles(context)
        self.grants = Grants(context)
        self.deeds = Deeds(context)
        self.requests = Requests(context)
        self.tokens = Tokens(context)
        self.questions = Questions(context)
        self.audit = Audit(context)
        self.what_if = WhatIf(context, self)
        self.policies = Policies(context)
        self.idempotency = Idempotency(context)
        self.adoption = Adoption(context)

        for noun in [value for name, value in vars(self).items() if not name.startswith("_")]:
            run_again(noun)

    @classmethod
    def open(cls, settings: HasDatabaseUrl) -> "Cerberus":
        """
        The service on the configured database.
        """
        return cls(settings.database_url, single_sign_on=settings.single_sign_on)

    @property
    def signing_key(self) -> bytes:
        """
        Known to every process on this database and to no client: for what clients are to carry back unchanged.
        """
        return hashlib.sha256(f"signing {self._database.url}".encode()).digest()

    def count_drops(self, count: Callable[[], None]) -> None:
        """
        Calls `count` whenever something that was put off (denials, looks, last uses) is lost.
        """
        self._context.when_dropped = count

    def close(self) -> None:
        """
        Finishes pending audit lines and closes the connections.
        """
        self._context.close()

    def settle(self) -> None:
        """
        Waits until what was put off (denials, last uses) is written.
        """
        self._context.settle()

    def version(self) -> int:
        """
        The policy version now. `Unavailable` when the database is away.
        """
        return self._database.version()

    def ready(self) -> None:
        """
        `Unavailable` unless the database can be asked and has the schema that this version knows.
        """
        schema.check(self._database)

    def migrate(self) -> None:
        """
        Creates or upgrades the tables. `Unavailable` for a database of a newer version.
        """
        schema.migrate(self._database)
