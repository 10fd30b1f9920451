"""ETags: news is noticed (If-None-Match), and a change that was meant for another state is refused (If-Match)."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from flask import Request, Response

from cerberus.errors import Invalid, Stale

ETAG: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
LIST: Final = rf"^(?:\*|{ETAG}(?: *, *{ETAG})*)$"
IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
LONGEST: Final = 1000
MOVED: Final = "It is no longer as you last saw it."


def etag_of(text: str) -> str:
    """
    The strong ETag of a representation.
    """
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """The ETags that a request names; `any` stands for `*`."""

    tags: frozenset[str]
    any: bool

    def holds_for(self, etag: str) -> bool:
        """
        Whether this very representation is named: a weak ETag names none.
        """
        return self.any or etag in self.tags

    def knows(self, etag: str) -> bool:
        """
        Whether the client has this representation, or one that is as good.
        """
        return self.holds_for(etag) or f"W/{etag}" in self.tags


def condition_of(request: Request, header: str) -> Condition | None:
    """
    What the header demands; None without it, Invalid when it cannot be read.
    """
    sent = request.headers.get(header)
    if sent is None:
        return None
    if len(sent) > LONGEST or not re.match(LIST, sent):
        raise Invalid(f"{header}: must be one or more ETags, or *", field=header)
    return Condition(frozenset(re.findall(ETAG, sent)), sent == "*")


@dataclass(slots=True)
class Precondition:
    """
    A change may be committed only while the thing is what the caller last saw.

    Called inside the change's transaction, at its end: changes happen one after another there, so nobody else can move
    the thing between this look and the commit. What is seen is the state before the change, which is not visible yet.
    """

    condition: Condition
    representation: Callable[[], str]
    looked: bool = field(default=False, init=False)

    def __call__(self, session: object) -> None:  # noqa: ARG002 - the look is another transaction's
        self.looked = True
        if not self.condition.holds_for(etag_of(self.representation())):
            raise stale()


def tagged(response: Response, text: str, request: Request) -> Response:
    """
    The response with the ETag of its text; 304 without the text for a client that has it already.
    """
    etag = etag_of(text)
    known = condition_of(request, IF_NONE_MATCH)
    if known is not None and known.knows(etag):
        response = Response(status=int(HTTPStatus.NOT_MODIFIED))
    response.headers["ETag"] = etag
    return response


def stale() -> Stale:
    """
    The refusal of a change that was meant for another state.
    """
    return Stale(MOVED, hint="Get it again, and decide anew.")


def same_address(shown: Mapping[str, Any], rule: str) -> Any:
    """
    The endpoint that shows what stands at the address of `rule`; Stale where nothing can be seen: it has no ETag.
    """
    if rule not in shown:
        raise Stale("There is no ETag at this address.", hint="Leave If-Match out.")
    return shown[rule]
