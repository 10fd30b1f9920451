"""What requests and answers are made of. Requests are strict: an unknown field or a wrong type is refused by name."""

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from cerberus.api.parsing import Cursor


class Request(BaseModel):
    """What a client sends. `confidential` says that it may hold something that nobody else may learn."""

    confidential: ClassVar[bool] = False

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Query(BaseModel):
    """The parameters of a query string: text, so types are read from it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Answer(BaseModel):
    """What the server answers, read from the service's values. `confidential` says that it is for the caller only."""

    confidential: ClassVar[bool] = False

    model_config = ConfigDict(extra="forbid", from_attributes=True, json_schema_mode="serialization")  # type: ignore[typeddict-unknown-key]

    @classmethod
    def of(cls, value: object) -> Self:
        """
        The answer that shows `value`.
        """
        return cls.model_validate(value)


class Problem(BaseModel):
    """What went wrong (RFC 9457): `code` for programs, `detail` and `hint` for people, `field` for forms."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    field: str | None = None
    request_id: str


class NoQuery(Query):
    """No parameters at all."""


class Page(Query):
    """Which part of a list: `after` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    after: Cursor | None = None
