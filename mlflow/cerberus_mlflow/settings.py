"""The plugin's own settings; mlflow/server.env lists MLflow's."""

from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024


class PluginSettings(BaseSettings):
    """
    Limits of one request, and the addresses that messages name.
    """

    model_config = SettingsConfigDict(extra="ignore")

    studio_public_url: str = "http://localhost:3000"
    cerberus_public_url: str = "http://localhost:5000"
    cerberus_mlflow_body_limit: int = 32 * MEBIBYTE
    cerberus_mlflow_upload_limit: int = 100 * 1024 * MEBIBYTE

    @property
    def how_to_get_a_token(self) -> str:
        return (
            f"Make one on the account page of {self.studio_public_url}, then set MLFLOW_TRACKING_TOKEN to it, "
            "or give it as the password of basic authentication."
        )

    def body_limit_of(self, *, is_upload: bool) -> int:
        """
        Bytes that a request may carry. Artifacts are streamed to the store, anything else is held in memory.
        """
        return self.cerberus_mlflow_upload_limit if is_upload else self.cerberus_mlflow_body_limit
