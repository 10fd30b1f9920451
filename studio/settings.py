"""Where Studio finds its databases, MLflow, and the addresses that people use. Read once, from the environment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cerberus.settings import secrets_dir, with_password


class Settings(BaseSettings):
    """Studio's own settings; those of Cerberus are `cerberus.settings.Settings`."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    data: Path = Field(default=Path(".data"), alias="MLSTUDIO_DATA")
    mlflow_database: str = Field(default="", alias="MLFLOW_DATABASE_URL")
    mlflow_database_password: SecretStr = Field(default=SecretStr(""), alias="MLFLOW_DATABASE_PASSWORD")
    mlflow_url: str = Field(default="http://127.0.0.1:5050", alias="STUDIO_MLFLOW_URL")
    mlflow_public_url: str = Field(default="http://localhost:5050", alias="MLFLOW_PUBLIC_URL")
    cerberus_public_url: str = Field(default="http://localhost:5000", alias="CERBERUS_PUBLIC_URL")
    public_url: str = Field(default="http://localhost:3000", alias="STUDIO_PUBLIC_URL")

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def mlflow_database_url(self) -> str:
        """The address of MLflow's database with its password filled in; SQLite in the data directory by default."""
        if not self.mlflow_database:
            return f"sqlite:///{self.data / 'mlflow.db'}"
        return with_password(self.mlflow_database, self.mlflow_database_password.get_secret_value())

    @property
    def is_https(self) -> bool:
        """Whether people reach Studio over TLS, which makes its cookies Secure."""
        return self.public_url.lower().startswith("https://")


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings(_secrets_dir=secrets_dir())
