"""Puts the API together."""

from flask import Flask

from cerberus.api import errors, trace
from cerberus.api.checks import checks
from cerberus.api.description import install_description
from cerberus.api.endpoint import EXTENSION, SHOWN, Endpoint
from cerberus.api.health import health
from cerberus.api.me import me
from cerberus.api.members import members
from cerberus.api.parsing import LARGEST_BODY
from cerberus.api.projects import projects
from cerberus.api.sign_in import sign_in
from cerberus.api.tokens import tokens
from cerberus.api.users import users
from cerberus.service import Cerberus
from cerberus.settings import Settings

NOUNS = (health, sign_in, me, tokens, projects, members, checks, users)


def create_app(settings: Settings | None = None, *, cerberus: Cerberus | None = None) -> Flask:
    """
    The API over the database of `settings` (the environment's by default), or over an opened `cerberus`.
    """
    settings = settings or Settings()
    app = Flask("cerberus.api", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = cerberus or Cerberus.open(settings)
    trace.install(app, https=settings.cerberus_public_url.startswith("https:"))
    trace.log_to_stderr()
    errors.install(app)
    for each in NOUNS:
        app.register_blueprint(each.blueprint)
    app.extensions[SHOWN] = {
        rule.rule: endpoint
        for rule in app.url_map.iter_rules()
        if isinstance(endpoint := app.view_functions[rule.endpoint], Endpoint) and endpoint.shows
    }
    install_description(app, server=settings.cerberus_public_url)
    return app
