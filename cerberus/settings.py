"""Cerberus' settings: environment variables, and files for secrets. Every one is described in docs/operations.md."""

import os
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cerberus.errors import Invalid
from cerberus.policy import Scope
from cerberus.sso.options import LocalSignIn, NewUsers, Options, is_safe


def secrets_dir() -> Path | None:
    """
    The directory whose files are secrets, named like the settings in lower case; None where there is none.
    """
    path = Path(os.environ.get("MLSTUDIO_SECRETS_DIR", "/run/secrets"))
    return path if path.is_dir() else None


def with_password(url: str, password: str) -> str:
    """
    `url` with `password` filled in, unless it has one or needs none.
    """
    parsed = urlsplit(url)
    if not password or not parsed.username or parsed.password is not None:
        return url
    user, _, host = parsed.netloc.rpartition("@")
    return urlunsplit(parsed._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


class Settings(BaseSettings):
    """
    What Cerberus needs to run; with nothing set, an embedded database below `.data`.
    """

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    data: Path = Field(default=Path(".data"), validation_alias=AliasChoices("MLSTUDIO_DATA"))
    cerberus_database_url: str = ""
    cerberus_database_password: str = Field(default="", repr=False)
    cerberus_public_url: str = "http://localhost:5000"
    cerberus_metrics_token: str = Field(default="", repr=False)
    cerberus_trusted_proxies: int = Field(default=0, ge=0, le=10)
    cerberus_oidc_issuer: str = ""
    cerberus_oidc_client_id: str = ""
    cerberus_oidc_client_secret: str = Field(default="", repr=False)
    cerberus_oidc_scopes: str = "openid profile email"
    cerberus_oidc_name: str = "single sign-on"
    cerberus_oidc_new_users: NewUsers = NewUsers.REFUSE
    cerberus_oidc_name_claim: str = "preferred_username"
    cerberus_oidc_rules: str = ""
    cerberus_jwt_audience: str = ""
    cerberus_jwt_scopes: str = "read write"
    cerberus_local_sign_in: LocalSignIn = LocalSignIn.EVERYBODY
    cerberus_audit_days: int = Field(default=0, ge=0, le=36_500)

    def __init__(self, **values: object) -> None:
        super().__init__(_secrets_dir=secrets_dir(), **values)  # type: ignore[arg-type]

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("cerberus_oidc_issuer")
    @classmethod
    def _safe(cls, value: str) -> str:
        if value and (not is_safe(value) or "?" in value or len(value) > 255):
            raise ValueError("an issuer is an https address (http on this machine only) without '?' and '#'")
        return value

    @field_validator("cerberus_jwt_scopes")
    @classmethod
    def _scopes(cls, value: str) -> str:
        if not value.split() or not set(value.split()) <= set(Scope):
            raise ValueError(f"name one or more of {', '.join(Scope)}, with spaces between them")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        issuer, client = self.cerberus_oidc_issuer, self.cerberus_oidc_client_id
        if issuer and not (client or self.cerberus_jwt_audience):
            raise ValueError("CERBERUS_OIDC_ISSUER needs CERBERUS_OIDC_CLIENT_ID or CERBERUS_JWT_AUDIENCE")
        if not issuer and (client or self.cerberus_jwt_audience):
            raise ValueError("CERBERUS_OIDC_CLIENT_ID and CERBERUS_JWT_AUDIENCE need CERBERUS_OIDC_ISSUER")
        if client and "openid" not in self.cerberus_oidc_scopes.split():
            raise ValueError("CERBERUS_OIDC_SCOPES must name openid")
        if self.cerberus_local_sign_in is LocalSignIn.ADMINS and not client:
            raise ValueError("CERBERUS_LOCAL_SIGN_IN=admins needs single sign-on: nobody else could sign in")
        return self

    @property
    def single_sign_on(self) -> Options:
        """
        What is set about single sign-on. Holds the client secret: never log it.
        """
        return Options(
            issuer=self.cerberus_oidc_issuer,
            client_id=self.cerberus_oidc_client_id,
            client_secret=self.cerberus_oidc_client_secret,
            scopes=self.cerberus_oidc_scopes,
            name=self.cerberus_oidc_name,
            new_users=self.cerberus_oidc_new_users,
            name_claim=self.cerberus_oidc_name_claim,
            rules=Path(self.cerberus_oidc_rules) if self.cerberus_oidc_rules else None,
            jwt_audience=self.cerberus_jwt_audience,
            jwt_scopes=frozenset(map(Scope, self.cerberus_jwt_scopes.split())),
            local_sign_in=self.cerberus_local_sign_in,
        )

    @property
    def database_url(self) -> str:
        """
        Where Cerberus' database is, password included: never log it.
        """
        url = self.cerberus_database_url or f"sqlite:///{self.data / 'cerberus.db'}"
        return with_password(url, self.cerberus_database_password)


def configured() -> Settings:
    """
    The settings of this process' environment. Invalid, with one sentence that quotes no value, when one is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        why = first["msg"].removeprefix("Value error, ")
        raise Invalid(f"The setting {name} is wrong: {why}." if name else f"{why}.", field=name) from None
