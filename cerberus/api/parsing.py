"""Reads bodies and query strings strictly: what is odd is refused, with the name of the field."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NoReturn, TypeVar

from flask import Request
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from cerberus.errors import Invalid, NotFound
from cerberus.service.letters import controls, hides, hides_in_lines, spelled

LARGEST_BODY: Final = 64 * 1024
LONGEST_LINE: Final = 200
LONGEST_NAME: Final = 256
SURROGATE: Final = rb"\ud"
"""How the escape of half a character begins in JSON, in lower case."""

NOT_WHOLE: Final = "The body did not arrive whole."

Model = TypeVar("Model", bound=BaseModel)


def only_visible(text: str) -> str:
    """
    `text`, unless it holds something that one cannot see.
    """
    if hides(text):
        raise PydanticCustomError("invisible", "must not contain invisible characters or direction marks")
    return text


def only_visible_lines(text: str) -> str:
    """
    The same for a text of several lines.
    """
    if hides_in_lines(text):
        raise PydanticCustomError("invisible", "must not contain invisible characters or direction marks")
    return text


def no_controls(text: str) -> str:
    """
    `text`, unless it holds control characters.
    """
    if controls(text):
        raise PydanticCustomError("control", "must not contain control characters")
    return text


def spelled_out(text: object) -> object:
    """
    `text`, unless it is a number, in quotes or not, which some take for seconds since 1970.
    """
    if not isinstance(text, str) or "-" not in text[1:]:
        raise PydanticCustomError("moment", "must be a moment like 2026-11-22T12:00:00Z")
    return text


def in_utc(moment: datetime) -> datetime:
    """
    The moment in UTC, unless it is in no year there.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("moment", "must lie in the years 1 to 9999, in UTC") from None


Line = Annotated[str, StringConstraints(max_length=LONGEST_LINE), AfterValidator(only_visible)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(only_visible)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME), AfterValidator(no_controls)]
Text = Annotated[str, StringConstraints(max_length=2000), AfterValidator(only_visible_lines)]
Remark = Annotated[str, StringConstraints(max_length=500), AfterValidator(only_visible_lines)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[A-Za-z0-9_-]+$")]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(spelled_out), AfterValidator(in_utc)]
"""Strictly read, what stands in JSON as text would be no moment once `spelled_out` has looked at it."""

Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


def printable(name: object) -> str:
    """
    A part of a field's path as text that any log or terminal takes.
    """
    return spelled(str(name))[:100]


def refuse(error: ValidationError) -> NoReturn:
    """
    Raises Invalid for the first thing wrong. The value itself is not repeated: it may be a password.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(printable(part) for part in first["loc"])
    message = "is not a field of this request" if first["type"] == "extra_forbidden" else first["msg"]
    raise Invalid(f"{field}: {message}" if field else message, field=field) from None


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """
    A JSON object, refused when it names one thing twice: readers differ in which of the two they take.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("The body names one field twice.")
    return found


def no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


STRICT: Final = json.JSONDecoder(object_pairs_hook=once_each, parse_constant=no_constant)


def unpaired(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """
    The paths of all strings in a JSON value that no UTF-8 text can hold.
    """
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unpaired(item, (*path, str(index)))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from unpaired(key, (*path, printable(key)))
            yield from unpaired(item, (*path, printable(key)))


def require_json(request: Request) -> None:
    """
    415 unless the request says that its body is JSON as it is.
    """
    environ = request.environ
    if environ.get("CONTENT_TYPE") == "application/json" and "HTTP_CONTENT_ENCODING" not in environ:
        return  # what nearly every client says
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be JSON.")
    if request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("JSON is UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")


LONGEST_NUMBER = 19
"""Digits that any number of bytes has fewer of."""


def length_of(request: Request) -> int | None:
    """
    How long the body is said to be; None where that is not said, as with chunks.
    """
    sent = request.environ.get("CONTENT_LENGTH", "")
    is_number = len(sent) < LONGEST_NUMBER and sent.isascii() and sent.isdecimal()
    if is_number and "HTTP_TRANSFER_ENCODING" not in request.environ:
        return int(sent)
    return request.content_length  # every other case, which takes Flask longer to tell


def bytes_of(request: Request, limit: int) -> bytes:
    """
    The body as it came; 413 when it is larger. 400 when the server cannot make sense of how it was sent: chunks that
    are none, a broken end.
    """
    length = length_of(request)
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    try:
        raw = request.get_data(cache=False) if length is None else request.input_stream.read(length)
    except HTTPException:
        raise
    except Exception:  # whatever the server in use raises for a malformed transfer
        raise BadRequest(NOT_WHOLE) from None
    if length is None and len(raw) >= limit:  # sent in chunks: what is too much is cut off
        raise RequestEntityTooLarge
    if length is not None and len(raw) < length:
        raise BadRequest(NOT_WHOLE)
    return raw


def body_of(request: Request, model: type[Model], *, limit: int = LARGEST_BODY) -> Model:
    """
    The body as `model`. 415 when it is not sent as JSON, 400 when it is none, 422 naming the field otherwise.
    """
    require_json(request)
    raw = bytes_of(request, limit)
    try:
        value = STRICT.decode(raw.decode("utf-8"))
        # What is UTF-8 holds none unless it is written as an escape.
        broken = next(unpaired(value), None) if SURROGATE in raw.lower() else None
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.", field="")
    if broken is not None:
        field = ".".join(broken)
        raise Invalid(f"{field}: must be valid Unicode text", field=field)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        refuse(error)


def query_of(arguments: MultiDict[str, str], model: type[Model]) -> Model:
    """
    The query string as `model`; 422 names a parameter that is unknown, given twice or wrong.
    """
    for name, values in arguments.lists():
        if len(values) > 1:
            raise Invalid(f"{printable(name)}: given more than once", field=printable(name))
    try:
        return model.model_validate_strings(arguments.to_dict())
    except ValidationError as error:
        refuse(error)


def check_path(arguments: dict[str, Any]) -> None:
    """
    Raises NotFound when a part of the path is a name that nothing can have.
    """
    for value in arguments.values():
        text = str(value)
        if len(text) > LONGEST_NAME or hides(text):
            raise NotFound("There is nothing of this name.")


def number_of(text: str) -> int:
    """
    The number that a part of an address or a cursor is; NotFound for anything else.
    """
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise NotFound("There is nothing of this number.")
    return int(text)
