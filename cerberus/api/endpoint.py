"""One way to declare an endpoint: who may come in, what it reads, what it answers, what can go wrong.

The OpenAPI description is made from the same declarations that do the work, so it cannot say something else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Required, TypedDict, Unpack

from flask import Blueprint, Response, current_app, request
from flask import Request as FlaskRequest
from pydantic import BaseModel

from cerberus.api import arriving, etags, idempotency, pages, parsing
from cerberus.api.auth import Caller, caller_of, require_scope
from cerberus.api.parsing import LARGEST_BODY
from cerberus.api.shapes import NoQuery, Page, Query, Request
from cerberus.api.trace import Trace, trace_of
from cerberus.errors import CerberusError, Invalid
from cerberus.service import Cerberus, Origin

EXTENSION: Final = "cerberus"
SHOWN: Final = "cerberus.shown"
"""Where the app keeps what shows the thing at each address, by the address' rule."""

UNCONDITIONAL: Final = "If-Match: there is no ETag at this address"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has not shown a credential: all that is known is where the request came from."""

    cerberus: Cerberus
    trace: Trace

    @property
    def origin(self) -> Origin:
        """
        Where the request comes from, for the audit.
        """
        return self.trace.origin


@dataclass(frozen=True, slots=True)
class Document:
    """An answer that is no JSON: one of the media types that its endpoint `produces`."""

    content: str | Iterable[str]
    media_type: str
    file_name: str = ""


Answered = BaseModel | Document | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Endpoint:
    """
    A view that Flask can call. Nobody gets past it without a credential unless `public`, and nobody changes anything
    with a credential for reading unless it is declared to change nothing (`reads`).
    """

    view: Callable[..., Answered]
    method: str
    summary: str
    tag: str
    body: type[Request] | None = None
    query: type[Query] = NoQuery
    answer: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    raises: tuple[type[CerberusError], ...] = ()
    public: bool = False
    reads: bool
    body_limit: int = LARGEST_BODY
    produces: tuple[str, ...] = ()
    direct: bool = False

    @property
    def listing(self) -> bool:
        """
        Whether it answers a page of a list.
        """
        return issubclass(self.query, Page)

    @property
    def once(self) -> bool:
        """
        Whether an `Idempotency-Key` makes it happen once: every change by POST.
        """
        return self.method == "POST" and not self.reads and not self.public

    @property
    def shows(self) -> bool:
        """
        Whether its answer has an ETag: one thing that one sees by GET with a credential.
        """
        return self.method == "GET" and not self.public and self.answer is not None and not self.listing

    @property
    def is_question(self) -> bool:
        """
        Whether it changes nothing, all that it asks for is a credential and a body, and its answer is JSON.
        """
        asks = self.method == "POST" and self.reads and not self.public and self.query is NoQuery
        return asks and self.body is not None and self.answer is not None and self.status is HTTPStatus.OK

    @property
    def conditional(self) -> bool:
        """
        Whether it can be made to depend on an ETag: a change of what stands at the address itself.
        """
        return self.method in ("PUT", "PATCH", "DELETE")

    @property
    def confidential(self) -> bool:
        """
        Whether the request or the answer holds what nobody else may learn.
        """
        return any(getattr(model, "confidential", False) for model in (self.body, self.answer))

    def __call__(self, **path: Any) -> Response:
        asked: FlaskRequest = request._get_current_object()  # type: ignore[attr-defined] # each look at the proxy costs
        visitor = self.let_in(asked, current_app.extensions[EXTENSION])
        parsing.check_path(path)
        given = path | self.read(asked)
        arriving.is_over()
        if self.listing:
            return self.page(visitor, given, path)
        if self.reads or self.public:
            return self.respond(visitor, given)
        return self.change(visitor, given, path)

    def read(self, asked: FlaskRequest) -> dict[str, Any]:
        """
        The query and the body, where the view takes them.
        """
        given: dict[str, Any] = {}
        if self.query is not NoQuery:
            given["query"] = parsing.query_of(asked.args, self.query)
        elif asked.environ.get("QUERY_STRING"):
            parsing.query_of(asked.args, self.query)
        if self.body is not None:
            asked.max_content_length = self.body_limit
            given["body"] = parsing.body_of(asked, self.body, limit=self.body_limit)
        return given

    def let_in(self, asked: FlaskRequest, cerberus: Cerberus) -> Visitor | Caller:
        """
        The caller, once the credential is known to be good for this; for a public endpoint just the visitor.
        """
        if self.public:
            return Visitor(cerberus, trace_of(asked))
        caller = caller_of(asked, cerberus)
        caller.trace.who = caller.access.principal.name
        if not self.reads:
            require_scope(caller)
        return caller

    def respond(self, visitor: Visitor | Caller, given: dict[str, Any]) -> Response:
        """
        What the view answers, as HTTP has it.
        """
        return self.as_response(self.view(visitor, **given))

    def as_response(self, answer: Answered) -> Response:
        """
        An answer with its status and its headers.
        """
        if answer is None:
            return Response(status=int(HTTPStatus.NO_CONTENT))
        if isinstance(answer, Document):
            return document(answer, int(self.status))
        text = answer.model_dump_json()
        response = Response(text, status=int(self.status), content_type="application/json")
        return etags.tagged(response, text, request) if self.shows else response

    def page(self, visitor: Visitor | Caller, given: dict[str, Any], path: dict[str, Any]) -> Response:
        """
        The same for a list: the view sees and answers plain positions, the client sees cursors.
        """
        query = given["query"]
        who = visitor.access.principal.id if isinstance(visitor, Caller) else 0
        question = pages.question_of(self.view.__name__, who=who, path=path, query=query)
        key = visitor.cerberus.signing_key
        if query.after is not None:
            given["query"] = query.model_copy(update={"after": pages.opened(key, question, query.after)})
        answer = self.view(visitor, **given)
        if isinstance(answer, BaseModel) and (position := getattr(answer, "next", None)) is not None:
            answer = answer.model_copy(update={"next": pages.sealed(key, question, str(position))})
        return self.as_response(answer)

    def change(self, visitor: Visitor | Caller, given: dict[str, Any], path: dict[str, Any]) -> Response:
        """
        The same for a change, which can be asked to happen once, or only while its thing is as the caller saw it.
        """
        if not isinstance(visitor, Caller):
            return self.respond(visitor, given)
        condition = etags.condition_of(request, etags.IF_MATCH)
        if condition is not None and not self.conditional:
            raise Invalid(UNCONDITIONAL, field=etags.IF_MATCH)
        if condition is not None:
            return self.if_unchanged(visitor, given, condition, path)
        key = idempotency.key_of(request) if self.once else None
        if key is None:
            return self.respond(visitor, given)
        body = given["body"].model_dump_json() if self.body else ""
        return idempotency.once(
            visitor,
            key,
            asked=f"{request.method} {request.full_path} {body}",
            status=int(HTTPStatus.NO_CONTENT if self.answer is None else self.status),
            confidential=self.confidential,
            do=lambda caller: self.respond(caller, given),
        )

    def if_unchanged(
        self, caller: Caller, given: dict[str, Any], condition: etags.Condition, path: dict[str, Any]
    ) -> Response:
        """
        The same, committed only while the thing is in a state that the condition names.
        """
        rule = request.url_rule.rule if request.url_rule else ""
        shown: Endpoint = etags.same_address(current_app.extensions[SHOWN], rule)

        def representation() -> str:
            now = caller_of(request, caller.cerberus)  # with what is in force now, not when this request began
            asked = {} if shown.query is NoQuery else {"query": shown.query()}
            answer = shown.view(now, **asked, **path)
            return answer.model_dump_json() if isinstance(answer, BaseModel) else ""

        precondition = etags.Precondition(condition, representation)
        response = self.respond(replace(caller, before_commit=precondition), given)
        if not precondition.looked:
            raise RuntimeError(f"{self.view.__name__} changed something without asking whether it may")
        return response


def document(answer: Document, status: int) -> Response:
    """
    A document as a file to be saved.
    """
    response = Response(answer.content, status=status, content_type=f"{answer.media_type}; charset=utf-8")
    if answer.file_name:
        response.headers["Content-Disposition"] = f'attachment; filename="{answer.file_name}"'
    return response


class Declared(TypedDict, total=False):
    """
    What is declared of an endpoint beside its address. A query that is a `Page` makes it a list: the view reads a plain
    position in `query.after` and answers one in `next`. It `reads` when its method is GET, unless declared otherwise.
    `body_limit` is the largest body in bytes. `produces` names the media types of answers that are no JSON: the view
    answers them as a `Document`. What is asked very often can be answered `direct`ly, without Flask's contexts
    (`cerberus.api.direct` says which endpoints can be, and what that spares).
    """

    summary: Required[str]
    body: type[Request] | None
    query: type[Query]
    answer: type[BaseModel] | None
    status: HTTPStatus
    raises: tuple[type[CerberusError], ...]
    public: bool
    reads: bool
    body_limit: int
    produces: tuple[str, ...]
    direct: bool


@dataclass(frozen=True, slots=True)
class Noun:
    """The endpoints about one thing: a blueprint that takes declarations."""

    blueprint: Blueprint
    tag: str

    def route(
        self, method: str, rule: str, **declared: Unpack[Declared]
    ) -> Callable[[Callable[..., Answered]], Callable[..., Answered]]:
        """
        Declares the decorated function an endpoint; it stays a plain function.
        """
        declared.setdefault("reads", method == "GET")

        def declare(view: Callable[..., Answered]) -> Callable[..., Answered]:
            endpoint = Endpoint(view=view, method=method, tag=self.tag, **declared)
            self.blueprint.add_url_rule(rule, view.__name__, endpoint, methods=[method])
            return view

        return declare


def noun(name: str, *, prefix: str = "/api/v1") -> Noun:
    """
    A place to declare the endpoints of one noun.
    """
    return Noun(Blueprint(name.replace(" ", "_"), __name__, url_prefix=prefix), name)
