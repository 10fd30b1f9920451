"""MLflow's own request messages, found by route, and what a JSON body says in their terms."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from mlflow.protos.mlflow_artifacts_pb2 import MlflowArtifactsService
from mlflow.protos.model_registry_pb2 import ModelRegistryService
from mlflow.protos.service_pb2 import MlflowService, SearchDatasets
from mlflow.protos.webhooks_pb2 import WebhookService
from mlflow.server.auth.routes import SEARCH_DATASETS

from cerberus_mlflow.answers import Refused
from cerberus_mlflow.host import handlers

SERVICES = (MlflowService, ModelRegistryService, MlflowArtifactsService, WebhookService)
Messages = dict[tuple[str, str], Any]
LONGEST_NAME = 100
VALUES = frozenset({"Metric", "Param", "LogMetric", "LogParam", "LoggedModelParameter"})
"""Messages with a key that are no tags."""


def messages_by_route() -> Messages:
    """
    The message class that the handler of each (rule, method) parses.
    """
    found: Messages = {(SEARCH_DATASETS, "POST"): SearchDatasets}
    for service in SERVICES:
        for rule, message, methods in handlers.get_service_endpoints(service, lambda message: message):
            found.update({(rule, method): message for method in methods})
    return found


def parse_json(raw: bytes) -> Any:
    """
    The body, decoded once more if it is JSON in a JSON string, as old clients send it and MLflow accepts it.
    """
    try:
        value = json.loads(raw, object_pairs_hook=_once)
        return json.loads(value, object_pairs_hook=_once) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise Refused(400, "The request's body is not valid JSON.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(400, f"The request's body names {twice!r} twice.")
    return found


def field_of(descriptor: Descriptor, key: str) -> FieldDescriptor | None:
    """
    The field that MLflow's JSON parser takes a key for: by its name, or by the same in camelCase.
    """
    return None if len(key) > LONGEST_NAME else _field_of(descriptor, key)  # a cache holds what clients send


@lru_cache(4096)
def _field_of(descriptor: Descriptor, key: str) -> FieldDescriptor | None:
    by_name: FieldDescriptor | None = descriptor.fields_by_name.get(key)
    return (
        by_name
        or descriptor.fields_by_camelcase_name.get(key)
        or next((field for field in descriptor.fields if field.json_name == key), None)
    )


@lru_cache(1024)
def plain_names(descriptor: Descriptor) -> frozenset[str]:
    """
    The fields' own names. A body with no other keys cannot spell one field in two ways.
    """
    return frozenset(descriptor.fields_by_name)


@lru_cache(1024)
def inner_messages(descriptor: Descriptor) -> dict[str, Descriptor]:
    """
    The message of each field that holds messages, under every spelling of the field.
    """
    fields = [each for each in descriptor.fields if each.message_type and not is_free_form(each.message_type)]
    return {name: each.message_type for each in fields for name in {each.name, each.camelcase_name, each.json_name}}


@lru_cache(1024)
def holds_tags(descriptor: Descriptor) -> bool:
    """
    Whether a tag can be in such a message, however deep.
    """

    def holds(each: Descriptor) -> bool:
        return is_tag(each) or any(field.message_type and is_free_form(field.message_type) for field in each.fields)

    return any_below(descriptor, holds)


def any_below(descriptor: Descriptor, holds: Callable[[Descriptor], bool]) -> bool:
    """
    Whether it holds for the message, or for one that can be in it, however deep.
    """
    seen: set[str] = set()

    def looked(each: Descriptor) -> bool:
        if each.full_name in seen:
            return False
        seen.add(each.full_name)
        return holds(each) or any(looked(inner) for inner in inner_messages(each).values())

    return looked(descriptor)


def is_tag(descriptor: Descriptor) -> bool:
    """
    Whether the message is one tag, or about one.
    """
    return "key" in descriptor.fields_by_name and descriptor.name not in VALUES


def in_terms_of(descriptor: Descriptor, body: dict[str, Any]) -> dict[str, Any]:
    """
    The body's own level under the fields' names; refuses a field that is spelled in two ways.
    """
    found: dict[str, Any] = {}
    for key, value in body.items():
        field = field_of(descriptor, key)
        if field is None:
            continue
        if field.name in found:
            raise Refused(400, f"The request's body names {field.name!r} in two spellings.")
        found[field.name] = value
    return found


def refuse_two_spellings(descriptor: Descriptor, body: dict[str, Any]) -> None:
    """
    Refuses a field that is spelled in two ways, anywhere in the body.
    """
    for message, value in nested(descriptor, body):
        if not value.keys() <= plain_names(message):
            in_terms_of(message, value)


def nested(
    descriptor: Descriptor, body: dict[str, Any], *, among: Callable[[Descriptor], bool] = lambda _: True
) -> Iterator[tuple[Descriptor, dict[str, Any]]]:
    """
    Every object of the body that MLflow parses as a message, with the message's descriptor; the body itself first.

    Messages that are not `among` the wanted are passed by, with all that is in them.
    """
    yield descriptor, body
    inner = inner_messages(descriptor)
    for key in body.keys() & inner.keys():
        message, value = inner[key], body[key]
        if not among(message):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from nested(message, item, among=among)


def is_free_form(descriptor: Descriptor) -> bool:
    """
    Whether the keys below are the caller's own words.
    """
    return bool(descriptor.GetOptions().map_entry) or descriptor.full_name.startswith("google.protobuf.")


@dataclass(frozen=True, slots=True)
class Tag:
    """
    One tag that a body sets or names, wherever in it; `put` replaces its value.
    """

    key: str
    put: Callable[[str], None]


def tags_in(descriptor: Descriptor, body: dict[str, Any]) -> Iterator[Tag]:
    """
    Every tag and every line of metadata: in lists of key and value, in maps, and in messages that are about one tag.
    """
    for message, value in nested(descriptor, body, among=holds_tags):
        if isinstance(value.get("key"), str) and is_tag(message):
            yield Tag(value["key"], lambda new, at=value: at.__setitem__("value", new))  # type: ignore[misc]
        for name, inner in value.items():
            field = field_of(message, name)
            if (
                isinstance(inner, dict)
                and field is not None
                and field.message_type
                and is_free_form(field.message_type)
            ):
                for key in inner:
                    yield Tag(key, lambda new, at=inner, name=key: at.__setitem__(name, new))  # type: ignore[misc]
