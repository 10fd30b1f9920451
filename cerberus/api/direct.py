"""A short way for what is asked very often: the same endpoint, without Flask's routing and contexts.

They take nearly as long as all the rest of a check. Taken where the address is spelled plainly and has no query string;
whatever goes wrong on the way is answered by Flask, as everywhere else.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from flask import Flask
from pydantic import BaseModel

from cerberus.api import arriving
from cerberus.api.endpoint import EXTENSION, Endpoint
from cerberus.api.trace import trace_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*(:[0-9]{1,5})?")
"""What Flask's routing refuses no request for."""

OK: Final = f"{HTTPStatus.OK.value} {HTTPStatus.OK.phrase}"


class Direct:
    """
    The app's endpoints that are declared `direct`, in front of the app. TypeError for one that is no question.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._flask: WSGIApplication = app.wsgi_app
        self._cerberus = app.extensions[EXTENSION]
        self._endpoints: dict[str, tuple[str, Endpoint]] = {}
        for rule in app.url_map.iter_rules():
            endpoint = app.view_functions[rule.endpoint]
            if isinstance(endpoint, Endpoint) and endpoint.direct:
                if rule.arguments or not endpoint.is_question:
                    raise TypeError(f"{rule.rule} cannot be answered without Flask's contexts")
                self._endpoints[rule.rule] = (rule.endpoint, endpoint)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        found = self._endpoints.get(path)
        if found is None or environ["REQUEST_METHOD"] != found[1].method or not is_plain(environ, path):
            return self._flask(environ, start_response)
        try:
            text = self._answer(*found, environ)
        except Exception as error:
            with self._app.request_context(environ):
                response = self._app.make_response(self._app.handle_user_exception(error))
                return response(environ, start_response)
        start_response(OK, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def _answer(self, name: str, endpoint: Endpoint, environ: "WSGIEnvironment") -> bytes:
        asked = self._app.request_class(environ)
        trace_of(asked).endpoint = name
        caller = endpoint.let_in(asked, self._cerberus)
        given = endpoint.read(asked)
        arriving.is_over()
        answer = cast(BaseModel, endpoint.view(caller, **given))
        return answer.model_dump_json().encode()


def is_plain(environ: "WSGIEnvironment", path: str) -> bool:
    """
    Whether nothing about the address is left for Flask's routing to refuse.
    """
    host = PLAIN_HOST.fullmatch(environ.get("HTTP_HOST", ""))
    return host is not None and environ.get("RAW_URI") == path and "HTTP_UPGRADE" not in environ
