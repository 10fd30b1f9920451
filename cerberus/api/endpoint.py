"""One way to declare an endpoint: who may come in, what it reads, what it answers, what can go wrong.

The OpenAPI description is made from the same declarations that do the work, so it cannot say something else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel

from cerberus.api import parsing, trace
from cerberus.api.auth import Caller, caller_of, origin_of, require_scope
from cerberus.api.models import NoQuery, Query, Request
from cerberus.errors import CerberusError
from cerberus.service import Cerberus, Origin

EXTENSION = "cerberus"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has not shown a credential: all that is known is where the request came from."""

    cerberus: Cerberus
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """
    A view that Flask can call. Nobody gets past it without a credential unless `public`, and nobody changes anything
    with a credential for reading unless it is declared to change nothing (`reads`).
    """

    view: Callable[..., BaseModel | None]
    summary: str
    tag: str
    body: type[Request] | None
    query: type[Query]
    answer: type[BaseModel] | None
    status: HTTPStatus
    raises: tuple[type[CerberusError], ...]
    public: bool
    reads: bool

    def __call__(self, **path: Any) -> Response:
        visitor = self.let_in()
        parsing.check_path(path)
        given: dict[str, BaseModel] = {}
        query = parsing.query_of(request.args, self.query)
        if self.query is not NoQuery:
            given["query"] = query
        if self.body is not None:
            given["body"] = parsing.body_of(request, self.body)
        answer = self.view(visitor, **given, **path)
        if answer is None:
            return Response(status=int(HTTPStatus.NO_CONTENT))
        return Response(answer.model_dump_json(), status=int(self.status), content_type="application/json")

    def let_in(self) -> Visitor | Caller:
        """
        The caller, once the credential is known to be good for this; for a public endpoint just the visitor.
        """
        cerberus: Cerberus = current_app.extensions[EXTENSION]
        if self.public:
            return Visitor(cerberus, origin_of(request))
        caller = caller_of(request, cerberus)
        trace.signed_in_as(caller.access.principal.name)
        if not self.reads:
            require_scope(caller)
        return caller


@dataclass(frozen=True, slots=True)
class Noun:
    """The endpoints about one thing: a blueprint that takes declarations."""

    blueprint: Blueprint
    tag: str

    def route(
        self,
        method: str,
        rule: str,
        *,
        summary: str,
        body: type[Request] | None = None,
        query: type[Query] = NoQuery,
        answer: type[BaseModel] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        raises: tuple[type[CerberusError], ...] = (),
        public: bool = False,
        reads: bool | None = None,
    ) -> Callable[[Callable[..., BaseModel | None]], Callable[..., BaseModel | None]]:
        """
        Declares the decorated function an endpoint; it stays a plain function.
        """

        def declare(view: Callable[..., BaseModel | None]) -> Callable[..., BaseModel | None]:
            only_reads = method == "GET" if reads is None else reads
            endpoint = Endpoint(view, summary, self.tag, body, query, answer, status, raises, public, only_reads)
            self.blueprint.add_url_rule(rule, view.__name__, endpoint, methods=[method])
            return view

        return declare


def noun(name: str, *, prefix: str = "/api/v1") -> Noun:
    """
    A place to declare the endpoints of one noun.
    """
    return Noun(Blueprint(name.replace(" ", "_"), __name__, url_prefix=prefix), name)
