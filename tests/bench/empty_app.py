"""An application that does nothing: what the API's throughput is compared with."""

from flask import Flask, Response


def create_app() -> Flask:
    """
    One route that answers nothing much.
    """
    app = Flask("empty")
    app.add_url_rule(
        "/api/v1/check", "check", lambda: Response("{}", content_type="application/json"), methods=["POST"]
    )
    return app
