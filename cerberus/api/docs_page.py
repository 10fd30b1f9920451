"""A page to try the API: Swagger UI from a package of this machine, so that nothing comes from elsewhere.

The token is typed into the page and kept in its memory; it is in no address and gone when the page is.
"""

from functools import cache
from importlib.resources import files
from typing import Final

from flask import Flask, Response
from werkzeug.exceptions import NotFound

ADDRESS: Final = "/api/v1/docs"
PACKAGE: Final = "flask_swagger_ui"
TYPES: Final = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI needs no more: it sets styles by script, not in its markup. Its own pictures are `data:`."""

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Cerberus: try the API</title>
  <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  <link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
  <main id="api"><noscript>This page needs JavaScript. The description itself is openapi.json.</noscript></main>
  <script src="docs/swagger-ui-bundle.js"></script>
  <script src="docs/start.js"></script>
</body>
</html>
"""

START: Final = """"use strict";
// The description names the public address; requests go to wherever this page came from.
const here = new URL("../..", location.href).href.replace(/\\/$/, "");
fetch("openapi.json").then((answer) => answer.json()).then((spec) => {
  spec.servers = [{ url: here }];
  SwaggerUIBundle({
    spec,
    dom_id: "#api",
    deepLinking: false,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
  });
});
"""


@cache
def asset(name: str) -> bytes:
    """
    A file of Swagger UI.
    """
    return files(PACKAGE).joinpath("dist", name).read_bytes()


def page() -> Response:
    response = Response(PAGE, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


def part(name: str) -> Response:
    if name == "start.js":
        return Response(START, content_type="text/javascript; charset=utf-8")
    if name not in TYPES:
        raise NotFound
    response = Response(asset(name), content_type=TYPES[name])
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def install(app: Flask) -> None:
    """
    Serves the page and what it is made of, to everybody: it shows no more than the description.
    """
    app.add_url_rule(ADDRESS, "docs", page, methods=["GET"])
    app.add_url_rule(f"{ADDRESS}/<name>", "docs_part", part, methods=["GET"])
