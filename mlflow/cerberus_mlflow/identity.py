"""The outermost layer: who asks, for which project, before anything of MLflow sees the request or its body is read."""

import functools
import logging
import re
import uuid

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Authorization

from cerberus.errors import CerberusError, NotFound, NotSignedIn, Throttled
from cerberus.service import Access, Origin
from cerberus_mlflow import credentials, denials, hindsight
from cerberus_mlflow.answers import Headers, Refused, send_refusal
from cerberus_mlflow.closed import NOT_OFFERED, why_closed
from cerberus_mlflow.context import Call, calling, cerberus, require_call
from cerberus_mlflow.default_experiment import ZERO, own_experiment
from cerberus_mlflow.paths import Paths
from cerberus_mlflow.settings import PluginSettings
from cerberus_mlflow.workspaces import no_such_workspace

_logger = logging.getLogger(__name__)

WORKSPACE = b"x-mlflow-workspace"
REQUEST_ID = b"x-request-id"
EXPERIMENT = b"x-mlflow-experiment-id"
GOOD_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
SINGLE = (
    credentials.AUTHORIZATION,
    credentials.GATEWAY_AUTHORIZATION,
    WORKSPACE,
    EXPERIMENT,
    b"x-mlflow-run-id",
    b"content-length",
    b"content-type",
)
# More at once would only wait for the database's connections; Flask's threads are not shared, so that they cannot
# starve this.
THREADS = 16
THREADS_FOR_PASSWORDS = 4
"""Fewer, and their own: comparing a password takes a quarter of a second, and anybody may ask for it."""
LAST_SECONDS = 5.0


def flask_authorization() -> Authorization:
    """
    What MLflow's validators call to learn who asks; named in `auth_config.authorization_function`.
    """
    return Authorization("basic", {"username": require_call().name, "password": ""})


class Identity:
    """
    ASGI middleware: 401 without a valid token, 404 for a project that the caller cannot see, 503 while Cerberus'
    database is away; otherwise the request goes on with its `Call` set and one project named.
    """

    def __init__(self, app: ASGIApp, settings: PluginSettings, paths: Paths) -> None:
        self.app = app
        self.settings = settings
        self.paths = paths
        self.limiters: dict[int, anyio.CapacityLimiter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, _settling(send))
        elif scope["type"] != "http":
            await self.app(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = list(scope["headers"])
        request_id = _request_id(headers)
        send = _with_header(send, REQUEST_ID, request_id)
        if self.paths.is_health(scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            call = await self._call(scope, headers, request_id)
            closed = why_closed(self.paths.without_prefix(scope["path"]))
            if closed is not None:
                raise Refused(404, closed.answer or NOT_OFFERED)
            receive = await self._limited(scope["path"], headers, receive)
            shown_in = self._shown_in(scope["path"], headers)
            if self.paths.is_spans(scope["path"]):
                headers = await self._with_own_experiment(headers, call)
        except Refused as refused:
            await send_refusal(send, refused)
            return
        scope = {**scope, "headers": _for_mlflow(headers, call.project, request_id=request_id, shown_in=shown_in)}
        with calling(call):
            await self.app(scope, receive, denials.hiding(self.paths, scope, send))

    async def _call(self, scope: Scope, headers: Headers, request_id: bytes) -> Call:
        for name in SINGLE:
            if len(credentials.header_values(headers, name)) > 1:
                raise Refused(400, f"The header {name.decode()} is there more than once.")
        client = scope.get("client")
        agent = b"".join(credentials.header_values(headers, b"user-agent"))[:200].decode("latin-1")
        origin = Origin(address=client[0] if client else "", client=agent, request_id=request_id.decode())
        access = await self._authenticate(self._credential(scope["path"], headers), origin)
        wanted = b"".join(credentials.header_values(headers, WORKSPACE)).decode("utf-8", "replace").strip()
        project = choose_project(access, wanted, needed=not self.paths.needs_no_project(scope["path"]))
        return Call(access, project, origin)

    def _shown_in(self, path: str, headers: Headers) -> bytes | None:
        """
        The header that the request's credential stands in; None without one.
        """
        names = [credentials.AUTHORIZATION]
        if self.paths.without_prefix(path).startswith(credentials.GATEWAY_PREFIX):
            names.insert(0, credentials.GATEWAY_AUTHORIZATION)
        return next((name for name in names if any(credentials.header_values(headers, name))), None)

    def _credential(self, path: str, headers: Headers) -> credentials.Credential:
        name = self._shown_in(path, headers)
        if name is None:
            raise Refused(401, f"Sign in with an access token: {self.settings.how_to_get_a_token}")
        value = next(filter(None, credentials.header_values(headers, name)))
        credential = credentials.credential_of(value)
        if credential is None:
            raise Refused(401, f"That is no access token (mls_...): {self.settings.how_to_get_a_token}")
        return credential

    async def _authenticate(self, credential: credentials.Credential, origin: Origin) -> Access:
        try:
            return await self._access(credential, origin)
        except (NotSignedIn, Throttled) as error:
            # Not 429: MLflow's client would wait for minutes without a word, and then say something else.
            why = f"{error.message} {error.hint}" if isinstance(error, Throttled) else error.message
            raise Refused(401, f"{why} {self.settings.how_to_get_a_token}") from None
        except CerberusError as error:
            _logger.warning("cannot tell who asks: %s", error.code)
        except Exception:
            _logger.exception("cannot tell who asks")
        raise Refused(503, "Permissions cannot be checked at the moment, so nothing is allowed. Try again shortly.")

    async def _access(self, credential: credentials.Credential, origin: Origin) -> Access:
        if credential.is_password:
            shown = functools.partial(cerberus().shown_passwords.access, credential.user, credential.secret, origin)
            return await anyio.to_thread.run_sync(shown, limiter=self._limiter(THREADS_FOR_PASSWORDS))
        of_token = cerberus().decisions.access_of_token
        access = await anyio.to_thread.run_sync(of_token, credential.secret, limiter=self._limiter(THREADS))
        if not credential.may_be_of(access.principal.name):
            raise NotSignedIn("The access token is another user's than the one named.")
        return access

    def _limiter(self, threads: int) -> anyio.CapacityLimiter:
        if threads not in self.limiters:  # made where the event loop runs
            self.limiters[threads] = anyio.CapacityLimiter(threads)
        return self.limiters[threads]

    async def _with_own_experiment(self, headers: Headers, call: Call) -> Headers:
        """
        The headers with the project's own experiment where they name experiment 0.
        """
        if (EXPERIMENT, ZERO.encode()) not in ((key.lower(), value.strip()) for key, value in headers):
            return headers
        with calling(call):
            find = functools.partial(own_experiment, call, making=True)
            own = await anyio.to_thread.run_sync(find, limiter=self._limiter(THREADS))
        kept = [(key, value) for key, value in headers if key.lower() != EXPERIMENT]
        return [*kept, (EXPERIMENT, own.encode())] if own else headers

    async def _limited(self, path: str, headers: Headers, receive: Receive) -> Receive:
        is_upload = self.paths.is_upload(path)
        limit = self.settings.body_limit_of(is_upload=is_upload)
        length = b"".join(credentials.header_values(headers, b"content-length"))
        if length and (not length.isdigit() or int(length) > limit):
            raise BodyTooLarge(limit)
        if length or not credentials.header_values(headers, b"transfer-encoding"):
            return receive
        return _counted(receive, limit) if is_upload else await _read_ahead(receive, limit)


class BodyTooLarge(Refused):
    """
    The request's body is larger than the settings allow.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The request's body is larger than the {limit} bytes that this server takes.")


def choose_project(access: Access, wanted: str, *, needed: bool) -> str | None:
    """
    The project to work in: the one named, or the only one there is; None where there is none and none is needed.
    """
    if wanted:
        try:
            return access.project(wanted).slug
        except NotFound:
            if needed:
                raise Refused(404, no_such_workspace(wanted).message) from None
    slugs = [project.slug for project in access.projects]
    if access.principal.project in slugs or len(slugs) == 1:
        return access.principal.project or slugs[0]
    if not needed:
        return None
    if not slugs:
        raise Refused(403, "You are a member of no project yet. Ask a maintainer of one to add you.")
    raise Refused(
        400,
        f"You are a member of several projects ({', '.join(slugs[:5])}{', ...' if len(slugs) > 5 else ''}): say which. "
        "Set MLFLOW_WORKSPACE, call mlflow.set_workspace(...), or use a token that is bound to one project.",
    )


def _counted(receive: Receive, limit: int) -> Receive:
    """
    Breaks a stream of unknown length off at the limit.
    """
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise BodyTooLarge(limit)
        return message

    return counted


async def _read_ahead(receive: Receive, limit: int) -> Receive:
    """
    Reads a body of unknown length, which MLflow would hold in memory anyhow, and hands it out again.
    """
    read: list[Message] = []
    seen = 0
    while not read or read[-1].get("more_body", False):
        read.append(await receive())
        seen += len(read[-1].get("body", b""))
        if seen > limit:
            raise BodyTooLarge(limit)

    async def again() -> Message:
        return read.pop(0) if read else await receive()

    return again


def _for_mlflow(headers: Headers, project: str | None, *, request_id: bytes, shown_in: bytes | None) -> Headers:
    """
    The headers as MLflow gets them: one workspace, our request id, and no credential (a gateway would pass it on).
    None with an underscore in its name: in WSGI `x_mlflow_workspace` and `x-mlflow-workspace` are the same.
    """
    ours = {WORKSPACE, REQUEST_ID, credentials.GATEWAY_AUTHORIZATION, shown_in}
    mlflows = [(key, value) for key, value in headers if key.lower() not in ours and b"_" not in key]
    kept = [(key, value) for key, value in mlflows if not _is_our_token(key, value)]
    return [*kept, (REQUEST_ID, request_id), *([(WORKSPACE, project.encode())] if project else [])]


def _is_our_token(key: bytes, value: bytes) -> bool:
    found = credentials.credential_of(value) if key.lower() == credentials.AUTHORIZATION else None
    return found is not None and found.secret.startswith(credentials.TOKEN_PREFIX)


def _request_id(headers: Headers) -> bytes:
    value = b"".join(credentials.header_values(headers, REQUEST_ID))
    return value if GOOD_REQUEST_ID.fullmatch(value) else uuid.uuid4().hex.encode()


def _settling(send: Send) -> Send:
    """
    Writes what is still to be written before the server says that it has ended.
    """

    async def sending(message: Message) -> None:
        if message["type"].startswith("lifespan.shutdown."):
            await anyio.to_thread.run_sync(hindsight.settle, LAST_SECONDS)
        await send(message)

    return sending


def _with_header(send: Send, name: bytes, value: bytes) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), (name, value)]}
        await send(message)

    return sending
