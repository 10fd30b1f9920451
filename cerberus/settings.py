"""Cerberus' settings: environment variables, and files for secrets. Every one is described in docs/operations.md."""

import os
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


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

    def __init__(self, **values: object) -> None:
        super().__init__(_secrets_dir=secrets_dir(), **values)  # type: ignore[arg-type]

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def database_url(self) -> str:
        """
        Where Cerberus' database is, password included: never log it.
        """
        url = self.cerberus_database_url or f"sqlite:///{self.data / 'cerberus.db'}"
        return with_password(url, self.cerberus_database_password)
