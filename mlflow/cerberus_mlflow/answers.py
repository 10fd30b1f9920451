"""How the plugin says no: MLflow's own JSON form, so that its client raises an error with our sentence in it."""

import json
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response as ASGIResponse
from starlette.types import Send
from werkzeug.wrappers import Response

Headers = list[tuple[bytes, bytes]]

CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    413: "RESOURCE_EXHAUSTED",
    503: "TEMPORARILY_UNAVAILABLE",
}
NOT_FOUND = "It does not exist, or you may not see it."
EXTRA_HEADERS: dict[int, Headers] = {
    401: [(b"www-authenticate", b'Basic realm="ML Studio: token and an access token, or your name and password"')],
    503: [(b"retry-after", b"5")],
}


class Refused(Exception):
    """
    Ends a request: `status` and a sentence for whoever sent it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = HTTPStatus(status)
        self.message = message

    @property
    def body(self) -> bytes:
        return json.dumps({"error_code": CODES[self.status], "message": self.message}).encode()


async def send_refusal(send: Send, refused: Refused) -> None:
    """
    Answers an ASGI request.
    """
    await send({"type": "http.response.start", "status": int(refused.status), "headers": _headers(refused)})
    await send({"type": "http.response.body", "body": refused.body})


async def refuse_natively(_: Request, refused: Exception) -> ASGIResponse:
    """
    The same as a handler of Starlette's, for what turns out while a body is read. Raises what is no refusal.
    """
    if not isinstance(refused, Refused):
        raise refused
    answer = ASGIResponse(refused.body, status_code=int(refused.status))
    answer.raw_headers = _headers(refused)
    return answer


def _headers(refused: Refused) -> Headers:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(refused.body)).encode()),
        *EXTRA_HEADERS.get(refused.status, []),
    ]


def refusal(refused: Refused) -> Response:
    """
    The same for Flask.
    """
    return Response(refused.body, status=int(refused.status), mimetype="application/json")
