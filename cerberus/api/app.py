"""Puts the API together."""

import sys
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from cerberus.api import docs_page, errors, metrics, trace
from cerberus.api.audit import audit
from cerberus.api.checks import checks
from cerberus.api.description import install_description
from cerberus.api.direct import Direct
from cerberus.api.endpoint import EXTENSION, SHOWN, Endpoint
from cerberus.api.grants import grants
from cerberus.api.groups import groups
from cerberus.api.health import health
from cerberus.api.me import me
from cerberus.api.members import members
from cerberus.api.parsing import LARGEST_BODY
from cerberus.api.policy import policy
from cerberus.api.projects import projects
from cerberus.api.requests import requests
from cerberus.api.roles import roles
from cerberus.api.service_accounts import service_accounts
from cerberus.api.sign_in import sign_in
from cerberus.api.sign_on import sign_on
from cerberus.api.tokens import tokens
from cerberus.api.users import users
from cerberus.api.what_if import what_if
from cerberus.errors import CerberusError
from cerberus.service import Cerberus
from cerberus.settings import Settings, configured

NOUNS = (
    health,
    sign_in,
    sign_on,
    me,
    tokens,
    projects,
    members,
    roles,
    grants,
    requests,
    checks,
    users,
    groups,
    service_accounts,
    audit,
    what_if,
    policy,
)
GIVE_UP: Final = 4
"""The exit code of a worker at which gunicorn ends instead of starting another one."""


class NoSessions(SessionInterface):
    """There are no cookies here: who calls shows a credential each time."""

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - Flask's signature
        """
        The one that holds nothing and cannot be written to.
        """
        return NO_SESSION


NO_SESSION: Final = NullSession()


class App(Flask):
    """Flask without what this API has no use for: each costs every request something."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """
        No view is a coroutine.
        """
        return func


def create_app(settings: Settings | None = None, *, cerberus: Cerberus | None = None) -> Flask:
    """
    The API over the database of `settings` (the environment's by default), or over an opened `cerberus`.
    """
    try:
        settings = settings or configured()
        cerberus = cerberus or Cerberus.open(settings)
    except CerberusError as error:
        print(f"Cerberus cannot start: {error.message}", file=sys.stderr, flush=True)
        raise SystemExit(GIVE_UP) from None
    app = App("cerberus.api", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = cerberus
    metrics.install(app, cerberus, token=settings.cerberus_metrics_token)
    errors.install(app)
    for each in NOUNS:
        app.register_blueprint(each.blueprint)
    app.extensions[SHOWN] = {
        rule.rule: endpoint
        for rule in app.url_map.iter_rules()
        if isinstance(endpoint := app.view_functions[rule.endpoint], Endpoint) and endpoint.shows
    }
    docs_page.install(app)
    install_description(app, server=settings.cerberus_public_url)
    app.wsgi_app = Direct(app)  # type: ignore[method-assign]
    trace.install(app, https=settings.cerberus_public_url.startswith("https:"), observe=metrics.observe)
    if settings.cerberus_trusted_proxies:
        trusted = settings.cerberus_trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted)  # type: ignore[method-assign]
    return app
